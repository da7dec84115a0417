package automate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/proof"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/template"
	"postroom/internal/workflow"
)

// EditorView says how the editor is to be drawn.
type EditorView struct {
	Form   Form              // what was typed and not stored; nil draws the draft
	Errors query.FieldErrors // why it was refused
	On     string            // the number of the conversation to try it on, as typed; "" takes a recent one
	Trace  int64             // of a promise: the event whose trace is wanted, 0 for the newest ones
	Moment string            // the event of it, by id, or "now"; "" takes the latest that it listens for
}

// Editor reads the page of a workflow as it is being written: its draft or,
// without one, the published version; for admins. The page has no shell yet.
// What is wrong with the draft stands beside its fields, what would not go well
// together with the other workflows in Findings, and what it would do on one
// real event in Try. Nothing is written.
func (w *Workflows) Editor(ctx context.Context, by *postroom.Agent, id int64, v EditorView) (out *query.EditorPage, err error) {
	defer postroom.Wrap(&err, "read the editor of workflow %d", id)
	read := w.store.Read()
	x, err := w.mayWrite(ctx, read, by, id)
	if err != nil {
		return nil, err
	}
	e := &editor{w: w, ctx: ctx, read: read, by: by, x: x, view: v}
	if err := e.lookUp(); err != nil {
		return nil, err
	}
	e.form()
	e.head()
	e.when()
	e.page.If = e.node(e.definition.If, "if", true, true)
	e.then()
	e.limits()
	if err := e.schedule(e.definition.When); err != nil {
		return nil, err
	}
	if err := e.waits(); err != nil {
		return nil, err
	}
	if err := e.proof(); err != nil {
		return nil, err
	}
	if err := e.try(); err != nil {
		return nil, err
	}
	return &e.page, e.tests()
}

// editor draws up one page.
type editor struct {
	w    *Workflows
	ctx  context.Context
	read store.Read
	by   *postroom.Agent
	x    *writing
	view EditorView
	page query.EditorPage

	names      map[string]map[int64]string
	secrets    []postroom.WebhookSecret
	own        []*postroom.Field               // fields of the desk, in order, without the deleted ones
	pickers    map[workflow.Ref][]query.Choice // what can be chosen, by name
	definition workflow.Definition             // as drawn: stored or typed
	fields     workflow.Fields                 // the same as fields
	number     int                             // of the published version that is tried; 0 is the draft
	version    *workflow.Version               // compiled; nil if it is not complete
	called     map[int64]workflow.Entry        // what it runs, and what that runs
	judged     []workflow.Explanation          // what was said of these on the event it is tried on
}

// name puts an id into words.
func (e *editor) name(kind workflow.Ref, id int64) string { return e.names[string(kind)][id] }

// lookUp reads what can be chosen.
func (e *editor) lookUp() (err error) {
	if e.names, err = e.read.Names(e.ctx); err != nil {
		return fmt.Errorf("read names: %w", err)
	}
	agents, err := e.read.Agents(e.ctx)
	if err != nil {
		return err
	}
	e.pickers = map[workflow.Ref][]query.Choice{}
	for _, a := range agents {
		if !a.Disabled {
			e.pickers[workflow.RefAgent] = append(e.pickers[workflow.RefAgent], query.Choice{Value: decimal(a.ID), Text: a.Name})
		}
	}
	teams, err := e.read.Teams(e.ctx)
	if err != nil {
		return err
	}
	for _, t := range teams {
		if !t.Off() {
			e.pickers[workflow.RefTeam] = append(e.pickers[workflow.RefTeam], query.Choice{Value: decimal(t.ID), Text: t.Name})
		}
	}
	if e.secrets, err = e.read.Secrets(e.ctx); err != nil {
		return err
	}
	if err := e.rights(); err != nil {
		return err
	}
	if e.own, err = e.read.Fields(e.ctx); err != nil {
		return err
	}
	e.own = slices.DeleteFunc(e.own, func(f *postroom.Field) bool { return f.DeletedAt > 0 })
	for _, ref := range []workflow.Ref{workflow.RefMailbox, workflow.RefTag, workflow.RefWorkflow, workflow.RefSecret} {
		for id, name := range e.names[string(ref)] {
			e.pickers[ref] = append(e.pickers[ref], query.Choice{Value: decimal(id), Text: name})
		}
	}
	deleted, err := e.read.DeletedWorkflows(e.ctx)
	if err != nil {
		return err
	}
	e.pickers[workflow.RefWorkflow] = slices.DeleteFunc(e.pickers[workflow.RefWorkflow], func(c query.Choice) bool {
		return slices.ContainsFunc(deleted, func(d store.Workflow) bool { return decimal(d.ID) == c.Value })
	})
	for _, list := range e.pickers {
		slices.SortFunc(list, func(a, b query.Choice) int {
			if c := strings.Compare(strings.ToLower(a.Text), strings.ToLower(b.Text)); c != 0 {
				return c
			}
			return strings.Compare(a.Value, b.Value)
		})
	}
	return nil
}

