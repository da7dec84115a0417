package web_test

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"postroom"
	"postroom/internal/desktest"
)

// TestConflictsAreNamed is the founding promise: the workflows' page says which
// of them do not go well together, by name; and a wording is read on a real
// conversation before it is published.
func TestConflictsAreNamed(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		first := d.ClosingNotice()
		ann := o.browser("ann")
		if page := ann.get("/workflows").want(t, 200, "one workflow"); page.has("to look at") {
			t.Error("one workflow alone is warned of")
		}
		second := d.ClosingNotice()
		page := ann.get("/workflows").want(t, 200, "two workflows")
		for _, text := range []string{"to look at", "Two mails to the customer"} {
			if !page.has(text) {
				t.Errorf("the page does not say %q", text)
			}
		}
		for _, id := range []int64{first, second} {
			if page.find("href", fmt.Sprintf("/workflows/%d", id)) == nil {
				t.Errorf("workflow %d is not linked", id)
			}
		}

		c := d.CustomerWrites("Mara Lind <mara@example.org>", "Lamp broken", "It does not light.")
		path := fmt.Sprintf("/workflows/%d/preview", first)
		preview := func(number string) answer {
			return ann.post(path, url.Values{"template": {"Number {{ conversation.number }} for {{ customer.first_name | default: \"you\" }}."}, "number": {number}}).want(t, 422, "preview")
		}
		// The sender is not proven, so the mail would not repeat the name given.
		if got := preview(strconv.FormatInt(c.Number, 10)); !got.has(fmt.Sprintf("Number %d for you.", c.Number)) || !got.has("Lamp broken") {
			i := strings.Index(got.body, `id="sample"`)
			t.Errorf("the preview is not that of the conversation: %.900s", got.body[max(i, 0):])
		}
		if got := preview(""); got.has("Lamp broken") || !got.has("for an invented customer") {
			t.Error("without a number the preview is not that of an invented conversation")
		}
		for _, number := range []string{"4711", "nonsense"} {
			if got := preview(number); got.find("id", "error-number") == nil {
				t.Errorf("%q is not refused at its field", number)
			}
		}
	})
}

// TestTheListBesideIsTheConversationsOwn: a link that names no list.
func TestTheListBesideIsTheConversationsOwn(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, "sqlite")
	o := open(t, d)
	ann := o.browser("ann")
	c := d.CustomerWrites("Mara Lind <mara@example.org>", "Lamp broken", "It does not light.")
	beside := func(folder string) {
		t.Helper()
		page := ann.get(conversationPath(c, "")).want(t, 200, "conversation")
		if got := attribute(page.find("id", "list"), "data-folder"); got != folder {
			t.Errorf("beside it stands %q, not %q", got, folder)
		}
		if attribute(page.find("id", "folder-0-"+folder), "aria-current") != "page" {
			t.Errorf("the folder %s is not marked", folder)
		}
		if want := conversationPath(c, "?folder="+folder); attribute(page.find("name", "return"), "value") != want {
			t.Errorf("an act on the page would not come back to %s", want)
		}
	}
	beside("unassigned")
	ann.post(conversationPath(c, "/assign"), url.Values{"assignee": {strconv.FormatInt(d.Agent("ann").ID, 10)}}).want(t, 303, "assign")
	beside("mine")
	ann.post(conversationPath(c, "/assign"), url.Values{"assignee": {strconv.FormatInt(d.Agent("ben").ID, 10)}}).want(t, 303, "assign")
	beside("assigned")
	ann.post(conversationPath(c, "/status"), url.Values{"status": {string(postroom.Closed)}}).want(t, 303, "close")
	beside("closed")
	ann.post(conversationPath(c, "/status"), url.Values{"status": {string(postroom.Spam)}}).want(t, 303, "spam")
	beside("spam")
}

// TestSomebodyNewIsConfirmedWhereTheyWrote: who answers with a conversation's
// token but was no part of it is asked about on the page, once (T9).
func TestSomebodyNewIsConfirmedWhereTheyWrote(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, "sqlite")
	o := open(t, d)
	ann := o.browser("ann")
	c := d.CustomerWrites("Mara Lind <mara@example.org>", "Lamp broken", "It does not light.")
	d.Agent("ann").Reply(c, "Please try another bulb.")
	d.Settle()
	m := d.ExpectMails("Please try another bulb.")[0]
	d.Accept("eve@elsewhere.example", []string{m.ReplyTo}, d.Raw(desktest.Letter{From: "Eve <eve@elsewhere.example>", To: m.ReplyTo, Subject: "Re: Lamp broken", Body: "Send it to me instead."}))
	d.Settle()

	page := ann.get(conversationPath(c, "")).want(t, 200, "before")
	if page.find("action", conversationPath(c, "/confirm")) == nil || page.has("Unverified new participant") {
		t.Fatal("the page does not ask about the new one, or says it twice")
	}
	if attribute(page.find("name", "address"), "value") != "eve@elsewhere.example" {
		t.Error("another address would be confirmed")
	}
	ann.post(conversationPath(c, "/confirm"), url.Values{"address": {"eve@elsewhere.example"}}).want(t, 303, "confirm")
	if page = ann.get(conversationPath(c, "")); page.find("action", conversationPath(c, "/confirm")) != nil {
		t.Error("it asks again after the answer")
	}
	if p := d.Participants(c.ID); !slices.Contains(p, "eve@elsewhere.example") {
		t.Errorf("participants %v", p)
	}
}
