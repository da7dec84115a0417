package proof

import (
	"fmt"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/workflow"
)

// Kind names what a proof found.
type Kind string

// The kinds of findings. All but MailLoop warn only.
const (
	DoubleMail   Kind = "double_mail"   // two workflows mail the customer on one event
	SameField    Kind = "same_field"    // two workflows write one fact on one event; the later wins (W17)
	Unreachable  Kind = "unreachable"   // an earlier workflow always stops before it
	NeverTrue    Kind = "never_true"    // its conditions contradict each other
	NeverKnown   Kind = "never_known"   // it asks for what its event never has
	AlwaysTrue   Kind = "always_true"   // one of "is not" or "is not" always holds
	Cycle        Kind = "cycle"         // workflows set each other off in a circle
	MailLoop     Kind = "mail_loop"     // … and cannot but do so, and mail the customer each time round
	NeverRuns    Kind = "never_runs"    // it runs another one that cannot be run
	NeverTime    Kind = "never_time"    // its set times never meet the office hours that it asks for; see Hours
	MachineReply Kind = "machine_reply" // it answers received mail without asking whether a person wrote it
)

// Finding is something an admin should look at before it does harm.
type Finding struct {
	Kind      Kind
	Blocks    bool    // it must not be published
	Workflows []int64 // those it is about, in order of the set; of a circle in its order
	Text      string  // a sentence for people
}

// Report is what a proof came to.
type Report struct {
	Findings []Finding
	Graph    Graph
}

// Prove looks over the workflows of a set that are switched on. names puts ids
// into words and may be nil. 500 workflows take well under a second.
func Prove(s *workflow.Set, names workflow.Names) Report { return prove(s, names, nil) }

// About is Prove for one workflow of the set: what is found about it, and the
// part of the graph it stands in.
func About(s *workflow.Set, id int64, names workflow.Names) Report {
	return prove(s, names, func(v *workflow.Version) bool { return v.WorkflowID == id })
}

func prove(s *workflow.Set, names workflow.Names, about func(*workflow.Version) bool) Report {
	p := newProver(s, names)
	byEvent := map[postroom.EventKind][]*subject{}
	var order []postroom.EventKind
	for _, en := range s.Entries() {
		if en.State != workflow.Enabled {
			continue
		}
		x := newSubject(en.Version)
		x.about = about == nil || about(en.Version)
		if byEvent[x.when.Event] == nil {
			order = append(order, x.when.Event)
		}
		byEvent[x.when.Event] = append(byEvent[x.when.Event], x)
		p.add(x)
	}
	for _, kind := range order {
		for i, x := range byEvent[kind] {
			if x.about {
				p.alone(x)
			}
			for _, before := range byEvent[kind][:i] {
				if x.about || before.about {
					p.together(before, x)
				}
			}
		}
		p.called(kind, byEvent[kind])
	}
	g := p.graph()
	p.circles(g)
	report := Report{Findings: p.findings, Graph: g.picture(p.subjects)}
	if about != nil {
		report.Findings = slices.DeleteFunc(report.Findings, func(f Finding) bool {
			return !slices.ContainsFunc(p.subjects, func(x *subject) bool { return x.about && slices.Contains(f.Workflows, x.id) })
		})
	}
	return report
}

// subject is a workflow as the proof sees it.
type subject struct {
	*workflow.Version
	id     int64
	when   workflow.When
	kind   postroom.EventKind // of the event that its If is asked about
	about  bool
	edge   way   // what its mailbox and its When demand
	enters ways  // on which it is set off: it matches, or begins to wait
	all    ways  // on which it matches, its limits apart
	not    *ways // on which its If is false; see unmet
	mails  bool
	first  doing // what it does before the first wait
}

func newSubject(v *workflow.Version) *subject {
	d := v.Definition
	x := &subject{Version: v, id: v.WorkflowID, when: d.When, mails: v.Mails()}
	x.kind, x.edge, x.first = d.When.Judges(), x.demands(), x.leg(0)
	x.all = ways{list: []way{x.edge}}.and(of(x.kind, d.If, true))
	if x.enters = x.all; x.Timed() { // its If is asked later, about the time that came
		x.enters = ways{list: []way{x.edge}}
		x.all = ways{list: []way{x.due(0)}}.and(of(x.kind, d.If, true))
	}
	return x
}

// demands is what its mailbox and its When demand.
func (x *subject) demands() way {
	out := way{}
	add := func(fact string, values []string) {
		if len(values) == 0 {
			return
		}
		next, _, _ := out.and(only(fact, values...))
		out = next
	}
	add("event.actor", asText(x.when.Actors))
	add("event.path", asText(x.when.Paths))
	if x.when.Field != "" {
		add("event.field", []string{x.when.Field})
	}
	add("event.from", x.when.From)
	add("event.to", x.when.To)
	switch x.when.Event {
	case postroom.StatusChanged, postroom.ConversationCreated:
		add("conversation.status", x.when.To)
	case postroom.RatingReceived:
		add("conversation.rating", x.when.To)
	case postroom.AssigneeChanged:
		add("conversation.assignee", x.when.To)
	case postroom.TeamChanged:
		add("conversation.team", x.when.To)
	}
	if x.MailboxID != 0 {
		add("conversation.mailbox", []string{decimal(x.MailboxID)})
	}
	return out
}

