package store

import (
	"context"
	"database/sql"
	"strings"

	"postroom"
)

// A lane is something worked on by one worker at a time. These are the kinds.
const (
	LaneReceive = "receive" // id is a mailbox: its received mails, in order of arrival
	LaneJudge   = "judge"   // id is a conversation: its events, in sequence
	LaneWake    = "wake"    // id is a conversation that sleeps: it is woken when its time has come
	LaneTest    = "test"    // id is a workflow: its tests are to be run
)

const (
	qKeepLane = `with kept as (select id from lane where kind = $1 and id = $2 and due_at + 0 <= $3`
	qOpenLane = `) insert into lane (kind, id, due_at) select $1, $2, $3 where not exists (select 1 from kept)
	on conflict (kind, id) do update set due_at = case when lane.due_at > excluded.due_at then excluded.due_at else lane.due_at end`
)

// OpenLane says that there is work in a lane at a time. A lane that is open by
// then is only kept from being closed before this transaction ends, so that
// many who bring work to one lane do not wait for each other's commits.
func (t *Tx) OpenLane(ctx context.Context, kind string, id, due int64) error {
	return t.send(ctx, qKeepLane+t.q.Engine().ForKeep()+qOpenLane, kind, id, due)
}

const qDueLanes = `select id, tries from lane where kind = $1 and due_at <= $2 and lease_until <= $2 order by due_at, id limit $3`

const qLeaseLane = `update lane set lease = $3, lease_until = $4, owner = $6
	where kind = $1 and id = $2 and due_at + 0 <= $5 and lease_until <= $5`

// ClaimLanes leases up to limit due lanes of a kind for some milliseconds.
func (s *Store) ClaimLanes(ctx context.Context, kind string, limit int, lease int64) ([]Claimed, error) {
	return s.claim(ctx, lease, rows(qDueLanes, func(now int64) []any { return []any{kind, now, limit} },
		func(ctx context.Context, t *Tx, c Claimed, h hold) (int64, error) {
			// It is locked and due, so it is taken.
			return 1, t.send(ctx, qLeaseLane, kind, c.ID, h.token, h.until, h.now, h.owner)
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
// lane until the transaction ends, so that a rescued worker writes nothing, and
// waits for those who bring work to it: whoever looks for more then sees theirs.
func (t *Tx) HoldLane(ctx context.Context, kind string, c Claimed) error {
	return t.holdLane(ctx, kind, c, t.q.Engine().ForUpdate())
}

// FenceLane is HoldLane for who goes on working in the lane afterwards: it does
// not wait for those who bring work.
func (t *Tx) FenceLane(ctx context.Context, kind string, c Claimed) error {
	return t.holdLane(ctx, kind, c, t.q.Engine().ForChange())
}

func (t *Tx) holdLane(ctx context.Context, kind string, c Claimed, lock string) error {
	var lease int64
	err := missing(t.q.QueryRow(ctx, qLockLane+lock, kind, c.ID).Scan(&lease), "The lane is closed.")
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
// after HoldLane: the lane is locked since, and the lease is ours.
func (t *Tx) ReleaseLane(ctx context.Context, kind string, c Claimed, due int64, tries int) error {
	if due == 0 {
		return t.send(ctx, qCloseLane, kind, c.ID, c.Lease)
	}
	return t.send(ctx, qReleaseLane, kind, c.ID, c.Lease, due, tries)
}

const qNextFree = `select min(due_at) from lane where kind = $1 and lease = 0`
const qNextLeased = `select min(lease_until) from lane where kind = $1 and lease > 0`

// NextLane returns when the next lane of a kind can be claimed.
func (s *Store) NextLane(ctx context.Context, kind string) (due int64, ok bool, err error) {
	return s.earliest(ctx, []string{qNextFree, qNextLeased}, kind)
}

// earliest returns the smallest answer of queries that return one time or null;
// they are asked as one.
func (s *Store) earliest(ctx context.Context, queries []string, args ...any) (due int64, ok bool, err error) {
	err = each(ctx, s.db.Reader(), strings.Join(queries, " union all "), args, func(rows row) error {
		var at sql.NullInt64
		err := rows.Scan(&at)
		if at.Valid && (!ok || at.Int64 < due) {
			due, ok = at.Int64, true
		}
		return err
	})
	return due, ok, err
}
