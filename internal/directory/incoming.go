package directory

import (
	"context"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/store"
)

// MaxFolders is how many folders of a mailbox are read at most.
const MaxFolders = 10

// IncomingFields are what an admin says of a mailbox's incoming connection.
type IncomingFields struct {
	On       bool
	Host     string
	Port     int    // 0 is the usual one: 993 for tls, else 143
	Security string // none, starttls or tls; "" is tls
	Auth     string // one of postroom.AuthPassword, AuthToken and AuthSignIn; "" is AuthPassword
	Username string // "" is the mailbox's address
	// Password is the password or the access token, stored encrypted; nil
	// keeps the one that is stored, "" removes it.
	Password *string
	Folders  []string // those that are read; none is INBOX alone
	After    string   // leave, seen or move; "" is leave
	MoveTo   string   // the folder, for move
	Older    string   // none, since or all; "" is none
	// OlderFrom is the first day that is taken in, for since, in milliseconds.
	OlderFrom int64
	Copies    string // auto, yes or no; "" is auto
}

// NewIncoming returns the fields of a connection that is not there yet.
func NewIncoming() IncomingFields {
	return IncomingFields{On: true, Security: "tls", Auth: "password", Folders: []string{"INBOX"}, After: string(postroom.AfterLeave),
		Older: string(postroom.OlderNone), Copies: string(postroom.CopiesAuto)}
}

// FieldsOfIncoming returns what a connection has now, to change some of it.
// Password is nil.
func FieldsOfIncoming(in *postroom.Incoming) IncomingFields {
	return IncomingFields{On: in.On, Host: in.Host, Port: in.Port, Security: in.Security, Auth: in.Auth, Username: in.Username, Folders: slices.Clone(in.Folders),
		After: string(in.After), MoveTo: in.MoveTo, Older: string(in.Older), OlderFrom: in.OlderFrom, Copies: string(in.Copies)}
}

// Incoming returns a mailbox's incoming connection with how it is; NotFound if
// it has none. Its password is sealed.
func (d *Directory) Incoming(ctx context.Context, by *postroom.Agent, mailbox int64) (*store.Incoming, error) {
	if err := manage(by); err != nil {
		return nil, err
	}
	return d.store.Read().Incoming(ctx, mailbox)
}

// SetIncoming gives a mailbox its incoming connection, or changes it; it begins
// anew at once. Errors name the fields in_host, in_port, in_security, in_auth,
// in_username, in_password, in_folders, in_after, in_move_to, in_older,
// in_older_from and in_copies.
func (d *Directory) SetIncoming(ctx context.Context, by *postroom.Agent, mailbox int64, f IncomingFields) (*postroom.Incoming, error) {
	if err := manage(by); err != nil {
		return nil, err
	}
	m, err := d.store.Read().Mailbox(ctx, mailbox)
	if err != nil {
		return nil, err
	}
	in, err := checkIncoming(m, f)
	if err != nil {
		return nil, err
	}
	if d.only != nil && in.Host != "" && (d.onlyIn == nil || in.Host != d.onlyIn.Host || in.Port != d.onlyIn.Port) {
		return nil, postroom.InvalidField("in_host", "Nothing may leave this desk: mail cannot be fetched from %s.", cut(in.Host))
	}
	if f.Password != nil && *f.Password != "" {
		if in.Password, err = d.sealLong("in_password", *f.Password); err != nil {
			return nil, err
		}
	}
	err = d.write(ctx, KeyMailboxes, func(t *store.Tx) error {
		kept := *in
		old, err := t.Incoming(ctx, mailbox)
		switch {
		case postroom.CodeOf(err) == postroom.NotFound:
		case err != nil:
			return err
		default:
			if f.Password == nil {
				kept.Password = old.Password
			}
			if old.Host != kept.Host || old.Username != kept.Username {
				if err := t.OtherAccount(ctx, mailbox); err != nil {
					return err
				}
			}
		}
		words := "Mail for " + m.Address + " is fetched from " + kept.Host + " now."
		if !kept.On {
			words = "Mail for " + m.Address + " is not fetched from a server any more."
		}
		if err := t.Log(ctx, store.LogEntry{Area: store.AreaMailboxes, AgentID: by.ID, Words: words}); err != nil {
			return err
		}
		return t.SaveIncoming(ctx, &kept, d.store.Now())
	})
	if err != nil {
		return nil, err
	}
	saved, err := d.store.Read().Incoming(ctx, mailbox)
	if err != nil {
		return nil, err
	}
	return &saved.Incoming, nil
}

// maxToken is the longest access token, in bytes.
const maxToken = 16 << 10

