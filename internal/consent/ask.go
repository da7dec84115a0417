package consent

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/store"
	"postroom/internal/wire/oauth"
)

// askedFor is how long a consent may take.
const askedFor = 15 * time.Minute

func subject(mailbox int64) string { return strconv.FormatInt(mailbox, 10) }

// signal leaves a mark in a channel of one place.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// RedirectURL is the address at which consents of an authority come back to a
// desk at base; wrong says in words why providers will not send anybody there,
// "" if they will.
func RedirectURL(base, name string) (redirect, wrong string) {
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "", "This desk has no address of its own that a browser could be sent back to. Set public-url."
	case u.Scheme == "http" && !loopback(u.Hostname()):
		wrong = "Providers send browsers back to addresses with https only, or to http://localhost. Set public-url to the desk's https address."
	case u.Scheme == "http" && u.Hostname() != "localhost":
		wrong = "Some providers take http://localhost only, not an address in numbers."
	}
	return strings.TrimRight(base, "/") + "/authorities/" + name + "/back", wrong
}

// Ask begins a sign-in: it returns the authority's address where the owner of
// the mailbox consents. session is that of the browser, which alone can bring
// the answer; base is the desk's own address; back the page of ours that it
// leads to afterwards.
func (c *Consents) Ask(ctx context.Context, by *postroom.Agent, session string, mailbox int64, name, base, back string) (string, error) {
	if err := manage(by); err != nil {
		return "", err
	}
	if c.Closed {
		return "", postroom.Errorf(postroom.Conflict, "Nothing may leave this desk: it is a demo.")
	}
	m, err := c.Store.Read().Mailbox(ctx, mailbox)
	if err != nil {
		return "", err
	}
	a, err := c.app(ctx, name)
	if err != nil {
		return "", err
	}
	client, err := c.client(a)
	if err != nil {
		return "", err
	}
	redirect, wrong := RedirectURL(base, name)
	if redirect == "" {
		return "", postroom.Errorf(postroom.Conflict, "%s", wrong)
	}
	state, verifier := rand.Text()+rand.Text(), oauth.Verifier()
	row := store.Consent{State: hashed("state", state), Session: hashed("session", session), AgentID: by.ID, MailboxID: mailbox, Authority: name, Redirect: redirect, Back: back, AskedAt: c.Store.Now()}
	if row.Verifier, err = c.Sealer.Seal(verifier, verifierContext(row.State)); err != nil {
		return "", err
	}
	err = c.Store.Write(ctx, func(t *store.Tx) error {
		if err := t.ForgetConsents(ctx, row.AskedAt-askedFor.Milliseconds()); err != nil {
			return err
		}
		return t.InsertConsent(ctx, row)
	})
	return client.ConsentURL(redirect, state, verifier, m.Address), err
}

// Answer is what a browser brings back from an authority (RFC 6749 4.1.2).
type Answer struct {
	State string
	Code  string
	Error string // the error code, "" for none
	Words string // what goes with it
}

// Signed is what came of a consent.
type Signed struct {
	MailboxID int64
	Back      string // the page of ours on which it was asked for
	Title     string // of the authority: "Microsoft"
	Wrong     string // why the mailbox is not signed in; "" if it is
}

// errStale is the answer to a state that is not known here: nothing is said
// about why.
var errStale = postroom.Errorf(postroom.Conflict, "This sign-in is over, or was begun in another browser or by somebody else. Please press the button on the mailbox's page again.")

// Finish ends a sign-in with what the authority answered. What the authority or
// its owner refused is no error but stands in the result; an answer that nobody
// asked for in this session is postroom.Conflict.
func (c *Consents) Finish(ctx context.Context, by *postroom.Agent, session, name string, answer Answer) (Signed, error) {
	if err := manage(by); err != nil {
		return Signed{}, err
	}
	row, err := c.take(ctx, by, session, name, answer.State)
	if err != nil {
		return Signed{}, err
	}
	a, err := c.app(ctx, name)
	if err != nil {
		return Signed{}, err
	}
	out := Signed{MailboxID: row.MailboxID, Back: row.Back, Title: a.title()}
	if answer.Error != "" || answer.Code == "" {
		out.Wrong = denied(out.Title, answer)
		return out, nil
	}
	client, err := c.client(a)
	if err != nil {
		return out, err
	}
	verifier, err := c.Sealer.Open(row.Verifier, verifierContext(row.State))
	if err != nil {
		return out, err
	}
	asked := c.Store.Now()
	tokens, err := c.Client.Redeem(ctx, client, row.Redirect, answer.Code, verifier)
	if fault := (*oauth.Fault)(nil); errors.As(err, &fault) {
		c.Log.Warn("a consent brought no tokens", "mailbox", row.MailboxID, "authority", name, "error", fault)
		out.Wrong = "The sign-in did not work. " + fault.Error() + "."
		return out, nil
	}
	if err != nil {
		return out, err
	}
	if out.Wrong = lacking(a, tokens); out.Wrong != "" {
		return out, nil
	}
	return out, c.keep(ctx, by, a, row.MailboxID, tokens, asked)
}

