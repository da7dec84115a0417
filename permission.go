package postroom

import "slices"

// Verb is something an agent may or may not do.
type Verb string

// The verbs that permission is asked for.
const (
	See              Verb = "see"      // read a conversation
	Answer           Verb = "answer"   // change it: reply, note, status, assign, tags, move, delete
	Manage           Verb = "manage"   // settings, agents, promises; of a mailbox: its queue, its trash, mail that failed
	SeeQueue         Verb = "seequeue" // mail log, journeys
	DraftWorkflows   Verb = "draft"    // write workflows: drafts, tests, trying them on what happened
	PublishWorkflows Verb = "publish"  // put workflows into force: publish, restore, switch, order
)

// Can decides whether an agent may do something in a mailbox as such, which is
// with whatever is in it (0 for what belongs to none). An agent who sees only
// what is assigned to them may do nothing in the mailbox as such: for one
// conversation ask CanOn. A disabled agent may do nothing.
func Can(a *Agent, v Verb, mailboxID int64) bool {
	if a == nil || a.Disabled {
		return false
	}
	r, in := a.RightIn(mailboxID)
	return in && !r.OnlyAssigned && r.allows(v)
}

// CanOn is the one place that decides whether an agent may do something with a
// conversation that lies in a mailbox and is assigned to somebody (0 for
// nobody), and with what belongs to it: its messages, files, mails and events.
func CanOn(a *Agent, v Verb, mailboxID, assigneeID int64) bool {
	if a == nil || a.Disabled {
		return false
	}
	r, in := a.RightIn(mailboxID)
	return in && r.allows(v) && (!r.OnlyAssigned || assigneeID == a.ID)
}

// CanEnter decides whether an agent may see anything of a mailbox: that it is
// there, and at least what is assigned to them.
func CanEnter(a *Agent, mailboxID int64) bool {
	if a == nil || a.Disabled {
		return false
	}
	_, in := a.RightIn(mailboxID)
	return in
}

// CanSomewhere decides whether an agent may do something in at least one mailbox
// as such, or everywhere.
func CanSomewhere(a *Agent, v Verb) bool {
	return Can(a, v, 0) || a != nil && slices.ContainsFunc(a.Mailboxes, func(m int64) bool { return Can(a, v, m) })
}

// allows reports whether the right is enough for a verb.
func (r Right) allows(v Verb) bool {
	switch v {
	case DraftWorkflows:
		return r.Workflows == DraftWorkflows || r.Workflows == PublishWorkflows
	case PublishWorkflows:
		return r.Workflows == PublishWorkflows
	case See, SeeQueue:
		return true
	case Answer:
		return r.Most != See
	}
	return r.Most == Manage
}
