package desktest_test

import (
	"strings"
	"testing"

	"postroom"
	. "postroom/internal/desktest"
	"postroom/internal/store"
)

// TestAnswersToRealNotifications: what the desk itself tells an agent by mail
// can be answered from every mail program, with nothing of it left in what the
// customer gets.
func TestAnswersToRealNotifications(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		d.NotifyByMail()
		d.ClosingNotice()
		toAnn := func() Mail {
			t.Helper()
			for _, m := range d.Arrived() {
				if m.To == "ann@acme.example" {
					return m
				}
			}
			t.Fatal("Ann was told nothing by mail")
			return Mail{}
		}
		for _, shape := range d.ClientShapes() {
			c := d.CustomerWrites("Jane <"+shape+"@customer.example>", "Printer "+shape, "It burns.\nWhat shall I do?")
			d.Agent("ben").AddNote(c, "She is a difficult customer, do not offer a refund.")
			d.Agent("ben").Assign(c, d.Agent("ann").ID)
			d.Settle()
			told := toAnn()
			in := d.AgentAnswers(AnswerLetter{To: told, Shape: shape, Text: "@close\n\nDear Jane,\npull the plug."})
			if in.State != store.InboundDone {
				t.Errorf("%s: the answer is %s: %s", shape, in.State, in.Words)
				continue
			}
			got := d.ExpectMails("pull the plug.", "auto:closed")
			for _, secret := range []string{"difficult", "@close", "@assign", "answer above", "Open the conversation", "What shall I do"} {
				if strings.Contains(got[0].Text+got[0].HTML, secret) {
					t.Errorf("%s: the customer reads %q:\n%s", shape, secret, got[0].Text)
				}
			}
			if now := d.Conversation(c.ID); now.Status != postroom.Closed {
				t.Errorf("%s: it is %s", shape, now.Status)
			}
			// The customer's thanks opens it again and tells Ann, who closes without
			// a word.
			d.CustomerAnswers(got[0], "Thank you!")
			in = d.AgentAnswers(AnswerLetter{To: toAnn(), Shape: shape, Text: "@close"})
			if in.State != store.InboundDone || in.MessageID != 0 {
				t.Errorf("%s: the second answer is %s: %s", shape, in.State, in.Words)
			}
			d.ExpectMails("auto:closed")
		}
	})
}
