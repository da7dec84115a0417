package imap

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// Dial connects, secures and signs in. Ending ctx ends the connection while Dial
// runs, and not later; every method takes a context of its own. The error is a *Fault, or ctx's cause if ctx has ended.
func Dial(ctx context.Context, s Server) (*Conn, error) {
	s.Timeouts = s.Timeouts.withDefaults()
	if s.Security == "" {
		s.Security = SecurityTLS
	}
	o := &opening{Server: s, address: net.JoinHostPort(s.Host, strconv.Itoa(s.Port))}
	c, err := o.open(ctx)
	if err == nil {
		return c, nil
	}
	if o.conn != nil {
		o.conn.Close()
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return nil, err
}

// opening is a connection on its way to being one.
type opening struct {
	Server
	address  string
	conn     net.Conn
	greeting string
	tls      string
}

func (o *opening) fault(step Step, err error, text string, args ...any) *Fault {
	return &Fault{Step: step, Server: o.address, Err: err, Text: fmt.Sprintf(text, args...)}
}

func (o *opening) open(ctx context.Context) (*Conn, error) {
	if o.Host == "" || o.Port <= 0 || o.Port > 65535 {
		return nil, o.fault(StepFind, nil, "No server is named")
	}
	if err := o.connect(ctx); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { o.conn.Close() })
	defer stop()
	if err := o.secure(ctx); err != nil {
		return nil, err
	}
	w := newWatched(o.conn, o.greeting, o.Timeouts.Silence)
	c := &Conn{server: o.Server, address: o.address, Greeting: o.greeting, TLS: o.tls, watched: w, changed: make(chan struct{}, 1)}
	c.client = imapclient.New(w, &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(m *imapclient.UnilateralDataMailbox) {
			if m.NumMessages != nil {
				c.mark()
			}
		},
	}})
	if err := c.signIn(ctx); err != nil {
		c.client.Close()
		return nil, err
	}
	return c, nil
}

