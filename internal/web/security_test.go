package web_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/store"
	"postroom/internal/web"
)

// outsider is a desk where a conversation, its mail, message, file and events
// lie in a mailbox that Ben may not see.
type outsider struct {
	*office
	c *postroom.Conversation
}

func sales(t *testing.T, d *desktest.Desk) *outsider {
	t.Helper()
	o := &outsider{office: open(t, d)}
	box := d.AddMailbox("Sales", "sales@acme.example", nil)
	o.c = d.Receive("mara@example.org", box.Address, d.Raw(desktest.Letter{From: "mara@example.org", To: box.Address, Subject: "Offer", Body: "Secret offer."}))
	if o.c.MailboxID != box.ID {
		t.Fatalf("the mail went to mailbox %d", o.c.MailboxID)
	}
	return o
}

// TestAnotherMailboxDoesNotExist asks every route that names something by id
// for things of a mailbox the agent may not see.
func TestAnotherMailboxDoesNotExist(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) { notForBen(t, d, false) })
}

// TestSomebodyElsesConversationDoesNotExist asks them all for what lies in a
// mailbox of which the agent sees only what is assigned to them.
func TestSomebodyElsesConversationDoesNotExist(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) { notForBen(t, d, true) })
}

// give lets an agent into a mailbox.
func give(d *desktest.Desk, a *postroom.Agent, mailbox int64, r postroom.Right) {
	d.Write(func(tx *store.Tx) error {
		if err := tx.SetAgentMailboxes(d.Ctx, a.ID, append([]int64{mailbox}, a.Mailboxes...)); err != nil {
			return err
		}
		return tx.SetRight(d.Ctx, mailbox, a.ID, r)
	})
}

