package template

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// filter is one filter: how its arguments are checked and what it does.
type filter struct {
	name string
	min  int // arguments
	max  int
	// look checks literal arguments further; nil if there is nothing to check.
	look  func(args []string) string
	apply func(value string, args []string, zone *time.Location) string
}

func (f *filter) check(c call) string {
	switch {
	case len(c.args) < f.min && f.min == 1:
		return fmt.Sprintf("the filter %s needs an argument after a colon.", f.name)
	case len(c.args) > f.max && f.max == 0:
		return fmt.Sprintf("the filter %s takes no argument.", f.name)
	case len(c.args) > f.max:
		return fmt.Sprintf("the filter %s takes at most %d arguments.", f.name, f.max)
	}
	for _, arg := range c.byName {
		if arg.name != "" && f.name != "default" {
			return fmt.Sprintf("the argument of the filter %s stands in quotes.", f.name)
		}
	}
	if f.look != nil {
		return f.look(c.args)
	}
	return ""
}

// filters is the one table of filters. default is applied by the renderer,
// which knows whether a value was withheld and can read a variable.
var filters = []filter{
	{name: "default", min: 1, max: 1},
	{name: "upcase", apply: plain(strings.ToUpper)},
	{name: "downcase", apply: plain(strings.ToLower)},
	{name: "capitalize", apply: plain(capitalize)},
	{name: "strip", apply: plain(strings.TrimSpace)},
	{name: "truncate", max: 2, look: lookTruncate, apply: truncate},
	{name: "escape", apply: plain(func(s string) string { return s })}, // everything is escaped once, at the end
	{name: "date", min: 1, max: 2, look: lookDate, apply: date},
}

func plain(f func(string) string) func(string, []string, *time.Location) string {
	return func(s string, _ []string, _ *time.Location) string { return f(s) }
}

// Filters returns the names of the filters:
//
//   - default: "text" or a variable, used when the value is empty
//   - upcase, downcase, capitalize (the first letter only), strip
//   - truncate: 30, "…" cuts to so many characters, the mark included
//     (50 and "…" if not said)
//   - escape does nothing that is not done anyway: every value is escaped once
//   - date: "%d %B %Y", "Europe/Berlin" writes a time, in the given zone or in
//     the one it is rendered for
func Filters() []string {
	out := make([]string, len(filters))
	for i, f := range filters {
		out[i] = f.name
	}
	return out
}

func findFilter(name string) *filter {
	for i := range filters {
		if filters[i].name == name {
			return &filters[i]
		}
	}
	return nil
}

func capitalize(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToTitle(r)) + s[n:]
}

func lookTruncate(args []string) string {
	if len(args) == 0 {
		return ""
	}
	if n, err := strconv.Atoi(args[0]); err != nil || n < 1 || n > MaxValue {
		return fmt.Sprintf("truncate takes a number of characters between 1 and %d.", MaxValue)
	}
	return ""
}

func truncate(s string, args []string, _ *time.Location) string {
	n, mark := 50, "…"
	if len(args) > 0 {
		n, _ = strconv.Atoi(args[0]) // checked when parsed
	}
	if len(args) > 1 {
		mark = args[1]
	}
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	keep := n - utf8.RuneCountInString(mark)
	if keep <= 0 {
		return firstRunes(mark, n)
	}
	return firstRunes(s, keep) + mark
}

func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// directives are the letters that may follow a % in a date, each with the
// layout that writes it.
var directives = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'B': "January", 'b': "Jan", 'd': "02", 'e': "_2", 'j': "002",
	'A': "Monday", 'a': "Mon", 'H': "15", 'I': "03", 'l': "3", 'M': "04", 'S': "05", 'p': "PM", 'P': "pm",
	'Z': "MST", 'z': "-0700", 'F': "2006-01-02", 'T': "15:04:05", 'R': "15:04",
}

// unpadded are those that may be written without leading zero, as in %-d.
var unpadded = map[byte]string{'d': "2", 'm': "1", 'I': "3", 'e': "2"}

func lookDate(args []string) string {
	for i := 0; i < len(args[0]); i++ {
		if args[0][i] != '%' {
			continue
		}
		if _, n := directive(args[0][i:]); n == 0 {
			return fmt.Sprintf("%q is not a way to write a date; %%d %%B %%Y is one.", args[0])
		} else {
			i += n - 1
		}
	}
	if len(args) > 1 {
		if _, err := time.LoadLocation(args[1]); err != nil || args[1] == "" {
			return fmt.Sprintf("%q is not a time zone; Europe/Berlin is one.", args[1])
		}
	}
	return ""
}

// directive returns the layout of the directive at the beginning of s and its
// length, 0 if there is none.
func directive(s string) (layout string, n int) {
	switch {
	case len(s) >= 2 && s[1] == '%':
		return "%", 2
	case len(s) >= 3 && s[1] == '-' && unpadded[s[2]] != "":
		return unpadded[s[2]], 3
	case len(s) >= 2 && directives[s[1]] != "":
		return directives[s[1]], 2
	}
	return "", 0
}

// date writes a time. What is not a time stays as it is.
func date(s string, args []string, zone *time.Location) string {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return s
	}
	if len(args) > 1 {
		if own, err := time.LoadLocation(args[1]); err == nil {
			zone = own
		}
	}
	t = t.In(zone)
	var b strings.Builder
	format := args[0]
	for i := 0; i < len(format); i++ {
		layout, n := "", 0
		if format[i] == '%' {
			layout, n = directive(format[i:])
		}
		switch {
		case n == 0:
			b.WriteByte(format[i])
			continue
		case layout == "%":
			b.WriteByte('%')
		default:
			b.WriteString(t.Format(layout))
		}
		i += n - 1
	}
	return b.String()
}
