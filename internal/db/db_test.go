package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// each runs fn on both engines with a table of numbered words.
func each(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	dbtest.Options{Empty: true}.Each(t, func(t *testing.T, d *db.DB) {
		base(t, d)
		fn(t, d)
	})
}

// base makes what the room itself needs, without the product's schema, and
// the table the tests write to.
func base(t testing.TB, d *db.DB) {
	t.Helper()
	if err := db.MigrateBase(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	run(t, d, "create table word (id bigint primary key, text text not null unique, n bigint not null default 0)")
}

func run(t testing.TB, d *db.DB, query string, args ...any) {
	t.Helper()
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), query, args...)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func words(t testing.TB, d *db.DB) []string {
	t.Helper()
	all, err := db.Collect(t.Context(), d.Reader(), func(r *db.Rows) (string, error) {
		var s string
		err := r.Scan(&s)
		return s, err
	}, "select text from word order by id")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func insert(ctx context.Context, tx *db.Tx, id int64, text string) error {
	n, err := tx.Exec(ctx, "insert into word (id, text) values ($1, $2)", id, text)
	if err == nil && n != 1 {
		return fmt.Errorf("%d rows inserted", n)
	}
	return err
}

func TestPlaceholdersBindByNumber(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		run(t, d, "insert into word (id, text, n) values ($3, $1, $2)", "one", 7, 1)
		var id, n int64
		var text string
		err := d.Reader().QueryRow(t.Context(),
			"select id, text, n from word where text = $2 and id = $1 and n > $3 and (text = $2 or n = $3)",
			1, "one", 6).Scan(&id, &text, &n)
		if err != nil || id != 1 || text != "one" || n != 7 {
			t.Fatalf("got %d %q %d, %v", id, text, n, err)
		}
	})
}

func TestWriteIsAllOrNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		var woken []string
		mine := errors.New("mine")
		err := d.Write(ctx, func(tx *db.Tx) error {
			tx.OnCommit(func() { woken = append(woken, "never") })
			if err := insert(ctx, tx, 1, "lost"); err != nil {
				return err
			}
			return mine
		})
		if !errors.Is(err, mine) {
			t.Fatalf("the error of the function is lost: %v", err)
		}
		err = d.Write(ctx, func(tx *db.Tx) error {
			tx.OnCommit(func() { woken = append(woken, "first") })
			tx.OnCommit(func() { panic("a hook") })
			tx.OnCommit(func() { woken = append(woken, "second:"+strings.Join(words(t, d), ",")) })
			return insert(ctx, tx, 2, "kept")
		})
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{"first", "second:kept"}; !slices.Equal(woken, want) {
			t.Errorf("hooks: %q, want %q", woken, want)
		}
	})
}

func TestPanicRollsBackAndReachesTheCaller(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		func() {
			defer func() {
				if p := recover(); p != "ouch" {
					t.Errorf("recovered %v", p)
				}
			}()
			_ = d.Write(ctx, func(tx *db.Tx) error {
				_ = insert(ctx, tx, 1, "lost")
				panic("ouch")
			})
		}()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = d.Write(ctx, func(tx *db.Tx) error {
				_ = insert(ctx, tx, 2, "lost too")
				runtime.Goexit() // as t.FailNow does
				return nil
			})
		}()
		<-ended
		run(t, d, "insert into word (id, text) values (3, 'kept')")
		if got := words(t, d); !slices.Equal(got, []string{"kept"}) {
			t.Errorf("kept %q", got)
		}
	})
}

func TestNestedWriteIsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		err := d.Write(ctx, func(tx *db.Tx) error {
			err := d.Write(context.Background(), func(*db.Tx) error { return nil })
			if err == nil || !strings.Contains(err.Error(), "inside another write") {
				t.Errorf("a nested write answers %v", err)
			}
			return insert(ctx, tx, 1, "kept")
		})
		if err != nil || len(words(t, d)) != 1 {
			t.Errorf("the outer write: %v", err)
		}
	})
}

func TestErrorsHaveCodes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		run(t, d, "insert into word (id, text) values (1, 'one')")
		for _, clash := range []struct {
			id   int64
			text string
		}{{1, "other"}, {2, "one"}} {
			err := d.Write(ctx, func(tx *db.Tx) error { return insert(ctx, tx, clash.id, clash.text) })
			if postroom.CodeOf(err) != postroom.Conflict || !db.IsUnique(err) {
				t.Errorf("%v: %v is no conflict", clash, err)
			}
		}
		var n int64
		err := d.Reader().QueryRow(ctx, "select n from word where id = 9").Scan(&n)
		if !errors.Is(err, sql.ErrNoRows) || postroom.CodeOf(db.NotFound(err, "no word %d", 9)) != postroom.NotFound {
			t.Errorf("no rows: %v", err)
		}
		if err := d.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, "insert into word (id, text) values (5, null)")
			return err
		}); err == nil || postroom.CodeOf(err) != postroom.Internal {
			t.Errorf("null: %v", err)
		}
		if _, err := d.Reader().Exec(ctx, "update word set n = 1"); d.Engine() == db.SQLite && err == nil {
			t.Error("a reader may write")
		}
		if err := d.Read(ctx, func(q db.Q) error {
			_, err := q.Exec(ctx, "update word set n = 1")
			return err
		}); postroom.CodeOf(err) != postroom.Unavailable {
			t.Errorf("a write inside Read: %v", err)
		}
	})
}

