package react

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/calendar"
	"postroom/internal/desk"
	"postroom/internal/promise"
	"postroom/internal/store"
	"postroom/internal/work"
	"postroom/internal/workflow"
)

// loadPromises reads the promises that are switched on. One that cannot be read
// any more is not watched, and its page says so: no event waits for it.
func (s *sets) loadPromises(ctx context.Context) (*promise.Set, error) {
	rows, err := s.store.Read().Promises(ctx)
	if err != nil {
		return nil, err
	}
	var versions []*promise.Version
	for _, row := range rows {
		if !row.Enabled || row.Version == 0 {
			continue
		}
		v, err := readPromise(ctx, s.store.Read(), row, row.Version)
		if err != nil {
			return nil, err
		}
		if v != nil {
			versions = append(versions, v)
		}
	}
	if len(versions) == 0 {
		return nil, nil
	}
	return promise.NewSet(versions), nil
}

// readPromise reads a version of a promise; nil for one that cannot be read any
// more.
func readPromise(ctx context.Context, read store.Read, row store.Promise, number int) (*promise.Version, error) {
	stored, err := read.PromiseVersion(ctx, row.ID, number)
	if postroom.CodeOf(err) == postroom.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d, err := promise.Decode([]byte(stored.Definition))
	if err != nil {
		return nil, nil
	}
	v, err := promise.Compile(d, promise.Identity{ID: row.ID, Number: number, Name: row.Name, MailboxID: row.MailboxID})
	if err != nil {
		return nil, nil
	}
	return v, nil
}

// watch decides which promises begin with the event. Like timers they are stored
// in the transaction that fixes the judgement, and so once.
func (g *judgement) watch(ctx context.Context) (err error) {
	g.watches = nil
	e := g.event
	if g.fixed || !g.set.promises.Listens(e.Kind) {
		return nil
	}
	needs := g.set.promises.Needs(e.Kind)
	if needs.Root && g.root.ID == 0 {
		if g.root, err = g.rootEvent(ctx); err != nil {
			return err
		}
	}
	facts := g.look.facts(needs)
	if g.look.err != nil {
		return g.look.err
	}
	for _, v := range g.set.promises.Watched(e, facts) {
		id, err := g.r.Store.NewID(ctx)
		if err != nil {
			return err
		}
		var office *calendar.Calendar
		if v.CountsOffice() {
			// What is promised keeps the time it began with, as a timer does: a
			// calendar that is changed later does not move it.
			office = g.look.Office()
		}
		if g.look.err != nil {
			return g.look.err
		}
		w := store.Watch{ID: id, PromiseID: v.ID, Version: v.Number, ConversationID: e.ConversationID, EventID: e.ID, EventSeq: e.Seq,
			Open: store.WatchAtItsEnd, ArmedAt: e.At, DueAt: v.DueAt(e, office)}
		if v.Restless() {
			w.Open = store.WatchRestless
		}
		g.watches = append(g.watches, w)
	}
	return nil
}

// setWatches stores the promises that begin with the event.
func (g *judgement) setWatches(ctx context.Context, tx *store.Tx) error {
	for _, w := range g.watches {
		if err := tx.ArmWatch(ctx, w); err != nil {
			return err
		}
	}
	if len(g.watches) > 0 {
		tx.OnCommit(func() { g.r.Desk.Wake(desk.WakePromise) })
	}
	return nil
}

// stir has the promises of a conversation looked at again that what happened
// there can decide. Where none is watched it costs nothing.
func (r *React) stir(ctx context.Context, tx *store.Tx, conversation int64, at head) error {
	if at.watches == 0 {
		return nil
	}
	return tx.StirWatches(ctx, conversation, func() { tx.OnCommit(func() { r.Desk.Wake(desk.WakePromise) }) })
}

// promiseSource claims watched promises whose time has come, or on whose
// conversation something happened.
type promiseSource struct{ r *React }

func (promiseSource) Name() string { return desk.WakePromise }

func (s promiseSource) Claim(ctx context.Context, limit int, lease time.Duration) ([]work.Item, error) {
	return items(s.r.Store.ClaimWatches(ctx, limit, lease.Milliseconds()))
}

func (s promiseSource) Renew(ctx context.Context, i work.Item, lease time.Duration) error {
	return lost(s.r.Store.RenewWatch(ctx, claimed(i), lease.Milliseconds()))
}

