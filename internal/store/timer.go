package store

import (
	"context"
	"fmt"

	"postroom"
)

const timerColumns = `id, workflow_id, version, conversation_id, event_id, event_seq, state, armed_at, due_at, ended_at, ended_kind, ended_by, end_event, words, leg`

func scanTimer(r row) (postroom.Timer, error) {
	var t postroom.Timer
	err := r.Scan(&t.ID, &t.WorkflowID, &t.Version, &t.ConversationID, &t.EventID, &t.EventSeq, &t.State, &t.ArmedAt, &t.DueAt,
		&t.EndedAt, &t.EndedBy.Kind, &t.EndedBy.ID, &t.EndEvent, &t.Words, &t.Leg)
	return t, err
}

const qArmTimer = `insert into timer (id, workflow_id, version, conversation_id, event_id, event_seq, state, armed_at, due_at, claim_at, leg)
	values ($1,$2,$3,$4,$5,$6,'waiting',$7,$8,$8,$9)`

// ArmTimer stores a timer that begins to wait. A workflow has one for an event
// and no more.
func (t *Tx) ArmTimer(ctx context.Context, x postroom.Timer) error {
	return t.send(ctx, qArmTimer, x.ID, x.WorkflowID, x.Version, x.ConversationID, x.EventID, x.EventSeq, x.ArmedAt, x.DueAt, x.Leg)
}

const qEndTimer = `update timer set state = $2, ended_at = $3, ended_kind = $4, ended_by = $5, end_event = $6, words = $7, lease = 0
	where id = $1 and coalesce(state, '') = 'waiting'`

// EndTimer ends a timer that waits, as State, EndedAt, EndedBy, EndEvent and
// Words say; one that has ended already is a conflict.
func (t *Tx) EndTimer(ctx context.Context, x postroom.Timer) error {
	return t.one(ctx, "end timer", qEndTimer, x.ID, x.State, x.EndedAt, x.EndedBy.Kind, x.EndedBy.ID, x.EndEvent, x.Words)
}

const (
	qTimer        = `select ` + timerColumns + ` from timer where id = $1`
	qWaitingHere  = `select ` + timerColumns + ` from timer where conversation_id = $1 and state = 'waiting' order by id`
	qTimersHere   = `select ` + timerColumns + ` from timer where conversation_id = $1 order by id`
	qWaitingCount = `select count(*), coalesce(min(due_at), 0) from timer where workflow_id = $1 and state = 'waiting'`
	qJudgeHead    = `select (select coalesce(max(revision), 0) from workflow_set),
		(select count(*) from timer where conversation_id = $1 and state = 'waiting'),
		(select count(*) from promise_watch where conversation_id = $1 and open = 2)`
)

// Timer loads a timer; within a transaction it is locked.
func (r Read) Timer(ctx context.Context, id int64) (postroom.Timer, error) {
	t, err := scanTimer(r.q.QueryRow(ctx, qTimer+r.forUpdate, id))
	return t, missing(err, "There is no such timer.")
}

// WaitingTimers lists the timers that wait on a conversation, in the order in
// which they were armed.
func (r Read) WaitingTimers(ctx context.Context, conversation int64) ([]postroom.Timer, error) {
	return r.timers(ctx, qWaitingHere, conversation)
}

func (r Read) timers(ctx context.Context, query string, conversation int64) ([]postroom.Timer, error) {
	var out []postroom.Timer
	err := each(ctx, r.q, query, []any{conversation}, func(rows row) error {
		t, err := scanTimer(rows)
		out = append(out, t)
		return err
	})
	return out, err
}

// TimersOf lists all timers of a conversation, in the order in which they were
// armed.
func (r Read) TimersOf(ctx context.Context, conversation int64) ([]postroom.Timer, error) {
	return r.timers(ctx, qTimersHere, conversation)
}

// WorkflowWaits counts the timers of a workflow that wait, and says when the
// first of them is due; 0 if none waits.
func (r Read) WorkflowWaits(ctx context.Context, workflow int64) (n int, next int64, err error) {
	err = r.q.QueryRow(ctx, qWaitingCount, workflow).Scan(&n, &next)
	return n, next, err
}

