package store

import (
	"context"

	"postroom"
)

const notificationColumns = `id, agent_id, conversation_id, event_id, seq, kind, actor_kind, actor_id, message_id, mail_id, words, at, read_at`

const qInsertNotification = `insert into notification (` + notificationColumns + `) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)
	on conflict (agent_id, event_id) do nothing`

// InsertNotification stores that an agent is told of an event, and reports
// whether they were not told of it before.
func (t *Tx) InsertNotification(ctx context.Context, n postroom.Notification) (bool, error) {
	rows, err := t.exec(ctx, qInsertNotification, n.ID, n.AgentID, n.ConversationID, n.EventID, n.Seq, n.Kind, n.Actor.Kind, n.Actor.ID,
		n.MessageID, n.MailID, n.Words, n.At, n.ReadAt)
	return rows == 1, err
}

const (
	qReadNotification = `update notification set read_at = $3 where agent_id = $1 and id = $2 and read_at = 0`
	qUnread           = `update notification set read_at = 0 where agent_id = $1 and id = $2 and read_at > 0`
	qReadConversation = `update notification set read_at = $3 where agent_id = $1 and read_at = 0 and seq <= $4
		and conversation_id = (select c.id from conversation c where c.number = $2)`
	qReadAll           = `update notification set read_at = $2 where agent_id = $1 and read_at = 0 and at <= $3`
	qUnreadOfMoment    = `update notification set read_at = 0 where agent_id = $1 and read_at = $2`
	qForgetNotifyOf    = `delete from notification where read_at > 0 and at < $1`
	qNotifiedAgents    = `select agent_id from notification where event_id = $2 and conversation_id = $1 union select agent_id from mail where conversation_id = $1 and event_id = $2 and agent_id > 0`
	qDropNotifications = `delete from notification where conversation_id = $1`
	qDropTellings      = `delete from telling where conversation_id = $1`
)

const qUnreadInOrder = `select ` + notificationColumns + ` from notification where agent_id = $1 and read_at = 0 order by at, conversation_id, seq, id`

// UnreadNotificationsInOrder lists what an agent was told and has not read, the
// oldest first; for checks of small desks.
func (r Read) UnreadNotificationsInOrder(ctx context.Context, agent int64) ([]postroom.Notification, error) {
	var out []postroom.Notification
	err := each(ctx, r.q, qUnreadInOrder, []any{agent}, func(rows row) error {
		var n postroom.Notification
		err := rows.Scan(&n.ID, &n.AgentID, &n.ConversationID, &n.EventID, &n.Seq, &n.Kind, &n.Actor.Kind, &n.Actor.ID, &n.MessageID, &n.MailID, &n.Words, &n.At, &n.ReadAt)
		out = append(out, n)
		return err
	})
	return out, err
}

// ReadNotification marks one of an agent's notifications as read, or with read
// false as unread, and reports whether it was not so before.
func (t *Tx) ReadNotification(ctx context.Context, agent, id, now int64, read bool) (bool, error) {
	if !read {
		n, err := t.exec(ctx, qUnread, agent, id)
		return n == 1, err
	}
	n, err := t.exec(ctx, qReadNotification, agent, id, now)
	return n == 1, err
}

// ReadNotificationsOf marks what an agent was told of a conversation, given by
// its number, up to the event with the sequence number seq, as read; it returns
// how many were not.
func (t *Tx) ReadNotificationsOf(ctx context.Context, agent, number, seq, now int64) (int64, error) {
	return t.exec(ctx, qReadConversation, agent, number, now, seq)
}

// ReadNotifications marks all an agent was told until a time as read, as of
// now, and returns how many were not.
func (t *Tx) ReadNotifications(ctx context.Context, agent, until, now int64) (int64, error) {
	return t.exec(ctx, qReadAll, agent, now, until)
}

// UnreadNotificationsOf makes unread again what an agent marked as read at
// exactly that time.
func (t *Tx) UnreadNotificationsOf(ctx context.Context, agent, at int64) (int64, error) {
	return t.exec(ctx, qUnreadOfMoment, agent, at)
}

// ForgetNotifications deletes what was read and is older than a time.
func (t *Tx) ForgetNotifications(ctx context.Context, before int64) (int64, error) {
	return t.exec(ctx, qForgetNotifyOf, before)
}

// DropNotifications deletes what was told, and is still to be told, of a
// conversation that is deleted for good.
func (t *Tx) DropNotifications(ctx context.Context, conversation int64) error {
	if _, err := t.exec(ctx, qDropTellings, conversation); err != nil {
		return err
	}
	_, err := t.exec(ctx, qDropNotifications, conversation)
	return err
}

