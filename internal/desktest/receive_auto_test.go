package desktest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/postoffice"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

const verified = "Authentication-Results: mx.acme.example; dkim=pass header.d=customer.example\n"

// skipped returns the reason why the only mail of a conversation did not go.
func skipped(t *testing.T, d *desktest.Desk, c *postroom.Conversation) string {
	t.Helper()
	mails := d.Mails(c.ID)
	if len(mails) != 1 || !mails[0].State.Ended() || mails[0].State == postroom.MailDone {
		t.Fatalf("mails of the conversation: %+v", mails)
	}
	return mails[0].Words
}

// A1-A4: what is kept as which class, and who gets an acknowledgement.
func TestClassesAndAcknowledgement(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.Shipped(workflow.KeyAcknowledge)
		for i, c := range []struct {
			name, headers, subject string
			class                  string
			answered               bool
		}{
			{"a person", "", "Lamp", "human", true},
			{"A2 no", "Auto-Submitted: no\n", "Lamp", "human", true},
			{"A2 vacation", "Auto-Submitted: auto-replied; owner-email=\"x@x.example\"\n", "Away", "auto_reply", false},
			{"A2 cron", "Auto-Submitted: auto-generated\n", "Report", "auto_generated", false},
			{"A2 X-Autoreply", "X-Autoreply: yes\n", "Away", "auto_reply", false},
			{"A2 Precedence", "Precedence: auto_reply\n", "Away", "auto_reply", false},
			{"A2 Exchange rules", "X-MS-Exchange-Inbox-Rules-Loop: x@x.example\nX-Auto-Response-Suppress: All\n", "Away", "auto_reply", false},
			{"A2 list", "List-Id: <news.example>\n", "News", "list", false},
			{"A2 bulk", "Precedence: bulk\n", "News", "list", false},
			{"A3 Exchange user", "X-Auto-Response-Suppress: DR, OOF, AutoReply\n", "Lamp", "human", false},
			{"A3 only receipts", "X-Auto-Response-Suppress: DR, RN\n", "Lamp", "human", true},
			{"A4 subject", "", "Automatic reply: away", "human", false},
			{"A4 subject in German", "", "Abwesend: Urlaub", "human", false},
			{"A5 failed DMARC", "Authentication-Results: mx.acme.example; dmarc=fail header.from=customer.example\n", "Lamp", "human", false},
			{"A5 failed SPF", "Authentication-Results: mx.acme.example; spf=fail smtp.mailfrom=customer.example\n", "Lamp", "human", false},
		} {
			from := fmt.Sprintf("p%d@customer.example", i)
			conv := d.Receive(from, d.Mailbox.Address, d.Raw(desktest.Letter{From: from, Subject: c.subject, Body: "Hello", Headers: c.headers}))
			if conv == nil {
				t.Fatalf("%s: it was not kept (A1): %s", c.name, d.LastInbound().Words)
			}
			if m := d.LastReceived(conv.ID); string(m.Class) != c.class || (m.NoAuto == "") != c.answered {
				t.Errorf("%s: class %s, no automatic answer because %q", c.name, m.Class, m.NoAuto)
			}
			if c.answered {
				d.ExpectMails("auto:Your message has arrived")
			} else {
				d.ExpectMails()
			}
		}
		// A null sender, in the envelope alone.
		conv := d.Receive("", d.Mailbox.Address, d.Raw(desktest.Letter{From: "p99@customer.example", Subject: "Lamp", Body: "x"}))
		if m := d.LastReceived(conv.ID); m.NoAuto == "" {
			t.Error("A5: a mail from the null sender may be answered")
		}
		d.ExpectMails()
	})
}

// S2: what its domain disowns waits for review as spam and is answered by
// nobody; from there an agent's word makes it an ordinary conversation. Within
// a conversation it is shown with a warning.
func TestDisownedMailWaitsForReview(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		answerEverything(d)
		const forged = "Authentication-Results: mx.acme.example; dmarc=fail (p=reject dis=reject) header.from=customer.example\n"
		ours := d.CustomerWrites(mara, "Lamp", "It is broken")
		d.ExpectMails("auto:Thank you")
		c := d.Receive("x@evil.example", d.Mailbox.Address, d.Raw(desktest.Letter{From: "boss@customer.example", Subject: "Invoice", Body: "Pay", Headers: forged}))
		if c.Status != postroom.Spam {
			t.Errorf("it is %s", c.Status)
		}
		d.ExpectMails()
		if m := d.LastReceived(c.ID); len(m.Notices) == 0 || !strings.Contains(strings.Join(m.Notices, " "), "may be forged") {
			t.Errorf("nothing warns: %v", m.Notices)
		}
		answer := d.Receive("x@evil.example", d.Mailbox.Address, d.Raw(desktest.Letter{From: mara, Subject: "Re: Lamp", Body: "More", Headers: forged + "In-Reply-To: <" + d.LastReceived(ours.ID).Header + ">\n"}))
		if answer == nil || answer.ID != ours.ID || answer.Status == postroom.Spam || len(d.LastReceived(ours.ID).Notices) == 0 {
			t.Errorf("within a conversation: %+v", answer)
		}
		d.ExpectMails()
	})
}

