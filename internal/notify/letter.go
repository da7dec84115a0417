package notify

import (
	"fmt"
	"html"
	"regexp"
	"strings"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/locale"
)

// Facts is what a notification mail tells, beside the news.
type Facts struct {
	News
	Told
	Actor    string // the name of who did it
	Customer postroom.Address
	Mailbox  *postroom.Mailbox
	Assignee string // name, "" for nobody
	TeamName string // of the conversation's team, "" for none
	URL      string // of the conversation's page, "" if nobody could open it
	Earlier  []Entry
	Now      int64 // milliseconds
	Marker   string
}

// Entry is an earlier message of the conversation, the newest first.
type Entry struct {
	Who  string
	What string // "reply", "note", "" for the customer's
	At   int64
	Text string
}

// Letter is a notification mail's content. Sender is the display name.
type Letter struct {
	Sender, Subject, Text, HTML string
}

const (
	mostText    = 20_000 // runes of the new text that are mailed
	mostEarlier = 500    // of each earlier entry
)

// Separator is what the line above which an agent answers says.
const Separator = "Write your answer above this line"

// Write writes the mail. Only text is mailed: what customers sent as HTML is
// given as text, so that no picture of theirs is ever fetched (H2).
func Write(f Facts) Letter {
	b := &body{clock: locale.NewClock(f.Agent.Zone, f.Now)}
	b.fixed(email.SeparatorText(Separator), email.SeparatorHTML(Separator))
	b.fixed(email.MarkerText(f.Marker), email.MarkerHTML(f.Marker))
	b.heading(f.headline())
	b.small(f.place())
	if text := f.text(); text != "" {
		b.quote(text)
	}
	for _, p := range f.remarks() {
		b.para(p)
	}
	if f.Message != nil {
		b.files(f.Message.Attachments)
	}
	if f.URL != "" {
		b.link("Open the conversation", f.URL)
	}
	b.earlier(f.Earlier)
	b.commands(f.customer())
	return Letter{Sender: f.sender(), Subject: f.subject(), Text: b.text.String(), HTML: b.html.String()}
}

// sender names who it is about, and always the mailbox: the address is ours.
func (f Facts) sender() string {
	if f.Event.Kind.Trouble() || f.Actor == "" || f.Actor == f.Mailbox.Name {
		return f.Mailbox.Name
	}
	return f.Actor + " via " + f.Mailbox.Name
}

// subject is the same for all that is told of a conversation, so that mail
// programs keep it together.
func (f Facts) subject() string {
	return fmt.Sprintf("[#%d] %s", f.Conversation.Number, f.Conversation.Subject)
}

func (f Facts) customer() string {
	if f.Customer.Name != "" {
		return f.Customer.Name
	}
	if f.Customer.Address != "" {
		return f.Customer.Address
	}
	return "the customer"
}

// headline says what happened.
func (f Facts) headline() string {
	who := f.Actor
	if who == "" {
		who = "Postroom"
	}
	switch f.Kind {
	case postroom.NotifyAssigned:
		if f.Event.Kind == postroom.MessageReceived {
			return who + " began a conversation that is yours"
		}
		return who + " assigned a conversation to you"
	case postroom.NotifyNew:
		return who + " began a new conversation"
	case postroom.NotifyTeam:
		if f.Event.Kind == postroom.TeamChanged {
			return who + " gave a conversation to your team " + f.TeamName
		}
		return who + " wrote in a conversation of your team " + f.TeamName + " that nobody has"
	case postroom.NotifyNote:
		return who + " left a note"
	case postroom.NotifyFollowed:
		switch {
		case f.Event.Kind.Trouble():
			return f.Event.Kind.TroubleWords(f.Mail != nil && f.Mail.Automatic)
		case f.Event.Kind == postroom.ReplySent:
			return who + " replied in a conversation you follow"
		case f.Event.Kind == postroom.NoteAdded:
			return who + " left a note in a conversation you follow"
		}
		return who + " wrote in a conversation you follow"
	case postroom.NotifyRated:
		return who + " rated a conversation of yours: " + postroom.RatingTextFor("en").Word(postroom.RatingValue(f.Event.Payload.To))
	case postroom.NotifyWoken:
		return "The time has come for a conversation you let sleep"
	case postroom.NotifyFailed:
		return f.Event.Kind.TroubleWords(f.Mail != nil && f.Mail.Automatic)
	}
	return who + " wrote"
}

// place says where it happened.
func (f Facts) place() []string {
	c := f.Conversation
	from := f.customer()
	if f.Customer.Name != "" && f.Customer.Address != "" {
		from += " <" + f.Customer.Address + ">"
	}
	assignee := "nobody is assigned"
	switch {
	case c.AssigneeID == f.Agent.ID:
		assignee = "assigned to you"
	case f.Assignee != "":
		assignee = "assigned to " + f.Assignee
	}
	if f.TeamName != "" {
		assignee += " · team " + f.TeamName
	}
	return []string{
		fmt.Sprintf("#%d · %s", c.Number, c.Subject),
		fmt.Sprintf("%s · %s · %s · %s", from, f.Mailbox.Name, c.Status, assignee),
	}
}

// markers are the lines by which answers find home; those in what a customer
// quoted would lead elsewhere.
var markers = regexp.MustCompile(`(?i)\[ref:[a-z0-9]{20,50}\]`)

// text is what was written.
func (f Facts) text() string {
	if f.Rating != nil {
		return strings.TrimSpace(markers.ReplaceAllString(f.Rating.Comment, ""))
	}
	if f.Message == nil {
		return ""
	}
	return shown(f.Message, mostText, " […] The whole text is in the conversation.")
}

