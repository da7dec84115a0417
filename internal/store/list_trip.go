package store

import (
	"context"
	"strconv"
	"strings"

	"postroom/internal/db"
)

// A page needs a little of many tables. A trip asks for all of it in one
// statement: its parts are selects of different tables put one under the
// other, each row saying which part it is of. That is one plan, one way to the
// server, and one state of the database for the whole page.
//
// Rows of different parts come in any order; those of one part are sorted by
// whoever needs them in order.

// part is one select of a trip. A ? in its texts stands for the next of args.
type part struct {
	kind string
	n    []string // expressions of integers
	s    []string // expressions of texts
	from string   // everything after the columns; "" for none
	args []any
}

// limited makes a part of the first rows of a select: SQLite knows order and
// limit within a union only inside a subselect. The limit stands in the text:
// PostgreSQL plans a statement for all its arguments only if that looks as good
// as planning it anew each time, and of a limit it does not know it thinks the
// worst.
func limited(p part, order string, limit int) part {
	outer := part{kind: p.kind, args: p.args}
	var inner []string
	for i, e := range p.n {
		name := "n" + strconv.Itoa(i)
		inner, outer.n = append(inner, e+" as "+name), append(outer.n, name)
	}
	for i, e := range p.s {
		name := "s" + strconv.Itoa(i)
		inner, outer.s = append(inner, e+" as "+name), append(outer.s, name)
	}
	outer.from = "from (select " + strings.Join(inner, ", ") + " " + p.from + " order by " + order + " limit " + strconv.Itoa(limit) + ") t"
	return outer
}

// tripRow is one row: its integers and texts are those of its part.
type tripRow struct {
	kind string
	n    []int64
	s    []string
}

// trip runs the parts and calls scan for every row. The row is valid during
// the call only.
func (r Read) trip(ctx context.Context, parts []part, scan func(tripRow) error) error {
	query, args, ints, texts := tripText(parts)
	row := tripRow{n: make([]int64, ints), s: make([]string, texts)}
	dest := make([]any, 0, 1+ints+texts)
	dest = append(dest, &row.kind)
	for i := range row.n {
		dest = append(dest, &row.n[i])
	}
	for i := range row.s {
		dest = append(dest, &row.s[i])
	}
	rows, err := r.q.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		if err := scan(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// tripText writes the statement. Every part gets as many columns as the widest.
func tripText(parts []part) (query string, args []any, ints, texts int) {
	for _, p := range parts {
		ints, texts = max(ints, len(p.n)), max(texts, len(p.s))
	}
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteString("\nunion all ")
		}
		b.WriteString("select '" + p.kind + "'")
		for j := range ints {
			if j < len(p.n) {
				b.WriteString(", " + p.n[j])
			} else {
				b.WriteString(", 0")
			}
		}
		for j := range texts {
			if j < len(p.s) {
				b.WriteString(", " + p.s[j])
			} else {
				b.WriteString(", ''")
			}
		}
		b.WriteString(" " + p.from)
		args = append(args, p.args...)
	}
	return numbered(b.String()), args, ints, texts
}

// numbered replaces each ? by the number of its argument.
func numbered(query string) string {
	var b strings.Builder
	n := 0
	for {
		before, after, found := strings.Cut(query, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		n++
		b.WriteString("$" + strconv.Itoa(n))
		query = after
	}
}

// marks returns "?, ?, …" for the values of an in-list; for none it returns
// null, which nothing is in.
func marks(n int) string {
	if n == 0 {
		return "null"
	}
	return strings.Repeat("?, ", n-1) + "?"
}

// anyOf returns a condition that column is one of the ids, with its arguments;
// nil ids are no condition at all.
func anyOf(column string, ids []int64) (string, []any) {
	if ids == nil {
		return "", nil
	}
	return " and " + column + " in (" + marks(len(ids)) + ")", anys(ids)
}

// Counted returns r with f called before each of its statements, for those who
// measure pages.
func (r Read) Counted(f func()) Read {
	r.q = counted{r.q, f}
	return r
}

type counted struct {
	db.Q
	count func()
}

func (c counted) Query(ctx context.Context, query string, args ...any) (*db.Rows, error) {
	c.count()
	return c.Q.Query(ctx, query, args...)
}

func (c counted) QueryRow(ctx context.Context, query string, args ...any) *db.Row {
	c.count()
	return c.Q.QueryRow(ctx, query, args...)
}
