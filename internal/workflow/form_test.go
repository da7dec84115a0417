package workflow

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"postroom"
)

// encode makes definitions comparable.
func encode(t *testing.T, d Definition) string {
	t.Helper()
	b, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// answers are values for a question, and more than one where it takes several.
func answers(q Question) []string {
	switch q.Input {
	case InputNone:
		return nil
	case InputText:
		return []string{` A "quoted" <b>text</b> & more`}
	case InputLines:
		return []string{"one of these", "@example.com"}
	case InputNumber:
		return []string{"-12"}
	case InputDate:
		return []string{"2026-01-31"}
	case InputSpan:
		return []string{"36h"}
	}
	list := slices.Clone(q.Choices)
	if q.Ref != "" {
		list = append(list, "7", "12")
	}
	if q.Nobody {
		list = append(list, "0")
	}
	if len(list) == 0 { // of a field
		list = []string{"basic", "gold"}
	}
	if q.Input == InputChoice {
		return list[len(list)-1:]
	}
	return list
}

// TestEveryQuestionRoundTripsThroughTheForm: each fact with each operator on
// each event, answered as the editor asks, is what the form gives back, and the
// compiler takes it.
func TestEveryQuestionRoundTripsThroughTheForm(t *testing.T) {
	t.Parallel()
	asked := 0
	for _, edge := range Edges() {
		for _, fact := range FactsOn(edge.Event) {
			fact.Name = oneOf(fact)
			for _, op := range fact.Ops {
				q := Ask(edge.Event, fact, op)
				values := answers(q)
				if op == Matches {
					values = []string{`^Re: \d+ (a|b)`}
				}
				d := Definition{
					When: When{Event: edge.Event},
					If:   Cond{All: []Cond{{Fact: fact.Name, Op: op, Values: values}}},
					Then: []Action{{Do: DoStop}},
				}
				if edge.Event == postroom.ScheduleDue {
					d.When.Schedule = Schedule{Days: []string{"mon"}, At: "08:00"}
				}
				got, err := FromFields(d.Fields())
				if err != nil || encode(t, got) != encode(t, d) {
					t.Errorf("%s, %s %s as %s:\n got %s, %v\nwant %s", edge.Event, fact.Name, op, q.Input, encode(t, got), err, encode(t, d))
				}
				if _, err := Compile(got, Identity{}); err != nil {
					t.Errorf("%s, %s %s with %q is refused: %v", edge.Event, fact.Name, op, values, err)
				}
				asked++
			}
		}
	}
	if asked < 500 {
		t.Errorf("only %d questions were asked", asked)
	}
}

// TestEveryFilterIsAccepted: whatever the When of the editor offers compiles.
func TestEveryFilterIsAccepted(t *testing.T) {
	t.Parallel()
	for _, edge := range Edges() {
		values := edge.Choices
		if edge.Ref == RefAgent {
			values = []string{"0", "31"}
		}
		w := When{Event: edge.Event}
		if edge.From {
			w.From = values
		}
		if edge.To {
			w.To = values
		}
		if edge.Event == postroom.ScheduleDue {
			continue // it has no filters
		}
		for _, a := range ActorChoices() {
			w.Actors = append(w.Actors, postroom.ActorKind(a))
		}
		for _, p := range PathChoices() {
			w.Paths = append(w.Paths, postroom.Path(p))
		}
		d := Definition{When: w, Then: []Action{{Do: DoStop}}}
		if _, err := Compile(d, Identity{}); err != nil {
			t.Errorf("%s: %v", edge.Event, err)
		}
		if got, err := FromFields(d.Fields()); err != nil || encode(t, got) != encode(t, d) {
			t.Errorf("%s: %s, %v", edge.Event, encode(t, got), err)
		}
		value := "closed"
		if len(edge.Choices) > 0 {
			value = edge.Choices[0]
		}
		// What can be filtered is exactly what the compiler knows sides of.
		for _, side := range []struct {
			offered bool
			w       When
		}{{edge.From, When{Event: edge.Event, From: []string{value}}}, {edge.To, When{Event: edge.Event, To: []string{value}}}} {
			_, err := Compile(Definition{When: side.w, Then: d.Then}, Identity{})
			if known := err == nil || edge.Ref != ""; known != side.offered {
				t.Errorf("%s: offered %v, but the compiler says %v", edge.Event, side.offered, err)
			}
		}
	}
}

func TestActionsAndLimitsRoundTripThroughTheForm(t *testing.T) {
	t.Parallel()
	nobody, ann := int64(0), int64(31)
	then := []Action{
		{Do: DoReply, Text: "Hello {{ conversation.number }},\n\n  indented\nbye"}, {Do: DoReply, HTML: "<p>Hello & <b>bye</b></p>"},
		{Do: DoNote, Text: "A note"}, {Do: DoStatus, Status: postroom.Pending}, {Do: DoAssign, Agent: &nobody}, {Do: DoAssign, Agent: &ann},
		{Do: DoTags, Add: []int64{3, 4}, Remove: []int64{5}}, {Do: DoStop},
	}
	for _, l := range []Limits{{}, {OncePer: OncePerClose}, {OncePer: OncePerConversation, CoolDown: 1}, {CoolDown: 60, MailsPerConversationDay: 7}, {CoolDown: 90}, {CoolDown: 48 * 60}, {CoolDown: 14 * 24 * 60}} {
		d := Definition{When: When{Event: postroom.StatusChanged, To: []string{"closed"}}, Then: then, Limits: l,
			If: Cond{None: []Cond{
				{Fact: "conversation.status", Op: Is, Values: []string{"spam"}},
				{Any: []Cond{{Fact: "conversation.tags", Op: HasAny, Values: []string{"3"}}, {All: []Cond{{Fact: "conversation.notes", Op: Less, Values: []string{"4"}}}}}},
			}}}
		f := d.Fields()
		if got, err := FromFields(f); err != nil || encode(t, got) != encode(t, d) {
			t.Errorf("%+v:\n got %s, %v\nwant %s", l, encode(t, got), err, encode(t, d))
		}
		for name := range f {
			if name == "then[0].text" {
				f[name] = []string{strings.ReplaceAll(f[name][0], "\n", "\r\n") + "\r\n"} // as browsers send it
			}
		}
		if got, err := FromFields(f); err != nil || encode(t, got) != encode(t, d) {
			t.Errorf("with CR LF: %s, %v", encode(t, got), err)
		}
	}
}

// A condition standing alone and a group around it mean the same.
func TestALoneConditionIsShownInAGroup(t *testing.T) {
	t.Parallel()
	lone := Cond{Fact: "conversation.status", Op: Is, Values: []string{"closed"}}
	if got := Editable(Definition{If: lone}).If; !reflect.DeepEqual(got, Cond{All: []Cond{lone}}) {
		t.Errorf("%+v", got)
	}
	if got := Editable(Definition{}).If; got.All == nil || len(got.All) != 0 {
		t.Errorf("no condition is shown as %+v", got)
	}
	if got := Stored(Editable(Definition{})); !got.If.IsZero() {
		t.Errorf("and stored as %+v", got.If)
	}
	empty := Definition{If: Cond{All: []Cond{lone, {Any: []Cond{{None: []Cond{}}}}}}}
	if got := Editable(empty).If; !reflect.DeepEqual(got, Cond{All: []Cond{lone}}) {
		t.Errorf("empty groups: %+v", got)
	}
}

// TestAnotherQuestionForgetsTheAnswer: who changes what a row asks about does
// not get the old value compared with the new fact.
func TestAnotherQuestionForgetsTheAnswer(t *testing.T) {
	t.Parallel()
	row := func(was, fact, wasOp, op string, values ...string) Cond {
		t.Helper()
		d, err := FromFields(Fields{"when.event": {"status.changed"}, "if[0].was": {was}, "if[0].fact": {fact}, "if[0].was_op": {wasOp}, "if[0].op": {op}, "if[0].values": values})
		if err != nil || len(d.If.All) != 1 {
			t.Fatalf("%+v, %v", d.If, err)
		}
		return d.If.All[0]
	}
	for _, c := range []struct {
		got  Cond
		want Cond
	}{
		{row("", "customer.name", "", ""), Cond{Fact: "customer.name", Op: Is}},
		{row("customer.name", "conversation.status", "contains", "contains", "Bob"), Cond{Fact: "conversation.status", Op: Is}},
		{row("customer.name", "customer.address", "contains", "contains", "Bob"), Cond{Fact: "customer.address", Op: Contains}},
		{row("customer.name", "customer.name", "contains", "set", "Bob"), Cond{Fact: "customer.name", Op: IsSet}},
		{row("customer.name", "customer.name", "contains", "one_of", "Bob"), Cond{Fact: "customer.name", Op: OneOf, Values: []string{"Bob"}}},
		{row("customer.name", "customer.name", "one_of", "starts", "Bob\r\nAnn"), Cond{Fact: "customer.name", Op: Starts, Values: []string{"Bob\r\nAnn"}}},
		{row("conversation.created", "conversation.created", "within", "before", "7"), Cond{Fact: "conversation.created", Op: Before}},
		{row("conversation.status", "conversation.status", "is", "one_of", "closed"), Cond{Fact: "conversation.status", Op: OneOf, Values: []string{"closed"}}},
		{row("", "message.verified", "", ""), Cond{Fact: "message.verified", Op: Is, Values: []string{"true"}}},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("got %+v, want %+v", c.got, c.want)
		}
	}
	d, err := FromFields(Fields{"when.was": {"status.changed"}, "when.event": {"assignee.changed"}, "when.to": {"closed"}, "when.actors": {"agent"}})
	if err != nil || d.When.To != nil || len(d.When.Actors) != 1 {
		t.Errorf("another event: %+v, %v", d.When, err)
	}
}

