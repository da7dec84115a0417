package query

// WhyPage is GET /conversations/{number}/why (W31): for each event each
// workflow of that edge, matched or not, and why. With ?event=ID it is about that
// event alone, and shows what all workflows said to it, with &from=N those behind
// the first N.
type WhyPage struct {
	Shell   Shell
	Head    Head
	Events  []WhyEvent // newest first
	Receipt *Receipt
	One     int64 // the event that the page is about; 0 = the whole conversation
	Newer   bool  // there are newer events than these
	Older   int64 // the oldest of these, where there are older ones; else 0
	From    int   // how many workflows stand before those shown of it
}

// WhyEvent is one event and how it was judged.
type WhyEvent struct {
	Line      EventLine
	State     string // of postroom.EventState; "pending" with Line.FinalAt ahead is in its undo window
	Words     string // for "not_judged": the reason
	Revision  int64  // of the set of workflows it was judged with
	JudgedAt  int64
	Cause     int64 // event that caused it; 0 = none
	Depth     int
	Workflows []WhyWorkflow // in their order
	Listened  int           // how many workflows said something to it; not all are shown where they are many
	Unmatched int           // not shown: did not match
	Unknown   int           // not shown: could not tell
	Aside     int           // not shown: were not considered
	Ended     []string      // the timers it ended, a sentence each
	Promises  []WhyPromise  // that began with it
	Retry     bool          // not judged: may be tried again by POST /events/{id}/judge
}

// WhyWorkflow is one workflow's answer to one event.
type WhyWorkflow struct {
	ID         int64
	Name       string
	Version    int
	Verdict    string // "matched", "waiting", "not matched", "unknown", "not considered"
	Reason     string // not considered: "paused", "stopped by X", "limit used: once per close" …
	Conditions []WhyCondition
	Change     string // the smallest change that would have made it match; "" if none is known
	Effects    []WhyEffect
	Differs    string // the recomputed verdict, where it is not the stored one
	Run        int64
	Error      string    // the leg failed, in words
	Timer      *WhyTimer // it waits, or a leg of it
	CalledBy   string    // the workflow that runs it on this event; "" for one that listens for it
	MayRead    bool      // who looks may open the workflow
	MayWrite   bool      // and write tests of it
}

// WhyTimer is what became of the timer that the event armed.
type WhyTimer struct {
	State    string // of postroom.TimerState
	DueAt    int64
	EndedAt  int64
	EndEvent int64  // the event that ended it, or was it; 0 = none
	Words    string // why it ended
}

// WhyCondition is one row of the table: a group (all, any, none of) or a
// condition, indented by Depth.
type WhyCondition struct {
	Depth    int
	Group    string // "all", "any", "none"; "" for a condition
	Fact     string // "Status after the event"
	Operator string // "is one of"
	Expected string
	Actual   string
	Verdict  string // "true", "false", "unknown"
}

// WhyEffect is one thing a workflow did, or would have.
type WhyEffect struct {
	Text      string // "Replied to the customer"
	State     string // of postroom.EffectResult
	Words     string // why not
	Mail      int64
	MailState string
	Call      int64 // of a webhook
}
