package arch_test

import (
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// lastRule is the number of the last rule.
const lastRule = 41

var (
	ruleHead = regexp.MustCompile(`(?m)^### W(\d+) .+$`)
	ruleTest = regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")
)

// testsByName reads the text of every test of the module, its comment included.
func testsByName(t *testing.T) map[string][]string {
	t.Helper()
	rooms, err := readRooms()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, r := range rooms {
		for _, s := range r.files {
			if !s.test {
				continue
			}
			text, err := os.ReadFile(filepath.Join(top(t), s.name))
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range s.ast.Decls {
				f, ok := d.(*ast.FuncDecl)
				if !ok || f.Recv != nil || !ruleTest.MatchString("`"+f.Name.Name+"`") {
					continue
				}
				from := f.Pos()
				if f.Doc != nil {
					from = f.Doc.Pos()
				}
				out[f.Name.Name] = append(out[f.Name.Name], string(text[s.set.Position(from).Offset:s.set.Position(f.End()).Offset]))
			}
		}
	}
	return out
}

// TestEachRuleHasATestThatNamesIt: docs/rules.md has every rule once, in order,
// and each names tests that there are and that name it.
func TestEachRuleHasATestThatNamesIt(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(top(t), "docs", "rules.md"))
	if err != nil {
		t.Fatal(err)
	}
	heads := ruleHead.FindAllStringSubmatchIndex(string(page), -1)
	if len(heads) != lastRule {
		t.Errorf("docs/rules.md has %d rules, not %d", len(heads), lastRule)
	}
	tests := testsByName(t)
	for i, h := range heads {
		rule := "W" + string(page[h[2]:h[3]])
		if rule != fmt.Sprintf("W%d", i+1) {
			t.Errorf("%s stands where W%d belongs", rule, i+1)
		}
		end := len(page)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		_, list, ok := strings.Cut(string(page[h[1]:end]), "\nTests: ")
		list, _, _ = strings.Cut(list, "\n")
		if !ok || list == "" {
			t.Errorf("%s has no test", rule)
			continue
		}
		named := regexp.MustCompile(`\b` + rule + `\b`)
		for _, m := range ruleTest.FindAllStringSubmatch(list, -1) {
			texts := tests[m[1]]
			if len(texts) == 0 {
				t.Errorf("%s: there is no %s", rule, m[1])
			} else if !named.MatchString(strings.Join(texts, "\n")) {
				t.Errorf("%s: %s does not name it", rule, m[1])
			}
		}
	}
}
