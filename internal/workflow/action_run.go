package workflow

import (
	"slices"

	"postroom"
)

// The action run has another workflow look at the same event, as a leg of its
// own: its conditions are asked and its actions done, whatever its When says. It
// is in the same chain, in which a workflow runs once (W20).

// run checks which workflow is run.
func (c *compiler) run(a Action, path string) {
	switch {
	case a.Workflow <= 0:
		c.fault(path+".workflow", "Choose the workflow to run.")
	case a.Workflow == c.version.WorkflowID:
		c.fault(path+".workflow", "A workflow cannot run itself.")
	case slices.ContainsFunc(c.version.actions, func(x compiledAction) bool { return x.Do == DoRun && x.Workflow == a.Workflow }):
		c.fault(path+".workflow", "It runs this workflow already, and one runs once in a chain.")
	}
}

func (a Action) runWords(names Names) string {
	if a.Workflow == 0 {
		return "run the workflow " + gap
	}
	return "run “" + names.of(RefWorkflow, a.Workflow) + "”"
}

// Runs lists the workflows that a leg of the version runs, in order.
func (v *Version) Runs(leg int) []int64 {
	from, to := v.Leg(leg)
	var out []int64
	for _, a := range v.actions[from:to] {
		if a.Do == DoRun {
			out = append(out, a.Workflow)
		}
	}
	return out
}

// Find returns a workflow of the set, whatever it listens for.
func (s *Set) Find(id int64) (Entry, bool) {
	if en, ok := s.own[id]; ok {
		return en, true
	}
	en, ok := s.all[id]
	return en, ok
}

// callable finds a workflow that another one runs. One that waits for its own
// time is none: nobody would know for which of its events it waits.
func (s *Set) callable(id int64) (Entry, bool) {
	en, ok := s.Find(id)
	return en, ok && !en.Version.Timed()
}

// reach adds what the workflows that a leg of v runs look at to an edge.
func (s *Set) reach(ed *edge, v *Version, leg, depth int) {
	if depth > MaxDepth {
		return
	}
	for _, id := range v.Runs(leg) {
		en, ok := s.callable(id)
		if !ok || en.State != Enabled {
			continue
		}
		ed.needs = ed.needs.or(en.Version.needs)
		if en.Version.Limited() && !slices.Contains(ed.limited, id) {
			ed.limited = append(ed.limited, id)
		}
		s.reach(ed, en.Version, 0, depth+1)
	}
}

// call judges the workflows that one which matched runs, and those that these
// run in their turn.
func (c *chamber) call(caller *Version, leg, level int) {
	for _, id := range caller.Runs(leg) {
		en, ok := c.set.callable(id)
		if !ok {
			continue
		}
		res := Result{WorkflowID: id, Number: en.Version.Number, Level: level, Caller: caller.WorkflowID}
		res.Verdict = c.called(en, level)
		c.add(en, res)
		if res.Verdict == Matched {
			c.matched(en.Version)
			c.call(en.Version, 0, level+1)
		}
	}
}

// called judges one workflow that another one runs.
func (c *chamber) called(en Entry, level int) Verdict {
	v := en.Version
	switch {
	case en.State == OnHold:
		return Paused
	case en.State != Enabled:
		return Disabled
	case v.MailboxID != 0 && v.MailboxID != c.event.After.MailboxID:
		return OtherMailbox
	}
	return c.conditions(v, level)
}

// ran reports whether a workflow has matched this event before in the order.
func (j *Judgement) ran(id int64) bool {
	return slices.ContainsFunc(j.Matches, func(v *Version) bool { return v.WorkflowID == id })
}

// chamber is one event being judged.
type chamber struct {
	set     *Set
	event   *postroom.Event
	reading *reading
	in      Inputs
	stopper int64
	j       *Judgement
}

func (c *chamber) add(en Entry, res Result) {
	c.j.Results, c.j.judged = append(c.j.Results, res), append(c.j.judged, en)
	if res.Verdict == DepthExceeded {
		c.j.DepthReached = true
	}
}

func (c *chamber) matched(v *Version) {
	c.j.Matches = append(c.j.Matches, v)
	if v.stops {
		c.stopper = v.WorkflowID
	}
}

// conditions asks the If of a workflow, and what keeps it from running although
// that holds.
func (c *chamber) conditions(v *Version, level int) Verdict {
	switch v.cond.eval(c.reading) {
	case False:
		return NotMet
	case Unknown:
		return Undecided
	}
	switch {
	case c.j.ran(v.WorkflowID):
		return RanAlready
	case slices.Contains(c.in.Ran, v.WorkflowID):
		return ChainRan
	case c.event.Depth+level >= MaxDepth:
		return DepthExceeded
	}
	if used, _ := v.Definition.Limits.Used(c.in.Counters[v.WorkflowID], c.event.At); used {
		return LimitUsed
	}
	return Matched
}
