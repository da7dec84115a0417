package query

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/store"
)

const (
	longConversation = 12                  // messages; older ones of a longer one are folded
	shownOfLong      = 6                   // the newest of it that stay open
	claimedDiffers   = 24 * 60 * 60 * 1000 // milliseconds by which a Date header must be off to be shown (M8)
)

// timeline puts messages and what happened between them into one order: that
// of the events.
func (v *conversationView) timeline() []Entry {
	var out []Entry
	next, broken := 0, v.broken()
	for _, e := range v.rows.Events {
		for len(broken) > 0 && broken[0].At < e.At {
			out, broken = append(out, Entry{Event: &broken[0]}), broken[1:]
		}
		for next < len(v.messages) && before(v.messages[next], e.Seq) {
			out = append(out, Entry{Message: v.message(next)})
			next++
		}
		if shown(e) {
			line := v.line(e)
			out = append(out, Entry{Event: &line})
		}
	}
	for ; next < len(v.messages); next++ {
		out = append(out, Entry{Message: v.message(next)})
	}
	for i := range broken {
		out = append(out, Entry{Event: &broken[i]})
	}
	return out
}

// before reports whether a message stands before the line of an event. One that
// was written elsewhere has the number of the event behind which it stands.
func before(m *postroom.Message, seq int64) bool {
	return m.Seq < seq || m.Seq == seq && m.WrittenIn == 0
}

// shown reports whether an event has a line of its own: messages speak for
// themselves, and accepted or delayed mails by the state under their message.
func shown(e store.EventRow) bool {
	switch e.Kind {
	case postroom.ConversationCreated, postroom.MessageReceived, postroom.ReplySent, postroom.NoteAdded:
		return e.State == postroom.EventNotJudged && e.Words != "imported"
	case postroom.MailAccepted, postroom.MailDelayed, postroom.ConversationOpened:
		return false
	}
	return true
}

// withoutNewcomer leaves out the notice that somebody new wrote: while nobody
// has confirmed them the page asks about them itself (T9).
func withoutNewcomer(notices []string) []string {
	return slices.DeleteFunc(slices.Clone(notices), func(n string) bool { return strings.HasPrefix(n, "Unverified new participant") })
}

func (v *conversationView) message(i int) *Message {
	m := v.messages[i]
	out := &Message{
		ID: m.ID, Seq: m.Seq, Kind: string(m.Kind), At: m.At, To: addresses(m.To), Cc: addresses(m.Cc), Bcc: addresses(m.Bcc),
		Class: string(m.Class), Unverified: m.Unconfirmed, Verified: m.Verified, Notices: m.Notices, HasRaw: m.InboundID > 0, Undone: m.Undone,
	}
	if m.Unconfirmed {
		out.Notices = withoutNewcomer(m.Notices)
	}
	v.author(m, out)
	if m.Date != 0 && max(m.Date-m.At, m.At-m.Date) > claimedDiffers {
		out.ClaimedAt = m.Date
	}
	if m.Kind == postroom.Received && m.Subject != "" && !strings.EqualFold(email.BaseSubject(m.Subject), email.BaseSubject(v.head.Subject)) {
		out.Subject = m.Subject
	}
	files := v.rows.Files[m.ID]
	body(m, files, out)
	for _, f := range files {
		out.Attachments = append(out.Attachments, attachment(f))
	}
	for _, mail := range v.rows.Mails {
		if mail.MessageID == m.ID && m.Kind == postroom.Reply {
			out.Mails = append(out.Mails, v.chip(mail))
		}
	}
	out.Written = v.rows.Written[m.ID]
	for _, mail := range v.rows.Carried {
		if mail.MessageID == m.ID && m.Kind == postroom.Reply {
			out.Mails = append(out.Mails, v.chip(mail))
		}
	}
	machine := m.Class != "" && m.Class != postroom.Human
	old := len(v.messages) > longConversation && i > 0 && i < len(v.messages)-shownOfLong
	out.Collapsed = machine && i > 0 || old
	out.Later = m.Kind == postroom.Received && v.cameInWindow(m)
	return out
}

