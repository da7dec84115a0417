package postroom

// Timer is a workflow that waits on a conversation for its time (W22): a
// durable row, one for each event that armed it.
type Timer struct {
	ID             int64
	WorkflowID     int64
	Version        int // the one it was armed with, and will be judged by
	ConversationID int64
	Leg            int   // of the run that waits: n goes on behind the nth wait of its Then; 0 begins a run
	EventID        int64 // that armed it
	EventSeq       int64
	State          TimerState
	ArmedAt        int64 // milliseconds: the time of that event
	DueAt          int64 // milliseconds, on the database's clock
	EndedAt        int64
	EndedBy        Actor  // who ended it
	EndEvent       int64  // the event that ended it, or the one that said it was due; 0 if none
	Words          string // why it ended, for people; "" while it waits and when it fired
}

// TimerState says what became of a timer.
type TimerState string

// The states of a timer. Only a waiting one ever changes.
const (
	TimerWaiting   TimerState = "waiting"
	TimerFired     TimerState = "fired"
	TimerStopped   TimerState = "cancelled"
	TimerRestarted TimerState = "restarted" // a newer event of its edge took its place
)
