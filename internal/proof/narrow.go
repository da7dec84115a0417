package proof

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"postroom/internal/workflow"
)

// span is a closed interval of whole numbers.
type span struct{ lo, hi int64 }

var anything = span{math.MinInt64, math.MaxInt64}

func (s span) empty() bool { return s.lo > s.hi }

func (s span) and(o span) span { return span{max(s.lo, o.lo), min(s.hi, o.hi)} }

// word is a demand on a text: an operator with what it compares to, all of
// which any one may fit.
type word struct {
	op     workflow.Op
	values []string
}

// range1 is what one fact may still be.
type range1 struct {
	one     bool     // of the names below exactly one holds; a set of tags holds several
	allowed []string // nil: any; otherwise one of these
	denied  []string // none of these
	set     bool     // it is not empty
	unset   bool     // it is empty

	numbers span     // of a number, or of a time in milliseconds
	holes   []int64  // numbers it is not
	age     span     // of a time: how long before the event, in milliseconds
	office  span     // of a time: how long before in office time, in minutes
	days    span     // and in days with office hours
	fits    []word   // a text must fit each
	misses  []word   // and none of these
	has     []string // a set has each of these
	hasAny  [][]string
	lacksOf [][]string // and not all of each of these
}

// open is a range that nothing was demanded of.
func open() range1 {
	return range1{numbers: anything, age: anything, office: anything, days: anything}
}

func fresh(fact workflow.Fact) range1 {
	r := open()
	r.one = fact.Kind != workflow.KindSet && !fact.Many
	switch fact.Kind {
	case workflow.KindChoice:
		r.allowed = slices.Clone(fact.Choices)
	case workflow.KindBool:
		r.allowed = []string{"true", "false"}
	}
	return r
}

// and returns what may be where both hold.
func (r range1) and(o range1) range1 {
	out := range1{one: r.one, set: r.set || o.set, unset: r.unset || o.unset, numbers: r.numbers.and(o.numbers), age: r.age.and(o.age), office: r.office.and(o.office), days: r.days.and(o.days),
		allowed: r.allowed, denied: join(r.denied, o.denied), holes: join(r.holes, o.holes), has: join(r.has, o.has),
		fits: join(r.fits, o.fits), misses: join(r.misses, o.misses), hasAny: join(r.hasAny, o.hasAny), lacksOf: join(r.lacksOf, o.lacksOf)}
	switch {
	case out.allowed == nil:
		out.allowed = o.allowed
	case o.allowed != nil:
		out.allowed = []string{} // nothing, not anything
		for _, s := range r.allowed {
			if slices.Contains(o.allowed, s) {
				out.allowed = append(out.allowed, s)
			}
		}
	}
	return out
}

func join[T any](a, b []T) []T {
	if len(b) == 0 {
		return a
	}
	return slices.Concat(a, b)
}

// possible reports whether anything is left that the fact can be. Where it
// cannot tell it says yes.
func (r range1) possible() bool {
	if r.set && r.unset || r.numbers.empty() || r.age.empty() || r.office.empty() || r.days.empty() {
		return false
	}
	if width := uint64(r.numbers.hi) - uint64(r.numbers.lo); width < uint64(len(r.holes)) {
		free := false
		for n := r.numbers.lo; n <= r.numbers.hi && !free; n++ {
			free = !slices.Contains(r.holes, n)
		}
		if !free {
			return false
		}
	}
	return r.possibleName() && r.possibleText() && r.possibleSet()
}

// possibleName looks at what has one value out of names.
func (r range1) possibleName() bool {
	if r.allowed == nil {
		return true
	}
	return slices.ContainsFunc(r.allowed, func(s string) bool {
		switch {
		case slices.Contains(r.denied, s), r.set && (s == "" || s == "0"), r.unset && s != "" && s != "0":
			return false
		case !r.one:
			return true
		}
		return !slices.ContainsFunc(r.fits, func(w word) bool { return w.op != workflow.Matches && !w.holds(s) }) &&
			!slices.ContainsFunc(r.misses, func(w word) bool { return w.op != workflow.Matches && w.holds(s) })
	})
}

