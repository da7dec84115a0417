package desktest_test

import (
	"fmt"
	"testing"
	"time"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/workflow"
)

const week = 7 * 24 * time.Hour

// unanswered runs when an agent's reply got no answer for a week.
func unanswered(then ...workflow.Action) workflow.Definition {
	return workflow.Definition{When: workflow.When{
		Event: postroom.ReplySent, Actors: []postroom.ActorKind{postroom.ByAgent}, After: "7d",
		Unless: []workflow.Unless{
			{Event: postroom.MessageReceived, Actors: []postroom.ActorKind{postroom.ByCustomer}},
			{Event: postroom.StatusChanged, To: []string{string(postroom.Closed)}},
		},
	}, Then: then}
}

// onlyTimer returns the one timer of a workflow on a conversation.
func onlyTimer(t *testing.T, d *desktest.Desk, c *postroom.Conversation, id int64) postroom.Timer {
	t.Helper()
	all := d.Timers(c.ID, id)
	if len(all) != 1 {
		t.Fatalf("%d timers of the workflow %q: %+v", len(all), d.Workflow(id).Name, all)
	}
	return all[0]
}

// replied is a conversation that Ann has replied to.
func replied(d *desktest.Desk) *postroom.Conversation {
	c := firstMail(d)
	d.Agent("ann").Reply(c, "Have you tried another bulb?")
	d.Settle()
	d.ExpectMails("Have you tried another bulb?")
	return c
}

// W8, W22: the event arms a timer; when that is due, and not a moment before,
// the workflow runs, once, on a chain of its own.
func TestTimerRunsWhenItIsDue(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Close", unanswered(note("No answer."), status(postroom.Closed)))
		c := replied(d)
		sent := d.EventsOf(c.ID, postroom.ReplySent)[0]
		expect(t, "verdict", d.Verdicts(sent.ID)[id], workflow.Armed)
		x := onlyTimer(t, d, c, id)
		expect(t, "state", x.State, postroom.TimerWaiting)
		expect(t, "due", x.DueAt, sent.At+week.Milliseconds())
		expect(t, "armed by", x.EventID, sent.ID)
		due, ok, err := d.Store.NextTimer(d.Ctx)
		if err != nil || !ok || due != x.DueAt {
			t.Fatalf("the worker wakes at %d (%v, %v), not at %d", due, ok, err, x.DueAt)
		}

		d.Pass(week - time.Millisecond)
		expect(t, "runs before its time", len(d.Runs(c.ID, id)), 0)
		d.Pass(time.Millisecond)
		run := onlyRun(t, d, c, id)
		expect(t, "status", d.Conversation(c.ID).Status, postroom.Closed)
		x = onlyTimer(t, d, c, id)
		expect(t, "state", x.State, postroom.TimerFired)
		was := d.EventsOf(c.ID, postroom.TimerDue)
		expect(t, "events", len(was), 1)
		e := was[0]
		expect(t, "its event", x.EndEvent, e.ID)
		expect(t, "run for", run.EventID, e.ID)
		expect(t, "verdict when due", d.Verdicts(e.ID)[id], workflow.Matched)
		expect(t, "actor", e.Actor, postroom.System)
		expect(t, "path", e.Path, postroom.PathTimer)
		expect(t, "cause", e.Cause, sent.ID)
		expect(t, "root", e.Root, e.ID)
		expect(t, "depth", e.Depth, 0)
		closed := d.EventsOf(c.ID, postroom.StatusChanged)
		expect(t, "cause of the close", closed[len(closed)-1].Cause, e.ID)
		expect(t, "root of the close", closed[len(closed)-1].Root, e.ID)

		d.Pass(10 * week)
		expect(t, "runs", len(d.Runs(c.ID, id)), 1)
	})
}

