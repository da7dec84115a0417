package workflow

import (
	"fmt"
	"strings"
	"testing"

	"postroom"
)

// bombs are patterns that bring other engines to their knees. RE2 never goes back,
// so most are harmless here; what grows when it is compiled is refused.
var bombs = []string{
	"(a+)+$", "(a|aa)+$", "(a|a?)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*)*x", "(x+x+)+y", "(?:.*a){20}", "([a-zA-Z0-9])(([\\-.]|[_]+)?([a-zA-Z0-9]+))*@",
	"((a{0,100}){0,100}){0,100}", "(a{1000}){1000}", "a{1001}", "(?i:(a|ä|ß){100}){9}", "((((((((((a?){9}){9}){9}){9}){9}){9}){9}){9}){9}){9}",
	strings.Repeat("(", 250) + strings.Repeat(")", 250), strings.Repeat("(a?)", 125), strings.Repeat("a*", 250), strings.Repeat("[a-z]|", 83) + "x",
	"\\pL{300}\\pN{300}", "(?U)(.{1,100}){1,9}$", "(?P<x>a)(?P<x>b)", "a\x00b", "\xff", "(?<!a)b", "(a)\\1", "a++",
}

// W9: no pattern takes time without end: each is refused at its field, or asked of the
// longest text there is.
func TestPatternsEnd(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ", 2048) + "!"
	refused := 0
	for _, p := range bombs {
		d := Definition{When: When{Event: postroom.MessageReceived}, If: is("message.body", Matches, p), Then: []Action{{Do: DoNote, Text: "x"}}}
		v, err := Compile(d, Identity{WorkflowID: 1, Number: 1})
		if err != nil {
			if faults := FaultsOf(err); len(faults) != 1 || faults[0].Path != "if.values[0]" || faults[0].Text == "" {
				t.Errorf("%.40q: %v", p, err)
			}
			refused++
			continue
		}
		e := closed()
		e.Kind = postroom.MessageReceived
		r := record(e)
		r.Message.Text = long
		if j := Judge(NewSet(1, []Entry{{v, Enabled}}), e, NewFacts(r), Inputs{}); !j.Results[0].Verdict.Considered() {
			t.Errorf("%.40q: %s", p, j.Results[0].Verdict)
		}
	}
	if refused < 5 || refused > len(bombs)-10 {
		t.Errorf("%d of %d patterns are refused", refused, len(bombs))
	}
}

// W9: an operator that does not fit the type of its fact is refused at the operator,
// with those that fit, whatever the two are.
func TestOperatorsThatDoNotFit(t *testing.T) {
	t.Parallel()
	wrong := 0
	for _, f := range schema {
		for _, op := range operators {
			fits := false
			for _, o := range f.Ops {
				fits = fits || o == op.Op
			}
			if fits {
				continue
			}
			wrong++
			name := oneOf(f)
			_, err := Compile(Definition{When: When{Event: postroom.MessageReceived}, If: is(name, op.Op, "x"), Then: []Action{{Do: DoNote, Text: "x"}}}, Identity{})
			found := false
			for _, fault := range FaultsOf(err) {
				found = found || fault.Path == "if.op" && strings.Contains(fault.Text, fmt.Sprintf("%q", op.Op)) && strings.Contains(fault.Text, string(f.Ops[0]))
			}
			if !found {
				t.Errorf("%s %s: %v", name, op.Op, err)
			}
		}
	}
	if wrong < 200 {
		t.Errorf("only %d pairs that do not fit: the test has lost its hold", wrong)
	}
}
