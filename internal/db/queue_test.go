package db_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"postroom"
	"postroom/internal/db"
)

const qWord = "insert into word (id, text) values ($1, $2)"

// queued writes words without waiting for an answer.
func queued(ctx context.Context, t *testing.T, tx *db.Tx, id int64, texts ...string) {
	t.Helper()
	for i, s := range texts {
		if err := tx.Queue(ctx, nil, qWord, id+int64(i), s); err != nil && tx.Engine() == db.Postgres {
			t.Errorf("queueing %q answers at once: %v", s, err)
		}
	}
}

// What was queued is done before what comes after it, in order, and is kept by
// the commit.
func TestQueuedStatementsRunInOrder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		changed := int64(-1)
		err := d.Write(ctx, func(tx *db.Tx) error {
			queued(ctx, t, tx, 1, "one", "two")
			var n int
			if err := tx.QueryRow(ctx, "select count(*) from word where id >= $1", 1).Scan(&n); err != nil || n != 2 {
				t.Errorf("a question after two inserts counts %d: %v", n, err)
			}
			queued(ctx, t, tx, 3, "three")
			m, err := tx.Exec(ctx, "update word set n = n + 1 where id <= $1", 3)
			if err != nil || m != 3 {
				t.Errorf("an update after three inserts changes %d: %v", m, err)
			}
			check := func(n int64) error { changed = n; return nil }
			return tx.Queue(ctx, check, "update word set text = text || '!' where id >= $1", 2)
		})
		if err != nil || changed != 2 {
			t.Errorf("committed with %v, %d changed", err, changed)
		}
		if got := strings.Join(words(t, d), " "); got != "one two! three!" {
			t.Errorf("kept %q", got)
		}
	})
}

// A queued statement that fails, or whose check does, undoes all of its
// transaction, wherever that shows; and the connection goes on.
func TestQueuedStatementsFail(t *testing.T) {
	t.Parallel()
	refused := postroom.Errorf(postroom.Conflict, "refused")
	for name, fail := range map[string]func(context.Context, *db.Tx) error{
		"statement": func(ctx context.Context, tx *db.Tx) error { return tx.Queue(ctx, nil, qWord, 3, "there") },
		"check": func(ctx context.Context, tx *db.Tx) error {
			return tx.Queue(ctx, func(int64) error { return refused }, qWord, 3, "new")
		},
	} {
		for then, next := range map[string]func(context.Context, *db.Tx) error{
			"commit": func(context.Context, *db.Tx) error { return nil },
			"exec":   func(ctx context.Context, tx *db.Tx) error { return insert(ctx, tx, 4, "four") },
			"question": func(ctx context.Context, tx *db.Tx) error {
				return tx.QueryRow(ctx, "select 1 where 1 = $1", 1).Scan(new(int))
			},
			"queue": func(ctx context.Context, tx *db.Tx) error { return tx.Queue(ctx, nil, qWord, 4, "four") },
		} {
			t.Run(name+" then "+then, func(t *testing.T) {
				t.Parallel()
				each(t, func(t *testing.T, d *db.DB) {
					ctx := t.Context()
					run(t, d, qWord, 1, "there")
					for range 10 { // over all connections
						hooked := false
						err := d.Write(ctx, func(tx *db.Tx) error {
							tx.OnCommit(func() { hooked = true })
							if err := insert(ctx, tx, 2, "undone"); err != nil {
								return err
							}
							if err := fail(ctx, tx); err != nil {
								return err
							}
							return next(ctx, tx)
						})
						if postroom.CodeOf(err) != postroom.Conflict || name == "check" && !errors.Is(err, refused) || hooked {
							t.Fatalf("answered %v, hook %v", err, hooked)
						}
					}
					run(t, d, qWord, 5, "after")
					if got := strings.Join(words(t, d), " "); got != "there after" {
						t.Errorf("kept %q", got)
					}
				})
			})
		}
	}
}

// What was queued in a savepoint fails in it and is undone with it, and with
// nothing else.
func TestQueuedStatementsInSavepoint(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		err := d.Write(ctx, func(tx *db.Tx) error {
			queued(ctx, t, tx, 1, "kept")
			err := tx.Savepoint(ctx, func() error {
				if err := tx.Queue(ctx, nil, qWord, 2, "undone"); err != nil {
					return err
				}
				return tx.Queue(ctx, nil, qWord, 3, "kept")
			})
			if postroom.CodeOf(err) != postroom.Conflict {
				t.Errorf("a savepoint with a duplicate answers %v", err)
			}
			own := errors.New("own")
			err = tx.Savepoint(ctx, func() error {
				queued(ctx, t, tx, 4, "undone too")
				return own
			})
			if !errors.Is(err, own) {
				t.Errorf("a savepoint that fails by itself answers %v", err)
			}
			queued(ctx, t, tx, 5, "kept as well")
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if got := strings.Join(words(t, d), ", "); got != "kept, kept as well" {
			t.Errorf("kept %q", got)
		}
	})
}

// On PostgreSQL a transaction waits for the server as often as it asks, and
// once for its commit; one that asks nothing waits once, or not at all.
func TestQueuedStatementsTakeNoTrips(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		all := func(first int64) int64 {
			before := d.Trips()
			err := d.Write(ctx, func(tx *db.Tx) error {
				queued(ctx, t, tx, first, wordOf(first), wordOf(first+1), wordOf(first+2))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return d.Trips() - before
		}
		all(10)
		want := map[db.Engine]int64{db.Postgres: 1}[d.Engine()]
		if n := all(20); n != want {
			t.Errorf("three queued statements take %d trips", n)
		}
		before := d.Trips()
		if err := d.Write(ctx, func(*db.Tx) error { return nil }); err != nil || d.Trips() != before {
			t.Errorf("a transaction without statements takes %d trips: %v", d.Trips()-before, err)
		}
	})
}

func wordOf(n int64) string { return strings.Repeat("x", int(n)) }
