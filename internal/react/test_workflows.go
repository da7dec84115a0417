package react

import (
	"context"

	"postroom/internal/alarm"
	"postroom/internal/store"
)

// testLane runs the tests of a workflow on its published version and writes
// what came of them; the alarm about it is raised, or cleared by itself (W36).
func (r *React) testLane(ctx context.Context, c store.Claimed) error {
	x, err := r.Workflows.Examine(ctx, c.ID)
	if err != nil {
		return err
	}
	alarmID, err := r.Store.NewID(ctx)
	if err != nil {
		return err
	}
	return r.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.HoldLane(ctx, store.LaneTest, c); err != nil {
			return lost(err)
		}
		fresh, err := x.Fresh(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		if !fresh { // published, or changed, meanwhile: look again
			return tx.ReleaseLane(ctx, store.LaneTest, c, r.Store.Now(), 0)
		}
		for _, row := range x.Rows {
			if err := tx.TestRan(ctx, row); err != nil {
				return err
			}
		}
		if words := x.Words(); words != "" {
			err = r.Alarms.RaiseIn(ctx, tx, alarmID, alarm.WorkflowTest, decimal(c.ID), words)
		} else {
			err = r.Alarms.ClearIn(ctx, tx, alarm.WorkflowTest, decimal(c.ID))
		}
		if err != nil {
			return err
		}
		return tx.ReleaseLane(ctx, store.LaneTest, c, 0, 0)
	})
}
