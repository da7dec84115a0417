package desktest_test

import (
	"fmt"
	"testing"
	"time"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/calendar"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/proof"
	"postroom/internal/query"
	"postroom/internal/workflow"
)

// mornings runs on every weekday at 8 on conversations that wait.
func mornings(then ...workflow.Action) workflow.Definition {
	return workflow.Definition{When: workflow.When{Event: postroom.ScheduleDue, Schedule: workflow.Schedule{Days: []string{"mon", "tue", "wed", "thu", "fri"}, At: "08:00"}},
		If: workflow.Cond{Fact: "conversation.status", Op: workflow.Is, Values: []string{"pending"}}, Then: then}
}

func scheduled(t *testing.T, d *desktest.Desk, id int64) postroom.ScheduleRun {
	t.Helper()
	s, err := d.Store.Read().Schedule(d.Ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// set is a time of March 2026 on the clock in UTC.
func set(day, hour int) int64 { return time.Date(2026, 3, day, hour, 0, 0, 0, time.UTC).UnixMilli() }

// passTo lets time pass until then.
func passTo(d *desktest.Desk, at int64) { d.Pass(time.UnixMilli(at).Sub(d.Clock.Now())) }

// pending are so many conversations that wait for the customer.
func pending(d *desktest.Desk, n int) []*postroom.Conversation {
	var out []*postroom.Conversation
	for i := range n {
		c := d.CustomerWrites(fmt.Sprintf("c%d@customer.example", i), "Lamp", "Broken.")
		d.Agent("ann").SetStatus(c, postroom.Pending, postroom.PathMenu)
		out = append(out, c)
	}
	d.Settle()
	return out
}

// W8: at its time, and not before, a workflow runs on each conversation for which
// its conditions hold, once, by the version of then; nothing is written on the
// others. Times missed while nothing ran are made up for once.
func TestWorkflowRunsAtSetTimes(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Morning", mornings(note("Still waiting?")))
		other := d.AddWorkflow("Elsewhere", workflow.Definition{When: workflow.When{Event: postroom.NoteAdded}, Then: []workflow.Action{note("x")}})
		waits := pending(d, 2)
		active := d.CustomerWrites("d@customer.example", "Lamp", "Broken.")
		spam, gone := pending(d, 1)[0], pending(d, 1)[0]
		d.Agent("ann").SetStatus(spam, postroom.Spam, postroom.PathMenu)
		if _, err := d.Desk.Delete(d.Ctx, d.Agent("ann").Agent, gone.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		expect(t, "next", scheduled(t, d, id).DueAt, set(3, 8)) // begun on Monday, at 9
		passTo(d, set(3, 8)-1)
		expect(t, "events before its time", d.CountEvents(waits[0].ID, postroom.ScheduleDue), 0)
		passTo(d, set(3, 8))
		for _, c := range waits {
			e := d.EventsOf(c.ID, postroom.ScheduleDue)
			expect(t, "events", len(e), 1)
			expect(t, "actor", e[0].Actor, postroom.System)
			expect(t, "path", e[0].Path, postroom.PathTimer)
			expect(t, "root", e[0].Root, e[0].ID)
			expect(t, "verdict", d.Verdicts(e[0].ID)[id], workflow.Matched)
			expect(t, "verdicts", len(d.Verdicts(e[0].ID)), 1)
			expect(t, "runs", len(d.Runs(c.ID, id)), 1)
		}
		for _, c := range []*postroom.Conversation{active, spam, gone} {
			expect(t, "events on the others", d.CountEvents(c.ID, postroom.ScheduleDue), 0)
		}
		s := scheduled(t, d, id)
		expect(t, "next", s.DueAt, set(4, 8))
		expect(t, "last", s.Last, postroom.ScheduleResult{Moment: set(3, 8), Ended: set(3, 8), Looked: 2, Matched: 2})
		if _, err := d.Store.Read().Schedule(d.Ctx, other); postroom.CodeOf(err) != postroom.NotFound {
			t.Errorf("one that runs on events has a time: %v", err)
		}

		passTo(d, set(6, 20)) // nothing ran on Wednesday, Thursday and Friday
		expect(t, "made up for once", len(d.Runs(waits[0].ID, id)), 2)
		expect(t, "next after the weekend", scheduled(t, d, id).DueAt, set(9, 8))
		page, err := pagesOf(d).Workflow(d.Ctx, d.Agent("ann").Agent, id, 0, query.Place{})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, "on its page", *page.Schedule, query.WorkflowSchedule{Next: set(9, 8), Most: workflow.DefaultScheduled, LastAt: set(4, 8), LastLooked: 2, LastMatched: 2})

		d.SwitchWorkflow(id, false)
		d.Settle()
		passTo(d, set(9, 9))
		expect(t, "while switched off", len(d.Runs(waits[0].ID, id)), 2)
		d.SwitchWorkflow(id, true)
		d.Settle()
		expect(t, "what it missed while switched off is not made up for", scheduled(t, d, id).DueAt, set(10, 8))
		if r, err := pagesOf(d).Replay(d.Ctx, query.ReplayAsk{}); err != nil || len(r.Differences) > 0 {
			t.Errorf("judged again: %+v, %v", r, err)
		}
		d.CheckInvariants()
	})
}

