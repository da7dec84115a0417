package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"postroom"
)

const messageColumns = `id, conversation_id, seq, kind, author_kind, author_id, from_name, from_address, to_list, cc_list, bcc_list,
	subject, body_text, body_html, visible_text, visible_html, header, reference_list, class, no_auto, verified, unconfirmed, undone,
	inbound_id, run_id, at, date_header, notices, version, edited_at, edited_by, written_in, written_seq`

func scanMessage(row row) (*postroom.Message, error) {
	var m postroom.Message
	var to, cc, bcc, references, notices string
	err := row.Scan(&m.ID, &m.ConversationID, &m.Seq, &m.Kind, &m.Author.Kind, &m.Author.ID, &m.From.Name, &m.From.Address, &to, &cc, &bcc,
		&m.Subject, &m.Text, &m.HTML, &m.VisibleText, &m.VisibleHTML, &m.Header, &references, &m.Class, &m.NoAuto, &m.Verified, &m.Unconfirmed, &m.Undone,
		&m.InboundID, &m.RunID, &m.At, &m.Date, &notices, &m.Version, &m.EditedAt, &m.EditedBy, &m.WrittenIn, &m.WrittenSeq)
	for _, f := range []struct {
		text string
		v    any
	}{{to, &m.To}, {cc, &m.Cc}, {bcc, &m.Bcc}, {references, &m.References}, {notices, &m.Notices}} {
		if err == nil {
			err = fromJSON(f.text, f.v)
		}
	}
	return &m, err
}

const qInsertMessage = `insert into message (` + messageColumns + `)
	values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25,$26,$27,$28,$29,$30,$31,$32,$33)`

// InsertMessage stores a message with its attachments, which must have ids.
func (t *Tx) InsertMessage(ctx context.Context, m *postroom.Message) error {
	err := t.send(ctx, qInsertMessage, m.ID, m.ConversationID, m.Seq, m.Kind, m.Author.Kind, m.Author.ID, m.From.Name, m.From.Address,
		toJSON(m.To), toJSON(m.Cc), toJSON(m.Bcc), m.Subject, m.Text, m.HTML, m.VisibleText, m.VisibleHTML, m.Header, toJSON(m.References),
		m.Class, m.NoAuto, bit(m.Verified), bit(m.Unconfirmed), bit(m.Undone), m.InboundID, m.RunID, m.At, m.Date, toJSON(m.Notices),
		max(m.Version, 1), m.EditedAt, m.EditedBy, m.WrittenIn, m.WrittenSeq)
	if err != nil {
		return fmt.Errorf("insert message: %w", err)
	}
	for i, a := range m.Attachments {
		if err := t.insertAttachment(ctx, a, m.ID, 0, i); err != nil {
			return err
		}
	}
	return nil
}

const qMessage = `select ` + messageColumns + ` from message where id = $1`

// Message loads a message with its attachments.
func (r Read) Message(ctx context.Context, id int64) (*postroom.Message, error) {
	m, err := scanMessage(r.q.QueryRow(ctx, qMessage, id))
	if err != nil {
		return nil, missing(err, "There is no such message.")
	}
	m.Attachments, err = r.attachments(ctx, "message_id", id)
	return m, err
}

// Messages stand in the order of the events that published them. One that was
// written elsewhere stands behind the last event here before it, by its time.
const (
	inOrder  = `seq, case when written_in = 0 then 0 else 1 end, at, written_seq, id`
	fromLast = `seq desc, case when written_in = 0 then 0 else 1 end desc, at desc, written_seq desc, id desc`
)

const qMessages = `select ` + messageColumns + ` from message where conversation_id = $1 and undone = 0 order by ` + inOrder

// Messages loads the published messages of a conversation in order, without
// their attachments; see MessageAttachments.
func (r Read) Messages(ctx context.Context, conversation int64) ([]*postroom.Message, error) {
	var out []*postroom.Message
	err := each(ctx, r.q, qMessages, []any{conversation}, func(rows row) error {
		m, err := scanMessage(rows)
		out = append(out, m)
		return err
	})
	return out, err
}

const qLastReceived = `select ` + messageColumns + ` from message
	where conversation_id = $1 and kind = 'received' and undone = 0 order by ` + fromLast + ` limit 1`

// LastReceived loads the customer's latest message, nil if there is none.
func (r Read) LastReceived(ctx context.Context, conversation int64) (*postroom.Message, error) {
	m, err := scanMessage(r.q.QueryRow(ctx, qLastReceived, conversation))
	if postroom.CodeOf(missing(err, "")) == postroom.NotFound {
		return nil, nil
	}
	return m, err
}

