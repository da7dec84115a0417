package store_test

import (
	"strings"
	"testing"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/store"
)

// What a workflow said lately, and what happened in a span of days, is walked by
// one index, without sorting.
func TestJudgementsAreWalkedByIndex(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			for _, q := range []string{
				`insert into mailbox (id, name, address, undo_ms, reopen_days, created_at) values (1, 'Support', 'support@acme.example', 0, 30, 0)`,
				`insert into customer (id, name, created_at) values (1, 'Mara', 0)`,
				`insert into conversation (id, number, mailbox_id, customer_id, subject, status, folder, created_at, updated_at) values (1, 1, 1, 1, 'Lamp', 'active', 'unassigned', 0, 0)`,
				`insert into event (id, conversation_id, seq, kind, version, act_id, actor_kind, actor_id, path, cause_id, root_id, root_seq, depth, payload, facts, at, final_at, state)
					with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)
					select i, 1, i, case when i % 50 = 0 then 'status.changed' else 'mail.accepted' end, 1, i, 'agent', 1, 'menu', 0, i, i, 0, '{}', '{}', 1000 * i, 1000 * i, 'judged' from n`,
				`analyze event`,
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
		walks := store.JudgedWalks()
		for i, args := range [][]any{
			{postroom.StatusChanged, int64(4_000_000), int64(1), 20, "% 1c.%", "%+1c.%"},
			{postroom.StatusChanged, int64(4_000_000), int64(1), 20},
			{postroom.StatusChanged, int64(4_000_000), int64(1), int64(5_000_000), 20},
		} {
			plan := planOf(t, d, walks[i], args...)
			if !strings.Contains(plan, "event_kind") || strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "Sort") {
				t.Errorf("%s\nis answered by\n%s", walks[i], plan)
			}
		}
	})
}
