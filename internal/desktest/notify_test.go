package desktest_test

import (
	"fmt"
	"html"
	"slices"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/email"
	"postroom/internal/postoffice"
	"postroom/internal/workflow"
)

// expectTold checks what an agent was told since they read last.
func expectTold(t *testing.T, d *desktest.Desk, agent string, want ...string) {
	t.Helper()
	if got := d.Agent(agent).Told(); !slices.Equal(got, want) {
		t.Errorf("%s was told %q, not %q", agent, got, want)
	}
	d.Agent(agent).Read()
}

// A new conversation is told to everybody who answers in the mailbox, an answer
// in one that nobody has too; an answer in an assigned one to the assignee
// alone, and being assigned to whom it is, unless they did it themselves.
func TestWhoIsTold(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.AddAgent("cem", postroom.Member)
		d.AddMailbox("Other", "other@acme.example", nil)
		ann, ben := d.Agent("ann"), d.Agent("ben")
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		for _, a := range []string{"ann", "ben", "cem"} {
			expectTold(t, d, a, "new 1")
		}
		ann.Reply(c, "Have you tried another bulb?")
		d.Settle()
		d.CustomerAnswers(d.ExpectMails("another bulb")[0], "Yes.")
		for _, a := range []string{"ann", "ben", "cem"} {
			expectTold(t, d, a, "waiting 1")
		}
		ann.Assign(c, ben.ID)
		d.Settle()
		expectTold(t, d, "ben", "assigned 1")
		ann.Assign(c, ann.ID)
		d.Settle()
		expectTold(t, d, "ann")
		ann.Assign(c, ben.ID)
		ben.Reply(c, "Then it is the switch.")
		d.Settle()
		d.CustomerAnswers(d.ExpectMails("the switch")[0], "It was!")
		expectTold(t, d, "ben", "assigned 1", "answered 1")
		ann.AddNote(c, "Known fault.")
		ben.AddNote(c, "Thanks.")
		d.Settle()
		expectTold(t, d, "ben", "note 1")
		expectTold(t, d, "ann")
		expectTold(t, d, "cem")
	})
}

// What a machine sends for a customer is no answer (A7), and an event is told
// once however often the work runs.
func TestMachinesAnswersAreNotTold(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Agent("ann").Assign(c, d.Agent("ben").ID)
		d.Agent("ann").Reply(c, "The answer.")
		d.Settle()
		d.Agent("ben").Read()
		m := d.ExpectMails("The answer.")[0]
		for _, class := range []string{"Auto-Submitted: auto-replied\n", "X-Autoreply: yes\n", "Precedence: bulk\n"} {
			if got := d.Receive(m.To, m.ReplyTo, d.Raw(desktest.Letter{From: m.To, To: m.ReplyTo, Subject: "Away", Body: "Back on Monday.", InReplyTo: m.ID, Headers: class})); got == nil || got.ID != c.ID {
				t.Fatal("it did not join")
			}
			expectTold(t, d, "ben")
		}
		d.CustomerAnswers(m, "Still broken.")
		d.Settle()
		d.Settle()
		expectTold(t, d, "ben", "answered 1")
	})
}

// Nobody is told of what was undone, and of nothing before its window is over
// (W19).
func TestUndoneIsNotTold(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		ann, ben := d.Agent("ann"), d.Agent("ben")
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		ben.Read()
		out := ann.Assign(c, ben.ID)
		d.Pass(9 * time.Second)
		expectTold(t, d, "ben")
		ann.Undo(out)
		d.Pass(time.Hour)
		expectTold(t, d, "ben")
		ann.Assign(c, ben.ID)
		d.Pass(10 * time.Second)
		expectTold(t, d, "ben", "assigned 1")
		note := ann.AddNote(c, "Known.")
		d.Pass(9 * time.Second)
		expectTold(t, d, "ben")
		ann.Undo(note)
		d.Pass(time.Hour)
		expectTold(t, d, "ben")
		ann.AddNote(c, "Known.")
		d.Pass(10 * time.Second)
		expectTold(t, d, "ben", "note 1")
	})
}

