package desktest_test

import (
	"strings"
	"testing"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/directory"
)

// What a mailbox adds to its mail: whose name stands there, a signature that
// knows who writes, its own headers on replies and notices; and who has a
// hidden copy stands in no header (O5, O7, S5).
func TestWhatAMailboxAddsToItsMail(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		d.ChangeMailbox(d.Mailbox, func(m *postroom.Mailbox) {
			m.Name, m.SenderName, m.SenderForm = "Support", "Brightwater", postroom.SenderBoth
			m.Headers = []postroom.HeaderField{{Name: "X-Team", Value: "Häfen"}}
			m.Signature = "<p>{{ agent.name }} <i>of {{ mailbox.name }}</i></p>"
		})
		c := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		d.Agent("ann").Publish(desk.Publish{ConversationID: c.ID, Kind: postroom.Reply, HTML: "<p>On its way.</p>", Status: postroom.Closed, Path: postroom.PathSend,
			To: []postroom.Address{{Address: "mara@customer.example"}}, Bcc: []postroom.Address{{Address: "archive@acme.example"}}})
		d.Settle()
		mails := d.ExpectMails("On its way.", "auto:")
		reply, notice := mails[0], mails[1]
		if !strings.Contains(reply.To, "archive@acme.example") || !strings.Contains(reply.To, "mara@customer.example") {
			t.Errorf("the reply went to %s", reply.To)
		}
		if strings.Contains(string(reply.Raw), "archive@acme.example") || reply.Header.Has("Bcc") {
			t.Error("the hidden copy can be seen in the mail")
		}
		if strings.Contains(notice.To, "archive") {
			t.Error("the notice went to the hidden copy too")
		}
		if !strings.Contains(strings.ReplaceAll(reply.Text, "\r\n", "\n"), "-- \nAnn of Support") || !strings.Contains(reply.HTML, "<i>of Support</i>") {
			t.Errorf("the signature is not filled in:\n%s", reply.Text)
		}
		for _, c := range []struct {
			mail desktest.Mail
			name string
		}{{reply, "Ann at Brightwater"}, {notice, "Brightwater"}} {
			from, err := c.mail.Header.AddressList("From")
			if err != nil || from[0].Name != c.name || from[0].Address != d.Mailbox.Address {
				t.Errorf("from %v (%v), want %s", from, err, c.name)
			}
			if got, err := c.mail.Header.Text("X-Team"); err != nil || got != "Häfen" {
				t.Errorf("the mailbox's own header is %q, %v", got, err)
			}
		}
	})
}

// A header that got into the mailbox by another way than its form is refused
// where the bytes are built: nothing forged leaves.
func TestAForgedHeaderOfAMailboxDoesNotLeave(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ChangeMailbox(d.Mailbox, func(m *postroom.Mailbox) {
			m.Headers = []postroom.HeaderField{{Name: "X-Team", Value: "Harbour\r\nBcc: thief@example.org"}}
		})
		c := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		d.Agent("ann").Reply(c, "Hello.")
		d.Settle()
		d.ExpectMails()
		if m := d.Mails(c.ID); len(m) != 1 || m[0].State != postroom.MailRefused || !strings.Contains(m[0].Words, "line break") {
			t.Errorf("the mail is %+v", m[0])
		}
	})
}

// A mailbox that is switched off sends nothing and takes nothing in; what
// waited goes when it is switched on again.
func TestAMailboxThatIsSwitchedOff(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		people := directory.New(directory.Options{Store: d.Store})
		ann := d.Agent("ann")
		if err := people.SwitchMailbox(d.Ctx, d.Agent("ben").Agent, d.Mailbox.ID, false); postroom.CodeOf(err) != postroom.Forbidden {
			t.Errorf("an agent switches it off: %v", err)
		}
		for range 2 { // the second time changes nothing
			if err := people.SwitchMailbox(d.Ctx, ann.Agent, d.Mailbox.ID, false); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Desk.KnowsRecipient(d.Ctx, d.Mailbox.Address); postroom.CodeOf(err) != postroom.Busy {
			t.Errorf("a sender's server hears %v, and must hear to try again", err)
		}
		ann.Reply(c, "On its way.")
		d.Settle()
		d.ExpectMails()
		if err := people.SwitchMailbox(d.Ctx, ann.Agent, d.Mailbox.ID, true); err != nil {
			t.Fatal(err)
		}
		if err := d.Desk.KnowsRecipient(d.Ctx, d.Mailbox.Address); err != nil {
			t.Errorf("switched on again: %v", err)
		}
		d.Settle()
		d.ExpectMails("On its way.")
	})
}
