package desktest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/desktest"
	"postroom/internal/postoffice"
)

// The notice leaves only once the reply is accepted, however long that takes
// (W25): the reply is deferred for hours, the notice waits all the while.
func TestNoticeWaitsForReply(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		fault := d.Office.Program(postoffice.Fault{Match: postoffice.Match{To: "mara@customer.example"}, Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "450 4.2.2 Mailbox full", Times: 5})
		d.Agent("ann").SendAndClose(c, "The answer.")
		for range 5 {
			d.Settle()
			d.ExpectMails()
			d.Pass(3 * time.Hour)
		}
		if fault.Hits() != 5 {
			t.Fatalf("%d tries were refused, not 5", fault.Hits())
		}
		d.Pass(9 * time.Hour)
		d.ExpectMails("The answer.", "auto:closed")
	})
}

// The reply is refused for good: the notice is cancelled with words, the
// conversation reopens and an alarm says so (W28, W25).
func TestReplyFails(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "550 5.1.1 No such user", Times: 1})
		d.Agent("ann").SendAndClose(c, "The answer.")
		d.Settle()
		d.ExpectMails()
		mails := d.Mails(c.ID)
		if len(mails) != 2 || mails[0].State != postroom.MailRefused || !strings.Contains(mails[0].Words, "No such user") {
			t.Fatalf("the reply: %s %q", mails[0].State, mails[0].Words)
		}
		if mails[1].State != postroom.MailUndone || !strings.Contains(mails[1].Words, "the reply it follows failed") {
			t.Fatalf("the notice: %s %q", mails[1].State, mails[1].Words)
		}
		if s := d.Conversation(c.ID).Status; s != postroom.Active {
			t.Errorf("the conversation is %s", s)
		}
		expectAlarm(t, d, alarm.MailFailed)
		expectTold(t, d, "ben", "new 1", "failed 1") // nobody is assigned, so everybody is told
		// Sent again, once however often it is pressed.
		ann := d.Agent("ann").Agent
		if err := d.Outbox.Retry(d.Ctx, ann, mails[0].ID); err != nil {
			t.Fatal(err)
		}
		if err := d.Outbox.Retry(d.Ctx, ann, mails[0].ID); postroom.CodeOf(err) != postroom.Conflict {
			t.Fatalf("pressed twice: %v", err)
		}
		d.Settle()
		d.ExpectMails("The answer.")
	})
}

// That holds although ids are no order of time: a process may draw smaller ones
// than another before it.
func TestSentAgainOnceAcrossProcesses(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		const here, there = 1_000_000, 500_000
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.SQL("update id_block set next = $1", here)
		for d.ID() < here {
		}
		d.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "550 5.1.1 No such user", Times: 1})
		out := d.Agent("ann").Reply(c, "The answer.")
		d.Settle()
		d.SQL("update id_block set next = $1", there)
		for d.ID() >= here {
		}
		d.Clock.Advance(time.Second)
		ann := d.Agent("ann").Agent
		if err := d.Outbox.Retry(d.Ctx, ann, out.MailIDs[0]); err != nil {
			t.Fatal(err)
		}
		if err := d.Outbox.Retry(d.Ctx, ann, out.MailIDs[0]); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("pressed twice: %v", err)
		}
		d.Settle()
		d.ExpectMails("The answer.")
	})
}

// A mailbox may say "send it anyway" (W25).
func TestSendAnyway(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ChangeMailbox(d.Mailbox, func(m *postroom.Mailbox) { m.SendAnyway = true })
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Office.Program(postoffice.Fault{Phase: postoffice.Dot, Action: postoffice.Lie, Reply: "554 5.6.0 Too ugly", Times: 1})
		d.Agent("ann").SendAndClose(c, "The answer.")
		d.Settle()
		d.ExpectMails("auto:closed")
		if s := d.Conversation(c.ID).Status; s != postroom.Closed {
			t.Errorf("the conversation is %s", s)
		}
	})
}

