package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"postroom"
)

const (
	qQuarantineMails      = `update mail set state = 'quarantined', words = $1, due_at = 0, lease = 0, lease_until = 0 where ended = 0 and state <> 'quarantined'`
	qQuarantineRecipients = `update mail_recipient set state = 'quarantined', words = $1, at = $2
		where state in ('held', 'queued', 'sending', 'deferred', 'uncertain') and mail_id in (select id from mail where ended = 0)`
	qDoubtEvents   = `update event set state = 'not_judged', words = $1 where state = 'pending'`
	qKeepInbound   = `update inbound set state = 'quarantined', words = $1, due_at = 0 where state = 'new'`
	qKeepTelling   = `update telling set held = 1, lease = 0, lease_until = 0 where held = 0`
	qRestSchedules = `update schedule set state = 'off', lease = 0` // set anew when work begins: what came meanwhile is not made up for
	qRestTimers    = `update timer set state = 'cancelled', ended_at = $2, ended_kind = $3, ended_by = 0, words = $1, lease = 0 where state = 'waiting' and due_at <= $2`
	qEndJobs       = `update job set state = 'failed', words = $1, ended_at = $2, lease = 0, lease_until = 0 where state = 'running'`
)

// Held says how much HoldBack held back. Waits are those of workflows that were
// due by then: they have ended, the others go on.
type Held struct{ Mails, Events, Jobs, Received, Tellings, Calls, Waits int64 }

// HoldBack stops everything that a desk restored from a backup would do a
// second time: mails that were open wait for a person, events that were not
// judged stay so until somebody asks for it, bulk jobs end, received mails that
// were not filed, notifications that were not sent and webhook calls that were
// not made wait for an admin. Waits of workflows whose time has come meanwhile
// end: what they were to do may be done. words says why.
// Call it while no work runs.
func (t *Tx) HoldBack(ctx context.Context, words string, now int64) (h Held, err error) {
	if _, err = t.exec(ctx, qQuarantineRecipients, words, now); err != nil {
		return h, fmt.Errorf("hold back recipients: %w", err)
	}
	if h.Mails, err = t.exec(ctx, qQuarantineMails, words); err != nil {
		return h, fmt.Errorf("hold back mails: %w", err)
	}
	if h.Events, err = t.exec(ctx, qDoubtEvents, words); err != nil {
		return h, fmt.Errorf("hold back events: %w", err)
	}
	if h.Jobs, err = t.exec(ctx, qEndJobs, words, now); err != nil {
		return h, fmt.Errorf("end jobs: %w", err)
	}
	if h.Received, err = t.exec(ctx, qKeepInbound, words); err != nil {
		return h, fmt.Errorf("hold back received mails: %w", err)
	}
	if h.Tellings, err = t.exec(ctx, qKeepTelling); err != nil {
		return h, fmt.Errorf("hold back notifications: %w", err)
	}
	if h.Calls, err = t.exec(ctx, qHoldCalls, words); err != nil {
		return h, fmt.Errorf("hold back webhook calls: %w", err)
	}
	if h.Waits, err = t.exec(ctx, qRestTimers, words, now, string(postroom.BySystem)); err != nil {
		return h, fmt.Errorf("end waits: %w", err)
	}
	if _, err = t.exec(ctx, qRestSchedules); err != nil {
		return h, fmt.Errorf("let set times rest: %w", err)
	}
	return h, nil
}

const (
	qKeptInbound    = `select id, mailbox_id from inbound where state = 'quarantined' and (id = $1 or $1 = 0) order by id`
	qReleaseInbound = `update inbound set state = 'new', tries = 0, due_at = $2, words = '' where id = $1 and state = 'quarantined'`
	qDiscardInbound = `update inbound set state = 'discarded', words = $2, done_at = $3 where id = $1 and state = 'quarantined'`
	qReleaseHeld    = `update telling set held = 0, tries = 0, due_at = $1 where held = 1`
	qDiscardTelling = `delete from telling where held = 1`
	qHeldTellings   = `select c.number, c.subject, e.kind, e.at from telling t join event e on e.id = t.event_id join conversation c on c.id = t.conversation_id
		where t.held = 1 order by t.event_id limit $1`
	qCountHeldTellings = `select count(*) from telling where held = 1`
)

// keptInbound finds the received mails that are held back, with their
// mailboxes: one, or with 0 all.
func (t *Tx) keptInbound(ctx context.Context, id int64) (out [][2]int64, err error) {
	err = each(ctx, t.q, qKeptInbound, []any{id}, func(rows row) error {
		var x [2]int64
		err := rows.Scan(&x[0], &x[1])
		out = append(out, x)
		return err
	})
	if err == nil && id != 0 && len(out) == 0 {
		err = postroom.Errorf(postroom.Conflict, "The mail is not held back any more.")
	}
	return out, err
}

// ReleaseInbound lets a received mail that is held back be filed, or with 0 all
// of them, in the order in which they came; it returns how many. One that is
// not held back is a Conflict.
func (t *Tx) ReleaseInbound(ctx context.Context, id, now int64) (int, error) {
	kept, err := t.keptInbound(ctx, id)
	if err != nil {
		return 0, err
	}
	boxes := map[int64]bool{}
	for _, x := range kept {
		if err := t.one(ctx, "release received mail", qReleaseInbound, x[0], now); err != nil {
			return 0, err
		}
		boxes[x[1]] = true
	}
	for _, box := range slices.Sorted(maps.Keys(boxes)) {
		if err := t.OpenLane(ctx, LaneReceive, box, now); err != nil {
			return 0, err
		}
	}
	return len(kept), nil
}

// DiscardInbound ends a received mail that is held back, or with 0 all of them:
// it becomes no message, and its bytes stay. It returns how many; one that is
// not held back is a Conflict.
func (t *Tx) DiscardInbound(ctx context.Context, id int64, words string, now int64) (int, error) {
	kept, err := t.keptInbound(ctx, id)
	for _, x := range kept {
		if err := t.one(ctx, "discard received mail", qDiscardInbound, x[0], words, now); err != nil {
			return 0, err
		}
	}
	return len(kept), err
}

// ReleaseTellings has agents told of what was held back, now, and returns of
// how many events.
func (t *Tx) ReleaseTellings(ctx context.Context, now int64) (int64, error) {
	return t.exec(ctx, qReleaseHeld, now)
}

// DiscardTellings lets nobody be told of what was held back; it returns how
// many events that are. The events themselves stay.
func (t *Tx) DiscardTellings(ctx context.Context) (int64, error) {
	return t.exec(ctx, qDiscardTelling)
}

// HeldTelling is an event that agents are not told of before an admin says so.
type HeldTelling struct {
	Number  int64 // of the conversation
	Subject string
	Kind    postroom.EventKind
	At      int64
}

// HeldTellings lists the first events that agents are not told of yet, and says
// how many there are.
func (r Read) HeldTellings(ctx context.Context, limit int) (list []HeldTelling, total int, err error) {
	if err = r.q.QueryRow(ctx, qCountHeldTellings).Scan(&total); err != nil || total == 0 {
		return nil, 0, err
	}
	err = each(ctx, r.q, qHeldTellings, []any{limit}, func(rows row) error {
		var h HeldTelling
		err := rows.Scan(&h.Number, &h.Subject, &h.Kind, &h.At)
		list = append(list, h)
		return err
	})
	return list, total, err
}