// Workflows come first: who is told is decided on what they made of it.
func TestToldAfterTheWorkflows(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ben := d.Agent("ben")
		d.AddWorkflow("To Ben", workflow.Definition{When: workflow.When{Event: postroom.ConversationCreated},
			If:   workflow.Cond{Fact: "conversation.subject", Op: workflow.Contains, Values: []string{"lamp"}},
			Then: []workflow.Action{{Do: workflow.DoAssign, Agent: &ben.ID}}})
		d.AddWorkflow("Spam", workflow.Definition{When: workflow.When{Event: postroom.ConversationCreated},
			If:   workflow.Cond{Fact: "conversation.subject", Op: workflow.Contains, Values: []string{"win"}},
			Then: []workflow.Action{{Do: workflow.DoStatus, Status: postroom.Spam}}})
		d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		expectTold(t, d, "ann")
		expectTold(t, d, "ben", "assigned 1")
		d.CustomerWrites("win@casino.example", "You win", "Really.")
		expectTold(t, d, "ann")
		expectTold(t, d, "ben")
	})
}

// Many changes at once are told one by one, but not to who made them.
func TestBulkAssignIsTold(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		a := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		b := d.CustomerWrites("ole@customer.example", "Chair", "Broken.")
		d.Agent("ben").Read()
		ben := d.Agent("ben").ID
		d.Agent("ann").Bulk(desk.Bulk{Numbers: []int64{a.Number, b.Number}, Assignee: &ben})
		expectTold(t, d, "ben")
		d.Pass(11 * time.Second)
		expectTold(t, d, "ben", "assigned 1", "assigned 2")
	})
}

// Choices: by page, by mail, both or neither, for each kind; a muted mailbox
// tells only what is the agent's own.
func TestChoices(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann, ben := d.Agent("ann"), d.Agent("ben")
		ben.Choose(postroom.NotifyNew, postroom.NotificationChoice{ByMail: true})
		ann.Choose(postroom.NotifyNew, postroom.NotificationChoice{})
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		expectTold(t, d, "ann")
		expectTold(t, d, "ben")
		if m := d.ExpectMails("auto:Broken.")[0]; m.To != "ben@acme.example" {
			t.Errorf("it went to %s", m.To)
		}
		d.Mute("ben", d.Mailbox.ID)
		d.CustomerWrites("ole@customer.example", "Chair", "Broken too.")
		expectTold(t, d, "ben")
		ann.Assign(c, ben.ID)
		d.Settle()
		expectTold(t, d, "ben", "assigned 1")
		d.ExpectMails()
	})
}

