package workflow

import (
	"fmt"
	"slices"

	"postroom"
)

// A workflow whose edge is postroom.WorkflowStarted runs when somebody says so,
// on one conversation or on a selection (W8). The event names the one workflow
// that it is for, and the version that was published then.

// ByHand reports whether people run the workflow.
func (w When) ByHand() bool { return w.Event == postroom.WorkflowStarted }

// ByHand reports whether people run the version.
func (v *Version) ByHand() bool { return v.Definition.When.ByHand() }

// MayStart reports whether somebody may run it by hand, as far as the workflow
// says; whether they may answer in the conversation is another question.
func (w When) MayStart(by postroom.Actor) bool {
	return len(w.Agents) == 0 || by.Kind == postroom.ByAgent && slices.Contains(w.Agents, by.ID)
}

// meant reports whether an event is for the version: all are, but for one that
// somebody set off by running another workflow.
func (v *Version) meant(e *postroom.Event) bool {
	return e.Kind != postroom.WorkflowStarted || e.Payload.WorkflowID == v.WorkflowID
}

// OwnEvent reports whether events of a kind are for the one workflow that they
// name, in the version that they name, whichever is published by now.
func OwnEvent(kind postroom.EventKind) bool {
	return kind == postroom.TimerDue || kind == postroom.WorkflowStarted || kind == postroom.ScheduleDue
}

// Own makes the set that judges an event that is for one workflow alone (see
// OwnEvent): by the version that the event names, in the state that the workflow
// has in s, with the revision of s. What it runs is found in s.
func (s *Set) Own(e *postroom.Event, v *Version) *Set {
	en := Entry{Version: v, State: SwitchedOff}
	if x, ok := s.all[v.WorkflowID]; ok {
		en.State = x.State
	}
	ed := &edge{entries: []Entry{en}}
	out := &Set{revision: s.revision, entries: ed.entries, edges: map[postroom.EventKind]*edge{e.Kind: ed}, all: s.all, own: map[int64]Entry{v.WorkflowID: en}}
	if en.State == Enabled && (e.Kind == postroom.TimerDue || !v.Timed()) {
		if LegOf(e) == 0 {
			ed.needs = v.needs
			if v.Limited() {
				ed.limited = []int64{v.WorkflowID}
			}
		}
		out.reach(ed, v, LegOf(e), 1)
	}
	return out
}

// byHand checks who may run it.
func (c *compiler) byHand(w When) {
	if !w.ByHand() {
		if len(w.Agents) > 0 {
			c.fault("when.agents", "Only a workflow that is run by hand says who may run it.")
		}
		return
	}
	if len(w.Agents) > MaxAgents {
		c.fault("when.agents", "At most %d agents can be named.", MaxAgents)
	}
	for i, id := range w.Agents {
		switch {
		case id <= 0:
			c.fault(fmt.Sprintf("when.agents[%d]", i), "%d is not an agent.", id)
		case slices.Index(w.Agents, id) < i:
			c.fault(fmt.Sprintf("when.agents[%d]", i), "This agent stands there twice.")
		}
	}
}

// startWords begin the words of an edge: an event, or who runs it by hand.
func (w When) startWords(names Names) string {
	if w.Event == postroom.FieldChanged {
		return w.fieldWords(names)
	}
	if !w.ByHand() || len(w.Agents) == 0 {
		return wordsOr(eventWords, w.Event)
	}
	return list(agentWords(w.Agents, names), "or") + " runs it by hand"
}

func agentWords(ids []int64, names Names) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = names.of(RefAgent, id)
	}
	return out
}