func notForBen(t *testing.T, d *desktest.Desk, inside bool) {
	{
		o := sales(t, d)
		if inside {
			give(d, d.Agent("ben").Agent, o.c.MailboxID, postroom.Right{Most: postroom.Manage, OnlyAssigned: true})
		}
		d.UndoWindow(0)
		ctx := t.Context()
		ann := d.Agent("ann").Agent
		draft, file, err := o.Desk.Desk.Attach(ctx, ann, o.c.ID, postroom.Reply, "a.txt", "text/plain", strings.NewReader("secret"), false)
		if err != nil {
			t.Fatal(err)
		}
		out, err := o.Desk.Desk.Publish(ctx, ann, desk.Publish{ConversationID: o.c.ID, Draft: draft, Kind: postroom.Reply, HTML: "<p>Secret answer</p>", Path: postroom.PathSend, Status: postroom.Closed})
		if err != nil {
			t.Fatal(err)
		}
		messages, err := d.Store.Read().Messages(ctx, o.c.ID)
		if err != nil {
			t.Fatal(err)
		}
		events, err := d.Store.Read().Events(ctx, o.c.ID)
		if err != nil {
			t.Fatal(err)
		}
		files, err := d.Store.Read().MessageAttachments(ctx, o.c.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, list := range files {
			file = list[0]
		}
		d.Settle()
		before := d.Conversation(o.c.ID)
		ben := o.browser("ben")
		values := map[string]string{
			"/conversations/{number}": fmt.Sprint(o.c.Number), "/acts/{id}": fmt.Sprint(out.ActID), "/events/{id}": fmt.Sprint(events[0].ID),
			"/attachments/{id}": fmt.Sprint(file.ID), "/messages/{id}": fmt.Sprint(messages[0].ID), "/mails/{id}": fmt.Sprint(out.MailIDs[0]),
			"/channels/{mailbox}": fmt.Sprint(o.c.MailboxID), "/inbound/{id}": fmt.Sprint(d.LastInbound().ID),
		}
		asked := 0
		for _, r := range o.site.Routes() {
			for prefix, value := range values {
				rest, ok := strings.CutPrefix(r.Pattern, prefix)
				if !ok {
					continue
				}
				asked++
				base, _, _ := strings.Cut(prefix, "{")
				for _, verb := range []string{"retry", "cancel", "again", "arrived", "release"} {
					path := base + value + strings.NewReplacer("{name}", "a.txt", "{verb}", verb).Replace(rest)
					var got answer
					if r.Method == "GET" {
						got = ben.get(path)
					} else {
						got = ben.post(path, url.Values{"status": {"active"}, "assignee": {"0"}, "add": {"x"}, "subject": {"Mine"}, "body": {"Hello"}, "format": {"text"}, "to": {"x@example.org"}})
					}
					if got.status != 404 && got.status != 403 && !(r.Pattern == "/acts/{id}/undo" && got.status == 303) {
						t.Errorf("%s %s answers Ben %d", r.Method, path, got.status)
					}
					if strings.Contains(got.body, "Secret") {
						t.Errorf("%s %s shows Ben what is not his", r.Method, path)
					}
					if !strings.Contains(rest, "{verb}") {
						break
					}
				}
			}
		}
		if asked < 25 {
			t.Errorf("only %d routes were asked", asked)
		}
		for _, path := range []string{fmt.Sprintf("/folders/closed?mailbox=%d", o.c.MailboxID), fmt.Sprintf("/mails?mailbox=%d", o.c.MailboxID)} {
			got := ben.get(path)
			if !inside {
				got.want(t, 404, path)
			} else if got.want(t, 200, path); got.has("Offer") {
				t.Errorf("%s shows Ben what is not his", path)
			}
		}
		for _, path := range []string{"/folders/closed", "/folders/assigned", "/folders/unassigned", "/folders/drafts", "/mails", "/queue", "/inbound", "/palette?q=offer"} {
			if got := ben.get(path).want(t, 200, path); got.has("Offer") {
				t.Errorf("%s shows Ben another mailbox", path)
			}
		}
		counts := ben.get("/fragments/counts").want(t, 200, "the counts")
		for _, folder := range []string{"closed", "unassigned", "assigned"} {
			if n := counts.find("href", fmt.Sprintf("/folders/%s?mailbox=%d", folder, o.c.MailboxID)); n != nil && strings.ContainsAny(textOf(n), "123456789") {
				t.Errorf("the count of %s is %q", folder, textOf(n))
			}
		}
		got := ben.post("/bulk", url.Values{"conversation": {fmt.Sprint(o.c.Number)}, "do": {"status:spam"}})
		got.want(t, 303, "a bulk change of a number that was guessed")
		d.Settle()
		if after := d.Conversation(o.c.ID); after.Seq != before.Seq {
			t.Error("Ben changed the conversation")
		}
	}
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for x := range n.Descendants() {
		if x.Type == html.TextNode {
			b.WriteString(x.Data)
		}
	}
	return b.String()
}

// TestWhatIsAssignedToThem: who sees only what is assigned to them sees that,
// everywhere, until it is somebody else's.
func TestWhatIsAssignedToThem(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := sales(t, d)
		ann, ben := d.Agent("ann"), d.Agent("ben")
		give(d, ben.Agent, o.c.MailboxID, postroom.Right{Most: postroom.Answer, OnlyAssigned: true})
		other := d.Receive("ole@example.org", "sales@acme.example", d.Raw(desktest.Letter{From: "ole@example.org", To: "sales@acme.example", Subject: "Offer for another", Body: "Not for Ben."}))
		ann.Assign(o.c, ben.ID)
		ann.Assign(other, ann.ID)
		b := o.browser("ben")
		page := b.get(conversationPath(o.c, "")).want(t, 200, "his conversation")
		if !page.has("Offer") || page.find("action", conversationPath(o.c, "/reply")) == nil {
			t.Error("his conversation has no composer")
		}
		list := b.get(fmt.Sprintf("/folders/mine?mailbox=%d", o.c.MailboxID)).want(t, 200, "his list")
		if !list.has("Offer") || list.has("Offer for another") {
			t.Error("his list is not what is his")
		}
		if n := list.find("href", fmt.Sprintf("/folders/mine?mailbox=%d", o.c.MailboxID)); n == nil || !strings.Contains(textOf(n), "1") {
			t.Error("his folder does not count one")
		}
		if got := b.get("/palette?q=offer").want(t, 200, "palette"); !got.has("Offer") || got.has("Offer for another") {
			t.Error("the palette does not find what is his and nothing else")
		}
		if got := b.get("/inbound").want(t, 200, "inbound"); !got.has("Offer") || got.has("Offer for another") {
			t.Error("the log of received mail does not show what is his and nothing else")
		}
		b.get(conversationPath(other, "")).want(t, 404, "somebody else's")
		b.post(conversationPath(o.c, "/status"), url.Values{"status": {"pending"}}).want(t, 303, "his to change")
		// He gives it away and sees it no more, but may take that back.
		b.post(conversationPath(o.c, "/assign"), url.Values{"assignee": {fmt.Sprint(ann.ID)}}).want(t, 303, "his to give away")
		b.get(conversationPath(o.c, "")).want(t, 404, "given away")
		b.post(conversationPath(o.c, "/status"), url.Values{"status": {"closed"}}).want(t, 404, "given away")
		if d.Conversation(o.c.ID).Status != postroom.Pending {
			t.Error("he changed what he gave away")
		}
	})
}

