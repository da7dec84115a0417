package workflow

import (
	"fmt"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/calendar"
)

// A timed workflow does not run when its event happens: the event arms a timer,
// and the workflow runs when that is due, unless something came between (W8,
// W22). Its conditions are asked then, about what is so then.

// Unless is an edge that ends a timer: an event with the filters of a When.
type Unless struct {
	Event  postroom.EventKind   `json:"event"`
	From   []string             `json:"from,omitempty" ref:"side"`
	To     []string             `json:"to,omitempty" ref:"side"`
	Actors []postroom.ActorKind `json:"actors,omitempty"`
	Paths  []postroom.Path      `json:"paths,omitempty"`
	Field  string               `json:"field,omitempty"`
}

// when is the edge as a When.
func (u Unless) when() When {
	return When{Event: u.Event, From: u.From, To: u.To, Actors: u.Actors, Paths: u.Paths, Field: u.Field}
}

// Again says what becomes of a timer that waits when its edge comes again on
// the same conversation.
type Again string

// The choices.
const (
	AgainRestart Again = "restart" // the default, also for "": the newer one takes its place
	AgainEach    Again = "each"    // both wait
)

// The bounds of timers.
const (
	MaxAfter  = 366 * 24 * 60 // minutes
	MaxUnless = 10
)

// Timed reports whether the edge arms a timer instead of running at once.
func (w When) Timed() bool { return w.After != "" }

// Judges returns the kind of event on which the conditions are asked: for a
// timed workflow not its edge but the timer's being due.
func (w When) Judges() postroom.EventKind {
	if w.Timed() {
		return postroom.TimerDue
	}
	return w.Event
}

// Timed reports whether the version waits before it runs.
func (v *Version) Timed() bool { return v.Definition.When.Timed() }

// Again says what a newer event of its edge does to a timer of this version.
func (v *Version) Again() Again {
	if v.Definition.When.Again == AgainEach {
		return AgainEach
	}
	return AgainRestart
}

// DueAt returns when a timer is due that is armed at a time, both in
// milliseconds. A version that is not timed is due at once. The calendar is
// looked at where CountsOffice says so, and may be nil elsewhere.
func (v *Version) DueAt(at int64, office *calendar.Calendar) int64 { return v.after.After(at, office) }

// CountsOffice reports whether its timers wait for business time.
func (v *Version) CountsOffice() bool { return v.after.Business() }

// Ends says why an event ends a timer of this version that waits on its
// conversation, in words; "" if it does not. What ends every timer is asked
// first: a conversation that is deleted or spam has no future.
func (v *Version) Ends(e *postroom.Event, names Names) string { return v.EndsLeg(0, e, names) }

// EndsLeg says it of a timer that waits for a leg of a run.
func (v *Version) EndsLeg(leg int, e *postroom.Event, names Names) string {
	switch {
	case e.Kind == postroom.ConversationDeleted:
		return "The conversation was deleted."
	case e.MergedAway():
		return "The conversation was merged into another one."
	case e.Kind == postroom.StatusChanged && e.Payload.To == string(postroom.Spam):
		return "The conversation was marked as spam."
	}
	for _, u := range v.endings(leg) {
		if u.Event == e.Kind && u.admits(e) {
			return EventWords(e, names) + "."
		}
	}
	return ""
}

// EndedBy lists the kinds of events that can end a timer of this version.
func (v *Version) EndedBy() []postroom.EventKind { return v.LegEndedBy(0) }

// LegEndedBy lists those that can end one which waits for a leg of a run.
func (v *Version) LegEndedBy(leg int) []postroom.EventKind {
	out := []postroom.EventKind{postroom.ConversationDeleted, postroom.ConversationMerged, postroom.StatusChanged}
	for _, u := range v.endings(leg) {
		if !slices.Contains(out, u.Event) {
			out = append(out, u.Event)
		}
	}
	return out
}

// NewDueSet makes the set that judges a timer's being due: the one version it
// was armed with, whichever is published by now, in the state that its workflow
// has in the set of the revision.
func NewDueSet(revision int64, en Entry) *Set {
	return NewSet(revision, []Entry{en}).Own(&postroom.Event{Kind: postroom.TimerDue}, en.Version)
}

// setFor makes the set that judges one event by this version alone: its edge, or
// its time having come.
func (v *Version) setFor(kind postroom.EventKind) *Set {
	en := Entry{v, Enabled}
	if kind == postroom.TimerDue && v.Timed() {
		return NewDueSet(0, en)
	}
	return NewSet(0, []Entry{en})
}

