package desktest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/desktest"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// on is a workflow that always does something on an event.
func on(kind postroom.EventKind, then ...workflow.Action) workflow.Definition {
	return workflow.Definition{When: workflow.When{Event: kind}, Then: then}
}

// closing is on for a conversation being closed.
func closing(then ...workflow.Action) workflow.Definition {
	def := on(postroom.StatusChanged, then...)
	def.When.To = []string{string(postroom.Closed)}
	return def
}

func reply(text string) workflow.Action { return workflow.Action{Do: workflow.DoReply, Text: text} }
func note(text string) workflow.Action  { return workflow.Action{Do: workflow.DoNote, Text: text} }
func status(s postroom.Status) workflow.Action {
	return workflow.Action{Do: workflow.DoStatus, Status: s}
}
func assign(agent int64) workflow.Action {
	return workflow.Action{Do: workflow.DoAssign, Agent: &agent}
}

// firstMail has Mara write the first mail of a conversation.
func firstMail(d *desktest.Desk) *postroom.Conversation {
	return d.CustomerWrites("Mara Lind <mara@customer.example>", "Lamp broken", "It arrived broken.")
}

func expect[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: %v, not %v", what, got, want)
	}
}

// onlyRun returns the one run of a workflow on a conversation.
func onlyRun(t *testing.T, d *desktest.Desk, c *postroom.Conversation, id int64) postroom.Run {
	t.Helper()
	runs := d.Runs(c.ID, id)
	if len(runs) != 1 {
		t.Fatalf("%d runs of the workflow %q:\n%s", len(runs), d.Workflow(id).Name, d.Story(c.ID))
	}
	return runs[0]
}

// W10: each action does what it says, once, with its effect on the run; what
// is said comes before what is changed (W3).
func TestWorkflowActions(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		vip, old := d.Tag("vip"), d.Tag("old")
		ben := d.Agent("ben")
		c := firstMail(d)
		if _, err := d.Desk.ChangeTags(d.Ctx, ben.Agent, c.ID, []string{"old"}, nil, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		def := on(postroom.ReplySent,
			status(postroom.Pending), assign(ben.ID), workflow.Action{Do: workflow.DoTags, Add: []int64{vip}, Remove: []int64{old}},
			note("Number {{ conversation.number }}, done by {{ actor.name | default: \"nobody\" }}."),
			workflow.Action{Do: workflow.DoReply, HTML: "<p>Dear <b>{{ customer.first_name | default: \"customer\" }}</b></p>"},
			workflow.Action{Do: workflow.DoStop})
		def.When.Actors = []postroom.ActorKind{postroom.ByAgent} // not its own reply
		id := d.AddWorkflow("All", def)
		d.Agent("ann").Reply(c, "On its way.")
		d.Settle()
		mails := d.ExpectMails("On its way.", "auto:Dear")
		if !strings.Contains(mails[1].HTML, "<b>Mara</b>") && !strings.Contains(mails[1].HTML, "<b>customer</b>") {
			t.Fatalf("the HTML of the reply: %s", mails[1].HTML)
		}
		got := d.Conversation(c.ID)
		if got.Status != postroom.Pending || got.AssigneeID != ben.ID || !slices.Equal(got.Tags, []int64{vip}) || got.Notes != 1 || got.Replies != 2 {
			t.Fatalf("after the workflow:\n%s", d.Story(c.ID))
		}
		run := onlyRun(t, d, c, id)
		expect(t, "run stopped", run.Stopped, true)
		for i, e := range run.Effects {
			expect(t, fmt.Sprintf("result of action %d (%s)", i, e.Action), e.Result, postroom.EffectDone)
			expect(t, "position", e.Position, i)
		}
		kinds := d.Events(c.ID)
		kinds = slices.DeleteFunc(kinds[slices.Index(kinds, "reply.sent"):], func(k string) bool { return strings.HasPrefix(k, "mail.") })
		want := []string{"reply.sent", "note.added", "reply.sent", "status.changed", "assignee.changed", "tags.changed"}
		if !slices.Equal(kinds, want) {
			t.Fatalf("events %v", kinds)
		}
		messages, err := d.Store.Read().Messages(d.Ctx, c.ID)
		if err != nil || !slices.ContainsFunc(messages, func(m *postroom.Message) bool {
			return m.Kind == postroom.Note && m.Text == "Number 1, done by Ann." && m.RunID == run.ID
		}) {
			t.Fatalf("there is no such note (%v)", err)
		}
	})
}

