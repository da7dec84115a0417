package automate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/flowfile"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// Files are workflows, promises and calendars as files (W37), with what is to be
// done with them.
type Files struct {
	Sources  []flowfile.Source
	Prune    bool // workflows that no file has are deleted, and promises if the files hold any
	Anyway   bool // red tests keep nothing from being published; it is logged
	Backtest int  // PlanFiles tries what would change on so many days; 0 does not
}

// FilePlan is what files change, or have changed.
type FilePlan struct {
	Faults []flowfile.Fault // what is wrong with the files; nothing else is known then
	Steps  []FileStep       // one for each workflow of the files, in their order, and for each that goes
	// Promises and Calendars are the same for these.
	Promises, Calendars []FileStep
	Order               []string // the names of all workflows in their new order; nil if it stays
	Red                 int      // tests of the files that are red
	// Applied says that it was done. Refused says why it was not although it was
	// asked for.
	Applied bool
	Refused string
}

// Changed reports whether anything is to be done.
func (p FilePlan) Changed() bool {
	return p.Order != nil || slices.ContainsFunc(slices.Concat(p.Steps, p.Promises, p.Calendars), func(s FileStep) bool { return s.What != StepSame })
}

// blocked counts the red tests of workflows that would change.
func (p FilePlan) blocked() (n int) {
	for _, s := range p.Steps {
		if s.What != StepSame {
			n += len(red(s.Tests))
		}
	}
	return n
}

// What becomes of a workflow, a promise or a calendar.
const (
	StepNew      = "new"
	StepChanged  = "changed"
	StepRestored = "restored" // it was deleted
	StepDeleted  = "deleted"
	StepSame     = "same"
)

// FileStep is what becomes of one of them.
type FileStep struct {
	Key, Name string
	What      string
	Words     []string              // what changes beside When, If, Then and limits, in sentences
	Sentence  string                // what it does, in one sentence
	Changes   []workflow.Change     // its sentences, line by line; nil if they stay
	Text      []workflow.Change     // its file, line by line; nil if it stays
	Tests     []workflow.TestResult // of the files' workflow
	Backtest  []string              // what it would have done lately, in sentences; nil if that was not asked for
}

// ExportFiles writes published workflows as one file, in their order, with
// their tests, then the promises and the calendars; those with the given keys, or
// all. A key that nobody has is NotFound. Drafts and what was deleted are not in
// it.
func (w *Workflows) ExportFiles(ctx context.Context, by *postroom.Agent, keys []string) (text string, err error) {
	if err := manage(by); err != nil {
		return "", err
	}
	defer postroom.Wrap(&err, "export the workflows")
	read := w.store.Read()
	names, err := fileNames(ctx, read)
	if err != nil {
		return "", err
	}
	rows, err := read.Workflows(ctx)
	if err != nil {
		return "", err
	}
	var docs []flowfile.Document
	found := map[string]bool{}
	wanted := func(key string) bool {
		found[key] = true
		return len(keys) == 0 || slices.Contains(keys, key)
	}
	for _, r := range rows {
		if !wanted(r.Key) {
			continue
		}
		d, fault, err := document(ctx, read, r)
		if err == nil && fault != "" {
			err = postroom.Errorf(postroom.Invalid, "The workflow %q cannot be read: %s", r.Name, fault)
		}
		if err != nil {
			return "", err
		}
		docs = append(docs, d)
	}
	var parts []string
	if len(docs) > 0 {
		flows, err := flowfile.Write(docs, flowfile.NewNames(names))
		if err != nil {
			return "", err
		}
		parts = append(parts, flows)
	}
	promises, err := exportPromises(ctx, read, flowfile.NewNames(names), wanted)
	if err != nil {
		return "", err
	}
	calendars, err := exportCalendars(ctx, read, flowfile.NewNames(names), wanted)
	if err != nil {
		return "", err
	}
	for _, k := range keys {
		if !found[k] {
			return "", postroom.Errorf(postroom.NotFound, "There is no workflow, promise or calendar with the key %q.", k)
		}
	}
	return flowfile.Join(slices.Concat(parts, promises, calendars)...), nil
}

