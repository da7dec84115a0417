package proof

import (
	"slices"
	"strings"

	"postroom"
	"postroom/internal/workflow"
)

// deed is an event that an action of a workflow can set off.
type deed struct {
	workflow.Outcome
	action workflow.Action
	words  string // the action, as in "set the status to closed"
	home   int64  // the mailbox the conversation is in then, 0 where any may be
}

// deeds returns what a workflow's actions record, if they change anything.
func (x *subject) deeds(names workflow.Names) []deed {
	words := workflow.Describe(x.Definition, names).Then
	var out []deed
	home, moves := x.MailboxID, false
	for i, a := range x.Definition.Then {
		if a.Do == workflow.DoMove {
			home, moves = a.Mailbox, true // what stands behind it happens there
		}
		for _, o := range x.Outcomes(i) {
			out = append(out, deed{Outcome: o, action: a, words: words[i], home: home})
		}
	}
	for i := range out {
		if moves && out[i].Event.Kind.OfMail() {
			out[i].home = 0 // before the move or after it
		}
	}
	return out
}

// certain reports whether the event follows from the action in the ordinary way
// of things: that a mail is accepted does, that it fails does not.
func (d deed) certain() bool {
	switch {
	case d.Event.Kind == postroom.ConversationWoken:
		return false // only what sleeps can be woken
	case d.action.Do == workflow.DoMove && d.Event.Kind != postroom.ConversationMoved:
		return false // whoever has it may often answer there too
	}
	return !d.Event.Kind.OfMail() || d.Event.Kind == postroom.MailAccepted
}

// aftermath is what is so after a workflow's deed.
func (x *subject) aftermath(d deed) way {
	out := way{}
	add := func(fact string, values ...string) {
		out, _, _ = out.and(only(fact, values...))
	}
	add("event.actor", string(d.Event.Actor.Kind))
	add("event.path", string(d.Event.Path))
	if d.Event.Actor.Kind == postroom.ByWorkflow {
		add("cause.workflow", decimal(x.id))
		depth := open()
		depth.one, depth.numbers.lo = true, 1
		out["event.depth"] = depth
	}
	if d.home != 0 && d.Event.Kind != postroom.ConversationMoved {
		add("conversation.mailbox", decimal(d.home))
	}
	switch d.Event.Kind {
	case postroom.FieldChanged:
		add("event.field", d.Event.Payload.Field)
	case postroom.ConversationSnoozed:
		add("conversation.snoozed", "true")
	case postroom.ConversationWoken:
		add("conversation.snoozed", "false")
	}
	if d.To == "" {
		return out
	}
	if d.Event.Kind.OfMail() {
		add("mail.sort", d.To)
		return out
	}
	add("event.to", d.To)
	switch d.Event.Kind {
	case postroom.StatusChanged:
		add("conversation.status", d.To)
	case postroom.FieldChanged:
		add(workflow.ConversationField+d.Event.Payload.Field, d.To)
	case postroom.AssigneeChanged:
		add("conversation.assignee", d.To)
	case postroom.TeamChanged:
		add("conversation.team", d.To)
	case postroom.ConversationMoved:
		add("conversation.mailbox", d.To)
	}
	return out
}

// link is one workflow setting off another.
type link struct {
	from, to int // places among the subjects
	words    string
	sure     bool  // it cannot but do so
	through  []int // by one that it cannot but run; such a link is not drawn
}

// links are all, by the one that sets off.
type links [][]link

// graph finds who can set off whom.
func (p *prover) graph() links {
	out := make(links, len(p.subjects))
	runs := p.alsoCalled()
	on := map[postroom.EventKind][]int{}
	for i, x := range p.subjects {
		if x.all.possible() {
			on[x.when.Event] = append(on[x.when.Event], i)
		}
	}
	for i, a := range p.subjects {
		if !a.all.possible() && !runs[a.id] {
			continue
		}
		out[i] = p.runs(a)
		for _, d := range a.deeds(p.names) {
			if len(on[d.Event.Kind]) == 0 {
				continue
			}
			after := a.aftermath(d)
			for _, j := range on[d.Event.Kind] {
				b := p.subjects[j]
				if b.silentAfter(d) || !b.after(after) {
					continue
				}
				l := link{from: i, to: j, words: d.words, sure: d.certain() && b.surely(after)}
				if k := slices.IndexFunc(out[i], func(o link) bool { return o.to == j }); k >= 0 {
					if l.sure && !out[i][k].sure {
						out[i][k] = l
					}
					continue
				}
				out[i] = append(out[i], l)
			}
		}
		out[i] = append(out[i], p.through(i, on)...)
	}
	return out
}

