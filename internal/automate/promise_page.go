package automate

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/promise"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// promiseDays is over how many days the page counts.
const promiseDays = 30

// List reads the page of all promises, for admins. The page has no shell yet.
func (p *Promises) List(ctx context.Context, by *postroom.Agent) (out *query.PromisesPage, err error) {
	if err := manage(by); err != nil {
		return nil, err
	}
	defer postroom.Wrap(&err, "list promises")
	read := p.w.store.Read()
	rows, err := read.Promises(ctx)
	if err != nil {
		return nil, err
	}
	counts, err := p.counts(ctx, read)
	if err != nil {
		return nil, err
	}
	names, err := read.Names(ctx)
	if err != nil {
		return nil, err
	}
	out = &query.PromisesPage{Days: promiseDays}
	for _, row := range rows {
		d, fault, err := watched(ctx, read, row)
		if err != nil {
			return nil, err
		}
		line := promiseLine(row, d, counts[row.ID], func(kind workflow.Ref, id int64) string { return names[string(kind)][id] })
		line.Fault = fault
		out.Rows = append(out.Rows, line)
	}
	out.Deleted, err = p.deleted(ctx, read, func(kind workflow.Ref, id int64) string { return names[string(kind)][id] })
	return out, err
}

func (p *Promises) counts(ctx context.Context, read store.Read) (map[int64]store.PromiseCounts, error) {
	return read.PromiseCounts(ctx, p.w.store.Now()-promiseDays*24*60*60_000)
}

// watched reads what a promise says: the version that is watched or, before the
// first, its draft. fault says why it cannot be read.
func watched(ctx context.Context, read store.Read, row store.Promise) (d promise.Definition, fault string, err error) {
	text := row.Draft.Definition
	if row.Version > 0 {
		v, err := read.PromiseVersion(ctx, row.ID, row.Version)
		if err != nil {
			return d, "", err
		}
		text = v.Definition
	}
	if d, err = promise.Decode([]byte(text)); err != nil {
		return d, postroom.TextOf(err), nil
	}
	return d, "", nil
}

func promiseLine(row store.Promise, d promise.Definition, n store.PromiseCounts, names workflow.Names) query.PromiseLine {
	line := query.PromiseLine{ID: row.ID, Name: row.Name, Sentence: promise.Sentence(d, names), On: row.Enabled, Version: row.Version,
		Drafted: row.Version > 0 && row.Draft.Revision > 0, Shipped: slices.ContainsFunc(promise.Shipped(), func(s promise.ShippedPromise) bool { return s.Key == row.Key }),
		Kept: n.Kept, Explained: n.Explained, Broken: n.Broken, Waiting: n.Waiting, Late: n.Late, Unseen: n.Unseen}
	mailbox := row.MailboxID
	if row.Version == 0 {
		line.Name, mailbox = row.Draft.Name, row.Draft.MailboxID
	}
	if mailbox != 0 {
		if line.Mailbox = names(workflow.RefMailbox, mailbox); line.Mailbox == "" {
			line.Mailbox = "a mailbox that is gone"
		}
	}
	return line
}

// Editor reads the page of one promise, for admins: what is being written, and
// what came of it. The page has no shell yet.
func (p *Promises) Editor(ctx context.Context, by *postroom.Agent, id int64, v EditorView) (out *query.PromisePage, err error) {
	if err := manage(by); err != nil {
		return nil, err
	}
	defer postroom.Wrap(&err, "read promise %d", id)
	read := p.w.store.Read()
	row, err := promiseHere(ctx, read, id)
	if err != nil {
		return nil, err
	}
	said, fault, err := watched(ctx, read, row)
	if err != nil {
		return nil, err
	}
	d, x := said, &writing{id: id, name: row.Name, mailboxID: row.MailboxID}
	if draft := row.Draft; draft.Revision > 0 {
		x.name, x.mailboxID = draft.Name, draft.MailboxID
		if d, err = promise.Decode([]byte(draft.Definition)); err != nil {
			return nil, err
		}
	}
	e := &editor{w: p.w, ctx: ctx, read: read, by: by, x: x, view: v}
	if err := e.lookUp(); err != nil {
		return nil, err
	}
	if v.Form != nil {
		d, _ = promise.FromFields(workflow.Fields(v.Form))
	}
	out = &query.PromisePage{Days: promiseDays}
	counts, err := p.counts(ctx, read)
	if err != nil {
		return nil, err
	}
	out.Line = promiseLine(row, said, counts[id], e.name)
	out.Line.Fault = fault
	p.draw(e, out, row, d)
	if err := p.faults(e, out, d); err != nil {
		return nil, err
	}
	if row.Version > 0 && fault == "" {
		e.page.Changes = query.WorkflowChanges(promise.Changes(said, d, e.name))
	}
	out.Editor = e.page
	if out.Versions, err = p.versions(e, row); err != nil {
		return nil, err
	}
	return out, p.traces(e, out)
}

