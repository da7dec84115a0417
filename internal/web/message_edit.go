package web

import (
	"errors"
	"fmt"
	"strconv"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// editMessage is POST /messages/{id}/edit: the new text of an agent's own reply
// or note. Refused, its page comes back with what was typed.
func editMessage(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	id, number, err := q.messageOfForm()
	if err != nil {
		return err
	}
	e := desk.Edit{MessageID: id, HTML: markup(q.field("format"), q.Form.Get("body")), Version: q.begunFrom(), Path: q.path()}
	_, err = q.site.o.Desk.EditMessage(q.Context(), q.agent, e)
	switch {
	case err == nil:
		q.see(q.returnPath(conversationPath(number, query.Place{})) + "#message-" + strconv.FormatInt(id, 10))
		return nil
	case faults(err) == nil:
		return err
	}
	return q.editRefused(id, number, err)
}

// messageOfForm is the message of the URL and the number of its conversation.
func (q *request) messageOfForm() (id, number int64, err error) {
	if id, err = q.number("id"); err != nil {
		return 0, 0, err
	}
	number, err = q.site.o.Pages.MessageNumber(q.Context(), q.agent, id)
	return id, number, err
}

// begunFrom is the version that the form's text was begun from, or the newer
// one that its author was shown since.
func (q *request) begunFrom() int64 { return max(q.id("version"), q.id("over")) }

// editRefused answers with the message's form, what was typed still in it. What
// another window has changed meanwhile is shown beside it, and what was typed is
// kept as begun from there: saved once more it takes its place.
func (q *request) editRefused(id, number int64, refusal error) error {
	place := placeOfList(q.returnPath("/"))
	place.Path = conversationPath(number, place)
	p, err := q.conversation(query.ConversationAsk{Number: number, Edit: id}, place)
	if err != nil {
		return err
	}
	m := messageOf(p, id)
	if m == nil {
		return refusal
	}
	f := m.Edit
	if f == nil { // the words stay on the page even where nothing can be done with them
		f = &query.EditForm{Message: id, Mailed: m.Kind == string(postroom.Reply)}
		m.Edit, m.EditRefused = f, ""
	}
	f.Version, f.From, f.Errors = q.id("version"), q.id("from"), faults(refusal)
	f.Format, f.Body = orElse(q.field("format"), "text"), q.Form.Get("body")
	var e *postroom.Error
	if errors.As(refusal, &e) && e.Field == "stale" {
		f.Over = m.Version
		draft := &postroom.EditDraft{MessageID: id, HTML: markup(f.Format, f.Body), Base: m.Version}
		if err := q.site.o.Desk.SaveEditDraft(q.Context(), q.agent, draft); err != nil && faults(err) == nil {
			return err
		}
	}
	return q.html(422, view.Conversation(*p))
}

func messageOf(p *query.ConversationPage, id int64) *query.Message {
	for _, e := range p.Timeline {
		if e.Message != nil && e.Message.ID == id {
			return e.Message
		}
	}
	return nil
}

// saveEditDraft is POST /messages/{id}/edit/draft: it answers with the draft's
// id and revision.
func saveEditDraft(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	id, err := q.number("id")
	if err != nil {
		return err
	}
	draft := &postroom.EditDraft{MessageID: id, HTML: markup(q.field("format"), q.Form.Get("body")), Base: q.begunFrom()}
	if err := q.site.o.Desk.SaveEditDraft(q.Context(), q.agent, draft); err != nil {
		return err
	}
	q.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	q.w.Header().Set("Cache-Control", "no-store")
	_, err = fmt.Fprintf(q.w, "%d %d", draft.ID, draft.Revision)
	return ignoreGone(err)
}

// discardEdit is POST /messages/{id}/edit/discard.
func discardEdit(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	id, number, err := q.messageOfForm()
	if err != nil {
		return err
	}
	return q.told(q.site.o.Desk.DiscardEdit(q.Context(), q.agent, id), "", conversationPath(number, query.Place{}))
}
