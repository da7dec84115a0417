package query

import (
	"context"
	"fmt"
	"slices"

	"postroom"
	"postroom/internal/email"
)

// edits adds to the messages of a page what is to be said of their texts: who
// may change them, the form in which one is changed, and the former ones.
func (d *Desk) edits(ctx context.Context, v *conversationView, p *ConversationPage, ask ConversationAsk, may bool) error {
	var err error
	var latest *Message
	for i := range p.Timeline {
		out := p.Timeline[i].Message
		if out == nil {
			continue
		}
		m := v.byID(out.ID)
		v.edited(m, out)
		refused := v.refused(m, may, p.Head)
		out.Editable = refused == ""
		if out.Editable {
			latest = out
		}
		out.Begun = out.Editable && v.begun(m.ID) != nil
		var former []postroom.FormerText
		if (ask.History == m.ID || ask.Edit == m.ID && ask.From > 0) && m.Version > 1 {
			if former, err = d.read().FormerTexts(ctx, m.ID); err != nil {
				return fmt.Errorf("read former texts: %w", err)
			}
		}
		switch {
		case ask.Edit == m.ID && out.Editable:
			out.Edit, out.Collapsed = v.editForm(m, former, ask.From), false
		case ask.Edit == m.ID:
			out.EditRefused = refused
		}
		if ask.History == m.ID && len(former) > 0 {
			out.History, out.Collapsed = v.history(m, former), false
		}
	}
	if latest != nil {
		latest.Latest = true
	}
	return nil
}

func (v *conversationView) byID(id int64) *postroom.Message {
	i := slices.IndexFunc(v.messages, func(m *postroom.Message) bool { return m.ID == id })
	return v.messages[i]
}

func (v *conversationView) begun(message int64) *postroom.EditDraft {
	i := slices.IndexFunc(v.rows.Edits, func(e *postroom.EditDraft) bool { return e.MessageID == message })
	if i < 0 {
		return nil
	}
	return v.rows.Edits[i]
}

// refused says why a message's text cannot be changed at this moment by the
// agent who looks, "" if it can.
func (v *conversationView) refused(m *postroom.Message, may bool, h Head) string {
	if err := m.Editable(v.agent); err != nil {
		return postroom.TextOf(err)
	}
	switch {
	case h.DeletedAt > 0:
		return fmt.Sprintf("Conversation %d is deleted. Restore it first.", h.Number)
	case !may:
		return "You may only read in this mailbox."
	case m.Kind == postroom.Reply && v.finalAt(m) > v.now:
		return "This reply has not left yet. Undo it: then you can change it and send it again."
	}
	return ""
}

// finalAt is when the undo window of a message ends or ended.
func (v *conversationView) finalAt(m *postroom.Message) int64 {
	for _, e := range v.rows.Events {
		if e.Seq == m.Seq && m.WrittenIn == 0 { // what was merged is final
			return e.FinalAt
		}
	}
	return 0
}

// edited says that a message was changed, and of a reply what its customer has.
func (v *conversationView) edited(m *postroom.Message, out *Message) {
	out.Version = max(m.Version, 1)
	if m.EditedAt == 0 {
		return
	}
	out.EditedAt = m.EditedAt
	if m.EditedBy != v.agent.ID {
		out.EditedBy = v.actor(postroom.Actor{Kind: postroom.ByAgent, ID: m.EditedBy})
	}
	if m.Kind != postroom.Reply {
		return
	}
	out.EditNote = "Changed after it was sent; the customer has the earlier text."
	for _, mail := range v.rows.Mails {
		if mail.MessageID != m.ID {
			continue
		}
		switch mail.State {
		case postroom.MailHeld, postroom.MailQueued, postroom.MailSending, postroom.MailDeferred:
			out.EditNote = "Changed after it was sent; its mail is still on its way, with the earlier text."
		case postroom.MailRefused, postroom.MailUndone, postroom.MailSkip, postroom.MailBlocked, postroom.MailKept:
			out.EditNote = "Changed after it was sent; its mail has not reached the customer."
		default:
			out.EditNote = "Changed after it was sent; the customer has the earlier text."
			return // whoever of them has it
		}
	}
}

// editForm is the form with what the author has typed so far, or with what the
// message says.
func (v *conversationView) editForm(m *postroom.Message, former []postroom.FormerText, from int64) *EditForm {
	files := v.rows.Files[m.ID]
	f := &EditForm{Message: m.ID, Version: max(m.Version, 1), Format: "html", Mailed: m.Kind == postroom.Reply}
	f.Body = composedHTML(m.Text, m.HTML)
	for _, x := range former {
		if x.Number == from {
			f.Body, f.From = composedHTML(x.Text, x.HTML), from
		}
	}
	if draft := v.begun(m.ID); draft != nil && f.From == 0 {
		files = slices.Concat(files, v.rows.DraftFiles[draft.ID])
		f.Body, f.Version, f.Revision, f.SavedAt = draft.HTML, draft.Base, draft.Revision, draft.UpdatedAt
		if draft.Base < m.Version {
			f.Now = m.Preview()
		}
	}
	f.Body = withPictures(f.Body, files)
	for _, a := range v.rows.Files[m.ID] {
		if !a.Inline {
			f.Files = append(f.Files, attachment(a))
		}
	}
	return f
}

func composedHTML(text, html string) string {
	if html == "" {
		return email.HTMLFromText(text)
	}
	return html
}

// history is every text of a message, the newest first, each with what changed
// since the one before.
func (v *conversationView) history(m *postroom.Message, former []postroom.FormerText) []Version {
	now := postroom.FormerText{Number: m.Version, Text: m.Text, HTML: m.HTML, AgentID: m.EditedBy, At: m.EditedAt}
	files := v.rows.Files[m.ID]
	var out []Version
	for i, t := range append(former, now) {
		x := Version{
			Number: t.Number, Author: v.actor(postroom.Actor{Kind: postroom.ByAgent, ID: t.AgentID}), Mine: t.AgentID == v.agent.ID, At: t.At,
			Current: t.Number == m.Version, First: i == 0,
		}
		if t.HTML != "" {
			x.HTML = ownHTML(t.HTML, files)
		} else {
			x.Text = t.Text
		}
		if i > 0 {
			before := former[i-1]
			x.Came, x.Went = pictureChanges(before.HTML, t.HTML, files)
			x.Changes = textChanges(before.Text, t.Text)
		}
		out = append(out, x)
	}
	slices.Reverse(out)
	return out
}

// pictureChanges counts the pictures that came and went between two texts.
func pictureChanges(before, after string, files []postroom.Attachment) (came, went int) {
	for _, f := range files {
		was, is := postroom.Shows(before, f), postroom.Shows(after, f)
		if is && !was {
			came++
		}
		if was && !is {
			went++
		}
	}
	return came, went
}

// MessageNumber returns the number of the conversation that a message stands
// in, if the agent may see it.
func (d *Desk) MessageNumber(ctx context.Context, a *postroom.Agent, id int64) (int64, error) {
	p, err := d.read().MessagePlace(ctx, id)
	if postroom.CodeOf(err) == postroom.NotFound || err == nil && maySee(a, p.MailboxID, p.AssigneeID) != nil {
		return 0, postroom.Errorf(postroom.NotFound, "There is no such message.")
	}
	return p.Number, err
}
