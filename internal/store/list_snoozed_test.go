package store_test

import (
	"strings"
	"testing"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/store"
)

// What sleeps is listed by what wakes next, page by page, and an index gives that
// order: of all mailboxes and of one.
func TestSnoozedByWhatWakesNext(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			for _, q := range []string{
				`insert into mailbox (id, name, address, undo_ms, reopen_days, created_at) values (1, 'Support', 'support@acme.example', 0, 30, 0)`,
				`insert into mailbox (id, name, address, undo_ms, reopen_days, created_at) values (2, 'Sales', 'sales@acme.example', 0, 30, 0)`,
				`insert into customer (id, name, created_at) values (1, 'Mara', 0)`,
				`insert into conversation (id, number, mailbox_id, customer_id, subject, status, folder, created_at, updated_at, snoozed_until)
					with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000)
					select i, i, 1 + i % 2, 1, 'Lamp', 'active', 'snoozed', 0, i, 1000 + (i * 7919) % 3001 from n`,
			} {
				if _, err := tx.Exec(t.Context(), q); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if d.Engine() == db.Postgres {
			err := d.Write(t.Context(), func(tx *db.Tx) error { _, err := tx.Exec(t.Context(), "analyze conversation"); return err })
			if err != nil {
				t.Fatal(err)
			}
		}
		s := store.New(d)
		for _, may := range []store.Scope{{All: true}, {Whole: []int64{2}}} {
			ask := store.ListAsk{Folder: postroom.Snoozed, May: may, Sort: store.SortWakes, Limit: 400}
			seen, last := 0, int64(0)
			for {
				text, args := store.ListStatement(ask)
				if plan := planOf(t, d, text, args...); !strings.Contains(plan, "_snoozed") || strings.Contains(strings.ToLower(plan), "sort") || strings.Contains(plan, "TEMP B-TREE") {
					t.Errorf("%s\nis answered by\n%s", text, plan)
				}
				rows, err := s.Read().Conversations(t.Context(), ask)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range rows {
					if r.SnoozedUntil < last {
						t.Fatalf("%d wakes at %d, after one that wakes at %d", r.ID, r.SnoozedUntil, last)
					}
					last = r.SnoozedUntil
				}
				if seen += len(rows); len(rows) < ask.Limit {
					break
				}
				ask.From = &rows[len(rows)-1].Key
			}
			if want := map[bool]int{true: 3000, false: 1500}[may.All]; seen != want {
				t.Errorf("%d were listed of %d", seen, want)
			}
		}
	})
}
