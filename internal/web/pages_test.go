package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/web"
)

func TestSendAndCloseInABrowser(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		d.ClosingNotice()
		d.UndoWindow(10 * time.Second)
		c := d.CustomerWrites("Mara Lind <mara@example.org>", "Lamp broken", "It does not light.")
		ann := o.browser("ann")

		list := ann.get("/folders/unassigned").want(t, 200, "list")
		if !list.has("Lamp broken") || !list.has("Mara Lind") {
			t.Fatal("the list does not show the conversation")
		}
		page := ann.get(conversationPath(c, "?folder=unassigned")).want(t, 200, "conversation")
		if !page.has("It does not light.") || page.find("action", conversationPath(c, "/reply")) == nil {
			t.Fatal("the conversation shows no message, or no form")
		}
		seen := attribute(page.find("name", "seen"), "value")
		form := url.Values{"body": {"We send a new one."}, "format": {"text"}, "to": {"Mara Lind <mara@example.org>"}, "close": {"1"}, "seen": {seen},
			"return": {"/folders/unassigned"}, "then": {"stay"}}
		sent := ann.postFiles(conversationPath(c, "/reply"), form, file{"invoice.pdf", "application/pdf", "%PDF-1.4 bytes"}).want(t, 303, "send and close")
		if got := sent.header.Get("Location"); got != conversationPath(c, "?folder=unassigned") {
			t.Errorf("it leads to %s", got)
		}
		held := ann.get(conversationPath(c, "")).want(t, 200, "after sending")
		for _, text := range []string{"Closed by Ann, Send & Close", "reply is held until the undo window ends", "workflows look at it when the undo window ends", "Reply sent and closed", "invoice.pdf"} {
			if !held.has(text) {
				t.Errorf("in the window the page does not say %q", text)
			}
		}
		again := ann.postFiles(conversationPath(c, "/reply"), form).want(t, 303, "the same form once more")
		if n := d.CountEvents(c.ID, postroom.ReplySent); n != 1 {
			t.Errorf("a form sent twice made %d replies (%s)", n, again.header.Get("Location"))
		}

		d.Pass(11 * time.Second)
		mails := d.ExpectMails("We send a new one.", "auto:we have now closed your request")
		if !strings.Contains(mails[0].Text, "We send a new one") {
			t.Errorf("the reply does not come first: %q", mails[0].Text)
		}
		done := ann.get(conversationPath(c, "")).want(t, 200, "after the window")
		for _, text := range []string{"Closed by Ann, Send & Close", "reply accepted", "notice accepted"} {
			if !done.has(text) {
				t.Errorf("the receipt does not say %q", text)
			}
		}
		why := ann.get(conversationPath(c, "/why")).want(t, 200, "why")
		if !why.has("Tell the customer it is closed") {
			t.Error("the why page does not name the workflow")
		}
		for _, m := range d.Mails(c.ID) {
			journey := ann.get(fmt.Sprintf("/mails/%d", m.ID)).want(t, 200, "journey")
			if !journey.has("Accepted by the server") || !journey.has("mara@example.org") {
				t.Errorf("the journey of mail %d does not end", m.ID)
			}
			ann.get(fmt.Sprintf("/mails/%d/html", m.ID)).want(t, 200, "html part")
			if raw := ann.get(fmt.Sprintf("/mails/%d/raw?download=1", m.ID)).want(t, 200, "raw"); !strings.Contains(raw.body, m.Header) {
				t.Error("the raw mail has another Message-ID")
			}
		}
		ann.get("/mails").want(t, 200, "log")
		ann.get("/queue").want(t, 200, "queue")
		ann.get("/inbound").want(t, 200, "inbound")
		ann.get(fmt.Sprintf("/inbound/%d", d.LastInbound().ID)).want(t, 200, "inbound mail")
	})
}

func TestUndoInABrowser(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		d.UndoWindow(10 * time.Second)
		c := d.CustomerWrites("mara@example.org", "Lamp", "Broken.")
		ann := o.browser("ann")
		out := d.Agent("ann").SendAndClose(c, "A hasty answer")
		page := ann.get("/folders/closed").want(t, 200, "list")
		action := fmt.Sprintf("/acts/%d/undo", out.ActID)
		if page.find("action", action) == nil && page.find("formaction", action) == nil {
			t.Fatal("the page offers no undo")
		}
		ben := o.browser("ben")
		ben.post(action, url.Values{"return": {"/folders/mine"}})
		if got := d.Conversation(c.ID).Status; got != postroom.Closed {
			t.Fatalf("another agent undid it: %s", got)
		}
		ann.post(action, url.Values{"return": {"/folders/closed"}}).want(t, 303, "undo")
		if got := d.Conversation(c.ID).Status; got != postroom.Active {
			t.Errorf("after undo it is %s", got)
		}
		back := ann.get(conversationPath(c, "")).want(t, 200, "conversation")
		if !strings.Contains(back.body, "A hasty answer") {
			t.Error("the draft is not in the composer")
		}
		late := ann.post(action, url.Values{"return": {conversationPath(c, "")}}).want(t, 303, "second undo")
		if told := ann.get(late.header.Get("Location")); told.find("id", "flash") == nil {
			t.Error("a second undo is refused without a word")
		}
	})
}

