package desktest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/calendar"
	"postroom/internal/desktest"
	"postroom/internal/postoffice"
	"postroom/internal/promise"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// onlyWatch is the one watch of a promise on a conversation.
func onlyWatch(t *testing.T, d *desktest.Desk, c *postroom.Conversation, id int64) store.Watch {
	t.Helper()
	all := d.Watches(c.ID, id)
	if len(all) != 1 {
		t.Fatalf("%d watches: %+v", len(all), all)
	}
	return all[0]
}

// expectPromise holds what came of a promise on a conversation, with a part of
// its words.
func expectPromise(t *testing.T, d *desktest.Desk, c *postroom.Conversation, id int64, state promise.State, words string) {
	t.Helper()
	w := onlyWatch(t, d, c, id)
	if w.State != string(state) || !strings.Contains(w.Words, words) {
		t.Fatalf("it is %s (%q), not %s (%q)", w.State, w.Words, state, words)
	}
}

// ringing holds whether the alarm of a promise is open.
func ringing(t *testing.T, d *desktest.Desk, id int64, want bool) {
	t.Helper()
	if got := d.Alarm(string(alarm.PromiseBroken), fmt.Sprint(id)); (got != nil) != want {
		t.Fatalf("the alarm is %+v", got)
	}
}

// promisedAnswer promises that whoever writes is answered by an agent.
func promisedAnswer(times promise.Times, within string) promise.Definition {
	return promise.Definition{
		When:   workflow.When{Event: postroom.MessageReceived, Actors: []postroom.ActorKind{postroom.ByCustomer}},
		Expect: promise.Expect{Times: times, Event: &workflow.Unless{Event: postroom.ReplySent, Actors: []postroom.ActorKind{postroom.ByAgent}}},
		Within: within,
	}
}

// W38: each close by an agent ends in one closing notice within two minutes. It
// counts from the end of the undo window, waits until the time is over, and is
// kept once.
func TestPromiseIsKept(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		id := d.ShippedPromise()
		d.UndoWindow(10 * time.Second)
		c := firstMail(d)
		d.Agent("ann").SendAndClose(c, "The answer.")
		d.Settle()
		expect(t, "watches in the undo window", len(d.Watches(c.ID, id)), 0)
		d.Pass(10 * time.Second)
		d.ExpectMails("The answer.", "auto:closed")
		w := onlyWatch(t, d, c, id)
		closed := d.EventsOf(c.ID, postroom.StatusChanged)[0]
		expect(t, "its event", w.EventID, closed.ID)
		expect(t, "due", w.DueAt, closed.FinalAt+2*60_000)
		expect(t, "state", w.State, "waiting")
		expect(t, "waiting", d.PromiseCounts(id).Waiting, 1)
		due, ok, err := d.Store.NextWatch(d.Ctx)
		if err != nil || !ok || due != w.DueAt {
			t.Fatalf("the worker wakes at %d (%v, %v), not at %d", due, ok, err, w.DueAt)
		}
		d.Pass(2*time.Minute - time.Millisecond)
		expect(t, "state before its time", onlyWatch(t, d, c, id).State, "waiting")
		d.Pass(time.Millisecond)
		expectPromise(t, d, c, id, promise.Kept, "The mail was accepted.")
		expect(t, "mails", len(onlyWatch(t, d, c, id).Mails), 1)
		expect(t, "counts", d.PromiseCounts(id), store.PromiseCounts{Kept: 1})
		ringing(t, d, id, false)
		d.Pass(48 * time.Hour)
		expect(t, "counts two days later", d.PromiseCounts(id), store.PromiseCounts{Kept: 1})
	})
}

// W38, W19: what was undone was never promised, and who else closes is not meant.
func TestPromiseOnlyOfWhatIsFinal(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		id := d.ShippedPromise()
		d.UndoWindow(10 * time.Second)
		c := firstMail(d)
		ann := d.Agent("ann")
		ann.Undo(ann.SendAndClose(c, "The answer."))
		d.Pass(time.Hour)
		expect(t, "watches", len(d.Watches(c.ID, id)), 0)
		expect(t, "counts", d.PromiseCounts(id), store.PromiseCounts{})
	})
}

