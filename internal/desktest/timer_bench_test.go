package desktest_test

import (
	"slices"
	"testing"
	"time"

	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/store"
	"postroom/internal/work"
)

// qFillTimers puts timers behind the product's back on so many conversations in
// turn, at one distance in time from the other.
const qFillTimers = `insert into timer (id, workflow_id, version, conversation_id, event_id, event_seq, armed_at, due_at, claim_at)
	with recursive n(i) as (select 0 union all select i + 1 from n where i < cast($1 as bigint) - 1)
	select cast($2 as bigint) + i, cast($3 as bigint), 1, cast($4 as bigint) + i % cast($7 as bigint), cast($2 as bigint) + i, 1, cast($5 as bigint), cast($5 as bigint) + i * cast($6 as bigint), cast($5 as bigint) + i * cast($6 as bigint) from n`

// BenchmarkTimers measures how 10,000 timers that are due at once fire and are
// judged among a million that wait, under full durability: until the last has
// run, and how late an ordinary one is afterwards.
func BenchmarkTimers(b *testing.B) {
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		b.Run(string(e), func(b *testing.B) { timers(b, e, 1_000_000, 10_000) })
	}
}

// crowdOfTimers puts timers on the desk behind the product's back: many that wait
// for next week, and some that are due since an hour, on a conversation each.
func crowdOfTimers(d *desktest.Desk, waiting, due int) (flow int64) {
	flow = d.AddWorkflow("Note", unanswered(note("No answer.")))
	first := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
	now := d.Store.Now()
	// Copies of the first conversation: one for each timer that is due, and as many
	// for those that wait.
	d.SQL(`insert into conversation (id, number, mailbox_id, customer_id, subject, status, folder, seq, created_at, updated_at)
		with recursive n(i) as (select 0 union all select i + 1 from n where i < cast($1 as bigint) - 1)
		select cast($2 as bigint) + i, 1000 + i, c.mailbox_id, c.customer_id, c.subject, c.status, c.folder, 1, c.created_at, c.updated_at from n, conversation c where c.id = $3`,
		2*due, firstDue, first.ID)
	d.SQL(`update folder_count set n = n + $1 where folder = 'unassigned'`, 2*due)
	d.SQL(qFillTimers, waiting, firstWaiting, flow, firstDue+int64(due), now+week.Milliseconds(), 500, due)
	d.SQL(`insert into timer (id, workflow_id, version, conversation_id, event_id, event_seq, armed_at, due_at, claim_at)
		select id, cast($1 as bigint), 1, id, id, 1, cast($2 as bigint), cast($2 as bigint) + number, cast($2 as bigint) + number from conversation where id >= $3 and id < $3 + $4`, flow, now-3600_000, firstDue, due)
	return flow
}

// The ids of the first timer that waits, and of the first conversation with one
// that is due.
const (
	firstWaiting = int64(1) << 50
	firstDue     = int64(1) << 51
)

// checkFired makes sure that each timer that was due fired once and the others not
// at all, that its workflow ran once, and that none was recorded further than so
// many places from its place in the order of due times; it returns how far.
func checkFired(t testing.TB, d *desktest.Desk, flow int64, due, most int) (far int) {
	t.Helper()
	count := func(q string, args ...any) (n int) {
		t.Helper()
		if err := d.DB.Reader().QueryRow(d.Ctx, q, args...).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for what, n := range map[string]int{
		"events":                  count(`select count(*) from event where kind = 'timer.due'`),
		"conversations with one":  count(`select count(distinct conversation_id) from event where kind = 'timer.due'`),
		"timers that fired":       count(`select count(*) from timer where state = 'fired' and due_at <= $1`, d.Store.Now()),
		"runs":                    count(`select count(*) from run where workflow_id = $1 and state = 'done'`, flow),
		"conversations with runs": count(`select count(distinct conversation_id) from run where workflow_id = $1`, flow),
	} {
		if n != due {
			t.Errorf("%d %s for %d timers", n, what, due)
		}
	}
	far = count(`select coalesce(max(abs(a - b)), 0) from (select row_number() over (order by t.due_at) as a, row_number() over (order by t.end_event) as b
		from timer t where t.state = 'fired') x`)
	if far > most {
		t.Errorf("a timer was recorded %d places from its place, %d at most", far, most)
	}
	return far
}

// W22: of many that are due at once each fires once, the oldest first, and none of
// those that wait; a smaller one of BenchmarkTimers.
func TestManyTimersAtOnce(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		const waiting, due = 5000, 100
		flow := crowdOfTimers(d, waiting, due)
		d.Settle()
		checkFired(t, d, flow, due, 0)
		var left int
		if err := d.DB.Reader().QueryRow(d.Ctx, `select count(*) from timer where state = 'waiting'`).Scan(&left); err != nil || left != waiting {
			t.Errorf("%d wait, not %d: %v", left, waiting, err)
		}
	})
}

func timers(b *testing.B, e db.Engine, waiting, due int) {
	d := desktest.On(b, &desktest.Clock{}, dbtest.Options{}.Open(b, e))
	id := crowdOfTimers(d, waiting, due)
	runner, err := work.New(work.Options{Now: d.Store.Now}, slices.DeleteFunc(d.React.Kinds(), func(k work.Kind) bool {
		return k.Source.Name() != desk.WakeTimer && k.Source.Name() != store.LaneJudge
	})...)
	if err != nil {
		b.Fatal(err)
	}
	d.Runner = runner
	count := func(q string, args ...any) (n int) {
		if err := d.DB.Reader().QueryRow(d.Ctx, q, args...).Scan(&n); err != nil {
			b.Fatal(err)
		}
		return n
	}
	b.ResetTimer()
	begun := time.Now()
	runner.Start()
	for count(`select count(*) from run where workflow_id = $1`, id) < due {
		time.Sleep(50 * time.Millisecond)
	}
	b.ReportMetric(time.Since(begun).Seconds(), "s/all")
	b.StopTimer()
	// Workers take some ahead, and those they hold at once may pass each other.
	b.ReportMetric(float64(checkFired(b, d, id, due, 64)), "places-off")
	at := d.Store.Now() + 1000
	d.SQL(`update timer set due_at = $1, claim_at = $1 where id = $2`, at, firstWaiting)
	runner.Wake(desk.WakeTimer)
	for count(`select count(*) from event where kind = 'timer.due'`) == due {
		time.Sleep(time.Millisecond)
	}
	late := count(`select cast(max(ended_at) as bigint) - $2 from timer where id = $1`, firstWaiting, at)
	b.ReportMetric(float64(late), "ms-late")
	if err := runner.Stop(d.Ctx); err != nil {
		b.Fatal(err)
	}
	d.Runner = nil
}