func TestStaleSendAsksFirst(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		c := d.CustomerWrites("mara@example.org", "Lamp", "Broken.")
		ann := o.browser("ann")
		seen := attribute(ann.get(conversationPath(c, "")).find("name", "seen"), "value")
		answered := d.Agent("ben").Reply(c, "Which lamp?")
		d.Settle()
		mails := d.Arrived()
		later := d.CustomerAnswers(mails[len(mails)-1], "Forget it.")
		if later.ID != c.ID || answered.ConversationID != c.ID {
			t.Fatalf("the answer went to conversation %d", later.Number)
		}
		form := url.Values{"body": {"We send a new one."}, "format": {"text"}, "to": {"mara@example.org"}, "close": {"1"}, "seen": {seen}}
		refused := ann.post(conversationPath(c, "/reply"), form).want(t, 422, "stale send")
		if refused.find("name", "anyway") == nil || !strings.Contains(refused.body, "We send a new one.") {
			t.Error("it does not ask, or the words are gone")
		}
		form.Set("anyway", "1")
		ann.post(conversationPath(c, "/reply"), form).want(t, 303, "send anyway")
	})
}

func TestSmallForms(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		c := d.CustomerWrites("mara@example.org", "Lamp", "Broken.")
		ann, me := o.browser("ann"), d.Agent("ann").ID
		back := conversationPath(c, "?folder=mine")
		for _, f := range []struct {
			verb string
			form url.Values
			is   func(*postroom.Conversation) bool
		}{
			{"status", url.Values{"status": {"pending"}}, func(c *postroom.Conversation) bool { return c.Status == postroom.Pending }},
			{"assign", url.Values{"assignee": {strconv.FormatInt(me, 10)}}, func(c *postroom.Conversation) bool { return c.AssigneeID == me }},
			{"assign", url.Values{"assignee": {"0"}}, func(c *postroom.Conversation) bool { return c.AssigneeID == 0 }},
			{"tags", url.Values{"add": {"Urgent, lamps"}}, func(c *postroom.Conversation) bool { return len(c.Tags) == 2 }},
			{"tags", url.Values{"remove": {"urgent"}}, func(c *postroom.Conversation) bool { return len(c.Tags) == 1 }},
			{"subject", url.Values{"subject": {"Lamp, broken"}}, func(c *postroom.Conversation) bool { return c.Subject == "Lamp, broken" }},
			{"status", url.Values{"status": {"closed"}, "path": {"keyboard"}}, func(c *postroom.Conversation) bool { return c.Status == postroom.Closed }},
			{"note", url.Values{"body": {"Between us"}, "format": {"text"}}, func(c *postroom.Conversation) bool { return c.Notes == 1 }},
		} {
			f.form.Set("return", back)
			r := ann.post(conversationPath(c, "/"+f.verb), f.form).want(t, 303, f.verb)
			if got := r.header.Get("Location"); got != back && f.verb != "note" {
				t.Errorf("%s leads to %s", f.verb, got)
			}
			if !f.is(d.Conversation(c.ID)) {
				t.Errorf("%s %v changed nothing", f.verb, f.form)
			}
		}
		wrong := ann.post(conversationPath(c, "/status"), url.Values{"status": {"finished"}}).want(t, 303, "a wrong status")
		if page := ann.get(wrong.header.Get("Location")); page.find("id", "flash") == nil {
			t.Error("a wrong status is refused without a word")
		}
	})
}

