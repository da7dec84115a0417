package connect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"

	"postroom"
	"postroom/internal/consent"
	"postroom/internal/query"
	"postroom/internal/wire/smtpout"
)

// Try is a connection as it stands in a form.
type Try struct {
	Mailbox  int64  // whose stored password stands in for one not typed; 0 for none
	Address  string // whose mail it is for
	Host     string
	Port     string // as typed; "" is the usual one
	Security string
	Username string
	Password string // "" takes the stored one, if the rest is as stored
	// SignedIn takes an access token of the mailbox's sign-in instead.
	SignedIn bool
}

// TrySending connects to a server for outgoing mail, signs in, asks whether it
// takes mail from the address, and sends nothing. Errors are those of who may
// not, or too often; everything a server does is a Probe.
func (c *Connections) TrySending(ctx context.Context, by *postroom.Agent, t Try) (query.Probe, error) {
	m, err := c.mailbox(ctx, by, t.Mailbox)
	if err != nil {
		return query.Probe{}, err
	}
	if p := t.incomplete(map[string]int{"tls": 465, "starttls": 587, "none": 25}, "smtp"); p != nil {
		return *p, nil
	}
	if p := c.barred(t); p != nil {
		return *p, nil
	}
	known := ""
	if t.SignedIn {
		if p := c.token(ctx, &t, "smtp"); p != nil {
			return *p, nil
		}
	} else if m != nil && m.Channel.Password != "" && t.same(m.Channel.Host, m.Channel.Port, m.Channel.Security, m.Channel.Username) {
		if known, err = c.Open(m.Channel.Password); err != nil {
			return query.Probe{State: "bad", Title: "The stored password cannot be read", Words: "Enter it again.", Field: "smtp_password"}, nil
		}
	}
	if t.Password == "" {
		t.Password = known
	}
	ctx, done, err := c.begin(ctx, by, "sending")
	if err != nil {
		return query.Probe{}, err
	}
	defer done()
	p := c.send(ctx, t)
	c.Log.Info("outgoing connection tried", "agent", by.ID, "host", t.Host, "port", t.Port, "state", p.State, "title", p.Title)
	return p, nil
}

// send is the test itself.
func (c *Connections) send(ctx context.Context, t Try) query.Probe {
	s := c.smtp(t)
	asked := t.Username == "" || t.Password != ""
	if !asked {
		s.Username = ""
	}
	conn, fault := smtpout.Dial(ctx, s)
	if fault != nil {
		return c.sendingFault(ctx, t, fault)
	}
	defer conn.Close()
	p := query.Probe{State: "good", Title: "It works: " + t.Host + " takes this mailbox's mail"}
	p.Facts = append(p.Facts, query.Choice{Value: "Server", Text: conn.ServerName()}, query.Choice{Value: "Encryption", Text: orNone(conn.TLSVersion(), "none")})
	if size, ok := conn.Offers("SIZE"); ok {
		if n, err := strconv.ParseInt(strings.TrimSpace(size), 10, 64); err == nil && n > 0 {
			p.Facts = append(p.Facts, query.Choice{Value: "Largest mail", Text: fmt.Sprintf("%d MB", n>>20)})
		}
	}
	if !asked {
		p.State, p.Title, p.Words, p.Field = "wait", "The server answers", "Enter the password, and the sign-in is tried too.", "smtp_password"
		p.Dialogue = lines(conn.Dialogue())
		return p
	}
	if fault := conn.Check(ctx, t.Address); fault != nil {
		return c.sendingFault(ctx, t, fault)
	}
	_, offered := conn.Offers("AUTH")
	switch {
	case t.Username == "" && offered:
		p.State, p.Title, p.Words, p.Field = "warn", "The server answers, and nobody signs in", "It offers signing in. Without it most servers take mail only for themselves.", "smtp_user"
	case conn.TLSVersion() == "" && !loopback(conn.ServerIP()):
		p.State, p.Words = "warn", "The connection is not encrypted: whoever is between can read along."
	}
	p.Dialogue = lines(conn.Dialogue())
	return p
}

