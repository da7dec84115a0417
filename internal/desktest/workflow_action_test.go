package desktest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/postoffice"
	"postroom/internal/workflow"
)

// W10: subject, move, spam and delete do what they say, once, and are overtaken
// by what people did since.
func TestActionsOnTheConversation(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		sales := d.AddMailbox("Sales", "sales@acme.example", nil)
		def := on(postroom.MessageReceived,
			workflow.Action{Do: workflow.DoSubject, Subject: "[{{ conversation.number }}] {{ conversation.subject }}"},
			workflow.Action{Do: workflow.DoMove, Mailbox: sales.ID})
		def.If = workflow.Cond{Fact: "conversation.subject", Op: workflow.Contains, Values: []string{"price"}}
		id := d.AddWorkflow("To sales", def)
		junk := on(postroom.MessageReceived, workflow.Action{Do: workflow.DoSpam}, workflow.Action{Do: workflow.DoDelete}, note("Too late."))
		junk.If = workflow.Cond{Fact: "conversation.subject", Op: workflow.Contains, Values: []string{"junk"}}
		away := d.AddWorkflow("Away", junk)

		c := d.CustomerWrites("mara@customer.example", "A price, please", "How much?")
		d.Settle()
		c = d.Conversation(c.ID)
		expect(t, "subject", c.Subject, "[1] A price, please")
		expect(t, "mailbox", c.MailboxID, sales.ID)
		for _, e := range onlyRun(t, d, c, id).Effects {
			expect(t, "result of "+e.Action, e.Result, postroom.EffectDone)
		}
		d.Agent("ann").Reply(c, "Ten.")
		d.Settle()
		expect(t, "sender", d.ExpectMails("Ten.")[0].From, "sales@acme.example")

		c = d.CustomerWrites("tim@customer.example", "junk", "Buy.")
		d.Settle()
		c = d.Conversation(c.ID)
		expect(t, "status", c.Status, postroom.Spam)
		if c.DeletedAt == 0 {
			t.Error("it was not deleted")
		}
		effects := onlyRun(t, d, c, away).Effects
		expect(t, "note", effects[2].Result, postroom.EffectDone) // what is said comes first (W3)
		expect(t, "delete", effects[1].Result, postroom.EffectDone)
	})
}

// W17: what somebody changed since is left as it is.
func TestActionsAreOvertaken(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann := d.Agent("ann")
		sales, shop := d.AddMailbox("Sales", "sales@acme.example", nil), d.AddMailbox("Shop", "shop@acme.example", nil)
		id := d.AddWorkflow("All", on(postroom.NoteAdded, workflow.Action{Do: workflow.DoSubject, Subject: "Of the workflow"},
			workflow.Action{Do: workflow.DoMove, Mailbox: sales.ID}, workflow.Action{Do: workflow.DoDelete}))
		c := firstMail(d)
		ann.AddNote(c, "Look.")
		if _, err := d.Desk.SetSubject(d.Ctx, ann.Agent, c.ID, "Of Ann", postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Desk.Move(d.Ctx, ann.Agent, c.ID, shop.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		d.Accept("mara@customer.example", []string{d.Mailbox.Address}, d.Raw(desktest.Letter{From: "mara@customer.example", Subject: "Re: Lamp broken",
			Body: "One thing more.", InReplyTo: "letter-1@customer.example"}))
		step(t, d, "receive")
		d.Settle()
		for _, e := range onlyRun(t, d, c, id).Effects {
			if e.Result != postroom.EffectOvertaken || e.Reason == "" {
				t.Errorf("%s: %s %q", e.Action, e.Result, e.Reason)
			}
		}
		expect(t, "subject", d.Conversation(c.ID).Subject, "Of Ann")
		expect(t, "mailbox", d.Conversation(c.ID).MailboxID, shop.ID)
	})
}

