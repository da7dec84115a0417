package desktest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/workflow"
)

// W3, W4: the events of a transaction are numbered without a gap, message
// before status; each knows its cause, the beginning of its chain, how deep it
// stands, who did it by which way, and the facts after it.
func TestEventsTellWhatTheyAre(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		notice := d.ClosingNotice()
		c := firstMail(d)
		ann := d.Agent("ann")
		out := ann.SendAndClose(c, "On its way.")
		d.Settle()
		all := d.EventsOf(c.ID, "")
		var kinds []string
		for i, e := range all {
			kinds = append(kinds, string(e.Kind))
			expect(t, "sequence", e.Seq, int64(i+1))
			expect(t, "version", e.Version, postroom.EventVersion)
			if e.Kind.Edge() {
				expect(t, "state of "+string(e.Kind), e.State, postroom.EventJudged)
			}
		}
		want := []string{"conversation.created", "message.received", "reply.sent", "status.changed", "reply.sent"}
		if !slices.Equal(kinds[:5], want) {
			t.Fatalf("events %v", kinds)
		}
		created, received, sent, closed, told := all[0], all[1], all[2], all[3], all[4]
		expect(t, "act", created.ActID, received.ActID)
		expect(t, "root of the first mail", received.Root, created.ID)
		expect(t, "actor", received.Actor.Kind, postroom.ByCustomer)
		expect(t, "path", received.Path, postroom.PathMail)
		expect(t, "act", sent.ActID, out.ActID)
		expect(t, "act", closed.ActID, out.ActID)
		expect(t, "root of the reply", sent.Root, sent.ID)
		expect(t, "root of the close", closed.Root, sent.ID)
		expect(t, "cause of the close", closed.Cause, 0)
		expect(t, "depth of the close", closed.Depth, 0)
		expect(t, "actor", closed.Actor, postroom.Actor{Kind: postroom.ByAgent, ID: ann.ID})
		expect(t, "path", closed.Path, postroom.PathSend)
		expect(t, "from and to", closed.Payload.From+" "+closed.Payload.To, "active closed")
		expect(t, "snapshot of the reply", sent.After.Status, postroom.Active)
		expect(t, "snapshot of the close", closed.After.Status, postroom.Closed)
		expect(t, "replies in the snapshot", closed.After.Replies, 1)
		expect(t, "cause of the notice", told.Cause, closed.ID)
		expect(t, "root of the notice", told.Root, sent.ID)
		expect(t, "root's number", told.RootSeq, sent.Seq)
		expect(t, "depth of the notice", told.Depth, 1)
		expect(t, "actor of the notice", told.Actor, postroom.Actor{Kind: postroom.ByWorkflow, ID: notice})
		expect(t, "path of the notice", told.Path, postroom.PathWorkflow)
	})
}

// W5: setting what is so records nothing, by whichever way.
func TestNothingIsRecordedTwice(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann := d.Agent("ann")
		c := firstMail(d)
		ann.SetStatus(c, postroom.Closed, postroom.PathMenu)
		ann.Assign(c, ann.ID)
		tags := func(add ...string) {
			if _, err := d.Desk.ChangeTags(d.Ctx, ann.Agent, c.ID, add, nil, postroom.PathMenu); err != nil {
				t.Fatal(err)
			}
		}
		tags("vip")
		id := d.AddWorkflow("So already", on(postroom.ReplySent, status(postroom.Closed), assign(ann.ID), workflow.Action{Do: workflow.DoTags, Add: []int64{d.Tag("vip")}}))
		d.Settle()
		changes := func() (n int) {
			for _, e := range d.EventsOf(c.ID, "") {
				switch e.Kind {
				case postroom.StatusChanged, postroom.AssigneeChanged, postroom.TagsChanged, postroom.SubjectChanged:
					n++
				}
			}
			return n
		}
		before := changes()
		for name, again := range map[string]func(){
			"menu":     func() { ann.SetStatus(c, postroom.Closed, postroom.PathMenu) },
			"keyboard": func() { ann.SetStatus(c, postroom.Closed, postroom.PathKeyboard) },
			"send":     func() { ann.SendAndClose(c, "Again.") },
			"composer": func() { ann.ReplyWithStatus(c, "Again.", postroom.Closed) },
			"bulk": func() {
				ann.Bulk(desk.Bulk{Numbers: []int64{c.Number}, Status: postroom.Closed})
				d.Pass(time.Minute)
			},
			"assign": func() { ann.Assign(c, ann.ID) },
			"tags":   func() { tags("vip") },
			"subject": func() {
				if _, err := d.Desk.SetSubject(d.Ctx, ann.Agent, c.ID, c.Subject, postroom.PathMenu); err != nil {
					t.Fatal(err)
				}
			},
		} {
			again()
			d.Settle()
			if n := changes(); n != before {
				t.Fatalf("%s: %d changes are recorded, not %d:\n%s", name, n, before, d.Story(c.ID))
			}
		}
		for _, r := range d.Runs(c.ID, id) {
			for _, e := range r.Effects {
				expect(t, "effect of "+e.Action, e.Result, postroom.EffectNothing)
			}
		}
	})
}

