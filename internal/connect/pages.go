package connect

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"postroom"
	"postroom/internal/consent"
	"postroom/internal/query"
	"postroom/internal/store"
)

// Head reads what stands above each page of a mailbox's settings: the steps of
// the guide, or afterwards the tabs, each with whether it is done.
func (c *Connections) Head(ctx context.Context, by *postroom.Agent, mailbox int64, current string, guide bool) (query.MailboxHead, error) {
	m, err := c.mailbox(ctx, by, mailbox)
	if err != nil {
		return query.MailboxHead{}, err
	}
	h := query.MailboxHead{ID: m.ID, Name: m.Name, Address: m.Address, Off: m.Off(), Guide: guide, Current: current}
	channel, err := c.Store.Read().Channel(ctx, m.ID)
	if err != nil {
		return h, err
	}
	in, err := c.incoming(ctx, m.ID)
	if err != nil {
		return h, err
	}
	trials, err := c.Store.Read().Trials(ctx, m.ID, trialsShown)
	if err != nil {
		return h, err
	}
	state := map[string]string{query.StepSending: "todo", query.StepReceiving: "todo", query.StepTrial: "todo"}
	if m.Channel.Host != "" {
		state[query.StepSending] = "done"
	}
	if channel.PausedAt > 0 {
		state[query.StepSending] = "bad"
	}
	switch {
	case in != nil && in.On && in.State == store.IncomingFailing:
		state[query.StepReceiving] = "bad"
	case in != nil && in.On || c.Doors.LMTP != "" || c.Doors.SMTP != "":
		state[query.StepReceiving] = "done"
	}
	if slices.ContainsFunc(trials, func(x store.Trial) bool { return x.InboundID != 0 }) {
		state[query.StepTrial] = "done"
	}
	steps := []query.MailboxStep{{Key: query.StepSettings, Title: "Settings"}, {Key: query.StepSending, Title: "Sending"}, {Key: query.StepReceiving, Title: "Receiving"},
		{Key: query.StepDomain, Title: "Domain"}, {Key: query.StepTrial, Title: "Test mail"}, {Key: query.StepPeople, Title: "People"}}
	if guide {
		steps[0].Title = "Address"
		state[query.StepSettings] = "done"
	}
	for _, s := range steps {
		s.Href, s.State = stepPath(m.ID, s.Key), state[s.Key]
		if guide {
			s.Href += "?guide=1"
		}
		h.Steps = append(h.Steps, s)
	}
	return h, nil
}

func stepPath(mailbox int64, key string) string {
	if key == query.StepSettings {
		return fmt.Sprintf("/mailboxes/%d", mailbox)
	}
	return fmt.Sprintf("/mailboxes/%d/%s", mailbox, key)
}

// incoming loads a mailbox's incoming connection, nil if it has none.
func (c *Connections) incoming(ctx context.Context, mailbox int64) (*store.Incoming, error) {
	in, err := c.Store.Read().Incoming(ctx, mailbox)
	if postroom.CodeOf(err) == postroom.NotFound {
		return nil, nil
	}
	return in, err
}

// SendingPage reads the form for sending: what is stored, else what the
// provider publishes. chosen is a provider's key, "" recognises it.
func (c *Connections) SendingPage(ctx context.Context, by *postroom.Agent, mailbox int64, chosen string) (query.SendingPage, error) {
	m, err := c.mailbox(ctx, by, mailbox)
	if err != nil {
		return query.SendingPage{}, err
	}
	p := query.SendingPage{Host: m.Channel.Host, Port: m.Channel.Port, Security: m.Channel.Security, User: m.Channel.Username, PasswordSet: m.Channel.Password != "", Providers: choices(),
		Connections: m.Connections, PerMinute: m.PerMinute, SignedIn: m.Channel.Auth == postroom.AuthSignIn}
	found, how, guess := c.provider(ctx, m, m.Channel.Host, chosen)
	p.Provider, p.Chosen = found.shown(how), keyOf(found)
	if p.SignIn, err = c.signIn(ctx, m, found); err != nil {
		return p, err
	}
	if m.Channel.Host != "" && chosen == "" {
		return p, nil
	}
	p.SignedIn = p.SignIn.State != ""
	p.User, p.Security, p.Port = m.Address, "starttls", 587
	if found != nil && found.smtp.host != "" {
		p.Host, p.Port, p.Security = found.smtp.host, found.smtp.port, found.smtp.security
	} else if found == nil {
		p.Host = guess
	}
	return p, nil
}

