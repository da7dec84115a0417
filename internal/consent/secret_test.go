package consent_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/consent"
	"postroom/internal/desktest"
	"postroom/internal/postoffice"
	"postroom/internal/wire/oauth"
)

// TestNoSecretIsInTheOpen goes through all that can become of a sign-in and then
// looks for each token, code, verifier and secret in every row, log line, page
// and error.
func TestNoSecretIsInTheOpen(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		var seen bytes.Buffer
		log := slog.New(slog.NewTextHandler(&seen, &slog.HandlerOptions{Level: slog.LevelDebug}))
		a := d.Authority(postoffice.AuthorityOptions{Rotate: true})
		loud := d.ProcessWith(func(o *consent.Options) {
			o.Log = log
			o.Client = oauth.New(oauth.Options{Timeout: 20 * time.Second})
		})
		d.SignIns = loud
		d.SignIn(a)
		both(d)
		ann := d.Agent("ann").Agent
		note := func(v any, err error) { fmt.Fprintf(&seen, "%+v %v\n", v, err) }
		for range 2 {
			d.Clock.Advance(2 * time.Hour)
			_, err := loud.Token(t.Context(), d.Mailbox.ID, "127.0.0.1")
			note(nil, err)
		}
		waiting := asked(t, d, a, "of ann") // a consent that is under way lies in its row
		var secrets []string
		for _, r := range a.Requests() {
			secrets = append(secrets, r.Form.Get("code"), r.Form.Get("code_verifier"), r.Form.Get("refresh_token"), r.Form.Get("client_secret"), r.Refresh, r.Access)
		}
		secrets = append(secrets, waiting.Code, waiting.State)
		a.Program(postoffice.TokenFault{Status: 400, Header: map[string][]string{"Content-Type": {"application/json"}},
			Body: fmt.Sprintf(`{"error":"invalid_grant","error_description":"not %s with %s"}`, d.SignInToken(a), desktest.ClientSecret)})
		d.Clock.Advance(2 * time.Hour)
		_, err := loud.Token(t.Context(), d.Mailbox.ID, "127.0.0.1")
		note(nil, err)
		note(d.Fetch(), nil)
		page, err := loud.Page(t.Context(), d.Mailbox.ID, consent.Other)
		note(page, err)
		app, err := loud.AppPage(t.Context(), ann, consent.Other, "https://desk.acme.example")
		note(app, err)
		alarms, err := d.Alarms.List(t.Context())
		note(alarms, err)
		seen.WriteString(everything(t, d))
		text := seen.String()
		if !strings.Contains(text, "invalid_grant") || !strings.Contains(text, "signed the mailbox") {
			t.Fatal("the test sees nothing")
		}
		n := 0
		for _, s := range secrets {
			if s == "" {
				continue
			}
			n++
			if i := strings.Index(text, s); i >= 0 {
				t.Errorf("%q can be read: …%s…", s, text[max(0, i-80):min(len(text), i+len(s)+20)])
			}
		}
		if n < 12 {
			t.Errorf("only %d secrets were looked for", n)
		}
	})
}

// everything is what the tables hold where something of a sign-in could be.
func everything(t *testing.T, d *desktest.Desk) string {
	t.Helper()
	var out strings.Builder
	for table, columns := range map[string]string{
		"authority": "name || client_id || client_secret || authorize_url || token_url", "sign_in": "authority || refresh_token || access_token || words || state",
		"consent": "state || session || verifier || redirect || back", "log_entry": "words || details", "alarm": "words || remedy", "mailbox": "password || username",
		"incoming": "password || words || server", "channel": "paused_words", "attempt": "words || dialogue",
	} {
		rows, err := d.DB.Reader().Query(context.WithoutCancel(t.Context()), "select "+columns+" from "+table)
		if err != nil {
			t.Fatalf("%s: %v", table, err)
		}
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&out, "%s: %s\n", table, s)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
	}
	return out.String()
}

// TestAccessIsForTheProvidersServers: whoever names another server does not get
// it, and what an app is changed to gets nothing that was given to another.
func TestAccessIsForTheProvidersServers(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann := d.Agent("ann").Agent
		a := d.Authority(postoffice.AuthorityOptions{})
		d.SignIn(a)
		for _, host := range []string{"thief.example", "127.0.0.1.thief.example", "x127.0.0.1", ""} {
			if _, err := d.SignIns.Token(t.Context(), d.Mailbox.ID, host); postroom.CodeOf(err) != postroom.Forbidden {
				t.Errorf("for %q: %v", host, err)
			}
		}
		save := func(change func(*consent.AppFields)) error {
			f := desktest.AppAt(a)
			f.Secret = nil
			change(&f)
			return d.SignIns.SaveApp(t.Context(), ann, consent.Other, f)
		}
		for name, change := range map[string]func(*consent.AppFields){
			"another client":         func(f *consent.AppFields) { f.ClientID = "other" },
			"another token endpoint": func(f *consent.AppFields) { f.TokenURL = "https://thief.example/token" },
		} {
			if err := save(change); postroom.CodeOf(err) != postroom.Invalid || !strings.Contains(postroom.TextOf(err), "enter its secret") {
				t.Errorf("%s keeps the secret: %v", name, err)
			}
		}
		if err := save(func(f *consent.AppFields) { f.Title = "Postal 2" }); err != nil {
			t.Fatal(err)
		}
		if _, err := d.SignIns.Token(t.Context(), d.Mailbox.ID, "127.0.0.1"); err != nil {
			t.Errorf("another title ends the sign-in: %v", err)
		}
		if err := d.SignIns.DropApp(t.Context(), ann, consent.Other); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("an app that is used is forgotten: %v", err)
		}
		if err := save(func(f *consent.AppFields) { f.Servers = "127.0.0.1 thief.example" }); err != nil {
			t.Fatal(err)
		}
		if _, err := d.SignIns.Token(t.Context(), d.Mailbox.ID, "thief.example"); postroom.CodeOf(err) != postroom.Unauthorized {
			t.Errorf("another server gets what was given to one: %v", err)
		}
		if kinds, words := open(t, d); kinds != "sign_in.refused" || !strings.Contains(words, "app was changed") {
			t.Errorf("alarms: %s: %s", kinds, words)
		}
		d.SignIn(a)
		if kinds, _ := open(t, d); kinds != "" {
			t.Errorf("alarms afterwards: %s", kinds)
		}
		d.Must(d.SignIns.SignOut(t.Context(), ann, d.Mailbox.ID))
		if _, err := d.SignIns.Token(t.Context(), d.Mailbox.ID, "127.0.0.1"); postroom.CodeOf(err) != postroom.NotFound {
			t.Errorf("who signed out has access: %v", err)
		}
	})
}

