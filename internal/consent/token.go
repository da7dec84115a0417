package consent

import (
	"context"
	"errors"
	"strings"
	"time"

	"postroom"
	"postroom/internal/store"
	"postroom/internal/wire/oauth"
)

// The waits before a refresh that failed is tried again, by how often in a row
// it did. A refusal is asked again seldom: it is people's, and permissions do
// come back.
var (
	waits   = []time.Duration{10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute}
	refused = []time.Duration{15 * time.Minute, time.Hour, 6 * time.Hour}
)

// renewAfter is how old an access token must be for a mail server's no to be
// taken for its end. A new one that is refused is of the wrong account.
const renewAfter = time.Minute

// Token returns an access token of a mailbox for one of its provider's mail
// servers. It mostly has one; otherwise it is refreshed first, or waited for
// while another does it. Errors, whose sentences quote the authority:
// Unauthorized if somebody must sign in again, for which there is an alarm
// already; NotFound if nobody ever did; Unavailable if the authority cannot be
// asked just now; Forbidden for a server that is not the provider's.
func (c *Consents) Token(ctx context.Context, mailbox int64, host string) (string, error) {
	return c.token(ctx, mailbox, host, "")
}

// Renew is Token for when a mail server has refused the access token: a new one
// is asked for, unless the refused one is that new itself or has been replaced
// already. It may return the refused one.
func (c *Consents) Renew(ctx context.Context, mailbox int64, host, refused string) (string, error) {
	return c.token(ctx, mailbox, host, refused)
}

func (c *Consents) token(ctx context.Context, mailbox int64, host, not string) (string, error) {
	first, asked := true, 0
	for {
		s, err := c.Store.Read().SignIn(ctx, mailbox)
		if err != nil {
			return "", err
		}
		a, err := c.app(ctx, s.Authority)
		if postroom.CodeOf(err) == postroom.NotFound {
			return "", postroom.Errorf(postroom.Unauthorized, "No app for signing in is registered any more.")
		}
		if err != nil {
			return "", err
		}
		if !a.serves(host) {
			return "", notServed(a, host)
		}
		now := c.Store.Now()
		if access := c.access(s); access != "" && s.AccessUntil > now && (access != not || !first || now-s.RefreshedAt < renewAfter.Milliseconds()) {
			return access, nil
		}
		if err := rests(a, s, now); err != nil {
			return "", err
		}
		if asked == mostAsked {
			return "", postroom.Errorf(postroom.Unavailable, "%s gives access that ends before it can be used.", a.title())
		}
		first = false
		done, err := c.refreshOrWait(ctx, s)
		if err != nil {
			return "", err
		}
		if done {
			asked++
		}
	}
}

func notServed(a app, host string) error {
	return postroom.Errorf(postroom.Forbidden, "The sign-in with %s is not for the server %s: its access is given to servers of %s alone.", a.title(), host, strings.Join(strings.Fields(a.servers()), ", "))
}

// Serves fails with NotFound if a mailbox is not signed in, and with Forbidden if
// its sign-in is not for a mail server.
func (c *Consents) Serves(ctx context.Context, mailbox int64, host string) error {
	s, err := c.Store.Read().SignIn(ctx, mailbox)
	if err != nil {
		return err
	}
	a, err := c.app(ctx, s.Authority)
	if err == nil && !a.serves(host) {
		err = notServed(a, host)
	}
	return err
}

// mostAsked is how often an authority is asked for one token.
const mostAsked = 2

// access opens the access token; "" if there is none that can be used.
func (c *Consents) access(s store.SignIn) string {
	text, err := c.Sealer.Open(s.AccessToken, accessContext(s.MailboxID))
	if err != nil {
		return "" // it is refreshed
	}
	return text
}

// rests says why a sign-in is not refreshed now; nil if it can be.
func rests(a app, s store.SignIn, now int64) error {
	switch {
	case s.RefreshToken == "", s.State == store.SignInRefused && s.DueAt > now:
		return postroom.Errorf(postroom.Unauthorized, "The mailbox has to sign in with %s again. %s", a.title(), s.Words)
	case s.State == store.SignInWaiting && s.DueAt > now:
		return postroom.Errorf(postroom.Unavailable, "The sign-in with %s cannot be renewed just now. %s", a.title(), s.Words)
	}
	return nil
}

// others is how often it is looked whether another process has refreshed.
const others = 250 * time.Millisecond

