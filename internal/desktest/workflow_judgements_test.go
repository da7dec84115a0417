package desktest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

func pagesOf(d *desktest.Desk) *query.Desk {
	return query.New(query.Options{Store: d.Store, Blobs: d.Blobs})
}

// W31: a workflow's last judgements stand under it, matched and not, newest
// first, each with the smallest change; the list can be narrowed and walked back.
func TestJudgementsOfAWorkflow(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		vip := d.Tag("vip")
		first := d.AddWorkflow("Stop for VIPs", func() workflow.Definition {
			def := closing(note("VIP"), workflow.Action{Do: workflow.DoStop})
			def.If = workflow.Cond{Fact: "conversation.tags", Op: workflow.HasAny, Values: []string{fmt.Sprint(vip)}}
			return def
		}())
		def := closing(note("Goodbye"))
		def.If = workflow.Cond{Fact: "conversation.subject", Op: workflow.Contains, Values: []string{"lamp"}}
		id := d.AddWorkflow("Goodbye to lamps", def)
		ann := d.Agent("ann")
		shut := func(subject string, tag string) *postroom.Conversation {
			c := d.CustomerWrites("mara@customer.example", subject, "It smokes.")
			if tag != "" {
				if _, err := d.Desk.ChangeTags(d.Ctx, ann.Agent, c.ID, []string{tag}, nil, postroom.PathMenu); err != nil {
					t.Fatal(err)
				}
			}
			ann.SetStatus(c, postroom.Closed, postroom.PathMenu)
			d.Settle()
			d.Pass(1000)
			return c
		}
		lamp, kettle, stopped := shut("A lamp", ""), shut("A kettle", ""), shut("Another lamp", "vip")
		read := func(verdict, before string) *query.JudgementsPage {
			t.Helper()
			p, err := pagesOf(d).Judgements(d.Ctx, ann.Agent, id, query.JudgementsAsk{Verdict: verdict, Before: before}, query.Place{})
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		p := read("", "")
		if len(p.Rows) != 3 || p.Rows[0].Number != stopped.Number || p.Rows[1].Number != kettle.Number || p.Rows[2].Number != lamp.Number {
			t.Fatalf("the list is %+v", p.Rows)
		}
		if p.Older != "" || p.Looked != 3 {
			t.Errorf("it looked at %d events, and older is %q", p.Looked, p.Older)
		}
		if got := p.Rows[2]; got.Verdict != "matched" || got.Change != "" {
			t.Errorf("the lamp: %+v", got)
		}
		if got := p.Rows[1]; got.Verdict != "not matched" || !strings.Contains(got.Change, `contained "lamp" (it was "A kettle")`) {
			t.Errorf("the kettle: %+v", got)
		}
		if got := p.Rows[0]; got.Verdict != "not considered" || !strings.Contains(got.Change, "Stop for VIPs had not said stop") {
			t.Errorf("what was stopped: %+v", got)
		}
		// What its When does not fit is left out unless all is asked for.
		active := d.CustomerWrites("mara@customer.example", "A lamp again", "It smokes.")
		ann.SetStatus(active, postroom.Pending, postroom.PathMenu)
		d.Settle()
		if considered, all := read("", ""), read("all", ""); len(considered.Rows) != 3 || len(all.Rows) != 4 || all.Rows[0].Number != active.Number || considered.Looked != all.Looked {
			t.Errorf("considered are %d rows, all are %d", len(considered.Rows), len(all.Rows))
		}
		for verdict, want := range map[string]int{"filtered": 1, "matched": 1, "not_matched": 3, "stopped": 1, "not_met": 1, "failed": 0, "limit_used": 0} {
			if p := read(verdict, ""); len(p.Rows) != want {
				t.Errorf("%s: %d rows", verdict, len(p.Rows))
			}
		}
		at := p.Rows[0]
		if p := read("", fmt.Sprintf("%d-%d", at.At, at.Event)); len(p.Rows) != 2 || p.Rows[0].Number != kettle.Number {
			t.Errorf("before the newest: %+v", p.Rows)
		}
		if _, err := pagesOf(d).Judgements(d.Ctx, d.Agent("ben").Agent, id, query.JudgementsAsk{}, query.Place{}); postroom.CodeOf(err) != postroom.Forbidden {
			t.Errorf("who is no admin: %v", err)
		}
		if _, err := pagesOf(d).Judgements(d.Ctx, ann.Agent, id, query.JudgementsAsk{Verdict: "nonsense"}, query.Place{}); postroom.CodeOf(err) != postroom.NotFound {
			t.Errorf("a verdict that is none: %v", err)
		}
		_ = first
	})
}

