package proof

import (
	"fmt"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/workflow"
)

// A workflow that another one runs looks at that one's event, whatever its own
// When says, with the conditions that it has: it stands on the edges of all who
// run it (W20, W34).

// maxCalls is how many ways from one workflow down to those that it runs are
// followed; where there are more, anything may be possible.
const maxCalls = 64

// performer is a workflow as it takes part in the judging of an event: the one
// that listens for it, or one that it runs.
type performer struct {
	*subject
	by   []*subject // who runs whom down to it, the one that listens first; nil for that one
	ways ways       // on which it takes part, its limits apart
	does doing
}

// doing is what a leg of a Then does that two workflows can quarrel about.
type doing struct {
	mails  bool
	writes map[workflow.ActionKind]string // what it leaves the status, the assignee, … at
}

// leg says what a leg of a Then does.
func (x *subject) leg(n int) doing {
	out := doing{writes: map[workflow.ActionKind]string{}}
	from, to := x.Leg(n)
	for _, a := range x.Definition.Then[from:to] {
		switch a.Do {
		case workflow.DoReply:
			out.mails = true
		case workflow.DoStatus:
			out.writes[a.Do] = string(a.Status)
		case workflow.DoAssign:
			out.writes[a.Do] = fmt.Sprint(a.By, a.Agents)
			if a.Agent != nil {
				out.writes[a.Do] = decimal(*a.Agent)
			}
			if a.Team != nil {
				out.writes[a.Do] += " of " + decimal(*a.Team)
			}
		case workflow.DoSpam:
			out.writes[workflow.DoStatus] = string(postroom.Spam)
		case workflow.DoSubject:
			out.writes[a.Do] = a.Subject
		case workflow.DoMove:
			out.writes[a.Do] = decimal(a.Mailbox)
		case workflow.DoTeam:
			if a.Team != nil {
				out.writes[a.Do] = decimal(*a.Team)
			}
		case workflow.DoField:
			out.writes[workflow.ActionKind("field "+a.Field)] = "=" + a.Value
		case workflow.DoSnooze:
			out.writes[a.Do] = a.For + a.Until
		}
	}
	return out
}

// stage is a leg of a workflow's Then: the kind of event that it is judged on,
// and on which ways.
func (x *subject) stage(n int) (postroom.EventKind, ways) {
	if n == 0 {
		return x.kind, x.all
	}
	return postroom.TimerDue, ways{list: []way{x.due(n)}}
}

// due is what is so when the wait before a leg is over; 0 is that of the When.
// The conversation is at least as old as all that it has waited.
func (x *subject) due(leg int) way {
	out, _, _ := only("event.actor", string(postroom.BySystem)).and(only("event.path", string(postroom.PathTimer)))
	waited, _ := workflow.ReadSpan(x.when.After)
	least, n := waited.Least(), 0
	for _, a := range x.Definition.Then {
		if a.Do == workflow.DoWait && n < leg {
			span, _ := workflow.ReadSpan(a.For)
			least, n = least+span.Least(), n+1
		}
	}
	if least > 0 {
		age := open()
		age.age.lo = least
		out["conversation.created"] = age
	}
	return out
}

// callable finds a workflow that another one runs: one that is switched on, and
// does not wait for a time of its own.
func (p *prover) callable(id int64) *subject {
	if x := p.byID[id]; x != nil && !x.Timed() {
		return x
	}
	return nil
}

// family are a workflow and those that a leg of it runs, in the order in which
// they are judged first.
func (p *prover) family(x *subject, leg int) []performer {
	kind, base := x.stage(leg)
	f := family{prover: p, kind: kind, out: []performer{{subject: x, ways: base, does: x.leg(leg)}}}
	f.from(f.out[0], leg)
	return f.out
}

// family is being collected.
type family struct {
	*prover
	kind  postroom.EventKind
	out   []performer
	calls int
}

// from adds those that a leg of one of the family runs. Who is met on a second
// way takes part on that way too.
func (f *family) from(caller performer, leg int) {
	if len(caller.by) >= workflow.MaxDepth {
		return
	}
	for _, id := range caller.Runs(leg) {
		x := f.callable(id)
		if x == nil || x == f.out[0].subject || slices.Contains(caller.by, x) {
			continue
		}
		next := performer{subject: x, by: append(slices.Clone(caller.by), caller.subject), ways: ways{many: true}, does: x.leg(0)}
		if f.calls++; f.calls <= maxCalls {
			next.ways = caller.ways.and(x.home()).and(of(f.kind, x.Definition.If, true))
		}
		if i := slices.IndexFunc(f.out, func(o performer) bool { return o.subject == x }); i < 0 {
			f.out = append(f.out, next)
		} else {
			f.out[i].ways = f.out[i].ways.or(next.ways)
		}
		if f.calls <= 2*maxCalls {
			f.from(next, 0)
		}
	}
}

// home is what its mailbox demands.
func (x *subject) home() ways {
	if x.MailboxID == 0 {
		return always
	}
	return ways{list: []way{only("conversation.mailbox", decimal(x.MailboxID))}}
}

