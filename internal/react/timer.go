package react

import (
	"context"
	"fmt"
	"slices"
	"time"

	"postroom"
	"postroom/internal/calendar"
	"postroom/internal/desk"
	"postroom/internal/store"
	"postroom/internal/work"
	"postroom/internal/workflow"
)

// timerSource claims timers whose time has come, the one that is due longest
// first.
type timerSource struct{ r *React }

func (timerSource) Name() string { return desk.WakeTimer }

func (s timerSource) Claim(ctx context.Context, limit int, lease time.Duration) ([]work.Item, error) {
	return items(s.r.Store.ClaimTimers(ctx, limit, lease.Milliseconds()))
}

func (s timerSource) Renew(ctx context.Context, i work.Item, lease time.Duration) error {
	return lost(s.r.Store.RenewTimer(ctx, claimed(i), lease.Milliseconds()))
}

func (s timerSource) Fail(ctx context.Context, i work.Item, cause error) error {
	wait, tries := s.r.rest(s.Name(), i, cause)
	return s.r.Store.Write(ctx, func(tx *store.Tx) error {
		return tx.ReleaseTimer(ctx, claimed(i), s.r.Store.Now()+wait, tries)
	})
}

func (s timerSource) NextDue(ctx context.Context) (int64, bool, error) {
	return s.r.Store.NextTimer(ctx)
}

// A timer rests while what happened before it on its conversation is still to be
// judged, in milliseconds: until that is final and a little longer, and at most
// maxTimerRest, since a job may end at any time.
const (
	timerRest    = 50
	maxTimerRest = 2000
)