func TestDraftsAndUploads(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		c := d.CustomerWrites("mara@example.org", "Lamp", "Broken.")
		ann := o.browser("ann")
		form := url.Values{"kind": {"reply"}, "draft": {"0"}, "format": {"html"}, "body": {"<p></p>"}, "to": {"mara@ex"}}
		ann.postFiles(conversationPath(c, "/draft"), form).want(t, 204, "an empty new draft")
		form.Set("body", "<p>Dear Mara</p>")
		saved := ann.postFiles(conversationPath(c, "/draft"), form).want(t, 200, "a draft")
		draft, revision, _ := strings.Cut(saved.body, " ")
		if revision != "1" {
			t.Errorf("the draft answers %q", saved.body)
		}
		form.Set("draft", draft)
		if again := ann.postFiles(conversationPath(c, "/draft"), form); again.body != draft+" 2" {
			t.Errorf("saved again it answers %q", again.body)
		}
		number := strconv.FormatInt(c.Number, 10)
		const pixel = "\x89PNG\r\n\x1a\n"
		chip := ann.postFiles("/uploads", url.Values{"conversation": {number}, "inline": {"1"}}, file{"a \"b\".png", "image/png", pixel}).want(t, 201, "upload")
		picture := attribute(chip.find("class", "file"), "data-url")
		id := attribute(chip.find("name", "attachment"), "value")
		svg := ann.postFiles("/uploads", url.Values{"conversation": {number}}, file{"x.svg", "image/svg+xml", "<svg onload=alert(1)>"}).want(t, 201, "svg")
		shown := ann.get(picture).want(t, 200, "picture")
		if shown.header.Get("Content-Type") != "image/png" || !strings.HasPrefix(shown.header.Get("Content-Disposition"), "inline") || shown.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("the picture is served as %v", shown.header)
		}
		harmless := ann.get(attribute(svg.find("class", "file"), "data-url")+"?inline=1").want(t, 200, "svg file")
		if !strings.HasPrefix(harmless.header.Get("Content-Disposition"), "attachment") || harmless.header.Get("Content-Type") != "application/octet-stream" ||
			!strings.Contains(harmless.header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("an SVG is served as %v", harmless.header)
		}
		big := ann.postFiles("/uploads", url.Values{"conversation": {number}}, file{"big.bin", "application/octet-stream", strings.Repeat("x", 3<<20)})
		if big.status != http.StatusRequestEntityTooLarge && big.status != 422 {
			t.Errorf("an oversize upload answers %d", big.status)
		}
		o.browser("ben").get(picture).want(t, 404, "a file in another agent's draft")
		if page := ann.get(conversationPath(c, "")); !strings.Contains(page.body, "Dear Mara") || !page.has("a \"b\".png") {
			t.Error("the draft or its file is not in the composer")
		}
		// As a note after all: the file comes along, the one left out does not.
		sent := url.Values{"format": {"html"}, "body": {`<p>See <img src="` + picture + `"></p>`}, "draft": {draft}, "attachment": {id}}
		ann.postFiles(conversationPath(c, "/note"), sent).want(t, 303, "note")
		page := ann.get(conversationPath(c, "")).want(t, 200, "conversation")
		if d.Conversation(c.ID).Notes != 1 || !strings.Contains(page.body, "?inline=1") {
			t.Error("the note has no picture")
		}
	})
}

func TestBulkInABrowser(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		ann := o.browser("ann")
		for i := range 3 {
			d.CustomerWrites(fmt.Sprintf("c%d@example.org", i), fmt.Sprintf("Matter %d", i), "Text.")
		}
		started := ann.post("/bulk", url.Values{"all": {"1"}, "folder": {"unassigned"}, "do": {"status:closed"}, "return": {"/folders/unassigned"}}).want(t, 303, "bulk")
		d.Settle()
		job := ann.get(started.header.Get("Location")).want(t, 200, "job")
		if !job.has("Close 3 conversations") {
			t.Errorf("the job does not say what it does: %.300s", job.body)
		}
		if list := ann.get("/folders/closed"); !list.has("Matter 0") || !list.has("Matter 2") {
			t.Error("they are not closed")
		}
		o.browser("ben").get(started.header.Get("Location")).want(t, 404, "another agent's job")
	})
}

