package notify

import (
	"fmt"

	"postroom/internal/email"
	"postroom/internal/locale"
)

// WriteFromWorkflow writes the mail that a workflow sends to an agent: its own
// words, and all that makes an answer find home as under a notification.
// subject "" is that of notifications.
func WriteFromWorkflow(f Facts, subject, text, html string) Letter {
	b := &body{clock: locale.NewClock(f.Agent.Zone, f.Now)}
	b.fixed(email.SeparatorText(Separator), email.SeparatorHTML(Separator))
	b.fixed(email.MarkerText(f.Marker), email.MarkerHTML(f.Marker))
	b.fixed("\n"+markers.ReplaceAllString(text, ""), `<div style="`+stylePara+`">`+markers.ReplaceAllString(html, "")+`</div>`)
	b.text.WriteString("\n")
	b.small(f.place())
	if f.URL != "" {
		b.link("Open the conversation", f.URL)
	}
	b.commands(f.customer())
	if subject == "" {
		subject = f.Conversation.Subject
	}
	return Letter{Sender: f.Mailbox.Name, Subject: fmt.Sprintf("[#%d] %s", f.Conversation.Number, subject), Text: b.text.String(), HTML: b.html.String()}
}
