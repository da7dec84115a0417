package web_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/desktest"
)

// W38 on the pages: a promise is begun, written, refused at its field, published,
// broken with a trace, acknowledged, switched off and deleted, by forms alone.
func TestPromiseOnThePages(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		ann := o.browser("ann")
		ann.get("/promises").want(t, 200, "the empty list")
		ann.post("/promises", url.Values{}).want(t, 303, "begin")
		rows, err := d.Store.Read().Promises(d.Ctx)
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		id := rows[0].ID
		page := fmt.Sprintf("/promises/%d", id)
		press := func(do string, change func(url.Values)) answer {
			t.Helper()
			f := ann.get(page).want(t, 200, "the promise").formOf(t, "editor")
			if change != nil {
				change(f)
			}
			f.Set("do", do)
			return ann.post(page+"/draft", f)
		}
		if r := press("publish", func(f url.Values) { f.Set("within", "soon") }).want(t, 422, "without a name"); !r.has("A promise needs a name.") {
			t.Errorf("it says %.600s", r.body)
		}
		press("add if", nil).want(t, 303, "a condition")
		press("save", func(f url.Values) { f.Set("if[0].fact", "conversation.status") }).want(t, 303, "a fact")
		press("remove if[0]", nil).want(t, 303, "no condition")
		press("save", func(f url.Values) { f.Set("when.event", "status.changed") }).want(t, 303, "an event")
		press("save", func(f url.Values) {
			f.Set("when.to", "closed")
			f.Set("when.actors", "agent")
			f.Set("expect.what", "mail.workflow")
		}).want(t, 303, "a mail")
		if r := press("publish", func(f url.Values) { f.Set("name", "Closing"); f.Set("within", "soon") }).want(t, 422, "no span"); !r.has("Say within which time") {
			t.Errorf("it says %.600s", r.body)
		}
		press("publish", func(f url.Values) {
			f.Set("name", "Closing")
			f.Set("expect.times", "")
			f.Set("within", "2")
			f.Set("within.unit", "m")
		}).want(t, 303, "publish")
		if r := ann.get("/promises").want(t, 200, "the list"); !r.has("When the status changes to closed, by an agent: exactly one mail of a workflow to the customer within 2 minutes.") {
			t.Errorf("the list says %.3000s", r.body)
		}

		c := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()
		d.Pass(2 * time.Minute)
		if r := ann.get("/promises"); !r.has("Broken 1 time, and nobody has acknowledged it.") {
			t.Errorf("the list says %.3000s", r.body)
		}
		if r := ann.get(page); !r.has("No workflow that mails the customer listens for this.") || !strings.Contains(r.body, "#1 Lamp") {
			t.Errorf("the page says %.3000s", r.body)
		}
		if r := ann.get("/conversations/1/why"); !r.has("No workflow that mails the customer listens for this.") {
			t.Error("Why? says nothing of the promise")
		}
		if r := ann.get("/alarms"); !strings.Contains(r.body, `href="`+page+`#traces"`) {
			t.Error("the alarm does not lead to the promise")
		}
		// The conversation has a line, which leads admins to the trace.
		trace := fmt.Sprintf("%s?event=%d", page, d.EventsOf(c.ID, postroom.StatusChanged)[0].ID)
		line := "The promise “Closing” was broken. No workflow that mails the customer listens for this."
		if r := ann.get("/conversations/1"); !r.has(line) || !strings.Contains(r.body, `href="`+trace) {
			t.Error("the timeline does not lead to what was broken")
		}
		if r := ann.get(trace).want(t, 200, "the trace"); !strings.Contains(r.body, `id="trace-`+trace[strings.Index(trace, "=")+1:]+`"`) {
			t.Error("the trace is not where the line leads")
		}
		ben := o.browser("ben")
		if r := ben.get("/conversations/1"); !r.has(line) || strings.Contains(r.body, trace) {
			t.Error("a member reads something else, or is led where they may not go")
		}
		ben.post(page+"/seen", url.Values{}).want(t, 403, "a member")
		ann.post(page+"/seen", url.Values{}).want(t, 303, "acknowledge")
		if x := d.Alarm(string(alarm.PromiseBroken), ""); x != nil {
			t.Errorf("the alarm is open: %+v", x)
		}
		// A newer version, and back to the older one.
		press("publish", func(f url.Values) { f.Set("within", "4"); f.Set("within.unit", "bh") }).want(t, 303, "publish version 2")
		if r := ann.get(page); !r.has("within 4 business hours.") || !r.has("within 2 minutes.") {
			t.Error("the page does not have both versions")
		}
		if r := ann.get(page); !r.has("What version 2 changed") || !strings.Contains(r.body, "<del>Within 2 minutes</del>") || !strings.Contains(r.body, "<ins>Within 4 business hours</ins>") || r.has("What version 1 changed") {
			t.Error("the page does not say what version 2 changed")
		}
		press("save", func(f url.Values) { f.Set("within", "1"); f.Set("within.unit", "bd") })
		if r := ann.get(page); !r.has("Against version 2") || !strings.Contains(r.body, "<ins>Within 1 business day</ins>") {
			t.Error("the draft is not held against the version that is published")
		}
		ben.post(page+"/versions/1/restore", url.Values{}).want(t, 403, "a member restores")
		for range 2 { // what is the newest already makes no version
			ann.post(page+"/versions/1/restore", url.Values{}).want(t, 303, "restore")
		}
		ann.post(page+"/versions/9/restore", url.Values{}).want(t, 404, "a version that never was")
		if row, err := d.Store.Read().Promise(d.Ctx, id); err != nil || row.Version != 3 {
			t.Errorf("version %d is watched (%v)", row.Version, err)
		}
		ann.post(page+"/switch", url.Values{"on": {"0"}}).want(t, 303, "switch off")
		ann.post(page+"/delete", url.Values{}).want(t, 303, "delete")
		ann.get(page).want(t, 404, "what is deleted")
		ann.get("/conversations/1/why").want(t, 200, "Why? of a promise that is gone")
		if r := ann.get("/conversations/1"); !r.has(line) || strings.Contains(r.body, trace) {
			t.Error("what was broken is forgotten with the promise, or leads to nothing")
		}
		if r := ann.get("/promises"); !r.has("Deleted (1)") {
			t.Error("what was deleted cannot be restored")
		}
		for range 2 {
			ann.post(page+"/undelete", url.Values{}).want(t, 303, "restore it")
		}
		ann.get(page).want(t, 200, "it is back")
		if row, err := d.Store.Read().Promise(d.Ctx, id); err != nil || row.Enabled || row.Version != 3 {
			t.Errorf("it is back as %+v (%v)", row, err)
		}
		ann.post(page+"/switch", url.Values{"on": {"1"}}).want(t, 303, "switch on")
	})
}
