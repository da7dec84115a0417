package desk

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/store"
	"postroom/internal/template"
)

// Publish is a draft as it is sent: a reply or a note, with what changes
// beside it in the same act.
type Publish struct {
	ConversationID int64
	Draft          int64 // the author's draft; the message takes its id, so that one draft is sent once; 0 for none
	Kind           postroom.MessageKind
	To, Cc, Bcc    []postroom.Address // empty To takes the customer
	HTML           string             // what the editor holds
	Status         postroom.Status    // "" leaves it
	Assignee       *int64             // nil leaves it
	Path           postroom.Path      // PathSend for Send & Close, PathComposer or PathKeyboard
	SeenSeq        int64              // the last event the author had seen
	Anyway         bool               // send although a message arrived after SeenSeq
}

// Publish sends a reply or adds a note, and with it sets status and assignee:
// one transaction, the message before the status (W2, W3). Errors: Invalid
// for a field; Conflict with field "stale" when a customer's message arrived
// that the author has not seen, Conflict with field "draft" when this draft
// was published before, NotFound when there is no such draft of theirs,
// Conflict when files never stop being attached to it.
func (d *Desk) Publish(ctx context.Context, a *postroom.Agent, p Publish) (Outcome, error) {
	c, mailbox, err := d.load(ctx, a, p.ConversationID)
	if err != nil {
		return Outcome{}, err
	}
	if p.Kind != postroom.Reply && p.Kind != postroom.Note {
		return Outcome{}, postroom.InvalidField("kind", "%q is neither a reply nor a note.", p.Kind)
	}
	if c.MergedInto != 0 {
		return Outcome{}, d.publishMerged(ctx, a, c, p)
	}
	if p.Status != "" {
		if _, err := postroom.ParseStatus(string(p.Status)); err != nil {
			return Outcome{}, err
		}
	}
	if err := d.checkAssignee(ctx, p.Assignee, c.MailboxID); err != nil {
		return Outcome{}, err
	}
	var out Outcome
	for range publishTries {
		out, err = d.publishOnce(ctx, a, p, c, mailbox)
		if !errors.Is(err, errOtherFiles) {
			wrap(&err, "publish")
			return out, err
		}
	}
	return Outcome{}, postroom.Errorf(postroom.Conflict, "Files are still being attached. Send again when all of them are there.")
}

// publishTries is how often a message is made again because files were attached
// while it was made.
const publishTries = 4

// errMoved says that the conversation was moved to another mailbox while its
// mail was made to leave from the old one.
var errMoved = &postroom.Error{Code: postroom.Conflict, Text: "The conversation was moved to another mailbox meanwhile. Look at it and send again."}

// errOtherFiles says that the draft has other files by now than the message
// that was made of it.
var errOtherFiles = errors.New("the draft's files have changed")

func (d *Desk) publishOnce(ctx context.Context, a *postroom.Agent, p Publish, c *postroom.Conversation, mailbox *postroom.Mailbox) (Outcome, error) {
	ids, err := d.store.NewIDs(ctx, turnIDs+8)
	if err != nil {
		return Outcome{}, err
	}
	m, mail, err := d.render(ctx, a, c, mailbox, p, ids[0])
	if err != nil {
		return Outcome{}, err
	}
	cause := Cause{Path: p.Path, UndoMS: mailbox.UndoMS}
	actor := postroom.Actor{Kind: postroom.ByAgent, ID: a.ID}
	var out Outcome
	err = d.store.Write(ctx, func(tx *store.Tx) error {
		c, err := tx.Conversation(ctx, p.ConversationID)
		if err != nil {
			return err
		}
		if c.MailboxID != mailbox.ID {
			return errMoved
		}
		if err := d.fresh(ctx, tx, a, p); err != nil {
			return err
		}
		message := *m // a rerun of this function begins anew
		message.Attachments = slices.Clone(m.Attachments)
		out, err = d.In(ctx, tx, actor, cause, c, ids[1:], func(t *Turn) error {
			if err := t.publish(p, &message, mail); err != nil {
				return err
			}
			t.followOwn(a)
			return nil
		})
		return err
	})
	return out, err
}

func (t *Turn) publish(p Publish, m *postroom.Message, mail *postroom.Mail) error {
	if err := t.takeDraft(p.Kind, m); err != nil {
		return err
	}
	t.word(p.Kind, m, mail)
	if p.Assignee != nil {
		t.Assign(*p.Assignee)
	}
	if p.Status != "" {
		t.Status(p.Status)
	}
	return nil
}

