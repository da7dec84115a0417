package query

import (
	"context"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/template"
)

// composer is the form under the conversation, with the agent's draft in it.
func (v *conversationView) composer(ask ConversationAsk) *Composer {
	c := &Composer{
		Number: v.head.Number, Kind: "reply", Format: "html", From: v.head.Mailbox.Address, Subject: email.ReplySubject(v.head.Subject),
		Signature: ownHTML(template.Signature(v.head.Mailbox.Signature, v.agent, v.head.Mailbox, decimal(v.head.Number)), nil), Agents: v.assignable(), Seen: v.head.Seq,
		UndoMS: v.head.Mailbox.UndoMS, Known: v.known(), Told: v.told(),
	}
	if ask.Compose == "reply" || ask.Compose == "note" {
		c.Kind, c.Open = ask.Compose, true
	}
	c.To, c.Cc = v.answerTo()
	v.propose(c)
	c.Key = "new-" + decimal(v.ownLast())
	for _, draft := range v.rows.Drafts { // the latest first
		if ask.Compose != "" && string(draft.Kind) != c.Kind {
			continue
		}
		v.fill(c, draft)
		break
	}
	if c.Kind == "note" { // what is proposed is for after a reply
		c.Status, c.Assignee = "", ""
	}
	return c
}

// propose fills in what the mailbox proposes for after a reply: status and
// assignee, and who has a copy without the others knowing (O7: it is shown).
func (v *conversationView) propose(c *Composer) {
	m := v.head.Mailbox
	for _, a := range m.AutoBcc {
		c.Bcc = append(c.Bcc, Address{Address: a})
	}
	c.Propose.Status = string(m.ReplyStatus)
	switch m.ReplyAssignee {
	case postroom.AssignMe:
		c.Propose.Assignee = decimal(v.agent.ID)
	case postroom.AssignMeIfFree:
		if v.head.AssigneeID == 0 {
			c.Propose.Assignee = decimal(v.agent.ID)
		}
	case postroom.AssignNobody:
		c.Propose.Assignee = "0"
	}
	c.Status, c.Assignee = c.Propose.Status, c.Propose.Assignee
}

func (v *conversationView) fill(c *Composer, draft *postroom.Draft) {
	c.Kind, c.Open = string(draft.Kind), true
	c.Draft, c.Revision, c.SavedAt, c.Key = draft.ID, draft.Revision, draft.UpdatedAt, decimal(draft.ID)
	if draft.SeenSeq > 0 {
		c.Seen = draft.SeenSeq
	}
	files := v.rows.DraftFiles[draft.ID]
	c.Body = withPictures(draft.HTML, files)
	if len(draft.To)+len(draft.Cc)+len(draft.Bcc) > 0 {
		c.To, c.Cc, c.Bcc = addresses(draft.To), addresses(draft.Cc), addresses(draft.Bcc)
	}
	for _, f := range files {
		c.Attachments = append(c.Attachments, attachment(f))
	}
}

// ownLast is the id of the agent's newest message here.
func (v *conversationView) ownLast() int64 {
	me := postroom.Actor{Kind: postroom.ByAgent, ID: v.agent.ID}
	for i := len(v.messages) - 1; i >= 0; i-- {
		if v.messages[i].Author == me {
			return v.messages[i].ID
		}
	}
	return 0
}

// answerTo is whom a reply is meant for until the agent says otherwise: who
// wrote last, and those who had a copy of it, or the customer to whom the
// conversation was given since. People who are new here and not
// confirmed see nothing by themselves (T9).
func (v *conversationView) answerTo() (to, cc []Address) {
	given := v.givenAt()
	for i := len(v.messages) - 1; i >= 0 && v.messages[i].Seq > given; i-- {
		m := v.messages[i]
		if m.Kind != postroom.Received || m.Unconfirmed || m.From.Address == "" {
			continue
		}
		to = []Address{Address(m.From)}
		for _, a := range slices.Concat(m.To, m.Cc) {
			if v.own(a.Address) || postroom.Canonical(a.Address) == postroom.Canonical(m.From.Address) || v.unconfirmed(a.Address) {
				continue
			}
			if !slices.ContainsFunc(cc, func(x Address) bool { return postroom.Canonical(x.Address) == postroom.Canonical(a.Address) }) {
				cc = append(cc, Address(a))
			}
		}
		return to, cc
	}
	if address := nameOr(v.usedAddress(), first(v.rows.Addresses)); address != "" {
		return []Address{{Name: v.head.Customer, Address: address}}, nil
	}
	return nil, nil
}

