package proof

import (
	"slices"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/workflow"
)

// maxWays is how many ways of one workflow are looked at, and maxPairs how many
// pairs of ways of two.
const (
	maxWays  = 128
	maxPairs = 2048
)

// ways are alternatives; many says that there are more than are looked at, so
// that anything may be possible.
type ways struct {
	list []way
	many bool
	fact string // if there is none: a fact that had nothing left to be
}

// or adds alternatives.
func (w ways) or(o ways) ways {
	out := ways{list: join(w.list, o.list), many: w.many || o.many, fact: firstOf(w.fact, o.fact)}
	if len(out.list) > maxWays {
		out.list, out.many = out.list[:maxWays], true
	}
	return out
}

// and returns the ways on which both hold.
func (w ways) and(o ways) ways {
	out := ways{many: w.many || o.many, fact: firstOf(w.fact, o.fact)}
	for i, a := range w.list {
		for j, b := range o.list {
			if i*len(o.list)+j >= maxPairs || len(out.list) >= maxWays {
				out.many = true
				return out
			}
			both, fact, ok := a.and(b)
			if ok {
				out.list = append(out.list, both)
			} else {
				out.fact = firstOf(out.fact, fact)
			}
		}
	}
	return out
}

// meet reports whether there is a way on which both hold.
func (w ways) meet(o ways) bool {
	if w.many && o.possible() || o.many && w.possible() {
		return true
	}
	for i, a := range w.list {
		for j, b := range o.list {
			if i*len(o.list)+j >= maxPairs || a.meets(b) {
				return true
			}
		}
	}
	return false
}