// named is how a finding names a performer.
func (r performer) named() string {
	if r.by == nil {
		return r.title()
	}
	return r.title() + ", which " + r.by[len(r.by)-1].title() + " runs,"
}

// beside is how it is named after another one.
func (r performer) beside(a performer) string {
	if n := len(r.by); n > 0 && r.by[n-1] == a.subject {
		return r.title() + ", which it runs,"
	}
	return r.named()
}

// stopping reports whether it, or one of those who run it, keeps later workflows
// from the event.
func (r performer) stopping() bool {
	return r.Stops() || slices.ContainsFunc(r.by, func(x *subject) bool { return x.Stops() })
}

// concerns reports whether a finding about it is wanted.
func (r performer) concerns() bool {
	return r.about || slices.ContainsFunc(r.by, func(x *subject) bool { return x.about })
}

// called looks at what workflows do by running others: within each leg that runs
// any, and on an edge against those that stand beside it.
func (p *prover) called(kind postroom.EventKind, edge []*subject) {
	families := make([][]performer, len(edge))
	for i, x := range edge {
		for leg := range x.Legs() {
			if len(x.Runs(leg)) == 0 {
				continue
			}
			f := p.family(x, leg)
			if leg == 0 {
				families[i] = f
			}
			p.within(x, leg, f)
		}
	}
	if workflow.OwnEvent(kind) {
		return // each is judged by itself
	}
	for i, x := range edge {
		if x.Timed() {
			continue
		}
		for j := range i {
			if !edge[j].Timed() && (families[i] != nil || families[j] != nil) {
				p.across(member(families[j], edge[j]), member(families[i], x))
			}
		}
	}
	p.shadowed(edge, families)
}

// member is the family of a workflow that may run nobody.
func member(f []performer, x *subject) []performer {
	if f == nil {
		return []performer{{subject: x, ways: x.all, does: x.first}}
	}
	return f
}

// within looks at one leg: whom it runs in vain, and who of its family get into
// each other's way. What they do is done one after the other, whoever says stop.
func (p *prover) within(x *subject, leg int, f []performer) {
	kind, base := x.stage(leg)
	event := workflow.EventLabel(kind)
	if base.possible() {
		p.inVain(x, leg, f)
	}
	for i, a := range f {
		if !a.concerns() && !f[0].about || !a.ways.possible() {
			continue
		}
		if a.by != nil && a.does.mails && kind == x.when.Event && (kind == postroom.MessageReceived || kind == postroom.ConversationCreated) && !a.ways.onlyPeople() {
			p.foundOnce(MachineReply, a, performer{}, "%s answers mail without asking whether a person wrote it; no automatic mail is answered in any case, but the condition would say so.", a.named())
		}
		for _, b := range f[i+1:] {
			p.quarrel(a, b, event)
		}
	}
}

// inVain finds those that a leg runs and that never do anything there.
func (p *prover) inVain(x *subject, leg int, f []performer) {
	kind, _ := x.stage(leg)
	for _, id := range x.Runs(leg) {
		if en, known := p.states[id]; known && p.callable(id) == nil && x.about {
			why := "is switched off"
			if en.State == workflow.Enabled {
				why = "waits for a time of its own"
			}
			p.found(NeverRuns, []*subject{x}, "%s runs %s in vain: that one %s.", x.title(), title(en.Version), why)
		}
	}
	for _, r := range f[1:] {
		caller := r.by[len(r.by)-1]
		if !r.concerns() || r.ways.possible() || len(r.by) > 1 {
			continue
		}
		fact, _ := workflow.LookupFact(r.ways.fact)
		if missing := missing(kind, r.ways.fact); missing != "" {
			p.foundOnce(NeverKnown, r, performer{}, "%s runs %s, which never does anything there: when %s there is no %s, so %s is never known.", caller.title(), r.title(), workflow.EventLabel(kind), missing, fact.Label)
			continue
		}
		p.foundOnce(NeverTrue, r, performer{}, "%s runs %s, which never does anything there: what the two demand of %s contradicts itself.", caller.title(), r.title(), fact.Label)
	}
}

// missing is what events of a kind do not have, and a fact belongs to; "" if they
// have it.
func missing(kind postroom.EventKind, fact string) string {
	switch {
	case has(kind, fact):
		return ""
	case strings.HasPrefix(fact, "mail."):
		return "outgoing mail"
	case strings.HasPrefix(fact, "rating."):
		return "rating"
	}
	return "message"
}

// across looks at two families on one edge, where the first is earlier. The two
// that listen there themselves have been looked at already.
func (p *prover) across(before, after []performer) {
	event := workflow.EventLabel(before[0].kind)
	for _, a := range before {
		if a.stopping() {
			continue // the later ones are not looked at then
		}
		for _, b := range after {
			if a.by == nil && b.by == nil || !a.concerns() && !b.concerns() {
				continue
			}
			p.quarrel(a, b, event)
		}
	}
}