// givenAt is the sequence number of the event by which the conversation came to
// be this customer's, 0 if it always was. Who wrote before that is not whom a
// reply is meant for.
func (v *conversationView) givenAt() int64 {
	for i := len(v.rows.Events) - 1; i >= 0; i-- {
		if e := v.rows.Events[i]; e.Kind == postroom.CustomerChanged && e.State != postroom.EventUndone {
			return e.Seq
		}
	}
	return 0
}

func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// own reports whether an address is the mailbox's, with or without a token.
func (v *conversationView) own(address string) bool {
	address = postroom.Canonical(address)
	local, domain, _ := strings.Cut(address, "@")
	plain, _, _ := strings.Cut(local, "+")
	own := v.head.Mailbox.Addresses()
	return slices.Contains(own, address) || slices.Contains(own, plain+"@"+domain)
}

func (v *conversationView) unconfirmed(address string) bool {
	for _, p := range v.rows.Participants {
		if p.Address == postroom.Canonical(address) {
			return !p.Confirmed
		}
	}
	return false
}

// known suggests everybody who took part.
func (v *conversationView) known() []Address {
	var out []Address
	for _, a := range v.rows.Addresses {
		out = append(out, Address{Name: v.head.Customer, Address: a})
	}
	for _, p := range v.rows.Participants {
		if !slices.Contains(v.rows.Addresses, p.Address) && !v.own(p.Address) {
			out = append(out, Address{Name: p.Name, Address: p.Address})
		}
	}
	return out
}

// told is the sentence for who answers a conversation whose customer has been
// told, or is about to be, that it is closed (W26).
func (v *conversationView) told() string {
	if v.head.Status != postroom.Closed {
		return ""
	}
	closing := v.lastClose()
	if closing == nil {
		return ""
	}
	for _, m := range v.rows.Mails {
		if m.Root != closing.Root || m.RunID == 0 || m.Seq < closing.Seq {
			continue
		}
		switch m.State {
		case postroom.MailDone, postroom.MailAssumed, postroom.MailUnsure:
			return "The customer was already told that this is closed."
		case postroom.MailHeld, postroom.MailQueued, postroom.MailSending, postroom.MailDeferred:
			return "The customer will be told that this is closed before this reply goes out."
		}
	}
	if closing.State == postroom.EventPending {
		return "Workflows still have to look at the close; a closing notice of theirs goes out before this reply."
	}
	return ""
}

// Drafts loads an agent's own drafts on a conversation, with their files.
func (d *Desk) Drafts(ctx context.Context, a *postroom.Agent, conversation int64) ([]*postroom.Draft, error) {
	return d.read().DraftsOf(ctx, conversation, a.ID)
}

// SentAlready reports whether the agent has published these very words since
// the event they had seen: the form was sent twice.
func (d *Desk) SentAlready(ctx context.Context, a *postroom.Agent, conversation, seen int64, kind postroom.MessageKind, html string) (bool, error) {
	if seen == 0 {
		return false, nil
	}
	messages, err := d.read().MessagesSince(ctx, conversation, seen)
	if err != nil {
		return false, err
	}
	words := strings.Join(strings.Fields(email.TextFromHTML(html)), " ")
	me := postroom.Actor{Kind: postroom.ByAgent, ID: a.ID}
	for _, m := range messages {
		if m.Author == me && m.Kind == kind && strings.Join(strings.Fields(m.Text), " ") == words {
			return true, nil
		}
	}
	return false, nil
}
