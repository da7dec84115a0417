package web_test

import (
	"fmt"
	"net/url"
	"testing"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/workflow"
)

// What somebody who may only write workflows of a mailbox sees: their pages, with
// publishing explained and refused, and nothing of other mailboxes.
func TestWhoMayOnlyWriteWorkflows(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		ann, ben := o.browser("ann"), o.browser("ben")
		notice := d.Shipped(workflow.KeyClosingNotice)
		ben.get("/workflows").want(t, 403, "without the right")
		if ben.get("/palette?q=Workflows").find("href", "/workflows") != nil {
			t.Error("the palette leads to workflows")
		}

		// An admin gives the right on the agent's page.
		agent := d.Agent("ben").Agent
		path := fmt.Sprintf("/agents/%d", agent.ID)
		flows := fmt.Sprintf("flows_%d", d.Mailbox.ID)
		form := url.Values{"name": {agent.Name}, "email": {agent.Email}, "role": {"agent"}, fmt.Sprintf("right_%d", d.Mailbox.ID): {"answer"}, flows: {"draft"}}
		ann.post(path, form).want(t, 303, "give the right")
		if page := ann.get(path); chosenOf(page.find("name", flows)) != "draft" {
			t.Error("the agent's page does not show the right")
		}
		form.Set(fmt.Sprintf("own_%d", d.Mailbox.ID), "1")
		if page := ann.post(path, form).want(t, 422, "only theirs"); !page.has("cannot write workflows") {
			t.Error("it is not said why somebody who sees only what is theirs cannot write workflows")
		}

		// They find them, read the one for all mailboxes, and may not touch it.
		if page := ben.get("/workflows").want(t, 200, "the list"); !page.has("Tell the customer it is closed") || page.find("role", "switch") != nil || page.find("href", "/promises") != nil {
			t.Error("the list offers what is not theirs")
		}
		one := fmt.Sprintf("/workflows/%d", notice)
		if page := ben.get(one).want(t, 200, "one for all"); !page.has("Somebody who may change it: ") || page.find("id", "f-template") != nil {
			t.Error("the page of one for all mailboxes is not for reading alone")
		}
		ben.get(one+"/edit").want(t, 403, "its editor")
		ben.get(one+"/judgements").want(t, 403, "what it said")
		ben.get(one+"/backtest").want(t, 403, "its backtests")
		ben.post(one+"/switch", url.Values{"on": {"0"}}).want(t, 403, "its switch")
		ben.get("/webhooks").want(t, 403, "webhooks")

		// They write one, and are told whom to ask.
		id := ben.began("")
		edit, draft := fmt.Sprintf("/workflows/%d/edit", id), fmt.Sprintf("/workflows/%d/draft", id)
		page := ben.get(edit).want(t, 200, "the editor")
		if !page.has("ask somebody who may: ") || !page.has("Ann") || page.find("value", "publish") != nil {
			t.Errorf("publishing is not explained")
		}
		f := page.formOf(t, "editor")
		f.Set("name", "Orders")
		f.Set("when.event", string(postroom.ConversationCreated))
		f.Set("do", "save")
		ben.post(draft, f).want(t, 303, "save")
		f = ben.get(edit).formOf(t, "editor")
		f.Set("do", "add then note")
		ben.post(draft, f).want(t, 303, "add")
		f = ben.get(edit).formOf(t, "editor")
		f.Set("then[0].text", "An order.")
		f.Set("do", "publish")
		if page := ben.post(draft, f).want(t, 403, "publish"); !page.has("Ask somebody who may: ") {
			t.Errorf("the refusal says %.300s", page.body)
		}

		// An admin publishes; they read what it says and try it, and cannot word it.
		f = ann.get(edit).formOf(t, "editor")
		f.Set("do", "publish")
		ann.post(draft, f).want(t, 303, "an admin publishes")
		c := d.CustomerWrites("mara@customer.example", "A lamp", "It smokes.")
		d.Settle()
		theirs := fmt.Sprintf("/workflows/%d", id)
		if page := ben.get(theirs).want(t, 200, "their page"); !page.has("You may write and try drafts of this workflow.") || page.find("action", theirs+"/switch") != nil {
			t.Error("their workflow's page offers to switch it")
		}
		if page := ben.get(theirs+"/judgements").want(t, 200, "what theirs said"); !page.has("A lamp") {
			t.Error("what their workflow said is not shown")
		}
		begun := ben.post(theirs+"/backtest", url.Values{"of": {"published"}, "days": {"30"}}).want(t, 303, "a backtest").header.Get("Location")
		d.Settle()
		if page := ben.get(begun).want(t, 200, "the backtest"); !page.has("A lamp") {
			t.Error("the backtest does not list it")
		}
		why := ben.get(fmt.Sprintf("/conversations/%d/why", c.Number)).want(t, 200, "why")
		if why.find("href", theirs) == nil {
			t.Error("Why? does not lead to their workflow")
		}
		for _, act := range []string{"/publish", "/versions/1/restore", "/rename", "/delete", "/move", "/switch"} {
			if r := ben.post(theirs+act, url.Values{"template": {"x"}, "name": {"x"}, "on": {"0"}}); r.status != 403 {
				t.Errorf("%s: %d", act, r.status)
			}
		}

		// What was moved to a mailbox they may not see is not shown to them.
		press := d.AddMailbox("Press", "press@desk.example", nil)
		if _, err := d.Desk.Move(d.Ctx, d.Agent("ann").Agent, c.ID, press.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		for _, at := range []string{theirs + "/judgements", begun} {
			if page := ben.get(at).want(t, 200, at); page.has("A lamp") || !page.has("in a mailbox that you do not see") {
				t.Errorf("%s shows a conversation that was moved away", at)
			}
			if page := ann.get(at).want(t, 200, at); !page.has("A lamp") {
				t.Errorf("%s does not show an admin what was moved", at)
			}
		}
	})
}
