package desktest_test

import (
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/query"
	"postroom/internal/workflow"
)

const day = 24 * time.Hour

// wait is the action, ended by what the customer writes.
func wait(span string) workflow.Action {
	return workflow.Action{Do: workflow.DoWait, For: span, Unless: []workflow.Unless{{Event: postroom.MessageReceived, Actors: []postroom.ActorKind{postroom.ByCustomer}}}}
}

// W18: a run with waits is a row of legs, each done once when its time has come
// and in the chain it began; what a leg says is about what the run began with.
func TestRunGoesOnAfterItsWait(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Follow up", byHand(note("Begun."), wait("2d"), note("Second."), wait("3h"), reply("Are you still there?"), status(postroom.Closed)))
		c := firstMail(d)
		ann := d.Agent("ann")
		ann.Reply(c, "Have you tried another bulb?")
		d.Settle()
		d.ExpectMails("Have you tried another bulb?")
		ann.Start(c, id, postroom.PathMenu)
		d.Settle()
		expect(t, "legs", len(d.Runs(c.ID, id)), 1)
		x := onlyTimer(t, d, c, id)
		started := d.EventsOf(c.ID, postroom.WorkflowStarted)[0]
		expect(t, "leg", x.Leg, 1)
		expect(t, "due", x.DueAt, started.At+2*day.Milliseconds())
		p, err := d.Pages().Conversation(d.Ctx, ann.Agent, query.ConversationAsk{Number: c.Number}, query.Place{})
		if err != nil || len(p.Timers) != 1 {
			t.Fatalf("what waits on the page: %+v, %v", p.Timers, err)
		}
		expect(t, "the line", p.Timers[0].Doing+" unless "+p.Timers[0].Unless, "Adds a note unless the customer writes")

		d.Pass(2*day - time.Millisecond)
		expect(t, "legs before its time", len(d.Runs(c.ID, id)), 1)
		d.Pass(time.Millisecond)
		expect(t, "legs", len(d.Runs(c.ID, id)), 2)
		due := d.EventsOf(c.ID, postroom.TimerDue)[0]
		expect(t, "verdict", d.Verdicts(due.ID)[id], workflow.Continued)
		expect(t, "cause", due.Cause, started.ID)
		expect(t, "depth", due.Depth, started.Depth)
		d.Pass(3 * time.Hour)
		runs := d.Runs(c.ID, id)
		expect(t, "legs", len(runs), 3)
		for i, run := range runs {
			expect(t, "leg", run.Leg, i)
			expect(t, "state", run.State, postroom.RunDone)
		}
		d.ExpectMails("auto:Are you still there?")
		for _, m := range d.Mails(c.ID) {
			expect(t, "caused by machines only", m.Machine, false) // Ann began it
		}
		expect(t, "status", d.Conversation(c.ID).Status, postroom.Closed)
		why, err := d.Pages().Why(d.Ctx, ann.Agent, c.Number, query.Place{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range why.Events {
			for _, w := range e.Workflows {
				expect(t, "differs", w.Differs, "")
			}
		}
		d.Pass(10 * day)
		expect(t, "legs", len(d.Runs(c.ID, id)), 3)
	})
}

// W17, W22: what comes between ends the wait; what somebody has changed since the
// run began is left as it is, and no customer without an answer is closed on.
func TestWaitMeetsTheWorld(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann, ben := d.Agent("ann"), d.Agent("ben")
		to := ben.ID
		assign := workflow.Action{Do: workflow.DoAssign, Agent: &to}
		id := d.AddWorkflow("Follow up", byHand(note("Begun."), wait("2d"), assign, status(postroom.Closed)))
		begin := func() *postroom.Conversation {
			c := firstMail(d)
			ann.Start(c, id, postroom.PathMenu)
			d.Settle()
			return c
		}
		changed, unanswered, answered := begin(), begin(), begin()
		ann.Assign(changed, ann.ID)
		ann.SetStatus(changed, postroom.Pending, postroom.PathMenu)
		ann.Reply(answered, "Have you tried another bulb?")
		d.Settle()
		d.CustomerAnswers(d.ExpectMails("Have you tried another bulb?")[0], "Yes.")
		d.Settle()
		expect(t, "ended by the answer", onlyTimer(t, d, answered, id).State, postroom.TimerStopped)
		d.Pass(2 * day)
		expect(t, "legs after the answer", len(d.Runs(answered.ID, id)), 1)
		for _, e := range d.Runs(changed.ID, id)[1].Effects {
			expect(t, e.Detail, e.Result, postroom.EffectOvertaken)
		}
		expect(t, "assignee", d.Conversation(changed.ID).AssigneeID, ann.ID)
		effects := d.Runs(unanswered.ID, id)[1].Effects
		expect(t, "assign", effects[0].Result, postroom.EffectDone)
		expect(t, "close on a customer who waits", effects[1].Result, postroom.EffectOvertaken)
	})
}