func (c *Connections) smtp(t Try) smtpout.Server {
	port, _ := strconv.Atoi(t.Port)
	return smtpout.Server{Host: t.Host, Port: port, Security: smtpout.Security(t.Security), Username: t.Username, Password: t.Password, Auth: smtpAuth(t.SignedIn),
		HELO: c.HELO, TLS: c.TLS, DialContext: c.Dial,
		Timeouts: smtpout.Timeouts{Connect: c.Patience / 2, TLS: c.Patience / 2, Greeting: c.Patience / 2, Command: c.Patience, Quit: time.Second}}
}

func smtpAuth(signedIn bool) smtpout.Auth {
	if signedIn {
		return smtpout.AuthToken
	}
	return smtpout.AuthPassword
}

// token puts an access token of the mailbox's sign-in into a form; a result of
// the test if there is none for the server.
func (c *Connections) token(ctx context.Context, t *Try, prefix string) *query.Probe {
	if t.Username == "" {
		t.Username = t.Address
	}
	token, err := c.Consents.Token(ctx, t.Mailbox, t.Host)
	switch postroom.CodeOf(err) {
	case "":
		t.Password = token
		return nil
	case postroom.NotFound:
		return &query.Probe{State: "wait", Title: "Sign in first", Words: "Press the button above. Then it is tried here."}
	case postroom.Forbidden:
		return &query.Probe{State: "bad", Title: "That is not the provider's server", Words: postroom.TextOf(err), Field: prefix + "_host"}
	case postroom.Unauthorized:
		return &query.Probe{State: "bad", Title: "The sign-in is not good any more", Words: postroom.TextOf(err)}
	case postroom.Unavailable:
		return &query.Probe{State: "bad", Title: "The sign-in cannot be renewed just now", Words: postroom.TextOf(err)}
	}
	return &query.Probe{State: "bad", Title: "There is no access just now", Words: "Something went wrong on our side; try again."}
}

// incomplete says what is missing before anything can be tried, and fills in
// what is usual; nil if nothing is.
func (t *Try) incomplete(usual map[string]int, prefix string) *query.Probe {
	t.Host, t.Username = strings.TrimSpace(t.Host), strings.TrimSpace(t.Username)
	if t.Host == "" {
		return &query.Probe{State: "wait", Title: "Enter the server's name", Words: "It is tried as you type; nothing is saved before you press the button.", Field: prefix + "_host"}
	}
	if _, ok := usual[t.Security]; !ok {
		return &query.Probe{State: "bad", Title: "Choose a kind of security", Field: prefix + "_security"}
	}
	if t.Port = strings.TrimSpace(t.Port); t.Port == "" {
		t.Port = strconv.Itoa(usual[t.Security])
	}
	if n, err := strconv.Atoi(t.Port); err != nil || n < 1 || n > 65535 {
		return &query.Probe{State: "bad", Title: "That is no port", Words: "A port is a number between 1 and 65535.", Field: prefix + "_port"}
	}
	if strings.ContainsAny(t.Host, " \t\r\n\x00/@<>\"'\\") || len(t.Host) > 253 {
		return &query.Probe{State: "bad", Title: "That is not the name of a server", Words: "A name is like mail.example.org, without https:// before it.", Field: prefix + "_host"}
	}
	if strings.ContainsAny(t.Username+t.Password, "\r\n\x00") {
		return &query.Probe{State: "bad", Title: "The user name or password has a line break in it", Field: prefix + "_password"}
	}
	return nil
}

// barred says that a desk which nothing may leave reaches only its own server.
func (c *Connections) barred(t Try) *query.Probe {
	if c.Only == nil || t.Host == c.Only.Host && t.Port == strconv.Itoa(c.Only.Port) {
		return nil
	}
	return &query.Probe{State: "bad", Title: "Nothing may leave this desk", Words: fmt.Sprintf("This is a demo: the only server it reaches is %s, port %d.", c.Only.Host, c.Only.Port)}
}

