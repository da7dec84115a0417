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
				name := strings.Replace(f.Name, "*", "X-Priority", 1)
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
					values = f.Choices[:1]
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
		why, err := query.New(query.Options{Store: d.Store, Blobs: d.Blobs}).Why(d.Ctx, ann.Agent, c.Number, query.Place{})
		if err != nil {
			t.Fatal(err)
		}
		judged := map[string]bool{}
		for _, e := range why.Events {
			for _, w := range e.Workflows {
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