// document is a workflow as it is published; fault says why that cannot be
// read.
func document(ctx context.Context, read store.Read, r store.Workflow) (d flowfile.Document, fault string, err error) {
	v, err := read.Version(ctx, r.ID, r.Version)
	if err != nil {
		return d, "", err
	}
	d = flowfile.Document{Key: r.Key, Name: r.Name, Mailbox: r.MailboxID, Enabled: &r.Enabled}
	d.Definition, fault = decode(v.Definition)
	rows, err := read.WorkflowTests(ctx, r.ID)
	if len(rows) > 0 {
		d.Tests = stored(rows)
	}
	return d, fault, err
}

// PlanFiles says what applying files would change, without changing anything.
// What is wrong with them stands in Faults and is no error.
func (w *Workflows) PlanFiles(ctx context.Context, by *postroom.Agent, f Files) (out FilePlan, err error) {
	if err := writes(by); err != nil {
		return out, err
	}
	defer postroom.Wrap(&err, "plan the workflows of files")
	a, err := w.applying(ctx, by, f)
	if err != nil {
		return out, err
	}
	err = a.reckon(ctx, w.store.Read())
	if err == nil {
		err = a.allowed(ctx, w.store.Read(), by, postroom.DraftWorkflows)
	}
	if err != nil {
		return FilePlan{}, err
	}
	if f.Backtest <= 0 {
		return a.plan, nil
	}
	for i, x := range a.items {
		if len(a.plan.Steps) != len(a.items) || !x.fresh {
			continue
		}
		sum, ok, err := w.backtestDefinition(ctx, workflow.Identity{WorkflowID: x.row.ID, Number: x.row.Version, Name: x.row.Name, MailboxID: x.row.MailboxID}, x.doc.Definition, f.Backtest)
		if err != nil {
			return a.plan, err
		}
		if ok {
			a.plan.Steps[i].Backtest = BacktestWords(sum)
		}
	}
	return a.plan, nil
}

// ApplyFiles makes the workflows what files say, all in one transaction or
// nothing: names, mailboxes, switches, order and tests, and a new version of
// each whose When, If, Then or limits differ. A second time it changes nothing.
// What is wrong with the files stands in Faults, and red tests in Refused; then
// nothing is changed.
func (w *Workflows) ApplyFiles(ctx context.Context, by *postroom.Agent, f Files) (out FilePlan, err error) {
	if !postroom.CanSomewhere(by, postroom.PublishWorkflows) {
		return out, postroom.Errorf(postroom.Forbidden, "You may not publish workflows. An admin can give you that right.")
	}
	defer postroom.Wrap(&err, "apply the workflows of files")
	a, err := w.applying(ctx, by, f)
	if err != nil {
		return out, err
	}
	// What of workflows needs a right is known when it was reckoned.
	still := func(ctx context.Context, t *store.Tx) error {
		if len(a.held.Promises)+len(a.held.Calendars) == 0 {
			return nil
		}
		return stillManages(ctx, t, by.ID)
	}
	err = w.changeIf(ctx, by.ID, still, func(t *store.Tx) (bool, error) {
		if err := a.lockCalendars(ctx, t); err != nil {
			return false, err
		}
		if err := a.reckon(ctx, t.Read); err != nil || len(a.plan.Faults) > 0 {
			return false, err
		}
		if err := a.stillAllowed(ctx, t); err != nil {
			return false, err
		}
		if !a.plan.Changed() {
			return false, nil
		}
		if n := a.plan.blocked(); n > 0 && !f.Anyway {
			a.plan.Refused = fmt.Sprintf("%d tests of what would change are red, so nothing was changed.", n)
			if n == 1 {
				a.plan.Refused = "A test of what would change is red, so nothing was changed."
			}
			return false, nil
		}
		return a.write(ctx, t)
	})
	if err != nil {
		return FilePlan{}, err
	}
	out = a.plan
	out.Applied = len(out.Faults) == 0 && out.Refused == ""
	return out, nil
}

