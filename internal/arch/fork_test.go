package arch_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"postroom/internal/store"
)

var (
	tableMade   = regexp.MustCompile(`(?ms)^create table (\w+) \((.*?)^\);`)
	columnAdded = regexp.MustCompile(`(?m)^alter table (\w+) add column (\w+)`)
	columnMade  = regexp.MustCompile(`(?m)^\s+(\w+) (?:text|bigint|integer)`)
	secretName  = regexp.MustCompile(`pass|secret|token|sealed|verifier|credential|cookie`)
)

// harmless are columns that are called like secrets and are none.
var harmless = map[string]bool{"mailbox.token_enough": true}

// TestEachTableSaysWhetherItGoesIntoASandbox: a sandbox never has secrets,
// sessions or tokens (W39). Whoever makes a table decides, in
// store.ForkTables, what of it goes into a sandbox; and what is called like a
// secret does not.
func TestEachTableSaysWhetherItGoesIntoASandbox(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "db", "migrations", "*.sql"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	columns := map[string][]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range tableMade.FindAllStringSubmatch(string(text), -1) {
			columns[m[1]] = append(columns[m[1]], "")
			for _, c := range columnMade.FindAllStringSubmatch(m[2], -1) {
				columns[m[1]] = append(columns[m[1]], c[1])
			}
		}
		for _, m := range columnAdded.FindAllStringSubmatch(string(text), -1) {
			columns[m[1]] = append(columns[m[1]], m[2])
		}
	}
	listed := map[string]bool{}
	for _, table := range store.ForkTables() {
		if listed[table.Name] || len(columns[table.Name]) == 0 {
			t.Errorf("store.ForkTables has %s twice, or there is no such table", table.Name)
		}
		listed[table.Name] = true
		if (table.Rows == "") == (table.Why == "") {
			t.Errorf("store.ForkTables: %s goes into a sandbox, or says why not", table.Name)
		}
		for _, c := range columns[table.Name] {
			if _, out := table.Instead[c]; table.Rows != "" && !out && secretName.MatchString(c) && !harmless[table.Name+"."+c] {
				t.Errorf("store.ForkTables: %s.%s is called like a secret and would go into a sandbox; put something in its place", table.Name, c)
			}
		}
	}
	for name := range columns {
		if !listed[name] {
			t.Errorf("the table %s has no row in store.ForkTables: say there whether it goes into a sandbox (only what it needs to work as the desk does; never secrets, tokens, connections), or why not", name)
		}
	}
}
