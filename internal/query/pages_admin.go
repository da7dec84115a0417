package query

// MailboxesPage is GET /mailboxes.
type MailboxesPage struct {
	Shell Shell
	Rows  []MailboxLine
}

// MailboxLine is one mailbox in the list.
type MailboxLine struct {
	ID            int64
	Name          string
	Address       string
	Aliases       int
	Host          string // outgoing server, "" = not set
	Off           bool   // switched off
	Paused        string // the channel's words
	Agents        int    // who may see it
	Open          int    // active and pending conversations
	LastReceived  int64
	LastAccepted  int64
	Volume        []int // conversations begun on each of the last 14 days, oldest first
	EverybodySees bool
}

// MailboxFormPage is GET /mailboxes/new, which asks for name and address alone,
// and GET /mailboxes/{id}, the settings but those of the connections; and their
// POST refused.
type MailboxFormPage struct {
	Shell         Shell
	Head          MailboxHead
	ID            int64 // 0 = new
	Name          string
	Address       string
	Aliases       string   // one a line
	SenderName    string   // whose name stands as sender: "agent", "team", "both"
	TeamName      string   // "" is Name
	Signature     string   // HTML
	Variables     []Choice // that it may say: Value is the name, Text what it stands for
	ReplyStatus   string   // proposed for after a reply
	ReplyAssignee string
	AutoBcc       string // one a line
	Headers       string // one a line, "Name: value"
	UndoSeconds   int
	ReopenDays    int
	NoticeAnyway  bool // W25: send the notice though the reply failed
	Calendar      string
	Calendars     []Choice // whose office hours may count; Value "0" is the default
	Subaddress    bool
	Separator     string
	Authserv      string // S1: trusted authserv-id
	TokenEnough   bool   // T12: answers to notifications act without a verdict of that server
	Errors        FieldErrors
}

// AgentAccess is an agent with a tick.
type AgentAccess struct {
	ID    int64
	Name  string
	Allow bool
	Admin bool // sees every mailbox anyway

	// Of an agent's page: "" for no access, see, answer or manage; and whether
	// only for conversations that are assigned to them.
	Right        string
	OnlyAssigned bool
	Workflows    string // "", draft or publish
}

// AgentsPage is GET /agents, and POST /agents refused.
type AgentsPage struct {
	Shell   Shell
	Rows    []AgentLine
	Told    NotificationForm // for those who have not chosen
	Name    string           // of the form for a new one
	Address string
	Role    string
	Errors  FieldErrors
}

// NotificationForm is what an agent is told, and how.
type NotificationForm struct {
	Rows  []NotificationTick
	Own   bool          // the agent follows what they write in
	Muted []AgentAccess // ID and Name are the mailbox's; Allow says that it is muted
}

// NotificationTick is one kind of notification with its two ticks.
type NotificationTick struct {
	Kind           string // "assigned", "answered", …
	Title, Help    string
	InPage, ByMail bool
}

// AgentLine is one agent in the list.
type AgentLine struct {
	ID       int64
	Name     string
	Address  string
	Role     string // "admin" or "agent"
	Disabled bool
	Invited  bool // has no password yet
	LastSeen int64
	Assigned int // open conversations
}

// AgentPage is GET /agents/{id}.
type AgentPage struct {
	Shell     Shell
	Agent     AgentLine
	Mailboxes []AgentAccess // ID and Name are the mailbox's
	Addresses string        // further ones, one a line
	Link      string        // one-time password link, shown once after invite or reset
	LinkUntil int64
	Errors    FieldErrors
}

// ProfilePage is GET /profile.
type ProfilePage struct {
	Shell     Shell
	Zones     []string
	Addresses string // further ones, one a line
	Told      NotificationForm
	Sessions  []SessionLine
	Errors    FieldErrors // name, zone, addresses, current, password, again
}

// SessionLine is one signed-in browser.
type SessionLine struct {
	ID       string // public id, not the token
	Agent    string // "Firefox on Linux"
	Address  string // network address it was last seen from
	Began    int64
	LastSeen int64
	Current  bool
}

// SystemPage is GET /system.
type SystemPage struct {
	Shell    Shell
	Facts    []Choice // Value is the label: "Version", "Database", "Running since" …
	Checks   []Check
	Settings []Choice
}

// Check is one line of the system page's health table.
type Check struct {
	Name  string
	State string // "ok", "waiting", "bad"
	Words string
	Href  string
}