// word adds an agent's message: a note, or a reply with the mail that carries
// it.
func (t *Turn) word(kind postroom.MessageKind, m *postroom.Message, mail *postroom.Mail) {
	if kind == postroom.Note {
		t.Note(m)
		return
	}
	// Whom the agent writes to takes part from now on (T9).
	for _, a := range slices.Concat(m.To, m.Cc) {
		t.Join(store.Participant{Address: a.Address, Name: a.Name, Kind: "cc", Confirmed: true})
	}
	var copied *postroom.Mail
	if mail != nil {
		again := *mail
		again.Recipients = slices.Clone(mail.Recipients)
		copied = &again
	}
	t.Reply(m, copied)
	if copied != nil && copied.State == postroom.MailSkip {
		t.Record(postroom.MailSkipped, postroom.Payload{MailID: copied.ID, MessageID: m.ID, Words: copied.Words})
	}
}

// takeDraft has the author's draft go as the message comes. It must have the
// very files of the message: one attached since would go with it, unsent.
func (t *Turn) takeDraft(kind postroom.MessageKind, m *postroom.Message) error {
	drafts, err := t.Tx.DraftsOf(t.ctx, t.Conversation.ID, t.by.Actor.ID)
	for _, d := range drafts {
		if d.Kind != kind {
			continue
		}
		same := slices.EqualFunc(d.Attachments, m.Attachments, func(x, y postroom.Attachment) bool { return x.ID == y.ID })
		if !same {
			return errOtherFiles
		}
		t.Publishes(d.ID)
	}
	return err
}

// fresh refuses a send that the author would think about again: a draft that
// was published already, or a customer's message they have not seen. A draft
// that exists must be the author's own of this kind, or the other one would
// count as sent; an id of no draft is one that was drawn for the composer, by
// which a form that arrives twice is told from two.
func (d *Desk) fresh(ctx context.Context, tx *store.Tx, a *postroom.Agent, p Publish) error {
	if err := sentAs(ctx, tx.Read, a, p.ConversationID, p.Draft); err != nil {
		return err
	}
	if p.Draft != 0 {
		draft, err := tx.Draft(ctx, p.Draft)
		if err != nil {
			return err
		}
		if draft.AgentID != a.ID || draft.ConversationID != p.ConversationID || draft.Kind != p.Kind {
			return postroom.Errorf(postroom.NotFound, "There is no such draft.")
		}
	}
	if p.Anyway || p.SeenSeq == 0 || p.Kind == postroom.Note {
		return nil
	}
	last, err := tx.LastReceived(ctx, p.ConversationID)
	if err != nil {
		return err
	}
	if last != nil && last.Seq > p.SeenSeq {
		return &postroom.Error{Code: postroom.Conflict, Field: "stale", Text: fmt.Sprintf("%s wrote while you were writing. Read it first, or send anyway.", nameOf(last.From))}
	}
	if err := tookIn(ctx, tx, p); err != nil {
		return err
	}
	return givenAway(ctx, tx, p)
}

func nameOf(a postroom.Address) string {
	if a.Name != "" {
		return a.Name
	}
	return a.Address
}

// render makes message and mail before the transaction.
func (d *Desk) render(ctx context.Context, a *postroom.Agent, c *postroom.Conversation, mailbox *postroom.Mailbox, p Publish, mailID int64) (*postroom.Message, *postroom.Mail, error) {
	drafts, err := d.store.Read().DraftsOf(ctx, c.ID, a.ID)
	if err != nil {
		return nil, nil, err
	}
	var files []postroom.Attachment
	for _, draft := range drafts {
		if draft.Kind == p.Kind {
			files = draft.Attachments
		}
	}
	return d.renderFiles(ctx, a, c, mailbox, p, files, mailID)
}

