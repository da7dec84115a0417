package desktest_test

import (
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// W29, A5: a mail that a time set off answers what the wait began with. However
// long the wait was, and in however many steps, nothing is sent in answer to
// automatic mail, and the mail says so.
func TestTimerDoesNotAnswerAutomaticMail(t *testing.T) {
	t.Parallel()
	after := func(kind postroom.EventKind, then ...workflow.Action) workflow.Definition {
		return workflow.Definition{When: workflow.When{Event: kind, After: "3d"}, Then: then}
	}
	const auto = "Auto-Submitted: auto-replied\n"
	for _, x := range []struct {
		name, headers string
		flows         []workflow.Definition
		sent          bool
	}{
		{"a person wrote", "", []workflow.Definition{after(postroom.MessageReceived, reply("Are you still there?"))}, true},
		{"a machine wrote", auto, []workflow.Definition{after(postroom.MessageReceived, reply("Are you still there?"))}, false},
		{"a wait in the middle", auto, []workflow.Definition{on(postroom.MessageReceived, workflow.Action{Do: workflow.DoWait, For: "3d"}, reply("Are you still there?"))}, false},
		{"by what a wait has changed", auto, []workflow.Definition{
			after(postroom.MessageReceived, status(postroom.Pending)), after(postroom.StatusChanged, reply("Are you still there?"))}, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
				for _, f := range x.flows {
					d.AddWorkflow("Ask", f)
				}
				c := d.Receive("mara@customer.example", d.Mailbox.Address, d.Raw(desktest.Letter{From: "mara@customer.example", Subject: "Lamp", Body: "Broken.", Headers: x.headers}))
				for range x.flows {
					d.Pass(3 * 24 * time.Hour)
				}
				mails := d.Mails(c.ID)
				if len(mails) != 1 {
					t.Fatalf("%d mails", len(mails))
				}
				if x.sent {
					d.ExpectMails("auto:Are you still there?")
					return
				}
				d.ExpectMails()
				if m := mails[0]; m.State != postroom.MailBlocked || !strings.Contains(m.Words, "must not be answered automatically") {
					t.Errorf("the mail is %s: %q", m.State, m.Words)
				}
			})
		})
	}
}

// W29: nor does a mail that follows from what became of another: the way goes
// back to the machine's mail all the same. What a person began is no answer to a
// machine, however long ago.
func TestWhatBecameOfMailDoesNotAnswerAutomaticMail(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.AddWorkflow("Tell", on(postroom.MessageReceived, workflow.Action{Do: workflow.DoMail, To: []string{"boss@other.example"}, Text: "New."}))
		d.AddWorkflow("Told", on(postroom.MailAccepted, reply("We have told the boss.")))
		c := d.Receive("mara@customer.example", d.Mailbox.Address, d.Raw(desktest.Letter{From: "mara@customer.example", Subject: "Lamp", Body: "Broken.", Headers: "Auto-Submitted: auto-replied\n"}))
		d.Settle()
		for _, m := range d.Mails(c.ID) {
			if !m.Aside && (m.State != postroom.MailBlocked || !strings.Contains(m.Words, "must not be answered automatically")) {
				t.Errorf("the mail is %s: %q", m.State, m.Words)
			}
		}
		if n := d.CountEvents(c.ID, postroom.MailSuppressed); n != 1 {
			t.Errorf("%d mails were suppressed", n)
		}
	})
}

// W23: how much one person gets is counted by person, as with customers: another
// detail behind the + is no other address.
func TestMailsToOthersAreCountedByPerson(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.AddWorkflow("Tell", on(postroom.MessageReceived,
			workflow.Action{Do: workflow.DoMail, To: []string{"boss+lamps@other.example", "boss+all@other.example"}, Text: "New."}))
		d.Write(func(tx *store.Tx) error {
			for range 99 {
				if _, err := tx.AddSharedRate(d.Ctx, "brk:aside:boss@other.example", 1, d.Store.Now(), (10 * time.Minute).Milliseconds(), 100); err != nil {
					return err
				}
			}
			return nil
		})
		c := firstMail(d)
		d.Settle()
		expect(t, "the hundredth", d.Mails(c.ID)[0].State, postroom.MailDone)
		c = firstMail(d)
		d.Settle()
		m := d.Mails(c.ID)[0]
		if m.State != postroom.MailKept || !strings.Contains(m.Words, "more than 100 automatic mails") {
			t.Errorf("the hundred and first is %s: %q", m.State, m.Words)
		}
	})
}
