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
}

// The states of a run.
const (
	RunDone   = "done"
	RunFailed = "failed"
)

// Effect is what became of one action of a run.
type Effect struct {
	Position  int
	Action    string // reply, note, status, assign, tags, stop
	Detail    string // what it would do, in words
	Result    EffectResult
	Reason    string // why not, in words, when it was not done
	MessageID int64
	MailID    int64
	EventSeq  int64
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