func (v *conversationView) author(m *postroom.Message, out *Message) {
	out.Author = v.actor(m.Author)
	switch m.Author.Kind {
	case postroom.ByAgent:
		out.AgentID, out.Mine = m.Author.ID, m.Author.ID == v.agent.ID
	case postroom.ByWorkflow:
		out.Workflow = out.Author
	case postroom.ByCustomer:
		out.Author, out.Address = nameOr(m.From.Name, m.From.Address), m.From.Address
	}
}

// cameInWindow reports whether a message arrived while the reply before it
// could still be undone.
func (v *conversationView) cameInWindow(m *postroom.Message) bool {
	for i := len(v.rows.Events) - 1; i >= 0; i-- {
		e := v.rows.Events[i]
		if e.Seq < m.Seq && e.Kind == postroom.ReplySent && e.Actor.Kind == postroom.ByAgent && e.State != postroom.EventUndone {
			return m.At < e.FinalAt
		}
	}
	return false
}

// body chooses what of a message stands in the page. HTML from outside never
// does: it is framed. Our own editor's HTML was sanitised and may.
func body(m *postroom.Message, files []postroom.Attachment, out *Message) {
	switch {
	case m.HTML != "" && m.Kind == postroom.Received:
		out.Framed = true
		out.HiddenFrame = m.VisibleHTML != "" && m.VisibleHTML != m.HTML
		out.Remote = remotePicture.MatchString(m.HTML)
	case m.HTML != "":
		out.HTML = ownHTML(m.HTML, files)
	default:
		out.Text, out.HiddenText = m.Text, ""
		if m.VisibleText != "" && m.VisibleText != m.Text {
			out.Text = m.VisibleText
			out.HiddenText = strings.TrimLeft(strings.TrimPrefix(m.Text, m.VisibleText), "\r\n")
		}
	}
}

// Both look at sanitised HTML only, where every attribute stands in double
// quotes and no text holds one.
var (
	remotePicture = regexp.MustCompile(`(?i)<img[^>]+src="https?:|url\(&#39;?https?:|url\(https?:`)
	styles        = regexp.MustCompile(` style="[^"]*"`)
	contentIDs    = regexp.MustCompile(`src="cid:([^"]*)"`)
)

// ownHTML makes stored HTML fit for our page: pictures by our own URLs, no
// style attribute, which our policy would refuse.
func ownHTML(html string, files []postroom.Attachment) string {
	return styles.ReplaceAllString(withPictures(html, files), "")
}

// withPictures turns cid: references into the URLs of the message's files; a
// picture that is missing keeps its alternative text.
func withPictures(html string, files []postroom.Attachment) string {
	return contentIDs.ReplaceAllStringFunc(html, func(src string) string {
		if u, ok := pictureURL(contentIDs.FindStringSubmatch(src)[1], files); ok {
			return `src="` + u + `"`
		}
		return `src=""`
	})
}

func pictureURL(id string, files []postroom.Attachment) (string, bool) {
	if plain, err := url.PathUnescape(id); err == nil {
		id = plain
	}
	for _, f := range files {
		if f.ContentID != "" && strings.EqualFold(f.ContentID, id) {
			return attachmentURL(f) + "?inline=1", true
		}
	}
	return "", false
}

func attachmentURL(f postroom.Attachment) string {
	return fmt.Sprintf("/attachments/%d/%s", f.ID, url.PathEscape(nameOr(f.Name, "file")))
}

// Picture reports whether files of a media type may be shown as a picture in
// our pages: raster images only, no SVG (H3).
func Picture(mediaType string) bool {
	switch strings.ToLower(mediaType) {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return true
	}
	return false
}

