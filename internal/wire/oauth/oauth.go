// Package oauth asks the authority of a mail provider for tokens, as a client of
// OAuth 2 (RFC 6749) that proves with PKCE (RFC 7636) that who brings a code is
// who asked for it. It knows the protocol and no rules: whose consent is asked
// for, what is stored and what people are told belongs to others.
//
// The requests and answers are golang.org/x/oauth2's, hidden behind Client. What
// is ours is how an authority is reached: its redirects are not followed, its
// answers are bounded, and it has an end by when it must have answered.
package oauth

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// App is what an authority knows us as.
type App struct {
	ClientID     string
	ClientSecret string // "" for an app without one; never in any fault
	AuthorizeURL string // where the browser is sent
	TokenURL     string // where codes and refresh tokens are exchanged
	Scopes       []string
	// Extra are further parameters of the authorization request, such as
	// access_type, which an authority wants beside those of the RFC.
	Extra map[string]string
}

// Options is how authorities are reached. The zero value is usable.
type Options struct {
	TLS     *tls.Config   // nil takes the system's roots
	Timeout time.Duration // of a whole request; 0 is DefaultTimeout
	// DialContext replaces the dialer, for a process that may only reach
	// certain addresses.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
}

// DefaultTimeout is how long an authority may take to answer.
const DefaultTimeout = 20 * time.Second

// Bounds of an answer, in bytes.
const (
	maxHeader = 64 << 10
	maxBody   = 256 << 10
	maxWords  = 500
)

// Client asks authorities. It is safe for concurrent use.
type Client struct{ http *http.Client }

// New returns a Client.
func New(o Options) *Client {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	t := &http.Transport{DialContext: o.DialContext, TLSHandshakeTimeout: o.Timeout, ResponseHeaderTimeout: o.Timeout,
		MaxResponseHeaderBytes: maxHeader, DisableKeepAlives: true, ForceAttemptHTTP2: true}
	if o.TLS != nil {
		t.TLSClientConfig = o.TLS.Clone()
		t.TLSClientConfig.MinVersion = max(t.TLSClientConfig.MinVersion, tls.VersionTLS12)
	}
	return &Client{http: &http.Client{Transport: bounded{t}, Timeout: o.Timeout,
		// A redirect would carry the secret and the refresh token elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// bounded ends a body that is longer than an answer can be.
type bounded struct{ next http.RoundTripper }

// RoundTrip makes one request.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", "Postroom")
	r.Header.Set("Accept", "application/json")
	answer, err := b.next.RoundTrip(r)
	if err == nil {
		answer.Body = &cut{Reader: io.LimitReader(answer.Body, maxBody+1), body: answer.Body}
	}
	return answer, err
}

// cut is the body of an answer up to its bound.
type cut struct {
	io.Reader
	body io.Closer
	n    int
}

// Read fails once the bound is passed.
func (c *cut) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if c.n += n; c.n > maxBody {
		return n, errors.New("the answer is too long")
	}
	return n, err
}

// Close ends the connection.
func (c *cut) Close() error { return c.body.Close() }

// Tokens are what an authority gave.
type Tokens struct {
	Access  string
	Refresh string // "" if it gave none: with a refresh, the old one stays good
	// Lasts is how long the access token is good for, from when it was asked
	// for; 0 if the authority did not say.
	Lasts time.Duration
	Scope string // what was granted, where that is not what was asked for (RFC 6749 5.1)
}

// Fault is an authority's no, or that it gave no answer, for people. It holds no
// token, no code and no secret.
type Fault struct {
	// Refused says that the authority has judged the request and asking again
	// changes nothing before somebody has done something. Otherwise it could not
	// be reached or had troubles of its own.
	Refused bool
	Code    string // the error code of RFC 6749 5.2: "invalid_grant"; "" for none
	// Words are the authority's own, with its code; "" where it said nothing.
	Words string
	Text  string // what happened, a sentence without its full stop
	// After is how long the authority asks to be left alone; 0: it did not.
	After time.Duration
	Err   error
}

// Error returns the sentence, with the authority's words quoted.
func (f *Fault) Error() string {
	if f.Words != "" {
		return f.Text + ": “" + f.Words + "”"
	}
	if f.Err != nil {
		return f.Text + ": " + f.Err.Error()
	}
	return f.Text
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

func (a App) config(redirect string) *oauth2.Config {
	return &oauth2.Config{ClientID: a.ClientID, ClientSecret: a.ClientSecret, RedirectURL: redirect, Scopes: a.Scopes,
		// Named, and not found out: finding out asks twice, and what is asked
		// with may be good for once.
		Endpoint: oauth2.Endpoint{AuthURL: a.AuthorizeURL, TokenURL: a.TokenURL, AuthStyle: oauth2.AuthStyleInParams}}
}

// Verifier returns a new secret for one request for consent (RFC 7636 4.1).
func Verifier() string { return oauth2.GenerateVerifier() }

// ConsentURL is where a browser is sent to ask for consent. state comes back
// with the answer; hint is the address whose account is meant, "" for none.
func (a App) ConsentURL(redirect, state, verifier, hint string) string {
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier)}
	for name, value := range a.Extra {
		options = append(options, oauth2.SetAuthURLParam(name, value))
	}
	if hint != "" {
		options = append(options, oauth2.SetAuthURLParam("login_hint", hint))
	}
	return a.config(redirect).AuthCodeURL(state, options...)
}

