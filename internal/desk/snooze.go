package desk

import (
	"context"

	"postroom"
	"postroom/internal/store"
)

// Snooze lets the conversation sleep until a time; see postroom.Conversation.
// agent is told when it wakes, 0 for nobody.
func (t *Turn) Snooze(until, agent int64) (*postroom.Event, error) {
	return t.Conversation.Snooze(t.by, t.id(), until, agent)
}

// Wake ends the conversation's sleep, nil if it is awake.
func (t *Turn) Wake() *postroom.Event {
	if !t.Conversation.Snoozed() {
		return nil
	}
	return t.Conversation.Wake(t.by, t.id())
}

// openSleep sees to it that what sleeps is woken when its time has come.
func (t *Turn) openSleep() error {
	c := t.Conversation
	if !c.Snoozed() || c.SnoozedUntil == t.before.SnoozedUntil {
		return nil
	}
	t.Tx.OnCommit(func() { t.desk.wake(WakeSnooze) })
	return t.Tx.OpenLane(t.ctx, store.LaneWake, c.ID, c.SnoozedUntil)
}

// Snooze lets a conversation sleep until a time, in milliseconds, for an agent
// who is told when it wakes. Invalid for one that is closed, spam or deleted and
// for a time that has passed or is more than postroom.MaxSnooze away.
func (d *Desk) Snooze(ctx context.Context, a *postroom.Agent, id, until int64, path postroom.Path) (Outcome, error) {
	return d.change(ctx, a, id, path, func(t *Turn) error {
		_, err := t.Snooze(until, a.ID)
		return err
	})
}

// WakeUp ends a conversation's sleep for an agent.
func (d *Desk) WakeUp(ctx context.Context, a *postroom.Agent, id int64, path postroom.Path) (Outcome, error) {
	return d.change(ctx, a, id, path, func(t *Turn) error {
		t.Wake()
		return nil
	})
}