func attachment(f postroom.Attachment) Attachment {
	return Attachment{ID: f.ID, Name: f.Name, Type: f.Type, Size: f.Size, Picture: Picture(f.Type), Inline: f.Inline}
}

// chip is the state of a mail under its message.
func (v *conversationView) chip(m store.MailRow) MailChip {
	c := MailChip{ID: m.ID, State: string(m.State), Automatic: m.Automatic, At: changedAt(m), Words: m.Words, Mixed: mixed(m.State, v.rows.Recipients[m.ID])}
	switch m.State {
	case postroom.MailHeld:
		if m.DueAt > v.now {
			c.Until = m.DueAt
		} else {
			c.After = true
		}
	case postroom.MailQueued:
		c.After = m.QueuedAt > 0 && m.QueuedAt < v.now-2000 // it was due and did not go: something is before it
	case postroom.MailDeferred:
		c.Until = m.DueAt
	case postroom.MailDone:
		c.Server = host(m.Server)
	}
	if waits(m.State, m.DueAt, v.now) {
		if b, ok := v.before(m); ok {
			c.After, c.Words = true, behind(b)
		}
	}
	for _, x := range v.rows.Returns[m.ID] {
		switch {
		case x.Kind == postroom.Bounced && !c.Bounced:
			c.Bounced, c.Words = true, x.Words
		case x.Kind == postroom.Complained:
			c.Complained = true
		}
	}
	return c
}

func changedAt(m store.MailRow) int64 { return nonzero(max(m.EndedAt, m.LastAt), m.CreatedAt) }

// host returns a server's name without its address: "mx.example (192.0.2.1:25)"
// and "mx.example:25" are both mx.example.
func host(server string) string {
	server, _, _ = strings.Cut(server, " ")
	if i := strings.LastIndexByte(server, ':'); i > 0 && strings.IndexByte(server, ':') == i {
		server = server[:i]
	}
	return server
}

// mixed says how many recipients fared otherwise than the mail as a whole.
func mixed(state postroom.MailState, recipients []postroom.MailRecipient) string {
	n := map[postroom.MailState]int{}
	for _, r := range recipients {
		n[r.State]++
	}
	if len(n) < 2 {
		return ""
	}
	for _, s := range []struct {
		state postroom.MailState
		words string
	}{{postroom.MailRefused, "refused"}, {postroom.MailUnsure, "uncertain"}, {postroom.MailDeferred, "delayed"}, {postroom.MailBlocked, "suppressed"}, {postroom.MailDone, "accepted"}} {
		if k := n[s.state]; k > 0 {
			return fmt.Sprintf("%d of %d %s", k, len(recipients), s.words)
		}
	}
	return ""
}

