package store

import (
	"context"
	"slices"

	"postroom"
)

const (
	qDeletedBefore = `select id, number from conversation where deleted_at > 0 and deleted_at <= $1 and id > $2 `
	qErasedBlobs   = `insert into erased_blob (sha256, at)
		select a.sha256, cast($2 as bigint) from attachment a join message m on m.id = a.message_id where m.conversation_id = $1 and a.message_id > 0
		union select a.sha256, cast($2 as bigint) from attachment a join draft d on d.id = a.draft_id where d.conversation_id = $1 and a.draft_id > 0
		union select a.sha256, cast($2 as bigint) from attachment a join edit_draft e on e.id = a.draft_id where e.conversation_id = $1 and a.draft_id > 0
		union select i.raw_sha256, cast($2 as bigint) from inbound i where i.conversation_id = $1 or i.about_id = $1
		union select x.sha256, cast($2 as bigint) from mail x where x.conversation_id = $1 and x.sha256 <> ''
		on conflict (sha256) do update set at = excluded.at`
)

// erasing deletes what belongs to a conversation, in the order that the
// references between the tables ask for.
var erasing = []string{
	`delete from alarm where kind in ('mail.failed', 'mail.uncertain', 'mail.delayed', 'mail.lost', 'mail.quarantined') and subject in (select cast(id as text) from mail where conversation_id = $1)`,
	`delete from alarm where kind = 'event.not_judged' and subject in (select cast(id as text) from event where conversation_id = $1)`,
	`delete from alarm where kind = 'breaker.open' and subject = 'brk:conv:' || cast(cast($1 as bigint) as text)`,
	`delete from mail_return where mail_id in (select id from mail where conversation_id = $1)`,
	`delete from mail_recipient where mail_id in (select id from mail where conversation_id = $1)`,
	`delete from attempt where mail_id in (select id from mail where conversation_id = $1)`,
	`delete from sent_errand where mail_id in (select id from mail where conversation_id = $1)`,
	`delete from notification where conversation_id = $1`,
	`delete from telling where conversation_id = $1`,
	`delete from mail where conversation_id = $1`,
	`delete from rating where conversation_id = $1`,
	`delete from webhook_attempt where call_id in (select id from webhook_call where conversation_id = $1)`,
	`delete from webhook_call where conversation_id = $1`,
	`delete from timer where conversation_id = $1`,
	`delete from promise_watch where conversation_id = $1`,
	`delete from run where conversation_id = $1`,
	`delete from event where conversation_id = $1`,
	`delete from act where conversation_id = $1`,
	`delete from attachment where draft_id > 0 and draft_id in (select id from draft where conversation_id = $1)`,
	`delete from draft where conversation_id = $1`,
	`delete from attachment where draft_id > 0 and draft_id in (select id from edit_draft where conversation_id = $1)`,
	`delete from edit_draft where conversation_id = $1`,
	`delete from attachment where message_id > 0 and message_id in (select id from message where conversation_id = $1)`,
	`delete from message_text where message_id in (select id from message where conversation_id = $1)`,
	`delete from message_ref where conversation_id = $1`,
	`delete from message where conversation_id = $1`,
	`delete from participant where conversation_id = $1`,
	`delete from conversation_tag where conversation_id = $1`,
	`delete from field_text where conversation_id = $1`,
	`delete from conversation_left where conversation_id = $1`,
	`delete from lane where kind in ('judge', 'wake') and id = $1`,
	// What is left of a received mail says that it was here, so that it is not
	// taken in again when a server hands it over once more (D1).
	`update inbound set subject = '', sender = '', envelope_from = '', envelope_to = '[]', remote = '', raw_sha256 = '', size = 0, evidence = '',
		words = 'Its conversation was erased.', conversation_id = 0, message_id = 0, about_id = 0 where conversation_id = $1 or about_id = $1`,
	`delete from backtest_line where conversation_id = $1`,
	`delete from conversation where id = $1`,
}

// DeletedConversation is a conversation among the deleted ones.
type DeletedConversation struct{ ID, Number int64 }

