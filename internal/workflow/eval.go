package workflow

import (
	"slices"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/calendar"
)

// reading is the facts of one event while it is judged: each is asked for and
// put into lower case once, however many workflows look at it.
type reading struct {
	event   *postroom.Event
	facts   Facts
	core    []read
	headers map[string]*read
	office  *calendar.Calendar // by which business time is counted; nil if none is known
}

// read is one fact that has been read.
type read struct {
	done  bool
	value Value
	lower []string // its texts in lower case, at most MaxTextExamined bytes each
	cut   []string // the same with case kept
}

func newReading(e *postroom.Event, facts Facts) *reading {
	r := &reading{event: e, facts: facts, core: make([]read, len(schema))}
	if f, ok := facts.(officeFacts); ok {
		r.office = f.Office()
	}
	return r
}

func (r *reading) read(n *node) *read {
	var f *read
	if n.header == "" {
		f = &r.core[n.slot]
	} else if f = r.headers[n.header]; f == nil {
		f = &read{}
		if r.headers == nil {
			r.headers = map[string]*read{}
		}
		r.headers[n.header] = f
	}
	if f.done {
		return f
	}
	f.done, f.value = true, r.facts.Value(n.fact.Name)
	if n.fact.Kind == KindText || n.fact.Kind == KindChoice {
		for _, t := range f.value.texts {
			if t == "" {
				continue
			}
			t = t[:min(len(t), MaxTextExamined)]
			f.cut = append(f.cut, t)
			f.lower = append(f.lower, strings.ToLower(t))
		}
	}
	return f
}

// eval judges the condition in three-valued logic: what is missing makes it
// unknown unless the rest decides.
func (n *node) eval(r *reading) Truth {
	switch n.kind {
	case leaf:
		return n.evalLeaf(r)
	case all:
		return fold(n.children, r, True, False)
	case anyOf:
		return fold(n.children, r, False, True)
	case none:
		return not(fold(n.children, r, False, True))
	}
	return True
}

// fold returns decisive as soon as a child is, unknown if a child is, and
// neutral otherwise.
func fold(children []*node, r *reading, neutral, decisive Truth) Truth {
	out := neutral
	for _, c := range children {
		switch t := c.eval(r); t {
		case decisive:
			return decisive
		case Unknown:
			out = Unknown
		}
	}
	return out
}

func not(t Truth) Truth {
	switch t {
	case True:
		return False
	case False:
		return True
	}
	return Unknown
}

func truth(b bool) Truth {
	if b {
		return True
	}
	return False
}

func (n *node) evalLeaf(r *reading) Truth {
	op := n.source.Op
	if op == Changed || op == ChangedFrom || op == ChangedTo {
		from, to, changed := changeOf(n.fact.Name, r.event)
		if !changed || op == Changed {
			return truth(changed)
		}
		if op == ChangedFrom {
			return truth(n.sideIs(from))
		}
		return truth(n.sideIs(to))
	}
	f := r.read(n)
	if !f.value.known {
		return Unknown
	}
	if f.value.unset {
		return unsetTruth(op)
	}
	switch n.fact.Kind {
	case KindText, KindChoice:
		return truth(n.evalText(f))
	case KindSet:
		return truth(n.evalSet(f.value.ids))
	case KindTime:
		return n.evalTime(f.value.num, r)
	}
	return truth(n.evalNumber(f.value.num))
}

// sideIs compares one side of a change, an id in decimal or a status.
func (n *node) sideIs(side string) bool {
	if n.fact.Kind == KindRef {
		return side == strconv.FormatInt(n.nums[0], 10)
	}
	return side == n.texts[0]
}

func (n *node) evalText(f *read) bool {
	test := func(t string) bool { return t == n.texts[0] }
	switch n.source.Op {
	case IsSet:
		return len(f.lower) > 0
	case NotSet:
		return len(f.lower) == 0
	case Matches:
		return slices.ContainsFunc(f.cut, n.re.MatchString)
	case Contains, NotContains:
		test = func(t string) bool { return strings.Contains(t, n.texts[0]) }
	case Starts:
		test = func(t string) bool { return strings.HasPrefix(t, n.texts[0]) }
	case Ends:
		test = func(t string) bool { return strings.HasSuffix(t, n.texts[0]) }
	case OneOf:
		test = func(t string) bool { return slices.Contains(n.texts, t) }
	}
	fits := slices.ContainsFunc(f.lower, test)
	if n.source.Op == IsNot || n.source.Op == NotContains {
		return !fits
	}
	return fits
}

func (n *node) evalNumber(have int64) bool {
	switch n.source.Op {
	case IsNot:
		return have != n.nums[0]
	case OneOf:
		return slices.Contains(n.nums, have)
	case IsSet:
		return have != 0
	case NotSet:
		return have == 0
	case Greater:
		return have > n.nums[0]
	case Less:
		return have < n.nums[0]
	}
	return have == n.nums[0]
}

func (n *node) evalSet(have []int64) bool {
	in := func(id int64) bool { return slices.Contains(have, id) }
	switch n.source.Op {
	case IsSet:
		return len(have) > 0
	case NotSet:
		return len(have) == 0
	case HasAll:
		return !slices.ContainsFunc(n.nums, func(id int64) bool { return !in(id) })
	case HasNone:
		return !slices.ContainsFunc(n.nums, in)
	}
	return slices.ContainsFunc(n.nums, in)
}

// evalTime compares a time; one that never was cannot be compared, which is
// unknown. Spans count back from the event, so that judging late changes
// nothing.
func (n *node) evalTime(have int64, r *reading) Truth {
	at := r.event.At
	switch n.source.Op {
	case IsSet:
		return truth(have != 0)
	case NotSet:
		return truth(have == 0)
	}
	switch {
	case have == 0:
		return Unknown
	case n.span.Business():
		return n.evalSpan(have, r)
	}
	switch n.source.Op {
	case Before:
		return truth(have < n.nums[0])
	case After:
		return truth(have > n.nums[0])
	case Within:
		return truth(have >= at-n.nums[0] && have <= at)
	}
	return truth(have < at-n.nums[0])
}