// W38: no notice, and nobody who could say why: broken. The alarm is raised
// once, counts, and clears when somebody acknowledges it.
func TestPromiseIsBroken(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.ShippedPromise()
		a, b := firstMail(d), d.CustomerWrites("Theo <theo@customer.example>", "Chair", "Wobbles.")
		d.Agent("ann").SetStatus(a, postroom.Closed, postroom.PathMenu)
		d.Agent("ann").SetStatus(b, postroom.Closed, postroom.PathMenu)
		d.Settle()
		d.Pass(2 * time.Minute)
		for _, c := range []*postroom.Conversation{a, b} {
			expectPromise(t, d, c, id, promise.Broken, "No workflow that mails the customer listens for this.")
		}
		expect(t, "counts", d.PromiseCounts(id), store.PromiseCounts{Broken: 2, Unseen: 2})
		x := d.Alarm(string(alarm.PromiseBroken), fmt.Sprint(id))
		if x == nil || x.N != 2 || !strings.Contains(x.Words, "listens for this") {
			t.Fatalf("alarm: %+v", x)
		}
		d.Pass(12 * time.Hour) // it is looked at again, and counted once
		expect(t, "counts", d.PromiseCounts(id), store.PromiseCounts{Broken: 2, Unseen: 2})
		expect(t, "the alarm counts", d.Alarm(string(alarm.PromiseBroken), "").N, 2)
		if err := d.Alarms.Acknowledge(d.Ctx, d.Agent("ann").Agent, x.ID); err != nil {
			t.Fatal(err)
		}
		ringing(t, d, id, false)
		d.Pass(40 * 24 * time.Hour)
		ringing(t, d, id, false)
		if _, ok, err := d.Store.NextWatch(d.Ctx); ok || err != nil {
			t.Fatalf("something is still looked at: %v", err)
		}
	})
}

// W38: a workflow that was judged and did not run says why; so do limits and
// what a mail ended with.
func TestPromiseIsExplained(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		notice := d.ClosingNotice()
		id := d.ShippedPromise()
		d.SwitchWorkflow(notice, false)
		c := firstMail(d)
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()
		d.Pass(2 * time.Minute)
		expectPromise(t, d, c, id, promise.Explained, "switched off")

		d.SwitchWorkflow(notice, true)
		d.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Edge: postoffice.Before, Action: postoffice.Lie, Reply: "550 5.1.1 no such user"})
		other := d.CustomerWrites("Theo <theo@customer.example>", "Chair", "Wobbles.")
		d.Agent("ann").SetStatus(other, postroom.Closed, postroom.PathMenu)
		d.Settle()
		d.Pass(2 * time.Minute)
		expectPromise(t, d, other, id, promise.Explained, "no such user")
		expect(t, "counts", d.PromiseCounts(id), store.PromiseCounts{Explained: 2})
		ringing(t, d, id, false)
	})
}

// W38: a mail that waits and says why is late, and no alarm; it is kept when it
// is accepted after all.
func TestPromiseIsLate(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		id := d.ShippedPromise()
		c := firstMail(d)
		fault := d.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Edge: postoffice.Before, Action: postoffice.Lie, Reply: "451 4.7.1 greylisted"})
		d.Agent("ann").SendAndClose(c, "The answer.")
		d.Settle()
		d.Pass(2 * time.Minute)
		expectPromise(t, d, c, id, promise.Late, "it waits for an earlier mail, which is deferred")
		expect(t, "counts", d.PromiseCounts(id), store.PromiseCounts{Late: 1})
		ringing(t, d, id, false)
		fault.Remove()
		d.Pass(30 * time.Minute)
		d.Pass(time.Minute)
		d.ExpectMails("The answer.", "auto:closed")
		expectPromise(t, d, c, id, promise.Kept, "late")
		expect(t, "counts", d.PromiseCounts(id), store.PromiseCounts{Kept: 1})
	})
}

// W38: what follows as an event. An answer that comes late mends what was broken,
// and the alarm clears by itself.
func TestPromiseOfAnAnswer(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.Promise("Answered in four hours", promisedAnswer(promise.Some, "4h"))
		quick := firstMail(d)
		d.Agent("ann").Reply(quick, "At once.")
		d.Settle()
		expectPromise(t, d, quick, id, promise.Kept, "A reply is sent.") // without waiting for the time to be over

		slow := d.CustomerWrites("Theo <theo@customer.example>", "Chair", "Wobbles.")
		d.Pass(4 * time.Hour)
		expectPromise(t, d, slow, id, promise.Broken, "did not happen in time")
		ringing(t, d, id, true)
		d.Pass(time.Hour)
		d.Agent("ann").Reply(slow, "I was at lunch.")
		d.Settle()
		expectPromise(t, d, slow, id, promise.Kept, "1 hour late")
		ringing(t, d, id, false)
		expect(t, "counts", d.PromiseCounts(id), store.PromiseCounts{Kept: 2})
	})
}