// JudgeHead returns what judging a conversation begins with: the latest revision
// of the set of workflows, how many timers wait there, and how many promises are
// watched there that anything can decide.
func (r Read) JudgeHead(ctx context.Context, conversation int64) (revision int64, timers, watches int, err error) {
	err = r.q.QueryRow(ctx, qJudgeHead, conversation).Scan(&revision, &timers, &watches)
	return revision, timers, watches, err
}

const (
	qDropTimers = `update timer set state = 'cancelled', ended_at = $2, ended_kind = $3, ended_by = $4, words = $5, lease = 0
		where workflow_id = $1 and state = 'waiting'`
	qMoveTimers = `update timer set version = $2, due_at = armed_at + $3, claim_at = armed_at + $3
		where workflow_id = $1 and leg = $4 and state = 'waiting'`
	qDropLegs = `update timer set state = 'cancelled', ended_at = $2, ended_kind = $3, ended_by = $4, words = $5, lease = 0
		where workflow_id = $1 and leg > $6 and state = 'waiting'`
	qDropWaits = `update timer set state = 'cancelled', ended_at = $2, ended_kind = $3, ended_by = $4, words = $5, lease = 0
		where workflow_id = $1 and leg = 0 and state = 'waiting'`
)

// CancelTimers ends every timer of a workflow that waits.
func (t *Tx) CancelTimers(ctx context.Context, workflow int64, by postroom.Actor, words string) error {
	_, err := t.exec(ctx, qDropTimers, workflow, t.store.Now(), by.Kind, by.ID, words)
	return err
}

// CancelLegs ends the timers of a workflow that wait for a leg beyond the nth;
// with first, also those that wait to begin.
func (t *Tx) CancelLegs(ctx context.Context, workflow int64, n int, first bool, by postroom.Actor, words string) error {
	now := t.store.Now()
	if _, err := t.exec(ctx, qDropLegs, workflow, now, by.Kind, by.ID, words, n); err != nil || !first {
		return err
	}
	_, err := t.exec(ctx, qDropWaits, workflow, now, by.Kind, by.ID, words)
	return err
}

// MoveTimers has every timer of a workflow that waits for a leg, 0 to begin, go
// on with another version, which waits so many milliseconds.
func (t *Tx) MoveTimers(ctx context.Context, workflow int64, version, leg int, after int64) error {
	_, err := t.exec(ctx, qMoveTimers, workflow, version, after, leg)
	return err
}

const (
	qTimersOf  = `select t.id, t.armed_at, c.mailbox_id from timer t join conversation c on c.id = t.conversation_id where t.workflow_id = $1 and t.leg = $2 and t.state = 'waiting' order by t.id`
	qMoveTimer = `update timer set version = $2, due_at = $3, claim_at = $3 where id = $1 and coalesce(state, '') = 'waiting'`
)

// WaitingTimer is a timer that waits, with the mailbox its conversation is in.
type WaitingTimer struct{ ID, ArmedAt, MailboxID int64 }

// WorkflowTimers lists the timers of a workflow that wait for a leg, 0 to begin.
func (r Read) WorkflowTimers(ctx context.Context, workflow int64, leg int) ([]WaitingTimer, error) {
	var out []WaitingTimer
	err := each(ctx, r.q, qTimersOf, []any{workflow, leg}, func(rows row) error {
		var t WaitingTimer
		err := rows.Scan(&t.ID, &t.ArmedAt, &t.MailboxID)
		out = append(out, t)
		return err
	})
	return out, err
}

// MoveTimer has a timer that waits go on with another version, due at a time.
func (t *Tx) MoveTimer(ctx context.Context, id int64, version int, due int64) error {
	_, err := t.exec(ctx, qMoveTimer, id, version, due)
	return err
}

// Chain finds what a chain began with, and the roots of the chains before it that
// it goes on with: what follows from a wait of a run belongs to what the run
// began with (W20). Any other root is its own.
func (r Read) Chain(ctx context.Context, root postroom.Event) (_ postroom.Event, before []int64, err error) {
	for root.Kind == postroom.TimerDue && root.Payload.Leg > 0 && root.Cause != 0 {
		armed, err := r.Event(ctx, root.Cause)
		if err != nil {
			return root, nil, err
		}
		before = append(before, armed.Root)
		if root = armed; armed.Root != armed.ID {
			if root, err = r.Event(ctx, armed.Root); err != nil {
				return root, nil, err
			}
		}
	}
	return root, before, nil
}

// --- firing

