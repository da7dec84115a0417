package automate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"postroom"
	"postroom/internal/query"
	"postroom/internal/template"
	"postroom/internal/workflow"
)

// TestCall makes a call that no row stands for, once, and says what came of it.
type TestCall func(context.Context, postroom.WebhookCall) (postroom.WebhookAttempt, error)

// stepWebhook draws up what a call asks for, with an empty row for one more
// header.
func (e *editor) stepWebhook(s *query.EditorStep, a workflow.Action) {
	h := query.EditorWebhook{URL: a.URL, Own: a.Text != "", Type: a.Type, CanCall: e.w.call != nil && e.page.MayPublish}
	if h.Type == "" {
		h.Type = "application/json"
	}
	h.Method = a.Method
	if h.Method == "" {
		h.Method = workflow.CallMethods[0]
	}
	h.NoBody = h.Method == "GET" || h.Method == "DELETE"
	for _, m := range workflow.CallMethods {
		h.Methods = append(h.Methods, query.Choice{Value: m, Text: m})
	}
	h.Sign = e.secretChoices(postroom.SecretSigning, a.Sign)
	rows := a.Headers
	if len(rows) < workflow.MaxHeaders {
		rows = append(slices.Clone(rows), workflow.Header{})
	}
	for i, row := range rows {
		h.Headers = append(h.Headers, query.EditorHeader{Place: fmt.Sprintf("%s.headers[%d]", s.Place, i), Name: row.Name, Value: row.Value,
			Secrets: e.secretChoices(postroom.SecretHeader, row.Secret), Secret: row.Secret != 0, More: i == len(a.Headers)})
	}
	s.Webhook = &h
}

// secretChoices lists the secrets of a kind; one that is chosen and gone stands
// at the end.
func (e *editor) secretChoices(kind string, chosen int64) []query.EditorChoice {
	out := e.choices(workflow.Question{Ref: workflow.RefSecret}, "", ids([]int64{chosen}))
	return slices.DeleteFunc(out, func(c query.EditorChoice) bool {
		return c.Value == "0" || !c.Chosen && !slices.ContainsFunc(e.secrets, func(s postroom.WebhookSecret) bool { return s.Kind == kind && decimal(s.ID) == c.Value })
	})
}

// callOf is the call that a wish would be.
func (w *Workflows) callOf(ctx context.Context, s *scene, id workflow.Identity, wish workflow.Wish, names workflow.Names) (postroom.WebhookCall, error) {
	call := postroom.WebhookCall{WorkflowID: id.WorkflowID, Method: wish.Method, URL: wish.URL, ContentType: wish.ContentType, Sign: wish.Sign, Body: wish.Text}
	for _, h := range wish.Headers {
		call.Headers = append(call.Headers, postroom.WebhookHeader(h))
	}
	if !wish.Event {
		return call, nil
	}
	f := workflow.CallFacts{Workflow: id, Event: s.event, Subject: s.conversation.Subject, Customer: s.customer, Mailbox: s.mailbox, Assignee: s.assignee, Names: names}
	if s.event.ID != 0 {
		r, err := w.record(ctx, w.store.Read(), s.event, s.conversation, workflow.Needs{Message: true})
		if err != nil {
			return call, err
		}
		f.Message = r.Message
	}
	texts, err := w.store.Read().FieldTextsByID(ctx, workflow.TextSides(s.event))
	if err != nil {
		return call, err
	}
	f.Texts = texts
	body, err := workflow.CallBody(f)
	call.Body = string(body)
	return call, err
}

// callText writes a call as people read it.
func callText(c postroom.WebhookCall) string {
	out := c.Method + " " + c.URL
	if c.Body == "" {
		return out
	}
	var b bytes.Buffer
	if json.Indent(&b, []byte(c.Body), "", "  ") != nil {
		b.Reset()
		b.WriteString(c.Body)
	}
	text := b.String()
	if len(text) > 6000 {
		text = strings.ToValidUTF8(text[:6000], "") + "…"
	}
	return out + "\n\n" + text
}

