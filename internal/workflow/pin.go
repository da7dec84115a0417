package workflow

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"postroom"
)

// Pin makes a test of what really happened: of an event, what its facts were
// and what the workflow had done before. verified is whether the customer's
// last mail was from a verified sender. The test expects what the workflow says
// to it.
//
// Nothing of a person goes with it. Names, addresses, subjects, texts and
// headers stand in it only where conditions ask for them, and then as
// placeholders that give each condition the same answer: put together from the
// workflow's own words, else the shape of the text with each letter replaced.
// kept says in sentences what had to be kept as it was, and what does not come
// out as it did.
func (v *Version) Pin(r Record, in Inputs, verified bool) (t Test, kept []string) {
	p := pinner{v: v, facts: NewFacts(r), event: r.Event, asked: map[string][]*node{}}
	p.collect(v.cond)
	p.test = Test{Name: "Pinned: " + EventWords(r.Event, nil), Given: Given{}, When: p.moment(), Before: p.before(in)}
	if len([]rune(p.test.Name)) > MaxTestName {
		p.test.Name = string([]rune(p.test.Name)[:MaxTestName])
	}
	p.conversation()
	p.message(r.Message)
	p.rest(verified)
	return p.expect(in)
}

// pinner makes one test.
type pinner struct {
	v     *Version
	facts Facts
	event *postroom.Event
	asked map[string][]*node // the conditions, by the fact they ask for
	test  Test
	kept  []string
}

// collect finds what conditions ask for.
func (p *pinner) collect(n *node) {
	if n.kind == leaf {
		if op := n.source.Op; op == Changed || op == ChangedFrom || op == ChangedTo {
			return // the event itself says so
		}
		p.asked[n.fact.Name] = append(p.asked[n.fact.Name], n)
	}
	for _, c := range n.children {
		p.collect(c)
	}
}

func (p *pinner) moment() Moment {
	e := p.event
	m := Moment{Event: e.Kind, Added: e.Payload.Added, Removed: e.Payload.Removed, Actor: e.Actor.Kind, Path: e.Path, Depth: min(e.Depth, MaxDepth), At: testMoment(e.At)}
	from, to := sides(e)
	edge := EdgeOf(e.Kind)
	if m.Field = e.Payload.Field; m.Field != "" {
		if _, sided := FieldSides(m.Field); sided {
			m.From, m.To = from, to
		}
	}
	if edge.From {
		m.From = from
	}
	if edge.To {
		m.To = to
	}
	switch e.Actor.Kind {
	case postroom.ByWorkflow:
		m.Workflow = e.Actor.ID
	case postroom.ByAgent:
		if p.says("actor.") {
			m.Agent = e.Actor.ID
		}
	}
	return m
}

// says reports whether a text uses variables with such a beginning.
func (p *pinner) says(prefix string) bool {
	return slices.ContainsFunc(p.v.Definition.Then, func(a Action) bool { return strings.Contains(a.Text+a.HTML, prefix) })
}

func (p *pinner) before(in Inputs) Past {
	n := in.Counters[p.v.WorkflowID]
	b := Past{Runs: n.Runs, RunsSinceClose: n.RunsSinceClose, InChain: slices.Contains(in.Ran, p.v.WorkflowID)}
	if n.LastRunAt != 0 {
		b.LastRun = testMoment(n.LastRunAt)
	}
	return b
}

// personal are facts about one person or written by one; the number leads to a
// conversation.
func personal(f Fact) bool {
	return f.Kind == KindText || f.Name == "conversation.number"
}

// conversation takes over what is not as in a test that gives nothing. Whom it
// is assigned to and its tags are the desk's own; they go with it when asked
// for.
func (p *pinner) conversation() {
	bare := NewFacts(p.test.record(p.test.event(p.v.MailboxID)))
	for _, f := range schema {
		if !strings.HasPrefix(f.Name, "conversation.") || personal(f) || f.Ref == RefAgent || f.Ref == RefTeam || f.Ref == RefTag {
			continue
		}
		have := p.facts.Value(f.Name)
		if have.known && !slices.Equal(valueTexts(f, have), valueTexts(f, bare.Value(f.Name))) {
			p.give(f, have)
		}
	}
}

func (p *pinner) message(m *postroom.Message) {
	if m == nil {
		return
	}
	for _, name := range []string{"message.class", "message.verified", "message.has_attachments"} {
		if f, ok := LookupFact(name); ok {
			p.give(f, p.facts.Value(name))
		}
	}
}

