package react

import (
	"context"
	"fmt"
	"slices"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/email"
	"postroom/internal/store"
)

// file puts mails where they belong, in one transaction with the end of their
// rows: a crash before it changes nothing, one after it repeats nothing.
func (r *React) file(ctx context.Context, c store.Claimed, group []*filing) error {
	var ends []store.Inbound
	err := r.Store.Write(ctx, func(tx *store.Tx) error {
		ends = nil
		tx.CountLate()
		again, err := r.look(ctx, tx, group)
		if err != nil {
			return err
		}
		begin := 0
		for _, f := range again {
			if f.begins() {
				begin++
			}
		}
		if err := tx.DrawNumbers(ctx, begin); err != nil {
			return err
		}
		for _, f := range again {
			if err := f.put(ctx, tx); err != nil {
				return err
			}
			ends = append(ends, f.in)
		}
		return tx.FenceLane(ctx, store.LaneReceive, c)
	})
	if err != nil {
		return err
	}
	for _, in := range ends {
		r.Log.Info("received", "inbound", in.ID, "state", in.State, "class", in.Class, "conversation", in.ConversationID, "evidence", in.Evidence)
	}
	return nil
}

// look returns copies of a group to work on, each with what is known of it; none
// of the mails hangs on one before it (see groups.next).
func (r *React) look(ctx context.Context, tx *store.Tx, group []*filing) ([]*filing, error) {
	questions := make([]store.Question, len(group))
	for i, f := range group {
		questions[i] = store.Question{Inbound: f.in, IDs: f.cited(), Author: f.author.Address}
	}
	known, err := tx.Known(ctx, group[0].in.MailboxID, questions)
	if err != nil {
		return nil, err
	}
	owners := map[string]int64{}
	out := make([]*filing, len(group))
	for i, f := range group {
		out[i] = f.again()
		out[i].known, out[i].owners = known[i], owners
		if known[i].Owner != 0 {
			owners[f.author.Address] = known[i].Owner
		}
	}
	return out, nil
}

// begins reports whether it is certain that the mail begins a conversation:
// nothing it says leads anywhere.
func (f *filing) begins() bool {
	return f.loop == "" && f.answer == nil && len(f.known.Same) == 0 && len(f.known.Refs) == 0 &&
		!slices.ContainsFunc(f.proof, func(p email.EvidenceItem) bool { return p.MailID != 0 })
}

// put files one mail and ends its row.
func (f *filing) put(ctx context.Context, tx *store.Tx) (err error) {
	f.repeated(f.known.Same)
	if f.in.State == store.InboundNew {
		if f.loop != "" {
			f.in.State, f.in.Words = store.InboundLoop, f.loop
			err = f.noteTrial(ctx, tx)
		} else if f.answer != nil {
			err = f.answered(ctx, tx)
		} else {
			if err = f.join(ctx, tx); err == nil {
				err = f.mark(ctx, tx)
			}
		}
	}
	if err != nil {
		return err
	}
	f.in.DoneAt, f.in.DueAt = f.r.Store.Now(), 0
	f.in.Evidence = plain(f.in.Evidence, maxWords)
	return tx.EndInbound(ctx, f.in)
}

// again returns a copy to work on, since a transaction may run twice.
func (f *filing) again() *filing {
	c := *f
	m := *f.message
	m.Attachments, m.Notices = slices.Clone(f.message.Attachments), slices.Clone(f.message.Notices)
	c.message, c.ids = &m, slices.Clone(f.ids)
	return &c
}

// repeated finds out whether the same mail was here before: same id and same
// content is a duplicate, same id with other content is a mail of its own (D1).
func (f *filing) repeated(same []store.SameID) {
	for _, s := range same {
		if s.ContentHash == f.in.ContentHash {
			f.in.ConversationID, f.in.MessageID = s.ConversationID, s.MessageID
			f.in.State, f.in.Words = store.InboundDuplicate, "The same mail arrived before."
			return
		}
	}
}

// join finds the conversation the mail belongs to, or begins one, and adds the
// message.
func (f *filing) join(ctx context.Context, tx *store.Tx) error {
	c, old, err := f.thread(ctx, tx)
	if err != nil {
		return err
	}
	participants := f.participants()
	if c != nil {
		err = f.recognise(ctx, tx, c, participants)
	} else {
		c, err = f.begin(ctx, tx, old)
	}
	if err == nil {
		err = f.learnLanguage(ctx, tx, c)
	}
	if err == nil && f.owners[f.author.Address] != 0 && f.message.Class == postroom.Human && f.in.Imported == postroom.NotImported {
		err = tx.HeardFrom(ctx, f.author.Address)
	}
	if err != nil {
		return err
	}
	out, err := f.r.Desk.In(ctx, tx, f.message.Author, f.cause(), c, f.ids, func(t *desk.Turn) error {
		t.Receive(f.message, participants...)
		return nil
	})
	if err != nil {
		return err
	}
	f.in.State, f.in.ConversationID, f.in.MessageID = store.InboundDone, out.ConversationID, out.MessageID
	return nil
}

