package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"postroom"
)

const scheduleColumns = `workflow_id, version, state, due_at, moment, place, looked, matched, began_at, last_moment, last_ended, last_looked, last_matched, last_words`

func scanSchedule(r row) (postroom.ScheduleRun, error) {
	var s postroom.ScheduleRun
	err := r.Scan(&s.WorkflowID, &s.Version, &s.State, &s.DueAt, &s.Moment, &s.Place, &s.Looked, &s.Matched, &s.BeganAt,
		&s.Last.Moment, &s.Last.Ended, &s.Last.Looked, &s.Last.Matched, &s.Last.Words)
	return s, err
}

const (
	qSchedules = `select ` + scheduleColumns + ` from schedule order by workflow_id`
	qSchedule  = `select ` + scheduleColumns + ` from schedule where workflow_id = $1`
)

// Schedules lists what runs at set times, also what is switched off by now.
func (r Read) Schedules(ctx context.Context) ([]postroom.ScheduleRun, error) {
	var out []postroom.ScheduleRun
	err := each(ctx, r.q, qSchedules, nil, func(rows row) error {
		s, err := scanSchedule(rows)
		out = append(out, s)
		return err
	})
	return out, err
}

// Schedule loads the row of a workflow; NotFound if it never ran at set times.
func (r Read) Schedule(ctx context.Context, workflow int64) (postroom.ScheduleRun, error) {
	s, err := scanSchedule(r.q.QueryRow(ctx, qSchedule, workflow))
	return s, missing(err, "The workflow does not run at set times.")
}

const qScheduleGround = `select 'set', coalesce(max(revision), 0), 0, 0 from workflow_set
	union all select 'calendar', id, revision, main from calendar where deleted_at = 0
	union all select 'mailbox', id, calendar_id, 0 from mailbox where calendar_id <> 0 order by 1, 2`

// ScheduleGround is what set times follow from. The zero value is none; two that
// are equal give equal times.
type ScheduleGround struct {
	Revision  int64  // of the set of workflows
	Calendars string // which there are, in which revision, and which mailbox has which
}

// ScheduleGround reads what set times follow from now.
func (r Read) ScheduleGround(ctx context.Context) (g ScheduleGround, err error) {
	var b strings.Builder
	err = each(ctx, r.q, qScheduleGround, nil, func(rows row) error {
		var what string
		var id, n, main int64
		err := rows.Scan(&what, &id, &n, &main)
		if what == "set" {
			g.Revision = id
			return err
		}
		fmt.Fprintln(&b, what, id, n, main)
		return err
	})
	fmt.Fprintln(&b) // so that a desk without calendars was looked at too
	g.Calendars = b.String()
	return g, err
}

const (
	qSetSchedule = `insert into schedule (workflow_id, version, state, due_at, claim_at) values ($1,$2,'waiting',$3,$3)
		on conflict (workflow_id) do update set version = excluded.version, state = 'waiting', due_at = excluded.due_at, claim_at = excluded.claim_at, lease = 0, tries = 0
		where schedule.state <> 'walking'`
	qEndSchedule = `update schedule set state = 'off', lease = 0 where workflow_id = $1 and state = 'waiting'`
)

// SetSchedule has a workflow run next at a time. One that is under way goes on
// first, with the version it began with, and is set again then.
func (t *Tx) SetSchedule(ctx context.Context, workflow int64, version int, due int64) error {
	_, err := t.exec(ctx, qSetSchedule, workflow, version, due)
	return err
}

// EndSchedule has a workflow not run at its times any more. One that is under way
// notices by itself.
func (t *Tx) EndSchedule(ctx context.Context, workflow int64) error {
	_, err := t.exec(ctx, qEndSchedule, workflow)
	return err
}

const (
	qBeginWalk   = `update schedule set state = 'walking', moment = due_at, place = 0, looked = 0, matched = 0, began_at = $3 where workflow_id = $1 and lease = $2 and state = 'waiting'`
	qAdvanceWalk = `update schedule set place = $3, looked = $4, matched = $5, tries = 0 where workflow_id = $1 and lease = $2 and state = 'walking'`
	qEndWalk     = `update schedule set state = $3, due_at = $4, claim_at = $4, version = $5, lease = 0, tries = 0,
		last_moment = moment, last_ended = $6, last_looked = looked, last_matched = matched, last_words = $7 where workflow_id = $1 and lease = $2 and state = 'walking'`
)