// Notified lists the agents who were told of an event already, in the page or
// by mail.
func (r Read) Notified(ctx context.Context, conversation, event int64) ([]int64, error) {
	return r.ids(ctx, qNotifiedAgents, conversation, event)
}

// --- what is still to be told

const (
	qInsertTelling = `insert into telling (event_id, conversation_id, seq, due_at) values ($1, $2, $3, $4) on conflict (event_id) do nothing`
	qDueTellings   = `select event_id, tries from telling n where due_at <= $1 and lease_until <= $1
		and not exists (select 1 from telling o where o.conversation_id = n.conversation_id and o.seq < n.seq) order by due_at, event_id limit $2`
	qLeaseTelling   = `update telling set lease = $2, lease_until = $3, owner = $5, tries = tries + 1 where event_id = $1 and due_at <= $4 and lease_until <= $4`
	qRenewTelling   = `update telling set lease_until = $3, owner = $4 where event_id = $1 and lease = $2`
	qEndTelling     = `delete from telling where event_id = $1 and lease = $2`
	qReleaseTelling = `update telling set lease = 0, lease_until = 0, due_at = $3 where event_id = $1 and lease = $2`
	qNextTelling    = `select min(due_at) from telling n where lease = 0
		and not exists (select 1 from telling o where o.conversation_id = n.conversation_id and o.seq < n.seq)`
	qNextTellingL = `select min(lease_until) from telling where lease > 0`
)

// Tell notes that agents may have to be told of an event, at a time.
func (t *Tx) Tell(ctx context.Context, e postroom.Event, due int64) error {
	_, err := t.exec(ctx, qInsertTelling, e.ID, e.ConversationID, e.Seq, due)
	return err
}

// ClaimTellings leases events that agents are to be told of for some
// milliseconds: of each conversation the first. The ids are the events'.
func (s *Store) ClaimTellings(ctx context.Context, limit int, lease int64) ([]Claimed, error) {
	return s.claim(ctx, lease, rows(qDueTellings, func(now int64) []any { return []any{now, limit} },
		func(ctx context.Context, t *Tx, c Claimed, h hold) (int64, error) {
			return t.exec(ctx, qLeaseTelling, c.ID, h.token, h.until, h.now, h.owner)
		}))
}

// RenewTelling prolongs a lease; one that was lost is a conflict.
func (s *Store) RenewTelling(ctx context.Context, c Claimed, lease int64) error {
	owner, err := s.db.Self()
	if err != nil {
		return err
	}
	return s.Write(ctx, func(t *Tx) error {
		return t.one(ctx, "renew lease", qRenewTelling, c.ID, c.Lease, s.Now()+lease, owner)
	})
}

// EndTelling says that everybody was told. It fails with a conflict if the
// lease was lost, so that nobody is told twice.
func (t *Tx) EndTelling(ctx context.Context, c Claimed) error {
	return t.one(ctx, "tell agents", qEndTelling, c.ID, c.Lease)
}

// ReleaseTelling gives an event back, due at a time.
func (t *Tx) ReleaseTelling(ctx context.Context, c Claimed, due int64) error {
	return t.one(ctx, "release event", qReleaseTelling, c.ID, c.Lease, due)
}

// NextTelling returns when the next event can be claimed.
func (s *Store) NextTelling(ctx context.Context) (due int64, ok bool, err error) {
	return s.earliest(ctx, []string{qNextTelling, qNextTellingL})
}

const qBeganWith = `select count(*) from event where conversation_id = $1 and act_id = $2 and kind = 'conversation.created'`

// BeganWith reports whether a conversation began with the act an event is of.
func (r Read) BeganWith(ctx context.Context, e *postroom.Event) (bool, error) {
	var n int
	err := r.q.QueryRow(ctx, qBeganWith, e.ConversationID, e.ActID).Scan(&n)
	return n > 0, err
}

const qMessagesBefore = `select ` + messageColumns + ` from message where conversation_id = $1 and undone = 0 and seq < $2 order by seq desc limit $3`

// MessagesBefore loads the last messages of a conversation before an event, the
// newest first, without their attachments.
func (r Read) MessagesBefore(ctx context.Context, conversation, seq int64, limit int) ([]*postroom.Message, error) {
	var out []*postroom.Message
	err := each(ctx, r.q, qMessagesBefore, []any{conversation, seq, limit}, func(rows row) error {
		m, err := scanMessage(rows)
		out = append(out, m)
		return err
	})
	return out, err
}