// TestWhatAnAppMayBe: secrets go over https, or stay on the machine.
func TestWhatAnAppMayBe(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		secret := "s"
		fine := consent.AppFields{Title: "Postal", ClientID: "desk", Secret: &secret, AuthorizeURL: "https://login.example/a", TokenURL: "https://login.example/t", Scopes: "mail", Servers: "mail.example.org"}
		for name, x := range map[string]struct {
			authority, field string
			change           func(*consent.AppFields)
		}{
			"plain text":             {consent.Other, "token_url", func(f *consent.AppFields) { f.TokenURL = "http://login.example/t" }},
			"plain text for browser": {consent.Other, "authorize_url", func(f *consent.AppFields) { f.AuthorizeURL = "http://login.example/t" }},
			"no address":             {consent.Other, "token_url", func(f *consent.AppFields) { f.TokenURL = "login.example/t" }},
			"another protocol":       {consent.Other, "token_url", func(f *consent.AppFields) { f.TokenURL = "file:///etc/passwd" }},
			"a user in it":           {consent.Other, "token_url", func(f *consent.AppFields) { f.TokenURL = "https://a:b@login.example/t" }},
			"none":                   {consent.Other, "token_url", func(f *consent.AppFields) { f.TokenURL = "" }},
			"no client":              {consent.Google, "client_id", func(f *consent.AppFields) { f.ClientID = " " }},
			"no secret":              {consent.Microsoft, "secret", func(f *consent.AppFields) { f.Secret = nil }},
			"a line in the secret":   {consent.Google, "secret", func(f *consent.AppFields) { two := "a\nb"; f.Secret = &two }},
			"a tenant of elsewhere":  {consent.Microsoft, "tenant", func(f *consent.AppFields) { f.Tenant = "x/../../evil" }},
			"all servers":            {consent.Other, "servers", func(f *consent.AppFields) { f.Servers = "com" }},
			"a star":                 {consent.Other, "servers", func(f *consent.AppFields) { f.Servers = "*.example.org" }},
			"no scopes":              {consent.Other, "scopes", func(f *consent.AppFields) { f.Scopes = "" }},
		} {
			f := fine
			x.change(&f)
			err := d.SignIns.SaveApp(t.Context(), d.Agent("ann").Agent, x.authority, f)
			var e *postroom.Error
			if postroom.CodeOf(err) != postroom.Invalid || !errors.As(err, &e) || e.Field != x.field {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, authority := range []string{consent.Microsoft, consent.Google} {
			if err := d.SignIns.SaveApp(t.Context(), d.Agent("ann").Agent, authority, consent.AppFields{ClientID: "id", Secret: &secret}); err != nil {
				t.Errorf("%s: %v", authority, err)
			}
			to, err := d.SignIns.Ask(t.Context(), d.Agent("ann").Agent, "s", d.Mailbox.ID, authority, "https://desk.acme.example/", "/")
			want := map[string]string{
				consent.Microsoft: "https://login.microsoftonline.com/common/oauth2/v2.0/authorize?",
				consent.Google:    "https://accounts.google.com/o/oauth2/v2/auth?",
			}[authority]
			if err != nil || !strings.HasPrefix(to, want) || !strings.Contains(to, "redirect_uri=https%3A%2F%2Fdesk.acme.example%2Fauthorities%2F"+authority+"%2Fback") {
				t.Errorf("%s: %s %v", authority, to, err)
			}
			scopes := map[string]string{
				consent.Microsoft: "scope=https%3A%2F%2Foutlook.office.com%2FIMAP.AccessAsUser.All+https%3A%2F%2Foutlook.office.com%2FSMTP.Send+offline_access",
				consent.Google:    "scope=https%3A%2F%2Fmail.google.com%2F",
			}[authority]
			if !strings.Contains(to, scopes) || authority == consent.Google && !strings.Contains(to, "access_type=offline") {
				t.Errorf("%s asks for %s", authority, to)
			}
		}
		if _, err := d.SignIns.AppPage(t.Context(), d.Agent("ben").Agent, consent.Google, ""); postroom.CodeOf(err) != postroom.Forbidden {
			t.Errorf("who is no admin sees the app: %v", err)
		}
	})
}