const qLastReceivedThere = `select ` + messageColumns + ` from message
	where written_in = $1 and kind = 'received' and undone = 0 order by written_seq desc limit 1`

// LastReceivedThere loads the customer's latest message that was written in a
// conversation which was merged into another one since, nil if there is none.
func (r Read) LastReceivedThere(ctx context.Context, conversation int64) (*postroom.Message, error) {
	m, err := scanMessage(r.q.QueryRow(ctx, qLastReceivedThere, conversation))
	if postroom.CodeOf(missing(err, "")) == postroom.NotFound {
		return nil, nil
	}
	return m, err
}

const qLastConfirmed = `select ` + messageColumns + ` from message
	where conversation_id = $1 and kind = 'received' and undone = 0 and unconfirmed = 0 and from_address <> ''
	and class not in ('delivery_report', 'feedback_report')
	and seq > (select coalesce(max(e.seq), 0) from event e where e.conversation_id = $1 and e.kind = 'customer.changed' and e.state <> 'undone')
	order by ` + fromLast + ` limit 1`

// LastConfirmed loads the latest message from somebody who takes part in the
// conversation for certain and can be answered, nil if there is none. What came
// before the conversation was given to its customer does not count.
func (r Read) LastConfirmed(ctx context.Context, conversation int64) (*postroom.Message, error) {
	m, err := scanMessage(r.q.QueryRow(ctx, qLastConfirmed, conversation))
	if postroom.CodeOf(missing(err, "")) == postroom.NotFound {
		return nil, nil
	}
	return m, err
}

const qLastShown = `select ` + messageColumns + ` from message
	where conversation_id = $1 and kind <> 'note' and author_kind not in ('workflow', 'system') and undone = 0 order by ` + fromLast + ` limit 1`

// LastShown loads the message that lists show: the latest that is no note and
// that no machine of ours wrote, nil if there is none.
func (r Read) LastShown(ctx context.Context, conversation int64) (*postroom.Message, error) {
	m, err := scanMessage(r.q.QueryRow(ctx, qLastShown, conversation))
	if postroom.CodeOf(missing(err, "")) == postroom.NotFound {
		return nil, nil
	}
	return m, err
}

const qHasFiles = `select count(*) from message m join attachment a on a.message_id = m.id and a.message_id > 0 where m.conversation_id = $1 and m.undone = 0`

// HasFiles reports whether any message of a conversation has files.
func (r Read) HasFiles(ctx context.Context, conversation int64) (bool, error) {
	n := 0
	err := r.q.QueryRow(ctx, qHasFiles, conversation).Scan(&n)
	return n > 0, err
}

const qHideMessage = `update message set undone = 1 where id = $1 and undone = 0`

// HideMessage marks a message as undone.
func (t *Tx) HideMessage(ctx context.Context, id int64) error {
	return t.one(ctx, "undo message", qHideMessage, id)
}

const (
	qConfirmMessage     = `update message set unconfirmed = 0 where conversation_id = $1 and from_address = $2`
	qUnconfirmedMessage = `select max(id) from message where conversation_id = $1 and from_address = $2 and unconfirmed = 1`
)

// UnconfirmedBy returns the latest message of an address, in canonical form,
// that is still marked as by somebody new; 0 for none.
func (r Read) UnconfirmedBy(ctx context.Context, conversation int64, address string) (int64, error) {
	var id sql.NullInt64
	err := r.q.QueryRow(ctx, qUnconfirmedMessage, conversation, address).Scan(&id)
	return id.Int64, err
}

// ConfirmSender takes the mark "unverified new participant" from the messages
// of an address.
func (t *Tx) ConfirmSender(ctx context.Context, conversation int64, address string) error {
	_, err := t.exec(ctx, qConfirmMessage, conversation, address)
	return err
}

const attachmentColumns = `id, name, type, content_id, inline, size, sha256`

const qInsertAttachment = `insert into attachment (message_id, draft_id, position, ` + attachmentColumns + `)
	values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)`

func (t *Tx) insertAttachment(ctx context.Context, a postroom.Attachment, message, draft int64, position int) error {
	err := t.send(ctx, qInsertAttachment, message, draft, position, a.ID, a.Name, a.Type, a.ContentID, bit(a.Inline), a.Size, a.SHA256)
	if err != nil {
		return fmt.Errorf("insert attachment: %w", err)
	}
	return nil
}

func scanAttachment(row row, also ...any) (postroom.Attachment, error) {
	var a postroom.Attachment
	err := row.Scan(append([]any{&a.ID, &a.Name, &a.Type, &a.ContentID, &a.Inline, &a.Size, &a.SHA256}, also...)...)
	return a, err
}

