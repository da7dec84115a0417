package web_test

import (
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"postroom/internal/desktest"
)

// The page that merges: the customer's other conversations stand first, others
// are found by number or subject; afterwards the old number says where it went
// on, and the new one shows what was said in both.
func TestMergePages(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, "sqlite")
	o := open(t, d)
	a := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "The first words.")
	b := d.CustomerWrites("Mara <mara@customer.example>", "The same lamp", "The second words.")
	c := d.CustomerWrites("Bob <bob@customer.example>", "A chair", "A chair.")
	ann := o.browser("ann")
	page := ann.get("/conversations/"+strconv.FormatInt(a.Number, 10)+"/merge").want(t, 200, "the page")
	if !page.has("The same lamp") || page.has("A chair") {
		t.Error("not the customer’s others")
	}
	if r := ann.get("/conversations/1/merge?q=%23" + strconv.FormatInt(c.Number, 10)); !r.has("A chair") {
		t.Error("not found by number")
	}
	if r := ann.get("/conversations/1/merge?q=chair"); !r.has("A chair") || r.has("The same lamp") {
		t.Error("not found by its subject")
	}
	r := ann.post(conversationPath(a, "/merge/into"), url.Values{"into": {strconv.FormatInt(b.Number, 10)}, "path": {"menu"}}).want(t, 303, "merge")
	if to := r.header.Get("Location"); !strings.HasPrefix(to, conversationPath(b, "")) {
		t.Errorf("it leads to %s", to)
	}
	if r := ann.get(conversationPath(b, "")); !r.has("The first words.") || !r.has("The second words.") || !r.has("Written in") {
		t.Error("not everything is read in the one that goes on")
	}
	if r := ann.get(conversationPath(a, "")); !r.has("Merged into #"+strconv.FormatInt(b.Number, 10)) || r.has("The first words.") || strings.Contains(r.body, "id=\"composer-") {
		t.Error("the old number does not say where it went on")
	}
	beside := regexp.MustCompile(`<turbo-frame id="list"[^>]* src="([^"]+)"`).FindStringSubmatch(ann.get(conversationPath(a, "")).body)
	if beside == nil {
		t.Fatal("there is no list beside the old number")
	}
	ann.get(html.UnescapeString(beside[1])).want(t, 200, "the list beside the old number")
	ann.post(conversationPath(a, "/status"), url.Values{"status": {"active"}, "path": {"menu"}})
	if now := d.Conversation(a.ID); now.MergedInto != b.ID || now.Status != "closed" {
		t.Errorf("it was changed: %+v", now)
	}
}