// applying is the applying of files. Its ids are drawn before its transaction,
// which may run more than once and begins with reckoning anew.
type applying struct {
	w    *Workflows
	by   *postroom.Agent
	f    Files
	held flowfile.Held
	ids  map[string]int64 // of workflows by key, for those that are not there yet
	more map[string]int64 // of promises and calendars by kind and key
	free []int64          // for tests

	plan   FilePlan
	items  []*item
	order  []int64 // of all workflows
	rows   []store.Workflow
	coming []int64 // the workflows of the files

	promises  []*promiseItem
	gone      []store.Promise // that are deleted
	calendars []*calendarItem
}

// item is one workflow of the files.
type item struct {
	doc   *flowfile.Document
	row   store.Workflow // as it is to be
	was   *store.Workflow
	step  FileStep
	text  string // of the definition
	fresh bool   // another version is to be published
	tests bool   // its tests are to be written
}

func (w *Workflows) applying(ctx context.Context, by *postroom.Agent, f Files) (*applying, error) {
	a := &applying{w: w, by: by, f: f, ids: map[string]int64{}, more: map[string]int64{}, held: flowfile.Keys(f.Sources)}
	if len(a.held.Promises)+len(a.held.Calendars) > 0 {
		if err := manage(by); err != nil {
			return nil, postroom.Errorf(postroom.Forbidden, "Only an admin may change promises and calendars, which are in these files.")
		}
	}
	need := len(a.held.Workflows) + len(a.held.Promises) + len(a.held.Calendars) + a.held.Tests
	if need == 0 {
		return a, nil
	}
	ids, err := w.store.NewIDs(ctx, need)
	if err != nil {
		return nil, err
	}
	take := func(into map[string]int64, keys []string, kind string) {
		for _, k := range keys {
			into[kind+k], ids = ids[0], ids[1:]
		}
	}
	take(a.ids, a.held.Workflows, "")
	take(a.more, a.held.Promises, ofPromise)
	take(a.more, a.held.Calendars, ofCalendar)
	a.free = ids
	return a, nil
}

// reckon finds what is to be done.
func (a *applying) reckon(ctx context.Context, read store.Read) (err error) {
	a.plan, a.items = FilePlan{}, nil
	if a.rows, err = read.EveryWorkflow(ctx); err != nil {
		return err
	}
	called, err := fileNames(ctx, read)
	if err != nil {
		return err
	}
	for k, id := range a.ids {
		if !slices.ContainsFunc(a.rows, func(r store.Workflow) bool { return r.Key == k }) {
			called[workflow.RefWorkflow][id] = k
		}
	}
	names := flowfile.NewNames(called)
	files, faults := flowfile.Read(a.f.Sources, names)
	docs := files.Workflows
	a.plan.Faults = append(a.plan.Faults, faults...)
	world, err := a.w.world(ctx, read)
	if err != nil {
		return err
	}
	a.coming = nil
	for _, d := range docs {
		if id, ok := names.ID(workflow.RefWorkflow, d.Key); ok {
			a.coming = append(a.coming, id)
		}
	}
	for _, d := range docs {
		if err := a.item(ctx, read, d, names, world); err != nil {
			return err
		}
	}
	if err := a.reckonPromises(ctx, read, files.Promises, names, world.Names); err != nil {
		return err
	}
	if err := a.reckonCalendars(ctx, read, files.Calendars, names); err != nil {
		return err
	}
	if len(a.plan.Faults) > 0 {
		a.plan.Steps, a.plan.Promises, a.plan.Calendars = nil, nil, nil
		return nil
	}
	for _, x := range a.items {
		a.plan.Steps = append(a.plan.Steps, x.step)
		a.plan.Red += len(red(x.step.Tests))
	}
	a.arrange()
	return nil
}

