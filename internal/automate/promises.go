package automate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/promise"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// Promises keeps the promises of a desk: what is declared, saved and watched
// (W38). What one means is decided by package promise. Like workflows they are
// written as a draft that saves itself; what is watched changes when it is saved
// as a version. It is safe for concurrent use.
type Promises struct{ w *Workflows }

// NewPromises returns the service; it changes what is judged by in the same
// revisions as the workflows do.
func NewPromises(w *Workflows) *Promises { return &Promises{w: w} }

// alarmBroken is the kind of the alarm that a broken promise raises.
const alarmBroken = "promise.broken"

// maxPromises is how many promises a desk may have: each is asked about every
// event of its edge.
const maxPromises = 100

// shippedPromiseMeta names the note that a shipped promise was given to this
// desk; it stays when an admin deletes it.
func shippedPromiseMeta(key string) string { return "shipped promise " + key }

// EnsureShipped gives a desk the promises it comes with, switched on: they watch
// and mail nobody. Each comes once. Any number of processes may call it at the
// same time.
func (p *Promises) EnsureShipped(ctx context.Context) (err error) {
	defer postroom.Wrap(&err, "set up the shipped promises")
	for _, s := range promise.Shipped() {
		given, err := p.w.store.Read().Meta(ctx, shippedPromiseMeta(s.Key))
		if err != nil {
			return err
		}
		if given != "" {
			continue
		}
		if err := p.ship(ctx, s); err != nil {
			return fmt.Errorf("promise %s: %w", s.Key, err)
		}
	}
	return nil
}

func (p *Promises) ship(ctx context.Context, s promise.ShippedPromise) error {
	if _, err := promise.Compile(s.Definition, promise.Identity{}); err != nil {
		return err
	}
	text, err := s.Definition.Encode()
	if err != nil {
		return err
	}
	id, err := p.w.store.NewID(ctx)
	if err != nil {
		return err
	}
	return p.w.change(ctx, 0, func(t *store.Tx) (bool, error) {
		mine, err := t.Claim(ctx, shippedPromiseMeta(s.Key), fmt.Sprint(id))
		if err != nil || !mine {
			return false, err
		}
		row := store.Promise{ID: id, Key: s.Key, Name: s.Name, Enabled: true, Version: 1}
		if err := t.InsertPromise(ctx, row); err != nil {
			return false, err
		}
		return true, t.InsertPromiseVersion(ctx, store.PromiseVersion{PromiseID: id, Number: 1, Definition: string(text), At: p.w.store.Now()})
	})
}

// Begin makes a new promise that is still to be written, and returns its id.
func (p *Promises) Begin(ctx context.Context, by *postroom.Agent) (id int64, err error) {
	if err := manage(by); err != nil {
		return 0, err
	}
	defer postroom.Wrap(&err, "begin a promise")
	d := promise.Definition{When: workflow.When{Event: postroom.MessageReceived, Actors: []postroom.ActorKind{postroom.ByCustomer}},
		Expect: promise.Expect{Times: promise.Some, Event: &workflow.Unless{Event: postroom.ReplySent, Actors: []postroom.ActorKind{postroom.ByAgent}}}, Within: "1d"}
	text, err := d.Encode()
	if err != nil {
		return 0, err
	}
	if id, err = p.w.store.NewID(ctx); err != nil {
		return 0, err
	}
	return id, p.w.store.Write(ctx, func(t *store.Tx) error {
		if err := stillManages(ctx, t, by.ID); err != nil {
			return err
		}
		all, err := t.Promises(ctx)
		if err != nil {
			return err
		}
		if len(all) >= maxPromises {
			return postroom.Errorf(postroom.Conflict, "A desk has at most %d promises.", maxPromises)
		}
		t.OnCommit(func() { p.w.publish(Key) })
		draft := store.PromiseDraft{Definition: string(text), Revision: 1, By: by.ID, At: p.w.store.Now()}
		return t.InsertPromise(ctx, store.Promise{ID: id, Draft: draft})
	})
}

// errPromiseGone is the answer about one that was deleted.
func errPromiseGone() error { return postroom.Errorf(postroom.NotFound, "There is no such promise.") }

// promiseHere loads a promise that was not deleted.
func promiseHere(ctx context.Context, r store.Read, id int64) (store.Promise, error) {
	row, err := r.Promise(ctx, id)
	if err == nil && row.DeletedAt > 0 {
		err = errPromiseGone()
	}
	return row, err
}

