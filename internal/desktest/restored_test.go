package desktest_test

import (
	"strings"
	"testing"

	"postroom"
	. "postroom/internal/desktest"
	"postroom/internal/store"
)

// TestRestoredDeskHoldsBack restores a desk on which a customer's mail and an
// agent's answer had arrived and were not filed, and of a note nobody had been
// told. The desk that was lost may have done all of that, so nothing of it
// happens before an admin says so; what is new goes on meanwhile.
func TestRestoredDeskHoldsBack(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		d.Shipped("acknowledge")
		ann, ben := d.Agent("ann"), d.Agent("ben")
		c := d.CustomerWrites("Jane <jane@customer.example>", "Printer", "It burns.")
		d.ExpectMails("auto:")
		ann.Assign(c, ben.ID)
		told := d.Notify("ann", c)
		ben.Read()
		story := len(d.Events(c.ID))

		d.Accept("joe@customer.example", []string{d.Mailbox.Address}, d.Raw(Letter{From: "joe@customer.example", Subject: "Lamp", Body: "It is dark."}))
		d.Accept("ann@acme.example", []string{told.ReplyTo}, AnswerLetter{To: told, Text: "@close\n\nPull the plug."}.Raw(d))
		ann.AddNote(c, "A case for you.")
		var held store.Held
		d.Write(func(tx *store.Tx) (err error) {
			held, err = tx.HoldBack(d.Ctx, "The desk was restored.", d.Store.Now())
			return err
		})
		d.Settle()
		if held.Received != 2 || held.Tellings != 1 || held.Mails != 0 {
			t.Errorf("held back are %+v", held)
		}
		d.ExpectMails()
		expectTold(t, d, "ben")
		if n := len(d.Events(c.ID)); n != story+1 || d.Conversation(c.ID).Status == postroom.Closed {
			t.Errorf("%d events became %d", story, n)
		}
		var kept []store.Inbound
		for _, in := range d.Inbounds() {
			if in.State == store.InboundKept {
				kept = append(kept, in)
			}
		}
		if len(kept) != 2 || kept[0].Words != "The desk was restored." {
			t.Fatalf("held back are %+v", kept)
		}
		list, total, err := d.Store.Read().HeldTellings(d.Ctx, 10)
		d.Must(err)
		if total != 1 || len(list) != 1 || list[0].Number != c.Number || list[0].Kind != postroom.NoteAdded {
			t.Errorf("held back are %+v", list)
		}

		// What is new goes on, in the same conversation too.
		ann.AddNote(c, "Hurry.")
		d.Settle()
		expectTold(t, d, "ben", "note 1")

		// Only an admin decides.
		for what, err := range map[string]error{
			"release": d.React.ReleaseInbound(d.Ctx, ben.Agent, kept[0].ID), "discard": d.React.DiscardInbound(d.Ctx, ben.Agent, 0),
			"notify": d.React.ReleaseTellings(d.Ctx, ben.Agent), "forget": d.React.DiscardTellings(d.Ctx, ben.Agent),
		} {
			if postroom.CodeOf(err) != postroom.Forbidden {
				t.Errorf("%s: %v", what, err)
			}
		}
		d.Must(d.React.ReleaseInbound(d.Ctx, ann.Agent, kept[0].ID))
		d.Settle()
		d.ExpectMails("auto:")
		if err := d.React.ReleaseInbound(d.Ctx, ann.Agent, kept[0].ID); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("released twice: %v", err)
		}
		d.Must(d.React.DiscardInbound(d.Ctx, ann.Agent, 0))
		d.Must(d.React.ReleaseTellings(d.Ctx, ann.Agent))
		d.Settle()
		expectTold(t, d, "ben", "note 1", "new 2")
		d.ExpectMails()
		first, err := d.Store.Read().Inbound(d.Ctx, kept[0].ID)
		d.Must(err)
		second, err := d.Store.Read().Inbound(d.Ctx, kept[1].ID)
		d.Must(err)
		if first.State != store.InboundDone || second.State != store.InboundDiscarded || !strings.Contains(second.Words, "Ann") || d.Conversation(c.ID).Status == postroom.Closed {
			t.Errorf("%s, %s: %s", first.State, second.State, second.Words)
		}
	})
}