// An unrelated later mail to the same customer waits for an hour at most (W25).
func TestUnrelatedMailWaitsAnHour(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "451 4.3.0 Later", Times: 1})
		first := d.Agent("ann").Reply(c, "First.")
		d.Settle()
		// Keep the first one from being tried again for a long time.
		d.Office.Program(postoffice.Fault{Match: postoffice.Match{Func: func(e postoffice.Event) bool { return strings.Contains(e.From, tokenOf(d, first.MailIDs[0])) }},
			Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "451 4.3.0 Later"})
		d.Agent("ann").Reply(c, "Second.")
		d.Settle()
		d.ExpectMails()
		atWork(d, 59*time.Minute)
		d.ExpectMails()
		atWork(d, 2*time.Minute)
		d.ExpectMails("Second.")
	})
}

// With an undo window it is no longer than that: the hour counts from the end
// of the window, not from the first try (W25).
func TestUnrelatedMailWaitsAnHourAfterItsWindow(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		first := d.Agent("ann").Reply(c, "First.")
		d.Office.Program(postoffice.Fault{Match: postoffice.Match{Func: func(e postoffice.Event) bool { return strings.Contains(e.From, tokenOf(d, first.MailIDs[0])) }},
			Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "451 4.3.0 Later"})
		d.Pass(10 * time.Second)
		d.Agent("ann").Reply(c, "Second.")
		atWork(d, 59*time.Minute)
		d.ExpectMails()
		atWork(d, 2*time.Minute)
		d.ExpectMails("Second.")
	})
}

func tokenOf(d *desktest.Desk, mail int64) string { return d.Desk.Keys().Token(mail) }

// A reply does not leave while an earlier close is still to be judged, however
// early the sender comes: the notice of that close goes first (W25, W26).
func TestReplyWaitsForJudging(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Agent("ann").Reply(c, "The answer.")
		d.Clock.Advance(10 * time.Second)
		early, err := d.Store.ClaimMails(d.Ctx, 10, time.Minute.Milliseconds())
		if err != nil || len(early) != 0 {
			t.Fatalf("%d mails could leave before the close was judged (%v)", len(early), err)
		}
		d.Settle()
		d.ExpectMails("auto:closed", "The answer.")
	})
}

// Another conversation of the same customer is never held up (R3).
func TestOtherConversationsGoOn(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		a := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		b := d.CustomerWrites("mara@customer.example", "Chair", "Broken too.")
		d.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "451 4.3.0 Later", Times: 1})
		d.Agent("ann").Reply(a, "About the lamp.")
		d.Settle()
		d.Agent("ann").Reply(b, "About the chair.")
		d.Settle()
		d.ExpectMails("About the chair.")
	})
}

// The answer to the final dot is lost: the reply is uncertain, the notice
// waits; after the grace the same bytes go once more, then the notice (R6).
func TestUncertainReply(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Office.Program(postoffice.Fault{Phase: postoffice.Answer, Action: postoffice.Cut, Times: 1})
		d.Agent("ann").SendAndClose(c, "The answer.")
		d.Settle()
		first := d.ExpectMails("The answer.") // the office has it; we cannot know
		if m := d.Mails(c.ID)[0]; m.State != postroom.MailUnsure {
			t.Fatalf("the reply is %s", m.State)
		}
		expectAlarm(t, d, alarm.MailUncertain)
		d.Pass(14 * time.Minute)
		d.ExpectMails()
		d.Clock.Advance(2 * time.Minute)
		d.Settle()
		again := d.Arrived()
		if len(again) != 2 || string(again[0].Raw) != string(first[0].Raw) || !again[1].Auto {
			t.Fatalf("%d mails after the grace", len(again))
		}
		if m := d.Mails(c.ID)[0]; m.State != postroom.MailDone || !m.Resent {
			t.Fatalf("the reply is %s, resent %v", m.State, m.Resent)
		}
	})
}

