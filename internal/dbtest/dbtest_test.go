package dbtest_test

import (
	"slices"
	"sync/atomic"
	"testing"

	"postroom/internal/db"
	"postroom/internal/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func TestEachGivesAFreshMigratedDatabase(t *testing.T) {
	t.Parallel()
	for range 3 {
		var checked atomic.Bool // both engines at once
		o := dbtest.Options{Check: func(t testing.TB, d *db.DB) { checked.Store(true) }}
		t.Run("round", func(t *testing.T) {
			o.Each(t, func(t *testing.T, d *db.DB) {
				if pending, err := d.Pending(t.Context()); err != nil || len(pending) > 0 {
					t.Fatalf("pending %v, %v", pending, err)
				}
				id, err := d.NewID(t.Context())
				if err != nil || id != 1 {
					t.Fatalf("first id %d, %v", id, err)
				}
				var numbers []int64
				err = d.Write(t.Context(), func(tx *db.Tx) (err error) {
					numbers, err = tx.NextNumbers(t.Context(), 1)
					return err
				})
				if err != nil || !slices.Equal(numbers, []int64{1}) {
					t.Fatalf("first numbers %v, %v", numbers, err)
				}
			})
		})
		if !checked.Load() {
			t.Error("the check did not run")
		}
	}
}