// possibleText looks at texts: what must fit against what must not.
func (r range1) possibleText() bool {
	if r.unset && len(r.fits) > 0 {
		return false
	}
	for _, f := range r.fits {
		// Each of several values would do; all of them must be out of the question.
		if !slices.ContainsFunc(f.values, func(v string) bool {
			return !slices.ContainsFunc(r.misses, func(m word) bool { return implies(f.op, v, m) })
		}) {
			return false
		}
	}
	if !r.one {
		return true // another of its texts may fit
	}
	for _, f := range r.fits {
		if f.op != workflow.Is {
			continue
		}
		if !slices.ContainsFunc(f.values, func(v string) bool {
			return !slices.ContainsFunc(r.fits, func(o word) bool { return o.op != workflow.Matches && !o.holds(v) })
		}) {
			return false
		}
	}
	return true
}

// possibleSet looks at sets of tags.
func (r range1) possibleSet() bool {
	if r.unset && (len(r.has) > 0 || len(r.hasAny) > 0) {
		return false
	}
	gone := func(s string) bool { return slices.Contains(r.denied, s) }
	there := func(s string) bool { return slices.Contains(r.has, s) }
	return (r.one || !slices.ContainsFunc(r.has, gone)) &&
		!slices.ContainsFunc(r.hasAny, func(any []string) bool { return !slices.ContainsFunc(any, func(s string) bool { return !gone(s) }) }) &&
		!slices.ContainsFunc(r.lacksOf, func(all []string) bool { return !slices.ContainsFunc(all, func(s string) bool { return !there(s) }) })
}

// holds reports whether a text fits.
func (w word) holds(text string) bool {
	return slices.ContainsFunc(w.values, func(v string) bool {
		switch w.op {
		case workflow.Contains:
			return strings.Contains(text, v)
		case workflow.Starts:
			return strings.HasPrefix(text, v)
		case workflow.Ends:
			return strings.HasSuffix(text, v)
		}
		return text == v
	})
}

// implies reports whether a text that fits an operator with one value cannot
// but fit w.
func implies(op workflow.Op, v string, w word) bool {
	if op == workflow.Matches || w.op == workflow.Matches {
		return op == w.op && slices.Contains(w.values, v)
	}
	if op == workflow.Is {
		return w.holds(v)
	}
	return slices.ContainsFunc(w.values, func(u string) bool {
		switch w.op {
		case workflow.Contains:
			return strings.Contains(v, u)
		case workflow.Starts:
			return op == workflow.Starts && strings.HasPrefix(v, u)
		case workflow.Ends:
			return op == workflow.Ends && strings.HasSuffix(v, u)
		}
		return false
	})
}

// way is a conjunction of demands: what each fact it speaks of may be.
type way map[string]range1

// and returns the way on which both hold, and whether there is one; if not,
// fact is the first that has nothing left to be.
func (w way) and(o way) (out way, fact string, ok bool) {
	out = maps.Clone(w)
	if out == nil {
		out = way{}
	}
	for name, r := range o {
		if mine, both := out[name]; both {
			r = mine.and(r)
		}
		out[name] = r
		if !r.possible() && (fact == "" || name < fact) {
			fact = name
		}
	}
	return out, fact, fact == ""
}

// meets reports whether there is a way on which both hold.
func (w way) meets(o way) bool {
	if len(o) < len(w) {
		w, o = o, w
	}
	for name, r := range w {
		if other, both := o[name]; both && !r.and(other).possible() {
			return false
		}
	}
	return true
}

// only is the way on which a fact is one of some values, in decimal or by name.
func only(name string, values ...string) way {
	fact, _ := workflow.LookupFact(name)
	d := open()
	d.allowed = values
	return way{name: fresh(fact).and(d)}
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
