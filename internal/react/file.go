package react

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/email"
	"postroom/internal/store"
)

// file puts the mail where it belongs, in one transaction with the end of its
// row: a crash before it changes nothing, one after it repeats nothing.
func (f *filing) file(ctx context.Context, c store.Claimed) error {
	var came *postroom.Mail
	err := f.r.Store.Write(ctx, func(tx *store.Tx) error {
		f := f.again()
		came = nil
		if err := f.repeated(ctx, tx); err != nil {
			return err
		}
		var err error
		if f.in.State == store.InboundNew {
			if came, err = f.cameBack(ctx, tx); err != nil {
				return err
			}
		}
		if f.in.State == store.InboundNew {
			err = f.join(ctx, tx)
		}
		if err != nil {
			return err
		}
		if err := tx.HoldLane(ctx, store.LaneReceive, c); err != nil {
			return err
		}
		f.in.DoneAt, f.in.DueAt = f.r.Store.Now(), 0
		f.r.Log.Info("received", "inbound", f.in.ID, "state", f.in.State, "class", f.in.Class, "conversation", f.in.ConversationID, "evidence", f.in.Evidence)
		return tx.EndInbound(ctx, f.in)
	})
	if err == nil && came != nil {
		// What came back is proof that the mail arrived somewhere (R6).
		err = f.r.Outbox.Seen(ctx, came.ID, "A copy of the mail came back to us: it was handed on.")
	}
	for _, p := range f.proof {
		if err == nil && p.MailID != 0 && came == nil {
			err = f.r.Outbox.Seen(ctx, p.MailID, "It was answered.")
		}
	}
	return err
}

// again returns a copy to work on, since a transaction may run twice.
func (f *filing) again() *filing {
	c := *f
	m := *f.message
	m.Attachments = slices.Clone(f.message.Attachments)
	c.message, c.ids = &m, slices.Clone(f.ids)
	return &c
}

func (f *filing) end(state, words string) {
	f.in.State, f.in.Words = state, words
}

// repeated finds out whether the same mail was here before: same id and same
// content is a duplicate, same id with other content is a mail of its own (D1).
func (f *filing) repeated(ctx context.Context, tx *store.Tx) error {
	same, err := tx.SameIDs(ctx, f.in)
	for _, s := range same {
		if s.ContentHash == f.in.ContentHash {
			f.in.ConversationID, f.in.MessageID = s.ConversationID, s.MessageID
			f.end(store.InboundDuplicate, "The same mail arrived before.")
			return err
		}
	}
	return err
}

// cameBack finds out whether the mail is our own come back (D6, D7). It
// returns the mail of ours that it is a copy of.
func (f *filing) cameBack(ctx context.Context, tx *store.Tx) (*postroom.Mail, error) {
	if email.ReceivedCount(f.mail) >= email.MaxReceived {
		f.end(store.InboundLoop, fmt.Sprintf("It has %d Received lines: it goes round in circles.", email.ReceivedCount(f.mail)))
		return nil, nil
	}
	id, err := tx.MailByHeader(ctx, f.message.Header)
	if err != nil || id == 0 {
		return nil, err
	}
	mail, err := tx.Mail(ctx, id)
	if err != nil || mail.MailboxID != f.mailbox.ID {
		return nil, err
	}
	if slices.Contains(email.LoopMailboxes(f.mail), postroom.Canonical(f.mailbox.Address)) {
		f.end(store.InboundLoop, "It is an automatic mail of this mailbox that came back.")
		return mail, nil
	}
	if mail.SHA256 == "" {
		return nil, nil
	}
	sent, err := f.r.Blobs.Read(mail.SHA256, mail.Size)
	if err != nil || email.ContentHash(sent) != f.in.ContentHash {
		return nil, err
	}
	f.end(store.InboundLoop, "It is a copy of a mail that this mailbox sent.")
	return mail, nil
}

// join finds the conversation the mail belongs to, or begins one, and adds the
// message.
func (f *filing) join(ctx context.Context, tx *store.Tx) error {
	found, old, err := f.thread(ctx, tx)
	if err != nil {
		return err
	}
	var c *postroom.Conversation
	actor := postroom.Actor{Kind: postroom.ByCustomer}
	participants := f.participants()
	if found != nil {
		c = found
		actor.ID = c.CustomerID
		if err := f.recognise(ctx, tx, c, participants); err != nil {
			return err
		}
	} else if c, err = f.begin(ctx, tx, old); err != nil {
		return err
	} else {
		actor.ID = c.CustomerID
	}
	out, err := f.r.Desk.In(ctx, tx, actor, desk.Cause{Path: postroom.PathMail}, c, f.ids, func(t *desk.Turn) error {
		t.Receive(f.message, participants...)
		return nil
	})
	if err != nil {
		return err
	}
	f.in.State, f.in.ConversationID, f.in.MessageID = store.InboundDone, out.ConversationID, out.MessageID
	return nil
}

