package workflow

import (
	"errors"
	"strings"
	"testing"

	"postroom"
)

func ptr(n int64) *int64 { return &n }

// A definition that means nothing is refused at the field, with the reason.
func TestCompileFaults(t *testing.T) {
	t.Parallel()
	note := []Action{{Do: DoNote, Text: "x"}}
	status := When{Event: postroom.StatusChanged}
	when := func(w When) Definition { return Definition{When: w, Then: note} }
	then := func(a ...Action) Definition { return Definition{When: status, Then: a} }
	deep := is("event.depth", Is, "0")
	for range MaxNesting {
		deep = Cond{All: []Cond{deep}}
	}
	many := make([]Cond, MaxConditions+1)
	for i := range many {
		many[i] = is("event.depth", Is, "0")
	}
	for _, c := range []struct {
		name string
		d    Definition
		path string
		text string
	}{
		{"no event", when(When{}), "when.event", "Say which event"},
		{"no edge", when(When{Event: postroom.ChainStopped}), "when.event", "No workflow can listen"},
		{"no mailbox", when(When{Event: postroom.ConversationMoved, From: []string{"sales"}}), "when.from[0]", "is not a mailbox"},
		{"moved to nowhere", when(When{Event: postroom.ConversationMoved, To: []string{"0"}}), "when.to[0]", "is not a mailbox"},
		{"no side", when(When{Event: postroom.MailFailed, To: []string{"x"}}), "when.to[0]", "changes nothing"},
		{"no status", when(When{Event: postroom.StatusChanged, To: []string{"closed", "shut"}}), "when.to[1]", `"shut" is not a status`},
		{"no agent", when(When{Event: postroom.AssigneeChanged, From: []string{"Ann"}}), "when.from[0]", "is not an agent"},
		{"no change", when(When{Event: postroom.ReplySent, From: []string{"x"}}), "when.from[0]", "changes nothing"},
		{"created from", when(When{Event: postroom.ConversationCreated, From: []string{"active"}}), "when.from[0]", "changes nothing"},
		{"no actor", when(When{Event: postroom.ReplySent, Actors: []postroom.ActorKind{"robot"}}), "when.actors[0]", "robot"},
		{"no path", when(When{Event: postroom.ReplySent, Paths: []postroom.Path{"door"}}), "when.paths[0]", "door"},

		{"unknown fact", on(is("customer.shoes", Is, "x")), "if.fact", "There is no fact"},
		{"family for a fact", on(is("message.header.*", Is, "x")), "if.fact", "There is no fact"},
		{"no fact", on(Cond{Op: Is, Values: []string{"x"}}), "if.fact", "Say what"},
		{"wrong operator", on(is("customer.name", Greater, "x")), "if.op", "possible are is, is_not"},
		{"no operator", on(is("customer.name", "")), "if.op", "cannot be asked"},
		{"no value", on(is("customer.name", Is)), "if.values", "takes one value"},
		{"two values", on(is("customer.name", Is, "a", "b")), "if.values", "takes one value"},
		{"value too many", on(is("customer.name", IsSet, "a")), "if.values", "takes no value"},
		{"empty list", on(is("customer.name", OneOf)), "if.values", "at least one"},
		{"blank value", on(is("customer.name", OneOf, "a", " ")), "if.values[1]", "Say what to compare"},
		{"long value", on(is("customer.name", Is, strings.Repeat("x", MaxValue+1))), "if.values[0]", "at most"},
		{"bad pattern", on(is("customer.name", Matches, "a(")), "if.values[0]", "cannot be read: missing closing )"},
		{"long pattern", on(is("customer.name", Matches, strings.Repeat("x", MaxPattern+1))), "if.values[0]", "at most"},
		{"heavy pattern", on(is("customer.name", Matches, "(a{30}b{30}){30}")), "if.values[0]", "too complicated"},
		{"no choice", on(is("message.class", Is, "robot")), "if.values[0]", "one of human"},
		{"no number", on(is("conversation.number", Is, "1.5")), "if.values[0]", "not a whole number"},
		{"no id", on(is("conversation.assignee", Is, "Ann")), "if.values[0]", `"Ann" is no agent`},
		{"nobody", on(is("conversation.assignee", Is, "0")), "if.values[0]", `"0" is no agent`},
		{"no date", on(is("conversation.created", Before, "soon")), "if.values[0]", "not a date"},
		{"no span", on(is("conversation.created", Within, "7y")), "if.values[0]", "not a span"},
		{"endless span", on(is("conversation.created", Within, "9999999w")), "if.values[0]", "not a span"},
		{"no yes", on(is("message.verified", Is, "yes")), "if.values[0]", "neither true nor false"},
		{"no side", on(is("event.to", Is, "shut")), "if.values[0]", "is not a status"},
		{"deep path", on(Cond{All: []Cond{is("event.depth", Is, "0"), {Any: []Cond{is("x", Is, "y")}}}}), "if.all[1].any[0].fact", "no fact"},
		{"empty group", on(Cond{All: []Cond{{Any: []Cond{}}}}), "if.all[0]", "empty"},
		{"both", on(Cond{All: []Cond{is("event.depth", Is, "0")}, Fact: "x"}), "if", "not several"},
		{"too deep", on(Cond{All: []Cond{deep}}), "if" + strings.Repeat(".all[0]", MaxNesting), "nest at most"},
		{"too many", on(Cond{Any: many}), "if.any[200]", "at most 200"},

		{"nothing to do", then(), "then", "at least one action"},
		{"too much to do", then(make([]Action, MaxActions+1)...), "then", "at most"},
		{"no action", then(Action{Do: "explode"}), "then[0].do", "is not an action"},
		{"empty reply", then(Action{Do: DoReply}), "then[0].text", "has a text"},
		{"blank reply", then(Action{Do: DoReply, Text: "{% if agent.name %} {% endif %}"}), "then[0].text", "needs a text"},
		{"double reply", then(Action{Do: DoReply, Text: "a", HTML: "b"}), "then[0].text", "not both"},
		{"bad text", then(Action{Do: DoReply, Text: "{{ x"}), "then[0].text", "Line 1, column 1"},
		{"bad HTML", then(Action{Do: DoReply, HTML: "<a href={{ mailbox.name }}>"}), "then[0].html", "within quotes"},
		{"unknown variable", then(Action{Do: DoNote, Text: "{{ custmer.name }}"}), "then[0].text", "did you mean customer.name"},
		{"empty note", then(Action{Do: DoNote, Text: " "}), "then[0].text", "needs a text"},
		{"note with HTML", then(Action{Do: DoNote, Text: "x", HTML: "y"}), "then[0].html", "The action note has no html"},
		{"no status to set", then(Action{Do: DoStatus}), "then[0].status", "is not a status"},
		{"assign to whom", then(Action{Do: DoAssign}), "then[0].agent", "Say to whom"},
		{"no tags", then(Action{Do: DoTags}), "then[0].add", "which tags"},
		{"tag 0", then(Action{Do: DoTags, Add: []int64{3, 0}}), "then[0].add[1]", "is not a tag"},
		{"tag twice", then(Action{Do: DoTags, Add: []int64{3}, Remove: []int64{3}}), "then[0].remove[0]", "twice"},
		{"stop with a text", then(Action{Do: DoStop, Text: "x"}), "then[0].text", "The action stop has no text"},
		{"after stop", then(Action{Do: DoStop}, Action{Do: DoNote, Text: "x"}), "then[1]", "stop comes last"},

		{"once per what", Definition{When: status, Then: note, Limits: Limits{OncePer: "moon"}}, "limits.once_per", "moon"},
		{"cool-down", Definition{When: status, Then: note, Limits: Limits{CoolDown: -1}}, "limits.cool_down", "between 0"},
		{"mails", Definition{When: status, Then: note, Limits: Limits{MailsPerConversationDay: 51}}, "limits.mails_per_conversation_day", "Between 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Compile(c.d, Identity{})
			var e *postroom.Error
			var all Faults
			if !errors.As(err, &e) || !errors.As(err, &all) {
				t.Fatalf("got %v", err)
			}
			if e.Code != postroom.Invalid || e.Field != c.path || !strings.Contains(e.Text, c.text) {
				t.Errorf("got %s at %s: %s\nwant %s: %s", e.Code, e.Field, e.Text, c.path, c.text)
			}
		})
	}
}

