package workflow

import (
	"fmt"
	"slices"
	"strings"

	"postroom"
)

// FindingKind names what Analyse found.
type FindingKind string

// The kinds of findings. All of them warn; none is proof of a fault.
const (
	DoubleMail   FindingKind = "double_mail"   // two workflows mail the customer on one event
	SameField    FindingKind = "same_field"    // two workflows write one field on one event; the later wins (W17)
	Unreachable  FindingKind = "unreachable"   // an earlier workflow always stops before it
	NeverTrue    FindingKind = "never_true"    // its conditions contradict each other
	NeverKnown   FindingKind = "never_known"   // it asks for what its event never has
	Cycle        FindingKind = "cycle"         // workflows set each other off in a circle
	MachineReply FindingKind = "machine_reply" // it answers received mail without asking whether a person wrote it
)

// Finding is something an admin should look at before it does harm (W34).
type Finding struct {
	Kind      FindingKind
	Workflows []int64 // the workflows it is about, in order of the set; of a cycle in its order
	Text      string  // a sentence for people
}

// Analyse looks over the enabled workflows of a set and names what does not go
// well together. It knows what conditions can exclude each other only as far
// as these say that something is, is not or is one of something; two workflows
// that are exclusive for other reasons are warned about all the same.
func Analyse(s *Set) []Finding {
	var out []Finding
	for _, kind := range Events() {
		var before []*Version
		for _, en := range s.On(kind) {
			if en.State != Enabled {
				continue
			}
			v := en.Version
			out = append(out, alone(v)...)
			for _, w := range before {
				out = append(out, together(w, v)...)
			}
			before = append(before, v)
		}
	}
	return append(out, cycles(s)...)
}

// alone looks at one workflow by itself.
func alone(v *Version) []Finding {
	var out []Finding
	add := func(kind FindingKind, format string, args ...any) {
		out = append(out, Finding{kind, []int64{v.WorkflowID}, fmt.Sprintf(format, args...)})
	}
	c := constraints{}
	c.of(v)
	if fact := c.contradiction(); fact != "" {
		f, _, _ := lookup(fact)
		add(NeverTrue, "%s can never match: what it demands of %s contradicts itself.", v.title(), f.Label)
	}
	for _, n := range v.cond.conjuncts(nil) {
		if kind := v.when.Judges(); !kindHas(kind, n.fact.Name) {
			missing := "message"
			if strings.HasPrefix(n.fact.Name, "mail.") {
				missing = "outgoing mail"
			}
			add(NeverKnown, "%s can never match: when %s there is no %s, so it is never known whether %s.",
				v.title(), EventLabel(kind), missing, n.source.leafWords(nil))
			break
		}
	}
	if v.Mails() && !v.Timed() && (v.when.Event == postroom.MessageReceived || v.when.Event == postroom.ConversationCreated) &&
		!slices.Equal(c["message.class"].allowed, []string{string(postroom.Human)}) {
		add(MachineReply, "%s answers mail without asking whether a person wrote it; no automatic mail is answered in any case, "+
			"but the condition would say so.", v.title())
	}
	return out
}

// together looks at two workflows on one edge, the first being earlier.
func together(a, b *Version) []Finding {
	if a.Timed() || b.Timed() && !a.stops {
		return nil // they act at different times
	}
	both := constraints{}
	both.of(a)
	both.of(b)
	if both.contradiction() != "" {
		return nil
	}
	var out []Finding
	add := func(kind FindingKind, format string, args ...any) {
		out = append(out, Finding{kind, []int64{a.WorkflowID, b.WorkflowID}, fmt.Sprintf(format, args...)})
	}
	if a.stops {
		// The later one never runs beside the earlier; it may never run at all.
		if a.cond.kind == always && a.covers(b) {
			add(Unreachable, "%s is never reached: %s always matches before it and says stop.", b.title(), a.title())
		}
		return out
	}
	if a.Mails() && b.Mails() {
		add(DoubleMail, "%s and %s can both mail the customer when %s.", a.title(), b.title(), EventLabel(a.when.Event))
	}
	for _, f := range []struct {
		do   ActionKind
		word string
	}{{DoStatus, "the status"}, {DoAssign, "the assignee"}} {
		if x, y, ok := a.writes(b, f.do); ok && x != y {
			add(SameField, "%s and %s can both set %s when %s; the later one wins.", a.title(), b.title(), f.word, EventLabel(a.when.Event))
		}
	}
	return out
}

// title is how a finding names a workflow.
func (v *Version) title() string {
	if v.Name == "" {
		return fmt.Sprintf("Workflow %d", v.WorkflowID)
	}
	return "“" + v.Name + "”"
}

