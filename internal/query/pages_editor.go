package query

import "time"

// EditorPage is GET /workflows/{id}/edit: a workflow as it is being written.
type EditorPage struct {
	Shell     Shell
	ID        int64
	Name      string // as typed; may be empty
	Mailbox   string // id as typed; "0" is every mailbox
	Mailboxes []Choice
	Version   int   // the published one; 0 before the first
	On        bool  // it is switched on
	Base      int   // the version the draft was written from
	Revision  int64 // of the stored draft; 0 if there is none
	SavedAt   int64 // when the draft was saved, 0 if there is none
	SavedBy   string
	Newer     bool // another version than Base is published by now

	// MayPublish says that who looks may put it into force; otherwise Publishers
	// names who may.
	MayPublish bool
	Publishers string

	Sentence string
	Events   []EditorEvent // what it can listen for
	Event    string        // the chosen one
	EventDoc string
	Filters  []EditorControl // from, to, actors, paths of the When, as far as the event has them
	Timer    EditorTimer     // whether it waits, and for what
	Schedule EditorSchedule  // at which times it runs
	Waits    int             // timers that wait with versions published before
	Waiting  string          // what is to become of them: "keep", "move", "cancel"
	If       EditorNode      // the outermost group
	Facts    []EditorFacts   // what conditions can ask about
	Then     []EditorStep
	Actions  []EditorAction // what can be added to Then
	Limits   EditorLimits
	Statuses []Choice

	Errors    FieldErrors // by the field's name: what was typed and cannot be
	Missing   FieldErrors // what is still to be filled in
	ToDo      []EditorProblem
	Findings  []WorkflowFinding // what would not go well together, were it published so
	Variables []EditorVariable
	Changes   []WorkflowChange // against the published version
	Try       EditorTry
	Tests     []EditorTest // what it has to keep to, run on what is written
	Called    *EditorCall  // what came of a test call that was just made
	At        string       // place of what was just added or moved; "" otherwise
}

// TryVersionPage is GET /workflows/{id}/versions/{n}/try: what a version that was
// published once would do at a moment of a conversation.
type TryVersionPage struct {
	Shell     Shell
	ID        int64
	Name      string
	Version   int
	Published int // the version that runs now
	Sentence  string
	Try       EditorTry
	Errors    FieldErrors // "on" and "moment"
}

// EditorVariable is something a text can say.
type EditorVariable struct {
	Name, Label string
	Insert      string // as it is written, with a default where it needs one
	Optional    bool   // it may be empty
}

// EditorEvent is one kind of event in the When.
type EditorEvent struct {
	Value, Text string
	Group       string // those of one group stand together
}

// EditorControl is one control for a list of values or for one.
type EditorControl struct {
	Name    string // of the field
	Label   string // for those who listen, and above the filters
	Input   string // as workflow.Input
	Value   string // of a control with one value
	Unit    string // of a span
	Choices []EditorChoice
	Hint    string
	Any     string // of a filter: what it means to choose nothing
}

// EditorChoice is one entry of a list.
type EditorChoice struct {
	Value, Text string
	Chosen      bool
}

// EditorTimer is how long a workflow waits after its event.
type EditorTimer struct {
	On          bool
	After, Unit string // as typed
	Again       string
	Agains      []Choice
	Unless      []EditorUnless
}

// EditorUnless is one event that keeps a waiting workflow from running.
type EditorUnless struct {
	Place   string // "when.unless[0]"
	Event   string
	Words   string // to name its button by
	Filters []EditorControl
}

// EditorFacts is a group of facts in the menu of conditions.
type EditorFacts struct {
	Group string
	Facts []Choice
}

// EditorNode is a condition, or a group of them.
type EditorNode struct {
	Place    string // "if[0][1]"
	Group    string // "all", "any", "none"; "" for a condition
	Children []EditorNode
	Words    string // the condition in words, to name its buttons by
	Fact     string // chosen; "" is still to be chosen
	Doc      string // what exactly the fact is
	Strange  bool   // Fact is not among those that this event has
	IsHeader bool
	Header   string
	Ops      []Choice
	Op       string
	Value    EditorControl
	First    bool // it cannot go up
	Last     bool // it cannot go down
}

