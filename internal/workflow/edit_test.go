package workflow

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"postroom"
)

// tree writes conditions as their facts: "all(a any(b c))".
func tree(c Cond) string {
	head, children := c.group()
	if head == "" {
		if c.Fact == "" {
			return "?"
		}
		return c.Fact
	}
	var parts []string
	for _, child := range children {
		parts = append(parts, tree(child))
	}
	word, _, _ := strings.Cut(head, " ")
	return word + "(" + strings.Join(parts, " ") + ")"
}

func leafOf(name string) Cond { return Cond{Fact: name, Op: Is, Values: []string{name}} }

// sample is all(a any(b c) d none(e)).
func sample() Definition {
	return Definition{When: When{Event: postroom.StatusChanged}, If: Cond{All: []Cond{leafOf("a"), {Any: []Cond{leafOf("b"), leafOf("c")}}, leafOf("d"), {None: []Cond{leafOf("e")}}}},
		Then: []Action{{Do: DoNote, Text: "1"}, {Do: DoStatus, Status: "closed"}, {Do: DoStop}}}
}

func TestEdits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ act, want, place string }{
		{"add if", "all(a any(b c) d none(e) ?)", "if[4]"},
		{"add if[1]", "all(a any(b c ?) d none(e))", "if[1][2]"},
		{"group if", "all(a any(b c) d none(e) any(?))", "if[4][0]"},
		{"group if[3]", "all(a any(b c) d none(e any(?)))", "if[3][1][0]"},
		{"remove if[0]", "all(any(b c) d none(e))", ""},
		{"remove if[3][0]", "all(a any(b c) d)", ""},
		{"up if[0]", "all(a any(b c) d none(e))", "if[0]"},
		{"up if[1][1]", "all(a any(c b) d none(e))", "if[1][0]"},
		{"up if[1][0]", "all(a b any(c) d none(e))", "if[1]"},
		{"up if[2]", "all(a any(b c d) none(e))", "if[1][2]"},
		{"up if[1]", "all(any(b c) a d none(e))", "if[0]"},
		{"up if[3][0]", "all(a any(b c) d e)", "if[3]"},
		{"down if[0]", "all(any(a b c) d none(e))", "if[0][0]"},
		{"down if[1][0]", "all(a any(c b) d none(e))", "if[1][1]"},
		{"down if[1][1]", "all(a any(b) c d none(e))", "if[2]"},
		{"down if[2]", "all(a any(b c) none(d e))", "if[2][0]"},
		{"down if[3]", "all(a any(b c) d none(e))", "if[3]"},
		{"down if[3][0]", "all(a any(b c) d e)", "if[3]"},
		{"put if[0] if[3]", "all(any(b c) d a none(e))", "if[2]"},
		{"put if[0] if[1][1]", "all(any(b a c) d none(e))", "if[0][1]"},
		{"put if[1] if[3][0]", "all(a d none(any(b c) e))", "if[2][0]"},
		{"put if[3][0] if[0]", "all(e a any(b c) d)", "if[0]"},
		{"put if[3] if[0]", "all(none(e) a any(b c) d)", "if[0]"},
		{"put if[1] if[1][0]", "all(a any(b c) d none(e))", "if[1]"},
		{"end if[0] if[3]", "all(any(b c) d none(e a))", "if[2][1]"},
		{"end if[1][0] if", "all(a any(c) d none(e) b)", "if[4]"},
	} {
		e, err := ParseEdit(c.act)
		if err != nil {
			t.Fatal(err)
		}
		before := sample()
		got, place, err := e.Apply(before)
		if err != nil || tree(got.If) != c.want || place != c.place {
			t.Errorf("%s: %s at %q, %v; want %s at %q", c.act, tree(got.If), place, err, c.want, c.place)
		}
		if tree(before.If) != tree(sample().If) {
			t.Errorf("%s changed what it was given: %s", c.act, tree(before.If))
		}
	}
}

func TestEditsOfActions(t *testing.T) {
	t.Parallel()
	kinds := func(d Definition) string {
		var out []string
		for _, a := range d.Then {
			out = append(out, string(a.Do))
		}
		return strings.Join(out, " ")
	}
	for _, c := range []struct{ act, want, place string }{
		{"add then reply", "note status reply stop", "then[2]"},
		{"remove then[0]", "status stop", ""},
		{"up then[1]", "status note stop", "then[0]"},
		{"up then[0]", "note status stop", "then[0]"},
		{"down then[0]", "status note stop", "then[1]"},
		{"put then[0] then[2]", "status note stop", "then[1]"},
		{"put then[2] then[0]", "stop note status", "then[0]"},
		{"put then[0] then[3]", "status stop note", "then[2]"},
	} {
		e, _ := ParseEdit(c.act)
		got, place, err := e.Apply(sample())
		if err != nil || kinds(got) != c.want || place != c.place {
			t.Errorf("%s: %s at %q, %v", c.act, kinds(got), place, err)
		}
	}
}

func TestEditsThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "up", "up if", "fly if[0]", "up if[9]", "up if[0][0]", "remove if[1][7]", "add if[0]", "put if[0]", "put if[0] if", "end if[0] if[0]",
		"put if[0] if[1][9]", "add then", "add then dance", "up then[3]", "up then[-1]", "up then[1", "put then[0] then[9]", "up if[1", "up if[a]", "up if" + strings.Repeat("[0]", 40), "a b c d"} {
		e, err := ParseEdit(text)
		if err == nil {
			_, _, err = e.Apply(sample())
		}
		if postroom.CodeOf(err) != postroom.Invalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Moving loses and doubles nothing, leaves no empty group, and what was moved
// is where the edit says.
func TestMovesKeepEverything(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 11))
	for range 300 {
		n := 0
		var grow func(depth int) Cond
		grow = func(depth int) Cond {
			if depth > 0 && (depth > 3 || random.IntN(3) > 0) {
				n++
				return leafOf(fmt.Sprint("f", n))
			}
			var children []Cond
			for range 1 + random.IntN(3) {
				children = append(children, grow(depth+1))
			}
			return []Cond{{All: children}, {Any: children}, {None: children}}[random.IntN(3)]
		}
		d := Definition{If: grow(0)}
		for range 40 {
			places := placesOf(d.If, "if")
			from := places[1+random.IntN(len(places)-1)]
			act := []string{"up ", "down ", "put "}[random.IntN(3)] + from
			if strings.HasPrefix(act, "put") {
				act += " " + places[random.IntN(len(places))]
			}
			e, err := ParseEdit(act)
			if err != nil {
				t.Fatal(err)
			}
			path, _ := condPath(from)
			moved := tree(*d.If.at(path))
			got, place, err := e.Apply(d)
			if err != nil {
				continue // into nothing
			}
			if a, b := leaves(d.If), leaves(got.If); !slices.Equal(a, b) {
				t.Fatalf("%s of %s: %s", act, tree(d.If), tree(got.If))
			}
			at, _ := condPath(place)
			if here := got.If.at(at); here == nil || tree(*here) != moved {
				t.Fatalf("%s of %s: %s; it is not at %s", act, tree(d.If), tree(got.If), place)
			}
			if strings.Contains(tree(got.If), "()") {
				t.Fatalf("%s leaves an empty group: %s", act, tree(got.If))
			}
			d = got
		}
	}
}

func placesOf(c Cond, place string) []string {
	out := []string{place}
	_, children := c.group()
	for i, child := range children {
		out = append(out, placesOf(child, fmt.Sprintf("%s[%d]", place, i))...)
	}
	return out
}

func leaves(c Cond) []string {
	_, children := c.group()
	if children == nil {
		return []string{c.Fact}
	}
	var out []string
	for _, child := range children {
		out = append(out, leaves(child)...)
	}
	slices.Sort(out)
	return out
}

func TestChanges(t *testing.T) {
	t.Parallel()
	before := Shipped()[1].Definition
	if got := Changes(before, before, nil); got != nil {
		t.Errorf("the same has changes: %v", got)
	}
	after := before
	after.If = Cond{All: []Cond{{Fact: "customer.domain", Op: IsNot, Values: []string{"example.com"}}}}
	after.Then = []Action{{Do: DoReply, Text: strings.Replace(before.Then[0].Text, "now closed", "closed", 1)}}
	var got []string
	for _, c := range Changes(before, after, nil) {
		if c.Sign != ' ' {
			got = append(got, string(c.Sign)+c.Text)
		}
	}
	want := []string{"+If all of these", `+    the domain of the customer's address is not "example.com"`,
		"-    we have now closed your request, number {{ conversation.number }}.", "+    we have closed your request, number {{ conversation.number }}."}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestSentencesOfWhatIsNotCompleteYet(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]Definition{
		"When …: do nothing yet.":                                                        {},
		"When the status changes, and if …: set the status to …":                         {When: When{Event: postroom.StatusChanged}, If: Cond{All: []Cond{{}}}, Then: []Action{{Do: DoStatus}}},
		"When the status changes, and if the customer's name contains …: assign it to …": {When: When{Event: postroom.StatusChanged}, If: Cond{Fact: "customer.name", Op: Contains}, Then: []Action{{Do: DoAssign}}},
		"When the status changes, and if the header … is set: add or remove tags …":      {When: When{Event: postroom.StatusChanged}, If: Cond{Fact: HeaderFact, Op: IsSet}, Then: []Action{{Do: DoTags}}},
	} {
		if got := Sentence(d, nil); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
