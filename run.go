package postroom

// Run is one workflow version that matched one event, and what came of it.
// (WorkflowID, EventID) is unique: a crash repeats nothing (W18).
type Run struct {
	ID             int64
	WorkflowID     int64
	Version        int
	EventID        int64
	EventSeq       int64 // of that event
	RootID         int64
	ConversationID int64
	State          string // done, failed
	Stopped        bool   // it said stop: later workflows did not run for this event
	Error          string
	At             int64
	Effects        []Effect
	Leg            int // n: it went on behind the nth wait of its Then; 0 is the first leg
}

// The states of a run.
const (
	RunDone   = "done"
	RunFailed = "failed"
)

// Effect is what became of one action of a run.
type Effect struct {
	Position  int
	Action    string // as workflow.ActionKind
	Detail    string // what it would do, in words
	Result    EffectResult
	Reason    string // why not, in words, when it was not done
	MessageID int64
	MailID    int64
	EventSeq  int64
	Pick      *Pick  `json:",omitempty"` // of an action that chose an agent: what it chose by
	Because   string `json:",omitempty"` // why it chose so, in words
	CallID    int64  `json:",omitempty"` // of an action that calls a webhook
}

// Pick is what an agent is chosen by: the recorded input of that choice (W40).
type Pick struct {
	By     string      `json:"by"` // round_robin, least_loaded
	Agents []PickAgent `json:"agents"`
	Team   int64       `json:"team,omitempty"` // whose members they were, 0 if they were named one by one
	Last   int64       `json:"last,omitempty"` // to whom the action assigned last, 0 for nobody yet
}

// PickAgent is one of those to choose from.
type PickAgent struct {
	ID   int64  `json:"id"`
	Open int    `json:"open,omitempty"` // open conversations, where they count
	Not  string `json:"not,omitempty"`  // why not this one, as in "may not answer here"
}

// EffectResult says what became of an action.
type EffectResult string

// The results.
const (
	EffectDone      EffectResult = "done"
	EffectNothing   EffectResult = "nothing"   // it was so already
	EffectOvertaken EffectResult = "overtaken" // the world went on (W17)
	EffectSkipped   EffectResult = "skipped"   // limit, class of mail, no address
	EffectFailed    EffectResult = "failed"
)
