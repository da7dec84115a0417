package automate

import (
	"context"
	"fmt"

	"postroom"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// shippedMeta names the note that a shipped workflow was given to this desk.
// The note stays when an admin removes the workflow, so that it does not come
// back at the next start.
func shippedMeta(key string) string { return "shipped workflow " + key }

// EnsureShipped gives a desk the workflows it is shipped with (W13): a new
// desk has them switched on, in their order; one that a later release adds
// comes last and switched off, because a desk in use must not begin to mail
// people by itself. Each comes once, and what an admin changed stays as it is.
// Any number of processes may call it at the same time.
func (w *Workflows) EnsureShipped(ctx context.Context) (err error) {
	defer postroom.Wrap(&err, "set up the shipped workflows")
	missing, err := w.missing(ctx)
	if err != nil || len(missing) == 0 {
		return err
	}
	ids, err := w.store.NewIDs(ctx, len(missing))
	if err != nil {
		return err
	}
	return w.change(ctx, 0, func(t *store.Tx) (changed bool, err error) {
		there, err := t.Workflows(ctx)
		if err != nil {
			return false, err
		}
		position, fresh := 0, len(there) == 0 && len(missing) == len(workflow.Shipped())
		for _, x := range there {
			position = max(position, x.Position)
		}
		for i, s := range missing {
			mine, err := t.Claim(ctx, shippedMeta(s.Key), fmt.Sprint(ids[i]))
			if err != nil {
				return false, err
			}
			if !mine {
				continue // another process was faster
			}
			position++
			if err := w.insertShipped(ctx, t, ids[i], position, fresh, s); err != nil {
				return false, err
			}
			changed = true
		}
		return changed, nil
	})
}

// missing lists the shipped workflows that this desk was never given.
func (w *Workflows) missing(ctx context.Context) ([]workflow.ShippedWorkflow, error) {
	var out []workflow.ShippedWorkflow
	for _, s := range workflow.Shipped() {
		given, err := w.store.Read().Meta(ctx, shippedMeta(s.Key))
		if err != nil {
			return nil, err
		}
		if given == "" {
			out = append(out, s)
		}
	}
	return out, nil
}

func (w *Workflows) insertShipped(ctx context.Context, t *store.Tx, id int64, position int, on bool, s workflow.ShippedWorkflow) error {
	if err := workflow.Publishable(s.Definition); err != nil {
		return fmt.Errorf("shipped workflow %s: %w", s.Key, err)
	}
	text, err := s.Definition.Encode()
	if err != nil {
		return err
	}
	row := store.Workflow{ID: id, Key: s.Key, Name: s.Name, Position: position, Enabled: on, Version: 1}
	if err := t.InsertWorkflow(ctx, row); err != nil {
		return fmt.Errorf("insert workflow %s: %w", s.Key, err)
	}
	return t.InsertVersion(ctx, store.WorkflowVersion{WorkflowID: id, Number: 1, Definition: string(text), At: w.store.Now()})
}
