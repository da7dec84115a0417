package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/app/letter"
	"postroom/internal/desk"
	"postroom/internal/email"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/web"
)

// customers is the customers' side of the sandbox: what was accepted for each
// of them, and a way to write as one. It is read from the sandbox's own mails, so
// that it is there after a restart as well.
type customers struct{ h *house }

// How many of them, and of the mails of one, are shown.
const (
	customersShown = 400
	mailsShown     = 100
)

// SignIns are none: nobody signs in here.
func (customers) SignIns() []query.DemoSignIn { return nil }

// Customers lists all customers and whoever else got mail, by the time of their
// last mail; agents come last.
func (c customers) Customers(ctx context.Context) ([]query.DemoCustomer, error) {
	read := c.h.rooms.Store.Read()
	people, err := read.CaughtPeople(ctx, customersShown)
	if err != nil {
		return nil, err
	}
	agents, err := read.Agents(ctx)
	if err != nil {
		return nil, err
	}
	boxes, err := read.Mailboxes(ctx)
	if err != nil {
		return nil, err
	}
	var out []query.DemoCustomer
	for _, p := range people {
		if c.h.rooms.Desk.MailboxFor(boxes, p.Address) != nil {
			continue // it is for the desk
		}
		x := query.DemoCustomer{Name: p.Name, Address: p.Address, Mails: p.Mails, LastAt: p.LastAt, Subject: p.Subject}
		if i := slices.IndexFunc(agents, func(a *postroom.Agent) bool { return postroom.Canonical(a.Email) == p.Address }); i >= 0 {
			x.Name, x.Agent = agents[i].Name, true
		}
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b query.DemoCustomer) int {
		if a.Agent != b.Agent {
			if a.Agent {
				return 1
			}
			return -1
		}
		return cmp.Compare(b.LastAt, a.LastAt)
	})
	return out, nil
}

// Mails lists the mails that an address received, the newest first.
func (c customers) Mails(ctx context.Context, address string) ([]query.DemoMail, error) {
	rows, err := c.h.rooms.Store.Read().Caught(ctx, address, mailsShown)
	if err != nil {
		return nil, err
	}
	var out []query.DemoMail
	for _, r := range rows {
		raw, err := c.h.closed.Blobs().Read(r.SHA256, desk.MaxMail)
		switch {
		case postroom.CodeOf(err) == postroom.NotFound:
			// It was sent before, and its text did not come along.
			out = append(out, query.DemoMail{N: int(r.ID), At: r.At, Subject: r.Subject, Text: "The text of this mail did not come along into the sandbox."})
		case err != nil:
			return nil, err
		default:
			out = append(out, letter.Shown(raw, int(r.ID), r.At))
		}
	}
	return out, nil
}

// letter finds a mail of an address.
func (c customers) letter(ctx context.Context, address string, n int) (*email.Mail, error) {
	rows, err := c.h.rooms.Store.Read().Caught(ctx, address, mailsShown)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(rows, func(r store.CaughtMail) bool { return r.ID == int64(n) })
	if i < 0 {
		return nil, postroom.Errorf(postroom.NotFound, "%s has no such mail.", address)
	}
	raw, err := c.h.closed.Blobs().Read(rows[i].SHA256, desk.MaxMail)
	if err != nil {
		return nil, err
	}
	return email.Parse(raw, email.ParseOptions{}), nil
}

// HTML returns the sanitised HTML part of a mail. Pictures on the network stay
// there, whatever is asked: nothing leaves.
func (c customers) HTML(ctx context.Context, address string, n int, _ bool) (string, error) {
	m, err := c.letter(ctx, address, n)
	if err != nil {
		return "", err
	}
	return letter.HTML(m, address, n, false)
}

// Part returns an attachment of a mail.
func (c customers) Part(ctx context.Context, address string, n, part int) (*query.File, error) {
	m, err := c.letter(ctx, address, n)
	if err != nil {
		return nil, err
	}
	return letter.Part(m, part)
}

// Mailboxes lists whom a customer can write to.
func (c customers) Mailboxes(ctx context.Context) ([]query.Address, error) {
	boxes, err := c.h.rooms.Store.Read().Mailboxes(ctx)
	var out []query.Address
	for _, m := range boxes {
		out = append(out, query.Address{Name: m.Name, Address: m.Address})
	}
	return out, err
}

