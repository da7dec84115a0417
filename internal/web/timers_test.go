package web_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/workflow"
)

// W22: what waits shows on the conversation with what keeps it from running, and
// can be cancelled there; Why? tells of it before and after.
func TestTimerOnItsPages(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, "sqlite")
	id := d.AddWorkflow("Close the unanswered", workflow.Definition{
		When: workflow.When{Event: postroom.ReplySent, Actors: []postroom.ActorKind{postroom.ByAgent}, After: "7d",
			Unless: []workflow.Unless{{Event: postroom.MessageReceived, Actors: []postroom.ActorKind{postroom.ByCustomer}}}},
		Then: []workflow.Action{{Do: workflow.DoStatus, Status: postroom.Closed}},
	})
	c := d.CustomerWrites("Mara Lind <mara@customer.example>", "Lamp broken", "It arrived broken.")
	other := d.CustomerWrites("Mara Lind <mara@customer.example>", "Another", "Broken too.")
	for _, x := range []*postroom.Conversation{c, other} {
		d.Agent("ann").Reply(x, "Have you tried another bulb?")
	}
	d.Settle()
	o := open(t, d)
	ann := o.browser("ann")
	at, why := fmt.Sprintf("/conversations/%d", c.Number), fmt.Sprintf("/conversations/%d/why", c.Number)
	cancel := fmt.Sprintf("%s/timers/%d/cancel", at, d.Timers(c.ID, id)[0].ID)
	page := ann.get(at).want(t, 200, "the conversation")
	for _, s := range []string{"<strong>Closes</strong>", " unless the customer writes", cancel} {
		if !strings.Contains(page.body, s) {
			t.Errorf("the conversation does not say %q", s)
		}
	}
	if !ann.get(why).has("It is due") {
		t.Error("Why? does not say that it waits")
	}
	if !ann.get(fmt.Sprintf("/workflows/%d", id)).has("It waits on 2 conversations") {
		t.Error("the workflow does not say on how many it waits")
	}
	ann.post(cancel, url.Values{"return": {at}}).want(t, 303, "cancel")
	page = ann.get(at)
	if strings.Contains(page.body, "<strong>Closes</strong>") || !page.has("cancelled the wait of “Close the unanswered”") {
		t.Error("after cancelling, the conversation says otherwise")
	}
	if !ann.get(why).has("It would have been due") {
		t.Error("Why? does not say that it was cancelled")
	}
	d.Pass(7 * 24 * time.Hour)
	if !ann.get(fmt.Sprintf("/conversations/%d", other.Number)).has("The time came for “Close the unanswered”") {
		t.Error("the timeline does not say that the time came")
	}
	if !ann.get(fmt.Sprintf("/conversations/%d/why", other.Number)).has("What it said then") {
		t.Error("Why? does not lead to what it said when it was due")
	}
}

// W8, W14: waiting is chosen in the editor, with what keeps it from running; a
// new version says what becomes of those that wait, and switching off ends them.
func TestTimerInTheEditor(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, "sqlite")
	o := open(t, d)
	ann := o.browser("ann")
	id := ann.began("close-unanswered")
	edit, draft := fmt.Sprintf("/workflows/%d/edit", id), fmt.Sprintf("/workflows/%d/draft", id)
	page := ann.get(edit).want(t, 200, "the editor")
	for _, s := range []string{`name="when.after" value="7"`, `name="when.unless[0].event"`, `name="when.unless[1].to"`, `value="add when.unless"`} {
		if !strings.Contains(page.body, s) {
			t.Errorf("the editor has no %s", s)
		}
	}
	form := url.Values{"name": {"Close"}, "mailbox": {"0"}, "revision": {"1"}, "base": {"0"}, "when.event": {"reply.sent"}, "when.was": {"reply.sent"}, "when.wait": {"yes"},
		"when.after": {"soon"}, "when.unit": {"d"}, "then[0].do": {"note"}, "then[0].text": {"No answer."}, "do": {"publish"}}
	if !ann.post(draft, form).want(t, 422, "a wait of soon").has("is not a time to wait") {
		t.Error("the field does not say what is wrong")
	}
	form.Set("when.after", "3")
	form.Set("revision", "2")
	ann.post(draft, form).want(t, 303, "publish")
	reply := func() *postroom.Conversation {
		c := d.CustomerWrites("Mara Lind <mara@customer.example>", "Lamp broken", "It arrived broken.")
		d.Agent("ann").Reply(c, "Have you tried another bulb?")
		d.Settle()
		return c
	}
	publish := func(text, waiting string, version int) {
		t.Helper()
		form["then[0].text"], form["waiting"], form["revision"], form["base"] = []string{text}, []string{waiting}, []string{"0"}, []string{fmt.Sprint(version)}
		ann.post(draft, form).want(t, 303, "publish: "+waiting)
	}
	c := reply()
	if !ann.get(edit).has("1 conversation waits") {
		t.Error("the editor does not ask what becomes of the one that waits")
	}
	state := func() string {
		x := d.Timers(c.ID, id)[0]
		return fmt.Sprint(x.State, " ", x.Version, " ", (x.DueAt-x.ArmedAt)/(24*3600*1000))
	}
	publish("kept", "keep", 1)
	if got := state(); got != "waiting 1 3" {
		t.Errorf("kept: %s", got)
	}
	form.Set("when.after", "5")
	publish("moved", "move", 2)
	if got := state(); got != "waiting 3 5" {
		t.Errorf("moved: %s", got)
	}
	publish("ended", "cancel", 3)
	if got := state(); got != "cancelled 3 5" {
		t.Errorf("cancelled: %s", got)
	}
	c = reply()
	ann.post(fmt.Sprintf("/workflows/%d/switch", id), url.Values{"on": {"0"}}).want(t, 303, "switch off")
	if got := d.Timers(c.ID, id)[0]; got.State != postroom.TimerStopped || got.Words != "The workflow was switched off." {
		t.Errorf("switched off: %+v", got)
	}
}