// W14, W22: a wait ends with its workflow and its conversation, and by hand; a
// new version keeps, moves or cancels it.
func TestWaitEndsWithItsWorkflow(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann := d.Agent("ann")
		def := byHand(note("Begun."), wait("2d"), note("Second."))
		id := d.AddWorkflow("Follow up", def)
		begin := func() *postroom.Conversation {
			c := firstMail(d)
			ann.Start(c, id, postroom.PathMenu)
			d.Settle()
			return c
		}
		deleted, cancelled, kept := begin(), begin(), begin()
		if _, err := d.Desk.Delete(d.Ctx, ann.Agent, deleted.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Desk.CancelTimer(d.Ctx, ann.Agent, cancelled.ID, onlyTimer(t, d, cancelled, id).ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		if words := d.EventsOf(cancelled.ID, postroom.TimerCancelled)[0].Payload.Words; !strings.Contains(words, "it will not go on") {
			t.Error(words)
		}
		def.Then = []workflow.Action{note("Anew."), wait("2d"), note("Another text.")}
		d.PublishVersion(id, def)
		d.Pass(2 * day)
		expect(t, "legs of the deleted", len(d.Runs(deleted.ID, id)), 1)
		expect(t, "legs of the cancelled", len(d.Runs(cancelled.ID, id)), 1)
		runs := d.Runs(kept.ID, id)
		expect(t, "legs of the kept", len(runs), 2)
		expect(t, "version", runs[1].Version, 1)
		off := begin()
		d.SwitchWorkflow(id, false)
		d.Pass(2 * day)
		expect(t, "legs of one switched off", len(d.Runs(off.ID, id)), 1)
	})
}

// W18: whenever the process dies, each leg is done once, and the wait between
// them stands once.
func TestWaitSurvivesCrashes(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Follow up", byHand(note("Begun."), wait("2d"), note("Second.")))
		ann := d.Agent("ann")
		for n, crashed := 0, true; crashed; n++ {
			c := firstMail(d)
			ann.Start(c, id, postroom.PathMenu)
			crashed = d.JudgeUntilCrash(n)
			d.Settle()
			expect(t, "legs", len(d.Runs(c.ID, id)), 1)
			expect(t, "waits", onlyTimer(t, d, c, id).State, postroom.TimerWaiting)
			d.Pass(2 * day)
			expect(t, "legs", len(d.Runs(c.ID, id)), 2)
			expect(t, "notes", d.CountEvents(c.ID, postroom.NoteAdded), 2)
		}
	})
}

// W20: a workflow has another one look at the same event: its conditions are
// asked, its actions are a leg of its own in the same chain, and it runs once.
func TestRunAnotherWorkflow(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		run := func(id int64) workflow.Action { return workflow.Action{Do: workflow.DoRun, Workflow: id} }
		inner := d.AddWorkflow("Tag it", byHand(note("Inner."), wait("2d"), note("Later.")))
		never := byHand(note("Never."))
		never.If = workflow.Cond{All: []workflow.Cond{{Fact: "conversation.status", Op: workflow.Is, Values: []string{"spam"}}}}
		fussy := d.AddWorkflow("Fussy", never)
		first := d.AddWorkflow("First", workflow.Definition{When: workflow.When{Event: postroom.StatusChanged, To: []string{"closed"}}, Then: []workflow.Action{note("First."), run(inner), run(fussy)}})
		second := d.AddWorkflow("Second", workflow.Definition{When: workflow.When{Event: postroom.StatusChanged, To: []string{"closed"}}, Then: []workflow.Action{run(inner)}})
		c := firstMail(d)
		ann := d.Agent("ann")
		ann.SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()
		closed := d.EventsOf(c.ID, postroom.StatusChanged)[0]
		expect(t, "runs of the inner one", len(d.Runs(c.ID, inner)), 1)
		expect(t, "its event", d.Runs(c.ID, inner)[0].EventID, closed.ID)
		expect(t, "runs of the fussy one", len(d.Runs(c.ID, fussy)), 0)
		effects := onlyRun(t, d, c, first).Effects
		expect(t, "inner", effects[1].Result, postroom.EffectDone)
		expect(t, "fussy", effects[2].Result, postroom.EffectSkipped)
		expect(t, "why not", effects[2].Reason, "It did not run: conditions not met.")
		expect(t, "a second time", onlyRun(t, d, c, second).Effects[0].Result, postroom.EffectSkipped)
		why, err := d.Pages().Why(d.Ctx, ann.Agent, c.Number, query.Place{})
		if err != nil {
			t.Fatal(err)
		}
		by := map[string]string{}
		for _, e := range why.Events {
			for _, w := range e.Workflows {
				expect(t, w.Name+" differs", w.Differs, "")
				if w.CalledBy != "" {
					by[w.Name+" "+w.Verdict] = w.CalledBy
				}
			}
		}
		expect(t, "run by", by["Tag it matched"], "First")
		expect(t, "not run by", by["Fussy not matched"], "First")
		d.Pass(2 * day)
		expect(t, "legs of the inner one", len(d.Runs(c.ID, inner)), 2)
		expect(t, "notes", d.CountEvents(c.ID, postroom.NoteAdded), 3)
	})
}