// connect resolves the name and makes the TCP connection.
func (o *opening) connect(ctx context.Context) error {
	dial := o.DialContext
	if dial == nil {
		dial = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	dctx, cancel := context.WithTimeout(ctx, o.Timeouts.Connect)
	defer cancel()
	conn, err := dial(dctx, "tcp", o.address)
	if err == nil {
		o.conn = conn
		return nil
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return o.fault(StepFind, err, "The address of the server %s cannot be found", o.Host)
	}
	if dctx.Err() != nil {
		return o.fault(StepConnect, nil, "The server %s did not answer within %s; a firewall may be in between, or the port is wrong", o.address, o.Timeouts.Connect)
	}
	return o.fault(StepConnect, err, "No connection to the server %s can be made", o.address)
}

// secure brings the connection to its greeting, protected as it should be.
func (o *opening) secure(ctx context.Context) error {
	// One deadline for all of it: a server that drips is none.
	if err := o.conn.SetDeadline(time.Now().Add(o.Timeouts.Connect)); err != nil {
		return o.fault(StepConnect, err, "The connection to %s broke", o.address)
	}
	switch o.Security {
	case SecurityTLS:
		if err := o.handshake(ctx); err != nil {
			return err
		}
		return o.greet(bufio.NewReader(o.conn))
	case SecurityStartTLS:
		if err := o.startTLS(ctx); err != nil {
			return err
		}
	case SecurityNone:
		return o.greet(bufio.NewReader(o.conn))
	default:
		return o.fault(StepTLS, nil, "%q is no kind of security", string(o.Security))
	}
	return o.conn.SetDeadline(time.Time{})
}

// greet reads the greeting, and gives back what came behind it.
func (o *opening) greet(r *bufio.Reader) error {
	text, err := readLine(r)
	if err != nil {
		return o.noGreeting(err)
	}
	o.greeting = text
	if !strings.HasPrefix(text, "* OK") && !strings.HasPrefix(text, "* PREAUTH") {
		return o.notGreeted(text)
	}
	if n := r.Buffered(); n > 0 {
		rest, _ := r.Peek(n)
		o.conn = &prefixed{Conn: o.conn, before: append([]byte{}, rest...)}
	}
	return o.conn.SetDeadline(time.Time{})
}

func (o *opening) noGreeting(err error) error {
	f := o.fault(StepGreet, err, "The server %s closed the connection before it greeted", o.address)
	if isTimeout(err) {
		f.Text, f.Err = "The server "+o.address+" took the connection and then said nothing", nil
		if o.Security != SecurityTLS {
			f.Text += "; it may want TLS from the first byte on this port"
		}
	} else if errors.Is(err, io.EOF) {
		f.Err = nil
	}
	return f
}

// notGreeted says of what came instead of a greeting what it may be.
func (o *opening) notGreeted(text string) error {
	f := o.fault(StepGreet, nil, "The server %s does not want to talk to us", o.address)
	f.Words = line(strings.TrimPrefix(text, "* "))
	switch {
	case strings.HasPrefix(text, "* BYE"):
	case strings.HasPrefix(text, "220"):
		f.Text = "The server " + o.address + " takes mail (SMTP) on this port; it does not give it out (IMAP)"
	case strings.HasPrefix(text, "+OK"):
		f.Text = "The server " + o.address + " speaks POP3 on this port, not IMAP"
	case strings.HasPrefix(text, "\x15\x03"):
		f.Text, f.Words = "The server "+o.address+" wants TLS from the first byte on this port", ""
	default:
		f.Text = "The server " + o.address + " does not speak IMAP on this port"
	}
	return f
}

// startTLS secures a connection that begins in plain text. What the server said
// before the handshake counts for nothing afterwards (RFC 9051 6.2.1), and what
// came together with its answer is somebody else's.
func (o *opening) startTLS(ctx context.Context) error {
	r := bufio.NewReader(o.conn)
	if err := o.greet(r); err != nil {
		return err
	}
	if p, ok := o.conn.(*prefixed); ok {
		o.conn = p.Conn
	}
	if err := o.conn.SetDeadline(time.Now().Add(o.Timeouts.Connect)); err != nil {
		return o.noGreeting(err)
	}
	if strings.HasPrefix(o.greeting, "* PREAUTH") {
		return o.fault(StepTLS, nil, "The server %s cannot be asked for TLS: it says that we are signed in already", o.address)
	}
	if _, err := io.WriteString(o.conn, "tls STARTTLS\r\n"); err != nil {
		return o.fault(StepTLS, err, "The connection to %s broke", o.address)
	}
	for {
		text, err := readLine(r)
		if err != nil {
			return o.fault(StepTLS, err, "The server %s did not answer to STARTTLS", o.address)
		}
		answer, tagged := strings.CutPrefix(text, "tls ")
		if !tagged {
			continue
		}
		if !strings.HasPrefix(strings.ToUpper(answer), "OK") {
			f := o.fault(StepTLS, nil, "The server %s does not offer STARTTLS on this port; choose TLS with port 993", o.address)
			f.Words, f.Refused = line(answer), true
			return f
		}
		break
	}
	if r.Buffered() > 0 {
		return o.fault(StepTLS, nil, "The server %s said more than it may before TLS; somebody may be in between", o.address)
	}
	if err := o.handshake(ctx); err != nil {
		return err
	}
	// What the library expects first is a greeting; capabilities that were
	// named in plain text are not among it.
	o.greeting = "* OK " + line(withoutCode(strings.TrimPrefix(o.greeting, "* OK")))
	return nil
}

func withoutCode(s string) string {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "[") {
		if i := strings.IndexByte(s, ']'); i > 0 {
			s = strings.TrimSpace(s[i+1:])
		}
	}
	if s == "" {
		return "ready"
	}
	return s
}

func (o *opening) handshake(ctx context.Context) error {
	cfg := &tls.Config{}
	if o.Server.TLS != nil {
		cfg = o.Server.TLS.Clone()
	}
	if cfg.ServerName == "" {
		cfg.ServerName = o.Host
	}
	cfg.MinVersion = max(cfg.MinVersion, tls.VersionTLS12)
	conn := tls.Client(o.conn, cfg)
	if err := conn.HandshakeContext(ctx); err != nil {
		return o.notSecure(err)
	}
	o.conn, o.tls = conn, tls.VersionName(conn.ConnectionState().Version)
	return nil
}

// notSecure puts a failed handshake into words.
func (o *opening) notSecure(err error) error {
	f := o.fault(StepTLS, err, "No encrypted connection to the server %s can be made", o.address)
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		f.Text, f.Err = "The server "+o.address+" does not speak TLS from the first byte on this port; choose STARTTLS, or port 993", nil
		return f
	}
	if isTimeout(err) {
		f.Text, f.Err = "The server "+o.address+" did not answer when TLS began; choose STARTTLS, or port 993", nil
		return f
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		f.Text, f.Err = "The certificate of the server "+o.address+" is for another name ("+line(strings.Join(names(e.Certificate), ", "))+")", nil
		return f
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		f.Text, f.Err = "The certificate of the server "+o.address+" is signed by nobody this machine trusts", nil
		return f
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		f.Text, f.Err = "The certificate of the server "+o.address+" has expired, or this machine's clock is wrong", nil
	}
	return f
}

