package arch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"postroom"
)

// unheard are the kinds of events that no workflow can listen for by itself, with
// the reason (docs/decisions/0033).
var unheard = map[postroom.EventKind]string{
	postroom.TimerDue:        "it wakes the one workflow whose time has come",
	postroom.TimerCancelled:  "it keeps that one from running",
	postroom.SenderConfirmed: "a note for people: the message was judged when it came",
	postroom.MailWritten:     "a note for people: what becomes of that mail is heard",
	postroom.ChainStopped:    "a note for people: what is heard could set the chain off again",
}

// W6: the catalogue is one list. Each kind of event that there is stands in the
// guide, as one that workflows listen for, or has a reason why they cannot.
func TestEveryEventIsInTheGuide(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(top(t), "event.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile(filepath.Join(top(t), "docs", "workflows.md"))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[postroom.EventKind]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 {
			return true
		}
		if of, ok := v.Type.(*ast.Ident); !ok || of.Name != "EventKind" {
			return true
		}
		if text, ok := v.Values[0].(*ast.BasicLit); ok {
			kind, err := strconv.Unquote(text.Value)
			if err != nil {
				t.Fatal(err)
			}
			kinds[postroom.EventKind(kind)] = true
		}
		return true
	})
	if len(kinds) < 30 {
		t.Fatalf("only %d kinds were found", len(kinds))
	}
	for kind := range kinds {
		row, why := strings.Contains(string(guide), "\n| `"+string(kind)+"` |"), unheard[kind]
		switch {
		case row && why != "":
			t.Errorf("%s is in the guide, and is not heard because %s", kind, why)
		case !row && why == "":
			t.Errorf("%s is neither in the guide's list of events nor among those that no workflow hears", kind)
		case row != (kind.Edge() && kind != postroom.TimerDue):
			t.Errorf("%s: in the guide %v, an edge %v", kind, row, kind.Edge())
		}
	}
	for kind := range unheard {
		if !kinds[kind] {
			t.Errorf("%s is no kind of event any more", kind)
		}
	}
}
