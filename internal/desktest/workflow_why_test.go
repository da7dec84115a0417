package desktest_test

import (
	"strings"
	"testing"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/query"
	"postroom/internal/workflow"
)

// W31: judging and the why page look at the same facts: what is recomputed for
// whoever asks why is what was stored, for every kind of event and of fact.
func TestWhySaysWhatWasJudged(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		kinds := []postroom.EventKind{postroom.ConversationCreated, postroom.MessageReceived, postroom.ReplySent, postroom.NoteAdded,
			postroom.StatusChanged, postroom.AssigneeChanged, postroom.TagsChanged, postroom.SubjectChanged, postroom.MailAccepted}
		for _, kind := range kinds {
			for _, f := range workflow.Schema() {
				name := factOf(f)
				op := f.Ops[0]
				var values []string
				switch f.Kind {
				case workflow.KindText:
					op = workflow.IsSet
					if f.Name == "event.from" || f.Name == "event.to" {
						op, values = workflow.Is, []string{"closed"}
					}
				case workflow.KindTime, workflow.KindSet:
					op = workflow.IsSet
				case workflow.KindRef:
					op, values = workflow.IsNot, []string{"1"}
				case workflow.KindNumber:
					values = []string{"1"}
				case workflow.KindChoice:
					if values = []string{"gold"}; len(f.Choices) > 0 {
						values = f.Choices[:1]
					}
				case workflow.KindBool:
					values = []string{"true"}
				}
				def := on(kind, workflow.Action{Do: workflow.DoStatus, Status: postroom.Closed})
				def.If = workflow.Cond{Fact: name, Op: op, Values: values}
				if !kind.OfMail() {
					def.When.Actors = []postroom.ActorKind{postroom.ByAgent, postroom.ByCustomer}
				}
				if workflow.Publishable(def) != nil {
					continue // this event has no such fact
				}
				d.AddWorkflow(string(kind)+" "+name, def)
			}
		}
		c := d.Receive("mara@customer.example", d.Mailbox.Address, d.Raw(desktest.Letter{From: "Mara <mara@customer.example>", Subject: "Lamp",
			Body: "It smokes.", Headers: "X-Priority: 1\nCc: tim@customer.example\n"}))
		ann := d.Agent("ann")
		ann.Reply(c, "Put it out.")
		ann.AddNote(c, "Watch it.")
		ann.Assign(c, ann.ID)
		if _, err := d.Desk.SetSubject(d.Ctx, ann.Agent, c.ID, "Lamp, smoking", postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Desk.ChangeTags(d.Ctx, ann.Agent, c.ID, []string{"fire"}, nil, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		pages := pagesOf(d)
		why, err := pages.Why(d.Ctx, ann.Agent, c.Number, query.Place{})
		if err != nil {
			t.Fatal(err)
		}
		judged := map[string]bool{}
		for _, e := range why.Events {
			one, err := pages.WhyOne(d.Ctx, ann.Agent, c.Number, e.Line.ID, 0, query.Place{})
			if err != nil || len(one.Events[0].Workflows) != e.Listened {
				t.Fatalf("event %d shows %+v of %d workflows: %v", e.Line.Seq, one, e.Listened, err)
			}
			for _, w := range one.Events[0].Workflows {
				kind, _, _ := strings.Cut(w.Name, " ")
				judged[kind] = true
				if w.Differs != "" {
					t.Errorf("%s: %s", w.Name, w.Differs)
				}
			}
		}
		if r, err := pagesOf(d).Replay(d.Ctx, query.ReplayAsk{}); err != nil || r.Judged == 0 || r.Unexplained > 0 {
			t.Errorf("judged again: %+v, %v", r, err)
		}
		for _, kind := range kinds {
			if !judged[string(kind)] {
				t.Errorf("the why page shows nothing of %s", kind)
			}
		}
	})
}

// W31: where very many workflows listen, the page shows those that something came of
// or that were stopped, counts the others, and leads to what each of them said. A
// difference to what was stored is shown wherever it stands.
func TestWhyOfVeryManyWorkflows(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		const many = 130
		defs := crowdOn(many, postroom.StatusChanged)
		defs[90].If.All[2] = workflow.Cond{Fact: "conversation.subject", Op: workflow.Contains, Values: []string{"Lamp"}}
		defs[90].Then = append(defs[90].Then, workflow.Action{Do: workflow.DoStop})
		publishMany(d, defs)
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		ann := d.Agent("ann")
		ann.SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()
		event := d.EventsOf(c.ID, postroom.StatusChanged)[0].ID
		pages := pagesOf(d)
		shown := func() (out query.WhyEvent) {
			t.Helper()
			p, err := pages.Why(d.Ctx, ann.Agent, c.Number, query.Place{})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range p.Events {
				if e.Line.ID == event {
					out = e
				}
			}
			return out
		}
		e := shown()
		if e.Listened != many || e.Unmatched != 90 || e.Unknown != 0 || e.Aside != 34 {
			t.Errorf("%d listened; not shown: %d did not match, %d could not tell, %d aside", e.Listened, e.Unmatched, e.Unknown, e.Aside)
		}
		if len(e.Workflows) != 6 || e.Workflows[0].Name != "Workflow 90" || e.Workflows[0].Verdict != "matched" || len(e.Workflows[0].Effects) == 0 || e.Workflows[1].Reason != "Workflow 90 said stop." {
			t.Errorf("shown are %+v", e.Workflows)
		}
		var names []string
		for from := 0; from < many; from += query.WhyAtOnce {
			p, err := pages.WhyOne(d.Ctx, ann.Agent, c.Number, event, from, query.Place{})
			if err != nil || len(p.Events) != 1 || p.From != from || p.One != event {
				t.Fatalf("from %d on: %+v, %v", from, p, err)
			}
			for _, w := range p.Events[0].Workflows {
				names = append(names, w.Name)
				if w.Differs != "" || len(w.Conditions) != 4 {
					t.Errorf("%s: differs %q, with %d conditions", w.Name, w.Differs, len(w.Conditions))
				}
			}
		}
		if len(names) != many || names[0] != "Workflow 0" || names[many-1] != "Workflow 129" {
			t.Errorf("%d workflows one after the other, from %s to %s", len(names), names[0], names[len(names)-1])
		}
		for what, event := range map[string]int64{"no event": 1, "an event of another kind": d.EventsOf(c.ID, postroom.NoteAdded)[0].ID + 1<<40} {
			if _, err := pages.WhyOne(d.Ctx, ann.Agent, c.Number, event, 0, query.Place{}); postroom.CodeOf(err) != postroom.NotFound {
				t.Errorf("%s: %v", what, err)
			}
		}
		// Of the first one something else is stored than it says.
		d.SQL(`update event set verdicts = replace(substr(verdicts, 1, 4), 'f', 'm') || substr(verdicts, 5) where id = $1`, event)
		if e := shown(); len(e.Workflows) != 7 || e.Workflows[0].Name != "Workflow 0" || e.Workflows[0].Differs == "" || e.Workflows[1].Differs != "" {
			t.Errorf("a difference is not shown, or others than it: %d shown, first %+v", len(e.Workflows), e.Workflows[0])
		}
	})
}
