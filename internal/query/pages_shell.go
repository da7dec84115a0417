package query

import (
	"postroom/internal/store"
)

// This file and the other pages_*.go hold what a page needs to be drawn and
// nothing else: plain data, filled by the readers of this package and by the
// handlers, drawn by web/view. Conventions that hold for all of them:
//
//   - A time is an int64 of milliseconds since 1970 UTC; 0 means "none". The
//     view turns it into the agent's zone.
//   - Statuses, mail states, event kinds, actor kinds and paths are strings
//     with exactly the values of the domain's types (postroom.Status,
//     postroom.MailState, postroom.EventKind, postroom.ActorKind,
//     postroom.Path); the view knows the words for each.
//   - A cursor (Next, Previous) is opaque to the view; "" means there is no
//     such page.
//   - Texts are plain unless the field is called HTML; a field called HTML was
//     sanitised by the email package and holds no style attribute, since our
//     own policy would refuse it.

// Shell is the frame around every page of a signed-in agent: top bar, folders
// with counts, the undo bar. Folders and Alarms are also drawn alone, as the
// fragment GET /fragments/counts.
type Shell struct {
	Me        Me
	Mailboxes []MailboxFolders // those the agent may see, by name
	All       FolderCounts     // over all of Mailboxes; drafts are the agent's own
	Teams     []TeamFolder     // the agent's own, by name
	teams     []store.FolderCount
	Alarms    int           // alarms that are neither acknowledged nor cleared; 0 for agents who are no admins
	Unread    int           // notifications that the agent has not read
	revision  int64         // of the set of workflows
	Undo      []Undo        // acts of this agent whose window is open, newest first
	Flash     *Flash        // words about the form just sent, shown once
	Now       int64         // the server's clock when the page was read; countdowns count from it
	Demo      bool          // the demo runs: show the door to the customer view
	Sandbox   *SandboxFrame // this is the desk in the sandbox; nil: it is not
	Sandboxes bool          // the desk has a page for its sandbox
	Version   string        // of the program, for the foot of the agent menu
	Place     Place         // where in the desk this page is
}

// Me is the agent who looks.
type Me struct {
	ID      int64
	Name    string
	Address string
	Admin   bool
	Writes  bool   // may write workflows of at least one mailbox
	Zone    string // IANA name; "" is UTC
	Theme   string // "system", "light" or "dark"
	Density string // "comfortable" or "compact"
}

// Place says what the shell marks as current and where "back" leads. The list
// pane of a conversation page shows Folder, Mailbox and Sort of it.
type Place struct {
	Section string // "desk", "mails", "queue", "alarms", "inbound", "workflows", "mailboxes", "agents", "system", "profile", "demo"
	Folder  string // one of FolderNames, or a team's; "" outside the desk
	Mailbox int64  // 0 = over all mailboxes
	Sort    string // one of SortsIn the folder; "" is the folder's default
	Path    string // path and query of the page itself, for the return field of forms in the shell
}

// TeamFolder is the folder of a team that the agent who looks belongs to: its
// open conversations, whoever has them.
type TeamFolder struct {
	ID     int64
	Name   string
	Folder string // as a URL names it
	Count  int    // over all mailboxes the agent may see
}

// FolderNames are the folders in the order they are shown; teams have theirs
// beside them.
var FolderNames = [...]string{"unassigned", "mine", "assigned", "snoozed", "drafts", "closed", "spam", "deleted"}

// Sorts are the orders a list knows: who waits longest first (the default of
// open folders), latest message first (the default of the others), oldest
// first, highest number first.
var Sorts = [...]string{"waiting", "newest", "oldest", "number"}

// SortsIn lists the orders of a folder, its default first where it has one of its
// own: what sleeps is sorted by what wakes next.
func SortsIn(folder string) []string {
	if folder == "snoozed" {
		return append([]string{"wakes"}, Sorts[:]...)
	}
	return Sorts[:]
}

