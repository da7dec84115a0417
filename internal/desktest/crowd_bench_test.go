package desktest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/desktest"
	"postroom/internal/store"
	"postroom/internal/work"
	"postroom/internal/workflow"
)

// publishMany publishes workflows in their order as one set.
func publishMany(d *desktest.Desk, defs []workflow.Definition) {
	d.T.Helper()
	ids, err := d.Store.NewIDs(d.Ctx, len(defs))
	if err != nil {
		d.T.Fatal(err)
	}
	bodies := make([]string, len(defs))
	for i, def := range defs {
		if err := workflow.Publishable(def); err != nil {
			d.T.Fatalf("workflow %d: %v", i, err)
		}
		body, err := def.Encode()
		if err != nil {
			d.T.Fatal(err)
		}
		bodies[i] = string(body)
	}
	d.Write(func(tx *store.Tx) error {
		for i, id := range ids {
			w := store.Workflow{ID: id, Key: fmt.Sprintf("w%d", id), Name: fmt.Sprintf("Workflow %d", i), Position: i + 1, Enabled: true, Version: 1}
			if err := tx.InsertWorkflow(d.Ctx, w); err != nil {
				return err
			}
			if err := tx.InsertVersion(d.Ctx, store.WorkflowVersion{WorkflowID: id, Number: 1, Definition: bodies[i], At: d.Store.Now()}); err != nil {
				return err
			}
		}
		_, err := tx.PublishSet(d.Ctx, 0, d.Store.Now())
		return err
	})
}

// crowdOn is n workflows on an edge with three conditions each, of which the last
// tells them apart and holds for none.
func crowdOn(n int, kinds ...postroom.EventKind) (out []workflow.Definition) {
	for i := range n {
		def := on(kinds[i%len(kinds)], note("Noted."))
		def.If = workflow.Cond{All: []workflow.Cond{
			{Fact: "conversation.received", Op: workflow.Greater, Values: []string{"0"}},
			{Fact: "customer.domain", Op: workflow.Is, Values: []string{"customer.example"}},
			{Fact: "conversation.subject", Op: workflow.Contains, Values: []string{fmt.Sprintf("word %d", i)}},
		}}
		out = append(out, def)
	}
	return out
}

// judging is one desk whose conversation's status changes and is judged, again and
// again.
type judging struct {
	d             *desktest.Desk
	c             *postroom.Conversation
	lane          work.Kind
	closed        bool
	claim, handle []time.Duration
}

func newJudging(b *testing.B, e db.Engine, defs []workflow.Definition) *judging {
	clock := &desktest.Clock{}
	clock.Set(1772442000000)
	d := desktest.On(b, clock, dbtest.Options{Now: clock.Now}.Open(b, e))
	g := &judging{d: d, c: d.CustomerWrites("mara@customer.example", "Lamp", "Broken."), lane: kindOf(b, d, store.LaneJudge)}
	if len(defs) > 0 {
		publishMany(d, defs)
	}
	g.round(b) // compiles the set
	g.claim, g.handle = nil, nil
	return g
}

// round changes the status and has that judged: claimed, judged, stored and given
// back.
func (g *judging) round(b *testing.B) {
	status := postroom.Closed
	if g.closed {
		status = postroom.Active
	}
	g.closed = !g.closed
	g.d.Agent("ann").SetStatus(g.c, status, postroom.PathMenu)
	begun := time.Now()
	items, err := g.lane.Source.Claim(b.Context(), 1, g.lane.Lease)
	if err != nil || len(items) != 1 {
		b.Fatalf("%d items, %v", len(items), err)
	}
	claimed := time.Now()
	if err := g.lane.Handler(b.Context(), items[0]); err != nil {
		b.Fatal(err)
	}
	g.claim, g.handle = append(g.claim, claimed.Sub(begun)), append(g.handle, time.Since(claimed))
}

func median(all []time.Duration) float64 {
	all = slices.Clone(all)
	slices.Sort(all)
	return float64(all[len(all)/2].Nanoseconds()) / 1e6
}

// BenchmarkJudgeCrowd measures judging one event against 100 and 1,000 workflows
// on its own edge, three conditions each, of which none matches, as it really goes
// and under full durability: "judge" is everything between the claim and the next,
// what is read, judged, written and committed; "claim" is leasing the conversation,
// with a commit of its own; "commit" is writing one row of one column, for telling
// the disk apart. All are medians in milliseconds.
func BenchmarkJudgeCrowd(b *testing.B) {
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		for _, n := range []int{1, 100, 1000} {
			b.Run(fmt.Sprintf("%s/workflows=%d", e, n), func(b *testing.B) {
				g := newJudging(b, e, crowdOn(n, postroom.StatusChanged))
				var commit []time.Duration
				b.ResetTimer()
				for range b.N {
					g.round(b)
					begun := time.Now()
					g.d.SQL(`update id_block set next = next + 1`)
					commit = append(commit, time.Since(begun))
				}
				b.ReportMetric(median(g.handle), "judge-ms")
				b.ReportMetric(median(g.claim), "claim-ms")
				b.ReportMetric(median(commit), "commit-ms")
			})
		}
	}
}

// BenchmarkJudgeOtherEdges measures what workflows on other edges cost an event:
// one workflow on its own edge, and none or 1,000 on five others, on two desks in
// turn. "ratio" is of the medians.
func BenchmarkJudgeOtherEdges(b *testing.B) {
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		b.Run(string(e), func(b *testing.B) {
			own := crowdOn(1, postroom.StatusChanged)
			others := crowdOn(1000, postroom.ConversationCreated, postroom.MessageReceived, postroom.ReplySent, postroom.NoteAdded, postroom.TagsChanged)
			alone, among := newJudging(b, e, own), newJudging(b, e, append(own, others...))
			b.ResetTimer()
			for i := range b.N {
				pair := []*judging{alone, among}
				if i%2 == 1 {
					slices.Reverse(pair)
				}
				for _, g := range pair {
					g.round(b)
				}
			}
			b.ReportMetric(median(alone.handle), "none-ms")
			b.ReportMetric(median(among.handle), "1000-ms")
			b.ReportMetric(median(among.handle)/median(alone.handle), "ratio")
		})
	}
}
