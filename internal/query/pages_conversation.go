package query

// ConversationPage is GET /conversations/{number}. The list beside it is not
// part of it: the browser keeps the one it has, or asks for it by Place.
type ConversationPage struct {
	Shell    Shell
	Head     Head
	Unread   int64    // up to which event the agent was told things and has not read them; 0 = none
	Seen     int64    // what the page says back as seen; 0 = nothing
	Timeline []Entry  // oldest first
	Receipt  *Receipt // of the last close; nil when never closed, or reopened since
	Timers   []TimerLine
	Notices  []string  // W20 and the like, in plain words: "Workflows stopped here: …"
	Composer *Composer // nil: the agent may not write here
	Side     Side
	Previous int64 // number of the neighbour in the folder of Place; 0 = none
	Next     int64
	Agents   []Choice    // who may be assigned; values are agent ids, without "nobody"
	Teams    []Choice    // it may be given to; values are teams' ids, without "none"
	Tags     []string    // tags in use, for the editor's suggestions
	MoveTo   []Choice    // mailboxes it may be moved to
	Run      []Startable // workflows the agent may run here by hand
	May      MayConverse
}

// Startable is a workflow that can be run by hand.
type Startable struct {
	ID    int64
	Name  string
	Doing string // "Adds the tag vip and closes"
}

// TimerLine is a workflow that waits here: "Closes Tue 09:00 unless the customer
// writes".
type TimerLine struct {
	ID       int64
	Doing    string // "Closes"
	DueAt    int64
	Unless   string // "the customer writes"; "" if nothing keeps it from that
	Workflow string // its name
	May      bool   // the agent may cancel it
}

// MayConverse says what the agent who looks may do here (Can).
type MayConverse struct {
	Snooze                                    bool // or wake it
	Reply, Note, Status, Assign, Tag, Subject bool
	Move, Merge, Delete, Restore              bool
}

// Head is what one knows of a conversation without reading it.
type Head struct {
	ID           int64
	Number       int64
	Subject      string
	Status       string
	AssigneeID   int64
	Assignee     string
	TeamID       int64 // 0: no team's
	Team         string
	MailboxID    int64
	Mailbox      string
	MailAddress  string // the mailbox's own
	Tags         []string
	CreatedAt    int64
	WaitingSince int64
	ClosedAt     int64
	DeletedAt    int64  // 0: it is not deleted
	SnoozedUntil int64  // 0: it is awake
	Rating       string // of postroom.RatingValue; "" for none
	Followed     bool   // by the agent who looks
	LastSeq      int64  // of the newest event: what the composer sends back as "seen"
	CopyOf       []Linked
	Into         int64 // number of the conversation it was merged into; 0 = it was not
	IntoDeleted  bool  // that one is deleted
}

// Linked is another conversation this one is tied to: a copy in another
// mailbox (T11), the earlier one (T8).
type Linked struct {
	Number int64
	Words  string // "Continues", "Copy in Sales"
}

// Entry is one line of the timeline; exactly one of its fields is set.
type Entry struct {
	Message *Message
	Event   *EventLine
}

// Message is one message as a page shows it.
type Message struct {
	ID          int64
	Seq         int64  // sequence number of its event
	Kind        string // "received", "reply", "note"
	Author      string // name for people
	Address     string // of a customer; "" otherwise
	AgentID     int64  // 0: not written by an agent
	Workflow    string // name of the workflow that wrote it; "" otherwise
	Mine        bool   // by the agent who looks
	At          int64
	ClaimedAt   int64 // what the mail's Date said, where it differs by more than a day (M8)
	To, Cc, Bcc []Address
	Subject     string // only where it differs from the conversation's (T7)

	// One of the three bodies. Framed is for received HTML: it is never part
	// of our page but served by GET /messages/{id}/body in a sandboxed frame.
	Text   string
	HTML   string // composed in our own editor, sanitised
	Framed bool
	// HiddenText is the quoted rest of a text body, HiddenFrame says that a
	// framed body has one too (shown by ?quotes=1 of the body URL).
	HiddenText  string
	HiddenFrame bool
	Remote      bool   // holds blocked remote pictures
	Language    string // BCP 47 where known: for hyphenation and speech

	Attachments []Attachment
	Written     int64      // number of the conversation it was written in, which was merged into this one; 0 = here
	Mails       []MailChip // of a reply: one a mail, in order
	Class       string     // machine class of a received one: "human" or "" is ordinary
	Unverified  bool       // T9: from somebody who was not part of it before
	Verified    bool       // S1: the sender is proven
	Notices     []string   // what the reader of the mail had to mend or leave out
	Undone      bool       // an act that was undone; shown for admins only
	Later       bool       // arrived after the newest reply had been begun: "later message arrived"
	Collapsed   bool       // shown folded: auto-replies and old messages in long conversations
	HasRaw      bool       // GET /messages/{id}/raw has something

	Editable    bool // the agent who looks may change its text now
	Latest      bool // the last one they may
	Version     int64
	EditedAt    int64     // when the text it has was written; 0: it is the first
	EditedBy    string    // "" for the agent who looks
	EditNote    string    // of an edited reply: which text the customer has
	Begun       bool      // a new text was begun and not saved
	Edit        *EditForm // open in place of the body
	EditRefused string    // it was to be opened, and why it is not
	History     []Version // newest first; only where asked for
}