// W7: pages are told after the commit and never of what was not kept; what is
// imported is not judged and mails nobody.
func TestOnlyWhatIsCommittedIsTold(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Any close", closing(reply("closed")))
		c := firstMail(d)
		var told []postroom.Status
		loud := desk.New(desk.Options{Store: d.Store, Blobs: d.Blobs, Keys: d.Desk.Keys(), Publish: func(desk.Change) {
			told = append(told, d.Conversation(c.ID).Status)
		}})
		actor := postroom.Actor{Kind: postroom.ByAgent, ID: d.Agent("ann").ID}
		fail := postroom.Errorf(postroom.Invalid, "Not this time.")
		_, err := loud.Turn(d.Ctx, actor, desk.Cause{Path: postroom.PathMenu}, c.ID, func(t *desk.Turn) error {
			t.Status(postroom.Closed)
			return fail
		})
		expect(t, "code", postroom.CodeOf(err), postroom.Invalid)
		expect(t, "told of what was not kept", len(told), 0)
		if _, err := loud.Turn(d.Ctx, actor, desk.Cause{Path: postroom.PathImport, Import: true}, c.ID, func(t *desk.Turn) error {
			t.Status(postroom.Closed)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(told, []postroom.Status{postroom.Closed}) {
			t.Fatalf("told %v", told)
		}
		d.Settle()
		d.ExpectMails()
		expect(t, "runs", len(d.Runs(c.ID, id)), 0)
		expect(t, "state", d.EventsOf(c.ID, postroom.StatusChanged)[0].State, postroom.EventNotJudged)
	})
}

// W8: filters on from, to, actor and path.
func TestFilters(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		add := func(name string, change func(*workflow.When)) int64 {
			def := on(postroom.StatusChanged, note(name))
			change(&def.When)
			return d.AddWorkflow(name, def)
		}
		want := map[int64]workflow.Verdict{
			add("from active", func(w *workflow.When) { w.From = []string{"active"} }):                            workflow.Matched,
			add("from pending", func(w *workflow.When) { w.From = []string{"pending", "spam"} }):                  workflow.Filtered,
			add("to closed", func(w *workflow.When) { w.To = []string{"pending", "closed"} }):                     workflow.Matched,
			add("to spam", func(w *workflow.When) { w.To = []string{"spam"} }):                                    workflow.Filtered,
			add("by an agent", func(w *workflow.When) { w.Actors = []postroom.ActorKind{postroom.ByAgent} }):      workflow.Matched,
			add("by a workflow", func(w *workflow.When) { w.Actors = []postroom.ActorKind{postroom.ByWorkflow} }): workflow.Filtered,
			add("by key", func(w *workflow.When) { w.Paths = []postroom.Path{postroom.PathKeyboard} }):            workflow.Matched,
			add("by menu", func(w *workflow.When) { w.Paths = []postroom.Path{postroom.PathMenu} }):               workflow.Filtered,
		}
		c := firstMail(d)
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathKeyboard)
		d.Settle()
		got := d.Verdicts(d.EventsOf(c.ID, postroom.StatusChanged)[0].ID)
		for id, v := range want {
			expect(t, d.Workflow(id).Name, got[id], v)
			ran := 0
			if v == workflow.Matched {
				ran = 1
			}
			expect(t, "runs of "+d.Workflow(id).Name, len(d.Runs(c.ID, id)), ran)
		}
	})
}

