package desk

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/store"
)

// Edit is the new text of a message as its author saves it.
type Edit struct {
	MessageID int64
	HTML      string // what the editor holds
	Version   int64  // the version its author began from
	Path      postroom.Path
}

// NewText is the new text of a message, ready to be stored.
type NewText struct {
	MessageID  int64
	Version    int64 // the version its author began from
	Text, HTML string
	Draft      int64                 // the edit draft it was, 0 for none
	Pictures   []postroom.Attachment // those of the draft that it shows
}

// edited is what an edit writes.
type edited struct {
	NewText
	message *postroom.Message
	former  postroom.FormerText
	changed bool // false: it says so already, and only the draft goes
}

// EditMessage gives an agent's own reply or note another text; the former one
// is kept. It is no event: nothing is mailed, nobody is told, no workflow is
// set off, and the conversation keeps its place in the lists. Saving what is
// so already changes nothing. Errors: Forbidden for somebody else's message,
// Invalid of field "body" for an empty or overlong text, Conflict of field
// "stale" when the message was edited since Version, Conflict for a reply that
// can still be undone and for a deleted conversation.
func (d *Desk) EditMessage(ctx context.Context, a *postroom.Agent, e Edit) (Outcome, error) {
	m, err := d.editable(ctx, a, e.MessageID)
	if err != nil {
		return Outcome{}, err
	}
	if len(e.HTML) > MaxBody {
		return Outcome{}, postroom.InvalidField("body", "The text is longer than %d kB.", MaxBody>>10)
	}
	draft, err := d.store.Read().EditDraft(ctx, m.ID)
	if err != nil {
		return Outcome{}, err
	}
	n := NewText{MessageID: m.ID, Version: e.Version}
	if draft == nil {
		draft = &postroom.EditDraft{}
	}
	n.Draft = draft.ID
	n.HTML, n.Pictures = editedHTML(e.HTML, m.Attachments, draft.Attachments)
	n.Text = email.TextFromHTML(n.HTML)
	listed := slices.ContainsFunc(m.Attachments, func(f postroom.Attachment) bool { return !f.Inline })
	if strings.TrimSpace(n.Text) == "" && !listed && !strings.Contains(n.HTML, "<img") {
		return Outcome{}, postroom.InvalidField("body", "A message cannot be left without a word. Its former text is still there.")
	}
	actor := postroom.Actor{Kind: postroom.ByAgent, ID: a.ID}
	return d.Turn(ctx, actor, Cause{Path: e.Path}, m.ConversationID, func(t *Turn) error { return t.Edit(a, n) })
}

// editable loads a message whose text the agent may change.
func (d *Desk) editable(ctx context.Context, a *postroom.Agent, id int64) (*postroom.Message, error) {
	m, err := d.store.Read().Message(ctx, id)
	if err != nil {
		return nil, err
	}
	if _, _, err := d.load(ctx, a, m.ConversationID); err != nil {
		if postroom.CodeOf(err) == postroom.NotFound {
			err = postroom.Errorf(postroom.NotFound, "There is no such message.")
		}
		return nil, err
	}
	return m, m.Editable(a)
}

// Edit gives a message of the conversation, written by the agent, another text.
// It records no event (see Desk.EditMessage).
func (t *Turn) Edit(a *postroom.Agent, n NewText) error {
	c := t.Conversation
	m, err := t.Tx.Message(t.ctx, n.MessageID)
	if err != nil {
		return err
	}
	if err := stillEditable(t.ctx, t.Tx, c, a, m, n.Version, t.by.At); err != nil {
		return err
	}
	x := &edited{NewText: n, message: m}
	x.former, x.changed = m.Edit(t.by, n.Text, n.HTML)
	t.edited = x
	if !x.changed {
		return nil
	}
	c.HasAttachments = c.HasAttachments || len(n.Pictures) > 0
	last, err := t.Tx.LastShown(t.ctx, c.ID)
	if err == nil && last != nil && last.ID == m.ID {
		c.Preview = m.Preview()
	}
	return err
}