// A5: addresses that never get automatic mail, and mails that never set one
// off; each leaves a row with the reason where a workflow wanted one.
func TestForbiddenAnswers(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		answerEverything(d)
		d.AddMailbox("Acme Sales", "sales@acme.example", nil)
		old := d.Clock.Now().Add(-30 * 24 * time.Hour).Format(time.RFC1123Z)
		for name, l := range map[string]desktest.Letter{
			"daemon":     {From: "MAILER-DAEMON@mx.example"},
			"postmaster": {From: "postmaster@mx.example"},
			"no-reply":   {From: "no-reply@shop.example"},
			"list":       {From: "lamps-request@lists.example"},
			"our own":    {From: "sales@acme.example"},
			"ourselves":  {From: "support+x@acme.example"},
			"nobody":     {From: "undisclosed"},
			"suppressed": {From: mara, Headers: "X-Auto-Response-Suppress: All\n"},
			"history":    {From: mara, Headers: "Date: " + old + "\n"},
		} {
			l.Subject, l.Body = "Lamp", "x"
			raw := d.Raw(l)
			if strings.HasPrefix(l.Headers, "Date: ") {
				raw = strings.Replace(raw, "Date: "+d.Clock.Now().Format(time.RFC1123Z)+"\n", "", 1)
			}
			c := d.Receive("x@mx.example", d.Mailbox.Address, raw)
			d.ExpectMails()
			if words := skipped(t, d, c); words == "" || strings.Contains(words, "..") {
				t.Errorf("%s: the reason is %q", name, words)
			}
		}
		// Spam: the conversation says so before the event is judged.
		c := d.CustomerWrites("spam@x.example", "Buy", "Buy")
		d.ExpectMails("auto:Thank you")
		d.Agent("ann").SetStatus(c, postroom.Spam, postroom.PathMenu)
		m := d.LastReceived(c.ID)
		d.Receive("spam@x.example", d.Mailbox.Address, d.Raw(desktest.Letter{From: "spam@x.example", Subject: "Buy", Body: "Buy", InReplyTo: m.Header}))
		d.ExpectMails()
		if s := d.Conversation(c.ID); s.Status != postroom.Spam || s.WaitingSince != 0 {
			t.Errorf("spam became %s, waiting %d", s.Status, s.WaitingSince)
		}
	})
}

// A6: limits are rows; they hold in a desk that was started anew, and end
// with their day.
func TestLimitsOfAcknowledgements(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.Shipped(workflow.KeyAcknowledge)
		d.CustomerWrites(mara, "One", "x")
		d.ExpectMails("auto:arrived")
		again := d.Restarted()
		c := again.CustomerWrites(mara, "Two", "x")
		again.ExpectMails()
		if words := skipped(t, again, c); !strings.Contains(words, "limit") {
			t.Errorf("the reason is %q", words)
		}
		again.Pass(25 * time.Hour)
		again.CustomerWrites(mara, "Three", "x")
		again.ExpectMails("auto:arrived")
	})
}

// A6: of different texts an address gets three a day.
func TestThreeAutomaticMailsADay(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		for _, subject := range []string{"red", "green", "blue", "black", "white"} {
			d.AddWorkflow(subject, workflow.Definition{When: workflow.When{Event: postroom.ConversationCreated},
				If:   workflow.Cond{Fact: "conversation.subject", Op: workflow.Is, Values: []string{subject}},
				Then: []workflow.Action{{Do: workflow.DoReply, Text: "The lamp is " + subject + "."}}})
		}
		for _, subject := range []string{"red", "green", "blue"} {
			d.CustomerWrites(mara, subject, "x")
			d.ExpectMails("auto:The lamp is " + subject)
		}
		c := d.CustomerWrites(mara, "black", "x")
		d.ExpectMails()
		if words := skipped(t, d, c); !strings.Contains(words, "3 automatic mails") {
			t.Errorf("the reason is %q", words)
		}
		d.CustomerWrites("tom@customer.example", "white", "x")
		d.ExpectMails("auto:The lamp is white")
	})
}