// W9: what is missing is unknown, never silently false; the rest may decide.
func TestUnknownFacts(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		// A change of status has no message; a reply came in no mail.
		missing := workflow.Cond{Fact: "message.body", Op: workflow.Contains, Values: []string{"lamp"}}
		yes := workflow.Cond{Fact: "conversation.status", Op: workflow.Is, Values: []string{"closed"}}
		no := workflow.Cond{Fact: "conversation.status", Op: workflow.Is, Values: []string{"spam"}}
		add := func(name string, c workflow.Cond) int64 {
			def := closing(note(name))
			def.If = c
			return d.AddWorkflow(name, def)
		}
		want := map[int64]workflow.Verdict{
			add("missing", missing): workflow.Undecided,
			add("not missing", workflow.Cond{None: []workflow.Cond{missing}}):                   workflow.Undecided,
			add("true and missing", workflow.Cond{All: []workflow.Cond{yes, missing}}):          workflow.Undecided,
			add("false and missing", workflow.Cond{All: []workflow.Cond{no, missing}}):          workflow.NotMet,
			add("true or missing", workflow.Cond{Any: []workflow.Cond{missing, yes}}):           workflow.Matched,
			add("false or missing", workflow.Cond{Any: []workflow.Cond{no, missing}}):           workflow.Undecided,
			add("neither true nor missing", workflow.Cond{None: []workflow.Cond{missing, yes}}): workflow.NotMet,
		}
		header := on(postroom.ReplySent, note("header"))
		header.If = workflow.Cond{Fact: "message.header.X-Priority", Op: workflow.NotSet}
		headerID := d.AddWorkflow("header of what came in no mail", header)
		c := firstMail(d)
		d.Agent("ann").SendAndClose(c, "Here.")
		d.Settle()
		got := d.Verdicts(d.EventsOf(c.ID, postroom.StatusChanged)[0].ID)
		for id, v := range want {
			expect(t, d.Workflow(id).Name, got[id], v)
		}
		expect(t, "header", d.Verdicts(d.EventsOf(c.ID, postroom.ReplySent)[0].ID)[headerID], workflow.Undecided)
	})
}

// W9: the facts of a first mail, its headers too, can be asked for when the
// conversation is created; and a file that is gone fails the judging.
func TestFactsOfTheFirstMail(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		def := on(postroom.ConversationCreated, note("urgent"))
		def.If = workflow.Cond{All: []workflow.Cond{
			{Fact: "message.header.x-priority", Op: workflow.Is, Values: []string{"1"}},
			{Fact: "message.body", Op: workflow.Contains, Values: []string{"smoke"}},
			{Fact: "customer.domain", Op: workflow.Is, Values: []string{"customer.example"}},
			{Fact: "conversation.subject", Op: workflow.Is, Values: []string{"Lamp"}},
		}}
		id := d.AddWorkflow("Urgent", def)
		letter := desktest.Letter{From: "mara@customer.example", Subject: "Lamp", Body: "There is smoke.", Headers: "X-Priority: 1\n"}
		c := d.Receive("mara@customer.example", d.Mailbox.Address, d.Raw(letter))
		onlyRun(t, d, c, id)
	})
}