func TestDroppedStatementErrorFailsTheWrite(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		err := d.Write(ctx, func(tx *db.Tx) error {
			_ = insert(ctx, tx, 1, "one")
			_ = insert(ctx, tx, 1, "one")
			return nil
		})
		if !db.IsUnique(err) || len(words(t, d)) != 0 {
			t.Errorf("%v, kept %q", err, words(t, d))
		}
		err = d.Write(ctx, func(tx *db.Tx) error {
			if err := insert(ctx, tx, 1, "one"); err != nil {
				return err
			}
			ran := 0
			tx.OnCommit(func() { ran++ })
			err := tx.Savepoint(ctx, func() error {
				tx.OnCommit(func() { t.Error("a hook of an undone savepoint ran") })
				return insert(ctx, tx, 1, "one")
			})
			if !db.IsUnique(err) {
				t.Errorf("savepoint: %v", err)
			}
			return tx.Savepoint(ctx, func() error { return insert(ctx, tx, 2, "two") })
		})
		if err != nil || !slices.Equal(words(t, d), []string{"one", "two"}) {
			t.Errorf("%v, kept %q", err, words(t, d))
		}
	})
}

func TestRowsMustBeClosed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		run(t, d, "insert into word (id, text) values (1, 'one'), (2, 'two')")
		err := d.Write(ctx, func(tx *db.Tx) error {
			rows, err := tx.Query(ctx, "select id from word")
			if err != nil {
				return err
			}
			rows.Next()
			if _, err := tx.Exec(ctx, "update word set n = 1"); err == nil {
				t.Error("a statement was run while rows were open")
			}
			return nil
		})
		if err == nil {
			t.Error("rows may be left open")
		}
		var kept *db.Tx
		if err := d.Write(ctx, func(tx *db.Tx) error { kept = tx; return nil }); err != nil {
			t.Fatal(err)
		}
		if _, err := kept.Exec(ctx, "update word set n = 1"); err == nil {
			t.Error("a transaction can be used after its end")
		}
	})
}

func TestCancelledWriteHarmsNobodyElse(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		var wg sync.WaitGroup
		var kept, lost atomic.Int64
		for i := range 60 {
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				err := d.Write(ctx, func(tx *db.Tx) error {
					if err := insert(ctx, tx, int64(i), fmt.Sprint(i)); err != nil {
						return err
					}
					if i%3 == 0 {
						cancel()
					}
					_, err := tx.Exec(ctx, "update word set n = 1 where id = $1", i)
					return err
				})
				switch {
				case err == nil:
					kept.Add(1)
				case errors.Is(err, context.Canceled):
					lost.Add(1)
				default:
					t.Errorf("%d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if kept.Load() != 40 || lost.Load() != 20 || len(words(t, d)) != 40 {
			t.Errorf("kept %d (%d in the table), lost %d", kept.Load(), len(words(t, d)), lost.Load())
		}
	})
}

func TestConcurrentWritesCountRight(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		run(t, d, "insert into word (id, text) values (1, 'one'), (2, 'two')")
		var wg sync.WaitGroup
		const writers, rounds = 4, 12
		for w := range writers {
			wg.Go(func() {
				for range rounds {
					// Opposite orders of locking deadlock on PostgreSQL: the
					// write has to be run again, with its hooks once.
					first, second := 1+w%2, 2-w%2
					err := d.Write(ctx, func(tx *db.Tx) error {
						if _, err := tx.Exec(ctx, "update word set n = n + 1 where id = $1", first); err != nil {
							return err
						}
						_, err := tx.Exec(ctx, "update word set n = n + 1 where id = $1", second)
						return err
					})
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		var low, high int64
		if err := d.Reader().QueryRow(ctx, "select min(n), max(n) from word").Scan(&low, &high); err != nil || low != high || low != writers*rounds {
			t.Errorf("counted %d and %d, want %d: %v", low, high, writers*rounds, err)
		}
	})
}

func TestReadSeesOneMoment(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		run(t, d, "insert into word (id, text) values (1, 'one')")
		count := func(q db.Q) (n int64) {
			if err := q.QueryRow(ctx, "select count(*) from word").Scan(&n); err != nil {
				t.Error(err)
			}
			return n
		}
		err := d.Read(ctx, func(q db.Q) error {
			before := count(q)
			run(t, d, "insert into word (id, text) values (2, 'two')")
			if after := count(q); before != 1 || after != 1 {
				t.Errorf("saw %d then %d rows", before, after)
			}
			return nil
		})
		if err != nil || count(d.Reader()) != 2 {
			t.Errorf("afterwards %d rows, %v", count(d.Reader()), err)
		}
	})
}

