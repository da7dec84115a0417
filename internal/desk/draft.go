package desk

import (
	"context"
	"io"
	"path"
	"strings"
	"unicode"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/store"
)

// Limits of what an agent writes.
const (
	MaxBody  = 1 << 20  // bytes of HTML in one message
	MaxFile  = 25 << 20 // bytes of one attachment
	MaxFiles = 40       // attachments of one message
)

// SaveDraft stores what an agent has typed so far: their one draft of that
// kind on the conversation, last write wins, no event. It sets ID and
// Revision. The HTML is kept as the editor sent it, sanitised. An ID names the
// draft it is meant to be: if that one was sent meanwhile, nothing is saved and
// the error is Conflict of field "draft". An ID that no draft of theirs has,
// since it was thrown away or nobody ever gave it out, is replaced by a new
// one: what becomes of an id is never up to a form.
func (d *Desk) SaveDraft(ctx context.Context, a *postroom.Agent, draft *postroom.Draft) error {
	c, err := d.store.Read().Conversation(ctx, draft.ConversationID)
	if err != nil {
		return err
	}
	if c.MergedInto == 0 {
		err = may(a, postroom.Answer, c.MailboxID, c.AssigneeID)
	}
	if err != nil {
		return err
	}
	if draft.Kind != postroom.Reply && draft.Kind != postroom.Note {
		return postroom.InvalidField("kind", "%q is neither a reply nor a note.", draft.Kind)
	}
	if len(draft.HTML) > MaxBody {
		return postroom.InvalidField("body", "The text is longer than %d kB; attach it as a file.", MaxBody>>10)
	}
	if c.MergedInto != 0 {
		return d.keepWords(ctx, a, draft)
	}
	draft.AgentID, draft.UpdatedAt = a.ID, d.store.Now()
	draft.HTML = email.SanitiseComposed(draft.HTML, email.ComposeOptions{Image: ownPictures})
	named := draft.ID
	fresh, err := d.store.NewID(ctx)
	if err != nil {
		return err
	}
	return d.store.Write(ctx, func(tx *store.Tx) error {
		draft.ID = fresh // unless the author has one: then it keeps its own
		// Under the conversation's lock, so that a draft that is being sent at
		// this moment is seen as sent.
		now, err := tx.Conversation(ctx, draft.ConversationID)
		if err != nil {
			return err
		}
		if now.MergedInto != 0 {
			return errMerged
		}
		if err := sentAs(ctx, tx.Read, a, draft.ConversationID, named); err != nil {
			return err
		}
		if err := tx.SaveDraft(ctx, draft); err != nil {
			return err
		}
		if draft.Revision == 1 {
			tx.OnCommit(func() { d.publish(d.draftChange(c, a.ID)) })
		}
		return nil
	})
}

// errMerged says that a conversation was merged while something was saved in it.
var errMerged = postroom.Errorf(postroom.Conflict, "The conversation was merged into another one meanwhile. Save once more.")

// ownPictures lets a draft show the desk's own files and nothing else.
func ownPictures(src string) (string, bool) { return src, strings.HasPrefix(src, "/attachments/") }

// sentAs answers with a conflict if an agent's draft with this id was sent on
// the conversation: the message has the draft's id then.
func sentAs(ctx context.Context, read store.Read, a *postroom.Agent, conversation, id int64) error {
	if id == 0 {
		return nil
	}
	m, err := read.Message(ctx, id)
	switch {
	case postroom.CodeOf(err) == postroom.NotFound:
		return nil
	case err != nil:
		return err
	case m.ConversationID != conversation && m.WrittenIn != conversation || m.Author != postroom.Actor{Kind: postroom.ByAgent, ID: a.ID}:
		return nil // an id that was never the draft's
	}
	return &postroom.Error{Code: postroom.Conflict, Field: "draft", Text: "This was sent already."}
}

func (d *Desk) draftChange(c *postroom.Conversation, agent int64) Change {
	return Change{Kind: "draft", MailboxID: c.MailboxID, ConversationID: c.ID, Number: c.Number, AgentID: agent, Folders: []postroom.Folder{postroom.Drafts}}
}