func (s promiseSource) Fail(ctx context.Context, i work.Item, cause error) error {
	wait, tries := s.r.rest(s.Name(), i, cause)
	return s.r.Store.Write(ctx, func(tx *store.Tx) error {
		return tx.ReleaseWatch(ctx, claimed(i), s.r.Store.Now()+wait, tries)
	})
}

func (s promiseSource) NextDue(ctx context.Context) (int64, bool, error) {
	return s.r.Store.NextWatch(ctx)
}

// lookAtPromise judges one watched promise and stores what came of it, with its
// count and the alarm. It reads before it writes: what happens in between stirs
// the row, which refuses the write, and it is looked at again.
func (r *React) lookAtPromise(ctx context.Context, i work.Item) error {
	c := claimed(i)
	was, err := r.Store.Read().Watch(ctx, c.ID)
	if postroom.CodeOf(err) == postroom.NotFound {
		return nil // its conversation was erased
	}
	if err != nil {
		return err
	}
	p, err := r.Store.Read().Promise(ctx, was.PromiseID)
	if err != nil {
		return err
	}
	event := new(postroom.Event)
	now, words, err := r.judgePromise(ctx, p, was, event)
	if err != nil {
		return fmt.Errorf("promise %d, watch %d: %w", p.ID, was.ID, err)
	}
	id, err := r.Store.NewID(ctx)
	if err != nil {
		return err
	}
	err = r.Store.Write(ctx, func(tx *store.Tx) error {
		unseen, err := tx.SettleWatch(ctx, c, was, now)
		if err != nil {
			return err
		}
		subject := decimal(p.ID)
		if now.State != was.State && event.ID != 0 {
			tx.OnCommit(func() { r.Desk.Changed(event) })
		}
		switch broke := string(promise.Broken); {
		case now.State == broke && was.State != broke:
			return r.Alarms.RaiseIn(ctx, tx, id, alarm.PromiseBroken, subject, words)
		case was.State == broke && unseen == 0:
			return r.Alarms.ClearIn(ctx, tx, alarm.PromiseBroken, subject)
		}
		return nil
	})
	if postroom.CodeOf(err) == postroom.Conflict {
		// It was stirred, or somebody else has it: what is due is claimed again.
		return work.ErrLost
	}
	return err
}

// judgePromise asks the pure judge what came of a watch, and returns it as it is
// to be stored, with the words of an alarm. The event that it is about is put
// into event, unless nothing is judged any more.
func (r *React) judgePromise(ctx context.Context, p store.Promise, was store.Watch, event *postroom.Event) (now store.Watch, words string, err error) {
	now = was
	drop := func(why string) (store.Watch, string, error) {
		now.Open, now.SettledAt = store.WatchEnded, r.Store.Now()
		if was.State == string(promise.Waiting) || was.State == string(promise.Late) {
			now.State, now.Words = string(promise.Dropped), why
		}
		return now, "", nil
	}
	switch {
	case p.DeletedAt > 0:
		return drop("The promise was deleted.")
	case !p.Enabled:
		return drop("The promise was switched off.")
	}
	v, err := readPromise(ctx, r.Store.Read(), p, was.Version)
	if err != nil {
		return now, "", err
	}
	if v == nil {
		return drop("The promise cannot be read any more.")
	}
	k, number, err := r.caseOf(ctx, was)
	if err != nil {
		return now, "", err
	}
	*event = k.Event
	out := v.Judge(k)
	now.State, now.Words, now.Mails, now.ClaimAt = string(out.State), out.Words, out.Mails, out.Again
	switch out.State {
	case promise.Waiting:
	case promise.Late, promise.Broken:
		now.Open = store.WatchRestless
		if out.Again == 0 {
			now.Open = store.WatchEnded
		}
	default:
		now.Open = store.WatchEnded
	}
	if was.State != now.State {
		now.SettledAt = k.Now
	}
	return now, fmt.Sprintf("“%s”, conversation %d: %s", p.Name, number, out.Words), nil
}