// W11: one order; stop keeps the later ones from that event and is stored with
// the run that said it; another event is another matter.
func TestOrderAndStop(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		first := d.AddWorkflow("First", on(postroom.ReplySent, note("first")))
		second := on(postroom.ReplySent, note("second"), workflow.Action{Do: workflow.DoStop})
		second.If = workflow.Cond{Fact: "conversation.replies", Op: workflow.Less, Values: []string{"2"}}
		stopper := d.AddWorkflow("Second", second)
		third := d.AddWorkflow("Third", on(postroom.ReplySent, note("third")))
		c := firstMail(d)
		d.Agent("ann").Reply(c, "One.")
		d.Settle()
		e := d.EventsOf(c.ID, postroom.ReplySent)[0]
		got := d.Verdicts(e.ID)
		expect(t, "first", got[first], workflow.Matched)
		expect(t, "second", got[stopper], workflow.Matched)
		expect(t, "third", got[third], workflow.Stopped)
		expect(t, "stop is stored with the first", onlyRun(t, d, c, first).Stopped, false)
		expect(t, "stop is stored with the second", onlyRun(t, d, c, stopper).Stopped, true)
		expect(t, "runs of the third", len(d.Runs(c.ID, third)), 0)
		d.Agent("ann").Reply(c, "Two.")
		d.Settle()
		expect(t, "runs of the third", len(d.Runs(c.ID, third)), 1)
		var order []string
		messages, err := d.Store.Read().Messages(d.Ctx, c.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			if m.Kind == postroom.Note {
				order = append(order, m.Text)
			}
		}
		if !slices.Equal(order, []string{"first", "second", "first", "third"}) {
			t.Fatalf("notes %v", order)
		}
	})
}

// W12: once per event always; once per close, once per conversation and a
// cool-down where chosen.
func TestRunLimits(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		add := func(name string, l workflow.Limits) int64 {
			def := on(postroom.StatusChanged, note(name))
			def.Limits = l
			return d.AddWorkflow(name, def)
		}
		every := add("each time", workflow.Limits{})
		perClose := add("per close", workflow.Limits{OncePer: workflow.OncePerClose})
		once := add("once", workflow.Limits{OncePer: workflow.OncePerConversation})
		cool := add("cool", workflow.Limits{CoolDown: 60})
		c := firstMail(d)
		for i, step := range []struct {
			to                          postroom.Status
			every, perClose, once, cool int
		}{
			{postroom.Closed, 1, 1, 1, 1},
			{postroom.Active, 2, 1, 1, 1},
			{postroom.Closed, 3, 2, 1, 1},
			{postroom.Pending, 4, 2, 1, 2},
		} {
			if i == 3 {
				d.Clock.Advance(time.Hour)
			}
			d.Agent("ann").SetStatus(c, step.to, postroom.PathMenu)
			d.Settle()
			for id, n := range map[int64]int{every: step.every, perClose: step.perClose, once: step.once, cool: step.cool} {
				expect(t, fmt.Sprintf("step %d, %s", i, d.Workflow(id).Name), len(d.Runs(c.ID, id)), n)
			}
		}
		e := d.EventsOf(c.ID, postroom.StatusChanged)
		expect(t, "verdict", d.Verdicts(e[1].ID)[once], workflow.LimitUsed)
	})
}

// W12, A6: of the mails on a conversation that only machines caused, the
// fourth of a day is a row that says so; what an agent caused does not count.
func TestMailLimit(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		for i := range 4 {
			d.AddWorkflow(fmt.Sprintf("Answer %d", i), on(postroom.MessageReceived, reply(fmt.Sprintf("Text %d", i))))
		}
		d.ClosingNotice()
		c := firstMail(d)
		d.ExpectMails("auto:Text 0", "auto:Text 1", "auto:Text 2")
		mails := d.Mails(c.ID)
		expect(t, "rows", len(mails), 4)
		last := mails[3]
		if last.State != postroom.MailSkip || !strings.Contains(last.Words, "limit") || last.EndedAt == 0 {
			t.Fatalf("the fourth is %s: %s", last.State, last.Words)
		}
		skipped := d.EventsOf(c.ID, postroom.MailSkipped)
		if len(skipped) != 1 || skipped[0].Payload.MailID != last.ID || skipped[0].Payload.Words != last.Words {
			t.Fatalf("timeline: %+v", skipped)
		}
		for range 3 {
			d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
			d.Settle()
			d.ExpectMails("auto:closed")
			d.Agent("ann").SetStatus(c, postroom.Active, postroom.PathMenu)
		}
	})
}

