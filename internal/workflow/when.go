package workflow

import (
	"fmt"
	"slices"
	"strconv"

	"postroom"
)

// Events lists the kinds of events a workflow can listen for, in the editor's
// order.
func Events() []postroom.EventKind {
	return []postroom.EventKind{postroom.ConversationCreated, postroom.StatusChanged, postroom.AssigneeChanged, postroom.TeamChanged, postroom.TagsChanged,
		postroom.SubjectChanged, postroom.CustomerChanged, postroom.ConversationMoved, postroom.ConversationDeleted, postroom.ConversationRestored,
		postroom.ConversationSnoozed, postroom.ConversationWoken, postroom.FieldChanged,
		postroom.RatingReceived, postroom.ConversationOpened, postroom.ConversationMerged,
		postroom.MessageReceived, postroom.ReplySent, postroom.NoteAdded,
		postroom.MailAccepted, postroom.MailDelayed, postroom.MailFailed, postroom.MailUncertain, postroom.MailAssumedSent,
		postroom.MailSuppressed, postroom.MailSkipped, postroom.MailCancelled, postroom.MailQuarantined, postroom.MailBounced, postroom.MailComplained,
		postroom.WorkflowFailed, postroom.WorkflowPaused, postroom.WorkflowStarted, postroom.ScheduleDue}
}

// compiledWhen is a When whose event is known to be the right one.
type compiledWhen struct{ When }

// admits reports whether the event passes every filter.
func (w compiledWhen) admits(e *postroom.Event) bool {
	if e.Kind == postroom.TimerDue && w.Timed() {
		return true // its own: it is asked about no other
	}
	if e.Kind == postroom.WorkflowStarted && !w.MayStart(e.Actor) {
		return false
	}
	if closedByMerge(e) && !slices.Contains(w.Paths, postroom.PathMerge) {
		return false
	}
	if w.Field != "" && w.Field != e.Payload.Field {
		return false
	}
	from, to := sides(e)
	return pass(w.From, from) && pass(w.To, to) && pass(w.Actors, e.Actor.Kind) && pass(w.Paths, e.Path)
}

func pass[T comparable](wanted []T, have T) bool {
	return len(wanted) == 0 || slices.Contains(wanted, have)
}

// sides returns what an event changed from and to, nobody being "0".
func sides(e *postroom.Event) (from, to string) {
	if e.Kind == postroom.ConversationMerged {
		return "", mergeSide(e)
	}
	if kind, _, _ := postroom.SplitFieldPath(e.Payload.Field); e.Kind == postroom.FieldChanged && kind == postroom.FieldYesNo {
		return orNo(e.Payload.From), orNo(e.Payload.To)
	}
	return orNone(e.Kind, e.Payload.From), orNone(e.Kind, e.Payload.To)
}

// FormerCustomer returns whose conversation it was before an event gave it to
// another customer, 0 for any other event.
func FormerCustomer(e *postroom.Event) int64 {
	if e.Kind != postroom.CustomerChanged {
		return 0
	}
	id, _ := strconv.ParseInt(e.Payload.From, 10, 64)
	return id
}

// when checks the When.
func (c *compiler) when(w When) {
	c.version.when = compiledWhen{w}
	c.edge(w, "when.")
	c.timed(w)
	c.byHand(w)
	c.schedule(w)
}

// edge checks an event and its filters; at is where they stand.
func (c *compiler) edge(w When, at string) {
	if !slices.Contains(Events(), w.Event) {
		if w.Event == "" {
			c.fault(at+"event", "Say which event it listens for.")
		} else {
			c.fault(at+"event", "No workflow can listen for %q.", w.Event)
		}
		return
	}
	if w.Event == postroom.FieldChanged || w.Field != "" {
		c.edgeField(w, at)
	}
	for i, s := range w.From {
		c.side(w.Event, s, fmt.Sprintf("%sfrom[%d]", at, i), true)
	}
	for i, s := range w.To {
		c.side(w.Event, s, fmt.Sprintf("%sto[%d]", at, i), false)
	}
	for i, a := range w.Actors {
		if !slices.Contains(choiceLists.actor, string(a)) {
			c.fault(fmt.Sprintf("%sactors[%d]", at, i), "%q is nobody who does things.", a)
		}
	}
	for i, p := range w.Paths {
		if !slices.Contains(choiceLists.path, string(p)) {
			c.fault(fmt.Sprintf("%spaths[%d]", at, i), "%q is not a way of doing things.", p)
		}
	}
}

// side checks one value of From or To.
func (c *compiler) side(kind postroom.EventKind, value, path string, from bool) {
	switch {
	case kind == postroom.StatusChanged, kind == postroom.ConversationCreated && !from:
		if _, err := postroom.ParseStatus(value); err != nil {
			c.fault(path, "%s", postroom.TextOf(err))
		}
	case kind == postroom.RatingReceived && !from:
		if _, err := postroom.ParseRating(value); err != nil {
			c.fault(path, "%s", postroom.TextOf(err))
		}
	case kind == postroom.AssigneeChanged:
		if id, err := strconv.ParseInt(value, 10, 64); err != nil || id < 0 || strconv.FormatInt(id, 10) != value {
			c.fault(path, "%q is not an agent; 0 is nobody.", value)
		}
	case kind == postroom.TeamChanged:
		if id, err := strconv.ParseInt(value, 10, 64); err != nil || id < 0 || strconv.FormatInt(id, 10) != value {
			c.fault(path, "%q is not a team; 0 is none.", value)
		}
	case kind == postroom.ConversationMoved:
		if id, ok := parseID(value); !ok || id <= 0 {
			c.fault(path, "%q is not a mailbox.", value)
		}
	case kind == postroom.ConversationMerged && !from:
		if !slices.Contains(mergeSides, value) {
			c.fault(path, "%q is neither into another nor another into it.", value)
		}
	case kind == postroom.FieldChanged: // edgeField has looked at it
	default:
		word := "to"
		if from {
			word = "from"
		}
		c.fault(path, "The event %s changes nothing from something to something, so it has no %q.", kind, word)
	}
}
