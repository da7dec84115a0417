package automate_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/proof"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

func TestSwitching(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, id := t.Context(), r.find(workflow.KeyClosingNotice).ID
		r.revisions(1, func() { r.must(r.Switch(ctx, admin, id, false)) })
		if r.find(workflow.KeyClosingNotice).On {
			t.Error("it is on")
		}
		set, err := r.store.Read().Set(ctx, 2)
		r.must(err)
		if set[1].ID != id || set[1].Enabled {
			t.Errorf("the set that new events are judged by is %+v", set)
		}
		r.revisions(0, func() { r.must(r.Switch(ctx, admin, id, false)) })
		r.revisions(1, func() { r.must(r.Switch(ctx, admin, id, true)) })
		if !r.find(workflow.KeyClosingNotice).On {
			t.Error("it is off")
		}
	})
}

func TestSwitchingOnEndsAPause(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, id := t.Context(), r.find(workflow.KeyClosingNotice).ID
		alarms := alarm.New(r.store, nil)
		r.must(alarms.Raise(ctx, alarm.WorkflowPause, strconv.FormatInt(id, 10), "Paused."))
		r.must(alarms.Raise(ctx, alarm.WorkflowPause, strconv.FormatInt(id+1, 10), "Another."))
		r.must(r.store.Write(ctx, func(t *store.Tx) error {
			x, err := t.Workflow(ctx, id)
			if err != nil {
				return err
			}
			x.PausedWords, x.Failures = "Paused: it failed 5 times in a row.", 5
			if err := t.UpdateWorkflow(ctx, x); err != nil {
				return err
			}
			_, err = t.PublishSet(ctx, 0, r.store.Now())
			return err
		}))
		if r.find(workflow.KeyClosingNotice).Paused == "" {
			t.Fatal("it is not paused")
		}
		r.revisions(1, func() { r.must(r.Switch(ctx, admin, id, true)) })
		if x := r.find(workflow.KeyClosingNotice); x.Paused != "" || x.Failures != 0 || !x.On {
			t.Errorf("after switching it on: %+v", x)
		}
		if n, err := alarms.Count(ctx); err != nil || n != 1 {
			t.Errorf("%d alarms are open, want the other one's only: %v", n, err)
		}
		if len(r.told("alarms")) != 1 {
			t.Errorf("pages were told %d times of alarms, want once", len(r.told("alarms")))
		}
	})
}

func TestMoving(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx := t.Context()
		order := func() (keys []string) {
			for _, x := range r.list().Workflows {
				keys = append(keys, x.Key)
			}
			return keys
		}
		first, last := r.list().Workflows[0], r.list().Workflows[1]
		r.revisions(0, func() { r.must(r.Move(ctx, admin, first.ID, true)) })
		r.revisions(0, func() { r.must(r.Move(ctx, admin, last.ID, false)) })
		r.revisions(1, func() { r.must(r.Move(ctx, admin, last.ID, true)) })
		if got := order(); got[0] != last.Key || got[1] != first.Key {
			t.Errorf("the order is %v", got)
		}
		set, err := r.store.Read().Set(ctx, 2)
		r.must(err)
		if set[0].ID != last.ID || set[1].ID != first.ID {
			t.Errorf("the set is in the order %+v", set)
		}
		r.revisions(1, func() { r.must(r.Move(ctx, admin, last.ID, false)) })
		if got := order(); got[0] != first.Key {
			t.Errorf("the order is %v", got)
		}
	})
}

// Positions that are equal or have gaps, as an import may leave them, are put
// right by the next move.
func TestMovingAmongEqualPositions(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx := t.Context()
		r.must(r.store.Write(ctx, func(t *store.Tx) error {
			all, err := t.Workflows(ctx)
			if err != nil {
				return err
			}
			for _, x := range all {
				x.Position = 5
				if err := t.UpdateWorkflow(ctx, x); err != nil {
					return err
				}
			}
			return nil
		}))
		last := r.list().Workflows[1]
		r.revisions(1, func() { r.must(r.Move(ctx, admin, last.ID, true)) })
		if got := r.list().Workflows; got[0].ID != last.ID || got[1].ID == last.ID {
			t.Errorf("it is not the first: %+v", got)
		}
	})
}

// Two admins, and a worker that pauses a workflow without the admins' lock:
// nobody's change is lost, and each has its own revision.
func TestChangesAtTheSameMoment(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx := t.Context()
		a, b := r.list().Workflows[0].ID, r.list().Workflows[1].ID
		const rounds = 5
		errs := make(chan error, 4*rounds)
		for i := range rounds {
			go func() { errs <- r.Reword(ctx, admin, a, 0, "Wording "+strconv.Itoa(i)) }()
			go func() { errs <- r.Reword(ctx, admin, b, 0, "Wording "+strconv.Itoa(i)) }()
			go func() { errs <- r.Move(ctx, admin, a, i%2 == 0) }()
			go func() { errs <- r.publishAsWorker() }()
		}
		for range 4 * rounds {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		for _, id := range []int64{a, b} {
			d, err := r.Get(ctx, admin, id)
			r.must(err)
			if d.Version != 1+rounds || len(d.Versions) != 1+rounds {
				t.Errorf("version %d of %d is published, want %d", d.Version, len(d.Versions), 1+rounds)
			}
		}
		l := r.list()
		set, err := r.store.Read().Set(ctx, l.Revision)
		r.must(err)
		for i, x := range l.Workflows {
			if set[i].ID != x.ID || set[i].Version != x.Version {
				t.Errorf("place %d of the last set is %+v, of the list %+v", i, set[i], x)
			}
		}
		if least, most := int64(1+3*rounds), int64(1+4*rounds); l.Revision < least || l.Revision > most {
			t.Errorf("there are %d revisions, want %d to %d", l.Revision, least, most)
		}
	})
}

