package desk

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/email"
)

// Spec is what the bytes of a mail are built from, fixed in the transaction
// that decided the mail (W24). Files are named by hash; Seed makes boundaries.
type Spec struct {
	From        postroom.Address       `json:"from"`
	ReplyTo     string                 `json:"reply_to,omitempty"`
	To          []postroom.Address     `json:"to"`
	Cc          []postroom.Address     `json:"cc,omitempty"`
	Subject     string                 `json:"subject"`
	MessageID   string                 `json:"message_id"`
	Date        int64                  `json:"date"`
	InReplyTo   string                 `json:"in_reply_to,omitempty"`
	References  []string               `json:"references,omitempty"`
	Text        string                 `json:"text"`
	HTML        string                 `json:"html"`
	Files       []SpecFile             `json:"files,omitempty"`
	Headers     []postroom.HeaderField `json:"headers,omitempty"` // the mailbox's own
	Automatic   bool                   `json:"automatic,omitempty"`
	Generated   bool                   `json:"generated,omitempty"` // automatic and no answer: a notification (O3)
	LoopMailbox string                 `json:"loop,omitempty"`      // value of our loop header
	Seed        string                 `json:"seed"`
}

// SpecFile is a file of a mail.
type SpecFile struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	ContentID string `json:"content_id,omitempty"`
	Inline    bool   `json:"inline,omitempty"`
	Size      int64  `json:"size"`
	SHA256    string `json:"sha256"`
}

// Letter is a mail to be composed: all that is known before the transaction.
type Letter struct {
	ID           int64 // of the mail, drawn before
	Mailbox      *postroom.Mailbox
	Conversation *postroom.Conversation
	SenderName   string // of the agent who writes; "" is the team (O5)
	To, Cc, Bcc  []postroom.Address
	HTML         string // sanitised; inline pictures by cid:
	Text         string
	Files        []postroom.Attachment
	Answers      *postroom.Message // the message it answers, nil for none
	Subject      string            // "" makes it from the conversation's
	Automatic    bool
	Machine      bool
	Language     string // of the customer, for what the desk itself says in the mail; "" is English
	Aside        bool   // to somebody else than the customer: no answer, but automatic all the same
	At           int64
}

// Compose makes the outbox row of a letter: Message-ID, date, envelope,
// headers and bodies are fixed here and never change (W24, O1).
func (d *Desk) Compose(l Letter) (*postroom.Mail, error) {
	d.drawRating(&l)
	token := d.keys.Token(l.ID)
	_, domain, ok := strings.Cut(l.Mailbox.Address, "@")
	if !ok {
		return nil, postroom.InvalidField("from", "The mailbox %s has no address to send from.", l.Mailbox.Name)
	}
	s := Spec{
		From: postroom.Address{Name: l.Mailbox.Sender(l.SenderName), Address: l.Mailbox.Address},
		To:   l.To, Cc: l.Cc, Subject: l.Subject, MessageID: email.MessageID(token, domain), Date: l.At,
		Automatic: l.Automatic, Generated: l.Aside, LoopMailbox: l.Mailbox.Address, Seed: token, Headers: l.Mailbox.Headers,
	}
	if s.Subject == "" {
		s.Subject = email.ReplySubject(l.Conversation.Subject)
	}
	envelope := l.Mailbox.Address
	if l.Mailbox.Subaddress {
		if a, ok := email.TokenAddress(l.Mailbox.Address, l.Mailbox.Separator, token); ok {
			s.ReplyTo, envelope = a, a
		}
	}
	if l.Automatic && envelope == l.Mailbox.Address {
		envelope = "" // no bounce token: a null sender, so that nothing answers (RFC 3834 3.3)
	}
	if l.Answers != nil && l.Answers.Header != "" {
		s.InReplyTo = l.Answers.Header
		s.References = email.References(l.Answers.References, l.Answers.Header)
	}
	s.Text = strings.TrimRight(l.Text, "\n") + "\n\n" + email.MarkerText(token) + "\n"
	s.HTML = l.HTML + email.MarkerHTML(token)
	for _, f := range l.Files {
		s.Files = append(s.Files, SpecFile{Name: f.Name, Type: f.Type, ContentID: f.ContentID, Inline: f.Inline, Size: f.Size, SHA256: f.SHA256})
	}
	spec, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode mail: %w", err)
	}
	m := &postroom.Mail{
		ID: l.ID, MailboxID: l.Mailbox.ID, Class: postroom.ReplyClass, Automatic: l.Automatic, Machine: l.Machine, Aside: l.Aside,
		Header: s.MessageID, EnvelopeFrom: envelope, Subject: s.Subject, Spec: spec, State: postroom.MailHeld,
	}
	if l.Automatic {
		m.Class = postroom.NoticeClass
	}
	return m, addRecipients(m, l)
}

