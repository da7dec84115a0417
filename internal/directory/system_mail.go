package directory

import (
	"context"
	"strings"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/store"
)

// KeySystemMail is published when the way of the desk's own mail changed.
const KeySystemMail = "system-mail"

// SystemMailFields are what an admin says of the way by which the desk mails
// its alarms. An empty Host switches it off.
type SystemMailFields struct {
	Host, Security, Username string
	Port                     int     // 0 is the usual one of the security
	Password                 *string // nil keeps the one that is stored
	Sender                   string
	Recipients               []string // none: every admin
}

// maxSystemRecipients bounds whom alarms are mailed to.
const maxSystemRecipients = 20

// SystemMail returns how the desk mails its alarms, with a sealed password;
// nil if it does not.
func (d *Directory) SystemMail(ctx context.Context, by *postroom.Agent) (*store.SystemMail, error) {
	if err := manage(by); err != nil {
		return nil, err
	}
	return d.store.Read().SystemMail(ctx)
}

// SetSystemMail sets or, with an empty Host, ends it. Errors name the fields
// host, port, security, username, password, sender and recipients.
func (d *Directory) SetSystemMail(ctx context.Context, by *postroom.Agent, f SystemMailFields) error {
	if err := manage(by); err != nil {
		return err
	}
	if strings.TrimSpace(f.Host) == "" {
		return d.write(ctx, KeySystemMail, func(t *store.Tx) error {
			if err := t.DropSystemMail(ctx); err != nil {
				return err
			}
			return t.Log(ctx, store.LogEntry{Area: store.AreaProgram, AgentID: by.ID, Words: "Alarms are no longer mailed."})
		})
	}
	m, err := d.checkSystemMail(ctx, f)
	if err != nil {
		return err
	}
	return d.write(ctx, KeySystemMail, func(t *store.Tx) error {
		if err := t.SaveSystemMail(ctx, m); err != nil {
			return err
		}
		return t.Log(ctx, store.LogEntry{Area: store.AreaProgram, AgentID: by.ID, Words: "Alarms are mailed by " + m.Channel.Host + "."})
	})
}

func (d *Directory) checkSystemMail(ctx context.Context, f SystemMailFields) (m store.SystemMail, err error) {
	if m.Channel, err = checkChannel(MailboxFields{Host: f.Host, Port: f.Port, Security: f.Security, Username: f.Username}); err != nil {
		return m, err
	}
	if d.only != nil && (m.Channel.Host != d.only.Host || m.Channel.Port != d.only.Port) {
		return m, postroom.InvalidField("host", "This desk sends mail by %s only.", d.only.Host)
	}
	if m.Sender, err = address("sender", f.Sender); err != nil {
		return m, err
	}
	for _, r := range f.Recipients {
		if strings.TrimSpace(r) == "" {
			continue
		}
		one, err := address("recipients", r)
		if err == nil {
			err = email.CheckAddress(one)
		}
		if err != nil {
			return m, postroom.InvalidField("recipients", "%q is not an address.", cut(r))
		}
		m.Recipients = append(m.Recipients, one)
	}
	if len(m.Recipients) > maxSystemRecipients {
		return m, postroom.InvalidField("recipients", "Alarms go to at most %d addresses.", maxSystemRecipients)
	}
	if f.Password != nil {
		m.Channel.Password, err = d.seal(*f.Password)
		return m, err
	}
	was, err := d.store.Read().SystemMail(ctx)
	if err == nil && was != nil && was.Channel.Host == m.Channel.Host {
		m.Channel.Password = was.Channel.Password
	}
	return m, err
}