func (d *Directory) sealLong(field, password string) (string, error) {
	if len(password) > maxToken || strings.ContainsAny(password, "\x00\r\n") {
		return "", postroom.InvalidField(field, "The password has a character that cannot be in it, or is longer than %d KiB.", maxToken>>10)
	}
	return d.seals.Seal(password)
}

// checkIncoming turns fields into a connection, without its password.
func checkIncoming(m *postroom.Mailbox, f IncomingFields) (*postroom.Incoming, error) {
	in := &postroom.Incoming{MailboxID: m.ID, On: f.On, OlderFrom: f.OlderFrom}
	steps := []func() error{
		func() error { return checkIncomingServer(in, f) },
		func() (err error) {
			if in.Auth, err = oneOf("in_auth", "way to sign in", f.Auth, postroom.AuthPassword, postroom.AuthToken, postroom.AuthSignIn); err != nil {
				return err
			}
			name := f.Username
			if strings.TrimSpace(name) == "" && strings.TrimSpace(f.Host) != "" {
				name = m.Address
			}
			in.Username, err = line("in_username", "the user name", name, 254, false)
			return err
		},
		func() error { return checkFolders(in, f) },
		func() error { return checkOlder(in, f) },
		func() error {
			copies, err := oneOf("in_copies", "answer", f.Copies, string(postroom.CopiesAuto), string(postroom.CopiesYes), string(postroom.CopiesNo))
			in.Copies = postroom.SentCopies(copies)
			return err
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// oneOf checks a choice; "" is the first.
func oneOf(field, what, value string, choices ...string) (string, error) {
	if value == "" {
		return choices[0], nil
	}
	if !slices.Contains(choices, value) {
		return "", postroom.InvalidField(field, "%q is no %s; it is one of %s.", cut(value), what, strings.Join(choices, ", "))
	}
	return value, nil
}

func checkIncomingServer(in *postroom.Incoming, f IncomingFields) (err error) {
	if in.Security, err = oneOf("in_security", "kind of security", f.Security, "tls", "starttls", "none"); err != nil {
		return err
	}
	if in.Host, err = server("in_host", f.Host); err != nil {
		return err
	}
	if in.Host == "" && in.On {
		return postroom.InvalidField("in_host", "Please enter the server that the mail is fetched from.")
	}
	in.Port = f.Port
	if in.Port == 0 && in.Host != "" {
		in.Port = 143
		if in.Security == "tls" {
			in.Port = 993
		}
	}
	if in.Port < 0 || in.Port > 65535 {
		return postroom.InvalidField("in_port", "A port is a number between 1 and 65535.")
	}
	return nil
}

// checkFolders checks what is read, and what is done with it afterwards.
func checkFolders(in *postroom.Incoming, f IncomingFields) error {
	for _, name := range f.Folders {
		name, err := line("in_folders", "the folder's name", name, 255, false)
		if err != nil {
			return err
		}
		if strings.EqualFold(name, "INBOX") {
			name = "INBOX" // the one name whose case does not count (RFC 9051 5.1)
		}
		if name != "" && !slices.Contains(in.Folders, name) {
			in.Folders = append(in.Folders, name)
		}
	}
	if len(in.Folders) == 0 {
		in.Folders = []string{"INBOX"}
	}
	if len(in.Folders) > MaxFolders {
		return postroom.InvalidField("in_folders", "At most %d folders of a mailbox are read.", MaxFolders)
	}
	after, err := oneOf("in_after", "thing to do", f.After, string(postroom.AfterLeave), string(postroom.AfterSeen), string(postroom.AfterMove))
	if err != nil {
		return err
	}
	in.After = postroom.AfterFetch(after)
	if in.After != postroom.AfterMove {
		return nil
	}
	if in.MoveTo, err = line("in_move_to", "the folder to move mails to", f.MoveTo, 255, true); err != nil {
		return err
	}
	if slices.Contains(in.Folders, in.MoveTo) || strings.EqualFold(in.MoveTo, "INBOX") && slices.Contains(in.Folders, "INBOX") {
		return postroom.InvalidField("in_move_to", "Mails cannot be moved into a folder that is read.")
	}
	return nil
}

func checkOlder(in *postroom.Incoming, f IncomingFields) error {
	older, err := oneOf("in_older", "choice", f.Older, string(postroom.OlderNone), string(postroom.OlderSince), string(postroom.OlderAll))
	if err != nil {
		return err
	}
	in.Older = postroom.OlderMail(older)
	if in.Older != postroom.OlderSince {
		in.OlderFrom = 0
	} else if in.OlderFrom <= 0 {
		return postroom.InvalidField("in_older_from", "Please choose the first day whose mail is taken in.")
	}
	return nil
}
