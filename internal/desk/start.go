package desk

import (
	"context"

	"postroom"
)

// Start runs a workflow by hand on a conversation, for an agent who may answer
// there: it is recorded as an event of the agent's, with the undo window of any
// act, and judged in its turn by that workflow alone (W8). A workflow of another
// mailbox is Invalid, one that was switched off meanwhile a Conflict.
func (d *Desk) Start(ctx context.Context, a *postroom.Agent, id int64, w postroom.Startable, path postroom.Path) (Outcome, error) {
	return d.change(ctx, a, id, path, func(t *Turn) error { return t.Start(w) })
}

// Start records that a workflow is to run, for the judge.
func (t *Turn) Start(w postroom.Startable) error {
	if !w.For(t.Conversation.MailboxID) {
		return postroom.InvalidField("workflow", "“%s” is a workflow of another mailbox.", w.Name)
	}
	x, err := t.Tx.Workflow(t.ctx, w.WorkflowID)
	switch {
	case err != nil:
		return err
	case x.DeletedAt > 0:
		return postroom.Errorf(postroom.Conflict, "“%s” was deleted.", w.Name)
	case !x.Enabled:
		return postroom.Errorf(postroom.Conflict, "“%s” was switched off.", w.Name)
	case x.PausedWords != "":
		return postroom.Errorf(postroom.Conflict, "“%s” is paused. %s", w.Name, x.PausedWords)
	}
	t.Record(postroom.WorkflowStarted, postroom.Payload{WorkflowID: w.WorkflowID, Number: w.Version, Words: w.Name})
	return nil
}