// W14, W16: an event whose judging began is judged to its end by the set it
// began with, whatever was published since; a published version stays as it
// is.
func TestVersionsAreFixed(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		first := d.AddWorkflow("First", on(postroom.ReplySent, note("first, version 1")))
		second := d.AddWorkflow("Second", on(postroom.ReplySent, note("second, version 1")))
		def := on(postroom.ReplySent, note("never"))
		def.If = workflow.Cond{Fact: "customer.name", Op: workflow.Is, Values: []string{"Somebody else"}}
		third := d.AddWorkflow("Third", def)
		c := firstMail(d)
		d.Agent("ann").Reply(c, "Hello.")
		for n := 1; len(d.Runs(c.ID, first)) == 0; n++ {
			if !d.JudgeUntilCrash(n) {
				t.Fatal("no crash came between the two workflows")
			}
		}
		expect(t, "runs of the second before the crash", len(d.Runs(c.ID, second)), 0)
		before, err := d.Store.Read().Version(d.Ctx, second, 1)
		if err != nil {
			t.Fatal(err)
		}
		d.PublishVersion(first, on(postroom.ReplySent, note("first, version 2")))
		d.PublishVersion(second, on(postroom.ReplySent, note("second, version 2")))
		d.SwitchWorkflow(second, false)
		fourth := d.AddWorkflow("Fourth", on(postroom.ReplySent, note("fourth")))
		d.SQL("update customer set name = 'Somebody else' where id = $1", c.CustomerID)
		d.Pass(time.Minute)
		expect(t, "version of the second", onlyRun(t, d, c, second).Version, 1)
		onlyRun(t, d, c, first)
		expect(t, "runs of the third, judged on the customer's old name", len(d.Runs(c.ID, third)), 0)
		expect(t, "runs of the fourth", len(d.Runs(c.ID, fourth)), 0)
		if after, err := d.Store.Read().Version(d.Ctx, second, 1); err != nil || after != before {
			t.Fatalf("version 1 has changed: %+v (%v)", after, err)
		}
		// The next event is judged by what is published now.
		d.Agent("ann").Reply(c, "Hello again.")
		d.Settle()
		runs := d.Runs(c.ID, first)
		expect(t, "version of the first", runs[len(runs)-1].Version, 2)
		expect(t, "runs of the second", len(d.Runs(c.ID, second)), 1)
		expect(t, "runs of the third", len(d.Runs(c.ID, third)), 1)
		expect(t, "runs of the fourth", len(d.Runs(c.ID, fourth)), 1)
	})
}

// W16: what an earlier workflow does cannot be seen by the conditions of a
// later one on the same event.
func TestOneSnapshot(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		vip := d.Tag("vip")
		d.AddWorkflow("Changes all", on(postroom.ReplySent, status(postroom.Closed), assign(d.Agent("ben").ID), workflow.Action{Do: workflow.DoTags, Add: []int64{vip}}, note("changed")))
		def := on(postroom.ReplySent, note("as it was"))
		def.If = workflow.Cond{All: []workflow.Cond{
			{Fact: "conversation.status", Op: workflow.Is, Values: []string{"active"}},
			{Fact: "conversation.assignee", Op: workflow.NotSet},
			{Fact: "conversation.tags", Op: workflow.HasNone, Values: []string{fmt.Sprint(vip)}},
			{Fact: "conversation.notes", Op: workflow.Is, Values: []string{"0"}},
		}}
		id := d.AddWorkflow("Looks", def)
		c := firstMail(d)
		d.Agent("ann").Reply(c, "Hello.")
		d.Settle()
		onlyRun(t, d, c, id)
	})
}