// ownDraft loads a draft that must be the agent's own.
func (d *Desk) ownDraft(ctx context.Context, a *postroom.Agent, id int64) (*postroom.Draft, *postroom.Conversation, error) {
	draft, err := d.store.Read().Draft(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if draft.AgentID != a.ID {
		return nil, nil, postroom.Errorf(postroom.NotFound, "There is no such draft.")
	}
	c, _, err := d.load(ctx, a, draft.ConversationID)
	return draft, c, err
}

// DiscardDraft throws an agent's draft away.
func (d *Desk) DiscardDraft(ctx context.Context, a *postroom.Agent, id int64) error {
	_, c, err := d.ownDraft(ctx, a, id)
	if err != nil {
		return err
	}
	return d.store.Write(ctx, func(tx *store.Tx) error {
		tx.OnCommit(func() { d.publish(d.draftChange(c, a.ID)) })
		return tx.DeleteDraft(ctx, id)
	})
}

// Attach stores an uploaded file with the agent's draft of that kind on a
// conversation, which is made if there is none. A file over Options.MaxFile bytes is
// Invalid and nothing of it is kept.
func (d *Desk) Attach(ctx context.Context, a *postroom.Agent, conversation int64, kind postroom.MessageKind, name, mediaType string, r io.Reader, inline bool) (int64, postroom.Attachment, error) {
	var none postroom.Attachment
	if _, _, err := d.load(ctx, a, conversation); err != nil {
		return 0, none, err
	}
	draft, err := d.draftFor(ctx, a, conversation, kind)
	if err != nil {
		return 0, none, err
	}
	if len(draft.Attachments) >= MaxFiles {
		return 0, none, postroom.InvalidField("file", "A message may have at most %d attachments.", MaxFiles)
	}
	file, err := d.storeFile(ctx, name, mediaType, r, inline)
	if err != nil {
		return 0, none, err
	}
	err = d.store.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Conversation(ctx, conversation); err != nil {
			return err
		}
		if _, err := tx.Draft(ctx, draft.ID); err != nil { // sent or thrown away while the file came
			return err
		}
		return tx.AttachToDraft(ctx, draft.ID, file)
	})
	return draft.ID, file, err
}

func (d *Desk) draftFor(ctx context.Context, a *postroom.Agent, conversation int64, kind postroom.MessageKind) (*postroom.Draft, error) {
	drafts, err := d.store.Read().DraftsOf(ctx, conversation, a.ID)
	if err != nil {
		return nil, err
	}
	for _, draft := range drafts {
		if draft.Kind == kind {
			return draft, nil
		}
	}
	draft := &postroom.Draft{ConversationID: conversation, Kind: kind}
	return draft, d.SaveDraft(ctx, a, draft)
}

// Detach takes a file from the agent's draft.
func (d *Desk) Detach(ctx context.Context, a *postroom.Agent, draft, attachment int64) error {
	if _, _, err := d.ownDraft(ctx, a, draft); err != nil {
		return err
	}
	return d.store.Write(ctx, func(tx *store.Tx) error { return tx.Detach(ctx, draft, attachment) })
}

// FileName makes a safe file name of what a browser or mail says: no path, no
// control characters, at most 200 bytes, "file" when nothing is left.
func FileName(name string) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, name)
	name = strings.TrimSpace(name)
	if len(name) > 200 {
		ext := path.Ext(name)
		if len(ext) > 20 {
			ext = ""
		}
		name = strings.ToValidUTF8(name[:200-len(ext)], "") + ext
	}
	if name == "" || name == "." || name == "/" || name == ".." {
		return "file"
	}
	return name
}

// MediaType returns a media type that is safe to put into a header;
// application/octet-stream for anything odd.
func MediaType(s string) string {
	s, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(s)), ";")
	kind, sub, ok := strings.Cut(s, "/")
	plain := func(s string) bool {
		return s != "" && len(s) < 80 && !strings.ContainsFunc(s, func(r rune) bool {
			return r <= ' ' || r > '~' || strings.ContainsRune(`()<>@,;:\"/[]?=`, r)
		})
	}
	if !ok || !plain(kind) || !plain(sub) || kind == "multipart" || kind == "message" {
		return "application/octet-stream"
	}
	return s
}
