package desktest_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// report is a report on a mail of ours as a server writes it.
type report struct {
	to, recipient, action, status, said string
	header                              string // Message-ID of the mail it returns; "-" for none
	feedback                            string // its type: a complaint and no delivery report
}

var reports atomic.Int64

func (r report) raw() string {
	n := reports.Add(1)
	kind, part := "delivery-status", fmt.Sprintf("Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; %s\nAction: %s\nStatus: %s\nDiagnostic-Code: smtp; %s\n", r.recipient, r.action, r.status, r.said)
	if r.feedback != "" {
		kind, part = "feedback-report", fmt.Sprintf("Feedback-Type: %s\nUser-Agent: FBL/1\nVersion: 1\nOriginal-Rcpt-To: <%s>\n", r.feedback, r.recipient)
	}
	returned := "Subject: A mail\n"
	if r.header != "-" {
		returned += "Message-ID: <" + r.header + ">\n"
	}
	return fmt.Sprintf("From: MAILER-DAEMON@mx.example\nTo: %s\nSubject: Report\nMessage-ID: <report-%d@mx.example>\nMIME-Version: 1.0\n"+
		"Content-Type: multipart/report; report-type=%s; boundary=b\n\n--b\n\nThis is a report.\n\n--b\nContent-Type: message/%s\n\n%s\n--b\nContent-Type: text/rfc822-headers\n\n%s\n--b--\n",
		r.to, n, kind, kind, part, returned)
}

// hand hands a report in, and returns what it was filed as.
func (r report) hand(d *desktest.Desk) store.Inbound {
	d.T.Helper()
	d.Accept("", []string{r.to}, r.raw())
	d.Settle()
	in := d.LastInbound()
	if in.State != store.InboundDone {
		d.T.Fatalf("the report is %s: %s", in.State, in.Words)
	}
	return in
}

func bounceOf(d *desktest.Desk, m desktest.Mail) report {
	return report{to: m.ReplyTo, recipient: m.To, action: "failed", status: "5.1.1", said: "550 5.1.1 No such user", header: m.ID}
}

func suppressed(t *testing.T, d *desktest.Desk, address string) string {
	t.Helper()
	words, err := d.Store.Read().Suppressed(d.Ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	return words
}

func returns(t *testing.T, d *desktest.Desk, mail int64) []postroom.MailReturn {
	t.Helper()
	all, err := d.Store.Read().Returns(d.Ctx, mail)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestB4AMailThatComesBack is marked on its thread, once however often the
// report comes; the assignee is told, nothing reopens and nothing is mailed to
// the server that reports. Automatic mail to the address stops until somebody
// writes from there (B4, B5).
func TestB4AMailThatComesBack(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ben, c := d.Agent("ben"), firstMail(d)
		d.Agent("ann").Assign(c, ben.ID)
		d.Agent("ann").SendAndClose(c, "Please see below.")
		d.Settle()
		sent := d.ExpectMails("Please see below.")[0]
		ben.Read()
		bounceOf(d, sent).hand(d)
		bounceOf(d, sent).hand(d)
		late := bounceOf(d, sent)
		late.action, late.status, late.said = "delayed", "4.4.1", "450 4.4.1 No answer"
		late.hand(d)

		events := d.EventsOf(c.ID, postroom.MailBounced)
		if len(events) != 1 {
			t.Fatalf("%d events say that it came back", len(events))
		}
		e := events[0]
		mail := d.Mails(c.ID)[0]
		if e.Payload.MailID != mail.ID || e.Payload.Code != 550 || e.Payload.Words != "550 5.1.1 No such user" || e.Actor != postroom.System {
			t.Errorf("the event says %+v by %+v", e.Payload, e.Actor)
		}
		if got := returns(t, d, mail.ID); len(got) != 2 || got[0].Kind != postroom.Bounced || got[0].Status != "5.1.1" || got[1].Kind != postroom.Delayed {
			t.Errorf("the marks are %+v", got)
		}
		expectTold(t, d, "ben", fmt.Sprintf("failed %d", c.Number))
		if now := d.Conversation(c.ID); now.Status != postroom.Closed || now.CustomerID != c.CustomerID {
			t.Errorf("it is %s", now.Status)
		}
		d.ExpectMails()
		if words := suppressed(t, d, sent.To); !strings.Contains(words, "550 5.1.1 No such user") {
			t.Errorf("the address is suppressed with %q", words)
		}

		// A notice to it is not sent; an agent's reply is.
		d.AddWorkflow("Notice", on(postroom.StatusChanged, workflow.Action{Do: workflow.DoReply, Text: "Your request is closed."}))
		d.Agent("ann").SetStatus(c, postroom.Active, postroom.PathMenu)
		d.Settle()
		expect(t, "mails not sent", d.CountEvents(c.ID, postroom.MailSuppressed), 1)
		d.Agent("ann").Reply(c, "Once more.")
		d.Settle()
		d.CustomerAnswers(d.ExpectMails("Once more.")[0], "Here I am.")
		if words := suppressed(t, d, sent.To); words != "" {
			t.Errorf("after a message from there it is suppressed: %s", words)
		}
	})
}

