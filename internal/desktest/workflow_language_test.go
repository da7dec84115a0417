package desktest_test

import (
	"testing"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/workflow"
)

// W10: a customer whose mail names its language is answered in it; one whose mail
// names none, or several, gets the text for everybody.
func TestAnsweredInTheCustomersLanguage(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.AddWorkflow("Arrived", on(postroom.ConversationCreated, workflow.Action{Do: workflow.DoReply, Text: "It has arrived.",
			Texts: map[string]string{"de": "Ist angekommen, {%customer.firstName,fallback=guten Tag%}."}}))
		for headers, want := range map[string]string{
			"Content-Language: de-AT\n": "auto:Ist angekommen", "Content-Language: fr\n": "auto:It has arrived", "": "auto:It has arrived",
			"Content-Language: de, en\n": "auto:It has arrived",
		} {
			name := "c" + string(rune('a'+len(headers)))
			c := d.Receive(name+"@customer.example", d.Mailbox.Address, d.Raw(desktest.Letter{From: name + "@customer.example", Subject: "Lampe", Body: "Kaputt.", Headers: headers}))
			d.Settle()
			d.ExpectMails(want)
			if language := d.Customer(c).Language; headers == "Content-Language: de-AT\n" && language != "de-at" {
				t.Errorf("the customer's language is %q", language)
			}
		}
	})
}