// Answer writes to the desk as a customer. The mail is taken in as one of a
// server is, and filed by the same work.
func (c customers) Answer(ctx context.Context, address string, a web.DemoAnswer) error {
	var about *email.Mail
	var err error
	if a.Mail != 0 {
		if about, err = c.letter(ctx, address, a.Mail); err != nil {
			return err
		}
	}
	now := c.h.clock.now()
	if strings.TrimSpace(a.Text) == "" {
		a.Text = map[string]string{"auto": "I am out of the office and read your mail when I am back.", "bounce": "The mail could not be delivered."}[a.Kind]
	}
	spec, to, err := letter.Compose(c.name(ctx, address), address, now, about, a)
	if err != nil {
		return err
	}
	boxes, err := c.h.rooms.Store.Read().Mailboxes(ctx)
	if err != nil {
		return err
	}
	box := c.h.rooms.Desk.MailboxFor(boxes, to)
	if box == nil {
		return postroom.InvalidField("to", "Nobody at the desk is reached by %s.", to)
	}
	sender := address
	if a.Kind == "auto" {
		sender, spec.Auto = "", email.AutoReplied
		spec.Subject = "Automatic reply: " + strings.TrimPrefix(spec.Subject, "Re: ")
	}
	raw, err := email.Build(spec)
	if err != nil {
		return err
	}
	recipient := to
	if a.Kind == "bounce" {
		if about == nil {
			return postroom.InvalidField("kind", "Only a mail that was sent can come back.")
		}
		sender = ""
		if recipient, raw, err = bounced(spec, about, address, a.Text); err != nil {
			return err
		}
	}
	return c.h.rooms.Desk.Accept(ctx, desk.Delivery{Source: "smtp", From: sender, To: []string{recipient}, Raw: vouched(raw, box, spec.From.Address, a.Kind)})
}

// vouched puts before a mail what the company's mail server would say of it.
func vouched(raw []byte, box *postroom.Mailbox, author, kind string) []byte {
	if box.AuthServ == "" || kind == "bounce" {
		return raw
	}
	_, domain, _ := strings.Cut(author, "@")
	return append([]byte("Authentication-Results: "+box.AuthServ+"; dmarc=pass header.from="+domain+"\r\n"), raw...)
}

// bounced is what a server says of a mail that it did not take after all
// (RFC 3464), and to whom: the return path that the mail left with.
func bounced(spec email.Spec, about *email.Mail, address, text string) (to string, raw []byte, err error) {
	to = strings.Trim(about.Header("Return-Path"), "<> ")
	if to == "" {
		to = spec.To[0].Address
	}
	_, domain, _ := strings.Cut(address, "@")
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("From: Mail server <mailer-daemon@%s>", domain)
	line("To: <%s>", to)
	line("Subject: Undelivered mail returned to sender")
	line("Date: %s", spec.Date.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	line("Message-ID: <%s>", spec.MessageID)
	line("In-Reply-To: <%s>", about.MessageID)
	line("Auto-Submitted: auto-replied")
	line("MIME-Version: 1.0")
	line("Content-Type: multipart/report; report-type=delivery-status; boundary=\"returned\"")
	line("")
	line("--returned")
	line("Content-Type: text/plain; charset=utf-8")
	line("")
	line("%s", strings.ReplaceAll(strings.TrimSpace(text), "\n", "\r\n"))
	line("")
	line("--returned")
	line("Content-Type: message/delivery-status")
	line("")
	line("Reporting-MTA: dns; %s", domain)
	line("")
	line("Final-Recipient: rfc822; %s", address)
	line("Action: failed")
	line("Status: 5.1.1")
	line("Diagnostic-Code: smtp; 550 5.1.1 No such user")
	line("")
	line("--returned")
	line("Content-Type: text/rfc822-headers")
	line("")
	line("Message-ID: <%s>", about.MessageID)
	line("Subject: %s", about.Subject)
	line("")
	line("--returned--")
	return to, b.Bytes(), nil
}

// name is what a customer is called; "" for one whom nobody knows.
func (c customers) name(ctx context.Context, address string) string {
	list, err := c.Customers(ctx)
	if err != nil {
		return ""
	}
	for _, x := range list {
		if x.Address == postroom.Canonical(address) {
			return x.Name
		}
	}
	return ""
}