// EditorStep is one action of the Then.
type EditorStep struct {
	Place       string // "then[0]"
	Do          string
	Label, Doc  string
	Text        string
	IsHTML      bool // Text is HTML
	Status      string
	Agents      []EditorChoice
	Add, Remove []EditorChoice // tags
	First, Last bool

	By        string         // how an assignment chooses among several; "" is one agent
	Several   []EditorChoice // agents: of an assignment that chooses, of a mail, who are to follow
	Unfollow  []EditorChoice // agents who are to follow no more
	Teams     []EditorChoice // a team: to give it to; to assign to one of its members; to mail
	Assignee  bool           // a mail goes to who is assigned too
	To        string         // addresses, one a line
	Subject   string
	Mailboxes []EditorChoice
	Texts     []EditorText // of a reply, in further languages
	Languages []Choice     // that can still be added
	Webhook   *EditorWebhook

	Field     *EditorField   // which one is set, and to what
	Workflows []EditorChoice // one of them is run
	For, Unit string         // how long it waits, as typed
	Unless    []EditorUnless // what ends that wait
	Until, At string         // until which day, and time of day, it sleeps; "" for so long
	Untils    []Choice       // the days
}

// EditorWebhook is what a call of a webhook asks for.
type EditorWebhook struct {
	Method  string
	Methods []Choice
	NoBody  bool // its method sends none
	URL     string
	Own     bool // it sends a text of its own, else the event
	Type    string
	Headers []EditorHeader // the last may be an empty one, to be filled in
	Sign    []EditorChoice // signing secrets
	CanCall bool           // a test call can be made from here
}

// EditorHeader is a header of a call.
type EditorHeader struct {
	Place, Name, Value string
	Secrets            []EditorChoice
	Secret             bool // one of them is chosen
	More               bool // it is the empty one
}

// EditorCall is what came of a test call.
type EditorCall struct {
	Place   string
	OK      bool
	Words   string
	Address string
	Answer  string
	More    bool // there was more of it
	Took    time.Duration
	Request string
}

// EditorText is the text of a reply in a further language.
type EditorText struct {
	Tag, Name, Text string
}

// EditorAction is a kind of action that can be added.
type EditorAction struct {
	Do, Label, Doc string
}

// EditorLimits are the limits as typed.
type EditorLimits struct {
	OncePer  string
	CoolDown string
	Unit     string
	Mails    string // a day; "" is the default
	Default  int    // mails a day
	HasMail  bool   // one of the actions is a mail

	Runs, Period, PeriodUnit string // at most so many runs within so long
	Budget                   string // mails a day in all; "" is the default
	DefaultBudget            int
}

// EditorProblem is something that keeps the draft from being published.
type EditorProblem struct {
	Field   string // its name in the form
	Text    string
	Missing bool // nothing was typed yet
}

// WorkflowChange is one line of what differs between two versions.
type WorkflowChange struct {
	Sign string // "+" new, "-" gone, " " the same
	Text string
}

// EditorTry is what the workflow as it is written would do on one real event.
// Nothing is written and nothing is sent for it.
type EditorTry struct {
	Typed      string   // the number as typed
	Examples   []Choice // conversations on which such an event happened lately
	Moments    []Choice // of the conversation: its events, the newest first, and now
	Moment     string   // the chosen one; "" is the latest event that it listens for
	Invented   bool     // nothing of its kind happened at that moment: it is as if it had
	DueAt      int64    // when a wait that begins there is due; 0 if none does
	Wait       string   // what becomes of that wait
	Number     int64    // the conversation; 0 = an invented one
	Subject    string
	Event      string // the event in words; "" if there was none
	At         int64  // when it happened
	Verdict    string // "matched", "not matched", "unknown"; "" if it was not judged
	Reason     string
	Change     string // what least would have to be different
	Conditions []WhyCondition
	Steps      []EditorTried
}

// EditorTried is one action as it would be done.
type EditorTried struct {
	Text  string          // in words
	Mail  *WorkflowSample // the mail a reply would be
	Words string          // of a note
	Code  bool            // Words are what a program reads
	Depth int             // how many workflows run each other down to whose action it is
	Wait  bool            // it is a wait; Words say what becomes of it
	DueAt int64           // of a wait: when it is due; 0 if that is not known
	Over  bool            // a wait before it ended early: it would not be done
}

// EditorField is the field that an action sets.
type EditorField struct {
	Path     string // "" is still to be chosen
	Choices  []EditorChoice
	Value    EditorControl // what it becomes
	Template bool          // Value is a text that can say variables
}
