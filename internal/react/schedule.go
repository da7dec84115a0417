package react

import (
	"context"
	"fmt"
	"sync"
	"time"

	"postroom"
	"postroom/internal/calendar"
	"postroom/internal/desk"
	"postroom/internal/store"
	"postroom/internal/work"
	"postroom/internal/workflow"
)

// scheduleSource claims workflows whose set time has come. Which there are, and
// when each runs next, follows from the set of workflows, and from the calendars
// in whose zone one without a zone of its own runs: whenever those have changed,
// by whatever way, the rows are brought into line first.
type scheduleSource struct {
	r    *React
	mu   sync.Mutex
	seen store.ScheduleGround // what the rows are in line with
}

func (*scheduleSource) Name() string { return desk.WakeSchedule }

func (s *scheduleSource) Claim(ctx context.Context, limit int, lease time.Duration) ([]work.Item, error) {
	if err := s.follow(ctx); err != nil {
		return nil, err
	}
	return items(s.r.Store.ClaimSchedules(ctx, limit, lease.Milliseconds()))
}

func (s *scheduleSource) Renew(ctx context.Context, i work.Item, lease time.Duration) error {
	return lost(s.r.Store.RenewSchedule(ctx, claimed(i), lease.Milliseconds()))
}

func (s *scheduleSource) Fail(ctx context.Context, i work.Item, cause error) error {
	wait, tries := s.r.rest(s.Name(), i, cause)
	return s.r.Store.Write(ctx, func(tx *store.Tx) error {
		return tx.ReleaseSchedule(ctx, claimed(i), s.r.Store.Now()+wait, tries)
	})
}

func (s *scheduleSource) NextDue(ctx context.Context) (int64, bool, error) {
	return s.r.Store.NextSchedule(ctx)
}