// The mail: for the agent alone, automatic, with the token in every place an
// answer may carry it, the new text without quotes, the entries before it, a
// link, the line to answer above and the commands.
func TestNotificationMail(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.NotifyByMail()
		ben := d.Agent("ben")
		c := d.Receive("mara@customer.example", d.Mailbox.Address, d.Raw(desktest.Letter{From: "Mara Lind <mara@customer.example>", Subject: "Lamp", Body: "Broken."}))
		d.Agent("ann").Assign(c, ben.ID)
		ben.Reply(c, "Which one?")
		d.Settle()
		arrived := d.Arrived()
		if len(arrived) != 2 {
			t.Fatalf("%d mails arrived", len(arrived))
		}
		i := slices.IndexFunc(arrived, func(m desktest.Mail) bool { return m.To == "ben@acme.example" })
		if i < 0 || arrived[1-i].To != "mara@customer.example" {
			t.Fatalf("to %s and %s", arrived[0].To, arrived[1].To)
		}
		assigned, reply := arrived[i], arrived[1-i]
		d.Receive(reply.To, reply.ReplyTo, d.Raw(desktest.Letter{From: "Mara Lind <mara@customer.example>", To: reply.ReplyTo, Subject: "Re: Lamp", InReplyTo: reply.ID,
			Body: "The red one.\n\nOn Monday Acme wrote:\n> Which one?\n> " + desktest.BodyMarker(d.Token(reply))}))
		m := d.ExpectMails("auto:The red one.")[0]
		row, err := d.Store.Read().Mail(d.Ctx, mailOf(t, d, m))
		if err != nil {
			t.Fatal(err)
		}
		if row.AgentID != ben.ID || row.ConversationID != c.ID || row.Class != postroom.NotificationClass || row.Machine || len(row.Recipients) != 1 {
			t.Errorf("the row: %+v", row)
		}
		token := d.Desk.Keys().Token(row.ID)
		for what, got := range map[string]string{"Message-ID": m.ID, "Reply-To": m.ReplyTo, "the envelope": row.EnvelopeFrom, "the text": m.Text, "the HTML": m.HTML} {
			if !strings.Contains(got, token) {
				t.Errorf("%s carries no token: %s", what, got)
			}
		}
		if m.To != "ben@acme.example" || m.From != d.Mailbox.Address || m.Header.Get("Auto-Submitted") != "auto-generated" || m.Header.Get("Cc") != "" {
			t.Errorf("to %s from %s, %s", m.To, m.From, m.Header.Get("Auto-Submitted"))
		}
		if m.InReplyTo == "" || m.InReplyTo != assigned.InReplyTo || m.Subject != "[#1] Lamp" || m.Subject != assigned.Subject {
			t.Errorf("a mail program cannot keep them together: %q %q, %q %q", m.InReplyTo, assigned.InReplyTo, m.Subject, assigned.Subject)
		}
		if got := m.Header.Get("From"); !strings.Contains(got, "Mara Lind via Acme Support") {
			t.Errorf("from %s", got)
		}
		for _, want := range []string{"Mara Lind wrote", "Mara Lind <mara@customer.example>", "assigned to you", "Ben (reply)", "Which one?", "https://desk.acme.example/conversations/1", "@close", "@assign NAME", "goes to Mara Lind"} {
			if !strings.Contains(m.Text, want) {
				t.Errorf("the text lacks %q:\n%s", want, m.Text)
			}
		}
		for _, w := range email.CommandWords() {
			if !strings.Contains(m.Text, w.Usage) || !strings.Contains(m.Text, w.Does) || !strings.Contains(html.UnescapeString(m.HTML), w.Does) {
				t.Errorf("it does not say that %s %s:\n%s", w.Usage, w.Does, m.Text)
			}
		}
		if strings.Contains(m.Text, "> Which one?") || strings.Contains(m.Text, d.Token(reply)) {
			t.Errorf("it quotes what the customer quoted:\n%s", m.Text)
		}
		if strings.Index(m.Text, email.SeparatorText("Write your answer above this line")) != 0 {
			t.Errorf("it does not begin with the line to answer above:\n%s", m.Text)
		}
		if visible, hidden := email.SplitText("My answer\n\n" + m.Text); visible != "My answer" || hidden == "" {
			t.Errorf("an answer above it reads %q", visible)
		}
		if visible, _ := email.SplitHTML("<p>My answer</p>" + m.HTML); strings.Contains(visible, "red one") || !strings.Contains(visible, "My answer") {
			t.Errorf("an answer above it reads %q", visible)
		}
	})
}

func mailOf(t *testing.T, d *desktest.Desk, m desktest.Mail) int64 {
	t.Helper()
	_, id, ok := d.Desk.Keys().Find(m.ID)
	if !ok {
		t.Fatalf("%s names no mail", m.ID)
	}
	return id
}

// A picture of the customer's is never in the mail, nor any HTML of theirs (H2).
func TestNotificationHasNoRemoteContent(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.NotifyByMail()
		d.Agent("ben").Choose(postroom.NotifyNew, postroom.NotificationChoice{ByMail: true})
		d.Receive("mara@customer.example", d.Mailbox.Address, d.Raw(desktest.Letter{From: "mara@customer.example", Subject: "Lamp\u202egpj", Headers: "Content-Type: text/html\n",
			Body: `<p>Broken</p><img src="https://spy.example/a.png" alt="a lamp"><script>alert(1)</script>`}))
		m := d.ExpectMails("auto:Broken")[0]
		if strings.Contains(m.HTML, "spy.example") || strings.Contains(m.HTML, "<img") || strings.Contains(m.HTML, "<script") {
			t.Errorf("the HTML: %s", m.HTML)
		}
	})
}