// A timer is free to be taken when claim_at has come. Whoever takes it puts that
// to the end of the lease, so that the index answers a claim by itself.
const (
	qDueTimers    = `select id, tries from timer where state = 'waiting' and claim_at <= $1 order by claim_at, id limit $2`
	qLeaseTimer   = `update timer set lease = $2, claim_at = $3, owner = $5 where id = $1 and coalesce(state, '') = 'waiting' and claim_at <= $4`
	qRenewTimer   = `update timer set claim_at = $3, owner = $4 where id = $1 and coalesce(state, '') = 'waiting' and lease = $2`
	qReleaseTimer = `update timer set claim_at = $3, lease = 0, tries = $4 where id = $1 and coalesce(state, '') = 'waiting' and lease = $2`
	qNextTimer    = `select min(claim_at) from timer where state = 'waiting'`
	qHoldTimer    = `select lease from timer where id = $1`
)

// ClaimTimers leases up to limit timers that are due for some milliseconds, the
// one that is due longest first.
//
// The rows that are due are found without a lock, by the index alone: of two
// processes that find the same one, the compare-and-set lets one have it.
func (s *Store) ClaimTimers(ctx context.Context, limit int, lease int64) ([]Claimed, error) {
	find := func(ctx context.Context, r Read, h hold) (out []Claimed, err error) {
		err = each(ctx, r.q, qDueTimers, []any{h.now, limit}, func(rows row) error {
			var c Claimed
			err := rows.Scan(&c.ID, &c.Tries)
			out = append(out, c)
			return err
		})
		return out, err
	}
	return s.claim(ctx, lease, claiming{look: find,
		lock: func(ctx context.Context, t *Tx, h hold) ([]Claimed, error) { return find(ctx, t.Read, h) },
		take: func(ctx context.Context, t *Tx, c Claimed, h hold) (bool, error) {
			n, err := t.exec(ctx, qLeaseTimer, c.ID, h.token, h.until, h.now, h.owner)
			return n == 1, err
		}})
}

// RenewTimer prolongs a lease; one that was lost is a conflict.
func (s *Store) RenewTimer(ctx context.Context, c Claimed, lease int64) error {
	owner, err := s.db.Self()
	if err != nil {
		return err
	}
	return s.Write(ctx, func(t *Tx) error { return t.one(ctx, "renew lease", qRenewTimer, c.ID, c.Lease, s.Now()+lease, owner) })
}

// HoldTimer fails with a conflict unless the lease on a timer is still ours; it
// locks it until the transaction ends.
func (t *Tx) HoldTimer(ctx context.Context, c Claimed) error {
	var lease int64
	err := missing(t.q.QueryRow(ctx, qHoldTimer+t.forUpdate, c.ID).Scan(&lease), "The timer is gone.")
	if postroom.CodeOf(err) == postroom.NotFound || err == nil && lease != c.Lease {
		return postroom.Errorf(postroom.Conflict, "The lease on timer %d was lost to another worker.", c.ID)
	}
	return err
}

// ReleaseTimer gives a timer back, to be taken again at a time, tried so often.
// One that has ended meanwhile stays as it is.
func (t *Tx) ReleaseTimer(ctx context.Context, c Claimed, at int64, tries int) error {
	if _, err := t.exec(ctx, qReleaseTimer, c.ID, c.Lease, at, tries); err != nil {
		return fmt.Errorf("release timer %d: %w", c.ID, err)
	}
	return nil
}

// NextTimer returns when the next timer can be claimed.
func (s *Store) NextTimer(ctx context.Context) (due int64, ok bool, err error) {
	return s.earliest(ctx, []string{qNextTimer})
}

const (
	qDraftsHere = `select count(*) from draft where conversation_id = $1`
	qMailsOpen  = `select count(*) from mail where conversation_id = $1 and ended = 0 and agent_id = 0 and aside = 0`
)

// Unsent counts the drafts of a conversation and the mails to its customer that
// are still to be sent.
func (r Read) Unsent(ctx context.Context, conversation int64) (drafts, mails int, err error) {
	if err = r.q.QueryRow(ctx, qDraftsHere, conversation).Scan(&drafts); err != nil {
		return 0, 0, err
	}
	err = r.q.QueryRow(ctx, qMailsOpen, conversation).Scan(&mails)
	return drafts, mails, err
}