func TestCompileReportsEveryFault(t *testing.T) {
	t.Parallel()
	d := Definition{If: is("x", Is, "y"), Limits: Limits{CoolDown: -1}}
	_, err := Compile(d, Identity{})
	var all Faults
	if !errors.As(err, &all) || len(all) != 4 {
		t.Errorf("want faults in when, if, then and limits, got %v", err)
	}
}

// W10: what may be empty needs a default before publishing, not before saving.
func TestPublishable(t *testing.T) {
	t.Parallel()
	d := Definition{When: When{Event: postroom.ReplySent}, Then: []Action{{Do: DoReply, Text: "Hi {{ customer.name }}"}}}
	if _, err := Compile(d, Identity{}); err != nil {
		t.Errorf("saving: %v", err)
	}
	if err := Publishable(d); err == nil || !strings.Contains(err.Error(), "may be empty") {
		t.Errorf("publishing: %v", err)
	}
}

// A published version never changes, whatever becomes of the draft (W14).
func TestVersionSharesNothingWithTheDraft(t *testing.T) {
	t.Parallel()
	d := on(Cond{All: []Cond{is("conversation.number", Is, "1042")}})
	v := compile(t, d, 1)
	d.If.All[0].Values[0], d.Then[0].Text = "1", "tampered"
	b, err := v.Definition.Encode()
	if err != nil || strings.Contains(string(b), "tampered") || !strings.Contains(string(b), "1042") {
		t.Errorf("the version became %s, %v", b, err)
	}
}

func TestDecodeIsStrict(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"when":{"event":"reply.sent"},"then":[],"els":[]}`: `"els" is not a key`,
		`{"when":{"evnt":"reply.sent"}}`:                     `"evnt" is not a key`,
		`{"if":{"fact":"x","value":"y"}}`:                    `"value" is not a key`,
		`{"then":[{"do":"note","txt":"x"}]}`:                 `"txt" is not a key`,
		`{"when":`:                                           "ends too early",
		"{\n\"when\":\n}":                                    "This is not JSON (line 3)",
		``:                                                   "ends too early",
		`{} {}`:                                              "after the end",
		`{"then":"note"}`:                                    "A string stands where",
		`{"limits":{"cool_down":"1h"}}`:                      "A string stands where",
		`{"when":{"event":"` + strings.Repeat("x", MaxDefinition): "longer than",
	} {
		_, err := Decode([]byte(text))
		if err == nil || !strings.Contains(postroom.TextOf(err), want) || postroom.CodeOf(err) != postroom.Invalid {
			t.Errorf("%.60s: got %v, want %q", text, err, want)
		}
	}
}