// W40: every stored judgement, made again from what is stored with it, is the
// same to the byte; one that is not is named, with what was changed since where
// something was.
func TestReplayIsWhatIsStored(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		def := closing(note("Goodbye"))
		def.If = workflow.Cond{All: []workflow.Cond{{Fact: "conversation.subject", Op: workflow.Contains, Values: []string{"lamp"}},
			{Fact: "event.depth", Op: workflow.Is, Values: []string{"0"}}}}
		def.Limits.OncePer = workflow.OncePerConversation
		d.AddWorkflow("Goodbye", def)
		named := on(postroom.MessageReceived, note("Hello"))
		named.If = workflow.Cond{Fact: "customer.name", Op: workflow.Is, Values: []string{"Mara"}}
		hello := d.AddWorkflow("Hello", named)
		timed := on(postroom.MessageReceived, note("Still there?"))
		timed.When.After = "1h"
		d.AddWorkflow("Remind", timed)
		ann := d.Agent("ann")
		d.UndoWindow(10 * time.Second)
		c := d.Receive("mara@customer.example", d.Mailbox.Address, d.Raw(desktest.Letter{From: "Mara <mara@customer.example>", Subject: "A lamp", Body: "It smokes."}))
		for range 2 { // the second time the limit is used
			ann.SetStatus(c, postroom.Closed, postroom.PathMenu)
			d.Pass(time.Minute)
			ann.SetStatus(c, postroom.Active, postroom.PathMenu)
			d.Pass(time.Minute)
		}
		d.Pass(2 * time.Hour)
		if _, err := d.Desk.SetSubject(d.Ctx, ann.Agent, c.ID, "A kettle", postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		d.SwitchWorkflow(hello, false)
		d.Pass(time.Minute)
		replay := func() query.Replay {
			t.Helper()
			r, err := pagesOf(d).Replay(d.Ctx, query.ReplayAsk{})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		r := replay()
		if r.Judged < 4 || len(r.Differences) > 0 {
			t.Fatalf("replayed: %+v", r)
		}
		verdicts := map[workflow.Verdict]bool{}
		for _, e := range d.EventsOf(c.ID, "") {
			for _, v := range d.Verdicts(e.ID) {
				verdicts[v] = true
			}
		}
		for _, v := range []workflow.Verdict{workflow.Matched, workflow.Filtered, workflow.LimitUsed, workflow.Armed} {
			if !verdicts[v] {
				t.Errorf("nothing was judged %q", v)
			}
		}
		// The customer is called otherwise now: what looked at the name differs, and
		// the report says why.
		d.SQL(`update customer set name = 'Somebody'`)
		if r := replay(); r.Unexplained != 0 || r.Explained != 1 || !strings.Contains(r.Differences[0].Why, "customer") || r.Differences[0].Workflow != "Hello" {
			t.Errorf("after the customer was renamed: %+v", r)
		}
		d.SQL(`update customer set name = 'Mara'`)
		d.SQL(`update event set verdicts = replace(verdicts, 'l', 'm') where kind = 'status.changed' and verdicts like '%l%'`)
		r = replay()
		if r.Unexplained != 1 || r.Differences[0].Was != workflow.Matched.String() || r.Differences[0].Is != workflow.LimitUsed.String() || r.Differences[0].Number != c.Number {
			t.Errorf("after what is stored was falsified: %+v", r)
		}
	})
}

// W31: what a workflow did after a wait, and what it did because another one ran
// it, stands under it too: a leg that failed is among what failed.
func TestJudgementsAfterAWaitAndWhenRun(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		gone := d.AddAgent("gone", postroom.Member)
		wait := workflow.Action{Do: workflow.DoWait, For: "1d"}
		id := d.AddWorkflow("Later", byHand(note("At once."), wait, workflow.Action{Do: workflow.DoAssign, Agent: &gone.ID}))
		d.AddWorkflow("Run it", closing(workflow.Action{Do: workflow.DoRun, Workflow: id}))
		ann := d.Agent("ann")
		c := firstMail(d)
		ann.SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()
		gone.Disabled = true
		d.Write(func(tx *store.Tx) error { return tx.UpdateAgent(d.Ctx, gone) })
		d.Pass(24 * time.Hour)
		rows := func(verdict string) (out []string) {
			p, err := pagesOf(d).Judgements(d.Ctx, ann.Agent, id, query.JudgementsAsk{Verdict: verdict}, query.Place{})
			d.Must(err)
			for _, r := range p.Rows {
				out = append(out, r.Verdict+"/"+r.Outcome)
			}
			return out
		}
		expect(t, "all", fmt.Sprint(rows("")), "[matched/failed matched/]")
		expect(t, "matched", fmt.Sprint(rows("matched")), "[matched/]")
		expect(t, "failed", fmt.Sprint(rows("failed")), "[matched/failed]")
	})
}
