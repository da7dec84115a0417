// Package directory keeps who and what a desk consists of: agents, mailboxes
// with their channels, and tags. Everything but an agent's own profile asks
// for the right to manage.
package directory

import (
	"context"
	"net/mail"
	"strings"
	"time"
	_ "time/tzdata" // zones are known on machines without a zone database too
	"unicode"
	"unicode/utf8"

	"postroom"
	"postroom/internal/store"
)

// Sealer encrypts a mailbox's password so that only one who has the desk's
// key, which is outside the database, can read it.
type Sealer interface {
	Seal(password string) (sealed string, err error)
}

// Options are what a Directory needs.
type Options struct {
	Store  *store.Store
	Sealer Sealer
	// OnlyChannel is the only server that any mailbox may have, as in a demo
	// that nothing may leave; nil for any.
	OnlyChannel *postroom.Channel
	// OnlyIncoming is the only server that mail may be fetched from where
	// OnlyChannel is set; nil for none.
	OnlyIncoming *postroom.Channel
	// Publish tells open pages what changed, after the commit; nil does
	// nothing.
	Publish func(key string)
	// SealSecret seals a secret of webhooks for what it belongs to; without it
	// none can be kept.
	SealSecret func(text, context string) (string, error)
}

// The keys that are published.
const (
	KeyAgents    = "agents"
	KeyMailboxes = "mailboxes"
	KeyTags      = "tags"
)

// Directory is the service. It is safe for use by many goroutines.
type Directory struct {
	store   *store.Store
	seals   Sealer
	only    *postroom.Channel
	onlyIn  *postroom.Channel
	publish func(string)

	sealSecrets func(text, context string) (string, error)
}

// New makes a Directory.
func New(o Options) *Directory {
	if o.Publish == nil {
		o.Publish = func(string) {}
	}
	return &Directory{store: o.Store, seals: o.Sealer, only: o.OnlyChannel, onlyIn: o.OnlyIncoming, publish: o.Publish, sealSecrets: o.SealSecret}
}

// write is a transaction that publishes a key when it is committed.
func (d *Directory) write(ctx context.Context, key string, f func(*store.Tx) error) error {
	return d.store.Write(ctx, func(t *store.Tx) error {
		t.OnCommit(func() { d.publish(key) })
		return f(t)
	})
}

// manage asks for the right to manage.
func manage(by *postroom.Agent) error {
	if !postroom.Can(by, postroom.Manage, 0) {
		return postroom.Errorf(postroom.Forbidden, "Only an admin may do that.")
	}
	return nil
}

// Longest texts, in bytes.
const (
	maxName      = 100
	maxAddress   = 254 // RFC 5321 4.5.3.1.3, less the brackets
	maxSignature = 64 << 10
	maxTag       = 50
)

// line checks a text that must be one line: no control characters, since it
// may come to stand in a header (S5), and no bytes that no text has.
func line(field, what, text string, longest int, needed bool) (string, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "" && needed:
		return "", postroom.InvalidField(field, "Please enter %s.", what)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return "", postroom.InvalidField(field, "There is a character in %s that cannot be in it.", what)
	case len(text) > longest:
		return "", postroom.InvalidField(field, "There is too much text in %s: at most %d bytes.", what, longest)
	}
	return text, nil
}

// address checks a bare mail address and returns it in canonical form.
func address(field, text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", postroom.InvalidField(field, "Please enter a mail address.")
	}
	a, err := mail.ParseAddress(text)
	if err != nil || a.Name != "" || a.Address != text || len(text) > maxAddress || strings.ContainsFunc(text, unicode.IsControl) {
		return "", postroom.InvalidField(field, "%q is not a mail address.", cut(text))
	}
	if _, domain, _ := strings.Cut(text, "@"); strings.HasPrefix(domain, "[") {
		return "", postroom.InvalidField(field, "%q has no domain name.", cut(text))
	}
	return postroom.Canonical(text), nil
}

// cut keeps what is quoted back within bounds.
func cut(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}

// checkZone checks the IANA name of a zone; "" is UTC. "Local" is the
// server's own zone and says nothing to others.
func checkZone(zone string) error {
	if _, err := time.LoadLocation(zone); err != nil || zone == "Local" {
		return postroom.InvalidField("zone", "%q is not a time zone.", cut(zone))
	}
	return nil
}
