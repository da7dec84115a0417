package query

// WorkflowsPage is GET /workflows: all of them in their one order (W11).
type WorkflowsPage struct {
	Shell    Shell
	Rows     []WorkflowLine
	Findings []WorkflowFinding
	More     int                 // findings beyond those listed
	Graph    WorkflowGraph       // who can set off whom
	Drafts   []WorkflowDraftLine // those that were never published
	Deleted  []WorkflowLine
	Partly   bool // workflows of mailboxes in which the agent may write none are left out
}

// WorkflowDraftLine is a workflow that was never published.
type WorkflowDraftLine struct {
	ID       int64
	Name     string // may be empty
	Sentence string
	Mailbox  string // "" = all mailboxes
	SavedAt  int64
	SavedBy  string
}

// WorkflowRecipe is what a new workflow can begin from.
type WorkflowRecipe struct {
	Key, Name, Description string
	Sentence               string
}

// WorkflowRecipesPage is GET /workflows/new.
type WorkflowRecipesPage struct {
	Shell   Shell
	Recipes []WorkflowRecipe
}

// WorkflowFinding is something an admin should look at before it does harm
// (W34): workflows that do not go well together, or one that never runs.
type WorkflowFinding struct {
	Title     string // what kind of thing it is: "Two mails to the customer"
	Text      string // a sentence with the names of those it is about
	Grave     bool   // it does not work at all, or does not stop
	Workflows []Choice
}

// WorkflowGraph is who can set off whom, in columns from left to right. Its
// nodes are those that set somebody off or are set off.
type WorkflowGraph struct {
	Nodes         []WorkflowNode
	Arrows        []WorkflowArrow
	Columns, Rows int
}

// WorkflowNode is a workflow in its place, both from 0.
type WorkflowNode struct {
	ID          int64
	Name        string
	Column, Row int
	Circle      bool // it can come to set off itself
}

// WorkflowArrow says that one node, by its place in the list, can set off
// another.
type WorkflowArrow struct {
	From, To int
	Words    string // by doing what
	Circle   bool
}

// WorkflowLine is one workflow in the list.
type WorkflowLine struct {
	ID          int64
	Name        string
	Sentence    string // "When the status changes to closed, if …, then reply to the customer."
	On          bool
	Paused      string // why it paused itself; "" otherwise
	Version     int    // published; 0 = never
	PublishedAt int64
	PublishedBy string // "Postroom" for a shipped one never changed
	Mailbox     string // "" = all mailboxes
	MailboxID   int64
	Runs        int  // matches in the last 30 days
	First, Last bool // no move up, no move down
	Shipped     bool
	Drafted     bool  // somebody is writing its next version
	DeletedAt   int64 // 0 = it is there

	MayPublish bool // also switch it, move it, restore it and delete it
}

// WorkflowPage is GET /workflows/{id}, and /workflows/{id}/versions/{n}.
type WorkflowPage struct {
	Shell     Shell
	TakeOver  string // in a sandbox: whose draft on the desk this version would take the place of; "" unless that is asked
	Workflow  WorkflowLine
	When      string         // "the status changes to closed"
	If        []WorkflowTerm // read top down
	Then      []WorkflowStep
	Limits    []string        // "once per event", "at most 3 mails per conversation and day that only machines caused"
	Template  string          // wording of the reply as stored or as typed
	Variables []Choice        // Value "customer.first_name", Text "First name of the customer"
	Preview   *WorkflowSample // rendered on a real or sample conversation
	On        string          // number of the conversation to render it on, as typed; "" invents one
	Versions  []WorkflowVersion
	Shown     int // version shown; 0 = the published one
	Errors    FieldErrors
	Restoring int // the version whose restoring red tests have refused
	MayEdit   bool
	// Whether the agent may see what it said and would have said, and who may
	// publish it when the agent may not.
	MayTell    bool
	Publishers string
	CopyTo     []Choice          // the mailboxes that a copy of it may be for
	Changes    []WorkflowChange  // of the shown version against the one before it
	Waits      int               // conversations on which it waits for its time
	Schedule   *WorkflowSchedule // when it runs, for one that runs at set times
	Gone       []string          // what the published version names and is not there any more, in sentences
	NextDue    int64             // when the first of them is due; 0 = none waits
	Rename     string            // a new name that was refused, as typed
}

// WorkflowTerm is one line of the If.
type WorkflowTerm struct {
	Depth    int
	Group    string // "all", "any", "none"; "" for a condition
	Fact     string
	Operator string
	Value    string
}

// WorkflowStep is one line of the Then.
type WorkflowStep struct {
	Text  string // "Reply to the customer"
	Words string // details: the beginning of the wording
}

// WorkflowSample is a rendered wording.
type WorkflowSample struct {
	Number  int64 // conversation it was rendered for; 0 = an invented one
	Subject string
	To      string
	HTML    string
	Text    string
	Error   string // "line 2: unknown variable customer.nam"
}

// WorkflowVersion is one published version.
type WorkflowVersion struct {
	Version int
	At      int64
	By      string
	Note    string
	Current bool
}
