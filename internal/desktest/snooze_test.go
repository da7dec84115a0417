package desktest_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/calendar"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/query"
	"postroom/internal/workflow"
)

// sleep lets Ann put a conversation to sleep for a time.
func sleep(d *desktest.Desk, c *postroom.Conversation, for_ time.Duration) desk.Outcome {
	d.T.Helper()
	out, err := d.Desk.Snooze(d.Ctx, d.Agent("ann").Agent, c.ID, d.Store.Now()+for_.Milliseconds(), postroom.PathMenu)
	if err != nil {
		d.T.Fatal(err)
	}
	return out
}

// lies reports in which folders a list shows a conversation, and checks their
// counts.
func lies(d *desktest.Desk, c *postroom.Conversation) (in []string) {
	d.T.Helper()
	pages, ann := d.Pages(), d.Agent("ann").Agent
	shell, err := pages.Shell(d.Ctx, ann, query.Place{})
	if err != nil {
		d.T.Fatal(err)
	}
	for _, f := range query.FolderNames {
		l, err := pages.List(d.Ctx, ann, query.ListAsk{Folder: f}, shell)
		if err != nil {
			d.T.Fatal(err)
		}
		if n := shell.All.Of(f); n != len(l.Rows) {
			d.T.Errorf("%s counts %d and shows %d", f, n, len(l.Rows))
		}
		if slices.ContainsFunc(l.Rows, func(r query.Row) bool { return r.Number == c.Number }) {
			in = append(in, f)
		}
	}
	return in
}

// W22: a conversation sleeps out of the open folders until its time has come;
// then it wakes once, who let it sleep is told, and workflows hear of both.
func TestSnooze(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		slept := d.AddWorkflow("Slept", workflow.Definition{When: workflow.When{Event: postroom.ConversationSnoozed},
			If: workflow.Cond{Fact: "conversation.snoozed", Op: workflow.Is, Values: []string{"true"}}, Then: []workflow.Action{note("It sleeps.")}})
		woke := d.AddWorkflow("Woke", workflow.Definition{When: workflow.When{Event: postroom.ConversationWoken, Paths: []postroom.Path{postroom.PathTimer}},
			If: workflow.Cond{Fact: "conversation.snoozed_until", Op: workflow.NotSet}, Then: []workflow.Action{note("It woke.")}})
		ann := d.Agent("ann")
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		other := d.CustomerWrites("bob@customer.example", "Chair", "Broken.")
		ann.Assign(c, ann.ID)
		d.Settle()
		now := d.Store.Now()
		for _, wrong := range []int64{0, now, now - 1, now + postroom.MaxSnooze + 1} {
			if _, err := d.Desk.Snooze(d.Ctx, ann.Agent, c.ID, wrong, postroom.PathMenu); postroom.CodeOf(err) != postroom.Invalid {
				t.Errorf("sleeps until %d: %v", wrong-now, err)
			}
		}
		until := now + (3 * time.Hour).Milliseconds()
		for _, changes := range []bool{true, false} {
			if out, err := d.Desk.Snooze(d.Ctx, ann.Agent, c.ID, until, postroom.PathMenu); err != nil || out.Changed != changes {
				t.Errorf("changes %v: %+v, %v", changes, out, err)
			}
		}
		if in := lies(d, c); !slices.Equal(in, []string{"snoozed"}) {
			t.Errorf("asleep it lies in %v", in)
		}
		if in := lies(d, other); !slices.Equal(in, []string{"unassigned"}) {
			t.Errorf("the other one lies in %v", in)
		}
		d.CheckInvariants()
		d.Pass(3*time.Hour - time.Minute)
		if now := d.Conversation(c.ID); !now.Snoozed() || now.SnoozedUntil != until {
			t.Errorf("it woke before its time: %+v", now)
		}
		d.Pass(2 * time.Minute)
		events := d.EventsOf(c.ID, postroom.ConversationWoken)
		if len(events) != 1 || events[0].Path != postroom.PathTimer || events[0].Payload.From != idText(until) || events[0].After.SnoozedUntil != 0 {
			t.Fatalf("woken: %+v", events)
		}
		if in := lies(d, c); !slices.Equal(in, []string{"mine", "assigned"}) {
			t.Errorf("awake it lies in %v", in)
		}
		if told := ann.Told(); !slices.Contains(told, "woken 1") {
			t.Errorf("Ann was told %q", told)
		}
		expect(t, "runs on the sleep", len(d.Runs(c.ID, slept)), 1)
		expect(t, "runs on the waking", len(d.Runs(c.ID, woke)), 1)
		d.Pass(24 * time.Hour)
		expect(t, "woken once", d.CountEvents(c.ID, postroom.ConversationWoken), 1)
		d.CheckInvariants()
	})
}

