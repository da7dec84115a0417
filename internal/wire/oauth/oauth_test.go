package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"postroom/internal/postoffice"
	"postroom/internal/wire/oauth"
)

const back = "https://desk.example/authorities/other/back"

func authority(t *testing.T, o postoffice.AuthorityOptions) (*postoffice.Authority, oauth.App) {
	t.Helper()
	o.ClientID, o.ClientSecret, o.Redirect = "desk", "canary-secret", back
	a, err := postoffice.NewAuthority(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a, oauth.App{ClientID: o.ClientID, ClientSecret: o.ClientSecret, AuthorizeURL: a.AuthorizeURL(), TokenURL: a.TokenURL(), Scopes: []string{"mail", "offline_access"},
		Extra: map[string]string{"access_type": "offline"}}
}

func consent(t *testing.T, a *postoffice.Authority, app oauth.App, verifier string) string {
	t.Helper()
	to, err := a.Answer(app.ConsentURL(back, "the-state", verifier, "help@acme.example"), "help@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(to)
	if u.Query().Get("state") != "the-state" {
		t.Errorf("the state came back as %q", u.Query().Get("state"))
	}
	return u.Query().Get("code")
}

func faultOf(t *testing.T, err error) *oauth.Fault {
	t.Helper()
	var f *oauth.Fault
	if !errors.As(err, &f) {
		t.Fatalf("%v is no fault", err)
	}
	return f
}

func TestConsentBecomesTokens(t *testing.T) {
	t.Parallel()
	a, app := authority(t, postoffice.AuthorityOptions{Rotate: true})
	c := oauth.New(oauth.Options{})
	verifier := oauth.Verifier()
	asked, _ := url.Parse(app.ConsentURL(back, "s", verifier, "help@acme.example"))
	for name, want := range map[string]string{"redirect_uri": back, "scope": "mail offline_access", "access_type": "offline", "login_hint": "help@acme.example", "code_challenge_method": "S256", "response_type": "code"} {
		if got := asked.Query().Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if strings.Contains(asked.String(), verifier) || strings.Contains(asked.String(), "canary") {
		t.Errorf("a secret is in the address: %s", asked)
	}
	first, err := c.Redeem(t.Context(), app, back, consent(t, a, app, verifier), verifier)
	if err != nil || first.Access == "" || first.Refresh == "" || first.Lasts != time.Hour {
		t.Fatalf("%+v %v", first, err)
	}
	second, err := c.Refresh(t.Context(), app, first.Refresh)
	if err != nil || second.Access == first.Access || second.Refresh == first.Refresh || second.Refresh == "" {
		t.Fatalf("%+v %v", second, err)
	}
}

// TestWhatAnAuthorityRefuses: a code is good once and with its verifier alone,
// and what was withdrawn is refused in the authority's words.
func TestWhatAnAuthorityRefuses(t *testing.T) {
	t.Parallel()
	a, app := authority(t, postoffice.AuthorityOptions{})
	c := oauth.New(oauth.Options{})
	verifier := oauth.Verifier()
	code := consent(t, a, app, verifier)
	if _, err := c.Redeem(t.Context(), app, back, code, oauth.Verifier()); !faultOf(t, err).Refused {
		t.Errorf("with another verifier: %v", err)
	}
	if _, err := c.Redeem(t.Context(), app, back, code, verifier); !faultOf(t, err).Refused {
		t.Errorf("a second time: %v", err)
	}
	tokens, err := c.Redeem(t.Context(), app, back, consent(t, a, app, verifier), verifier)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Refresh(t.Context(), app, tokens.Refresh); err != nil {
		t.Fatal(err)
	}
	a.Withdraw("help@acme.example", "AADSTS50173: the password was changed; "+tokens.Refresh+" canary-secret")
	_, err = c.Refresh(t.Context(), app, tokens.Refresh)
	f := faultOf(t, err)
	if !f.Refused || f.Code != "invalid_grant" || !strings.Contains(f.Error(), "AADSTS50173: the password was changed") {
		t.Errorf("%+v", f)
	}
	if strings.Contains(f.Error(), tokens.Refresh) || strings.Contains(f.Error(), "canary") {
		t.Errorf("a secret can be read: %v", f)
	}
}

// TestTroublesOfAnAuthority: what is no judgement is no refusal, and nothing is
// carried to where a redirect points.
func TestTroublesOfAnAuthority(t *testing.T) {
	t.Parallel()
	a, app := authority(t, postoffice.AuthorityOptions{})
	elsewhere, _ := authority(t, postoffice.AuthorityOptions{})
	c := oauth.New(oauth.Options{})
	for name, x := range map[string]struct {
		fault postoffice.TokenFault
		words string
		after time.Duration
	}{
		"its own trouble":     {postoffice.TokenFault{Status: 500, Body: "oops canary-secret"}, "500 Internal Server Error", 0},
		"too much":            {postoffice.TokenFault{Status: 429, Header: http.Header{"Retry-After": {"30"}, "Content-Type": {"application/json"}}, Body: `{"error":"slow_down"}`}, "slow_down", 30 * time.Second},
		"too much for a year": {postoffice.TokenFault{Status: 503, Header: http.Header{"Retry-After": {"99999999"}}}, "503", time.Hour},
		"a page":              {postoffice.TokenFault{Status: 200, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<html>Sign in to the hotel</html>"}, "not one of OAuth 2", 0},
		"too long":            {postoffice.TokenFault{Status: 200, Body: strings.Repeat("x", 1<<20)}, "too long", 0},
		"elsewhere":           {postoffice.TokenFault{Status: 307, Header: http.Header{"Location": {elsewhere.TokenURL()}}}, "sent us elsewhere", 0},
		"broken off":          {postoffice.TokenFault{Lose: true}, "could not be asked", 0},
	} {
		a.Program(x.fault)
		_, err := c.Refresh(t.Context(), app, "canary-refresh")
		f := faultOf(t, err)
		if f.Refused || !strings.Contains(f.Error(), x.words) || f.After != x.after {
			t.Errorf("%s: %+v (%v)", name, f, f)
		}
		if strings.Contains(f.Error(), "canary") {
			t.Errorf("%s: a secret can be read: %v", name, f)
		}
	}
	if n := len(elsewhere.Requests()); n != 0 {
		t.Errorf("%d requests were carried elsewhere", n)
	}
	impatient := oauth.New(oauth.Options{Timeout: 100 * time.Millisecond})
	a.Program(postoffice.TokenFault{Stall: true})
	_, err := impatient.Refresh(t.Context(), app, "x")
	if f := faultOf(t, err); f.Refused || !strings.Contains(f.Error(), "no answer in time") {
		t.Errorf("a silent authority: %v", f)
	}
	a.Close()
	_, err = c.Refresh(context.WithoutCancel(t.Context()), app, "canary-refresh")
	if f := faultOf(t, err); f.Refused || strings.Contains(f.Error(), "canary") {
		t.Errorf("nobody there: %v", f)
	}
}