// Shown returns what an entry shows of an earlier message.
func Shown(m *postroom.Message) string { return shown(m, mostEarlier, " […]") }

func shown(m *postroom.Message, most int, more string) string {
	text := m.VisibleText
	if text == "" {
		text = m.Text
	}
	text = strings.TrimSpace(markers.ReplaceAllString(text, ""))
	if r := []rune(text); len(r) > most {
		text = strings.TrimSpace(string(r[:most])) + more
	}
	return text
}

// remarks say what follows from what happened.
func (f Facts) remarks() []string {
	var out []string
	if f.Event.Kind.Trouble() {
		to := ""
		if f.Mail != nil && len(f.Mail.Recipients) > 0 {
			to = "To " + f.Mail.Recipients[0].Address + ": "
		}
		if w := f.Event.Payload.Words; w != "" {
			out = append(out, to+w)
		}
		if f.Stopped {
			out = append(out, "The automatic mail that was to follow it was cancelled: the customer was told nothing.")
		}
		if f.Reopened {
			out = append(out, "The conversation is active again.")
		}
	}
	if f.Message != nil && f.Message.Unconfirmed {
		out = append(out, "Take care: "+f.Message.From.Address+" did not take part in this conversation before and is not confirmed.")
	}
	return out
}

// body is both parts of the mail as they grow.
type body struct {
	text, html strings.Builder
	clock      locale.Clock
}

const (
	styleHead  = `margin:16px 0 4px;font:600 16px/1.4 sans-serif`
	styleSmall = `margin:0;font:13px/1.5 sans-serif;color:#666666`
	stylePara  = `margin:12px 0;font:14px/1.5 sans-serif`
	styleQuote = `margin:16px 0;padding:12px 16px;border-inline-start:3px solid #434fc4;font:14px/1.5 sans-serif`
	styleEntry = `margin:12px 0 0;padding-inline-start:12px;border-inline-start:2px solid #cccccc;font:13px/1.5 sans-serif;color:#555555`
	styleLink  = `display:inline-block;padding:8px 14px;border-radius:6px;background:#434fc4;color:#ffffff;text-decoration:none`
	styleRule  = `margin:24px 0 0;padding-top:12px;border-top:1px solid #dddddd;font:13px/1.5 sans-serif;color:#666666`
)

func (b *body) fixed(text, html string) {
	b.text.WriteString(text + "\n")
	b.html.WriteString(html + "\n")
}

func (b *body) heading(s string) {
	b.text.WriteString("\n" + s + "\n")
	b.html.WriteString(`<p style="` + styleHead + `">` + html.EscapeString(s) + "</p>\n")
}

func (b *body) small(lines []string) {
	for _, l := range lines {
		b.text.WriteString(l + "\n")
		b.html.WriteString(`<p style="` + styleSmall + `">` + html.EscapeString(l) + "</p>\n")
	}
}

func (b *body) quote(text string) {
	b.text.WriteString("\n" + text + "\n")
	b.html.WriteString(`<div style="` + styleQuote + `">` + email.HTMLFromText(text) + "</div>\n")
}

func (b *body) para(s string) {
	b.text.WriteString("\n" + s + "\n")
	b.html.WriteString(`<p style="` + stylePara + `">` + email.HTMLFromText(s) + "</p>\n")
}

func (b *body) files(files []postroom.Attachment) {
	var names []string
	for _, a := range files {
		names = append(names, fmt.Sprintf("%s (%s)", a.Name, locale.Size(a.Size)))
	}
	if len(names) > 0 {
		b.para("Attached: " + strings.Join(names, ", "))
	}
}

func (b *body) link(words, url string) {
	b.text.WriteString("\n" + words + ":\n" + url + "\n")
	b.html.WriteString(`<p style="` + stylePara + `"><a style="` + styleLink + `" href="` + html.EscapeString(url) + `">` + html.EscapeString(words) + "</a></p>\n")
}

func (b *body) earlier(entries []Entry) {
	if len(entries) == 0 {
		return
	}
	b.text.WriteString("\nBefore that\n")
	b.html.WriteString(`<p style="` + styleSmall + `">Before that</p>` + "\n")
	for _, e := range entries {
		head := e.Who + ", " + b.clock.Moment(e.At)
		if e.What != "" {
			head = e.Who + " (" + e.What + "), " + b.clock.Moment(e.At)
		}
		b.text.WriteString("\n| " + head + "\n| " + strings.ReplaceAll(e.Text, "\n", "\n| ") + "\n")
		b.html.WriteString(`<div style="` + styleEntry + `"><b>` + html.EscapeString(head) + "</b><br>" + email.HTMLFromText(e.Text) + "</div>\n")
	}
}

// commands says what an answer does. That it goes to the customer must be
// plain, above all under a colleague's note.
func (b *body) commands(customer string) {
	intro := "Your answer goes to " + customer + " as a reply. Begin it with one or more of these, with or without text below, to do more:"
	const outro = "A word with @ that is none of these sends your mail back to you, and nothing to the customer. Which mails you get is on your profile page."
	b.text.WriteString("\n" + intro + "\n\n")
	b.html.WriteString(`<div style="` + styleRule + `"><p>` + html.EscapeString(intro) + "</p>\n<table role=\"presentation\">\n")
	for _, w := range email.CommandWords() {
		fmt.Fprintf(&b.text, "  %-14s %s\n", w.Usage, w.Does)
		b.html.WriteString("<tr><td><code>" + html.EscapeString(w.Usage) + "</code></td><td>" + html.EscapeString(w.Does) + "</td></tr>\n")
	}
	b.text.WriteString("\n" + outro + "\n")
	b.html.WriteString("</table>\n<p>" + outro + "</p></div>\n")
}