// draw draws up the controls: those of the When and the If are the workflow
// editor's own.
func (p *Promises) draw(e *editor, out *query.PromisePage, row store.Promise, d promise.Definition) {
	page := &e.page
	page.ID, page.Version, page.Name, page.Mailbox, page.On = row.ID, row.Version, e.x.name, decimal(e.x.mailboxID), row.Enabled
	if e.view.Form != nil {
		page.Name, page.Mailbox = e.view.Form.first(fieldName), e.view.Form.first(fieldMailbox)
	}
	if row.Draft.Revision > 0 {
		page.Revision, page.SavedAt, page.SavedBy = row.Draft.Revision, row.Draft.At, e.author(row.Draft.By)
	}
	page.Mailboxes = append([]query.Choice{{Value: "0", Text: "All mailboxes"}}, e.pickers[workflow.RefMailbox]...)
	if !slices.ContainsFunc(page.Mailboxes, func(c query.Choice) bool { return c.Value == page.Mailbox }) {
		page.Mailboxes = append(page.Mailboxes, query.Choice{Value: page.Mailbox, Text: "a mailbox that is gone"})
	}
	e.definition = workflow.Editable(workflow.Definition{When: d.When, If: d.If})
	page.Sentence = promise.Sentence(d, e.name)
	e.when()
	page.If = e.node(e.definition.If, "if", true, true)

	out.What, out.Times, out.Workflow, out.OfWorkflow = d.Expect.What(), string(d.Expect.Times), decimal(d.Expect.Workflow), d.Expect.Mail == promise.MailOfWorkflow
	out.Whats = []query.EditorEvent{
		{Value: promise.WhatWorkflow, Text: "A workflow's mail to the customer is accepted", Group: "Mail to the customer"},
		{Value: promise.WhatAnybody, Text: "Anybody's mail to the customer is accepted", Group: "Mail to the customer"},
	}
	out.Whats = append(out.Whats, page.Events...)
	out.Workflows = append([]query.Choice{{Value: "0", Text: "any workflow"}}, e.pickers[workflow.RefWorkflow]...)
	if !slices.ContainsFunc(out.Workflows, func(c query.Choice) bool { return c.Value == out.Workflow }) {
		out.Workflows = append(out.Workflows, query.Choice{Value: out.Workflow, Text: "a workflow that is gone"})
	}
	switch {
	case d.Expect.Event != nil:
		u := d.Expect.Event
		out.Filters = e.filters("expect", workflow.When{Event: u.Event, From: u.From, To: u.To, Actors: u.Actors, Paths: u.Paths})
		out.WhatDoc = workflow.EdgeOf(u.Event).Doc
	case d.Expect.Mail == promise.MailOfWorkflow:
		out.WhatDoc = "One that a workflow made because of this event. A workflow that did not match, a limit or what overtook it is a reason, and explains why there was none."
	case d.Expect.Mail == promise.MailOfAnybody:
		out.WhatDoc = "Any mail that is made after the event: an agent's reply or a workflow's."
	}
	f := d.Fields()
	out.Within, out.Unit = Form(f).first("within"), Form(f).first("within.unit")
	if out.Unit == "" {
		out.Unit = "m"
	}
}

// faults says what keeps it from being published.
func (p *Promises) faults(e *editor, out *query.PromisePage, d promise.Definition) error {
	page := &e.page
	page.Errors, page.Missing = query.FieldErrors{}, query.FieldErrors{}
	faults := promiseFaults(d)
	gone, err := missingInPromise(e.ctx, e.read, d)
	if err != nil {
		return err
	}
	if page.Name == "" {
		faults = append(workflow.Faults{{Path: fieldName, Text: "A promise needs a name."}}, faults...)
	}
	for _, f := range append(faults, gone...) {
		if strings.HasPrefix(f.Path, "expect.") || f.Path == "within" {
			field := workflow.FieldOf(f.Path)
			if i := strings.IndexByte(field, '['); i > 0 {
				field = field[:i]
			}
			page.ToDo = append(page.ToDo, query.EditorProblem{Field: field, Text: f.Text})
			page.Missing[field] = f.Text
			continue
		}
		e.problem(f)
	}
	for field, text := range e.view.Errors {
		page.Errors[field] = text
		delete(page.Missing, field)
	}
	return nil
}