// TestWhoMayOnlyRead sees everything and changes nothing.
func TestWhoMayOnlyRead(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := sales(t, d)
		ann, ben := d.Agent("ann"), d.Agent("ben")
		give(d, ben.Agent, o.c.MailboxID, postroom.Right{Most: postroom.See})
		out := ann.Reply(o.c, "An answer.")
		d.Settle()
		before := d.Conversation(o.c.ID)
		b := o.browser("ben")
		page := b.get(conversationPath(o.c, "")).want(t, 200, "to read")
		for _, form := range []string{"/reply", "/note", "/status", "/assign", "/tags", "/subject"} {
			if page.find("action", conversationPath(o.c, form)) != nil {
				t.Errorf("who may only read is offered %s", form)
			}
			b.post(conversationPath(o.c, form), url.Values{"status": {"closed"}, "assignee": {"0"}, "add": {"x"}, "subject": {"Mine"}, "body": {"Hello"}, "format": {"text"}, "to": {"x@example.org"}}).want(t, 403, form)
		}
		b.get(fmt.Sprintf("/mails/%d", out.MailIDs[0])).want(t, 200, "the journey")
		if got := b.post(fmt.Sprintf("/mails/%d/retry", out.MailIDs[0]), nil); got.status != 404 && got.status != 403 {
			t.Errorf("he retries a mail: %d", got.status)
		}
		if _, err := d.Desk.Assign(d.Ctx, ann.Agent, o.c.ID, ben.ID, postroom.PathMenu); postroom.CodeOf(err) != postroom.Invalid {
			t.Errorf("given to somebody who may only read: %v", err)
		}
		b.post("/bulk", url.Values{"conversation": {fmt.Sprint(o.c.Number)}, "do": {"status:spam"}}).want(t, 303, "bulk")
		d.Settle()
		if after := d.Conversation(o.c.ID); after.Seq != before.Seq {
			t.Error("he changed the conversation")
		}
	})
}

func TestNobodyIsLedToTheSignIn(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, "sqlite")
	o := open(t, d)
	for _, r := range o.site.Routes() {
		if r.Who == web.Anybody {
			continue
		}
		path := strings.TrimSuffix(r.Pattern, "{$}")
		for strings.Contains(path, "{") {
			a, rest, _ := strings.Cut(path, "{")
			_, b, _ := strings.Cut(rest, "}")
			path = a + "1" + b
		}
		got := o.stranger().send(r.Method, path, "", nil)
		if path == "/events" || path == "/fragments/counts" {
			if got.status != 401 || got.body != "" {
				t.Errorf("%s answers %d %q", path, got.status, got.body)
			}
		} else if got.status != 303 && got.status != 404 || got.status == 303 && !strings.HasPrefix(got.header.Get("Location"), "/signin") {
			t.Errorf("%s %s answers nobody %d %s", r.Method, path, got.status, got.header.Get("Location"))
		}
	}
}

