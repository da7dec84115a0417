package desktest

import (
	"fmt"

	"postroom"
	"postroom/internal/store"
)

// notifyInPage keeps agents from being notified by mail, so that the mails of a
// transcript are the customers'.
func (d *Desk) notifyInPage() {
	all := map[postroom.NotificationKind]postroom.NotificationChoice{}
	for _, k := range postroom.NotificationKinds {
		all[k] = postroom.NotificationChoice{InPage: true}
	}
	d.Write(func(tx *store.Tx) error { return tx.SetNotificationChoices(d.Ctx, 0, all) })
}

// NotifyByMail gives the agents the choices that a new desk begins with.
func (d *Desk) NotifyByMail() {
	d.T.Helper()
	d.Write(func(tx *store.Tx) error { return tx.SetNotificationChoices(d.Ctx, 0, nil) })
}

// Choose has an agent choose how they are told of a kind; the other kinds stay
// as they are.
func (a *Agent) Choose(k postroom.NotificationKind, c postroom.NotificationChoice) {
	a.d.T.Helper()
	a.d.Write(func(tx *store.Tx) error {
		chosen, err := tx.NotificationChoices(a.d.Ctx, a.ID)
		if err != nil {
			return err
		}
		chosen[k] = c
		return tx.SetNotificationChoices(a.d.Ctx, a.ID, chosen)
	})
}

// Told returns what the agent was told in the page and has not read, the oldest
// first, each as its kind and the number of the conversation: "answered 3".
func (a *Agent) Told() []string {
	a.d.T.Helper()
	all, err := a.d.Store.Read().UnreadNotificationsInOrder(a.d.Ctx, a.ID)
	a.d.must(err)
	var out []string
	for _, n := range all {
		out = append(out, fmt.Sprintf("%s %d", n.Kind, a.d.Conversation(n.ConversationID).Number))
	}
	return out
}

// Read marks everything the agent was told as read.
func (a *Agent) Read() {
	a.d.T.Helper()
	a.d.Write(func(tx *store.Tx) error {
		_, err := tx.ReadNotifications(a.d.Ctx, a.ID, a.d.Store.Now(), a.d.Store.Now())
		return err
	})
}

// Mute has an agent hear of a mailbox only what is theirs.
func (d *Desk) Mute(agent string, mailbox int64) {
	d.T.Helper()
	d.Write(func(tx *store.Tx) error { return tx.MuteMailboxes(d.Ctx, d.Agent(agent).ID, []int64{mailbox}) })
}