// signIn is what a page shows of a mailbox's sign-in: at the authority where it
// is signed in, else at that of its provider.
func (c *Connections) signIn(ctx context.Context, m *postroom.Mailbox, p *provider) (*query.SignIn, error) {
	name := consent.Other
	if p != nil && p.authority != "" {
		name = p.authority
	}
	return c.Consents.Page(ctx, m.ID, name)
}

// provider says who keeps a mailbox: who was chosen, else whose server it uses,
// else who is recognised by the address. guess is a server to begin with where
// it is nobody of the table.
func (c *Connections) provider(ctx context.Context, m *postroom.Mailbox, host, chosen string) (found *provider, how, guess string) {
	if found = byKey(chosen); found != nil {
		return found, "", ""
	}
	if host != "" && chosen == "" {
		return byServer(host), "", ""
	}
	r := c.recognise(ctx, m.Address)
	_, domain, _ := strings.Cut(m.Address, "@")
	if chosen == ownServer {
		return nil, "", r.guess(domain)
	}
	return r.provider, r.how, r.guess(domain)
}

func keyOf(p *provider) string {
	if p == nil {
		return ownServer
	}
	return p.key
}

// ReceivingPage reads the form for receiving, as SendingPage does.
func (c *Connections) ReceivingPage(ctx context.Context, by *postroom.Agent, mailbox int64, chosen string) (query.ReceivingPage, error) {
	m, err := c.mailbox(ctx, by, mailbox)
	if err != nil {
		return query.ReceivingPage{}, err
	}
	in, err := c.incoming(ctx, mailbox)
	if err != nil {
		return query.ReceivingPage{}, err
	}
	p := query.ReceivingPage{Way: "imap", Port: 993, Security: "tls", User: m.Address, Folders: "INBOX", After: string(postroom.AfterLeave),
		Older: string(postroom.OlderNone), Copies: string(postroom.CopiesAuto), Providers: choices(), Doors: c.doors(m)}
	host := m.Channel.Host
	if in != nil && in.Host != "" {
		host = in.Host
	}
	found, how, guess := c.provider(ctx, m, host, chosen)
	p.Provider, p.Chosen = found.shown(how), keyOf(found)
	if p.SignIn, err = c.signIn(ctx, m, found); err != nil {
		return p, err
	}
	p.SignedIn = p.SignIn.State != ""
	if in != nil && in.Host != "" && chosen == "" {
		p.SignedIn = in.Auth == postroom.AuthSignIn
	}
	switch {
	case in != nil && in.Host != "":
		p.Host, p.Port, p.Security, p.User, p.PasswordSet = in.Host, in.Port, in.Security, in.Username, in.Password != ""
		p.Folders, p.After, p.MoveTo, p.Older, p.Copies = strings.Join(in.Folders, "\n"), string(in.After), in.MoveTo, string(in.Older), string(in.Copies)
		if in.OlderFrom > 0 {
			p.OlderFrom = time.UnixMilli(in.OlderFrom).UTC().Format(time.DateOnly)
		}
		p.State, p.Words, p.Began = in.State, in.Words, in.LastInbound > 0 || in.ConnectedAt > 0
		if !in.On {
			p.Way = "server"
		}
	case found == nil:
		p.Host = guess
		if guess == "" {
			p.Host = m.Channel.Host
		}
	}
	if found != nil && (chosen != "" || in == nil || in.Host == "") {
		p.Host, p.Port, p.Security = found.imap.host, found.imap.port, found.imap.security
		if p.Host == "" {
			p.Port, p.Security = 993, "tls"
		}
		if found.refuses && found.authority == "" {
			p.Way = "server"
		}
	}
	if in == nil && p.Host == "" && (c.Doors.LMTP != "" || c.Doors.SMTP != "") {
		p.Way = "server"
	}
	p.SamePassword = m.Channel.Password != "" && SameAccount(m, p.Host, p.User)
	return p, nil
}

