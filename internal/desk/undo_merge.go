package desk

import (
	"context"
	"slices"

	"postroom"
	"postroom/internal/store"
)

// undoPair takes back a merge: the acts on both conversations, of which act is
// one, and what went from one to the other. It is undone whole or not at all.
func (d *Desk) undoPair(ctx context.Context, tx *store.Tx, a *postroom.Agent, act store.Act, ids []int64) (Undone, error) {
	pair, err := tx.Act(ctx, act.PairID)
	if err != nil {
		return Undone{}, err
	}
	both, err := lockBoth(ctx, tx, act.ConversationID, pair.ConversationID)
	if err != nil {
		return Undone{}, err
	}
	acts := []store.Act{act, pair}
	for i := range acts { // again, now that the conversations are locked
		if acts[i], err = tx.Act(ctx, acts[i].ID); err != nil {
			return Undone{}, err
		}
	}
	now := d.store.Now()
	for _, x := range acts {
		c := both[x.ConversationID]
		if err := may(a, postroom.Answer, c.MailboxID, c.AssigneeID); err != nil && may(a, postroom.Answer, c.MailboxID, x.Before.AssigneeID) != nil {
			return Undone{}, err
		}
		if err := undoable(a, x, now); err != nil {
			return Undone{}, err
		}
	}
	tx.CountLate()
	sides := make([]*undoing, len(acts))
	for i, x := range acts {
		c := both[x.ConversationID]
		sides[i] = &undoing{desk: d, tx: tx, act: x, c: c, before: c.Facts(), now: now, ids: ids}
	}
	sides[0].other, sides[1].other = sides[1], sides[0]
	for _, step := range []func(*undoing, context.Context) error{(*undoing).events, (*undoing).restore, (*undoing).carryBack, (*undoing).save} {
		for _, u := range sides {
			if err := step(u, ctx); err != nil {
				return Undone{}, err
			}
		}
	}
	out := sides[0].out
	out.Kept = slices.Concat(sides[0].out.Kept, sides[1].out.Kept)
	out.ConversationID, out.Number = sides[0].c.ID, sides[0].c.Number
	return out, nil
}

// unmerge takes back that a conversation was merged, or that it took another in.
func (u *undoing) unmerge(e *postroom.Event) {
	c := u.c
	if e.MergedAway() {
		c.MergedInto = 0
		return
	}
	was := u.other.act.Before
	u.gaveOut = &was
	c.GiveOut(was, u.act.Before)
	c.Follow(nil, slices.DeleteFunc(slices.Clone(was.Followers), func(id int64) bool { return slices.Contains(u.act.Before.Followers, id) }))
}

// carryBack gives the conversation that was merged back what went along.
func (u *undoing) carryBack(ctx context.Context) error {
	if u.act.Path != postroom.PathMerge {
		return nil
	}
	if err := u.other.forgetTexts(ctx); err != nil {
		return err
	}
	return u.tx.CarryBack(ctx, u.c, u.other.c, u.act.Carried)
}

// forgetTexts deletes the texts of fields that were written anew for a merge
// that is undone, so that none is left when its conversation is erased. One that
// was changed since is named by what changed it, and stays.
func (u *undoing) forgetTexts(ctx context.Context) error {
	for _, e := range u.undone {
		if kind, _, _ := postroom.SplitFieldPath(e.Payload.Field); e.Kind != postroom.FieldChanged || kind != postroom.FieldText {
			continue
		}
		if slices.ContainsFunc(u.later, func(l postroom.Event) bool {
			return l.Kind == postroom.FieldChanged && l.Payload.Field == e.Payload.Field
		}) {
			continue
		}
		if err := u.tx.DeleteFieldText(ctx, e.Payload.To); err != nil {
			return err
		}
	}
	return nil
}

// withoutMerged takes what came with a merge that is undone out of a later
// snapshot.
func (u *undoing) withoutMerged(s postroom.Snapshot) postroom.Snapshot {
	if u.gaveOut == nil {
		return s
	}
	c := postroom.Conversation{Received: s.Received, Replies: s.Replies, Notes: s.Notes, LastCustomerAt: s.LastCustomerAt, LastAgentAt: s.LastAgentAt,
		LastHumanAt: s.LastHumanAt, WaitingSince: s.WaitingSince, Status: s.Status}
	c.GiveOut(*u.gaveOut, u.act.Before)
	s.Received, s.Replies, s.Notes, s.LastCustomerAt, s.LastAgentAt, s.LastHumanAt, s.WaitingSince = c.Received, c.Replies, c.Notes, c.LastCustomerAt, c.LastAgentAt, c.LastHumanAt, c.WaitingSince
	return s
}