// A7: an automatic answer is on the conversation, and neither reopens it nor
// lets its customer wait anew.
func TestAutoReplyChangesNothing(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		answerEverything(d)
		c := d.CustomerWrites(mara, "Lamp broken", "x")
		d.Agent("ann").SendAndClose(c, "Done.")
		d.Settle()
		m := d.ExpectMails("auto:Thank you", "Done.")[1]
		for i, wait := range []time.Duration{time.Hour, 40 * 24 * time.Hour} { // inside the window and after it
			d.Pass(wait)
			got := d.Receive(mra, m.ReplyTo, d.Raw(desktest.Letter{From: mara, To: m.ReplyTo, Subject: "Away", Body: "I am away.", InReplyTo: m.ID, Headers: "Auto-Submitted: auto-replied\n"}))
			if got.ID != c.ID || got.Status != postroom.Closed || got.WaitingSince != 0 || got.Received != i+2 {
				t.Fatalf("after %v: conversation %d, %s, waiting since %d, %d received", wait, got.ID, got.Status, got.WaitingSince, got.Received)
			}
			d.ExpectMails()
		}
	})
}

// A8: what an unverified sender wrote is in none of the words of the
// acknowledgement; a verified one gets a proper answer.
func TestAcknowledgementReflectsNothing(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.Shipped(workflow.KeyAcknowledge)
		const from = `"Win http://evil.example now" <victim@customer.example>`
		d.Receive("a@evil.example", d.Mailbox.Address, d.Raw(desktest.Letter{From: from, Subject: "Click http://evil.example", Body: "http://evil.example"}))
		m := d.ExpectMails("auto:arrived")[0]
		if strings.Contains(strings.ToLower(string(m.Raw)), "evil") || strings.Contains(m.Subject, "Click") || strings.Contains(m.Text, "Win") {
			t.Errorf("a stranger's words are mailed on:\n%s", m.Raw)
		}
		d.Receive("a@customer.example", d.Mailbox.Address, d.Raw(desktest.Letter{From: mara, Subject: "Lamp broken", Body: "x", Headers: verified}))
		m = d.ExpectMails("auto:Hello Mara")[0]
		if m.Subject != "Re: Lamp broken" {
			t.Errorf("the subject for a verified sender is %q", m.Subject)
		}
	})
}

// M8: a Date that is missing, no date or in the future is not believed;
// messages stand in the order in which they came.
func TestDates(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		write := func(id, date, cites string) *postroom.Message {
			raw := "From: " + mara + "\nTo: support@acme.example\nSubject: x\nMessage-ID: <" + id + "@x.example>\n" + date + cites + "\n" + id + "\n"
			return d.LastReceived(d.Receive(mra, d.Mailbox.Address, raw).ID)
		}
		first := write("a", "Date: Mon, 02 Mar 2026 08:00:00 +0000\n", "")
		if first.Date == 0 || first.At != d.Store.Now() {
			t.Errorf("a good date: %d, received %d", first.Date, first.At)
		}
		for id, date := range map[string]string{"b": "", "c": "Date: yesterday\n", "d": "Date: Mon, 02 Mar 2036 08:00:00 +0000\n"} {
			if m := write(id, date, "References: <a@x.example>\n"); m.Date != 0 || m.ConversationID != first.ConversationID {
				t.Errorf("%q is believed: %d", date, m.Date)
			}
		}
		last := write("e", "Date: Mon, 02 Mar 2020 08:00:00 +0000\n", "References: <a@x.example>\n")
		all := d.Messages(first.ConversationID)
		if all[len(all)-1].ID != last.ID || all[0].ID != first.ID {
			t.Error("messages are sorted by what their Date claims")
		}
	})
}

