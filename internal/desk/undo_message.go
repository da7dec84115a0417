package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"postroom"
)

// message turns the published message into the draft it was.
func (u *undoing) message(ctx context.Context) error {
	if u.act.MessageID == 0 {
		return nil
	}
	m, err := u.tx.Message(ctx, u.act.MessageID)
	if err != nil {
		return err
	}
	if err := u.tx.HideMessage(ctx, m.ID); err != nil {
		return err
	}
	draft := &postroom.Draft{ID: u.ids[0], ConversationID: u.c.ID, AgentID: u.act.Actor.ID, Kind: m.Kind,
		To: m.To, Cc: m.Cc, Bcc: m.Bcc, SeenSeq: u.c.Seq, UpdatedAt: u.now}
	ids := u.ids[1:]
	html, all := m.HTML, m.Attachments
	// A new text that was begun is what the author wants it to say.
	begun, err := u.tx.EditDraft(ctx, m.ID)
	if err != nil {
		return err
	}
	if begun != nil {
		html, all = begun.HTML, slices.Concat(all, begun.Attachments)
		if err := u.tx.DeleteEditDraft(ctx, m.ID); err != nil {
			return err
		}
	}
	// Pictures that only a former text shows stay with that one.
	files := slices.DeleteFunc(all, func(f postroom.Attachment) bool {
		return f.Inline && !postroom.Shows(html, f) && !strings.Contains(html, attachmentURL(f.ID))
	})
	if len(files) > len(ids) {
		return fmt.Errorf("undo: %d attachments", len(files))
	}
	draft.HTML = html
	for i, f := range files {
		if !f.Inline {
			continue
		}
		draft.HTML = strings.ReplaceAll(draft.HTML, attachmentURL(f.ID), attachmentURL(ids[i]))
		if f.ContentID != "" {
			draft.HTML = pictureURLs(draft.HTML, f, ids[i])
		}
	}
	// What the author typed meanwhile is theirs too: it is kept, below.
	drafts, err := u.tx.DraftsOf(ctx, u.c.ID, u.act.Actor.ID)
	if err != nil {
		return err
	}
	for _, other := range drafts {
		if other.Kind == m.Kind {
			draft.HTML += "<p></p>" + other.HTML
		}
	}
	if err := u.tx.SaveDraft(ctx, draft); err != nil {
		return err
	}
	u.out.DraftID = draft.ID
	u.uncount(m)
	return u.tx.RestoreFiles(ctx, draft.ID, files, ids)
}

// uncount takes the message out of the conversation's counts. Times that a
// later message moved on stay as they are.
func (u *undoing) uncount(m *postroom.Message) {
	c, was := u.c, u.act.Before
	if m.Kind == postroom.Note {
		c.Notes--
		u.notes++
		return
	}
	c.Replies--
	u.replies++
	if c.LastAgentAt == u.act.At {
		c.LastAgentAt = was.LastAgentAt
	}
	if c.LastHumanAt == u.act.At {
		c.LastHumanAt = was.LastHumanAt
	}
}