// take finds what was asked for and forgets it, whatever comes of it.
func (c *Consents) take(ctx context.Context, by *postroom.Agent, session, name, state string) (row store.Consent, err error) {
	err = c.Store.Write(ctx, func(t *store.Tx) error {
		row, err = t.TakeConsent(ctx, hashed("state", state), hashed("session", session))
		return err
	})
	if postroom.CodeOf(err) == postroom.NotFound {
		return row, errStale
	}
	if err == nil && (row.AgentID != by.ID || row.Authority != name || row.AskedAt < c.Store.Now()-askedFor.Milliseconds()) {
		return row, errStale
	}
	return row, err
}

// denied puts an authority's no into words.
func denied(title string, answer Answer) string {
	words := strings.Join(strings.Fields(strings.TrimSpace(answer.Error+": "+answer.Words)), " ")
	words = strings.TrimSuffix(strings.ToValidUTF8(words[:min(len(words), 500)], ""), ":")
	switch {
	case answer.Error == "access_denied":
		return "Nobody is signed in: consent was not given. " + title + " says: “" + words + "”."
	case answer.Error == "":
		return "Nobody is signed in: " + title + " sent no answer along."
	}
	return "Nobody is signed in. " + title + " says: “" + words + "”."
}

// lacking says what tokens lack that a mailbox needs.
func lacking(a app, t oauth.Tokens) string {
	if t.Refresh == "" {
		return "Nobody is signed in: " + a.title() + " gave no lasting permission (no refresh token). Take the app's access away in the account's settings and sign in again; the app needs offline access."
	}
	if t.Scope == "" {
		return ""
	}
	granted := strings.Fields(strings.ToLower(t.Scope))
	for _, want := range strings.Fields(strings.ToLower(a.scopes())) {
		if want == "offline_access" || want == "openid" || want == "email" || want == "profile" {
			continue // not all authorities repeat these
		}
		found := false
		for _, g := range granted {
			found = found || lastPart(g) == lastPart(want)
		}
		if !found {
			return "Nobody is signed in: the permission “" + want + "” was not given. Sign in again and leave all boxes ticked."
		}
	}
	return ""
}

// lastPart is a scope without the resource it is of, which authorities write in
// several ways.
func lastPart(scope string) string {
	scope = strings.TrimSuffix(scope, "/")
	return scope[strings.LastIndexByte(scope, '/')+1:]
}

// keep stores what a consent gave; all that waited for it goes on.
func (c *Consents) keep(ctx context.Context, by *postroom.Agent, a app, mailbox int64, tokens oauth.Tokens, asked int64) error {
	ctx = context.WithoutCancel(ctx) // a code is good once: a browser that goes away does not end this
	s := store.SignIn{MailboxID: mailbox, Authority: a.Name, SignedInAt: c.Store.Now(), SignedInBy: by.ID}
	if err := c.seal(&s, tokens, asked); err != nil {
		return err
	}
	c.mu.Lock()
	delete(c.unkept, mailbox)
	c.mu.Unlock()
	err := c.Store.Write(ctx, func(t *store.Tx) error {
		m, err := t.Mailbox(ctx, mailbox)
		if err != nil {
			return err
		}
		if err := t.SaveSignIn(ctx, s); err != nil {
			return err
		}
		if err := t.Log(ctx, store.LogEntry{Area: store.AreaMailboxes, AgentID: by.ID, Words: by.Name + " signed the mailbox " + m.Address + " in with " + a.title() + "."}); err != nil {
			return err
		}
		return c.goesOn(ctx, t, mailbox)
	})
	if err != nil {
		return err
	}
	signal(c.wake)
	return c.Mended(ctx, mailbox)
}

// goesOn clears the alarm of a sign-in that is good, and has the incoming
// connection begin anew.
func (c *Consents) goesOn(ctx context.Context, t *store.Tx, mailbox int64) error {
	t.OnCommit(func() { c.Publish(Key) })
	if err := t.ReviveIncoming(ctx, mailbox, c.Store.Now()); err != nil {
		return err
	}
	return c.Alarms.ClearIn(ctx, t, alarm.SignInRefused, subject(mailbox))
}

// SignOut forgets a mailbox's sign-in. The consent itself is taken back where it
// was given; nothing here can use it any more.
func (c *Consents) SignOut(ctx context.Context, by *postroom.Agent, mailbox int64) error {
	if err := manage(by); err != nil {
		return err
	}
	c.mu.Lock()
	delete(c.unkept, mailbox)
	c.mu.Unlock()
	return c.Store.Write(ctx, func(t *store.Tx) error {
		m, err := t.Mailbox(ctx, mailbox)
		if err != nil {
			return err
		}
		if err := t.DropSignIn(ctx, mailbox); err != nil {
			return err
		}
		if err := t.Log(ctx, store.LogEntry{Area: store.AreaMailboxes, AgentID: by.ID, Words: by.Name + " signed the mailbox " + m.Address + " out."}); err != nil {
			return err
		}
		return c.goesOn(ctx, t, mailbox)
	})
}