// stillEditable says, under the conversation's lock, why a message's text
// cannot be changed at this moment by an agent who has a version of it before
// them.
func stillEditable(ctx context.Context, tx *store.Tx, c *postroom.Conversation, a *postroom.Agent, m *postroom.Message, version, now int64) error {
	if err := may(a, postroom.Answer, c.MailboxID, c.AssigneeID); err != nil {
		return err
	}
	if err := m.Editable(a); err != nil {
		return err
	}
	if c.DeletedAt > 0 {
		return postroom.Errorf(postroom.Conflict, "Conversation %d is deleted. Restore it first.", c.Number)
	}
	if m.Kind == postroom.Reply && m.WrittenIn == 0 { // what was merged is final
		final, err := tx.FinalAt(ctx, c.ID, m.Seq)
		if err != nil {
			return err
		}
		if final > now {
			return postroom.Errorf(postroom.Conflict, "This reply has not left yet. Undo it: then you can change it and send it again.")
		}
	}
	if m.Version != version {
		return &postroom.Error{Code: postroom.Conflict, Field: "stale", Text: "This message was changed in another window meanwhile."}
	}
	return nil
}

func (t *Turn) saveEdit() error {
	x := t.edited
	if x == nil {
		return nil
	}
	if x.changed {
		if err := t.Tx.EditMessage(t.ctx, x.message, x.former); err != nil {
			return err
		}
		for i, f := range x.Pictures {
			if err := t.Tx.TakeEditFile(t.ctx, x.Draft, x.message.ID, f, len(x.message.Attachments)+i); err != nil {
				return err
			}
		}
	}
	return t.Tx.DeleteEditDraft(t.ctx, x.message.ID)
}

// editedHTML sanitises the new text of a message. Its pictures may be those
// that the message has or had, and those that were uploaded for the new text;
// of the latter it returns the ones it shows, with their content ids.
func editedHTML(html string, own, draft []postroom.Attachment) (string, []postroom.Attachment) {
	all := make([]postroom.Attachment, 0, len(own)+len(draft))
	for _, f := range own {
		if f.ContentID != "" { // one without can be shown by nothing
			all = append(all, f)
		}
	}
	mine := len(all)
	clean, files := inlineFiles(html, append(all, draft...))
	return clean, slices.DeleteFunc(files[mine:], func(f postroom.Attachment) bool { return !f.Inline })
}

// SaveEditDraft stores what an author has typed so far of a message's new text:
// one of a message, last write wins, no event. It sets ID and Revision. The
// errors are those of EditMessage: what was begun from an older version is not
// stored, and neither is one that comes after the new text was saved.
func (d *Desk) SaveEditDraft(ctx context.Context, a *postroom.Agent, draft *postroom.EditDraft) error {
	m, err := d.editable(ctx, a, draft.MessageID)
	if err != nil {
		return err
	}
	if len(draft.HTML) > MaxBody {
		return postroom.InvalidField("body", "The text is longer than %d kB.", MaxBody>>10)
	}
	fresh, err := d.store.NewID(ctx)
	if err != nil {
		return err
	}
	draft.AgentID, draft.ConversationID, draft.UpdatedAt = a.ID, m.ConversationID, d.store.Now()
	draft.HTML = email.SanitiseComposed(draft.HTML, email.ComposeOptions{Image: func(src string) (string, bool) {
		return src, strings.HasPrefix(src, "/attachments/")
	}})
	return d.store.Write(ctx, func(tx *store.Tx) error {
		draft.ID = fresh
		c, err := tx.Conversation(ctx, draft.ConversationID)
		if err != nil {
			return err
		}
		m, err := tx.Message(ctx, draft.MessageID)
		if err != nil {
			return err
		}
		if err := stillEditable(ctx, tx, c, a, m, draft.Base, draft.UpdatedAt); err != nil {
			return err
		}
		return tx.SaveEditDraft(ctx, draft)
	})
}

