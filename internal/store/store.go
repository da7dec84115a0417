// Package store holds all SQL of the product, a file per aggregate. One text
// serves both engines. Reads are methods of Read; writes are methods of Tx and
// happen only inside Store.Write, which commits everything or nothing.
//
// A statement that names a row by its key and demands that it still waits writes
// the state inside a coalesce, or with + 0 where it is a number: so no index but the
// key's can answer it. To PostgreSQL an index of the few rows that wait is as good as
// the key while it believes that there are none, and a burst of thousands would have
// each statement read them all until statistics are taken.
package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"postroom"
	"postroom/internal/db"
)

// Store is the product's rows in one database.
type Store struct {
	db     *db.DB
	doubts doubts
}

// New returns the store in d, whose schema is up to date.
func New(d *db.DB) *Store { return &Store{db: d} }

// Now returns the time of the database's clock in milliseconds, UTC.
func (s *Store) Now() int64 { return s.db.Now() }

// Engine returns "sqlite" or "postgres".
func (s *Store) Engine() string { return string(s.db.Engine()) }

// NewID draws an id that no other row of any table has.
func (s *Store) NewID(ctx context.Context) (int64, error) { return s.db.NewID(ctx) }

// NewIDs draws n ids in ascending order.
func (s *Store) NewIDs(ctx context.Context, n int) ([]int64, error) { return s.db.NewIDs(ctx, n) }

// Read returns the readers of the committed state.
func (s *Store) Read() Read { return Read{q: s.db.Reader()} }

// Write runs f in one transaction. On PostgreSQL f may run more than once, so
// it must not keep what it computed in an earlier run.
func (s *Store) Write(ctx context.Context, f func(*Tx) error) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		e := s.db.Engine()
		t := &Tx{Read: Read{q: tx, forUpdate: e.ForUpdate(), skipLocked: e.SkipLocked()}, tx: tx, store: s}
		if err := f(t); err != nil {
			return err
		}
		if !t.late {
			return nil
		}
		t.late = false
		return t.SaveCounts(ctx)
	})
}

// Read answers questions, within a transaction or outside.
type Read struct {
	q          db.Q
	forUpdate  string // " for update" within a transaction on PostgreSQL
	skipLocked string
}

// Tx is one transaction.
type Tx struct {
	Read
	tx    *db.Tx
	store *Store
	moves []folderMove
	// numbers were drawn for the next conversations.
	numbers []int64
	late    bool // counters are written at the very end
}

// OnCommit registers f to run after the commit, in order of registration, and
// never if the transaction is rolled back.
func (t *Tx) OnCommit(f func()) { t.tx.OnCommit(f) }

// exec runs a statement and returns the number of rows it touched.
func (t *Tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	return t.tx.Exec(ctx, query, args...)
}

// one runs a statement that must touch exactly one row; none is a conflict.
func (t *Tx) one(ctx context.Context, what, query string, args ...any) error {
	n, err := t.exec(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if n != 1 {
		return postroom.Errorf(postroom.Conflict, "%s: it changed meanwhile", what)
	}
	return nil
}

// send runs a statement whose answer nobody needs to go on (see db.Tx.Queue).
func (t *Tx) send(ctx context.Context, query string, args ...any) error {
	return t.tx.Queue(ctx, nil, query, args...)
}

// sendOne is send for a statement that must touch exactly one row; none is a
// conflict, and the transaction fails with it.
func (t *Tx) sendOne(ctx context.Context, what, query string, args ...any) error {
	return t.tx.Queue(ctx, func(n int64) error {
		if n != 1 {
			return postroom.Errorf(postroom.Conflict, "%s: it changed meanwhile", what)
		}
		return nil
	}, query, args...)
}

// row is what a query answers with, one at a time.
type row interface{ Scan(...any) error }

// each calls scan for every row of the query.
func each(ctx context.Context, q db.Q, query string, args []any, scan func(row) error) error {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// missing turns "no rows" into a NotFound with a sentence.
func missing(err error, format string, args ...any) error {
	if errors.Is(err, sql.ErrNoRows) || postroom.CodeOf(err) == postroom.NotFound {
		return postroom.Errorf(postroom.NotFound, format, args...)
	}
	return err
}

// toJSON encodes what can always be encoded: our own structs and slices.
func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("store: " + err.Error())
	}
	if string(b) == "null" {
		return "[]"
	}
	return string(b)
}

func fromJSON(text string, v any) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), v)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// list returns "$from, $from+1, …" for n arguments.
func list(from, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", from+i)
	}
	return b.String()
}

// rowsOf returns "($1, $2), ($3, $4), …" for some rows of some columns.
func rowsOf(rows, columns int) string {
	var b strings.Builder
	for i := range rows {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("(" + list(1+i*columns, columns) + ")")
	}
	return b.String()
}

func anys[T any](in []T) []any {
	out := make([]any, len(in))
	for i, v := range in {
		out[i] = v
	}
	return out
}
