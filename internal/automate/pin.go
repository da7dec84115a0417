package automate

import (
	"context"
	"encoding/json"
	"fmt"

	"postroom"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// Pin makes a test of a workflow out of an event of a real conversation, with
// nothing of a person in it (see workflow.Version.Pin). It is not stored: the
// text is for looking at, and SaveTest keeps it. The workflow is as it is
// published, or as it is being written if it never was.
func (w *Workflows) Pin(ctx context.Context, by *postroom.Agent, id, event int64) (out TestText, err error) {
	x, err := w.mayWrite(ctx, w.store.Read(), by, id)
	if err != nil {
		return out, err
	}
	defer postroom.Wrap(&err, "pin event %d", event)
	read := w.store.Read()
	e, err := read.Event(ctx, event)
	if err == nil && !postroom.Can(by, postroom.See, e.After.MailboxID) {
		err = postroom.Errorf(postroom.NotFound, "There is no such event.")
	}
	if err != nil {
		return out, err
	}
	c, err := read.Conversation(ctx, e.ConversationID)
	if err != nil {
		return out, err
	}
	d := x.published
	if x.row == nil || x.fault != "" {
		d = x.definition
	}
	v, err := workflow.Compile(d, workflow.Identity{WorkflowID: id, Number: max(x.version(), 1), Name: x.name, MailboxID: x.mailboxID})
	if err != nil {
		return out, postroom.Errorf(postroom.Conflict, "The workflow is not complete, so nothing can be pinned for it yet.")
	}
	needs := v.Needs()
	needs.Customer, needs.Subject, needs.Message = true, true, true
	record, err := w.record(ctx, read, &e, c, needs)
	if err != nil {
		return out, err
	}
	in, err := inputsOf(ctx, read, e)
	if err != nil {
		return out, err
	}
	if record.Office, err = officeThen(ctx, read, in.Office, record.Office); err != nil {
		return out, err
	}
	last, err := read.LastReceived(ctx, e.ConversationID)
	if err != nil && postroom.CodeOf(err) != postroom.NotFound {
		return out, err
	}
	test, kept := v.Pin(record, in, err == nil && last.Verified)
	if test.Name, err = w.freeName(ctx, read, id, test.Name); err != nil {
		return out, err
	}
	out, err = w.testText(ctx, by, id, 0, test)
	out.Kept = kept
	return out, err
}

// inputsOf reads by what an event was judged; nothing if it was not.
func inputsOf(ctx context.Context, read store.Read, e postroom.Event) (in workflow.Inputs, err error) {
	if e.SetRevision == 0 {
		return in, nil
	}
	_, _, text, err := read.Judgement(ctx, e.ID)
	if err != nil || text == "" {
		return in, err
	}
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		return in, fmt.Errorf("stored inputs: %w", err)
	}
	return in, nil
}

// freeName numbers a name that another test of the workflow has.
func (w *Workflows) freeName(ctx context.Context, read store.Read, id int64, name string) (string, error) {
	rows, err := read.WorkflowTests(ctx, id)
	if err != nil {
		return "", err
	}
	taken := map[string]bool{}
	for _, r := range rows {
		taken[r.Name] = true
	}
	free := name
	for n := 2; taken[free]; n++ {
		free = fmt.Sprintf("%s (%d)", name, n)
	}
	return free, nil
}
