package automate

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// The events looked at to try a workflow on.
const (
	maxExamples = 12 // conversations offered
	maxTried    = 30 // events of one conversation
)

// try says what the workflow, as it is written, would do on one real event: the
// one chosen or, without a choice, the latest that its When lets pass. Limits
// and workflows before it in the order are not looked at.
func (e *editor) try() error {
	t := &e.page.Try
	t.Typed = strings.TrimPrefix(strings.TrimSpace(e.view.On), "#")
	kind := e.definition.When.Event
	if !slices.Contains(workflow.Events(), kind) {
		return nil
	}
	if e.definition.When.ByHand() || e.definition.When.Scheduled() {
		kind = postroom.MessageReceived // as if somebody ran it now, on a conversation
	}
	examples, err := e.examples(kind)
	if err != nil {
		return err
	}
	for _, x := range examples {
		t.Examples = append(t.Examples, query.Choice{Value: decimal(x.Number), Text: x.Subject})
	}
	c, event, err := e.chosen(kind, examples)
	if err != nil || e.page.Errors["on"] != "" {
		return err
	}
	switch {
	case event == nil:
	case e.definition.When.ByHand():
		event = e.startedNow(c)
	case e.definition.When.Scheduled():
		event = e.dueNow(c)
	}
	if e.called, err = callees(e.ctx, e.read, e.version); err != nil {
		return err
	}
	var all []postroom.Event
	if c != nil {
		if all, err = e.moments(c); err != nil {
			return err
		}
		if e.view.Moment != "" {
			if event = e.momentOf(c, all); event == nil {
				return nil
			}
		}
	}
	asked := event
	if event != nil && e.version != nil && e.version.Timed() && e.version.Listens(event) {
		due, err := e.due(event, all)
		if err != nil {
			return err
		}
		if due != nil {
			asked = due
		}
	}
	s, err := e.stage(c, asked)
	if err != nil {
		return err
	}
	if c != nil {
		t.Number, t.Subject = c.Number, c.Subject
	}
	if event != nil {
		t.At = event.At
		t.Event = workflow.EventWords(event, e.name)
		if err := e.judge(asked, c); err != nil {
			return err
		}
	}
	return e.steps(s, asked, all)
}

// examples lists conversations on which such an event happened lately, each
// once.
func (e *editor) examples(kind postroom.EventKind) ([]store.EventExample, error) {
	all, err := e.read.EventExamples(e.ctx, kind, 10*maxExamples)
	if err != nil {
		return nil, err
	}
	var out []store.EventExample
	for _, x := range all {
		if len(out) < maxExamples && postroom.Can(e.by, postroom.See, x.MailboxID) &&
			!slices.ContainsFunc(out, func(y store.EventExample) bool { return y.ConversationID == x.ConversationID }) {
			out = append(out, x)
		}
	}
	return out, nil
}

