package store

import (
	"context"
)

// Backtest is a job that says what a workflow would have done, with what came of
// it.
type Backtest struct {
	JobID      int64
	WorkflowID int64
	Name       string // the workflow's
	Version    int    // 0: as it was being written
	Days       int
	At         int64  // when it was asked for
	Summary    string // JSON; "" until it has ended
}

// BacktestLine is one event of a backtest.
type BacktestLine struct {
	ConversationID int64
	Body           string // JSON
}

const backtestColumns = `job_id, workflow_id, name, version, days, at, summary`

func scanBacktest(r row) (Backtest, error) {
	var b Backtest
	err := r.Scan(&b.JobID, &b.WorkflowID, &b.Name, &b.Version, &b.Days, &b.At, &b.Summary)
	return b, err
}

const (
	qInsertBacktest      = `insert into backtest (` + backtestColumns + `) values ($1,$2,$3,$4,$5,$6,$7)`
	qBacktest            = `select ` + backtestColumns + ` from backtest where job_id = $1`
	qBacktests           = `select ` + backtestColumns + ` from backtest where workflow_id = $1 order by at desc, job_id desc limit $2`
	qEndBacktest         = `update backtest set summary = $2 where job_id = $1`
	qClearBacktest       = `delete from backtest_line where job_id = $1`
	qInsertBacktestLines = `insert into backtest_line (job_id, position, conversation_id, body) values `
	qBacktestLines       = `select l.conversation_id, l.body from backtest_line l join conversation c on c.id = l.conversation_id
	where l.job_id = $1 and l.position >= $2 order by l.position limit $3`
	qOldBacktestLines   = `delete from backtest_line where job_id in (select job_id from backtest where at < $1)`
	qStrayBacktestLines = `delete from backtest_line where conversation_id not in (select id from conversation)`
	qOldBacktests       = `delete from backtest where at < $1`
	qJobProgress        = `update job set total = $2, done = $3 where id = $1`
)

// InsertBacktest stores a backtest that is to be made.
func (t *Tx) InsertBacktest(ctx context.Context, b Backtest) error {
	return t.send(ctx, qInsertBacktest, b.JobID, b.WorkflowID, b.Name, b.Version, b.Days, b.At, b.Summary)
}

// Backtest loads a backtest; NotFound if there is none, or not any more.
func (r Read) Backtest(ctx context.Context, job int64) (Backtest, error) {
	b, err := scanBacktest(r.q.QueryRow(ctx, qBacktest, job))
	return b, missing(err, "There is no such backtest, or not any more: they are kept for a month.")
}

// Backtests lists the latest backtests of a workflow, the newest first.
func (r Read) Backtests(ctx context.Context, workflow int64, limit int) ([]Backtest, error) {
	var out []Backtest
	err := each(ctx, r.q, qBacktests, []any{workflow, limit}, func(rows row) error {
		b, err := scanBacktest(rows)
		out = append(out, b)
		return err
	})
	return out, err
}

// SaveBacktest stores what came of a backtest, in place of what an earlier try
// has stored. Lines of a conversation that is erased at that very moment are read
// no more, and are gone by night.
func (t *Tx) SaveBacktest(ctx context.Context, job int64, summary string, lines []BacktestLine) error {
	if _, err := t.exec(ctx, qClearBacktest, job); err != nil {
		return err
	}
	const atOnce = 100
	for at := 0; at < len(lines); at += atOnce {
		some := lines[at:min(at+atOnce, len(lines))]
		args := make([]any, 0, 4*len(some))
		for i, l := range some {
			args = append(args, job, at+i, l.ConversationID, l.Body)
		}
		if _, err := t.exec(ctx, qInsertBacktestLines+rowsOf(len(some), 4), args...); err != nil {
			return err
		}
	}
	return t.one(ctx, "save backtest", qEndBacktest, job, summary)
}

// BacktestLines loads lines of a backtest from a place on.
func (r Read) BacktestLines(ctx context.Context, job int64, from, limit int) ([]BacktestLine, error) {
	var out []BacktestLine
	err := each(ctx, r.q, qBacktestLines, []any{job, from, limit}, func(rows row) error {
		var l BacktestLine
		err := rows.Scan(&l.ConversationID, &l.Body)
		out = append(out, l)
		return err
	})
	return out, err
}

// ForgetBacktests deletes backtests from before a time.
func (t *Tx) ForgetBacktests(ctx context.Context, before int64) error {
	if err := t.send(ctx, qOldBacktestLines, before); err != nil {
		return err
	}
	if err := t.send(ctx, qStrayBacktestLines); err != nil {
		return err
	}
	return t.send(ctx, qOldBacktests, before)
}

// JobProgress writes how far a job is.
func (t *Tx) JobProgress(ctx context.Context, id int64, total, done int) error {
	return t.one(ctx, "save progress", qJobProgress, id, total, done)
}
