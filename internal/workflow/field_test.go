package workflow

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"postroom"
	"postroom/internal/template"
)

// oneOf is the name of a fact, or of one of those that a row stands for.
func oneOf(f Fact) string {
	if strings.Contains(f.Name, ".field.") {
		return strings.Replace(f.Name, "*", "plan", 1)
	}
	return strings.Replace(f.Name, "*", "X-Priority", 1)
}

// planned is a change of a field with everything that facts about fields are read
// from.
func planned() (*postroom.Event, Record) {
	e := closed()
	e.Kind, e.Payload = postroom.FieldChanged, postroom.Payload{Field: "choice.plan", From: "basic", To: "gold"}
	e.After.Fields = map[string]string{"choice.plan": "gold", "text.order": "71", "text.erased": "72", "number.seats": "-3", "date.due": "2026-01-30", "yes_no.vip": "true"}
	r := record(e)
	r.Texts = map[string]string{"71": "A-1042"}
	r.Customer = &postroom.Customer{ID: 1, Company: "Lind Ceramics", Fields: map[string]string{"text.manager": "Ann", "number.stars": "5"}}
	return e, r
}

// W9: facts about fields, typed by their kind; what is not set is told apart from
// what was erased.
func TestFieldFacts(t *testing.T) {
	t.Parallel()
	e, r := planned()
	for _, c := range []struct {
		fact   string
		op     Op
		values []string
		want   Truth
	}{
		{"conversation.field.choice.plan", Is, []string{"gold"}, True},
		{"conversation.field.choice.plan", OneOf, []string{"basic", "old"}, False},
		{"conversation.field.choice.none", NotSet, nil, True},
		{"conversation.field.choice.none", IsNot, []string{"gold"}, True},
		{"conversation.field.choice.plan", Changed, nil, True},
		{"conversation.field.choice.plan", ChangedFrom, []string{"basic"}, True},
		{"conversation.field.choice.plan", ChangedTo, []string{"basic"}, False},
		{"conversation.field.choice.size", ChangedTo, []string{"gold"}, False},
		{"conversation.field.yes_no.vip", Changed, nil, False},
		{"conversation.field.text.order", Starts, []string{"a-"}, True},
		{"conversation.field.text.erased", IsSet, nil, Unknown},
		{"conversation.field.text.none", IsSet, nil, False},
		{"conversation.field.number.seats", Less, []string{"0"}, True},
		{"conversation.field.number.none", Less, []string{"0"}, Unknown},
		{"conversation.field.number.none", Is, []string{"0"}, False},
		{"conversation.field.number.none", NotSet, nil, True},
		{"conversation.field.date.due", Before, []string{"2026-01-31"}, True},
		{"conversation.field.date.none", Before, []string{"2026-01-31"}, Unknown},
		{"conversation.field.yes_no.vip", Is, []string{"true"}, True},
		{"conversation.field.yes_no.none", Is, []string{"false"}, True},
		{"customer.company", Contains, []string{"ceramics"}, True},
		{"customer.field.text.manager", Is, []string{"ann"}, True},
		{"customer.field.number.stars", Greater, []string{"4"}, True},
		{"customer.field.choice.plan", IsSet, nil, False},
	} {
		v, err := Compile(Definition{When: When{Event: postroom.FieldChanged}, If: Cond{Fact: c.fact, Op: c.op, Values: c.values}, Then: []Action{{Do: DoStop}}}, Identity{WorkflowID: 1})
		if err != nil {
			t.Errorf("%s %s: %v", c.fact, c.op, err)
			continue
		}
		if got := v.cond.eval(newReading(e, NewFacts(r))); got != c.want {
			t.Errorf("%s %s %q is %s", c.fact, c.op, c.values, got)
		}
	}
	// Without the records they are read from, they are not known.
	bare := NewFacts(Record{})
	for _, name := range []string{"conversation.field.choice.plan", "customer.field.text.manager", "customer.company", "conversation.field.choice.*", "conversation.field.colour.plan"} {
		if bare.Value(name).Known() {
			t.Errorf("%s is known of nothing", name)
		}
	}
}

