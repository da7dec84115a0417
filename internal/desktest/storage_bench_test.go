package desktest_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/desktest"
	"postroom/internal/workflow"
)

// BenchmarkJudgedBytes measures what a judged event adds to the database, its
// indexes included, by what the tables take before and after 2,000 changes of a
// status on 20 conversations, with what nobody reads any more taken out: with no
// workflow, so the event alone; with 100 on its edge of which none matches; and
// with 100 of which one leaves a note, which is an event of its own and has a run.
// The bytes of each table that grew are printed.
func BenchmarkJudgedBytes(b *testing.B) {
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		for _, what := range []string{"event-alone", "100-none-matches", "100-one-matches"} {
			b.Run(fmt.Sprintf("%s/%s", e, what), func(b *testing.B) { judgedBytes(b, e, what, 2000) })
		}
	}
}

func judgedBytes(b *testing.B, e db.Engine, what string, events int) {
	clock := &desktest.Clock{}
	clock.Set(1772442000000)
	d := desktest.On(b, clock, dbtest.Options{Now: clock.Now, Unsafe: true}.Open(b, e))
	var field []*postroom.Conversation
	for i := range 20 {
		field = append(field, d.CustomerWrites(fmt.Sprintf("mara%d@customer.example", i), "Lamp", "Broken."))
	}
	if what != "event-alone" {
		defs := crowdOn(100, postroom.StatusChanged)
		if what == "100-one-matches" {
			defs[50].If.All[2] = workflow.Cond{Fact: "conversation.subject", Op: workflow.Contains, Values: []string{"Lamp"}}
		}
		publishMany(d, defs)
	}
	change := func(n int) {
		for i := range n {
			status := postroom.Closed
			if i/len(field)%2 == 1 {
				status = postroom.Active
			}
			d.Agent("ann").SetStatus(field[i%len(field)], status, postroom.PathMenu)
			d.Settle()
		}
	}
	change(2 * len(field)) // so that what is there once is there
	before := tableBytes(b, d)
	change(events)
	after := tableBytes(b, d)
	whole := int64(0)
	var lines []string
	for _, table := range slices.Sorted(maps.Keys(after)) {
		if grew := after[table] - before[table]; grew > 0 {
			whole += grew
			lines = append(lines, fmt.Sprintf("%s %d", table, grew/int64(events)))
		}
	}
	b.Logf("bytes an event: %s", strings.Join(lines, ", "))
	b.ReportMetric(float64(whole)/float64(events), "B/event")
}

// tableBytes returns what each table takes with its indexes, packed anew.
func tableBytes(b *testing.B, d *desktest.Desk) map[string]int64 {
	b.Helper()
	packed := d.DB
	q := `select m.tbl_name, cast(sum(s.pgsize) as integer) from dbstat s join sqlite_master m on m.name = s.name group by m.tbl_name`
	if d.DB.Engine() == db.Postgres {
		q = `select relname, pg_total_relation_size(oid) from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace`
		for _, table := range column(b, d.DB, `select format('cluster %I using %I', r.relname, i.relname) from pg_index x join pg_class r on r.oid = x.indrelid
			join pg_class i on i.oid = x.indexrelid where x.indisprimary and r.relnamespace = 'public'::regnamespace`) {
			err := d.DB.Write(d.Ctx, func(tx *db.Tx) error {
				_, err := tx.Exec(d.Ctx, table)
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	} else {
		path := filepath.Join(b.TempDir(), "packed.db")
		if err := d.DB.Backup(d.Ctx, path); err != nil {
			b.Fatal(err)
		}
		packed = dbtest.Options{}.OpenURL(b, path)
	}
	out := map[string]int64{}
	rows, err := packed.Reader().Query(d.Ctx, q)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var table string
		var bytes int64
		if err := rows.Scan(&table, &bytes); err != nil {
			b.Fatal(err)
		}
		out[table] = bytes
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return out
}

// column returns the one column that a query answers.
func column(b *testing.B, d *db.DB, q string) (out []string) {
	b.Helper()
	rows, err := d.Reader().Query(b.Context(), q)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			b.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return out
}
