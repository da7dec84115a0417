package web_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"postroom/internal/desktest"
)

// An author changes a note with nothing but forms; what is refused comes back
// with every word, and everybody's page shows the newest text.
func TestChangingATextInABrowser(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		c := d.CustomerWrites("mara@example.org", "Lamp", "Broken.")
		id := d.Agent("ann").AddNote(c, "The key is under the mat.").MessageID
		d.Settle()
		ann, ben := o.browser("ann"), o.browser("ben")
		place := conversationPath(c, "?folder=unassigned")
		action := fmt.Sprintf("/messages/%d/edit", id)

		before := ann.get(place).want(t, 200, "the page")
		if before.find("href", fmt.Sprintf("%s&edit=%d#message-%d", place, id, id)) == nil {
			t.Fatal("the author is not offered to change their note")
		}
		tag := ben.get(place).want(t, 200, "a colleague's page").header.Get("ETag")
		form := ann.get(fmt.Sprintf("%s&edit=%d", place, id)).want(t, 200, "the form")
		if form.find("action", action) == nil || attribute(form.find("name", "version"), "value") != "1" || form.find("value", place) == nil {
			t.Fatal("there is no form, or it does not know its version and where it leads back")
		}
		saved := ann.post(action, url.Values{"body": {"The key is at <b>Ben's</b>.\n\nAsk him."}, "format": {"text"}, "version": {"1"}, "return": {place}}).want(t, 303, "saved")
		if got := saved.header.Get("Location"); got != fmt.Sprintf("%s#message-%d", place, id) {
			t.Errorf("it leads to %s", got)
		}
		now := ben.get(place).want(t, 200, "a colleague's page")
		if now.header.Get("ETag") == tag || !now.has("The key is at <b>Ben's</b>.") || !now.has("edited, 2 versions") || now.has("under the mat") {
			t.Error("a colleague's page does not show the newest text")
		}
		if past := ben.get(fmt.Sprintf("%s&history=%d", place, id)).want(t, 200, "the history"); !past.has("under the mat") || !past.has("as it was written") {
			t.Error("a colleague cannot read what it said before")
		}

		// A window that has the old version before it.
		typed := url.Values{"body": {"The key is lost."}, "format": {"text"}, "version": {"1"}, "return": {place}}
		stale := ann.post(action, typed).want(t, 422, "a stale window")
		if !stale.has("changed in another window meanwhile") || !stale.has("The key is lost.") || attribute(stale.find("name", "over"), "value") != "2" ||
			attribute(stale.find("name", "version"), "value") != "1" {
			t.Error("the refusal does not say why, or the words are gone")
		}
		if again := ann.get(fmt.Sprintf("%s&edit=%d", place, id)).want(t, 200, "opened again"); !again.has("The key is lost.") {
			t.Error("what was typed is not kept")
		}
		if page := ann.get(place); !page.has("You began to change this text") {
			t.Error("nothing says that something was begun")
		}
		typed.Set("over", "2")
		ann.post(action, typed).want(t, 303, "saved over it")
		if page := ann.get(place); !page.has("The key is lost.") || !page.has("edited, 3 versions") || page.has("You began to change this text") {
			t.Error("saved once more it is not what it says")
		}
		empty := ann.post(action, url.Values{"body": {" "}, "format": {"text"}, "version": {"3"}, "return": {place}}).want(t, 422, "nothing")
		if !empty.has("cannot be left without a word") {
			t.Error("nothing says why an empty text is refused")
		}

		// Nobody else's, by any of the ways.
		mine := url.Values{"body": {"Mine."}, "format": {"text"}, "version": {"3"}}
		for _, path := range []string{action, action + "/draft", action + "/discard"} {
			if got := ben.post(path, mine).want(t, 403, path); !got.has("Only who wrote a message can change it.") {
				t.Errorf("%s does not say why", path)
			}
		}
		if page := ben.get(fmt.Sprintf("%s&edit=%d", place, id)); page.find("action", action) != nil || !page.has("Only who wrote a message can change it.") {
			t.Error("a colleague is given the form, or no reason")
		}

		// Words and pictures are kept while they are typed, and thrown away.
		draft := ann.post(action+"/draft", url.Values{"body": {"<p>The key is found.</p>"}, "format": {"html"}, "version": {"3"}}).want(t, 200, "autosave")
		if !strings.HasSuffix(draft.body, " 1") {
			t.Errorf("autosave answers %q", draft.body)
		}
		ann.post(action+"/draft", url.Values{"body": {"<p>Late.</p>"}, "format": {"html"}, "version": {"2"}}).want(t, 409, "a late autosave")
		about := url.Values{"conversation": {fmt.Sprint(c.Number)}, "message": {fmt.Sprint(id)}, "version": {"3"}, "inline": {"1"}}
		if chip := ann.postFiles("/uploads", about, file{"key.png", "image/png", "not really a picture"}).want(t, 201, "a picture"); !strings.Contains(chip.body, "key.png") {
			t.Errorf("the picture: %s", chip.body)
		}
		if chip := ann.postFiles("/uploads", about, file{"key.pdf", "application/pdf", "%PDF"}).want(t, 422, "a file"); !strings.Contains(chip.body, "Only pictures") {
			t.Errorf("the file: %s", chip.body)
		}
		ben.postFiles("/uploads", about, file{"key.png", "image/png", "x"}).want(t, 403, "a colleague's picture")
		ann.post(action+"/discard", url.Values{"return": {place}}).want(t, 303, "thrown away")
		if page := ann.get(place); page.has("You began to change this text") || !page.has("The key is lost.") {
			t.Error("thrown away it is not what it was")
		}
	})
}