// FolderCounts holds the number of conversations in each folder.
type FolderCounts struct {
	Unassigned int // active or pending, nobody assigned
	Mine       int // active or pending, assigned to the agent who looks
	Assigned   int // active or pending, assigned to anybody
	Snoozed    int // active or pending, and asleep
	Drafts     int // with a draft of the agent who looks
	Closed     int
	Spam       int
	Deleted    int
}

// Of returns the count of a folder by name, 0 for an unknown one.
func (c FolderCounts) Of(folder string) int {
	switch folder {
	case "unassigned":
		return c.Unassigned
	case "mine":
		return c.Mine
	case "assigned":
		return c.Assigned
	case "snoozed":
		return c.Snoozed
	case "drafts":
		return c.Drafts
	case "closed":
		return c.Closed
	case "spam":
		return c.Spam
	case "deleted":
		return c.Deleted
	}
	return 0
}

// MailboxFolders is one mailbox in the folder pane.
type MailboxFolders struct {
	ID      int64
	Name    string
	Address string
	Counts  FolderCounts
	Paused  bool // its outgoing channel is paused
}

// Undo is one act that can still be undone (W19).
type Undo struct {
	Act     int64  // id for POST /acts/{id}/undo
	Number  int64  // conversation; 0 for a bulk job
	Job     int64  // bulk job; 0 for an act on one conversation
	Words   string // "Reply sent and closed", without a full stop
	Until   int64  // end of the window
	Arrived string // a message that came in the window: "Mara Lind wrote: Thank you!"; "" if none
}

// Flash is one sentence after a form.
type Flash struct {
	Kind string // "done", "warning" or "error"
	Text string
	Href string // where more can be read; "" if nowhere
	Link string // words of that link
}

// Choice is one entry of a select or menu.
type Choice struct {
	Value string
	Text  string
}

// Address is a mail address with its display name, which may be empty.
type Address struct {
	Name    string
	Address string
}

// FieldErrors are the sentences of a refused form (answered 422) by field
// name; key "" is about the form as a whole.
type FieldErrors map[string]string

// SignInPage is GET /signin, and POST /signin refused.
type SignInPage struct {
	Address string // what was typed
	Next    string // where to go afterwards; a local path
	Error   string // "" at first
	Reset   bool   // the session ended by itself: say so
	Demo    []DemoSignIn
	Name    string // of the desk
}

// DemoSignIn is one ready sign-in the demo offers.
type DemoSignIn struct {
	Name, Address, Password, Role string
}

// SetupPage is GET /setup: makes the first admin while there is none.
type SetupPage struct {
	Name, Address, Zone string
	Zones               []string
	Errors              FieldErrors
}

// PasswordPage is GET /password/{token}: an invited agent, or one whose
// password was reset, chooses a password.
type PasswordPage struct {
	Token   string
	Name    string // of the agent
	Address string
	Invited bool // the first password, not a new one
	Errors  FieldErrors
}

// ErrorPage is any answer that is no page: 403, 404, 409, 422, 429, 500, 503.
// It is drawn within the shell where there is one, else alone.
type ErrorPage struct {
	Shell     *Shell // nil when nobody is signed in or the database is away
	Status    int
	Title     string // "" takes the usual one of Status
	Text      string // a sentence for people
	RequestID string // shown on 500 and 503
	Back      string // local path; "" is "/"
}

// PalettePage is GET /palette?q=: the fragment inside the command palette,
// and a plain page for those without JavaScript. Commands of the page that is
// open are added by the browser from the page's own forms and links.
type PalettePage struct {
	Shell    *Shell // set when drawn as a page
	Query    string
	Sections []PaletteSection
}

// PaletteSection is a heading with its entries.
type PaletteSection struct {
	Title string // "Conversations", "Go to", "Customers"
	Items []PaletteItem
}

// PaletteItem is a link in the palette.
type PaletteItem struct {
	Text  string
	Hint  string // small words at the end: "#1042 · closed"
	Href  string
	Glyph string // icon name of the view: "conversation", "folder", "mailbox", "agent", "mail", "workflow", "gear"
}