// quarrel finds what two do to each other that can match the same event.
func (p *prover) quarrel(a, b performer, event string) {
	if a.subject == b.subject {
		return // one workflow runs once
	}
	clash := clash(a.does, b.does)
	mails := a.does.mails && b.does.mails
	if !mails && clash == "" || !a.ways.possible() || !b.ways.possible() || !a.ways.meet(b.ways) {
		return
	}
	if mails {
		p.foundOnce(DoubleMail, a, b, "%s and %s can both mail the customer when %s.", a.named(), b.beside(a), event)
	}
	if clash != "" {
		p.foundOnce(SameField, a, b, "%s and %s can both set %s when %s; the later one wins.", a.named(), b.beside(a), clash, event)
	}
}

// clash is what two set to different values.
func clash(a, b doing) (word string) {
	for _, f := range []struct {
		do   workflow.ActionKind
		word string
	}{{workflow.DoStatus, "the status"}, {workflow.DoAssign, "the assignee"}, {workflow.DoTeam, "the team"}, {workflow.DoSubject, "the subject"}, {workflow.DoMove, "the mailbox"}, {workflow.DoSnooze, "its sleep"}} {
		if x, y := a.writes[f.do], b.writes[f.do]; x != "" && y != "" && x != y {
			word = f.word
		}
	}
	for what, x := range a.writes {
		if path, is := strings.CutPrefix(string(what), "field "); is && b.writes[what] != "" && b.writes[what] != x {
			_, key, _ := postroom.SplitFieldPath(path)
			return "the field " + key
		}
	}
	return word
}

// foundOnce notes a finding about two, or about one and who runs it, if it was not
// noted yet: they may meet on several ways. It is about all who run them too.
func (p *prover) foundOnce(kind Kind, a, b performer, format string, args ...any) {
	about, other := []*subject{a.subject}, int64(0)
	switch {
	case b.subject != nil:
		about, other = append(about, b.subject), b.id
	case a.by != nil:
		other = a.by[len(a.by)-1].id
	}
	key := fmt.Sprint(kind, min(a.id, other), max(a.id, other))
	if p.said[key] {
		return
	}
	p.said[key] = true
	for _, by := range [][]*subject{a.by, b.by} {
		for _, x := range by {
			if !slices.Contains(about, x) {
				about = append(about, x)
			}
		}
	}
	p.found(kind, about, format, args...)
}

// shadowed finds workflows that are never reached since one that an earlier one
// runs always says stop.
func (p *prover) shadowed(edge []*subject, families [][]performer) {
	for i, b := range edge {
		for j, a := range edge[:i] {
			if families[j] == nil || a.Timed() || a.Stops() || !a.covers(b) || !b.enters.possible() {
				continue
			}
			for _, r := range families[j][1:] {
				if r.Stops() && (r.concerns() || b.about) && p.always(r, b.enters) {
					p.foundOnce(Unreachable, performer{subject: b}, r, "%s is never reached: %s, which %s runs, always matches before it and says stop.", b.title(), r.title(), r.by[len(r.by)-1].title())
				}
			}
		}
	}
}

// always reports whether one that others run takes part whenever those do, on
// all of some ways.
func (p *prover) always(r performer, on ways) bool {
	for _, x := range append(slices.Clone(r.by[1:]), r.subject) {
		if l := x.Definition.Limits; l.OncePer != "" && l.OncePer != workflow.OncePerEvent || l.CoolDown > 0 || l.Runs > 0 || !x.certainOn(r.by[0].kind, on) {
			return false
		}
	}
	return true
}

// certainOn reports whether its conditions hold on all of some ways, wherever it
// is run.
func (x *subject) certainOn(kind postroom.EventKind, on ways) bool {
	if x.Definition.If.IsZero() && x.MailboxID == 0 {
		return true
	}
	if on.many {
		return false
	}
	unmet := of(kind, x.Definition.If, false)
	for _, w := range on.list {
		if x.MailboxID != 0 && !w.within(x.home().list[0]) || !knows(w, x.Definition.If) || (ways{list: []way{w}}).meet(unmet) {
			return false
		}
	}
	return true
}

// sureCalls are those that a workflow cannot but run, with those that they run;
// each with who runs it, the one that the workflow runs itself first, and itself
// last.
func (p *prover) sureCalls(x *subject) [][]*subject {
	var out [][]*subject
	seen := map[*subject]bool{x: true}
	var from func([]*subject, []int64, postroom.EventKind, ways)
	from = func(path []*subject, runs []int64, kind postroom.EventKind, on ways) {
		for _, id := range runs {
			c := p.callable(id)
			if c == nil || seen[c] || !c.certainOn(kind, on) {
				continue
			}
			seen[c] = true
			down := append(slices.Clone(path), c)
			out = append(out, down)
			from(down, c.Runs(0), kind, on)
		}
	}
	for leg := range x.Legs() {
		kind, on := x.stage(leg)
		from(nil, x.Runs(leg), kind, on)
	}
	return out
}

// surelyMails reports whether the customer is mailed each time it runs, by itself
// or by one that it cannot but run.
func (p *prover) surelyMails(x *subject) bool {
	return x.mails || slices.ContainsFunc(p.sureCalls(x), func(c []*subject) bool { return c[len(c)-1].leg(0).mails })
}
