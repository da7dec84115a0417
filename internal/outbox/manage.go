package outbox

import (
	"context"
	"fmt"
	"slices"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/desk"
	"postroom/internal/store"
)

// may loads a mail that an agent wants to do something about.
func (o *Outbox) may(ctx context.Context, a *postroom.Agent, id int64) (*postroom.Mail, error) {
	m, err := o.Store.Read().Mail(ctx, id)
	if err != nil {
		return nil, err
	}
	may := postroom.Can(a, postroom.Answer, m.MailboxID)
	if m.ConversationID != 0 { // its mailbox and assignee decide, wherever the mail leaves from
		p, err := o.Store.Read().ConversationPlace(ctx, m.ConversationID)
		if err != nil && postroom.CodeOf(err) != postroom.NotFound {
			return nil, err
		}
		may = err == nil && postroom.CanOn(a, postroom.Answer, p.MailboxID, p.AssigneeID)
	}
	if !may {
		return nil, postroom.Errorf(postroom.NotFound, "There is no such mail.")
	}
	return m, nil
}

// Retry makes a waiting mail due now, and sends a failed one again to those
// who did not get it. Pressing twice makes one mail: the second press finds it
// due, or already sent again (W28).
func (o *Outbox) Retry(ctx context.Context, a *postroom.Agent, id int64) error {
	m, err := o.may(ctx, a, id)
	if err != nil {
		return err
	}
	switch m.State {
	case postroom.MailDeferred, postroom.MailQueued:
		return o.dueNow(ctx, a, m)
	case postroom.MailUnsure, postroom.MailRefused:
		return o.SendAgain(ctx, a, id)
	case postroom.MailHeld:
		return postroom.Errorf(postroom.Conflict, "The mail goes out by itself when its undo window is over, or when the mail it follows has gone.")
	case postroom.MailSending:
		return postroom.Errorf(postroom.Conflict, "The mail is being sent at this moment.")
	}
	return postroom.Errorf(postroom.Conflict, "A mail that is %s is not tried again.", m.State)
}

// dueNow makes a deferred mail due. Where nothing can be tried it says why,
// instead of doing nothing.
func (o *Outbox) dueNow(ctx context.Context, a *postroom.Agent, look *postroom.Mail) error {
	ch, err := o.Store.Read().Channel(ctx, look.MailboxID)
	if err != nil {
		return err
	}
	if ch.PausedAt > 0 {
		if !postroom.Can(a, postroom.Manage, look.MailboxID) {
			return postroom.Errorf(postroom.Conflict, "Sending is paused for this mailbox: %s. An admin can resume it on the queue page.", ch.PausedWords)
		}
		if err := o.open(ctx, look.MailboxID); err != nil {
			return err
		}
	} else if look.State == postroom.MailQueued {
		o.Wake(desk.WakeDeliver)
		return postroom.Errorf(postroom.Conflict, "The mail is queued already: it goes when its turn comes, after the mails before it.")
	}
	return o.move(ctx, look.ID, a.ID, func(m *postroom.Mail) (postroom.MailState, string, error) {
		if m.State != postroom.MailDeferred {
			return "", "", nil
		}
		return postroom.MailQueued, wordsRetry + a.Name, nil
	})
}

