package query

// ListPage is GET /folders/{folder}: the folder pane, the list, and an empty
// third pane. With the header "Turbo-Frame: list" only List is drawn
// (view.ListFrame), which is what the list beside an open conversation asks
// for; it carries an ETag.
type ListPage struct {
	Shell Shell
	List  List
}

// List is one page of a folder.
type List struct {
	Folder   string // one of FolderNames, or a team's
	Name     string // of the team whose folder it is; "" for any other folder
	Mailbox  int64  // 0 = all
	Title    string // mailbox name, or "All mailboxes"
	Sort     string // one of SortsIn its folder, never ""
	Rows     []Row
	Next     string // cursor for ?after=
	Previous string // cursor for ?before=
	Total    int    // conversations in the folder, from the counters
	Agents   []Choice
	Teams    []Choice     // they may be given to
	Tags     []string     // tags in use, for the bulk menu
	MoveTo   []Choice     // mailboxes they may be moved to
	Run      []Startable  // workflows the agent may run on them by hand
	Fields   []FieldValue // those of conversations, without values
	MayErase bool         // empty the folder of deleted ones
	Now      int64
	Me       int64
	Density  string
	Zone     string

	// Begin is what an admin of a desk without any conversation does next:
	// BeginMailbox or BeginMail, to Address. "" on every other desk.
	Begin   string
	Address string
}

// What a desk begins with.
const (
	BeginMailbox = "mailbox" // there is none yet
	BeginMail    = "mail"    // none has come yet
)

// Row is one conversation in a list.
type Row struct {
	ID           int64
	Number       int64
	Subject      string
	Preview      string // beginning of the last message, one line, at most 160 characters
	Customer     string // name, or the address where there is no name
	Address      string
	Status       string
	AssigneeID   int64 // 0 = nobody
	Assignee     string
	Team         string // name of the team whose it is; "" for none
	MailboxID    int64
	Mailbox      string
	Tags         []string
	WaitingSince int64  // the customer waits for an answer since then; 0 = nobody waits
	LastAt       int64  // time of the last message
	Messages     int    // messages without notes
	Attachments  bool   // any message carries a listed attachment
	Draft        bool   // the agent who looks has a draft here
	Note         bool   // the last message is a note
	Trouble      string // state of a mail that needs eyes: "failed", "uncertain", "quarantined"; else ""
	Rating       string // of postroom.RatingValue; "" for none
	SnoozedUntil int64  // it sleeps until then; 0 if it is awake
}

// JobPage is GET /jobs/{id}: progress of a bulk act (W19 for its undo).
type JobPage struct {
	Shell     Shell
	ID        int64
	Words     string // "Close 214 conversations"
	State     string // "waiting", "running", "done", "cancelled", "failed", "undoing", "undone"
	Error     string // in words, for "failed"
	Total     int
	Done      int
	Changed   int // conversations that really changed
	Started   int64
	Ended     int64
	UndoUntil int64 // 0 = cannot be undone (any more)
	Act       int64
	Skipped   []JobSkip // at most 100
	SkippedN  int       // all of them
	Return    string    // local path back to the list
	MayCancel bool
}

// JobSkip is a conversation a job, or its undo, left alone.
type JobSkip struct {
	Number  int64
	Subject string
	Words   string // "closed by Ann meanwhile"
}