func firstOf(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// possible reports whether there is a way.
func (w ways) possible() bool { return len(w.list) > 0 || w.many }

var (
	always = ways{list: []way{{}}}
	never  = ways{}
)

// of returns the ways on which a condition is as wanted: true, or false. What
// is unknown is neither.
func of(kind postroom.EventKind, c workflow.Cond, want bool) ways {
	switch {
	case c.IsZero():
		if want {
			return always
		}
		return never
	case c.All != nil:
		return group(kind, c.All, want, want)
	case c.Any != nil:
		return group(kind, c.Any, want, !want)
	case c.None != nil:
		return group(kind, c.None, !want, want)
	}
	return leaf(kind, c, want)
}

// group returns the ways on which all children, or any of them, are as wanted.
func group(kind postroom.EventKind, children []workflow.Cond, want, all bool) ways {
	out := never
	if all {
		out = always
	}
	for _, child := range children {
		if w := of(kind, child, want); all {
			out = out.and(w)
		} else {
			out = out.or(w)
		}
	}
	return out
}

// has reports whether events of a kind ever have a fact. Only what belongs to
// a message, to a mail or to a former customer is missing from some.
func has(kind postroom.EventKind, fact string) bool {
	return !strings.HasPrefix(fact, "message.") && !strings.HasPrefix(fact, "mail.") && !strings.HasPrefix(fact, "former.") && !strings.HasPrefix(fact, "rating.") || slices.ContainsFunc(workflow.FactsOn(kind), func(f workflow.Fact) bool {
		return f.Name == fact || strings.HasPrefix(fact, workflow.HeaderFact) && strings.HasPrefix(f.Name, workflow.HeaderFact)
	})
}

// negated are the operators that say the opposite of another.
var negated = map[workflow.Op]workflow.Op{workflow.IsNot: workflow.Is, workflow.NotContains: workflow.Contains, workflow.HasNone: workflow.HasAny}

// leaf returns the ways on which one condition is as wanted.
func leaf(kind postroom.EventKind, c workflow.Cond, want bool) ways {
	fact, known := workflow.LookupFact(c.Fact)
	switch {
	case !known:
		return ways{many: true}
	case !has(kind, c.Fact):
		return ways{fact: c.Fact} // never known, so neither true nor false
	}
	op := c.Op
	if op == workflow.NotSet {
		op, want = workflow.IsSet, !want
	}
	if positive, is := negated[op]; is {
		op, want = positive, !want
	}
	switch op {
	case workflow.Changed, workflow.ChangedFrom, workflow.ChangedTo:
		return change(kind, c, want)
	}
	r := fresh(fact)
	one := func(o range1) ways {
		r := r.and(o)
		if !r.possible() {
			return ways{fact: c.Fact}
		}
		return ways{list: []way{{c.Fact: r}}}
	}
	if op == workflow.IsSet {
		d := open()
		d.set, d.unset = want, !want
		return one(d)
	}
	switch fact.Kind {
	case workflow.KindText:
		return one(textDemand(fact, op, c.Values, want))
	case workflow.KindNumber:
		d := numberDemand(op, c.Values, want)
		_, _, isField := workflow.FieldFact(c.Fact)
		d.set = isField && want
		return one(d)
	case workflow.KindTime:
		return one(timeDemand(op, c.Values, want))
	case workflow.KindSet:
		return one(setDemand(op, c.Values, want))
	}
	d := open()
	if want {
		d.allowed = slices.Clone(c.Values)
	} else {
		d.denied = slices.Clone(c.Values)
	}
	return one(d)
}

func textDemand(fact workflow.Fact, op workflow.Op, values []string, want bool) range1 {
	if op == workflow.OneOf {
		op = workflow.Is
	}
	lower := values
	if op != workflow.Matches {
		lower = make([]string, len(values))
		for i, v := range values {
			lower[i] = strings.ToLower(v)
		}
	}
	w, d := word{op, lower}, open()
	if !want {
		d.misses = []word{w}
		return d
	}
	d.fits, d.set = []word{w}, true
	if op == workflow.Is && !fact.Many {
		d.allowed = lower
	}
	return d
}

func numberDemand(op workflow.Op, values []string, want bool) range1 {
	d := open()
	if len(values) == 0 {
		return d
	}
	n, err := strconv.ParseInt(values[0], 10, 64)
	if err != nil || n == anything.lo || n == anything.hi {
		return d
	}
	switch {
	case op == workflow.Greater && want:
		d.numbers.lo = n + 1
	case op == workflow.Greater:
		d.numbers.hi = n
	case op == workflow.Less && want:
		d.numbers.hi = n - 1
	case op == workflow.Less:
		d.numbers.lo = n
	case want:
		d.numbers = span{n, n}
	default:
		d.holes = []int64{n}
	}
	return d
}

// timeDemand reads a demand on a time. What never was is neither before nor
// after anything, so each demand also says that it was.
func timeDemand(op workflow.Op, values []string, want bool) range1 {
	out := open()
	out.set = true
	if len(values) == 0 {
		return out
	}
	switch op {
	case workflow.Before, workflow.After:
		at, ok := workflow.ParseTime(values[0])
		switch {
		case !ok:
		case op == workflow.Before && want:
			out.numbers.hi = at - 1
		case op == workflow.Before:
			out.numbers.lo = at
		case want:
			out.numbers.lo = at + 1
		default:
			out.numbers.hi = at
		}
	case workflow.Within, workflow.Older:
		s, ok := workflow.ReadSpan(values[0])
		length := s.Least()
		switch {
		case !ok:
		case s.Business():
			businessDemand(&out, op, s, want)
		case op == workflow.Within && want:
			out.age = span{0, length}
		case op == workflow.Older && want:
			out.age.lo = length + 1
		case op == workflow.Older:
			out.age.hi = length
		}
	}
	return out
}

// businessDemand reads a demand in office time. How long that was the calendar
// says, but it is one calendar for all demands of an event, office time passes no
// faster than time does, and what is longer takes at least as long.
func businessDemand(out *range1, op workflow.Op, s workflow.Span, want bool) {
	in, length := &out.office, s.Minutes()
	if s.Days() > 0 {
		in, length = &out.days, s.Days()
	}
	switch {
	case op == workflow.Within && want:
		out.age.lo, in.hi = 0, length
	case op == workflow.Older && want:
		out.age.lo, in.lo = s.Least()+1, length+1
	case op == workflow.Older:
		in.hi = length
	}
}

func setDemand(op workflow.Op, values []string, want bool) range1 {
	v, d := slices.Clone(values), open()
	d.set = want
	switch {
	case want && (op == workflow.HasAll || len(v) == 1):
		d.has = v
	case want:
		d.hasAny = [][]string{v}
	case op == workflow.HasAll && len(v) > 1:
		d.lacksOf = [][]string{v}
	default:
		d.denied = v
	}
	return d
}

// changedBy is the event by which a fact changes.
var changedBy = map[string]postroom.EventKind{"conversation.status": postroom.StatusChanged,
	"conversation.assignee": postroom.AssigneeChanged, "conversation.tags": postroom.TagsChanged,
	"conversation.team":    postroom.TeamChanged,
	"conversation.mailbox": postroom.ConversationMoved, "conversation.subject": postroom.SubjectChanged, "conversation.rating": postroom.RatingReceived}

// change returns the ways on which this very event changed a fact, or from or
// to a value.
func change(kind postroom.EventKind, c workflow.Cond, want bool) ways {
	if _, path, isField := workflow.FieldFact(c.Fact); isField && kind == postroom.FieldChanged {
		return fieldChange(path, c, want)
	}
	if changedBy[c.Fact] != kind {
		if want {
			return ways{fact: c.Fact}
		}
		return always
	}
	side := "event.to"
	switch c.Op {
	case workflow.Changed:
		if want {
			return always
		}
		return ways{fact: c.Fact}
	case workflow.ChangedFrom:
		side = "event.from"
	}
	if want {
		return ways{list: []way{only(side, c.Values...)}}
	}
	d := open()
	d.one, d.denied = true, slices.Clone(c.Values)
	return ways{list: []way{{side: d}}}
}

// fieldChange returns the ways on which a change of a field was one of this
// field, from or to a value.
func fieldChange(path string, c workflow.Cond, want bool) ways {
	mine := only("event.field", path)
	if !want {
		if c.Op != workflow.Changed {
			return ways{list: []way{{}}, many: true} // another field, or another value of this one
		}
		d := open()
		d.one, d.denied = true, []string{path}
		return ways{list: []way{{"event.field": d}}}
	}
	side := map[workflow.Op]string{workflow.ChangedFrom: "event.from", workflow.ChangedTo: "event.to"}[c.Op]
	if side == "" {
		return ways{list: []way{mine}}
	}
	both, _, _ := mine.and(only(side, c.Values...))
	return ways{list: []way{both}}
}