// publishAsWorker makes a revision like a worker that pauses a workflow: without
// the lock, and again when somebody was faster.
func (r *rig) publishAsWorker() (err error) {
	for range 100 {
		err = r.store.Write(r.t.Context(), func(t *store.Tx) error {
			_, err := t.PublishSet(r.t.Context(), 0, r.store.Now())
			return err
		})
		if postroom.CodeOf(err) != postroom.Conflict {
			break
		}
	}
	return err
}

// The alarm's kind is written here without package alarm, which this room does
// not know; it must be the one that workers raise.
func TestTheAlarmOfAPauseIsTheWorkers(t *testing.T) {
	t.Parallel()
	if alarm.WorkflowPause != "workflow.paused" {
		t.Errorf("workers raise %q", alarm.WorkflowPause)
	}
}

func TestFindingsWarn(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, x := t.Context(), r.find(workflow.KeyAcknowledge)
		d := r.find(workflow.KeyClosingNotice).Definition
		_, err := r.Publish(ctx, admin, x.ID, 1, d)
		r.must(err)
		found := r.list().Findings
		if len(found) != 1 || found[0].Kind != proof.DoubleMail || len(found[0].Workflows) != 2 || found[0].Text == "" {
			t.Fatalf("the findings are %+v, want one of two mails on one close", found)
		}
		r.must(r.Switch(ctx, admin, x.ID, false))
		if found := r.list().Findings; len(found) != 0 {
			t.Errorf("one of them is off; still %+v", found)
		}
	})
}

// What cannot but mail the customer again and again is neither published nor
// switched on; the one who stands in its way may be changed (W34).
func TestAMailLoopIsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, x := t.Context(), r.find(workflow.KeyAcknowledge)
		loop := workflow.Definition{When: workflow.When{Event: postroom.ReplySent}, Then: []workflow.Action{{Do: workflow.DoReply, Text: "And thank you."}}}
		_, err := r.Publish(ctx, admin, x.ID, 1, loop)
		if e := new(postroom.Error); !errors.As(err, &e) || e.Code != postroom.Invalid || e.Field != "when.event" || !strings.Contains(e.Text, "sets off itself every time") {
			t.Fatalf("a loop was published: %v", err)
		}
		// Switched off it may be kept, to be mended, but not be switched on.
		r.must(r.Switch(ctx, admin, x.ID, false))
		_, err = r.Publish(ctx, admin, x.ID, 1, loop)
		r.must(err)
		if err := r.Switch(ctx, admin, x.ID, true); postroom.CodeOf(err) != postroom.Invalid {
			t.Fatalf("a loop was switched on: %v", err)
		}
		loop.When.Actors = []postroom.ActorKind{postroom.ByAgent}
		_, err = r.Publish(ctx, admin, x.ID, 2, loop)
		r.must(err)
		// A loop through one that it runs is one too.
		byHand, notice := loop, r.find(workflow.KeyClosingNotice)
		byHand.When = workflow.When{Event: postroom.WorkflowStarted}
		_, err = r.Publish(ctx, admin, notice.ID, 1, byHand)
		r.must(err)
		through := workflow.Definition{When: workflow.When{Event: postroom.ReplySent}, Then: []workflow.Action{{Do: workflow.DoRun, Workflow: notice.ID}}}
		r.must(r.Switch(ctx, admin, x.ID, true))
		if _, err = r.Publish(ctx, admin, x.ID, 3, through); postroom.CodeOf(err) != postroom.Invalid || !strings.Contains(err.Error(), "“"+x.Name+"” → “"+notice.Name+"” → “"+x.Name+"”") {
			t.Fatalf("a loop through another one was published: %v", err)
		}
		r.must(r.Switch(ctx, admin, x.ID, true))
	})
}

func TestTheGraph(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, x := t.Context(), r.find(workflow.KeyAcknowledge)
		if g := r.list().Graph; len(g.Nodes)+len(g.Arrows) > 0 {
			t.Errorf("the shipped workflows set off: %+v", g)
		}
		d := workflow.Definition{When: workflow.When{Event: postroom.MessageReceived}, Then: []workflow.Action{{Do: workflow.DoStatus, Status: postroom.Closed}}}
		_, err := r.Publish(ctx, admin, x.ID, 1, d)
		r.must(err)
		g := r.list().Graph
		if len(g.Nodes) != 2 || len(g.Arrows) != 1 || g.Nodes[g.Arrows[0].From].ID != x.ID || g.Nodes[g.Arrows[0].To].ID != r.find(workflow.KeyClosingNotice).ID || g.Arrows[0].Words != "set the status to closed" {
			t.Errorf("the graph is %+v", g)
		}
	})
}