// RetryAll makes all deferred mails due that the agent may answer for, in one
// mailbox or, with 0, in all; it returns how many now wait for their turn. An
// admin's press also opens paused channels.
func (o *Outbox) RetryAll(ctx context.Context, a *postroom.Agent, mailbox int64) (int, error) {
	all, err := o.Store.Read().Mailboxes(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, m := range all {
		if mailbox != 0 && m.ID != mailbox || !postroom.Can(a, postroom.Answer, m.ID) {
			continue
		}
		if postroom.Can(a, postroom.Manage, m.ID) {
			if err := o.open(ctx, m.ID); err != nil {
				return n, err
			}
		}
		waiting := 0
		err := o.Store.Write(ctx, func(tx *store.Tx) error {
			waiting, err = tx.RetryDeferred(ctx, m.ID, wordsRetry+a.Name, o.Store.Now())
			return err
		})
		if err != nil {
			return n, err
		}
		n += waiting
	}
	o.Wake(desk.WakeDeliver)
	return n, nil
}

// Cancel ends a mail that has not been handed over. A notice that follows it
// is cancelled too, and the conversation reopens (W25).
func (o *Outbox) Cancel(ctx context.Context, a *postroom.Agent, id int64) error {
	if _, err := o.may(ctx, a, id); err != nil {
		return err
	}
	return o.move(ctx, id, a.ID, func(m *postroom.Mail) (postroom.MailState, string, error) {
		if m.State == postroom.MailUnsure || !m.State.May(postroom.MailUndone) {
			return "", "", postroom.Errorf(postroom.Conflict, "A mail that is %s can no longer be cancelled.", m.State)
		}
		return postroom.MailUndone, "Cancelled by " + a.Name + ".", nil
	})
}

// Arrived settles an uncertain mail by an agent's word.
func (o *Outbox) Arrived(ctx context.Context, a *postroom.Agent, id int64) error {
	if _, err := o.may(ctx, a, id); err != nil {
		return err
	}
	return o.move(ctx, id, a.ID, func(m *postroom.Mail) (postroom.MailState, string, error) {
		if m.State != postroom.MailUnsure {
			return "", "", postroom.Errorf(postroom.Conflict, "The mail is %s: there is nothing to settle.", m.State)
		}
		return postroom.MailDone, a.Name + " says that it arrived.", nil
	})
}

// Release lets a quarantined mail go.
func (o *Outbox) Release(ctx context.Context, a *postroom.Agent, id int64) error {
	return o.quarantined(ctx, a, id, postroom.MailQueued, "Released by "+a.Name+".")
}

// Discard ends a quarantined mail.
func (o *Outbox) Discard(ctx context.Context, a *postroom.Agent, id int64) error {
	return o.quarantined(ctx, a, id, postroom.MailUndone, "Discarded by "+a.Name+".")
}

func (o *Outbox) quarantined(ctx context.Context, a *postroom.Agent, id int64, to postroom.MailState, words string) error {
	if _, err := o.may(ctx, a, id); err != nil {
		return err
	}
	return o.move(ctx, id, a.ID, func(m *postroom.Mail) (postroom.MailState, string, error) {
		if m.State != postroom.MailKept {
			return "", "", postroom.Errorf(postroom.Conflict, "The mail is %s and not held back.", m.State)
		}
		return to, words, nil
	})
}

// Resume opens a paused channel; its mails are due at once.
func (o *Outbox) Resume(ctx context.Context, a *postroom.Agent, mailbox int64) error {
	if !postroom.Can(a, postroom.Manage, mailbox) {
		return postroom.Errorf(postroom.Forbidden, "Only an admin can resume a mailbox.")
	}
	return o.open(ctx, mailbox)
}

// Reopen opens a mailbox's channel, if it is paused, because what it was paused
// for is mended.
func (o *Outbox) Reopen(ctx context.Context, mailbox int64) error { return o.open(ctx, mailbox) }

func (o *Outbox) open(ctx context.Context, mailbox int64) error {
	return o.Store.Write(ctx, func(tx *store.Tx) error { return o.resume(ctx, tx, mailbox) })
}

// SendAgain sends an uncertain mail once more, the very same bytes; and makes
// a new mail of one that failed or was taken as sent, for those recipients
// that are not known to have it. A mail that was sent again already is a
// Conflict.
func (o *Outbox) SendAgain(ctx context.Context, a *postroom.Agent, id int64) error {
	look, err := o.may(ctx, a, id)
	if err != nil {
		return err
	}
	if look.State == postroom.MailUnsure {
		return o.move(ctx, id, a.ID, func(m *postroom.Mail) (postroom.MailState, string, error) {
			if m.State != postroom.MailUnsure {
				return "", "", postroom.Errorf(postroom.Conflict, "The mail is %s by now.", m.State)
			}
			m.Resent = true
			return postroom.MailQueued, wordsAgain + a.Name + ".", nil
		})
	}
	if look.State != postroom.MailRefused && look.State != postroom.MailAssumed {
		return postroom.Errorf(postroom.Conflict, "A mail that is %s is not sent again.", look.State)
	}
	return o.again(ctx, a, look)
}

// again makes a new mail of an ended one.
func (o *Outbox) again(ctx context.Context, a *postroom.Agent, look *postroom.Mail) error {
	next, err := o.remake(ctx, look)
	if err != nil {
		return err
	}
	ids, err := o.Store.NewIDs(ctx, settleIDs)
	if err != nil {
		return err
	}
	return o.Store.Write(ctx, func(tx *store.Tx) error {
		c, err := tx.Conversation(ctx, look.ConversationID)
		if err != nil {
			return err
		}
		if newer, err := tx.SentAgain(ctx, look); err != nil || newer {
			if err == nil {
				err = postroom.Errorf(postroom.Conflict, "This mail was sent again already.")
			}
			return err
		}
		e := postroom.Event{Seq: look.Seq, Root: look.Root, RootSeq: look.RootSeq} // what goes back to an agent is of no event
		if look.EventID != 0 {
			if e, err = tx.Event(ctx, look.EventID); err != nil {
				return err
			}
		}
		if err := mayBeTold(ctx, tx, look, c); err != nil {
			return err
		}
		e.FinalAt = e.At // its window is long over
		m := *next
		m.Recipients = slices.Clone(next.Recipients)
		_, err = o.Desk.In(ctx, tx, postroom.Actor{Kind: postroom.ByAgent, ID: a.ID}, desk.Cause{Path: postroom.PathMenu}, c, ids, func(t *desk.Turn) error {
			t.Mail(&m, &e)
			m.MailboxID = next.MailboxID // whose address it bears, wherever the conversation was moved
			m.DueAt, m.QueuedAt = t.By().At, t.By().At
			return nil
		})
		if err != nil {
			return err
		}
		return o.Alarms.ClearIn(ctx, tx, alarm.MailFailed, decimal(look.ID))
	})
}

// mayBeTold refuses to send a notification again to an agent who may not see the
// conversation any more.
func mayBeTold(ctx context.Context, tx *store.Tx, m *postroom.Mail, c *postroom.Conversation) error {
	if m.AgentID == 0 {
		return nil
	}
	a, err := tx.Agent(ctx, m.AgentID)
	if err != nil {
		return err
	}
	if !postroom.CanOn(a, postroom.See, c.MailboxID, c.AssigneeID) {
		return postroom.Errorf(postroom.Conflict, "%s may not see this conversation any more, so they are not told of it again.", a.Name)
	}
	return nil
}

// remake composes the mail anew, with a Message-ID of its own.
func (o *Outbox) remake(ctx context.Context, look *postroom.Mail) (*postroom.Mail, error) {
	s, err := desk.SpecOf(look)
	if err != nil {
		return nil, err
	}
	mailbox, err := o.Store.Read().Mailbox(ctx, look.MailboxID)
	if err != nil {
		return nil, err
	}
	id, err := o.Store.NewID(ctx)
	if err != nil {
		return nil, err
	}
	m, err := o.Desk.Recompose(look, s, mailbox, id, o.Store.Now())
	if err != nil {
		return nil, err
	}
	for _, r := range look.Recipients {
		if r.State == postroom.MailRefused || r.State == postroom.MailAssumed {
			m.Recipients = append(m.Recipients, postroom.MailRecipient{Address: r.Address, Kind: r.Kind})
		}
	}
	if len(m.Recipients) == 0 {
		return nil, fmt.Errorf("mail %d has nobody to be sent to again", look.ID)
	}
	m.Words = fmt.Sprintf("Sent again in place of mail %d.", look.ID)
	return m, nil
}
