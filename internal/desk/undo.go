package desk

import (
	"context"
	"fmt"
	"slices"
	"strconv"

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
	c, err := tx.Conversation(ctx, act.ConversationID)
	if err != nil {
		return Undone{}, err
	}
	if act, err = tx.Act(ctx, id); err != nil { // again, now that the conversation is locked
		return Undone{}, err
	}
	if err := may(a, postroom.Answer, c.MailboxID); err != nil {
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
		if e.State == postroom.EventJudged && e.Kind.Edge() || e.SetRevision != 0 {
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

// message turns the published message into the draft it was.
func (u *undoing) message(ctx context.Context) error {
	if u.act.MessageID == 0 {
		return nil
	}
	m, err := u.tx.Message(ctx, u.act.MessageID)
	if err != nil {
		return err
	}
	if err := u.tx.HideMessage(ctx, m.ID); err != nil {
		return err
	}
	draft := &postroom.Draft{ID: u.ids[0], ConversationID: u.c.ID, AgentID: u.act.Actor.ID, Kind: m.Kind,
		To: m.To, Cc: m.Cc, Bcc: m.Bcc, SeenSeq: u.c.Seq, UpdatedAt: u.now}
	ids := u.ids[1:]
	if len(m.Attachments) > len(ids) {
		return fmt.Errorf("undo: %d attachments", len(m.Attachments))
	}
	draft.HTML = m.HTML
	for i, f := range m.Attachments {
		if f.Inline {
			draft.HTML = pictureURLs(draft.HTML, f, ids[i])
		}
	}
	// What the author typed meanwhile is theirs too: it is kept, below.
	drafts, err := u.tx.DraftsOf(ctx, u.c.ID, u.act.Actor.ID)
	if err != nil {
		return err
	}
	for _, other := range drafts {
		if other.Kind == m.Kind {
			draft.HTML += "<p></p>" + other.HTML
		}
	}
	if err := u.tx.SaveDraft(ctx, draft); err != nil {
		return err
	}
	u.out.DraftID = draft.ID
	u.uncount(m)
	return u.tx.RestoreFiles(ctx, draft.ID, m.Attachments, ids)
}

// uncount takes the message out of the conversation's counts. Times that a
// later message moved on stay as they are.
func (u *undoing) uncount(m *postroom.Message) {
	c, was := u.c, u.act.Before
	if m.Kind == postroom.Note {
		c.Notes--
		u.notes++
		return
	}
	c.Replies--
	u.replies++
	if c.LastAgentAt == u.act.At {
		c.LastAgentAt = was.LastAgentAt
	}
	if c.LastHumanAt == u.act.At {
		c.LastHumanAt = was.LastHumanAt
	}
}

// restore gives each fact that still has the act's value its old one, and
// re-snapshots the later events that are still to be judged.
func (u *undoing) restore(ctx context.Context) error {
	c := u.c
	for i := len(u.undone) - 1; i >= 0; i-- {
		e := u.undone[i]
		switch e.Kind {
		case postroom.StatusChanged:
			if string(c.Status) == e.Payload.To {
				c.Restore(postroom.Status(e.Payload.From), u.act.Before)
			} else if string(c.Status) != e.Payload.From {
				u.out.Kept = append(u.out.Kept, "The status was changed since and stays "+string(c.Status)+".")
			}
		case postroom.AssigneeChanged:
			if number(e.Payload.To) == c.AssigneeID {
				c.AssigneeID = number(e.Payload.From)
			} else if number(e.Payload.From) != c.AssigneeID {
				u.out.Kept = append(u.out.Kept, "The assignee was changed since.")
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
	if c.WaitingSince == 0 && c.Status != postroom.Closed && c.Status != postroom.Spam && c.LastHumanAt <= u.act.At {
		c.WaitingSince = u.act.Before.WaitingSince
	}
	return u.resnapshot(ctx)
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

// save writes the conversation and lets its lane look again.
func (u *undoing) save(ctx context.Context) error {
	c, d := u.c, u.desk
	if m, err := u.tx.LastShown(ctx, c.ID); err != nil {
		return err
	} else if m != nil {
		c.Preview = m.Preview()
	}
	if err := u.tx.UpdateConversation(ctx, c, u.before); err != nil {
		return err
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
	change := Change{Kind: "conversation", MailboxID: c.MailboxID, ConversationID: c.ID, Number: c.Number, AgentID: 0,
		Folders: []postroom.Folder{postroom.FolderOf(u.before.Status, u.before.AssigneeID), postroom.FolderOf(c.Status, c.AssigneeID)}}
	u.tx.OnCommit(func() {
		d.wake(WakeJudge)
		d.wake(WakeDeliver)
		d.publish(change)
	})
	return u.tx.SaveCounts(ctx)
}

func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}
