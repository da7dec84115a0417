package react

import (
	"context"
	"fmt"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/store"
)

// After a restore, what the lost desk may have done already waits for an admin:
// see store.HoldBack.

// heldBack carries out what an admin decided about what is held back, and
// writes it into the system log. do returns a number of things and what was
// done with them.
func (r *React) heldBack(ctx context.Context, a *postroom.Agent, wake string, do func(tx *store.Tx) (n int64, words string, err error)) error {
	if !postroom.Can(a, postroom.Manage, 0) {
		return postroom.Errorf(postroom.Forbidden, "Only an admin can decide about what was held back after a restore.")
	}
	return r.Store.Write(ctx, func(tx *store.Tx) error {
		n, words, err := do(tx)
		if err != nil || n == 0 {
			return err
		}
		if wake != "" {
			tx.OnCommit(func() { r.Desk.Wake(wake) })
		}
		return tx.Log(ctx, store.LogEntry{Area: store.AreaMailboxes, AgentID: a.ID, Words: fmt.Sprintf(words, n)})
	})
}

// ReleaseInbound has a received mail that was held back after a restore filed
// like any other, or with 0 all of them. Only admins may; a mail that is not
// held back any more is a Conflict.
func (r *React) ReleaseInbound(ctx context.Context, a *postroom.Agent, id int64) error {
	return r.heldBack(ctx, a, desk.WakeReceive, func(tx *store.Tx) (int64, string, error) {
		n, err := tx.ReleaseInbound(ctx, id, r.Store.Now())
		return int64(n), "%d received mails that were held back after a restore were released.", err
	})
}

// DiscardInbound lets a received mail that was held back become no message, or
// with 0 all of them. Only admins may; a mail that is not held back any more is
// a Conflict.
func (r *React) DiscardInbound(ctx context.Context, a *postroom.Agent, id int64) error {
	return r.heldBack(ctx, a, "", func(tx *store.Tx) (int64, string, error) {
		n, err := tx.DiscardInbound(ctx, id, "Discarded by "+a.Name+" after a restore.", r.Store.Now())
		return int64(n), "%d received mails that were held back after a restore were discarded.", err
	})
}

// ReleaseTellings has agents notified of what was held back after a restore.
// Only admins may.
func (r *React) ReleaseTellings(ctx context.Context, a *postroom.Agent) error {
	return r.heldBack(ctx, a, desk.WakeNotify, func(tx *store.Tx) (int64, string, error) {
		n, err := tx.ReleaseTellings(ctx, r.Store.Now())
		return n, "Notifications of %d events that were held back after a restore were released.", err
	})
}

// DiscardTellings lets nobody be notified of what was held back after a
// restore. Only admins may.
func (r *React) DiscardTellings(ctx context.Context, a *postroom.Agent) error {
	return r.heldBack(ctx, a, "", func(tx *store.Tx) (int64, string, error) {
		n, err := tx.DiscardTellings(ctx)
		return n, "Notifications of %d events that were held back after a restore were discarded.", err
	})
}