// renderFiles is render with the files the message has.
func (d *Desk) renderFiles(ctx context.Context, a *postroom.Agent, c *postroom.Conversation, mailbox *postroom.Mailbox, p Publish, files []postroom.Attachment, mailID int64) (*postroom.Message, *postroom.Mail, error) {
	m := &postroom.Message{ID: p.Draft, From: postroom.Address{Name: a.Name, Address: mailbox.Address}, Subject: email.ReplySubject(c.Subject)}
	body, err := p.HTML, error(nil)
	if p.Kind == postroom.Reply {
		if body, err = d.typedMark(body); err != nil {
			return nil, nil, err
		}
	}
	m.HTML, m.Attachments = inlineFiles(body, files)
	m.Text = email.TextFromHTML(m.HTML)
	if strings.TrimSpace(m.Text) == "" && len(m.Attachments) == 0 {
		return nil, nil, postroom.InvalidField("body", "There is nothing to send yet: write something or attach a file.")
	}
	if p.Kind == postroom.Note {
		return m, nil, nil
	}
	if err := d.addressees(ctx, c, mailbox, p, m); err != nil {
		return nil, nil, err
	}
	answers, err := d.store.Read().LastReceived(ctx, c.ID)
	if err != nil {
		return nil, nil, err
	}
	html, text := m.HTML, m.Text
	if mailbox.Signature != "" {
		signature := template.Signature(mailbox.Signature, a, mailbox, strconv.FormatInt(c.Number, 10))
		html += "<br>" + signature
		text += "\n\n-- \n" + email.TextFromHTML(signature)
	}
	language, err := d.languageOf(ctx, c, html)
	if err != nil {
		return nil, nil, err
	}
	mail, err := d.Compose(Letter{
		ID: mailID, Language: language, Mailbox: mailbox, Conversation: c, SenderName: a.Name, To: m.To, Cc: m.Cc, Bcc: m.Bcc,
		HTML: html, Text: text, Files: m.Attachments, Answers: answers, At: d.store.Now(),
	})
	if err != nil {
		return nil, nil, err
	}
	if words := unmailable(c, mail); words != "" {
		Skip(mail, postroom.MailSkip, words, d.store.Now())
	}
	return m, mail, nil
}

// unmailable says why a conversation's customer cannot be mailed at all (W30).
func unmailable(c *postroom.Conversation, m *postroom.Mail) string {
	switch {
	case len(m.Recipients) == 0:
		return "There is no address to send to."
	case c.Status == postroom.Spam:
		return "The conversation is spam."
	}
	return ""
}

// addressees fills in who a reply goes to: exactly what the agent chose, the
// customer where they chose nobody, never one of our own addresses (O7, T11).
func (d *Desk) addressees(ctx context.Context, c *postroom.Conversation, mailbox *postroom.Mailbox, p Publish, m *postroom.Message) error {
	own := mailbox.Addresses()
	theirs := func(in []postroom.Address) []postroom.Address {
		return slices.DeleteFunc(slices.Clone(in), func(a postroom.Address) bool {
			return slices.Contains(own, postroom.Canonical(d.keys.PlainAddress(a.Address, mailbox.Separator)))
		})
	}
	m.To, m.Cc, m.Bcc = theirs(p.To), theirs(p.Cc), theirs(p.Bcc)
	if len(m.To) > 0 || len(p.To) > 0 {
		return nil
	}
	customer, err := d.store.Read().Customer(ctx, c.CustomerID)
	if err != nil {
		return err
	}
	if address := customer.Email(); address != "" {
		m.To = []postroom.Address{{Name: customer.Name, Address: address}}
	}
	return nil
}

// attachmentURL is where pages find a file; composed HTML refers to pictures
// by it, stored HTML by cid:.
func attachmentURL(id int64) string { return fmt.Sprintf("/attachments/%d/", id) }

// inlineFiles sanitises what an editor sent and turns its pictures from our
// own URLs into cid: references to the draft's files. Only the draft's own
// files can be referred to. Files the text shows become inline.
func inlineFiles(html string, files []postroom.Attachment) (string, []postroom.Attachment) {
	out := slices.Clone(files)
	for i := range out {
		out[i].Inline = false
	}
	clean := email.SanitiseComposed(html, email.ComposeOptions{Image: func(src string) (string, bool) {
		for i := range out {
			f := &out[i]
			if strings.HasPrefix(src, attachmentURL(f.ID)) || f.ContentID != "" && src == "cid:"+f.ContentID {
				f.Inline = true
				if f.ContentID == "" {
					f.ContentID = fmt.Sprintf("%d.%s", f.ID, f.SHA256[:16])
				}
				return "cid:" + f.ContentID, true
			}
		}
		return "", false
	}})
	return clean, out
}

// checkAssignee makes sure that a conversation is given to somebody who may
// answer it.
func (d *Desk) checkAssignee(ctx context.Context, assignee *int64, mailbox int64) error {
	if assignee == nil || *assignee == 0 {
		return nil
	}
	a, err := d.store.Read().Agent(ctx, *assignee)
	if err != nil {
		return postroom.InvalidField("assignee", "There is no such agent.")
	}
	if !postroom.CanOn(a, postroom.Answer, mailbox, a.ID) {
		return postroom.InvalidField("assignee", "%s may not answer in this mailbox.", a.Name)
	}
	return nil
}

// pictureURLs turns the cid: reference to a file back into the URL under which
// an editor shows it.
func pictureURLs(html string, f postroom.Attachment, id int64) string {
	return strings.ReplaceAll(html, "cid:"+f.ContentID, attachmentURL(id)+url.PathEscape(f.Name))
}