// TryCall makes the call of one action of a workflow as it is being written,
// really and once, about the event that the editor tries it on; place is that of
// the action ("then[0]"), on the number of a conversation or "". No row is made
// of it. What is wrong with the action is Invalid, with the field.
func (w *Workflows) TryCall(ctx context.Context, by *postroom.Agent, id int64, place, on string) (out query.EditorCall, err error) {
	x, err := w.mayWrite(ctx, w.store.Read(), by, id)
	if err == nil {
		err = may(ctx, w.store.Read(), by, postroom.PublishWorkflows, x.places()...) // it leaves the desk
	}
	if err != nil {
		return out, err
	}
	if w.call == nil {
		return out, postroom.Errorf(postroom.Unavailable, "Nothing leaves this desk: no webhook is called.")
	}
	e := &editor{w: w, ctx: ctx, read: w.store.Read(), by: by, x: x, view: EditorView{On: on}}
	e.page.Errors = query.FieldErrors{}
	if err := e.lookUp(); err != nil {
		return out, err
	}
	e.form()
	e.page.Try.Typed = strings.TrimPrefix(strings.TrimSpace(on), "#")
	i := slices.IndexFunc(e.definition.Then, func(a workflow.Action) bool { return a.Do == workflow.DoWebhook })
	for n := range e.definition.Then {
		if fmt.Sprintf("then[%d]", n) == place {
			i = n
		}
	}
	if i < 0 || e.definition.Then[i].Do != workflow.DoWebhook {
		return out, postroom.Errorf(postroom.Invalid, "That could not be done: the page was no longer as the workflow is.")
	}
	d := workflow.Definition{When: workflow.When{Event: postroom.MessageReceived}, Then: e.definition.Then[i : i+1]}
	v, err := workflow.Compile(d, workflow.Identity{WorkflowID: id, Number: x.version() + 1, Name: e.page.Name})
	if err != nil {
		return out, atPlace(err, place)
	}
	s, err := e.callScene()
	if err != nil {
		return out, err
	}
	wishes, err := workflow.Plan(v, s.options, s.value, e.name)
	if err != nil {
		return out, err
	}
	call, err := w.callOf(ctx, s, v.Identity, wishes[0], e.name)
	if err != nil {
		return out, err
	}
	a, err := w.call(ctx, call)
	if err != nil {
		return out, err
	}
	return query.EditorCall{Place: place, OK: a.Status >= 200 && a.Status < 300, Words: a.Words, Address: a.Address, Answer: a.Answer, More: a.More,
		Took: time.Duration(a.EndedAt-a.At) * time.Millisecond, Request: callText(call)}, nil
}

// callScene is the event that a call is tried with.
func (e *editor) callScene() (*scene, error) {
	kind := e.definition.When.Event
	if !slices.Contains(workflow.Events(), kind) {
		return e.w.invented(e.page.Name), nil
	}
	e.version, _ = workflow.Compile(workflow.Stored(e.definition), workflow.Identity{WorkflowID: e.x.id, Name: e.page.Name})
	examples, err := e.examples(kind)
	if err != nil {
		return nil, err
	}
	c, event, err := e.chosen(kind, examples)
	if err != nil {
		return nil, err
	}
	if words := e.page.Errors["on"]; words != "" {
		return nil, postroom.InvalidField("on", "%s", words)
	}
	return e.stage(c, event)
}

// atPlace puts the faults of an action that was compiled alone to where it stands.
func atPlace(err error, place string) error {
	all := workflow.FaultsOf(err)
	for i := range all {
		all[i].Path = strings.Replace(all[i].Path, "then[0]", place, 1)
	}
	if len(all) == 0 {
		return err
	}
	return &postroom.Error{Code: postroom.Invalid, Field: all[0].Path, Text: all[0].Text, Err: all}
}

// inventedEvent is an event out of the examples of the variables.
func inventedEvent(now int64) *postroom.Event {
	number := int64(1042)
	status, _ := template.Examples("conversation.status")
	return &postroom.Event{Kind: postroom.StatusChanged, Seq: 4, Actor: postroom.System, Path: postroom.PathMenu, At: now,
		Payload: postroom.Payload{From: string(postroom.Active), To: status}, After: postroom.Snapshot{Number: number, Status: postroom.Status(status), CreatedAt: now, Received: 1, Replies: 1}}
}
