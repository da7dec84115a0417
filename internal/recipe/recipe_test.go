package recipe_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"postroom/internal/flowfile"
	"postroom/internal/proof"
	"postroom/internal/recipe"
	"postroom/internal/workflow"
)

var update = flag.Bool("update", false, "write docs/recipes.md anew")

// Each recipe can be published as it stands, and its tests are green: one that
// shows what it does, and one in which it lets something go by.
func TestRecipes(t *testing.T) {
	t.Parallel()
	all := recipe.All()
	if len(all) < 10 {
		t.Fatalf("only %d recipes", len(all))
	}
	seen := map[string]bool{}
	for _, r := range all {
		t.Run(r.Key, func(t *testing.T) {
			if seen[r.Key] || r.File != r.Key+".yaml" || r.Description == "" {
				t.Errorf("it is called %q in the file %s: %q", r.Name, r.File, r.Description)
			}
			seen[r.Key] = true
			if slices.ContainsFunc(workflow.Shipped(), func(s workflow.ShippedWorkflow) bool { return s.Key == r.Key }) {
				t.Error("applying it would overwrite a workflow that a desk comes with")
			}
			d, err := r.Document()
			if err != nil {
				t.Fatal(err)
			}
			v, faults := d.Check(1)
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			matched, passed := 0, 0
			for _, test := range d.Tests {
				got := v.RunTest(test, workflow.TestWorld{})
				for _, x := range got.Differences {
					t.Errorf("%s: %s", test.Name, x)
				}
				if test.Expect.Verdict == "matched" {
					matched++
				} else {
					passed++
				}
			}
			if matched == 0 || passed == 0 {
				t.Errorf("%d of its tests show what it does, %d what it lets go by", matched, passed)
			}
		})
	}
}

// On a desk that has nothing of what a recipe names, that is left out, and what
// is left survives the form of the editor.
func TestRecipesBeginWithGaps(t *testing.T) {
	t.Parallel()
	tags := flowfile.NewNames(map[workflow.Ref]map[int64]string{workflow.RefTag: {7: "vip"}})
	gaps := 0
	for _, r := range recipe.All() {
		d, err := r.Begin(tags)
		if err != nil {
			t.Fatal(err)
		}
		if err := workflow.Publishable(d); err != nil {
			gaps++
		}
		form, err := workflow.FromFields(d.Fields())
		if err != nil {
			t.Fatal(err)
		}
		if got, want := encode(t, form), encode(t, d); got != want {
			t.Errorf("%s through the form:\n%s\nnot\n%s", r.Key, got, want)
		}
		for _, a := range d.Then {
			if r.Key == "vip" && a.Do == workflow.DoTags && !slices.Equal(a.Add, []int64{7}) {
				t.Errorf("the tag that is there has become %v", a.Add)
			}
			if len(a.Agents) > 0 || a.Agent != nil && *a.Agent != 0 {
				t.Errorf("%s names an agent who is not there: %+v", r.Key, a)
			}
		}
	}
	if gaps < 3 {
		t.Errorf("only %d recipes have something to be chosen", gaps)
	}
}

// No recipe mails without end, can never match, or answers machines, however
// many of them stand on one desk.
func TestRecipesStandTogether(t *testing.T) {
	t.Parallel()
	var set []workflow.Entry
	for i, r := range recipe.All() {
		d, err := r.Document()
		if err != nil {
			t.Fatal(err)
		}
		v, faults := d.Check(int64(i + 1))
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		set = append(set, workflow.Entry{Version: v, State: workflow.Enabled})
	}
	for _, f := range proof.Prove(workflow.NewSet(1, set), nil).Findings {
		// Those that are made to be chosen between.
		if f.Kind != proof.DoubleMail && f.Kind != proof.SameField {
			t.Errorf("%s: %s", f.Kind, f.Text)
		}
	}
}

func encode(t *testing.T, d workflow.Definition) string {
	t.Helper()
	b, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestThePageOfRecipes keeps docs/recipes.md in step with the recipes.
func TestThePageOfRecipes(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`# Recipes

Workflows that many desks want, ready to use. Each is a file with tests of its own; all of them run with every test of Postroom itself.

- **In the browser:** *Workflows* → *New workflow* offers each of them. Agents and tags that your desk does not have are left to be chosen.
- **From the command line:** ` + "`postroom workflow recipe vip > vip.yaml`" + ` prints one. Put your own names into it, then ` + "`postroom workflow plan vip.yaml`" + ` and ` + "`apply`" + `; see [Workflows as code](workflows-as-code.md).

`)
	all := recipe.All()
	for _, r := range all {
		fmt.Fprintf(&b, "- [%s](#%s)\n", r.Name, r.Key)
	}
	for _, r := range all {
		fmt.Fprintf(&b, "\n## %s\n\n**%s.** %s\n\n*%s*\n\n```yaml\n%s```\n", r.Key, r.Name, r.Description, r.Sentence(), r.Body())
	}
	path := filepath.Join("..", "..", "docs", "recipes.md")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != b.String() {
		t.Error("docs/recipes.md is not what the recipes say; run: go test ./internal/recipe -run Page -update")
	}
}