// TestB6ForgedReportsDoNothing but being filed: one whose id does not verify,
// one about somebody the mail never went to, one about a mail of long ago.
func TestB6ForgedReportsDoNothing(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann, c := d.Agent("ann"), firstMail(d)
		ann.Publish(desk.Publish{ConversationID: c.ID, Kind: postroom.Reply, HTML: "<p>Hello both.</p>", Path: postroom.PathComposer,
			To: []postroom.Address{{Address: "mara@customer.example"}, {Address: "erik@customer.example"}}})
		d.Settle()
		sent := d.ExpectMails("Hello both.")[0]
		wrong := []byte(sent.ReplyTo)
		at := strings.IndexByte(sent.ReplyTo, '@')
		wrong[at-1] = map[bool]byte{true: 'b', false: 'a'}[wrong[at-1] == 'a']
		forged := bounceOf(d, sent)
		forged.to, forged.header, forged.recipient = string(wrong), strings.Replace(sent.ID, "@", "x@", 1), "mara@customer.example"
		bare := forged
		bare.to, bare.header = d.Mailbox.Address, "-"
		other := bounceOf(d, sent)
		other.recipient = "somebody@else.example"
		for _, r := range []report{forged, bare, other} {
			r.hand(d)
		}
		d.Clock.Advance(30 * 24 * time.Hour)
		old := bounceOf(d, sent)
		old.recipient = "mara@customer.example"
		old.hand(d)
		if got := returns(t, d, d.Mails(c.ID)[0].ID); len(got) > 0 {
			t.Errorf("they left the marks %+v", got)
		}
		expect(t, "events", d.CountEvents(c.ID, postroom.MailBounced), 0)
		if words := suppressed(t, d, "mara@customer.example"); words != "" {
			t.Errorf("the address is suppressed: %s", words)
		}
		d.ExpectMails()
	})
}

// TestB2RoutesOfAReport: by the address it comes to, by the id of what it
// returns, and by what a server without a machine-readable part quotes.
func TestB2RoutesOfAReport(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann, c := d.Agent("ann"), firstMail(d)
		reply := func(text string) desktest.Mail {
			ann.Reply(c, text)
			d.Settle()
			return d.ExpectMails(text)[0]
		}
		byAddress := bounceOf(d, reply("One."))
		byAddress.header = "-"
		byAddress.hand(d)
		byID := bounceOf(d, reply("Two."))
		byID.to = d.Mailbox.Address
		byID.hand(d)
		third := reply("Three.")
		d.Accept("", []string{d.Mailbox.Address}, "From: Mail Delivery System <Mailer-Daemon@mx.example>\nTo: "+d.Mailbox.Address+"\nSubject: Mail delivery failed: returning message to sender\n"+
			"X-Failed-Recipients: "+third.To+"\nAuto-Submitted: auto-replied\nMessage-ID: <exim-1@mx.example>\n\nA message that you sent could not be delivered.\n\n  "+third.To+
			"\n    Unrouteable address\n\n------ This is a copy of the message headers. ------\n\nMessage-ID: <"+third.ID+">\nSubject: x\n")
		d.Settle()
		for i, m := range d.Mails(c.ID) {
			if got := returns(t, d, m.ID); len(got) != 1 || got[0].Kind != postroom.Bounced {
				t.Errorf("mail %d has the marks %+v", i+1, got)
			}
		}
		expect(t, "events", d.CountEvents(c.ID, postroom.MailBounced), 3)
	})
}