// same reports whether a form names the very server and user that a stored
// password is for. To any other the password is not sent: whoever can type a
// server's name here must not learn it.
func (t Try) same(host string, port int, security, user string) bool {
	return strings.EqualFold(t.Host, host) && t.Port == strconv.Itoa(port) && t.Username == user && t.Username != "" &&
		(t.Security == security || t.Security == "tls" || t.Security == "starttls")
}

// sendingFault turns what went wrong into words.
func (c *Connections) sendingFault(ctx context.Context, t Try, f *smtpout.Fault) query.Probe {
	p := query.Probe{State: "bad", Dialogue: lines(f.Dialogue)}
	if f.Code != 0 {
		p.Said = strings.TrimSpace(fmt.Sprintf("%d %s %s", f.Code, f.Enhanced, f.Text))
	}
	if g, ok := c.general(ctx, t, f.Err, f.Timeout, "smtp"); ok && f.Code == 0 {
		g.Dialogue = p.Dialogue
		return g
	}
	switch f.Phase {
	case smtpout.PhaseGreeting:
		p.Title, p.Words = "The server does not want to talk to us", "It answered, and refused the connection at once. Its words say why."
		if f.Code == 0 {
			p.Title, p.Words, p.Field = "There is no mail server on port "+t.Port, "Something answers there and does not speak SMTP: "+f.Text+".", "smtp_port"
			p.Advice = advise(t, "smtp")
		}
	case smtpout.PhaseEHLO:
		p.Title, p.Words = "The server refuses our name", "It does not take the name we greet it by. Set hostname to a name that exists in the DNS."
	case smtpout.PhaseStartTLS:
		p.Title, p.Words, p.Field = "The server does not encrypt on this port", "With STARTTLS it would have to offer that, and it does not.", "smtp_security"
		p.Advice = advise(t, "smtp")
	case smtpout.PhaseAuth:
		p.Field = "smtp_password"
		p.Title, p.Words = "The server refuses user name or password", c.passwordHint(t)
		if t.SignedIn {
			p.Field, p.Title, p.Words = "smtp_user", "The server refuses this user with the sign-in", wrongAccount(t)
		}
		if f.Code == 0 {
			p.Title, p.Words, p.Field = "Signing in is not possible like this", capital(f.Text)+".", "smtp_security"
			p.Advice = advise(t, "smtp")
		} else if f.Code < 500 {
			p.Title, p.Words = "The server cannot sign us in just now", "That may pass by itself; try again in a minute."
		}
	case smtpout.PhaseMail:
		p.Field = "smtp_user"
		p.Title, p.Words = "The server does not take mail from "+t.Address, "It let us in, and refuses this address as the sender. Sign in as the owner of the address, or allow it there as an alias."
		if f.Code == 530 || f.Code == 550 && t.Username == "" {
			p.Title, p.Words = "The server wants somebody to sign in", "Enter a user name, mostly the whole address, and its password."
		} else if f.Code < 500 {
			p.Title, p.Words = "The server takes no mail just now", "That may pass by itself; try again in a minute."
		}
	default:
		p.Title, p.Words = "It does not work", capital(f.Text)+"."
	}
	if f.Code == 0 && p.Said == "" && f.Err != nil && !strings.Contains(p.Words, f.Err.Error()) {
		p.Said = f.Err.Error()
	}
	return p
}

