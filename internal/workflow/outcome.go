package workflow

import (
	"fmt"

	"postroom"
)

// mailOutcomes are the events that can come of a mail.
var mailOutcomes = []postroom.EventKind{postroom.MailAccepted, postroom.MailDelayed, postroom.MailFailed, postroom.MailUncertain,
	postroom.MailAssumedSent, postroom.MailSuppressed, postroom.MailSkipped, postroom.MailCancelled, postroom.MailQuarantined}

// outcome is an event that an action can set off, as far as it is known before.
type outcome struct {
	event postroom.Event
	to    string // what a fact becomes; "" where that is not known
}

// outcomes lists the events that an action of v can set off.
func (v *Version) outcomes(a compiledAction) []outcome {
	mine := func(kind postroom.EventKind, to string) outcome {
		return outcome{postroom.Event{Kind: kind, Actor: postroom.Actor{Kind: postroom.ByWorkflow, ID: v.WorkflowID}, Path: postroom.PathWorkflow}, to}
	}
	mail := func(out []outcome, sort MailSort) []outcome {
		for _, kind := range mailOutcomes {
			out = append(out, outcome{postroom.Event{Kind: kind, Actor: postroom.System, Path: postroom.PathSystem}, string(sort)})
		}
		return out
	}
	switch a.Do {
	case DoReply:
		return mail([]outcome{mine(postroom.ReplySent, "")}, WorkflowReply)
	case DoNote:
		return []outcome{mine(postroom.NoteAdded, "")}
	case DoStatus:
		return []outcome{mine(postroom.StatusChanged, string(a.Status))}
	case DoAssign:
		return []outcome{mine(postroom.AssigneeChanged, fmt.Sprint(*a.Agent))}
	case DoTags:
		return []outcome{mine(postroom.TagsChanged, "")}
	}
	return nil
}

// setsOff reports whether an action of v can be an event that w's When lets
// pass and w's conditions do not exclude, and after which w would do something
// that is an event in turn.
func (v *Version) setsOff(w *Version) bool {
	if v.MailboxID != 0 && w.MailboxID != 0 && v.MailboxID != w.MailboxID {
		return false
	}
	for _, a := range v.actions {
		if w.silentAfter(a) {
			continue
		}
		for _, o := range v.outcomes(a) {
			side := o.to
			if o.event.Kind.OfMail() {
				side = ""
			}
			if o.event.Kind == w.when.Event && pass(w.when.To, side) && pass(w.when.Actors, o.event.Actor.Kind) &&
				pass(w.when.Paths, o.event.Path) && (w.Timed() || !w.excludes(&o.event, o.to)) {
				return true
			}
		}
	}
	return false
}

// excludes reports whether the conditions contradict what is known of an event
// that another workflow's action would be.
func (v *Version) excludes(e *postroom.Event, to string) bool {
	c := constraints{}
	c.of(v)
	c.allow("event.actor", []string{string(e.Actor.Kind)})
	c.allow("event.path", []string{string(e.Path)})
	c.allow("cause.workflow", []string{fmt.Sprint(e.Actor.ID)})
	switch e.Kind {
	case postroom.StatusChanged:
		c.allow("event.to", []string{to})
		c.allow("conversation.status", []string{to})
	case postroom.AssigneeChanged:
		c.allow("event.to", []string{to})
		c.allow("conversation.assignee", []string{to})
	case postroom.ConversationMoved:
		c.allow("conversation.mailbox", []string{to})
	}
	if e.Kind.OfMail() {
		c.allow("mail.sort", []string{to})
	}
	// "Not set" is a demand too: a workflow that runs only on what no workflow
	// did is not set off by any.
	for _, n := range v.cond.conjuncts(nil) {
		if n.fact.Name == "cause.workflow" && n.source.Op == NotSet && e.Actor.Kind == postroom.ByWorkflow {
			return true
		}
	}
	return c.contradiction() != ""
}