// follow brings the rows into line with the newest set of workflows and with the
// calendars.
func (s *scheduleSource) follow(ctx context.Context) error {
	ground, err := s.r.Store.Read().ScheduleGround(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == ground {
		return nil
	}
	if err := s.r.setSchedules(ctx, ground.Revision); err != nil {
		return fmt.Errorf("set times of workflows: %w", err)
	}
	s.seen = ground
	return nil
}

// setSchedules gives each workflow that runs at set times, and is switched on,
// its next time; one that has it for this version keeps it when it is past: what
// was missed while no program ran is made up for, once. One that is still to come
// is another one where the zone has become another.
func (r *React) setSchedules(ctx context.Context, revision int64) error {
	set, err := r.sets.get(ctx, revision)
	if err != nil {
		return err
	}
	read := r.Store.Read()
	rows, err := read.Schedules(ctx)
	if err != nil {
		return err
	}
	known := map[int64]postroom.ScheduleRun{}
	for _, row := range rows {
		known[row.WorkflowID] = row
	}
	now := r.Store.Now()
	next := map[int64]scheduleTime{}
	for _, en := range set.Entries() {
		v := en.Version
		if !v.Definition.When.Scheduled() || en.State != workflow.Enabled {
			continue
		}
		due, ok, err := r.nextTime(ctx, v, now)
		if err != nil {
			return err
		}
		if ok {
			next[v.WorkflowID] = scheduleTime{v.Number, due}
		}
	}
	return r.Store.Write(ctx, func(tx *store.Tx) error {
		for id, x := range next {
			if row, ok := known[id]; ok && row.Version == x.version && row.State != postroom.ScheduleOff && (row.DueAt <= now || row.DueAt == x.due) {
				continue
			}
			if err := tx.SetSchedule(ctx, id, x.version, x.due); err != nil {
				return err
			}
		}
		for _, row := range rows {
			if _, on := next[row.WorkflowID]; !on && row.State != postroom.ScheduleOff {
				if err := tx.EndSchedule(ctx, row.WorkflowID); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// scheduleTime is when a version runs next.
type scheduleTime struct {
	version int
	due     int64
}

// nextTime is the first time of a version after another. The calendar that counts
// for its mailbox has the zone of a schedule without one, and the days on which the
// office is closed.
func (r *React) nextTime(ctx context.Context, v *workflow.Version, after int64) (int64, bool, error) {
	s := v.Definition.When.Schedule
	var office *calendar.Calendar
	if s.NeedsOffice() {
		var err error
		if office, err = officeOf(ctx, r.Store.Read(), v.MailboxID); err != nil {
			return 0, false, err
		}
	}
	due, ok := s.Next(after, office)
	return due, ok, nil
}

// walkAhead is how many conversations are looked up at a time.
const walkAhead = 200

// walk goes through the conversations that a workflow may be about when its time
// has come. Each is looked at by the pure judge first, and only one on which the
// workflow matches gets an event: nothing is written on the others, and they have
// nothing to say under Why?. Place and event are stored together, so that a
// restart in the middle repeats and loses nothing.
func (r *React) walk(ctx context.Context, i work.Item) error {
	w := &scheduleWalk{r: r, lease: claimed(i)}
	read := r.Store.Read()
	var err error
	if w.run, err = read.Schedule(ctx, i.ID); err != nil {
		return err
	}
	if w.run.State == postroom.ScheduleWaiting {
		if stale, err := w.stale(ctx); err != nil || stale {
			return err
		}
		err := r.Store.Write(ctx, func(tx *store.Tx) error { return lost(tx.BeginWalk(ctx, w.lease)) })
		if err != nil {
			return err
		}
		w.run.Moment, w.run.Place, w.run.Looked, w.run.Matched = w.run.DueAt, 0, 0, 0
	}
	words := ""
	for more := true; more && words == ""; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if words, more, err = w.some(ctx); err != nil {
			return err
		}
	}
	return w.end(ctx, words)
}

// stale sets the time anew of a workflow whose published version has become
// another one since its time was set: that version's time may not have come.
func (w *scheduleWalk) stale(ctx context.Context) (bool, error) {
	if err := w.newest(ctx); err != nil {
		return false, err
	}
	en, ok := w.set.entry(w.run.WorkflowID)
	if ok && en.Version.Number == w.run.Version {
		return false, nil
	}
	err := w.r.Store.Write(ctx, func(tx *store.Tx) error { return lost(tx.BeginWalk(ctx, w.lease)) })
	if err != nil {
		return false, err
	}
	return true, w.end(ctx, "Another version was published, which has times of its own.")
}

// newest reads the newest set of workflows.
func (w *scheduleWalk) newest(ctx context.Context) error {
	revision, _, _, err := w.r.Store.Read().JudgeHead(ctx, 0)
	if err == nil {
		w.set, err = w.r.sets.get(ctx, revision)
	}
	return err
}

// scheduleWalk is one going through conversations.
type scheduleWalk struct {
	r       *React
	lease   store.Claimed
	run     postroom.ScheduleRun
	set     *ruleset
	version *workflow.Version
}

// some looks at the next conversations. words say why it ends before the last.
func (w *scheduleWalk) some(ctx context.Context) (words string, more bool, err error) {
	read := w.r.Store.Read()
	if err := w.newest(ctx); err != nil {
		return "", false, err
	}
	if en, ok := w.set.entry(w.run.WorkflowID); !ok || en.State != workflow.Enabled {
		return "The workflow was switched off.", false, nil
	}
	if w.version, err = w.r.sets.version(ctx, w.set, w.run.WorkflowID, w.run.Version); err != nil {
		return "", false, err
	}
	if w.version == nil {
		return "The version that was to run cannot be read.", false, nil
	}
	ids, err := read.Schedulable(ctx, w.run.Place, w.version.MailboxID, w.version.Statuses(), walkAhead)
	if err != nil {
		return "", false, err
	}
	for _, id := range ids {
		if words, err = w.look(ctx, id); err != nil || words != "" {
			return words, false, err
		}
	}
	return "", len(ids) == walkAhead, w.r.Store.Write(ctx, func(tx *store.Tx) error { return lost(tx.AdvanceWalk(ctx, w.lease, w.run)) })
}

// look looks at one conversation.
func (w *scheduleWalk) look(ctx context.Context, id int64) (words string, err error) {
	c, err := w.r.Store.Read().Conversation(ctx, id)
	if postroom.CodeOf(err) == postroom.NotFound {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	matches, err := w.matches(ctx, c)
	if err != nil {
		return "", err
	}
	most := w.version.Definition.When.Schedule.Limit()
	if matches && w.run.Matched >= most {
		return fmt.Sprintf("It stopped at its limit of %d conversations.", most), nil
	}
	w.run.Place = id
	w.run.Looked++
	if !matches {
		return "", nil
	}
	w.run.Matched++
	return "", w.record(ctx, id)
}

// matches asks the pure judge what it would say, were the event recorded now.
func (w *scheduleWalk) matches(ctx context.Context, c *postroom.Conversation) (bool, error) {
	now := w.r.Store.Now()
	e := &postroom.Event{ConversationID: c.ID, Seq: c.Seq + 1, Kind: postroom.ScheduleDue, Version: postroom.EventVersion, Actor: postroom.System, Path: postroom.PathTimer,
		Payload: w.payload(), After: c.Facts(), At: now, FinalAt: now}
	set := w.set.Own(e, w.version)
	look := &lookups{ctx: ctx, r: w.r, event: e, root: e}
	facts := look.facts(set.Needs(e.Kind))
	counters, err := w.r.counters(ctx, set, e)
	if err != nil {
		return false, err
	}
	j := workflow.Judge(set, e, facts, workflow.Inputs{Counters: counters})
	return len(j.Matches) > 0, look.err
}

func (w *scheduleWalk) payload() postroom.Payload {
	return postroom.Payload{WorkflowID: w.run.WorkflowID, Number: w.run.Version}
}

// record records the event on a conversation, for the judge, and how far the walk
// is with it.
func (w *scheduleWalk) record(ctx context.Context, id int64) error {
	ids, err := w.r.Store.NewIDs(ctx, 3)
	if err != nil {
		return err
	}
	return w.r.Store.Write(ctx, func(tx *store.Tx) error {
		c, err := tx.Conversation(ctx, id)
		if err != nil {
			return err
		}
		if err := lost(tx.AdvanceWalk(ctx, w.lease, w.run)); err != nil {
			return err
		}
		if c.DeletedAt > 0 || c.Status == postroom.Spam {
			return nil // since it was looked at
		}
		_, err = w.r.Desk.In(ctx, tx, postroom.System, desk.Cause{Path: postroom.PathTimer}, c, ids, func(t *desk.Turn) error {
			t.Record(postroom.ScheduleDue, w.payload())
			return nil
		})
		return err
	})
}

// end sets when it runs next, by the version that is published by then.
func (w *scheduleWalk) end(ctx context.Context, words string) error {
	if err := w.newest(ctx); err != nil {
		return err
	}
	state, version, due := postroom.ScheduleOff, w.run.Version, int64(0)
	if en, ok := w.set.entry(w.run.WorkflowID); ok && en.State == workflow.Enabled && en.Version.Definition.When.Scheduled() {
		next, ok, err := w.r.nextTime(ctx, en.Version, w.r.Store.Now())
		if err != nil {
			return err
		}
		if ok {
			state, version, due = postroom.ScheduleWaiting, en.Version.Number, next
		}
	}
	return w.r.Store.Write(ctx, func(tx *store.Tx) error {
		tx.OnCommit(func() { w.r.Desk.Wake(desk.WakeSchedule) })
		return lost(tx.EndWalk(ctx, w.lease, state, due, version, words))
	})
}
