package workflow

import (
	"fmt"
	"strings"
)

// smallestChange says what least would have to be different for a workflow to
// match: what kept it from being considered, the filters of the edge that did
// not let the event pass, and the fewest conditions that would have to turn.
func smallestChange(v *Version, res Result, x Explanation, r *reading, names Names) string {
	var parts []string
	switch res.Verdict {
	case Disabled:
		parts = append(parts, "it had been switched on")
	case Paused:
		parts = append(parts, "it had not been paused")
	case OtherMailbox:
		parts = append(parts, "the conversation had been in "+names.of(RefMailbox, v.MailboxID))
	case Stopped:
		parts = append(parts, names.of(RefWorkflow, res.By)+" had not said stop")
	case ChainRan:
		parts = append(parts, "it had not already run in this chain")
	case RanAlready:
		parts = append(parts, "it had not already run for this event")
	case LimitUsed:
		parts = append(parts, "its limit had not been used")
	case DepthExceeded:
		parts = append(parts, fmt.Sprintf("fewer than %d workflows had stood before it in the chain", MaxDepth))
	}
	for _, c := range x.Edge {
		if c.Truth != True {
			parts = append(parts, edgeChange(c))
		}
	}
	if res.Verdict == NotArmed {
		if r.event.After.MergedInto != 0 {
			return "It would have waited if the conversation had not been merged into another one."
		}
		return "It would have waited if the conversation had been neither deleted nor spam."
	}
	if LegOf(r.event) > 0 && res.Level == 0 {
		if len(parts) == 0 {
			return ""
		}
		return "It would have gone on if " + list(parts, "and") + "."
	}
	if !v.asked(r.event) && res.Level == 0 {
		return waitedIf(parts)
	}
	for _, f := range v.cond.flips(r, true) {
		parts = append(parts, f.words(r, names))
	}
	if len(parts) == 0 {
		return ""
	}
	return "It would have matched if " + list(parts, "and") + "."
}

// waitedIf says what least would have to be different for a timer to wait.
func waitedIf(parts []string) string {
	if len(parts) == 0 {
		return ""
	}
	return "It would have waited if " + list(parts, "and") + "."
}

// edgeChange says what a filter of the edge would have let pass.
func edgeChange(c Check) string {
	switch c.Text {
	case "done by":
		return c.Expected + " had done it (it was " + c.Actual + ")"
	case "done through":
		return "it had been done through " + c.Expected + " (it was " + c.Actual + ")"
	}
	if c.Text == "about the field" {
		return "it had been about the field " + c.Expected + " (it was about " + c.Actual + ")"
	}
	return "it had " + c.Text + " " + c.Expected + " (it " + c.Text + " " + c.Actual + ")"
}

// flip is a leaf that would have to become true, or false.
type flip struct {
	leaf *node
	want bool
}

// flips returns the fewest leaves that would have to turn for the condition to
// become what is wanted; none if it is so already. Of equal ways the first in
// the order of the text is taken.
func (n *node) flips(r *reading, want bool) []flip {
	if n.eval(r) == truth(want) {
		return nil
	}
	switch n.kind {
	case leaf:
		return []flip{{n, want}}
	case all:
		return n.flipChildren(r, want, want)
	case anyOf:
		return n.flipChildren(r, want, !want)
	case none:
		return n.flipChildren(r, !want, want)
	}
	return nil
}

// flipChildren turns every child that is not yet as wanted, or only the one
// that takes the fewest turns.
func (n *node) flipChildren(r *reading, want, every bool) []flip {
	var out []flip
	for i, c := range n.children {
		f := c.flips(r, want)
		switch {
		case every:
			out = append(out, f...)
		case i == 0 || len(f) < len(out):
			out = f
		}
	}
	return out
}

// past says an operator as in "had been", and its opposite.
var past = map[Op][2]string{
	Is:          {"had been", "had not been"},
	IsNot:       {"had not been", "had been"},
	Contains:    {"had contained", "had not contained"},
	NotContains: {"had not contained", "had contained"},
	Starts:      {"had started with", "had not started with"},
	Ends:        {"had ended with", "had not ended with"},
	Matches:     {"had matched", "had not matched"},
	OneOf:       {"had been one of", "had been none of"},
	IsSet:       {"had been set", "had not been set"},
	NotSet:      {"had not been set", "had been set"},
	HasAny:      {"had included any of", "had included none of"},
	HasAll:      {"had included all of", "had not included all of"},
	HasNone:     {"had included none of", "had included any of"},
	Greater:     {"had been greater than", "had not been greater than"},
	Less:        {"had been less than", "had not been less than"},
	Before:      {"had been before", "had not been before"},
	After:       {"had been after", "had not been after"},
	Within:      {"had been within the last", "had not been within the last"},
	Older:       {"had been longer ago than", "had not been longer ago than"},
	Changed:     {"had changed", "had not changed"},
	ChangedFrom: {"had changed from", "had not changed from"},
	ChangedTo:   {"had changed to", "had not changed to"},
}

// words says a turn, as in "the status had been closed (it was active)".
func (f flip) words(r *reading, names Names) string {
	side := 0
	if !f.want {
		side = 1
	}
	n := f.leaf
	var b strings.Builder
	if n.fact.Kind == KindBool && n.source.Op == Is {
		wanted := (n.nums[0] == 1) == f.want
		b.WriteString("“" + names.fact(n.fact).Label + "” had been " + yes(wanted))
	} else {
		b.WriteString(names.fact(n.fact).Label + " " + past[n.source.Op][side])
		if len(n.source.Values) > 0 {
			b.WriteString(" " + expectedWords(n.fact, *n.source, names))
		}
	}
	switch actual := n.actual(r, names); {
	case actual == "missing":
		b.WriteString(" (it is missing)")
	case n.source.Op == Changed || n.source.Op == ChangedFrom || n.source.Op == ChangedTo:
		b.WriteString(" (it " + strings.Replace(actual, "not changed", "was not changed", 1) + ")")
	case n.fact.Kind == KindSet:
		b.WriteString(" (they were " + actual + ")")
	default:
		b.WriteString(" (it was " + actual + ")")
	}
	return b.String()
}