// W13, W26: a close by a workflow is a close; the notice follows.
func TestWorkflowCloses(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.AddWorkflow("Close at once", on(postroom.ReplySent, status(postroom.Closed)))
		notice := d.ClosingNotice()
		c := firstMail(d)
		d.Agent("ann").Reply(c, "Done.")
		d.Settle()
		d.ExpectMails("Done.", "auto:closed")
		run := onlyRun(t, d, c, notice)
		e := d.EventsOf(c.ID, postroom.StatusChanged)
		expect(t, "status changes", len(e), 1)
		expect(t, "cause of the run", run.EventID, e[0].ID)
		expect(t, "actor", e[0].Actor.Kind, postroom.ByWorkflow)
		expect(t, "depth", e[0].Depth, 1)
		expect(t, "root", e[0].Root, d.EventsOf(c.ID, postroom.ReplySent)[0].ID)
	})
}

// W17: the customer answers after the close and before it is judged: the
// notice would be wrong by now, and the run says why it did not go.
func TestNoticeOvertakenByAnswer(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		notice := d.ClosingNotice()
		c := firstMail(d)
		d.Agent("ann").Reply(c, "Try this.")
		d.Settle()
		sent := d.ExpectMails("Try this.")
		d.UndoWindow(time.Minute)
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.CustomerAnswers(sent[0], "It does not work.")
		expect(t, "status", d.Conversation(c.ID).Status, postroom.Active)
		d.Pass(time.Hour)
		d.ExpectMails()
		run := onlyRun(t, d, c, notice)
		expect(t, "result", run.Effects[0].Result, postroom.EffectOvertaken)
		if !strings.Contains(run.Effects[0].Reason, "the customer's answer") {
			t.Fatalf("reason %q", run.Effects[0].Reason)
		}
		// Closed again: that close has a notice of its own.
		d.UndoWindow(0)
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()
		d.ExpectMails("auto:closed")
	})
}

// W17: closed, reopened and closed again before anything was judged is told
// once, by the last close.
func TestClosedTwiceBeforeJudging(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		notice := d.ClosingNotice()
		c := firstMail(d)
		ann := d.Agent("ann")
		for _, s := range []postroom.Status{postroom.Closed, postroom.Active, postroom.Closed} {
			ann.SetStatus(c, s, postroom.PathMenu)
		}
		d.Settle()
		d.ExpectMails("auto:closed")
		runs := d.Runs(c.ID, notice)
		expect(t, "runs", len(runs), 2)
		expect(t, "first", runs[0].Effects[0].Result, postroom.EffectOvertaken)
		expect(t, "second", runs[1].Effects[0].Result, postroom.EffectDone)
	})
}

// W17: what a person changed since the event stays; the reason is on the run.
func TestActionsOvertakenByAPerson(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		a, b := d.Tag("a"), d.Tag("b")
		ann, ben := d.Agent("ann"), d.Agent("ben")
		c := firstMail(d)
		id := d.AddWorkflow("Late", on(postroom.ReplySent, status(postroom.Closed), assign(ben.ID), workflow.Action{Do: workflow.DoTags, Add: []int64{a, b}}))
		ann.Reply(c, "Hello.")
		ann.SetStatus(c, postroom.Pending, postroom.PathMenu)
		ann.Assign(c, ann.ID)
		if _, err := d.Desk.ChangeTags(d.Ctx, ann.Agent, c.ID, []string{"a"}, nil, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Desk.ChangeTags(d.Ctx, ann.Agent, c.ID, nil, []string{"a"}, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		got := d.Conversation(c.ID)
		if got.Status != postroom.Pending || got.AssigneeID != ann.ID || !slices.Equal(got.Tags, []int64{b}) {
			t.Fatalf("after the workflow:\n%s", d.Story(c.ID))
		}
		e := onlyRun(t, d, c, id).Effects
		expect(t, "status", e[0].Result, postroom.EffectOvertaken)
		expect(t, "assign", e[1].Result, postroom.EffectOvertaken)
		expect(t, "tags", e[2].Result, postroom.EffectDone)
		for _, x := range e {
			if x.Reason == "" {
				t.Errorf("%s has no reason", x.Action)
			}
		}
	})
}

