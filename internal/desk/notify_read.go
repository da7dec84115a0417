package desk

import (
	"context"

	"postroom"
	"postroom/internal/store"
)

// ReadNotification marks one of the agent's own notifications as read, or as
// unread. One that is somebody else's, or is so already, changes nothing.
func (d *Desk) ReadNotification(ctx context.Context, a *postroom.Agent, id int64, read bool) error {
	return d.readNotifications(ctx, a, func(tx *store.Tx) (int64, error) {
		changed, err := tx.ReadNotification(ctx, a.ID, id, d.store.Now(), read)
		if !changed {
			return 0, err
		}
		return 1, err
	})
}

// SeeConversation marks what the agent was told of a conversation as read, up
// to the last event the agent has seen of it. One that they may not see is
// NotFound.
func (d *Desk) SeeConversation(ctx context.Context, a *postroom.Agent, number, seq int64) error {
	c, err := d.store.Read().ConversationByNumber(ctx, number)
	if err != nil {
		return err
	}
	if err := may(a, postroom.See, c.MailboxID, c.AssigneeID); err != nil {
		return err
	}
	return d.readNotifications(ctx, a, func(tx *store.Tx) (int64, error) {
		return tx.ReadNotificationsOf(ctx, a.ID, number, seq, d.store.Now())
	})
}

// ReadNotifications marks all that the agent was told until a time as read, and
// returns the moment as which UnreadNotifications knows it again; 0 if there
// was nothing to mark.
func (d *Desk) ReadNotifications(ctx context.Context, a *postroom.Agent, until int64) (at int64, err error) {
	err = d.readNotifications(ctx, a, func(tx *store.Tx) (int64, error) {
		now := d.store.Now()
		n, err := tx.ReadNotifications(ctx, a.ID, until, now)
		if at = 0; n > 0 {
			at = now
		}
		return n, err
	})
	return at, err
}

// UnreadNotifications takes back that the agent marked all as read at a moment.
func (d *Desk) UnreadNotifications(ctx context.Context, a *postroom.Agent, at int64) error {
	return d.readNotifications(ctx, a, func(tx *store.Tx) (int64, error) {
		return tx.UnreadNotificationsOf(ctx, a.ID, at)
	})
}

// readNotifications runs f and tells the agent's open pages if it has changed
// something.
func (d *Desk) readNotifications(ctx context.Context, a *postroom.Agent, f func(*store.Tx) (int64, error)) error {
	return d.store.Write(ctx, func(tx *store.Tx) error {
		n, err := f(tx)
		if err == nil && n > 0 {
			tx.OnCommit(func() { d.publish(Change{Kind: "notification", AgentID: a.ID}) })
		}
		return err
	})
}