// EditForm is where an author changes a message's text: POST
// /messages/{id}/edit. Refused (422) it comes back with what was typed.
type EditForm struct {
	Message  int64
	Version  int64 // the one that was begun from
	Over     int64 // a newer one that the author was shown; saving now replaces it; 0 = none
	From     int64 // the former version whose text was taken up again; 0 = none
	Revision int64 // of the saved draft; 0 = none
	SavedAt  int64
	Body     string
	Format   string // of Body: "text" or "html"
	Files    []Attachment
	Mailed   bool   // a reply: what the customer was mailed stays as it is
	Now      string // the newest text in short, where it is not the one begun from
	Errors   FieldErrors
}

// Version is one text that a message has or had.
type Version struct {
	Number     int64
	Author     string
	Mine       bool
	At         int64
	Current    bool
	First      bool
	Text       string // one of the two
	HTML       string
	Changes    []Change // against the version before; nil for the first
	Came, Went int      // pictures, since the version before
}

// Change is a piece of text that stayed, went or came.
type Change struct {
	Kind string // "same", "removed", "added"
	Text string
}

// Attachment is a file of a message or of a draft.
type Attachment struct {
	ID      int64
	Name    string
	Type    string
	Size    int64
	Picture bool   // may be shown as a picture by ?inline=1
	Inline  bool   // shown in the body: not listed
	Error   string // an upload that was refused
}

// EventLine is something that happened between messages.
type EventLine struct {
	ID        int64
	Seq       int64
	Kind      string // of the catalogue: "status.changed", "assignee.changed", "mail.failed" …
	Actor     string // name: "Ann Moor", "Tell the customer it is closed", "Mara Lind"
	ActorKind string // of postroom.ActorKind
	Mine      bool
	Path      string // of postroom.Path
	Until     int64  // until when it sleeps from then on; 0 otherwise
	Field     string // the name of the field that changed; "" otherwise
	From, To  string // display words; for tags: those removed, those added, joined by ", "
	Words     string // says it in full where From and To cannot; "" otherwise
	At        int64
	FinalAt   int64 // > now: still in the undo window
	Why       bool  // judged, or will be: link to /conversations/{number}/why#event-ID
	Other     int64 // number of the other conversation of a merge; 0 = none
	Away      bool  // it was merged into that one, and not that one into it
	Undone    bool
	Mail      int64  // mail it is about; 0 = none
	Bad       bool   // needs eyes
	Promise   int64  // that was broken, on the event ID; 0 = it is an event and no promise
	Comment   string // what the customer wrote beside a rating
	Trace     string // of a promise: the page that tells how; "" for those who may not see it
}

// MailChip is the state of one mail under the reply that caused it.
type MailChip struct {
	ID         int64
	State      string
	Automatic  bool
	Until      int64  // held: end of the window; deferred: next try; 0 = none
	After      bool   // held because it waits for an earlier mail, not for a window
	At         int64  // of the last change
	Server     string // that accepted it
	Words      string // failed, uncertain, suppressed, skipped, cancelled: why; of one that waits for an earlier one: for what
	Mixed      string // recipients that fared otherwise: "1 of 3 refused"; "" otherwise
	Bounced    bool   // a mark after accepted: Words say why it came back
	Complained bool   // another: its recipient called it unwanted
}

// Receipt is the close receipt (W32).
type Receipt struct {
	Parts []ReceiptPart
	Bad   bool
}

// ReceiptPart is one arrow of it: "Closed by Ann, Send & Close", "reply
// accepted by mx.example", "notice accepted".
type ReceiptPart struct {
	Text  string
	At    int64
	State string // "ok", "waiting", "bad", "none" (there is no such mail, and why stands in Text)
	Mail  int64  // links to its journey; 0 = none
	Event int64  // links to its why; 0 = none
}

// Side is the panel beside a conversation.
type Side struct {
	CustomerID   int64
	Name         string
	Addresses    []string // first is the one used here
	Written      string   // their name as it is kept, "" for none
	Language     string   // the tag; "" where it is not known
	LanguageSet  bool     // an agent has said it; else a mail of theirs did
	Stopped      []Choice // addresses to which automatic mail has stopped: Value the address, Text why
	Company      string
	Since        int64 // first conversation
	Count        int   // conversations in all
	Others       []OtherConversation
	Participants []Address    // besides the customer and our own addresses
	Followers    []string     // names of the agents who follow it
	Fields       []FieldValue // of the conversation, in order
	Theirs       []FieldValue // fields of the customer, in order
	Properties   []Choice     // further facts: Value is the label, Text the words
}

// OtherConversation is another conversation of the same customer.
type OtherConversation struct {
	Number  int64
	Subject string
	Status  string
	LastAt  int64
}

// BodyPage is GET /messages/{id}/body: the mail's own HTML as a document of
// its own, for the frame.
type BodyPage struct {
	ID     int64
	HTML   string // visible part, sanitised; with ?quotes=1 the whole
	Theme  string // the agent's: "light", "dark" or "system"
	Images bool   // remote pictures allowed by ?images=1
}
