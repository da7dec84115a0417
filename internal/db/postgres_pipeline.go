package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// A transaction on PostgreSQL spends most of its time on the way to the server
// and back. A pipeConn makes fewer ways of it: the begin, and every statement
// that Tx.Queue was given, wait on our side until somebody wants an answer, and
// go out together with that question or with the commit. The server runs them
// in order and, after one that fails, none of the others.

// pipeConnector opens such connections.
type pipeConnector struct {
	driver.Connector
	trips *atomic.Int64
}

// Connect opens a connection.
func (p pipeConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	full, ok := conn.(*stdlib.Conn)
	if !ok {
		_ = conn.Close()
		return nil, errors.New("db: the PostgreSQL driver lacks an interface it had")
	}
	return &pipeConn{Conn: full, trips: p.trips}, nil
}

// pipeConn is one connection; database/sql lets one goroutine in at a time.
type pipeConn struct {
	*stdlib.Conn
	trips *atomic.Int64 // ways to the server and back

	queue  []queued // not sent yet, in order
	unsent bool     // the first of them is the begin
}

// queued is a statement on its way. check, if it is there, looks at the answer.
type queued struct {
	query string
	args  []any
	check func(pgconn.CommandTag) error
}

// queueKey marks the context of a statement that is to be queued; its value is
// a queueMark.
type queueKey struct{}

type queueMark struct{ check func(changed int64) error }

// BeginTx begins a transaction with the first statement that is sent.
func (c *pipeConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if c.Conn.Conn().IsClosed() {
		return nil, driver.ErrBadConn
	}
	begin := "begin"
	if sql.IsolationLevel(o.Isolation) == sql.LevelRepeatableRead {
		begin += " isolation level repeatable read"
	}
	if o.ReadOnly {
		begin += " read only"
	}
	c.queue, c.unsent = append(c.queue[:0], queued{query: begin}), true
	return &pipeTx{ctx: context.WithoutCancel(ctx), c: c}, nil
}

// ExecContext runs a statement after those that wait, or lets it wait with
// them.
func (c *pipeConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if m, ok := ctx.Value(queueKey{}).(queueMark); ok {
		q := queued{query: query, args: values(args)}
		if m.check != nil {
			q.check = func(tag pgconn.CommandTag) error { return m.check(tag.RowsAffected()) }
		}
		c.queue = append(c.queue, q)
		return driver.RowsAffected(0), nil
	}
	if query == undoPart {
		c.queue = nil // it would be undone
	}
	if len(args) == 0 || len(c.queue) == 0 { // without arguments it may be several statements
		if err := c.send(ctx); err != nil {
			return nil, err
		}
		c.trips.Add(1)
		return c.Conn.ExecContext(ctx, query, args)
	}
	var n int64
	err := c.send(ctx, queued{query, values(args), func(tag pgconn.CommandTag) error { n = tag.RowsAffected(); return nil }})
	return driver.RowsAffected(n), err
}

// QueryContext runs a select after the statements that wait, in one way.
func (c *pipeConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if len(c.queue) == 0 {
		c.trips.Add(1)
		return c.Conn.QueryContext(ctx, query, args)
	}
	results, err := c.start(ctx, queued{query: query, args: values(args)})
	if err != nil {
		return nil, err
	}
	rows, err := results.Query()
	if err != nil {
		_ = results.Close() // says the same
		return nil, err
	}
	// What is wrong with a select shows with its first row.
	r := &pipeRows{rows: rows, results: results, peeked: true, more: rows.Next()}
	if err := rows.Err(); err != nil {
		rows.Close()
		_ = results.Close() // says the same
		return nil, err
	}
	return r, nil
}

// send sends what waits, and more, and reads all the answers.
func (c *pipeConn) send(ctx context.Context, more ...queued) error {
	if len(c.queue)+len(more) == 0 {
		return nil
	}
	c.queue = append(c.queue, more...)
	results, err := c.start(ctx)
	if err != nil {
		return err
	}
	return results.Close()
}

