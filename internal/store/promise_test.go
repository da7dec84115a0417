package store_test

import (
	"strings"
	"testing"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/store"
)

// W38: which promises are to be looked at, and when the next is, is answered by
// one index alone, however many have ended.
func TestWatchClaimIsIndexOnly(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const now = 1_000_000
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			for _, q := range []string{
				`insert into promise_watch (id, promise_id, version, conversation_id, event_id, event_seq, open, armed_at, due_at, claim_at)
					with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)
					select i, 1, 1, 1, i, 1, i % 2, 0, 999900 + 10 * i, 999900 + 10 * i from n`,
				`analyze promise_watch`,
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
		due, next := store.WatchClaims()
		for _, q := range []struct {
			text string
			args []any
		}{{due, []any{int64(now), 10}}, {next, nil}} {
			plan := planOf(t, d, q.text, q.args...)
			want := "COVERING INDEX promise_watch_claim"
			if d.Engine() == db.Postgres {
				want = "Index Only Scan using promise_watch_claim"
			}
			if !strings.Contains(plan, want) || strings.Contains(plan, "Sort") || strings.Contains(plan, "TEMP B-TREE") {
				t.Errorf("%s\nis answered by\n%s", q.text, plan)
			}
		}
	})
}

// W38: what happened while somebody looked, and a lease that was lost, refuse what
// they found; a broken one that is mended moves from one count to the other.
func TestWatchIsSettledOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, ctx := store.New(d), t.Context()
		write := func(f func(*store.Tx) error) {
			t.Helper()
			if err := s.Write(ctx, f); err != nil {
				t.Fatal(err)
			}
		}
		write(func(tx *store.Tx) error {
			if err := tx.InsertPromise(ctx, store.Promise{ID: 1, Name: "Closing", Enabled: true, Version: 1}); err != nil {
				return err
			}
			return tx.ArmWatch(ctx, store.Watch{ID: 7, PromiseID: 1, Version: 1, ConversationID: 3, EventID: 5, EventSeq: 2, Open: store.WatchRestless, ArmedAt: s.Now() - 1000, DueAt: s.Now()})
		})
		claim := func() store.Claimed {
			t.Helper()
			got, err := s.ClaimWatches(ctx, 5, 60_000)
			if err != nil || len(got) != 1 {
				t.Fatalf("claimed %v, %v", got, err)
			}
			return got[0]
		}
		settle := func(c store.Claimed, was store.Watch, state string, open store.WatchOpen) error {
			now := was
			now.State, now.Open, now.ClaimAt = state, open, s.Now()
			return s.Write(ctx, func(tx *store.Tx) error { _, err := tx.SettleWatch(ctx, c, was, now); return err })
		}
		read := func() store.Watch {
			t.Helper()
			w, err := s.Read().Watch(ctx, 7)
			if err != nil {
				t.Fatal(err)
			}
			return w
		}
		first, was := claim(), read()
		stirred := false
		write(func(tx *store.Tx) error { return tx.StirWatches(ctx, 3, func() { stirred = true }) })
		if !stirred {
			t.Fatal("nothing was stirred")
		}
		if err := settle(first, was, "kept", store.WatchEnded); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("what happened meanwhile was passed over: %v", err)
		}
		second := claim() // it is due again at once
		was = read()
		if err := settle(first, was, "kept", store.WatchEnded); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("a lost lease wrote: %v", err)
		}
		if err := settle(second, was, "broken", store.WatchRestless); err != nil {
			t.Fatal(err)
		}
		counts := func() store.PromiseCounts {
			t.Helper()
			all, err := s.Read().PromiseCounts(ctx, s.Now()-1000)
			if err != nil {
				t.Fatal(err)
			}
			return all[1]
		}
		if got := counts(); got != (store.PromiseCounts{Broken: 1, Unseen: 1}) {
			t.Errorf("counts %+v", got)
		}
		if err := settle(claim(), read(), "kept", store.WatchEnded); err != nil {
			t.Fatal(err)
		}
		if got := counts(); got != (store.PromiseCounts{Kept: 1}) {
			t.Errorf("counts %+v", got)
		}
		write(func(tx *store.Tx) error {
			return tx.StirWatches(ctx, 3, func() { t.Error("one that has ended was stirred") })
		})
	})
}