// fire records that a timer is due. What happened on its conversation before is
// judged first, however long that takes: whatever kept the workflow from running
// had the lower number, and wins (W22). The event is judged in its turn like any
// other, by the version that the timer was armed with.
func (r *React) fire(ctx context.Context, i work.Item) error {
	c := claimed(i)
	x, err := r.Store.Read().Timer(ctx, c.ID)
	if err != nil {
		return err
	}
	armed := postroom.Event{ID: x.EventID, Seq: x.EventSeq}
	if x.Leg > 0 {
		if armed, err = r.Store.Read().Event(ctx, x.EventID); err != nil {
			return err
		}
	}
	ids, err := r.Store.NewIDs(ctx, 3)
	if err != nil {
		return err
	}
	err = r.Store.Write(ctx, func(tx *store.Tx) error {
		on, err := tx.Conversation(ctx, x.ConversationID)
		if err != nil {
			return err
		}
		if err := tx.HoldTimer(ctx, c); err != nil {
			return lost(err)
		}
		before, err := tx.PendingEvents(ctx, on.ID, 0, judgeAhead)
		if err != nil {
			return err
		}
		if len(before) > 0 {
			return tx.ReleaseTimer(ctx, c, after(before, r.Store.Now()), c.Tries)
		}
		if words, err := r.gone(ctx, tx, on, x); err != nil || words != "" {
			x.State, x.EndedAt, x.EndedBy, x.Words = postroom.TimerStopped, r.Store.Now(), postroom.System, words
			if err == nil {
				err = tx.EndTimer(ctx, x)
			}
			return err
		}
		_, err = r.Desk.In(ctx, tx, postroom.System, desk.Cause{Path: postroom.PathTimer, Event: &armed, Begin: true, GoesOn: x.Leg > 0}, on, ids, func(t *desk.Turn) error {
			return t.Due(x)
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("timer %d: %w", c.ID, err)
	}
	return nil
}

// after returns when to look again at a timer that comes after events which are
// still to be judged.
func after(before []postroom.Event, now int64) int64 {
	at := now
	for _, e := range before {
		at = max(at, e.FinalAt)
	}
	return min(at, now+maxTimerRest) + timerRest
}

// gone says why a timer is not to run any more although nothing has cancelled
// it, "" if it is to run: what was judged while its workflow was being switched
// off may have armed it after all.
func (r *React) gone(ctx context.Context, tx *store.Tx, c *postroom.Conversation, x postroom.Timer) (string, error) {
	switch {
	case c.DeletedAt > 0:
		return "The conversation was deleted.", nil
	case c.MergedInto > 0:
		return wordsMerged, nil
	case c.Status == postroom.Spam:
		return "The conversation was marked as spam.", nil
	}
	w, err := r.Store.Read().Workflow(ctx, x.WorkflowID)
	switch {
	case postroom.CodeOf(err) == postroom.NotFound || err == nil && w.DeletedAt > 0:
		return "The workflow was deleted.", nil
	case err == nil && !w.Enabled:
		return "The workflow was switched off.", nil
	}
	return "", err
}

// timers is what an event does to the timers of its conversation: settled before
// the transaction that stores it with the verdicts.
type timers struct {
	arm  []postroom.Timer
	end  []postroom.Timer
	hear []postroom.EventKind // what can end those it arms, as far as nobody else may listen for it
}

// heard are the kinds of events that can end a timer of a leg and are recorded
// for the judge only where somebody listens for them.
func heard(v *workflow.Version, leg int) []postroom.EventKind {
	return slices.DeleteFunc(v.LegEndedBy(leg), func(k postroom.EventKind) bool { return !k.Quiet() })
}

func (t timers) none() bool { return len(t.arm)+len(t.end) == 0 }

// clock decides what the event does to timers: it ends those that it is an
// "unless" of, and begins one for each workflow that waits from it on. Of a
// workflow that begins anew the one that waited ends.
func (g *judgement) clock(ctx context.Context) error {
	g.timers = timers{}
	if g.fixed {
		return nil
	}
	for _, v := range g.j.Matches {
		leg := 0
		if g.event.Payload.WorkflowID == v.WorkflowID {
			leg = workflow.LegOf(g.event)
		}
		if v.LegCountsOffice(leg+1) || v.SleepCountsOffice(leg) {
			g.in.Office = workflow.OfficeOf(g.look.Office())
		}
	}
	e := g.event
	var waiting []postroom.Timer
	for _, x := range g.waiting {
		v, err := g.r.sets.version(ctx, g.set, x.WorkflowID, x.Version)
		if err != nil {
			return err
		}
		words := ""
		if v != nil {
			words = v.EndsLeg(x.Leg, e, g.look.name)
		}
		if words == "" {
			waiting = append(waiting, x)
			continue
		}
		g.ends(x, postroom.TimerStopped, words)
	}
	for _, v := range g.j.Armed {
		if v.Again() == workflow.AgainRestart {
			for _, x := range waiting {
				if x.WorkflowID == v.WorkflowID && x.Leg == 0 {
					g.ends(x, postroom.TimerRestarted, "Its wait began anew.")
				}
			}
		}
		id, err := g.r.Store.NewID(ctx)
		if err != nil {
			return err
		}
		g.timers.arm = append(g.timers.arm, postroom.Timer{ID: id, WorkflowID: v.WorkflowID, Version: v.Number, ConversationID: e.ConversationID,
			EventID: e.ID, EventSeq: e.Seq, ArmedAt: e.At, DueAt: v.DueAt(e.At, g.officeFor(v))})
		g.timers.hear = append(g.timers.hear, heard(v, 0)...)
	}
	return g.look.err
}

// officeFor is the calendar by which a version waits, nil if it needs none; it is
// recorded with the judgement.
func (g *judgement) officeFor(v *workflow.Version) *calendar.Calendar {
	if !v.CountsOffice() {
		return nil
	}
	c := g.look.Office()
	g.in.Office = workflow.OfficeOf(c)
	return c
}

// ends notes that the event ends a timer.
func (g *judgement) ends(x postroom.Timer, state postroom.TimerState, words string) {
	x.State, x.EndedAt, x.EndedBy, x.EndEvent, x.Words = state, g.event.At, g.event.Actor, g.event.ID, words
	g.timers.end = append(g.timers.end, x)
	g.in.Ended = append(g.in.Ended, workflow.EndedTimer{Timer: x.ID, WorkflowID: x.WorkflowID, Number: x.Version})
}

// setTimers stores what the event does to timers, in the transaction that fixes the
// judgement. A timer that somebody has ended meanwhile stays as it is.
func (g *judgement) setTimers(ctx context.Context, tx *store.Tx) error {
	for _, x := range g.timers.end {
		if err := tx.EndTimer(ctx, x); err != nil && postroom.CodeOf(err) != postroom.Conflict {
			return err
		}
	}
	for _, x := range g.timers.arm {
		if err := tx.ArmTimer(ctx, x); err != nil {
			return err
		}
	}
	if err := tx.AlsoListen(ctx, g.timers.hear); err != nil {
		return err
	}
	if !g.timers.none() {
		e := g.event
		tx.OnCommit(func() {
			g.r.Desk.Wake(desk.WakeTimer)
			g.r.Desk.Changed(e)
		})
	}
	return nil
}
