package outbox

import (
	"context"
	"slices"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/desk"
	"postroom/internal/store"
)

// settleIDs is how many ids a settlement may need: its events and alarms.
const settleIDs = 16

// settle writes what an attempt came to, in one transaction: the mail and its
// recipients, the attempt, the channel, the event on the conversation, and
// what it means for the mails that follow (W25).
func (o *Outbox) settle(ctx context.Context, c store.Claimed, m *postroom.Mail, a store.Attempt, v verdict) error {
	ids, err := o.Store.NewIDs(ctx, settleIDs)
	if err != nil {
		return err
	}
	err = o.Store.Write(ctx, func(tx *store.Tx) error {
		// The conversation is locked before the mail, as everywhere.
		conversation, err := conversationOf(ctx, tx, m)
		if err != nil {
			return err
		}
		now := o.Store.Now()
		next := *m
		next.State, next.Words, next.DueAt, next.Recipients = v.state, v.words, v.dueAt, v.recipients
		if !v.spent {
			next.Tries--
		}
		if v.state.Ended() {
			next.EndedAt, next.DueAt = now, 0
		}
		if v.kept {
			if err := tx.KeepSlot(ctx, m.ID, idleSlot.Milliseconds()); err != nil {
				return err
			}
		}
		if err := tx.SettleMail(ctx, c, &next); err != nil {
			return err
		}
		v.attempt.ID, v.attempt.EndedAt = a.ID, now
		if err := tx.EndAttempt(ctx, v.attempt); err != nil {
			return err
		}
		err = o.consequences(ctx, tx, conversation, &next, fate{late: v.late(m), orphan: v.orphan}, ids[1:])
		if err != nil {
			return err
		}
		// The channel comes last: whoever claims has mails first, then channels.
		return o.settleChannel(ctx, tx, m.MailboxID, v, ids[0])
	})
	if postroom.CodeOf(err) == postroom.Conflict && v.answered() {
		// Somebody took us for dead after the dot. The server's answer is the
		// evidence that settles it.
		if err = o.tell(ctx, m.ID, v); err == nil {
			o.heard.forget(m.ID)
		}
		return err
	}
	if err == nil {
		o.heard.forget(m.ID)
		o.Dots.End(m.ID, c.Lease)
		o.Log.Info("mail", "mail", m.ID, "state", v.state, "phase", v.attempt.Phase, "words", v.words)
	}
	return err
}

// late reports whether this is the try that brings a mail over an hour: then
// people are told, once (R5).
func (v verdict) late(m *postroom.Mail) bool {
	const hour = 60 * 60 * 1000
	since := max(m.QueuedAt, m.CreatedAt)
	return v.state == postroom.MailDeferred && m.DueAt-since < hour && v.dueAt-since >= hour
}

// mailEvents says which event each state records on the conversation.
var mailEvents = map[postroom.MailState]postroom.EventKind{
	postroom.MailDone: postroom.MailAccepted, postroom.MailRefused: postroom.MailFailed, postroom.MailUnsure: postroom.MailUncertain,
	postroom.MailUndone: postroom.MailCancelled, postroom.MailBlocked: postroom.MailSuppressed, postroom.MailSkip: postroom.MailSkipped,
	postroom.MailAssumed: postroom.MailAssumedSent, postroom.MailKept: postroom.MailQuarantined,
}

// fate is what a settlement knows beside the mail's state.
type fate struct {
	late   bool  // the mail has passed an hour
	by     int64 // the agent who decided it, 0 for nobody
	orphan bool  // it was cancelled because the mail it follows failed
}

