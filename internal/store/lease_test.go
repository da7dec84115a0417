package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/store"
)

// What a dead process held can be claimed at once; what a living one holds, or
// one that is only unknown here, stays with it; and a process that has lost its
// place claims nothing.
func TestLeasesOfADeadProcess(t *testing.T) {
	t.Parallel()
	url := dbtest.Options{}.URL(t, db.Postgres)
	open := func() (*db.DB, *store.Store) {
		d, err := db.Open(t.Context(), db.Options{URL: url, Conns: 2, NoBackup: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		if err := d.Enlist(t.Context(), "a test"); err != nil {
			t.Fatal(err)
		}
		return d, store.New(d)
	}
	a, first := open()
	_, second := open()
	const long = 60 * 60 * 1000
	if err := first.Write(t.Context(), func(tx *store.Tx) error {
		for id := range int64(4) {
			if err := tx.OpenLane(t.Context(), store.LaneJudge, 1+id, first.Now()-1); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	claim := func(s *store.Store, limit int) []int64 {
		t.Helper()
		claims, err := s.ClaimLanes(t.Context(), store.LaneJudge, limit, long)
		if err != nil {
			t.Fatal(err)
		}
		var ids []int64
		for _, c := range claims {
			ids = append(ids, c.ID)
		}
		return ids
	}
	rescue := func(processes int, pieces int64) {
		t.Helper()
		if p, n, err := second.RescueDeparted(t.Context()); err != nil || p != processes || n != pieces {
			t.Errorf("rescued %d pieces of %d processes, not %d of %d: %v", n, p, pieces, processes, err)
		}
	}
	if got := claim(first, 2); len(got) != 2 {
		t.Fatalf("claimed %v", got)
	}
	if got := claim(second, 1); !slices.Equal(got, []int64{3}) {
		t.Fatalf("claimed %v", got)
	}
	rescue(0, 0) // both live

	// The first process turns into one that nobody has ever heard of and whose
	// lock nobody holds: it is dead, as far as the second can know.
	me, err := a.Self()
	if err != nil {
		t.Fatal(err)
	}
	const dead = 1 << 40
	if err := a.Write(t.Context(), func(tx *db.Tx) error {
		if _, err := tx.Exec(t.Context(), `update lane set owner = $2 where owner = $1`, me, int64(dead)); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `insert into process (id, name, started_at) values ($1, 'dead', 1)`, int64(dead))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got := claim(second, 10); !slices.Equal(got, []int64{4}) {
		t.Fatalf("claimed %v before the rescue", got)
	}
	rescue(1, 2)
	until := time.Now().Add(time.Minute)
	got := claim(second, 10)
	for len(got) == 0 && time.Now().Before(until) { // the clocks of two processes may differ by a hair
		got = claim(second, 10)
	}
	if !slices.Equal(got, []int64{1, 2}) {
		t.Errorf("claimed %v after the rescue", got)
	}
	rescue(0, 0)
}

// A claim whose commit was not answered, and was written all the same, is
// undone by the next one: nobody works on what it leased.
func TestAClaimOfUnknownEnd(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := store.New(d)
		if err := s.Write(t.Context(), func(tx *store.Tx) error {
			return errors.Join(tx.OpenLane(t.Context(), store.LaneJudge, 1, s.Now()-1), tx.OpenLane(t.Context(), store.LaneJudge, 2, s.Now()-1))
		}); err != nil {
			t.Fatal(err)
		}
		claim := func() []store.Claimed {
			t.Helper()
			got, err := s.ClaimLanes(t.Context(), store.LaneJudge, 1, 60*60*1000)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		lost, kept := claim(), claim()
		if len(lost) != 1 || len(kept) != 1 || len(claim()) != 0 {
			t.Fatalf("claimed %v and %v", lost, kept)
		}
		s.Doubt(lost[0].Lease)
		again := claim()
		if len(again) != 1 || again[0].ID != lost[0].ID || again[0].Lease == lost[0].Lease {
			t.Fatalf("after a claim of unknown end: %v", again)
		}
		if err := s.RenewLane(t.Context(), store.LaneJudge, again[0], 1000); err != nil {
			t.Errorf("the claim after it: %v", err)
		}
		if err := s.RenewLane(t.Context(), store.LaneJudge, kept[0], 1000); err != nil {
			t.Errorf("another claim: %v", err)
		}
		if got := claim(); len(got) != 0 {
			t.Errorf("claimed once more: %v", got)
		}
	})
}

// A workflow at its set times waits for no lease when whoever held it is known to
// be dead.
func TestNoLeaseOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := store.New(d)
		const long = 60 * 60 * 1000
		if err := s.Write(t.Context(), func(tx *store.Tx) error { return tx.SetSchedule(t.Context(), 7, 1, s.Now()-1) }); err != nil {
			t.Fatal(err)
		}
		claim := func() int {
			claims, err := s.ClaimSchedules(t.Context(), 10, long)
			if err != nil {
				t.Fatal(err)
			}
			return len(claims)
		}
		if n := claim(); n != 1 {
			t.Fatalf("claimed %d", n)
		}
		if n := claim(); n != 0 {
			t.Fatalf("claimed %d of what is leased", n)
		}
		if n, err := s.ReleaseLeases(t.Context()); err != nil || n != 1 {
			t.Errorf("released %d: %v", n, err)
		}
		until := time.Now().Add(time.Minute)
		n := claim()
		for n == 0 && time.Now().Before(until) { // the lease runs out now, on the database's clock
			n = claim()
		}
		if n != 1 {
			t.Errorf("claimed %d after the release", n)
		}
	})
}
