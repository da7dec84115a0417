package workflow_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"postroom/internal/flowfile"
	"postroom/internal/workflow"
)

// someNames are a desk's, with a few ids that have none and names that YAML
// could take for something else.
func someNames() *flowfile.Names {
	all := map[workflow.Ref]map[int64]string{workflow.RefAgent: {}, workflow.RefMailbox: {}, workflow.RefTag: {}, workflow.RefWorkflow: {}}
	odd := []string{"", "true", "null", "~", "12", "0x1", "- a", "a: b", "#c", "it's", "\"q\"", "*x", "ä ö", "nobody", "none"}
	for id := int64(1); id <= 10; id++ {
		all[workflow.RefAgent][id] = fmt.Sprintf("agent%d@example.org", id)
		all[workflow.RefMailbox][id] = fmt.Sprintf("box%d@example.org", id)
		all[workflow.RefTag][id] = odd[id]
		all[workflow.RefWorkflow][id] = fmt.Sprintf("workflow-%d", id)
	}
	return flowfile.NewNames(all)
}

// W37: what is exported and read again is the same, to the byte.
func TestDefinitionSurvivesAFile(t *testing.T) {
	t.Parallel()
	names := someNames()
	rapid.Check(t, func(t *rapid.T) {
		var docs []flowfile.Document
		for i := range rapid.IntRange(1, 3).Draw(t, "documents") {
			on := rapid.Bool().Draw(t, "enabled")
			d := flowfile.Document{Key: fmt.Sprintf("w%d", i), Name: rapid.StringMatching(`[ -~äß]{0,20}x`).Draw(t, "name"), Mailbox: rapid.Int64Range(0, 12).Draw(t, "mailbox"),
				Enabled: &on, Definition: workflow.DrawDefinition(t)}
			for range rapid.IntRange(0, 2).Draw(t, "tests") {
				d.Tests = append(d.Tests, workflow.DrawTest(t))
			}
			docs = append(docs, d)
		}
		text, err := flowfile.Write(docs, names)
		if err != nil {
			t.Fatal(err)
		}
		back, faults := flowfile.ReadWorkflows([]flowfile.Source{{Name: "x.yaml", Text: text}}, names)
		if len(faults) > 0 || len(back) != len(docs) {
			t.Fatalf("%d documents of %d, %v in\n%s", len(back), len(docs), faults, text)
		}
		for i, d := range docs {
			if a, b := bytes(t, d), bytes(t, *back[i]); a != b {
				t.Fatalf("%s\nreads back as\n%s\nfrom\n%s", a, b, text)
			}
		}
		again := make([]flowfile.Document, len(back))
		for i := range back {
			again[i] = *back[i]
		}
		if second, err := flowfile.Write(again, names); err != nil || second != text {
			t.Fatalf("%s\nis written again as\n%s", text, second)
		}
	})
}

func bytes(t *rapid.T, d flowfile.Document) string {
	b, err := json.Marshal([]any{d.Key, d.Name, d.Mailbox, d.Enabled, d.Definition, d.Tests})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The shipped workflows and the recipes survive a file too.
func TestShippedWorkflowsSurviveAFile(t *testing.T) {
	t.Parallel()
	var docs []flowfile.Document
	for _, s := range workflow.Shipped() {
		docs = append(docs, flowfile.Document{Key: s.Key, Name: s.Name, Definition: s.Definition})
	}
	text, err := flowfile.Write(docs, someNames())
	if err != nil {
		t.Fatal(err)
	}
	t.Log(text)
	back, faults := flowfile.ReadWorkflows([]flowfile.Source{{Name: "x.yaml", Text: text}}, someNames())
	if len(faults) > 0 || len(back) != len(docs) {
		t.Fatal(faults)
	}
	for i, d := range back {
		if _, faults := d.Check(int64(i + 1)); len(faults) > 0 {
			t.Error(faults)
		}
		want, _ := docs[i].Definition.Encode()
		if got, _ := d.Definition.Encode(); string(got) != string(want) {
			t.Errorf("%s\nreads back as\n%s", want, got)
		}
	}
}
