package query

// NotificationsPage is GET /notifications: what the agent was told.
type NotificationsPage struct {
	Shell    Shell
	Unread   bool  // only those not read
	Undo     int64 // when the agent has just marked all as read; 0 = not just now
	Rows     []NotificationLine
	Next     string
	Previous string
}

// NotificationLine is one thing the agent was told.
type NotificationLine struct {
	ID      int64
	Kind    string // "assigned", "answered", "failed", "note", "new", "waiting"
	Who     string // who did it; "" for the desk itself
	Title   string // what they did: "wrote", "assigned it to you"; without Who a whole sentence
	Words   string // what was said, in one line
	Number  int64
	Subject string
	Mailbox string
	Event   int64 // anchor on the conversation's page
	Mail    int64 // that did not go out; 0 = none
	At      int64
	Read    bool
}
