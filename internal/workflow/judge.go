package workflow

import (
	"slices"

	"postroom"
)

// MaxDepth is how many workflows may set each other off in one chain. An event
// at this depth is judged by none, and the conversation says so (W20).
const MaxDepth = 8

// State says whether a published workflow takes part.
type State string

// The states of a workflow in a set.
const (
	Enabled     State = "enabled"
	SwitchedOff State = "off"
	OnHold      State = "paused" // by its budget or by failing again and again (W21, W23)
)

// Entry is one workflow in a set: its published version and its state.
type Entry struct {
	Version *Version
	State   State
}

// Set is every published workflow in its one explicit order (W11), indexed by
// event so that workflows on other edges cost an event nothing. It does not
// change once made and may be used by several goroutines.
type Set struct {
	revision int64
	entries  []Entry
	edges    map[postroom.EventKind]*edge
	all      map[int64]Entry // by workflow, for those that run others
	own      map[int64]Entry // the one of an event that is for one workflow
}

// edge is the part of a set that listens for one kind of event.
type edge struct {
	entries []Entry
	needs   Needs
	limited []int64
}

// NewSet makes a set of the workflows in the given order. The revision is
// fixed on an event by the first transaction that judges it (W16).
func NewSet(revision int64, entries []Entry) *Set {
	s := &Set{revision: revision, entries: slices.Clone(entries), edges: map[postroom.EventKind]*edge{}, all: make(map[int64]Entry, len(entries))}
	for _, en := range s.entries {
		s.all[en.Version.WorkflowID] = en
	}
	for _, en := range s.entries {
		kind := en.Version.Definition.When.Event
		ed := s.edges[kind]
		if ed == nil {
			ed = &edge{}
			s.edges[kind] = ed
		}
		ed.entries = append(ed.entries, en)
		if en.State == Enabled && !en.Version.Timed() {
			ed.needs = ed.needs.or(en.Version.needs)
			if en.Version.Limited() {
				ed.limited = append(ed.limited, en.Version.WorkflowID)
			}
			s.reach(ed, en.Version, 0, 1)
		}
	}
	return s
}

// Revision returns the revision the set was made with.
func (s *Set) Revision() int64 { return s.revision }

// Entries returns the workflows in order. They must not be changed.
func (s *Set) Entries() []Entry { return s.entries }

// On returns the workflows that listen for a kind of event, in order. They
// must not be changed.
func (s *Set) On(kind postroom.EventKind) []Entry {
	if ed := s.edges[kind]; ed != nil {
		return ed.entries
	}
	return nil
}

// Needs says what judging an event of this kind looks at.
func (s *Set) Needs(kind postroom.EventKind) Needs {
	if ed := s.edges[kind]; ed != nil {
		return ed.needs
	}
	return Needs{}
}

// Limited returns the ids of the workflows on this edge whose limits need
// Counters. For all others none need be given.
func (s *Set) Limited(kind postroom.EventKind) []int64 {
	if ed := s.edges[kind]; ed != nil {
		return ed.limited
	}
	return nil
}

// Inputs is what deciding takes into account beside event and facts. It is
// recorded with the judgement, so that the judgement can be repeated (W40).
type Inputs struct {
	// Ran holds the workflows that already ran in this chain (W20).
	Ran []int64 `json:"ran,omitempty"`
	// Counters holds the counters of the workflows that Set.Limited names.
	Counters map[int64]Counters `json:"counters,omitempty"`
	// Ended holds the timers of the conversation that the event ended.
	Ended []EndedTimer `json:"ended_timers,omitempty"`
	// Office is the calendar that counted, where anything asked for it.
	Office *Office `json:"office,omitempty"`
}

// EndedTimer is a timer that an event ended, with the version it waited with.
type EndedTimer struct {
	Timer      int64 `json:"timer"`
	WorkflowID int64 `json:"workflow"`
	Number     int   `json:"version"`
}

// Result is what came of one workflow for one event.
type Result struct {
	WorkflowID int64
	Number     int // of the version
	Verdict    Verdict
	By         int64 // for Stopped: the workflow that said stop
	Level      int   // 0, or how many workflows run each other from the edge down to this one
	Caller     int64 // of a Level above 0: the workflow that runs it
}

// Judgement is what came of each workflow on an event's edge, in order.
type Judgement struct {
	Revision int64 // of the set
	Results  []Result
	Matches  []*Version // those that matched, in order; they are to run
	Armed    []*Version // those for which a timer is to wait
	// DepthReached says that a workflow would have run but for the length of
	// the chain; the conversation is to say so in plain words (W20).
	DepthReached bool

	judged []Entry // of each result
}

// Judge judges one event by every workflow of its edge, in order. All look at
// the same facts, whatever the earlier ones are going to do (W16); only stop
// reaches from one to the next. It changes nothing and always gives the same
// for the same.
func Judge(s *Set, e *postroom.Event, facts Facts, in Inputs) Judgement {
	j := Judgement{Revision: s.revision}
	ed := s.edges[e.Kind]
	if ed == nil {
		return j
	}
	c := chamber{set: s, event: e, reading: newReading(e, facts), in: in, j: &j}
	j.Results = make([]Result, 0, len(ed.entries))
	for _, en := range ed.entries {
		v := en.Version
		if !v.meant(e) {
			continue
		}
		res := Result{WorkflowID: v.WorkflowID, Number: v.Number, Verdict: c.verdict(en)}
		if res.Verdict == Stopped {
			res.By = c.stopper
		}
		c.add(en, res)
		switch {
		case res.Verdict == Armed:
			j.Armed = append(j.Armed, v)
		case res.Verdict.Runs():
			c.matched(v)
			c.call(v, LegOf(e), 1)
		}
	}
	return j
}

// Listens reports whether the workflow is for the event's mailbox and its When
// lets the event pass; its conditions are not looked at.
func (v *Version) Listens(e *postroom.Event) bool {
	return v.when.Event == e.Kind && v.meant(e) && (v.MailboxID == 0 || v.MailboxID == e.After.MailboxID) && v.when.admits(e)
}

// verdict judges one workflow of the edge. What keeps it from being considered
// comes first; depth, chain and limits come last, so that they are only named
// where the workflow would otherwise have run.
func (c *chamber) verdict(en Entry) Verdict {
	v, e := en.Version, c.event
	switch {
	case en.State == OnHold:
		return Paused
	case en.State != Enabled:
		return Disabled
	case v.MailboxID != 0 && v.MailboxID != e.After.MailboxID:
		return OtherMailbox
	case c.stopper != 0:
		return Stopped
	case LegOf(e) > 0:
		return Continued
	case !v.when.admits(e):
		return Filtered
	case v.Timed() && e.Kind != postroom.TimerDue:
		return v.arms(e)
	}
	return c.conditions(v, 0)
}