// How many events the page of a promise tells of.
const (
	maxTraces = 12
	maxRecent = 5
)

// traces tells what came of the newest events.
func (p *Promises) traces(e *editor, out *query.PromisePage) error {
	asked, err := e.read.WatchAt(e.ctx, out.Line.ID, e.view.Trace)
	if err == nil {
		t, err := p.trace(e, asked)
		if err != nil {
			return err
		}
		out.Traces = append(out.Traces, t)
	} else if postroom.CodeOf(err) != postroom.NotFound {
		return err
	}
	for _, state := range []promise.State{promise.Broken, promise.Late, promise.Explained} {
		list, err := e.read.WatchesOf(e.ctx, out.Line.ID, string(state), maxTraces)
		if err != nil {
			return err
		}
		for _, w := range list {
			if len(out.Traces) >= maxTraces {
				break
			}
			if w.EventID == e.view.Trace {
				continue // it stands there first
			}
			t, err := p.trace(e, w)
			if err != nil {
				return err
			}
			out.Traces = append(out.Traces, t)
		}
	}
	list, err := e.read.WatchesOf(e.ctx, out.Line.ID, string(promise.Kept), maxRecent)
	if err != nil {
		return err
	}
	for _, w := range list {
		if w.EventID == e.view.Trace {
			continue
		}
		t, err := p.trace(e, w)
		if err != nil {
			return err
		}
		out.Recent = append(out.Recent, t)
	}
	return nil
}

// trace goes from the event over what workflows said to the mails and their
// attempts.
func (p *Promises) trace(e *editor, w store.Watch) (query.PromiseTrace, error) {
	t := query.PromiseTrace{Event: w.EventID, At: w.ArmedAt, State: w.State, Outcome: w.Words, DueAt: w.DueAt, Seen: w.Seen}
	event, err := e.read.Event(e.ctx, w.EventID)
	if postroom.CodeOf(err) == postroom.NotFound {
		t.Words = "The conversation was erased."
		return t, nil
	}
	if err != nil {
		return t, err
	}
	c, err := e.read.Conversation(e.ctx, w.ConversationID)
	if err != nil {
		return t, err
	}
	t.Number, t.Subject, t.Words = c.Number, c.Subject, workflow.EventWords(&event, e.name)
	_, vector, _, err := e.read.Judgement(e.ctx, event.ID)
	if err != nil {
		return t, err
	}
	results, err := workflow.ParseVector(vector)
	if err != nil {
		return t, err
	}
	why := fmt.Sprintf("/conversations/%d/why?event=%d#why-%d-", c.Number, event.ID, event.ID)
	for _, r := range results {
		s := query.PromiseStep{Text: "“" + e.workflowName(r.WorkflowID) + "”: " + r.Verdict.String(), State: "none", Href: why + strconv.FormatInt(r.WorkflowID, 10)}
		if r.Verdict == workflow.Matched {
			s.State = "ok"
		}
		t.Steps = append(t.Steps, s)
	}
	for _, id := range w.Mails {
		s, err := mailStep(e, id)
		if err != nil {
			return t, err
		}
		t.Steps = append(t.Steps, s)
	}
	return t, nil
}

func (e *editor) workflowName(id int64) string {
	if name := e.name(workflow.RefWorkflow, id); name != "" {
		return name
	}
	return "a workflow that is gone"
}

// mailStep says where a mail stands, and how often it was tried.
func mailStep(e *editor, id int64) (query.PromiseStep, error) {
	m, err := e.read.Mail(e.ctx, id)
	if postroom.CodeOf(err) == postroom.NotFound {
		return query.PromiseStep{Text: "A mail that is gone", State: "none"}, nil
	}
	if err != nil {
		return query.PromiseStep{}, err
	}
	attempts, err := e.read.Attempts(e.ctx, id)
	if err != nil {
		return query.PromiseStep{}, err
	}
	s := query.PromiseStep{Text: "Mail “" + m.Subject + "”: " + strings.ReplaceAll(string(m.State), "_", " "), State: "bad", Href: "/mails/" + decimal(id), At: m.EndedAt}
	switch {
	case m.State == postroom.MailDone:
		s.State = "ok"
	case !m.State.Ended():
		s.State = "waiting"
	}
	if n := len(attempts); n == 1 {
		s.Text += ", 1 attempt"
	} else if n > 1 {
		s.Text += fmt.Sprintf(", %d attempts", n)
	}
	if m.Words != "" && m.State != postroom.MailDone {
		s.Text += ". " + m.Words
	}
	return s, nil
}
