package desktest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/calendar"
	"postroom/internal/db"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// crashStep is how far apart the places are at which a process dies: each crash
// costs a connection on PostgreSQL.
func crashStep(d *desktest.Desk) int {
	if d.Store.Engine() == string(db.Postgres) {
		return 6
	}
	return 1
}

// W18, W22: whoever dies while a wait is over, anywhere in noting it down and in
// doing what stands behind it, has each leg done once, and the run go on from
// where it stood.
func TestCrashAnywhereWhenAWaitIsOver(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Follow up", byHand(note("Begun."), wait("2d"), note("Second."), reply("Still there?"), wait("1d"), note("Third.")))
		ann := d.Agent("ann")
		round := func(kind string, n int) (story string, crashed bool) {
			c := d.CustomerWrites(fmt.Sprintf("Mara <mara%s%d@customer.example>", kind, n), "Lamp", "Broken.")
			ann.Start(c, id, postroom.PathMenu)
			d.Settle()
			d.Clock.Advance(2 * day)
			switch kind {
			case desk.WakeTimer:
				crashed = d.WorkUntilCrash(kind, n)
			case store.LaneJudge:
				d.WorkUntilCrash(desk.WakeTimer, 0)
				crashed = d.JudgeUntilCrash(n)
			}
			d.Settle()
			d.Pass(day + time.Minute)
			expect(t, "mails", len(d.Arrived()), 1)
			return d.Story(c.ID), crashed
		}
		want, _ := round("", 0)
		if n := strings.Count(want, "run of"); n != 3 {
			t.Fatalf("%d legs: %s", n, want)
		}
		places := 0
		for _, kind := range []string{desk.WakeTimer, store.LaneJudge} {
			for n := 1; ; n += crashStep(d) {
				got, crashed := round(kind, n)
				if got != want {
					t.Fatalf("after a crash of %s at step %d:\n%s\nwithout:\n%s", kind, n, got, want)
				}
				if !crashed {
					break
				}
				places += crashStep(d)
			}
		}
		if places < 20 {
			t.Errorf("only %d places to crash at: the test has lost its hold", places)
		}
	})
}

// W18, W20: whoever dies while workflows run each other, before each use of the
// database in turn, leaves the same behind: each leg once, in one chain, and a
// text that was filled in after an earlier leg says what that one changed.
func TestCrashAnywhereInRunningAnother(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		run := func(id int64) workflow.Action { return workflow.Action{Do: workflow.DoRun, Workflow: id} }
		last := d.AddWorkflow("Last", byHand(reply("Number {{ conversation.number }}, {{ conversation.subject }}.")))
		inner := d.AddWorkflow("Inner", byHand(workflow.Action{Do: workflow.DoSubject, Subject: "Changed"}, wait("2d"), note("Later."), run(last)))
		d.AddWorkflow("First", closing(note("First."), run(inner), run(last)))
		d.AddWorkflow("Second", closing(run(inner), note("Second.")))
		ann := d.Agent("ann")
		round := func(n int) (story string, crashed bool) {
			// A verified sender, whose subject texts may repeat.
			from := fmt.Sprintf("mara%d@customer.example", n)
			c := d.Receive(from, d.Mailbox.Address, d.Raw(desktest.Letter{From: from, Subject: "Lamp", Body: "Broken.",
				Headers: "Authentication-Results: mx.acme.example; dmarc=pass header.from=customer.example\n"}))
			ann.SetStatus(c, postroom.Closed, postroom.PathMenu)
			if n > 0 {
				crashed = d.JudgeUntilCrash(n)
			}
			d.Settle()
			d.Pass(2 * day)
			mails := d.Arrived()
			if len(mails) > 0 && !strings.HasSuffix(strings.TrimSpace(strings.Split(mails[0].Text, "[ref")[0]), ", Changed.") {
				t.Fatalf("after a crash at step %d: %d mails, %q", n, len(mails), mails[0].Text)
			}
			expect(t, "mails", len(mails), 1)
			return d.Story(c.ID), crashed
		}
		want, _ := round(0)
		places := 0
		for n := 1; ; n += 2 * crashStep(d) {
			got, crashed := round(n)
			if got != want {
				t.Fatalf("after a crash at step %d:\n%s\nwithout:\n%s", n, got, want)
			}
			if !crashed {
				break
			}
			places += 2 * crashStep(d)
		}
		if places < 40 {
			t.Errorf("only %d places to crash at: the test has lost its hold", places)
		}
	})
}