func decimal(id int64) string { return strconv.FormatInt(id, 10) }

// form takes what was typed, as far as it can be read, or what is stored.
func (e *editor) form() {
	e.page.Name, e.page.Mailbox, e.definition = e.x.name, decimal(e.x.mailboxID), e.x.definition
	e.fields = e.definition.Fields()
	if e.view.Form != nil {
		e.page.Name, e.page.Mailbox = e.view.Form.first(fieldName), e.view.Form.first(fieldMailbox)
		e.definition, _ = workflow.FromFields(workflow.Fields(e.view.Form))
		e.fields = workflow.Fields(e.view.Form)
	}
	e.definition = workflow.Editable(e.definition)
}

func (e *editor) head() {
	p, x := &e.page, e.x
	p.ID, p.Version, p.Base, p.On = x.id, x.version(), x.base(), x.row != nil && x.row.Enabled
	p.Newer = p.Base != p.Version
	if x.draft != nil {
		p.Revision, p.SavedAt, p.SavedBy = x.draft.Revision, x.draft.At, e.author(x.draft.AuthorID)
	}
	p.Mailboxes = e.homes(p.Mailbox)
	p.Sentence = workflow.Sentence(workflow.Stored(e.definition), e.name)
	for _, v := range template.Variables() {
		insert := "{{ " + v.Name + " }}"
		switch {
		case v.Moment:
			insert = "{{ " + v.Name + ` | date: "%d %B %Y" }}`
		case v.Optional && strings.HasSuffix(v.Name, "name"):
			insert = "{{ " + v.Name + ` | default: "there" }}`
		case v.Optional:
			insert = "{{ " + v.Name + ` | default: "-" }}`
		}
		p.Variables = append(p.Variables, query.EditorVariable{Name: v.Name, Label: v.Label, Insert: insert, Optional: v.Optional})
	}
	p.Variables = append(p.Variables, e.fieldVariables()...)
	if x.row != nil && x.fault == "" {
		p.Changes = query.WorkflowChanges(workflow.Changes(x.published, workflow.Stored(e.definition), e.name))
	}
}

func (e *editor) author(id int64) string {
	if name := e.name(workflow.RefAgent, id); name != "" {
		return name
	}
	return "an agent who is gone"
}

// when draws up the event and its filters.
func (e *editor) when() {
	p, w := &e.page, e.definition.When
	p.Event = string(w.Event)
	for _, edge := range workflow.Edges() {
		p.Events = append(p.Events, query.EditorEvent{Value: string(edge.Event), Text: edge.Label, Group: workflow.EventGroup(edge.Event)})
	}
	p.EventDoc = workflow.EdgeOf(w.Event).Doc
	p.Filters = e.filters("when", w)
	e.timer(w)
	for _, f := range workflow.FactsOn(w.Judges()) {
		group := workflow.FactGroup(f.Name)
		if n := len(p.Facts); n == 0 || p.Facts[n-1].Group != group {
			p.Facts = append(p.Facts, query.EditorFacts{Group: group})
		}
		last := &p.Facts[len(p.Facts)-1]
		if own, is := e.fieldFacts(f); is {
			last.Facts = append(last.Facts, own...)
			continue
		}
		last.Facts = append(last.Facts, query.Choice{Value: f.Name, Text: factLabel(f)})
	}
	p.Facts = slices.DeleteFunc(p.Facts, func(g query.EditorFacts) bool { return len(g.Facts) == 0 })
	for _, s := range postroom.Statuses {
		p.Statuses = append(p.Statuses, query.Choice{Value: string(s), Text: string(s)})
	}
}

