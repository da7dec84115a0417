package web_test

import (
	"fmt"
	"net/url"
	"testing"

	"postroom/internal/desktest"
	"postroom/internal/store"
)

// After a restore, an admin finds on the pages what is held back, and decides
// about it there; nobody else is asked.
func TestHeldBackOnThePages(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		c := d.CustomerWrites("mara@example.org", "Lamp", "Broken.")
		d.Agent("ann").Assign(c, d.Agent("ben").ID)
		d.Settle()
		for _, subject := range []string{"One", "Two"} {
			d.Accept("joe@example.org", []string{d.Mailbox.Address}, d.Raw(desktest.Letter{From: "Joe <joe@example.org>", Subject: subject, Body: "Hello."}))
		}
		d.Agent("ann").AddNote(c, "For you.")
		d.Write(func(tx *store.Tx) error {
			_, err := tx.HoldBack(d.Ctx, "The desk was restored.", d.Store.Now())
			return err
		})
		d.Settle()
		ann, ben := o.browser("ann"), o.browser("ben")
		if ben.get("/inbound?state=held").want(t, 200, "a member").find("action", "/inbound/held") != nil || ben.get("/queue").want(t, 200, "a member").find("id", "held-notifications") != nil {
			t.Error("a member is asked")
		}
		ben.post("/inbound/held", url.Values{"do": {"release"}}).want(t, 403, "a member releases")
		page := ann.get("/inbound?state=held").want(t, 200, "what is held back")
		if page.find("action", "/inbound/held") == nil || !page.has("Held back") {
			t.Error("an admin is not asked")
		}
		kept := d.LastInbound()
		one := fmt.Sprintf("/inbound/%d", kept.ID)
		if mail := ann.get(one).want(t, 200, "one of them"); mail.find("action", one+"/held") == nil || !mail.has("Two") || !mail.has("The desk was restored.") {
			t.Error("its page does not ask, or does not say what it is")
		}
		ann.post(one+"/held", url.Values{"do": {"nothing"}}).want(t, 303, "no decision")
		if in := d.LastInbound(); in.State != store.InboundKept {
			t.Errorf("no decision made it %s", in.State)
		}
		ann.post(one+"/held", url.Values{"do": {"discard"}}).want(t, 303, "discard one")
		ann.post("/inbound/held", url.Values{"do": {"release"}}).want(t, 303, "release the others")
		d.Settle()
		states := map[string]int{}
		for _, in := range d.Inbounds() {
			states[in.State]++
		}
		if states[store.InboundDone] != 2 || states[store.InboundDiscarded] != 1 || len(states) != 2 {
			t.Errorf("the received mails are %v", states)
		}
		if queue := ann.get("/queue").want(t, 200, "queue"); queue.find("id", "held-notifications") == nil {
			t.Error("the queue page does not ask about notifications")
		}
		ann.post("/queue/held", url.Values{"do": {"discard"}}).want(t, 303, "discard notifications")
		if queue := ann.get("/queue").want(t, 200, "queue"); queue.find("id", "held-notifications") != nil {
			t.Error("the queue page asks again")
		}
	})
}