// rest takes over what conditions ask for, and what texts say.
func (p *pinner) rest(verified bool) {
	names := make([]string, 0, len(p.asked))
	for name := range p.asked {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if strings.HasPrefix(name, "event.") || name == "cause.workflow" {
			continue // the event itself says so
		}
		f, _ := LookupFact(name)
		p.give(f, p.facts.Value(name))
	}
	if p.says("customer.") && p.test.Given["customer.name"] == nil {
		if name := p.facts.Value("customer.name"); slices.ContainsFunc(name.texts, func(s string) bool { return s != "" }) {
			p.test.Given["customer.name"] = []string{"Kim Customer"}
		}
	}
	if p.says("{") && !verified {
		p.test.Given[GivenVerified] = []string{"false"}
	}
}

// give writes the value of a fact.
func (p *pinner) give(f Fact, v Value) {
	switch {
	case !v.known, v.unset:
	case f.Kind == KindChoice && len(v.texts) == 0:
	case f.Kind == KindText:
		p.test.Given[f.Name] = p.placeholders(f, v.texts)
	case f.Name == "conversation.number":
		p.number(f, v)
	default:
		p.test.Given[f.Name] = valueTexts(f, v)
	}
}

// number gives a conversation's number only where a condition needs it.
func (p *pinner) number(f Fact, v Value) {
	for _, n := range []int64{1, v.num} {
		if slices.ContainsFunc(p.asked[f.Name], func(l *node) bool { return l.evalNumber(n) != l.evalNumber(v.num) }) {
			continue
		}
		if p.test.Given[f.Name] = []string{strconv.FormatInt(n, 10)}; n == v.num && n != 1 {
			p.kept = append(p.kept, "The number of the conversation is kept, because a condition asks for it.")
		}
		return
	}
}

// valueTexts writes a value as tests have it.
func valueTexts(f Fact, v Value) []string {
	switch f.Kind {
	case KindText, KindChoice:
		return v.texts
	case KindSet:
		ids := slices.Clone(v.ids)
		slices.Sort(ids)
		return decimals(ids)
	case KindTime:
		return []string{testMoment(v.num)}
	case KindBool:
		return []string{strconv.FormatBool(v.num == 1)}
	}
	return []string{strconv.FormatInt(v.num, 10)}
}

// placeholders replaces the texts of a fact, so that every condition about it
// says of them what it said of the real ones.
func (p *pinner) placeholders(f Fact, texts []string) []string {
	texts = slices.DeleteFunc(slices.Clone(texts), func(s string) bool { return s == "" })
	if len(texts) == 0 {
		return []string{}
	}
	texts = texts[:min(len(texts), 20)]
	leaves := p.asked[f.Name]
	for _, way := range []func(int, string) string{
		func(i int, _ string) string { return stranger(f, i) },
		func(i int, s string) string { return assembled(f, i, s, leaves) },
		func(_ int, s string) string { return masked(s, literals(leaves)) },
	} {
		out := make([]string, len(texts))
		for i, s := range texts {
			out[i] = way(i, s)
		}
		if sameAnswers(leaves, texts, out) {
			return out
		}
	}
	out := make([]string, len(texts))
	for i, s := range texts {
		out[i] = masked(s, append(literals(leaves), matches(leaves, s)...))
	}
	if sameAnswers(leaves, texts, out) {
		p.kept = append(p.kept, fmt.Sprintf("Of %s the part that a pattern matches is kept; look whether it says something about a person.", f.Label))
		return out
	}
	p.kept = append(p.kept, fmt.Sprintf("What %s says is kept as it was: no placeholder gives the conditions the same answers. Take out what says something about a person.", f.Label))
	for i, s := range texts {
		texts[i] = s[:min(len(s), MaxTextExamined)]
	}
	return texts
}

// sameAnswers reports whether each condition says the same of two values.
func sameAnswers(leaves []*node, a, b []string) bool {
	x, y := readTexts(a), readTexts(b)
	return !slices.ContainsFunc(leaves, func(l *node) bool { return l.evalText(x) != l.evalText(y) })
}

func readTexts(texts []string) *read {
	r := &read{done: true, value: Text(texts...)}
	for _, t := range texts {
		t = t[:min(len(t), MaxTextExamined)]
		r.cut, r.lower = append(r.cut, t), append(r.lower, strings.ToLower(t))
	}
	return r
}

// stranger is a text about nobody.
func stranger(f Fact, i int) string {
	n := ""
	if i > 0 {
		n = strconv.Itoa(i + 1)
	}
	switch {
	case f.Name == "customer.name":
		return "Kim Customer" + n
	case f.Name == "customer.domain":
		return "example" + n + ".com"
	case f.Name == "message.to" || f.Name == "message.cc":
		return "somebody" + n + "@example.org"
	case addressFact(f):
		return "customer" + n + "@example.com"
	case strings.HasSuffix(f.Name, ".subject"):
		return "A subject" + n
	case strings.HasSuffix(f.Name, ".body"):
		return "The text of the message." + n
	}
	return "a value" + n
}

