package postroom

// NotificationKind says what sort of thing an agent is told of.
type NotificationKind string

// The kinds, in the order in which agents choose about them.
const (
	NotifyAssigned NotificationKind = "assigned" // somebody else gave the agent a conversation
	NotifyAnswered NotificationKind = "answered" // the customer wrote in a conversation of the agent's
	NotifyFailed   NotificationKind = "failed"   // a mail to the customer did not go out, or came back (W25, B4)
	NotifyTeam     NotificationKind = "team"     // a team of the agent's got a conversation, or the customer wrote in one of the team's that nobody has
	NotifyNote     NotificationKind = "note"     // a colleague left a note on a conversation of the agent's
	NotifyNew      NotificationKind = "new"      // a new conversation that nobody has
	NotifyWaiting  NotificationKind = "waiting"  // the customer wrote in a conversation that nobody has
	NotifyWoken    NotificationKind = "woken"    // a conversation that the agent let sleep woke because its time had come
	NotifyRated    NotificationKind = "rated"    // the customer rated a conversation of the agent's
	NotifyFollowed NotificationKind = "followed" // somebody wrote, or a mail did not go out, in a conversation the agent follows
)

// NotificationKinds lists the kinds in the order in which agents choose.
var NotificationKinds = []NotificationKind{NotifyAssigned, NotifyAnswered, NotifyFailed, NotifyTeam, NotifyNote, NotifyNew, NotifyWaiting, NotifyWoken, NotifyRated, NotifyFollowed}

// Shared reports whether a notification of the kind goes to everybody who
// answers in a mailbox, or to a whole team, so that who has muted the mailbox is not told.
func (k NotificationKind) Shared() bool {
	return k == NotifyNew || k == NotifyWaiting || k == NotifyTeam
}

// NotificationChoice says by which ways an agent is told of a kind.
type NotificationChoice struct {
	InPage bool // in the list under the bell
	ByMail bool // to the agent's own address
}

// DefaultNotification is what is chosen on a new desk: the list has all, and
// by mail comes what is the agent's own to act on.
func DefaultNotification(k NotificationKind) NotificationChoice {
	switch k {
	case NotifyAssigned, NotifyAnswered, NotifyFailed:
		return NotificationChoice{InPage: true, ByMail: true}
	}
	return NotificationChoice{InPage: true}
}

// Notification is one thing that one agent was told in the page. An agent is
// told of an event at most once.
type Notification struct {
	ID             int64
	AgentID        int64
	ConversationID int64
	EventID        int64
	Seq            int64 // of the event
	Kind           NotificationKind
	Actor          Actor  // who did it
	MessageID      int64  // the message it is about, 0 for none
	MailID         int64  // the mail to the customer that did not go out, 0 for none
	Words          string // what was said, or what a server answered, in one line
	At             int64  // milliseconds since 1970, UTC
	ReadAt         int64  // 0: unread
}

// Tells reports whether agents may have to be told of events of this kind.
func (k EventKind) Tells() bool {
	switch k {
	case MessageReceived, AssigneeChanged, TeamChanged, NoteAdded, ConversationWoken, RatingReceived:
		return true
	}
	return k.Trouble()
}

// Trouble reports whether events of this kind say that a mail to the customer
// did not go out, has not gone out for an hour, or came back (W25, R5, B4).
func (k EventKind) Trouble() bool {
	switch k {
	case MailFailed, MailDelayed, MailCancelled, MailSuppressed, MailAssumedSent, MailBounced, MailComplained:
		return true
	}
	return false
}

// TroubleWords says in a few words what became of a mail to the customer, as an
// event of a kind that is trouble tells it. automatic says that a workflow wrote
// the mail.
func (k EventKind) TroubleWords(automatic bool) string {
	what := "The reply to the customer"
	if automatic {
		what = "The automatic mail to the customer"
	}
	switch k {
	case MailDelayed:
		return what + " has not gone out for an hour"
	case MailCancelled:
		return what + " was cancelled"
	case MailSuppressed:
		return what + " was suppressed"
	case MailBounced:
		return what + " came back"
	case MailComplained:
		return what + " was reported as unwanted"
	case MailAssumedSent:
		return what + " may have arrived or not: the server never answered"
	}
	return what + " failed"
}
