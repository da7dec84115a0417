package desktest_test

import (
	"testing"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/desktest"
	"postroom/internal/workflow"
)

// BenchmarkBacktest measures how long a backtest of one workflow takes on 10,000
// events of its kind, each on a conversation of its own: judged, rendered and
// simulated.
func BenchmarkBacktest(b *testing.B) {
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		b.Run(string(e), func(b *testing.B) { backtest(b, e, 10_000) })
	}
}

func backtest(b *testing.B, e db.Engine, events int) {
	d := desktest.On(b, &desktest.Clock{}, dbtest.Options{Unsafe: true}.Open(b, e))
	def := closing(reply(`Goodbye {{ customer.first_name | default: "you" }}`), workflow.Action{Do: workflow.DoStatus, Status: postroom.Closed})
	def.If = workflow.Cond{All: []workflow.Cond{{Fact: "conversation.subject", Op: workflow.Contains, Values: []string{"lamp"}}, {Fact: "customer.address", Op: workflow.Contains, Values: []string{"@"}},
		{Fact: "event.depth", Op: workflow.Is, Values: []string{"0"}}}}
	id := d.AddWorkflow("Goodbye", def)
	first := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
	d.Agent("ann").SetStatus(first, postroom.Closed, postroom.PathMenu)
	d.Settle()
	closed := d.EventsOf(first.ID, postroom.StatusChanged)[0]
	// One conversation each, as copies of the first.
	d.SQL(`insert into conversation (id, number, mailbox_id, customer_id, subject, status, folder, seq, created_at, updated_at)
		with recursive n(i) as (select 1 union all select i + 1 from n where i < cast($1 as bigint))
		select cast($2 as bigint) + i, 1000 + i, c.mailbox_id, c.customer_id, c.subject, c.status, c.folder, 1, c.created_at, c.updated_at from n, conversation c where c.id = $3`,
		events-1, int64(1)<<51, first.ID)
	d.SQL(`update folder_count set n = n + $1 where folder = 'closed'`, events-1)
	d.SQL(`insert into event (id, conversation_id, seq, kind, version, act_id, actor_kind, actor_id, path, cause_id, root_id, root_seq, depth, payload, facts, at, final_at, state, set_revision, verdicts, inputs)
		select c.id, c.id, 1, e.kind, e.version, e.act_id, e.actor_kind, e.actor_id, e.path, 0, c.id, 1, 0, e.payload, e.facts, e.at - (c.number - 1000) * 1000, e.final_at, e.state, e.set_revision, e.verdicts, e.inputs
		from conversation c, event e where e.id = $1 and c.id > $2`, closed.ID, int64(1)<<51)
	w := automate.New(automate.Options{Store: d.Store})
	b.ResetTimer()
	for range b.N {
		sum, _, err := w.BacktestNow(d.Ctx, d.Agent("ann").Agent, id, automate.BacktestAsk{Days: 30})
		if err != nil || sum.Events != events || sum.Matched != events {
			b.Fatalf("%d events, %d matched: %v", sum.Events, sum.Matched, err)
		}
	}
}