// consequences records what became of a mail on its conversation, settles the
// mails that follow it, and raises or clears alarms.
func (o *Outbox) consequences(ctx context.Context, tx *store.Tx, c *postroom.Conversation, m *postroom.Mail, f fate, ids []int64) error {
	kind, recorded := mailEvents[m.State]
	if f.late {
		kind, recorded = postroom.MailDelayed, true
	}
	if m.State.Ended() {
		tx.OnCommit(func() { o.Wake(desk.WakeDeliver) })
	} else if m.State == postroom.MailQueued || m.State == postroom.MailUnsure || m.State == postroom.MailDeferred {
		tx.OnCommit(func() { o.Wake(desk.WakeDeliver); o.Wake(WakeMend) })
	}
	if !recorded {
		return nil
	}
	if err := o.mailAlarm(ctx, tx, m, f.late, ids[0]); err != nil {
		return err
	}
	if m.AgentID != 0 {
		return nil // a notification is no part of the conversation, and no mail follows it
	}
	if m.ConversationID != 0 {
		// What was promised about this mail may be decided now (W38).
		stirred := func() { tx.OnCommit(func() { o.Wake(desk.WakePromise) }) }
		if err := tx.StirWatches(ctx, m.ConversationID, stirred); err != nil {
			return err
		}
	}
	if err := o.sentErrand(ctx, tx, m, ids[len(ids)-1]); err != nil {
		return err
	}
	cancelled, err := o.followers(ctx, tx, m)
	if err != nil {
		return err
	}
	// What became of a mail begins a chain, which knows what decided the mail.
	cause := desk.Cause{Path: postroom.PathSystem, Begin: true}
	if m.EventID != 0 {
		cause.Event = &postroom.Event{ID: m.EventID}
	}
	_, err = o.Desk.In(ctx, tx, postroom.System, cause, c, ids[1:len(ids)-1], func(t *desk.Turn) error {
		t.Record(kind, postroom.Payload{MailID: m.ID, MessageID: m.MessageID, By: f.by, Words: m.Words, Code: codeOf(m)})
		for _, later := range cancelled {
			t.Record(postroom.MailCancelled, postroom.Payload{MailID: later.ID, MessageID: later.MessageID, By: f.by, Words: later.Words})
		}
		if (len(cancelled) > 0 || f.orphan) && c.Status == postroom.Closed && c.MergedInto == 0 {
			t.Status(postroom.Active) // the customer was not answered: somebody must look (W25)
		}
		return nil
	})
	if err == nil && (len(cancelled) > 0 || f.orphan) && c.MergedInto != 0 {
		err = o.reopenMerged(ctx, tx, c, cause)
	}
	return err
}

// reopenMerged reopens what a conversation was merged into, of which a reply
// failed: there the customer's matter goes on.
func (o *Outbox) reopenMerged(ctx context.Context, tx *store.Tx, merged *postroom.Conversation, cause desk.Cause) error {
	c, err := tx.StandingConversation(ctx, merged.ID)
	if err != nil || c.Status != postroom.Closed {
		return err
	}
	id, err := o.Store.NewID(ctx)
	if err != nil {
		return err
	}
	_, err = o.Desk.In(ctx, tx, postroom.System, cause, c, []int64{id}, func(t *desk.Turn) error {
		t.Status(postroom.Active)
		return nil
	})
	return err
}

// codeOf returns the code of the SMTP answer that decided a mail's state, 0 if
// none did.
func codeOf(m *postroom.Mail) int {
	for _, r := range m.Recipients {
		if r.State == m.State && r.Code != 0 {
			return r.Code
		}
	}
	return 0
}

// mailAlarm raises the alarm of a mail that people must look at, and clears it
// when it has come right.
func (o *Outbox) mailAlarm(ctx context.Context, tx *store.Tx, m *postroom.Mail, late bool, id int64) error {
	switch {
	case late:
		return o.Alarms.RaiseIn(ctx, tx, id, alarm.MailDelayed, decimal(m.ID), m.Words)
	case m.State == postroom.MailRefused:
		return o.Alarms.RaiseIn(ctx, tx, id, alarm.MailFailed, decimal(m.ID), m.Words)
	case m.State == postroom.MailUnsure:
		return o.Alarms.RaiseIn(ctx, tx, id, alarm.MailUncertain, decimal(m.ID), m.Words)
	case m.State.Ended():
		for _, k := range []alarm.Kind{alarm.MailUncertain, alarm.MailDelayed, alarm.MailLost} {
			if err := o.Alarms.ClearIn(ctx, tx, k, decimal(m.ID)); err != nil {
				return err
			}
		}
	}
	return nil
}

