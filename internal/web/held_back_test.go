package web_test

import (
	"fmt"
	"strings"
	"testing"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/workflow"
)

// W27, W23: a mail that a budget holds back keeps the later ones of its chain
// waiting. Wherever one of them is shown, it says what it waits for and why.
func TestWhatWaitsForAHeldMailSaysSo(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.AddWorkflow("A first word", workflow.Definition{When: workflow.When{Event: postroom.StatusChanged, To: []string{"closed"}},
			Limits: workflow.Limits{MailBudget: 1}, Then: []workflow.Action{{Do: workflow.DoReply, Text: "We are about to close it."}}})
		d.ClosingNotice()
		first := d.CustomerWrites("Ole <ole@customer.example>", "Chair", "Broken.")
		c := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		for _, x := range []*postroom.Conversation{first, c} {
			d.Agent("ann").SetStatus(x, postroom.Closed, postroom.PathMenu)
			d.Settle()
		}
		mails := d.Mails(c.ID)
		if len(mails) != 2 || mails[0].State != postroom.MailKept || mails[1].State != postroom.MailHeld {
			t.Fatalf("%+v", mails)
		}
		ann := open(t, d).browser("ann")
		const why = "Waits for the mail before it, which somebody must release or discard: Held back: “A first word” has sent the one mail that it may send within a day."
		for _, path := range []string{"/mails?state=held", conversationPath(c, ""), conversationPath(c, "/why"), fmt.Sprintf("/mails/%d", mails[1].ID), "/queue"} {
			if page := ann.get(path).want(t, 200, path); !strings.Contains(page.words(), why) {
				t.Errorf("%s does not say what the mail waits for", path)
			}
		}
		parts, bad, _ := ann.get(conversationPath(c, "")).receipt(t)
		if len(parts) != 3 || !bad || !strings.HasPrefix(parts[2], "notice waits: the mail before it is held back: ") {
			t.Errorf("the receipt is %q, red: %t", parts, bad)
		}
		if words := ann.get(conversationPath(first, "")).words(); strings.Contains(words, "Waits for the mail before it") {
			t.Error("a mail that is gone waits for another")
		}
	})
}