// W35: the process that makes a backtest dies in its middle: another one takes it
// up, and its page says the same as if nobody had died; it is saved once.
func TestBacktestSurvivesCrashes(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		def := closing(note("Bye."), reply("It is closed."))
		id := d.AddWorkflow("Bye", def)
		for range 3 {
			d.Agent("ann").SetStatus(firstMail(d), postroom.Closed, postroom.PathMenu)
		}
		d.Settle()
		flows := automate.New(automate.Options{Store: d.Store, Letters: d.Desk})
		round := func(n int) (page query.BacktestSummary, lines int, crashed bool) {
			job, err := flows.StartBacktest(d.Ctx, d.Agent("ann").Agent, id, automate.BacktestAsk{Days: 30})
			d.Must(err)
			if n > 0 {
				crashed = d.WorkUntilCrash("bulk", n)
			}
			d.Settle()
			row, err := d.Store.Read().Job(d.Ctx, job)
			d.Must(err)
			expect(t, fmt.Sprintf("the job after a crash at step %d", n), row.State, store.JobDone)
			p, err := d.Pages().Backtest(d.Ctx, d.Agent("ann").Agent, id, job, query.Place{})
			d.Must(err)
			if !p.Ready {
				t.Fatalf("after a crash at step %d there is no result: %+v", n, p)
			}
			p.Sum.Since, p.Sum.Until = 0, 0
			return p.Sum, len(p.Lines), crashed
		}
		want, lines, _ := round(0)
		if want.Events != 3 || lines != 3 {
			t.Fatalf("a backtest of three closes: %+v, %d lines", want, lines)
		}
		for n := 1; ; n += crashStep(d) {
			got, k, crashed := round(n)
			if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) || k != lines {
				t.Fatalf("after a crash at step %d: %+v, %d lines", n, got, k)
			}
			if !crashed {
				if n < 8 {
					t.Errorf("only %d places to crash at: the test has lost its hold", n)
				}
				break
			}
		}
	})
}

// W14: a new version finds runs that stand at a wait inside a Then: they go on
// with their own, or with the new one from when they began, or end; one that
// stands where the new one has no wait ends with words.
func TestPublishingFindsRunsAtAWait(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		old := byHand(note("Begun."), wait("2d"), note("Old."), wait("2d"), note("Old end."))
		next := byHand(note("Begun."), wait("5d"), note("New."))
		flows := automate.New(automate.Options{Store: d.Store, Letters: d.Desk})
		ann := d.Agent("ann")
		notes := func(c *postroom.Conversation) string {
			var out []string
			for _, m := range d.Messages(c.ID) {
				if m.Kind == postroom.Note {
					out = append(out, strings.TrimSpace(m.Text))
				}
			}
			return strings.Join(out, " ")
		}
		for _, x := range []struct {
			choice        automate.Waiting
			first, second string // of a run at the first wait, and of one at the second
			due           time.Duration
			words         string
		}{
			{automate.WaitingKeep, "Begun. Old. Old end.", "Begun. Old. Old end.", 2 * day, ""},
			{automate.WaitingMove, "Begun. New.", "Begun. Old.", 5 * day, "Another version of the workflow was published."},
			{automate.WaitingCancel, "Begun.", "Begun. Old.", 0, "Another version of the workflow was published."},
		} {
			id := d.AddWorkflow("Follow up "+string(x.choice), old)
			second := firstMail(d)
			ann.Start(second, id, postroom.PathMenu)
			d.Pass(2 * day)
			first := firstMail(d)
			ann.Start(first, id, postroom.PathMenu)
			d.Settle()
			began := d.EventsOf(first.ID, postroom.WorkflowStarted)[0].At
			publishAs(d, flows, id, next, x.choice)
			at := onlyTimer(t, d, first, id)
			if x.due > 0 {
				expect(t, string(x.choice)+": due", at.DueAt, began+x.due.Milliseconds())
				expect(t, string(x.choice)+": state", at.State, postroom.TimerWaiting)
			} else {
				expect(t, string(x.choice)+": state", at.State, postroom.TimerStopped)
				expect(t, string(x.choice)+": words", at.Words, x.words)
			}
			waits := d.Timers(second.ID, id)
			if x.words != "" {
				expect(t, string(x.choice)+": words at the second wait", waits[1].Words, x.words)
			}
			for range 4 {
				d.Pass(2 * day)
			}
			expect(t, string(x.choice)+": at the first wait", notes(first), x.first)
			expect(t, string(x.choice)+": at the second wait", notes(second), x.second)
			again, err := d.Pages().Replay(d.Ctx, query.ReplayAsk{})
			if err != nil || len(again.Differences) > 0 {
				t.Errorf("%s: judged again: %+v, %v", x.choice, again, err)
			}
		}
	})
}

// publishAs writes another version in the editor and publishes it, with what
// becomes of what waits.
func publishAs(d *desktest.Desk, flows *automate.Workflows, id int64, def workflow.Definition, choice automate.Waiting) {
	d.T.Helper()
	ann := d.Agent("ann").Agent
	page, err := flows.Editor(d.Ctx, ann, id, automate.EditorView{})
	d.Must(err)
	f := automate.Form(def.Fields())
	f["name"], f["mailbox"] = []string{d.Workflow(id).Name}, []string{"0"}
	f["revision"], f["base"] = []string{fmt.Sprint(page.Revision)}, []string{fmt.Sprint(page.Version)}
	_, err = flows.SaveDraft(d.Ctx, ann, id, f, "")
	d.Must(err)
	_, err = flows.PublishDraftWith(d.Ctx, ann, id, automate.PublishChoice{Waiting: choice})
	d.Must(err)
}

