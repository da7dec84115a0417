package desktest

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/store"
	"postroom/internal/work"
	"postroom/internal/workflow"
)

// PublishVersion publishes another version of a workflow.
func (d *Desk) PublishVersion(id int64, def workflow.Definition) {
	d.T.Helper()
	if err := workflow.Publishable(def); err != nil {
		d.T.Fatalf("workflow %d: %v", id, err)
	}
	body, err := def.Encode()
	d.must(err)
	d.changeWorkflow(id, func(tx *store.Tx, w *store.Workflow) error {
		w.Version++
		return tx.InsertVersion(d.Ctx, store.WorkflowVersion{WorkflowID: id, Number: w.Version, Definition: string(body), At: d.Store.Now()})
	})
}

// SwitchWorkflow switches a workflow on or off; switching on forgives failures.
func (d *Desk) SwitchWorkflow(id int64, on bool) {
	d.T.Helper()
	d.changeWorkflow(id, func(_ *store.Tx, w *store.Workflow) error {
		w.Enabled, w.PausedWords, w.Failures = on, "", 0
		return nil
	})
}

func (d *Desk) changeWorkflow(id int64, change func(*store.Tx, *store.Workflow) error) {
	d.T.Helper()
	d.Write(func(tx *store.Tx) error {
		w, err := tx.Workflow(d.Ctx, id)
		if err == nil {
			err = change(tx, &w)
		}
		if err == nil {
			err = tx.UpdateWorkflow(d.Ctx, w)
		}
		if err == nil {
			_, err = tx.PublishSet(d.Ctx, 0, d.Store.Now())
		}
		return err
	})
}

// Workflow loads a workflow.
func (d *Desk) Workflow(id int64) store.Workflow {
	d.T.Helper()
	w, err := d.Store.Read().Workflow(d.Ctx, id)
	d.must(err)
	return w
}

// SQL changes rows behind the product's back.
func (d *Desk) SQL(query string, args ...any) {
	d.T.Helper()
	d.must(d.DB.Write(d.Ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(d.Ctx, query, args...)
		if err == nil && n == 0 {
			err = fmt.Errorf("no row was changed by %s", query)
		}
		return err
	}))
}

// Tag returns the id of a tag, made if need be.
func (d *Desk) Tag(name string) (id int64) {
	d.T.Helper()
	fresh := d.ID()
	d.Write(func(tx *store.Tx) (err error) {
		id, err = tx.FindOrAddTag(d.Ctx, fresh, name)
		return err
	})
	return id
}

