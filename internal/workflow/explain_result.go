package workflow

import (
	"slices"

	"postroom"
)

// ExplainResult says why one workflow came out as it did for an event, given its
// verdict as it was stored. It is Explain for one workflow alone: what the
// others of its edge said need not be known. names may be nil.
func ExplainResult(en Entry, res Result, e *postroom.Event, facts Facts, in Inputs, names Names) Explanation {
	return explain(en, res, e, newReading(e, facts), in, names)
}

// In returns the same version as that of a workflow with another name, and for
// another mailbox, as it had them in a set.
func (v *Version) In(name string, mailbox int64) *Version {
	if v.Name == name && v.MailboxID == mailbox {
		return v
	}
	out := *v
	out.Name, out.MailboxID = name, mailbox
	return &out
}

// Verdicts lists every verdict, those that a workflow's own When and If decide
// first.
func Verdicts() []Verdict {
	out := make([]Verdict, 0, len(verdictWords))
	for v := range verdictWords {
		out = append(out, v)
	}
	order := []Verdict{Matched, NotMet, Filtered, Undecided, Armed, NotArmed, LimitUsed, Stopped, ChainRan, DepthExceeded, Paused, Disabled, OtherMailbox}
	place := func(v Verdict) int {
		if i := slices.Index(order, v); i >= 0 {
			return i
		}
		return len(order) + int(v)
	}
	slices.SortFunc(out, func(a, b Verdict) int { return place(a) - place(b) })
	return out
}

// Or joins what two look at.
func (n Needs) Or(m Needs) Needs { return n.or(m) }