// The walk stops at its limit and says so; a restart in the middle goes on where
// it was, repeats nothing and loses nothing; the zone is that of the calendar.
func TestASetTimeIsBoundedAndSurvivesARestart(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		h := calendar.Usual("Europe/Berlin")
		setOffice(d, 71, 1, "Support", h)
		def := mornings(note("Still waiting?"))
		def.When.Schedule.Most = 3
		id := d.AddWorkflow("Morning", def)
		waits := pending(d, 5)
		expect(t, "at 8 in Berlin", scheduled(t, d, id).DueAt, set(3, 7))
		d.Clock.Set(set(3, 7))
		// Programs that die again and again, each some steps later than the one before.
		for n := 2; d.WorkUntilCrash(desk.WakeSchedule, n); n += 5 {
		}
		d.Settle()
		runs := 0
		for i, c := range waits {
			n := len(d.Runs(c.ID, id))
			if n > 1 || i < 3 && n != 1 {
				t.Errorf("%d runs on conversation %d", n, i)
			}
			runs += n
		}
		expect(t, "runs", runs, 3)
		s := scheduled(t, d, id)
		expect(t, "matched", s.Last.Matched, 3)
		expect(t, "words", s.Last.Words, "It stopped at its limit of 3 conversations.")
		expect(t, "next", s.DueAt, set(4, 7))
	})
}

// W8: a set time without a zone of its own is one on the clock of the calendar
// that counts, also when that is made, changed, or given to the mailbox later;
// one that is past is still made up for.
func TestASetTimeFollowsTheCalendar(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Morning", mornings(note("Still waiting?")))
		waits := pending(d, 1)
		expect(t, "at 8 in UTC", scheduled(t, d, id).DueAt, set(3, 8))
		setOffice(d, 71, 1, "Support", calendar.Usual("Europe/Berlin"))
		d.Settle()
		expect(t, "at 8 in Berlin", scheduled(t, d, id).DueAt, set(3, 7))
		setOffice(d, 71, 2, "Support", calendar.Usual("America/New_York"))
		d.Settle()
		expect(t, "at 8 in New York", scheduled(t, d, id).DueAt, set(2, 13)) // it is still before 8 there
		d.Clock.Set(set(2, 14))
		setOffice(d, 71, 3, "Support", calendar.Usual("Europe/Berlin"))
		d.Settle()
		expect(t, "runs", len(d.Runs(waits[0].ID, id)), 1)
		expect(t, "the next", scheduled(t, d, id).DueAt, set(3, 7))
	})
}

// A schedule that leaves out days without office hours, or puts its time off to
// the next day that has some, follows the calendar, also when a holiday is struck
// out; and the list of workflows says when the office is never open at its times.
func TestASetTimeMindsClosedDays(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		skips, puts := mornings(note("A")), mornings(note("B"))
		skips.When.Schedule.Closed = workflow.ClosedSkip
		puts.When.Schedule.Closed, puts.When.Schedule.Days = workflow.ClosedNext, []string{"tue"}
		skips.If = workflow.Cond{All: []workflow.Cond{skips.If, {Fact: "office.open", Op: workflow.Is, Values: []string{"true"}}}}
		a, b := d.AddWorkflow("Skips", skips), d.AddWorkflow("Puts off", puts)
		h := calendar.Usual("UTC")
		h.Holidays = []calendar.Holiday{{Date: "2026-03-03"}}
		setOffice(d, 71, 1, "Support", h)
		d.Settle()
		expect(t, "leaves out the holiday", scheduled(t, d, a).DueAt, set(4, 8))
		expect(t, "puts it off", scheduled(t, d, b).DueAt, set(4, 8))
		waits := pending(d, 1)
		h.Holidays = nil
		setOffice(d, 71, 2, "Support", h)
		d.Settle()
		expect(t, "the holiday was struck out", scheduled(t, d, a).DueAt, set(3, 8))
		expect(t, "of the other too", scheduled(t, d, b).DueAt, set(3, 8))
		passTo(d, set(3, 9))
		expect(t, "runs", len(d.Runs(waits[0].ID, b)), 1)
		expect(t, "and then", scheduled(t, d, b).DueAt, set(10, 8))

		list, err := automate.New(automate.Options{Store: d.Store, Letters: d.Desk}).List(d.Ctx, d.Agent("ann").Agent)
		if err != nil || len(list.Findings) != 1 || list.Findings[0].Kind != proof.NeverTime || list.Findings[0].Workflows[0] != a {
			t.Errorf("at eight the office is closed: %+v, %v", list.Findings, err)
		}
	})
}