// SaveDraft stores what the form of a promise holds, with an act of the editor
// done to its conditions; see Workflows.SaveDraft, of which it is the likeness.
func (p *Promises) SaveDraft(ctx context.Context, by *postroom.Agent, id int64, f Form, act string) (place string, err error) {
	if err := manage(by); err != nil {
		return "", err
	}
	defer postroom.Wrap(&err, "save the draft of promise %d", id)
	d, err := promise.FromFields(workflow.Fields(f))
	if err != nil {
		return "", err
	}
	if act != "" {
		edit, err := workflow.ParseEdit(act)
		if err != nil {
			return "", err
		}
		changed, at, err := edit.Apply(workflow.Definition{When: d.When, If: d.If})
		if err != nil {
			return "", err
		}
		d.If, place = workflow.Stored(changed).If, at
	}
	name, mailbox, err := head(f)
	if err != nil {
		return "", err
	}
	text, err := d.Encode()
	if err != nil {
		return "", err
	}
	if len(text) > promise.MaxDefinition {
		return "", postroom.Errorf(postroom.Invalid, "The promise is longer than %d bytes.", promise.MaxDefinition)
	}
	return place, p.w.store.Write(ctx, func(t *store.Tx) error {
		if err := stillManages(ctx, t, by.ID); err != nil {
			return err
		}
		row, err := promiseHere(ctx, t.Read, id)
		if err != nil {
			return err
		}
		was := row.Draft
		if was.Revision != f.number(fieldRevision) && was.By != by.ID {
			return overtaken("Somebody else has changed this promise since you opened it. Save again to put yours in its place, or open the page anew to see theirs.")
		}
		next := store.PromiseDraft{Definition: string(text), Name: name, MailboxID: mailbox, Revision: was.Revision + 1, By: by.ID, At: p.w.store.Now()}
		if next.Definition == was.Definition && next.Name == was.Name && next.MailboxID == was.MailboxID {
			return nil
		}
		row.Draft = next
		return t.UpdatePromise(ctx, row)
	})
}

// Publish makes the draft a version that is watched from now on. What is watched
// already goes on with the version it began with. The error names the field that
// is not in order.
func (p *Promises) Publish(ctx context.Context, by *postroom.Agent, id int64) (number int, err error) {
	if err := manage(by); err != nil {
		return 0, err
	}
	defer postroom.Wrap(&err, "publish promise %d", id)
	return number, p.w.change(ctx, by.ID, func(t *store.Tx) (bool, error) {
		row, err := promiseHere(ctx, t.Read, id)
		if err != nil {
			return false, err
		}
		draft := row.Draft
		if draft.Revision == 0 {
			return false, postroom.Errorf(postroom.Conflict, "Nothing was changed.")
		}
		d, err := promise.Decode([]byte(draft.Definition))
		if err != nil {
			return false, err
		}
		if draft.Name == "" {
			return false, postroom.InvalidField(fieldName, "A promise needs a name.")
		}
		if err := fit(ctx, t.Read, d); err != nil {
			return false, err
		}
		if row.Version == 0 {
			row.Enabled = true
		}
		row.Version++
		number = row.Version
		row.Name, row.MailboxID, row.Draft = draft.Name, draft.MailboxID, store.PromiseDraft{}
		if err := t.UpdatePromise(ctx, row); err != nil {
			return false, err
		}
		if err := logPromise(ctx, t, by, fmt.Sprintf("The promise %q was published, version %d.", row.Name, row.Version)); err != nil {
			return false, err
		}
		return true, t.InsertPromiseVersion(ctx, store.PromiseVersion{PromiseID: id, Number: row.Version, Definition: draft.Definition, AuthorID: by.ID, At: p.w.store.Now()})
	})
}

// missingInPromise lists the agents, tags, mailboxes and workflows that a promise
// names and that are not there.
func missingInPromise(ctx context.Context, read store.Read, d promise.Definition, coming ...int64) (workflow.Faults, error) {
	same := workflow.Definition{When: d.When, If: d.If}
	if x := d.Expect.Event; x != nil {
		same.When.Unless = []workflow.Unless{*x}
	}
	faults, err := missingReferences(ctx, read, same, coming...)
	if err != nil {
		return nil, err
	}
	for i := range faults {
		faults[i].Path = strings.Replace(faults[i].Path, "when.unless[0].", "expect.", 1)
	}
	if id := d.Expect.Workflow; id != 0 && !slices.Contains(coming, id) {
		row, err := read.Workflow(ctx, id)
		switch {
		case postroom.CodeOf(err) == postroom.NotFound || err == nil && row.DeletedAt > 0:
			faults = append(faults, workflow.Fault{Path: "expect.workflow", Text: "This workflow is not there any more."})
		case err != nil:
			return nil, err
		}
	}
	return faults, nil
}

