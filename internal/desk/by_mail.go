package desk

import (
	"context"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/store"
)

// ByMail is what an agent asks for in an answer to a notification (T12).
type ByMail struct {
	Kind     postroom.MessageKind // Reply or Note; "" for commands alone
	HTML     string               // what they wrote, unsafe; pictures by cid:
	Files    []postroom.Attachment
	Status   postroom.Status      // "" leaves it, or with a reply sets what the mailbox proposes
	Assignee *int64               // nil the same
	Team     *int64               // 0 is none; nil leaves it
	Tags     []string             // to add, by name
	Run      []postroom.Startable // workflows to run, in order
}

// MailedAct is a ByMail ready to be carried out by Turn.ByMail: everything that
// needs no lock is done.
type MailedAct struct {
	kind     postroom.MessageKind
	message  *postroom.Message
	mail     *postroom.Mail
	status   postroom.Status
	assignee *int64
	team     *int64
	tags     []int64
	run      []postroom.Startable
	author   *postroom.Agent // of the message
}

// PrepareByMail makes what an agent wants by mail of a conversation, as the
// composer would: the reply goes to whom a reply goes from the page, whatever
// the agent's own mail had in To and Cc (O7), with the mailbox's signature and
// automatic Bcc; what the mailbox proposes for after a reply holds unless a
// command says otherwise. With status spam nothing is sent: the reply is kept
// and its mail skipped (W30). Errors: Invalid for what the composer would refuse
// or show before sending: a text without words or files, or longer than MaxBody,
// a file that is too large, more than MaxFiles, somebody who may not be
// assigned, a team that cannot have it, a reply that could not be sent to anybody; NotFound or Forbidden
// where the agent may not change the conversation.
func (d *Desk) PrepareByMail(ctx context.Context, a *postroom.Agent, c *postroom.Conversation, p ByMail) (act *MailedAct, err error) {
	defer wrap(&err, "prepare an act by mail")
	mailID := int64(0)
	if p.Kind != "" {
		if mailID, err = d.store.NewID(ctx); err != nil {
			return nil, err
		}
	}
	if act, err = d.byMail(ctx, a, c, p, mailID); err != nil {
		return nil, err
	}
	act.tags, err = d.tagIDs(ctx, p.Tags, true)
	return act, err
}

// CheckByMail reports what PrepareByMail would refuse, and writes nothing: no
// id is drawn and no tag is made. Files need only their names and sizes.
func (d *Desk) CheckByMail(ctx context.Context, a *postroom.Agent, c *postroom.Conversation, p ByMail) (err error) {
	defer wrap(&err, "check an act by mail")
	if _, err = d.byMail(ctx, a, c, p, 1); err != nil {
		return err
	}
	_, err = d.tagIDs(ctx, p.Tags, false)
	return err
}

// byMail is PrepareByMail as far as it writes nothing.
func (d *Desk) byMail(ctx context.Context, a *postroom.Agent, c *postroom.Conversation, p ByMail, mailID int64) (act *MailedAct, err error) {
	if err := may(a, postroom.Answer, c.MailboxID, c.AssigneeID); err != nil {
		return nil, err
	}
	mailbox, err := d.store.Read().Mailbox(ctx, c.MailboxID)
	if err != nil {
		return nil, err
	}
	if err := d.bearable(p); err != nil {
		return nil, err
	}
	act = &MailedAct{kind: p.Kind, status: p.Status, assignee: p.Assignee, team: p.Team, run: p.Run}
	if p.Kind == postroom.Reply {
		act.propose(a, c, mailbox)
	}
	if err := d.checkAssignee(ctx, act.assignee, c.MailboxID); err != nil {
		return nil, err
	}
	if act.team != nil && *act.team != c.TeamID {
		if err := d.checkTeam(ctx, *act.team, c.MailboxID); err != nil {
			return nil, err
		}
	}
	if p.Kind != "" {
		if err := d.word(ctx, act, a, c, mailbox, p, mailID); err != nil {
			return nil, err
		}
	}
	return act, nil
}

// bearable holds what an agent sent against the limits of the composer.
func (d *Desk) bearable(p ByMail) error {
	if len(p.HTML) > MaxBody {
		return postroom.InvalidField("body", "The text is longer than %d kB; attach it as a file.", MaxBody>>10)
	}
	if len(p.Files) > MaxFiles {
		return postroom.InvalidField("files", "A message may have at most %d files.", MaxFiles)
	}
	for _, f := range p.Files {
		if f.Size > d.maxFile {
			return postroom.InvalidField("files", "The file %s is larger than %d MB.", f.Name, d.maxFile>>20)
		}
	}
	return nil
}

