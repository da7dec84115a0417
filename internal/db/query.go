package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"

	"postroom"
)

// Q is what SQL is run on: a transaction (*Tx), or a reader. Placeholders are
// $1…$n on both engines and may be used in any order and more than once.
// Errors have their postroom code: Conflict for a row that exists already,
// Unavailable for a database that cannot be used now.
type Q interface {
	// Exec runs a statement and returns how many rows it changed.
	Exec(ctx context.Context, query string, args ...any) (int64, error)
	// Query runs a select. The rows must be read to the end or closed before
	// the next statement of the same transaction.
	Query(ctx context.Context, query string, args ...any) (*Rows, error)
	// QueryRow runs a select of which at most the first row is of interest;
	// its Scan answers sql.ErrNoRows (see NotFound) if there is none.
	QueryRow(ctx context.Context, query string, args ...any) *Row
	// Engine says which engine this is, for the few texts that differ.
	Engine() Engine
}

// Rows is the answer to Query.
type Rows struct {
	rows   *sql.Rows
	closed func() // tells the transaction that it may go on; nil outside one
}

// Next moves to the next row; false at the end or after an error. After the
// last row the Rows are closed.
func (r *Rows) Next() bool {
	if r.rows.Next() {
		return true
	}
	r.release()
	return false
}

// Scan reads the columns of the current row.
func (r *Rows) Scan(dest ...any) error { return translate(r.rows.Scan(dest...)) }

// Err returns what ended the rows early, if anything did.
func (r *Rows) Err() error { return translate(r.rows.Err()) }

// Close ends the rows. Closing them again does nothing.
func (r *Rows) Close() error {
	err := r.rows.Close()
	r.release()
	return translate(err)
}

func (r *Rows) release() {
	if r.closed != nil {
		r.closed()
		r.closed = nil
	}
}

// Row is the answer to QueryRow.
type Row struct {
	rows *Rows
	err  error
}

// Scan reads the columns of the row; sql.ErrNoRows if there is none.
func (r *Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return sql.ErrNoRows
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	return r.rows.Close()
}

// Collect runs a select on q and calls scan for each row. No rows give a nil
// slice and no error.
func Collect[T any](ctx context.Context, q Q, scan func(*Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// runner is the part of *sql.DB, *sql.Conn and *sql.Tx that is used here.
type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// pool is a Q whose statements each use any free connection.
type pool struct {
	run    runner
	engine Engine
}

func (p pool) Engine() Engine { return p.engine }

func (p pool) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := p.run.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, translate(err)
	}
	n, err := res.RowsAffected()
	return n, translate(err)
}

func (p pool) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	rows, err := p.run.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, translate(err)
	}
	return &Rows{rows: rows}, nil
}

func (p pool) QueryRow(ctx context.Context, query string, args ...any) *Row {
	rows, err := p.Query(ctx, query, args...)
	return &Row{rows: rows, err: err}
}

// session is a Q on one transaction of one connection. It is used by one
// goroutine at a time.
type session struct {
	run    runner
	engine Engine

	// detach keeps the end of the caller's context from reaching the
	// connection. SQLite rolls the whole transaction back when a write is
	// interrupted, and with it the work of others in the same group.
	detach bool

	open   *sql.Rows // of the last query, until they are closed
	failed error     // of the first statement that failed
	ended  bool
}

func (s *session) Engine() Engine { return s.engine }

// begin looks whether a statement may be run now and with which context.
func (s *session) begin(ctx context.Context) (context.Context, error) {
	switch {
	case s.ended:
		return nil, errors.New("db: this transaction has ended")
	case s.open != nil:
		return nil, errors.New("db: close the rows of the last query before the next statement of the transaction")
	case s.failed != nil:
		return nil, fmt.Errorf("db: an earlier statement of this transaction failed: %w", s.failed)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.detach {
		ctx = context.WithoutCancel(ctx)
	}
	return ctx, nil
}

func (s *session) fail(err error) error {
	err = translate(err)
	if err != nil && s.failed == nil {
		s.failed = err
	}
	return err
}

func (s *session) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	ctx, err := s.begin(ctx)
	if err != nil {
		return 0, err
	}
	res, err := s.run.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, s.fail(err)
	}
	n, err := res.RowsAffected()
	return n, s.fail(err)
}