// EventsOf returns the events of a conversation of one kind, undone ones too,
// in order; "" is all kinds.
func (d *Desk) EventsOf(conversation int64, kind postroom.EventKind) []postroom.Event {
	d.T.Helper()
	all, err := d.Store.Read().Events(d.Ctx, conversation)
	d.must(err)
	var out []postroom.Event
	for _, e := range all {
		if kind == "" || e.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}

// Runs returns the runs of a workflow on a conversation in order; 0 is every
// workflow.
func (d *Desk) Runs(conversation, workflow int64) []postroom.Run {
	d.T.Helper()
	all, err := d.Store.Read().RunsOfConversation(d.Ctx, conversation)
	d.must(err)
	var out []postroom.Run
	for _, r := range all {
		if workflow == 0 || r.WorkflowID == workflow {
			out = append(out, r)
		}
	}
	return out
}

// Verdicts returns what each workflow said to an event, by workflow.
func (d *Desk) Verdicts(event int64) map[int64]workflow.Verdict {
	d.T.Helper()
	_, vector, _, err := d.Store.Read().Judgement(d.Ctx, event)
	d.must(err)
	results, err := workflow.ParseVector(vector)
	d.must(err)
	out := map[int64]workflow.Verdict{}
	for _, r := range results {
		out[r.WorkflowID] = r.Verdict
	}
	return out
}

// Alarm returns the open alarm of a kind about a subject; nil if there is
// none.
func (d *Desk) Alarm(kind, subject string) *store.Alarm {
	d.T.Helper()
	all, err := d.Alarms.List(d.Ctx)
	d.must(err)
	for _, a := range all {
		if a.Kind == kind && (subject == "" || a.Subject == subject) && a.ClearedAt == 0 {
			return &a
		}
	}
	return nil
}

// lease is longer than any lease of the desk under test.
const lease = time.Minute

// JudgeUntilCrash begins the judging that is due as a process does that dies
// when it is about to use the database for the n-th time: nothing more of it
// is heard, not even that it failed. It reports whether it came to that.
func (d *Desk) JudgeUntilCrash(n int) (crashed bool) { return d.WorkUntilCrash(store.LaneJudge, n) }

// WorkUntilCrash is JudgeUntilCrash for another kind of work. Where one that died
// before had committed the last of it without living to know, nothing is left to
// do, and it has not come to a crash.
func (d *Desk) WorkUntilCrash(name string, n int) (crashed bool) {
	d.T.Helper()
	var kind work.Kind
	for _, k := range d.React.Kinds() {
		if k.Source.Name() == name {
			kind = k
		}
	}
	// The transaction of one that died before may still hold its lane until the
	// engine has noticed, and a claim passes over what is locked.
	var items []work.Item
	var err error
	for end := time.Now().Add(30 * time.Second); len(items) == 0 && time.Now().Before(end); {
		items, err = kind.Source.Claim(d.Ctx, 1, kind.Lease)
		d.must(err)
		if len(items) == 0 && d.died {
			due, ok, err := kind.Source.NextDue(d.Ctx)
			d.must(err)
			if !ok || due > d.Store.Now() {
				return false
			}
		}
	}
	if len(items) != 1 {
		d.T.Fatalf("nothing is to be done by %s", name)
	}
	ctx := newMortal(d.Ctx, n)
	err = kind.Handler(ctx, items[0])
	if ctx.dead.Load() {
		d.died = true
		d.Clock.Advance(lease)
		return true
	}
	d.must(err)
	return false
}

// mortal is the context of a process that dies when it looks at its context
// for the n-th time, which it does before every statement.
type mortal struct {
	context.Context
	left atomic.Int64
	dead atomic.Bool
	done chan struct{}
}

func newMortal(ctx context.Context, n int) *mortal {
	m := &mortal{Context: ctx, done: make(chan struct{})}
	m.left.Store(int64(n))
	return m
}

func (m *mortal) Done() <-chan struct{} { return m.done }

func (m *mortal) Err() error {
	if m.left.Add(-1) == 0 {
		m.dead.Store(true)
		close(m.done)
	}
	if m.dead.Load() {
		return context.Canceled
	}
	return nil
}

// Story tells what became of a conversation, without anything that differs
// from one run to the next: for comparing runs with each other. Events are
// numbered without those of the mails' deliveries, which come when they come.
func (d *Desk) Story(conversation int64) string {
	d.T.Helper()
	var b strings.Builder
	c := d.Conversation(conversation)
	fmt.Fprintf(&b, "status %s, assignee %d, tags %v, %d received, %d replies, %d notes\n", c.Status, c.AssigneeID, c.Tags, c.Received, c.Replies, c.Notes)
	byID, bySeq := map[int64]int{}, map[int64]int{}
	for _, e := range d.EventsOf(conversation, "") {
		if strings.HasPrefix(string(e.Kind), "mail.accepted") {
			continue
		}
		n := len(bySeq) + 1
		byID[e.ID], bySeq[e.Seq] = n, n
		fmt.Fprintf(&b, "%d %s %s by %s, cause %d, root %d, depth %d: %s %s→%s %v %v %s\n", n, e.Kind, e.State, e.Actor.Kind, byID[e.Cause], byID[e.Root],
			e.Depth, e.After.Status, e.Payload.From, e.Payload.To, e.Payload.Added, e.Payload.Removed, e.Payload.Words)
	}
	for _, r := range d.Runs(conversation, 0) {
		fmt.Fprintf(&b, "run of %d v%d for %d: %s %v %s\n", r.WorkflowID, r.Version, bySeq[r.EventSeq], r.State, r.Stopped, r.Error)
		for _, e := range r.Effects {
			fmt.Fprintf(&b, "  %d %s %s %s, event %d\n", e.Position, e.Action, e.Result, e.Reason, bySeq[e.EventSeq])
		}
	}
	for _, m := range d.Mails(conversation) {
		fmt.Fprintf(&b, "mail of %d: %s, automatic %v, machine %v\n", bySeq[m.Seq], m.State, m.Automatic, m.Machine)
	}
	return b.String()
}

// Timers returns the timers of a workflow on a conversation, in the order in
// which they were armed.
func (d *Desk) Timers(conversation, workflow int64) []postroom.Timer {
	d.T.Helper()
	all, err := d.Store.Read().TimersOf(d.Ctx, conversation)
	d.must(err)
	var out []postroom.Timer
	for _, t := range all {
		if t.WorkflowID == workflow {
			out = append(out, t)
		}
	}
	return out
}