// thread follows the evidence in its order; the first that leads to a
// conversation of this mailbox decides (T1, T10). A conversation that was
// closed for longer than the reopen window is not joined but continued: old is
// its id (T8).
func (f *filing) thread(ctx context.Context, tx *store.Tx) (c *postroom.Conversation, old int64, err error) {
	for _, p := range f.proof {
		id, err := f.follow(ctx, tx, p)
		if err != nil {
			return nil, 0, err
		}
		if id == 0 {
			continue
		}
		if c, err = tx.Conversation(ctx, id); err != nil {
			return nil, 0, err
		}
		if c.MailboxID != f.mailbox.ID {
			c = nil
			continue
		}
		f.in.Evidence = p.Detail
		break
	}
	if c == nil {
		if c, err = f.awaited(ctx, tx); err != nil || c == nil {
			return nil, 0, err
		}
	}
	window := int64(f.mailbox.ReopenDays) * 24 * 60 * 60 * 1000
	if c.Status == postroom.Closed && c.ClosedAt > 0 && f.r.Store.Now()-c.ClosedAt > window {
		f.in.Evidence += fmt.Sprintf(" Conversation %d was closed more than %d days ago, so a new one continues it.", c.Number, f.mailbox.ReopenDays)
		return nil, c.ID, nil
	}
	return c, 0, nil
}

// follow returns the conversation that a piece of evidence leads to, 0 for
// none. A subject's number alone never joins (T6).
func (f *filing) follow(ctx context.Context, tx *store.Tx, p email.EvidenceItem) (int64, error) {
	switch {
	case p.MailID != 0:
		m, err := tx.Mail(ctx, p.MailID)
		if postroom.CodeOf(err) == postroom.NotFound {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		return m.ConversationID, nil
	case p.Kind == email.StoredID:
		refs, err := tx.Refs(ctx, f.mailbox.ID, []string{p.Ref})
		if err != nil || len(refs) == 0 {
			return 0, err
		}
		return refs[0].ConversationID, nil
	}
	return 0, nil
}

// awaited finds the conversation of an answer that arrived before this mail
// and cites it (T19).
func (f *filing) awaited(ctx context.Context, tx *store.Tx) (*postroom.Conversation, error) {
	refs, err := tx.Refs(ctx, f.mailbox.ID, []string{email.CanonicalID(f.message.Header)})
	if err != nil || len(refs) == 0 || !refs[0].Cited {
		return nil, err
	}
	f.in.Evidence = "An answer to it arrived before it."
	return tx.Conversation(ctx, refs[0].ConversationID)
}

// MaxParticipants is how many people one mail can add to a conversation (T18).
const MaxParticipants = 40

// participants lists who the mail brings along: its author, and those in To
// and Cc who are neither us nor machines (T16).
func (f *filing) participants() []store.Participant {
	var out []store.Participant
	if !email.IsMachineAddress(f.author.Address) {
		out = append(out, store.Sender(f.author, true))
	}
	for _, list := range []struct {
		kind string
		in   []postroom.Address
	}{{"to", f.message.To}, {"cc", f.message.Cc}} {
		for _, a := range list.in {
			if len(out) >= MaxParticipants {
				return out
			}
			if email.CheckAddress(a.Address) == nil && !email.IsMachineAddress(a.Address) && f.r.Desk.MailboxFor(f.all, a.Address) == nil {
				out = append(out, store.Participant{Address: a.Address, Name: a.Name, Kind: list.kind, Confirmed: true})
			}
		}
	}
	return out
}

// recognise marks the message of somebody who does not take part in the
// conversation: it is shown as unverified, brings nobody along and is sent
// nothing until an agent confirms them (T7, T9).
func (f *filing) recognise(ctx context.Context, tx *store.Tx, c *postroom.Conversation, brought []store.Participant) error {
	known, err := tx.Participants(ctx, c.ID)
	if err != nil {
		return err
	}
	customer, err := tx.Customer(ctx, c.CustomerID)
	if err != nil {
		return err
	}
	if slices.Contains(customer.Addresses, f.author.Address) {
		return nil
	}
	for _, p := range known {
		if p.Address == f.author.Address && p.Confirmed {
			return nil
		}
	}
	f.message.Unconfirmed = true
	if f.message.NoAuto == "" {
		f.message.NoAuto = "its sender is new to the conversation and not confirmed"
	}
	f.message.Notices = append(f.message.Notices, "Unverified new participant: "+f.author.Address+" did not take part in this conversation before.")
	for i := range brought {
		brought[i].Confirmed = false
	}
	return nil
}

// begin makes a new conversation.
func (f *filing) begin(ctx context.Context, tx *store.Tx, old int64) (*postroom.Conversation, error) {
	now := f.r.Store.Now()
	id, customer := f.ids[0], f.ids[1]
	f.ids = f.ids[2:]
	var err error
	if email.IsMachineAddress(f.author.Address) {
		name := f.author.Name
		if name == "" {
			name = f.author.Address
		}
		err = tx.AddNameless(ctx, customer, name, now)
	} else {
		customer, err = tx.FindOrAddCustomer(ctx, customer, f.author, now)
	}
	if err != nil {
		return nil, err
	}
	c := &postroom.Conversation{ID: id, MailboxID: f.mailbox.ID, CustomerID: customer, Subject: f.message.Subject,
		Status: postroom.Active, CreatedAt: now, UpdatedAt: now, LinkedFrom: old}
	if c.Subject == "" {
		c.Subject = "(no subject)"
	}
	if len(c.Subject) > postroom.MaxSubject {
		c.Subject = strings.ToValidUTF8(c.Subject[:postroom.MaxSubject], "")
	}
	// The whole of a first message and of a forward is shown (Q1).
	f.message.VisibleText, f.message.VisibleHTML = "", ""
	return c, nil
}
