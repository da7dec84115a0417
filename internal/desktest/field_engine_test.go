package desktest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/query"
	"postroom/internal/workflow"
)

// W6, W9, W10: a workflow hears of a field, asks for another and sets a third; a
// text comes out of what fields say, and each is judged once.
func TestWorkflowsAndFields(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		choice, order, line := plan(d), d.AddField(postroom.Field{Key: "order_no", Kind: postroom.FieldText}), d.AddField(postroom.Field{Key: "line", Kind: postroom.FieldText})
		vip := d.AddField(postroom.Field{Key: "vip", Kind: postroom.FieldYesNo, Name: "VIP"})
		id := d.AddWorkflow("Gold", workflow.Definition{When: workflow.When{Event: postroom.FieldChanged, Field: "choice.plan", To: []string{"gold"}},
			If: workflow.Cond{Fact: "conversation.field.text.order_no", Op: workflow.Starts, Values: []string{"A-"}},
			Then: []workflow.Action{{Do: workflow.DoField, Field: "yes_no.vip", Value: "true"}, {Do: workflow.DoField, Field: "choice.plan", Value: "gold"}, {Do: workflow.DoField, Field: "choice.plan", Value: "old"},
				{Do: workflow.DoField, Field: "text.line", Value: `{{ conversation.fields.plan | default: "-" }}: {{ conversation.fields.order_no | default: "-" }}`}, {Do: workflow.DoField, Field: "text.gone", Value: "x"}}})
		heard := d.AddWorkflow("Told", workflow.Definition{When: workflow.When{Event: postroom.FieldChanged, Field: "yes_no.vip", From: []string{"false"}}, Then: []workflow.Action{note("{{ conversation.fields.vip | default: \"-\" }}")}})
		ann := d.Agent("ann")
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		ann.SetField(c, choice, "gold")
		d.Settle()
		expect(t, "runs without an order", len(d.Runs(c.ID, id)), 0)
		ann.SetField(c, order, "A-7")
		ann.SetField(c, choice, "basic")
		ann.SetField(c, choice, "gold")
		d.Settle()
		runs := d.Runs(c.ID, id)
		expect(t, "runs", len(runs), 1)
		var said []string
		for _, e := range runs[0].Effects {
			said = append(said, string(e.Result)+" "+e.Reason)
		}
		if got, want := strings.Join(said, "\n"), "done \nnothing It was so already.\nskipped “Old” is not in use any more. Choose another one.\ndone \nskipped There is no such field any more."; got != want {
			t.Errorf("effects\n%s", got)
		}
		if fieldWords(d, c, vip) != "yes" || fieldWords(d, c, line) != "Gold: A-7" || fieldWords(d, c, choice) != "Gold" {
			t.Errorf("set %q, %q, %q", fieldWords(d, c, vip), fieldWords(d, c, line), fieldWords(d, c, choice))
		}
		expect(t, "runs of who listens for it", len(d.Runs(c.ID, heard)), 1)
		why, err := d.Pages().Why(d.Ctx, ann.Agent, c.Number, query.Place{})
		d.Must(err)
		if text := fmt.Sprintf("%+v", *why); !strings.Contains(text, "the field order_no had started with \"A-\" (it was not set)") {
			t.Error("Why? does not say which field, or what least would have to be different")
		}
		d.CheckInvariants()
	})
}

// W17: what somebody set since is left as it is.
func TestFieldIsOvertaken(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		choice := plan(d)
		id := d.AddWorkflow("Later", workflow.Definition{When: workflow.When{Event: postroom.NoteAdded}, Then: []workflow.Action{{Do: workflow.DoField, Field: "choice.plan", Value: "gold"}}})
		d.UndoWindow(time.Minute)
		ann := d.Agent("ann")
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		ann.AddNote(c, "Look.")
		ann.SetField(c, choice, "basic")
		d.Pass(2 * time.Minute)
		runs := d.Runs(c.ID, id)
		if len(runs) != 1 || runs[0].Effects[0].Result != postroom.EffectOvertaken || runs[0].Effects[0].Reason != "The field was changed since, by an agent." || fieldWords(d, c, choice) != "Basic" {
			t.Errorf("%+v; it is %q", runs, fieldWords(d, c, choice))
		}
	})
}

// A webhook about a field says which one, and what it said and says.
func TestWebhookAboutAField(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		h := newHook(t)
		order := d.AddField(postroom.Field{Key: "order_no", Kind: postroom.FieldText, Name: "Order"})
		d.AddWorkflow("Tell the shop", on(postroom.FieldChanged, webhook(h.URL)))
		ann := d.Agent("ann")
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		for _, x := range []struct{ typed, want string }{{"A-1", `"from":null,"to":{"value":"A-1"}`}, {"A-2", `"from":{"value":"A-1"},"to":{"value":"A-2"}`}, {"", `"from":{"value":"A-2"},"to":null`}} {
			ann.SetField(c, order, x.typed)
			d.Settle()
			took := h.took()
			if len(took) != 1 || !strings.Contains(took[0].Body, `"field":{"value":"text.order_no","name":"Order"},`+x.want) {
				t.Errorf("%q: %+v", x.typed, took)
			}
		}
	})
}
