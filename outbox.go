package postroom

import "slices"

// MailState is where a mail, or one recipient of it, stands (R1).
type MailState string

// The states. The last six are ends: nothing leaves them.
const (
	MailHeld     MailState = "held"        // inside the undo window, or waiting for the mail it follows
	MailQueued   MailState = "queued"      // due
	MailSending  MailState = "sending"     // an attempt runs
	MailDeferred MailState = "deferred"    // a temporary fault; the next try has a time
	MailUnsure   MailState = "uncertain"   // the final dot was written and no answer read
	MailKept     MailState = "quarantined" // breaker or budget; a person decides

	MailDone    MailState = "accepted"
	MailRefused MailState = "failed"
	MailUndone  MailState = "cancelled"
	MailBlocked MailState = "suppressed"
	MailSkip    MailState = "skipped"
	MailAssumed MailState = "assumed_sent"
)

// mailMoves is the one table of allowed changes of state.
var mailMoves = map[MailState][]MailState{
	MailHeld:     {MailQueued, MailSending, MailUndone, MailBlocked, MailSkip, MailKept, MailRefused},
	MailQueued:   {MailSending, MailUndone, MailBlocked, MailHeld, MailRefused},
	MailSending:  {MailDone, MailRefused, MailDeferred, MailUnsure, MailQueued, MailHeld, MailAssumed, MailUndone},
	MailDeferred: {MailSending, MailQueued, MailUndone, MailRefused},
	MailUnsure:   {MailQueued, MailDone, MailAssumed, MailRefused},
	MailKept:     {MailQueued, MailUndone},
}

// Ended reports whether the state is an end.
func (s MailState) Ended() bool {
	switch s {
	case MailDone, MailRefused, MailUndone, MailBlocked, MailSkip, MailAssumed:
		return true
	}
	return false
}

// May reports whether a mail in state s may change to state to.
func (s MailState) May(to MailState) bool { return slices.Contains(mailMoves[s], to) }

// MailStates lists the states in the order a mail passes them.
var MailStates = []MailState{
	MailHeld, MailQueued, MailSending, MailDeferred, MailUnsure, MailKept,
	MailDone, MailRefused, MailUndone, MailBlocked, MailSkip, MailAssumed,
}

// MailClass is the rank of a mail in its channel; lower goes first (R12).
type MailClass int

// The classes.
const (
	ReplyClass        MailClass = 1 // an agent's words
	NotificationClass MailClass = 2 // to agents
	NoticeClass       MailClass = 3 // what a workflow says
)

// Phase is how far an attempt came in the SMTP dialogue. It is committed as
// it advances; PhaseData and PhaseDot by compare-and-set on the lease (R1, R9).
type Phase string

// The phases that are committed.
const (
	PhaseNone    Phase = ""        // nothing is known to have happened
	PhaseConnect Phase = "connect" // an attempt began
	PhaseData    Phase = "data"    // DATA may have been said; without its dot no server takes the mail
	PhaseDot     Phase = "dot"     // from here on, a death leaves the mail uncertain
)

// Mail is one outgoing email: one row of the outbox, one Message-ID, for its
// whole life (W24).
type Mail struct {
	ID             int64
	MailboxID      int64
	ConversationID int64
	MessageID      int64 // the message it carries
	AgentID        int64 // the agent a notification is for, 0 for mail to customers
	EventID        int64 // the event that decided it
	Seq            int64 // of that event
	Root, RootSeq  int64 // of that event: mails leave in order of (RootSeq, Seq)
	RunID          int64 // the workflow run that caused it, 0 for people
	Class          MailClass
	Automatic      bool   // carries Auto-Submitted; at most once when uncertain (R8)
	Machine        bool   // no agent or API client is behind it: it counts against limits (W12)
	Aside          bool   // a workflow's mail to somebody else than the customer: outside the order of their mails
	Resent         bool   // was sent a second time after it was uncertain (R6)
	Header         string // Message-ID without brackets
	EnvelopeFrom   string
	Subject        string
	Spec           []byte // what the bytes are built from: headers, bodies, hashes, seed
	SHA256         string // of the built bytes, "" before they are built
	Size           int64
	State          MailState
	Words          string // why, in words
	Phase          Phase
	Tries          int
	CreatedAt      int64
	DueAt          int64
	QueuedAt       int64 // when its window ended; the lane's patience counts from here
	EndedAt        int64
	Lease          int64
	Recipients     []MailRecipient
}

// MailRecipient is one recipient of a mail with a state of its own.
type MailRecipient struct {
	Address string
	Kind    string // to, cc, bcc
	State   MailState
	Code    int
	Words   string
	At      int64
}

// Settle returns the state of a mail from those of its recipients: the least
// settled one wins; of ends, a failure is what people must see.
func Settle(rs []MailRecipient) MailState {
	order := []MailState{MailSending, MailUnsure, MailQueued, MailDeferred, MailHeld, MailKept, MailRefused, MailBlocked, MailAssumed, MailDone, MailSkip, MailUndone}
	for _, s := range order {
		for _, r := range rs {
			if r.State == s {
				return s
			}
		}
	}
	return MailSkip
}