// W22: an unless event ends the timer, and only one that passes its filters.
func TestUnlessEndsTimer(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Close", unanswered(note("No answer."), status(postroom.Closed)))
		c := firstMail(d)
		ann := d.Agent("ann")
		ann.Reply(c, "Have you tried another bulb?")
		d.Settle()
		mail := d.ExpectMails("Have you tried another bulb?")[0]
		ann.SetStatus(c, postroom.Pending, postroom.PathMenu) // not to closed
		ann.AddNote(c, "Waiting.")
		d.Settle()
		expect(t, "state", onlyTimer(t, d, c, id).State, postroom.TimerWaiting)
		d.Pass(week - time.Hour)
		d.CustomerAnswers(mail, "Yes, I have.")
		d.Settle()
		x := onlyTimer(t, d, c, id)
		received := d.EventsOf(c.ID, postroom.MessageReceived)
		expect(t, "state", x.State, postroom.TimerStopped)
		expect(t, "ended by", x.EndEvent, received[len(received)-1].ID)
		if x.Words == "" {
			t.Fatal("nothing says why it ended")
		}
		d.Pass(2 * week)
		expect(t, "runs", len(d.Runs(c.ID, id)), 0)
		expect(t, "due events", d.CountEvents(c.ID, postroom.TimerDue), 0)
	})
}

// W22: sequence decides. What happened before the timer was due wins, even if
// both have one and the same time and nothing of it has been judged yet; what
// happens after it comes too late.
func TestUnlessBeforeDueWins(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Close", unanswered(note("No answer.")))
		before := replied(d)
		after := firstMail(d)
		ann := d.Agent("ann")
		ann.Reply(after, "And you?")
		d.Settle()
		d.Arrived()
		d.Clock.Advance(week)
		// Both at the very time at which the timers are due.
		ann.SetStatus(before, postroom.Closed, postroom.PathMenu)
		d.Settle()
		ann.SetStatus(after, postroom.Closed, postroom.PathMenu)
		d.Settle()
		expect(t, "runs where the close came first", len(d.Runs(before.ID, id)), 0)
		expect(t, "state", onlyTimer(t, d, before, id).State, postroom.TimerStopped)
		expect(t, "runs where the timer came first", len(d.Runs(after.ID, id)), 1)
		expect(t, "state", onlyTimer(t, d, after, id).State, postroom.TimerFired)
	})
}

// W19, W22: while an act can be undone, a timer that is due waits for the end of
// that: the answer counts, and one that is undone does not.
func TestTimerWaitsForUndo(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Close", unanswered(note("No answer.")))
		d.UndoWindow(10 * time.Second)
		kept, undone := firstMail(d), firstMail(d)
		ann := d.Agent("ann")
		for _, c := range []*postroom.Conversation{kept, undone} {
			ann.Reply(c, "Well?")
		}
		d.Pass(10 * time.Second)
		d.Clock.Advance(week - 15*time.Second)
		ann.SetStatus(kept, postroom.Closed, postroom.PathMenu)
		out := ann.SetStatus(undone, postroom.Closed, postroom.PathMenu)
		d.Pass(5 * time.Second)
		expect(t, "runs while the window is open", len(d.Runs(kept.ID, id))+len(d.Runs(undone.ID, id)), 0)
		ann.Undo(out)
		for range 10 {
			d.Pass(time.Second)
		}
		expect(t, "runs where it was closed", len(d.Runs(kept.ID, id)), 0)
		expect(t, "runs where closing was undone", len(d.Runs(undone.ID, id)), 1)
	})
}

// W22: a newer event of the edge begins the wait anew, or each waits for itself.
func TestTimerAgain(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		each := unanswered(note("each"))
		each.When.Again = workflow.AgainEach
		restart, both := d.AddWorkflow("Restart", unanswered(note("restart"))), d.AddWorkflow("Each", each)
		c := replied(d)
		d.Pass(24 * time.Hour)
		d.Agent("ann").Reply(c, "And now?")
		d.Settle()
		d.Arrived()
		all := d.Timers(c.ID, restart)
		expect(t, "timers", len(all), 2)
		expect(t, "the first", all[0].State, postroom.TimerRestarted)
		expect(t, "the second", all[1].State, postroom.TimerWaiting)
		d.Pass(week - 24*time.Hour)
		expect(t, "runs after the first week", fmt.Sprint(len(d.Runs(c.ID, restart)), len(d.Runs(c.ID, both))), "0 1")
		d.Pass(24 * time.Hour)
		d.Pass(time.Second) // one comes after what the other does is judged
		expect(t, "runs after the second", fmt.Sprint(len(d.Runs(c.ID, restart)), len(d.Runs(c.ID, both))), "1 2")
	})
}