// cause says how the mail came: one that was there before the desk is an import
// of its own day, which no workflow judges (W7).
func (f *filing) cause() desk.Cause {
	if f.in.Imported == postroom.NotImported {
		return desk.Cause{Path: postroom.PathMail}
	}
	return desk.Cause{Path: postroom.PathImport, Import: true, At: f.at()}
}

// at is when the mail arrived: now, or, for one that was there before the desk,
// the date it bears, if that can be.
func (f *filing) at() int64 {
	now := f.r.Store.Now()
	if date := f.message.Date; f.in.Imported != postroom.NotImported && date > 0 && date < now {
		return date
	}
	return now
}

// thread follows the evidence in its order; the first that leads to a
// conversation of this mailbox, or of one moved out of it, decides (T1, T10).
// One that was deleted, or closed for longer than the reopen window, is not
// joined but continued by a new one: old is the one it continues (T8).
func (f *filing) thread(ctx context.Context, tx *store.Tx) (c, old *postroom.Conversation, err error) {
	for _, p := range f.proof {
		if c, err = f.follow(ctx, tx, p); err != nil {
			return nil, nil, err
		}
		if c != nil {
			f.in.Evidence = p.Detail
			break
		}
	}
	if c == nil {
		if c, err = f.kin(ctx, tx); err != nil || c == nil {
			return nil, nil, err
		}
	}
	if f.leaked {
		if takes, err := f.takesPart(ctx, tx, c); err != nil || !takes {
			f.in.Evidence = ""
			return nil, nil, err
		}
	}
	if c, err = f.standing(ctx, tx, c); err != nil {
		return nil, nil, err
	}
	window := int64(f.mailbox.ReopenDays) * 24 * 60 * 60 * 1000
	// What a machine sends for a person never reopens, and begins nothing
	// beside what it answers (A7).
	machine := f.message.Class == postroom.AutoReply || f.message.Class == postroom.DeliveryReport || f.message.Class == postroom.FeedbackReport
	if c.DeletedAt > 0 && !machine {
		words := fmt.Sprintf("Conversation %d was deleted, so a new one continues it.", c.Number)
		f.in.Evidence += " " + words
		f.message.Notices = append(f.message.Notices, words)
		return nil, c, nil
	}
	if f.in.Imported != postroom.NotImported {
		return c, nil, nil // history is not split by how long ago it was
	}
	if c.Status == postroom.Closed && c.ClosedAt > 0 && f.r.Store.Now()-c.ClosedAt > window && !machine {
		words := fmt.Sprintf("Conversation %d was closed more than %d days ago, so a new one continues it.", c.Number, f.mailbox.ReopenDays)
		f.in.Evidence += " " + words
		f.message.Notices = append(f.message.Notices, words)
		return nil, c, nil
	}
	return c, nil, nil
}

// cited lists the ids to look up: those the mail answers, and its own, which
// an answer may have cited before it arrived.
func (f *filing) cited() []string {
	var ids []string
	for _, p := range f.proof {
		if p.Kind == email.StoredID && len(ids) < maxCited {
			ids = append(ids, p.Ref)
		}
	}
	if !slices.Contains(ids, f.in.HeaderID) {
		ids = append(ids, f.in.HeaderID)
	}
	return ids
}

