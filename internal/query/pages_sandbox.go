package query

// SandboxPage is GET /sandbox: the desk's own page about its sandbox.
type SandboxPage struct {
	Shell Shell
	State string // "none", "making", "ready" or "elsewhere": another process has it

	// Of one that is being made.
	Done, Total int
	Words       string // what is being done

	// Of one that is there.
	MadeAt        int64
	MadeBy        string
	Conversations int
	Replaced      bool   // personal data is not in it
	Missing       string // numbers that no conversation has
	Size          int64  // bytes on the disk
	Time          int64  // what its clock shows
	UsedAt        int64
	EndsAt        int64  // it is thrown away then, unless somebody uses it; 0: never
	Where         string // the process that has it

	Problem string // why the last one is gone, or was not made

	// The form to make one.
	Mailboxes               []Choice
	Latest, Folder, Numbers string
	Mailbox                 int64
	Replace                 bool
	Errors                  FieldErrors
}

// SandboxFrame is what each page within the sandbox says of it.
type SandboxFrame struct {
	Ahead    int64 // by how much its clock is ahead of the desk's, in milliseconds; behind: negative
	Skipping bool  // its clock is being moved just now
}

// PlayPage is GET /play: the sandbox's clock, and what one can be there.
type PlayPage struct {
	Shell  Shell
	Next   int64 // when something is due next by itself; 0: nothing is
	Waits  []PlayWait
	Skips  []PlaySkip // the newest first
	Agents []Choice
	Errors FieldErrors
}

// PlayWait is a workflow that waits for its time.
type PlayWait struct {
	Number   int64
	Subject  string
	Workflow string
	DueAt    int64
}

// PlaySkip is one move of the clock.
type PlaySkip struct {
	N        int
	From, To int64
	Steps    int    // moments at which something was done
	Words    string // why it stopped early; "" if it did not
}

// EffectsPage is GET /play/skips/{n}: what happened while the clock went on.
type EffectsPage struct {
	Shell    Shell
	Skip     PlaySkip
	Lines    []EffectLine
	Timers   int // workflows whose time came
	Mails    int // mails that went out
	Statuses int // statuses that changed
	Cut      bool
}

// EffectLine is one thing that happened.
type EffectLine struct {
	At      int64
	Icon    string
	Number  int64 // of the conversation
	Subject string
	Words   string
	Mail    int64 // a mail that went out, whose text can be shown; 0 for none
	HTML    bool
	To      string
	Bad     bool
	Undone  bool
}
