package workflow

import "postroom"

// What a merge is for one of its conversations, as the To of a When has it.
const (
	MergedAway = "away" // it was merged into another one, and is only a place that leads there
	MergedHere = "here" // it took another one in
)

var mergeSides = []string{MergedHere, MergedAway}

var mergeSideWords = map[string]string{
	MergedHere: "the one that goes on",
	MergedAway: "the one that ends",
}

// mergeSide says which of the two the conversation of an event is.
func mergeSide(e *postroom.Event) string {
	if e.MergedAway() {
		return MergedAway
	}
	return MergedHere
}

// closedByMerge reports whether a conversation was closed because it was merged.
// Its matter goes on elsewhere: only a When that names the path hears of that
// close, so that nobody is told by default that their matter is closed.
func closedByMerge(e *postroom.Event) bool {
	return e.Kind == postroom.StatusChanged && e.Path == postroom.PathMerge && e.Payload.To == string(postroom.Closed)
}

// explainMerge checks that a When without paths does not hear of a close by
// merging; ok is false for every other event and When.
func (w compiledWhen) explainMerge(e *postroom.Event) (c Check, ok bool) {
	if !closedByMerge(e) || len(w.Paths) > 0 {
		return c, false
	}
	return Check{Text: "done through", Expected: "any way but merging", Actual: wordsOr(pathWords, string(e.Path)), Truth: False}, true
}