// W20: a run that goes on after a wait is in the chain that it began in: a workflow
// that ran in it before the wait does not run again behind it, and the conversation
// says so.
func TestAChainGoesOnOverAWait(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		first := d.AddWorkflow("Follow up", byHand(note("Begun."), wait("2d"), note("Second."), wait("2d"), note("Third.")))
		answers := on(postroom.NoteAdded, reply("We are on it."))
		answers.When.Actors = []postroom.ActorKind{postroom.ByWorkflow}
		second := d.AddWorkflow("Tell", answers)
		c := firstMail(d)
		d.Agent("ann").Start(c, first, postroom.PathMenu)
		for range 3 {
			d.Pass(2 * day)
		}
		expect(t, "legs", len(d.Runs(c.ID, first)), 3)
		expect(t, "runs of the other one", len(d.Runs(c.ID, second)), 1)
		var verdicts []string
		for _, e := range d.EventsOf(c.ID, postroom.NoteAdded) {
			verdicts = append(verdicts, string(d.Verdicts(e.ID)[second]))
		}
		expect(t, "what it said to each note", strings.Join(verdicts, ""), "mcc")
		expect(t, "said on the conversation", d.CountEvents(c.ID, postroom.ChainStopped), 2)
		d.ExpectMails("auto:We are on it.")
	})
}

// W8, W18: a wait inside a Then counts office time by the calendar of when the
// leg before it was done, over a night and a holiday, and keeps that time when
// the hours are changed.
func TestWaitCountsOfficeTime(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		h := calendar.Usual("Europe/Berlin") // it is Monday, 10:00 there
		h.Holidays = []calendar.Holiday{{Date: "2026-03-03"}}
		setOffice(d, 71, 1, "Support", h)
		id := d.AddWorkflow("Follow up", byHand(note("Begun."), wait("9bh"), note("Second."), wait("1bd"), note("Third.")))
		c := firstMail(d)
		d.Agent("ann").Start(c, id, postroom.PathMenu)
		d.Settle()
		// 7 hours that Monday, Tuesday is a holiday, 2 on Wednesday from 9:00.
		first := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC).UnixMilli()
		expect(t, "due", onlyTimer(t, d, c, id).DueAt, first)
		began := d.EventsOf(c.ID, postroom.WorkflowStarted)[0]
		if in := inputsOf(t, d, began.ID); !strings.Contains(in, `"office":{"calendar":71,"revision":1}`) {
			t.Errorf("it is not recorded what counted: %s", in)
		}
		h.Holidays = nil
		setOffice(d, 71, 2, "Support", h)
		expect(t, "due by changed hours", onlyTimer(t, d, c, id).DueAt, first)
		passTo(d, first-1)
		expect(t, "legs before", len(d.Runs(c.ID, id)), 1)
		passTo(d, first)
		expect(t, "legs", len(d.Runs(c.ID, id)), 2)
		second := d.Timers(c.ID, id)[1]
		expect(t, "due a business day later", time.UnixMilli(second.DueAt).UTC().Format("02 15:04"), "05 10:00")
		passTo(d, second.DueAt)
		expect(t, "legs in the end", len(d.Runs(c.ID, id)), 3)
		again, err := d.Pages().Replay(d.Ctx, query.ReplayAsk{})
		if err != nil || len(again.Differences) > 0 {
			t.Errorf("judged again: %+v, %v", again, err)
		}
	})
}

// W40: a workflow that another one ran is missing when that one comes out otherwise
// since something it looks at was changed: the same reason explains both.
func TestReplayExplainsTheCalled(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		inner := d.AddWorkflow("Inner", byHand(note("Inner."), workflow.Action{Do: workflow.DoStop}))
		outer := closing(note("Outer."), workflow.Action{Do: workflow.DoRun, Workflow: inner})
		outer.If = workflow.Cond{Fact: "conversation.subject", Op: workflow.Contains, Values: []string{"lamp"}}
		d.AddWorkflow("Outer", outer)
		d.AddWorkflow("After", closing(note("Never.")))
		c := d.CustomerWrites("Mara <mara@customer.example>", "A lamp", "Broken.")
		ann := d.Agent("ann")
		ann.SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()
		if _, err := d.Desk.SetSubject(d.Ctx, ann.Agent, c.ID, "A kettle", postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		r, err := d.Pages().Replay(d.Ctx, query.ReplayAsk{})
		if err != nil || r.Unexplained != 0 || r.Explained != 3 {
			t.Fatalf("judged again: %+v, %v", r, err)
		}
		why := map[string]string{}
		for _, x := range r.Differences {
			why[x.Workflow] = x.Why
		}
		expect(t, "the one that looks at it", why["Outer"], "it looks at the subject, which was changed since")
		expect(t, "the one that it runs", why["Inner"], "the workflow that runs it comes out otherwise: it looks at the subject, which was changed since")
		expect(t, "the one that was stopped", why["After"], "a workflow before it comes out otherwise")
	})
}