// item finds what becomes of one workflow.
func (a *applying) item(ctx context.Context, read store.Read, d *flowfile.Document, names *flowfile.Names, world workflow.TestWorld) error {
	x := &item{doc: d, row: store.Workflow{ID: a.ids[d.Key], Key: d.Key, Enabled: true, Version: 1}}
	if i := slices.IndexFunc(a.rows, func(r store.Workflow) bool { return r.Key == d.Key }); i >= 0 {
		x.was, x.row = &a.rows[i], a.rows[i]
	}
	v, faults := d.Check(x.row.ID)
	a.plan.Faults = append(a.plan.Faults, faults...)
	gone, err := missingReferences(ctx, read, d.Definition, a.coming...)
	if err != nil {
		return err
	}
	a.plan.Faults = append(a.plan.Faults, d.Place(append(gone, a.w.unreachable(d.Definition)...))...)
	if len(a.plan.Faults) > 0 {
		return nil
	}
	text, err := d.Definition.Encode()
	if err != nil {
		return err
	}
	if len(text) > workflow.MaxDefinition {
		a.plan.Faults = append(a.plan.Faults, d.Fault("", "The workflow is longer than %d bytes.", workflow.MaxDefinition))
		return nil
	}
	x.text = string(text)
	x.row.Name, x.row.MailboxID = d.Name, d.Mailbox
	if d.Enabled != nil {
		x.row.Enabled = *d.Enabled
	}
	x.step = FileStep{Key: d.Key, Name: d.Name, What: StepSame, Sentence: workflow.Sentence(d.Definition, world.Names)}
	if err := a.compare(ctx, read, x, names, world); err != nil {
		return err
	}
	x.step.Tests = results(v, d.Tests, world)
	a.items = append(a.items, x)
	return nil
}

// compare holds a workflow of the files against the one that is there.
func (a *applying) compare(ctx context.Context, read store.Read, x *item, names *flowfile.Names, world workflow.TestWorld) error {
	var before flowfile.Document
	fault, old := "", []string(nil)
	if x.was == nil {
		x.step.What, x.fresh, x.tests = StepNew, true, len(x.doc.Tests) > 0
	} else {
		var err error
		if before, fault, err = document(ctx, read, *x.was); err != nil {
			return err
		}
		stored, err := before.Definition.Encode()
		if err != nil {
			return err
		}
		x.fresh = fault != "" || string(stored) != x.text
		if x.doc.Tests == nil {
			x.doc.Tests = before.Tests
		}
		if x.tests, err = otherTests(before.Tests, x.doc.Tests); err != nil {
			return err
		}
		if old, err = fileLines(before, names); err != nil {
			return err
		}
	}
	now := *x.doc
	now.Enabled = &x.row.Enabled
	text, err := fileLines(now, names)
	if err != nil {
		return err
	}
	switch {
	case x.was == nil:
		x.step.Words = append(x.step.Words, "It is new, and switched "+onOff(x.row.Enabled)+".")
	case x.was.DeletedAt > 0:
		x.step.What = StepRestored
		x.step.Words = append(x.step.Words, "It was deleted, and is back.")
	case x.fresh || x.tests || x.row.Name != x.was.Name || x.row.MailboxID != x.was.MailboxID || x.row.Enabled != x.was.Enabled:
		x.step.What = StepChanged
	default:
		return nil
	}
	x.words(world)
	if x.fresh && x.was != nil {
		x.step.Changes = workflow.Changes(before.Definition, x.doc.Definition, world.Names)
	}
	if d := workflow.Differ(old, text); slices.ContainsFunc(d, func(c workflow.Change) bool { return c.Sign != ' ' }) {
		x.step.Text = d
	}
	return nil
}

