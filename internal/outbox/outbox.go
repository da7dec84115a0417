// Package outbox brings mails to their end. A mail is decided elsewhere, in
// the transaction of the act that wanted it; here its bytes are built once,
// handed to a server, and each recipient's verdict is written with the words
// the server said. State, order and dependence of mails live in rows only; the
// store's claim keeps the lanes (W25).
package outbox

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/blob"
	"postroom/internal/desk"
	"postroom/internal/store"
	"postroom/internal/wire/smtpout"
)

// Opener opens a sealed password.
type Opener func(sealed string) (string, error)

// Tokens gives the access tokens of mailboxes that sign in at their provider.
// An error of the code Unauthorized has an alarm of its own.
type Tokens interface {
	// Token returns one for a mail server.
	Token(ctx context.Context, mailbox int64, host string) (string, error)
	// Renew returns another one if the server has refused one.
	Renew(ctx context.Context, mailbox int64, host, refused string) (string, error)
}

// noTokens is a desk where nobody signs in.
type noTokens struct{}

func (noTokens) Token(context.Context, int64, string) (string, error) {
	return "", postroom.Errorf(postroom.NotFound, "The mailbox is not signed in at its provider.")
}

func (n noTokens) Renew(ctx context.Context, mailbox int64, host, _ string) (string, error) {
	return n.Token(ctx, mailbox, host)
}

// Options is what an outbox stands on.
type Options struct {
	Store  *store.Store
	Desk   *desk.Desk
	Blobs  *blob.Store
	Alarms *alarm.Alarms
	Open   Opener
	Tokens Tokens      // nil: nobody signs in at a provider
	HELO   string      // the name we greet servers by; "" lets the client choose
	TLS    *tls.Config // nil takes the system's roots
	// Dial replaces the dialer, for a desk that has one way out whatever its
	// mailboxes say; nil is the usual one.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Timeouts of the dialogue; zero takes those of RFC 5321.
	Timeouts smtpout.Timeouts
	// Lease is how long a claim holds without renewal.
	Lease time.Duration
	// Grace is how long evidence is awaited for an uncertain mail before it is
	// sent once more or taken as sent (R6); zero is 15 minutes.
	Grace time.Duration
	// Dots remembers beyond the death of the process which mails came to
	// their final dot; nil remembers nothing.
	Dots Dots
	// Wake tells the workers that mails may go.
	Wake func(kind string)
	Log  *slog.Logger
}

// Dots remembers, beyond the death of a process, which mails came to their
// final dot: one that died before it is certainly not sent.
type Dots interface {
	// Begin notes that a mail will come to its dot under a lease.
	Begin(mail, lease int64)
	// Reach notes that the dot is written next; on an error it must not be.
	Reach(mail, lease int64) error
	// End forgets a mail that was settled.
	End(mail, lease int64)
	// Unwritten reports that the process of a mail died before the dot.
	Unwritten(mail, lease int64) bool
	// Left returns the mails that a dead process left notes of, with the lease
	// of each.
	Left() map[int64]int64
}

// noDots remembers nothing.
type noDots struct{}

func (noDots) Begin(int64, int64)          {}
func (noDots) Reach(int64, int64) error    { return nil }
func (noDots) End(int64, int64)            {}
func (noDots) Unwritten(int64, int64) bool { return false }
func (noDots) Left() map[int64]int64       { return nil }

// DefaultGrace is how long evidence is awaited for an uncertain mail (R6).
const DefaultGrace = 15 * time.Minute

// Outbox sends mails. It is safe for concurrent use.
type Outbox struct {
	Options
	conns *connections
	heard heard
}

// New returns an outbox.
func New(o Options) *Outbox {
	if o.Lease <= 0 {
		o.Lease = 30 * time.Second
	}
	if o.Grace <= 0 {
		o.Grace = DefaultGrace
	}
	if o.Dots == nil {
		o.Dots = noDots{}
	}
	if o.Wake == nil {
		o.Wake = func(string) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Tokens == nil {
		o.Tokens = noTokens{}
	}
	if o.Open == nil {
		o.Open = func(s string) (string, error) { return s, nil }
	}
	out := &Outbox{Options: o}
	out.conns = newConnections(out.freeIdle)
	return out
}

// Close ends idle connections, and gives them back to the other processes.
func (o *Outbox) Close() {
	if o.conns.close() {
		o.freeIdle(0)
	}
}

// freeIdle gives back the connections of a mailbox, with 0 of any, that were
// kept and are closed now. If that cannot be written their rows run out.
func (o *Outbox) freeIdle(mailbox int64) {
	ctx, cancel := context.WithTimeout(context.Background(), idleSlot-idleFor)
	defer cancel()
	freed, err := o.Store.FreeIdleSlots(ctx, mailbox)
	if err != nil {
		o.Log.Debug("idle connections could not be given back", "mailbox", mailbox, "error", err)
	}
	if freed {
		o.Wake(desk.WakeDeliver)
	}
}

// server says where a mailbox's mail goes.
func (o *Outbox) server(ctx context.Context, m *postroom.Mailbox) (smtpout.Server, error) {
	if m.Channel.Host == "" {
		return smtpout.Server{}, fmt.Errorf("the mailbox %s has no outgoing server", m.Name)
	}
	s := smtpout.Server{
		Host: m.Channel.Host, Port: m.Channel.Port, Security: smtpout.Security(m.Channel.Security),
		Username: m.Channel.Username, HELO: o.HELO, TLS: o.TLS, Timeouts: o.Timeouts, DialContext: o.Dial,
	}
	var err error
	switch {
	case m.Channel.Auth == postroom.AuthSignIn:
		s.Auth = smtpout.AuthToken
		s.Password, err = o.Tokens.Token(ctx, m.ID, s.Host)
	case m.Channel.Password != "":
		if s.Password, err = o.Open(m.Channel.Password); err != nil {
			err = fmt.Errorf("the password of mailbox %s cannot be opened: %w", m.Name, err)
		}
	}
	return s, err
}

func decimal(id int64) string { return strconv.FormatInt(id, 10) }

// raise opens an alarm; an alarm that cannot be written is logged.
func (o *Outbox) raise(ctx context.Context, kind alarm.Kind, subject, words string) {
	if err := o.Alarms.Raise(ctx, kind, subject, words); err != nil {
		o.Log.Error("alarm", "kind", kind, "subject", subject, "words", words, "error", err)
	}
}
