package automate

import (
	"context"
	"strconv"

	"postroom"
	"postroom/internal/store"
)

// alarmPaused is the kind of alarm that a workflow paused itself; its subject
// is the workflow's id.
const alarmPaused = "workflow.paused"

// SetEnabled switches a workflow on or off for the events that are judged from
// now on. Switching on also ends a pause that it took by itself because it
// failed again and again (W21), and the alarm about that.
func (w *Workflows) SetEnabled(ctx context.Context, by *postroom.Agent, id int64, on bool) (c Change, err error) {
	if err := manage(by); err != nil {
		return Change{}, err
	}
	defer postroom.Wrap(&err, "switch workflow %d", id)
	c.Changed, c.Revision, err = w.change(ctx, by.ID, func(t *store.Tx) (bool, error) {
		x, err := t.Workflow(ctx, id)
		if err != nil {
			return false, err
		}
		c.Version = x.Version
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
	return c, err
}

func (w *Workflows) clearPaused(ctx context.Context, t *store.Tx, id int64) error {
	was, err := t.ClearAlarm(ctx, alarmPaused, strconv.FormatInt(id, 10), w.store.Now())
	if was {
		t.OnCommit(func() { w.publish(keyAlarms) })
	}
	return err
}

// Direction is where a workflow is moved in the order.
type Direction string

// The directions.
const (
	Up   Direction = "up"   // judged earlier
	Down Direction = "down" // judged later
)

// Move changes places with the workflow before or after it in the one order
// (W11). The first one cannot go up nor the last one down: that changes
// nothing and is no error.
func (w *Workflows) Move(ctx context.Context, by *postroom.Agent, id int64, d Direction) (c Change, err error) {
	if err := manage(by); err != nil {
		return Change{}, err
	}
	if d != Up && d != Down {
		return Change{}, postroom.InvalidField("direction", "A workflow is moved up or down.")
	}
	defer postroom.Wrap(&err, "move workflow %d", id)
	c.Changed, c.Revision, err = w.change(ctx, by.ID, func(t *store.Tx) (bool, error) {
		all, err := t.Workflows(ctx)
		if err != nil {
			return false, err
		}
		from := -1
		for i, x := range all {
			if x.ID == id {
				from, c.Version = i, x.Version
			}
		}
		if from < 0 {
			return false, postroom.Errorf(postroom.NotFound, "There is no such workflow.")
		}
		to := from - 1
		if d == Down {
			to = from + 1
		}
		if to < 0 || to >= len(all) {
			return false, nil
		}
		all[from], all[to] = all[to], all[from]
		return true, renumber(ctx, t, all)
	})
	return c, err
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