// W22: the conditions are asked when the timer is due, about what is so then.
func TestTimerAsksWhenDue(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		def := unanswered(note("Pending for a week."))
		def.If = workflow.Cond{All: []workflow.Cond{{Fact: "conversation.status", Op: workflow.Is, Values: []string{"pending"}}}}
		id := d.AddWorkflow("Pending", def)
		later, never := firstMail(d), firstMail(d)
		ann := d.Agent("ann")
		ann.Reply(later, "Well?") // active now, pending when it is due
		ann.ReplyWithStatus(never, "Well?", postroom.Pending)
		d.Settle()
		ann.SetStatus(later, postroom.Pending, postroom.PathMenu)
		ann.SetStatus(never, postroom.Active, postroom.PathMenu)
		d.Pass(week)
		expect(t, "runs where it became pending", len(d.Runs(later.ID, id)), 1)
		expect(t, "runs where it is not pending", len(d.Runs(never.ID, id)), 0)
		e := d.EventsOf(never.ID, postroom.TimerDue)[0]
		expect(t, "verdict", d.Verdicts(e.ID)[id], workflow.NotMet)
	})
}

// W22: nothing closes by itself on a customer whom nobody has answered, on a
// draft, or on a mail that is still to be sent; the reason stands on the run.
func TestTimerNeverClosesOnTheUnanswered(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		def := workflow.Definition{When: workflow.When{Event: postroom.ConversationCreated, After: "7d"}, Then: []workflow.Action{status(postroom.Closed)}}
		id := d.AddWorkflow("Close everything", def)
		d.AddWorkflow("Acknowledge", on(postroom.ConversationCreated, reply("It has arrived."))) // no human reply
		waiting, draft, mail, aside, fine := firstMail(d), firstMail(d), firstMail(d), firstMail(d), firstMail(d)
		ann := d.Agent("ann")
		for _, c := range []*postroom.Conversation{draft, mail, aside, fine} {
			ann.Reply(c, "Here you are.")
		}
		d.Settle()
		if err := d.Desk.SaveDraft(d.Ctx, ann.Agent, &postroom.Draft{ConversationID: draft.ID, Kind: postroom.Reply, HTML: "<p>One more thing</p>"}); err != nil {
			t.Fatal(err)
		}
		d.SQL(`update mail set ended = 0, state = 'deferred', words = 'later', due_at = $2 where conversation_id = $1 and automatic = 0`,
			mail.ID, d.Clock.Now().Add(10*week).UnixMilli())
		d.SQL(`update mail set ended = 0, state = 'deferred', words = 'later', due_at = $2, aside = 1 where conversation_id = $1 and automatic = 0`,
			aside.ID, d.Clock.Now().Add(10*week).UnixMilli())
		d.Pass(week)
		for c, want := range map[*postroom.Conversation]string{
			waiting: "It is not closed: the customer wrote last, and no agent has answered.",
			draft:   "It is not closed: somebody has a draft here.",
			mail:    "It is not closed: a mail is still to be sent.",
		} {
			e := onlyRun(t, d, c, id).Effects[0]
			expect(t, "result", e.Result, postroom.EffectOvertaken)
			expect(t, "reason", e.Reason, want)
			expect(t, "status", d.Conversation(c.ID).Status, postroom.Active)
		}
		expect(t, "status", d.Conversation(fine.ID).Status, postroom.Closed)
		expect(t, "status where only a mail to others is late", d.Conversation(aside.ID).Status, postroom.Closed)
	})
}

