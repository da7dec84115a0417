package desk

import (
	"context"

	"postroom"
	"postroom/internal/store"
)

// undoGrace is how long after its window an act can still be undone if no
// worker has touched it, in milliseconds: the time a click travels.
const undoGrace = 1500

// Undone is what an undo left behind.
type Undone struct {
	ConversationID int64
	Number         int64
	DraftID        int64    // the draft the message became again, 0 if there was none
	Kept           []string // what was not restored because it changed since, in words
}

// Undo takes back an agent's own act within its window: its events never
// happened for workflows, its mails are cancelled, its message is the draft it
// was, and each fact that still has the act's value gets its old one (W19).
// Undo and the workers race by compare-and-set: one of them wins. Too late,
// twice, or somebody else's: Conflict or Forbidden, with the reason.
func (d *Desk) Undo(ctx context.Context, a *postroom.Agent, act int64) (out Undone, err error) {
	defer wrap(&err, "undo")
	ids, err := d.store.NewIDs(ctx, 2+MaxFiles)
	if err != nil {
		return out, err
	}
	err = d.store.Write(ctx, func(tx *store.Tx) error {
		out, err = d.undoIn(ctx, tx, a, act, ids)
		return err
	})
	return out, err
}

func (d *Desk) undoIn(ctx context.Context, tx *store.Tx, a *postroom.Agent, id int64, ids []int64) (Undone, error) {
	act, err := tx.Act(ctx, id)
	if err != nil {
		return Undone{}, err
	}
	if act.PairID != 0 {
		return d.undoPair(ctx, tx, a, act, ids)
	}
	c, err := tx.Conversation(ctx, act.ConversationID)
	if err != nil {
		return Undone{}, err
	}
	if act, err = tx.Act(ctx, id); err != nil { // again, now that the conversation is locked
		return Undone{}, err
	}
	// Who gave the conversation away may take that back, whatever they see.
	if err := may(a, postroom.Answer, c.MailboxID, c.AssigneeID); err != nil && may(a, postroom.Answer, c.MailboxID, act.Before.AssigneeID) != nil {
		return Undone{}, err
	}
	now := d.store.Now()
	if err := undoable(a, act, now); err != nil {
		return Undone{}, err
	}
	u := &undoing{desk: d, tx: tx, act: act, c: c, before: c.Facts(), now: now, ids: ids}
	for _, step := range []func(context.Context) error{u.events, u.message, u.restore, u.save} {
		if err := step(ctx); err != nil {
			return Undone{}, err
		}
	}
	u.out.ConversationID, u.out.Number = c.ID, c.Number
	return u.out, nil
}

func undoable(a *postroom.Agent, act store.Act, now int64) error {
	switch {
	case act.Actor.Kind != postroom.ByAgent || act.Actor.ID != a.ID:
		return postroom.Errorf(postroom.Forbidden, "Only the agent who did it can undo it.")
	case act.UndoneAt > 0:
		return postroom.Errorf(postroom.Conflict, "This was undone already.")
	case now > act.FinalAt+undoGrace:
		return postroom.Errorf(postroom.Conflict, "Too late to undo: the undo window is over.")
	}
	return nil
}

// undoing is one undo at work.
type undoing struct {
	desk   *Desk
	tx     *store.Tx
	act    store.Act
	c      *postroom.Conversation
	before postroom.Snapshot // the conversation as it is now
	now    int64
	ids    []int64
	undone []postroom.Event
	later  []postroom.Event // what happened since and was not undone
	out    Undone

	replies, notes int // messages taken back

	other   *undoing           // of a merge, the other conversation
	gaveOut *postroom.Snapshot // of the conversation that was taken in, before that
}

// events marks the act's events undone and cancels their mails; if a worker
// has begun with any of them, it has won.
func (u *undoing) events(ctx context.Context) error {
	events, err := u.tx.ActEvents(ctx, u.c.ID, u.act.ID)
	if err != nil {
		return err
	}
	for _, e := range events {
		if e.State == postroom.EventUndone {
			continue // nothing was left of it after an earlier act was undone
		}
		if e.State == postroom.EventJudged && e.Kind.Edge() && !e.Kind.Quiet() || e.SetRevision != 0 {
			return postroom.Errorf(postroom.Conflict, "Too late to undo: the workflows have seen it.")
		}
		if e.State == postroom.EventPending {
			ok, err := u.tx.EndEvent(ctx, e.ID, postroom.EventUndone, "")
			if err == nil && !ok {
				err = postroom.Errorf(postroom.Conflict, "Too late to undo: the workflows have seen it.")
			}
			if err != nil {
				return err
			}
		} else if err := u.tx.HideEvent(ctx, e.ID); err != nil {
			return err
		}
		if err := u.tx.CancelHeld(ctx, e.ID, "Undone before it was sent.", u.now); err != nil {
			return err
		}
		u.undone = append(u.undone, e)
	}
	if n := len(u.undone); n > 0 {
		if u.later, err = u.tx.LaterEvents(ctx, u.c.ID, u.undone[n-1].Seq); err != nil {
			return err
		}
	}
	return u.tx.UndoAct(ctx, u.act.ID, u.now)
}

// save writes the conversation and lets its lane look again.
func (u *undoing) save(ctx context.Context) error {
	c, d := u.c, u.desk
	if m, err := u.tx.LastShown(ctx, c.ID); err != nil {
		return err
	} else if m != nil {
		c.Preview = m.Preview()
	}
	if u.gaveOut != nil {
		has, err := u.tx.HasFiles(ctx, c.ID)
		if err != nil {
			return err
		}
		c.HasAttachments = has
	}
	if err := u.tx.UpdateConversation(ctx, c, u.before); err != nil {
		return err
	}
	if c.MailboxID != u.before.MailboxID {
		if err := u.tx.MoveConversation(ctx, c.ID, u.before.MailboxID, c.MailboxID, u.now); err != nil {
			return err
		}
		d.alsoIn(u.tx, u.before, c)
	}
	if c.Snoozed() {
		if err := u.tx.OpenLane(ctx, store.LaneWake, c.ID, c.SnoozedUntil); err != nil {
			return err
		}
	}
	pending, err := u.tx.PendingEvents(ctx, c.ID, 0, 1)
	if err != nil {
		return err
	}
	if len(pending) > 0 {
		if err := u.tx.OpenLane(ctx, store.LaneJudge, c.ID, pending[0].FinalAt); err != nil {
			return err
		}
	}
	change := Change{Kind: "conversation", MailboxID: c.MailboxID, ConversationID: c.ID, Number: c.Number, Assignees: assignees(u.before, c),
		Folders: foldersOf(u.before, false, c)}
	u.tx.OnCommit(func() {
		d.wake(WakeJudge)
		d.wake(WakeDeliver)
		d.wake(WakeSnooze)
		d.publish(change)
	})
	return u.tx.SaveCounts(ctx)
}
