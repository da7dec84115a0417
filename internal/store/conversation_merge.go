package store

import (
	"context"
	"fmt"
	"slices"

	"postroom"
)

// Carried is what went from a conversation into the one it was merged into, by
// id, and who takes part there because of it, by address.
type Carried struct {
	Messages []int64  `json:"messages,omitempty"`
	Drafts   []int64  `json:"drafts,omitempty"`
	People   []string `json:"people,omitempty"`
	Marked   []int64  `json:"marked,omitempty"` // messages shown as by somebody new since
}

func (c Carried) text() string {
	if len(c.Messages)+len(c.Drafts)+len(c.People)+len(c.Marked) == 0 {
		return ""
	}
	return toJSON(c)
}

// mergedTree are the conversations that went into one, by whatever detour, and
// that one.
const mergedTree = `with recursive part(id) as (select cast($1 as bigint) union select c.id from conversation c join part p on c.merged_into = p.id and c.merged_into > 0)`

const (
	qMergedInto = `select merged_into from conversation where id = $1`
	qMergedTree = mergedTree + ` select id from part where id <> $1 order by id`
	qOpenInTree = mergedTree + ` select (select count(*) from mail where conversation_id in (select id from part) and ended = 0) +
		(select count(*) from event where conversation_id in (select id from part) and state = 'pending')`

	// The place of a message that was written elsewhere: behind the last event
	// that happened there before it.
	placeOfWritten = `coalesce((select max(e.seq) from event e where e.conversation_id = $2 and e.at <= message.at), 0)`

	qCarriedMessages = `select id from message where conversation_id = $1 order by id`
	qCarryMessages   = `update message set conversation_id = $2,
		seq = case when written_in = $2 then written_seq else ` + placeOfWritten + ` end,
		written_seq = case when written_in = $2 then 0 when written_in = 0 then seq else written_seq end,
		written_in = case when written_in = $2 then 0 when written_in = 0 then $1 else written_in end
		where conversation_id = $1`
	qCarryEdits = `update edit_draft set conversation_id = $2 where conversation_id = $1`
	qCarryDraft = `update draft set conversation_id = $2, seen_seq = 0 where id = $1`
	qCarryFiles = `update attachment set draft_id = $2 where draft_id = $1 and draft_id > 0`
	qDraftsToGo = `select ` + draftColumns + ` from draft where conversation_id = $1 order by id`
	qJoinDrafts = `update draft set body_html = $2, revision = revision + 1, updated_at = $3 where id = $1`

	carryBack = `update message set conversation_id = $2,
		seq = case when written_in = $2 then written_seq else ` + placeOfWritten + ` end,
		written_seq = case when written_in = $2 then 0 when written_in = 0 then seq else written_seq end,
		written_in = case when written_in = $2 then 0 when written_in = 0 then $1 else written_in end
		where conversation_id = $1 and id in (`
	editsBack  = `update edit_draft set conversation_id = $2 where conversation_id = $1 and message_id in (`
	qDraftBack = `update draft set conversation_id = $2, seen_seq = 0 where id = $1 and conversation_id = $3
		and not exists (select 1 from draft o where o.conversation_id = $2 and o.agent_id = draft.agent_id and o.kind = draft.kind)`
	qPartAgain = `delete from participant where conversation_id = $1 and address = $2`

	qStrangers = `select id from message where conversation_id = $1 and from_address = $2 and kind = 'received' and unconfirmed = 0 order by id`
	qMarkNew   = `update message set unconfirmed = 1 where conversation_id = $1 and from_address = $2 and kind = 'received'`
	qMarkKnown = `update message set unconfirmed = 0 where id = $1`

	qCountIn     = `update conversation set received = received + $2, replies = replies + $3, notes = notes + $4 where id = $1`
	qRefsToo     = `update message_ref set mailbox_id = $2 where conversation_id = $1`
	qPlaceInto   = `select coalesce(max(seq), 0) from event where conversation_id = $1 and at <= $2`
	qDraftOfKind = `select ` + draftColumns + ` from draft where conversation_id = $1 and agent_id = $2 and kind = $3`
)

// Standing returns what a conversation goes on as: itself, or the one it was
// merged into, and so on. It locks nothing.
func (r Read) Standing(ctx context.Context, id int64) (int64, error) {
	for range 1000 { // no cycle can arise: whatever was merged takes nothing in
		into := int64(0)
		if err := r.q.QueryRow(ctx, qMergedInto, id).Scan(&into); err != nil {
			return 0, missing(err, "There is no such conversation.")
		}
		if into == 0 {
			return id, nil
		}
		id = into
	}
	return 0, fmt.Errorf("conversation %d is merged in a circle", id)
}

// StandingConversation loads what a conversation goes on as; within a
// transaction it is locked, and no other on the way to it.
func (r Read) StandingConversation(ctx context.Context, id int64) (*postroom.Conversation, error) {
	for {
		standing, err := r.Standing(ctx, id)
		if err != nil {
			return nil, err
		}
		c, err := r.Conversation(ctx, standing)
		if err != nil || c.MergedInto == 0 {
			return c, err
		}
		id = c.MergedInto // merged between the two
	}
}

// MergedHere lists the conversations that were merged into one, also by way of
// others, in the order of their ids.
func (r Read) MergedHere(ctx context.Context, id int64) ([]int64, error) {
	return r.ids(ctx, qMergedTree, id)
}