// alsoCalled are the workflows that others can run.
func (p *prover) alsoCalled() map[int64]bool {
	out := map[int64]bool{}
	for _, x := range p.subjects {
		for leg := range x.Legs() {
			if len(x.Runs(leg)) == 0 {
				continue
			}
			for _, r := range p.family(x, leg)[1:] {
				if r.ways.possible() {
					out[r.id] = true
				}
			}
		}
	}
	return out
}

// through are the links of a workflow to those that one which it cannot but run
// cannot but set off.
func (p *prover) through(i int, on map[postroom.EventKind][]int) (out []link) {
	for _, path := range p.sureCalls(p.subjects[i]) {
		c := path[len(path)-1]
		by := make([]int, len(path))
		for k, x := range path {
			by[k] = slices.Index(p.subjects, x)
		}
		for _, d := range c.deeds(p.names) {
			if !d.certain() || len(on[d.Event.Kind]) == 0 {
				continue
			}
			after := c.aftermath(d)
			for _, j := range on[d.Event.Kind] {
				b := p.subjects[j]
				known := slices.ContainsFunc(out, func(l link) bool { return l.to == j })
				if b != c && !known && !b.silentAfter(d) && b.after(after) && b.surely(after) {
					out = append(out, link{from: i, to: j, words: d.words, sure: true, through: by})
				}
			}
		}
	}
	return out
}

// runs are the links of a workflow to those that it runs. None is sure: a
// workflow runs once in a chain, whoever runs it.
func (p *prover) runs(a *subject) []link {
	var out []link
	for i, do := range a.Definition.Then {
		if do.Do != workflow.DoRun {
			continue
		}
		to := slices.IndexFunc(p.subjects, func(b *subject) bool { return b.id == do.Workflow && !b.Timed() })
		if to >= 0 {
			out = append(out, link{from: slices.Index(p.subjects, a), to: to, words: workflow.Describe(a.Definition, p.names).Then[i]})
		}
	}
	return out
}

// after reports whether a workflow can match after something is so.
func (x *subject) after(w way) bool {
	if x.enters.many {
		return true
	}
	return slices.ContainsFunc(x.enters.list, w.meets)
}

// surely reports whether it matches whenever that is so, its limits apart.
func (x *subject) surely(w way) bool {
	d := x.Definition
	if x.Timed() { // what it is asked about is not known before
		return len(x.when.From) == 0 && w.within(x.edge) && len(x.when.Unless) == 0 && d.If.IsZero()
	}
	return len(x.when.From) == 0 && w.within(x.edge) && knows(w, d.If) && !(ways{list: []way{w}}).meet(x.unmet())
}

// within reports whether everything on this way satisfies what an edge demands:
// names only, as edges do.
func (w way) within(edge way) bool {
	for fact, want := range edge {
		have, asked := w[fact]
		if want.allowed == nil {
			continue
		}
		if !asked || have.allowed == nil || slices.ContainsFunc(have.allowed, func(s string) bool {
			return !slices.Contains(want.allowed, s) && !slices.Contains(have.denied, s)
		}) {
			return false
		}
	}
	return true
}

// knows reports whether a condition asks only for what is known on a way: an
// event may lack the facts of a message and times that never were, unless the
// way demands something of them.
func knows(w way, c workflow.Cond) bool {
	for _, children := range [][]workflow.Cond{c.All, c.Any, c.None} {
		for _, child := range children {
			if !knows(w, child) {
				return false
			}
		}
	}
	if c.Fact == "" {
		return true
	}
	fact, _ := workflow.LookupFact(c.Fact)
	if fact.Kind == workflow.KindTime {
		r, asked := w[c.Fact]
		return asked && r.set || c.Op == workflow.IsSet || c.Op == workflow.NotSet
	}
	group, _, _ := strings.Cut(c.Fact, ".")
	if group != "message" && group != "customer" && group != "mail" && group != "rating" {
		return true
	}
	_, asked := w[c.Fact]
	return asked
}

