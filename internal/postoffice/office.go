// Package postoffice is an SMTP and IMAP server in memory, on loopback ports:
// the peer of the demo and of the tests. It takes every mail and keeps it
// where it can be read by IMAP and by Go; and it can be told to cut, stall
// and lie at every step of the SMTP dialogue, before or after it answers.
//
// The SMTP half is written by hand: a server library keeps to the protocol,
// and this one must be able not to.
package postoffice

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/emersion/go-imap/v2/imapserver"
)

// Options are the settings of an Office. The zero value is a server that
// takes mail from everybody, with STARTTLS offered, all extensions, no AUTH.
type Options struct {
	// Host is the loopback address to listen on; "127.0.0.1".
	Host string

	// Domain is the server's name in its greeting; "postoffice.test".
	Domain string

	// Users may sign in with AUTH PLAIN and LOGIN: name to password. With
	// none AUTH is not offered.
	Users map[string]string

	// RequireAuth answers 530 to MAIL before AUTH.
	RequireAuth bool

	// PlainAuth offers AUTH on connections without TLS as well.
	PlainAuth bool

	// Without names the EHLO keywords not to offer, upper case: "STARTTLS",
	// "8BITMIME", "SMTPUTF8", "DSN", "SIZE", "AUTH", "ENHANCEDSTATUSCODES".
	Without []string

	// MaxBytes is the limit told with SIZE and enforced; 50 MiB.
	MaxBytes int64

	// MailboxPassword opens the IMAP account of every address, by the name
	// of the address; "postoffice".
	MailboxPassword string

	// Tokens are the access tokens with which users may sign in by XOAUTH2, to
	// IMAP and SMTP; Admit changes them. With nil it is not offered.
	Tokens map[string]string

	// WithoutIDLE leaves the IMAP server without a way to tell of new mail, on
	// connections without TLS.
	WithoutIDLE bool

	// Subaddress has mail for name+anything@domain lie in the account of
	// name@domain, as providers with subaddressing do (RFC 5233).
	Subaddress bool
}

// has says whether the EHLO keyword is offered.
func (o Options) has(keyword string) bool {
	for _, w := range o.Without {
		if strings.EqualFold(w, keyword) {
			return false
		}
	}
	return true
}

// Letter is a mail the office has accepted.
type Letter struct {
	Seq       int // from 1, in order of acceptance
	From      string
	To        []string
	Raw       []byte // as sent, without dot-stuffing; not to be changed
	At        time.Time
	SessionID int
	Mail      int    // the number of its MAIL command in the office, from 1
	MessageID string // without brackets
	TLS       bool
	User      string // who was signed in; "" for nobody
	MailArgs  string // the parameters of MAIL: "SIZE=… BODY=8BITMIME"
	RcptArgs  []string
}

// Office is a running post office. All methods may be called by several
// goroutines.
type Office struct {
	options Options
	cert    certificate

	plain net.Listener
	tls   net.Listener
	imapL net.Listener
	imap  *imapserver.Server
	boxes *mailboxes

	closed chan struct{}
	wg     sync.WaitGroup

	mu       sync.Mutex
	sessions map[*session]struct{}
	nSession int
	nMail    int
	letters  []Letter
	attempts []Attempt
	grown    chan struct{} // closed and replaced when letters or attempts change
	faults   []*Programmed
	hooks    []func(Event)
	release  chan struct{} // closed and replaced by Release
}

// New starts an office on free ports.
func New(o Options) (*Office, error) {
	if o.Host == "" {
		o.Host = "127.0.0.1"
	}
	if o.Domain == "" {
		o.Domain = "postoffice.test"
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 50 << 20
	}
	if o.MailboxPassword == "" {
		o.MailboxPassword = "postoffice"
	}
	if ip := net.ParseIP(o.Host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("post office: %q is no loopback address", o.Host)
	}
	cert, err := newCertificate(o.Domain, o.Host)
	if err != nil {
		return nil, fmt.Errorf("post office: %w", err)
	}
	f := &Office{
		options: o, cert: cert, closed: make(chan struct{}), sessions: map[*session]struct{}{},
		grown: make(chan struct{}), release: make(chan struct{}), boxes: newMailboxes(o),
	}
	if err := f.listen(); err != nil {
		f.Close()
		return nil, fmt.Errorf("post office: %w", err)
	}
	return f, nil
}

// receiveBuffer is the kernel's buffer for each connection. It is small so
// that a client is still writing when it is cut in the middle of a big mail.
const receiveBuffer = 32 << 10

// listen opens the three ports and serves them.
func (f *Office) listen() error {
	cfg := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if ctlErr := c.Control(func(fd uintptr) { err = setReceiveBuffer(fd, receiveBuffer) }); ctlErr != nil {
			return ctlErr
		}
		return err
	}}
	addr := net.JoinHostPort(f.options.Host, "0")
	for _, l := range []*net.Listener{&f.plain, &f.tls} {
		ln, err := cfg.Listen(context.Background(), "tcp", addr)
		if err != nil {
			return err
		}
		*l = ln
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	f.wg.Go(func() { f.accept(f.plain, false) })
	f.wg.Go(func() { f.accept(f.tls, true) })
	f.serveIMAP(ln)
	return nil
}

// accept serves one SMTP port.
func (f *Office) accept(ln net.Listener, implicitTLS bool) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			select {
			case <-f.closed:
				return
			default:
				continue
			}
		}
		s := f.newSession(conn, implicitTLS)
		if s == nil {
			conn.Close()
			return
		}
		f.wg.Go(s.serve)
	}
}

