package react

import (
	"slices"

	"postroom"
	"postroom/internal/workflow"
)

// runs says what came of running another workflow: it has a leg of its own, after
// this one, or the reason why not.
func (s *step) runs(w workflow.Wish, e *postroom.Effect) {
	results := s.leg.g.j.Results
	i := slices.IndexFunc(results, func(r workflow.Result) bool {
		return r.Level > 0 && r.Caller == s.leg.version.WorkflowID && r.WorkflowID == w.Workflow
	})
	switch {
	case i < 0:
		e.Result, e.Reason = postroom.EffectSkipped, "It cannot be run: it is not there any more, or waits for a time of its own."
	case results[i].Verdict != workflow.Matched:
		e.Result, e.Reason = postroom.EffectSkipped, "It did not run: "+results[i].Verdict.String()+"."
	}
}
