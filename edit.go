package postroom

import (
	"html"
	"net/url"
	"slices"
	"strings"
)

// FormerText is what a message said before it was edited. Number counts from 1,
// which is what it said at first; AgentID wrote it, at At (milliseconds, UTC).
type FormerText struct {
	Number  int64
	Text    string
	HTML    string
	AgentID int64
	At      int64
}

// EditDraft is the new text of a message that its author is writing and has
// not saved yet. There is at most one of a message.
type EditDraft struct {
	ID             int64
	ConversationID int64
	MessageID      int64
	AgentID        int64
	HTML           string
	Base           int64 // the version of the message it was begun from
	Revision       int64 // grows by one with each save; last write wins
	UpdatedAt      int64
	Attachments    []Attachment // pictures that came with the new text
}

// Editable answers nil if an agent may change the text of the message, and
// otherwise says why not: only a reply or a note can be changed, and only by
// the agent who wrote it. Whether they may still write in the conversation is
// asked by CanOn. It is Forbidden, and NotFound for a message that was undone.
func (m *Message) Editable(a *Agent) error {
	switch {
	case m.Undone:
		return Errorf(NotFound, "This message was undone.")
	case m.Kind == Received:
		return Errorf(Forbidden, "What a customer wrote cannot be changed.")
	case m.Author.Kind == ByWorkflow:
		return Errorf(Forbidden, "What a workflow wrote cannot be changed.")
	case a == nil || a.Disabled || m.Author != (Actor{Kind: ByAgent, ID: a.ID}):
		return Errorf(Forbidden, "Only who wrote a message can change it.")
	}
	return nil
}

// Edit gives the message another text and returns the one it had. Nothing is
// changed, and changed is false, when it says just that already (W5). What was
// mailed, and what workflows saw, stays as it was: an edit is no event.
func (m *Message) Edit(by By, text, composed string) (former FormerText, changed bool) {
	if m.Text == text && m.HTML == composed {
		return FormerText{}, false
	}
	former = FormerText{Number: max(m.Version, 1), Text: m.Text, HTML: m.HTML, AgentID: m.Author.ID, At: m.At}
	if m.EditedAt > 0 {
		former.AgentID, former.At = m.EditedBy, m.EditedAt
	}
	m.Text, m.HTML, m.VisibleText, m.VisibleHTML = text, composed, "", ""
	m.Version, m.EditedBy, m.EditedAt = former.Number+1, by.Actor.ID, max(by.At, 1)
	return former, true
}

// AsWritten returns the message as it was before it was first edited: with its
// first text, and without the pictures that came with a later one. Workflows
// see it like that for ever.
func (m *Message) AsWritten(first FormerText) *Message {
	was := *m
	was.Text, was.HTML, was.VisibleText, was.VisibleHTML = first.Text, first.HTML, "", ""
	was.Version, was.EditedAt, was.EditedBy = 1, 0, 0
	was.Attachments = slices.DeleteFunc(slices.Clone(m.Attachments), func(a Attachment) bool { return a.Inline && !Shows(first.HTML, a) })
	return &was
}

// Shows reports whether a composed HTML shows a file as a picture.
func Shows(composed string, a Attachment) bool {
	if a.ContentID == "" {
		return false
	}
	for rest := composed; ; {
		_, after, found := strings.Cut(rest, `"cid:`)
		if !found {
			return false
		}
		id, next, _ := strings.Cut(after, `"`)
		id = html.UnescapeString(id)
		if plain, err := url.PathUnescape(id); err == nil {
			id = plain
		}
		if strings.EqualFold(id, a.ContentID) {
			return true
		}
		rest = next
	}
}
