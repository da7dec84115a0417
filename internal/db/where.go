package db

import (
	"strconv"
	"strings"
)

// In returns n placeholders in parentheses for "column in …", the first
// having the number first: In(3, 2) is "($3, $4)". For n below 1 it is
// "(null)", which no value is in.
func In(first, n int) string {
	if n < 1 {
		return "(null)"
	}
	var b strings.Builder
	b.WriteByte('(')
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(first+i))
	}
	b.WriteByte(')')
	return b.String()
}

// Where collects the conditions of a select and their arguments. Its zero
// value has no conditions.
type Where struct {
	conditions []string
	args       []any
}

// NewWhere returns a Where whose placeholders come after those of args, which
// the text before it uses.
func NewWhere(args ...any) *Where { return &Where{args: args} }

// And adds a condition. Each ? in it stands for the next of args; text in it
// must come from the program, never from people.
func (w *Where) And(condition string, args ...any) {
	w.conditions = append(w.conditions, w.number(condition, args))
}

// In adds "column in (…)"; with no values nothing is found.
func (w *Where) In(column string, values ...int64) {
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	w.conditions = append(w.conditions, column+" in "+In(len(w.args)+1, len(args)))
	w.args = append(w.args, args...)
}

// After adds the condition of a keyset: rows that come after the row with
// these values, in the order of these columns, all ascending or all
// descending. A column may be an expression; none of them may be null.
func (w *Where) After(descending bool, columns []string, values ...any) {
	sign := " > "
	if descending {
		sign = " < "
	}
	w.conditions = append(w.conditions,
		"("+strings.Join(columns, ", ")+")"+sign+In(len(w.args)+1, len(values)))
	w.args = append(w.args, values...)
}

// Arg adds an argument that no condition uses, such as a limit, and returns
// its placeholder.
func (w *Where) Arg(value any) string {
	w.args = append(w.args, value)
	return "$" + strconv.Itoa(len(w.args))
}

// Args returns the arguments, in the order of their placeholders.
func (w *Where) Args() []any { return w.args }

// String returns " where …", or nothing if there are no conditions.
func (w *Where) String() string {
	if len(w.conditions) == 0 {
		return ""
	}
	return " where " + strings.Join(w.conditions, " and ")
}

// number replaces each ? by the number of its argument.
func (w *Where) number(condition string, args []any) string {
	var b strings.Builder
	for _, r := range condition {
		if r == '?' && len(args) > 0 {
			b.WriteString(w.Arg(args[0]))
			args = args[1:]
			continue
		}
		b.WriteRune(r)
	}
	w.args = append(w.args, args...)
	if strings.Contains(strings.ToLower(condition), " or ") {
		return "(" + b.String() + ")"
	}
	return b.String()
}