// W17: that an answer reopens a conversation is part of its arriving; a
// workflow on that answer may close it again.
func TestThankYouStaysClosed(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		def := on(postroom.MessageReceived, status(postroom.Closed))
		def.If = workflow.Cond{Fact: "message.body", Op: workflow.Contains, Values: []string{"thank you"}}
		d.AddWorkflow("Thanks", def)
		c := firstMail(d)
		d.Agent("ann").SendAndClose(c, "Sent.")
		d.Settle()
		d.CustomerAnswers(d.ExpectMails("Sent.")[0], "Thank you!")
		expect(t, "status", d.Conversation(c.ID).Status, postroom.Closed)
	})
}

// W17: two workflows write one fact on one event: the later in order wins.
func TestLaterWorkflowWins(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		first := d.AddWorkflow("First", on(postroom.ReplySent, status(postroom.Pending)))
		second := d.AddWorkflow("Second", on(postroom.ReplySent, status(postroom.Closed)))
		c := firstMail(d)
		d.Agent("ann").Reply(c, "Hello.")
		d.Settle()
		expect(t, "status", d.Conversation(c.ID).Status, postroom.Closed)
		for _, id := range []int64{first, second} {
			expect(t, "result", onlyRun(t, d, c, id).Effects[0].Result, postroom.EffectDone)
		}
	})
}

// W20: two workflows that set each other off come to rest, and the
// conversation says so once.
func TestChainStops(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ping := on(postroom.StatusChanged, status(postroom.Active))
		ping.When.To = []string{string(postroom.Pending)}
		pong := on(postroom.StatusChanged, status(postroom.Pending))
		pong.When.To = []string{string(postroom.Active)}
		a, b := d.AddWorkflow("Ping", ping), d.AddWorkflow("Pong", pong)
		c := firstMail(d)
		for n := 1; n <= 2; n++ { // each act of a person is a chain of its own
			s := postroom.Pending
			if d.Conversation(c.ID).Status == s {
				s = postroom.Active
			}
			d.Agent("ann").SetStatus(c, s, postroom.PathMenu)
			d.Settle()
			expect(t, "runs of Ping", len(d.Runs(c.ID, a)), n)
			expect(t, "runs of Pong", len(d.Runs(c.ID, b)), n)
			stops := d.EventsOf(c.ID, postroom.ChainStopped)
			if len(stops) != n || !strings.Contains(stops[n-1].Payload.Words, "circle") {
				t.Fatalf("stops: %+v", stops)
			}
		}
	})
}

// W20: a long chain of different workflows ends at the depth cap.
func TestChainDepth(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		var tags []int64
		for i := range workflow.MaxDepth + 3 {
			tags = append(tags, d.Tag(fmt.Sprintf("t%02d", i)))
		}
		for i := range len(tags) - 1 {
			def := on(postroom.TagsChanged, workflow.Action{Do: workflow.DoTags, Add: []int64{tags[i+1]}})
			def.If = workflow.Cond{All: []workflow.Cond{
				{Fact: "conversation.tags", Op: workflow.HasAny, Values: []string{fmt.Sprint(tags[i])}},
				{Fact: "conversation.tags", Op: workflow.HasNone, Values: []string{fmt.Sprint(tags[i+1])}},
			}}
			d.AddWorkflow(fmt.Sprintf("Step %d", i), def)
		}
		c := firstMail(d)
		if _, err := d.Desk.ChangeTags(d.Ctx, d.Agent("ann").Agent, c.ID, []string{"t00"}, nil, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		expect(t, "tags", len(d.Conversation(c.ID).Tags), workflow.MaxDepth+1)
		stops := d.EventsOf(c.ID, postroom.ChainStopped)
		if len(stops) != 1 || !strings.Contains(stops[0].Payload.Words, fmt.Sprint(workflow.MaxDepth)) {
			t.Fatalf("stops: %+v", stops)
		}
	})
}

// tooLong is a note that grows too long when a workflow with a long name fills
// it in.
func tooLong() workflow.Action {
	return note(strings.Repeat("{{ workflow.name }}", 900))
}

