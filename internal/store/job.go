package store

import (
	"context"

	"postroom"
)

// Job is long work with progress that a person started.
type Job struct {
	ID        int64
	Kind      string // JobBulk, JobErase or JobBacktest
	AgentID   int64  // who started it; 0: the desk itself
	State     string // running, done, failed
	Params    string // JSON, by kind
	Total     int
	Done      int
	Skipped   int
	Report    []JobLine
	Words     string
	CreatedAt int64
	EndedAt   int64
	FinalAt   int64 // end of the undo window of what it did
	UndoneAt  int64 // when undoing began; Undone says whether it has ended
	Tries     int

	// How far undoing has come: the last conversation it has looked at, and how
	// many that were. An erasing job keeps its place there too.
	UndoAfter  int64
	UndoLooked int
}

// Undoing reports whether what the job did is being taken back, which is work
// like the job itself.
func (j Job) Undoing() bool { return j.UndoneAt > 0 && j.State == JobRunning }

// Undone reports whether all that can be undone of the job is.
func (j Job) Undone() bool { return j.UndoneAt > 0 && j.State != JobRunning }

// JobLine says why a job left something out.
type JobLine struct {
	ConversationID int64  `json:"conversation"`
	Number         int64  `json:"number,omitempty"`
	Words          string `json:"words"`
}

// The kinds of jobs.
const (
	JobBulk  = "bulk"
	JobErase = "erase"

	JobBacktest = "backtest"
)

// The states of a job.
const (
	JobRunning = "running"
	JobDone    = "done"
	JobFailed  = "failed"
)

const jobColumns = `id, kind, agent_id, state, params, total, done, skipped, report, words, created_at, ended_at, final_at, undone_at, tries, undo_after, undo_looked`

func scanJob(r row) (Job, error) {
	var j Job
	var report string
	err := r.Scan(&j.ID, &j.Kind, &j.AgentID, &j.State, &j.Params, &j.Total, &j.Done, &j.Skipped, &report, &j.Words, &j.CreatedAt, &j.EndedAt, &j.FinalAt, &j.UndoneAt, &j.Tries, &j.UndoAfter, &j.UndoLooked)
	if err == nil {
		err = fromJSON(report, &j.Report)
	}
	return j, err
}

const (
	qInsertJob = `insert into job (` + jobColumns + `, due_at) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$11)`
	qJob       = `select ` + jobColumns + ` from job where id = $1`
	qUpdateJob = `update job set state = $2, done = $3, skipped = $4, report = $5, words = $6, ended_at = $7, final_at = $8, undone_at = $9,
		undo_after = $10, undo_looked = $11 where id = $1`
	qReopenJob = `update job set state = 'running', due_at = $2, tries = 0, lease = 0, lease_until = 0 where id = $1 and state <> 'running'`
	qAgentJobs = `select ` + jobColumns + ` from job where agent_id = $1 and (state = 'running' or final_at > $2) order by id desc limit 5`
)

// InsertJob stores a job, due at once.
func (t *Tx) InsertJob(ctx context.Context, j Job) error {
	_, err := t.exec(ctx, qInsertJob, j.ID, j.Kind, j.AgentID, j.State, j.Params, j.Total, j.Done, j.Skipped, toJSON(j.Report), j.Words,
		j.CreatedAt, j.EndedAt, j.FinalAt, j.UndoneAt, j.Tries, j.UndoAfter, j.UndoLooked)
	return err
}

// Job loads a job; within a transaction it is locked.
func (r Read) Job(ctx context.Context, id int64) (Job, error) {
	j, err := scanJob(r.q.QueryRow(ctx, qJob+r.forUpdate, id))
	return j, missing(err, "There is no such job.")
}

// OpenJobs lists an agent's jobs that run, or can still be undone at now.
func (r Read) OpenJobs(ctx context.Context, agent, now int64) ([]Job, error) {
	var out []Job
	err := each(ctx, r.q, qAgentJobs, []any{agent, now}, func(rows row) error {
		j, err := scanJob(rows)
		out = append(out, j)
		return err
	})
	return out, err
}

