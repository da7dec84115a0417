package desktest_test

import (
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/postoffice"
)

// A “thank you” brings a closed conversation back; it is closed again, and the
// notice is not repeated. After a month it is.
func TestRecipeTellsACloseOnce(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.Recipe("closing-notice-once")
		c := d.CustomerWrites("Mara Lind <mara@customer.example>", "Lamp", "Broken.")
		d.Agent("ann").SendAndClose(c, "A new one is on its way.")
		d.Settle()
		reply := d.ExpectMails("A new one is on its way.", "auto:closed your request")[0]
		d.Pass(24 * time.Hour)
		d.CustomerAnswers(reply, "Thank you!")
		d.Settle()
		expect(t, "status after the thank-you", d.Conversation(c.ID).Status, postroom.Active)
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()
		d.ExpectMails()
		d.Pass(30 * 24 * time.Hour)
		d.Agent("ann").SetStatus(c, postroom.Active, postroom.PathMenu)
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()
		d.ExpectMails("auto:closed your request")
	})
}

// A reply that bounces: the conversation is open again and its agent is told.
func TestRecipeBringsAFailedReplyBack(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.Recipe("bounce-reopens")
		c := d.CustomerWrites("Mara Lind <mara@customer.example>", "Lamp", "Broken.")
		d.Agent("ann").Assign(c, d.Agent("ben").ID)
		d.Office.Program(postoffice.Fault{Match: postoffice.Match{To: "mara@customer.example"}, Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "550 5.1.1 No such user"})
		d.Agent("ann").Reply(c, "A new one is on its way.")
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()
		expect(t, "status after the bounce", d.Conversation(c.ID).Status, postroom.Active)
		told := 0
		for _, m := range d.Arrived() {
			if m.To == d.Agent("ben").Email && strings.HasSuffix(m.Subject, "Not delivered: Lamp") && m.Auto {
				told++
			}
		}
		if told != 1 {
			t.Errorf("the assignee was told %d times by the workflow, not once", told)
		}
	})
}

// What VIPs write is tagged, assigned and told at once, whatever stands below.
func TestRecipePutsVIPsFirst(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		vip := d.Tag("vip")
		d.Recipe("vip")
		d.Recipe("assign-in-turn")
		c := d.Receive("ceo@important.example", d.Mailbox.Address, d.Raw(desktest.Letter{From: "ceo@important.example", Subject: "Board", Body: "Now.", Headers: strings.ReplaceAll(verified, "customer.example", "important.example")}))
		other := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Settle()
		if got := d.Conversation(c.ID); len(got.Tags) != 1 || got.Tags[0] != vip || got.AssigneeID != d.Agent("ben").ID {
			t.Errorf("the VIP's conversation: %v, assignee %d\n%s", got.Tags, got.AssigneeID, d.Story(c.ID))
		}
		if got := d.Conversation(other.ID); len(got.Tags) != 0 || got.AssigneeID == 0 {
			t.Errorf("somebody else's: %v, assignee %d", got.Tags, got.AssigneeID)
		}
		told := 0
		for _, m := range d.Arrived() {
			if m.To == "seniors@example.org" && strings.HasPrefix(m.Subject, "VIP: ") {
				told++
			}
		}
		if told != 1 {
			t.Errorf("the seniors were told %d times, not once", told)
		}
	})
}

// Outside office hours a first mail is answered at once, within them not.
func TestRecipeAnswersOutsideOfficeHours(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.Recipe("acknowledge-off-hours") // it is Monday, 9:00
		d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Settle()
		d.ExpectMails()
		d.Pass(10 * time.Hour)
		d.CustomerWrites("lou@customer.example", "Lamp", "Broken too.")
		d.Settle()
		d.ExpectMails("auto:Our office is closed at the moment")
	})
}

// What comes on a Friday afternoon is late on Monday, not on Saturday; what an
// agent has answered is not late at all.
func TestRecipeTellsOfALateFirstAnswer(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.Recipe("escalate-first-answer")
		late := d.Tag("late")
		d.Pass(4*24*time.Hour + 6*time.Hour) // Friday, 15:00
		waits := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		answered := d.CustomerWrites("lou@customer.example", "Chair", "Broken.")
		d.Agent("ann").Reply(answered, "A new one is on its way.")
		d.Settle()
		d.ExpectMails("A new one is on its way.")
		d.Pass(2*24*time.Hour + 19*time.Hour) // Monday, 10:00: three hours of office time
		d.ExpectMails()
		d.Pass(time.Hour)
		mail := d.ExpectMails("auto:has waited for its first answer")[0]
		expect(t, "told", mail.To, "lead@example.org")
		expect(t, "tags of the late one", len(d.Conversation(waits.ID).Tags), 1)
		expect(t, "its tag", d.Conversation(waits.ID).Tags[0], late)
		expect(t, "tags of the other", len(d.Conversation(answered.ID).Tags), 0)
	})
}

// Run by hand, the customer is told of the next shift and it is nobody's again.
func TestRecipeHandsOver(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.Recipe("hand-over")
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Agent("ann").Assign(c, d.Agent("ann").ID)
		d.Settle()
		d.Agent("ann").Start(c, id, postroom.PathMenu)
		d.Settle()
		d.ExpectMails("auto:a colleague goes on with your request")
		expect(t, "assignee", d.Conversation(c.ID).AssigneeID, 0)
	})
}
