// Package connect is what an admin does between having a mailbox at some
// provider and having it on the desk: which provider it is, whether the
// connections work, what the domain says about its mail, and whether a mail
// finds its way out and back. Trying changes nothing: what is tried comes from
// a form, and is stored by the directory when the form is saved.
//
// A test of a connection is a door through which somebody could look around in
// a network. So it is for admins alone, and they may not do it without measure:
// a few at a time, so many a minute, each with an end; and it speaks SMTP or
// IMAP and nothing else.
package connect

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"postroom"
	"postroom/internal/blob"
	"postroom/internal/consent"
	"postroom/internal/directory"
	"postroom/internal/email"
	"postroom/internal/store"
)

// Resolver answers questions about names; *net.Resolver does.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Options is what Connections stand on. All but those said to be optional are
// needed.
type Options struct {
	Store     *store.Store
	Blobs     *blob.Store
	Directory *directory.Directory
	Consents  *consent.Consents
	Keys      *email.Keyring
	Open      func(sealed string) (string, error) // opens a sealed password
	Resolver  Resolver
	Dial      func(ctx context.Context, network, address string) (net.Conn, error)
	TLS       *tls.Config       // optional: how servers are believed
	HELO      string            // optional: our name to mail servers
	Only      *postroom.Channel // optional: the only server that may be reached
	// OnlyIncoming is optional: the only server that mail may be fetched from
	// where Only is set; nil for none.
	OnlyIncoming *postroom.Channel
	Doors        Doors
	Patience     time.Duration // optional: how long one test may take; DefaultPatience
	Publish      func(key string)
	Log          *slog.Logger // optional
}

// Doors are the ways in that a running desk has open.
type Doors struct {
	LMTP    string // "127.0.0.1:2424", "unix:/run/postroom.sock"; "" is off
	SMTP    string
	Data    string // the data folder, absolute
	Program string // the path of the program
	Name    string // the machine's name, or the one that is set
}

// DefaultPatience is how long one test of a connection may take. It is longer
// than servers need that slow strangers down on purpose, and shorter than
// people wait.
const DefaultPatience = 20 * time.Second

// How often an admin may try connections; what they type is tried as they type.
const (
	perMinute = 40
	perHour   = 400
	atOnce    = 4 // in the whole process
)

// Connections try connections. It is safe for concurrent use.
type Connections struct {
	Options
	slots chan struct{}

	mu      sync.Mutex
	flights map[flight]*flown
}

// flight is one form of one admin: of it only the newest test runs.
type flight struct {
	agent int64
	what  string
}

type flown struct{ cancel context.CancelCauseFunc }

// New returns Connections.
func New(o Options) *Connections {
	if o.Patience <= 0 {
		o.Patience = DefaultPatience
	}
	if o.Publish == nil {
		o.Publish = func(string) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Connections{Options: o, slots: make(chan struct{}, atOnce), flights: map[flight]*flown{}}
}

var errNewer = postroom.Errorf(postroom.Conflict, "A newer test has taken its place.")

// begin admits a test: an admin's, not too many, one of each form at a time. The
// context it returns ends when the test must; done is to be called after it.
func (c *Connections) begin(ctx context.Context, by *postroom.Agent, what string) (_ context.Context, done func(), err error) {
	if !postroom.Can(by, postroom.Manage, 0) {
		return nil, nil, postroom.Errorf(postroom.Forbidden, "Only an admin may try connections.")
	}
	if err := c.count(ctx, by); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	key, mine := flight{by.ID, what}, &flown{cancel}
	c.mu.Lock()
	if older := c.flights[key]; older != nil {
		older.cancel(errNewer)
	}
	c.flights[key] = mine
	c.mu.Unlock()
	leave := func() {
		cancel(nil)
		c.mu.Lock()
		if c.flights[key] == mine {
			delete(c.flights, key)
		}
		c.mu.Unlock()
	}
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		leave()
		return nil, nil, context.Cause(ctx)
	}
	timed, end := context.WithTimeout(ctx, c.Patience)
	return timed, func() { end(); leave(); <-c.slots }, nil
}

// count takes one off what the admin may still try.
func (c *Connections) count(ctx context.Context, by *postroom.Agent) error {
	over := false
	err := c.Store.Write(ctx, func(tx *store.Tx) error {
		over = false
		now := c.Store.Now()
		for _, limit := range []struct {
			window int64
			most   int
		}{{60_000, perMinute}, {3_600_000, perHour}} {
			n, err := tx.AddRate(ctx, fmt.Sprintf("try %d %d", by.ID, limit.window), now, limit.window)
			if err != nil {
				return err
			}
			over = over || n > limit.most
		}
		return nil
	})
	if err == nil && over {
		err = postroom.Errorf(postroom.Busy, "That were many tests in a short time. Wait a minute, then go on.")
	}
	return err
}

// mailbox loads a mailbox for an admin; nil for 0.
func (c *Connections) mailbox(ctx context.Context, by *postroom.Agent, id int64) (*postroom.Mailbox, error) {
	if !postroom.Can(by, postroom.Manage, 0) {
		return nil, postroom.Errorf(postroom.Forbidden, "Only an admin may set up mailboxes.")
	}
	if id == 0 {
		return nil, nil
	}
	return c.Store.Read().Mailbox(ctx, id)
}
