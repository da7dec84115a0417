package automate

import (
	"postroom"
	"postroom/internal/desk"
	"postroom/internal/workflow"
)

// unreachable finds where a definition asks customers for a rating who cannot
// reach the desk: the mail would have a gap in the place of the links.
func (w *Workflows) unreachable(d workflow.Definition) (faults workflow.Faults) {
	if w.letters == nil || w.letters.AsksForRatings() {
		return nil
	}
	for _, path := range workflow.AsksRating(d) {
		faults = append(faults, workflow.Fault{Path: path, Text: desk.WordsNoPublicURL})
	}
	return faults
}

// checkReachable is unreachable as an error of the first field.
func (w *Workflows) checkReachable(d workflow.Definition) error {
	faults := w.unreachable(d)
	if len(faults) == 0 {
		return nil
	}
	return &postroom.Error{Code: postroom.Invalid, Field: faults[0].Path, Text: faults[0].Text, Err: faults}
}
