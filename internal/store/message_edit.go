package store

import (
	"context"

	"postroom"
)

const (
	qEditMessage = `update message set body_text = $3, body_html = $4, visible_text = '', visible_html = '',
		version = $2 + 1, edited_at = $5, edited_by = $6 where id = $1 and version = $2 and undone = 0`
	qInsertFormerText = `insert into message_text (message_id, number, body_text, body_html, agent_id, at) values ($1,$2,$3,$4,$5,$6)`
	qFormerTexts      = `select number, body_text, body_html, agent_id, at from message_text where message_id = $1 order by number`
	qFirstText        = `select body_text, body_html from message_text where message_id = $1 and number = 1`
	qFinalAt          = `select coalesce(max(final_at), 0) from event where conversation_id = $1 and seq = $2`
)

// EditMessage stores the text that a message has now and keeps the former one.
// A message that was edited by somebody else meanwhile is a conflict.
func (t *Tx) EditMessage(ctx context.Context, m *postroom.Message, former postroom.FormerText) error {
	if err := t.one(ctx, "edit message", qEditMessage, m.ID, former.Number, m.Text, m.HTML, m.EditedAt, m.EditedBy); err != nil {
		return err
	}
	return t.send(ctx, qInsertFormerText, m.ID, former.Number, former.Text, former.HTML, former.AgentID, former.At)
}

// FormerTexts lists what a message said before it was edited, the first text
// first.
func (r Read) FormerTexts(ctx context.Context, message int64) ([]postroom.FormerText, error) {
	var out []postroom.FormerText
	err := each(ctx, r.q, qFormerTexts, []any{message}, func(rows row) error {
		var f postroom.FormerText
		err := rows.Scan(&f.Number, &f.Text, &f.HTML, &f.AgentID, &f.At)
		out = append(out, f)
		return err
	})
	return out, err
}

// MessageAsWritten loads a message as it was when its event was recorded: an
// edit changes nothing that workflows are told of.
func (r Read) MessageAsWritten(ctx context.Context, id int64) (*postroom.Message, error) {
	m, err := r.Message(ctx, id)
	if err != nil || m.Version < 2 {
		return m, err
	}
	var first postroom.FormerText
	if err := r.q.QueryRow(ctx, qFirstText, id).Scan(&first.Text, &first.HTML); err != nil {
		return nil, missing(err, "The first text of this message is gone.")
	}
	return m.AsWritten(first), nil
}

// FinalAt returns when the undo window of what a conversation's event is part
// of ends or ended.
func (r Read) FinalAt(ctx context.Context, conversation, seq int64) (at int64, err error) {
	err = r.q.QueryRow(ctx, qFinalAt, conversation, seq).Scan(&at)
	return at, err
}

const editDraftColumns = `id, conversation_id, message_id, agent_id, body_html, base, revision, updated_at`

const (
	qEditDraft     = `select ` + editDraftColumns + ` from edit_draft where message_id = $1`
	qSaveEditDraft = `insert into edit_draft (id, conversation_id, message_id, agent_id, body_html, base, updated_at) values ($1,$2,$3,$4,$5,$6,$7)
		on conflict (message_id) do update set body_html = excluded.body_html, base = excluded.base,
		revision = edit_draft.revision + 1, updated_at = excluded.updated_at returning id, revision`
	qDeleteEditDraft      = `delete from edit_draft where message_id = $1`
	qDeleteEditDraftFiles = `delete from attachment where draft_id > 0 and draft_id in (select id from edit_draft where message_id = $1)`
	qTakeEditFile         = `update attachment set message_id = $3, draft_id = 0, inline = 1, content_id = $4, position = $5
		where id = $1 and draft_id = $2 and message_id = 0`
)

// EditDraft loads the new text of a message that is being written, with its
// pictures; nil if there is none.
func (r Read) EditDraft(ctx context.Context, message int64) (*postroom.EditDraft, error) {
	var d postroom.EditDraft
	err := r.q.QueryRow(ctx, qEditDraft, message).Scan(&d.ID, &d.ConversationID, &d.MessageID, &d.AgentID, &d.HTML, &d.Base, &d.Revision, &d.UpdatedAt)
	if postroom.CodeOf(missing(err, "")) == postroom.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d.Attachments, err = r.attachments(ctx, "draft_id", d.ID)
	return &d, err
}

// SaveEditDraft stores it: the message's one is made or overwritten, last write
// wins. It sets ID and Revision.
func (t *Tx) SaveEditDraft(ctx context.Context, d *postroom.EditDraft) error {
	return t.q.QueryRow(ctx, qSaveEditDraft, d.ID, d.ConversationID, d.MessageID, d.AgentID, d.HTML, d.Base, d.UpdatedAt).Scan(&d.ID, &d.Revision)
}

// DeleteEditDraft throws it away with its pictures; one that is gone is fine.
func (t *Tx) DeleteEditDraft(ctx context.Context, message int64) error {
	if err := t.send(ctx, qDeleteEditDraftFiles, message); err != nil {
		return err
	}
	return t.send(ctx, qDeleteEditDraft, message)
}

// TakeEditFile gives a picture of a message's edit draft to the message itself.
func (t *Tx) TakeEditFile(ctx context.Context, draft, message int64, a postroom.Attachment, position int) error {
	return t.one(ctx, "take picture", qTakeEditFile, a.ID, draft, message, a.ContentID, position)
}