func onOff(on bool) string { return map[bool]string{true: "on", false: "off"}[on] }

// words says what changes beside the definition.
func (x *item) words(world workflow.TestWorld) {
	add := func(format string, args ...any) { x.step.Words = append(x.step.Words, fmt.Sprintf(format, args...)) }
	if x.was == nil {
		return
	}
	if x.row.Name != x.was.Name {
		add("It was called %q.", x.was.Name)
	}
	if x.row.MailboxID != x.was.MailboxID {
		box := func(id int64) string {
			if id == 0 {
				return "all mailboxes"
			}
			return world.Names(workflow.RefMailbox, id)
		}
		add("It is for %s now, and was for %s.", box(x.row.MailboxID), box(x.was.MailboxID))
	}
	if x.row.Enabled != x.was.Enabled {
		add("It is switched %s.", onOff(x.row.Enabled))
	}
	if x.fresh {
		add("A new version is published; it was version %d.", x.was.Version)
	}
	if x.tests {
		add("Its tests change.")
	}
}

// otherTests reports whether two lists of tests differ.
func otherTests(a, b []workflow.Test) (bool, error) {
	if len(a) != len(b) {
		return true, nil
	}
	for i := range a {
		x, err := a[i].Encode()
		if err != nil {
			return false, err
		}
		y, err := b[i].Encode()
		if err != nil || string(x) != string(y) {
			return true, err
		}
	}
	return false, nil
}

// fileLines is a workflow as its file, line by line, without the sentence above
// it.
func fileLines(d flowfile.Document, names *flowfile.Names) ([]string, error) {
	text, err := flowfile.Write([]flowfile.Document{d}, names)
	if err != nil {
		return nil, err
	}
	_, text, _ = strings.Cut(text, "\n")
	return strings.Split(strings.TrimRight(text, "\n"), "\n"), nil
}

// arrange finds the new order of all workflows: those of the files stand as in
// the files, in the places that they have; a new one comes after the one before
// it in the files; what no file has stays where it is.
func (a *applying) arrange() {
	var there, wanted []int64
	name, wasThere := map[int64]string{}, map[int64]bool{}
	for _, r := range a.rows {
		if r.DeletedAt > 0 {
			continue
		}
		name[r.ID] = r.Name
		mine := slices.ContainsFunc(a.items, func(x *item) bool { return x.row.ID == r.ID })
		if !mine && a.f.Prune {
			a.plan.Steps = append(a.plan.Steps, FileStep{Key: r.Key, Name: r.Name, What: StepDeleted, Words: []string{"No file has it. It is deleted, and can be restored."}})
			continue
		}
		there, wasThere[r.ID] = append(there, r.ID), true
	}
	for _, x := range a.items {
		name[x.row.ID] = x.row.Name
		wanted = append(wanted, x.row.ID)
	}
	a.order = ordered(there, wanted)
	kept := slices.DeleteFunc(slices.Clone(a.order), func(id int64) bool { return !wasThere[id] })
	if slices.Equal(kept, there) {
		return
	}
	for _, id := range a.order {
		a.plan.Order = append(a.plan.Order, name[id])
	}
}

// ordered puts what is wanted into an order that is there.
func ordered(there, wanted []int64) []int64 {
	out := slices.Clone(there)
	i := 0
	for at, id := range out {
		if !slices.Contains(wanted, id) {
			continue
		}
		for !slices.Contains(there, wanted[i]) {
			i++
		}
		out[at] = wanted[i]
		i++
	}
	for i, id := range wanted {
		if slices.Contains(there, id) {
			continue
		}
		at := len(out)
		if i > 0 {
			at = slices.Index(out, wanted[i-1]) + 1
		} else if next := slices.IndexFunc(wanted, func(id int64) bool { return slices.Contains(there, id) }); next >= 0 {
			at = slices.Index(out, wanted[next])
		}
		out = slices.Insert(out, at, id)
	}
	return out
}