// A notification is nothing to the customer's mails: it is not on the timeline,
// neither waits for them nor holds them up, and its failure changes nothing but
// an alarm.
func TestNotificationFails(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.NotifyByMail()
		d.Office.Program(postoffice.Fault{Match: postoffice.Match{To: "ben@acme.example"}, Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "550 5.1.1 No such user"})
		d.Agent("ann").Assign(c, d.Agent("ben").ID)
		d.Agent("ann").SendAndClose(c, "The answer.")
		events := d.Events(c.ID)
		d.Settle()
		d.ExpectMails("The answer.", "auto:closed")
		if got := d.Events(c.ID); len(got) != len(events)+3 || slices.Contains(got, string(postroom.MailFailed)) {
			t.Errorf("events %q", got) // of the notice, and of both mails that were accepted
		}
		mails := d.Mails(c.ID)
		if i := slices.IndexFunc(mails, func(m *postroom.Mail) bool { return m.AgentID != 0 }); i < 0 || mails[i].State != postroom.MailRefused {
			t.Error("the notification has not failed")
		}
		expectAlarm(t, d, alarm.MailFailed)
		if s := d.Conversation(c.ID).Status; s != postroom.Closed {
			t.Errorf("the conversation is %s", s)
		}
		if len(d.Agent("ben").Told()) == 0 {
			t.Error("Ben was not told in the page")
		}
	})
}

// It waits for no mail to the customer, and none waits for it.
func TestNotificationWaitsForNobody(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		d.NotifyByMail()
		ben := d.Agent("ben")
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		customer := d.Office.Program(postoffice.Fault{Match: postoffice.Match{To: "mara@customer.example"}, Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "450 4.2.2 Later"})
		d.Agent("ann").SendAndClose(c, "The answer.")
		d.Agent("ann").Assign(c, ben.ID)
		d.Settle()
		if m := d.ExpectMails("auto:assigned a conversation to you")[0]; m.To != "ben@acme.example" {
			t.Fatalf("it went to %s", m.To)
		}
		customer.Remove()
		agent := d.Office.Program(postoffice.Fault{Match: postoffice.Match{To: "ben@acme.example"}, Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "450 4.2.2 Later"})
		d.Agent("ann").AddNote(c, "Done.")
		d.Agent("ben").Choose(postroom.NotifyNote, postroom.NotificationChoice{ByMail: true})
		d.Pass(10 * time.Minute)
		d.ExpectMails("The answer.", "auto:closed")
		if agent.Hits() == 0 {
			t.Error("the note was not told by mail")
		}
	})
}

// The reply fails for good: the assignee is told once, in the page and by mail,
// with the server's words, that the notice was cancelled and the conversation
// reopened; so is the author if somebody else is assigned (W25, B4).
func TestAssigneeIsToldOfFailure(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.NotifyByMail()
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Agent("ann").Assign(c, d.Agent("ben").ID)
		d.Settle()
		d.Arrived()
		d.Agent("ben").Read()
		d.Office.Program(postoffice.Fault{Match: postoffice.Match{To: "mara@customer.example"}, Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "550 5.1.1 No such user", Times: 1})
		d.Agent("ben").SendAndClose(c, "The answer.")
		d.Settle()
		expectTold(t, d, "ben", "failed 1")
		m := d.ExpectMails("auto:No such user")[0]
		for _, want := range []string{"The reply to the customer failed", "was cancelled", "active again"} {
			if !strings.Contains(m.Text, want) {
				t.Errorf("the mail lacks %q:\n%s", want, m.Text)
			}
		}
		if m.To != "ben@acme.example" {
			t.Errorf("it went to %s", m.To)
		}
		d.Agent("ann").Read()
		d.Office.Program(postoffice.Fault{Match: postoffice.Match{To: "mara@customer.example"}, Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "550 5.1.1 No such user", Times: 1})
		d.Agent("ann").Reply(c, "Another answer.")
		d.Settle()
		expectTold(t, d, "ben", "failed 1")
		expectTold(t, d, "ann", "failed 1")
		d.ExpectMails("auto:No such user", "auto:No such user")
		if got := d.CountEvents(c.ID, postroom.MailFailed); got != 2 {
			t.Errorf("%d failures on the timeline", got)
		}
	})
}

// Nobody is assigned: everybody who answers in the mailbox is told. Switched
// off, nobody is told by mail.
func TestEverybodyIsToldOfFailure(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.NotifyByMail()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Agent("ann").Read()
		d.Agent("ben").Read()
		d.Agent("ann").Choose(postroom.NotifyFailed, postroom.NotificationChoice{InPage: true})
		d.Office.Program(postoffice.Fault{Match: postoffice.Match{To: "mara@customer.example"}, Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "550 5.1.1 No such user", Times: 1})
		d.Agent("ann").SendAndClose(c, "The answer.")
		d.Settle()
		expectTold(t, d, "ann", "failed 1")
		expectTold(t, d, "ben", "failed 1")
		if m := d.ExpectMails("auto:No such user")[0]; m.To != "ben@acme.example" {
			t.Errorf("it went to %s", m.To)
		}
	})
}