// W21: a leg that fails says so on run and timeline, does nothing by halves,
// keeps nobody else from running, and after five in a row its workflow is
// paused with an alarm.
func TestFailingWorkflow(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		gone := d.AddAgent("gus", postroom.Member)
		failing := d.AddWorkflow("Failing", on(postroom.ReplySent, status(postroom.Closed), reply("Half."), assign(gone.ID)))
		after := d.AddWorkflow("After", on(postroom.ReplySent, note("After.")))
		gone.Disabled = true
		d.Write(func(tx *store.Tx) error { return tx.UpdateAgent(d.Ctx, gone) })
		c := firstMail(d)
		for n := 1; n <= 6; n++ {
			d.Agent("ann").Reply(c, "Hello.")
			d.Settle()
			d.ExpectMails("Hello.")
			expect(t, "runs of the next workflow", len(d.Runs(c.ID, after)), n)
			expect(t, "status", d.Conversation(c.ID).Status, postroom.Active)
		}
		runs := d.Runs(c.ID, failing)
		expect(t, "failed runs", len(runs), 5)
		for _, r := range runs {
			if r.State != postroom.RunFailed || !strings.Contains(r.Error, "Gus") || len(r.Effects) != 0 {
				t.Fatalf("run %+v", r)
			}
		}
		expect(t, "events", d.CountEvents(c.ID, postroom.WorkflowFailed), 5)
		if w := d.Workflow(failing); !strings.Contains(w.PausedWords, "5 times") {
			t.Fatalf("paused: %q", w.PausedWords)
		}
		if d.Alarm(string(alarm.WorkflowPause), fmt.Sprint(failing)) == nil {
			all, _ := d.Alarms.List(d.Ctx)
			t.Fatalf("no alarm; there are %+v", all)
		}
		sent := d.EventsOf(c.ID, postroom.ReplySent)
		expect(t, "verdict of the last", d.Verdicts(sent[len(sent)-1].ID)[failing], workflow.Paused)
	})
}

// W21: one success ends a row of failures.
func TestSuccessForgives(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		gus := d.AddAgent("gus", postroom.Member)
		id := d.AddWorkflow("Sometimes", on(postroom.ReplySent, assign(gus.ID)))
		c := firstMail(d)
		for n := range 8 {
			gus.Disabled = n != 3
			d.Write(func(tx *store.Tx) error { return tx.UpdateAgent(d.Ctx, gus) })
			d.Agent("ann").Reply(c, "Hello.")
			d.Settle()
		}
		w := d.Workflow(id)
		expect(t, "failures in a row", w.Failures, 4)
		expect(t, "paused", w.PausedWords, "")
	})
}

// W23: more than ten automatic mails to one address in ten minutes: the next
// is held back with words and alarm, until a person lets it go or discards it.
func TestBreaker(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		var all []*postroom.Conversation
		for range 12 {
			c := d.CustomerWrites("Mara <mara@customer.example>", "One of many", "Hello.")
			d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
			d.Settle()
			all = append(all, c)
		}
		expect(t, "mails that arrived", len(d.Arrived()), 10)
		var kept []*postroom.Mail
		for _, c := range all[10:] {
			m := d.Mails(c.ID)
			if len(m) != 1 || m[0].State != postroom.MailKept || !strings.Contains(m[0].Words, "ten minutes") {
				t.Fatalf("mails:\n%s", d.Story(c.ID))
			}
			expect(t, "timeline", d.CountEvents(c.ID, postroom.MailQuarantined), 1)
			if d.Alarm(string(alarm.Quarantined), fmt.Sprint(m[0].ID)) == nil {
				list, _ := d.Alarms.List(d.Ctx)
				t.Fatalf("no alarm; there are %+v", list)
			}
			kept = append(kept, m[0])
		}
		ann := d.Agent("ann").Agent
		if err := d.Outbox.Release(d.Ctx, ann, kept[0].ID); err != nil {
			t.Fatal(err)
		}
		if err := d.Outbox.Discard(d.Ctx, ann, kept[1].ID); err != nil {
			t.Fatal(err)
		}
		if err := d.Outbox.Release(d.Ctx, ann, kept[1].ID); postroom.CodeOf(err) != postroom.Conflict {
			t.Fatalf("released after it was discarded: %v", err)
		}
		d.Settle()
		d.ExpectMails("auto:closed")
		expect(t, "discarded", d.Mails(all[11].ID)[0].State, postroom.MailUndone)
		// Ten minutes later the way is free again.
		d.Clock.Advance(11 * time.Minute)
		d.Agent("ann").SetStatus(all[0], postroom.Active, postroom.PathMenu)
		d.Agent("ann").SetStatus(all[0], postroom.Closed, postroom.PathMenu)
		d.Settle()
		d.ExpectMails("auto:closed")
	})
}

