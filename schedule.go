package postroom

// ScheduleRun is a workflow that runs at set times: when it does so next, how far
// it is while it looks at conversations, and what came of it the last time.
type ScheduleRun struct {
	WorkflowID int64
	Version    int
	State      ScheduleState
	DueAt      int64 // milliseconds: its next time
	Moment     int64 // the time it is under way for
	Place      int64 // the last conversation it looked at
	Looked     int   // how many
	Matched    int   // on how many it acted
	BeganAt    int64
	Last       ScheduleResult
}

// ScheduleResult is what came of one time. The zero value is that none has come.
type ScheduleResult struct {
	Moment, Ended   int64 // milliseconds: the set time, and when it was done
	Looked, Matched int
	Words           string // why it ended before all were looked at; "" if it did not
}

// ScheduleState says what a workflow that runs at set times does.
type ScheduleState string

// The states of a schedule.
const (
	ScheduleWaiting ScheduleState = "waiting"
	ScheduleWalking ScheduleState = "walking" // it looks at conversations
	ScheduleOff     ScheduleState = "off"
)
