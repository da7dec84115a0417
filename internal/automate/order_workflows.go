package automate

import (
	"context"
	"slices"
	"strconv"

	"postroom"
	"postroom/internal/store"
)

// alarmPaused is the kind of alarm that a workflow paused itself; its subject
// is the workflow's id.
const alarmPaused = "workflow.paused"

// Switch switches a workflow on or off for the events that are judged from
// now on. Switching on also ends a pause that it took by itself, because it
// failed again and again (W21) or had sent more mails than its budget (W23),
// and the alarm about that; its budget begins anew.
func (w *Workflows) Switch(ctx context.Context, by *postroom.Agent, id int64, on bool) (err error) {
	if err := w.mayKeep(ctx, by, id); err != nil {
		return err
	}
	defer postroom.Wrap(&err, "switch workflow %d", id)
	if on {
		// By itself: who counts mails takes the lock on the set after the counts.
		if err := w.store.Write(ctx, func(t *store.Tx) error { return t.ForgetCount(ctx, store.BudgetKey(id)) }); err != nil {
			return err
		}
	}
	return w.changeOf(ctx, by, id, func(t *store.Tx) (bool, error) {
		x, err := t.Workflow(ctx, id)
		if err != nil {
			return false, err
		}
		if x.DeletedAt > 0 {
			return false, errDeleted(x)
		}
		before := x
		x.Enabled = on
		if on {
			x.PausedWords, x.Failures = "", 0
			if err := w.clearPaused(ctx, t, id); err != nil {
				return false, err
			}
		}
		if x == before {
			return false, nil
		}
		return true, t.UpdateWorkflow(ctx, x)
	})
}

func (w *Workflows) clearPaused(ctx context.Context, t *store.Tx, id int64) error {
	was, err := t.ClearAlarm(ctx, alarmPaused, strconv.FormatInt(id, 10), w.store.Now())
	if was {
		t.OnCommit(func() { w.publish(keyAlarms) })
	}
	return err
}

// Move changes places with the workflow before or after it in the one order
// (W11). The first one cannot go up nor the last one down: that changes
// nothing and is no error.
func (w *Workflows) Move(ctx context.Context, by *postroom.Agent, id int64, up bool) (err error) {
	if err := w.mayKeep(ctx, by, id); err != nil {
		return err
	}
	defer postroom.Wrap(&err, "move workflow %d", id)
	return w.changeOf(ctx, by, id, func(t *store.Tx) (bool, error) {
		all, err := t.Workflows(ctx)
		if err != nil {
			return false, err
		}
		from := slices.IndexFunc(all, func(x store.Workflow) bool { return x.ID == id })
		if from < 0 {
			return false, postroom.Errorf(postroom.NotFound, "There is no such workflow.")
		}
		to := from + 1
		if up {
			to = from - 1
		}
		if to < 0 || to >= len(all) {
			return false, nil
		}
		all[from], all[to] = all[to], all[from]
		return true, renumber(ctx, t, all)
	})
}

// renumber writes the positions of those that do not stand where they should.
func renumber(ctx context.Context, t *store.Tx, all []store.Workflow) error {
	for i, x := range all {
		if x.Position == i+1 {
			continue
		}
		// Between reading the list and here a worker may have counted a
		// failure of it: write what is there, not what was read.
		now, err := t.Workflow(ctx, x.ID)
		if err != nil {
			return err
		}
		now.Position = i + 1
		if err := t.UpdateWorkflow(ctx, now); err != nil {
			return err
		}
	}
	return nil
}
