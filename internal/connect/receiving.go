package connect

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/query"
	"postroom/internal/wire/imap"
)

// TryReceiving connects to a server for incoming mail, signs in, opens the
// folder so that nothing in it changes, and reads no mail. The result's second
// value are the folders there are. Errors are as of TrySending.
func (c *Connections) TryReceiving(ctx context.Context, by *postroom.Agent, t Try, folder string) (query.Probe, []string, error) {
	m, err := c.mailbox(ctx, by, t.Mailbox)
	if err != nil {
		return query.Probe{}, nil, err
	}
	if p := t.incomplete(map[string]int{"tls": 993, "starttls": 143, "none": 143}, "in"); p != nil {
		return *p, nil, nil
	}
	if in := c.OnlyIncoming; c.Only != nil && (in == nil || t.Host != in.Host || t.Port != strconv.Itoa(in.Port)) {
		return query.Probe{State: "bad", Title: "Nothing may leave this desk", Words: "This is a demo: no server is reached but its own."}, nil, nil
	}
	if t.Username == "" {
		t.Username = t.Address
	}
	if t.SignedIn {
		if p := c.token(ctx, &t, "in"); p != nil {
			return *p, nil, nil
		}
	}
	if t.Password == "" && m != nil {
		if t.Password, err = c.storedFor(ctx, m, t); err != nil {
			return query.Probe{State: "bad", Title: "The stored password cannot be read", Words: "Enter it again.", Field: "in_password"}, nil, nil
		}
	}
	if t.Password == "" {
		return query.Probe{State: "wait", Title: "Enter the password", Words: "Then signing in is tried as you type.", Field: "in_password"}, nil, nil
	}
	ctx, done, err := c.begin(ctx, by, "receiving")
	if err != nil {
		return query.Probe{}, nil, err
	}
	defer done()
	p, folders := c.receive(ctx, t, folder)
	c.Log.Info("incoming connection tried", "agent", by.ID, "host", t.Host, "port", t.Port, "state", p.State, "title", p.Title)
	return p, folders, nil
}

// storedFor returns the password that is stored for the very account of a form:
// that of the incoming connection, or that for sending where the provider and
// the user are the same. "" is none.
func (c *Connections) storedFor(ctx context.Context, m *postroom.Mailbox, t Try) (string, error) {
	in, err := c.Store.Read().Incoming(ctx, m.ID)
	switch {
	case err == nil && in.Password != "" && t.same(in.Host, in.Port, in.Security, in.Username):
		return c.Open(in.Password)
	case err != nil && postroom.CodeOf(err) != postroom.NotFound:
		return "", err
	}
	if m.Channel.Password != "" && SameAccount(m, t.Host, t.Username) {
		return c.Open(m.Channel.Password)
	}
	return "", nil
}

// SameAccount reports whether a server for incoming mail asks for the account
// by which a mailbox sends: the same user, at the same machine or the same
// provider. Then the password is the same, and is not sent to anybody who did
// not have it before.
func SameAccount(m *postroom.Mailbox, host, user string) bool {
	if m.Channel.Username == "" || !strings.EqualFold(m.Channel.Username, strings.TrimSpace(user)) || m.Channel.Host == "" {
		return false
	}
	if strings.EqualFold(m.Channel.Host, strings.TrimSpace(host)) {
		return true
	}
	p := byServer(m.Channel.Host)
	return p != nil && p.imap.host != "" && strings.EqualFold(p.imap.host, strings.TrimSpace(host))
}

