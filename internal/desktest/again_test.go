package desktest_test

import (
	"strings"
	"testing"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/postoffice"
)

// A mail that is sent again leaves by the server of the address it bears, even
// if its conversation was moved to another mailbox since.
func TestSentAgainAfterAMove(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann, sales := d.Agent("ann"), d.AddMailbox("Sales", "sales@acme.example", nil)
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Office.Program(postoffice.Fault{Match: postoffice.Match{To: "mara@customer.example"}, Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "550 5.1.1 No such user", Times: 1})
		ann.Reply(c, "The answer.")
		d.Settle()
		if _, err := d.Desk.Move(d.Ctx, ann.Agent, c.ID, sales.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		if err := d.Outbox.SendAgain(d.Ctx, ann.Agent, d.Mails(c.ID)[0].ID); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		got := d.ExpectMails("The answer.")[0]
		for _, m := range d.Mails(c.ID) {
			if m.MailboxID != d.Mailbox.ID || !strings.Contains(got.From, "support@acme.example") {
				t.Errorf("a mail from %s left mailbox %d by the server of mailbox %d", got.From, d.Mailbox.ID, m.MailboxID)
			}
		}
	})
}

// A notification that failed is not sent again to an agent who may not see the
// conversation any more; what went back to an agent can be.
func TestNotificationsSentAgain(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann := d.Agent("ann")
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		told := d.Notify("ben", c)
		d.Office.Program(postoffice.Fault{Match: postoffice.Match{To: "ben@acme.example"}, Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "550 5.1.1 No such user", Times: 1})
		d.AgentAnswers(desktest.AnswerLetter{To: told, Text: "@clsoe"})
		mails := d.Mails(c.ID)
		back := mails[len(mails)-1]
		if back.State != postroom.MailRefused || back.AgentID == 0 {
			t.Fatalf("what went back: %s", back.State)
		}
		d.SQL("delete from mailbox_agent where agent_id = $1", d.Agent("ben").ID)
		if err := d.Outbox.SendAgain(d.Ctx, ann.Agent, back.ID); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("Ben is told again of what he may not see: %v", err)
		}
		d.Settle()
		d.ExpectMails()
		d.SQL("insert into mailbox_agent (mailbox_id, agent_id) values ($1, $2)", d.Mailbox.ID, d.Agent("ben").ID)
		if err := d.Outbox.SendAgain(d.Ctx, ann.Agent, back.ID); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		d.ExpectMails("auto:@clsoe")
		if err := d.Outbox.SendAgain(d.Ctx, ann.Agent, back.ID); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("it is sent twice: %v", err)
		}
	})
}