// line is an event as one line.
func (v *conversationView) line(e store.EventRow) EventLine {
	l := EventLine{
		ID: e.ID, Seq: e.Seq, Kind: string(e.Kind), Actor: v.actor(e.Actor), ActorKind: string(e.Actor.Kind), Mine: e.Actor == postroom.Actor{Kind: postroom.ByAgent, ID: v.agent.ID},
		Path: string(e.Path), At: e.At, FinalAt: e.FinalAt, Undone: e.State == postroom.EventUndone, Mail: e.Payload.MailID, Words: e.Payload.Words,
	}
	switch e.Kind {
	case postroom.StatusChanged:
		l.From, l.To = e.Payload.From, e.Payload.To
	case postroom.AssigneeChanged:
		l.From, l.To = v.agentByText(e.Payload.From), v.agentByText(e.Payload.To)
	case postroom.TeamChanged:
		l.From, l.To = v.teamByText(e.Payload.From), v.teamByText(e.Payload.To)
	case postroom.ConversationMoved:
		l.From, l.To = v.mailboxByText(e.Payload.From), v.mailboxByText(e.Payload.To)
	case postroom.RatingReceived:
		l.From, l.To = e.Payload.From, e.Payload.To
		if r := v.ratings()[e.Payload.RatingID]; r != nil {
			l.Comment = r.Comment
		}
	case postroom.ConversationSnoozed:
		l.Until, _ = strconv.ParseInt(e.Payload.To, 10, 64)
	case postroom.ConversationMerged:
		l.Other, l.Away = e.Payload.Other, e.Payload.To != decimal(v.head.ID)
	case postroom.CustomerChanged:
		l.From, l.To = v.customerByText(e.Payload.From), v.customerByText(e.Payload.To)
	case postroom.FieldChanged:
		l.Field, l.From, l.To = v.fieldSides(e.Payload)
	case postroom.TagsChanged:
		l.From, l.To = v.tagList(e.Payload.Removed), v.tagList(e.Payload.Added)
	}
	switch e.Kind {
	case postroom.MailBounced:
		l.Words = "A mail came back: " + e.Payload.Words
	case postroom.MailComplained:
		l.Words = "A mail was reported as unwanted by its recipient’s provider."
	}
	if e.Kind == postroom.TimerDue && e.Payload.Leg > 0 {
		l.Words = "“" + nameOr(v.workflows[e.Payload.WorkflowID].Name.Name, "A workflow that is gone") + "” goes on: its wait is over."
	} else if e.Kind == postroom.TimerDue {
		l.Words = "The time came for “" + nameOr(v.workflows[e.Payload.WorkflowID].Name.Name, "a workflow that is gone") + "”, which had waited."
	}
	if e.Kind == postroom.ScheduleDue {
		l.Words = "The set time of “" + nameOr(v.workflows[e.Payload.WorkflowID].Name.Name, "a workflow that is gone") + "” came."
	}
	if e.Kind == postroom.WorkflowStarted {
		l.Words = "ran “" + nameOr(v.workflows[e.Payload.WorkflowID].Name.Name, nameOr(e.Payload.Words, "a workflow that is gone")) + "”."
		if why := v.idle[e.ID]; why != "" {
			l.Words += " " + why
		}
	}
	if e.State == postroom.EventNotJudged && e.Words != "" && e.Words != "imported" {
		l.Words, l.Bad = "Workflows could not be run: "+e.Words, true
	}
	switch e.Kind {
	case postroom.MailFailed, postroom.MailUncertain, postroom.MailQuarantined, postroom.MailBounced, postroom.MailComplained, postroom.WorkflowFailed, postroom.WorkflowPaused, postroom.ChainStopped:
		l.Bad = true
	}
	l.Why = e.Kind.Edge() && (!e.Kind.Quiet() || e.Revision != 0) && e.State != postroom.EventUndone && e.Words != "imported"
	return l
}

// mailboxByText names a mailbox; one that the agent may not see is another one.
func (v *conversationView) mailboxByText(id string) string {
	for _, m := range v.shell.Mailboxes {
		if decimal(m.ID) == id {
			return m.Name
		}
	}
	return "another mailbox"
}

// customerByText names a customer the conversation was taken from or given to.
func (v *conversationView) customerByText(id string) string {
	if id == decimal(v.head.CustomerID) {
		return v.customer()
	}
	for _, c := range v.former {
		if decimal(c.ID) == id {
			return nameOr(c.Name, nameOr(c.Email(), "a customer without a name"))
		}
	}
	return "a customer who is gone"
}

func (v *conversationView) agentByText(id string) string {
	if id == "" || id == "0" {
		return "nobody"
	}
	for _, x := range v.rows.Agents {
		if decimal(x.ID) == id {
			return x.Name.Name
		}
	}
	return "an agent who is gone"
}

func (v *conversationView) tagList(ids []int64) string {
	names := make([]string, 0, len(ids))
	for _, id := range ids {
		names = append(names, nameOr(v.tags[id], "a tag that is gone"))
	}
	return strings.Join(names, ", ")
}
