package query

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"postroom"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// WebhooksAsk says which part of the calls of webhooks is wanted.
type WebhooksAsk struct {
	State         string
	Workflow      int64
	After, Before string
}

// Webhooks reads the calls of webhooks; it is for admins.
func (d *Desk) Webhooks(ctx context.Context, a *postroom.Agent, q WebhooksAsk, place Place) (*WebhooksPage, error) {
	if err := mayManage(a); err != nil {
		return nil, err
	}
	if q.State != "" && !slices.Contains(postroom.WebhookStates, postroom.WebhookState(q.State)) {
		return nil, postroom.Errorf(postroom.NotFound, "No call is ever %q.", q.State)
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	p := &WebhooksPage{Shell: shell, State: q.State, Workflow: q.Workflow}
	ask := store.CallAsk{State: postroom.WebhookState(q.State), Workflow: q.Workflow, Limit: PageSize + 1}
	if ask.From, ask.Back, err = mailCursor(q.After, q.Before); err != nil {
		return nil, err
	}
	rows, err := d.read().Calls(ctx, ask)
	if err != nil {
		return nil, fmt.Errorf("read webhook calls: %w", err)
	}
	more := len(rows) > PageSize
	if more && ask.Back {
		rows = rows[1:]
	} else if more {
		rows = rows[:PageSize]
	}
	for _, c := range rows {
		p.Rows = append(p.Rows, webhookLine(c))
	}
	if n := len(rows); n > 0 {
		if ask.Back || more {
			p.Next = cursor(rows[n-1].CreatedAt, rows[n-1].ID)
		}
		if ask.Back && more || !ask.Back && ask.From != nil {
			p.Previous = cursor(rows[0].CreatedAt, rows[0].ID)
		}
	}
	counts, err := d.read().CallCounts(ctx)
	if err != nil {
		return nil, err
	}
	p.Counts = stateCounts(counts)
	for _, c := range counts {
		if c.State == string(postroom.WebhookHeld) {
			p.Held = c.N
		}
	}
	p.Workflows, err = d.callingWorkflows(ctx, q.Workflow)
	return p, err
}

// callingWorkflows lists the workflows that call webhooks, and the one asked for.
func (d *Desk) callingWorkflows(ctx context.Context, asked int64) ([]Choice, error) {
	rows, err := d.read().Workflows(ctx)
	if err != nil {
		return nil, err
	}
	var out []Choice
	for _, w := range rows {
		v, err := d.read().Version(ctx, w.ID, w.Version)
		if err != nil {
			return nil, err
		}
		def, _ := workflow.Decode([]byte(v.Definition))
		calls := slices.ContainsFunc(def.Then, func(a workflow.Action) bool { return a.Do == workflow.DoWebhook })
		if calls || w.ID == asked {
			out = append(out, Choice{Value: decimal(w.ID), Text: w.Name})
		}
	}
	return out, nil
}

func webhookLine(c store.LogCall) WebhookLine {
	return WebhookLine{ID: c.ID, State: string(c.State), Method: c.Method, URL: c.URL, Number: c.Number, WorkflowID: c.WorkflowID,
		Workflow: nameOr(c.Workflow, "a workflow that is gone"), At: c.CreatedAt, DueAt: c.DueAt, EndedAt: c.EndedAt, Attempts: c.Attempts, Words: c.Words}
}

// shownTries is how many attempts at a call are shown.
const shownTries = 50

// Webhook reads one call with its attempts; it is for admins.
func (d *Desk) Webhook(ctx context.Context, a *postroom.Agent, id int64, place Place) (*WebhookPage, error) {
	if err := mayManage(a); err != nil {
		return nil, err
	}
	c, err := d.read().Call(ctx, id)
	if err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	names, err := d.read().Names(ctx)
	if err != nil {
		return nil, err
	}
	name := func(kind workflow.Ref, id int64) string { return names[string(kind)][id] }
	p := &WebhookPage{Shell: shell, Name: "call_" + decimal(id), EventID: c.EventID, ContentType: c.ContentType, Body: onLines(c.Body),
		MayAgain: c.State != postroom.WebhookHeld, MayRelease: c.State == postroom.WebhookHeld}
	p.Call = webhookLine(store.LogCall{WebhookCall: c, Workflow: name(workflow.RefWorkflow, c.WorkflowID)})
	if on, err := d.read().Conversation(ctx, c.ConversationID); err == nil {
		p.Call.Number = on.Number
	} else if postroom.CodeOf(err) != postroom.NotFound {
		return nil, err
	}
	if e, err := d.read().Event(ctx, c.EventID); err == nil {
		p.Event = workflow.EventWords(&e, name)
	} else if postroom.CodeOf(err) != postroom.NotFound {
		return nil, err
	}
	for _, h := range c.Headers {
		value := h.Value
		if h.Secret != 0 {
			value = "the secret " + nameOr(name(workflow.RefSecret, h.Secret), "that is gone")
		}
		p.Headers = append(p.Headers, Choice{Value: h.Name, Text: value})
	}
	if c.Sign != 0 {
		p.Signed = nameOr(name(workflow.RefSecret, c.Sign), "a secret that is gone")
	}
	attempts, err := d.read().CallAttempts(ctx, id, shownTries)
	for i, x := range attempts {
		t := WebhookTry{Number: x.Number, At: x.At, Address: x.Address, Status: x.Status, OK: x.Status >= 200 && x.Status < 300, Words: x.Words, Answer: x.Answer, More: x.More}
		switch {
		case x.EndedAt != 0:
			t.Took = (time.Duration(x.EndedAt-x.At) * time.Millisecond).String()
		case i > 0 || c.State != postroom.WebhookWaiting:
			t.Words = "It was broken off: this program ended in the middle of it. Whether it arrived nobody knows; the next try has the same id."
		default:
			t.Words = "It is being made."
		}
		p.Attempts = append(p.Attempts, t)
	}
	return p, err
}

// onLines writes JSON for people; anything else stays as it is.
func onLines(body string) string {
	var b bytes.Buffer
	if !strings.HasPrefix(body, "{") && !strings.HasPrefix(body, "[") || json.Indent(&b, []byte(body), "", "  ") != nil {
		return body
	}
	return b.String()
}

// WebhookSecrets reads the page of secrets; it is for admins. Who uses them is
// not in it.
func (d *Desk) WebhookSecrets(ctx context.Context, a *postroom.Agent, place Place) (*WebhookSecretsPage, error) {
	if err := mayManage(a); err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	all, err := d.read().Secrets(ctx)
	if err != nil {
		return nil, err
	}
	names, err := d.read().Names(ctx)
	p := &WebhookSecretsPage{Shell: shell, Kind: postroom.SecretSigning}
	for _, s := range all {
		line := WebhookSecretLine{ID: s.ID, Name: s.Name, Kind: s.Kind, ChangedAt: s.ChangedAt, By: nameOr(names["agent"][s.AuthorID], "somebody")}
		if s.OldUntil > shell.Now {
			line.OldUntil = s.OldUntil
		}
		p.Rows = append(p.Rows, line)
	}
	return p, err
}
