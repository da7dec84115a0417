package workflow

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"postroom"
)

// Explanation says why one workflow did or did not match an event (W31).
type Explanation struct {
	Result
	Name   string
	Reason string // the verdict in words, with its particulars
	// Edge holds the filters of the When; Conditions the tree of the If, nil
	// when there is none. Both are filled in even for a workflow that was not
	// considered, so that one sees what it would have said.
	Edge       []Check
	Conditions *Check
	// SmallestChange is what least would have to be different for the workflow
	// to match, as a sentence; "" when it matched.
	SmallestChange string
}

// Check is one filter, condition or group of conditions with its verdict.
type Check struct {
	Text     string // the condition in words; of a group its heading
	Expected string // what it compares with, in words; "" for a group
	Actual   string // what was so at the event, in words; "" for a group
	At       int64  // when Actual is a time: its milliseconds, for showing it in somebody's zone
	Truth    Truth
	Children []Check
}

// unknown appends what is not known, as in "whether the mail is written by a
// person (missing)".
func (c Check) unknown(out []string) []string {
	switch {
	case c.Truth != Unknown:
		return out
	case c.Children == nil:
		return append(out, "whether "+c.Text+" ("+c.Actual+")")
	}
	for _, child := range c.Children {
		out = child.unknown(out)
	}
	return out
}

// Explain recomputes the judgement of an event and says for each workflow of
// its edge why it came out so. Vector of the returned Judgement is to be
// compared with what was stored. names may be nil.
func Explain(s *Set, e *postroom.Event, facts Facts, in Inputs, names Names) ([]Explanation, Judgement) {
	return ExplainSome(s, e, facts, in, names, nil)
}

// ExplainSome is Explain for some of the workflows alone, where to explain all
// would be more than anybody reads: pick chooses them, by their places among the
// results of the whole judgement, which is returned as well. A nil pick chooses
// all.
func ExplainSome(s *Set, e *postroom.Event, facts Facts, in Inputs, names Names, pick func(Judgement) []int) ([]Explanation, Judgement) {
	j := Judge(s, e, facts, in)
	if pick == nil {
		pick = func(j Judgement) []int {
			all := make([]int, len(j.Results))
			for i := range all {
				all[i] = i
			}
			return all
		}
	}
	r := newReading(e, facts)
	some := pick(j)
	out := make([]Explanation, len(some))
	for n, i := range some {
		out[n] = explain(j.judged[i], j.Results[i], e, r, in, names)
	}
	return out, j
}

func explain(en Entry, res Result, e *postroom.Event, r *reading, in Inputs, names Names) Explanation {
	v := en.Version
	x := Explanation{Result: res, Name: v.Name}
	if res.Level == 0 {
		x.Edge = v.when.explain(e, names)
	}
	if v.cond.kind != always && (v.asked(e) || res.Level > 0) {
		c := v.cond.explain(r, names)
		x.Conditions = &c
	}
	x.Reason = reason(v, x, e, in, names)
	if !res.Verdict.Runs() && res.Verdict != Armed {
		x.SmallestChange = smallestChange(v, res, x, r, names)
	}
	return x
}

// asked reports whether the conditions are asked about an event: those of a
// timed workflow are not when its timer begins, and of no workflow again after a
// wait.
func (v *Version) asked(e *postroom.Event) bool {
	return LegOf(e) == 0 && (!v.Timed() || e.Kind == postroom.TimerDue)
}