// W10, W40: agents take turns, or the one with the fewest open conversations is
// chosen; the run says why this agent, and by what it was decided.
func TestAgentsTakeTurns(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann, ben := d.Agent("ann"), d.Agent("ben")
		cleo := d.AddAgent("cleo", postroom.Member)
		id := d.AddWorkflow("Turns", on(postroom.ConversationCreated,
			workflow.Action{Do: workflow.DoAssign, By: workflow.RoundRobin, Agents: []int64{ben.ID, cleo.ID, ann.ID}}))
		next := func(from string) (*postroom.Conversation, postroom.Effect) {
			c := d.CustomerWrites(from, "Lamp", "Broken.")
			d.Settle()
			return d.Conversation(c.ID), onlyRun(t, d, c, id).Effects[0]
		}
		for i, want := range []*postroom.Agent{ben.Agent, cleo, ann.Agent, ben.Agent} {
			c, e := next("mara@customer.example")
			expect(t, "assignee", c.AssigneeID, want.ID)
			expect(t, "detail", e.Detail, "assign it to "+want.Name)
			if i == 1 {
				expect(t, "why", e.Because, "Cleo comes after Ben.")
				expect(t, "recorded", e.Pick.Last, ben.ID)
			}
		}
		d.SQL("update agent set disabled_at = 1 where id = $1", cleo.ID)
		c, e := next("mara@customer.example")
		expect(t, "assignee", c.AssigneeID, ann.ID)
		expect(t, "why", e.Because, "Ann comes after Ben; Cleo is disabled.")
		d.SwitchWorkflow(id, false)
		// Ann has 2 open conversations, Ben 2, and then one more.
		ben.Assign(c, ben.ID)
		id = d.AddWorkflow("Least", on(postroom.ConversationCreated,
			workflow.Action{Do: workflow.DoAssign, By: workflow.LeastLoaded, Agents: []int64{ben.ID, cleo.ID, ann.ID}}))
		c, e = next("mara@customer.example")
		expect(t, "assignee", c.AssigneeID, ann.ID)
		expect(t, "why", e.Because, "Ann has the fewest open conversations, 1; Cleo is disabled.")
		if again, _ := workflow.Choose(*e.Pick, nil); again != ann.ID {
			t.Errorf("chosen again by what was recorded: %d", again)
		}
		d.SQL("update agent set disabled_at = 1 where id = $1", ben.ID)
		d.SQL("update agent set disabled_at = 1 where id = $1", ann.ID)
		c = d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Settle()
		run := onlyRun(t, d, c, id)
		if run.State != postroom.RunFailed || !strings.Contains(run.Error, "None of the agents may have it") {
			t.Errorf("with nobody left: %s %q", run.State, run.Error)
		}
		d.SQL("update agent set disabled_at = 0 where id = $1", ann.ID)
	})
}

// W10: a workflow mails agents and others; never itself, and never as an answer.
// An agent's answer acts like one to a notification, others' comes to the
// conversation.
func TestWorkflowMailsOthers(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann, ben := d.Agent("ann"), d.Agent("ben")
		id := d.AddWorkflow("Tell", on(postroom.StatusChanged, workflow.Action{Do: workflow.DoMail, Agents: []int64{ben.ID}, Assignee: true,
			To: []string{"boss@other.example", d.Mailbox.Address}, Subject: "Closed: {{ conversation.subject }}", Text: "Number {{ conversation.number }} of {{ customer.name | default: \"-\" }} was closed."}))
		d.ClosingNotice()
		c := firstMail(d)
		ann.Assign(c, ann.ID)
		ann.SendAndClose(c, "On its way.")
		d.Settle()
		got := map[string]desktest.Mail{}
		all := d.Arrived()
		expect(t, "mails", len(all), 5) // the reply and its notice among them
		for _, m := range all {
			got[m.To+" "+m.Subject] = m
		}
		for _, to := range []string{"ben@acme.example", "ann@acme.example"} {
			m, ok := got[to+" [#1] Closed: Lamp broken"]
			if !ok || !strings.Contains(m.Text, "Number 1 of Mara Lind was closed.") || !strings.Contains(m.Text, "@close") {
				t.Errorf("to %s: %+v", to, m)
			}
		}
		boss, ok := got["boss@other.example Closed: Lamp broken"]
		if !ok || !strings.Contains(boss.Text, "Number 1 of Mara Lind was closed.") {
			t.Fatalf("to others: %v", got)
		}
		run := onlyRun(t, d, c, id)
		expect(t, "effect", run.Effects[0].Result, postroom.EffectDone)
		expect(t, "left out", run.Effects[0].Reason, "Not to all: support@acme.example is one of our own addresses.")
		if n := len(d.EventsOf(c.ID, postroom.MailWritten)); n != 3 {
			t.Errorf("%d mails to others are on the timeline", n)
		}
		expect(t, "messages", len(d.Messages(c.ID)), 3) // none of them is a message to the customer
		d.CustomerAnswers(boss, "Well done.")
		expect(t, "received", d.Conversation(c.ID).Received, 2)
	})
}

