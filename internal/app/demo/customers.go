package demo

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"postroom"
	"postroom/internal/app"
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
			x.LastAt, x.Subject = sentAt(m, l), m.Subject
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

func sentAt(m *email.Mail, l postoffice.Letter) int64 {
	if m.DateOK {
		return m.Date.UnixMilli()
	}
	return l.At.UnixMilli()
}

// Mails lists the mails that an address received, the newest first.
func (c *Customers) Mails(_ context.Context, address string) ([]query.DemoMail, error) {
	var out []query.DemoMail
	for _, l := range c.office.For(address) {
		m := email.Parse(l.Raw, email.ParseOptions{})
		d := query.DemoMail{N: l.Seq, At: sentAt(m, l), From: addresses(m.From), To: addresses(m.To), Subject: m.Subject,
			Automatic: m.HasHeader("Auto-Submitted") && !strings.EqualFold(m.Header("Auto-Submitted"), "no"),
			Header:    head(l.Raw), Text: strings.TrimSpace(m.PlainText()), HTML: m.HTML != "", MessageID: m.MessageID}
		for i, a := range m.Attachments {
			d.Attachments = append(d.Attachments, query.Attachment{ID: int64(i), Name: a.Name, Type: a.Type, Size: a.Size(), Picture: picture(a.Type), Inline: a.Inline})
		}
		out = append(out, d)
	}
	slices.Reverse(out)
	return out, nil
}

// head is a mail's header as it was sent.
func head(raw []byte) string {
	h, _, _ := bytes.Cut(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\n\n"))
	return string(h)
}

func addresses(list []email.Address) string {
	parts := make([]string, 0, len(list))
	for _, a := range list {
		parts = append(parts, postroom.Address{Name: a.Name, Address: a.Address}.String())
	}
	return strings.Join(parts, ", ")
}

func picture(mediaType string) bool {
	return slices.Contains([]string{"image/png", "image/jpeg", "image/gif", "image/webp"}, mediaType)
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
	if m.HTML == "" {
		return "", postroom.Errorf(postroom.NotFound, "This mail has no HTML part.")
	}
	clean, _ := email.Sanitise(m.HTML, email.SanitiseOptions{AllowRemote: images, InlineURL: func(ref string) (string, bool) {
		part, ok := m.InlineAttachment(ref)
		if !ok || !picture(part.Type) {
			return "", false
		}
		for i, a := range m.Attachments {
			if a.SHA256 == part.SHA256 && a.Name == part.Name {
				return fmt.Sprintf("/demo/customers/%s/mails/%d/parts/%d?inline=1", address, n, i), true
			}
		}
		return "", false
	}})
	return clean, nil
}

// Part returns an attachment of a mail.
func (c *Customers) Part(_ context.Context, address string, n, part int) (*query.File, error) {
	m, err := c.letter(address, n)
	if err != nil {
		return nil, err
	}
	if part < 0 || part >= len(m.Attachments) {
		return nil, postroom.Errorf(postroom.NotFound, "This mail has no such attachment.")
	}
	a := m.Attachments[part]
	return &query.File{Name: a.Name, Type: a.Type, Size: a.Size(), SHA256: a.SHA256, Content: io.NopCloser(bytes.NewReader(a.Data))}, nil
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
	if strings.TrimSpace(a.Text) == "" && len(a.Files) == 0 {
		return postroom.InvalidField("text", "Please write something.")
	}
	spec := email.Spec{From: email.Address{Name: c.name(ctx, address), Address: address}, Subject: strings.TrimSpace(a.Subject), Text: a.Text, Date: time.Now()}
	to := a.To
	if a.Mail != 0 {
		m, err := c.letter(address, a.Mail)
		if err != nil {
			return err
		}
		to = answerTo(m)
		spec.Subject = email.ReplySubject(m.Subject)
		spec.InReplyTo = m.MessageID
		spec.References = email.References(m.References, m.MessageID)
		spec.Text += "\n\n" + quoted(m)
	}
	if spec.Subject == "" {
		return postroom.InvalidField("subject", "Please write what it is about.")
	}
	if to == "" {
		return postroom.InvalidField("to", "Please choose whom to write to.")
	}
	boxes, err := c.rooms.Directory.Mailboxes(ctx, operator())
	if err != nil {
		return err
	}
	box := c.rooms.Desk.MailboxFor(boxes, to)
	if box == nil {
		return postroom.InvalidField("to", "Nobody at the desk is reached by %s.", to)
	}
	_, domain, _ := strings.Cut(address, "@")
	spec.MessageID = rand.Text() + "@" + domain
	spec.Seed = spec.MessageID
	spec.To = []email.Address{{Address: to}}
	for _, f := range a.Files {
		spec.Attachments = append(spec.Attachments, email.File{Name: f.Name, Type: f.Type, Data: f.Content})
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

// answerTo is where a mail program answers: Reply-To, else From.
func answerTo(m *email.Mail) string {
	for _, list := range [][]email.Address{m.ReplyTo, m.From} {
		if len(list) > 0 {
			return list[0].Address
		}
	}
	return ""
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
