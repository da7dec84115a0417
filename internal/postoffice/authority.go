package postoffice

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// AuthorityOptions are the settings of an Authority. ClientID is needed.
type AuthorityOptions struct {
	ClientID     string
	ClientSecret string
	Redirect     string        // the one address that consents may come back to; "" takes any
	Lasts        time.Duration // of an access token; an hour. Less than a second is not told
	// Rotate gives a new refresh token with each refresh; the old one is worth
	// nothing from then on, and using it again ends the whole consent (RFC 9700
	// 4.14.2).
	Rotate bool
	// Office is whose users sign in with the access tokens; nil is nobody's.
	Office *Office
}

// Authority is an authority of OAuth 2 in memory, on a loopback port: the page
// that asks for consent (RFC 6749 4.1.1, RFC 7636) and the endpoint for tokens.
// All methods may be called by several goroutines.
type Authority struct {
	options AuthorityOptions
	ln      net.Listener
	server  *http.Server
	wg      sync.WaitGroup

	mu       sync.Mutex
	lasts    time.Duration
	codes    map[string]consented
	families []*family
	requests []TokenRequest
	faults   []*TokenFault
	release  chan struct{}
	grown    chan struct{}
}

// consented is what a code stands for.
type consented struct{ account, challenge, redirect, scope string }

// family are the tokens that follow from one consent.
type family struct {
	account string
	scope   string
	refresh []string // the last one is the good one
	access  []string // all that are good
	ended   string   // why it is over; "" is not
}

// TokenRequest is a request for tokens as the authority took it.
type TokenRequest struct {
	Grant   string // "authorization_code" or "refresh_token"
	Form    url.Values
	Answer  int    // the status
	Error   string // the error code, "" for none
	Refresh string // the refresh token it gave
	Access  string
}

// TokenFault is a fault of the endpoint for tokens.
type TokenFault struct {
	Status  int         // answered instead of anything; 0 answers as it should
	Header  http.Header // of that answer
	Body    string      // of that answer
	Stall   bool        // says nothing until Release, or the client goes
	Late    bool        // stalls after it has done everything, before it answers
	Lose    bool        // does everything and then breaks the connection without an answer
	Times   int         // how often; 0 is once
	hit     int
	stalled chan struct{} // closed when the first request stalls
}

// NewAuthority starts one on a free port.
func NewAuthority(o AuthorityOptions) (*Authority, error) {
	if o.Lasts == 0 {
		o.Lasts = time.Hour
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	a := &Authority{options: o, lasts: o.Lasts, ln: ln, codes: map[string]consented{}, release: make(chan struct{}), grown: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", a.ask)
	mux.HandleFunc("POST /authorize", a.decide)
	mux.HandleFunc("POST /token", a.token)
	a.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	a.wg.Go(func() { _ = a.server.Serve(ln) }) // ends with Close
	return a, nil
}

// Close ends it; stalls end.
func (a *Authority) Close() error {
	a.Release()
	err := a.server.Close()
	a.wg.Wait()
	return err
}

// Base is its address: "http://127.0.0.1:1234".
func (a *Authority) Base() string { return "http://" + a.ln.Addr().String() }

// AuthorizeURL is where browsers are asked for consent.
func (a *Authority) AuthorizeURL() string { return a.Base() + "/authorize" }

// TokenURL is the endpoint for tokens.
func (a *Authority) TokenURL() string { return a.Base() + "/token" }

// Program has the next requests for tokens fail. stalled is closed when the
// first of them stalls.
func (a *Authority) Program(f TokenFault) (stalled <-chan struct{}) {
	if f.Times == 0 {
		f.Times = 1
	}
	f.stalled = make(chan struct{})
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = append(a.faults, &f)
	return f.stalled
}

// Heal takes back what was programmed and has not happened yet.
func (a *Authority) Heal() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = nil
}

// Release ends the stalls there are.
func (a *Authority) Release() {
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.release)
	a.release = make(chan struct{})
}

// Requests returns the requests for tokens so far.
func (a *Authority) Requests() []TokenRequest {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]TokenRequest{}, a.requests...)
}