func TestSigningIn(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, "sqlite")
	o := open(t, d)
	ann := o.browser("ann")
	wrong := o.stranger().post("/signin", url.Values{"email": {"ann@acme.example"}, "password": {"no"}, "next": {"//evil.example/x"}}).want(t, 422, "a wrong password")
	if strings.Contains(wrong.body, "evil.example") {
		t.Error("a foreign next is kept")
	}
	for next, want := range map[string]string{"/mails?state=failed": "/mails?state=failed", "//evil.example": "/", "https://evil.example": "/", `/\evil.example`: "/", "/a\r\nX: y": "/"} {
		got := o.stranger().post("/signin", url.Values{"email": {"ann@acme.example"}, "password": {password}, "next": {next}}).want(t, 303, next)
		if got.header.Get("Location") != want {
			t.Errorf("next %q leads to %q", next, got.header.Get("Location"))
		}
	}
	r := o.stranger().post("/signin", url.Values{"email": {"ann@acme.example"}, "password": {password}})
	c := r.header.Get("Set-Cookie")
	if !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Lax") {
		t.Errorf("the session's cookie is %q", c)
	}
	busy := 0
	for range 40 {
		if o.stranger().post("/signin", url.Values{"email": {"ben@acme.example"}, "password": {"guess"}}).status == 429 {
			busy++
		}
	}
	if busy == 0 {
		t.Error("guessing is never limited")
	}
	ann.post("/signout", nil).want(t, 303, "sign out")
	ann.get("/folders/mine").want(t, 303, "after signing out")
	o.stranger().get("/setup").want(t, 404, "set-up of a desk that is set up")
}

func TestFormsFromOtherSites(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, "sqlite")
	o := open(t, d)
	c := d.CustomerWrites("mara@example.org", "Lamp", "Broken.")
	ann := o.browser("ann")
	for _, h := range []http.Header{{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://evil.example"}}} {
		ann.header = h
		ann.post(conversationPath(c, "/status"), url.Values{"status": {"closed"}}).want(t, 403, fmt.Sprint(h))
	}
	if d.Conversation(c.ID).Status != postroom.Active {
		t.Error("a form from another site closed it")
	}
	ann.header = http.Header{"Sec-Fetch-Site": {"same-origin"}}
	ann.post(conversationPath(c, "/status"), url.Values{"status": {"closed"}}).want(t, 303, "our own form")
}

func TestEveryAnswerHasItsPolicy(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, "sqlite")
	o := open(t, d)
	c := d.Receive("mara@example.org", d.Mailbox.Address, "From: mara@example.org\r\nTo: "+d.Mailbox.Address+"\r\nSubject: Hi\r\nMessage-ID: <hi@example.org>\r\n"+
		"Date: Mon, 2 Mar 2026 08:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"+
		`<p onclick="alert(1)">Hello<script>alert(2)</script><img src="https://tracker.example/p.gif"></p>`+"\r\n")
	ann := o.browser("ann")
	for _, path := range []string{"/folders/unassigned", conversationPath(c, ""), conversationPath(c, "/why"), "/nowhere", "/signin", "/palette", "/profile"} {
		got := ann.get(path)
		policy := got.header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || got.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s has the policy %q", path, policy)
		}
		for n := range got.page.Descendants() {
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("%s has an inline %s", path, a.Key)
				}
			}
			if n.Data == "script" && attribute(n, "src") == "" {
				t.Errorf("%s has an inline script", path)
			}
		}
	}
	messages, err := d.Store.Read().Messages(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	body := ann.get(fmt.Sprintf("/messages/%d/body", messages[0].ID)).want(t, 200, "body")
	if p := body.header.Get("Content-Security-Policy"); !strings.Contains(p, "sandbox") || strings.Contains(p, "https:") || strings.Contains(p, "allow-scripts") {
		t.Errorf("a mail's body has the policy %q", p)
	}
	if strings.Contains(body.body, "alert(") || strings.Contains(body.body, "tracker.example") {
		t.Errorf("a mail's body holds %s", body.body)
	}
	images := ann.get(fmt.Sprintf("/messages/%d/body?images=1", messages[0].ID)).want(t, 200, "body with images")
	if !strings.Contains(images.header.Get("Content-Security-Policy"), "https:") || !strings.Contains(images.body, "tracker.example") {
		t.Error("asked for, remote pictures are still blocked")
	}
	raw := ann.get(fmt.Sprintf("/messages/%d/raw?download=1", messages[0].ID)).want(t, 200, "raw")
	if raw.header.Get("Content-Type") != "message/rfc822" || !strings.HasPrefix(raw.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("a raw mail is served as %v", raw.header)
	}
}