// W15: an event whose judging fails five times is set aside with its reason
// and an alarm; those after it go on, and it can be judged again.
func TestNotJudged(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Broken", on(postroom.ReplySent, note("mended")))
		other := d.AddWorkflow("Whole", on(postroom.StatusChanged, note("whole")))
		d.SQL(`update workflow_version set definition = '{"when":{"event":"reply.sent"},"then":[{"do":"dance"}]}' where workflow_id = $1`, id)
		c := firstMail(d)
		d.Agent("ann").SendAndClose(c, "Hello.")
		event := func() postroom.Event { return d.EventsOf(c.ID, postroom.ReplySent)[0] }
		for n := range 5 {
			expect(t, fmt.Sprintf("state after %d failures", n), event().State, postroom.EventPending)
			d.Pass(time.Minute)
		}
		e := event()
		if e.State != postroom.EventNotJudged || !strings.Contains(e.Words, "Broken") {
			t.Fatalf("the event is %s: %s", e.State, e.Words)
		}
		if a := d.Alarm(string(alarm.NotJudged), fmt.Sprint(e.ID)); a == nil || !strings.Contains(a.Words, fmt.Sprint("Conversation ", c.Number)) {
			t.Fatalf("alarm %+v", a)
		}
		onlyRun(t, d, c, other)
		d.ExpectMails("Hello.")
		if err := d.React.RetryEvent(d.Ctx, d.Agent("ben").Agent, e.ID); postroom.CodeOf(err) != postroom.Forbidden {
			t.Fatalf("a member may have it judged again: %v", err)
		}
		d.SQL(`update workflow_version set definition = '{"when":{"event":"reply.sent"},"then":[{"do":"note","text":"mended"}]}' where workflow_id = $1`, id)
		if err := d.React.RetryEvent(d.Ctx, d.Agent("ann").Agent, e.ID); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		expect(t, "state", event().State, postroom.EventJudged)
		onlyRun(t, d, c, id)
		if a := d.Alarm(string(alarm.NotJudged), fmt.Sprint(e.ID)); a != nil {
			t.Fatalf("the alarm is still open: %+v", a)
		}
		if err := d.React.RetryEvent(d.Ctx, d.Agent("ann").Agent, e.ID); postroom.CodeOf(err) != postroom.Conflict {
			t.Fatalf("judged a third time: %v", err)
		}
	})
}

// W15: a workflow that does not even tell its event any more holds up every
// event rather than be left out without a word; switched off, it does not.
func TestUnreadableWorkflow(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Unreadable", on(postroom.ReplySent, note("x")))
		d.SQL(`update workflow_version set definition = '{{' where workflow_id = $1`, id)
		c := firstMail(d)
		for range 5 {
			d.Pass(time.Minute)
		}
		for range 5 {
			d.Pass(time.Minute)
		}
		for _, kind := range []postroom.EventKind{postroom.ConversationCreated, postroom.MessageReceived} {
			expect(t, string(kind), d.EventsOf(c.ID, kind)[0].State, postroom.EventNotJudged)
		}
		d.SwitchWorkflow(id, false)
		d.Agent("ann").Reply(c, "Hello.")
		d.Settle()
		expect(t, "reply", d.EventsOf(c.ID, postroom.ReplySent)[0].State, postroom.EventJudged)
	})
}

// W15, W21: a text that grows too long fails the run and not the event.
func TestTooLongFailsTheRun(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow(strings.Repeat("Too long ", 40), on(postroom.ReplySent, status(postroom.Closed), tooLong()))
		c := firstMail(d)
		d.Agent("ann").Reply(c, "Hello.")
		d.Settle()
		run := onlyRun(t, d, c, id)
		if run.State != postroom.RunFailed || run.Error == "" {
			t.Fatalf("run %+v", run)
		}
		expect(t, "event", d.EventsOf(c.ID, postroom.ReplySent)[0].State, postroom.EventJudged)
		expect(t, "status", d.Conversation(c.ID).Status, postroom.Active)
	})
}
