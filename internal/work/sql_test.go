package work_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/work"
)

// table is a source as the product's are: rows of a table, claimed by
// compare-and-set on a lease of the database's clock.
type table struct{ d *db.DB }

func makeTable(t testing.TB, d *db.DB, rows int, due int64) table {
	t.Helper()
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		if tx.Engine() == db.Postgres {
			if _, err := tx.Exec(t.Context(), "set local synchronous_commit = off"); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(t.Context(), `create table item (id bigint primary key, due bigint not null,
			lease_until bigint not null default 0, lease bigint not null default 0,
			tries integer not null default 0, done integer not null default 0)`); err != nil {
			return err
		}
		for id := range rows {
			if _, err := tx.Exec(t.Context(), "insert into item (id, due) values ($1, $2)", id+1, due); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return table{d}
}

func (table) Name() string { return "item" }

func (s table) Claim(ctx context.Context, limit int, lease time.Duration) ([]work.Item, error) {
	var items []work.Item
	err := s.d.Write(ctx, func(tx *db.Tx) (err error) {
		items, err = db.Collect(ctx, tx, func(r *db.Rows) (work.Item, error) {
			var it work.Item
			err := r.Scan(&it.ID, &it.Lease, &it.Tries)
			return it, err
		}, `update item set lease = lease + 1, tries = tries + 1, lease_until = $1
			where id in (select id from item where done = 0 and due <= $2 and lease_until <= $2
				order by due, id limit $3`+tx.Engine().SkipLocked()+`)
			and done = 0 and lease_until <= $2 returning id, lease, tries`,
			tx.Now()+lease.Milliseconds(), tx.Now(), limit)
		return err
	})
	slices.SortFunc(items, func(a, b work.Item) int { return int(a.ID - b.ID) })
	return items, err
}

func (s table) change(ctx context.Context, it work.Item, set string, args ...any) error {
	return s.d.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(ctx, "update item set "+set+" where id = $1 and lease = $2 and done = 0", append([]any{it.ID, it.Lease}, args...)...)
		if err == nil && n == 0 {
			return work.ErrLost
		}
		return err
	})
}

func (s table) Renew(ctx context.Context, it work.Item, lease time.Duration) error {
	return s.change(ctx, it, "lease_until = $3", s.d.Now()+lease.Milliseconds())
}

func (s table) Fail(ctx context.Context, it work.Item, err error) error {
	if errors.Is(err, work.ErrHandedBack) {
		return s.change(ctx, it, "lease_until = 0, tries = tries - 1")
	}
	return s.change(ctx, it, "lease_until = 0, due = $3", s.d.Now()+50)
}

func (s table) NextDue(ctx context.Context) (int64, bool, error) {
	var due *int64
	err := s.d.Reader().QueryRow(ctx, "select min(case when due > lease_until then due else lease_until end) from item where done = 0").Scan(&due)
	if err != nil || due == nil {
		return 0, false, err
	}
	return *due, true, nil
}

// TestEveryRowIsDoneOnceByTwoRunners has two runners at one table, handlers
// that fail now and then, and one runner stopped in the middle.
func TestEveryRowIsDoneOnceByTwoRunners(t *testing.T) {
	t.Parallel()
	dbtest.Options{Empty: true}.Each(t, func(t *testing.T, d *db.DB) {
		const rows = 300
		src := makeTable(t, d, rows, 0)
		var mu sync.Mutex
		did := map[int64]int{}
		all := make(chan struct{})
		half := make(chan struct{})
		handler := func(ctx context.Context, it work.Item) error {
			if it.ID%7 == 0 && it.Tries == 1 {
				return errors.New("not yet")
			}
			if err := src.change(ctx, it, "done = 1"); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			did[it.ID]++
			switch len(did) {
			case rows / 2:
				close(half)
			case rows:
				close(all)
			}
			return nil
		}
		var runners []*work.Runner
		for range 2 {
			r, err := work.New(work.Options{Now: d.Now}, work.Kind{Source: src, Handler: handler, Workers: 4, Ahead: 4})
			if err != nil {
				t.Fatal(err)
			}
			r.Start()
			runners = append(runners, r)
		}
		<-half
		stop(t, runners[0])
		<-all
		stop(t, runners[1])
		for id, n := range did {
			if n != 1 {
				t.Errorf("row %d was done %d times", id, n)
			}
		}
	})
}

// TestDueRowStartsWithinMilliseconds measures from the due time to the
// handler's first line, on the real clock.
func TestDueRowStartsWithinMilliseconds(t *testing.T) {
	t.Parallel()
	dbtest.Options{Empty: true}.Each(t, func(t *testing.T, d *db.DB) {
		due := d.Now() + 400
		src := makeTable(t, d, 1, due)
		late := make(chan int64, 1)
		r, err := work.New(work.Options{Now: d.Now}, work.Kind{Source: src, Handler: func(ctx context.Context, it work.Item) error {
			late <- d.Now() - due
			return src.change(ctx, it, "done = 1")
		}})
		if err != nil {
			t.Fatal(err)
		}
		r.Start()
		ms := <-late
		stop(t, r)
		t.Logf("started %d ms after it was due", ms)
		if ms < 0 || ms > 1000 {
			t.Errorf("started %d ms after it was due", ms)
		}
	})
}

// TestSettleWithInjectedClock does on a stopped clock what is due, and no
// more.
func TestSettleWithInjectedClock(t *testing.T) {
	t.Parallel()
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	dbtest.Options{Empty: true, Now: func() time.Time { return at }}.Each(t, func(t *testing.T, d *db.DB) {
		src := makeTable(t, d, 5, at.UnixMilli())
		var got []int64
		r, err := work.New(work.Options{Now: d.Now}, work.Kind{Source: src, Handler: func(ctx context.Context, it work.Item) error {
			if it.ID == 3 {
				return errors.New("later")
			}
			got = append(got, it.ID)
			return src.change(ctx, it, "done = 1")
		}})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, []int64{1, 2, 4, 5}) {
			t.Errorf("did %v", got)
		}
	})
}