// BeginWalk begins to look at conversations, for the time that has come. It is a
// Conflict if the lease was lost.
func (t *Tx) BeginWalk(ctx context.Context, c Claimed) error {
	return t.one(ctx, "begin schedule", qBeginWalk, c.ID, c.Lease, t.store.Now())
}

// AdvanceWalk notes up to which conversation it has come. With an event that was
// recorded in the same transaction nothing is done twice. It is a Conflict if the
// lease was lost.
func (t *Tx) AdvanceWalk(ctx context.Context, c Claimed, s postroom.ScheduleRun) error {
	return t.one(ctx, "advance schedule", qAdvanceWalk, c.ID, c.Lease, s.Place, s.Looked, s.Matched)
}

// EndWalk ends it and sets when it runs next, with which version; state is "off"
// where it does not.
func (t *Tx) EndWalk(ctx context.Context, c Claimed, state postroom.ScheduleState, next int64, version int, words string) error {
	return t.one(ctx, "end schedule", qEndWalk, c.ID, c.Lease, state, next, version, t.store.Now(), words)
}

const (
	qDueSchedules    = `select workflow_id, tries from schedule where state <> 'off' and claim_at <= $1 order by claim_at, workflow_id limit $2`
	qLeaseSchedule   = `update schedule set lease = $2, claim_at = $3, owner = $5 where workflow_id = $1 and state <> 'off' and claim_at <= $4`
	qRenewSchedule   = `update schedule set claim_at = $3, owner = $4 where workflow_id = $1 and state <> 'off' and lease = $2`
	qReleaseSchedule = `update schedule set claim_at = $3, lease = 0, tries = $4 where workflow_id = $1 and state <> 'off' and lease = $2`
	qNextSchedule    = `select min(claim_at) from schedule where state <> 'off'`
)

// ClaimSchedules leases up to limit workflows whose time has come, the one that
// is due longest first.
func (s *Store) ClaimSchedules(ctx context.Context, limit int, lease int64) ([]Claimed, error) {
	find := func(ctx context.Context, r Read, h hold) (out []Claimed, err error) {
		err = each(ctx, r.q, qDueSchedules, []any{h.now, limit}, func(rows row) error {
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
			n, err := t.exec(ctx, qLeaseSchedule, c.ID, h.token, h.until, h.now, h.owner)
			return n == 1, err
		}})
}

// RenewSchedule prolongs a lease; one that was lost is a conflict.
func (s *Store) RenewSchedule(ctx context.Context, c Claimed, lease int64) error {
	owner, err := s.db.Self()
	if err != nil {
		return err
	}
	return s.Write(ctx, func(t *Tx) error {
		return t.one(ctx, "renew lease", qRenewSchedule, c.ID, c.Lease, s.Now()+lease, owner)
	})
}

// ReleaseSchedule gives a workflow back, to be taken up again at a time.
func (t *Tx) ReleaseSchedule(ctx context.Context, c Claimed, at int64, tries int) error {
	_, err := t.exec(ctx, qReleaseSchedule, c.ID, c.Lease, at, tries)
	return err
}

// NextSchedule returns when the next workflow can be claimed.
func (s *Store) NextSchedule(ctx context.Context) (due int64, ok bool, err error) {
	return s.earliest(ctx, []string{qNextSchedule})
}

// Schedulable lists conversations with one of the statuses behind a place, in the
// order of their ids; of one mailbox unless that is 0. Deleted ones are left out.
// Each status is looked up by the index, so that conversations of others cost
// nothing.
func (r Read) Schedulable(ctx context.Context, place, mailbox int64, statuses []postroom.Status, limit int) ([]int64, error) {
	if len(statuses) == 0 {
		return nil, nil
	}
	var parts []string
	var args []any
	n := strconv.Itoa(limit)
	for i, s := range statuses {
		part := `select id from conversation where status = ? and deleted_at = 0 and merged_into = 0 and id > ?`
		args = append(args, s, place)
		if mailbox != 0 {
			part += ` and mailbox_id = ?`
			args = append(args, mailbox)
		}
		parts = append(parts, `select id from (`+part+` order by id limit `+n+`) s`+strconv.Itoa(i))
	}
	query := `select id from (` + strings.Join(parts, ` union all `) + `) x order by id limit ` + n
	return r.ids(ctx, numbered(query), args...)
}
