package workflow

import (
	"fmt"
	"strings"
	"testing"

	"postroom"
)

// W34: what does not go well together is named at save.
func TestAnalyse(t *testing.T) {
	t.Parallel()
	status := func(do ActionKind, cond Cond, w When) Definition {
		w.Event = postroom.StatusChanged
		a := map[ActionKind]Action{
			DoReply: {Do: DoReply, Text: "x"}, DoNote: {Do: DoNote, Text: "x"}, DoStop: {Do: DoStop},
			DoStatus: {Do: DoStatus, Status: postroom.Active}, "pending": {Do: DoStatus, Status: postroom.Pending},
		}[do]
		return Definition{When: w, If: cond, Then: []Action{a}}
	}
	answer := func(cond Cond, actors []postroom.ActorKind) Definition {
		return Definition{When: When{Event: postroom.ReplySent, Actors: actors}, If: cond, Then: []Action{{Do: DoReply, Text: "x"}}}
	}
	to := func(s ...string) When { return When{To: s} }
	seven, eight := is("conversation.assignee", Is, "7"), is("conversation.assignee", Is, "8")
	for _, c := range []struct {
		name string
		defs []Definition
		want string
	}{
		{"alone", []Definition{status(DoReply, Cond{}, When{})}, ""},
		{"double mail", []Definition{status(DoReply, Cond{}, When{}), status(DoNote, Cond{}, When{}), status(DoReply, seven, When{})}, "double_mail[1 3]"},
		{"exclusive conditions", []Definition{status(DoReply, seven, When{}), status(DoReply, eight, When{})}, ""},
		{"exclusive by none", []Definition{status(DoReply, seven, When{}), status(DoReply, Cond{None: []Cond{seven}}, When{})}, ""},
		{"exclusive by not any", []Definition{status(DoReply, Cond{Any: []Cond{seven}}, When{}), status(DoReply, is("conversation.assignee", IsNot, "7"), When{})}, ""},
		{"exclusive edges", []Definition{status(DoReply, Cond{}, to("closed")), status(DoReply, Cond{}, to("active", "spam"))}, ""},
		{"exclusive edge and condition", []Definition{status(DoReply, Cond{}, to("closed")), status(DoReply, is("conversation.status", Is, "active"), When{})}, ""},
		{"one in two", []Definition{status(DoReply, is("conversation.assignee", OneOf, "7", "8"), When{}), status(DoReply, eight, When{})}, "double_mail[1 2]"},
		{"stop between", []Definition{status(DoStop, seven, When{}), status(DoReply, seven, When{})}, ""},
		{"same field", []Definition{status(DoStatus, Cond{}, to("closed")), status("pending", Cond{}, to("closed"))}, "same_field[1 2]"},
		{"same field, same value", []Definition{status(DoStatus, Cond{}, When{}), status(DoStatus, Cond{}, When{})}, ""},
		{"unreachable", []Definition{status(DoStop, Cond{}, to("closed", "spam")), status(DoNote, seven, to("closed"))}, "unreachable[1 2]"},
		{"reachable by another edge", []Definition{status(DoStop, Cond{}, to("closed")), status(DoNote, seven, When{})}, ""},
		{"never", []Definition{status(DoNote, Cond{All: []Cond{seven, eight}}, When{})}, "never_true[1]"},
		{"never on this edge", []Definition{status(DoNote, is("conversation.status", IsNot, "closed"), to("closed"))}, "never_true[1]"},
		{"never by nesting", []Definition{status(DoNote, Cond{None: []Cond{{Any: []Cond{seven, {None: []Cond{seven}}}}}}, When{})}, "never_true[1]"},
		{"several addresses are no contradiction", []Definition{status(DoNote, Cond{All: []Cond{is("customer.address", Is, "a@b.example"), is("customer.address", Is, "c@d.example")}}, When{})}, ""},
		{"any is no demand", []Definition{status(DoNote, Cond{Any: []Cond{seven, eight}}, When{})}, ""},
		{"no message on this edge", []Definition{status(DoNote, is("message.class", Is, "human"), When{})}, "never_known[1]"},
		{"a message would be nice", []Definition{status(DoNote, Cond{Any: []Cond{seven, is("message.class", Is, "human")}}, When{})}, ""},
		{"answers machines", []Definition{{When: When{Event: postroom.MessageReceived}, Then: []Action{{Do: DoReply, Text: "x"}}}}, "machine_reply[1]"},
		{"sets off itself", []Definition{answer(Cond{}, nil)}, "cycle[1]"},
		{"sets off itself, but for people only", []Definition{answer(Cond{}, []postroom.ActorKind{"agent"})}, ""},
		{"sets off itself, but not after a workflow", []Definition{answer(is("cause.workflow", NotSet), nil)}, ""},
		{"sets off itself, but not after this one", []Definition{answer(is("cause.workflow", IsNot, "1"), nil)}, ""},
		{"sets off itself, but not by condition", []Definition{answer(is("event.actor", IsNot, "workflow"), nil)}, ""},
		{"a circle but for a condition", []Definition{status(DoStatus, Cond{}, to("pending")), status("pending", is("conversation.status", Is, "spam"), When{})}, ""},
		{"a circle of two", []Definition{status(DoStatus, Cond{}, to("pending")), status(DoNote, Cond{}, to("spam")), status("pending", Cond{}, to("active"))}, "cycle[1 3]"},
		{"a line of two", []Definition{status(DoStatus, Cond{}, to("closed")), status("pending", Cond{}, to("active"))}, ""},
	} {
		var entries []Entry
		for i, d := range c.defs {
			entries = append(entries, Entry{compile(t, d, int64(i+1)), Enabled})
		}
		var got []string
		for _, f := range Analyse(NewSet(1, entries)) {
			got = append(got, fmt.Sprintf("%s%v", f.Kind, f.Workflows))
			if !strings.HasSuffix(f.Text, ".") || !strings.Contains(f.Text, "“W”") {
				t.Errorf("%s: %q is no sentence about the workflow", c.name, f.Text)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: found %v, want %s", c.name, got, c.want)
		}
		for i := range entries {
			entries[i].State = SwitchedOff
		}
		if f := Analyse(NewSet(1, entries)); len(f) > 0 {
			t.Errorf("%s: switched off, and still %v", c.name, f)
		}
	}
}

func TestShippedGoWellTogether(t *testing.T) {
	t.Parallel()
	var entries []Entry
	for i, s := range Shipped() {
		entries = append(entries, Entry{compile(t, s.Definition, int64(i+1)), Enabled})
	}
	if f := Analyse(NewSet(1, entries)); len(f) > 0 {
		t.Errorf("the shipped workflows: %v", f)
	}
}

func BenchmarkAnalyse(b *testing.B) {
	set := crowd(b, 500, postroom.StatusChanged)
	for b.Loop() {
		Analyse(set)
	}
}