// What wakes before the time: the customer, not a machine; an agent; a close. A
// later time takes the place of an earlier one, and the other way round.
func TestWakingBeforeTheTime(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann := d.Agent("ann")
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		ann.Reply(c, "We ask.")
		d.Settle()
		mail := d.ExpectMails("We ask.")[0]
		awake := func(what string, want bool) {
			t.Helper()
			if now := d.Conversation(c.ID); now.Snoozed() == want {
				t.Errorf("%s: sleeps until %d", what, now.SnoozedUntil)
			}
		}
		sleep(d, c, time.Hour)
		d.Accept(mail.To, []string{mail.ReplyTo}, d.Raw(desktest.Letter{From: mail.To, To: mail.ReplyTo, Subject: "Away", Body: "I am away.", InReplyTo: mail.ID, Headers: "Auto-Submitted: auto-replied\n"}))
		d.Settle()
		awake("after a machine's answer", false)
		ann.AddNote(c, "For us.")
		ann.Reply(c, "Still asking.")
		d.Settle()
		awake("after a reply of ours", false)
		d.CustomerAnswers(mail, "And now?")
		awake("after the customer wrote", true)
		sleep(d, c, time.Hour)
		if out, err := d.Desk.WakeUp(d.Ctx, ann.Agent, c.ID, postroom.PathMenu); err != nil || !out.Changed {
			t.Errorf("%+v, %v", out, err)
		}
		if out, err := d.Desk.WakeUp(d.Ctx, ann.Agent, c.ID, postroom.PathMenu); err != nil || out.Changed {
			t.Errorf("woken twice: %+v, %v", out, err)
		}
		awake("woken by hand", true)

		sleep(d, c, time.Hour)
		sleep(d, c, 3*time.Hour)
		d.Pass(2 * time.Hour)
		awake("with a later time", false)
		sleep(d, c, 10*time.Minute)
		d.Pass(11 * time.Minute)
		awake("with an earlier time", true)

		for _, s := range []postroom.Status{postroom.Closed, postroom.Spam} {
			sleep(d, c, time.Hour)
			ann.SetStatus(c, s, postroom.PathMenu)
			awake(string(s), true)
			if _, err := d.Desk.Snooze(d.Ctx, ann.Agent, c.ID, d.Store.Now()+1000, postroom.PathMenu); postroom.CodeOf(err) != postroom.Invalid {
				t.Errorf("%s it sleeps: %v", s, err)
			}
			ann.SetStatus(c, postroom.Active, postroom.PathMenu)
		}
		sleep(d, c, time.Hour)
		if _, err := d.Desk.Delete(d.Ctx, ann.Agent, c.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		awake("deleted", true)
		d.Settle()
		expect(t, "times Ann was told", len(slices.DeleteFunc(ann.Told(), func(s string) bool { return s != "woken 1" })), 1)
		d.CheckInvariants()
	})
}

// W19: a sleep is undone, and so is what ended one; what was undone wakes in its
// time.
func TestUndoSnooze(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		ann := d.Agent("ann")
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		out := sleep(d, c, time.Hour)
		ann.Undo(out)
		if now := d.Conversation(c.ID); now.Snoozed() {
			t.Error("undone, it sleeps")
		}
		until := d.Store.Now() + (time.Minute).Milliseconds()
		sleep(d, c, time.Minute)
		d.Pass(55 * time.Second)
		closed := ann.SetStatus(c, postroom.Closed, postroom.PathMenu)
		if now := d.Conversation(c.ID); now.Snoozed() || now.Status != postroom.Closed {
			t.Errorf("closed: %+v", now)
		}
		d.Pass(6 * time.Second) // its time has come
		ann.Undo(closed)
		if now := d.Conversation(c.ID); now.SnoozedUntil != until || now.Status != postroom.Active {
			t.Errorf("undone: %s until %d", now.Status, now.SnoozedUntil)
		}
		d.CheckInvariants()
		d.Pass(time.Second)
		if now := d.Conversation(c.ID); now.Snoozed() {
			t.Error("it was not woken when its time had come")
		}
		expect(t, "woken by time", len(slices.DeleteFunc(d.EventsOf(c.ID, postroom.ConversationWoken), func(e postroom.Event) bool { return e.Path != postroom.PathTimer })), 1)
		d.CheckInvariants()
	})
}

