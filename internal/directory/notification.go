package directory

import (
	"context"

	"postroom"
	"postroom/internal/store"
)

// NotificationChoices are the ways by which an agent is told of each kind.
type NotificationChoices = map[postroom.NotificationKind]postroom.NotificationChoice

// Notifications returns what the agent is told, and the mailboxes of which they
// hear only what is theirs.
func (d *Directory) Notifications(ctx context.Context, agent *postroom.Agent) (NotificationChoices, []int64, error) {
	chosen, err := d.store.Read().NotificationChoices(ctx, agent.ID)
	if err != nil {
		return nil, nil, err
	}
	muted, err := d.store.Read().MutedMailboxes(ctx, agent.ID)
	return chosen, muted, err
}

// SetNotifications stores what an agent wants to be told. A nil chosen follows
// the desk's choice again. muted are mailboxes of which they hear only what is
// theirs; those they may not see are left out. own says whether they follow what
// they write in.
func (d *Directory) SetNotifications(ctx context.Context, agent *postroom.Agent, chosen NotificationChoices, muted []int64, own bool) error {
	return d.write(ctx, KeyAgents, func(t *store.Tx) error {
		all, err := t.Mailboxes(ctx)
		if err != nil {
			return err
		}
		var theirs []int64
		for _, m := range all {
			for _, id := range muted {
				if id == m.ID && postroom.CanEnter(agent, m.ID) {
					theirs = append(theirs, m.ID)
				}
			}
		}
		if err := t.SetNotificationChoices(ctx, agent.ID, chosen); err != nil {
			return err
		}
		if err := t.SetFollowsOwn(ctx, agent.ID, own); err != nil {
			return err
		}
		return t.MuteMailboxes(ctx, agent.ID, theirs)
	})
}

// DefaultNotifications returns what agents are told who have not chosen.
func (d *Directory) DefaultNotifications(ctx context.Context) (NotificationChoices, error) {
	return d.store.Read().NotificationChoices(ctx, 0)
}

// SetDefaultNotifications stores what agents are told who have not chosen; nil
// is what a new desk begins with. It is for admins.
func (d *Directory) SetDefaultNotifications(ctx context.Context, by *postroom.Agent, chosen NotificationChoices) error {
	if err := manage(by); err != nil {
		return err
	}
	return d.write(ctx, KeyAgents, func(t *store.Tx) error { return t.SetNotificationChoices(ctx, 0, chosen) })
}