// DeletedConversations lists conversations that were deleted at a time or
// before, after one, in order of id; of some mailboxes, nil for all.
func (r Read) DeletedConversations(ctx context.Context, until, after int64, mailboxes []int64, limit int) ([]DeletedConversation, error) {
	in := ""
	args := []any{until, after, limit}
	if mailboxes != nil {
		in = "and mailbox_id in (" + list(4, max(len(mailboxes), 1)) + ") "
		args = append(args, anys(mailboxes)...)
		if len(mailboxes) == 0 {
			args = append(args, 0)
		}
	}
	var out []DeletedConversation
	err := each(ctx, r.q, qDeletedBefore+in+"order by id limit $3", args, func(rows row) error {
		var c DeletedConversation
		err := rows.Scan(&c.ID, &c.Number)
		out = append(out, c)
		return err
	})
	return out, err
}

// CountDeleted counts them.
func (r Read) CountDeleted(ctx context.Context, until int64, mailboxes []int64) (int, error) {
	all, err := r.DeletedConversations(ctx, until, 0, mailboxes, 1_000_000)
	return len(all), err
}

// OpenWork counts the mails of a conversation that have no end yet, and its
// events that are still to be judged, with those of what was merged into it.
func (r Read) OpenWork(ctx context.Context, conversation int64) (n int, err error) {
	err = r.q.QueryRow(ctx, qOpenInTree, conversation).Scan(&n)
	return n, err
}

// EraseConversation deletes a conversation, which is locked, for good, with all
// that belongs to it and all that was merged into it. Of its received mails the rows stay, empty, so that they
// are known as duplicates. Files nothing else may refer to are noted for
// ErasedBlobs.
func (t *Tx) EraseConversation(ctx context.Context, c *postroom.Conversation, now int64) error {
	merged, err := t.MergedHere(ctx, c.ID)
	if err != nil {
		return err
	}
	for _, id := range merged {
		part, err := t.Conversation(ctx, id)
		if err == nil {
			err = t.eraseAlone(ctx, part, now)
		}
		if err != nil {
			return err
		}
	}
	return t.eraseAlone(ctx, c, now)
}

func (t *Tx) eraseAlone(ctx context.Context, c *postroom.Conversation, now int64) error {
	if _, err := t.exec(ctx, qErasedBlobs, c.ID, now); err != nil {
		return err
	}
	for _, q := range erasing {
		if _, err := t.exec(ctx, q, c.ID); err != nil {
			return err
		}
	}
	t.count(c.MailboxID, c.Folder(), c.AssigneeID, -1)
	t.count(c.MailboxID, c.TeamFolder(), 0, -1)
	return nil
}

const (
	qErasedBefore = `select sha256 from erased_blob where at <= $1 order by at, sha256 limit $2`
	qForgetErased = `delete from erased_blob where sha256 = $1`
	qPutOffErased = `update erased_blob set at = $2 where sha256 = $1`
)

// ErasedBlobs lists files that erased conversations referred to until a time.
func (r Read) ErasedBlobs(ctx context.Context, until int64, limit int) ([]string, error) {
	return r.strings(ctx, qErasedBefore, until, limit)
}

// ForgetErasedBlob takes a file off that list.
func (t *Tx) ForgetErasedBlob(ctx context.Context, sha256 string) error {
	_, err := t.exec(ctx, qForgetErased, sha256)
	return err
}

// PutOffErasedBlob has a file on that list looked at later.
func (t *Tx) PutOffErasedBlob(ctx context.Context, sha256 string, at int64) error {
	_, err := t.exec(ctx, qPutOffErased, sha256, at)
	return err
}

// Referred returns those of some files that anything refers to. It looks
// through whole tables: for the night.
func (r Read) Referred(ctx context.Context, hashes []string) ([]string, error) {
	if len(hashes) == 0 {
		return nil, nil
	}
	in, args := " in ("+list(1, len(hashes))+")", anys(hashes)
	out, err := r.strings(ctx, `select sha256 from attachment where sha256`+in+` union select raw_sha256 from inbound where raw_sha256`+in+
		` union select sha256 from mail where sha256`+in, args...)
	slices.Sort(out)
	return out, err
}