// An uncertain automatic mail is taken as sent, never repeated (R6, R8).
func TestUncertainNotice(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Office.Program(postoffice.Fault{Phase: postoffice.Answer, Action: postoffice.Cut, Times: 1})
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()
		d.Pass(time.Hour)
		d.ExpectMails("auto:closed")
		if m := d.Mails(c.ID)[0]; m.State != postroom.MailAssumed || m.Words == "" {
			t.Fatalf("the notice is %s %q", m.State, m.Words)
		}
	})
}

// An answer of the customer that cites an uncertain reply settles it (R6).
func TestAnswerSettlesUncertain(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Office.Program(postoffice.Fault{Phase: postoffice.Answer, Action: postoffice.Cut, Times: 1})
		d.Agent("ann").Reply(c, "The answer.")
		d.Settle()
		mails := d.ExpectMails("The answer.")
		d.CustomerAnswers(mails[0], "Thank you!")
		if m := d.Mails(c.ID)[0]; m.State != postroom.MailDone || m.Words != "It was answered." {
			t.Fatalf("the reply is %s %q", m.State, m.Words)
		}
	})
}

// Evidence that a mail arrived is no evidence for a recipient whom the server
// had put off: they get it with the next try (R6).
func TestEvidenceLeavesThePutOff(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Office.Program(postoffice.Fault{Match: postoffice.Match{To: "ole@customer.example"}, Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "450 4.2.0 Greylisted", Times: 1})
		d.Office.Program(postoffice.Fault{Phase: postoffice.Answer, Action: postoffice.Cut, Times: 1})
		p := replyTo(c, "The answer.")
		p.Cc = []postroom.Address{{Address: "ole@customer.example"}}
		d.Agent("ann").Publish(p)
		d.Settle()
		mails := d.ExpectMails("The answer.")
		if mails[0].To != "mara@customer.example" {
			t.Fatalf("handed over for %s", mails[0].To)
		}
		mails[0].To = "mara@customer.example"
		d.CustomerAnswers(mails[0], "Thank you!")
		d.Pass(time.Hour)
		if again := d.ExpectMails("The answer."); again[0].To != "ole@customer.example" {
			t.Errorf("sent again to %s", again[0].To)
		}
		if m := d.Mails(c.ID)[0]; m.State != postroom.MailDone {
			t.Errorf("the reply is %s %q", m.State, m.Words)
		}
	})
}

// stumbling dots cannot be reached the first time.
type stumbling struct{ fell bool }

func (*stumbling) Begin(int64, int64)          {}
func (*stumbling) End(int64, int64)            {}
func (*stumbling) Unwritten(int64, int64) bool { return false }
func (*stumbling) Left() map[int64]int64       { return nil }
func (s *stumbling) Reach(int64, int64) error {
	if s.fell {
		return nil
	}
	s.fell = true
	return errors.New("no")
}

// The rows say that the dot is next, and then it is not written: what certainly
// was not sent is not uncertain, and a notice is not taken as sent (R6, R8).
func TestDotThatWasNotWritten(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.Outbox.Dots = &stumbling{}
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()
		d.ExpectMails()
		d.Pass(2 * time.Second)
		d.ExpectMails("auto:closed")
		if m := d.Mails(c.ID)[0]; m.State != postroom.MailDone || m.Tries != 1 {
			t.Errorf("the notice is %s after %d tries: %s", m.State, m.Tries, m.Words)
		}
	})
}

// A mail that cannot be settled keeps no other from its end.
func TestMendGoesOn(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		a := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		b := d.CustomerWrites("ole@customer.example", "Chair", "Broken.")
		d.Office.Program(postoffice.Fault{Phase: postoffice.Answer, Action: postoffice.Cut, Times: 2})
		broken := d.Agent("ann").Reply(a, "About the lamp.").MailIDs[0]
		d.Agent("ann").Reply(b, "About the chair.")
		d.Settle()
		d.ExpectMails("About the lamp.", "About the chair.")
		d.SQL("update mail set conversation_id = 0 where id = $1", broken)
		d.Pass(16 * time.Minute)
		d.ExpectMails("About the chair.")
		d.SQL("update mail set conversation_id = $2 where id = $1", broken, a.ID)
		d.Pass(time.Minute)
		d.ExpectMails("About the lamp.")
	})
}

