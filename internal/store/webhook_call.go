package store

import (
	"context"
	"fmt"

	"postroom"
)

const callColumns = `id, run_id, workflow_id, version, position, conversation_id, event_id, event_seq, state, method, url, headers, content_type, sign, body,
	created_at, began_at, due_at, tries, attempts, status, ended_at, words`

func scanCall(r row) (postroom.WebhookCall, error) {
	var c postroom.WebhookCall
	var headers string
	err := r.Scan(&c.ID, &c.RunID, &c.WorkflowID, &c.Version, &c.Position, &c.ConversationID, &c.EventID, &c.EventSeq, &c.State, &c.Method, &c.URL, &headers,
		&c.ContentType, &c.Sign, &c.Body, &c.CreatedAt, &c.BeganAt, &c.DueAt, &c.Tries, &c.Attempts, &c.Status, &c.EndedAt, &c.Words)
	if err == nil {
		err = fromJSON(headers, &c.Headers)
	}
	return c, err
}

const (
	qInsertCall = `insert into webhook_call (id, run_id, workflow_id, version, position, conversation_id, event_id, event_seq, state, method, url, headers, content_type, sign, body,
		created_at, began_at, due_at, claim_at, words) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$16,$17,$17,$18)`
	qCall       = `select ` + callColumns + ` from webhook_call where id = $1`
	qSettleCall = `update webhook_call set state = $3, due_at = $4, claim_at = $4, tries = $5, status = $6, ended_at = $7, words = $8, lease = 0
		where id = $1 and lease = $2 and coalesce(state, '') = 'waiting'`
	qAgainCall = `update webhook_call set state = 'waiting', began_at = $3, due_at = $3, claim_at = $3, tries = 0, ended_at = 0, words = '', lease = 0
		where id = $1 and attempts = $2 and (state <> 'waiting' or lease = 0)`
	qReleaseCalls = `update webhook_call set state = 'waiting', began_at = $2, due_at = $2, claim_at = $2, tries = 0, words = '' where state = 'held' and (id = $1 or $1 = 0)`
	qDiscardCalls = `update webhook_call set state = 'discarded', due_at = 0, ended_at = $2, words = $3 where state = 'held' and (id = $1 or $1 = 0)`
	qHoldCalls    = `update webhook_call set state = 'held', due_at = 0, lease = 0, words = $1 where state = 'waiting'`
)

// InsertCall stores a call that a run has decided.
func (t *Tx) InsertCall(ctx context.Context, c postroom.WebhookCall) error {
	return t.send(ctx, qInsertCall, c.ID, c.RunID, c.WorkflowID, c.Version, c.Position, c.ConversationID, c.EventID, c.EventSeq, c.State, c.Method, c.URL, toJSON(c.Headers),
		c.ContentType, c.Sign, c.Body, c.CreatedAt, c.DueAt, c.Words)
}

// Call loads a call; within a transaction it is locked.
func (r Read) Call(ctx context.Context, id int64) (postroom.WebhookCall, error) {
	c, err := scanCall(r.q.QueryRow(ctx, qCall+r.forUpdate, id))
	return c, missing(err, "There is no such call.")
}

// SettleCall stores what an attempt came to, as State, DueAt, Tries, Status,
// EndedAt and Words say, and gives the call back; a lease that was lost is a
// conflict.
func (t *Tx) SettleCall(ctx context.Context, c Claimed, x postroom.WebhookCall) error {
	return t.one(ctx, "settle call", qSettleCall, x.ID, c.Lease, x.State, x.DueAt, x.Tries, x.Status, x.EndedAt, x.Words)
}

// CallAgain has a call tried now, whatever its state, unless it is just being
// made or was tried since somebody saw so many attempts: then it is a conflict.
func (t *Tx) CallAgain(ctx context.Context, id int64, attempts int, now int64) error {
	n, err := t.exec(ctx, qAgainCall, id, attempts, now)
	if err == nil && n != 1 {
		err = postroom.Errorf(postroom.Conflict, "It was tried meanwhile, or is being tried now. Look at its attempts before you send it again.")
	}
	return err
}

// ReleaseCalls lets a call that is held back be made, with 0 all of them, and
// returns how many those are.
func (t *Tx) ReleaseCalls(ctx context.Context, id, now int64) (int64, error) {
	return t.exec(ctx, qReleaseCalls, id, now)
}

// DiscardCalls ends a call that is held back, with 0 all of them, and returns how
// many those are.
func (t *Tx) DiscardCalls(ctx context.Context, id int64, words string, now int64) (int64, error) {
	return t.exec(ctx, qDiscardCalls, id, now, words)
}

const (
	qBeginAttempt   = `insert into webhook_attempt (id, call_id, number, at) values ($1,$2,$3,$4)`
	qCountAttempt   = `update webhook_call set attempts = $3 where id = $1 and lease = $2 and coalesce(state, '') = 'waiting'`
	qEndCallAttempt = `update webhook_attempt set ended_at = $2, address = $3, status = $4, words = $5, answer = $6, more = $7 where id = $1`
	qCallAttempts   = `select id, call_id, number, at, ended_at, address, status, words, answer, more from webhook_attempt where call_id = $1 order by number desc limit $2`
)

// BeginCallAttempt records that a call is being made now; a lease that was lost
// is a conflict.
func (t *Tx) BeginCallAttempt(ctx context.Context, c Claimed, a postroom.WebhookAttempt) error {
	if err := t.one(ctx, "begin attempt", qCountAttempt, a.CallID, c.Lease, a.Number); err != nil {
		return err
	}
	return t.send(ctx, qBeginAttempt, a.ID, a.CallID, a.Number, a.At)
}

