package react

import (
	"context"
	"fmt"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/workflow"
)

// composeCall fills in what a webhook sends, before the transaction: a call is a
// row of its own from then on, and carries what was so at its event (W18).
func (l *leg) composeCall(ctx context.Context, w workflow.Wish) error {
	g := l.g
	id, err := g.r.Store.NewID(ctx)
	if err != nil {
		return err
	}
	e := g.event
	call := postroom.WebhookCall{ID: id, WorkflowID: l.version.WorkflowID, Version: l.version.Number, Position: w.Position,
		ConversationID: e.ConversationID, EventID: e.ID, EventSeq: e.Seq, State: postroom.WebhookWaiting, Method: w.Method, URL: w.URL, ContentType: w.ContentType, Sign: w.Sign, Body: w.Text}
	for _, h := range w.Headers {
		call.Headers = append(call.Headers, postroom.WebhookHeader(h))
	}
	if w.Event {
		body, err := g.callBody(l.version.Identity)
		if err != nil {
			return err
		}
		call.Body = string(body)
	}
	if g.r.Calls == nil {
		call.State, call.Words = postroom.WebhookHeld, wordsNothingLeaves
	}
	if l.calls == nil {
		l.calls = map[int]postroom.WebhookCall{}
	}
	l.calls[w.Position] = call
	return g.look.err
}

// wordsNothingLeaves says why a call is not made on a desk that is closed.
const wordsNothingLeaves = "Nothing leaves this desk: the call is kept here, and was not made."

// callBody writes the event of the judgement.
func (g *judgement) callBody(v workflow.Identity) ([]byte, error) {
	look, e := g.look, g.event
	f := workflow.CallFacts{Workflow: v, Event: e, Subject: look.Conversation().Subject, Customer: look.Customer(), Mailbox: look.Mailbox(e.After.MailboxID),
		Assignee: look.Agent(e.After.AssigneeID), Message: look.Message(e), Names: look.callName, Conversation: g.r.pageOf(look.Conversation())}
	texts, err := g.r.Store.Read().FieldTextsByID(look.ctx, workflow.TextSides(e))
	if err != nil {
		return nil, err
	}
	f.Texts = texts
	body, err := workflow.CallBody(f)
	if look.err != nil {
		return nil, look.err
	}
	return body, err
}

// callName puts an id into words for what a webhook sends.
func (l *lookups) callName(kind workflow.Ref, id int64) string {
	if kind != workflow.RefWorkflow {
		return l.name(kind, id)
	}
	w, err := l.r.Store.Read().Workflow(l.ctx, id)
	if err != nil && postroom.CodeOf(err) != postroom.NotFound {
		l.err = err
	}
	return w.Name
}

// pageOf is the address of a conversation's page, "" if nobody knows it.
func (r *React) pageOf(c *postroom.Conversation) string {
	if r.URL == nil || r.URL() == "" {
		return ""
	}
	return fmt.Sprintf("%s/conversations/%d", r.URL(), c.Number)
}

// call stores a call. It tells others what has happened, so that it is made also
// when the world has gone on since.
func (s *step) call(w workflow.Wish, e *postroom.Effect) error {
	call := s.leg.calls[w.Position]
	call.RunID, call.CreatedAt = s.run.ID, s.leg.g.r.Store.Now()
	if call.State == postroom.WebhookWaiting {
		call.DueAt = call.CreatedAt
		r := s.leg.g.r
		s.tx.OnCommit(func() { r.Desk.Wake(desk.WakeWebhook) })
	}
	e.CallID, e.Reason = call.ID, call.Words
	return s.tx.InsertCall(s.ctx, call)
}
