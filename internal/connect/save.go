package connect

import (
	"context"

	"postroom"
	"postroom/internal/directory"
)

// SaveSending stores a mailbox's server for sending. A stored password stays
// with the server and user it was entered for: with another server it has to be
// entered again (Invalid, field "password"), or it would be sent to whom it was
// never given. Other errors are the directory's.
func (c *Connections) SaveSending(ctx context.Context, by *postroom.Agent, mailbox int64, f directory.MailboxFields) error {
	m, err := c.mailbox(ctx, by, mailbox)
	if err != nil {
		return err
	}
	if f.Auth == postroom.AuthSignIn {
		none := ""
		f.Password = &none
		if err := c.signedIn(ctx, mailbox, f.Host, "auth", "host"); err != nil {
			return err
		}
	}
	if f.Password == nil && m.Channel.Password != "" && f.Username != "" && m.Channel.Host != "" && (f.Host != m.Channel.Host || f.Username != m.Channel.Username) {
		return postroom.InvalidField("password", "The server or the user is another one now: please enter its password.")
	}
	if _, err = c.Directory.UpdateMailbox(ctx, by, mailbox, f); err != nil {
		return err
	}
	return nil
}

// SaveReceiving stores a mailbox's incoming connection. Without a password the
// one for sending is taken where the account is the same; errors are those of
// SaveSending, with the directory's names of fields.
func (c *Connections) SaveReceiving(ctx context.Context, by *postroom.Agent, mailbox int64, f directory.IncomingFields) error {
	m, err := c.mailbox(ctx, by, mailbox)
	if err != nil {
		return err
	}
	in, err := c.incoming(ctx, mailbox)
	if err != nil {
		return err
	}
	user := f.Username
	if user == "" {
		user = m.Address
	}
	if f.Auth == postroom.AuthSignIn && f.On {
		none := ""
		f.Password = &none
		if err := c.signedIn(ctx, mailbox, f.Host, "in_auth", "in_host"); err != nil {
			return err
		}
	}
	stays := in != nil && in.Password != "" && in.Host == f.Host && in.Username == user
	if f.Password == nil && f.On && !stays {
		if m.Channel.Password == "" || !SameAccount(m, f.Host, user) {
			return postroom.InvalidField("in_password", "Please enter the password for %s.", user)
		}
		same, err := c.Open(m.Channel.Password)
		if err != nil {
			return postroom.InvalidField("in_password", "The stored password cannot be read; please enter it again.")
		}
		f.Password = &same
	}
	_, err = c.Directory.SetIncoming(ctx, by, mailbox, f)
	return err
}

// signedIn refuses a connection by a sign-in that there is none of, or that is
// not for its server; auth and host name the fields.
func (c *Connections) signedIn(ctx context.Context, mailbox int64, server, auth, host string) error {
	err := c.Consents.Serves(ctx, mailbox, server)
	switch postroom.CodeOf(err) {
	case postroom.NotFound:
		return postroom.InvalidField(auth, "Nobody is signed in yet. Press the button above first, or choose the password.")
	case postroom.Forbidden:
		return postroom.InvalidField(host, "%s", postroom.TextOf(err))
	}
	return err
}
