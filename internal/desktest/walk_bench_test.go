package desktest_test

import (
	"slices"
	"testing"
	"time"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/promise"
	"postroom/internal/store"
	"postroom/internal/work"
	"postroom/internal/workflow"
)

// firstCopy is where the ids of copied conversations begin.
const firstCopy = int64(1) << 51

// copies puts copies of a conversation on the desk behind the product's back.
func copies(d *desktest.Desk, c *postroom.Conversation, n int) {
	d.SQL(`insert into conversation (id, number, mailbox_id, customer_id, subject, status, folder, seq, created_at, updated_at)
		with recursive n(i) as (select 0 union all select i + 1 from n where i < cast($1 as bigint) - 1)
		select cast($2 as bigint) + i, 1000 + i, c.mailbox_id, c.customer_id, c.subject, c.status, c.folder, 1, c.created_at, c.updated_at from n, conversation c where c.id = $3`,
		n, firstCopy, c.ID)
	d.SQL(`update folder_count set n = n + $1 where folder = (select folder from conversation where id = $2)`, n, c.ID)
}

// BenchmarkSchedule measures how a workflow goes at its set time through 10,000
// conversations that wait for the customer, with conditions on the status, the
// customer and the subject, of which 100 match: each is judged, and those that
// match get their event; under full durability. "s/judged" is until those are
// judged and have their note.
func BenchmarkSchedule(b *testing.B) {
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		b.Run(string(e), func(b *testing.B) { schedule(b, e, 10_000) })
	}
}

func schedule(b *testing.B, e db.Engine, n int) {
	clock := &desktest.Clock{}
	clock.Set(set(2, 9))
	d := desktest.On(b, clock, dbtest.Options{Now: clock.Now}.Open(b, e))
	def := mornings(note("Still waiting?"))
	def.If = workflow.Cond{All: []workflow.Cond{def.If, {Fact: "customer.domain", Op: workflow.Is, Values: []string{"customer.example"}},
		{Fact: "conversation.subject", Op: workflow.Contains, Values: []string{"Lantern"}}}}
	id := d.AddWorkflow("Morning", def)
	copies(d, pending(d, 1)[0], n)
	d.SQL(`update conversation set subject = 'Lantern' where id >= $1 and number % 100 = 0`, firstCopy)
	walk, judge := kindOf(b, d, desk.WakeSchedule), kindOf(b, d, store.LaneJudge)
	due(b, walk) // sets the time
	b.ResetTimer()
	for i := range b.N {
		clock.Set(set(3+i, 8))
		if got := due(b, walk); got != 1 {
			b.Fatalf("%d workflows are due", got)
		}
		b.ReportMetric(b.Elapsed().Seconds()/float64(i+1), "s/walked")
		for due(b, judge) > 0 {
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/judged")
	b.StopTimer()
	s, err := d.Store.Read().Schedule(d.Ctx, id)
	if err != nil || s.Last.Looked != n+1 || s.Last.Matched != n/100 {
		b.Fatalf("looked at %d, matched %d: %v", s.Last.Looked, s.Last.Matched, err)
	}
}

// due does what is due of a kind, one after the other, and returns how many that
// were.
func due(b *testing.B, k work.Kind) int {
	items, err := k.Source.Claim(b.Context(), 12, k.Lease)
	if err != nil {
		b.Fatal(err)
	}
	for _, i := range items {
		if err := k.Handler(b.Context(), i); err != nil {
			b.Fatal(err)
		}
	}
	return len(items)
}

// BenchmarkPromises measures how fast promises are looked at whose time has come:
// 10,000 closes on conversations of their own, each explained by what the workflow
// that mails said to it, under full durability, by the real runner.
func BenchmarkPromises(b *testing.B) {
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		b.Run(string(e), func(b *testing.B) { promises(b, e, 10_000) })
	}
}

func promises(b *testing.B, e db.Engine, n int) {
	d := desktest.On(b, &desktest.Clock{}, dbtest.Options{}.Open(b, e))
	def := closing(reply(`Goodbye {{ customer.first_name | default: "you" }}`))
	def.If = workflow.Cond{Fact: "conversation.subject", Op: workflow.Contains, Values: []string{"lantern"}}
	d.AddWorkflow("Goodbye", def)
	told := d.Promise("Told", promise.Definition{When: workflow.When{Event: postroom.StatusChanged}, Expect: promise.Expect{Mail: promise.MailOfWorkflow}, Within: "2m"})
	first := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
	d.Agent("ann").SetStatus(first, postroom.Closed, postroom.PathMenu)
	d.Settle()
	closed := d.EventsOf(first.ID, postroom.StatusChanged)[0]
	copies(d, d.Conversation(first.ID), n)
	d.SQL(`insert into event (id, conversation_id, seq, kind, version, act_id, actor_kind, actor_id, path, cause_id, root_id, root_seq, depth, payload, facts, at, final_at, state, set_revision, verdicts, inputs)
		select c.id, c.id, 1, e.kind, e.version, e.act_id, e.actor_kind, e.actor_id, e.path, 0, c.id, 1, 0, e.payload, e.facts, e.at, e.final_at, e.state, e.set_revision, e.verdicts, e.inputs
		from conversation c, event e where e.id = $1 and c.id >= $2`, closed.ID, firstCopy)
	d.SQL(`insert into promise_watch (id, promise_id, version, conversation_id, event_id, event_seq, open, armed_at, due_at, claim_at)
		select id, cast($1 as bigint), 1, id, id, 1, 1, cast($2 as bigint), cast($2 as bigint), cast($2 as bigint) from conversation where id >= $3`, told, d.Store.Now()-1000, firstCopy)
	runner, err := work.New(work.Options{Now: d.Store.Now}, slices.DeleteFunc(d.React.Kinds(), func(k work.Kind) bool { return k.Source.Name() != desk.WakePromise })...)
	if err != nil {
		b.Fatal(err)
	}
	open := func() (left int) {
		if err := d.DB.Reader().QueryRow(d.Ctx, `select count(*) from promise_watch where open > 0 and conversation_id >= $1`, firstCopy).Scan(&left); err != nil {
			b.Fatal(err)
		}
		return left
	}
	b.ResetTimer()
	runner.Start()
	for open() > 0 {
		time.Sleep(20 * time.Millisecond)
	}
	b.StopTimer()
	b.ReportMetric(b.Elapsed().Seconds(), "s/all")
	if err := runner.Stop(d.Ctx); err != nil {
		b.Fatal(err)
	}
	if c := d.PromiseCounts(told); c.Explained < n {
		b.Fatalf("%+v, not %d explained", c, n)
	}
}