// Redeem exchanges the code that a consent gave. The error is a *Fault.
func (c *Client) Redeem(ctx context.Context, a App, redirect, code, verifier string) (Tokens, error) {
	t, err := a.config(redirect).Exchange(c.context(ctx), code, oauth2.VerifierOption(verifier))
	if err != nil {
		return Tokens{}, fault(a, err, code, verifier)
	}
	return tokens(t), nil
}

// Refresh asks for a new access token. An authority may give a new refresh
// token with it, and the old one may be worth nothing from then on (RFC 6749 6,
// RFC 9700 4.14): whoever calls this must keep the new one. The error is a
// *Fault.
func (c *Client) Refresh(ctx context.Context, a App, refresh string) (Tokens, error) {
	t, err := a.config("").TokenSource(c.context(ctx), &oauth2.Token{RefreshToken: refresh}).Token()
	if err != nil {
		return Tokens{}, fault(a, err, refresh)
	}
	return tokens(t), nil
}

func (c *Client) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, c.http)
}

func tokens(t *oauth2.Token) Tokens {
	out := Tokens{Access: t.AccessToken, Refresh: t.RefreshToken, Lasts: time.Duration(t.ExpiresIn) * time.Second}
	out.Scope, _ = t.Extra("scope").(string)
	if out.Lasts <= 0 && !t.Expiry.IsZero() {
		out.Lasts = time.Until(t.Expiry)
	}
	return out
}

// passing are the error codes of an authority that has troubles of its own.
var passing = map[string]bool{"temporarily_unavailable": true, "server_error": true, "slow_down": true}

// fault puts an error into words without what was sent.
func fault(a App, err error, secrets ...string) *Fault {
	host := a.TokenURL
	if u, e := url.Parse(a.TokenURL); e == nil && u.Host != "" {
		host = u.Host
	}
	var said *oauth2.RetrieveError
	if !errors.As(err, &said) {
		f := &Fault{Text: host + " could not be asked for a token", Err: errors.New(clean(reason(err), append(secrets, a.ClientSecret)...))}
		if timeout(err) {
			f.Text, f.Err = host+" gave no answer in time when it was asked for a token", nil
		}
		return f
	}
	f := &Fault{Text: host + " gave no token", After: after(said.Response)}
	status := 0
	if said.Response != nil {
		status = said.Response.StatusCode
	}
	f.Code = clean(said.ErrorCode, append(secrets, a.ClientSecret)...)
	switch {
	case f.Code != "":
		f.Words = f.Code
		if d := clean(said.ErrorDescription, append(secrets, a.ClientSecret)...); d != "" {
			f.Words += ": " + d
		}
		f.Refused = !passing[f.Code] && status < 500 && status != http.StatusTooManyRequests
	case status >= 300 && status < 400:
		f.Words = fmt.Sprintf("%d %s", status, http.StatusText(status))
		f.Text = host + " sent us elsewhere, where secrets are not carried; check the token address of the app"
	default:
		f.Words = strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
	}
	return f
}

// reason is what is wrong with a request, without the address it was sent to.
func reason(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) || strings.Contains(err.Error(), "cannot parse") {
		return "its answer is not one of OAuth 2"
	}
	return strings.TrimPrefix(err.Error(), "oauth2: ")
}

func timeout(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}

// mostPatience bounds how long an authority is left alone because it asks so.
const mostPatience = time.Hour

// after reads Retry-After where it is a number of seconds (RFC 9110 10.2.3).
func after(r *http.Response) time.Duration {
	if r == nil {
		return 0
	}
	n, err := strconv.Atoi(r.Header.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(n)*time.Second, mostPatience)
}

// clean makes what an authority said one line of bounded length, without the
// secrets it may echo.
func clean(s string, secrets ...string) string {
	for _, x := range secrets {
		if x != "" {
			s = strings.ReplaceAll(s, x, "…")
			s = strings.ReplaceAll(s, url.QueryEscape(x), "…")
		}
	}
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxWords {
		s = strings.ToValidUTF8(s[:maxWords], "") + "…"
	}
	return s
}