// W18, W22: whoever dies while a timer fires, anywhere, fires it once all the
// same.
func TestCrashAnywhereInFiring(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Note", unanswered(note("No answer.")))
		step := 1
		if d.Store.Engine() == string(db.Postgres) {
			step = 3
		}
		for n := 1; ; n += step {
			c := d.CustomerWrites(fmt.Sprintf("Mara <mara%d@customer.example>", n), "Lamp", "Broken.")
			d.Agent("ann").Reply(c, "Well?")
			d.Settle()
			d.Arrived()
			d.Clock.Advance(week)
			crashed := d.WorkUntilCrash(desk.WakeTimer, n)
			d.Settle()
			d.Pass(time.Minute)
			expect(t, fmt.Sprintf("runs after a crash at step %d", n), len(d.Runs(c.ID, id)), 1)
			expect(t, "due events", d.CountEvents(c.ID, postroom.TimerDue), 1)
			if !crashed {
				if n < 8 {
					t.Fatalf("only %d places to crash at: the test has lost its hold", n)
				}
				break
			}
		}
	})
}

// W18: whoever dies while an event is judged arms each timer once.
func TestCrashAnywhereInArming(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		first, second := d.AddWorkflow("First", unanswered(note("1"))), d.AddWorkflow("Second", unanswered(note("2")))
		d.AddWorkflow("Between", on(postroom.ReplySent, note("at once")))
		step := 1
		if d.Store.Engine() == string(db.Postgres) {
			step = 3
		}
		for n := 1; ; n += step {
			c := d.CustomerWrites(fmt.Sprintf("Mara <mara%d@customer.example>", n), "Lamp", "Broken.")
			d.Settle()
			d.Agent("ann").Reply(c, "Well?")
			crashed := d.JudgeUntilCrash(n)
			d.Settle()
			d.Pass(time.Minute)
			d.Arrived()
			expect(t, "timers", fmt.Sprint(len(d.Timers(c.ID, first)), len(d.Timers(c.ID, second)), len(d.Runs(c.ID, 0))), "1 1 1")
			if !crashed {
				break
			}
		}
	})
}

// W22: an agent can cancel a timer on its conversation, once, and the timeline
// says who did; nobody can from elsewhere.
func TestAgentCancelsTimer(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Close", unanswered(status(postroom.Closed)))
		c, other := replied(d), firstMail(d)
		ann := d.Agent("ann")
		x := onlyTimer(t, d, c, id)
		if _, err := d.Desk.CancelTimer(d.Ctx, ann.Agent, other.ID, x.ID, postroom.PathMenu); postroom.CodeOf(err) != postroom.NotFound {
			t.Fatalf("cancelled from another conversation: %v", err)
		}
		if _, err := d.Desk.CancelTimer(d.Ctx, ann.Agent, c.ID, x.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Desk.CancelTimer(d.Ctx, ann.Agent, c.ID, x.ID, postroom.PathMenu); postroom.CodeOf(err) != postroom.Conflict {
			t.Fatalf("cancelled twice: %v", err)
		}
		x = onlyTimer(t, d, c, id)
		expect(t, "state", x.State, postroom.TimerStopped)
		expect(t, "by", x.EndedBy, postroom.Actor{Kind: postroom.ByAgent, ID: ann.ID})
		expect(t, "events", d.CountEvents(c.ID, postroom.TimerCancelled), 1)
		d.Pass(2 * week)
		expect(t, "status", d.Conversation(c.ID).Status, postroom.Active)
	})
}

// W22: what has no future keeps no timers: a conversation that is deleted or
// spam. None begins there either.
func TestDeletedAndSpamKeepNoTimers(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Note", unanswered(note("No answer.")))
		ann := d.Agent("ann")
		deleted, spam := replied(d), replied(d)
		if _, err := d.Desk.Delete(d.Ctx, ann.Agent, deleted.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		ann.SetStatus(spam, postroom.Spam, postroom.PathMenu)
		d.Settle()
		expect(t, "timer of the deleted one", onlyTimer(t, d, deleted, id).State, postroom.TimerStopped)
		expect(t, "timer of the spam", onlyTimer(t, d, spam, id).State, postroom.TimerStopped)
		d.Pass(2 * week)
		expect(t, "runs", len(d.Runs(deleted.ID, id))+len(d.Runs(spam.ID, id)), 0)
		ann.Reply(spam, "Or is it?")
		d.Settle()
		d.Arrived()
		sent := d.EventsOf(spam.ID, postroom.ReplySent)
		last := sent[len(sent)-1]
		want := workflow.NotArmed
		if last.After.Status != postroom.Spam {
			want = workflow.Armed
		}
		expect(t, "verdict", d.Verdicts(last.ID)[id], want)
	})
}

