package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"postroom"
	"postroom/internal/app"
	"postroom/internal/app/letter"
	"postroom/internal/directory"
	"postroom/internal/email"
	"postroom/internal/postoffice"
	"postroom/internal/query"
	"postroom/internal/web"
)

// Customers is the customers' side: what the post office has for each of
// them, and a way to write to the desk as one of them.
type Customers struct {
	office *postoffice.Office
	rooms  app.Rooms // of the desk they write to
}

func newCustomers(office *postoffice.Office) *Customers { return &Customers{office: office} }

// Watch calls fn after each mail that the post office accepts, until ctx
// ends.
func (c *Customers) Watch(ctx context.Context, fn func()) {
	for range c.office.Subscribe(ctx) {
		fn()
	}
}

// SignIns are the sample team's.
func (c *Customers) SignIns() []query.DemoSignIn { return SignIns() }

// Customers lists the sample customers, and everybody else who got mail, by
// the time of their last mail; the team with its notifications comes last.
func (c *Customers) Customers(ctx context.Context) ([]query.DemoCustomer, error) {
	boxes, err := c.rooms.Directory.Mailboxes(ctx, operator())
	if err != nil {
		return nil, err
	}
	var out []query.DemoCustomer
	at := map[string]int{}
	add := func(name, address string) int {
		i, ok := at[address]
		if !ok {
			i = len(out)
			at[address] = i
			out = append(out, query.DemoCustomer{Name: name, Address: address})
		}
		return i
	}
	for _, x := range customers {
		if x.key != "win" {
			add(x.name, x.address)
		}
	}
	for _, l := range c.office.Received() {
		m := email.Parse(l.Raw, headOnly())
		for _, to := range l.To {
			if c.rooms.Desk.MailboxFor(boxes, to) != nil {
				continue // it is for the desk
			}
			x := &out[add("", postroom.Canonical(to))]
			x.Mails++
			x.LastAt, x.Subject = letter.WrittenAt(m, l.At.UnixMilli()), m.Subject
		}
	}
	for i := range out {
		for _, m := range team {
			if m.email == out[i].Address {
				out[i].Name, out[i].Agent = m.name, true
			}
		}
	}
	slices.SortStableFunc(out, func(a, b query.DemoCustomer) int {
		switch {
		case a.Agent != b.Agent && b.Agent:
			return -1
		case a.Agent != b.Agent:
			return 1
		case a.LastAt > b.LastAt:
			return -1
		case a.LastAt < b.LastAt:
			return 1
		}
		return strings.Compare(a.Address, b.Address)
	})
	return out, nil
}

// headOnly is for what only needs a mail's header.
func headOnly() email.ParseOptions { return email.ParseOptions{MaxText: 1, MaxDecoded: 1 << 10} }

// Mails lists the mails that an address received, the newest first.
func (c *Customers) Mails(_ context.Context, address string) ([]query.DemoMail, error) {
	var out []query.DemoMail
	for _, l := range c.office.For(address) {
		d := letter.Shown(l.Raw, l.Seq, l.At.UnixMilli())
		out = append(out, d)
	}
	slices.Reverse(out)
	return out, nil
}

// letter finds a mail of an address.
func (c *Customers) letter(address string, n int) (*email.Mail, error) {
	for _, l := range c.office.For(address) {
		if l.Seq == n {
			return email.Parse(l.Raw, email.ParseOptions{}), nil
		}
	}
	return nil, postroom.Errorf(postroom.NotFound, "%s has no such mail.", address)
}

// HTML returns the sanitised HTML part of a mail, with its own pictures.
func (c *Customers) HTML(_ context.Context, address string, n int, images bool) (string, error) {
	m, err := c.letter(address, n)
	if err != nil {
		return "", err
	}
	return letter.HTML(m, address, n, images)
}

// Part returns an attachment of a mail.
func (c *Customers) Part(_ context.Context, address string, n, part int) (*query.File, error) {
	m, err := c.letter(address, n)
	if err != nil {
		return nil, err
	}
	return letter.Part(m, part)
}

// Mailboxes lists whom a customer can write to.
func (c *Customers) Mailboxes(ctx context.Context) ([]query.Address, error) {
	boxes, err := c.rooms.Directory.Mailboxes(ctx, operator())
	if err != nil {
		return nil, err
	}
	var out []query.Address
	for _, m := range boxes {
		out = append(out, query.Address{Name: m.Name, Address: m.Address})
	}
	return out, nil
}

// Answer writes to the desk as a customer: an answer to one of their mails,
// or a new matter. The mail goes to the post office by SMTP, and the desk fetches
// it there by IMAP. Errors name the fields to, subject, text and file.
func (c *Customers) Answer(ctx context.Context, address string, a web.DemoAnswer) error {
	var m *email.Mail
	if a.Mail != 0 {
		var err error
		if m, err = c.letter(address, a.Mail); err != nil {
			return err
		}
	}
	spec, to, err := letter.Compose(c.name(ctx, address), address, time.Now(), m, a)
	if err != nil {
		return err
	}
	boxes, err := c.rooms.Directory.Mailboxes(ctx, operator())
	if err != nil {
		return err
	}
	box := c.rooms.Desk.MailboxFor(boxes, to)
	if box == nil {
		return postroom.InvalidField("to", "Nobody at the desk is reached by %s.", to)
	}
	raw, err := email.Build(spec)
	if err != nil {
		return err
	}
	said, err := postoffice.Deliver(ctx, c.office.Addr(), address, []string{box.Address}, checked(raw, address, address, to))
	if err != nil {
		return fmt.Errorf("deliver to the post office: %w", err)
	}
	if !said.OK() {
		return postroom.InvalidField("to", "The post office did not take the mail: %s", said[0].Text)
	}
	return nil
}

func (c *Customers) name(ctx context.Context, address string) string {
	list, _ := c.Customers(ctx)
	for _, x := range list {
		if x.Address == postroom.Canonical(address) {
			return x.Name
		}
	}
	return ""
}

// fieldsOf returns what a mailbox has now.
func fieldsOf(ctx context.Context, rooms app.Rooms, id int64) (directory.MailboxFields, error) {
	m, agents, err := rooms.Directory.Mailbox(ctx, operator(), id)
	if err != nil {
		return directory.MailboxFields{}, err
	}
	return directory.Fields(m, agents), nil
}