func addressFact(f Fact) bool {
	return f.Name == "customer.address" || f.Name == "message.from" || f.Name == "message.to" || f.Name == "message.cc"
}

// assembled puts a text together from the words of the conditions that are true
// of the real one.
func assembled(f Fact, i int, s string, leaves []*node) string {
	real := readTexts([]string{s})
	begin, end := "", ""
	var middle []string
	for _, l := range leaves {
		for _, v := range l.source.Values {
			low := strings.ToLower(v)
			switch l.source.Op {
			case Is, OneOf, IsNot:
				if real.lower[0] == low {
					return v
				}
			case Starts:
				if strings.HasPrefix(real.lower[0], low) && len(v) > len(begin) {
					begin = v
				}
			case Ends:
				if strings.HasSuffix(real.lower[0], low) && len(v) > len(end) {
					end = v
				}
			case Contains, NotContains:
				if strings.Contains(real.lower[0], low) {
					middle = append(middle, v)
				}
			}
		}
	}
	middle = slices.DeleteFunc(middle, func(m string) bool {
		return strings.Contains(strings.ToLower(begin), strings.ToLower(m)) || strings.Contains(strings.ToLower(end), strings.ToLower(m))
	})
	if addressFact(f) || f.Name == "customer.domain" {
		rest := stranger(f, i)
		if strings.Contains(begin+strings.Join(middle, "")+end, "@") {
			rest = "customer"
		}
		if end == "" && f.Name != "customer.domain" && slices.ContainsFunc(middle, func(m string) bool { return strings.Contains(m, "@") }) {
			return begin + rest + strings.Join(middle, "")
		}
		return begin + strings.Join(middle, "") + rest + end
	}
	parts := slices.DeleteFunc(append(append([]string{begin, stranger(f, i)}, middle...), end), func(s string) bool { return s == "" })
	return strings.Join(parts, " ")
}

// literals are the words of conditions.
func literals(leaves []*node) []string {
	var out []string
	for _, l := range leaves {
		if l.source.Op != Matches {
			out = append(out, l.source.Values...)
		}
	}
	return out
}

// matches are the parts of a text that patterns match.
func matches(leaves []*node, s string) []string {
	var out []string
	for _, l := range leaves {
		if l.re != nil {
			if m := l.re.FindString(s[:min(len(s), MaxTextExamined)]); m != "" {
				out = append(out, m)
			}
		}
	}
	return out
}

// maxMasked is how much of a text a placeholder has, in bytes.
const maxMasked = 2000

// masked replaces each letter and digit of a text but for the words that are to
// be kept.
func masked(s string, keep []string) string {
	s = strings.ToValidUTF8(s[:min(len(s), maxMasked)], "")
	low := strings.ToLower(s)
	same := len(low) == len(s) // places in one are places in the other
	kept := make([]bool, len(s))
	for _, k := range keep {
		k = strings.ToLower(k)
		for at := 0; same && k != ""; {
			i := strings.Index(low[at:], k)
			if i < 0 {
				break
			}
			for j := range len(k) {
				kept[at+i+j] = true
			}
			at += i + len(k)
		}
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case kept[i]:
			b.WriteRune(r)
		case unicode.IsDigit(r):
			b.WriteByte('0')
		case unicode.IsUpper(r):
			b.WriteByte('X')
		case unicode.IsLetter(r):
			b.WriteByte('x')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// expect has the test expect what the workflow says to it.
func (p *pinner) expect(in Inputs) (Test, []string) {
	t := p.test
	t.Expect.Verdict = VerdictKey(Matched)
	res, wishes := p.v.runTest(t, TestWorld{})
	t.Expect.Verdict = res.Verdict
	if !slices.Contains(ExpectedVerdicts(), t.Expect.Verdict) {
		t.Expect.Verdict = NotMatched
	}
	mails := 0
	for _, w := range wishes {
		a := p.v.Definition.Then[w.Position]
		a.Text, a.HTML = "", ""
		t.Expect.Effects = append(t.Expect.Effects, ExpectedEffect{Action: a})
		if slices.Contains(mailing, w.Do) && !w.Blank {
			mails++
		}
	}
	if len(wishes) > 0 {
		t.Expect.Mails = make([]ExpectedMail, mails)
	}
	real := otherEvent
	if j := Judge(p.v.setFor(p.event.Kind), p.event, p.facts, in); len(j.Results) > 0 {
		real = VerdictKey(j.Results[0].Verdict)
	}
	if real != res.Verdict {
		p.kept = append(p.kept, fmt.Sprintf("On the conversation the workflow, as it is now, says %s, and on this test %s: something it looks at cannot be given.", real, res.Verdict))
	}
	return t, p.kept
}
