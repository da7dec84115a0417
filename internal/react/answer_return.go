package react

import (
	"context"
	"fmt"
	"html"
	"strings"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/email"
	"postroom/internal/notify"
	"postroom/internal/store"
)

// maxReturns is how many answers go back to one agent within an hour; what
// comes faster is a fault somewhere, or somebody who plays with a token.
const maxReturns = 20

// maxReturned is how much of an answer goes back, in bytes.
const maxReturned = 100_000

// refuse decides that nothing is done, and prepares the mail that tells the
// agent so, at the address they sign in with: never at the one the answer came
// from, which may be anybody's.
func (a *answer) refuse(ctx context.Context, why *refusal) error {
	a.refused("%s", why.log)
	if why.silent || a.f.asked {
		return nil
	}
	mailbox := *a.f.mailbox
	mailbox.Headers = nil // those are for customers
	if a.f.isOurs(a.agent.Email) || email.CheckAddress(a.agent.Email) != nil {
		return nil
	}
	id, err := a.f.r.Store.NewID(ctx)
	if err != nil {
		return err
	}
	now := a.f.r.Store.Now()
	c, seq := a.c, int64(0)
	if c == nil {
		c = &postroom.Conversation{ID: a.told.ConversationID}
	} else if a.agent.ID == a.told.AgentID {
		seq = c.Seq // what the mail shows is the newest
	}
	text, doc := why.letter(a)
	mail, err := a.f.r.Desk.Compose(desk.Letter{
		ID: id, Mailbox: &mailbox, Conversation: c, To: []postroom.Address{{Name: a.agent.Name, Address: a.agent.Email}},
		Subject: "Not done: " + subjectOf(a.f.mail, a.told), Text: text, HTML: doc, At: now, Automatic: true,
		Answers: &postroom.Message{Header: a.f.mail.MessageID, References: references(a.f.mail)},
	})
	if err != nil {
		return err
	}
	mail.AgentID, mail.ConversationID, mail.Seq, mail.Class = a.agent.ID, c.ID, seq, postroom.NotificationClass
	mail.State, mail.CreatedAt, mail.DueAt, mail.QueuedAt = postroom.MailQueued, now, now, now
	for i := range mail.Recipients {
		mail.Recipients[i].State = postroom.MailQueued
	}
	a.back = mail
	return nil
}

func subjectOf(m *email.Mail, told *postroom.Mail) string {
	subject := email.BaseSubject(m.Subject)
	for {
		rest, ok := strings.CutPrefix(subject, "Not done: ")
		if !ok {
			break
		}
		subject = email.BaseSubject(rest)
	}
	if subject == "" {
		subject = told.Subject
	}
	return plain(strings.Join(strings.Fields(subject), " "), 200)
}

// giveBack queues the mail that returns an answer.
func (f *filing) giveBack(ctx context.Context, tx *store.Tx) error {
	a := f.answer
	if a.back == nil {
		return nil
	}
	now := f.r.Store.Now()
	n, err := tx.AddRate(ctx, fmt.Sprintf("return:%d", a.agent.ID), now, hour)
	if err != nil {
		return err
	}
	if n > maxReturns {
		f.note(fmt.Sprintf("It was not returned: %d answers went back to %s within this hour.", maxReturns, a.agent.Name))
		return nil
	}
	f.note("It was returned to " + a.agent.Name + ".")
	if err := tx.InsertMail(ctx, a.back); err != nil {
		return err
	}
	tx.OnCommit(func() { f.r.Desk.Wake(desk.WakeDeliver) })
	return nil
}

// letter writes the mail that goes back.
func (why *refusal) letter(a *answer) (text, doc string) {
	var t, h strings.Builder
	t.WriteString(email.SeparatorText(notify.Separator) + "\n\n")
	h.WriteString(email.SeparatorHTML(notify.Separator))
	para := func(s string) {
		t.WriteString(s + "\n\n")
		h.WriteString("<p>" + html.EscapeString(s) + "</p>\n")
	}
	matter := ""
	if a.c != nil && a.agent.ID == a.told.AgentID && postroom.CanOn(a.agent, postroom.See, a.c.MailboxID, a.c.AssigneeID) {
		matter = fmt.Sprintf(" about conversation #%d, “%s”,", a.c.Number, a.c.Subject)
	}
	para("Your mail" + matter + " was not acted on. Nothing was sent to the customer, and nothing was changed.")
	t.WriteString("Why:\n")
	h.WriteString("<p>Why:</p>\n<ul>\n")
	for _, r := range why.reasons {
		t.WriteString("- " + r + "\n")
		h.WriteString("<li>" + html.EscapeString(r) + "</li>\n")
	}
	t.WriteString("\n")
	h.WriteString("</ul>\n")
	if why.since != "" {
		para("What the customer wrote since:")
		quoted(&t, &h, why.since)
	}
	if why.commands {
		para("Send it again as an answer to this mail. What may stand at the top of an answer, alone or with your text below:")
		h.WriteString("<table>\n")
		for _, w := range email.CommandWords() {
			fmt.Fprintf(&t, "  %-14s %s\n", w.Usage, w.Does)
			h.WriteString("<tr><td><code>" + html.EscapeString(w.Usage) + "</code></td><td>" + html.EscapeString(w.Does) + "</td></tr>\n")
		}
		t.WriteString("\n")
		h.WriteString("</table>\n")
	}
	para("Your mail:")
	quoted(&t, &h, a.f.mail.PlainText())
	if files := len(a.f.mail.Attachments); files > 0 {
		para(fmt.Sprintf("Its files (%d) are not in this mail.", files))
	}
	return t.String(), h.String()
}

func quoted(t, h *strings.Builder, s string) {
	s = strings.TrimSpace(plain(s, maxReturned))
	t.WriteString("> " + strings.ReplaceAll(s, "\n", "\n> ") + "\n\n")
	h.WriteString("<blockquote>" + email.HTMLFromText(s) + "</blockquote>\n")
}
