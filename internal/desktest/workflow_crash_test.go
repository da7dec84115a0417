package desktest_test

import (
	"fmt"
	"testing"
	"time"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/desktest"
	"postroom/internal/workflow"
)

// W18: a process that dies in the middle of judging repeats nothing and loses
// nothing, wherever it dies: before every single use of the database in turn.
// What remains is the same as without a crash, and so are the mails.
func TestCrashAnywhereInJudging(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		tag := d.Tag("closed")
		d.AddWorkflow("Note", closing(note("Closed, number {{ conversation.number }}.")))
		d.ClosingNotice()
		d.AddWorkflow("Tag and stop", closing(workflow.Action{Do: workflow.DoTags, Add: []int64{tag}}, workflow.Action{Do: workflow.DoStop}))
		d.AddWorkflow("Stopped", closing(reply("never")))
		d.AddWorkflow("Survey", on(postroom.TagsChanged, reply("How was it?")))

		round := func(n int) (story string, crashed bool) {
			// A customer of their own each time, so that no limit is shared.
			c := d.CustomerWrites(fmt.Sprintf("Mara <mara%d@customer.example>", n), "Lamp", "Broken.")
			d.Settle()
			d.Agent("ann").SendAndClose(c, "A new one is on its way.")
			if n > 0 {
				crashed = d.JudgeUntilCrash(n)
			}
			d.Settle()
			d.Pass(11 * time.Minute) // past the breaker's window
			d.ExpectMails("A new one is on its way.", "auto:closed", "auto:How was it?")
			return d.Story(c.ID), crashed
		}
		want, _ := round(0)
		crashes, step := 0, 1
		if d.Store.Engine() == string(db.Postgres) {
			step = 3 // each crash costs a connection there
		}
		for n := 1; ; n += step {
			got, crashed := round(n)
			if got != want {
				t.Fatalf("after a crash at step %d:\n%s\nwithout:\n%s", n, got, want)
			}
			if !crashed {
				break
			}
			crashes++
		}
		if crashes*step < 40 {
			t.Fatalf("only %d places to crash at: the test has lost its hold", crashes)
		}
		t.Logf("%d places to crash at", crashes)
	})
}

// W18: two workers that both hold a conversation for theirs, because the first
// was taken for dead, do nothing twice.
func TestRescuedWorkerWritesNothing(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Note", on(postroom.ReplySent, note("once")))
		c := firstMail(d)
		d.Agent("ann").Reply(c, "Hello.")
		kinds := d.React.Kinds()
		var stale func() error
		for _, k := range kinds {
			if k.Source.Name() != "judge" {
				continue
			}
			items, err := k.Source.Claim(d.Ctx, 1, k.Lease)
			if err != nil || len(items) != 1 {
				t.Fatalf("%d items, %v", len(items), err)
			}
			stale = func() error { return k.Handler(d.Ctx, items[0]) }
		}
		d.Pass(time.Minute) // the lease is over and another worker does it
		onlyRun(t, d, c, id)
		d.Agent("ann").Reply(c, "Again.")
		if err := stale(); err == nil {
			t.Fatal("the first worker was not told that its lease is lost")
		}
		expect(t, "runs", len(d.Runs(c.ID, id)), 1)
		d.Settle()
		expect(t, "runs", len(d.Runs(c.ID, id)), 2)
	})
}