// W14: a waiting timer keeps the version it was armed with, and is judged by it.
func TestTimerKeepsItsVersion(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Note", unanswered(note("the old one")))
		c := replied(d)
		d.PublishVersion(id, on(postroom.TagsChanged, note("the new one")))
		d.Pass(week)
		run := onlyRun(t, d, c, id)
		expect(t, "version", run.Version, 1)
		messages := d.Messages(c.ID)
		expect(t, "note", messages[len(messages)-1].Text, "the old one")
		// Its own unless still holds, of a kind that no published workflow
		// listens for.
		d.PublishVersion(id, unanswered(note("again")))
		other := replied(d)
		d.PublishVersion(id, on(postroom.TagsChanged, note("the new one")))
		d.Agent("ann").SetStatus(other, postroom.Closed, postroom.PathMenu)
		d.Settle()
		expect(t, "state", onlyTimer(t, d, other, id).State, postroom.TimerStopped)
	})
}

// W12, A: what a timer sends is automatic mail that a machine caused, whoever
// began what armed it.
func TestTimerMailsAreAutomatic(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.AddWorkflow("Remind", unanswered(reply("Did it help?")))
		c := replied(d)
		d.Pass(week)
		d.ExpectMails("auto:Did it help?")
		mails := d.Mails(c.ID)
		last := mails[len(mails)-1]
		expect(t, "automatic", last.Automatic, true)
		expect(t, "machine", last.Machine, true)
	})
}

// W22: of many that are due at once the one that is due longest fires first,
// each once, also where workers claim a few at a time.
func TestTimersFireOldestFirst(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Note", unanswered(note("No answer.")))
		var want []int64
		for range 7 {
			c := replied(d)
			want = append(want, onlyTimer(t, d, c, id).ID)
			d.Clock.Advance(time.Minute)
		}
		d.Clock.Advance(week)
		var got []int64
		for {
			items, err := d.Store.ClaimTimers(d.Ctx, 2, time.Minute.Milliseconds())
			if err != nil {
				t.Fatal(err)
			}
			if len(items) == 0 {
				break
			}
			for _, i := range items {
				got = append(got, i.ID)
			}
		}
		expect(t, "order", fmt.Sprint(got), fmt.Sprint(want))
		d.Pass(2 * time.Minute) // the leases of those who took them have run out
		for _, e := range want {
			x, err := d.Store.Read().Timer(d.Ctx, e)
			if err != nil || x.State != postroom.TimerFired {
				t.Fatalf("timer %d: %s (%v)", e, x.State, err)
			}
		}
	})
}

// W26: a close by a timer is a close like any other: one notice follows. The
// recipes do what they say, and a warning does not begin the wait anew.
func TestRecipesCloseTheUnanswered(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		d.Recipe("warn-before-closing")
		d.Recipe("close-unanswered")
		silent, lively := replied(d), firstMail(d)
		d.Agent("ann").Reply(lively, "And yours?")
		d.Settle()
		mail := d.ExpectMails("And yours?")[0]
		d.Pass(4 * 24 * time.Hour)
		d.CustomerAnswers(mail, "Mine works.")
		d.Pass(24 * time.Hour)
		d.ExpectMails("auto:have not heard from you")
		d.Pass(2 * 24 * time.Hour)
		d.ExpectMails("auto:now closed your request")
		d.Pass(4 * week)
		expect(t, "status of the silent one", d.Conversation(silent.ID).Status, postroom.Closed)
		expect(t, "status of the lively one", d.Conversation(lively.ID).Status, postroom.Active)
	})
}