func factLabel(f workflow.Fact) string {
	if f.Name == workflow.HeaderFact+"*" {
		return "a header of the mail"
	}
	if f.Name == "message.class" {
		return "what sort of mail it is"
	}
	return f.Label
}

func asText[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

// choices lists what a question offers. What is chosen and not offered, such
// as a tag that is gone, stands at the end, so that one sees it and can take it
// away.
func (e *editor) choices(q workflow.Question, fact string, chosen []string) []query.EditorChoice {
	var out []query.EditorChoice
	add := func(value, text string) {
		out = append(out, query.EditorChoice{Value: value, Text: text, Chosen: slices.Contains(chosen, value)})
	}
	for _, v := range q.Choices {
		switch {
		case fact == "" && v == "true":
			add(v, "yes")
		case fact == "" && v == "false":
			add(v, "no")
		default:
			add(v, workflow.ChoiceLabel(fact, v))
		}
	}
	if q.Nobody {
		add("0", map[bool]string{false: "nobody", true: "no team"}[q.Ref == workflow.RefTeam])
	}
	for _, c := range e.pickers[q.Ref] {
		add(c.Value, c.Text)
	}
	for _, v := range chosen {
		if v == "" || slices.ContainsFunc(out, func(c query.EditorChoice) bool { return c.Value == v }) {
			continue
		}
		text := v
		if q.Ref != "" {
			text = string(q.Ref) + " " + v + " (gone)"
			if id, err := strconv.ParseInt(v, 10, 64); err == nil && e.name(q.Ref, id) != "" {
				text = e.name(q.Ref, id) + " (gone)"
			}
		}
		add(v, text)
	}
	return out
}

// node draws up a condition or a group.
func (e *editor) node(c workflow.Cond, place string, first, last bool) query.EditorNode {
	n := query.EditorNode{Place: place, First: first, Last: last}
	group, children := "", c.All
	switch {
	case c.All != nil:
		group = "all"
	case c.Any != nil:
		group, children = "any", c.Any
	case c.None != nil:
		group, children = "none", c.None
	}
	if group == "" {
		e.leaf(&n, c)
		return n
	}
	n.Group, n.Words = group, "the group "+group+" of these"
	for i, child := range children {
		inner := place != "if"
		n.Children = append(n.Children, e.node(child, fmt.Sprintf("%s[%d]", place, i), i == 0 && !inner, i == len(children)-1 && !inner))
	}
	return n
}

func (e *editor) leaf(n *query.EditorNode, c workflow.Cond) {
	n.Fact, n.Words = c.Fact, "the condition"
	if c.Fact == "" {
		return
	}
	n.Words = workflow.Describe(workflow.Definition{If: c}, e.name).If[0].Text
	fact, ok := workflow.LookupFact(c.Fact)
	if header, is := strings.CutPrefix(c.Fact, workflow.HeaderFact); is {
		n.Fact, n.IsHeader, n.Header = workflow.HeaderFact+"*", true, header
		if !ok {
			fact, ok = workflow.LookupFact(workflow.HeaderFact + "X")
		}
	}
	n.Doc = fact.Doc
	n.Strange = !slices.ContainsFunc(e.page.Facts, func(g query.EditorFacts) bool {
		return slices.ContainsFunc(g.Facts, func(f query.Choice) bool { return f.Value == n.Fact })
	})
	n.Op = string(c.Op)
	for _, op := range workflow.Operators() {
		if ok && slices.Contains(fact.Ops, op.Op) {
			n.Ops = append(n.Ops, query.Choice{Value: string(op.Op), Text: workflow.OpLabel(fact, op.Op)})
		}
	}
	if !slices.ContainsFunc(n.Ops, func(o query.Choice) bool { return o.Value == n.Op }) {
		n.Ops = append(n.Ops, query.Choice{Value: n.Op, Text: n.Op})
	}
	q := workflow.Ask(e.definition.When.Judges(), fact, c.Op)
	n.Value = query.EditorControl{Name: n.Place + ".values", Label: "Value", Input: string(q.Input), Hint: q.Hint}
	switch q.Input {
	case workflow.InputChoice, workflow.InputChoices:
		name := c.Fact
		if fact.Kind == workflow.KindBool {
			name = ""
		}
		n.Value.Choices = e.choices(q, name, c.Values)
		if subject, path, is := workflow.FieldFact(c.Fact); is && fact.Kind == workflow.KindChoice {
			n.Value.Choices = e.fieldChoices(subject, path, c.Values)
		}
	case workflow.InputLines:
		n.Value.Value = strings.Join(c.Values, "\n")
	case workflow.InputSpan:
		n.Value.Unit = "d"
		if len(c.Values) > 0 {
			if number, unit, ok := workflow.SplitSpan(c.Values[0]); ok {
				n.Value.Value, n.Value.Unit = number, unit
			} else {
				n.Value.Value = c.Values[0]
			}
		}
	default:
		if len(c.Values) > 0 {
			n.Value.Value = c.Values[0]
		}
	}
}

// then draws up the actions.
func (e *editor) then() {
	docs := map[workflow.ActionKind]workflow.ActionSchema{}
	for _, a := range workflow.Actions() {
		docs[a.Do] = a
		e.page.Actions = append(e.page.Actions, query.EditorAction{Do: string(a.Do), Label: a.Label, Doc: a.Doc})
	}
	all := e.definition.Then
	for i, a := range all {
		s := query.EditorStep{Place: fmt.Sprintf("then[%d]", i), Do: string(a.Do), Label: docs[a.Do].Label, Doc: docs[a.Do].Doc,
			Text: a.Text, Status: string(a.Status), First: i == 0, Last: i == len(all)-1}
		if s.Label == "" {
			s.Label = string(a.Do)
		}
		if a.HTML != "" {
			s.Text, s.IsHTML = a.HTML, true
		}
		e.page.Limits.HasMail = e.page.Limits.HasMail || a.Do == workflow.DoReply || a.Do.Aside()
		e.stepMore(&s, a)
		switch a.Do {
		case workflow.DoAssign:
			chosen := []string{}
			if a.Agent != nil {
				chosen = append(chosen, decimal(*a.Agent))
			}
			s.Agents = e.choices(workflow.Question{Ref: workflow.RefAgent, Nobody: true}, "", chosen)
		case workflow.DoTags:
			s.Add = e.choices(workflow.Question{Ref: workflow.RefTag}, "", ids(a.Add))
			s.Remove = e.choices(workflow.Question{Ref: workflow.RefTag}, "", ids(a.Remove))
		}
		e.page.Then = append(e.page.Then, s)
	}
}

func ids(list []int64) []string {
	out := make([]string, len(list))
	for i, id := range list {
		out[i] = decimal(id)
	}
	return out
}

func (e *editor) limits() {
	first := func(name string) string { return Form(e.fields).first(name) }
	l := &e.page.Limits
	l.OncePer, l.CoolDown, l.Unit = first("limits.once_per"), first("limits.cool_down"), first("limits.unit")
	l.Runs, l.Period, l.PeriodUnit = first("limits.runs"), first("limits.period"), first("limits.period_unit")
	l.Budget, l.DefaultBudget = first("limits.mail_budget"), workflow.DefaultMailBudget
	l.Mails, l.Default = first("limits.mails_per_conversation_day"), workflow.DefaultMailsPerConversationDay
}

// proof says what keeps the draft from being published and what it would not
// go well together with.
func (e *editor) proof() error {
	p, d := &e.page, workflow.Stored(e.definition)
	p.Errors, p.Missing = query.FieldErrors{}, query.FieldErrors{}
	id := workflow.Identity{WorkflowID: e.x.id, Number: e.x.version() + 1, Name: e.page.Name}
	id.MailboxID, _ = strconv.ParseInt(e.page.Mailbox, 10, 64)
	var err error
	if e.version, err = workflow.Compile(d, id); err == nil {
		err = workflow.Publishable(d)
	}
	var faults workflow.Faults
	if err != nil && !errors.As(err, &faults) {
		return err
	}
	gone, err := missingReferences(e.ctx, e.read, d)
	if err != nil {
		return err
	}
	if p.Name == "" {
		faults = append(workflow.Faults{{Path: fieldName, Text: "A workflow needs a name."}}, faults...)
	}
	for _, f := range slices.Concat(faults, gone, e.w.unreachable(d)) {
		e.problem(f)
	}
	for field, text := range e.view.Errors {
		p.Errors[field] = text
		if p.Missing[field] != "" {
			delete(p.Missing, field)
		}
	}
	if err := e.findings(id); err != nil {
		return err
	}
	return e.notHere()
}

// problem puts a fault beside its field: what was typed and cannot be is an
// error, what was not filled in yet is only named.
func (e *editor) problem(f workflow.Fault) {
	p, field, text := &e.page, workflow.FieldOf(f.Path), f.Text
	missing := e.blank(field)
	if missing {
		switch {
		case strings.HasSuffix(field, ".values"):
			text = "Say what to compare with."
		case strings.HasSuffix(field, ".status"):
			text = "Choose a status."
		case strings.HasSuffix(field, ".agent"):
			text = "Choose an agent, or nobody."
		case strings.HasSuffix(field, ".mailbox"):
			text = "Choose a mailbox."
		case strings.HasSuffix(field, ".fact") && strings.HasPrefix(f.Text, "There is no fact"):
			text = "Write the name of a header, such as X-Priority."
		case strings.HasPrefix(field, "if["):
			text, field = "Choose what the condition asks about, or take it out.", strings.TrimSuffix(field, ".fact")+".fact"
		case field == "then":
			text = "Add at least one action."
		}
	}
	if p.Errors[field] != "" || p.Missing[field] != "" {
		return
	}
	p.ToDo = append(p.ToDo, query.EditorProblem{Field: field, Text: text, Missing: missing})
	if missing {
		p.Missing[field] = text
	} else {
		p.Errors[field] = text
	}
}

// blank reports whether nothing was filled in at a field.
func (e *editor) blank(field string) bool {
	if field == fieldName {
		return e.page.Name == ""
	}
	if field == "then" {
		return len(e.definition.Then) == 0
	}
	of := e.definition.Fields()
	if at, ok := strings.CutSuffix(field, ".fact"); ok && of[at+".header"] != nil {
		return strings.TrimSpace(of[at+".header"][0]) == ""
	}
	if strings.HasPrefix(field, "if[") && !strings.Contains(field, ".") {
		return of[field+".fact"] == nil || of[field+".fact"][0] == ""
	}
	return !slices.ContainsFunc(of[field], func(v string) bool { return strings.TrimSpace(v) != "" })
}

// findings are those that would stand on the list of workflows, were the draft
// published and switched on, as far as they are about it.
func (e *editor) findings(id workflow.Identity) error {
	if e.version == nil {
		return nil
	}
	list, _, err := entries(e.ctx, e.read)
	if err != nil {
		return err
	}
	mine := workflow.Entry{Version: e.version, State: workflow.Enabled}
	i := slices.IndexFunc(list, func(en workflow.Entry) bool { return en.Version.WorkflowID == e.x.id })
	if i < 0 {
		list = append(list, mine)
	} else {
		list[i] = mine
	}
	set := workflow.NewSet(0, list)
	hours, err := e.w.hours(e.ctx, e.read, set, e.x.id, e.name)
	if err != nil {
		return err
	}
	for _, f := range append(proof.About(set, e.x.id, e.name).Findings, hours...) {
		line := query.WorkflowFinding{Title: string(f.Kind), Text: f.Text}
		for _, other := range f.Workflows {
			if other != e.x.id {
				line.Workflows = append(line.Workflows, query.Choice{Value: decimal(other), Text: e.name(workflow.RefWorkflow, other)})
			}
		}
		e.page.Findings = append(e.page.Findings, line)
	}
	return nil
}
