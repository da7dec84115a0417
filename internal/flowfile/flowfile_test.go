package flowfile_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"postroom"
	"postroom/internal/flowfile"
	"postroom/internal/workflow"
)

func desk() *flowfile.Names {
	return flowfile.NewNames(map[workflow.Ref]map[int64]string{
		workflow.RefAgent:    {1: "ann@example.org", 2: "ben@example.org"},
		workflow.RefMailbox:  {3: "help@example.org"},
		workflow.RefTag:      {4: "urgent", 5: "VIP"},
		workflow.RefWorkflow: {6: "closing-notice"},
	})
}

const whole = `# Anything may stand in a comment.
key: assign-vip
name: Assign what is urgent
mailbox: Help@example.org
enabled: true
when:
  event: assignee.changed
  from: nobody
  to: [ann@example.org, ben@example.org]
if:
  all:
    - {fact: conversation.tags, op: has_any, values: [urgent, VIP]}
    - fact: cause.workflow
      op: is_not
      values: closing-notice
then:
  - do: assign
    agent: nobody
  - {do: tags, add: [VIP], remove: [urgent]}
limits: {once_per: conversation, cool_down: 60}
tests:
  - name: Ann gets it
    given:
      conversation.tags: [urgent]
      conversation.assignee: ann@example.org
      conversation.created: 2d ago
      customer.address: jane@customer.example
    when: {event: assignee.changed, from: nobody, to: ann@example.org, actor: agent, agent: ben@example.org}
    expect:
      verdict: matched
      effects:
        - {do: assign, agent: nobody}
        - {do: tags, add: [VIP]}
      mails: []
`

func TestReadsEveryPart(t *testing.T) {
	t.Parallel()
	docs, faults := flowfile.ReadWorkflows([]flowfile.Source{{Name: "a.yaml", Text: whole + "---\n# nothing\n---\n"}}, desk())
	if len(faults) > 0 || len(docs) != 1 {
		t.Fatalf("%d documents, %v", len(docs), faults)
	}
	d := docs[0]
	nobody := int64(0)
	want := workflow.Definition{
		When: workflow.When{Event: postroom.AssigneeChanged, From: []string{"0"}, To: []string{"1", "2"}},
		If: workflow.Cond{All: []workflow.Cond{{Fact: "conversation.tags", Op: "has_any", Values: []string{"4", "5"}},
			{Fact: "cause.workflow", Op: "is_not", Values: []string{"6"}}}},
		Then:   []workflow.Action{{Do: "assign", Agent: &nobody}, {Do: "tags", Add: []int64{5}, Remove: []int64{4}}},
		Limits: workflow.Limits{OncePer: "conversation", CoolDown: 60},
	}
	if d.Key != "assign-vip" || d.Mailbox != 3 || d.Enabled == nil || !*d.Enabled || !reflect.DeepEqual(d.Definition, want) {
		t.Errorf("%+v", d)
	}
	v, faults := d.Check(9)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if res := v.RunTest(d.Tests[0], workflow.TestWorld{}); !res.Green {
		t.Error(res.Differences)
	}
	if d.Tests[0].When.Agent != 2 || d.Tests[0].Given["conversation.assignee"][0] != "1" || d.Tests[0].Expect.Mails == nil {
		t.Errorf("%+v", d.Tests[0])
	}
}

