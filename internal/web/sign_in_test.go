package web_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"postroom/internal/desktest"
	"postroom/internal/postoffice"
)

// TestSigningInInABrowser: the browser is led to the authority and comes back,
// the code stands in no page of ours, and what somebody else's browser brings
// does nothing.
func TestSigningInInABrowser(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		a := d.Authority(postoffice.AuthorityOptions{})
		ann, again := o.browser("ann"), o.stranger()
		again.post("/signin", url.Values{"email": {d.Agent("ann").Agent.Email}, "password": {password}}).want(t, 303, "the second session")
		page := fmt.Sprintf("/mailboxes/%d/sending", d.Mailbox.ID)
		if !ann.get(page).want(t, 200, "sending").has("Sign in with Postal") {
			t.Error("signing in is not offered")
		}
		begin := func(b *browser) string {
			t.Helper()
			going := b.post(fmt.Sprintf("/mailboxes/%d/sign-in", d.Mailbox.ID), url.Values{"authority": {"other"}, "step": {"sending"}}).want(t, 200, "begin")
			to, ok := strings.CutPrefix(going.header.Get("Refresh"), "0; url=")
			if !ok || !strings.HasPrefix(to, a.AuthorizeURL()) || going.header.Get("Referrer-Policy") != "no-referrer" {
				t.Fatalf("it leads to %q", going.header.Get("Refresh"))
			}
			if strings.Contains(going.body, desktest.ClientSecret) {
				t.Error("the page shows the secret")
			}
			back, err := a.Answer(to, d.Mailbox.Address)
			if err != nil {
				t.Fatal(err)
			}
			path, own := strings.CutPrefix(back, "https://desk.acme.example")
			if !own {
				t.Fatalf("it comes back to %s", back)
			}
			return path
		}
		back := begin(ann)
		again.get(back).want(t, 409, "another session of the same admin")
		o.browser("ben").get(back).want(t, 403, "somebody who is no admin")
		done := ann.get(back).want(t, 303, "back")
		if got := done.header.Get("Location"); got != page {
			t.Errorf("it leads to %s", got)
		}
		if done.header.Get("Referrer-Policy") != "no-referrer" || done.header.Get("Cache-Control") != "no-store" {
			t.Error("the code may be kept, or told")
		}
		ann.get(back).want(t, 409, "a second time")
		shown := ann.get(page).want(t, 200, "afterwards")
		if !shown.has("Signed in by Ann") || strings.Contains(shown.body, "refresh-") || strings.Contains(shown.body, "access-") {
			t.Errorf("the page does not say that the mailbox is signed in, or says too much: %s", textOf(shown.find("id", "sign-in")))
		}
		app := ann.get("/authorities/other").want(t, 200, "the app")
		if strings.Contains(app.body, desktest.ClientSecret) || !strings.Contains(app.body, "https://desk.acme.example/authorities/other/back") || !app.has(d.Mailbox.Address) {
			t.Error("the app's page shows the secret, or not the redirect address or who is signed in")
		}
		for _, path := range []string{"/authorities/microsoft", "/authorities/google"} {
			o.browser("ben").get(path).want(t, 403, path)
			ann.get(path).want(t, 200, path)
		}
		ann.get("/authorities/nobody").want(t, 404, "an authority there is not")
		ann.post(fmt.Sprintf("/mailboxes/%d/sign-out", d.Mailbox.ID), url.Values{"step": {"sending"}}).want(t, 303, "sign out")
		if ann.get(page).want(t, 200, "signed out").has("Signed in by Ann") {
			t.Error("it is still signed in")
		}
	})
}

// TestWhatAMailboxSignedInMayBeSavedWith: the sign-in is for the provider's own
// servers, and has to be there.
func TestWhatAMailboxSignedInMayBeSavedWith(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		a := d.Authority(postoffice.AuthorityOptions{})
		ann := o.browser("ann")
		page := fmt.Sprintf("/mailboxes/%d/", d.Mailbox.ID)
		sending := url.Values{"smtp_host": {"127.0.0.1"}, "smtp_port": {"587"}, "smtp_security": {"starttls"}, "smtp_user": {d.Mailbox.Address}, "smtp_auth": {"sign-in"}}
		receiving := url.Values{"way": {"imap"}, "in_host": {"127.0.0.1"}, "in_port": {"143"}, "in_security": {"starttls"}, "in_username": {d.Mailbox.Address}, "in_auth": {"sign-in"}}
		if got := ann.post(page+"sending", sending).want(t, 422, "without a sign-in"); !got.has("Nobody is signed in yet") {
			t.Error("it is not said that nobody is signed in")
		}
		ann.post(page+"receiving", receiving).want(t, 422, "without a sign-in")
		d.SignIn(a)
		elsewhere := url.Values{}
		for name, v := range sending {
			elsewhere[name] = v
		}
		elsewhere["smtp_host"] = []string{"thief.example"}
		if got := ann.post(page+"sending", elsewhere).want(t, 422, "another server"); !got.has("is not for the server thief.example") {
			t.Error("it is not said that the server is another one")
		}
		ann.post(page+"sending", sending).want(t, 303, "sending")
		ann.post(page+"receiving", receiving).want(t, 303, "receiving")
		m, err := d.Store.Read().Mailbox(t.Context(), d.Mailbox.ID)
		d.Must(err)
		in, err := d.Store.Read().Incoming(t.Context(), d.Mailbox.ID)
		d.Must(err)
		if m.Channel.Auth != "sign-in" || m.Channel.Password != "" || in.Auth != "sign-in" || in.Password != "" {
			t.Errorf("stored %+v and %+v", m.Channel, in.Incoming)
		}
		// Other settings leave it as it is.
		ann.post(fmt.Sprintf("/mailboxes/%d", d.Mailbox.ID), url.Values{"name": {"Acme"}, "address": {m.Address}, "undo_seconds": {"0"}, "reopen_days": {"30"}, "separator": {"+"}}).want(t, 303, "settings")
		if m, err = d.Store.Read().Mailbox(t.Context(), d.Mailbox.ID); err != nil || m.Channel.Auth != "sign-in" {
			t.Errorf("after saving other settings it signs in by %q (%v)", m.Channel.Auth, err)
		}
	})
}