// TestGETHasNoEffect follows every GET and looks whether a row was written.
func TestGETHasNoEffect(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, "sqlite")
	o := open(t, d)
	c := d.CustomerWrites("mara@example.org", "Lamp", "Broken.")
	ann := o.browser("ann")
	before := d.Conversation(c.ID)
	for _, r := range o.site.Routes() {
		if r.Method != "GET" || r.Pattern == "/events" {
			continue
		}
		path := strings.NewReplacer("{number}", fmt.Sprint(c.Number), "{folder}", "unassigned", "{$}", "").Replace(r.Pattern)
		if got := ann.get(path); got.status >= 500 {
			t.Errorf("GET %s answers %d", path, got.status)
		}
		for _, form := range []string{"reply", "status", "assign"} {
			if got := ann.get(conversationPath(c, "/"+form+"?status=closed")); got.status != 404 && got.status != 405 {
				t.Errorf("GET %s answers %d", form, got.status)
			}
		}
	}
	if after := d.Conversation(c.ID); after.Seq != before.Seq || after.Status != before.Status {
		t.Error("a GET changed the conversation")
	}
	drafts, err := d.Store.Read().DraftsOf(t.Context(), c.ID, d.Agent("ann").ID)
	if err != nil || len(drafts) > 0 {
		t.Errorf("a GET made %d drafts (%v)", len(drafts), err)
	}
}

func TestHeadersCannotBeInjected(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, "sqlite")
	o := open(t, d)
	c := d.CustomerWrites("mara@example.org", "Lamp", "Broken.")
	ann := o.browser("ann")
	for _, to := range []string{"mara@example.org\r\nBcc: spy@evil.example", "\"A\r\nBcc: spy@evil.example\" <mara@example.org>", "mara@example.org\x00"} {
		r := ann.post(conversationPath(c, "/reply"), url.Values{"to": {to}, "body": {"Hello"}, "format": {"text"}}).want(t, 422, to)
		if !strings.Contains(r.body, "Hello") {
			t.Error("the words are gone")
		}
	}
	for _, back := range []string{"//evil.example", "https://evil.example", "/x\r\nSet-Cookie: a=b", `/\evil.example`, "javascript:alert(1)"} {
		r := ann.post(conversationPath(c, "/status"), url.Values{"status": {"active"}, "return": {back}}).want(t, 303, back)
		if got := r.header.Get("Location"); got != conversationPath(c, "") {
			t.Errorf("return %q leads to %q", back, got)
		}
	}
	if n := d.CountEvents(c.ID, postroom.ReplySent); n != 0 {
		t.Errorf("%d replies went out", n)
	}
}