// Whoever cancels a mail is not told that it was cancelled; the assignee is.
func TestCancelIsToldToOthers(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Agent("ann").Assign(c, d.Agent("ben").ID)
		d.Settle()
		for _, who := range []string{"ann", "ben"} {
			d.Agent("ann").Read()
			d.Agent("ben").Read()
			d.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "450 4.2.2 Later", Times: 1})
			out := d.Agent("ann").SendAndClose(c, "The answer.")
			d.Settle()
			if err := d.Outbox.Cancel(d.Ctx, d.Agent(who).Agent, out.MailIDs[0]); err != nil {
				t.Fatal(err)
			}
			d.Settle()
			if s := d.Conversation(c.ID).Status; s != postroom.Active {
				t.Errorf("the conversation is %s", s)
			}
			other := map[string]string{"ann": "ben", "ben": "ann"}[who]
			expectTold(t, d, who)
			expectTold(t, d, other, "failed 1")
		}
	})
}

// A mail that has waited for an hour is told too (R5).
func TestDelayIsTold(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Agent("ann").Assign(c, d.Agent("ben").ID)
		d.Settle()
		d.Agent("ben").Read()
		d.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "450 4.2.2 Mailbox full"})
		d.Agent("ben").Reply(c, "The answer.")
		for range 8 {
			d.Settle()
			d.Clock.Advance(20 * time.Minute)
		}
		expectTold(t, d, "ben", "failed 1")
	})
}

// Who may not see the conversation any more is told nothing; an answer then is
// everybody's.
func TestOnlyWhoMaySeeIsTold(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Agent("ann").Assign(c, d.Agent("ben").ID)
		d.Agent("ann").Reply(c, "The answer.")
		d.Settle()
		m := d.ExpectMails("The answer.")[0]
		d.Agent("ben").Read()
		d.Agent("ann").Read()
		d.SQL("delete from mailbox_agent where agent_id = $1", d.Agent("ben").ID)
		d.CustomerAnswers(m, "Still broken.")
		expectTold(t, d, "ben")
		expectTold(t, d, "ann", "waiting 1")
	})
}

// The rest of a flood is in the page only, and each mail that was not sent says
// why.
func TestFloodOfNotifications(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.Agent("ben").Choose(postroom.NotifyNew, postroom.NotificationChoice{ByMail: true})
		const n = desk.MailsPerHour + 2
		var last *postroom.Conversation
		for i := range n {
			last = d.CustomerWrites(fmt.Sprintf("mara%d@customer.example", i), "Lamp", "Broken.")
		}
		if got := len(d.Arrived()); got != desk.MailsPerHour {
			t.Errorf("%d mails", got)
		}
		expectTold(t, d, "ben", fmt.Sprintf("new %d", n-1), fmt.Sprintf("new %d", n))
		if m := d.Mails(last.ID)[0]; m.State != postroom.MailSkip || !strings.Contains(m.Words, "limit") {
			t.Errorf("the last one: %s %q", m.State, m.Words)
		}
	})
}

// That holds within one chain too: a workflow gives the conversation to
// somebody when it is closed, and tells the customer. The notification is of
// the same root as reply and notice, and holds neither up.
func TestNotificationOfTheSameChain(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.NotifyByMail()
		ben := d.Agent("ben")
		d.AddWorkflow("To Ben", workflow.Definition{When: workflow.When{Event: postroom.StatusChanged, To: []string{string(postroom.Closed)}},
			Then: []workflow.Action{{Do: workflow.DoAssign, Agent: &ben.ID}}})
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		fault := d.Office.Program(postoffice.Fault{Match: postoffice.Match{To: "ben@acme.example"}, Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "450 4.2.2 Later"})
		d.Office.Program(postoffice.Fault{Match: postoffice.Match{To: "mara@customer.example"}, Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "450 4.2.2 Later", Times: 1})
		d.Agent("ann").SendAndClose(c, "The answer.")
		d.Settle()
		d.ExpectMails() // the notification is made, and cannot be handed over
		d.Pass(10 * time.Minute)
		d.ExpectMails("The answer.", "auto:closed")
		if fault.Hits() == 0 {
			t.Error("Ben was not notified by mail")
		}
	})
}