// arms is the verdict of a timed workflow on an event of its edge.
func (v *Version) arms(e *postroom.Event) Verdict {
	if e.After.Deleted || e.After.MergedInto != 0 || e.After.Status == postroom.Spam {
		return NotArmed
	}
	return Armed
}

// timed checks what makes an edge a timer's.
func (c *compiler) timed(w When) {
	if w.After == "" {
		for _, f := range []struct {
			name string
			used bool
		}{{"unless", len(w.Unless) > 0}, {"again", w.Again != ""}} {
			if f.used {
				c.fault("when."+f.name, "Only a workflow that waits has an %q.", f.name)
			}
		}
		return
	}
	span, ok := ReadSpan(w.After)
	if !ok || span.ms > MaxAfter*60_000 {
		c.fault("when.after", "%q is not a time to wait, such as 30m, 12h, 7d or 2w, or 4bh or 2bd of office time; at most a year.", w.After)
	}
	c.version.after = span
	switch w.Again {
	case "", AgainRestart, AgainEach:
	default:
		c.fault("when.again", "%q is none of restart and each.", w.Again)
	}
	if len(w.Unless) > MaxUnless {
		c.fault("when.unless", "At most %d events can keep it from running.", MaxUnless)
		return
	}
	for i, u := range w.Unless {
		if u.Event == postroom.WorkflowStarted {
			c.fault(fmt.Sprintf("when.unless[%d].event", i), "A workflow that is run by hand ends no wait.")
			continue
		}
		if u.Event == postroom.ScheduleDue {
			c.fault(fmt.Sprintf("when.unless[%d].event", i), "A set time ends no wait.")
			continue
		}
		c.edge(u.when(), fmt.Sprintf("when.unless[%d].", i))
		c.version.unless = append(c.version.unless, compiledWhen{u.when()})
	}
}

// timedWords says when a timed workflow runs, as in "7 days after a reply is
// sent, by an agent, unless the customer writes".
func (w When) timedWords(edge string, names Names) string {
	text := spanWords(w.After) + " after " + edge
	if len(w.Unless) > 0 {
		text += ", unless " + unlessWords(w.Unless, names)
	}
	return text
}

// spanWords says a span in the unit it was written in.
func spanWords(v string) string {
	number, unit, ok := SplitSpan(v)
	if _, whole := ReadSpan(v); !ok || !whole {
		return gap
	}
	i := slices.IndexFunc(Units(), func(u [2]string) bool { return u[0] == unit })
	word := Units()[i][1]
	if number == "1" {
		word = strings.TrimSuffix(word, "s")
	}
	return number + " " + word
}

// unlessWords lists what keeps a timer from running.
func unlessWords(all []Unless, names Names) string {
	parts := make([]string, len(all))
	for i, u := range all {
		parts[i] = strings.ReplaceAll(u.when().edgeWords(names), ", ", " ")
		if u.Event == postroom.MessageReceived && len(u.Paths) == 0 && slices.Equal(u.Actors, []postroom.ActorKind{postroom.ByCustomer}) {
			parts[i] = "the customer writes"
		}
	}
	return list(parts, "or")
}

// UnlessWords says what keeps a timer from running, as in "the customer
// writes"; "" if nothing does.
func (v *Version) UnlessWords(names Names) string {
	return unlessWords(v.Definition.When.Unless, names)
}

// Doing says what a version does when it runs, for a line that tells when: as
// in "Closes" or "Replies to the customer and adds the tag vip". It reads before
// a time.
func (v *Version) Doing(names Names) string { return v.LegDoing(0, names) }

// LegDoing says it of what a leg of a run does.
func (v *Version) LegDoing(leg int, names Names) string {
	var parts []string
	from, to := v.Leg(leg)
	for _, a := range v.Definition.Then[from:to] {
		if words := a.doing(names); words != "" {
			parts = append(parts, words)
		}
	}
	text := list(parts, "and")
	if text == "" {
		return "Stops later workflows"
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// doing says an action in the third person; "" for one that nobody sees.
func (a Action) doing(names Names) string {
	switch a.Do {
	case DoReply:
		return "replies to the customer"
	case DoNote:
		return "adds a note"
	case DoStatus:
		if a.Status == postroom.Closed {
			return "closes"
		}
		return "becomes " + string(a.Status)
	case DoStop, DoWait:
		return ""
	}
	verb, rest, _ := strings.Cut(a.words(names), " ")
	return verb + "s " + rest
}

// TimerNames names the choices of Again for an editor.
func TimerNames() [][2]string {
	return [][2]string{{"", "the wait begins anew"}, {string(AgainEach), "each waits for itself"}}
}
