package workflow

import (
	"reflect"
	"strings"
	"testing"

	"postroom"
	"postroom/internal/template"
)

func everything() Values {
	e := closed()
	return Values{
		Event: e, Subject: "Order <77>", Customer: record(e).Customer,
		Mailbox:  &postroom.Mailbox{Name: "Acme Support", Address: "help@acme.example"},
		Assignee: &postroom.Agent{Name: "Ann Baker", Email: "ann@acme.example"},
		Actor:    &postroom.Agent{Name: "Ben Cook"}, Workflow: "W", Team: "Second line",
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	d := on(Cond{})
	d.Then = []Action{
		{Do: DoReply, Text: "Hi {{ customer.first_name | default: \"there\" }}: {{ conversation.subject }}"},
		{Do: DoReply, HTML: "<p>{{ conversation.subject }}</p>"},
		{Do: DoReply, Text: "{% if agent.name == \"Zoe\" %}x{% endif %}\n"},
		{Do: DoReply, HTML: "<p>&nbsp;</p>{% if agent.name == \"Zoe\" %}x{% endif %}"},
		{Do: DoReply, HTML: "<p><img src=\"cid:a\"></p>"},
		{Do: DoStatus, Status: postroom.Pending}, {Do: DoAssign, Agent: ptr(7)}, {Do: DoAssign, Agent: ptr(0)},
		{Do: DoTags, Add: []int64{11}, Remove: []int64{12}}, {Do: DoStop},
	}
	got, err := Plan(compile(t, d, 1), template.Options{}, everything().Value, people)
	if err != nil {
		t.Fatal(err)
	}
	want := []Wish{
		{Position: 0, Do: DoReply, Detail: "reply to the customer", Text: "Hi Maria: Order <77>"},
		{Position: 1, Do: DoReply, Detail: "reply to the customer", HTML: "<p>Order &lt;77&gt;</p>"},
		{Position: 2, Do: DoReply, Detail: "reply to the customer", Text: "\n", Blank: true},
		{Position: 3, Do: DoReply, Detail: "reply to the customer", HTML: "<p>&nbsp;</p>", Blank: true},
		{Position: 4, Do: DoReply, Detail: "reply to the customer", HTML: "<p><img src=\"cid:a\"></p>"},
		{Position: 5, Do: DoStatus, Detail: "set the status to pending", Status: postroom.Pending},
		{Position: 6, Do: DoAssign, Detail: "assign it to Ann", AgentID: 7},
		{Position: 7, Do: DoAssign, Detail: "assign it to nobody"},
		{Position: 8, Do: DoTags, Detail: "add the tag urgent and remove the tag order", Add: []int64{11}, Remove: []int64{12}},
		{Position: 9, Do: DoStop, Detail: "stop: do not consider later workflows"},
	}
	for i := range want {
		if i >= len(got) || !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("action %d:\n got %+v\nwant %+v", i, got[min(i, len(got)-1)], want[i])
		}
	}
	got, err = Plan(compile(t, d, 1), template.Options{Untrusted: true}, everything().Value, nil)
	if err != nil || got[0].Text != "Hi there: 1042" || got[1].HTML != "<p>1042</p>" {
		t.Errorf("A8: to a sender who is not verified: %q, %q, %v", got[0].Text, got[1].HTML, err)
	}
}

// A text that grows too long fails the whole plan: nothing of it is half done
// (W21).
func TestPlanFailsAsAWhole(t *testing.T) {
	t.Parallel()
	d := on(Cond{})
	d.Then = append(d.Then, Action{Do: DoReply, Text: "x" + strings.Repeat("{{ conversation.subject }}", 900)})
	v := everything()
	v.Subject = strings.Repeat("x", 998)
	got, err := Plan(compile(t, d, 1), template.Options{}, v.Value, nil)
	if got != nil || postroom.CodeOf(err) != postroom.Invalid || !strings.Contains(err.Error(), "action 2") {
		t.Errorf("%v, %v", got, err)
	}
}

// Every variable of the table has a value, and none that must have one is
// empty when little is known.
func TestValues(t *testing.T) {
	t.Parallel()
	full, bare := everything(), Values{Event: closed(), Mailbox: &postroom.Mailbox{Name: "M", Address: "m@acme.example"}, Workflow: "W"}
	for _, v := range template.Variables() {
		if s, ok := full.Value(v.Name); !ok || s == "" {
			t.Errorf("%s: %q, %v although everything is known", v.Name, s, ok)
		}
		if s, ok := bare.Value(v.Name); !ok || s == "" && !v.Optional && v.Instead == "" {
			t.Errorf("%s: %q, %v; it must not be empty", v.Name, s, ok)
		}
		if s, ok := (Values{}).Value(v.Name); !ok {
			t.Errorf("%s: %q, %v with nothing known", v.Name, s, ok)
		}
	}
	for _, name := range []string{"", "x", "customer.shoes", "conversation.x", "mailbox.x", "agent.x", "actor.email", "event.x", "workflow.x"} {
		if s, ok := full.Value(name); ok {
			t.Errorf("%q has the value %q", name, s)
		}
	}
	for name, want := range map[string]string{
		"customer.first_name": "Maria", "customer.last_name": "Lind", "customer.email": "maria@example.com",
		"agent.first_name": "Ann", "actor.name": "Ben Cook", "conversation.created": "2026-01-29T12:00:00Z", "event.at": "2026-01-31T12:00:00Z",
	} {
		if got, _ := full.Value(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	full.Customer = &postroom.Customer{Name: "maria@example.com"}
	for _, name := range []string{"customer.name", "customer.first_name", "customer.last_name"} {
		if got, _ := full.Value(name); got != "" {
			t.Errorf("%s: an address, %q, is no name to greet by", name, got)
		}
	}
}

// The shipped texts read well to a person with a name, and to one without.
func TestShippedTexts(t *testing.T) {
	t.Parallel()
	for _, s := range Shipped() {
		v := compile(t, s.Definition, 1)
		for _, untrusted := range []bool{false, true} {
			w, err := Plan(v, template.Options{Untrusted: untrusted}, everything().Value, nil)
			if err != nil || len(w) != 1 || w[0].Do != DoReply {
				t.Fatalf("%s: %+v, %v", s.Key, w, err)
			}
			greeting := "Hello Maria,\n"
			if untrusted {
				greeting = "Hello there,\n"
			}
			if !strings.HasPrefix(w[0].Text, greeting) || !strings.Contains(w[0].Text, "1042") ||
				!strings.HasSuffix(w[0].Text, "\nAcme Support") || strings.ContainsAny(w[0].Text, "{}") {
				t.Errorf("%s reads\n%s", s.Key, w[0].Text)
			}
		}
	}
}
