// Package letter is the customers' side of a desk that nothing leaves, the
// demo or a sandbox: mails as those who got them see them, and what they write
// back.
package letter

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/query"
	"postroom/internal/web"
)

// Shown is a mail as its receiver has it; n is its number in URLs. at is when
// it came, unless the mail says itself when it was written.
func Shown(raw []byte, n int, at int64) query.DemoMail {
	m := email.Parse(raw, email.ParseOptions{})
	d := query.DemoMail{N: n, At: WrittenAt(m, at), From: addresses(m.From), To: addresses(m.To), Subject: m.Subject,
		Automatic: m.HasHeader("Auto-Submitted") && !strings.EqualFold(m.Header("Auto-Submitted"), "no"),
		Header:    head(raw), Text: strings.TrimSpace(m.PlainText()), HTML: m.HTML != "", MessageID: m.MessageID}
	for i, a := range m.Attachments {
		d.Attachments = append(d.Attachments, query.Attachment{ID: int64(i), Name: a.Name, Type: a.Type, Size: a.Size(), Picture: picture(a.Type), Inline: a.Inline})
	}
	return d
}

// WrittenAt is when a mail says that it was written, or else at.
func WrittenAt(m *email.Mail, at int64) int64 {
	if m.DateOK {
		return m.Date.UnixMilli()
	}
	return at
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

// HTML returns the sanitised HTML part of a mail, with its own pictures.
func HTML(m *email.Mail, address string, n int, images bool) (string, error) {
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
func Part(m *email.Mail, part int) (*query.File, error) {
	if part < 0 || part >= len(m.Attachments) {
		return nil, postroom.Errorf(postroom.NotFound, "This mail has no such attachment.")
	}
	a := m.Attachments[part]
	return &query.File{Name: a.Name, Type: a.Type, Size: a.Size(), SHA256: a.SHA256, Content: io.NopCloser(bytes.NewReader(a.Data))}, nil
}

// Compose makes the mail that a customer writes: an answer to one of theirs, or
// a new matter where there is none to answer. to is whom it is for. Errors name
// the fields to, subject and text.
func Compose(name, address string, now time.Time, to *email.Mail, a web.DemoAnswer) (spec email.Spec, recipient string, err error) {
	if strings.TrimSpace(a.Text) == "" && len(a.Files) == 0 {
		return spec, "", postroom.InvalidField("text", "Please write something.")
	}
	spec = email.Spec{From: email.Address{Name: name, Address: address}, Subject: strings.TrimSpace(a.Subject), Text: a.Text, Date: now}
	recipient = a.To
	if to != nil {
		recipient = answerTo(to)
		spec.Subject = email.ReplySubject(to.Subject)
		spec.InReplyTo = to.MessageID
		spec.References = email.References(to.References, to.MessageID)
		spec.Text += "\n\n" + Quoted(to)
	}
	if spec.Subject == "" {
		return spec, "", postroom.InvalidField("subject", "Please write what it is about.")
	}
	if recipient == "" {
		return spec, "", postroom.InvalidField("to", "Please choose whom to write to.")
	}
	_, domain, _ := strings.Cut(address, "@")
	spec.MessageID = rand.Text() + "@" + domain
	spec.Seed = spec.MessageID
	spec.To = []email.Address{{Address: recipient}}
	for _, f := range a.Files {
		spec.Attachments = append(spec.Attachments, email.File{Name: f.Name, Type: f.Type, Data: f.Content})
	}
	return spec, recipient, nil
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

// Quoted is a mail as an answer quotes it.
func Quoted(m *email.Mail) string {
	who := "Somebody"
	if len(m.From) > 0 {
		who = m.From[0].Name
		if who == "" {
			who = m.From[0].Address
		}
	}
	text := strings.TrimSpace(m.PlainText())
	return fmt.Sprintf("On %s, %s wrote:\n> %s", m.Date.Format("Mon, 2 Jan 2006 at 15:04"), who, strings.ReplaceAll(text, "\n", "\n> "))
}