// EndCallAttempt records what an attempt came to.
func (t *Tx) EndCallAttempt(ctx context.Context, a postroom.WebhookAttempt) error {
	return t.send(ctx, qEndCallAttempt, a.ID, a.EndedAt, a.Address, a.Status, a.Words, a.Answer, bit(a.More))
}

// CallAttempts lists the last attempts at a call, the latest first.
func (r Read) CallAttempts(ctx context.Context, call int64, limit int) ([]postroom.WebhookAttempt, error) {
	var out []postroom.WebhookAttempt
	err := each(ctx, r.q, qCallAttempts, []any{call, limit}, func(rows row) error {
		var a postroom.WebhookAttempt
		var more int
		err := rows.Scan(&a.ID, &a.CallID, &a.Number, &a.At, &a.EndedAt, &a.Address, &a.Status, &a.Words, &a.Answer, &more)
		a.More = more == 1
		out = append(out, a)
		return err
	})
	return out, err
}

const (
	qLastCalls = `select state, uncounted from webhook_call where workflow_id = $1 and ended_at > 0 and state in ('accepted', 'failed') order by ended_at desc, id desc limit $2`
	qUncount   = `update webhook_call set uncounted = 1 where workflow_id = $1 and state = 'failed' and uncounted = 0`
)

// FailedCalls counts how many of the last calls of a workflow that have ended
// failed in a row, at most limit; failures that paused it once are not counted.
func (r Read) FailedCalls(ctx context.Context, workflow int64, limit int) (n int, err error) {
	ended := false
	err = each(ctx, r.q, qLastCalls, []any{workflow, limit}, func(rows row) error {
		var state postroom.WebhookState
		var uncounted int
		if err := rows.Scan(&state, &uncounted); err != nil {
			return err
		}
		if ended = ended || state != postroom.WebhookFailed || uncounted == 1; !ended {
			n++
		}
		return nil
	})
	return n, err
}

// UncountFailedCalls leaves the failed calls of a workflow out of FailedCalls
// from now on.
func (t *Tx) UncountFailedCalls(ctx context.Context, workflow int64) error {
	_, err := t.exec(ctx, qUncount, workflow)
	return err
}

const (
	qOldAttempts = `delete from webhook_attempt where call_id in (select id from webhook_call where ended_at > 0 and ended_at < $1)`
	qOldCalls    = `delete from webhook_call where ended_at > 0 and ended_at < $1`
)

// ForgetCalls deletes the calls that ended before a time, with their attempts.
func (t *Tx) ForgetCalls(ctx context.Context, before int64) error {
	if _, err := t.exec(ctx, qOldAttempts, before); err != nil {
		return err
	}
	_, err := t.exec(ctx, qOldCalls, before)
	return err
}

// --- making them

// A call is free to be taken when claim_at has come, like a timer.
const (
	qDueCalls    = `select id, tries from webhook_call where state = 'waiting' and claim_at <= $1 order by claim_at, id limit $2`
	qLeaseCall   = `update webhook_call set lease = $2, claim_at = $3, owner = $5 where id = $1 and coalesce(state, '') = 'waiting' and claim_at <= $4`
	qRenewCall   = `update webhook_call set claim_at = $3, owner = $4 where id = $1 and coalesce(state, '') = 'waiting' and lease = $2`
	qReturnCall  = `update webhook_call set claim_at = $3, lease = 0 where id = $1 and coalesce(state, '') = 'waiting' and lease = $2`
	qNextCall    = `select min(claim_at) from webhook_call where state = 'waiting'`
	qEndCallHold = `update webhook_call set claim_at = $1 where state = 'waiting' and lease > 0 and claim_at > $1 and (owner = $2 or $2 = 0)`
	qDoubtCall   = `update webhook_call set claim_at = $1 where state = 'waiting' and lease = $2 and claim_at > $1`
)

// ClaimCalls leases up to limit calls that are due for some milliseconds, the one
// that is due longest first.
func (s *Store) ClaimCalls(ctx context.Context, limit int, lease int64) ([]Claimed, error) {
	find := func(ctx context.Context, r Read, h hold) (out []Claimed, err error) {
		err = each(ctx, r.q, qDueCalls, []any{h.now, limit}, func(rows row) error {
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
			n, err := t.exec(ctx, qLeaseCall, c.ID, h.token, h.until, h.now, h.owner)
			return n == 1, err
		}})
}

// RenewCall prolongs a lease; one that was lost is a conflict.
func (s *Store) RenewCall(ctx context.Context, c Claimed, lease int64) error {
	owner, err := s.db.Self()
	if err != nil {
		return err
	}
	return s.Write(ctx, func(t *Tx) error { return t.one(ctx, "renew lease", qRenewCall, c.ID, c.Lease, s.Now()+lease, owner) })
}

// ReturnCall gives a call back without a try, to be taken again at a time. One
// that has ended meanwhile stays as it is.
func (s *Store) ReturnCall(ctx context.Context, c Claimed, at int64) error {
	return s.Write(ctx, func(t *Tx) error {
		if _, err := t.exec(ctx, qReturnCall, c.ID, c.Lease, at); err != nil {
			return fmt.Errorf("return call %d: %w", c.ID, err)
		}
		return nil
	})
}

// NextCall returns when the next call can be claimed.
func (s *Store) NextCall(ctx context.Context) (due int64, ok bool, err error) {
	return s.earliest(ctx, []string{qNextCall})
}