func (r Read) attachments(ctx context.Context, column string, id int64) ([]postroom.Attachment, error) {
	var out []postroom.Attachment
	err := each(ctx, r.q, `select `+attachmentColumns+` from attachment where `+column+` = $1 and `+column+` > 0 order by position, id`, []any{id},
		func(rows row) error {
			a, err := scanAttachment(rows)
			out = append(out, a)
			return err
		})
	return out, err
}

const qConversationAttachments = `select a.id, a.name, a.type, a.content_id, a.inline, a.size, a.sha256, a.message_id
	from message m join attachment a on a.message_id = m.id
	where m.conversation_id = $1 and a.message_id > 0 order by a.message_id, a.position, a.id`

// MessageAttachments loads the attachments of all messages of a conversation,
// by message id.
func (r Read) MessageAttachments(ctx context.Context, conversation int64) (map[int64][]postroom.Attachment, error) {
	out := map[int64][]postroom.Attachment{}
	err := each(ctx, r.q, qConversationAttachments, []any{conversation}, func(rows row) error {
		var message int64
		a, err := scanAttachment(rows, &message)
		out[message] = append(out[message], a)
		return err
	})
	return out, err
}

const qAttachment = `select ` + attachmentColumns + `, message_id, draft_id from attachment where id = $1`

// Attachment loads an attachment and the message or draft it belongs to.
func (r Read) Attachment(ctx context.Context, id int64) (a postroom.Attachment, message, draft int64, err error) {
	a, err = scanAttachment(r.q.QueryRow(ctx, qAttachment, id), &message, &draft)
	return a, message, draft, missing(err, "There is no such attachment.")
}

const (
	qInsertRefs = `insert into message_ref (ref, conversation_id, mailbox_id, message_id, cited) values `
	qKeepRefs   = ` on conflict (ref, conversation_id) do update set
	message_id = case when message_ref.cited = 1 then excluded.message_id else message_ref.message_id end,
	cited = case when message_ref.cited = 1 then excluded.cited else 0 end`
)

// AddRefs stores the Message-ID of a message and, as cited, those it names,
// all in one statement. Ids are in canonical form.
func (t *Tx) AddRefs(ctx context.Context, c *postroom.Conversation, message int64, own string, cited []string) error {
	var args []any
	seen := map[string]bool{"": true}
	add := func(ref string, cited int) {
		if !seen[ref] {
			seen[ref] = true
			args = append(args, ref, c.ID, c.MailboxID, message, cited)
		}
	}
	add(own, 0)
	for _, ref := range cited {
		add(ref, 1)
	}
	if len(args) == 0 {
		return nil
	}
	return t.send(ctx, qInsertRefs+rowsOf(len(args)/5, 5)+qKeepRefs, args...)
}

// Ref is a conversation that knows a Message-ID.
type Ref struct {
	Ref            string
	ConversationID int64
	MailboxID      int64
	MessageID      int64
	Cited          bool
}

// Refs finds the conversations of a mailbox, or moved out of it, that know one
// of the ids, in the order of the ids; real messages before cited ones.
func (r Read) Refs(ctx context.Context, mailbox int64, ids []string) ([]Ref, error) {
	var out []Ref
	err := r.trip(ctx, []part{refPart(mailbox, ids)}, func(t tripRow) error {
		out = append(out, scanRef(t))
		return nil
	})
	sortRefs(out, ids)
	return out, err
}

func refPart(mailbox int64, ids []string) part {
	return part{kind: "ref", n: []string{"conversation_id", "mailbox_id", "message_id", "cited"}, s: []string{"ref"},
		from: `from message_ref where ref in (` + marks(len(ids)) + `) and (mailbox_id = ? or exists (select 1 from conversation_left l
			where l.conversation_id = message_ref.conversation_id and l.mailbox_id = ?))`, args: append(anys(ids), mailbox, mailbox)}
}

func scanRef(t tripRow) Ref {
	return Ref{Ref: t.s[0], ConversationID: t.n[0], MailboxID: t.n[1], MessageID: t.n[2], Cited: t.n[3] == 1}
}

// sortRefs puts refs into the order of the ids they were found by; of one id
// those of real messages come first, and then the older ones.
func sortRefs(refs []Ref, ids []string) {
	slices.SortFunc(refs, func(a, b Ref) int {
		if i, j := slices.Index(ids, a.Ref), slices.Index(ids, b.Ref); i != j {
			return i - j
		}
		return compare(int64(bit(a.Cited)), int64(bit(b.Cited)), "", "", a.MessageID, b.MessageID)
	})
}