// W25: neither waits for the other: the closing notice leaves although a mail of
// the same chain to somebody else is put off, and that one's failure cancels
// nothing.
func TestMailsToOthersHoldUpNothing(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.AddWorkflow("Tell", on(postroom.StatusChanged, workflow.Action{Do: workflow.DoMail, To: []string{"boss@other.example"}, Text: "Closed."}))
		d.ClosingNotice()
		d.Office.Program(postoffice.Fault{Match: postoffice.Match{To: "boss@other.example"}, Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "451 4.3.0 Later", Times: 1})
		c := firstMail(d)
		d.Agent("ann").SendAndClose(c, "On its way.")
		d.Settle()
		d.ExpectMails("On its way.", "auto:Hello")
		mails := d.Mails(c.ID)
		if i := slices.IndexFunc(mails, func(m *postroom.Mail) bool { return m.Aside }); i < 0 || mails[i].State != postroom.MailDeferred {
			t.Fatalf("the mail to others: %+v", mails)
		}
		d.SQL("update mail set state = 'failed', ended = 1, due_at = 0, ended_at = 1 where aside = 1")
		d.SQL("update mail_recipient set state = 'failed' where address = $1", "boss@other.example")
	})
}

// W10: a forwarded message has its text and files, names who wrote it, and never
// goes back to them; what the other side answers comes to the conversation.
func TestForwardWithFiles(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Invoices", on(postroom.MessageReceived,
			workflow.Action{Do: workflow.DoForward, To: []string{"books@other.example", "mara@customer.example"}, Text: "Please pay."}))
		c := d.Receive("mara@customer.example", d.Mailbox.Address, `From: Mara Lind <mara@customer.example>
To: support@acme.example
Subject: Invoice 7
Message-ID: <invoice-7@customer.example>
Date: Mon, 02 Mar 2026 09:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/plain

Here it is.
--b
Content-Type: application/pdf; name="invoice.pdf"
Content-Disposition: attachment; filename="invoice.pdf"

%PDF-1.4 seven
--b--
`)
		d.Settle()
		all := d.Arrived()
		if len(all) != 1 || all[0].To != "books@other.example" || all[0].Subject != "Fwd: Invoice 7" {
			t.Fatalf("forwarded: %+v", all)
		}
		m := all[0]
		for _, want := range []string{"Please pay.", "From: Mara Lind <mara@customer.example>", "Here it is."} {
			if !strings.Contains(m.Text, want) {
				t.Errorf("%q is missing in %q", want, m.Text)
			}
		}
		if !slices.Equal(m.Files, []string{"invoice.pdf"}) || m.Header.Get("Auto-Submitted") != "auto-generated" {
			t.Errorf("its file, or its header:\n%s", m.Raw)
		}
		expect(t, "left out", onlyRun(t, d, c, id).Effects[0].Reason, "Not to all: mara@customer.example wrote it.")
		d.CustomerAnswers(m, "Paid.")
		expect(t, "received", d.Conversation(c.ID).Received, 2)
	})
}

// W12: mails to others have a limit of their own on a conversation, and use up
// nothing of the customer's.
func TestLimitOfMailsToOthers(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		tell := on(postroom.MessageReceived, workflow.Action{Do: workflow.DoMail, To: []string{"a@other.example", "b@other.example"}, Text: "Somebody wrote."})
		id := d.AddWorkflow("Tell", tell)
		c := firstMail(d)
		for range 4 {
			d.Accept("mara@customer.example", []string{d.Mailbox.Address}, d.Raw(desktest.Letter{From: "mara@customer.example", Subject: "Re: Lamp broken",
				Body: "And another thing.", InReplyTo: "letter-1@customer.example"}))
			d.Settle()
		}
		results := map[postroom.EffectResult]int{}
		for _, r := range d.Runs(c.ID, id) {
			results[r.Effects[0].Result]++
		}
		expect(t, "done", results[postroom.EffectDone], workflow.DefaultMailsPerConversationDay)
		expect(t, "skipped", results[postroom.EffectSkipped], 2)
	})
}

// W12: n per period holds on one conversation and ends with the period.
func TestRunsPerPeriod(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		def := on(postroom.ReplySent, note("Replied."))
		def.Limits = workflow.Limits{Runs: 2, Period: 60}
		id := d.AddWorkflow("Twice an hour", def)
		c, other := firstMail(d), d.CustomerWrites("tim@customer.example", "Table", "Wobbly.")
		for range 3 {
			d.Agent("ann").Reply(c, "One more.")
			d.Settle()
		}
		expect(t, "runs within the hour", len(d.Runs(c.ID, id)), 2)
		d.Agent("ann").Reply(other, "Here too.")
		d.Pass(61 * time.Minute)
		expect(t, "runs elsewhere", len(d.Runs(other.ID, id)), 1)
		d.Agent("ann").Reply(c, "An hour later.")
		d.Settle()
		expect(t, "runs after the hour", len(d.Runs(c.ID, id)), 3)
	})
}