// TestB5FaultsThatSayNothingOfTheAddress suppress nothing at once: a mail too
// large never, a full mailbox when it goes on.
func TestB5FaultsThatSayNothingOfTheAddress(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann, c := d.Agent("ann"), firstMail(d)
		for i := range 5 {
			ann.Reply(c, "Again.")
			d.Settle()
			r := bounceOf(d, d.ExpectMails("Again.")[0])
			if r.status, r.said = "5.2.2", "552 5.2.2 Mailbox full"; i == 0 {
				policy := r
				policy.status, policy.said = "5.7.1", "550 5.7.1 Looks like spam"
				policy.hand(d)
				ann.Reply(c, "Again.")
				d.Settle()
				r = bounceOf(d, d.ExpectMails("Again.")[0])
				r.status, r.said = "5.2.2", "552 5.2.2 Mailbox full"
			}
			if words := suppressed(t, d, r.recipient); words != "" {
				t.Fatalf("after %d faults it is suppressed: %s", i, words)
			}
			r.hand(d)
		}
		if words := suppressed(t, d, "mara@customer.example"); !strings.Contains(words, "5 mails") {
			t.Errorf("after 5 faults it is suppressed with %q", words)
		}
	})
}

// TestB7AComplaint stops automatic mail to the person, also after they have
// written again, until an agent allows it.
func TestB7AComplaint(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann, c := d.Agent("ann"), firstMail(d)
		ann.SendAndClose(c, "Done.")
		d.Settle()
		sent := d.ExpectMails("Done.")[0]
		r := report{to: sent.ReplyTo, recipient: "redacted@customer.example", header: sent.ID, feedback: "abuse"}
		fine := r
		fine.feedback = "not-spam"
		fine.hand(d)
		expect(t, "events of a report that says the contrary", d.CountEvents(c.ID, postroom.MailComplained), 0)
		in := r.hand(d)
		r.hand(d)
		expect(t, "class", in.Class, string(postroom.FeedbackReport))
		expect(t, "events", d.CountEvents(c.ID, postroom.MailComplained), 1)
		expect(t, "status", d.Conversation(c.ID).Status, postroom.Closed)
		d.CustomerAnswers(sent, "Hello?")
		if words := suppressed(t, d, sent.To); !strings.Contains(words, "unwanted") {
			t.Errorf("it is suppressed with %q", words)
		}
		if err := d.Desk.AllowMail(d.Ctx, ann.Agent, c.ID, sent.To); err != nil {
			t.Fatal(err)
		}
		if words := suppressed(t, d, sent.To); words != "" {
			t.Errorf("an agent allowed it, and it is suppressed: %s", words)
		}
	})
}

// TestWorkflowsHearOfMailThatComesBack: with its code, words and address. They
// reopen and tell the agents, and never answer the report (W6, A5).
func TestWorkflowsHearOfMailThatComesBack(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann := d.Agent("ann")
		def := on(postroom.MailBounced, workflow.Action{Do: workflow.DoReply, Text: "Did you get it?"}, status(postroom.Active), note("It came back."))
		def.If = workflow.Cond{All: []workflow.Cond{
			{Fact: "mail.code", Op: workflow.Is, Values: []string{"550"}},
			{Fact: "mail.words", Op: workflow.Contains, Values: []string{"no such user"}},
			{Fact: "mail.address", Op: workflow.Ends, Values: []string{"@customer.example"}},
			{Fact: "mail.sort", Op: workflow.Is, Values: []string{string(workflow.AgentReply)}},
		}}
		id := d.AddWorkflow("Came back", def)
		c := firstMail(d)
		ann.SendAndClose(c, "Done.")
		d.Settle()
		r := bounceOf(d, d.ExpectMails("Done.")[0])
		r.status, r.said = "5.7.0", "550 No such user here" // a fault that suppresses nothing
		r.hand(d)
		run := onlyRun(t, d, c, id)
		if e := run.Effects[0]; e.Result != postroom.EffectSkipped || !strings.Contains(e.Reason, "answer a report") {
			t.Errorf("the answer to the report is %s: %s", e.Result, e.Reason)
		}
		now := d.Conversation(c.ID)
		expect(t, "status", now.Status, postroom.Active)
		expect(t, "notes", now.Notes, 1)
		d.ExpectMails()
	})
}