func TestAdminPages(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		id := d.ClosingNotice()
		ann, ben := o.browser("ann"), o.browser("ben")
		for _, path := range []string{"/mailboxes", "/mailboxes/new", fmt.Sprintf("/mailboxes/%d", d.Mailbox.ID), "/agents", fmt.Sprintf("/agents/%d", d.Agent("ben").ID),
			"/system", "/alarms", "/workflows", fmt.Sprintf("/workflows/%d", id)} {
			ann.get(path).want(t, 200, path)
			ben.get(path).want(t, 403, path+" for Ben")
		}
		for _, path := range []string{"/profile", "/palette?q=lamp", "/fragments/counts"} {
			ben.get(path).want(t, 200, path)
		}
		bad := ann.post("/mailboxes", url.Values{"name": {"Sales"}, "address": {"nonsense"}, "smtp_port": {"x"}}).want(t, 422, "a wrong mailbox")
		if !strings.Contains(bad.body, "nonsense") {
			t.Error("what was typed is gone")
		}
		ann.post("/mailboxes", url.Values{"name": {"Sales"}, "address": {"sales@acme.example"}, "smtp_host": {"mx.example"}, "smtp_security": {"starttls"}, "undo_seconds": {"5"},
			"reopen_days": {"30"}, "everybody": {"1"}}).want(t, 303, "a new mailbox")
		if !ann.get("/mailboxes").has("sales@acme.example") {
			t.Error("the mailbox is not there")
		}
		added := ann.post("/agents", url.Values{"name": {"Carla"}, "email": {"carla@acme.example"}, "role": {"agent"}}).want(t, 303, "a new agent")
		first := ann.get(added.header.Get("Location")).want(t, 200, "the new agent")
		if !strings.Contains(first.body, "/password/") || strings.Contains(ann.get(added.header.Get("Location")).body, "/password/") {
			t.Error("the password link is not shown exactly once")
		}
		ann.post("/profile", url.Values{"name": {"Ann Moor"}, "zone": {"Europe/Vienna"}}).want(t, 303, "profile")
		ann.post("/profile", url.Values{"name": {"Ann Moor"}, "zone": {"Mars/Base"}}).want(t, 422, "a wrong zone")
	})
}

func TestRoutesNameTheirPaths(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, "sqlite")
	for _, r := range open(t, d).site.Routes() {
		changes := false
		for _, verb := range []string{"/reply", "/note", "/status", "/assign", "{number}/team", "/tags", "/subject", "/confirm", "{number}/follow", "{number}/run", "customer/give", "/merge/into", "{number}/snooze", "{number}/wake", "{number}/move", "{number}/delete", "{number}/restore", "messages/{id}/edit", "/rate/{token}", "{number}/seen", "{number}/field", "timers/{id}/cancel", "/undo", "/bulk"} {
			changes = changes || strings.HasSuffix(r.Pattern, verb)
		}
		changes = changes && (r.Method == "POST" || r.Pattern != "/rate/{token}")
		if changes != (len(r.Paths) > 0) {
			t.Errorf("%s %s: paths %v", r.Method, r.Pattern, r.Paths)
		}
		if r.Method == "GET" && len(r.Paths) > 0 {
			t.Errorf("GET %s changes conversations", r.Pattern)
		}
		if r.Who == web.Anybody && len(r.Paths) > 0 && r.Pattern != "/rate/{token}" { // its token is the right
			t.Errorf("%s %s lets anybody change conversations", r.Method, r.Pattern)
		}
	}
}

// TestAFormSentAtOnceSendsOnce presses Send & Close several times at the same
// moment, before any draft was saved.
func TestAFormSentAtOnceSendsOnce(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		c := d.CustomerWrites("mara@example.org", "Lamp", "Broken.")
		ann := o.browser("ann")
		form := url.Values{"draft": {"0"}, "format": {"text"}, "body": {"Once only."}, "to": {"mara@example.org"}, "close": {"1"}, "seen": {strconv.FormatInt(c.Seq, 10)}}
		const presses = 6
		answers := make(chan string, presses)
		for range presses {
			go func() {
				r, err := http.NewRequestWithContext(t.Context(), "POST", o.server.URL+conversationPath(c, "/reply"), strings.NewReader(form.Encode()))
				if err != nil {
					answers <- err.Error()
					return
				}
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				for k, v := range ann.cookies {
					r.AddCookie(&http.Cookie{Name: k, Value: v})
				}
				res, err := http.DefaultTransport.RoundTrip(r)
				if err != nil {
					answers <- err.Error()
					return
				}
				res.Body.Close()
				answers <- strconv.Itoa(res.StatusCode)
			}()
		}
		for range presses {
			if got := <-answers; got != "303" {
				t.Errorf("a press answers %s", got)
			}
		}
		if n := d.CountEvents(c.ID, postroom.ReplySent); n != 1 {
			t.Errorf("%d presses made %d replies", presses, n)
		}
		drafts, err := d.Store.Read().DraftsOf(t.Context(), c.ID, d.Agent("ann").ID)
		if err != nil || len(drafts) != 0 {
			t.Errorf("%d drafts are left (%v)", len(drafts), err)
		}
		d.Settle()
	})
}