func names(c *x509.Certificate) []string {
	if c == nil {
		return nil
	}
	if len(c.DNSNames) == 0 {
		return []string{c.Subject.CommonName}
	}
	return c.DNSNames[:min(len(c.DNSNames), 5)]
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// maxLine is the longest line read before the library takes over, in bytes.
const maxLine = 8 << 10

func readLine(r *bufio.Reader) (string, error) {
	var b []byte
	for {
		part, err := r.ReadSlice('\n')
		b = append(b, part...)
		if len(b) > maxLine {
			return "", errors.New("the line is too long")
		}
		if err == nil {
			return strings.TrimRight(string(b), "\r\n"), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			if len(b) > 1 && errors.Is(err, io.EOF) {
				return string(b), nil
			}
			return "", err
		}
	}
}

// signIn proves who we are.
func (c *Conn) signIn(ctx context.Context) error {
	if strings.HasPrefix(c.Greeting, "* PREAUTH") {
		return nil
	}
	if !c.mayTellPassword() {
		return &Fault{Step: StepSignIn, Server: c.address, Text: "The password is not sent to " + c.address + " over a connection that others can read; choose TLS or STARTTLS"}
	}
	var caps imap.CapSet
	if err := c.do(ctx, StepSignIn, func() error {
		if caps = c.client.Caps(); caps == nil {
			return io.ErrUnexpectedEOF
		}
		return nil
	}); err != nil {
		return err
	}
	var mechanism interface {
		Start() (string, []byte, error)
		Next([]byte) ([]byte, error)
	}
	token := &tokenAuth{user: c.server.Username, token: c.server.Password}
	switch {
	case c.server.Auth == AuthToken:
		mechanism = token
	case caps.Has(imap.AuthCap("PLAIN")):
		mechanism = &plainAuth{user: c.server.Username, password: c.server.Password}
	}
	err := c.do(ctx, StepSignIn, func() error {
		if mechanism == nil {
			return c.client.Login(c.server.Username, c.server.Password).Wait()
		}
		return c.client.Authenticate(mechanism)
	})
	if f, ok := errors.AsType[*Fault](err); ok {
		c.explainRefusal(f, token)
		return f
	}
	return err
}

// mayTellPassword reports whether nobody but the server hears it.
func (c *Conn) mayTellPassword() bool {
	if c.TLS != "" || c.server.InsecureAuth {
		return true
	}
	host, _, err := net.SplitHostPort(c.watched.RemoteAddr().String())
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}

// explainRefusal adds to a refused sign-in what the server said beside its no.
func (c *Conn) explainRefusal(f *Fault, token *tokenAuth) {
	// Whatever a server echoes, the password is not passed on.
	if c.server.Password != "" {
		f.Words = strings.ReplaceAll(f.Words, c.server.Password, "…")
	}
	if !f.Refused {
		return
	}
	f.Text = "The server " + c.address + " refused the sign-in of " + c.server.Username
	if c.server.Auth != AuthToken {
		return
	}
	f.Text = "The server " + c.address + " refused the access token of " + c.server.Username + "; it has expired or was withdrawn: sign the mailbox in again"
	if token.said != "" {
		f.Words = line(strings.TrimSpace(f.Words + " " + token.said))
	}
}

// plainAuth is SASL PLAIN (RFC 4616). It writes what the library would need a
// further module for.
type plainAuth struct{ user, password string }

// Start returns the mechanism and its only message.
func (a *plainAuth) Start() (string, []byte, error) {
	return "PLAIN", []byte("\x00" + a.user + "\x00" + a.password), nil
}

// Next is never asked for more.
func (a *plainAuth) Next([]byte) ([]byte, error) {
	return nil, errors.New("the server asked for more than PLAIN has")
}

// tokenAuth is XOAUTH2, as Gmail and Exchange speak it: a refusal comes as a
// challenge with JSON in it, which wants an empty answer before the no.
type tokenAuth struct {
	user, token string
	said        string
}

// Start returns the mechanism and its only message.
func (a *tokenAuth) Start() (string, []byte, error) {
	return "XOAUTH2", []byte("user=" + a.user + "\x01auth=Bearer " + a.token + "\x01\x01"), nil
}

// Next takes the reason of a refusal.
func (a *tokenAuth) Next(challenge []byte) ([]byte, error) {
	var reason struct{ Status, Scope, Error string }
	if json.Unmarshal(challenge, &reason) == nil && (reason.Status != "" || reason.Error != "") {
		a.said = line(strings.TrimSpace(fmt.Sprintf("(status %s %s)", reason.Status, reason.Error)))
	} else {
		a.said = line(string(challenge))
	}
	return []byte{}, nil
}
