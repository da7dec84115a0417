// Package imap reads a mailbox's folders on an IMAP server (RFC 9051, RFC
// 3501): it connects, signs in, fetches raw mails by their UIDs, waits for new
// ones, and puts copies into folders. It knows the protocol and no rules: what
// to fetch, what to do with it and what to tell people belongs to others.
//
// The protocol's grammar is emersion/go-imap's, hidden behind Conn. The opening
// of a connection is done here, and every wait has an end that is ours: the
// library waits for an idling server for ever, and a peer that has gone without
// a word (a router that forgot the connection) never says so.
package imap

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"time"
)

// Security says how the connection is protected.
type Security string

// The three ways. There is no "if offered": a connection that should be
// encrypted and cannot be is a fault, never a silent downgrade.
const (
	SecurityNone     Security = "none"     // plain text, for a server on the same machine or network
	SecurityStartTLS Security = "starttls" // STARTTLS (RFC 9051 6.2.1), required
	SecurityTLS      Security = "tls"      // TLS from the first byte (RFC 8314)
)

// Auth says what the password is.
type Auth string

// The ways to sign in. Which SASL mechanism carries a password is found out
// from what the server offers: PLAIN, else LOGIN.
const (
	AuthPassword Auth = "password" // a password or an app password; the zero value means it too
	AuthToken    Auth = "token"    // an OAuth 2 access token, by XOAUTH2
)

// Server is where and how to read mail. The zero value of each field but Host,
// Port and Username is usable.
type Server struct {
	Host     string
	Port     int
	Security Security // empty means SecurityTLS

	Username string
	Password string // or the access token; never in any error or log
	Auth     Auth

	// InsecureAuth allows signing in over a connection that is neither
	// encrypted nor to a loopback address. Without it the password is not sent.
	InsecureAuth bool

	// TLS is cloned and completed: ServerName from Host, TLS 1.2 at least.
	TLS *tls.Config

	Timeouts Timeouts

	// DialContext replaces the dialer, for a process that may only reach
	// certain addresses.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
}

// Timeouts are the longest waits; a zero field means its default.
type Timeouts struct {
	Connect time.Duration // name resolution and TCP, and the TLS handshake; 30 s
	Silence time.Duration // without one byte from the server while it owes an answer; 1 min
	Idle    time.Duration // of one IDLE, before the server is asked whether it is still there; 4 min
}

func (t Timeouts) withDefaults() Timeouts {
	for _, x := range []struct {
		to   *time.Duration
		then time.Duration
	}{{&t.Connect, 30 * time.Second}, {&t.Silence, time.Minute}, {&t.Idle, 4 * time.Minute}} {
		if *x.to <= 0 {
			*x.to = x.then
		}
	}
	return t
}

// Step is how far a connection came.
type Step string

// The steps, in order.
const (
	StepFind    Step = "find"    // the server's name
	StepConnect Step = "connect" // TCP
	StepTLS     Step = "tls"
	StepGreet   Step = "greet"
	StepSignIn  Step = "sign in"
	StepFolder  Step = "folder" // a folder could not be opened
	StepRead    Step = "read"   // afterwards: searching, fetching, waiting
	StepWrite   Step = "write"  // marking, moving, putting a copy into a folder
)

// Fault is what went wrong with a connection, for people. It never holds a
// password.
type Fault struct {
	Step   Step
	Server string // "imap.example.org:993"
	// Words are the server's own: "NO [AUTHENTICATIONFAILED] Invalid
	// credentials"; "" where it said nothing.
	Words string
	Text  string // what happened, a sentence without its full stop
	// Refused says that the server answered, with a no: trying again soon
	// changes nothing. Otherwise the connection failed or broke.
	Refused bool
	Err     error
}

// Error returns the sentence, with the server's words quoted.
func (f *Fault) Error() string {
	s := f.Text
	if f.Words != "" {
		s += ": “" + f.Words + "”"
	} else if f.Err != nil {
		s += ": " + f.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// maxWords bounds what of a server's words is kept, in bytes.
const maxWords = 500

// line makes what a server said one line of bounded length.
func line(s string) string {
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
