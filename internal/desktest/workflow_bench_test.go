package desktest_test

import (
	"fmt"
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

// BenchmarkJudge measures judging one event against 100 workflows on its own
// edge, three conditions each, by the way it really goes: claimed, judged,
// stored and given back, under full durability. "none" is the usual event, for
// which none of them matches; "one" has one that leaves a note. "promised" is
// "none" on a desk where a promise begins with each such event.
func BenchmarkJudge(b *testing.B) {
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		for _, matches := range []string{"none", "one", "promised"} {
			b.Run(fmt.Sprintf("%s/matches=%s", e, matches), func(b *testing.B) { judge(b, e, matches) })
		}
	}
}

func judge(b *testing.B, e db.Engine, matches string) {
	clock := &desktest.Clock{}
	clock.Set(1772442000000)
	d := desktest.On(b, clock, dbtest.Options{Now: clock.Now}.Open(b, e))
	c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
	for i := range 100 {
		def := on(postroom.StatusChanged, note("Noted."))
		subject := fmt.Sprintf("word %d", i)
		if matches == "one" && i == 50 {
			subject = "Lamp"
		}
		def.If = workflow.Cond{All: []workflow.Cond{
			{Fact: "conversation.received", Op: workflow.Greater, Values: []string{"0"}},
			{Fact: "customer.domain", Op: workflow.Is, Values: []string{"customer.example"}},
			{Fact: "conversation.subject", Op: workflow.Contains, Values: []string{subject}},
		}}
		d.AddWorkflow(fmt.Sprintf("Workflow %d", i), def)
	}
	if matches == "promised" {
		d.Promise("Told", promise.Definition{When: workflow.When{Event: postroom.StatusChanged}, Expect: promise.Expect{Mail: promise.MailOfWorkflow}, Within: "2m"})
	}
	lane := kindOf(b, d, store.LaneJudge)
	status := postroom.Closed
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		d.Agent("ann").SetStatus(c, status, postroom.PathMenu)
		if status == postroom.Closed {
			status = postroom.Active
		} else {
			status = postroom.Closed
		}
		b.StartTimer()
		items, err := lane.Source.Claim(b.Context(), 1, lane.Lease)
		if err != nil || len(items) != 1 {
			b.Fatalf("%d items, %v", len(items), err)
		}
		if err := lane.Handler(b.Context(), items[0]); err != nil {
			b.Fatal(err)
		}
	}
}

func kindOf(t testing.TB, d *desktest.Desk, name string) work.Kind {
	t.Helper()
	for _, k := range d.React.Kinds() {
		if k.Source.Name() == name {
			return k
		}
	}
	t.Fatalf("there is no work called %s", name)
	return work.Kind{}
}

// BenchmarkWindowToWire measures how long after the end of the undo window the
// first mail of Send & Close is handed over, and how long after that the
// notice, by the real runner under full durability. ns/op means nothing here;
// the metrics are percentiles in milliseconds.
func BenchmarkWindowToWire(b *testing.B) {
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		b.Run(string(e), func(b *testing.B) { windowToWire(b, e) })
	}
}

func windowToWire(b *testing.B, e db.Engine) {
	const window = 200 * time.Millisecond
	clock := &desktest.Clock{} // only dates the customers' mails
	clock.Set(time.Now().UnixMilli())
	d := desktest.On(b, clock, dbtest.Options{}.Open(b, e))
	d.ClosingNotice()
	var first, second []time.Duration
	var due []time.Time
	var conversations []*postroom.Conversation
	for i := range b.N {
		conversations = append(conversations, d.CustomerWrites(fmt.Sprintf("mara%d@customer.example", i), "Lamp", "Broken."))
	}
	d.ChangeMailbox(d.Mailbox, func(m *postroom.Mailbox) { m.UndoMS = window.Milliseconds() })
	d.Runner.Start()
	b.ResetTimer()
	for i, c := range conversations {
		out, err := d.Desk.Publish(b.Context(), d.Agent("ann").Agent, desk.Publish{ConversationID: c.ID, Kind: postroom.Reply,
			HTML: "<p>On its way.</p>", Status: postroom.Closed, Path: postroom.PathSend})
		if err != nil {
			b.Fatal(err)
		}
		due = append(due, time.UnixMilli(out.FinalAt))
		// One after the other, as people press it; a round takes its window.
		letters, err := d.Office.Wait(b.Context(), 2*(i+1))
		if err != nil {
			b.Fatal(err)
		}
		first = append(first, letters[2*i].At.Sub(due[i]))
		second = append(second, letters[2*i+1].At.Sub(due[i]))
	}
	b.StopTimer()
	if err := d.Runner.Stop(b.Context()); err != nil {
		b.Fatal(err)
	}
	for name, all := range map[string][]time.Duration{"reply": first, "notice": second} {
		slices.Sort(all)
		for _, p := range []int{50, 99} {
			b.ReportMetric(float64(all[(len(all)-1)*p/100].Microseconds())/1000, fmt.Sprintf("%s-p%d-ms", name, p))
		}
	}
}