// W37: what is wrong is said with line and column, and with the word that was
// probably meant.
func TestFaultsNameLineAndColumn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, to, want string }{
		{"enabled: true", "enabeld: true", `a.yaml:5:1: There is no field "enabeld" here; did you mean "enabled"?`},
		{"enabled: true", "colour: red", `a.yaml:5:1: There is no field "colour" here; possible are key, name,`},
		{"enabled: true", "enabled: on", `a.yaml:5:10: Here belongs true or false, not "on".`},
		{"enabled: true", "enabled: true\nenabled: false", `a.yaml:6:1: "enabled" stands here twice.`},
		{"enabled: true", "enabled:", `a.yaml:5:9: Here is nothing`},
		{"mailbox: Help", "mailbox: halp", `a.yaml:4:10: There is no mailbox "halp@example.org"; did you mean "help@example.org"?`},
		{"agent: nobody\n", "agent: carl@example.com\n", `a.yaml:18:12: There is no agent "carl@example.com".`},
		{"values: [urgent, VIP]", "values: [urgend, VIP]", `a.yaml:12:55: There is no tag "urgend"; did you mean "urgent"?`},
		{"values: closing-notice", "values: closing-note", `a.yaml:15:15: There is no workflow "closing-note"; did you mean "closing-notice"?`},
		{"fact: conversation.tags", "fact: conversation.tag", `a.yaml:12:14: There is no fact "conversation.tag"; did you mean "conversation.tags"?`},
		{"op: has_any", "op: has_eny", `a.yaml:12:37: "has_eny" cannot be asked of conversation.tags; possible are has_any, has_all, has_none, set, not_set, changed; did you mean "has_any"?`},
		{"event: assignee.changed\n", "event: asignee.changed\n", `a.yaml:7:10: No workflow can listen for "asignee.changed"; did you mean "assignee.changed"?`},
		{"do: assign\n    agent", "do: asign\n    agent", `a.yaml:17:9: "asign" is not an action; it is one of`},
		{"cool_down: 60", "cool_down: soon", `a.yaml:20:45: Here belongs a whole number, not "soon".`},
		{"once_per: conversation", "once_per: day", `a.yaml:20:20: "day" is not a limit`},
		{"conversation.created: 2d ago", "conversation.created: ages ago", `a.yaml:26:29: "ages ago" is neither a date`},
		{"conversation.created: 2d ago", "conversation.createt: 2d ago", `a.yaml:26:7: There is no fact "conversation.createt"; did you mean "conversation.created"?`},
		{"verdict: matched", "verdict: match", `a.yaml:30:16: "match" is not a verdict`},
		{"key: assign-vip", "key: Assign VIP", `a.yaml:2:6: "Assign VIP" is no key`},
		{"key: assign-vip\n", "", `a.yaml:2:1: A workflow needs a key`},
		{"when:\n", "when: soon\nwhom:\n", `a.yaml:6:7: Here belong fields`},
		{"name: Assign what is urgent", "name: a: b", `a.yaml:3:8: This is not YAML: mapping values are not allowed`},
		{"limits: {", "limits: [", `a.yaml:20:`},
	} {
		text := strings.Replace(whole, c.from, c.to, 1)
		if text == whole {
			t.Fatalf("%q is not in the text", c.from)
		}
		docs, faults := flowfile.ReadWorkflows([]flowfile.Source{{Name: "a.yaml", Text: text}}, desk())
		for _, d := range docs {
			if _, more := d.Check(1); len(faults) == 0 {
				faults = more
			}
		}
		if len(faults) == 0 || !strings.HasPrefix(faults[0].String(), c.want) {
			t.Errorf("%q for %q: it says\n%v\nand not\n%s", c.to, c.from, faults, c.want)
		}
	}
}

func TestOneKeyStandsOnce(t *testing.T) {
	t.Parallel()
	_, faults := flowfile.ReadWorkflows([]flowfile.Source{{Name: "a.yaml", Text: "key: x\nname: X\n"}, {Name: "b.yaml", Text: "name: Y\nkey: x\n"}}, desk())
	if len(faults) != 1 || faults[0].String() != `b.yaml:2:6: The key "x" stands in a.yaml, line 1, already.` {
		t.Error(faults)
	}
	if keys := flowfile.Keys([]flowfile.Source{{Name: "a", Text: "key: x\n---\nkey: y\nnonsense: 1\n---\nkey: x"}}).Workflows; !reflect.DeepEqual(keys, []string{"x", "y"}) {
		t.Error(keys)
	}
}