// silentAfter reports whether all that a workflow does after a deed was done
// records nothing: to set what is so already is no event (W5).
func (x *subject) silentAfter(d deed) bool {
	for _, b := range x.Definition.Then {
		a := d.action
		switch {
		case b.Do == workflow.DoStop, b.Do == workflow.DoWait:
		case b.Do == a.Do && (b.Do == workflow.DoSpam || b.Do == workflow.DoDelete || b.Do == workflow.DoMove && a.Mailbox == b.Mailbox):
		case b.Do == workflow.DoTags && a.Do == b.Do && slices.Equal(a.Add, b.Add) && slices.Equal(a.Remove, b.Remove):
		case b.Do == workflow.DoStatus && a.Do == b.Do && a.Status == b.Status:
		case b.Do == workflow.DoAssign && a.Do == b.Do && a.Agent != nil && b.Agent != nil && *a.Agent == *b.Agent:
		case b.Do == workflow.DoTeam && a.Do == b.Do && a.Team != nil && b.Team != nil && *a.Team == *b.Team:
		default:
			return false
		}
	}
	return true
}

// Loops returns the circles of a set that block publishing: those who stand in
// one cannot but set each other off, and mail the customer each time round.
func Loops(s *workflow.Set, names workflow.Names) []Finding {
	p := newProver(s, names)
	for _, en := range s.Entries() {
		if en.State == workflow.Enabled {
			p.add(newSubject(en.Version))
		}
	}
	p.circles(p.graph())
	return slices.DeleteFunc(p.findings, func(f Finding) bool { return !f.Blocks })
}

// circles finds workflows that set each other off in a circle, one finding for
// each knot of them, shown as its shortest path. A chain ends all the same,
// because a workflow runs once in it (W20), but hardly ever as was meant. One
// that must go round and mails each time is a mail loop.
func (p *prover) circles(g links) {
	seen := make([]bool, len(g)) // already part of a circle that was shown
	for _, sure := range []bool{true, false} {
		for i := range g {
			if seen[i] {
				continue
			}
			path := shortest(g, i, sure)
			if path == nil || sure && !slices.ContainsFunc(path, func(k int) bool { return p.surelyMails(p.subjects[k]) }) {
				continue
			}
			var about []*subject
			for _, k := range path {
				seen[k] = true
				about = append(about, p.subjects[k])
			}
			p.circle(about, sure)
		}
	}
}

func (p *prover) circle(about []*subject, sure bool) {
	titles := make([]string, 0, len(about)+1)
	for _, x := range about {
		titles = append(titles, x.title())
	}
	titles = append(titles, titles[0])
	path := strings.Join(titles, " → ")
	waits := slices.ContainsFunc(about, func(x *subject) bool { return x.Timed() })
	switch {
	case waits && sure:
		p.found(MailLoop, about, "This goes on for ever and mails the customer each time: %s. Say what keeps one of them from running, or what it must not answer.", path)
	case waits && len(about) == 1:
		p.found(Cycle, about, "%s sets off itself, each time after its wait: it goes on until something keeps it from running.", titles[0])
	case waits:
		p.found(Cycle, about, "These set each other off in a circle: %s. A wait begins a chain anew, so it goes on until something keeps one of them from running.", path)
	case sure && len(about) == 1:
		p.found(MailLoop, about, "%s sets off itself every time and mails the customer: a loop. Say in its When or If what it must not answer, such as what a workflow did.", titles[0])
	case sure:
		p.found(MailLoop, about, "These set each other off every time and mail the customer: %s. Say in one of them what it must not answer, such as what a workflow did.", path)
	case len(about) == 1:
		p.found(Cycle, about, "%s sets off itself. It runs once, then it ends.", titles[0])
	default:
		p.found(Cycle, about, "These set each other off in a circle: %s. Each runs once, then it ends.", path)
	}
}

// shortest returns the shortest way from start back to start, with those through
// whom it leads, nil if there is none; with sure over sure links only.
func shortest(g links, start int, sure bool) []int {
	from := make([]*link, len(g))
	queue := []int{start}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for i := range g[at] {
			l := &g[at][i]
			if sure && !l.sure {
				continue
			}
			if l.to == start {
				path := slices.Clone(l.through)
				for k := l; k.from != start; {
					k = from[k.from]
					path = append(append(slices.Clone(k.through), k.to), path...)
				}
				return append([]int{start}, path...)
			}
			if from[l.to] == nil {
				from[l.to] = l
				queue = append(queue, l.to)
			}
		}
	}
	return nil
}