func TestIDsAreUniqueAndDrawnInsideWrites(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		var mu sync.Mutex
		seen := map[int64]bool{}
		note := func(ids ...int64) {
			mu.Lock()
			defer mu.Unlock()
			for _, id := range ids {
				if id < 1 || seen[id] {
					t.Errorf("id %d was drawn twice", id)
				}
				seen[id] = true
			}
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 300 {
					id, err := d.NewID(ctx)
					if err != nil {
						t.Error(err)
						return
					}
					note(id)
				}
				err := d.Write(ctx, func(tx *db.Tx) error {
					ids, err := d.NewIDs(ctx, 40)
					note(ids...)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		ids, err := d.NewIDs(ctx, 5000)
		if err != nil || !slices.IsSorted(ids) {
			t.Errorf("many: %v", err)
		}
		note(ids...)
		if want := 8*340 + 5000; len(seen) != want {
			t.Errorf("%d ids, want %d", len(seen), want)
		}
	})
}

func TestManyIDsInsideAWrite(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		var inside []int64
		err := d.Write(t.Context(), func(tx *db.Tx) (err error) {
			inside, err = d.NewIDs(t.Context(), 10_000)
			return err
		})
		if err != nil || len(inside) != 10_000 || !slices.IsSorted(inside) {
			t.Fatalf("%d ids, %v", len(inside), err)
		}
		after, err := d.NewIDs(t.Context(), 2000)
		if err != nil {
			t.Fatal(err)
		}
		all := slices.Sorted(slices.Values(append(after, inside...)))
		if len(slices.Compact(all)) != 12_000 {
			t.Error("ids were drawn twice")
		}
	})
}

func TestNumbersAreInOrder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		var got []int64
		for _, n := range []int{1, 3, 0, 2} {
			err := d.Write(t.Context(), func(tx *db.Tx) error {
				numbers, err := tx.NextNumbers(t.Context(), n)
				got = append(got, numbers...)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got, []int64{1, 2, 3, 4, 5, 6}) {
			t.Errorf("numbers %v", got)
		}
	})
}

func TestClock(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		if off := time.Since(time.UnixMilli(d.Now())); off < -time.Second || off > time.Second {
			t.Errorf("the clock is off by %v", off)
		}
	})
	fixed := time.Date(2030, 1, 2, 3, 4, 5, 678e6, time.UTC)
	dbtest.Options{Empty: true, Now: func() time.Time { return fixed }}.Each(t, func(t *testing.T, d *db.DB) {
		if d.Now() != fixed.UnixMilli() {
			t.Errorf("the injected clock is not used: %d", d.Now())
		}
	})
}

func TestClosedDatabaseIsUnavailable(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		err := d.Write(t.Context(), func(*db.Tx) error { return nil })
		if err == nil {
			t.Error("a closed database accepts writes")
		}
		if err := d.Close(); err != nil {
			t.Errorf("closing again: %v", err)
		}
	})
}

func TestSecondProcessOnTheFileIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a folder with ?odd&=#% name", "desk.db")
	d, err := db.Open(t.Context(), db.Options{URL: path})
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Open(t.Context(), db.Options{URL: path})
	if postroom.CodeOf(err) != postroom.Unavailable || !strings.Contains(postroom.TextOf(err), "Another Postroom has the database") {
		t.Errorf("a second opening answers %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d, err = db.Open(t.Context(), db.Options{URL: path})
	if err != nil {
		t.Fatalf("after the first is closed: %v", err)
	}
	_ = d.Close()
}

func TestUnreachableDatabases(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "not-a-database")
	write(t, file, strings.Repeat("this is no database ", 100))
	for _, c := range []struct{ url, code, text string }{
		{"postgres://someone:secret@127.0.0.1:1/desk", "unavailable", "does not answer"},
		{"postgres://[broken", "invalid", "not understood"},
		{file, "unavailable", "damaged"},
		{filepath.Join(file, "below"), "unavailable", "cannot be opened"},
	} {
		_, err := db.Open(t.Context(), db.Options{URL: c.url})
		if string(postroom.CodeOf(err)) != c.code || !strings.Contains(postroom.TextOf(err), c.text) {
			t.Errorf("%s: %v", c.url, err)
		}
		if strings.Contains(fmt.Sprint(err), "secret") {
			t.Errorf("the password is in the error: %v", err)
		}
	}
}

// waitABit paces a loop that repeats something until it is heard.
func waitABit() <-chan time.Time { return time.After(50 * time.Millisecond) }
