package web_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/workflow"
)

// rateURL finds the page that the links of the newest mail lead to.
func rateURL(t *testing.T, d *desktest.Desk) string {
	t.Helper()
	mails := d.Arrived()
	path := regexp.MustCompile(`https://desk\.acme\.example(/rate/[a-z0-9]+)\?r=bad`).FindStringSubmatch(mails[len(mails)-1].Text)
	if path == nil {
		t.Fatalf("the mail asks for no rating: %s", mails[len(mails)-1].Text)
	}
	return path[1]
}

// A customer follows a link of a mail, without a session or a script: the page
// is in their language, shows what the link chose and changes nothing; its form
// records. What they write stays text everywhere.
func TestACustomerRates(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		d.AddWorkflow("Ask", workflow.Definition{When: workflow.When{Event: postroom.MessageReceived}, Then: []workflow.Action{{Do: workflow.DoReply, Text: "How was it?\n{{ rating }}"}}})
		c := d.Receive("lea@kunde.example", d.Mailbox.Address, "Content-Language: de\r\n"+d.Raw(desktest.Letter{From: "Lea Kunde <lea@kunde.example>", Subject: "Lampe", Body: "Kaputt."}))
		d.Settle()
		path, lea, seq := rateURL(t, d), o.stranger(), d.Conversation(c.ID).Seq

		asked := lea.get(path+"?r=bad").want(t, 200, "the page")
		if !asked.has("Wie zufrieden sind Sie?") || !asked.has("Acme Support") || !strings.Contains(asked.body, `value="bad" required checked`) || strings.Count(asked.body, " checked") != 1 {
			t.Errorf("the page is not what it should be: %s", asked.body)
		}
		for name, want := range map[string]string{"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:;", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Robots-Tag": "noindex", "X-Content-Type-Options": "nosniff"} {
			if got := asked.header.Get(name); !strings.HasPrefix(got, want) {
				t.Errorf("%s: %q", name, got)
			}
		}
		if strings.Contains(asked.body, "<script") || len(asked.header.Values("Set-Cookie")) > 0 {
			t.Error("the page runs a script or sets a cookie")
		}
		if d.Conversation(c.ID).Seq != seq {
			t.Fatal("looking at the page changed something")
		}

		none := lea.post(path, url.Values{"comment": {"No choice"}}).want(t, 422, "nothing chosen")
		if !none.has("Bitte wählen Sie eine der drei Antworten.") || !strings.Contains(none.body, "No choice") {
			t.Errorf("nothing chosen: %s", none.body)
		}
		lea.header.Set("Origin", "null") // a page without a referrer has none
		hostile := "<script>alert(1)</script> \"' {{ rating }} [ref:x]"
		if at := lea.post(path, url.Values{"rating": {"bad"}, "comment": {hostile}}).want(t, 303, "rate").header.Get("Location"); at != path {
			t.Errorf("it leads to %s", at)
		}
		given := lea.get(path).want(t, 200, "after rating")
		if !given.has("Vielen Dank!") || !given.has("Nicht gut") || strings.Contains(given.body, "<script") {
			t.Errorf("after rating: %s", given.body)
		}
		d.Settle()
		expectEvents := d.CountEvents(c.ID, postroom.RatingReceived)
		if expectEvents != 1 || d.Conversation(c.ID).Rating != postroom.RatedBad {
			t.Errorf("%d ratings, %s", expectEvents, d.Conversation(c.ID).Rating)
		}

		ann := o.browser("ann")
		seen := ann.get(conversationPath(c, "")).want(t, 200, "the conversation")
		if !seen.has("rated it: not good") || !strings.Contains(seen.body, "&lt;script&gt;alert(1)") || strings.Contains(seen.body, "<script>alert") {
			t.Error("the timeline does not show the rating, or not as text")
		}
		if list := ann.get("/folders/unassigned").want(t, 200, "the list"); !list.has("Rated: not good") {
			t.Error("the list does not show the rating")
		}

		if all := ann.get("/ratings").want(t, 200, "the ratings"); !all.has("Not good") || !all.has("100 %") || !strings.Contains(all.body, "&lt;script&gt;") {
			t.Error("the page of ratings does not show it, or not as text")
		}
		if none := ann.get("/ratings?value=good&days=90").want(t, 200, "the good ones"); !none.has("No ratings here") {
			t.Error("a filter shows what does not fit")
		}
		o.browser("ben").get("/ratings").want(t, 403, "the ratings, for who is no admin")

		for what, wrong := range map[string]string{"altered": path[:len(path)-1] + "_", "short": "/rate/x"} {
			if got := lea.get(wrong); got.status != 404 || strings.Contains(got.body, "Acme") {
				t.Errorf("%s: %d %s", what, got.status, got.body)
			}
		}
		if _, err := d.Desk.Delete(d.Ctx, d.Agent("ann").Agent, c.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		if gone := lea.get(path).want(t, 200, "deleted"); !gone.has("Hier gibt es nichts mehr zu bewerten.") || gone.find("name", "rating") != nil {
			t.Errorf("deleted: %s", gone.body)
		}
		lea.post(path, url.Values{"rating": {"good"}}).want(t, 409, "a deleted one")
	})
}

// The page says that it is open only while a workflow listens for that: a GET
// has no effect, the form does.
func TestAnAgentOpens(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		c := d.CustomerWrites("mara@example.org", "Lamp", "Broken.")
		ann := o.browser("ann")
		d.Agent("ann").Read()
		if ann.get(conversationPath(c, "")).find("id", "seen") != nil {
			t.Error("the page says that it is open although nobody listens")
		}
		d.AddWorkflow("Looked", workflow.Definition{When: workflow.When{Event: postroom.ConversationOpened}, Then: []workflow.Action{{Do: workflow.DoNote, Text: "Somebody looks."}}})
		if ann.get(conversationPath(c, "")).find("id", "seen") == nil || d.CountEvents(c.ID, postroom.ConversationOpened) != 0 {
			t.Error("the page does not say that it is open, or looking had an effect")
		}
		for range 2 {
			ann.post(conversationPath(c, "/seen"), url.Values{"seq": {"1"}}).want(t, 303, "seen")
		}
		if n := d.CountEvents(c.ID, postroom.ConversationOpened); n != 1 {
			t.Errorf("opened %d times", n)
		}
		if page := ann.get(conversationPath(c, "")); page.has("Ann opened it") {
			t.Error("the timeline has a line for each look")
		}
	})
}