// writes returns what both workflows do to one field, if both do.
func (v *Version) writes(w *Version, do ActionKind) (mine, theirs string, both bool) {
	last := func(v *Version) string {
		out := ""
		for _, a := range v.actions {
			if a.Do == do {
				out = a.Action.words(nil)
			}
		}
		return out
	}
	mine, theirs = last(v), last(w)
	return mine, theirs, mine != "" && theirs != ""
}

// covers reports whether every event that passes w's filters passes v's.
func (v *Version) covers(w *Version) bool {
	return (v.MailboxID == 0 || v.MailboxID == w.MailboxID) &&
		covers(v.when.From, w.when.From) && covers(v.when.To, w.when.To) &&
		covers(v.when.Actors, w.when.Actors) && covers(v.when.Paths, w.when.Paths)
}

func covers[T comparable](wide, narrow []T) bool {
	if len(wide) == 0 {
		return true
	}
	return len(narrow) > 0 && !slices.ContainsFunc(narrow, func(x T) bool { return !slices.Contains(wide, x) })
}

// conjuncts appends the leaves that all have to be true.
func (n *node) conjuncts(out []*node) []*node {
	switch n.kind {
	case leaf:
		return append(out, n)
	case all:
		for _, c := range n.children {
			out = c.conjuncts(out)
		}
	}
	return out
}

// kindHas reports whether events of a kind ever have the fact.
func kindHas(kind postroom.EventKind, fact string) bool {
	switch {
	case strings.HasPrefix(fact, "mail."):
		return kind.OfMail()
	case !strings.HasPrefix(fact, "message."):
		return true
	}
	switch kind {
	case postroom.ConversationCreated, postroom.MessageReceived, postroom.ReplySent, postroom.NoteAdded:
		return true
	}
	return false
}

// constraint is what a single-valued fact may be: one of allowed, unless that
// is nil, and none of denied.
type constraint struct {
	allowed, denied []string
}

// constraints is what all demanded of facts must hold at once.
type constraints map[string]constraint

func (c constraints) allow(fact string, values []string) {
	if len(values) == 0 {
		return
	}
	k := c[fact]
	if k.allowed == nil {
		k.allowed = slices.Clone(values)
	} else {
		k.allowed = slices.DeleteFunc(slices.Clone(k.allowed), func(s string) bool { return !slices.Contains(values, s) })
		if len(k.allowed) == 0 {
			k.allowed = []string{} // nothing, not anything
		}
	}
	c[fact] = k
}

func (c constraints) deny(fact string, values []string) {
	k := c[fact]
	k.denied = append(slices.Clone(k.denied), values...)
	c[fact] = k
}

// of adds what a workflow demands.
func (c constraints) of(v *Version) {
	if v.Timed() { // what is asked about is the time that came, not the edge
		c.allow("event.actor", []string{string(postroom.BySystem)})
		c.allow("event.path", []string{string(postroom.PathTimer)})
		c.cond(v.cond, true)
		return
	}
	c.allow("event.actor", asText(v.when.Actors))
	c.allow("event.path", asText(v.when.Paths))
	c.allow("event.from", v.when.From)
	c.allow("event.to", v.when.To)
	if v.when.Event == postroom.StatusChanged || v.when.Event == postroom.ConversationCreated {
		c.allow("conversation.status", v.when.To)
	}
	if v.MailboxID != 0 {
		c.allow("conversation.mailbox", []string{fmt.Sprint(v.MailboxID)})
	}
	c.cond(v.cond, true)
}

// cond adds what a condition demands if it is to be as wanted.
func (c constraints) cond(n *node, want bool) {
	switch {
	case n.kind == all && want, n.kind == anyOf && (!want || len(n.children) == 1):
		for _, child := range n.children {
			c.cond(child, want)
		}
	case n.kind == none && want, n.kind == none && len(n.children) == 1:
		for _, child := range n.children {
			c.cond(child, !want)
		}
	case n.kind == leaf && !n.fact.Many:
		values := n.source.Values
		if n.fact.Kind == KindText {
			values = n.texts
		}
		switch op := n.source.Op; {
		case (op == Is || op == OneOf) && want, op == IsNot && !want:
			c.allow(n.fact.Name, values)
		case (op == Is || op == OneOf) && !want, op == IsNot && want:
			c.deny(n.fact.Name, values)
		}
	}
}

// contradiction returns a fact that nothing can satisfy, "" if there is none;
// of several the first by name.
func (c constraints) contradiction() string {
	found := ""
	for fact, k := range c {
		if k.allowed == nil || found != "" && found < fact {
			continue
		}
		if !slices.ContainsFunc(k.allowed, func(s string) bool { return !slices.Contains(k.denied, s) }) {
			found = fact
		}
	}
	return found
}
