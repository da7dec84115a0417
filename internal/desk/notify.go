package desk

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/store"
)

// NotificationLetter is a notification mail to one agent: all that is known
// before the transaction.
type NotificationLetter struct {
	ID           int64 // of the mail, drawn before
	Mailbox      *postroom.Mailbox
	Conversation *postroom.Conversation
	Event        *postroom.Event
	MessageID    int64 // the message it tells of, 0 for none
	Agent        *postroom.Agent
	Sender       string // display name
	Subject      string
	Text, HTML   string // with separator and marker, see NotificationMarker
	At           int64
}

// NotificationMarker returns what a notification's body marker carries: the
// mail's token.
func (d *Desk) NotificationMarker(mail int64) string { return d.keys.Token(mail) }

// ComposeNotification makes the outbox row of a notification. Its Message-ID,
// the address to answer to and its marker name the mail, which names the
// conversation and the agent (T12). It is automatic (O3), goes to the agent's
// own address and nobody else, and names one id for the conversation as what
// it answers, so that mail programs keep the conversation together; that id
// leads nowhere.
func (d *Desk) ComposeNotification(l NotificationLetter) (*postroom.Mail, error) {
	token := d.keys.Token(l.ID)
	_, domain, ok := strings.Cut(l.Mailbox.Address, "@")
	if !ok {
		return nil, postroom.InvalidField("from", "The mailbox %s has no address to send from.", l.Mailbox.Name)
	}
	thread := fmt.Sprintf("notification.%d@%s", l.Conversation.Number, domain)
	s := Spec{
		From: postroom.Address{Name: oneLine(l.Sender), Address: l.Mailbox.Address}, To: []postroom.Address{{Name: oneLine(l.Agent.Name), Address: l.Agent.Email}},
		Subject: oneLine(l.Subject), MessageID: email.MessageID(token, domain), Date: l.At, InReplyTo: thread, References: []string{thread},
		Text: l.Text, HTML: l.HTML, Automatic: true, Generated: true, LoopMailbox: l.Mailbox.Address, Seed: token,
	}
	envelope := "" // nothing answers a null sender (RFC 3834 3.3)
	if l.Mailbox.Subaddress {
		if a, ok := email.TokenAddress(l.Mailbox.Address, l.Mailbox.Separator, token); ok {
			s.ReplyTo, envelope = a, a
		}
	}
	if err := email.CheckAddress(l.Agent.Email); err != nil {
		return nil, err
	}
	spec, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode notification: %w", err)
	}
	return &postroom.Mail{
		ID: l.ID, MailboxID: l.Mailbox.ID, ConversationID: l.Conversation.ID, MessageID: l.MessageID, AgentID: l.Agent.ID,
		EventID: l.Event.ID, Seq: l.Event.Seq, Root: l.Event.Root, RootSeq: l.Event.RootSeq,
		Class: postroom.NotificationClass, Automatic: true, Header: s.MessageID, EnvelopeFrom: envelope, Subject: s.Subject, Spec: spec,
		State: postroom.MailQueued, CreatedAt: l.At, DueAt: l.At, QueuedAt: l.At,
		Recipients: []postroom.MailRecipient{{Address: postroom.Canonical(l.Agent.Email), Kind: "to", State: postroom.MailQueued}},
	}, nil
}

// oneLine keeps what others wrote from breaking a header: it is told as it is
// read, and never refused (S5).
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == ' ' || r >= 0x80 && r <= 0x9f }), " ")
}

// Telling is an event with what agents are told of it.
type Telling struct {
	Conversation *postroom.Conversation
	Claim        store.Claimed // on the event
	Notices      []Notice      // by agent, ascending
}

// Notice is what one agent is told, and how.
type Notice struct {
	postroom.Notification
	InPage bool
	Mail   *postroom.Mail // nil: not by mail
}

// MailsPerHour is how many notifications an agent gets by mail within an hour.
const MailsPerHour = 60

const hour = int64(60 * 60 * 1000)

// Tell stores what agents are told of an event, and that they were: both or
// neither, and each agent once. Of an agent whom more than MailsPerHour mails
// would reach within an hour the further ones are skipped, and what they would
// have said is in the page.
func (d *Desk) Tell(ctx context.Context, tx *store.Tx, t Telling) error {
	if err := tx.EndTelling(ctx, t.Claim); err != nil {
		return err
	}
	if len(t.Notices) == 0 {
		return nil
	}
	var known []int64 // told by mail when the event was judged for the first time
	mailed := slices.ContainsFunc(t.Notices, func(n Notice) bool { return n.Mail != nil })
	if mailed {
		var err error
		if known, err = tx.Notified(ctx, t.Conversation.ID, t.Claim.ID); err != nil {
			return err
		}
	}
	var inPage []postroom.Notification
	for _, n := range t.Notices {
		if slices.Contains(known, n.AgentID) {
			continue
		}
		if n.Mail != nil {
			capped, err := d.mailNotification(ctx, tx, n.Mail)
			if err != nil {
				return err
			}
			n.InPage = n.InPage || capped
		}
		if n.InPage {
			inPage = append(inPage, n.Notification)
			tx.OnCommit(func() { d.publish(Change{Kind: "notification", AgentID: n.AgentID}) })
		}
	}
	if mailed {
		tx.OnCommit(func() { d.wake(WakeDeliver) })
	}
	return tx.InsertNotifications(ctx, inPage)
}

// mailNotification queues a notification, or says on its row why it is too
// much.
func (d *Desk) mailNotification(ctx context.Context, tx *store.Tx, m *postroom.Mail) (capped bool, err error) {
	now := d.store.Now()
	n, err := tx.AddRate(ctx, fmt.Sprintf("notify:%d", m.AgentID), now, hour)
	if err != nil {
		return false, err
	}
	if n <= MailsPerHour {
		return false, tx.InsertMail(ctx, m)
	}
	skipped := *m
	skipped.Recipients = slices.Clone(m.Recipients)
	Skip(&skipped, postroom.MailSkip, fmt.Sprintf("Skipped, limit: %d notifications went to this agent by mail within an hour. This one is in their list.", MailsPerHour), now)
	skipped.DueAt = 0
	return true, tx.InsertMail(ctx, &skipped)
}
