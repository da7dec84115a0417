package web_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"postroom"
	"postroom/internal/desktest"
)

// TestAWebhookIsWrittenTriedAndSeen goes by forms alone: make secrets, write a
// workflow that calls, try the call, publish, and look at what was called.
func TestAWebhookIsWrittenTriedAndSeen(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		ann, ben := o.browser("ann"), o.browser("ben")
		var status atomic.Int64
		var calls atomic.Int64
		status.Store(401)
		hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			w.WriteHeader(int(status.Load()))
			_, _ = io.WriteString(w, "<b>"+r.Header.Get("Webhook-Id")+"</b> "+r.Header.Get("X-Key"))
		}))
		t.Cleanup(hook.Close)
		for _, path := range []string{"/webhooks", "/webhooks/secrets"} {
			ben.get(path).want(t, 403, "for admins only")
			ann.get(path).want(t, 200, path)
		}

		made := ann.post("/webhooks/secrets", url.Values{"kind": {"signing"}, "name": {"Orders"}}).want(t, 422, "make a signing secret")
		if !strings.Contains(made.body, "whsec_") || made.header.Get("Cache-Control") != "no-store" {
			t.Error("the secret is not shown once")
		}
		ann.post("/webhooks/secrets", url.Values{"kind": {"header"}, "name": {"Key"}, "value": {"canary-value"}}).want(t, 303, "keep a secret")
		if r := ann.post("/webhooks/secrets", url.Values{"kind": {"header"}, "name": {"key"}, "value": {"canary-other"}}).want(t, 422, "the same name"); !r.has("There is a secret with this name already.") || r.has("canary-other") {
			t.Errorf("%.900s", r.body)
		}
		if r := ann.get("/webhooks/secrets"); strings.Contains(r.body, "whsec_") || strings.Contains(r.body, "canary") || !r.has("Orders") || !r.has("No workflow uses it.") {
			t.Error("secrets are shown again, or are not there")
		}
		all, err := d.Store.Read().Secrets(d.Ctx)
		d.Must(err)
		ids := map[string]string{}
		for _, s := range all {
			ids[s.Name] = fmt.Sprint(s.ID)
		}

		id := ann.began("")
		edit, draft := fmt.Sprintf("/workflows/%d/edit", id), fmt.Sprintf("/workflows/%d/draft", id)
		press := func(do string, change func(url.Values)) answer {
			t.Helper()
			f := ann.get(edit).want(t, 200, "editor").formOf(t, "editor")
			if change != nil {
				change(f)
			}
			f.Set("do", do)
			return ann.post(draft, f)
		}
		press("add then webhook", func(f url.Values) { f.Set("name", "Tell the shop") }).want(t, 303, "add a call")
		if r := press("publish", nil).want(t, 422, "publish without an address"); !r.has("Write the address to call") {
			t.Error("nothing is said at the field")
		}
		press("save", func(f url.Values) {
			f.Set("then[0].url", hook.URL+"/{{ conversation.number }}")
			f.Set("then[0].headers[0].name", "X-Key")
			f.Set("then[0].headers[0].secret", ids["Key"])
			f.Set("then[0].sign", ids["Orders"])
		}).want(t, 303, "fill it in")
		page := ann.get(edit)
		if !page.has("status.changed") || page.find("id", "f-then[0].headers[1].name") == nil || !page.has("send the event to "+hook.URL) {
			t.Errorf("the call is not shown: %.900s", page.body)
		}
		tried := press("call then[0]", nil).want(t, 422, "a test call")
		if !tried.has("It answered 401 (Unauthorized).") || !tried.has("<b>test_") || strings.Contains(tried.body, "canary") || calls.Load() != 1 {
			t.Errorf("%d calls: %.900s", calls.Load(), tried.body)
		}
		press("publish", nil).want(t, 303, "publish")
		ann.post("/webhooks/secrets/"+ids["Key"]+"/delete", nil).want(t, 303, "delete what is used")
		if r := ann.get("/webhooks/secrets"); !r.has("Used by Tell the shop") || !r.has("Take it out there first.") {
			t.Error("a secret in use could be deleted")
		}

		c := d.CustomerWrites("Mara <mara@customer.example>", "Order", "Where is it?")
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()
		call := d.Calls(c.ID)[0]
		path := fmt.Sprintf("/webhooks/%d", call.ID)
		if r := ann.get("/webhooks?state=failed").want(t, 200, "the failed calls"); !r.has("Tell the shop") || !r.has("It answered 401") {
			t.Errorf("%.900s", r.body)
		}
		if r := ann.get("/webhooks?state=accepted").want(t, 200, "the others"); r.has("It answered 401") {
			t.Error("the filter does nothing")
		}
		ann.get("/webhooks?state=odd").want(t, 404, "no such state")
		r := ann.get(path).want(t, 200, "a call")
		for _, want := range []string{"It answered 401", "the secret Key", "Signed with", "Orders", "&#34;mara@customer.example&#34;", "Send again"} {
			if !strings.Contains(r.body, want) {
				t.Errorf("the page does not say %s", want)
			}
		}
		if strings.Contains(r.body, "canary") {
			t.Error("the page shows a secret")
		}
		if r := ann.get(fmt.Sprintf("/conversations/%d/why", c.Number)); !strings.Contains(r.body, `href="`+path+`"`) {
			t.Error("Why? does not lead to the call")
		}
		if r := ben.get(fmt.Sprintf("/conversations/%d", c.Number)); !r.has("The webhook call to") {
			t.Error("the conversation does not say that it failed")
		}
		status.Store(200)
		before := calls.Load()
		for range 2 { // pressed twice
			ann.post(path+"/again", url.Values{"attempts": {"1"}}).want(t, 303, "send again")
			d.Settle()
		}
		if n := calls.Load() - before; n != 1 || d.Calls(c.ID)[0].State != postroom.WebhookAccepted {
			t.Errorf("pressed twice it was sent %d times, and is %s", n, d.Calls(c.ID)[0].State)
		}
		ben.post(path+"/again", url.Values{"attempts": {"2"}}).want(t, 403, "for admins only")
	})
}
