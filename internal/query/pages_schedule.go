package query

// EditorSchedule is at which times a workflow runs, as it is being written.
type EditorSchedule struct {
	On      bool
	By      string // "week" or "month": what Days are of
	Days    []EditorChoice
	At      string // time of day
	Zone    string // "" is that of the office hours
	Most    string // as typed
	Default int    // what an empty Most stands for
	Closed  string // what it does on days without office hours
	Closeds []Choice
	Next    []int64 // its next times, were it published now; none while it has none
	Never   bool    // it has none because the office has no hours on its days
}

// WorkflowSchedule says of a workflow that runs at set times when it does so next
// and what came of it the last time.
type WorkflowSchedule struct {
	Next            int64 // 0: it is switched off
	Walking         bool  // it is looking at conversations now
	Looked, Matched int   // so far, while it is
	Most            int   // on how many conversations it acts each time
	LastAt          int64 // the last set time, 0 if none has come
	LastLooked      int
	LastMatched     int
	LastWords       string // why it ended before all were looked at
}