// reason says the verdict with its particulars.
func reason(v *Version, x Explanation, e *postroom.Event, in Inputs, names Names) string {
	switch x.Verdict {
	case Filtered:
		var parts []string
		for _, c := range x.Edge {
			if c.Truth != True {
				parts = append(parts, c.Text+" "+c.Actual+", not "+c.Expected)
			}
		}
		return "Its When does not fit: " + strings.Join(parts, "; ") + "."
	case Undecided:
		return "Conditions unknown: " + strings.Join(x.Conditions.unknown(nil), "; ") + "."
	case OtherMailbox:
		return fmt.Sprintf("Not considered: it belongs to %s and the conversation is in %s.",
			names.of(RefMailbox, v.MailboxID), names.of(RefMailbox, e.After.MailboxID))
	case Stopped:
		return fmt.Sprintf("Not considered: %s said stop.", names.of(RefWorkflow, x.By))
	case LimitUsed:
		_, why := v.Definition.Limits.Used(in.Counters[v.WorkflowID], e.At)
		return "Not considered: limit used. " + why
	case Continued:
		if a := v.waitBefore(LegOf(e)); a != nil {
			return "It went on: its " + strings.Replace(a.waitWords(names), " and go on unless ", ", unless ", 1) + ", was over."
		}
	case RanAlready:
		return "Not considered: it has run for this event already, and a workflow runs once in a chain."
	case Armed:
		return "Its time began: " + v.Definition.When.words(names) + "."
	case DepthExceeded:
		return fmt.Sprintf("Not considered: %d workflows had already set each other off, and that is the most.", e.Depth)
	}
	s := x.Verdict.String()
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// explain checks each filter of the edge.
func (w compiledWhen) explain(e *postroom.Event, names Names) []Check {
	if e.Kind == postroom.TimerDue {
		return nil
	}
	from, to := sides(e)
	var out []Check
	if len(w.Agents) > 0 && e.Kind == postroom.WorkflowStarted {
		out = append(out, Check{Text: "done by", Expected: list(agentWords(w.Agents, names), "or"), Actual: names.of(RefAgent, e.Actor.ID), Truth: truth(w.MayStart(e.Actor))})
	}
	add := func(text string, wanted []string, have string, words func(string) string) {
		if len(wanted) == 0 {
			return
		}
		shown := make([]string, len(wanted))
		for i, s := range wanted {
			shown[i] = words(s)
		}
		expected := list(shown, "or")
		actual := words(have)
		if actual == "" {
			actual = "nothing"
		}
		out = append(out, Check{Text: text, Expected: expected, Actual: actual, Truth: truth(slices.Contains(wanted, have))})
	}
	side := func(s string) string { return sideOf(e, s, names) }
	if w.Field != "" {
		fields := func(path string) string { return names.field(postroom.OfConversation, path) }
		add("about the field", []string{w.Field}, e.Payload.Field, fields)
		if w.Field != e.Payload.Field { // what another field changed from and to says nothing
			w.From, w.To = nil, nil
		}
	}
	add("changed from", w.From, from, side)
	if e.Kind == postroom.ConversationMerged {
		add("been", w.To, to, side)
	} else {
		add("changed to", w.To, to, side)
	}
	add("done by", asText(w.Actors), string(e.Actor.Kind), func(s string) string { return wordsOr(actorWords, s) })
	add("done through", asText(w.Paths), string(e.Path), func(s string) string { return wordsOr(pathWords, s) })
	if c, ok := w.explainMerge(e); ok {
		out = append(out, c)
	}
	return out
}

// explain checks each condition, also those that the verdict did not need.
func (n *node) explain(r *reading, names Names) Check {
	c := Check{Truth: n.eval(r)}
	if n.kind != leaf {
		c.Text, _ = n.source.group()
		for _, child := range n.children {
			c.Children = append(c.Children, child.explain(r, names))
		}
		return c
	}
	c.Text = n.source.leafWords(names)
	c.Expected = n.expected(names)
	c.Actual = n.actual(r, names)
	if n.fact.Kind == KindTime {
		c.At = r.read(n).value.num
	}
	return c
}

// expected says what the leaf's operator compares with.
func (n *node) expected(names Names) string {
	op, _ := operator(n.source.Op)
	if n.fact.Kind == KindBool && n.source.Op == Is {
		return yes(n.nums[0] == 1)
	}
	if len(n.source.Values) == 0 {
		return op.label(n.fact.Kind)
	}
	return op.Label + " " + expectedWords(n.fact, *n.source, names)
}

// actual says what the leaf's fact was.
func (n *node) actual(r *reading, names Names) string {
	if op := n.source.Op; op == Changed || op == ChangedFrom || op == ChangedTo {
		from, to, changed := changeOf(n.fact.Name, r.event)
		switch {
		case !changed:
			return "not changed by this event"
		case from == "" && to == "", strings.HasPrefix(n.fact.Name, ConversationField+string(postroom.FieldText)):
			return "changed"
		}
		return fmt.Sprintf("changed from %s to %s",
			sideOf(r.event, from, names), sideOf(r.event, to, names))
	}
	v := r.read(n).value
	if v.known && v.unset {
		return "not set"
	}
	if !v.known {
		return "missing"
	}
	switch n.fact.Kind {
	case KindText:
		shown := make([]string, 0, len(v.texts))
		for _, t := range v.texts {
			if t != "" {
				shown = append(shown, quoteShort(t))
			}
		}
		if len(shown) == 0 {
			return "not set"
		}
		return strings.Join(shown, ", ")
	case KindChoice:
		if _, _, isField := FieldFact(n.fact.Name); isField && len(v.texts) == 0 {
			return "not set"
		}
		return names.choice(n.fact.Name, strings.Join(v.texts, ", "))
	case KindRef:
		return names.of(n.fact.Ref, v.num)
	case KindSet:
		if len(v.ids) == 0 {
			return "none"
		}
		shown := make([]string, len(v.ids))
		for i, id := range v.ids {
			shown[i] = names.of(n.fact.Ref, id)
		}
		return strings.Join(shown, ", ")
	case KindTime:
		if v.num == 0 {
			return "never"
		}
		return time.UnixMilli(v.num).UTC().Format("2006-01-02 15:04:05 UTC")
	case KindBool:
		if n.fact.Name == officeOpen {
			return openWords(v.num == 1, r.office)
		}
		return yes(v.num == 1)
	}
	return strconv.FormatInt(v.num, 10)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// quoteShort quotes a text, cut at 120 runes.
func quoteShort(s string) string {
	n := 0
	for i := range s {
		if n++; n > 120 {
			return strconv.Quote(s[:i]) + "…"
		}
	}
	return strconv.Quote(s)
}