// Carry takes what was said in a conversation, and the drafts in it, along into
// another one. Where an author has a draft of the same kind in both, the words of
// both stand in one, with all files: none is lost.
func (t *Tx) Carry(ctx context.Context, from, into *postroom.Conversation, at int64) (out Carried, err error) {
	if out.Messages, err = t.ids(ctx, qCarriedMessages, from.ID); err != nil {
		return out, err
	}
	if len(out.Messages) > 0 {
		if _, err := t.exec(ctx, qCarryMessages, from.ID, into.ID); err != nil {
			return out, fmt.Errorf("carry messages: %w", err)
		}
		if _, err := t.exec(ctx, qCarryEdits, from.ID, into.ID); err != nil {
			return out, err
		}
	}
	if out.Drafts, err = t.carryDrafts(ctx, from.ID, into.ID, at); err != nil {
		return out, err
	}
	if from.MailboxID != into.MailboxID { // what still cites its messages may come to either
		if _, err := t.exec(ctx, qLeave, from.ID, from.MailboxID, at); err != nil {
			return out, err
		}
		if _, err := t.exec(ctx, qRefsToo, from.ID, into.MailboxID); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (t *Tx) carryDrafts(ctx context.Context, from, into, at int64) (moved []int64, err error) {
	var drafts []*postroom.Draft
	err = each(ctx, t.q, qDraftsToGo, []any{from}, func(rows row) error {
		d, err := scanDraft(rows)
		drafts = append(drafts, d)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, d := range drafts {
		there, err := t.DraftOfKind(ctx, into, d.AgentID, d.Kind)
		switch {
		case err != nil:
			return nil, err
		case there == nil:
			if err := t.one(ctx, "carry a draft", qCarryDraft, d.ID, into); err != nil {
				return nil, err
			}
			moved = append(moved, d.ID)
			continue
		}
		if err := t.JoinDraft(ctx, there, d.HTML, at); err != nil {
			return nil, err
		}
		if _, err := t.exec(ctx, qCarryFiles, d.ID, there.ID); err != nil {
			return nil, err
		}
		if _, err := t.exec(ctx, qDeleteDraft, d.ID); err != nil {
			return nil, err
		}
	}
	return moved, nil
}

// DraftJoint stands between the parts of a draft that was two.
const DraftJoint = "<p></p>"

// JoinDraft writes further words below those of a draft.
func (t *Tx) JoinDraft(ctx context.Context, d *postroom.Draft, html string, at int64) error {
	return t.one(ctx, "join drafts", qJoinDrafts, d.ID, d.HTML+DraftJoint+html, at)
}

// DraftOfKind loads an agent's draft of a kind on a conversation without its
// files, nil if there is none.
func (r Read) DraftOfKind(ctx context.Context, conversation, agent int64, kind postroom.MessageKind) (*postroom.Draft, error) {
	d, err := scanDraft(r.q.QueryRow(ctx, qDraftOfKind, conversation, agent, kind))
	if postroom.CodeOf(missing(err, "")) == postroom.NotFound {
		return nil, nil
	}
	return d, err
}

// CarryBack puts back what Carry took along. A draft whose author has begun
// another one there meanwhile stays where it is.
func (t *Tx) CarryBack(ctx context.Context, from, into *postroom.Conversation, c Carried) error {
	for some := range slices.Chunk(c.Messages, 200) {
		in := list(3, len(some)) + `)`
		args := append([]any{into.ID, from.ID}, anys(some)...)
		if _, err := t.exec(ctx, carryBack+in, args...); err != nil {
			return fmt.Errorf("carry messages back: %w", err)
		}
		if _, err := t.exec(ctx, editsBack+in, args...); err != nil {
			return err
		}
	}
	for _, m := range c.Marked {
		if _, err := t.exec(ctx, qMarkKnown, m); err != nil {
			return err
		}
	}
	for _, d := range c.Drafts {
		if _, err := t.exec(ctx, qDraftBack, d, from.ID, into.ID); err != nil {
			return err
		}
	}
	for _, address := range c.People {
		if _, err := t.exec(ctx, qPartAgain, into.ID, address); err != nil {
			return err
		}
	}
	if from.MailboxID != into.MailboxID {
		if _, err := t.exec(ctx, qEnter, from.ID, from.MailboxID); err != nil {
			return err
		}
		if _, err := t.exec(ctx, qRefsToo, from.ID, from.MailboxID); err != nil {
			return err
		}
	}
	return nil
}

// PlaceAmong is the Seq under which a message of a time that was written
// elsewhere stands in a conversation.
func (r Read) PlaceAmong(ctx context.Context, conversation, at int64) (seq int64, err error) {
	err = r.q.QueryRow(ctx, qPlaceInto, conversation, at).Scan(&seq)
	return seq, err
}

// CountMessages adds to the counts of a conversation whose row the caller does
// not hold: what a workflow still says of one that was merged is read there.
func (t *Tx) CountMessages(ctx context.Context, conversation int64, received, replies, notes int) error {
	return t.one(ctx, "count messages", qCountIn, conversation, received, replies, notes)
}

// MarkStranger marks the messages of an address, in canonical form, as by
// somebody new to the conversation (T9), and returns those that were not.
func (t *Tx) MarkStranger(ctx context.Context, conversation int64, address string) ([]int64, error) {
	marked, err := t.ids(ctx, qStrangers, conversation, address)
	if err != nil || len(marked) == 0 {
		return nil, err
	}
	_, err = t.exec(ctx, qMarkNew, conversation, address)
	return marked, err
}