// refreshOrWait refreshes a sign-in, or waits while it is being done elsewhere.
// What came of it stands in the row; done says that it was asked here.
func (c *Consents) refreshOrWait(ctx context.Context, s store.SignIn) (done bool, err error) {
	c.mu.Lock()
	over, flying := c.flights[s.MailboxID]
	if !flying {
		over = make(chan struct{})
		c.flights[s.MailboxID] = over
	}
	c.mu.Unlock()
	if flying {
		select {
		case <-over:
			return false, nil
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
	defer func() {
		c.mu.Lock()
		delete(c.flights, s.MailboxID)
		c.mu.Unlock()
		close(over)
	}()
	if done, err = c.refresh(ctx, s); done || err != nil {
		return done, err
	}
	timer := time.NewTimer(others)
	defer timer.Stop()
	select {
	case <-timer.C:
		return false, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// refresh asks the authority for new tokens and writes what came of it. done is
// false if another process is about it, or has been.
func (c *Consents) refresh(ctx context.Context, s store.SignIn) (done bool, err error) {
	if kept, err := c.keepLate(ctx, s); err != nil || kept {
		return kept, err
	}
	s.Lease, err = c.Store.HoldSignIn(ctx, s.MailboxID, s.Version, c.Lease.Milliseconds())
	if err != nil || s.Lease == 0 {
		return false, err
	}
	// From here on it is brought to its end, whoever waits for it: the authority
	// may give a new refresh token, and must not give it to nobody.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Lease)
	defer cancel()
	a, err := c.app(ctx, s.Authority)
	if err != nil {
		return true, c.fail(ctx, a, s, &oauth.Fault{Text: postroom.TextOf(err)})
	}
	client, err := c.client(a)
	if err != nil {
		return true, c.fail(ctx, a, s, &oauth.Fault{Text: postroom.TextOf(err)})
	}
	token, err := c.Sealer.Open(s.RefreshToken, refreshContext(s.MailboxID))
	if err != nil {
		return true, c.fail(ctx, a, s, &oauth.Fault{Refused: true, Text: "The stored permission cannot be opened with this desk's key"})
	}
	asked := c.Store.Now()
	tokens, err := c.Client.Refresh(ctx, client, token)
	if fault := (*oauth.Fault)(nil); errors.As(err, &fault) {
		return true, c.fail(ctx, a, s, fault)
	}
	if err != nil {
		return true, c.fail(ctx, a, s, &oauth.Fault{Text: err.Error()})
	}
	healed := s.State != store.SignInGood
	if err := c.seal(&s, tokens, asked); err != nil {
		return true, err
	}
	return true, c.write(ctx, s, healed)
}

// The waits between two tries to write new tokens.
const (
	firstWriteWait = 50 * time.Millisecond
	lastWriteWait  = 2 * time.Second
	longestWrite   = 10 * time.Second
)

// write stores new tokens. While the database cannot take them they are kept
// here, and are written before anything else is done with the sign-in.
func (c *Consents) write(ctx context.Context, s store.SignIn, healed bool) error {
	timed, cancel := context.WithTimeout(ctx, longestWrite)
	defer cancel()
	for wait := firstWriteWait; ; wait = min(2*wait, lastWriteWait) {
		err := c.writeOnce(context.WithoutCancel(timed), s, healed)
		if postroom.CodeOf(err) != postroom.Unavailable {
			return err
		}
		c.mu.Lock()
		c.unkept[s.MailboxID] = s
		c.mu.Unlock()
		c.Log.Warn("new tokens cannot be written yet", "mailbox", s.MailboxID, "error", err)
		timer := time.NewTimer(wait)
		select {
		case <-timed.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
	}
}

func (c *Consents) writeOnce(ctx context.Context, s store.SignIn, healed bool) error {
	err := c.Store.Write(ctx, func(t *store.Tx) error {
		if err := t.RefreshSignIn(ctx, s); err != nil || !healed {
			return err
		}
		return c.goesOn(ctx, t, s.MailboxID)
	})
	if postroom.CodeOf(err) == postroom.Conflict {
		// Somebody signed in anew meanwhile, or signed out: that counts.
		c.Log.Info("tokens were replaced while they were refreshed", "mailbox", s.MailboxID)
		err, healed = nil, false
	}
	if err != nil {
		return err
	}
	c.mu.Lock()
	delete(c.unkept, s.MailboxID)
	c.mu.Unlock()
	if healed {
		return c.Mended(ctx, s.MailboxID)
	}
	return nil
}

// keepLate writes tokens that the database could not take before.
func (c *Consents) keepLate(ctx context.Context, s store.SignIn) (kept bool, err error) {
	c.mu.Lock()
	late, ok := c.unkept[s.MailboxID]
	c.mu.Unlock()
	if !ok {
		return false, nil
	}
	return true, c.writeOnce(context.WithoutCancel(ctx), late, s.State != store.SignInGood)
}

// fail writes that a refresh failed, raises the alarm if people must sign in
// again, and sets when it is tried next.
func (c *Consents) fail(ctx context.Context, a app, s store.SignIn, fault *oauth.Fault) error {
	id, err := c.Store.NewID(ctx)
	if err != nil {
		return err
	}
	now := c.Store.Now()
	s.Words = fault.Error() + "."
	list := waits
	if fault.Refused {
		list = refused
	}
	if (s.State == store.SignInRefused) != fault.Refused {
		s.Failures = 0
	}
	wait := max(list[min(s.Failures, len(list)-1)], fault.After)
	s.DueAt, s.Failures = now+wait.Milliseconds(), s.Failures+1
	if s.State = store.SignInWaiting; fault.Refused {
		s.State = store.SignInRefused
	}
	c.Log.Warn("a sign-in could not be renewed", "mailbox", s.MailboxID, "authority", s.Authority, "refused", fault.Refused, "failures", s.Failures, "words", s.Words)
	err = c.Store.Write(ctx, func(t *store.Tx) error {
		if err := t.RestSignIn(ctx, s); err != nil {
			return err
		}
		t.OnCommit(func() { c.Publish(Key) })
		if fault.Refused {
			return c.alarm(ctx, t, id, s.MailboxID, a, s.Words)
		}
		return nil
	})
	if postroom.CodeOf(err) == postroom.Conflict {
		return nil // somebody has newer tokens
	}
	return err
}
