package desk

import (
	"context"

	"postroom"
)

// CancelTimer ends a timer that waits on a conversation, for an agent who may
// answer there; the timeline says who. One that has ended by then is a Conflict
// that says how.
func (d *Desk) CancelTimer(ctx context.Context, a *postroom.Agent, conversation, id int64, path postroom.Path) (Outcome, error) {
	if _, _, err := d.load(ctx, a, conversation); err != nil {
		return Outcome{}, err
	}
	actor := postroom.Actor{Kind: postroom.ByAgent, ID: a.ID}
	return d.Turn(ctx, actor, Cause{Path: path}, conversation, func(t *Turn) error {
		x, err := t.Tx.Timer(ctx, id)
		if err != nil {
			return err
		}
		if x.ConversationID != conversation {
			return postroom.Errorf(postroom.NotFound, "There is no such timer.")
		}
		if x.State != postroom.TimerWaiting {
			return postroom.Errorf(postroom.Conflict, "%s", ended(x))
		}
		w, err := t.Tx.Workflow(ctx, x.WorkflowID)
		if err != nil {
			return err
		}
		what := "it will not run"
		if x.Leg > 0 {
			what = "it will not go on"
		}
		e := t.Record(postroom.TimerCancelled, postroom.Payload{TimerID: x.ID, WorkflowID: x.WorkflowID, Number: x.Version, Leg: x.Leg, Words: "cancelled the wait of “" + w.Name + "”: " + what})
		return t.EndTimer(x, postroom.TimerStopped, e, "Cancelled by an agent.")
	})
}

// ended says what became of a timer, to somebody who came too late.
func ended(x postroom.Timer) string {
	switch x.State {
	case postroom.TimerFired:
		return "It was due already, and the workflow has run."
	case postroom.TimerRestarted:
		return "Its wait has begun anew since: look at the conversation again."
	}
	return "It does not wait any more."
}

// EndTimer ends a timer that waits on the conversation, because of an event.
func (t *Turn) EndTimer(x postroom.Timer, state postroom.TimerState, e *postroom.Event, words string) error {
	x.State, x.EndedAt, x.EndedBy, x.EndEvent, x.Words = state, t.by.At, t.by.Actor, e.ID, words
	return t.Tx.EndTimer(t.ctx, x)
}

// Due records that a timer of the conversation is due, for the judge.
func (t *Turn) Due(x postroom.Timer) error {
	e := t.Record(postroom.TimerDue, postroom.Payload{TimerID: x.ID, WorkflowID: x.WorkflowID, Number: x.Version, Leg: x.Leg})
	return t.EndTimer(x, postroom.TimerFired, e, "")
}

// Changed tells open pages that something about an event's conversation is to be
// read anew that no act of the desk has changed. Call it after the commit.
func (d *Desk) Changed(e *postroom.Event) {
	d.publish(Change{Kind: "conversation", MailboxID: e.After.MailboxID, ConversationID: e.ConversationID, Number: e.After.Number,
		Folders: []postroom.Folder{e.After.Folder()}, Assignees: assignees(e.After, &postroom.Conversation{AssigneeID: e.After.AssigneeID})})
}
