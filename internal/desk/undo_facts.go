package desk

import (
	"context"
	"slices"
	"strconv"

	"postroom"
)

// restore gives each fact that still has the act's value its old one, and
// re-snapshots the later events that are still to be judged.
func (u *undoing) restore(ctx context.Context) error {
	c := u.c
	for i := len(u.undone) - 1; i >= 0; i-- {
		e := u.undone[i]
		switch e.Kind {
		case postroom.StatusChanged:
			if string(c.Status) == e.Payload.To {
				c.PutBack(postroom.Status(e.Payload.From), u.act.Before)
			} else if string(c.Status) != e.Payload.From {
				u.out.Kept = append(u.out.Kept, "The status was changed since and stays "+string(c.Status)+".")
			}
		case postroom.AssigneeChanged:
			if number(e.Payload.To) == c.AssigneeID {
				c.AssigneeID = number(e.Payload.From)
			} else if number(e.Payload.From) != c.AssigneeID {
				u.out.Kept = append(u.out.Kept, "The assignee was changed since.")
			}
		case postroom.TeamChanged:
			if number(e.Payload.To) == c.TeamID {
				c.TeamID = number(e.Payload.From)
			} else if number(e.Payload.From) != c.TeamID {
				u.out.Kept = append(u.out.Kept, "The team was changed since.")
			}
		case postroom.ConversationMoved:
			if number(e.Payload.To) == c.MailboxID {
				c.MailboxID = number(e.Payload.From)
			} else {
				u.out.Kept = append(u.out.Kept, "It was moved on since.")
			}
		case postroom.ConversationSnoozed, postroom.ConversationWoken:
			if c.SnoozedUntil == number(e.Payload.To) {
				c.PutToSleep(e.Payload.From, e.Payload.By)
			} else {
				u.out.Kept = append(u.out.Kept, "It was put to sleep, or woken, since.")
			}
		case postroom.FieldChanged:
			if path := e.Payload.Field; c.Fields[path] == e.Payload.To {
				c.PutField(path, e.Payload.From)
			} else if c.Fields[path] != e.Payload.From {
				u.out.Kept = append(u.out.Kept, "A field was changed since.")
			}
		case postroom.ConversationMerged:
			u.unmerge(&e)
		case postroom.CustomerChanged:
			if err := u.giveBack(ctx, e); err != nil {
				return err
			}
		case postroom.SenderConfirmed:
			if err := u.tx.Unconfirm(ctx, c.ID, e.Payload.MessageID); err != nil {
				return err
			}
		case postroom.ConversationDeleted:
			c.DeletedAt = 0
		case postroom.ConversationRestored:
			if c.DeletedAt == 0 {
				c.DeletedAt = u.now
			}
		case postroom.TagsChanged:
			for _, t := range e.Payload.Added {
				c.Tags = slices.DeleteFunc(c.Tags, func(x int64) bool { return x == t })
			}
			for _, t := range e.Payload.Removed {
				if !slices.Contains(c.Tags, t) {
					c.Tags = append(c.Tags, t)
				}
			}
			slices.Sort(c.Tags)
		case postroom.SubjectChanged:
			if slices.ContainsFunc(u.later, renames) {
				u.out.Kept = append(u.out.Kept, "The subject was changed since.")
			} else {
				c.Subject = u.act.Subject
			}
		}
	}
	// Who follows what they write in does so by what is undone now.
	if me := u.act.Actor.ID; u.act.MessageID != 0 && !slices.Contains(u.act.Before.Followers, me) {
		c.Follow(nil, []int64{me})
	}
	if c.DeletedAt > 0 {
		c.WaitingSince = 0
	} else if c.WaitingSince == 0 && c.Status != postroom.Closed && c.Status != postroom.Spam && c.LastHumanAt <= u.act.At {
		c.WaitingSince = u.act.Before.WaitingSince
	}
	return u.resnapshot(ctx)
}

// giveBack gives the conversation back to the customer it was taken from, who
// takes part again as before.
func (u *undoing) giveBack(ctx context.Context, e postroom.Event) error {
	if number(e.Payload.To) != u.c.CustomerID {
		u.out.Kept = append(u.out.Kept, "It was given to yet another customer since.")
		return nil
	}
	u.c.CustomerID = number(e.Payload.From)
	return u.tx.PartWith(ctx, u.c.ID, u.c.CustomerID, true)
}

func renames(e postroom.Event) bool { return e.Kind == postroom.SubjectChanged }

// resnapshot rewrites the later events as if the undone ones had never been:
// from-values and snapshots. One whose from equals its to is undone too. What
// the later acts would go back to, if they are undone as well, follows.
func (u *undoing) resnapshot(ctx context.Context) error {
	facts, act := u.act.Before, u.act.ID
	renamed := slices.ContainsFunc(u.undone, renames)
	for _, e := range u.later {
		if e.ActID != act {
			act = e.ActID
			if err := u.rebase(ctx, act, facts, renamed); err != nil {
				return err
			}
		}
		renamed = renamed && !renames(e)
		next, changed := e.Replay(facts)
		if changed {
			facts = u.without(next.After)
			next.After = facts
		}
		if e.State != postroom.EventPending {
			continue // nobody judges it
		}
		if !changed {
			if _, err := u.tx.EndEvent(ctx, e.ID, postroom.EventUndone, "Nothing was left of it after an earlier act was undone."); err != nil {
				return err
			}
			continue
		}
		if err := u.tx.RewriteEvent(ctx, next); err != nil {
			return err
		}
	}
	return nil
}

// rebase tells a later act what was before it now; a machine's act, which
// cannot be undone, has nothing to be told.
func (u *undoing) rebase(ctx context.Context, id int64, before postroom.Snapshot, renamed bool) error {
	act, err := u.tx.Act(ctx, id)
	if postroom.CodeOf(err) == postroom.NotFound {
		return nil
	}
	if err != nil || act.UndoneAt > 0 {
		return err
	}
	act.Before = before
	if renamed {
		act.Subject = u.act.Subject
	}
	return u.tx.RewriteAct(ctx, act)
}

// without takes the messages taken back out of a later snapshot, and lets the
// customer wait again where nobody else has answered since.
func (u *undoing) without(s postroom.Snapshot) postroom.Snapshot {
	s = u.withoutMerged(s)
	was := u.act.Before
	s.Replies -= u.replies
	s.Notes -= u.notes
	if u.replies > 0 && s.LastAgentAt == u.act.At {
		s.LastAgentAt = was.LastAgentAt
	}
	if u.replies > 0 && s.LastHumanAt == u.act.At {
		s.LastHumanAt = was.LastHumanAt
	}
	if s.WaitingSince == 0 && s.LastHumanAt <= was.LastHumanAt && (s.Status == postroom.Active || s.Status == postroom.Pending) {
		s.WaitingSince = was.WaitingSince
	}
	return s
}

func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}