// newSession numbers a connection; nil when the office is closed.
func (f *Office) newSession(conn net.Conn, implicitTLS bool) *session {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.closed:
		return nil
	default:
	}
	f.nSession++
	s := &session{office: f, id: f.nSession, tcp: conn, conn: conn, implicitTLS: implicitTLS}
	f.sessions[s] = struct{}{}
	return s
}

// Close ends the office: ports and connections are closed, stalls end.
func (f *Office) Close() error {
	f.mu.Lock()
	select {
	case <-f.closed:
		f.mu.Unlock()
		return nil
	default:
	}
	close(f.closed)
	for s := range f.sessions {
		s.tcp.Close()
	}
	imapL, imap := f.imapL, f.imap
	f.mu.Unlock()
	for _, ln := range []net.Listener{f.plain, f.tls, imapL} {
		if ln != nil {
			ln.Close()
		}
	}
	if imap != nil {
		imap.Close()
	}
	f.wg.Wait()
	return nil
}

// Addr is the SMTP port "host:port": plain text, STARTTLS offered.
func (f *Office) Addr() string { return f.plain.Addr().String() }

// TLSAddr is the SMTP port with TLS from the first byte.
func (f *Office) TLSAddr() string { return f.tls.Addr().String() }

// IMAPAddr is the IMAP port: plain text, STARTTLS offered.
func (f *Office) IMAPAddr() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.imapL.Addr().String()
}

// CertPool holds the office's own certificate authority.
func (f *Office) CertPool() *x509.CertPool { return f.cert.pool }

// CAPEM is the office's certificate authority in PEM, for a client that is
// another process.
func (f *Office) CAPEM() []byte { return f.cert.pem }

// ClientTLS is a configuration that trusts the office.
func (f *Office) ClientTLS() *tls.Config {
	return &tls.Config{RootCAs: f.cert.pool, MinVersion: tls.VersionTLS12}
}

// snapshot returns the accepted mails, not to be changed, and a channel that
// is closed when there are more. The list only grows, so nothing is copied.
func (f *Office) snapshot() ([]Letter, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.letters)
	return f.letters[:n:n], f.grown
}

// Received returns the accepted mails in order of acceptance.
func (f *Office) Received() []Letter {
	letters, _ := f.snapshot()
	return slices.Clone(letters)
}

// For returns the accepted mails with that envelope recipient, in order.
// Letter case does not count.
func (f *Office) For(address string) []Letter {
	letters, _ := f.snapshot()
	return lettersFor(letters, address)
}

// lettersFor picks the mails for an address.
func lettersFor(letters []Letter, address string) []Letter {
	var out []Letter
	for _, l := range letters {
		if slices.ContainsFunc(l.To, func(to string) bool { return strings.EqualFold(to, address) }) {
			out = append(out, l)
		}
	}
	return out
}

// Wait returns when at least n mails were accepted, with all of them, or with
// ctx's error and those there are.
func (f *Office) Wait(ctx context.Context, n int) ([]Letter, error) {
	return f.WaitFunc(ctx, func(l []Letter) bool { return len(l) >= n })
}

// WaitFor is Wait for the mails of one recipient.
func (f *Office) WaitFor(ctx context.Context, address string, n int) ([]Letter, error) {
	all, err := f.WaitFunc(ctx, func(l []Letter) bool { return len(lettersFor(l, address)) >= n })
	return lettersFor(all, address), err
}

// WaitFunc returns when done says so of the accepted mails, which it may not
// change; it is asked again after each one.
func (f *Office) WaitFunc(ctx context.Context, done func([]Letter) bool) ([]Letter, error) {
	for {
		letters, grown := f.snapshot()
		if done(letters) {
			return slices.Clone(letters), nil
		}
		select {
		case <-grown:
		case <-f.closed:
			return slices.Clone(letters), errors.New("the post office is closed")
		case <-ctx.Done():
			return slices.Clone(letters), fmt.Errorf("%d mails were accepted: %w", len(letters), ctx.Err())
		}
	}
}

// Subscribe returns a channel of every mail accepted from now on, in order;
// it is closed when ctx ends or the office closes. A slow reader delays
// nobody.
func (f *Office) Subscribe(ctx context.Context) <-chan Letter {
	out := make(chan Letter)
	letters, _ := f.snapshot()
	go f.publish(ctx, out, len(letters))
	return out
}

// publish sends the mails from the given one on.
func (f *Office) publish(ctx context.Context, out chan<- Letter, next int) {
	defer close(out)
	for {
		letters, grown := f.snapshot()
		for ; next < len(letters); next++ {
			select {
			case out <- letters[next]:
			case <-ctx.Done():
				return
			case <-f.closed:
				return
			}
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return
		case <-f.closed:
			return
		}
	}
}

// store accepts a mail: it is in Received, in Attempts and in the mailboxes
// when store returns.
func (f *Office) store(l Letter) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l.Seq = len(f.letters) + 1
	l.At = time.Now()
	f.letters = append(f.letters, l)
	f.attempts[l.Mail-1].Accepted = true
	f.boxes.deliver(l)
	f.changed()
}

// changed wakes who waits; f.mu is held.
func (f *Office) changed() {
	close(f.grown)
	f.grown = make(chan struct{})
}
