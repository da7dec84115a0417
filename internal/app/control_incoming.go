package app

import (
	"context"
	"fmt"

	"postroom"
	"postroom/internal/directory"
)

// IncomingSettings are those of a mailbox's incoming connection as the command
// line has them; nil keeps what there is, or the default.
type IncomingSettings struct {
	On        *bool
	Host      *string
	Port      *int
	Security  *string
	Auth      *string
	Username  *string
	Password  *string
	Folders   []string // nil keeps them
	After     *string
	MoveTo    *string
	Older     *string
	OlderFrom *int64
	Copies    *string
}

// setIncoming puts what was given over what there is; nil changes nothing.
func (o operators) setIncoming(ctx context.Context, mailbox int64, p *IncomingSettings) error {
	if p == nil {
		return nil
	}
	f := directory.NewIncoming()
	in, err := o.core.directory.Incoming(ctx, operator(), mailbox)
	switch {
	case err == nil:
		f = directory.FieldsOfIncoming(&in.Incoming)
	case postroom.CodeOf(err) != postroom.NotFound:
		return err
	}
	over(&f.On, p.On)
	over(&f.Host, p.Host)
	over(&f.Security, p.Security)
	over(&f.Auth, p.Auth)
	over(&f.Username, p.Username)
	over(&f.After, p.After)
	over(&f.MoveTo, p.MoveTo)
	over(&f.Older, p.Older)
	over(&f.OlderFrom, p.OlderFrom)
	over(&f.Copies, p.Copies)
	if p.Security != nil && p.Port == nil {
		f.Port = 0 // the usual one of the new kind
	}
	over(&f.Port, p.Port)
	f.Password = p.Password
	if p.Folders != nil {
		f.Folders = p.Folders
	}
	_, err = o.core.directory.SetIncoming(ctx, operator(), mailbox, f)
	return err
}

// incomingInfo says where a mailbox's mail is fetched, and how that goes.
func (o operators) incomingInfo(ctx context.Context, mailbox int64) (string, error) {
	in, err := o.core.directory.Incoming(ctx, operator(), mailbox)
	if postroom.CodeOf(err) == postroom.NotFound {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	info := fmt.Sprintf("%s:%d, %s: %s", in.Host, in.Port, in.Security, in.State)
	if in.Words != "" {
		info += " (" + in.Words + ")"
	}
	return info, nil
}