// follow returns the conversation of this mailbox, or moved out of it, that a
// piece of evidence leads to, nil for none. A subject's number never does (T6).
func (f *filing) follow(ctx context.Context, tx *store.Tx, p email.EvidenceItem) (*postroom.Conversation, error) {
	id := int64(0)
	switch {
	case p.MailID != 0:
		m, err := tx.Mail(ctx, p.MailID)
		if postroom.CodeOf(err) == postroom.NotFound {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if m.AgentID != 0 {
			return nil, nil // a notification leads only the agent it is for, and by T12
		}
		if id, err = f.writtenFor(ctx, tx, m); err != nil {
			return nil, err
		}
	case p.Kind == email.StoredID:
		for _, r := range f.known.Refs {
			if r.Ref == p.Ref && !r.Cited {
				id = r.ConversationID
				break
			}
		}
	}
	if id == 0 {
		return nil, nil
	}
	c, err := tx.Conversation(ctx, id)
	if postroom.CodeOf(err) == postroom.NotFound {
		return nil, nil
	}
	if err != nil || c.MailboxID == f.mailbox.ID {
		return c, err
	}
	left, err := tx.HasLeft(ctx, c.ID, f.mailbox.ID)
	if err == nil && !left {
		left, err = f.goesOnHere(ctx, tx, c)
	}
	if err != nil {
		return nil, err
	}
	if !left {
		f.note("It names a conversation of another mailbox, which it may not join from here.")
		return nil, nil
	}
	return c, nil
}

// kin finds the conversation of a mail that arrived before this one although
// it answers it, or answers the same mail, which never came here (T19).
func (f *filing) kin(ctx context.Context, tx *store.Tx) (*postroom.Conversation, error) {
	known := f.known.Refs
	// Where another mail has used the id, answers may mean that one.
	used := slices.ContainsFunc(known, func(r store.Ref) bool { return r.Ref == f.in.HeaderID && !r.Cited })
	for _, own := range []bool{true, false} {
		for _, r := range known {
			if !r.Cited || own != (r.Ref == f.in.HeaderID) || own && used {
				continue
			}
			f.in.Evidence = "Another mail cites " + r.Ref + ", which it cites as well."
			if own {
				f.in.Evidence = "An answer to it arrived before it."
			}
			return tx.Conversation(ctx, r.ConversationID)
		}
	}
	return nil, nil
}

// MaxParticipants is how many people one mail can add to a conversation (T18).
const MaxParticipants = 40

// participants lists who the mail brings along: its author, and those in To
// and Cc who are neither us nor machines (T16).
func (f *filing) participants() []store.Participant {
	var out []store.Participant
	seen := map[string]bool{}
	add := func(p store.Participant) {
		address := postroom.Canonical(p.Address)
		switch {
		case seen[address] || f.nobody(address):
		case len(out) >= MaxParticipants:
			f.message.Notices = append(f.message.Notices, fmt.Sprintf("It names more than %d people; only the first of them were added to the conversation.", MaxParticipants))
			seen[""] = true
		default:
			seen[address] = true
			out = append(out, p)
		}
	}
	add(store.Sender(f.author, true))
	for _, list := range []struct {
		kind string
		in   []postroom.Address
	}{{"to", f.message.To}, {"cc", f.message.Cc}} {
		for _, a := range list.in {
			if !seen[""] {
				add(store.Participant{Address: a.Address, Name: a.Name, Kind: list.kind, Confirmed: true})
			}
		}
	}
	return out
}

// takesPart reports whether the author is the customer, or somebody else who
// takes part for certain.
func (f *filing) takesPart(ctx context.Context, tx *store.Tx, c *postroom.Conversation) (bool, error) {
	if c.CustomerID != 0 && f.owners[f.author.Address] == c.CustomerID {
		f.message.Author.ID = c.CustomerID
		return true, nil
	}
	known, err := tx.Participants(ctx, c.ID)
	return slices.ContainsFunc(known, func(p store.Participant) bool { return p.Address == f.author.Address && p.Confirmed }), err
}

// recognise says who of the conversation wrote the message. Somebody who does
// not take part in it is marked: the message is shown as unverified, brings
// nobody along and is sent nothing until an agent confirms it (T7, T9).
func (f *filing) recognise(ctx context.Context, tx *store.Tx, c *postroom.Conversation, brought []store.Participant) error {
	if known, err := f.takesPart(ctx, tx, c); err != nil || known {
		return err
	}
	for i := range brought {
		brought[i].Confirmed = false
	}
	if f.message.NoAuto == "" {
		f.message.NoAuto = "its sender is new to the conversation and not confirmed"
	}
	if f.nobody(f.author.Address) {
		return nil // nobody to confirm: machines take part in nothing
	}
	f.message.Unconfirmed = true
	f.message.Notices = append(f.message.Notices, "Unverified new participant: "+f.author.Address+" did not take part in this conversation before.")
	return nil
}

// begin makes a new conversation, which may continue an old one.
func (f *filing) begin(ctx context.Context, tx *store.Tx, old *postroom.Conversation) (*postroom.Conversation, error) {
	now := f.at()
	id, customer := f.ids[0], f.ids[1]
	f.ids = f.ids[2:]
	var err error
	if f.nobody(f.author.Address) {
		name := f.author.Name
		if name == "" {
			name = f.author.Address
		}
		err = tx.AddNameless(ctx, customer, name, now)
	} else {
		customer, err = tx.KnownOrAddCustomer(ctx, f.owners[f.author.Address], customer, f.author, now)
		f.owners[f.author.Address] = customer // for those behind it in its group
	}
	if err != nil {
		return nil, err
	}
	f.message.Author.ID = customer
	c := &postroom.Conversation{ID: id, MailboxID: f.mailbox.ID, CustomerID: customer, Subject: f.message.Subject,
		Status: postroom.Active, CreatedAt: now, UpdatedAt: now}
	if f.in.Imported == postroom.ImportedClosed {
		c.Status, c.ClosedAt = postroom.Closed, now
	}
	if old != nil {
		c.LinkedFrom = old.ID
	}
	if f.forged != "" {
		c.Status = postroom.Spam
		f.note("It waits for review in the spam folder.")
	}
	if c.Subject == "" {
		c.Subject = "(no subject)"
	}
	// The whole of a first message and of a forward is shown (Q1).
	f.message.VisibleText, f.message.VisibleHTML = "", ""
	return c, nil
}