// doors says how a mail server of one's own hands mail over, with lines that
// can be copied as they are.
func (c *Connections) doors(m *postroom.Mailbox) []query.Door {
	lmtp := query.Door{Name: "LMTP", Open: c.Doors.LMTP != "", Words: "For a mail server on the same machine or in the same network. The safest way: the server is told of each mail whether it was kept."}
	address := c.Doors.LMTP
	if address == "" {
		address = "127.0.0.1:2424"
		lmtp.Lines = append(lmtp.Lines, query.Copied{Label: "Start Postroom with", Text: "postroom serve --lmtp " + address})
	}
	target := "inet:" + address
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		target = "unix:" + path
	} else if _, _, err := net.SplitHostPort(address); err == nil {
		host, port, _ := net.SplitHostPort(address)
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host = c.Doors.Name
		}
		target = "inet:" + net.JoinHostPort(host, port)
	}
	lmtp.Lines = append(lmtp.Lines, query.Copied{Label: "Postfix, in /etc/postfix/transport", Text: m.Address + "  lmtp:" + target},
		query.Copied{Label: "then, once", Text: "postconf transport_maps=hash:/etc/postfix/transport recipient_delimiter=" + orNone(m.Separator, "+") + " && postmap /etc/postfix/transport && postfix reload"})
	program := orNone(c.Doors.Program, "postroom")
	pipe := query.Door{Name: "Pipe", Open: true, Words: "For any mail server that can start a program for each mail. Nothing has to listen; a mail is on the disk before the program ends.",
		Lines: []query.Copied{
			{Label: "Postfix, in /etc/postfix/master.cf", Text: "postroom unix - n n - - pipe flags=DRhu user=" + "postroom argv=" + program + " ingest --data " + filepath.ToSlash(c.Doors.Data) + " --sender ${sender} ${recipient}"},
			{Label: "and in /etc/postfix/transport", Text: m.Address + "  postroom:"},
			{Label: "Or by hand", Text: program + " ingest --data " + c.Doors.Data + " --mailbox " + m.Address + " < mail.eml"},
		}}
	smtp := query.Door{Name: "SMTP", Open: c.Doors.SMTP != "", Words: "Postroom takes the mail of its mailboxes from anybody who connects: as the MX of a domain, or behind a provider's forwarding or connector. It filters no spam."}
	if c.Doors.SMTP == "" {
		smtp.Lines = append(smtp.Lines, query.Copied{Label: "Start Postroom with", Text: "postroom serve --smtp 0.0.0.0:25"})
	} else {
		smtp.Lines = append(smtp.Lines, query.Copied{Label: "Let mail for " + m.Address + " go to", Text: c.Doors.SMTP})
	}
	return []query.Door{lmtp, pipe, smtp}
}

// Ready says what a mailbox has by now, and what remains to be done.
func (c *Connections) Ready(ctx context.Context, by *postroom.Agent, mailbox int64) (query.ReadyPage, error) {
	m, err := c.mailbox(ctx, by, mailbox)
	if err != nil {
		return query.ReadyPage{}, err
	}
	var p query.ReadyPage
	in, err := c.incoming(ctx, mailbox)
	if err != nil {
		return p, err
	}
	path := func(key string) string { return stepPath(mailbox, key) + "?guide=1" }
	send := query.Check{Name: "Sending", State: "ok", Words: fmt.Sprintf("by %s, port %d", m.Channel.Host, m.Channel.Port), Href: path(query.StepSending)}
	if m.Channel.Host == "" {
		send.State, send.Words = "waiting", "no server yet: replies wait in the queue"
		p.Open = append(p.Open, query.Choice{Value: path(query.StepSending), Text: "Choose the server that replies leave by"})
	}
	receive := query.Check{Name: "Receiving", State: "ok", Href: path(query.StepReceiving)}
	switch {
	case in != nil && in.On && in.State == store.IncomingFailing:
		receive.State, receive.Words = "bad", in.Words
		p.Open = append(p.Open, query.Choice{Value: path(query.StepReceiving), Text: "Mend the connection that mail comes by"})
	case in != nil && in.On:
		receive.Words = "from " + in.Host
	case c.Doors.LMTP != "" || c.Doors.SMTP != "":
		receive.Words = "your mail server hands mail over"
	default:
		receive.State, receive.Words = "waiting", "no way in but the pipe"
		p.Open = append(p.Open, query.Choice{Value: path(query.StepReceiving), Text: "Say how mail comes in"})
	}
	trial, err := c.TrialPage(ctx, by, mailbox)
	if err != nil {
		return p, err
	}
	both := query.Check{Name: "Test mail", State: "waiting", Words: "not sent yet", Href: path(query.StepTrial)}
	for _, t := range trial.Tries {
		if t.Kind == store.TrialPlain {
			both.Words = t.Words
			if t.State == "good" {
				both.State, both.Words = "ok", "went out and came back"
			}
		}
	}
	p.Lines = []query.Check{send, receive, both}
	return p, nil
}