// wordsFollows says why a notice does not go out.
const wordsFollows = "Cancelled: the reply it follows failed."

// followers cancels the mails of the same chain whose recipients all were
// refused this one, unless the mailbox says to send them anyway (W25).
func (o *Outbox) followers(ctx context.Context, tx *store.Tx, m *postroom.Mail) ([]*postroom.Mail, error) {
	switch m.State {
	case postroom.MailRefused, postroom.MailUndone, postroom.MailBlocked:
	default:
		return nil, nil
	}
	mailbox, err := tx.Mailbox(ctx, m.MailboxID)
	if err != nil || mailbox.SendAnyway {
		return nil, err
	}
	ids, err := tx.Followers(ctx, m)
	if err != nil {
		return nil, err
	}
	var out []*postroom.Mail
	now := o.Store.Now()
	for _, id := range ids {
		f, err := tx.Mail(ctx, id)
		if err != nil {
			return nil, err
		}
		if !f.State.May(postroom.MailUndone) || reached(m, f) {
			continue
		}
		from := f.State
		desk.Skip(f, postroom.MailUndone, wordsFollows, now)
		if err := tx.MoveMail(ctx, f, from); err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// reached reports whether a recipient of the later mail got the earlier one.
func reached(earlier, later *postroom.Mail) bool {
	return slices.ContainsFunc(later.Recipients, func(r postroom.MailRecipient) bool {
		return slices.ContainsFunc(earlier.Recipients, func(e postroom.MailRecipient) bool {
			return e.Address == r.Address && (e.State == postroom.MailDone || e.State == postroom.MailAssumed)
		})
	})
}

// move changes the state of a mail that no attempt works on. f says to what
// and why; "" leaves it. by is the agent who wants it, 0 for nobody.
func (o *Outbox) move(ctx context.Context, id, by int64, f func(*postroom.Mail) (postroom.MailState, string, error)) error {
	ids, err := o.Store.NewIDs(ctx, settleIDs)
	if err != nil {
		return err
	}
	look, err := o.Store.Read().Mail(ctx, id)
	if err != nil {
		return err
	}
	return o.Store.Write(ctx, func(tx *store.Tx) error {
		c, err := conversationOf(ctx, tx, look)
		if err != nil {
			return err
		}
		m, err := tx.Mail(ctx, id)
		if err != nil {
			return err
		}
		to, words, err := f(m)
		if err != nil || to == "" {
			return err
		}
		from, now := m.State, o.Store.Now()
		m.State, m.Words = to, words
		for i := range m.Recipients {
			r := &m.Recipients[i]
			switch {
			case r.State.Ended():
			case from == postroom.MailUnsure && to.Ended() && r.State != postroom.MailUnsure:
				// The server has put this one off: what settles the doubt about
				// the others says nothing of it.
				r.State, m.State = postroom.MailQueued, postroom.MailQueued
				m.Words = words + " It is tried again for whom the server had put off."
			default:
				r.State, r.Words, r.At = to, words, now
			}
		}
		to = m.State
		m.DueAt = now
		if to.Ended() {
			m.DueAt, m.EndedAt = 0, now
		} else if m.QueuedAt == 0 {
			m.QueuedAt = now
		}
		if err := tx.MoveMail(ctx, m, from); err != nil {
			return err
		}
		return o.consequences(ctx, tx, c, m, fate{by: by}, ids)
	})
}

// conversationOf loads and locks a mail's conversation. What goes back to an
// agent whose conversation was erased is of none, and changes none.
func conversationOf(ctx context.Context, tx *store.Tx, m *postroom.Mail) (*postroom.Conversation, error) {
	if m.ConversationID == 0 && m.AgentID != 0 {
		return &postroom.Conversation{}, nil
	}
	return tx.Conversation(ctx, m.ConversationID)
}