const (
	qBulkJobsOf = `select distinct j.id from act a join job j on j.id = a.job_id where a.conversation_id = $1 and a.job_id > 0 and j.kind = 'bulk' order by j.id`
	qJobParams  = `update job set params = $2 where id = $1`
)

// BulkJobsOf lists the bulk jobs that changed a conversation, by id.
func (r Read) BulkJobsOf(ctx context.Context, conversation int64) ([]int64, error) {
	return r.ids(ctx, qBulkJobsOf, conversation)
}

// SetJobParams writes what a job is to do.
func (t *Tx) SetJobParams(ctx context.Context, id int64, params string) error {
	return t.one(ctx, "save job", qJobParams, id, params)
}

// UpdateJob writes a job's progress and end.
func (t *Tx) UpdateJob(ctx context.Context, j Job) error {
	return t.one(ctx, "save job", qUpdateJob, j.ID, j.State, j.Done, j.Skipped, toJSON(j.Report), j.Words, j.EndedAt, j.FinalAt, j.UndoneAt, j.UndoAfter, j.UndoLooked)
}

// ReopenJob has a job that ended worked on again, from now on and by whoever
// claims it; what it is to do then stands in its row. One that runs is a
// conflict.
func (t *Tx) ReopenJob(ctx context.Context, id, now int64) error {
	return t.one(ctx, "reopen job", qReopenJob, id, now)
}

const (
	qDueJobs    = `select id, tries from job where state = 'running' and due_at <= $1 and lease_until <= $1 order by due_at, id limit $2`
	qLeaseJob   = `update job set lease = $2, lease_until = $3, owner = $5, tries = tries + 1 where id = $1 and coalesce(state, '') = 'running' and due_at <= $4 and lease_until <= $4`
	qRenewJob   = `update job set lease_until = $3, owner = $4 where id = $1 and lease = $2`
	qReleaseJob = `update job set lease = 0, lease_until = 0, due_at = $3, tries = $4 where id = $1 and lease = $2`
	qNextJob    = `select min(due_at) from job where state = 'running' and lease = 0`
	qNextJobL   = `select min(lease_until) from job where state = 'running' and lease > 0`
	qHoldJob    = `select lease from job where id = $1`
)

// ClaimJobs leases due jobs for some milliseconds.
func (s *Store) ClaimJobs(ctx context.Context, limit int, lease int64) ([]Claimed, error) {
	return s.claim(ctx, lease, rows(qDueJobs, func(now int64) []any { return []any{now, limit} },
		func(ctx context.Context, t *Tx, c Claimed, h hold) (int64, error) {
			return t.exec(ctx, qLeaseJob, c.ID, h.token, h.until, h.now, h.owner)
		}))
}

// RenewJob prolongs the lease on a job.
func (s *Store) RenewJob(ctx context.Context, c Claimed, lease int64) error {
	owner, err := s.db.Self()
	if err != nil {
		return err
	}
	return s.Write(ctx, func(t *Tx) error { return t.one(ctx, "renew lease", qRenewJob, c.ID, c.Lease, s.Now()+lease, owner) })
}

// ReleaseJob gives a job back, due at a time, tried so often.
func (t *Tx) ReleaseJob(ctx context.Context, c Claimed, due int64, tries int) error {
	return t.one(ctx, "release job", qReleaseJob, c.ID, c.Lease, due, tries)
}

// HoldJob fails with a conflict unless the lease on the job is still ours.
func (t *Tx) HoldJob(ctx context.Context, c Claimed) error {
	var lease int64
	err := missing(t.q.QueryRow(ctx, qHoldJob+t.forUpdate, c.ID).Scan(&lease), "The job is gone.")
	if err == nil && lease != c.Lease {
		err = postroom.Errorf(postroom.Conflict, "The lease on job %d was lost to another worker.", c.ID)
	}
	return err
}

// NextJob returns when the next job can be claimed.
func (s *Store) NextJob(ctx context.Context) (due int64, ok bool, err error) {
	return s.earliest(ctx, []string{qNextJob, qNextJobL})
}
