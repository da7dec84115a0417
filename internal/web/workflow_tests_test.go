package web_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"postroom"
	"postroom/internal/desktest"
)

// Tests are written, tried, kept, shown in the editor and taken away by forms
// alone; a red one keeps a version back until it is published anyway (W36).
func TestTestsOfAWorkflowOnThePages(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		ann := o.browser("ann")
		id := ann.began("tag-by-subject")
		edit, draft, tests := fmt.Sprintf("/workflows/%d/edit", id), fmt.Sprintf("/workflows/%d/draft", id), fmt.Sprintf("/workflows/%d/tests/new", id)
		press := func(do string, change func(url.Values)) answer {
			t.Helper()
			f := ann.get(edit).want(t, 200, "editor").formOf(t, "editor")
			if change != nil {
				change(f)
			}
			f.Set("do", do)
			return ann.post(draft, f)
		}
		press("save", func(f url.Values) {
			f.Set("name", "Orders")
			f.Set("if[0].values", "order")
			f.Set("then[0].do", "note")
			f.Set("then[0].text", "An order.")
		}).want(t, 303, "save")
		if page := ann.get(tests).want(t, 200, "a new test"); !strings.Contains(page.body, "event: conversation.created") {
			t.Errorf("nothing is proposed: %.600s", page.body)
		}
		text := "name: Orders get a note\ngiven:\n  conversation.subject: My order\nwhen: {event: conversation.created}\nexpect:\n  verdict: matched\n  effects:\n    - {do: note, contains: An order}\n"
		wrong := ann.post(tests, url.Values{"do": {"save"}, "text": {strings.Replace(text, "expect", "expects", 1)}}).want(t, 422, "a faulty test")
		if !wrong.has("Line 5, column 1: There is no field \"expects\" here; did you mean \"expect\"?") || !strings.Contains(wrong.body, "Orders get a note") {
			t.Errorf("it says %.900s", wrong.body)
		}
		red := strings.Replace(text, "An order}", "A refund}", 1)
		if r := ann.post(tests, url.Values{"do": {"try"}, "text": {red}}).want(t, 422, "try"); !r.has("a text that contains \"A refund\"") {
			t.Errorf("trying says %.900s", r.body)
		}
		if rows, err := d.Store.Read().WorkflowTests(d.Ctx, id); err != nil || len(rows) != 0 {
			t.Errorf("trying has stored %v, %v", rows, err)
		}
		ann.post(tests, url.Values{"do": {"save"}, "text": {strings.ReplaceAll(red, "\n", "\r\n")}}).want(t, 303, "keep")
		if page := ann.get(edit); !page.has("Orders get a note") || !page.has("1 of 1 test red") {
			t.Error("the editor does not show the red test")
		}
		if r := press("publish", nil).want(t, 422, "publish with a red test"); !r.has("1 of 1 tests are red") || r.find("value", "publish-anyway") == nil {
			t.Error("publishing is not refused with a way on")
		}
		press("publish-anyway", nil).want(t, 303, "publish anyway")
		rows, err := d.Store.Read().WorkflowTests(d.Ctx, id)
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		one := fmt.Sprintf("/workflows/%d/tests/%d", id, rows[0].ID)
		ann.post(one, url.Values{"do": {"save"}, "text": {text}}).want(t, 303, "mend")
		if page := ann.get(edit); !page.has("All green") {
			t.Error("the mended test is not green")
		}
		press(fmt.Sprintf("untest %d", rows[0].ID), nil).want(t, 303, "delete in the editor")
		ann.get(one).want(t, 404, "what is deleted")
		o.browser("ben").get(tests).want(t, 403, "a member")
	})
}

// "Keep as a test" on Why? shows a test without the person and stores nothing.
func TestWhyKeepsAMomentAsATest(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		ann := o.browser("ann")
		id := ann.began("tag-by-subject")
		f := ann.get(fmt.Sprintf("/workflows/%d/edit", id)).formOf(t, "editor")
		f.Set("name", "Orders")
		f.Set("if[0].values", "Order")
		f.Set("then[0].do", "note")
		f.Set("then[0].text", "An order.")
		f.Set("do", "publish")
		ann.post(fmt.Sprintf("/workflows/%d/draft", id), f).want(t, 303, "publish")
		c := d.CustomerWrites("Zacharias Quux <zacharias@quux.example>", "Order 4711", "My PIN is 0815.")
		d.Settle()
		events, err := d.Store.Read().EventsOfKind(d.Ctx, c.ID, postroom.ConversationCreated, 1)
		if err != nil || len(events) != 1 {
			t.Fatal(events, err)
		}
		link := fmt.Sprintf("/workflows/%d/tests/new?event=%d", id, events[0].ID)
		why := ann.get(fmt.Sprintf("/conversations/%d/why", c.Number)).want(t, 200, "why")
		if why.find("href", link) == nil {
			t.Error("Why? does not offer to keep it as a test")
		}
		page := ann.get(link).want(t, 200, "pin")
		if !page.has("conversation.subject: A subject Order") || !page.has("Green") || strings.Contains(page.body, "Quux") || strings.Contains(page.body, "4711") {
			t.Errorf("the pinned test is %.1500s", page.body)
		}
		if rows, err := d.Store.Read().WorkflowTests(d.Ctx, id); err != nil || len(rows) != 0 {
			t.Errorf("looking has stored %v, %v", rows, err)
		}
	})
}