// What an edge, a condition or an action about a field cannot be is refused where
// it stands.
func TestFieldFaults(t *testing.T) {
	t.Parallel()
	stop := []Action{{Do: DoStop}}
	edge := func(w When) Definition { w.Event = postroom.FieldChanged; return Definition{When: w, Then: stop} }
	set := func(field, value string) Definition {
		return Definition{When: When{Event: postroom.NoteAdded}, Then: []Action{{Do: DoField, Field: field, Value: value}}}
	}
	ask := func(fact string, op Op, values ...string) Definition {
		return Definition{When: When{Event: postroom.NoteAdded}, If: Cond{Fact: fact, Op: op, Values: values}, Then: stop}
	}
	for at, d := range map[string][]Definition{
		"when.field":    {edge(When{Field: "plan"}), edge(When{Field: "colour.plan"}), edge(When{To: []string{"gold"}}), {When: When{Event: postroom.NoteAdded, Field: "choice.plan"}, Then: stop}},
		"when.to[0]":    {edge(When{Field: "choice.plan", To: []string{"Gold!"}}), edge(When{Field: "text.order", To: []string{"x"}}), edge(When{Field: "yes_no.vip", To: []string{"perhaps"}})},
		"if.fact":       {ask("conversation.field.plan", Is, "gold"), ask("conversation.field.colour.plan", Is, "x"), ask("customer.field.text.", IsSet), ask("conversation.field.text.*", IsSet)},
		"if.op":         {ask("conversation.field.choice.plan", Contains, "gold"), ask("conversation.field.text.order", Greater, "1"), ask("customer.field.choice.plan", Changed)},
		"if.values[0]":  {ask("conversation.field.choice.plan", Is, "Gold!"), ask("conversation.field.number.seats", Is, "many"), ask("conversation.field.date.due", After, "soon")},
		"then[0].field": {set("", "x"), set("plan", "x")},
		"then[0].value": {set("choice.plan", "Gold!"), set("number.seats", "many"), set("number.seats", "007"), set("date.due", "2026-02-30"), set("yes_no.vip", "perhaps"),
			set("text.order", strings.Repeat("x", 1001)), set("text.order", "{{ conversation.nothing }}")},
	} {
		for i, x := range d {
			if _, err := Compile(x, Identity{}); !slices.ContainsFunc(FaultsOf(err), func(f Fault) bool { return f.Path == at }) {
				t.Errorf("%s, %d: %v", at, i, err)
			}
		}
	}
}

// The sentence and the explanation name fields and choices; what least would have
// to be different is said of the field.
func TestFieldsInWords(t *testing.T) {
	t.Parallel()
	fields := []*postroom.Field{{Subject: postroom.OfConversation, Key: "plan", Kind: postroom.FieldChoice, Name: "Plan", Choices: []postroom.FieldOption{{Key: "basic", Name: "Basic"}, {Key: "gold", Name: "Gold"}}},
		{Subject: postroom.OfConversation, Key: "vip", Kind: postroom.FieldYesNo, Name: "VIP"}}
	names := Names(func(kind Ref, _ int64) string { return FieldWords(kind, fields) })
	d := Definition{When: When{Event: postroom.FieldChanged, Field: "choice.plan", To: []string{"basic"}},
		If:   Cond{All: []Cond{{Fact: "conversation.field.yes_no.vip", Op: Is, Values: []string{"false"}}, {Fact: "conversation.field.choice.plan", Op: Is, Values: []string{"basic"}}, {Fact: "customer.field.number.stars", Op: IsSet}}},
		Then: []Action{{Do: DoField, Field: "yes_no.vip", Value: "true"}, {Do: DoField, Field: "choice.plan", Value: "gold"}, {Do: DoField, Field: "number.seats"}}}
	if got, want := Sentence(d, names), "When the field Plan changes to Basic, and if the field VIP is no, the field Plan is Basic and the customer’s field stars is set: "+
		"set the field VIP to yes, then set the field Plan to Gold, then clear the field seats."; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	e, r := planned()
	v, err := Compile(d, Identity{WorkflowID: 1, Name: "w"})
	if err != nil {
		t.Fatal(err)
	}
	x, _ := Explain(NewSet(1, []Entry{{v, Enabled}}), e, NewFacts(r), Inputs{}, names)
	if got, want := x[0].SmallestChange, "It would have matched if it had changed to Basic (it changed to Gold), “the field VIP” had been no (it was yes) and the field Plan had been Basic (it was Gold)."; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := EventWords(e, names), "The field Plan changed from Basic to Gold, by an agent, through Send & Close"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	e.Payload = postroom.Payload{Field: "yes_no.vip", To: "true"}
	if got, _ := Explain(NewSet(1, []Entry{{v, Enabled}}), e, NewFacts(r), Inputs{}, names); got[0].Verdict != Filtered || got[0].SmallestChange != "It would have matched if it had been about the field Plan (it was about VIP), “the field VIP” had been no (it was yes) and the field Plan had been Basic (it was Gold)." {
		t.Errorf("another field: %s, %s", got[0].Verdict, got[0].SmallestChange)
	}
}

// A field's action says what it sets; a text comes out of its template.
func TestPlanField(t *testing.T) {
	t.Parallel()
	e, r := planned()
	values := Values{Event: e, Customer: r.Customer, Texts: r.Texts}
	for _, c := range []struct{ field, value, want string }{
		{"text.note", "{{ conversation.fields.order | default: \"-\" }} / {{ customer.fields.manager | default: \"-\" }} / {{ conversation.fields.none | default: \"none\" }}\n of {{ customer.company | default: \"-\" }}", "A-1042 / Ann / none of Lind Ceramics"},
		{"choice.plan", "gold", "gold"}, {"number.seats", "", ""}, {"yes_no.vip", "true", "true"}, {"yes_no.vip", "false", ""},
	} {
		v, err := Compile(Definition{When: When{Event: postroom.FieldChanged}, Then: []Action{{Do: DoField, Field: c.field, Value: c.value}}}, Identity{WorkflowID: 1})
		if err != nil {
			t.Fatal(err)
		}
		wishes, err := Plan(v, template.Options{}, values.Value, nil)
		if err != nil || wishes[0].Field != c.field || wishes[0].Value != c.want {
			t.Errorf("%s to %q: %+v, %v", c.field, c.value, wishes, err)
		}
	}
}