// Discard throws the draft away. A promise that has no version goes with it.
func (p *Promises) Discard(ctx context.Context, by *postroom.Agent, id int64) (err error) {
	if err := manage(by); err != nil {
		return err
	}
	defer postroom.Wrap(&err, "discard the draft of promise %d", id)
	return p.w.store.Write(ctx, func(t *store.Tx) error {
		if err := stillManages(ctx, t, by.ID); err != nil {
			return err
		}
		row, err := promiseHere(ctx, t.Read, id)
		if err != nil {
			return err
		}
		row.Draft = store.PromiseDraft{}
		if row.Version == 0 {
			row.DeletedAt = p.w.store.Now()
		}
		t.OnCommit(func() { p.w.publish(Key) })
		return t.UpdatePromise(ctx, row)
	})
}

// Switch has a promise watched or not. Switching off ends what is watched, and
// clears its alarm.
func (p *Promises) Switch(ctx context.Context, by *postroom.Agent, id int64, on bool) error {
	return p.set(ctx, by, id, "switched "+map[bool]string{true: "on", false: "off"}[on], func(row *store.Promise) error {
		if on && row.Version == 0 {
			return postroom.Errorf(postroom.Conflict, "It was never published. Publish it, and it is watched.")
		}
		row.Enabled = on
		return nil
	})
}

// Delete takes a promise away, until Undelete brings it back. Under Why? stays
// what came of it.
func (p *Promises) Delete(ctx context.Context, by *postroom.Agent, id int64) error {
	return p.set(ctx, by, id, "deleted", func(row *store.Promise) error {
		row.Enabled, row.DeletedAt = false, p.w.store.Now()
		return nil
	})
}

// set changes a promise; one that is not watched any more ends what was.
func (p *Promises) set(ctx context.Context, by *postroom.Agent, id int64, what string, f func(*store.Promise) error) (err error) {
	if err := manage(by); err != nil {
		return err
	}
	defer postroom.Wrap(&err, "change promise %d", id)
	return p.w.change(ctx, by.ID, func(t *store.Tx) (bool, error) {
		row, err := promiseHere(ctx, t.Read, id)
		if err != nil {
			return false, err
		}
		was := row
		if err := f(&row); err != nil {
			return false, err
		}
		if was == row {
			return false, nil
		}
		if err := t.UpdatePromise(ctx, row); err != nil {
			return false, err
		}
		if !row.Enabled {
			return true, p.end(ctx, t, by, row, what)
		}
		return true, logPromise(ctx, t, by, fmt.Sprintf("The promise %q was %s.", row.Name, what))
	})
}

// end ends what is watched of a promise that was switched off or deleted, and
// clears its alarm.
func (p *Promises) end(ctx context.Context, t *store.Tx, by *postroom.Agent, row store.Promise, what string) error {
	if err := t.DropWatches(ctx, row.ID, "The promise was "+what+"."); err != nil {
		return err
	}
	if err := p.clear(ctx, t, row.ID); err != nil {
		return err
	}
	return logPromise(ctx, t, by, fmt.Sprintf("The promise %q was %s.", row.Name, what))
}

// logPromise writes into the system log what somebody did to a promise.
func logPromise(ctx context.Context, t *store.Tx, by *postroom.Agent, words string) error {
	return t.Log(ctx, store.LogEntry{Area: store.AreaWorkflows, AgentID: by.ID, Words: words})
}

// Seen notes that an admin knows of the broken ones of a promise: its alarm
// clears, and they stay on its page.
func (p *Promises) Seen(ctx context.Context, by *postroom.Agent, id int64) (err error) {
	if err := manage(by); err != nil {
		return err
	}
	defer postroom.Wrap(&err, "see promise %d", id)
	return p.w.store.Write(ctx, func(t *store.Tx) error {
		if err := stillManages(ctx, t, by.ID); err != nil {
			return err
		}
		if _, err := promiseHere(ctx, t.Read, id); err != nil {
			return err
		}
		if err := t.SeeWatches(ctx, id); err != nil {
			return err
		}
		t.OnCommit(func() { p.w.publish(Key) })
		return p.clear(ctx, t, id)
	})
}

// clear clears the alarm of a promise.
func (p *Promises) clear(ctx context.Context, t *store.Tx, id int64) error {
	was, err := t.ClearAlarm(ctx, alarmBroken, decimal(id), p.w.store.Now())
	if was {
		t.OnCommit(func() { p.w.publish(keyAlarms) })
	}
	return err
}

// promiseFaults are what keeps a definition from being published.
func promiseFaults(d promise.Definition) workflow.Faults {
	_, err := promise.Compile(d, promise.Identity{})
	var faults workflow.Faults
	if errors.As(err, &faults) {
		return faults
	}
	return workflow.FaultsOf(err)
}