// caseOf gathers what a promise is judged by.
func (r *React) caseOf(ctx context.Context, w store.Watch) (k promise.Case, number int64, err error) {
	read := r.Store.Read()
	k = promise.Case{DueAt: w.DueAt, Now: r.Store.Now()}
	if k.Event, err = read.Event(ctx, w.EventID); err != nil {
		return k, 0, err
	}
	c, err := read.Conversation(ctx, w.ConversationID)
	if err != nil {
		return k, 0, err
	}
	switch {
	case c.DeletedAt > 0:
		k.Gone = "The conversation was deleted."
	case c.MergedInto > 0:
		k.Gone = wordsMerged
	case c.Status == postroom.Spam:
		k.Gone = "The conversation was marked as spam."
	}
	rows, err := read.WatchRows(ctx, w)
	if err != nil {
		return k, 0, err
	}
	k.Later = rows.Later
	by := map[int64]int64{}
	for _, run := range rows.Runs {
		by[run.ID] = run.WorkflowID
	}
	for _, m := range rows.Mails {
		if m.AgentID != 0 || m.Aside {
			continue
		}
		x := promise.SentMail{ID: m.ID, Event: m.EventID, Seq: m.Seq, Workflow: by[m.RunID], State: m.State, Words: m.Words, EndedAt: m.EndedAt}
		if !m.State.Ended() && k.Now >= k.DueAt {
			if x.Waits, err = r.whyWaits(ctx, m); err != nil {
				return k, 0, err
			}
		}
		k.Mails = append(k.Mails, x)
	}
	k.Said, err = r.said(ctx, &k.Event, rows.Runs)
	return k, c.Number, err
}

// whyWaits says what a mail without an end waits for; "" if nothing keeps it,
// and yet it has not gone out.
func (r *React) whyWaits(ctx context.Context, m *postroom.Mail) (string, error) {
	switch m.State {
	case postroom.MailDeferred:
		return "the server put it off: " + m.Words, nil
	case postroom.MailUnsure:
		return "the server may have it or not", nil
	case postroom.MailKept:
		return "it is held back until somebody releases or discards it", nil
	case postroom.MailSending:
		return "it is being sent", nil
	}
	j, err := r.Store.Read().Journey(ctx, m)
	if err != nil {
		return "", err
	}
	now := r.Store.Now()
	switch {
	case j.PausedAt > 0:
		return "sending is paused for its mailbox: " + j.PausedWords, nil
	case len(j.BlockedBy) > 0:
		words := fmt.Sprintf("it waits for an earlier mail, which is %s", j.BlockedBy[0].State)
		if because := strings.TrimSuffix(j.BlockedBy[0].Words, "."); because != "" {
			words += ": " + because
		}
		return words, nil
	case j.UnjudgedSeq > 0:
		return "it waits for what happened before it to be judged", nil
	case j.SlowUntil > now:
		return "the server asks for less mail: " + j.SlowWords, nil
	case j.NextAt > now:
		return "only so many mails a minute are sent from its mailbox", nil
	case m.DueAt > now:
		return "it can still be undone", nil
	}
	return "", nil
}

// said gathers what the workflows that mail the customer said to an event.
func (r *React) said(ctx context.Context, e *postroom.Event, runs []postroom.Run) ([]promise.Said, error) {
	revision, vector, _, err := r.Store.Read().Judgement(ctx, e.ID)
	if err != nil || revision == 0 {
		return nil, err
	}
	results, err := workflow.ParseVector(vector)
	if err != nil {
		return nil, err
	}
	set, err := r.sets.on(ctx, revision, e)
	if err != nil {
		return nil, err
	}
	var out []promise.Said
	for _, res := range results {
		en, ok := set.entry(res.WorkflowID)
		if !ok || !en.Version.Mails() {
			continue
		}
		to := en.Version.Definition.When.To
		s := promise.Said{Workflow: res.WorkflowID, Name: en.Version.Name, Verdict: res.Verdict,
			Apart: res.Verdict == workflow.Filtered && len(to) > 0 && !slices.Contains(to, e.Payload.To)}
		for _, run := range runs {
			if run.EventID != e.ID || run.WorkflowID != res.WorkflowID {
				continue
			}
			s.Failed = run.Error
			for _, x := range run.Effects {
				if x.Action == string(workflow.DoReply) && x.Reason != "" {
					s.Reason = x.Reason
				}
			}
		}
		out = append(out, s)
	}
	return out, nil
}