// start sends what waits, and more, and reads the answers to what waited. The
// caller reads the others and closes the results, unless there is an error.
func (c *pipeConn) start(ctx context.Context, more ...queued) (pgx.BatchResults, error) {
	c.trips.Add(1)
	waited := c.queue
	c.queue, c.unsent = nil, false
	var batch pgx.Batch
	for _, q := range waited {
		batch.Queue(q.query, q.args...)
	}
	for _, q := range more {
		batch.Queue(q.query, q.args...)
	}
	results := c.Conn.Conn().SendBatch(ctx, &batch)
	for _, q := range waited {
		tag, err := results.Exec()
		if err == nil && q.check != nil {
			err = q.check(tag)
		}
		if err != nil {
			_ = results.Close() // says the same, or nothing of interest
			return nil, err
		}
	}
	return results, nil
}

func values(args []driver.NamedValue) []any {
	out := make([]any, len(args))
	for i, a := range args {
		out[i] = a.Value
	}
	return out
}

// pipeTx is a transaction of a pipeConn.
type pipeTx struct {
	ctx context.Context
	c   *pipeConn
}

// Commit sends what waits together with the commit, unless an answer has to be
// looked at first.
func (t *pipeTx) Commit() error {
	c := t.c
	if c.unsent && len(c.queue) == 1 {
		c.queue, c.unsent = nil, false // nothing was asked for
		return nil
	}
	err := error(nil)
	for _, q := range c.queue {
		if q.check != nil {
			err = c.send(t.ctx)
			break
		}
	}
	if err == nil {
		err = c.send(t.ctx, queued{query: "commit", check: func(tag pgconn.CommandTag) error {
			if tag.String() != "COMMIT" {
				return pgx.ErrTxCommitRollback
			}
			return nil
		}})
	}
	if err != nil {
		_ = t.Rollback()
	}
	return err
}

// rollbackTime is how long the server may take to roll back before its
// connection is given up.
const rollbackTime = 5 * time.Second

// Rollback forgets what was not sent and undoes the rest.
func (t *pipeTx) Rollback() error {
	c := t.c
	begun := !c.unsent
	c.queue, c.unsent = nil, false
	conn := c.Conn.Conn()
	if !begun || conn.IsClosed() || conn.PgConn().TxStatus() == 'I' {
		return nil
	}
	ctx, cancel := context.WithTimeout(t.ctx, rollbackTime)
	defer cancel()
	c.trips.Add(1)
	_, err := conn.Exec(ctx, "rollback")
	if err != nil {
		_ = conn.Close(ctx)
	}
	return err
}

// pipeRows is the answer to a select that was sent with others.
type pipeRows struct {
	rows    pgx.Rows
	results pgx.BatchResults
	peeked  bool // the first row was moved to already
	more    bool // … and is there
	columns []string
}

// Columns names the columns.
func (r *pipeRows) Columns() []string {
	if r.columns == nil {
		r.columns = make([]string, 0, 8)
		for _, f := range r.rows.FieldDescriptions() {
			r.columns = append(r.columns, f.Name)
		}
	}
	return r.columns
}

// Next reads the next row.
func (r *pipeRows) Next(dest []driver.Value) error {
	if !r.peeked {
		r.more = r.rows.Next()
	}
	r.peeked = false
	if !r.more {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return io.EOF
	}
	row, err := r.rows.Values()
	if err != nil {
		return err
	}
	for i, v := range row {
		if dest[i], err = plainValue(v); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

// plainValue turns what pgx reads into what database/sql knows.
func plainValue(v any) (driver.Value, error) {
	switch v := v.(type) {
	case int32:
		return int64(v), nil
	case int16:
		return int64(v), nil
	case driver.Valuer: // numeric
		return v.Value()
	}
	if !driver.IsValue(v) {
		return nil, fmt.Errorf("db: a %T cannot be read", v)
	}
	return v, nil
}

// Close ends the rows and lets the connection be used again.
func (r *pipeRows) Close() error {
	r.rows.Close()
	return r.results.Close()
}
