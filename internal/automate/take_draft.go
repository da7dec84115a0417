package automate

import (
	"context"
	"slices"

	"postroom"
	"postroom/internal/flowfile"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// TakeDraft makes the workflow of a file the draft of the one with its key, or
// of a new one where no workflow has the key, and returns the workflow's id.
// Nothing is published. A draft that is there is written over; what the file
// names and this desk does not have is Invalid, with a sentence.
func (w *Workflows) TakeDraft(ctx context.Context, by *postroom.Agent, file flowfile.Source) (id int64, err error) {
	if err := writes(by); err != nil {
		return 0, err
	}
	defer postroom.Wrap(&err, "take over a workflow")
	read := w.store.Read()
	called, err := fileNames(ctx, read)
	if err != nil {
		return 0, err
	}
	rows, err := read.EveryWorkflow(ctx)
	if err != nil {
		return 0, err
	}
	keys := flowfile.Keys([]flowfile.Source{file}).Workflows
	i := -1
	if len(keys) == 1 {
		i = slices.IndexFunc(rows, func(r store.Workflow) bool { return r.Key == keys[0] })
	}
	docs, faults := flowfile.ReadWorkflows([]flowfile.Source{file}, flowfile.NewNames(called))
	if len(faults) > 0 {
		return 0, postroom.Errorf(postroom.Invalid, "This desk cannot take it over: %s", faults[0].Text)
	}
	if len(docs) != 1 {
		return 0, postroom.Errorf(postroom.Invalid, "One workflow is taken over at a time.")
	}
	d := store.WorkflowDraft{Name: docs[0].Name, MailboxID: docs[0].Mailbox}
	if i < 0 {
		return w.begin(ctx, by, d, docs[0].Definition)
	}
	return rows[i].ID, w.overwriteDraft(ctx, by, rows[i], d, docs[0].Definition)
}

// overwriteDraft writes the draft of a workflow that is there.
func (w *Workflows) overwriteDraft(ctx context.Context, by *postroom.Agent, row store.Workflow, d store.WorkflowDraft, definition workflow.Definition) error {
	if row.DeletedAt > 0 {
		return errDeleted(row)
	}
	text, err := definition.Encode()
	if err != nil {
		return err
	}
	d.WorkflowID, d.Definition, d.AuthorID, d.At = row.ID, string(text), by.ID, w.store.Now()
	return w.store.Write(ctx, func(t *store.Tx) error {
		if _, err := w.stillWrites(ctx, t, by, row.ID); err != nil {
			return err
		}
		if err := stillMay(ctx, t, by.ID, postroom.DraftWorkflows, d.MailboxID); err != nil {
			return err
		}
		now, err := t.Workflow(ctx, row.ID)
		if err != nil {
			return err
		}
		d.Base, d.Revision = now.Version, 1
		old, err := t.WorkflowDraft(ctx, row.ID)
		switch {
		case err == nil:
			d.Revision = old.Revision + 1
		case postroom.CodeOf(err) != postroom.NotFound:
			return err
		}
		t.OnCommit(func() { w.publish(Key) })
		return t.SaveWorkflowDraft(ctx, d)
	})
}
