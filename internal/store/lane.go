package store

import (
	"context"
	"database/sql"

	"postroom"
)

// A lane is something worked on by one worker at a time. These are the kinds.
const (
	LaneReceive = "receive" // id is a mailbox: its received mails, in order of arrival
	LaneJudge   = "judge"   // id is a conversation: its events, in sequence
)

const qOpenLane = `insert into lane (kind, id, due_at) values ($1, $2, $3)
	on conflict (kind, id) do update set due_at = case when lane.due_at > excluded.due_at then excluded.due_at else lane.due_at end`

// OpenLane says that there is work in a lane at a time.
func (t *Tx) OpenLane(ctx context.Context, kind string, id, due int64) error {
	_, err := t.exec(ctx, qOpenLane, kind, id, due)
	return err
}

const qDueLanes = `select id, tries from lane where kind = $1 and due_at <= $2 and lease_until <= $2 order by due_at, id limit $3`

const qLeaseLane = `update lane set lease = $3, lease_until = $4, owner = $6
	where kind = $1 and id = $2 and due_at <= $5 and lease_until <= $5`

// ClaimLanes leases up to limit due lanes of a kind for some milliseconds.
func (s *Store) ClaimLanes(ctx context.Context, kind string, limit int, lease int64) ([]Claimed, error) {
	return s.claim(ctx, lease, rows(qDueLanes, func(now int64) []any { return []any{kind, now, limit} },
		func(ctx context.Context, t *Tx, c Claimed, h hold) (int64, error) {
			return t.exec(ctx, qLeaseLane, kind, c.ID, h.token, h.until, h.now, h.owner)
		}))
}

const qRenewLane = `update lane set lease_until = $4, owner = $5 where kind = $1 and id = $2 and lease = $3`

// RenewLane prolongs a lease; one that was lost is a conflict.
func (s *Store) RenewLane(ctx context.Context, kind string, c Claimed, lease int64) error {
	owner, err := s.db.Self()
	if err != nil {
		return err
	}
	return s.Write(ctx, func(t *Tx) error {
		return t.one(ctx, "renew lease", qRenewLane, kind, c.ID, c.Lease, s.Now()+lease, owner)
	})
}

const qLockLane = `select lease from lane where kind = $1 and id = $2`

// HoldLane fails with a conflict unless the lease is still ours; it locks the
// lane until the transaction ends, so that a rescued worker writes nothing.
func (t *Tx) HoldLane(ctx context.Context, kind string, c Claimed) error {
	var lease int64
	err := missing(t.q.QueryRow(ctx, qLockLane+t.forUpdate, kind, c.ID).Scan(&lease), "The lane is closed.")
	if postroom.CodeOf(err) == postroom.NotFound || err == nil && lease != c.Lease {
		return postroom.Errorf(postroom.Conflict, "The lease on %s %d was lost to another worker.", kind, c.ID)
	}
	return err
}

const (
	qReleaseLane = `update lane set due_at = $4, lease = 0, lease_until = 0, tries = $5 where kind = $1 and id = $2 and lease = $3`
	qCloseLane   = `delete from lane where kind = $1 and id = $2 and lease = $3`
)

// ReleaseLane gives a lane back, due at a time; due 0 says that its work is
// done and removes it. Call it in the transaction that looked for more work,
// after HoldLane.
func (t *Tx) ReleaseLane(ctx context.Context, kind string, c Claimed, due int64, tries int) error {
	if due == 0 {
		return t.one(ctx, "close lane", qCloseLane, kind, c.ID, c.Lease)
	}
	return t.one(ctx, "release lane", qReleaseLane, kind, c.ID, c.Lease, due, tries)
}

const qNextFree = `select min(due_at) from lane where kind = $1 and lease = 0`
const qNextLeased = `select min(lease_until) from lane where kind = $1 and lease > 0`

// NextLane returns when the next lane of a kind can be claimed.
func (s *Store) NextLane(ctx context.Context, kind string) (due int64, ok bool, err error) {
	return s.earliest(ctx, []string{qNextFree, qNextLeased}, kind)
}

// earliest returns the smallest answer of queries that return one time or null.
func (s *Store) earliest(ctx context.Context, queries []string, args ...any) (due int64, ok bool, err error) {
	for _, q := range queries {
		var at sql.NullInt64
		if err := s.db.Reader().QueryRow(ctx, q, args...).Scan(&at); err != nil {
			return 0, false, err
		}
		if at.Valid && (!ok || at.Int64 < due) {
			due, ok = at.Int64, true
		}
	}
	return due, ok, nil
}
