// Package smtpout hands mails to one SMTP server and says, for each
// recipient, what became of it and how far the attempt got. It decides
// nothing: when to try, what to try again and what to tell people belongs to
// the outbox.
//
// The client is written by hand because the outbox needs two things that
// emersion/go-smtp and net/smtp hide: a stop just before the DATA command
// (a worker whose lease was taken away must not send), and whether the last
// byte of the terminating dot has left, which is the line between "nothing
// was sent" and "only the server knows".
package smtpout

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// Security says how the connection is protected.
type Security string

// The three ways. There is no "if offered": a connection that should be
// encrypted and cannot be is a fault, never a silent downgrade.
const (
	SecurityNone     Security = "none"     // plain text, for a server on the same machine or network
	SecurityStartTLS Security = "starttls" // STARTTLS (RFC 3207), required
	SecurityTLS      Security = "tls"      // TLS from the first byte (RFC 8314)
)

// Auth says what the password is.
type Auth string

// The ways to sign in.
const (
	AuthPassword Auth = "password" // a password or an app password; the zero value means it too
	AuthToken    Auth = "token"    // an OAuth 2 access token, by XOAUTH2
)

// Server is where and how to hand in mails. The zero value of each field but
// Host and Port is usable.
type Server struct {
	Host     string
	Port     int
	Security Security // empty means SecurityNone

	// Username and Password are for AUTH (PLAIN, else LOGIN; XOAUTH2 for a
	// token). An empty Username means no AUTH.
	Username string
	Password string // or the access token; never in any fault or dialogue
	Auth     Auth

	// InsecureAuth allows AUTH over a connection that is neither encrypted
	// nor to a loopback address. Without it such a password is not sent.
	InsecureAuth bool

	// HELO is the name given in EHLO; empty means the address literal of the
	// local end (RFC 5321 section 4.1.4).
	HELO string

	// TLS is cloned and completed: ServerName from Host, TLS 1.2 at least.
	TLS *tls.Config

	Timeouts Timeouts

	// DialContext replaces the dialer, for a process that may only reach
	// certain addresses.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
}

// Timeouts are the longest waits. A zero field means its default; the
// defaults are those of RFC 5321 section 4.5.3.2 or more.
type Timeouts struct {
	Connect  time.Duration // name resolution and TCP; 30 s
	TLS      time.Duration // handshake; 1 min
	Greeting time.Duration // 5 min
	Command  time.Duration // EHLO, STARTTLS, AUTH, MAIL, RCPT, RSET; 5 min
	Data     time.Duration // the reply to the DATA command; 2 min
	Block    time.Duration // writing one block of the body; 3 min
	Answer   time.Duration // the reply to the final dot; 10 min
	Quit     time.Duration // the whole of QUIT; 2 s
}

// withDefaults returns t with each zero field replaced.
func (t Timeouts) withDefaults() Timeouts {
	set := func(d *time.Duration, def time.Duration) {
		if *d <= 0 {
			*d = def
		}
	}
	set(&t.Connect, 30*time.Second)
	set(&t.TLS, time.Minute)
	set(&t.Greeting, 5*time.Minute)
	set(&t.Command, 5*time.Minute)
	set(&t.Data, 2*time.Minute)
	set(&t.Block, 3*time.Minute)
	set(&t.Answer, 10*time.Minute)
	set(&t.Quit, 2*time.Second)
	return t
}