// WaitFor waits until there were n requests for tokens and returns them.
func (a *Authority) WaitFor(ctx context.Context, n int) ([]TokenRequest, error) {
	for {
		a.mu.Lock()
		all, grown := append([]TokenRequest{}, a.requests...), a.grown
		a.mu.Unlock()
		if len(all) >= n {
			return all, nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return all, context.Cause(ctx)
		}
	}
}

// Withdraw ends the consents of an account, as its owner does who takes them
// back or changes the password: refreshing is refused with the words.
func (a *Authority) Withdraw(account, words string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range a.families {
		if f.account == account && f.ended == "" {
			f.ended = words
		}
	}
	a.admit(account)
}

// Restore undoes Withdraw.
func (a *Authority) Restore(account string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range a.families {
		if f.account == account {
			f.ended = ""
		}
	}
	a.admit(account)
}

// Last has the access tokens of from now on last so long.
func (a *Authority) Last(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lasts = d
}

// Expire has an account's access tokens end now.
func (a *Authority) Expire(account string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range a.families {
		if f.account == account {
			f.access = nil
		}
	}
	a.admit(account)
}

// admit tells the office which access tokens are good.
func (a *Authority) admit(account string) {
	if a.options.Office == nil {
		return
	}
	var good []string
	for _, f := range a.families {
		if f.account == account && f.ended == "" {
			good = append(good, f.access...)
		}
	}
	a.options.Office.Admit(account, good...)
}

// Answer plays the person in front of the page of consent at an address: it
// returns where their browser is sent. account is whose consent it is; "" says
// no.
func (a *Authority) Answer(consent, account string) (back string, err error) {
	u, err := url.Parse(consent)
	if err != nil {
		return "", err
	}
	q := u.Query()
	if words := a.wrong(q); words != "" {
		return "", fmt.Errorf("the authority refuses the request: %s", words)
	}
	return a.back(q, account), nil
}

// wrong says what is wrong with a request for consent.
func (a *Authority) wrong(q url.Values) string {
	switch {
	case q.Get("client_id") != a.options.ClientID:
		return "unknown client"
	case q.Get("response_type") != "code":
		return "unknown response type"
	case a.options.Redirect != "" && q.Get("redirect_uri") != a.options.Redirect:
		return "the redirect address " + q.Get("redirect_uri") + " is not registered"
	case q.Get("code_challenge") == "" || q.Get("code_challenge_method") != "S256":
		return "no challenge"
	case q.Get("state") == "":
		return "no state"
	}
	return ""
}

// back is where a decision leads.
func (a *Authority) back(q url.Values, account string) string {
	u, err := url.Parse(q.Get("redirect_uri"))
	if err != nil {
		return ""
	}
	out := u.Query()
	out.Set("state", q.Get("state"))
	if account == "" {
		out.Set("error", "access_denied")
		out.Set("error_description", "The owner of the mailbox said no.")
	} else {
		code := "code-" + rand.Text()
		a.mu.Lock()
		a.codes[code] = consented{account: account, challenge: q.Get("code_challenge"), redirect: q.Get("redirect_uri"), scope: q.Get("scope")}
		a.mu.Unlock()
		out.Set("code", code)
	}
	u.RawQuery = out.Encode()
	return u.String()
}