// A workflow's own tests give fields and change them; a moment becomes such a
// test without the texts of it.
func TestFieldsInTests(t *testing.T) {
	t.Parallel()
	d := Definition{When: When{Event: postroom.FieldChanged, Field: "choice.plan"}, If: Cond{All: []Cond{{Fact: "conversation.field.text.order", Op: Starts, Values: []string{"A-"}}, {Fact: "customer.company", Op: IsSet}, {Fact: "customer.field.number.stars", Op: Greater, Values: []string{"3"}}}},
		Then: []Action{{Do: DoNote, Text: "{{ conversation.fields.order | default: \"-\" }} {{ conversation.fields.plan | default: \"-\" }}"}}}
	v, err := Compile(d, Identity{WorkflowID: 1})
	if err != nil {
		t.Fatal(err)
	}
	test := Test{Name: "Gold", When: Moment{Event: postroom.FieldChanged, Field: "choice.plan", To: "gold"},
		Given:  Given{"conversation.field.text.order": {"A-7"}, "customer.company": {"Acme"}, "customer.field.number.stars": {"4"}},
		Expect: Expect{Verdict: "matched", Effects: []ExpectedEffect{{Action: Action{Do: DoNote, Text: "A-7 gold"}}}}}
	if res := v.RunTest(test, TestWorld{}); !res.Green {
		t.Errorf("it is red: %+v", res)
	}
	test.When.Field = "choice.size"
	if res := v.RunTest(test, TestWorld{}); res.Green || res.Verdict != "filtered" {
		t.Errorf("another field: %+v", res)
	}
	for name, wrong := range map[string]Test{"no field": {Name: "x", When: Moment{Event: postroom.FieldChanged}, Expect: Expect{Verdict: "matched"}},
		"no number": {Name: "x", When: Moment{Event: postroom.NoteAdded}, Given: Given{"customer.field.number.stars": {"many"}}, Expect: Expect{Verdict: "matched"}}} {
		if len(wrong.Check()) == 0 {
			t.Errorf("%s is taken", name)
		}
	}
	if sample := v.RunTest(SampleTest(d), TestWorld{}); sample.Verdict == "" || len(SampleTest(d).Check()) > 0 {
		t.Errorf("the sample: %+v, %v", sample, SampleTest(d).Check())
	}
	_, r := planned()
	pinned, _ := v.Pin(r, Inputs{}, true)
	if b, err := pinned.Encode(); err != nil || strings.Contains(string(b), "1042") || pinned.When.Field != "choice.plan" || pinned.When.To != "gold" || pinned.When.From != "basic" {
		t.Errorf("pinned: %s, %v", b, err)
	}
	if res := v.RunTest(pinned, TestWorld{}); !res.Green {
		t.Errorf("pinned it is red: %+v", res)
	}
}

// A webhook about a change of a field says which, and what it was and is: a text
// itself, never where it stands.
func TestCallAboutAField(t *testing.T) {
	t.Parallel()
	names := func(r Ref, _ int64) string {
		return map[Ref]string{"field conversation.field.choice.plan": "Plan", "field conversation.field.choice.plan=gold": "Gold"}[r]
	}
	for _, c := range []struct{ field, from, to, want string }{
		{"choice.plan", "", "gold", `"field":{"value":"choice.plan","name":"Plan"},"from":null,"to":{"value":"gold","name":"Gold"}`},
		{"text.order", "11", "12", `"field":{"value":"text.order","name":"order"},"from":{"value":"A-1"},"to":{"value":"A-2"}`},
		{"yes_no.vip", "", "true", `"field":{"value":"yes_no.vip","name":"vip"},"from":{"value":"false"},"to":{"value":"true"}`},
		{"number.seats", "7", "", `"field":{"value":"number.seats","name":"seats"},"from":{"value":"7"},"to":null`},
	} {
		e := &postroom.Event{ID: 5, ConversationID: 4, Kind: postroom.FieldChanged, Payload: postroom.Payload{Field: c.field, From: c.from, To: c.to}}
		texts := map[string]string{}
		for i, id := range TextSides(e) {
			texts[fmt.Sprint(id)] = fmt.Sprintf("A-%d", i+1)
		}
		if b, err := CallBody(CallFacts{Event: e, Names: names, Texts: texts}); err != nil || !strings.Contains(string(b), c.want) {
			t.Errorf("%s, %v, want %s", b, err, c.want)
		}
	}
}
