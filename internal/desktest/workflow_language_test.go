package desktest_test

import (
	"errors"
	"testing"

	"postroom"
	"postroom/internal/desk"
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

// TestLanguageSaidByAnAgent holds whatever a mail says, until it is taken back;
// the name too is not overwritten. Who may only read changes neither.
func TestLanguageSaidByAnAgent(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann := d.Agent("ann")
		writes := func(headers string) *postroom.Conversation {
			c := d.Receive("mara@customer.example", d.Mailbox.Address, d.Raw(desktest.Letter{From: "Mara <mara@customer.example>", Subject: "Lampe", Body: "Kaputt.", Headers: headers}))
			d.Settle()
			return c
		}
		c := writes("Content-Language: de\n")
		say := func(name, language string) {
			t.Helper()
			if err := d.Desk.EditCustomer(d.Ctx, ann.Agent, c.ID, desk.CustomerEdit{Name: name, Language: language}); err != nil {
				t.Fatal(err)
			}
		}
		say("Mara Lind", "FR")
		writes("Content-Language: it\n")
		if now := d.Customer(c); now.Language != "fr" || !now.LanguageSet || now.Name != "Mara Lind" {
			t.Errorf("an agent said French, and it is %+v", now)
		}
		say("Mara Lind", "")
		if now := d.Customer(c); now.Language != "" || now.LanguageSet {
			t.Errorf("taken back, it is %+v", now)
		}
		writes("Content-Language: it\n")
		say("Mara", "") // the name alone: what was learned stays
		if now := d.Customer(c); now.Language != "it" || now.LanguageSet || now.Name != "Mara" {
			t.Errorf("after the next mail it is %+v", now)
		}
		for field, e := range map[string]desk.CustomerEdit{"language": {Name: "Mara", Language: "x"}, "name": {Name: "Ma\nra"}} {
			var refused *postroom.Error
			if err := d.Desk.EditCustomer(d.Ctx, ann.Agent, c.ID, e); !errors.As(err, &refused) || refused.Code != postroom.Invalid || refused.Field != field {
				t.Errorf("%+v gets %v", e, err)
			}
		}
		reader := d.AddAgent("Rea", postroom.Member)
		d.SQL("update mailbox_agent set rights = 'see' where mailbox_id = $1 and agent_id = $2", d.Mailbox.ID, reader.ID)
		rea, err := d.Store.Read().Agent(d.Ctx, reader.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Desk.EditCustomer(d.Ctx, rea, c.ID, desk.CustomerEdit{Name: "Nobody"}); postroom.CodeOf(err) != postroom.Forbidden {
			t.Errorf("who may only read gets %v", err)
		}
	})
}