// W38: never two, and not at all.
func TestPromiseOfTooMany(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		d.AddWorkflow("A second notice", workflow.Definition{When: workflow.When{Event: postroom.StatusChanged, To: []string{"closed"}},
			Then: []workflow.Action{{Do: workflow.DoReply, Text: "Closed, as we said."}}})
		id := d.ShippedPromise()
		def := promisedAnswer(promise.NotOnce, "1h")
		def.When, def.Expect.Event = workflow.When{Event: postroom.StatusChanged, To: []string{"closed"}}, &workflow.Unless{Event: postroom.MessageReceived}
		quiet := d.Promise("Nobody comes back", def)
		c := firstMail(d)
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()
		mails := d.ExpectMails("auto:closed", "auto:as we said")
		d.Pass(2 * time.Minute)
		expectPromise(t, d, c, id, promise.Broken, "2 mails went out instead of one.")
		expect(t, "its mails", len(onlyWatch(t, d, c, id).Mails), 2)
		expect(t, "state", onlyWatch(t, d, c, quiet).State, "waiting")
		d.CustomerAnswers(mails[0], "But it is not repaired.")
		d.Settle()
		expectPromise(t, d, c, quiet, promise.Broken, "was not to happen") // at once
	})
}

// W38: switched off, nothing is watched, and what was ends without a count.
func TestPromiseSwitchedOff(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.ShippedPromise()
		c := firstMail(d)
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()
		d.Write(func(tx *store.Tx) error {
			p, err := tx.Promise(d.Ctx, id)
			if err == nil {
				p.Enabled = false
				err = tx.UpdatePromise(d.Ctx, p)
			}
			if err == nil {
				_, err = tx.PublishSet(d.Ctx, 0, d.Store.Now())
			}
			return err
		})
		d.Pass(2 * time.Minute)
		expectPromise(t, d, c, id, promise.Dropped, "switched off")
		expect(t, "counts", d.PromiseCounts(id), store.PromiseCounts{})
		d.Agent("ann").SetStatus(c, postroom.Active, postroom.PathMenu)
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()
		expect(t, "watches", len(d.Watches(c.ID, id)), 1)
	})
}

// W18, W38: whenever the process dies, a watch is neither lost nor counted twice.
func TestPromiseSurvivesCrashes(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.ShippedPromise()
		n := 0
		for at := 1; ; at++ {
			c := firstMail(d)
			d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
			dead := d.JudgeUntilCrash(at)
			d.Settle()
			expect(t, "watches", len(d.Watches(c.ID, id)), 1)
			n++
			d.Clock.Advance(2 * time.Minute)
			looked := d.WorkUntilCrash("promise", at)
			d.Settle()
			expectPromise(t, d, c, id, promise.Broken, "listens for this")
			expect(t, "broken", d.PromiseCounts(id).Broken, n)
			expect(t, "the alarm counts", d.Alarm(string(alarm.PromiseBroken), "").N, n)
			if !dead && !looked {
				return
			}
		}
	})
}

// W38: what is promised within office hours is counted by the calendar of the
// mailbox, as it was when the promise began: a calendar that is changed later
// moves nothing.
func TestPromiseInOfficeHours(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.Promise("Answered in four hours of office time", promisedAnswer(promise.Some, "4bh"))
		d.Clock.Advance(time.Date(2026, 3, 6, 15, 0, 0, 0, time.UTC).Sub(d.Clock.Now())) // a Friday afternoon
		c := firstMail(d)
		due := time.Date(2026, 3, 9, 11, 0, 0, 0, time.UTC)
		expect(t, "due", time.UnixMilli(onlyWatch(t, d, c, id).DueAt).UTC(), due)
		hours := calendar.Usual("UTC")
		hours.Holidays = []calendar.Holiday{{Date: "2026-03-09"}}
		setOffice(d, d.ID(), 1, "Office", hours)
		other := firstMail(d)
		expect(t, "due by the new calendar", time.UnixMilli(onlyWatch(t, d, other, id).DueAt).UTC(), due.AddDate(0, 0, 1))
		d.Pass(due.Sub(d.Clock.Now()) - time.Minute)
		expectPromise(t, d, c, id, promise.Waiting, "")
		d.Pass(time.Minute)
		expectPromise(t, d, c, id, promise.Broken, "did not happen in time")
		expectPromise(t, d, other, id, promise.Waiting, "")
		d.Agent("ann").Reply(other, "The answer.")
		d.Settle()
		expectPromise(t, d, other, id, promise.Kept, "A reply is sent.")
	})
}