func asText[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

// unmet returns the ways on which its If is false.
func (x *subject) unmet() ways {
	if x.not == nil {
		w := of(x.kind, x.Definition.If, false)
		x.not = &w
	}
	return *x.not
}

// title is how a finding names a workflow.
func (x *subject) title() string { return title(x.Version) }

func title(v *workflow.Version) string {
	if v.Name == "" {
		return fmt.Sprintf("Workflow %d", v.WorkflowID)
	}
	return "“" + v.Name + "”"
}

// prover collects what is found.
type prover struct {
	names    workflow.Names
	subjects []*subject
	byID     map[int64]*subject
	states   map[int64]workflow.Entry // of all workflows of the set
	said     map[string]bool          // what was found about those that others run
	findings []Finding
}

func newProver(s *workflow.Set, names workflow.Names) *prover {
	p := &prover{names: names, byID: map[int64]*subject{}, states: map[int64]workflow.Entry{}, said: map[string]bool{}}
	for _, en := range s.Entries() {
		p.states[en.Version.WorkflowID] = en
	}
	return p
}

func (p *prover) add(x *subject) {
	p.subjects = append(p.subjects, x)
	p.byID[x.id] = x
}

func (p *prover) found(kind Kind, about []*subject, format string, args ...any) {
	f := Finding{Kind: kind, Blocks: kind == MailLoop, Text: fmt.Sprintf(format, args...)}
	for _, x := range about {
		f.Workflows = append(f.Workflows, x.id)
	}
	p.findings = append(p.findings, f)
}

// alone looks at one workflow by itself.
func (p *prover) alone(x *subject) {
	one := []*subject{x}
	if !x.all.possible() {
		fact, _ := workflow.LookupFact(x.all.fact)
		if missing := missing(x.kind, x.all.fact); missing == "" {
			p.found(NeverTrue, one, "%s can never match: what it demands of %s contradicts itself.", x.title(), fact.Label)
		} else {
			p.found(NeverKnown, one, "%s can never match: when %s there is no %s, so %s is never known.", x.title(), workflow.EventLabel(x.kind), missing, fact.Label)
		}
	}
	p.empty(x, x.Definition.If)
	if x.mails && !x.Timed() && (x.when.Event == postroom.MessageReceived || x.when.Event == postroom.ConversationCreated) && !x.all.onlyPeople() {
		p.found(MachineReply, one, "%s answers mail without asking whether a person wrote it; no automatic mail is answered in any case, "+
			"but the condition would say so.", x.title())
	}
}

// onlyPeople reports whether what is on these ways is mail written by people
// only.
func (w ways) onlyPeople() bool {
	return !w.many && !slices.ContainsFunc(w.list, func(w way) bool {
		r, asked := w["message.class"]
		return !asked || len(r.allowed) != 1 || r.allowed[0] != string(postroom.Human)
	})
}

// empty finds groups that say nothing: of several alternatives, one of them a
// "not", one always holds.
func (p *prover) empty(x *subject, c workflow.Cond) {
	if len(c.Any) > 1 && !of(x.kind, c, false).possible() && of(x.kind, c, true).possible() && slices.ContainsFunc(c.Any, negative) {
		words := workflow.Describe(workflow.Definition{When: x.when, If: c}, p.names)
		p.found(AlwaysTrue, []*subject{x}, "%s: one of these always holds, so the group asks for nothing: %s. Did you mean all of them?", x.title(), strings.Join(lines(words), "; "))
	}
	for _, children := range [][]workflow.Cond{c.All, c.Any, c.None} {
		for _, child := range children {
			p.empty(x, child)
		}
	}
}

// negative reports whether a condition says what is not so.
func negative(c workflow.Cond) bool {
	_, is := negated[c.Op]
	return is || c.Op == workflow.NotSet || len(c.None) > 0
}

// together looks at two workflows on one edge, the first being earlier.
func (p *prover) together(a, b *subject) {
	if !a.all.possible() || !b.all.possible() || a.Timed() || workflow.OwnEvent(a.when.Event) {
		return // said already, or at another time, or each by itself
	}
	two := []*subject{a, b}
	if a.Stops() {
		// The later one never runs beside the earlier; it may never run at all.
		if a.covers(b) {
			p.found(Unreachable, two, "%s is never reached: %s always matches before it and says stop.", b.title(), a.title())
		}
		return
	}
	if b.Timed() {
		return
	}
	clash := clash(a.first, b.first)
	mails := a.first.mails && b.first.mails
	if !mails && clash == "" || !a.all.meet(b.all) {
		return
	}
	event := workflow.EventLabel(a.when.Event)
	if mails {
		p.foundOnce(DoubleMail, performer{subject: a}, performer{subject: b}, "%s and %s can both mail the customer when %s.", a.title(), b.title(), event)
	}
	if clash != "" {
		p.foundOnce(SameField, performer{subject: a}, performer{subject: b}, "%s and %s can both set %s when %s; the later one wins.", a.title(), b.title(), clash, event)
	}
}

// covers reports whether whatever b matches a matches too, whatever else is so.
func (a *subject) covers(b *subject) bool {
	d := a.Definition
	if d.Limits.OncePer != "" && d.Limits.OncePer != workflow.OncePerEvent || d.Limits.CoolDown > 0 || d.Limits.Runs > 0 || b.enters.many {
		return false // its limits may keep it from matching
	}
	for _, w := range b.enters.list {
		if !w.within(a.edge) || !knows(w, d.If) || (ways{list: []way{w}}).meet(a.unmet()) {
			return false
		}
	}
	return true
}

// lines are the conditions of a description, without the words around them.
func lines(d workflow.Description) []string {
	var out []string
	for _, l := range d.If {
		if l.Depth > 0 {
			out = append(out, l.Text)
		}
	}
	return out
}