// A wrong password stops the channel with one alarm; all mails wait, no try is
// spent; after it is mended they go in order (R4, R12).
func TestChannelStops(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		b := d.CustomerWrites("ole@customer.example", "Chair", "Broken.")
		bad := d.Office.Program(postoffice.Fault{Phase: postoffice.Mail, Action: postoffice.Lie, Reply: "535 5.7.8 Bad credentials"})
		d.Agent("ann").SendAndClose(c, "About the lamp.")
		d.Agent("ann").Reply(b, "About the chair.")
		d.Settle()
		d.Pass(3 * time.Hour)
		if bad.Hits() != 1 {
			t.Errorf("the server was tried %d times", bad.Hits())
		}
		for _, m := range append(d.Mails(c.ID), d.Mails(b.ID)...) {
			if m.State.Ended() || m.Tries > 0 {
				t.Errorf("mail %d is %s after %d tries", m.ID, m.State, m.Tries)
			}
		}
		expectAlarm(t, d, alarm.ChannelPaused)
		bad.Remove()
		if err := d.Outbox.Resume(d.Ctx, d.Agent("ann").Agent, d.Mailbox.ID); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		mails := d.Arrived()
		if len(mails) != 3 {
			t.Fatalf("%d mails arrived", len(mails))
		}
		if n, _ := d.Alarms.Count(d.Ctx); n != 0 {
			t.Errorf("%d alarms are left", n)
		}
	})
}

// A server that is gone pauses the channel; it is probed, and everything goes
// when it is back.
func TestServerGone(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		gone := d.Office.Program(postoffice.Fault{Phase: postoffice.Connect, Action: postoffice.Cut})
		d.Agent("ann").SendAndClose(c, "The answer.")
		d.Settle()
		d.Pass(30 * time.Second)
		if gone.Hits() != 1 {
			t.Errorf("tried %d times within the first pause", gone.Hits())
		}
		gone.Remove()
		d.Pass(time.Hour)
		d.ExpectMails("The answer.", "auto:closed")
	})
}

// After four days the mail is given up, with the server's last words (R5).
func TestGiveUp(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "450 4.2.2 Mailbox full"})
		d.Agent("ann").Reply(c, "The answer.")
		for range 40 {
			d.Pass(3 * time.Hour)
		}
		m := d.Mails(c.ID)[0]
		if m.State != postroom.MailRefused || !strings.Contains(m.Words, "Mailbox full") || !strings.Contains(m.Words, "4 days") {
			t.Fatalf("%s %q", m.State, m.Words)
		}
		if n := d.CountEvents(c.ID, postroom.MailDelayed); n != 1 {
			t.Errorf("people were told %d times that it is late", n)
		}
	})
}

// A server that was gone for days spends no try of a mail: its first "later" is
// no reason to give up (R12).
func TestGoneForDaysIsNoTry(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		gone := d.Office.Program(postoffice.Fault{Phase: postoffice.Connect, Action: postoffice.Cut})
		d.Agent("ann").Reply(c, "The answer.")
		for range 10 {
			d.Pass(12 * time.Hour)
		}
		gone.Remove()
		d.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "450 4.2.0 Greylisted", Times: 1})
		d.Pass(time.Hour)
		d.Pass(time.Hour)
		d.ExpectMails("The answer.")
	})
}

// One recipient refused, one accepted: each has its own verdict, and the
// accepted one is never mailed again.
func TestPerRecipient(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Office.Program(postoffice.Fault{Match: postoffice.Match{To: "ole@customer.example"}, Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "550 5.1.1 No such user"})
		p := replyTo(c, "The answer.")
		p.Cc = []postroom.Address{{Address: "ole@customer.example"}}
		p.Status = postroom.Closed
		d.Agent("ann").Publish(p)
		d.Settle()
		// The customer got the reply, so the notice goes out.
		d.ExpectMails("The answer.", "auto:closed")
		m, err := d.Store.Read().Mail(d.Ctx, d.Mails(c.ID)[0].ID)
		if err != nil || m.State != postroom.MailRefused {
			t.Fatal(m.State, err)
		}
		for _, r := range m.Recipients {
			if want := map[string]postroom.MailState{"mara@customer.example": postroom.MailDone, "ole@customer.example": postroom.MailRefused}[r.Address]; r.State != want {
				t.Errorf("%s is %s", r.Address, r.State)
			}
		}
	})
}