// --- drafts

const draftColumns = `id, conversation_id, agent_id, kind, to_list, cc_list, bcc_list, body_html, revision, seen_seq, updated_at`

func scanDraft(row row) (*postroom.Draft, error) {
	var d postroom.Draft
	var to, cc, bcc string
	err := row.Scan(&d.ID, &d.ConversationID, &d.AgentID, &d.Kind, &to, &cc, &bcc, &d.HTML, &d.Revision, &d.SeenSeq, &d.UpdatedAt)
	for _, f := range []struct {
		text string
		v    *[]postroom.Address
	}{{to, &d.To}, {cc, &d.Cc}, {bcc, &d.Bcc}} {
		if err == nil {
			err = fromJSON(f.text, f.v)
		}
	}
	return &d, err
}

const qDraft = `select ` + draftColumns + ` from draft where id = $1`

// Draft loads a draft with its attachments.
func (r Read) Draft(ctx context.Context, id int64) (*postroom.Draft, error) {
	d, err := scanDraft(r.q.QueryRow(ctx, qDraft, id))
	if err != nil {
		return nil, missing(err, "This draft is gone; it was sent or thrown away in another window.")
	}
	d.Attachments, err = r.attachments(ctx, "draft_id", d.ID)
	return d, err
}

const qDraftsOf = `select ` + draftColumns + ` from draft where conversation_id = $1 and agent_id = $2 order by updated_at desc, id desc`

// DraftsOf loads an agent's drafts on a conversation with attachments, the
// latest first: at most one reply and one note.
func (r Read) DraftsOf(ctx context.Context, conversation, agent int64) ([]*postroom.Draft, error) {
	var out []*postroom.Draft
	err := each(ctx, r.q, qDraftsOf, []any{conversation, agent}, func(rows row) error {
		d, err := scanDraft(rows)
		out = append(out, d)
		return err
	})
	for _, d := range out {
		if err == nil {
			d.Attachments, err = r.attachments(ctx, "draft_id", d.ID)
		}
	}
	return out, err
}

const qSaveDraft = `insert into draft (` + draftColumns + `) values ($1,$2,$3,$4,$5,$6,$7,$8,1,$9,$10)
	on conflict (conversation_id, agent_id, kind) do update set to_list = excluded.to_list, cc_list = excluded.cc_list,
	bcc_list = excluded.bcc_list, body_html = excluded.body_html, revision = draft.revision + 1,
	seen_seq = excluded.seen_seq, updated_at = excluded.updated_at
	returning id, revision`

// SaveDraft stores a draft: the author's one of that kind on the conversation
// is made or overwritten, last write wins. It sets ID and Revision.
func (t *Tx) SaveDraft(ctx context.Context, d *postroom.Draft) error {
	return t.q.QueryRow(ctx, qSaveDraft, d.ID, d.ConversationID, d.AgentID, d.Kind, toJSON(d.To), toJSON(d.Cc), toJSON(d.Bcc),
		d.HTML, d.SeenSeq, d.UpdatedAt).Scan(&d.ID, &d.Revision)
}

// AttachToDraft stores an uploaded file with a draft.
func (t *Tx) AttachToDraft(ctx context.Context, draft int64, a postroom.Attachment) error {
	return t.insertAttachment(ctx, a, 0, draft, int(a.ID&0x7fffffff))
}

const qDetach = `delete from attachment where id = $1 and draft_id = $2 and message_id = 0`

// Detach takes a file from a draft.
func (t *Tx) Detach(ctx context.Context, draft, attachment int64) error {
	return t.one(ctx, "remove attachment", qDetach, attachment, draft)
}

const (
	qDeleteDraft            = `delete from draft where id = $1`
	qDeleteDraftAttachments = `delete from attachment where draft_id = $1 and draft_id > 0`
)

// DeleteDraft throws a draft and its files away; one that is gone is fine.
func (t *Tx) DeleteDraft(ctx context.Context, draft int64) error {
	if err := t.send(ctx, qDeleteDraftAttachments, draft); err != nil {
		return err
	}
	return t.send(ctx, qDeleteDraft, draft)
}

// RestoreFiles gives a draft its files back from an undone message; ids are the
// files' new ids, in their order.
func (t *Tx) RestoreFiles(ctx context.Context, draft int64, files []postroom.Attachment, ids []int64) error {
	for i, a := range files {
		a.ID = ids[i]
		if err := t.insertAttachment(ctx, a, 0, draft, i); err != nil {
			return err
		}
	}
	return nil
}
