package workflow

// Truth is the value of a condition: a missing fact makes it unknown, never
// silently false.
type Truth int8

// The three values.
const (
	Unknown Truth = iota
	False
	True
)

// String returns true, false or unknown.
func (t Truth) String() string {
	switch t {
	case True:
		return "true"
	case False:
		return "false"
	}
	return "unknown"
}

// Verdict is what came of one workflow for one event.
type Verdict byte

// The verdicts. The byte is the code in a stored vector and never changes its
// meaning.
const (
	Matched       Verdict = 'm'
	Filtered      Verdict = 'e' // the event is not of the wanted from, to, actor or path
	NotMet        Verdict = 'f' // its conditions are false
	Undecided     Verdict = 'u' // its conditions are unknown: a fact is missing
	Disabled      Verdict = 'd' // switched off
	Paused        Verdict = 'p' // stopped by its budget or by failing again and again
	OtherMailbox  Verdict = 'o' // it belongs to another mailbox
	Stopped       Verdict = 's' // an earlier workflow said stop
	ChainRan      Verdict = 'c' // it already ran in this chain (W20)
	LimitUsed     Verdict = 'l' // its limits allow no further run now (W12)
	DepthExceeded Verdict = 'x' // the chain has reached MaxDepth (W20)
	Armed         Verdict = 'a' // a timer waits now; its conditions are asked when that is due (W22)
	NotArmed      Verdict = 'n' // no timer: the conversation is deleted or spam
	Continued     Verdict = 'g' // a run went on after a wait of its Then (W18)
	RanAlready    Verdict = 'r' // it ran for this very event, run by another workflow or before that
)

// verdictWords says each verdict in words; it is also the list of all codes.
var verdictWords = map[Verdict]string{
	Matched:       "matched",
	Filtered:      "its When does not fit",
	NotMet:        "conditions not met",
	Undecided:     "conditions unknown",
	Disabled:      "not considered: switched off",
	Paused:        "not considered: paused",
	OtherMailbox:  "not considered: other mailbox",
	Stopped:       "not considered: stopped by an earlier workflow",
	ChainRan:      "not considered: it already ran in this chain",
	LimitUsed:     "not considered: limit used",
	DepthExceeded: "not considered: the chain is too long",
	Armed:         "waiting: it runs when its time has come",
	NotArmed:      "not considered: the conversation is deleted or spam",
	Continued:     "went on after its wait",
	RanAlready:    "not considered: it has run for this event already",
}

// String returns the verdict in words for people.
func (v Verdict) String() string {
	if w, ok := verdictWords[v]; ok {
		return w
	}
	return "unknown verdict"
}

// Considered reports whether the workflow's own When and If decided.
func (v Verdict) Considered() bool {
	return v == Matched || v == Filtered || v == NotMet || v == Undecided
}

// Runs reports whether something is done: the workflow matched, or a run of it
// went on.
func (v Verdict) Runs() bool { return v == Matched || v == Continued }
