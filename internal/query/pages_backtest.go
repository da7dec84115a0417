package query

// BacktestsPage is GET /workflows/{id}/backtest: where one is begun, and those
// of the last month.
type BacktestsPage struct {
	Shell    Shell
	ID       int64
	Name     string
	Sentence string // what would be tried
	Draft    bool   // somebody is writing its next version
	Version  int    // the published one, 0 if there is none
	Days     string // as typed
	Of       string // "draft", "published", or the number of an older version
	Past     []BacktestHead
	Errors   FieldErrors
}

// BacktestHead is one backtest of a list.
type BacktestHead struct {
	ID      int64
	What    string // "Version 3", "The draft"
	Days    int
	At      int64
	State   string // of the job: "running", "done", "failed", "cancelled"
	Words   string // what came of it, or why it ended
	Running bool
}

// BacktestPage is GET /workflows/{id}/backtest/{job}.
type BacktestPage struct {
	Shell       Shell
	ID          int64
	Head        BacktestHead
	Name        string
	Done, Total int
	Sum         BacktestSummary
	Ready       bool // Sum says what came of it
	Lines       []BacktestLine
	Several     []BacktestCount // who would get several of the mails listed
	Hidden      int             // lines left out: their conversations are where the agent does not see them
}

// BacktestCount is so many of something.
type BacktestCount struct {
	Key  string `json:"key,omitempty"`
	Text string `json:"text"`
	N    int    `json:"n"`
	Same int    `json:"same,omitempty"` // of them, where it was so already
}

// BacktestSummary is what came of a backtest, without anybody in it.
type BacktestSummary struct {
	Sentence string `json:"sentence"`
	Event    string `json:"event"` // the kind, in words
	Since    int64  `json:"since"` // milliseconds
	Until    int64  `json:"until"`
	Events   int    `json:"events"`
	Cut      bool   `json:"cut,omitempty"` // there were more events; the oldest were left out
	Own      int    `json:"own,omitempty"` // left out: what the workflow itself had caused

	Verdicts []BacktestCount `json:"verdicts,omitempty"`
	Matched  int             `json:"matched"`
	Effects  []BacktestCount `json:"effects,omitempty"`
	Failed   []BacktestCount `json:"failed,omitempty"`  // runs that would have failed, by reason
	Unknown  []BacktestCount `json:"unknown,omitempty"` // what is not known any more, by reason
	Mails    int             `json:"mails"`             // that would go out
	Whose    []BacktestCount `json:"whose,omitempty"`   // of these, by workflow, where others that are run mail too
	Held     []BacktestCount `json:"held,omitempty"`    // that would not, by limit
	People   int             `json:"people"`            // addresses that would get one
	Several  int             `json:"several"`           // of them, how many would get more than one
	Timed    bool            `json:"timed,omitempty"`
	Waits    []BacktestCount `json:"waits,omitempty"` // what would have become of the waits

	Really      []BacktestCount `json:"really,omitempty"` // workflows that ran for these events
	ReallyMails int             `json:"really_mails"`     // automatic mails that went out there
	Lines       int             `json:"lines"`            // events that are listed
	More        int             `json:"more,omitempty"`   // that are not
	Customer    bool            `json:"customer,omitempty"`
}

// BacktestLine is what would have come of one event.
type BacktestLine struct {
	Event       int64          `json:"event"` // 0: a time that would have come
	Number      int64          `json:"number"`
	Subject     string         `json:"subject"`
	At          int64          `json:"at"`
	What        string         `json:"what"`
	Verdict     string         `json:"verdict"` // as in WhyWorkflow
	Words       string         `json:"words,omitempty"`
	Effects     []string       `json:"effects,omitempty"`
	Mails       []BacktestMail `json:"mails,omitempty"`
	Really      []string       `json:"really,omitempty"`       // workflows that ran for this event
	ReallyMails []string       `json:"really_mails,omitempty"` // subjects of automatic mails of these runs
}

// BacktestMail is a mail that would have been sent.
type BacktestMail struct {
	To      string `json:"to"` // addresses
	Subject string `json:"subject,omitempty"`
	Text    string `json:"text,omitempty"` // "" where it was not kept
	HTML    bool   `json:"html,omitempty"` // Text was HTML, and is shown without it
	Held    string `json:"held,omitempty"` // why it would not have gone out

	By   string `json:"by,omitempty"`    // the workflow whose mail it is, if that is another one, which is run
	ByID int64  `json:"by_id,omitempty"` // its id
	At   int64  `json:"at,omitempty"`    // behind a wait: when it would have gone; 0 is at the event
}