// Cancel ends a waiting reply, its notice, and reopens.
func TestCancel(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "450 4.2.2 Mailbox full"})
		d.Agent("ann").SendAndClose(c, "The answer.")
		d.Settle()
		if err := d.Outbox.Cancel(d.Ctx, d.Agent("ann").Agent, d.Mails(c.ID)[0].ID); err != nil {
			t.Fatal(err)
		}
		d.Office.ClearFaults()
		d.Pass(24 * time.Hour)
		d.ExpectMails()
		if s := d.Conversation(c.ID).Status; s != postroom.Active {
			t.Errorf("the conversation is %s", s)
		}
	})
}

// A reply that is cancelled while the close is still to be judged: the notice
// is decided after the reply's end, and does not go out either (W25).
func TestCancelBeforeJudging(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		out := d.Agent("ann").SendAndClose(c, "The answer.")
		if err := d.Outbox.Cancel(d.Ctx, d.Agent("ann").Agent, out.MailIDs[0]); err != nil {
			t.Fatal(err)
		}
		d.Pass(time.Minute)
		d.ExpectMails()
		mails := d.Mails(c.ID)
		if len(mails) != 2 || mails[1].State != postroom.MailUndone || !strings.Contains(mails[1].Words, "the reply it follows failed") {
			t.Fatalf("%d mails, the notice is %s %q", len(mails), mails[len(mails)-1].State, mails[len(mails)-1].Words)
		}
		if s := d.Conversation(c.ID).Status; s != postroom.Active {
			t.Errorf("the conversation is %s", s)
		}
	})
}

// Retry all makes every deferred mail due, once; a member's press does not
// open a channel that an admin has to mend, and says why.
func TestRetryAll(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		later := d.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "450 4.2.2 Mailbox full"})
		d.Agent("ann").Reply(c, "The answer.")
		d.Settle()
		later.Remove()
		if n, err := d.Outbox.RetryAll(d.Ctx, d.Agent("ben").Agent, 0); err != nil || n != 1 {
			t.Fatal(n, err)
		}
		d.Settle()
		d.ExpectMails("The answer.")

		stop := d.Office.Program(postoffice.Fault{Phase: postoffice.Mail, Action: postoffice.Lie, Reply: "535 5.7.8 Bad credentials"})
		out := d.Agent("ann").Reply(c, "More.")
		d.Settle()
		stop.Remove()
		err := d.Outbox.Retry(d.Ctx, d.Agent("ben").Agent, out.MailIDs[0])
		if postroom.CodeOf(err) != postroom.Conflict || !strings.Contains(err.Error(), "Bad credentials") {
			t.Fatalf("a member retries on a stopped channel: %v", err)
		}
		if _, err := d.Outbox.RetryAll(d.Ctx, d.Agent("ben").Agent, 0); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		d.ExpectMails()
		if err := d.Outbox.Retry(d.Ctx, d.Agent("ann").Agent, out.MailIDs[0]); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		d.ExpectMails("More.")
	})
}

func expectAlarm(t *testing.T, d *desktest.Desk, kind alarm.Kind) {
	t.Helper()
	all, err := d.Alarms.List(d.Ctx)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, a := range all {
		if a.Kind == string(kind) && a.ClearedAt == 0 {
			n++
			if a.Words == "" || a.Remedy == "" {
				t.Errorf("alarm %s without words", kind)
			}
		}
	}
	if n != 1 {
		t.Errorf("%d alarms %s, not one", n, kind)
	}
}