// DiscardEdit throws away what an author has typed of a message's new text; the
// message stays as it is. Nothing to throw away is fine.
func (d *Desk) DiscardEdit(ctx context.Context, a *postroom.Agent, message int64) error {
	m, err := d.editable(ctx, a, message)
	if err != nil {
		return err
	}
	return d.store.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Conversation(ctx, m.ConversationID); err != nil {
			return err
		}
		return tx.DeleteEditDraft(ctx, message)
	})
}

// AttachToEdit stores a picture for the new text of a message, version being
// the one its author began from. Only pictures are taken: what a message has
// attached stays as it is. Limits and errors are those of Attach and
// EditMessage.
func (d *Desk) AttachToEdit(ctx context.Context, a *postroom.Agent, message, version int64, name, mediaType string, r io.Reader) (postroom.Attachment, error) {
	var none postroom.Attachment
	m, err := d.editable(ctx, a, message)
	if err != nil {
		return none, err
	}
	if !picture(MediaType(mediaType)) {
		return none, postroom.InvalidField("file", "Only pictures can be put into a text that was sent. Attach %s to a new message.", FileName(name))
	}
	draft, err := d.store.Read().EditDraft(ctx, message)
	if err != nil {
		return none, err
	}
	if draft == nil {
		draft = &postroom.EditDraft{MessageID: message, Base: version, HTML: EditorHTML(m)}
		if err := d.SaveEditDraft(ctx, a, draft); err != nil {
			return none, err
		}
	}
	if len(m.Attachments)+len(draft.Attachments) >= MaxFiles {
		return none, postroom.InvalidField("file", "A message may have at most %d attachments.", MaxFiles)
	}
	file, err := d.storeFile(ctx, name, mediaType, r, true)
	if err != nil {
		return none, err
	}
	return file, d.store.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Conversation(ctx, m.ConversationID); err != nil {
			return err
		}
		now, err := tx.EditDraft(ctx, message)
		if err == nil && (now == nil || now.ID != draft.ID) {
			err = postroom.Errorf(postroom.Conflict, "The text was saved or thrown away while the picture came.")
		}
		if err != nil {
			return err
		}
		return tx.AttachToDraft(ctx, draft.ID, file)
	})
}

// EditorHTML is a message's text as an editor takes it, its pictures by the
// URLs under which pages find them.
func EditorHTML(m *postroom.Message) string {
	html := m.HTML
	if html == "" {
		html = email.HTMLFromText(m.Text)
	}
	for _, f := range m.Attachments {
		if postroom.Shows(html, f) {
			html = pictureURLs(html, f, f.ID)
		}
	}
	return html
}

// picture reports whether browsers show files of a type as pictures that cannot
// run (H3).
func picture(mediaType string) bool {
	switch mediaType {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return true
	}
	return false
}

// storeFile keeps an uploaded file's bytes. One over the limit is Invalid and
// nothing of it is kept.
func (d *Desk) storeFile(ctx context.Context, name, mediaType string, r io.Reader, inline bool) (postroom.Attachment, error) {
	limited := &io.LimitedReader{R: r, N: d.maxFile + 1}
	ref, err := d.blobs.Put(ctx, limited)
	if err != nil {
		return postroom.Attachment{}, err
	}
	if ref.Size > d.maxFile {
		limit := fmt.Sprintf("%d MB", d.maxFile>>20)
		if d.maxFile < 1<<20 {
			limit = fmt.Sprintf("%d KB", d.maxFile>>10)
		}
		return postroom.Attachment{}, postroom.InvalidField("file", "%s is larger than %s.", FileName(name), limit)
	}
	id, err := d.store.NewID(ctx)
	return postroom.Attachment{ID: id, Name: FileName(name), Type: MediaType(mediaType), Inline: inline, Size: ref.Size, SHA256: ref.Hash}, err
}
