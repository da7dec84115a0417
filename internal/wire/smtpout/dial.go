package smtpout

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/emersion/go-sasl"
)

// Dial connects, greets, secures and signs in. Ending ctx closes the
// connection while Dial runs, and not later. On a fault the connection is
// closed and the fault carries the dialogue so far.
func Dial(ctx context.Context, s Server) (*Conn, *Fault) {
	s.Timeouts = s.Timeouts.withDefaults()
	if s.Security == "" {
		s.Security = SecurityNone
	}
	c := &Conn{server: s, secrets: secretsOf(s), phase: PhaseConnect}
	if f := c.open(ctx); f != nil {
		if c.raw != nil {
			c.raw.Close()
		}
		f.Dialogue = c.dialogue
		return nil, f
	}
	c.opening, c.dialogue = c.dialogue, nil
	return c, nil
}

// open does what Dial does, up to being ready for MAIL.
func (c *Conn) open(ctx context.Context) *Fault {
	if f := c.connect(ctx); f != nil {
		return f
	}
	stop := c.closeOn(ctx)
	defer stop()

	if c.server.Security == SecurityTLS {
		if f := c.handshake(ctx); f != nil {
			return f
		}
	}
	c.enter(PhaseGreeting)
	rep, f := c.readReply(ctx, c.server.Timeouts.Greeting)
	if f != nil {
		return f
	}
	if rep.code != 220 {
		return c.fault(rep)
	}
	c.name, _, _ = strings.Cut(rep.text, " ")
	if f := c.hello(ctx); f != nil {
		return f
	}
	if c.server.Security == SecurityStartTLS {
		if f := c.startTLS(ctx); f != nil {
			return f
		}
	}
	if c.server.Username != "" {
		return c.auth(ctx)
	}
	return nil
}

// closeOn closes the connection as soon as ctx ends; the returned function
// takes that back.
func (c *Conn) closeOn(ctx context.Context) func() {
	raw := c.raw
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	return func() {
		if !stop() {
			c.broken = true
		}
	}
}

// connect resolves the name and makes the TCP connection.
func (c *Conn) connect(ctx context.Context) *Fault {
	s := c.server
	if s.Host == "" || s.Port <= 0 || s.Port > 65535 {
		return &Fault{Phase: PhaseDNS, Text: "no server is named", stop: true}
	}
	switch s.Security {
	case SecurityNone, SecurityStartTLS, SecurityTLS:
	default:
		return &Fault{Phase: PhaseConnect, Text: "unknown security " + strconv.Quote(string(s.Security)), stop: true}
	}
	dial := s.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	dctx, cancel := context.WithTimeout(ctx, s.Timeouts.Connect)
	defer cancel()
	addr := net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
	conn, err := dial(dctx, "tcp", addr)
	if err != nil {
		f := &Fault{Phase: PhaseConnect, Text: "cannot connect to " + addr, Err: err}
		var dns *net.DNSError
		if errors.As(err, &dns) {
			f.Phase, f.Text = PhaseDNS, "cannot find the address of "+s.Host
		}
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			f.Timeout = true
		}
		if ctx.Err() != nil {
			f.Text, f.Err = "the attempt was stopped", context.Cause(ctx)
		}
		c.note("%s: %v", f.Text, f.Err)
		return f
	}
	c.tcp, c.raw, c.r = conn, conn, bufio.NewReader(conn)
	if host, _, err := net.SplitHostPort(conn.RemoteAddr().String()); err == nil {
		c.ip = host
	}
	c.note("connected to %s (%s)", addr, conn.RemoteAddr())
	return nil
}

// handshake turns the connection into a TLS one.
func (c *Conn) handshake(ctx context.Context) *Fault {
	c.enter(PhaseStartTLS)
	cfg := &tls.Config{}
	if c.server.TLS != nil {
		cfg = c.server.TLS.Clone()
	}
	if cfg.ServerName == "" {
		cfg.ServerName = c.server.Host
	}
	if cfg.MinVersion < tls.VersionTLS12 {
		cfg.MinVersion = tls.VersionTLS12
	}
	conn := tls.Client(c.raw, cfg)
	hctx, cancel := context.WithTimeout(ctx, c.server.Timeouts.TLS)
	defer cancel()
	if err := conn.HandshakeContext(hctx); err != nil {
		return c.lost(ctx, "the connection could not be encrypted", err)
	}
	c.raw, c.r, c.tlsVersion = conn, bufio.NewReader(conn), tlsName(conn)
	c.note("encrypted with %s", c.tlsVersion)
	return nil
}

// startTLS asks for encryption, which is required here.
func (c *Conn) startTLS(ctx context.Context) *Fault {
	c.enter(PhaseStartTLS)
	if _, ok := c.ext["STARTTLS"]; !ok {
		return &Fault{Phase: c.phase, Text: "the server does not offer STARTTLS, and mail is not sent without it"}
	}
	rep, f := c.command(ctx, c.server.Timeouts.Command, "", "STARTTLS")
	if f != nil {
		return f
	}
	if rep.code != 220 {
		return c.fault(rep)
	}
	// Anything that already lies in the buffer came in plain text and would
	// be taken for an encrypted answer (RFC 3207 section 5).
	if c.r.Buffered() > 0 {
		c.broken = true
		return &Fault{Phase: c.phase, Text: "the server (or somebody between) sent text before the encryption began"}
	}
	if f := c.handshake(ctx); f != nil {
		return f
	}
	return c.hello(ctx)
}

