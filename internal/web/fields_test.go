package web_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"postroom/internal/desktest"
	"postroom/internal/query"
)

// Fields are made, ordered, changed, deleted and restored by forms alone, and
// filled in beside a conversation; what is refused stands at its field, with
// what was typed.
func TestFieldsOnThePages(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, "sqlite")
	o := open(t, d)
	ann, ben := o.browser("ann"), o.browser("ben")
	ben.get("/fields").want(t, 403, "an agent")
	ben.post("/fields", url.Values{"name": {"x"}, "subject": {"conversation"}, "kind": {"text"}}).want(t, 403, "an agent")
	if !ann.get("/fields").want(t, 200, "none").has("No field yet") {
		t.Error("nothing says what a field is")
	}
	form := url.Values{"subject": {"conversation"}, "kind": {"choice"}, "name": {"Plan <b>& more"}, "help": {"See the invoice"}}
	if r := ann.post("/fields", form).want(t, 422, "without choices"); !r.has("Write at least one value to choose from.") || !strings.Contains(r.body, "See the invoice") {
		t.Error("it is not refused, or what was typed is lost")
	}
	form.Set("more", "Basic\r\nGold\r\n")
	ann.post("/fields", form).want(t, 303, "add")
	ann.post("/fields", url.Values{"subject": {"conversation"}, "kind": {"number"}, "name": {"Pieces"}, "more": {"left\nover"}}).want(t, 303, "a number")
	all, err := d.Directory().Fields(d.Ctx)
	d.Must(err)
	plan, pieces := all[0], all[1]
	if plan.Path() != "choice.plan_b_more" || len(plan.Choices) != 2 || pieces.Path() != "number.pieces" {
		t.Fatalf("made %+v and %+v", plan, pieces)
	}
	at := func(id int64, verb string) string { return fmt.Sprintf("/fields/%d%s", id, verb) }
	order := func(want ...string) {
		t.Helper()
		all, err := d.Directory().Fields(d.Ctx)
		d.Must(err)
		for i, f := range all {
			if f.Key != want[i] {
				t.Errorf("%d is %s, not %s", i, f.Key, want[i])
			}
		}
	}
	ann.post(at(plan.ID, "/move"), url.Values{"direction": {"down"}}).want(t, 303, "down")
	order("pieces", plan.Key)
	ann.post(at(plan.ID, "/move"), url.Values{"before": {fmt.Sprint(pieces.ID)}}).want(t, 303, "dragged")
	order(plan.Key, "pieces")
	shown := ann.get(at(plan.ID, "")).want(t, 200, "it").formOf(t, "field-form")
	shown.Set("name_gold", "Gold & more")
	shown.Set("retired_basic", "1")
	ann.post(at(plan.ID, ""), shown).want(t, 303, "change")

	c := d.CustomerWrites("Mara Lind <mara@customer.example>", "Lamp broken", "It arrived broken.")
	page, set := conversationPath(c, ""), conversationPath(c, "/field")
	if r := ben.get(page); !r.has("Plan <b>& more") || !r.has("Gold & more") || strings.Contains(r.body, `value="basic"`) || strings.Contains(r.body, "Plan <b>&") {
		t.Error("the conversation shows no fields, a retired choice or raw words")
	}
	ben.post(set, url.Values{"field": {plan.Path()}, "value": {"gold"}, "path": {"menu"}, "return": {page}}).want(t, 303, "set")
	if r := ben.get(page); !r.has("set Plan <b>& more to “Gold & more”") {
		t.Error("the timeline does not say so")
	}
	wrong := ben.post(set, url.Values{"field": {pieces.Path()}, "value": {"a dozen"}, "return": {page}}).want(t, 422, "a wrong number")
	if !wrong.has("\"a dozen\" is not a whole number.") || wrong.find("id", "error-set-number.pieces") == nil || !strings.Contains(wrong.body, `value="a dozen"`) {
		t.Error("the reason or what was typed does not stand at the field")
	}
	ben.post(set, url.Values{"field": {"text.none"}, "value": {"x"}}).want(t, 404, "no such field")
	list := ben.get("/folders/unassigned")
	if !strings.Contains(list.body, `value="choice.plan_b_more=gold"`) {
		t.Error("a selection is offered no field")
	}
	ben.post("/bulk", url.Values{"conversation": {fmt.Sprint(c.Number)}, "do": {"field"}, "field": {"number.pieces"}, "value": {"12"}}).want(t, 303, "bulk")
	d.Settle()
	if got := d.Conversation(c.ID).Fields["number.pieces"]; got != "12" {
		t.Errorf("the selection got %q", got)
	}
	ben.post("/bulk", url.Values{"conversation": {fmt.Sprint(c.Number)}, "do": {"field"}, "field": {"number.pieces"}, "value": {"many"}}).want(t, 303, "bulk refused")
	if r := ben.get("/folders/unassigned"); !r.has("is not a whole number") {
		t.Error("nothing says why the selection was not changed")
	}

	if r := ann.get(at(plan.ID, "")); !r.has("1 conversation has a value.") {
		t.Error("it is not said how many have a value")
	}
	ann.post(at(plan.ID, "/delete"), nil).want(t, 303, "delete")
	ann.get(at(plan.ID, "")).want(t, 404, "deleted")
	if r := ben.get(page); strings.Contains(r.body, `id="field-choice.plan_b_more"`) {
		t.Error("a deleted field is shown")
	}
	ann.post(at(plan.ID, "/restore"), nil).want(t, 303, "restore")
	p, err := d.Pages().Conversation(d.Ctx, d.Agent("ben").Agent, query.ConversationAsk{Number: c.Number}, query.Place{})
	d.Must(err)
	if v := p.Side.Fields[0]; v.Words != "Gold & more" {
		t.Errorf("restored it is %+v", v)
	}
}
