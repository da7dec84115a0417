package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"postroom"
)

const notificationColumns = `id, agent_id, conversation_id, event_id, seq, kind, actor_kind, actor_id, message_id, mail_id, words, at, read_at`

const (
	qInsertNotifications = `insert into notification (` + notificationColumns + `) values `
	qTellOnce            = ` on conflict (agent_id, event_id) do nothing`

	// notificationColumnCount is how many columns a notification has, and
	// notificationRows how many are stored by one statement.
	notificationColumnCount = 13
	notificationRows        = 50
)

// InsertNotifications stores that agents are told of events; one who was told of
// an event before is not told again.
func (t *Tx) InsertNotifications(ctx context.Context, all []postroom.Notification) error {
	for some := range slices.Chunk(all, notificationRows) {
		var args []any
		for _, n := range some {
			args = append(args, n.ID, n.AgentID, n.ConversationID, n.EventID, n.Seq, n.Kind, n.Actor.Kind, n.Actor.ID,
				n.MessageID, n.MailID, n.Words, n.At, n.ReadAt)
		}
		if err := t.send(ctx, qInsertNotifications+rowsOf(len(some), notificationColumnCount)+qTellOnce, args...); err != nil {
			return err
		}
	}
	return nil
}

const (
	qReadNotification = `update notification set read_at = $3 where agent_id = $1 and id = $2 and read_at = 0`
	qUnread           = `update notification set read_at = 0 where agent_id = $1 and id = $2 and read_at > 0`
	qReadConversation = `update notification set read_at = $3 where agent_id = $1 and read_at = 0
		and (seq <= $4 and conversation_id = (select c.id from conversation c where c.number = $2) or conversation_id in (
			with recursive part(id) as (select c.id from conversation c where c.merged_into > 0 and c.merged_into = (select i.id from conversation i where i.number = $2)
				union select c.id from conversation c join part p on c.merged_into = p.id and c.merged_into > 0) select id from part))`
	qReadAll        = `update notification set read_at = $2 where agent_id = $1 and read_at = 0 and at <= $3`
	qUnreadOfMoment = `update notification set read_at = 0 where agent_id = $1 and read_at = $2`
	qForgetNotifyOf = `delete from notification where read_at > 0 and at < $1`
	qNotifiedAgents = `select agent_id from notification where event_id = $2 and conversation_id = $1 union select agent_id from mail where conversation_id = $1 and event_id = $2 and agent_id > 0`
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
// its number, up to the event with the sequence number seq, as read, and all they
// were told of what was merged into it, which is read there; it returns how many
// were not.
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

// Notified lists the agents who were told of an event already, in the page or
// by mail.
func (r Read) Notified(ctx context.Context, conversation, event int64) ([]int64, error) {
	return r.ids(ctx, qNotifiedAgents, conversation, event)
}

// --- what is still to be told

const (
	qInsertTelling = `insert into telling (event_id, conversation_id, seq, due_at) values ($1, $2, $3, $4) on conflict (event_id) do nothing`
	qDueTellings   = `select event_id, tries from telling n where due_at <= $1 and lease_until <= $1 and held = 0
		and not exists (select 1 from telling o where o.conversation_id = n.conversation_id and o.seq < n.seq and o.held = 0) order by due_at, event_id limit $2`
	qLeaseTelling   = `update telling set lease = $2, lease_until = $3, owner = $5, tries = tries + 1 where event_id = $1 and due_at <= $4 and lease_until <= $4`
	qRenewTelling   = `update telling set lease_until = $3, owner = $4 where event_id = $1 and lease = $2`
	qEndTelling     = `delete from telling where event_id = $1 and lease = $2`
	qReleaseTelling = `update telling set lease = 0, lease_until = 0, due_at = $3 where event_id = $1 and lease = $2`
	qNextTelling    = `select min(due_at) from telling n where lease = 0 and held = 0
		and not exists (select 1 from telling o where o.conversation_id = n.conversation_id and o.seq < n.seq and o.held = 0)`
	qNextTellingL = `select min(lease_until) from telling where lease > 0`
)

// Tell notes that agents may have to be told of an event, at a time.
func (t *Tx) Tell(ctx context.Context, e postroom.Event, due int64) error {
	return t.send(ctx, qInsertTelling, e.ID, e.ConversationID, e.Seq, due)
}

// ClaimTellings leases events that agents are to be told of for some
// milliseconds: of each conversation the first. The ids are the events'.
func (s *Store) ClaimTellings(ctx context.Context, limit int, lease int64) ([]Claimed, error) {
	return s.claim(ctx, lease, rows(qDueTellings, func(now int64) []any { return []any{now, limit} },
		func(ctx context.Context, t *Tx, c Claimed, h hold) (int64, error) {
			// It is locked and due, so it is taken.
			return 1, t.send(ctx, qLeaseTelling, c.ID, h.token, h.until, h.now, h.owner)
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

// EndTelling says that everybody was told. The transaction fails with a conflict
// if the lease was lost, so that nobody is told twice.
func (t *Tx) EndTelling(ctx context.Context, c Claimed) error {
	return t.sendOne(ctx, "tell agents", qEndTelling, c.ID, c.Lease)
}

// ReleaseTelling gives an event back, due at a time.
func (t *Tx) ReleaseTelling(ctx context.Context, c Claimed, due int64) error {
	return t.one(ctx, "release event", qReleaseTelling, c.ID, c.Lease, due)
}

// NextTelling returns when the next event can be claimed.
func (s *Store) NextTelling(ctx context.Context) (due int64, ok bool, err error) {
	return s.earliest(ctx, []string{qNextTelling, qNextTellingL})
}

// News is an event with what decides who is told of it, in part: of the
// conversation what it is and whose, of the message who wrote it and how it
// begins.
type News struct {
	Event        postroom.Event
	Conversation *postroom.Conversation
	Message      *postroom.Message // nil if the event is about none
	First        bool              // the conversation began with the same act
}

// newsText is how much of a message is read to decide, in characters.
const newsText = 2000

// News reads it in one statement; NotFound if the event or its conversation is
// gone.
func (r Read) News(ctx context.Context, event int64) (*News, error) {
	var out News
	found := false
	begin := "substr(%s, 1, " + strconv.Itoa(newsText) + ")"
	parts := []part{
		{kind: "event", n: []string{"id", "conversation_id", "seq", "act_id", "actor_id", "cause_id", "root_id", "root_seq", "depth", "at", "final_at"},
			s: []string{"kind", "actor_kind", "path", "payload", "facts", "state", "words"}, from: `from event where id = ?`, args: []any{event}},
		{kind: "conversation", n: []string{"c.id", "c.number", "c.mailbox_id", "c.customer_id", "c.assignee_id", "c.deleted_at", "c.team_id"}, s: []string{"c.status", "c.subject", "c.followers"},
			from: `from event e join conversation c on c.id = e.conversation_id where e.id = ?`, args: []any{event}},
		{kind: "began", n: []string{"count(*)"}, args: []any{event},
			from: `from event e join event b on b.conversation_id = e.conversation_id and b.act_id = e.act_id and b.kind = 'conversation.created' where e.id = ?`},
		{kind: "message", n: []string{"m.id", "m.author_id", "m.unconfirmed"}, args: []any{event},
			s:    []string{"m.author_kind", "m.kind", "m.from_name", "m.from_address", fmt.Sprintf(begin, "m.visible_text"), fmt.Sprintf(begin, "m.body_text")},
			from: `from event e join message m on (m.conversation_id = e.conversation_id and m.written_in = 0 and m.seq = e.seq or m.written_in = e.conversation_id and m.written_in > 0 and m.written_seq = e.seq) where e.id = ?`},
	}
	err := r.trip(ctx, parts, func(t tripRow) error {
		switch t.kind {
		case "event":
			e := &out.Event
			e.ID, e.ConversationID, e.Seq, e.ActID, e.Actor.ID, e.Cause, e.Root, e.RootSeq, e.Depth, e.At, e.FinalAt = t.n[0], t.n[1], t.n[2], t.n[3], t.n[4], t.n[5], t.n[6], t.n[7], int(t.n[8]), t.n[9], t.n[10]
			e.Kind, e.Actor.Kind, e.Path, e.State, e.Words = postroom.EventKind(t.s[0]), postroom.ActorKind(t.s[1]), postroom.Path(t.s[2]), postroom.EventState(t.s[5]), t.s[6]
			return errors.Join(fromJSON(t.s[3], &e.Payload), fromJSON(t.s[4], &e.After))
		case "conversation":
			found = true
			out.Conversation = &postroom.Conversation{ID: t.n[0], Number: t.n[1], MailboxID: t.n[2], CustomerID: t.n[3], AssigneeID: t.n[4], DeletedAt: t.n[5], TeamID: t.n[6],
				Status: postroom.Status(t.s[0]), Subject: t.s[1]}
			return fromJSON(t.s[2], &out.Conversation.Followers)
		case "began":
			out.First = t.n[0] > 0
		case "message":
			out.Message = &postroom.Message{ID: t.n[0], Author: postroom.Actor{Kind: postroom.ActorKind(t.s[0]), ID: t.n[1]}, Unconfirmed: t.n[2] == 1, Kind: postroom.MessageKind(t.s[1]),
				From: postroom.Address{Name: t.s[2], Address: t.s[3]}, VisibleText: t.s[4], Text: t.s[5]}
		}
		return nil
	})
	if err == nil && !found {
		err = postroom.Errorf(postroom.NotFound, "There is no such event.")
	}
	return &out, err
}

const qMessagesBefore = `select ` + messageColumns + ` from message where conversation_id = $1 and undone = 0 and seq < $2 order by ` + fromLast + ` limit $3`

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
