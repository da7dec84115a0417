package proof

import (
	"strings"
	"testing"

	"postroom"
	"postroom/internal/workflow"
)

// W20, W34: who runs whom is part of who sets off whom; a circle is shown as its
// path, and blocks nothing, since a workflow runs once in a chain. Workflows that
// are run by hand never judge one event together.
func TestRunningEachOtherInACircle(t *testing.T) {
	t.Parallel()
	run := func(id int64) workflow.Action { return workflow.Action{Do: workflow.DoRun, Workflow: id} }
	var entries []workflow.Entry
	for _, x := range []struct {
		id   int64
		name string
		runs int64
	}{{1, "First", 2}, {2, "Second", 3}, {3, "Third", 1}, {4, "Apart", 1}} {
		v, err := workflow.Compile(workflow.Definition{When: workflow.When{Event: postroom.WorkflowStarted},
			Then: []workflow.Action{{Do: workflow.DoReply, Text: "Hello."}, run(x.runs)}}, workflow.Identity{WorkflowID: x.id, Number: 1, Name: x.name})
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, workflow.Entry{Version: v, State: workflow.Enabled})
	}
	var said []string
	for _, f := range About(workflow.NewSet(1, entries), 1, nil).Findings {
		if f.Kind != DoubleMail { // each greets the customer
			said = append(said, string(f.Kind)+": "+f.Text)
		}
		if f.Blocks {
			t.Error(f.Text)
		}
	}
	if all := strings.Join(said, "\n"); len(said) != 1 || !strings.Contains(all, "“First” → “Second” → “Third” → “First”") {
		t.Error(all)
	}
}
