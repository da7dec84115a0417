package store_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/store"
)

// A shared count keeps its limit to the one, however many count at once (A6).
func TestSharedRateKeepsItsLimit(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		st := store.New(d)
		const most, workers, each = 130, 8, 25
		var passed atomic.Int64
		var all sync.WaitGroup
		for w := range workers {
			all.Go(func() {
				for i := range each {
					n := 0
					err := st.Write(t.Context(), func(tx *store.Tx) (err error) {
						n, err = tx.AddSharedRate(t.Context(), "box", int64(w*each+i), 1_000_000, 1000, most)
						return err
					})
					if err != nil {
						t.Error(err)
					}
					if n <= most {
						passed.Add(1)
					}
				}
			})
		}
		all.Wait()
		if passed.Load() != most {
			t.Errorf("%d passed a limit of %d", passed.Load(), most)
		}
	})
}

// Far from the limit, who counts under a shared key waits for nobody: the other
// transaction is still open.
func TestSharedRateDoesNotWait(t *testing.T) {
	t.Parallel()
	st := store.New(dbtest.Options{}.Open(t, db.Postgres))
	count := func(tx *store.Tx, turn int64) error {
		_, err := tx.AddSharedRate(t.Context(), "box", turn, 1_000_000, 1000, 5000)
		return err
	}
	err := st.Write(t.Context(), func(tx *store.Tx) error {
		if err := count(tx, 1); err != nil {
			return err
		}
		other := make(chan error, 1)
		go func() { other <- st.Write(t.Context(), func(tx *store.Tx) error { return count(tx, 2) }) }()
		select {
		case err := <-other:
			return err
		case <-t.Context().Done():
			return errors.New("it waits for the other transaction")
		}
	})
	if err != nil {
		t.Error(err)
	}
}