// chosen finds the conversation and its latest event of the kind that the When
// lets pass, or the latest of the kind; nil where there is none.
func (e *editor) chosen(kind postroom.EventKind, examples []store.EventExample) (*postroom.Conversation, *postroom.Event, error) {
	if e.page.Try.Typed == "" {
		return e.proposed(kind, examples)
	}
	number, err := strconv.ParseInt(e.page.Try.Typed, 10, 64)
	if err != nil || number < 1 {
		e.page.Errors["on"] = "Write the number of a conversation, such as 12, or nothing."
		return nil, nil, nil
	}
	c, err := e.read.ConversationByNumber(e.ctx, number)
	if postroom.CodeOf(err) == postroom.NotFound || err == nil && !postroom.Can(e.by, postroom.See, c.MailboxID) {
		e.page.Errors["on"] = fmt.Sprintf("There is no conversation %d.", number)
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	event, _, err := e.fitting(kind, c.ID)
	return c, event, err
}

// proposed takes the first example that the When lets pass, else the first.
func (e *editor) proposed(kind postroom.EventKind, examples []store.EventExample) (*postroom.Conversation, *postroom.Event, error) {
	var event *postroom.Event
	for _, x := range examples {
		found, fits, err := e.fitting(kind, x.ConversationID)
		if err != nil {
			return nil, nil, err
		}
		if event == nil || fits {
			event = found
		}
		if fits {
			break
		}
	}
	if event == nil {
		return nil, nil, nil
	}
	c, err := e.read.Conversation(e.ctx, event.ConversationID)
	return c, event, err
}

// fitting finds the latest event of a conversation that the When lets pass, or
// else the latest of the kind.
func (e *editor) fitting(kind postroom.EventKind, conversation int64) (event *postroom.Event, fits bool, err error) {
	events, err := e.read.EventsOfKind(e.ctx, conversation, kind, maxTried)
	if err != nil || len(events) == 0 {
		return nil, false, err
	}
	for i := range events {
		if e.version == nil || e.version.Listens(&events[i]) {
			return &events[i], true, nil
		}
	}
	return &events[0], false, nil
}

// startedNow is the event that would come of running the workflow by hand now.
func (e *editor) startedNow(c *postroom.Conversation) *postroom.Event {
	now := e.w.store.Now()
	return &postroom.Event{ConversationID: c.ID, Kind: postroom.WorkflowStarted, Actor: postroom.Actor{Kind: postroom.ByAgent, ID: e.by.ID}, Path: postroom.PathMenu,
		Payload: postroom.Payload{WorkflowID: e.x.id, Number: e.trialNumber()}, After: c.Facts(), At: now, FinalAt: now}
}

// stage is what texts are rendered for.
func (e *editor) stage(c *postroom.Conversation, event *postroom.Event) (*scene, error) {
	name := e.page.Name
	if c == nil {
		return e.w.invented(name), nil
	}
	return e.w.sceneOf(e.ctx, e.by, name, e.definition.When, c, event)
}

// judge asks the pure judge about the one event.
func (e *editor) judge(event *postroom.Event, c *postroom.Conversation) error {
	t := &e.page.Try
	if e.version == nil {
		t.Reason = "It is not complete yet. What its conditions say is shown here as soon as it is."
		return nil
	}
	facts, err := e.facts(event, c)
	if err != nil {
		return err
	}
	all, _ := workflow.Explain(trialSet(e.version, e.called, event), event, facts, workflow.Inputs{}, e.name)
	i := slices.IndexFunc(all, func(x workflow.Explanation) bool { return x.WorkflowID == e.x.id && x.Level == 0 })
	if i < 0 {
		return nil
	}
	x := all[i]
	for _, called := range all[i+1:] {
		if called.Level == 0 {
			break // one that listens for the same itself
		}
		e.judged = append(e.judged, called)
	}
	t.Reason, t.Change = x.Reason, x.SmallestChange
	switch x.Verdict {
	case workflow.Matched:
		t.Verdict, t.Reason = "matched", ""
	case workflow.Undecided:
		t.Verdict = "unknown"
	default:
		t.Verdict = "not matched"
	}
	for _, check := range x.Edge {
		t.Conditions = append(t.Conditions, query.WhyCondition{Fact: check.Text, Expected: check.Expected, Actual: check.Actual, Verdict: check.Truth.String()})
	}
	if x.Conditions != nil {
		t.Conditions = query.WhyConditions(t.Conditions, *x.Conditions)
	}
	return nil
}

// facts reads what the conditions look at.
func (e *editor) facts(event *postroom.Event, c *postroom.Conversation) (workflow.Facts, error) {
	needs := e.version.Needs()
	for _, en := range e.called {
		needs = needs.Or(en.Version.Needs())
	}
	r, err := e.w.record(e.ctx, e.read, event, c, needs)
	return workflow.NewFacts(r), err
}

// record gathers what facts of an event are read from, as far as it is needed.
func (w *Workflows) record(ctx context.Context, read store.Read, event *postroom.Event, c *postroom.Conversation, needs workflow.Needs) (workflow.Record, error) {
	r := workflow.Record{Event: event, Subject: &c.Subject}
	if id := event.After.CustomerID; needs.Customer && id != 0 {
		customer, err := read.Customer(ctx, id)
		if err != nil && postroom.CodeOf(err) != postroom.NotFound {
			return r, err
		}
		r.Customer = customer
	}
	if id := workflow.FormerCustomer(event); needs.Former && id != 0 {
		former, err := read.Customer(ctx, id)
		if err != nil && postroom.CodeOf(err) != postroom.NotFound {
			return r, err
		}
		r.Former = former
	}
	if needs.Texts {
		var err error
		if r.Texts, err = read.FieldTexts(ctx, event.After.Fields); err != nil {
			return r, err
		}
	}
	if id := event.Payload.MailID; needs.Mail && id != 0 {
		mail, err := read.Mail(ctx, id)
		if err != nil && postroom.CodeOf(err) != postroom.NotFound {
			return r, err
		}
		r.Mail = mail
	}
	if id := event.Payload.RatingID; needs.Rating && id != 0 {
		rating, err := read.Rating(ctx, id)
		if err != nil && postroom.CodeOf(err) != postroom.NotFound {
			return r, err
		}
		r.Rating = rating
	}
	if needs.Root && event.Root != event.ID {
		root, err := read.Event(ctx, event.Root)
		if err == nil {
			root, _, err = read.Chain(ctx, root)
		}
		if err != nil && postroom.CodeOf(err) != postroom.NotFound {
			return r, err
		}
		r.Root = &root
	}
	if needs.Office {
		var err error
		if r.Office, err = officeNow(ctx, read, event.After.MailboxID); err != nil {
			return r, err
		}
	}
	if !needs.Message && !needs.Headers {
		return r, nil
	}
	id := event.Payload.MessageID
	if id == 0 && event.Kind == postroom.ConversationCreated {
		act, err := read.ActEvents(ctx, event.ConversationID, event.ActID)
		if err != nil {
			return r, err
		}
		if i := slices.IndexFunc(act, func(x postroom.Event) bool { return x.Payload.MessageID != 0 }); i >= 0 {
			id = act[i].Payload.MessageID
		}
	}
	if id == 0 {
		return r, nil
	}
	m, err := read.MessageAsWritten(ctx, id)
	if err != nil {
		return r, err
	}
	r.Message = m
	if m.InboundID != 0 && needs.Headers && w.headers != nil {
		r.Headers = w.headers(ctx, m.InboundID)
	}
	return r, nil
}

func (e *editor) rendered(t trying, tried *query.EditorTried, wish workflow.Wish, a workflow.Action) (err error) {
	switch a.Do {
	case workflow.DoNote, workflow.DoForward:
		tried.Words = wish.Text
	case workflow.DoWebhook:
		var call postroom.WebhookCall
		call, err = e.w.callOf(e.ctx, t.scene, t.id, wish, e.name)
		tried.Words, tried.Code = callText(call), true
	case workflow.DoField:
		tried.Words = wish.Value
	case workflow.DoSubject:
		tried.Words = wish.Subject
	case workflow.DoMail:
		tried.Words = strings.TrimSpace(wish.Subject + "\n\n" + wish.Text + wish.HTML)
	case workflow.DoReply:
		tried.Mail = &query.WorkflowSample{Number: e.page.Try.Number}
		*tried.Mail, err = e.w.sample(t.scene, wish, *tried.Mail)
	}
	return err
}
