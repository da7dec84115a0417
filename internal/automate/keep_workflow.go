package automate

import (
	"context"
	"slices"

	"postroom"
	"postroom/internal/store"
)

// Rename gives a workflow another name. A name is 1 to 120 characters on one
// line; anything else is Invalid with field "name". Its draft is renamed too.
func (w *Workflows) Rename(ctx context.Context, by *postroom.Agent, id int64, name string) (err error) {
	if err := w.mayKeep(ctx, by, id); err != nil {
		return err
	}
	defer postroom.Wrap(&err, "rename workflow %d", id)
	name, _, err = head(Form{fieldName: {name}})
	if err == nil && name == "" {
		err = postroom.InvalidField(fieldName, "A workflow needs a name.")
	}
	if err != nil {
		return err
	}
	return w.changeOf(ctx, by, id, func(t *store.Tx) (bool, error) {
		x, err := w.writing(ctx, t.Read, id)
		if err != nil {
			return false, err
		}
		if x.draft != nil && x.draft.Name != name {
			x.draft.Name, x.draft.Revision, x.draft.AuthorID, x.draft.At = name, x.draft.Revision+1, by.ID, w.store.Now()
			if err := t.SaveWorkflowDraft(ctx, *x.draft); err != nil {
				return false, err
			}
		}
		if x.row == nil || x.row.Name == name {
			return false, nil
		}
		x.row.Name = name
		return true, t.UpdateWorkflow(ctx, *x.row)
	})
}

// Delete takes a workflow out: it is switched off and stands in the order no
// more. Its versions and runs stay, so that Why? goes on telling what it did,
// and Undelete brings it back. The draft of its next version goes. One that was
// never published has no history: of it nothing stays.
func (w *Workflows) Delete(ctx context.Context, by *postroom.Agent, id int64) (err error) {
	if err := w.mayKeep(ctx, by, id); err != nil {
		return err
	}
	defer postroom.Wrap(&err, "delete workflow %d", id)
	return w.changeOf(ctx, by, id, func(t *store.Tx) (bool, error) {
		x, err := w.writing(ctx, t.Read, id)
		if err != nil {
			return false, err
		}
		if err := w.retest(ctx, t, id); err != nil {
			return false, err
		}
		if x.row == nil {
			t.OnCommit(func() { w.publish(Key) })
			if err := t.DeleteWorkflowTests(ctx, id); err != nil {
				return false, err
			}
			return false, t.DeleteWorkflowDraft(ctx, id)
		}
		return true, w.delete(ctx, t, id)
	})
}

// delete takes a published workflow out, with the draft of its next version.
func (w *Workflows) delete(ctx context.Context, t *store.Tx, id int64) error {
	if err := t.DeleteWorkflowDraft(ctx, id); err != nil {
		return err
	}
	x, err := t.Workflow(ctx, id)
	if err != nil {
		return err
	}
	if err := w.clearPaused(ctx, t, id); err != nil {
		return err
	}
	x.Enabled, x.PausedWords, x.Failures, x.DeletedAt = false, "", 0, w.store.Now()
	return t.UpdateWorkflow(ctx, x)
}

// Undelete brings a deleted workflow back: last in the order and switched off,
// so that nothing runs again before somebody has looked at it. One that is
// there stays as it is.
func (w *Workflows) Undelete(ctx context.Context, by *postroom.Agent, id int64) (err error) {
	if err := w.mayKeep(ctx, by, id); err != nil {
		return err
	}
	defer postroom.Wrap(&err, "restore workflow %d", id)
	return w.changeOf(ctx, by, id, func(t *store.Tx) (bool, error) {
		x, err := t.Workflow(ctx, id)
		if err != nil || x.DeletedAt == 0 {
			return false, err
		}
		all, err := t.Workflows(ctx)
		if err != nil {
			return false, err
		}
		x.DeletedAt, x.Enabled, x.Position = 0, false, 1
		for _, other := range all {
			x.Position = max(x.Position, other.Position+1)
		}
		if err := w.retest(ctx, t, id); err != nil {
			return false, err
		}
		return true, t.UpdateWorkflow(ctx, x)
	})
}

// Place moves a workflow to before another one in the one order (W11), or to
// the end when before is 0.
func (w *Workflows) Place(ctx context.Context, by *postroom.Agent, id, before int64) (err error) {
	if err := w.mayKeep(ctx, by, id); err != nil {
		return err
	}
	defer postroom.Wrap(&err, "move workflow %d", id)
	return w.changeOf(ctx, by, id, func(t *store.Tx) (bool, error) {
		all, err := t.Workflows(ctx)
		if err != nil {
			return false, err
		}
		at := func(id int64) int { return slices.IndexFunc(all, func(x store.Workflow) bool { return x.ID == id }) }
		from := at(id)
		if from < 0 || before != 0 && at(before) < 0 {
			return false, postroom.Errorf(postroom.NotFound, "There is no such workflow.")
		}
		moved, old := all[from], slices.Clone(all)
		if id == before {
			return false, nil
		}
		all = slices.Delete(all, from, from+1)
		to := len(all)
		if before != 0 {
			to = at(before)
		}
		all = slices.Insert(all, to, moved)
		if slices.EqualFunc(old, all, func(a, b store.Workflow) bool { return a.ID == b.ID }) {
			return false, nil
		}
		return true, renumber(ctx, t, all)
	})
}