// Without a desk every name is taken for one that is there, and always the same.
func TestChecksWithoutADesk(t *testing.T) {
	t.Parallel()
	docs, faults := flowfile.ReadWorkflows([]flowfile.Source{{Name: "a.yaml", Text: whole}}, flowfile.Invented())
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	v, faults := docs[0].Check(1)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if res := v.RunTest(docs[0].Tests[0], workflow.TestWorld{}); !res.Green {
		t.Error(res.Differences)
	}
}

// What repeats what it holds comes to an end.
func TestAliasesAreBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("key: x\nname: X\nwhen: {event: tags.changed}\nthen: [{do: stop}]\nif:\n  all:\n  - &a0 {fact: message.body, op: set}\n")
	for i := range 40 {
		fmt.Fprintf(&b, "  - &a%d {all: [*a%d, *a%d]}\n", i+1, i, i)
	}
	if _, faults := flowfile.ReadWorkflows([]flowfile.Source{{Name: "a.yaml", Text: b.String()}}, desk()); len(faults) == 0 || !strings.Contains(faults[0].Text, "too deep or too long") {
		t.Error(faults)
	}
	loop := "key: x\nname: X\nwhen: {event: tags.changed}\nthen: [{do: stop}]\nif: &a\n  all: [*a]\n"
	if _, faults := flowfile.ReadWorkflows([]flowfile.Source{{Name: "a.yaml", Text: loop}}, desk()); len(faults) == 0 {
		t.Error("a condition that holds itself is read")
	}
	docs, faults := flowfile.ReadWorkflows([]flowfile.Source{{Name: "a.yaml", Text: strings.Replace(loop, "if: &a\n  all: [*a]", "if:\n  any:\n  - &b {fact: message.body, op: set}\n  - none: [*b]", 1)}}, desk())
	if len(faults) > 0 || docs[0].Definition.If.Any[1].None[0].Fact != "message.body" {
		t.Error("an alias is not read:", faults)
	}
}

// Whatever stands in a text, it comes back the same.
func TestTextsSurvive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", " ", "\n", "\n\n", "\t", "\r\n", "\r", "#", "---", "...", ": ", "- ", "'", "\"", "\\", "\u0085", "\u2028", "\ufeff", "\x07", "é", "👍", "{{ x }}", "|", ">", "%"}), 0, 8).Draw(t, "parts")
		text := strings.Join(parts, "")
		d := flowfile.Document{Key: "x", Name: "X", Definition: workflow.Definition{When: workflow.When{Event: postroom.TagsChanged}, Then: []workflow.Action{{Do: "note", Text: text}, {Do: "stop"}}},
			Tests: []workflow.Test{{Name: "t", Given: workflow.Given{"message.body": {text}}, When: workflow.Moment{Event: postroom.TagsChanged}, Expect: workflow.Expect{Verdict: "matched"}}}}
		file, err := flowfile.Write([]flowfile.Document{d, d}, desk())
		if err != nil {
			t.Fatal(err)
		}
		back, _ := flowfile.ReadWorkflows([]flowfile.Source{{Name: "a", Text: file}}, desk())
		if len(back) != 2 || back[0].Definition.Then[0].Text != text || back[1].Tests[0].Given["message.body"][0] != text {
			t.Fatalf("%q does not come back from\n%s", text, file)
		}
	})
}

// Reading never panics, whatever it is given.
func FuzzRead(f *testing.F) {
	f.Add(whole)
	f.Add("a: [*b")
	f.Add("key: &a x\nname: *a\nif: {<<: {fact: 1}}\n--- !!binary aGk=\n")
	f.Fuzz(func(_ *testing.T, text string) {
		docs, _ := flowfile.ReadWorkflows([]flowfile.Source{{Name: "a", Text: text}}, desk())
		for _, d := range docs {
			v, _ := d.Check(1)
			for _, x := range d.Tests {
				if v != nil {
					v.RunTest(x, workflow.TestWorld{})
				}
			}
		}
	})
}
