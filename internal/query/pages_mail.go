package query

// MailLine is one mail in the log and on the queue page.
type MailLine struct {
	ID        int64
	State     string
	Kind      string // "reply", "workflow", "notification", "forward"
	Automatic bool
	Number    int64 // conversation
	Subject   string
	To        string // recipients, joined; the view cuts it
	MailboxID int64
	Mailbox   string
	At        int64 // queued
	ChangedAt int64
	DueAt     int64 // next try or end of the window; 0 = none
	Tries     int
	Words     string // last reason
	Workflow  string // that caused it
}

// MailsPage is GET /mails: the outgoing mail log.
type MailsPage struct {
	Shell    Shell
	State    string // filter; "" = all
	Mailbox  int64
	Query    string // address, subject or Message-ID contains
	Counts   []StateCount
	Rows     []MailLine
	Next     string
	Previous string
}

// StateCount is a state and how many are in it.
type StateCount struct {
	State string
	Count int
}

// JourneyPage is GET /mails/{id} (W33).
type JourneyPage struct {
	Shell      Shell
	Mail       MailLine
	From       string
	MessageID  string
	InReplyTo  string
	Size       int64
	SHA256     string
	Header     string // as built, without Bcc; "" before it was built
	Text       string // text part
	HTML       bool   // GET /mails/{id}/html shows the HTML part, as a framed body
	Files      []Attachment
	Steps      []JourneyStep // oldest first
	Recipients []Verdict
	May        MayMail
}

// MayMail says which buttons make sense and are allowed.
type MayMail struct {
	Retry   bool // failed, deferred: try now
	Cancel  bool // not yet at the server
	Again   bool // uncertain or assumed sent: send once more
	Arrived bool // uncertain: the agent knows that it arrived
	Release bool // quarantined; Cancel discards it
}

// JourneyStep is one station of the timeline.
type JourneyStep struct {
	Kind  string // "cause", "judged", "rendered", "held", "queued", "attempt", "verdict", "evidence", "action"
	Title string // "Ann chose Send & Close"
	Words string
	At    int64
	State string // "ok", "waiting", "bad", "note"
	Href  string // why page, conversation, workflow
	Link  string
	// Of an attempt:
	Number   int
	Server   string // host and address
	TLS      string
	Phase    string // the last one reached
	Took     int64  // milliseconds
	Dialogue []DialogueLine
}

// DialogueLine is one line between us and a server; credentials are never in it.
type DialogueLine struct {
	At     int64
	Client bool // ours; else the server's
	Phase  string
	Text   string
}

// Verdict is how one recipient fared.
type Verdict struct {
	Address    string
	Role       string // "to", "cc", "bcc"
	State      string
	Code       int // SMTP; 0 = none
	Enhanced   string
	Words      string
	Server     string
	At         int64
	Bounced    bool
	Complained bool // it was called unwanted
}

// QueuePage is GET /queue.
type QueuePage struct {
	Shell    Shell
	Channels []Channel
	Kinds    []WorkDepth // what the desk has to do besides mails: receive, judge, timers, jobs
	Rows     []MailLine  // mails that have no end yet, soonest due first
	Total    int
	Next     string
	Previous string
	Held     HeldNotifications // for admins
}

// HeldNotifications are the events that agents are not told of after a restore
// before an admin says so.
type HeldNotifications struct {
	Total int
	Of    []HeldNotification // the first of them
}

// HeldNotification is one of them.
type HeldNotification struct {
	Number  int64
	Subject string
	Kind    string // of the event
	At      int64
}

// Channel is the outgoing side of one mailbox.
type Channel struct {
	MailboxID int64
	Mailbox   string
	Host      string // "mx.example:587"
	Paused    bool
	Words     string // the server's, for a pause
	Since     int64
	Slow      bool  // rate-limited: slowed, not paused; Words say why
	NextTurn  int64 // when the next mail may go, if not now
	Depth     []StateCount
	DueNow    int
	NextDue   int64
}

// WorkDepth is one kind of durable work.
type WorkDepth struct {
	Kind    string // "receive", "judge", "deliver", "timer", "job"
	Due     int
	Later   int
	Running int
	Failed  int
	Oldest  int64 // due since
}

// AlarmsPage is GET /alarms (W41).
type AlarmsPage struct {
	Shell   Shell
	Open    []Alarm
	Cleared []Alarm // the last ones that cleared by themselves
}

// Alarm says what is wrong, since when, and what to do.
type Alarm struct {
	ID      int64
	Kind    string
	Words   string
	Detail  string // the server's or the error's words
	Do      string // what to do
	Href    string // where to do it
	Link    string
	Since   int64
	Last    int64
	Count   int
	AckedBy string
	AckedAt int64
	Cleared int64
}

// InboundPage is GET /inbound: each mail that came in and where it went.
type InboundPage struct {
	Shell    Shell
	State    string // "", "done", "duplicate", "waiting", "held", "refused", "ignored", "failed", "discarded"
	Query    string
	Counts   []StateCount
	Rows     []InboundLine
	Next     string
	Previous string
}

// InboundLine is one incoming mail.
type InboundLine struct {
	ID        int64
	At        int64
	From      string
	To        string // envelope recipients
	Subject   string
	Size      int64
	Source    string // "lmtp", "smtp", "spool", "demo"
	Class     string // A1: "human", "auto_reply", …
	State     string // "waiting", "done", "duplicate", "held", "refused", "ignored", "failed"
	Number    int64  // conversation it went to; 0 = none
	Message   int64
	Why       string // "joined by the token in the address", "new: no evidence"
	Words     string // failed: "could not be processed: …"
	Tries     int
	MessageID string
	MailboxID int64
	Mailbox   string
}

// InboundMailPage is GET /inbound/{id}: one of them with all that is known.
type InboundMailPage struct {
	Shell        Shell
	Mail         InboundLine
	ClassReasons []string
	Evidence     []Choice // T1 in order: Value is the kind, Text what was found and whether it counted
	Notices      []string
	Header       string
	SHA256       string
}