// S4: no mail makes an agent, moves a customer's primary address, or acts as
// an agent.
func TestMailGrantsNothing(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c, m := answered(t, d)
		d.Receive("ann@acme.example", m.ReplyTo, d.Raw(desktest.Letter{From: "Ann <ann@acme.example>", To: m.ReplyTo, Subject: "Re: Lamp broken", Body: "@close\n"}))
		got := d.LastReceived(c.ID)
		if got.Kind != postroom.Received || got.Author.Kind != postroom.ByCustomer || !got.Unconfirmed {
			t.Errorf("a mail in an agent's name: %s by %s", got.Kind, got.Author.Kind)
		}
		if s := d.Conversation(c.ID).Status; s != postroom.Active {
			t.Errorf("it set the status to %s", s)
		}
		d.Receive(mra, d.Mailbox.Address, d.Raw(desktest.Letter{From: mara, Subject: "x", Body: "x", Headers: "Reply-To: mara@new.example\n"}))
		if a := d.Customer(c).Addresses; len(a) != 1 || a[0] != mra {
			t.Errorf("the customer's addresses became %v", a)
		}
	})
}

// D6: what goes round in circles is stopped; D7: our own mail come back is no
// message; everything else is kept.
func TestOwnMailComesBack(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		sales := d.AddMailbox("Acme Sales", "sales@acme.example", nil)
		c, m := answered(t, d)
		d.ClosingNotice()
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()
		notice := d.ExpectMails("auto:closed")[0]
		copied := func(m desktest.Mail) string {
			return "Received: from a by b; Mon, 02 Mar 2026 09:00:00 +0000\nReturn-Path: <x@x.example>\n" + strings.ReplaceAll(string(m.Raw), "\r\n", "\n")
		}
		state := func(what string, want string, to string, raw string) {
			t.Helper()
			d.Accept("support@acme.example", []string{to}, raw)
			d.Settle()
			if in := d.LastInbound(); in.State != want || want == store.InboundLoop && in.Words == "" {
				t.Errorf("%s: %s, %s", what, in.State, in.Words)
			}
		}
		state("D7 a copy", store.InboundLoop, d.Mailbox.Address, copied(m))
		state("D7 our id with other words", store.InboundDone, d.Mailbox.Address, strings.Replace(copied(m), "A new one", "An old one", 1))
		state("D7 in another mailbox of ours", store.InboundDone, sales.Address, copied(m))
		state("D6 our header and our id, changed by a list", store.InboundLoop, d.Mailbox.Address, strings.Replace(copied(notice), "closed", "[list] closed", 1))
		state("D6 the same in another mailbox of ours", store.InboundDone, sales.Address, copied(notice))
		state("D6 our header and a foreign id", store.InboundDone, d.Mailbox.Address, d.Raw(desktest.Letter{From: mara, Subject: "x", Body: "x", Headers: "X-Postroom-Loop: support@acme.example\n"}))
		hops := strings.Repeat("Received: from a by b; Mon, 02 Mar 2026 09:00:00 +0000\n", 100)
		state("D6 99 hops", store.InboundDone, d.Mailbox.Address, hops[:len(hops)*99/100]+d.Raw(desktest.Letter{From: mara, Subject: "x", Body: "x"}))
		state("D6 100 hops", store.InboundLoop, d.Mailbox.Address, hops+d.Raw(desktest.Letter{From: mara, Subject: "x", Body: "x"}))
		if c = d.Conversation(c.ID); c.Received != 2 {
			t.Errorf("the conversation has %d received messages", c.Received)
		}
	})
}

// D1, D2: the same mail twice is one message; the same id with other content
// is another; without an id the content decides.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		mail := func(id, body string) string {
			return "From: " + mara + "\nTo: support@acme.example\nSubject: Lamp\n" + id + "\n" + body + "\n"
		}
		const id = "Message-ID: <One@customer.example>\n"
		for i, s := range []struct {
			raw, want string
		}{
			{mail(id, "first"), store.InboundDone},
			{"Received: from x by y; Mon, 02 Mar 2026 09:00:00 +0000\nDelivered-To: x@x.example\n" + mail(id, "first"), store.InboundDuplicate},
			{mail(strings.ToUpper(id[:13])+id[13:], "first"), store.InboundDuplicate},
			{mail(id, "second"), store.InboundDone},
			{mail(id, "second"), store.InboundDuplicate},
			{mail("", "third"), store.InboundDone},
			{mail("", "third"), store.InboundDuplicate},
			{mail("", "fourth"), store.InboundDone},
		} {
			d.Accept(mra, []string{d.Mailbox.Address}, s.raw)
			d.Settle()
			in := d.LastInbound()
			if in.State != s.want || in.ConversationID == 0 || in.MessageID == 0 {
				t.Errorf("mail %d: %s in conversation %d: %s", i, in.State, in.ConversationID, in.Words)
			}
			if m := d.LastReceived(in.ConversationID); i >= 5 && m.Header != "" {
				t.Errorf("mail %d: an id was invented that an answer would cite: %s", i, m.Header)
			}
		}
	})
}