// EnvelopeID returns what delivery reports are asked to give back of a mail
// (RFC 3461 4.4): its token, which nobody can guess.
func (d *Desk) EnvelopeID(mail int64) string { return d.keys.Token(mail) }

// Recompose makes a new mail of one that has ended, with the same content and
// a Message-ID of its own; recipients are the caller's to add.
func (d *Desk) Recompose(old *postroom.Mail, s Spec, mailbox *postroom.Mailbox, id, at int64) (*postroom.Mail, error) {
	was, is := d.keys.Token(old.ID), d.keys.Token(id)
	_, domain, _ := strings.Cut(mailbox.Address, "@")
	s.MessageID, s.Date, s.Seed = email.MessageID(is, domain), at, is
	s.Text, s.HTML = strings.ReplaceAll(s.Text, was, is), strings.ReplaceAll(s.HTML, was, is)
	envelope := strings.ReplaceAll(old.EnvelopeFrom, was, is)
	s.ReplyTo = strings.ReplaceAll(s.ReplyTo, was, is)
	spec, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode mail: %w", err)
	}
	return &postroom.Mail{ID: id, MailboxID: old.MailboxID, MessageID: old.MessageID, AgentID: old.AgentID, RunID: old.RunID, Class: old.Class, Automatic: old.Automatic,
		Machine: old.Machine, Aside: old.Aside, Header: s.MessageID, EnvelopeFrom: envelope, Subject: old.Subject, Spec: spec, State: postroom.MailHeld}, nil
}

// MaxRecipients is how many recipients one mail may have.
const MaxRecipients = 100

func addRecipients(m *postroom.Mail, l Letter) error {
	var seen []string
	for _, group := range []struct {
		kind string
		list []postroom.Address
	}{{"to", l.To}, {"cc", l.Cc}, {"bcc", l.Bcc}} {
		for _, a := range group.list {
			address := strings.TrimSpace(a.Address)
			if err := email.CheckAddress(address); err != nil {
				return postroom.InvalidField(group.kind, "%s", postroom.TextOf(err))
			}
			if strings.ContainsAny(a.Name, "\r\n\x00") {
				return postroom.InvalidField(group.kind, "A name may not contain line breaks.")
			}
			if canonical := postroom.Canonical(address); !slices.Contains(seen, canonical) {
				seen = append(seen, canonical)
				m.Recipients = append(m.Recipients, postroom.MailRecipient{Address: canonical, Kind: group.kind})
			}
		}
	}
	if len(m.Recipients) > MaxRecipients {
		return postroom.InvalidField("to", "A mail may have at most %d recipients.", MaxRecipients)
	}
	return nil
}

// Skip makes a mail that is decided and not sent: a row that says why (W27).
func Skip(m *postroom.Mail, state postroom.MailState, words string, at int64) *postroom.Mail {
	m.State, m.Words = state, words
	if state.Ended() {
		m.EndedAt = at
	}
	for i := range m.Recipients {
		m.Recipients[i].State, m.Recipients[i].Words, m.Recipients[i].At = state, words, at
	}
	return m
}
