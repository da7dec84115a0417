package postroom

// WebhookCall is a call that a workflow makes to another program (W21): a
// durable row, made in the transaction of the run that decided it.
type WebhookCall struct {
	ID             int64
	RunID          int64
	WorkflowID     int64
	Version        int
	Position       int // of the action, from 0
	ConversationID int64
	EventID        int64
	EventSeq       int64
	State          WebhookState
	Method         string
	URL            string
	Headers        []WebhookHeader
	ContentType    string // of Body, "" without one
	Sign           int64  // the secret it is signed with, 0 for none
	Body           string // "" for none
	CreatedAt      int64
	BeganAt        int64 // since when it is tried: at first its creation, then when it was sent again
	DueAt          int64 // when it is tried next; 0 once it has ended
	Tries          int   // since BeganAt
	Attempts       int   // in all
	Status         int   // of the last answer, 0 for none
	EndedAt        int64
	Words          string // what came of it, or of the last attempt
}

// WebhookHeader is a header of a call: a value, or the id of a secret.
type WebhookHeader struct {
	Name   string `json:"name"`
	Value  string `json:"value,omitempty"`
	Secret int64  `json:"secret,omitempty"`
}

// WebhookState says where a call stands.
type WebhookState string

// The states of a call.
const (
	WebhookWaiting   WebhookState = "waiting"   // due, being made, or to be tried again
	WebhookAccepted  WebhookState = "accepted"  // answered with 2xx
	WebhookFailed    WebhookState = "failed"    // for good: by its answer, or given up after a day
	WebhookHeld      WebhookState = "held"      // until somebody releases or discards it
	WebhookDiscarded WebhookState = "discarded" // by somebody
)

// WebhookStates lists the states as a log offers them.
var WebhookStates = []WebhookState{WebhookWaiting, WebhookAccepted, WebhookFailed, WebhookHeld, WebhookDiscarded}

// Ended reports whether nothing more happens to a call by itself.
func (s WebhookState) Ended() bool {
	return s == WebhookAccepted || s == WebhookFailed || s == WebhookDiscarded
}

// WebhookAttempt is one try of a call.
type WebhookAttempt struct {
	ID      int64
	CallID  int64
	Number  int // from 1
	At      int64
	EndedAt int64  // 0: it is under way, or the program ended in the middle of it
	Address string // of the socket; "" if there was none
	Status  int    // of the answer, 0 for none
	Words   string // what came of it
	Answer  string // its first bytes, as text, without secrets
	More    bool   // there was more of it
}

// The kinds of secrets of webhooks.
const (
	SecretSigning = "signing" // made by us; calls are signed with it
	SecretHeader  = "header"  // given to us; calls carry it in a header
)

// WebhookSecret is a secret of webhooks, without what it holds.
type WebhookSecret struct {
	ID        int64
	Name      string
	Kind      string
	ChangedAt int64
	AuthorID  int64
	OldUntil  int64 // a former one goes on being used beside it until then; 0 for none
}
