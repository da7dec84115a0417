package automate

import (
	"context"
	"fmt"
	"slices"

	"postroom"
	"postroom/internal/proof"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// Workflow is one workflow with its published version.
type Workflow struct {
	ID          int64
	Key         string // stable name, for code and export
	Name        string
	MailboxID   int64 // 0: every mailbox
	On          bool
	Paused      string // why it paused itself, "" if it did not (W21)
	Failures    int    // failed runs in a row
	Shipped     bool   // it came with Postroom
	Version     int    // the published one
	PublishedAt int64
	PublishedBy int64 // the agent, 0 for a shipped version
	Definition  workflow.Definition
	// Fault says why the published version cannot be read, "" if it can.
	// Events it might have been for are not judged until another version is
	// published or it is switched off.
	Fault string
	// Gone says what the published version names and is not there any more, a
	// sentence for each; only of one that is switched on.
	Gone []string
}

// List is all workflows in their one order (W11), with what is to be warned of.
type List struct {
	Revision  int64 // of the set that new events are judged by; 0 before the first
	Workflows []Workflow
	// Findings say which of those that are switched on do not go well
	// together (W34).
	Findings []proof.Finding
	// Graph is who can set off whom.
	Graph query.WorkflowGraph
}

// List returns all workflows in their order, for admins.
func (w *Workflows) List(ctx context.Context, by *postroom.Agent) (out List, err error) {
	if err := writes(by); err != nil {
		return List{}, err
	}
	defer postroom.Wrap(&err, "list workflows")
	read := w.store.Read()
	if out.Revision, err = read.SetRevision(ctx); err != nil {
		return List{}, err
	}
	entries, all, err := entries(ctx, read)
	if err != nil {
		return List{}, err
	}
	out.Workflows = all
	there, err := whatIsThere(ctx, read)
	if err != nil {
		return List{}, err
	}
	for i, x := range all {
		if x.On && x.Fault == "" {
			all[i].Gone = there.gone(x.Definition)
		}
	}
	names := func(kind workflow.Ref, id int64) string { return there.names[string(kind)][id] }
	set := workflow.NewSet(out.Revision, entries)
	report := proof.Prove(set, names)
	hours, err := w.hours(ctx, read, set, 0, names)
	if err != nil {
		return List{}, err
	}
	out.Findings, out.Graph = append(report.Findings, hours...), drawn(report.Graph)
	if !postroom.Can(by, postroom.Manage, 0) {
		out.narrow(by)
	}
	return out, nil
}

// Gone says what the published version of a workflow names and is not there any
// more, a sentence for each; nothing for one that is switched off or not there.
func (w *Workflows) Gone(ctx context.Context, id int64) (out []string, err error) {
	defer postroom.Wrap(&err, "look what workflow %d names", id)
	read := w.store.Read()
	row, err := read.Workflow(ctx, id)
	if postroom.CodeOf(err) == postroom.NotFound || err == nil && (!row.Enabled || row.DeletedAt > 0) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	v, err := read.Version(ctx, id, row.Version)
	if err != nil {
		return nil, err
	}
	x := combine(row, v)
	there, err := whatIsThere(ctx, read)
	if err != nil || x.Fault != "" {
		return nil, err
	}
	return there.gone(x.Definition), nil
}

// narrow leaves out what somebody does not see: workflows of mailboxes in which
// they may not write any, and findings that are about one. The picture is of all
// workflows, so it is left out.
func (l *List) narrow(by *postroom.Agent) {
	l.Workflows = slices.DeleteFunc(l.Workflows, func(x Workflow) bool {
		return x.MailboxID != 0 && !postroom.Can(by, postroom.DraftWorkflows, x.MailboxID)
	})
	seen := func(id int64) bool {
		return slices.ContainsFunc(l.Workflows, func(x Workflow) bool { return x.ID == id })
	}
	l.Findings = slices.DeleteFunc(l.Findings, func(f proof.Finding) bool {
		return slices.ContainsFunc(f.Workflows, func(id int64) bool { return !seen(id) })
	})
	l.Graph = query.WorkflowGraph{}
}

// drawn is a graph as the page draws it.
func drawn(g proof.Graph) query.WorkflowGraph {
	out := query.WorkflowGraph{Columns: g.Columns, Rows: g.Rows}
	for _, n := range g.Nodes {
		out.Nodes = append(out.Nodes, query.WorkflowNode{ID: n.Workflow, Name: n.Name, Column: n.Column, Row: n.Row, Circle: n.Circle})
	}
	for _, a := range g.Arrows {
		out.Arrows = append(out.Arrows, query.WorkflowArrow{From: a.From, To: a.To, Words: a.Words, Circle: a.Back})
	}
	return out
}

// entries reads the published workflows in their order, and compiles those that
// can be read.
func entries(ctx context.Context, read store.Read) ([]workflow.Entry, []Workflow, error) {
	rows, err := read.Workflows(ctx)
	if err != nil {
		return nil, nil, err
	}
	return entriesOf(ctx, read, rows)
}

// entriesOf is entries for rows that were read before.
func entriesOf(ctx context.Context, read store.Read, rows []store.Workflow) ([]workflow.Entry, []Workflow, error) {
	keys := make([][2]int64, len(rows))
	for i, r := range rows {
		keys[i] = [2]int64{r.ID, int64(r.Version)}
	}
	versions, err := read.SomeVersions(ctx, keys)
	if err != nil {
		return nil, nil, err
	}
	published := map[int64]store.WorkflowVersion{}
	for _, v := range versions {
		published[v.WorkflowID] = v.WorkflowVersion
	}
	var entries []workflow.Entry
	var all []Workflow
	for _, r := range rows {
		x := combine(r, published[r.ID])
		if entry, err := entryOf(x); err == nil {
			entries = append(entries, entry)
		} else if x.Fault == "" {
			x.Fault = postroom.TextOf(err)
		}
		all = append(all, x)
	}
	return entries, all, nil
}

// combine puts a workflow and its published version together.
func combine(r store.Workflow, v store.WorkflowVersion) Workflow {
	x := Workflow{ID: r.ID, Key: r.Key, Name: r.Name, MailboxID: r.MailboxID, On: r.Enabled, Paused: r.PausedWords, Failures: r.Failures,
		Shipped: isShipped(r.Key), Version: r.Version, PublishedAt: v.At, PublishedBy: v.AuthorID}
	x.Definition, x.Fault = decode(v.Definition)
	return x
}

// decode reads a stored definition, or says why it cannot be read.
func decode(stored string) (workflow.Definition, string) {
	d, err := workflow.Decode([]byte(stored))
	if err != nil {
		return workflow.Definition{}, postroom.TextOf(err)
	}
	return d, ""
}

func isShipped(key string) bool {
	for _, s := range workflow.Shipped() {
		if s.Key == key {
			return true
		}
	}
	return false
}

// entryOf compiles a workflow for looking the set over.
func entryOf(x Workflow) (workflow.Entry, error) {
	v, err := workflow.Compile(x.Definition, workflow.Identity{WorkflowID: x.ID, Number: x.Version, Key: x.Key, Name: x.Name, MailboxID: x.MailboxID})
	if err != nil {
		return workflow.Entry{}, err
	}
	state := workflow.Enabled
	switch {
	case x.Paused != "":
		state = workflow.OnHold
	case !x.On:
		state = workflow.SwitchedOff
	}
	return workflow.Entry{Version: v, State: state}, nil
}

// Version is one version of a workflow. It never changes (W14).
type Version struct {
	Number     int
	At         int64
	By         int64 // the agent who published it, 0 for a shipped one
	Published  bool  // new events are judged by it
	Definition workflow.Definition
	Fault      string // why it cannot be read, "" if it can
}

// Details is one workflow with all its versions, the latest first.
type Details struct {
	Workflow
	Versions []Version
}

// Get returns one workflow with its versions, for admins.
func (w *Workflows) Get(ctx context.Context, by *postroom.Agent, id int64) (out Details, err error) {
	if err := manage(by); err != nil {
		return Details{}, err
	}
	defer postroom.Wrap(&err, "read workflow %d", id)
	row, err := w.store.Read().Workflow(ctx, id)
	if err != nil {
		return Details{}, err
	}
	versions, err := w.store.Read().Versions(ctx, id)
	if err != nil {
		return Details{}, err
	}
	for _, v := range versions {
		x := combine(row, v)
		if v.Number == row.Version {
			out.Workflow = x
		}
		out.Versions = append(out.Versions, Version{Number: v.Number, At: v.At, By: v.AuthorID, Published: v.Number == row.Version,
			Definition: x.Definition, Fault: x.Fault})
	}
	if out.ID == 0 {
		return Details{}, fmt.Errorf("its published version %d is not there", row.Version)
	}
	return out, nil
}