// D5: a mail that cannot be read is kept, shown with its words and an alarm,
// delays nobody and can be tried again.
func TestUnreadableMail(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		raw := strings.ReplaceAll(d.Raw(desktest.Letter{From: mara, Subject: "Lost", Body: "x"}), "\n", "\r\n")
		if err := d.Desk.Accept(d.Ctx, desk.Delivery{Source: "lmtp", From: mra, To: []string{d.Mailbox.Address}, Raw: []byte(raw)}); err != nil {
			t.Fatal(err)
		}
		bad := d.LastInbound()
		if err := d.Blobs.Delete(bad.RawSHA256); err != nil {
			t.Fatal(err)
		}
		d.Accept("tom@customer.example", []string{d.Mailbox.Address}, d.Raw(desktest.Letter{From: "tom@customer.example", Subject: "Behind it", Body: "x"}))
		d.Settle()
		all := d.Inbounds()
		if all[0].State != store.InboundFailed || !strings.HasPrefix(all[0].Words, "Could not be processed: ") {
			t.Fatalf("the mail is %s: %s", all[0].State, all[0].Words)
		}
		if all[1].State != store.InboundDone {
			t.Fatalf("the mail behind it is %s", all[1].State)
		}
		expectInboundAlarm(t, d, bad.ID, true)
		if err := d.React.RetryInbound(d.Ctx, d.Agent("ben").Agent, bad.ID); postroom.CodeOf(err) != postroom.Forbidden {
			t.Errorf("a member may try again: %v", err)
		}
		if _, err := d.Blobs.PutBytes(d.Ctx, []byte(raw)); err != nil {
			t.Fatal(err)
		}
		if err := d.React.RetryInbound(d.Ctx, d.Agent("ann").Agent, bad.ID); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		if in := d.Inbounds()[0]; in.State != store.InboundDone || strings.Contains(in.Words, "Could not") {
			t.Fatalf("tried again it is %s: %s", in.State, in.Words)
		}
		expectInboundAlarm(t, d, bad.ID, false)
		// One for nobody of ours is kept and shown too, and goes when there is
		// somebody.
		lost := d.Spooled(d.Raw(desktest.Letter{From: mara, To: "new@acme.example", Subject: "x", Body: "x"}))
		if lost.State != store.InboundFailed || lost.Subject != "x" || lost.Sender != mra {
			t.Fatalf("a mail for nobody is %s: %+v", lost.State, lost)
		}
		expectInboundAlarm(t, d, lost.ID, true)
		d.AddMailbox("New", "new@acme.example", nil)
		if err := d.React.RetryInbound(d.Ctx, d.Agent("ann").Agent, lost.ID); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		if in := d.LastInbound(); in.State != store.InboundDone {
			t.Fatalf("with its mailbox there it is %s: %s", in.State, in.Words)
		}
	})
}

func expectInboundAlarm(t *testing.T, d *desktest.Desk, id int64, want bool) {
	t.Helper()
	open, err := d.Store.Read().AlarmOpen(d.Ctx, string(alarm.InboundFailed), fmt.Sprint(id))
	if err != nil || open != want {
		t.Fatalf("the alarm about received mail %d is open: %v (%v)", id, open, err)
	}
}

// R6, D7: a copy of an uncertain mail that comes back is proof that it went.
func TestCopySettlesUncertain(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.CustomerWrites(mara, "Lamp", "Broken.")
		d.Office.Program(postoffice.Fault{Phase: postoffice.Answer, Action: postoffice.Cut, Times: 1})
		d.Agent("ann").Reply(c, "The answer.")
		d.Settle()
		m := d.ExpectMails("The answer.")[0]
		if got := d.Mails(c.ID)[0]; got.State != postroom.MailUnsure {
			t.Fatalf("the reply is %s", got.State)
		}
		d.Accept(mra, []string{d.Mailbox.Address}, "Received: from a by b; Mon, 02 Mar 2026 09:00:00 +0000\n"+string(m.Raw))
		d.Settle()
		if in := d.LastInbound(); in.State != store.InboundLoop {
			t.Fatalf("the copy is %s", in.State)
		}
		if got := d.Mails(c.ID)[0]; got.State != postroom.MailDone || !strings.Contains(got.Words, "came back") {
			t.Fatalf("the reply is %s: %s", got.State, got.Words)
		}
		d.Pass(time.Hour)
		d.ExpectMails()
	})
}
