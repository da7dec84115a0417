package promise

import (
	"strings"

	"postroom"
	"postroom/internal/calendar"
	"postroom/internal/workflow"
)

// Identity says which version of which promise a definition is.
type Identity struct {
	ID        int64
	Number    int // of the version, from 1
	Name      string
	MailboxID int64 // 0: every mailbox
}

// Version is a definition made fit for judging. It never changes and may be used
// by several goroutines.
type Version struct {
	Identity
	Definition Definition // must not be changed

	begins *workflow.Version
	expect *workflow.Version // the event that must follow; nil for a mail
	within workflow.Span
}

// Compile checks a definition and makes it fit for judging. The error is
// Invalid, names the first faulty field and carries all workflow.Faults; their
// paths begin with "when", "if", "expect" and "within".
func Compile(d Definition, id Identity) (*Version, error) {
	v := &Version{Identity: id, Definition: d}
	var faults workflow.Faults
	fault := func(path, text string) { faults = append(faults, workflow.Fault{Path: path, Text: text}) }
	var err error
	if d.When.Timed() {
		fault("when.after", "A promise does not wait before it begins; say within which time it is kept.")
	}
	who := workflow.Identity{WorkflowID: id.ID, Number: id.Number, Name: id.Name, MailboxID: id.MailboxID}
	if v.begins, err = workflow.Compile(d.begins(), who); err != nil {
		faults = append(faults, workflow.FaultsOf(err)...)
	}
	x := d.Expect
	switch x.Times {
	case Once, Some, NotOnce:
	default:
		fault("expect.times", "It follows once, at least once, or not at all.")
	}
	switch {
	case x.Mail == "" && x.Event == nil:
		fault("expect.what", "Say what must follow.")
	case x.Mail != "" && x.Event != nil:
		fault("expect.what", "A mail or an event must follow, and not both.")
	case x.Event != nil:
		only := workflow.Definition{When: x.edge(), Then: []workflow.Action{{Do: workflow.DoNote, Text: "-"}}}
		if v.expect, err = workflow.Compile(only, workflow.Identity{}); err != nil {
			for _, f := range workflow.FaultsOf(err) {
				fault(strings.Replace(strings.Replace(f.Path, "when.event", "expect.what", 1), "when.", "expect.", 1), f.Text)
			}
		}
	case x.Mail != MailOfWorkflow && x.Mail != MailOfAnybody:
		fault("expect.what", "The mail is a workflow's, or anybody's.")
	}
	if x.Workflow != 0 && x.Mail != MailOfWorkflow {
		fault("expect.workflow", "Only a workflow's mail is of a workflow.")
	}
	span, ok := workflow.ReadSpan(d.Within)
	if !ok || !span.Business() && span.Least() <= 0 || span.Least() > MaxWithin {
		fault("within", "Say within which time, such as 2m, 4h, 3d or 4bh; at most a year.")
	}
	v.within = span
	if len(faults) > 0 {
		return nil, &postroom.Error{Code: postroom.Invalid, Field: faults[0].Path, Text: faults[0].Text, Err: faults}
	}
	return v, nil
}

// DueAt returns until when it must have followed on an event, in milliseconds:
// the span counts from when the event is final, so that an undo window takes
// nothing away from it. This is the one place that knows how time is counted.
// The calendar is looked at where CountsOffice says so, and may be nil elsewhere.
func (v *Version) DueAt(e *postroom.Event, office *calendar.Calendar) int64 {
	return v.within.After(max(e.At, e.FinalAt), office)
}

// CountsOffice reports whether its time is office time.
func (v *Version) CountsOffice() bool { return v.within.Business() }

// Needs says which records its conditions look at.
func (v *Version) Needs() workflow.Needs { return v.begins.Needs() }

// Restless reports whether what happens before the end of the span can decide
// it: what must happen exactly once is known only then.
func (v *Version) Restless() bool { return v.Definition.Expect.Times != Once }

// Set is the promises that are switched on, by the event that begins them.
type Set struct {
	on map[postroom.EventKind]*edge
}

type edge struct {
	set   *workflow.Set
	byID  map[int64]*Version
	needs workflow.Needs
}

// NewSet makes a set. It does not change once made and may be used by several
// goroutines.
func NewSet(versions []*Version) *Set {
	entries := map[postroom.EventKind][]workflow.Entry{}
	s := &Set{on: map[postroom.EventKind]*edge{}}
	for _, v := range versions {
		kind := v.Definition.When.Event
		if s.on[kind] == nil {
			s.on[kind] = &edge{byID: map[int64]*Version{}}
		}
		s.on[kind].byID[v.ID] = v
		entries[kind] = append(entries[kind], workflow.Entry{Version: v.begins, State: workflow.Enabled})
	}
	for kind, list := range entries {
		s.on[kind].set = workflow.NewSet(0, list)
		s.on[kind].needs = s.on[kind].set.Needs(kind)
	}
	return s
}

// Listens reports whether events of a kind begin promises. A nil Set has none.
func (s *Set) Listens(kind postroom.EventKind) bool { return s != nil && s.on[kind] != nil }

// Needs says what asking them about an event of this kind looks at.
func (s *Set) Needs(kind postroom.EventKind) workflow.Needs {
	if !s.Listens(kind) {
		return workflow.Needs{}
	}
	return s.on[kind].needs
}

// Watched lists the promises that an event begins. An unknown fact begins none.
// How long the chain of workflows is that led to the event plays no part.
func (s *Set) Watched(e *postroom.Event, facts workflow.Facts) []*Version {
	if !s.Listens(e.Kind) {
		return nil
	}
	on := s.on[e.Kind]
	var out []*Version
	for _, r := range workflow.Judge(on.set, e, facts, workflow.Inputs{}).Results {
		if r.Verdict == workflow.Matched || r.Verdict == workflow.DepthExceeded {
			out = append(out, on.byID[r.WorkflowID])
		}
	}
	return out
}
