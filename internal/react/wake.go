package react

import (
	"context"
	"fmt"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/store"
)

// wake ends the sleep of a conversation whose time has come, once. One that is
// awake by then, or sleeps longer, is left as it is; so the lane need not be
// looked for when somebody wakes a conversation.
func (r *React) wake(ctx context.Context, c store.Claimed) error {
	ids, err := r.Store.NewIDs(ctx, 2)
	if err != nil {
		return err
	}
	err = r.Store.Write(ctx, func(tx *store.Tx) error {
		on, err := tx.Conversation(ctx, c.ID)
		gone := postroom.CodeOf(err) == postroom.NotFound
		if err != nil && !gone {
			return err
		}
		if err := tx.HoldLane(ctx, store.LaneWake, c); err != nil {
			return lost(err)
		}
		switch {
		case gone || !on.Snoozed():
			return tx.ReleaseLane(ctx, store.LaneWake, c, 0, 0)
		case on.SnoozedUntil > r.Store.Now():
			return tx.ReleaseLane(ctx, store.LaneWake, c, on.SnoozedUntil, 0)
		}
		if err := tx.ReleaseLane(ctx, store.LaneWake, c, 0, 0); err != nil {
			return err
		}
		_, err = r.Desk.In(ctx, tx, postroom.System, desk.Cause{Path: postroom.PathTimer}, on, ids, func(t *desk.Turn) error {
			t.Wake()
			return nil
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("wake conversation %d: %w", c.ID, err)
	}
	return nil
}
