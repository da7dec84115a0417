package automate

import (
	"context"
	"fmt"
	"slices"

	"postroom"
	"postroom/internal/flowfile"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// TakeDraft makes the workflow of a file the draft of the one with its key, or
// of a new one where no workflow has the key, and returns the workflow's id.
// Nothing is published. A draft of one's own that is there is written over. That
// of a colleague is a Conflict with field FieldDraft, which says whose it is;
// with anyway it is kept as the draft of a new workflow, named after them. What
// the file names and this desk does not have is Invalid, with a sentence.
func (w *Workflows) TakeDraft(ctx context.Context, by *postroom.Agent, file flowfile.Source, anyway bool) (id int64, err error) {
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
	return rows[i].ID, w.overwriteDraft(ctx, by, rows[i], d, docs[0].Definition, anyway)
}

// FieldDraft is the field of the Conflict about a colleague's draft.
const FieldDraft = "draft"

// overwriteDraft writes the draft of a workflow that is there.
func (w *Workflows) overwriteDraft(ctx context.Context, by *postroom.Agent, row store.Workflow, d store.WorkflowDraft, definition workflow.Definition, anyway bool) error {
	if row.DeletedAt > 0 {
		return errDeleted(row)
	}
	text, err := definition.Encode()
	if err != nil {
		return err
	}
	kept, err := w.store.NewID(ctx)
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
		d := d // this may run again
		d.Base, d.Revision = now.Version, 1
		old, err := t.WorkflowDraft(ctx, row.ID)
		switch {
		case err == nil:
			d.Revision = old.Revision + 1
			if old.AuthorID == by.ID || old.Name == d.Name && old.MailboxID == d.MailboxID && old.Definition == d.Definition {
				break
			}
			if err := keepOther(ctx, t, old, kept, anyway); err != nil {
				return err
			}
		case postroom.CodeOf(err) != postroom.NotFound:
			return err
		}
		t.OnCommit(func() { w.publish(Key) })
		return t.SaveWorkflowDraft(ctx, d)
	})
}

// keepOther keeps a colleague's draft that is to be written over, as that of a new
// workflow, or refuses where nobody has said so.
func keepOther(ctx context.Context, t *store.Tx, old store.WorkflowDraft, id int64, anyway bool) error {
	whose := "a colleague"
	switch a, err := t.Agent(ctx, old.AuthorID); {
	case err == nil:
		whose = a.Name
	case postroom.CodeOf(err) != postroom.NotFound:
		return err
	}
	if !anyway {
		return &postroom.Error{Code: postroom.Conflict, Field: FieldDraft,
			Text: fmt.Sprintf("On the desk, %s is writing another draft of this workflow. Take yours over anyway, and theirs is kept beside it as a workflow of its own.", whose)}
	}
	old.WorkflowID, old.Name, old.Base, old.Revision = id, clipName(old.Name+" (draft of "+whose+")"), 0, 1
	return t.SaveWorkflowDraft(ctx, old)
}

// clipName cuts a name to what a workflow may be called.
func clipName(name string) string {
	if r := []rune(name); len(r) > maxName {
		return string(r[:maxName])
	}
	return name
}
