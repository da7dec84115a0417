package store_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/store"
)

var (
	byKey   = regexp.MustCompile(`(?s)^(?:with kept as \()?(?:update|delete from|select .* from) (\w+) .*where (?:id = \$\d|kind = \$1 and id = \$2) `)
	usesKey = regexp.MustCompile(`using (\w+) on (\w+)`)
)

// What is asked for by its key is found by it, whatever else the statement demands.
// An index of the few rows that wait is as cheap to PostgreSQL while it believes that
// there are none; when there are thousands, before statistics are taken again, each
// statement would read them all.
func TestWhatHasAKeyIsFoundByIt(t *testing.T) {
	t.Parallel()
	all := statements(t)
	maps.Copy(all, store.KeyFragments())
	dbtest.Options{Engines: []db.Engine{db.Postgres}}.Each(t, func(t *testing.T, d *db.DB) {
		looked := 0
		for _, name := range slices.Sorted(maps.Keys(all)) {
			text := strings.TrimSpace(all[name])
			m := byKey.FindStringSubmatch(text + " ")
			if m == nil && store.KeyFragments()[name] != "" {
				m = []string{"", map[string]string{"qEndEvents": "event", "qKeepLane": "lane"}[name]}
			}
			if m == nil || strings.Contains(text, " or ") && strings.HasPrefix(text, "select") {
				continue
			}
			looked++
			for _, u := range usesKey.FindAllStringSubmatch(genericPlan(t, d, text), -1) {
				if u[2] == m[1] && u[1] != m[1]+"_pkey" {
					t.Errorf("%s finds what has a key by %s:\n%s", name, u[1], text)
				}
			}
		}
		if looked < 60 {
			t.Errorf("only %d statements were looked at", looked)
		}
	})
}

// genericPlan is how PostgreSQL answers a statement whatever its arguments are.
func genericPlan(t *testing.T, d *db.DB, text string) string {
	t.Helper()
	most := 0
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		most = max(most, int(m[1][0]-'0'))
		if len(m[1]) > 1 {
			most = max(most, 10*int(m[1][0]-'0')+int(m[1][1]-'0'))
		}
	}
	var lines []string
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		lines = nil
		for _, q := range []string{"set local plan_cache_mode = force_generic_plan", "prepare probe as " + text} {
			if _, err := tx.Exec(t.Context(), q); err != nil {
				return err
			}
		}
		rows, err := tx.Query(t.Context(), "explain execute probe("+strings.TrimSuffix(strings.Repeat("null,", most), ",")+")")
		if err != nil {
			return err
		}
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				return err
			}
			lines = append(lines, line)
		}
		if err := rows.Close(); err != nil {
			return err
		}
		_, err = tx.Exec(t.Context(), "deallocate probe")
		return err
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return strings.Join(lines, "\n")
}