// propose fills in what the mailbox proposes for after a reply.
func (m *MailedAct) propose(a *postroom.Agent, c *postroom.Conversation, mailbox *postroom.Mailbox) {
	if m.status == "" {
		m.status = mailbox.ReplyStatus
	}
	if m.assignee != nil {
		return
	}
	id := a.ID
	switch mailbox.ReplyAssignee {
	case postroom.AssignMe:
		m.assignee = &id
	case postroom.AssignMeIfFree:
		if c.AssigneeID == 0 {
			m.assignee = &id
		}
	case postroom.AssignNobody:
		id = 0
		m.assignee = &id
	}
}

// word renders the message and the mail that carries it.
func (d *Desk) word(ctx context.Context, act *MailedAct, a *postroom.Agent, c *postroom.Conversation, mailbox *postroom.Mailbox, p ByMail, id int64) (err error) {
	send := Publish{Kind: p.Kind, HTML: p.HTML}
	if p.Kind == postroom.Reply {
		if send.To, send.Cc, err = d.answerTo(ctx, c); err != nil {
			return err
		}
		for _, address := range mailbox.AutoBcc {
			send.Bcc = append(send.Bcc, postroom.Address{Address: address})
		}
	}
	act.author = a
	// A conversation that is spam now may be none after this act, and the other
	// way round.
	after := *c
	if act.status != "" {
		after.Status = act.status
	}
	act.message, act.mail, err = d.renderFiles(ctx, a, &after, mailbox, send, p.Files, id)
	if err != nil || act.mail == nil || act.mail.State != postroom.MailSkip || act.status == postroom.Spam {
		return err
	}
	if after.Status == postroom.Spam {
		return postroom.InvalidField("status", "The conversation is spam, and nothing is sent in it. Begin with @active to answer it all the same.")
	}
	return postroom.InvalidField("to", "There is no address to send a reply to.")
}

// answerTo is whom a reply goes to unless an agent says otherwise: who wrote
// last, and those who had a copy of it, but for people who are new here and not
// confirmed (T9, T16). Nobody means the customer.
func (d *Desk) answerTo(ctx context.Context, c *postroom.Conversation) (to, cc []postroom.Address, err error) {
	last, err := d.store.Read().LastConfirmed(ctx, c.ID)
	if err != nil || last == nil {
		return nil, nil, err
	}
	boxes, err := d.store.Read().Mailboxes(ctx)
	if err != nil {
		return nil, nil, err
	}
	people, err := d.store.Read().Participants(ctx, c.ID)
	if err != nil {
		return nil, nil, err
	}
	seen := []string{postroom.Canonical(last.From.Address)}
	for _, x := range slices.Concat(last.To, last.Cc) {
		address := postroom.Canonical(x.Address)
		stranger := slices.ContainsFunc(people, func(p store.Participant) bool { return p.Address == address && !p.Confirmed })
		if stranger || slices.Contains(seen, address) || d.MailboxFor(boxes, address) != nil || email.IsMachineAddress(address) || email.CheckAddress(address) != nil {
			continue
		}
		seen, cc = append(seen, address), append(cc, x)
	}
	return []postroom.Address{last.From}, cc, nil
}

// ByMail carries out what an agent wanted by mail: the message first, then what
// it changes (W3), and last the workflows it runs.
func (t *Turn) ByMail(act *MailedAct) error {
	if act.message != nil {
		message := *act.message // a rerun of the transaction begins anew
		message.Attachments = slices.Clone(act.message.Attachments)
		t.word(act.kind, &message, act.mail)
		if act.author != nil {
			t.followOwn(act.author)
		}
	}
	if act.assignee != nil {
		t.Assign(*act.assignee)
	}
	if act.team != nil {
		t.Team(*act.team)
	}
	if act.status != "" {
		t.Status(act.status)
	}
	if len(act.tags) > 0 {
		t.Tags(act.tags, nil)
	}
	for _, w := range act.run {
		if err := t.Start(w); err != nil {
			return err
		}
	}
	return nil
}

// Nothing reports whether the act would say nothing and change nothing.
func (m *MailedAct) Nothing() bool {
	return m.message == nil && m.status == "" && m.assignee == nil && m.team == nil && len(m.tags)+len(m.run) == 0
}

// TagNames returns the names among some that are tags already, in the form in
// which tags are kept.
func (d *Desk) TagNames(ctx context.Context, names []string) (known map[string]bool, err error) {
	all, err := d.store.Read().Tags(ctx)
	known = map[string]bool{}
	for _, name := range names {
		name = strings.ToLower(strings.Join(strings.Fields(name), " "))
		known[name] = slices.ContainsFunc(all, func(t store.Tag) bool { return t.Name == name })
	}
	return known, err
}