// receive is the test itself.
func (c *Connections) receive(ctx context.Context, t Try, folder string) (query.Probe, []string) {
	port, _ := strconv.Atoi(t.Port)
	seen, err := imap.Check(ctx, imap.Server{Host: t.Host, Port: port, Security: imap.Security(t.Security), Username: t.Username, Password: t.Password, Auth: imapAuth(t.SignedIn),
		TLS: c.TLS, DialContext: c.Dial, Timeouts: imap.Timeouts{Connect: c.Patience / 2, Silence: c.Patience / 2}}, folder)
	if err != nil {
		return c.receivingFault(ctx, t, err), nil
	}
	p := query.Probe{State: "good", Title: "It works: mail can be fetched from " + t.Host}
	p.Facts = []query.Choice{{Value: "Server", Text: seen.Greeting}, {Value: "Encryption", Text: orNone(seen.TLS, "none")},
		{Value: "Folder", Text: fmt.Sprintf("%s, %d mails", seen.Folder, seen.Status.Messages)}}
	if seen.Idle {
		p.Facts = append(p.Facts, query.Choice{Value: "New mail", Text: "the server tells at once"})
	} else {
		p.Facts = append(p.Facts, query.Choice{Value: "New mail", Text: "is asked for each minute"})
	}
	if seen.Sent != "" {
		p.Facts = append(p.Facts, query.Choice{Value: "Sent mail", Text: seen.Sent})
	}
	if seen.TLS == "" && !strings.HasPrefix(t.Host, "127.") && t.Host != "localhost" {
		p.State, p.Words = "warn", "The connection is not encrypted: whoever is between can read along."
	}
	var folders []string
	for _, f := range seen.Folders {
		if !f.NoSelect {
			folders = append(folders, f.Name)
		}
	}
	return p, folders
}

func imapAuth(signedIn bool) imap.Auth {
	if signedIn {
		return imap.AuthToken
	}
	return imap.AuthPassword
}

// receivingFault turns what went wrong into words.
func (c *Connections) receivingFault(ctx context.Context, t Try, err error) query.Probe {
	var f *imap.Fault
	if !errors.As(err, &f) {
		f = &imap.Fault{Text: "it does not work", Err: err}
	}
	if f.Words == "" {
		if p, ok := c.general(ctx, t, err, isTimeout(err), "in"); ok {
			return p
		}
	}
	p := query.Probe{State: "bad", Said: f.Words}
	switch f.Step {
	case imap.StepGreet:
		p.Title, p.Words = "The server does not want to talk to us", "It answered, and refused the connection at once. Its words say why."
		if f.Words == "" {
			p.Title, p.Words, p.Field = "There is no IMAP server on port "+t.Port, "Something answers there, or nothing does, and it is no IMAP.", "in_port"
			p.Advice = advise(t, "in")
		}
	case imap.StepTLS:
		p.Title, p.Words, p.Field = "The connection cannot be encrypted like this", capital(f.Text)+".", "in_security"
		p.Advice = advise(t, "in")
	case imap.StepSignIn:
		p.Field = "in_password"
		p.Title, p.Words = "The server refuses user name or password", c.passwordHint(t)
		if t.SignedIn {
			p.Field, p.Title, p.Words = "in_username", "The server refuses this user with the sign-in", wrongAccount(t)
		}
		if f.Words == "" {
			p.Title, p.Words, p.Field = "Signing in is not possible like this", capital(f.Text)+".", "in_security"
		}
	case imap.StepFolder:
		p.Title, p.Words, p.Field = "The folder cannot be opened", "Signing in works. Choose another folder; INBOX is there always.", "in_folders"
	default:
		p.Title, p.Words = "It does not work", capital(f.Text)+"."
	}
	if p.Said == "" && f.Err != nil {
		p.Said = f.Err.Error()
	}
	return p
}

// receives reports whether mail can come to a mailbox: it is fetched, or a
// listener is open.
func (c *Connections) receives(ctx context.Context, mailbox int64) (bool, error) {
	if c.Doors.LMTP != "" || c.Doors.SMTP != "" {
		return true, nil
	}
	in, err := c.Store.Read().Incoming(ctx, mailbox)
	if postroom.CodeOf(err) == postroom.NotFound {
		return false, nil
	}
	return err == nil && in.On, err
}