func TestPagesAnswer304(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, "sqlite")
	o := open(t, d)
	c := d.CustomerWrites("mara@example.org", "Lamp", "Broken.")
	ann := o.browser("ann")
	for _, path := range []string{"/folders/unassigned", "/fragments/counts", conversationPath(c, "")} {
		ann.header = http.Header{"X-Postroom-Live": {"1"}}
		first := ann.get(path).want(t, 200, path)
		ann.header = http.Header{"X-Postroom-Live": {"1"}, "If-None-Match": {first.header.Get("Etag")}}
		if again := ann.get(path).want(t, 304, path+" again"); again.body != "" {
			t.Errorf("%s: a 304 with a body", path)
		}
		d.Clock.Advance(2 * time.Second)
		ann.get(path) // the minute may have gone by; the page must not fail
		if strings.Contains(first.header.Get("Cache-Control"), "no-store") {
			t.Errorf("%s may not be kept for Back", path)
		}
	}
	ann.header = http.Header{}
	old := ann.get("/folders/unassigned")
	d.CustomerWrites("otto@example.org", "Chair", "Broken too.")
	ann.header = http.Header{"If-None-Match": {old.header.Get("Etag")}}
	ann.get("/folders/unassigned").want(t, 200, "a list that changed")
}

func TestEventsReachWhomTheyConcern(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, "sqlite")
	o := open(t, d)
	other := d.AddMailbox("Sales", "sales@acme.example", nil)
	listen := func(name string) *bufio.Reader {
		b := o.browser(name)
		r, err := http.NewRequestWithContext(t.Context(), "GET", o.server.URL+"/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range b.cookies {
			r.AddCookie(&http.Cookie{Name: k, Value: v})
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		if res.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("the stream is %s", res.Header.Get("Content-Type"))
		}
		lines := bufio.NewReader(res.Body)
		if first, err := lines.ReadString('\n'); err != nil || first != "retry: 2000\n" {
			t.Fatalf("it begins with %q, %v", first, err)
		}
		return lines
	}
	hers := d.AddMailbox("Hers", "hers@acme.example", nil)
	give(d, d.Agent("ben").Agent, hers.ID, postroom.Right{Most: postroom.Answer, OnlyAssigned: true})
	ann, ben := listen("ann"), listen("ben")
	o.hub.Publish(web.Keys(desk.Change{Kind: "conversation", MailboxID: hers.ID, Number: 8, Assignees: []int64{d.Agent("ann").ID}})...)
	o.hub.Publish(web.Keys(desk.Change{Kind: "conversation", MailboxID: hers.ID, Number: 9, Assignees: []int64{d.Agent("ann").ID, d.Agent("ben").ID}})...)
	o.hub.Publish(web.Keys(desk.Change{Kind: "conversation", MailboxID: other.ID, Number: 7, Folders: []postroom.Folder{postroom.ClosedFolder}})...)
	o.hub.Publish(web.Keys(desk.Change{Kind: "draft", MailboxID: d.Mailbox.ID, AgentID: d.Agent("ann").ID, Folders: []postroom.Folder{postroom.Drafts}})...)
	o.hub.Publish("workflows")
	hear := func(r *bufio.Reader) string {
		var all []string
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if line = strings.TrimSpace(line); line != "" {
				all = append(all, line)
			}
			if line == "data: workflows" {
				return strings.Join(all, "; ")
			}
		}
	}
	if got := hear(ben); got != "data: conversation 9; data: inbound; data: mails; data: queue; data: workflows" {
		t.Errorf("Ben hears %s", got)
	}
	got := hear(ann)
	for _, want := range []string{"data: conversation 7", fmt.Sprintf("data: folder %d closed", other.ID), fmt.Sprintf("data: folder %d drafts", d.Mailbox.ID), "data: counts"} {
		if !strings.Contains(got, want) {
			t.Errorf("Ann does not hear %q but %s", want, got)
		}
	}
	o.site.Close()
	if _, err := ann.ReadString(0); err == nil {
		t.Error("the stream stays open after Close")
	}
}

func TestSetUpMakesOneAdmin(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, "sqlite")
	d.Write(func(tx *store.Tx) error { return tx.SetMailboxAgents(context.Background(), d.Mailbox.ID, nil) })
	o := open(t, d)
	o.stranger().post("/setup", url.Values{"name": {"Eve"}, "email": {"eve@evil.example"}, "password": {"a long password"}}).want(t, 404, "a second admin")
}
