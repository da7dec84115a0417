package desktest_test

import (
	"testing"

	"postroom"
	"postroom/internal/dbtest"
	"postroom/internal/desk"
	"postroom/internal/desktest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// The founding promise: Send & Close gives two mails, the reply first (W26).
func TestSendAndClose(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		c := d.CustomerWrites("Mara Lind <mara@customer.example>", "Lamp broken", "It arrived broken.")
		out := d.Agent("ann").SendAndClose(c, "A new one is on its way.")
		d.Settle()
		d.ExpectMails("A new one is on its way.", "auto:closed")
		c = d.Conversation(c.ID)
		if c.Status != postroom.Closed || len(out.MailIDs) != 1 {
			t.Fatalf("status %s, %d mails of the act", c.Status, len(out.MailIDs))
		}
		if n := d.CountEvents(c.ID, postroom.StatusChanged); n != 1 {
			t.Fatalf("%d times status.changed", n)
		}
		for _, m := range d.Mails(c.ID) {
			if m.State != postroom.MailDone {
				t.Fatalf("mail %d is %s: %s", m.ID, m.State, m.Words)
			}
		}
	})
}

func replyTo(c *postroom.Conversation, text string) desk.Publish {
	return desk.Publish{ConversationID: c.ID, Kind: postroom.Reply, HTML: "<p>" + text + "</p>", Path: postroom.PathComposer}
}
