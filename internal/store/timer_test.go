package store_test

import (
	"strings"
	"testing"

	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/store"
)

// W22: which timers are to be taken, and when the next is, is answered by one
// index alone, without reading a row of the table and without sorting.
func TestTimerClaimIsIndexOnly(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const now = 1_000_000
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			for _, q := range []string{
				`insert into mailbox (id, name, address, undo_ms, reopen_days, created_at) values (1, 'Support', 'support@acme.example', 0, 30, 0)`,
				`insert into customer (id, name, created_at) values (1, 'Mara', 0)`,
				`insert into conversation (id, number, mailbox_id, customer_id, subject, status, folder, created_at, updated_at) values (1, 1, 1, 1, 'Lamp', 'active', 'unassigned', 0, 0)`,
				// Most are due later, and must cost nothing.
				`insert into timer (id, workflow_id, version, conversation_id, event_id, event_seq, armed_at, due_at, claim_at)
					with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)
					select i, 1, 1, 1, i, 1, 0, 999900 + 10 * i, 999900 + 10 * i from n`,
				`analyze timer`,
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
		due, next := store.TimerClaims()
		for _, q := range []struct {
			text string
			args []any
		}{{due, []any{int64(now), 10}}, {next, nil}} {
			plan := planOf(t, d, q.text, q.args...)
			want := "COVERING INDEX timer_claim"
			if d.Engine() == db.Postgres {
				want = "Index Only Scan using timer_claim"
			}
			if !strings.Contains(plan, want) || strings.Contains(plan, "Sort") || strings.Contains(plan, "TEMP B-TREE") {
				t.Errorf("%s\nis answered by\n%s", q.text, plan)
			}
		}
	})
}

// What waits on a conversation is found by its own index and no other, also where
// nobody has taken statistics of the table yet: one that reads the index of all that
// wait beside it makes each judging as slow as there are timers.
func TestTimersHereHaveTheirIndex(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			for _, q := range []string{
				`insert into mailbox (id, name, address, undo_ms, reopen_days, created_at) values (1, 'Support', 'support@acme.example', 0, 30, 0)`,
				`insert into customer (id, name, created_at) values (1, 'Mara', 0)`,
				`insert into conversation (id, number, mailbox_id, customer_id, subject, status, folder, created_at, updated_at)
					with recursive n(i) as (select 1 union all select i + 1 from n where i < 200) select i, i, 1, 1, 'Lamp', 'active', 'unassigned', 0, 0 from n`,
				`insert into timer (id, workflow_id, version, conversation_id, event_id, event_seq, armed_at, due_at, claim_at)
					with recursive n(i) as (select 1 union all select i + 1 from n where i < 6000)
					select i, 1, 1, 1 + i % 200, i, 1, 0, i, i from n`,
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
		head, waiting := store.TimersHere()
		for _, q := range []string{head, waiting} {
			if plan := planOf(t, d, q, int64(7)); !strings.Contains(plan, "timer_conversation") || strings.Contains(plan, "timer_workflow") || strings.Contains(plan, "timer_claim") {
				t.Errorf("%s\nis answered by\n%s", q, plan)
			}
		}
	})
}

// planOf returns how an engine answers a statement.
func planOf(t *testing.T, d *db.DB, text string, args ...any) string {
	t.Helper()
	var lines []string
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		lines = nil
		explain := "explain query plan "
		if d.Engine() == db.Postgres {
			explain = "explain "
		}
		rows, err := tx.Query(t.Context(), explain+text, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var line string
			if d.Engine() == db.Postgres {
				err = rows.Scan(&line)
			} else {
				var id, parent, unused int64
				err = rows.Scan(&id, &parent, &unused, &line)
			}
			if err != nil {
				return err
			}
			lines = append(lines, line)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}