// hello says EHLO, or HELO to a server that knows no EHLO, and keeps what is
// offered.
func (c *Conn) hello(ctx context.Context) *Fault {
	c.enter(PhaseEHLO)
	name := c.heloName()
	if strings.ContainsAny(name, " <>\t") {
		return &Fault{Phase: c.phase, Text: "the HELO name " + strconv.Quote(name) + " is not a host name", stop: true}
	}
	rep, f := c.command(ctx, c.server.Timeouts.Command, "", "EHLO "+name)
	if f != nil {
		return f
	}
	c.ext = map[string]string{}
	if rep.code == 500 || rep.code == 502 || rep.code == 504 {
		if rep, f = c.command(ctx, c.server.Timeouts.Command, "", "HELO "+name); f != nil {
			return f
		}
	}
	if rep.code != 250 {
		return c.fault(rep)
	}
	if n, _, _ := strings.Cut(rep.lines[0], " "); strings.Contains(n, ".") {
		c.name = c.clean(n)
	}
	for _, l := range rep.lines[1:] {
		key, param, _ := strings.Cut(strings.TrimSpace(l), " ")
		key = strings.ToUpper(key)
		// "AUTH=LOGIN PLAIN" is how servers before RFC 2554 wrote it.
		if k, first, ok := strings.Cut(key, "="); ok && k == "AUTH" {
			if _, seen := c.ext["AUTH"]; seen {
				continue
			}
			key, param = k, first+" "+param
		}
		c.ext[key] = param
	}
	return nil
}

// heloName is the name for EHLO.
func (c *Conn) heloName() string {
	if c.server.HELO != "" {
		return c.server.HELO
	}
	host, _, err := net.SplitHostPort(c.raw.LocalAddr().String())
	ip := net.ParseIP(host)
	switch {
	case err != nil || ip == nil:
		return "localhost"
	case ip.To4() == nil:
		return "[IPv6:" + ip.String() + "]"
	}
	return "[" + ip.String() + "]"
}

// auth signs in with PLAIN (RFC 4616) or, where only that is offered, LOGIN;
// with an access token by XOAUTH2.
func (c *Conn) auth(ctx context.Context) *Fault {
	c.enter(PhaseAuth)
	s := c.server
	ip := net.ParseIP(c.ip)
	if c.tlsVersion == "" && !s.InsecureAuth && (ip == nil || !ip.IsLoopback()) {
		return &Fault{Phase: c.phase, Text: "the password would travel unencrypted, so it was not sent", stop: true}
	}
	offered := strings.Fields(strings.ToUpper(c.ext["AUTH"]))
	var client sasl.Client
	switch {
	case s.Auth == AuthToken && !slices.Contains(offered, "XOAUTH2"):
		return &Fault{Phase: c.phase, Text: "the server takes no access token (XOAUTH2) on this connection", stop: true}
	case s.Auth == AuthToken:
		client = &bearer{user: s.Username, token: s.Password}
	case slices.Contains(offered, "PLAIN"):
		client = sasl.NewPlainClient("", s.Username, s.Password)
	case slices.Contains(offered, "LOGIN"):
		client = &login{answers: []string{s.Username, s.Password}}
	case len(offered) == 0:
		return &Fault{Phase: c.phase, Text: "the server offers no sign-in (AUTH) on this connection", stop: true}
	default:
		return &Fault{Phase: c.phase, Text: "the server offers no sign-in we know, only " + c.clean(strings.Join(offered, " ")), stop: true}
	}
	mech, first, err := client.Start()
	if err != nil {
		return &Fault{Phase: c.phase, Text: "the sign-in cannot be begun", Err: err, stop: true}
	}
	line, shown := "AUTH "+mech, "AUTH "+mech
	if first != nil {
		line += " " + base64.StdEncoding.EncodeToString(first)
		shown += " ***"
	}
	rep, f := c.command(ctx, s.Timeouts.Command, shown, line)
	for steps := 0; f == nil && rep.code == 334; steps++ {
		challenge, err := base64.StdEncoding.DecodeString(rep.text)
		var answer []byte
		if err == nil {
			answer, err = client.Next(challenge)
		}
		if err != nil || steps > 3 {
			// "*" calls the exchange off (RFC 4954 section 4).
			if rep, f = c.command(ctx, s.Timeouts.Command, "*", "*"); f == nil {
				return &Fault{Phase: c.phase, Text: "the server's sign-in dialogue cannot be followed", Err: err, stop: true}
			}
			break
		}
		rep, f = c.command(ctx, s.Timeouts.Command, "***", base64.StdEncoding.EncodeToString(answer))
	}
	if f != nil {
		return f
	}
	if rep.code != 235 {
		return c.fault(rep)
	}
	return nil
}

// bearer is XOAUTH2, as Gmail and Exchange Online speak it: a refusal comes as a
// challenge with JSON in it, which wants an empty answer before the no.
type bearer struct{ user, token string }

// Start returns the mechanism and its only message.
func (b *bearer) Start() (mech string, first []byte, err error) {
	return "XOAUTH2", []byte("user=" + b.user + "\x01auth=Bearer " + b.token + "\x01\x01"), nil
}

// Next answers the reason of a refusal; the no that follows says it in words.
func (b *bearer) Next([]byte) ([]byte, error) { return []byte{}, nil }

// login is the LOGIN mechanism, which no RFC defines: the name, then the
// password, each when it is asked for. The name is not sent at once, as
// sasl's client does, because old servers take no initial response; and the
// questions are not read, because servers word them as they like.
type login struct{ answers []string }

// Start begins without an initial response.
func (l *login) Start() (mech string, first []byte, err error) { return "LOGIN", nil, nil }

// Next answers a question.
func (l *login) Next([]byte) ([]byte, error) {
	if len(l.answers) == 0 {
		return nil, errors.New("the server asks for more than name and password")
	}
	answer := l.answers[0]
	l.answers = l.answers[1:]
	return []byte(answer), nil
}