// W29, A2: an automatic mail is marked as one and never answers one.
func TestNoAnswerToMachines(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Eager", on(postroom.ConversationCreated, reply("We have it.")))
		c := d.Receive("mara@customer.example", d.Mailbox.Address, d.Raw(desktest.Letter{From: "mara@customer.example", Subject: "Away",
			Body: "I am away.", Headers: "Auto-Submitted: auto-replied\n"}))
		d.ExpectMails()
		m := d.Mails(c.ID)
		if len(m) != 1 || m[0].State != postroom.MailBlocked || m[0].Words == "" {
			t.Fatalf("mails:\n%s", d.Story(c.ID))
		}
		expect(t, "timeline", d.CountEvents(c.ID, postroom.MailSuppressed), 1)
		expect(t, "effect", onlyRun(t, d, c, id).Effects[0].Result, postroom.EffectSkipped)
		firstMail(d)
		if mails := d.ExpectMails("auto:We have it."); mails[0].Header.Get("Auto-Submitted") != "auto-replied" && mails[0].Header.Get("Auto-Submitted") != "auto-generated" {
			t.Fatalf("Auto-Submitted: %q", mails[0].Header.Get("Auto-Submitted"))
		}
	})
}

// W30: no address, or spam: a row that says why, and the timeline says it too.
func TestNobodyToMail(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.AddWorkflow("Spam", on(postroom.StatusChanged, reply("We saw that.")))
		c := firstMail(d)
		d.Agent("ann").SetStatus(c, postroom.Spam, postroom.PathMenu)
		d.Settle()
		m := d.Mails(c.ID)
		if len(m) != 1 || m[0].State != postroom.MailSkip || !strings.Contains(m[0].Words, "spam") {
			t.Fatalf("mails:\n%s", d.Story(c.ID))
		}
		expect(t, "timeline", d.CountEvents(c.ID, postroom.MailSkipped), 1)

		daemon := d.Receive("", d.Mailbox.Address, d.Raw(desktest.Letter{From: "mailer-daemon@customer.example", Subject: "Hello", Body: "Hello."}))
		d.Agent("ann").SetStatus(daemon, postroom.Closed, postroom.PathMenu)
		d.Settle()
		m = d.Mails(daemon.ID)
		if len(m) != 1 || m[0].State != postroom.MailSkip || !strings.Contains(m[0].Words, "no address") {
			t.Fatalf("mails:\n%s", d.Story(daemon.ID))
		}
		d.ExpectMails()
	})
}

// W13, W17: marked as spam after it arrived and before it was judged: the
// acknowledgement does not go out.
func TestSpamBeforeAcknowledgement(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := firstMail(d)
		d.UndoWindow(time.Minute)
		id := d.AddWorkflow("Noted", on(postroom.ReplySent, reply("Noted.")))
		d.Agent("ann").Reply(c, "Hello.")
		d.UndoWindow(0)
		d.Agent("ann").SetStatus(c, postroom.Spam, postroom.PathMenu)
		d.Pass(2 * time.Minute)
		d.ExpectMails("Hello.")
		if e := onlyRun(t, d, c, id).Effects[0]; e.Result != postroom.EffectSkipped || !strings.Contains(e.Reason, "spam") {
			t.Fatalf("effect %+v", e)
		}
	})
}

// A reply that a rule forbids, or the breaker holds back, keeps nothing of what
// the workflow does beside it from being done (W12, W21).
func TestSkippedReplyLeavesTheRest(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Answer and note", on(postroom.ConversationCreated, reply("We have it."), note("Answered."), status(postroom.Pending)))
		next := d.AddWorkflow("Next", on(postroom.ConversationCreated, note("Seen.")))
		c := d.CustomerWrites("no-reply@shop.example", "Your parcel", "It is on its way.")
		d.ExpectMails()
		run := onlyRun(t, d, c, id)
		expect(t, "the reply", run.Effects[0].Result, postroom.EffectSkipped)
		expect(t, "the note", run.Effects[1].Result, postroom.EffectDone)
		onlyRun(t, d, c, next)
		expect(t, "status", d.Conversation(c.ID).Status, postroom.Pending)
		expect(t, "notes", d.Conversation(c.ID).Notes, 2)
	})
}
