package web_test

import (
	"net/url"
	"strconv"
	"strings"
	"testing"

	"postroom"
	"postroom/internal/desktest"
)

// A conversation is given to another customer, who is looked for or new; what
// cannot be stands where it was typed.
func TestGivingToAnotherCustomer(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		s := open(t, d)
		c := d.CustomerWrites("Bob <bob@customer.example>", "Lamp", "Broken.")
		other := d.CustomerWrites("Carol 100% <carol@customer.example>", "Chair", "Broken too.")
		hidden := d.AddMailbox("Press", "press@acme.example", nil)
		far := d.Receive("caspar@customer.example", hidden.Address, d.Raw(desktest.Letter{From: "Caspar <caspar@customer.example>", To: hidden.Address, Subject: "News", Body: "Where?"}))
		ann, ben := s.browser("ann"), s.browser("ben")
		ask := func(who *browser, text string) answer {
			return who.get(conversationPath(c, "/customer?q="+url.QueryEscape(text))).want(t, 200, "search "+text)
		}
		if r := ann.get(conversationPath(c, "")); !strings.Contains(r.body, conversationPath(c, "/customer")) {
			t.Error("no way to it from the conversation")
		}
		if r := ask(ann, ""); !r.has("Whose is it?") || !r.has("Bob’s now") {
			t.Error("the page does not say what it is for")
		}
		for _, text := range []string{"car", "CAROL", "carol@customer.example", "100%"} {
			if r := ask(ann, text); !strings.Contains(r.body, `aria-label="Give it to Carol 100%"`) || r.has("caspar@") || strings.Contains(r.body, "give-name") {
				t.Errorf("%s does not find her: %s", text, r.body)
			}
		}
		if r := ask(ann, "caspar"); !r.has("Caspar") {
			t.Error("an admin does not find all")
		}
		if r := ask(ben, "caspar"); r.has("Caspar") || !r.has("Nobody is called that") {
			t.Error("Ben finds somebody who wrote where he may not look")
		}
		if r := ask(ann, "%"); !r.has("Nobody is called that") {
			t.Error("a wildcard finds somebody")
		}
		form := url.Values{"address": {"support@acme.example"}, "q": {"support@acme.example"}, "path": {"menu"}}
		refused := ann.post(conversationPath(c, "/customer/give"), form).want(t, 303, "one of ours")
		if r := ann.get(refused.header.Get("Location")); !r.has("one of our own addresses") || !strings.Contains(r.body, `value="support@acme.example"`) {
			t.Errorf("what was refused leads to %s", refused.header.Get("Location"))
		}
		ann.post(conversationPath(c, "/customer/give"), url.Values{"customer": {strconv.FormatInt(other.CustomerID, 10)}, "path": {"keyboard"}}).want(t, 303, "to Carol")
		if now := d.Conversation(c.ID); now.CustomerID != other.CustomerID {
			t.Errorf("it is %d’s", now.CustomerID)
		}
		if r := ann.get(conversationPath(c, "")); !r.has("gave it from Bob to Carol 100%") {
			t.Error("the conversation does not say so")
		}
		if r := ask(ben, "new@customer.example"); !strings.Contains(r.body, "give-name") {
			t.Error("a new address cannot be chosen")
		}
		ben.post(conversationPath(c, "/customer/give"), url.Values{"address": {"new@customer.example"}, "name": {"Nora"}}).want(t, 303, "to somebody new")
		if r := ben.get(conversationPath(c, "")); !r.has("gave it from Carol 100% to Nora") {
			t.Error("the second change is not told")
		}
		if r := ben.get(conversationPath(far, "/customer?q=car")); r.status != 404 {
			t.Errorf("Ben searches for a conversation he may not see: %d", r.status)
		}
		events := d.EventsOf(c.ID, postroom.CustomerChanged)
		if len(events) != 2 || events[0].Path != postroom.PathKeyboard || events[1].Path != postroom.PathMenu {
			t.Errorf("events: %+v", events)
		}
	})
}
