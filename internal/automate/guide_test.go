package automate_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"postroom/internal/proof"
	"postroom/internal/recipe"
	"postroom/internal/template"
	"postroom/internal/workflow"
)

var update = flag.Bool("update", false, "write the tables of docs/workflows.md anew")

// generated finds a part of the guide that is made from the program.
var generated = regexp.MustCompile(`(?s)(<!-- generated: ([a-z]+) -->\n).*?(<!-- end -->)`)

// parts makes the parts of the guide by name.
var parts = map[string]func() string{
	"shipped": shippedPart, "variables": variablesPart, "facts": factsPart, "filters": filtersPart, "limits": limitsPart, "findings": findingsPart, "recipes": recipesPart,
	"events": eventsPart,
}

func eventsPart() string {
	var b strings.Builder
	b.WriteString("| when | in words | what it is |\n|---|---|---|\n")
	for _, e := range workflow.Edges() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", e.Event, e.Label, e.Doc)
	}
	return b.String()
}

func shippedPart() string {
	var b strings.Builder
	for _, s := range workflow.Shipped() {
		fmt.Fprintf(&b, "### %s\n\n%s\n\n*%s*\n\n", s.Name, s.Description, workflow.Sentence(s.Definition, nil))
		for _, line := range strings.Split(s.Definition.Then[0].Text, "\n") {
			b.WriteString(strings.TrimRight("    "+line, " ") + "\n")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func recipesPart() string {
	var b strings.Builder
	for _, r := range recipe.All() {
		fmt.Fprintf(&b, "- **[%s](recipes.md#%s).** %s\n", r.Name, r.Key, r.Description)
	}
	return b.String()
}

func variablesPart() string {
	var b strings.Builder
	b.WriteString("| write | stands for | may be empty |\n|---|---|---|\n")
	for _, v := range template.Variables() {
		empty := ""
		if v.Optional {
			empty = "yes: needs a default"
		}
		fmt.Fprintf(&b, "| `{{ %s }}` | %s | %s |\n", v.Name, v.Doc, empty)
	}
	return b.String()
}

func filtersPart() string { return "`" + strings.Join(template.Filters(), "`, `") + "`\n" }

func factsPart() string {
	label := map[workflow.Op]string{}
	for _, o := range workflow.Operators() {
		label[o.Op] = o.Label
	}
	var b strings.Builder
	b.WriteString("| fact | in words | asked with |\n|---|---|---|\n")
	for _, f := range workflow.Schema() {
		var ops []string
		for _, o := range f.Ops {
			ops = append(ops, label[o])
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Name, f.Label, strings.Join(ops, ", "))
	}
	return b.String()
}

func limitsPart() string {
	return fmt.Sprintf("- A workflow runs at most once for an event, and at most once in a chain of events that set each other off; a chain ends after %d workflows.\n"+
		"- A conversation gets at most %d mails in 24 hours that only machines caused (a customer's mail, another workflow, the desk itself). A mail that an agent's act set off does not count there. Mails to others than the customer are counted by themselves, a run each.\n"+
		"- A workflow sends at most %d mails a day in all, unless its limits say otherwise; one more is held back and pauses it.\n",
		workflow.MaxDepth, workflow.DefaultMailsPerConversationDay, workflow.DefaultMailBudget)
}

func findingsPart() string {
	words := []struct {
		kind proof.Kind
		text string
	}{
		{proof.DoubleMail, "two workflows would mail the customer for one event, themselves or by running another one"},
		{proof.SameField, "two would write the same field for one event; the later in order wins"},
		{proof.Unreachable, "an earlier one always says stop before it"},
		{proof.NeverTrue, "its conditions contradict each other"},
		{proof.NeverKnown, "it asks for something that its event never has"},
		{proof.AlwaysTrue, "of a group of alternatives one always holds, as with two that say \"is not\""},
		{proof.Cycle, "workflows set each other off in a circle, shown as a path"},
		{proof.MailLoop, "they cannot but do so, and mail the customer each time, themselves or by one that they run: this one cannot be published, nor switched on"},
		{proof.NeverRuns, "it runs another one that is switched off, or that waits for a time of its own"},
		{proof.NeverTime, "it runs at set times at which the office is never open, or always, and asks for the contrary; or on no day at all"},
		{proof.MachineReply, "it answers received mail without asking whether a person wrote it"},
	}
	var b strings.Builder
	for _, w := range words {
		fmt.Fprintf(&b, "- %s (`%s`)\n", w.text, w.kind)
	}
	return b.String()
}

// TestTheGuideSaysWhatTheProgramDoes keeps the tables of the guide in step with
// the program.
func TestTheGuideSaysWhatTheProgramDoes(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "docs", "workflows.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	want := generated.ReplaceAllStringFunc(string(text), func(part string) string {
		m := generated.FindStringSubmatch(part)
		seen[m[2]] = true
		if parts[m[2]] == nil {
			t.Fatalf("nobody makes the part %q", m[2])
		}
		return m[1] + parts[m[2]]() + m[3]
	})
	for name := range parts {
		if !seen[name] {
			t.Errorf("the guide has no place for %q", name)
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(text) {
		t.Error("docs/workflows.md is not what the program does; run: go test ./internal/automate -run Guide -update")
	}
}

// The wordings that the guide offers for copying can be published.
func TestTheGuidesWordingsCanBePublished(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "workflows.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```liquid\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) == 0 {
		t.Fatal("the guide has no wording")
	}
	for _, b := range blocks {
		w, err := template.Parse(b[1], template.Text)
		if err == nil {
			err = w.CheckPublish(template.Variables())
		}
		if err != nil {
			t.Errorf("%s%v", b[1], err)
		}
	}
}