// A workflow lets a conversation sleep, unless a message has arrived since; and
// what closes by itself does not close what sleeps (W22).
func TestWorkflowsAndSleep(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		sleeps := d.AddWorkflow("Sleep", workflow.Definition{When: workflow.When{Event: postroom.ReplySent, Actors: []postroom.ActorKind{postroom.ByAgent}},
			Then: []workflow.Action{{Do: workflow.DoSnooze, For: "2d"}}})
		closes := d.AddWorkflow("Close", workflow.Definition{When: workflow.When{Event: postroom.ReplySent, Actors: []postroom.ActorKind{postroom.ByAgent}, After: "1d"},
			Then: []workflow.Action{status(postroom.Closed)}})
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Agent("ann").Reply(c, "We ask.")
		d.Settle()
		d.ExpectMails("We ask.")
		now := d.Conversation(c.ID)
		sent := d.EventsOf(c.ID, postroom.ReplySent)[0]
		if now.SnoozedUntil != sent.At+(48*time.Hour).Milliseconds() || now.SnoozedBy != 0 {
			t.Errorf("it sleeps until %d, for %d", now.SnoozedUntil, now.SnoozedBy)
		}
		d.Pass(25 * time.Hour)
		run := d.Runs(c.ID, closes)
		if len(run) != 1 || run[0].Effects[0].Result != postroom.EffectOvertaken || !strings.Contains(run[0].Effects[0].Reason, "sleeps") {
			t.Errorf("the close: %+v", run)
		}
		d.Pass(24 * time.Hour)
		if now := d.Conversation(c.ID); now.Snoozed() || now.Status != postroom.Active {
			t.Errorf("after its time: %+v", now)
		}
		if told := d.Agent("ann").Told(); slices.Contains(told, "woken 1") {
			t.Errorf("Ann, who did not let it sleep, was told %q", told)
		}
		expect(t, "runs", len(d.Runs(c.ID, sleeps)), 1)
		d.CheckInvariants()
	})
}

// A selection is put to sleep and woken as one job; what is closed is left out.
func TestBulkSnooze(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		all, numbers := some(d)
		ann := d.Agent("ann")
		ann.SetStatus(all[0], postroom.Closed, postroom.PathMenu)
		asleep := func(want int) {
			t.Helper()
			n := 0
			for _, c := range all {
				if d.Conversation(c.ID).Snoozed() {
					n++
				}
			}
			expect(t, "asleep", n, want)
			d.CheckInvariants()
		}
		job := ann.Bulk(desk.Bulk{Numbers: numbers, Snooze: d.Store.Now() + (time.Hour).Milliseconds()})
		asleep(len(all) - 1)
		if err := d.Desk.UndoBulk(d.Ctx, ann.Agent, job); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		asleep(0)
		ann.Bulk(desk.Bulk{Numbers: numbers, Snooze: d.Store.Now() + (time.Hour).Milliseconds()})
		ann.Bulk(desk.Bulk{Numbers: numbers, Wake: true})
		asleep(0)
	})
}

// A workflow lets sleep until a moment too, by the clock of the calendar that
// counted, which is recorded: a calendar changed since changes nothing, also not
// where the judgement is looked at again.
func TestWorkflowSnoozesUntilAMoment(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		hours := calendar.Usual("Europe/Berlin")
		setOffice(d, 71, 1, "Support", hours)
		berlin := hours.Location()
		for tag, until := range map[string]string{"tomorrow": "tomorrow 09:00", "monday": "mon 08:30", "office": "office"} {
			d.AddWorkflow(tag, workflow.Definition{When: workflow.When{Event: postroom.TagsChanged},
				If:   workflow.Cond{Fact: "conversation.tags", Op: workflow.HasAny, Values: []string{idText(d.Tag(tag))}},
				Then: []workflow.Action{{Do: workflow.DoSnooze, Until: until}}})
		}
		// It is Monday, 10:00 in Berlin.
		for tag, want := range map[string]string{"tomorrow": "2026-03-03 09:00", "monday": "2026-03-09 08:30", "office": "2026-03-03 09:00"} {
			c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
			d.Settle()
			if _, err := d.Desk.ChangeTags(d.Ctx, d.Agent("ann").Agent, c.ID, []string{tag}, nil, postroom.PathMenu); err != nil {
				t.Fatal(err)
			}
			d.Settle()
			expect(t, tag, time.UnixMilli(d.Conversation(c.ID).SnoozedUntil).In(berlin).Format("2006-01-02 15:04"), want)
			var in workflow.Inputs
			_, _, text, err := d.Store.Read().Judgement(d.Ctx, d.EventsOf(c.ID, postroom.TagsChanged)[0].ID)
			if err != nil || json.Unmarshal([]byte(text), &in) != nil || in.Office == nil || in.Office.Calendar != 71 || in.Office.Revision != 1 {
				t.Errorf("recorded: %s, %v", text, err)
			}
		}
		d.CheckInvariants()
	})
}
