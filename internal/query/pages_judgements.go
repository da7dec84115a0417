package query

// JudgementsPage is GET /workflows/{id}/judgements: what a workflow said to the
// latest events of its kinds (W31).
type JudgementsPage struct {
	Shell   Shell
	ID      int64
	Name    string
	Chosen  string            // the filter; "" is what it considered, "all" is all
	Filters []JudgementFilter // in their order
	Rows    []JudgementLine   // the newest first
	Looked  int               // how many events were looked at for them
	Until   int64             // the time of the oldest of these; 0 if there was none
	Older   string            // the address of what is before; "" at the beginning
	Newest  bool              // this is the newest part
	Hidden  int               // lines left out: their conversations are where the agent does not see them
}

// JudgementFilter is something the list can be narrowed to.
type JudgementFilter struct {
	Key, Text string
	Chosen    bool
}

// JudgementLine is what a workflow said to one event.
type JudgementLine struct {
	Event   int64
	Number  int64 // of the conversation
	Subject string
	What    string // the event in words
	At      int64
	Version int
	Verdict string // as in WhyWorkflow
	Said    string // the verdict in words
	Outcome string // of the run: "failed", "overtaken"; "" otherwise
	Words   string // why: of the run, or of the verdict
	Change  string // what least would have made it match
}
