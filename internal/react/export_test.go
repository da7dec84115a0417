package react

import (
	"context"

	"postroom/internal/store"
)

// AnswerAfter decides what becomes of an agent's answer that waits, lets
// something happen, and then files it.
func (r *React) AnswerAfter(ctx context.Context, in store.Inbound, happens func()) error {
	boxes, err := r.Store.Read().Mailboxes(ctx)
	if err != nil {
		return err
	}
	agents, err := r.Store.Read().AgentsByAddress(ctx)
	if err != nil {
		return err
	}
	f := r.read(ctx, around{boxes, agents}, in)
	if f.fault != nil {
		return f.fault
	}
	if err := f.answer.decide(ctx); err != nil {
		return err
	}
	happens()
	return r.Store.Write(ctx, func(tx *store.Tx) error { return f.again().put(ctx, tx) })
}