// TestHostileForms: nothing that can be sent makes the reader panic, run long
// or hold what the compiler would not refuse in words.
func TestHostileForms(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[0]", 50)
	for name, f := range map[string]Fields{
		"deep":             {"if" + deep + ".fact": {"customer.name"}},
		"huge index":       {"if[99999999999999999999].fact": {"customer.name"}},
		"negative":         {"if[-1].fact": {"customer.name"}},
		"not a place":      {"if[0.fact": {"x"}},
		"a strange group":  {"if[0].group": {"most"}, "if[0][0].fact": {"customer.name"}},
		"an odd agent":     {"then[0].do": {"assign"}, "then[0].agent": {"1; drop table"}},
		"a negative tag":   {"then[0].do": {"tags"}, "then[0].add": {"-4"}},
		"action nowhere":   {"then[x].do": {"reply"}},
		"cool-down":        {"limits.cool_down": {"soon"}},
		"cool-down's unit": {"limits.cool_down": {"3"}, "limits.unit": {"years"}},
		"many mails":       {"limits.mails_per_conversation_day": {"99999999999"}},
	} {
		if _, err := FromFields(f); postroom.CodeOf(err) != postroom.Invalid || len(postroom.TextOf(err)) > 200 {
			t.Errorf("%s: %v", name, err)
		}
	}
	many := Fields{}
	for i := range 6000 {
		many[fmt.Sprintf("if[%d].fact", i)] = []string{"customer.name"}
	}
	if _, err := FromFields(many); postroom.CodeOf(err) != postroom.Invalid {
		t.Errorf("6,000 conditions: %v", err)
	}
	// What is held and makes no sense is refused by the compiler, at the field.
	for _, c := range []struct {
		f     Fields
		field string
	}{
		{Fields{"when.event": {"moon.rises"}}, "when.event"},
		{Fields{"when.event": {"status.changed"}, "when.to": {"open\x00"}}, "when.to"},
		{Fields{"when.event": {"status.changed"}, "when.actors": {"ghost"}}, "when.actors"},
		{Fields{"when.event": {"status.changed"}, "if[4].fact": {"customer.shoe"}}, "if[0].fact"},
		{Fields{"when.event": {"status.changed"}, "if[0].was": {"customer.name"}, "if[0].fact": {"customer.name"}, "if[0].op": {"greater"}}, "if[0].op"},
		{Fields{"when.event": {"status.changed"}, "if[0][3].fact": {"conversation.notes"}, "if[0][3].op": {"is"}, "if[0][3].values": {"many"}}, "if[0][0].values"},
		{Fields{"when.event": {"status.changed"}, "if[0].fact": {"customer.name"}, "if[0].op": {"matches"}, "if[0].values": {"(a{1000}){1000}"}}, "if[0].values"},
		{Fields{"when.event": {"status.changed"}, "if[0].fact": {"message.header.*"}, "if[0].header": {"X Y:"}, "if[0].op": {"set"}}, "if[0].fact"},
		{Fields{"when.event": {"status.changed"}, "then[7].do": {"format"}}, "then[0].do"},
		{Fields{"when.event": {"status.changed"}, "then[7].do": {"reply"}, "then[7].text": {"{{ customer.nam }}"}}, "then[0].text"},
		{Fields{"when.event": {"status.changed"}, "then[7].do": {"stop"}, "limits.once_per": {"moon"}}, "limits.once_per"},
	} {
		d, err := FromFields(c.f)
		if err != nil {
			t.Errorf("%v: %v", c.f, err)
			continue
		}
		if len(d.Then) == 0 {
			d.Then = []Action{{Do: DoStop}}
		}
		_, err = Compile(d, Identity{})
		var faults Faults
		if !errors.As(err, &faults) || FieldOf(faults[0].Path) != c.field {
			t.Errorf("%v: %v, want a fault at %s", c.f, err, c.field)
		}
	}
}

func FuzzFromFields(f *testing.F) {
	seed, _ := json.Marshal(Shipped()[0].Definition.Fields())
	f.Add(string(seed))
	f.Add(`{"if[0][1].group":["any"],"if[0][1][0].fact":["x"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var fields Fields
		if json.Unmarshal([]byte(text), &fields) != nil {
			return
		}
		d, err := FromFields(fields)
		if err != nil {
			return
		}
		again, err := FromFields(d.Fields())
		if err != nil {
			t.Fatalf("its own fields are refused: %v", err)
		}
		if _, e := Compile(d, Identity{}); e == nil {
			if _, e := Compile(again, Identity{}); e != nil {
				t.Fatalf("%s compiles and %s does not: %v", encode(t, d), encode(t, again), e)
			}
		}
		_ = Sentence(d, nil)
	})
}