// general are the faults that every protocol has: no such name, nobody there,
// no answer, no trust.
func (c *Connections) general(ctx context.Context, t Try, err error, timeout bool, prefix string) (query.Probe, bool) {
	p := query.Probe{State: "bad"}
	if err != nil {
		p.Said = err.Error()
	}
	var record tls.RecordHeaderError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, errNewer):
		return query.Probe{State: "wait", Title: "A newer test has taken its place"}, true
	case isNoName(err):
		p.Title, p.Words, p.Field = "There is no server called "+t.Host, "The name server knows no such name. Is it spelt like that?", prefix+"_host"
	case isNoDNS(err):
		p.Title, p.Words, p.Field = "The name cannot be looked up just now", "This machine's name server does not answer. Once it does, try again.", prefix+"_host"
	case isNoServer(err):
		p.Title, p.Words, p.Said, p.Field = "No mail server can be at that address", "It is an address of the link alone, or of many.", "", prefix+"_host"
	case errors.Is(err, syscall.ECONNREFUSED):
		p.Title, p.Words, p.Field = "Nothing listens on port "+t.Port+" of "+t.Host, "The machine is there and refuses the connection. Usual ports are "+usualPorts(prefix)+".", prefix+"_port"
		p.Advice = advise(t, prefix)
	case errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH):
		p.Title, p.Words, p.Field = t.Host+" cannot be reached from here", "There is no way in the network from this machine to that one.", prefix+"_host"
	case errors.As(err, &record):
		p.Title, p.Words, p.Field = "The server does not speak TLS from the first byte", "On port "+t.Port+" it begins in plain text. Choose STARTTLS.", prefix+"_security"
		p.Advice = &query.ProbeAdvice{Words: "Use STARTTLS", Security: "starttls"}
		p.Advice.Port, _ = strconv.Atoi(t.Port)
	case errors.As(err, &unknown):
		p.Title, p.Words = "The server's certificate is signed by nobody we know", "A server with a certificate of its own needs that certificate named in the setting mail-ca. Otherwise somebody may be between."
	case errors.As(err, &name):
		p.Title, p.Words, p.Field = "The server's certificate is for another name", "Enter the name that stands in its certificate. Otherwise somebody may be between.", prefix+"_host"
	case errors.As(err, &invalid):
		p.Title, p.Words = "The server's certificate is not valid", "It may have run out. Who runs the server has to renew it."
	case timeout, errors.Is(err, context.DeadlineExceeded), errors.Is(cause, context.DeadlineExceeded):
		p.Title, p.Words, p.Field, p.Said = "No answer from "+t.Host, "Nothing came back on port "+t.Port+" in time. A wrong port, a wrong kind of security or a firewall does that; many hosts block port 25.", prefix+"_port", ""
		p.Advice = advise(t, prefix)
	default:
		return p, false
	}
	return p, true
}

// advise proposes what is usual, unless that is what was tried.
func advise(t Try, prefix string) *query.ProbeAdvice {
	usual := []query.ProbeAdvice{{Words: "Use TLS on port 465", Security: "tls", Port: 465}, {Words: "Use STARTTLS on port 587", Security: "starttls", Port: 587}}
	if prefix == "in" {
		usual = []query.ProbeAdvice{{Words: "Use TLS on port 993", Security: "tls", Port: 993}, {Words: "Use STARTTLS on port 143", Security: "starttls", Port: 143}}
	}
	// The other kind on the same port is the likelier mistake on a usual port.
	for _, a := range usual {
		if strconv.Itoa(a.Port) == t.Port && a.Security != t.Security {
			return &a
		}
	}
	for _, a := range usual {
		if strconv.Itoa(a.Port) != t.Port {
			return &a
		}
	}
	return nil
}

func usualPorts(prefix string) string {
	if prefix == "in" {
		return "993 with TLS and 143 with STARTTLS"
	}
	return "465 with TLS and 587 with STARTTLS"
}

// passwordHint says what is usually wrong with a password at a provider.
func (c *Connections) passwordHint(t Try) string {
	if p := byServer(t.Host); p != nil && p.password != "" && p.password != ownPassword {
		return p.name + " wants this: " + p.password
	}
	return "Check both. Many providers want an app password here, made in their settings for programs, and the whole address as the user name."
}

// wrongAccount says what is usually wrong where a provider let somebody sign in
// and its mail server does not let them in.
func wrongAccount(t Try) string {
	words := "Sign in with the account of " + t.Username + ", or with one that may use this mailbox."
	if p := byServer(t.Host); p != nil && p.authority == consent.Microsoft {
		words += " In Microsoft 365 the mailbox needs a licence, and IMAP and “Authenticated SMTP” have to be allowed for it in the admin center."
	}
	return words
}

func lines(dialogue []smtpout.Line) []string {
	var out []string
	for _, l := range dialogue {
		out = append(out, l.String())
	}
	return out
}

func orNone(s, none string) string {
	if s == "" {
		return none
	}
	return s
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
