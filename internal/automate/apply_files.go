package automate

import (
	"context"
	"fmt"
	"slices"

	"postroom/internal/store"
)

// write does what was reckoned. It reports whether the set of workflows changed:
// tests alone are no part of it.
func (a *applying) write(ctx context.Context, t *store.Tx) (changed bool, err error) {
	free := a.free
	var tested []int64
	for _, x := range a.items {
		if x.step.What == StepSame {
			continue
		}
		tested = append(tested, x.row.ID)
		if r := red(x.step.Tests); len(r) > 0 {
			if err := t.Log(ctx, redLog(x.row.Name, r, a.by.ID)); err != nil {
				return false, err
			}
		}
		row, err := a.writeRow(ctx, t, x)
		if err != nil {
			return false, fmt.Errorf("workflow %s: %w", x.row.Key, err)
		}
		changed = changed || row
		if x.tests {
			if err := a.writeTests(ctx, t, x, &free); err != nil {
				return false, fmt.Errorf("tests of workflow %s: %w", x.row.Key, err)
			}
		}
	}
	gone, err := a.prune(ctx, t)
	if err != nil {
		return false, err
	}
	moved, err := a.reorder(ctx, t)
	if err != nil {
		return false, err
	}
	promised, err := a.writePromises(ctx, t)
	if err != nil {
		return false, err
	}
	if err := a.writeCalendars(ctx, t); err != nil {
		return false, err
	}
	changed = changed || moved || promised || len(gone) > 0
	if !changed {
		t.OnCommit(func() { a.w.publish(Key) })
	}
	return changed, a.w.retest(ctx, t, append(tested, gone...)...)
}

// writeRow writes a workflow and, if it has another definition, its version.
func (a *applying) writeRow(ctx context.Context, t *store.Tx, x *item) (changed bool, err error) {
	row := x.row
	if x.was != nil {
		// A worker may have counted a failure of it since it was read.
		now, err := t.Workflow(ctx, row.ID)
		if err != nil {
			return false, err
		}
		row.Failures, row.PausedWords, row.DeletedAt = now.Failures, now.PausedWords, 0
		if row.Enabled && !x.was.Enabled {
			row.Failures, row.PausedWords = 0, ""
			if err := a.w.clearPaused(ctx, t, row.ID); err != nil {
				return false, err
			}
		}
		if x.fresh {
			if row.Version, err = following(ctx, t, row); err != nil {
				return false, err
			}
		}
		if err := t.UpdateWorkflow(ctx, row); err != nil {
			return false, err
		}
		changed = x.fresh || row != *x.was
	} else {
		row.Position = len(a.order) + 1
		if err := t.InsertWorkflow(ctx, row); err != nil {
			return false, err
		}
		changed = true
	}
	if !x.fresh {
		return changed, nil
	}
	return true, t.InsertVersion(ctx, store.WorkflowVersion{WorkflowID: row.ID, Number: row.Version, Definition: x.text, AuthorID: a.by.ID, At: a.w.store.Now()})
}

// writeTests puts the tests of a file in the place of those that are there. One
// that stays as it is keeps its row, and what came of it.
func (a *applying) writeTests(ctx context.Context, t *store.Tx, x *item, free *[]int64) error {
	there, err := t.WorkflowTests(ctx, x.row.ID)
	if err != nil {
		return err
	}
	for i, test := range x.doc.Tests {
		body, err := test.Encode()
		if err != nil {
			return err
		}
		row := store.WorkflowTest{WorkflowID: x.row.ID, Position: i + 1, Name: test.Name, Body: string(body), AuthorID: a.by.ID, At: a.w.store.Now()}
		at := slices.IndexFunc(there, func(old store.WorkflowTest) bool { return old.Name == test.Name })
		switch {
		case at < 0:
			row.ID, *free = (*free)[0], (*free)[1:]
		case there[at].Body == row.Body:
			old := there[at]
			old.Position, row = row.Position, old
		default:
			row.ID = there[at].ID
		}
		if at >= 0 {
			there = slices.Delete(there, at, at+1)
		}
		if err := t.SaveWorkflowTest(ctx, row); err != nil {
			return err
		}
	}
	for _, old := range there {
		if err := t.DeleteWorkflowTest(ctx, x.row.ID, old.ID); err != nil {
			return err
		}
	}
	return nil
}

// prune deletes the workflows that no file has.
func (a *applying) prune(ctx context.Context, t *store.Tx) (gone []int64, err error) {
	if !a.f.Prune {
		return nil, nil
	}
	for _, r := range a.rows {
		if r.DeletedAt > 0 || slices.Contains(a.order, r.ID) {
			continue
		}
		if err := a.w.delete(ctx, t, r.ID); err != nil {
			return nil, err
		}
		gone = append(gone, r.ID)
	}
	return gone, nil
}

// reorder writes the positions of all workflows.
func (a *applying) reorder(ctx context.Context, t *store.Tx) (moved bool, err error) {
	for i, id := range a.order {
		now, err := t.Workflow(ctx, id)
		if err != nil {
			return false, err
		}
		if now.Position == i+1 {
			continue
		}
		now.Position, moved = i+1, true
		if err := t.UpdateWorkflow(ctx, now); err != nil {
			return false, err
		}
	}
	return moved, nil
}
