// Package consent keeps the mailboxes' sign-ins at their providers: the apps
// that admins register with the providers' authorities, the consents that are
// asked for, and the tokens that follow from them, which are refreshed before
// they end, once over all processes.
//
// A refresh token is as good as a password that never changes. It is sealed,
// tied to its mailbox, and goes to the token endpoint of its app and nowhere
// else; access tokens go to the provider's mail servers and nowhere else.
package consent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/store"
	"postroom/internal/wire/oauth"
)

// Key is what is published to open pages when a sign-in changed. It is that of
// mailboxes, because connections begin anew then.
const Key = "mailboxes"

// Sealer keeps secrets so that the database alone does not show them. The
// context ties a sealed text to what it belongs to.
type Sealer interface {
	Seal(text, context string) (sealed string, err error)
	Open(sealed, context string) (text string, err error)
}

// Options is what Consents stand on. All but those said to be optional are
// needed.
type Options struct {
	Store  *store.Store
	Alarms *alarm.Alarms
	Sealer Sealer
	Client *oauth.Client
	// Closed says that nothing may leave this desk: no consent can be asked for.
	Closed bool
	// Lease is how long a refresh is held, longer than an authority may take to
	// answer; 0 is two minutes.
	Lease time.Duration
	// Mended is told, after the commit, of a mailbox whose sign-in is good again.
	Mended  func(ctx context.Context, mailbox int64) error // optional
	Publish func(key string)                               // optional
	Log     *slog.Logger                                   // optional
}

// Consents keep sign-ins. It is safe for concurrent use.
type Consents struct {
	Options
	wake chan struct{}

	mu      sync.Mutex
	flights map[int64]chan struct{} // refreshes under way here, by mailbox; closed when over
	unkept  map[int64]store.SignIn  // tokens that the database could not take yet
}

// New returns Consents; Run begins to refresh.
func New(o Options) *Consents {
	if o.Lease <= 0 {
		o.Lease = 2 * time.Minute
	}
	if o.Mended == nil {
		o.Mended = func(context.Context, int64) error { return nil }
	}
	if o.Publish == nil {
		o.Publish = func(string) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Consents{Options: o, wake: make(chan struct{}, 1), flights: map[int64]chan struct{}{}, unkept: map[int64]store.SignIn{}}
}

// manage asks for the right to manage.
func manage(by *postroom.Agent) error {
	if !postroom.Can(by, postroom.Manage, 0) {
		return postroom.Errorf(postroom.Forbidden, "Only an admin may do that.")
	}
	return nil
}

// The contexts that sealed texts are tied to.
func refreshContext(mailbox int64) string { return fmt.Sprintf("mailbox %d refresh token", mailbox) }
func accessContext(mailbox int64) string  { return fmt.Sprintf("mailbox %d access token", mailbox) }
func secretContext(name string) string    { return "client secret " + name }
func verifierContext(state string) string { return "verifier " + state }

// hashed is how what a browser brings back is kept: whoever reads the database
// cannot bring it.
func hashed(what, text string) string {
	sum := sha256.Sum256([]byte(what + " " + text))
	return hex.EncodeToString(sum[:])
}

// seal puts an authority's tokens into a sign-in. asked is when they were asked
// for, in milliseconds.
func (c *Consents) seal(s *store.SignIn, t oauth.Tokens, asked int64) (err error) {
	if s.AccessToken, err = c.Sealer.Seal(t.Access, accessContext(s.MailboxID)); err != nil {
		return err
	}
	if t.Refresh != "" {
		if s.RefreshToken, err = c.Sealer.Seal(t.Refresh, refreshContext(s.MailboxID)); err != nil {
			return err
		}
	}
	lasts := t.Lasts
	if lasts <= 0 {
		lasts = unsaid
	}
	s.RefreshedAt = c.Store.Now()
	s.AccessUntil = asked + (lasts - min(lasts/5, lastMinute)).Milliseconds()
	s.DueAt = asked + (lasts - min(lasts/3, early)).Milliseconds()
	return nil
}

// How long access tokens are used.
const (
	unsaid     = time.Hour       // they last where the authority does not say
	early      = 5 * time.Minute // before its end one is refreshed, or after two thirds of a short life
	lastMinute = time.Minute     // before its end one is used no more: the mail server's clock is another
)