// ask is the page of consent.
func (a *Authority) ask(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if words := a.wrong(q); words != "" {
		http.Error(w, words, http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!doctype html><title>Sign in</title><h1>Sign in</h1><form method="post" action="?%s"><p><label>Account <input name="account" value="%s"></label></p><p>%s wants: %s</p><button name="do" value="allow">Allow</button> <button name="do" value="deny">Deny</button></form>`,
		html.EscapeString(r.URL.RawQuery), html.EscapeString(q.Get("login_hint")), html.EscapeString(q.Get("client_id")), html.EscapeString(q.Get("scope")))
}

// decide takes the decision.
func (a *Authority) decide(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if words := a.wrong(q); words != "" {
		http.Error(w, words, http.StatusBadRequest)
		return
	}
	account := r.PostFormValue("account")
	if r.PostFormValue("do") != "allow" {
		account = ""
	}
	http.Redirect(w, r, a.back(q, account), http.StatusFound)
}

// token answers a request for tokens.
func (a *Authority) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fault := a.fault()
	if fault.Stall {
		a.stall(r.Context(), fault)
	}
	done := TokenRequest{Grant: r.PostForm.Get("grant_type"), Form: r.PostForm, Answer: fault.Status}
	var body any
	if fault.Status == 0 {
		done.Answer = http.StatusOK
		if body, done.Error = a.grant(r.PostForm, &done); done.Error != "" {
			done.Answer = http.StatusBadRequest
		}
	}
	if fault.Late {
		a.stall(r.Context(), fault)
	}
	defer a.note(done)
	if fault.Lose {
		panic(http.ErrAbortHandler)
	}
	for name, values := range fault.Header {
		w.Header()[name] = values
	}
	if fault.Status != 0 {
		w.WriteHeader(fault.Status)
		fmt.Fprint(w, fault.Body)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(done.Answer)
	_ = json.NewEncoder(w).Encode(body)
}

func (a *Authority) note(done TokenRequest) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests = append(a.requests, done)
	close(a.grown)
	a.grown = make(chan struct{})
}

// fault takes the next one that is programmed.
func (a *Authority) fault() TokenFault {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.faults) == 0 {
		return TokenFault{}
	}
	f := a.faults[0]
	f.hit++
	if f.hit >= f.Times {
		a.faults = a.faults[1:]
	}
	return *f
}

func (a *Authority) stall(ctx context.Context, f TokenFault) {
	a.mu.Lock()
	release := a.release
	a.mu.Unlock()
	if f.hit == 1 {
		close(f.stalled)
	}
	select {
	case <-release:
	case <-ctx.Done():
	}
}

// refused is an answer of RFC 6749 5.2.
func refused(code, words string) (any, string) {
	return map[string]string{"error": code, "error_description": words}, code
}

// grant gives tokens, or says why not.
func (a *Authority) grant(form url.Values, done *TokenRequest) (any, string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if form.Get("client_id") != a.options.ClientID || form.Get("client_secret") != a.options.ClientSecret {
		return refused("invalid_client", "The client secret is wrong or has expired.")
	}
	var f *family
	switch form.Get("grant_type") {
	case "authorization_code":
		c, ok := a.codes[form.Get("code")]
		delete(a.codes, form.Get("code")) // good for once (RFC 6749 4.1.2)
		sum := sha256.Sum256([]byte(form.Get("code_verifier")))
		switch {
		case !ok:
			return refused("invalid_grant", "The code is not known.")
		case c.redirect != form.Get("redirect_uri"):
			return refused("invalid_grant", "The redirect address is another one.")
		case base64.RawURLEncoding.EncodeToString(sum[:]) != c.challenge:
			return refused("invalid_grant", "The verifier does not fit the challenge.")
		}
		f = &family{account: c.account, scope: c.scope, refresh: []string{"refresh-" + rand.Text()}}
		a.families = append(a.families, f)
	case "refresh_token":
		var words string
		if f, words = a.familyOf(form.Get("refresh_token")); words != "" {
			return refused("invalid_grant", words)
		}
		if a.options.Rotate {
			f.refresh = append(f.refresh, "refresh-"+rand.Text())
		}
	default:
		return refused("unsupported_grant_type", "That is not done here.")
	}
	done.Access = "access-" + rand.Text()
	f.access = append(f.access, done.Access)
	a.admit(f.account)
	answer := map[string]any{"access_token": done.Access, "token_type": "Bearer", "scope": f.scope}
	if s := int(a.lasts.Seconds()); s > 0 {
		answer["expires_in"] = s
	}
	if form.Get("grant_type") == "authorization_code" || a.options.Rotate {
		answer["refresh_token"] = f.refresh[len(f.refresh)-1]
		done.Refresh = f.refresh[len(f.refresh)-1]
	}
	return answer, ""
}

// familyOf finds the consent that a refresh token belongs to, or says why it is
// good for nothing.
func (a *Authority) familyOf(refresh string) (*family, string) {
	for _, f := range a.families {
		for i, r := range f.refresh {
			switch {
			case r != refresh || refresh == "":
				continue
			case f.ended != "":
				return nil, f.ended
			case i < len(f.refresh)-1:
				f.ended = "The refresh token was used twice; somebody may have stolen it."
				a.admit(f.account)
				return nil, f.ended
			}
			return f, ""
		}
	}
	return nil, "The refresh token is not known."
}
