package react

import (
	"context"
	"fmt"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/store"
)

// CallAgain has a call made once more, now, whatever became of it; attempts is
// how many of it the admin has seen. Pressed twice it makes one attempt: a call
// that was tried since, or is being made, is a Conflict.
func (r *React) CallAgain(ctx context.Context, by *postroom.Agent, id int64, attempts int) error {
	if err := r.mayCall(by); err != nil {
		return err
	}
	return r.Store.Write(ctx, func(tx *store.Tx) error {
		x, err := tx.Call(ctx, id)
		if err != nil {
			return err
		}
		if err := tx.CallAgain(ctx, id, attempts, r.Store.Now()); err != nil {
			return err
		}
		x.State = postroom.WebhookWaiting
		tx.OnCommit(func() { r.told(x) })
		return tx.Log(ctx, store.LogEntry{Area: store.AreaWorkflows, AgentID: by.ID, Words: fmt.Sprintf("Sent the webhook call %d to %s again.", id, hostIn(x.URL))})
	})
}

// ReleaseCalls lets a call that is held back be made, or with 0 all of them.
func (r *React) ReleaseCalls(ctx context.Context, by *postroom.Agent, id int64) error {
	if err := r.mayCall(by); err != nil {
		return err
	}
	return r.heldBack(ctx, by, desk.WakeWebhook, func(tx *store.Tx) (int64, string, error) {
		n, err := tx.ReleaseCalls(ctx, id, r.Store.Now())
		return n, "%d webhook calls that were held back were released.", r.noneHeld(tx, n, id, err)
	})
}

// DiscardCalls ends a call that is held back, or with 0 all of them, without
// making it.
func (r *React) DiscardCalls(ctx context.Context, by *postroom.Agent, id int64) error {
	return r.heldBack(ctx, by, "", func(tx *store.Tx) (int64, string, error) {
		n, err := tx.DiscardCalls(ctx, id, "Discarded by "+by.Name+".", r.Store.Now())
		return n, "%d webhook calls that were held back were discarded.", r.noneHeld(tx, n, id, err)
	})
}

func (r *React) noneHeld(tx *store.Tx, n, id int64, err error) error {
	if err == nil && n == 0 && id != 0 {
		return postroom.Errorf(postroom.Conflict, "The call is not held back any more.")
	}
	tx.OnCommit(func() { r.told(postroom.WebhookCall{State: postroom.WebhookDiscarded}) })
	return err
}

// mayCall says why somebody may not have a call made.
func (r *React) mayCall(by *postroom.Agent) error {
	switch {
	case !postroom.Can(by, postroom.Manage, 0):
		return postroom.Errorf(postroom.Forbidden, "Only an admin can have a webhook called.")
	case r.Calls == nil:
		return postroom.Errorf(postroom.Unavailable, "Nothing leaves this desk: no webhook is called.")
	}
	return nil
}
