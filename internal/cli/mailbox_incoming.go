package cli

import (
	"io"
	"time"

	"postroom"
	"postroom/internal/app"
)

// incomingFlags are the settings of a mailbox's incoming connection; nil was
// not given.
type incomingFlags struct {
	InHost          *string  `placeholder:"SERVER" help:"The IMAP server that its mail is fetched from."`
	InPort          *int     `help:"That server's port. Without it: 993 for tls, 143 else."`
	InSecurity      *string  `placeholder:"KIND" help:"tls (the default), starttls or none."`
	InUser          *string  `placeholder:"NAME" help:"The user name on that server. Without it: the mailbox's address."`
	InPasswordStdin bool     `help:"Read that user's password from standard input, one line; after the one of --password-stdin, if both are given."`
	InToken         *bool    `negatable:"" help:"What is given as the password is an OAuth 2 access token."`
	InFolder        []string `placeholder:"FOLDER" help:"A folder that is read; may be given several times, and replaces those there are (INBOX)."`
	InAfter         *string  `placeholder:"WHAT" help:"What is done on the server with a mail that was fetched: leave (the default), seen or move."`
	InMoveTo        *string  `placeholder:"FOLDER" help:"The folder that fetched mails are moved into."`
	InOlder         *string  `placeholder:"WHAT" help:"Mail that is there already when a folder is first read: none (the default) leaves it, a day like 2026-01-31 takes what came since as open conversations, all takes everything as history. It is never answered automatically."`
	InOn            *bool    `name:"in" negatable:"" help:"Fetch mail, or stop fetching it."`
	SentCopies      *string  `placeholder:"WHEN" help:"Put a copy of each sent mail into the server's folder for sent mail: auto (where the provider does not do it, the default), yes or no."`
}

// settings reads the flags; nil if none was given.
func (f *incomingFlags) settings(stdin io.Reader) (*app.IncomingSettings, error) {
	if f.InHost == nil && f.InPort == nil && f.InSecurity == nil && f.InUser == nil && !f.InPasswordStdin && f.InToken == nil && len(f.InFolder) == 0 &&
		f.InAfter == nil && f.InMoveTo == nil && f.InOlder == nil && f.InOn == nil && f.SentCopies == nil {
		return nil, nil
	}
	p := &app.IncomingSettings{On: f.InOn, Host: f.InHost, Port: f.InPort, Security: f.InSecurity, Username: f.InUser, Folders: f.InFolder,
		After: f.InAfter, MoveTo: f.InMoveTo, Copies: f.SentCopies}
	if f.InToken != nil {
		auth := "password"
		if *f.InToken {
			auth = "token"
		}
		p.Auth = &auth
	}
	if f.InOlder != nil {
		older, from := *f.InOlder, int64(0)
		if older != string(postroom.OlderNone) && older != string(postroom.OlderAll) {
			day, err := time.Parse(time.DateOnly, older)
			if err != nil {
				return nil, postroom.InvalidField("in-older", "%q is neither none, nor all, nor a day like 2026-01-31.", older)
			}
			older, from = string(postroom.OlderSince), day.UnixMilli()
		}
		p.Older, p.OlderFrom = &older, &from
	}
	if f.InPasswordStdin {
		password, err := readPassword(stdin)
		if err != nil {
			return nil, err
		}
		p.Password = &password
	}
	return p, nil
}