func (s *session) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	ctx, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := s.run.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, s.fail(err)
	}
	s.open = rows
	return &Rows{rows: rows, closed: func() {
		s.open = nil
		if err := rows.Err(); err != nil {
			_ = s.fail(err) // so that it cannot be overlooked; Err returns it too
		}
	}}, nil
}

// end forbids further statements and closes what was left open.
func (s *session) end() {
	s.ended = true
	if s.open != nil {
		_ = s.open.Close()
		s.open = nil
	}
}

func (s *session) QueryRow(ctx context.Context, query string, args ...any) *Row {
	rows, err := s.Query(ctx, query, args...)
	return &Row{rows: rows, err: err}
}

// Tx is a write transaction. It is used by one goroutine at a time and is
// over when the function it was given to returns.
type Tx struct {
	session
	db    *DB
	hooks []func()
}

// OnCommit has fn called after the transaction is committed, in the order of
// registration, before Write returns. It is never called if the transaction
// is rolled back. It is meant for waking others; a panic in it is logged.
func (t *Tx) OnCommit(fn func()) { t.hooks = append(t.hooks, fn) }

// Now returns the database's clock; see DB.Now.
func (t *Tx) Now() int64 { return t.db.Now() }

// Queue runs a statement whose answer nobody needs in order to go on, at the
// latest with the commit; before any statement that comes after it. On
// PostgreSQL it goes to the server together with the next question or the
// commit, so its failure is that one's, or that of the whole Write. check, if it
// is not nil, is told how many rows the statement changed; its error is treated
// as the statement's. The arguments must not change any more.
func (t *Tx) Queue(ctx context.Context, check func(changed int64) error, query string, args ...any) error {
	if t.engine == SQLite {
		n, err := t.Exec(ctx, query, args...)
		if err == nil && check != nil {
			err = check(n)
		}
		return err
	}
	ctx, err := t.begin(ctx)
	if err != nil {
		return err
	}
	_, err = t.run.ExecContext(context.WithValue(ctx, queueKey{}, queueMark{check}), query, args...)
	return t.fail(err)
}

const undoPart = "rollback to savepoint part"

// Savepoint runs fn so that its failure undoes only what it did: the
// transaction can go on afterwards. The error of fn is returned.
func (t *Tx) Savepoint(ctx context.Context, fn func() error) error {
	if _, err := t.Exec(ctx, "savepoint part"); err != nil {
		return err
	}
	hooks := len(t.hooks)
	err := fn()
	if err == nil && t.failed == nil {
		// What fn queued fails here at the latest.
		if _, err = t.Exec(ctx, "release savepoint part"); err == nil {
			return nil
		}
	}
	if err == nil {
		err = t.failed
	}
	if t.open != nil {
		return err // the rows are in the way; the transaction stays failed
	}
	t.failed = nil
	t.hooks = t.hooks[:hooks]
	// The context may be what ended: the undoing must not depend on it.
	undo := context.WithoutCancel(ctx)
	if _, e := t.Exec(undo, undoPart); e != nil {
		return errors.Join(err, e)
	}
	if _, e := t.Exec(undo, "release savepoint part"); e != nil {
		return errors.Join(err, e)
	}
	return err
}

// verdict is what becomes of the transaction after its function returned err.
func (t *Tx) verdict(err error) error {
	switch {
	case err != nil:
		return err
	case t.failed != nil:
		// PostgreSQL would roll back here without a word, SQLite would
		// commit the rest. Neither is what the author meant.
		return fmt.Errorf("db: a statement failed and its error was dropped: %w", t.failed)
	case t.open != nil:
		return errors.New("db: rows were left open at the end of a transaction")
	}
	return nil
}

// committed calls the hooks.
func (t *Tx) committed() {
	for _, fn := range t.hooks {
		t.callHook(fn)
	}
}

func (t *Tx) callHook(fn func()) {
	defer func() {
		if p := recover(); p != nil {
			stack := make([]byte, 4096)
			stack = stack[:runtime.Stack(stack, false)]
			t.db.log.Error("a function to run after a commit panicked", "panic", p, "stack", string(stack))
		}
	}()
	fn()
}

var errNested = postroom.Errorf(postroom.Internal,
	"A write was begun inside another write of the same goroutine; use the transaction that is open.")
