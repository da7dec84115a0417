package desktest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/email"
	"postroom/internal/store"
)

// PassedAuth is the header by which the first mailbox's server vouches for
// senders at acme.example.
const PassedAuth = "Authentication-Results: mx.acme.example; dkim=pass header.d=acme.example; spf=pass smtp.mailfrom=acme.example\n"

// ClientShapes are the mail programs in whose form AnswerLetter can answer.
func (d *Desk) ClientShapes() []string {
	d.T.Helper()
	files, err := filepath.Glob(filepath.Join("..", "email", "testdata", "answers", "*.eml"))
	d.must(err)
	if len(files) < 10 {
		d.T.Fatalf("only %d shapes of mail programs", len(files))
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".eml")
	}
	return files
}

// AnswerLetter is an answer to a mail that arrived, as a mail program writes
// it.
type AnswerLetter struct {
	To      Mail
	Shape   string // one of ClientShapes; "" is no_quote
	From    string // "" is who got the mail
	Headers string // "" is PassedAuth; "-" is none
	Text    string
}

// Raw returns the answer as a mail.
func (l AnswerLetter) Raw(d *Desk) string {
	d.T.Helper()
	d.mailN++
	return l.Written(d.T, fmt.Sprintf("answer-%d@client.example", d.mailN), d.Clock.Now())
}

// Written returns the answer as a mail with an id, written at a time. Its lines
// end with "\n".
func (l AnswerLetter) Written(t testing.TB, id string, at time.Time) string {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	if l.Shape == "" {
		l.Shape = "no_quote"
	}
	if l.From == "" {
		l.From = l.To.To
	}
	switch l.Headers {
	case "":
		l.Headers = PassedAuth
	case "-":
		l.Headers = ""
	}
	body, err := os.ReadFile(filepath.Join("..", "email", "testdata", "answers", l.Shape+".eml"))
	must(err)
	doc := ""
	for line := range strings.SplitSeq(l.Text, "\n") {
		if line == "" {
			line = "<br>"
		}
		doc += "<div>" + line + "</div>"
	}
	to := l.To.From
	if l.To.ReplyTo != "" {
		to = l.To.ReplyTo
	}
	sent := strings.ReplaceAll(l.To.Text, "\r\n", "\n")
	var out strings.Builder
	must(template.Must(template.New(l.Shape).Funcs(template.FuncMap{
		"quote": func(s string) string { return "> " + strings.ReplaceAll(s, "\n", "\n> ") },
		"x":     func(s string) string { return strings.ReplaceAll(s, `class="`, `class="x_`) },
		"mso": func(s string) string {
			return strings.NewReplacer("<div>", `<p class="MsoNormal">`, "</div>", "<o:p></o:p></p>").Replace(s)
		},
		"plainclass":  func(s string) string { return strings.ReplaceAll(s, `class="`, `class="MsoNormal `) },
		"withoutline": func(s string) string { return strings.Join(strings.SplitAfter(s, "\n")[2:], "") },
	}).Parse(string(body))).Execute(&out, map[string]string{
		"From": l.From, "To": to, "Mailbox": l.To.From, "Subject": strings.TrimPrefix(l.To.Subject, "Re: "), "Date": at.Format(time.RFC1123Z),
		"ID": id, "InReplyTo": l.To.ID, "Headers": l.Headers,
		"Text": l.Text, "HTML": doc, "SentText": sent, "SentHTML": l.To.HTML,
	}))
	return out.String()
}

// AgentAnswers has an agent answer a mail they got, and does the work.
func (d *Desk) AgentAnswers(l AnswerLetter) store.Inbound {
	d.T.Helper()
	from := l.From
	if from == "" {
		from = l.To.To
	}
	to := l.To.From
	if l.To.ReplyTo != "" {
		to = l.To.ReplyTo
	}
	d.Accept(address(from), []string{to}, l.Raw(d))
	d.Settle()
	return d.LastInbound()
}

// Notify sends an agent a notification of the last event of a conversation, and
// returns it.
func (d *Desk) Notify(agent string, c *postroom.Conversation) Mail {
	d.T.Helper()
	c = d.Conversation(c.ID)
	a, id := d.Agent(agent), d.ID()
	text := email.SeparatorText("Write your answer above this line") + "\n\nJane wrote\n\n" + c.Preview +
		"\n\nBefore that\n\nBen (note): she is a difficult customer, do not offer a refund.\n\nBegin your answer with one or more of these:\n@close closes the conversation\n@note keeps your text inside\n"
	html := email.SeparatorHTML("Write your answer above this line") + email.HTMLFromText(text[strings.IndexByte(text, '\n'):])
	m, err := d.Desk.Compose(desk.Letter{ID: id, Mailbox: d.Mailbox, Conversation: c, To: []postroom.Address{{Name: a.Name, Address: a.Email}},
		Subject: fmt.Sprintf("[#%d] %s", c.Number, c.Subject), Text: text, HTML: html, Automatic: true, At: d.Store.Now()})
	d.must(err)
	m.AgentID, m.ConversationID, m.Seq, m.Class = a.ID, c.ID, c.Seq, postroom.NotificationClass
	m.State, m.CreatedAt, m.DueAt, m.QueuedAt = postroom.MailQueued, d.Store.Now(), d.Store.Now(), d.Store.Now()
	for i := range m.Recipients {
		m.Recipients[i].State = postroom.MailQueued
	}
	d.Write(func(tx *store.Tx) error { return tx.InsertMail(d.Ctx, m) })
	d.Settle()
	got := d.Arrived()
	for _, x := range got {
		if x.To == a.Email && strings.Contains(x.ID, d.Desk.Keys().Token(id)) {
			return x
		}
	}
	d.T.Fatalf("the notification did not arrive among %d mails", len(got))
	return Mail{}
}
