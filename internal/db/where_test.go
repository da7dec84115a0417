package db_test

import (
	"slices"
	"testing"

	"postroom/internal/db"
)

func TestIn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		first, n int
		want     string
	}{{1, 0, "(null)"}, {1, 1, "($1)"}, {3, 2, "($3, $4)"}} {
		if got := db.In(c.first, c.n); got != c.want {
			t.Errorf("In(%d, %d) is %s, want %s", c.first, c.n, got, c.want)
		}
	}
}

func TestWhereText(t *testing.T) {
	t.Parallel()
	w := db.NewWhere("join argument")
	if w.String() != "" {
		t.Errorf("without conditions: %q", w.String())
	}
	w.And("a = ?", 1)
	w.And("b = ? or c = ?", 2, 3)
	w.In("d", 4, 5)
	w.In("e")
	w.After(true, []string{"f", "id"}, 6, 7)
	limit := w.Arg(8)
	want := " where a = $2 and (b = $3 or c = $4) and d in ($5, $6) and e in (null) and (f, id) < ($7, $8)"
	if w.String() != want || limit != "$9" || len(w.Args()) != 9 {
		t.Errorf("got %q, limit %s, %d arguments", w.String(), limit, len(w.Args()))
	}
}

// TestKeysetMeetsEveryRowOnce pages through rows of which many share the
// first column.
func TestKeysetMeetsEveryRowOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		err := d.Write(ctx, func(tx *db.Tx) error {
			for id := range int64(50) {
				if err := insert(ctx, tx, id+1, string(rune('A'+id))); err != nil {
					return err
				}
			}
			_, err := tx.Exec(ctx, "update word set n = id / 7")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		type row struct{ n, id int64 }
		for _, descending := range []bool{false, true} {
			order := "n, id"
			if descending {
				order = "n desc, id desc"
			}
			var met []row
			for {
				var w db.Where
				w.In("n", 1, 2, 3, 4)
				if len(met) > 0 {
					last := met[len(met)-1]
					w.After(descending, []string{"n", "id"}, last.n, last.id)
				}
				limit := w.Arg(4)
				page, err := db.Collect(ctx, d.Reader(), func(r *db.Rows) (v row, err error) {
					err = r.Scan(&v.n, &v.id)
					return v, err
				}, "select n, id from word"+w.String()+" order by "+order+" limit "+limit, w.Args()...)
				if err != nil {
					t.Fatal(err)
				}
				if len(page) == 0 {
					break
				}
				met = append(met, page...)
			}
			if descending {
				slices.Reverse(met)
			}
			for i, v := range met {
				if want := int64(i + 7); v.id != want {
					t.Fatalf("descending %v: row %d is %v, want id %d", descending, i, v, want)
				}
			}
			if len(met) != 28 {
				t.Errorf("descending %v: met %d rows, want 28", descending, len(met))
			}
		}
	})
}
