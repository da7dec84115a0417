package automate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/flowfile"
	"postroom/internal/promise"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// ofPromise and ofCalendar stand before keys, which are unique for each kind.
const (
	ofPromise  = "promise "
	ofCalendar = "calendar "
)

// promiseKey is by what files find a promise again.
func promiseKey(row store.Promise) string { return flowfile.Unique(row.Key, "promise", row.ID) }

// promiseItem is one promise of the files.
type promiseItem struct {
	doc   *flowfile.Promise
	row   store.Promise // as it is to be
	was   *store.Promise
	text  string // of the definition
	fresh bool   // another version is to be published
	step  FileStep
}

// exportPromises writes the published promises whose keys are wanted.
func exportPromises(ctx context.Context, read store.Read, names *flowfile.Names, wanted func(key string) bool) (out []string, err error) {
	rows, err := read.Promises(ctx)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if row.Version == 0 || !wanted(promiseKey(row)) {
			continue
		}
		doc, fault, err := promiseDocument(ctx, read, row)
		if err == nil && fault != "" {
			err = postroom.Errorf(postroom.Invalid, "The promise %q cannot be read: %s", row.Name, fault)
		}
		if err != nil {
			return nil, err
		}
		text, err := flowfile.WritePromise(doc, names)
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

// promiseDocument is a promise as it is published; fault says why that cannot be
// read.
func promiseDocument(ctx context.Context, read store.Read, row store.Promise) (d flowfile.Promise, fault string, err error) {
	v, err := read.PromiseVersion(ctx, row.ID, row.Version)
	if err != nil {
		return d, "", err
	}
	d = flowfile.Promise{Key: promiseKey(row), Name: row.Name, Mailbox: row.MailboxID, Enabled: &row.Enabled}
	if d.Definition, err = promise.Decode([]byte(v.Definition)); err != nil {
		return d, postroom.TextOf(err), nil
	}
	return d, "", nil
}

// reckonPromises finds what becomes of the promises.
func (a *applying) reckonPromises(ctx context.Context, read store.Read, docs []*flowfile.Promise, names *flowfile.Names, say workflow.Names) error {
	a.promises, a.gone = nil, nil
	if len(docs) == 0 {
		return nil
	}
	rows, err := read.EveryPromise(ctx)
	if err != nil {
		return err
	}
	there := 0
	for i, row := range rows {
		if row.DeletedAt == 0 {
			there++
		}
		named := slices.ContainsFunc(docs, func(d *flowfile.Promise) bool { return d.Key == promiseKey(row) })
		if a.f.Prune && !named && row.DeletedAt == 0 && row.Version > 0 {
			a.gone = append(a.gone, rows[i])
			a.plan.Promises = append(a.plan.Promises, FileStep{Key: promiseKey(row), Name: row.Name, What: StepDeleted, Words: []string{"No file has it. It is deleted, and can be restored."}})
		}
	}
	var steps []FileStep
	for _, d := range docs {
		x := &promiseItem{doc: d, row: store.Promise{ID: a.more[ofPromise+d.Key], Key: d.Key, Enabled: true}}
		if i := slices.IndexFunc(rows, func(r store.Promise) bool { return promiseKey(r) == d.Key }); i >= 0 {
			x.was, x.row = &rows[i], rows[i]
		}
		if x.was == nil || x.was.DeletedAt > 0 {
			if there++; there > maxPromises {
				a.plan.Faults = append(a.plan.Faults, d.Fault("", "A desk has at most %d promises.", maxPromises))
			}
		}
		if err := a.reckonPromise(ctx, read, x, names, say); err != nil {
			return err
		}
		a.promises, steps = append(a.promises, x), append(steps, x.step)
	}
	a.plan.Promises = append(steps, a.plan.Promises...)
	return nil
}

// reckonPromise finds what becomes of one promise.
func (a *applying) reckonPromise(ctx context.Context, read store.Read, x *promiseItem, names *flowfile.Names, say workflow.Names) error {
	d := x.doc
	faults := d.Check()
	gone, err := missingInPromise(ctx, read, d.Definition, a.coming...)
	if err != nil {
		return err
	}
	for i := range gone {
		gone[i].Path = strings.Replace(gone[i].Path, "expect.", "expect.event.", 1)
		gone[i].Path = strings.Replace(gone[i].Path, "expect.event.workflow", "expect.workflow", 1)
	}
	a.plan.Faults = append(a.plan.Faults, append(faults, d.Place(gone)...)...)
	text, err := d.Definition.Encode()
	if err != nil {
		return err
	}
	if len(text) > promise.MaxDefinition {
		a.plan.Faults = append(a.plan.Faults, d.Fault("", "The promise is longer than %d bytes.", promise.MaxDefinition))
	}
	x.text, x.row.Name, x.row.MailboxID, x.row.DeletedAt = string(text), d.Name, d.Mailbox, 0
	if d.Enabled != nil {
		x.row.Enabled = *d.Enabled
	}
	x.step = FileStep{Key: d.Key, Name: d.Name, What: StepSame, Sentence: promise.Sentence(d.Definition, say)}
	if len(a.plan.Faults) > 0 {
		return nil
	}
	return x.compare(ctx, read, names, say)
}

// compare holds a promise of the files against the one that is there.
func (x *promiseItem) compare(ctx context.Context, read store.Read, names *flowfile.Names, say workflow.Names) error {
	now := *x.doc
	now.Enabled = &x.row.Enabled
	text, err := promiseLines(now, names)
	if err != nil {
		return err
	}
	if x.was == nil || x.was.Version == 0 {
		x.step.What, x.fresh = StepNew, true
		x.step.Words = []string{"It is new, and switched " + onOff(x.row.Enabled) + "."}
		x.step.Text = workflow.Differ(nil, text)
		return nil
	}
	before, fault, err := promiseDocument(ctx, read, *x.was)
	if err != nil {
		return err
	}
	stored, err := before.Definition.Encode()
	if err != nil {
		return err
	}
	x.fresh = fault != "" || string(stored) != x.text
	add := func(format string, args ...any) { x.step.Words = append(x.step.Words, fmt.Sprintf(format, args...)) }
	switch {
	case x.was.DeletedAt > 0:
		x.step.What = StepRestored
		add("It was deleted, and is back.")
	case x.fresh || x.row.Name != x.was.Name || x.row.MailboxID != x.was.MailboxID || x.row.Enabled != x.was.Enabled:
		x.step.What = StepChanged
	default:
		return nil
	}
	if x.row.Name != x.was.Name {
		add("It was called %q.", x.was.Name)
	}
	if x.row.MailboxID != x.was.MailboxID {
		add("It is for %s now, and was for %s.", boxWords(say, x.row.MailboxID), boxWords(say, x.was.MailboxID))
	}
	if x.row.Enabled != x.was.Enabled {
		add("It is switched %s.", onOff(x.row.Enabled))
	}
	if x.fresh {
		add("A new version is published; it was version %d. What is watched already goes on with the version it began with.", x.was.Version)
	}
	old, err := promiseLines(before, names)
	if err != nil {
		return err
	}
	if d := workflow.Differ(old, text); slices.ContainsFunc(d, func(c workflow.Change) bool { return c.Sign != ' ' }) {
		x.step.Text = d
	}
	return nil
}

func boxWords(say workflow.Names, id int64) string {
	if id == 0 {
		return "all mailboxes"
	}
	return say(workflow.RefMailbox, id)
}

// promiseLines is a promise as its file, line by line, without the sentence above
// it.
func promiseLines(d flowfile.Promise, names *flowfile.Names) ([]string, error) {
	text, err := flowfile.WritePromise(d, names)
	return belowComment(text), err
}

func belowComment(text string) []string {
	_, text, _ = strings.Cut(text, "\n")
	return strings.Split(strings.TrimRight(text, "\n"), "\n")
}

// writePromises writes what was reckoned, and reports whether anything is watched
// otherwise than before.
func (a *applying) writePromises(ctx context.Context, t *store.Tx) (changed bool, err error) {
	for _, x := range a.promises {
		if x.step.What == StepSame {
			continue
		}
		changed = true
		if err := a.writePromise(ctx, t, x); err != nil {
			return false, fmt.Errorf("promise %s: %w", x.doc.Key, err)
		}
	}
	p := NewPromises(a.w)
	for _, row := range a.gone {
		changed = true
		now, err := t.Promise(ctx, row.ID)
		if err != nil {
			return false, err
		}
		now.Enabled, now.DeletedAt = false, a.w.store.Now()
		if err := t.UpdatePromise(ctx, now); err != nil {
			return false, err
		}
		if err := p.end(ctx, t, a.by, now, "deleted"); err != nil {
			return false, err
		}
	}
	return changed, nil
}

func (a *applying) writePromise(ctx context.Context, t *store.Tx, x *promiseItem) error {
	row := x.row
	if x.was != nil {
		now, err := t.Promise(ctx, row.ID) // locked
		if err != nil {
			return err
		}
		row.Draft, row.Version = now.Draft, now.Version
	}
	if x.fresh {
		row.Version++
	}
	write := t.UpdatePromise
	if x.was == nil {
		write = t.InsertPromise
	}
	if err := write(ctx, row); err != nil {
		return err
	}
	if x.fresh {
		v := store.PromiseVersion{PromiseID: row.ID, Number: row.Version, Definition: x.text, AuthorID: a.by.ID, At: a.w.store.Now()}
		if err := t.InsertPromiseVersion(ctx, v); err != nil {
			return err
		}
		if err := logPromise(ctx, t, a.by, fmt.Sprintf("The promise %q was published, version %d.", row.Name, row.Version)); err != nil {
			return err
		}
	} else if err := logPromise(ctx, t, a.by, fmt.Sprintf("The promise %q was changed: %s", row.Name, strings.Join(x.step.Words, " "))); err != nil {
		return err
	}
	if x.was != nil && x.was.Enabled && !row.Enabled {
		return NewPromises(a.w).end(ctx, t, a.by, row, "switched off")
	}
	return nil
}
