package postroom

import (
	"maps"
	"slices"
)

// EventKind names what happened, in the past tense. The list is the same for
// workflows, the API and the audit.
type EventKind string

// The event catalogue (W6), as far as the product has verbs for it.
const (
	ConversationCreated  EventKind = "conversation.created"
	MessageReceived      EventKind = "message.received"
	ReplySent            EventKind = "reply.sent"
	NoteAdded            EventKind = "note.added"
	StatusChanged        EventKind = "status.changed"
	AssigneeChanged      EventKind = "assignee.changed"
	TeamChanged          EventKind = "team.changed"
	TagsChanged          EventKind = "tags.changed"
	SubjectChanged       EventKind = "subject.changed"
	CustomerChanged      EventKind = "customer.changed"      // the conversation is another customer's
	ConversationMoved    EventKind = "conversation.moved"    // to another mailbox
	ConversationDeleted  EventKind = "conversation.deleted"  // into the folder of deleted ones
	ConversationRestored EventKind = "conversation.restored" // out of it
	ConversationSnoozed  EventKind = "conversation.snoozed"  // until the time that the payload names, in milliseconds
	ConversationWoken    EventKind = "conversation.woken"    // its sleep is over: the time came, the customer wrote, or somebody woke it
	FieldChanged         EventKind = "field.changed"         // a field of one's own; the payload names it by its path
	RatingReceived       EventKind = "rating.received"       // the customer says what they think; the payload names the row that has their words
	ConversationOpened   EventKind = "conversation.opened"   // an agent opened its page; only while somebody listens
	ConversationMerged   EventKind = "conversation.merged"   // on both: into another, or another into it; the payload names both, From into To
	SenderConfirmed      EventKind = "sender.confirmed"      // somebody new may take part; the payload names their message

	MailAccepted    EventKind = "mail.accepted"
	MailDelayed     EventKind = "mail.deferred"
	MailFailed      EventKind = "mail.failed"
	MailUncertain   EventKind = "mail.uncertain"
	MailCancelled   EventKind = "mail.cancelled"
	MailSuppressed  EventKind = "mail.suppressed"
	MailSkipped     EventKind = "mail.skipped"
	MailQuarantined EventKind = "mail.quarantined"
	MailAssumedSent EventKind = "mail.assumed_sent"
	MailBounced     EventKind = "mail.bounced"    // a delivery report: it came back after it had been accepted
	MailComplained  EventKind = "mail.complained" // a feedback report: its recipient called it unwanted

	TimerDue       EventKind = "timer.due"       // the time came; the payload names the timer and the version that asked for it
	TimerCancelled EventKind = "timer.cancelled" // by a person, before its time

	ScheduleDue     EventKind = "schedule.due"     // a set time came; the payload names the workflow and the version that asked for it
	WorkflowStarted EventKind = "workflow.started" // by hand; the payload names the workflow and the version that was started

	MailWritten EventKind = "mail.written" // a workflow wrote to somebody else than the customer

	WorkflowFailed EventKind = "workflow.failed" // a leg of a run ended in an error
	WorkflowPaused EventKind = "workflow.paused" // that run, or its mails, were too much: it takes no further part
	ChainStopped   EventKind = "chain.stopped"   // a chain reached its depth (W20)
)

// EventVersion is the version of the payload and snapshot written today.
const EventVersion = 1

// Edge reports whether workflows can listen for events of this kind. An event
// that nobody can listen for is recorded as judged.
func (k EventKind) Edge() bool {
	switch k {
	case ConversationCreated, MessageReceived, ReplySent, StatusChanged, AssigneeChanged, TeamChanged, TagsChanged,
		CustomerChanged, ConversationMoved, ConversationDeleted, ConversationRestored, ConversationSnoozed, ConversationWoken, FieldChanged,
		RatingReceived, ConversationMerged,
		TimerDue, WorkflowStarted, ScheduleDue:
		return true
	}
	return k.Quiet()
}

// Quiet reports whether events of this kind are judged only where a workflow
// that is switched on listens for them when they happen; all others are recorded
// as judged. There are many of them, and on most desks nobody listens: they cost
// nothing there.
func (k EventKind) Quiet() bool {
	switch k {
	case NoteAdded, SubjectChanged, ConversationOpened, WorkflowFailed, WorkflowPaused:
		return true
	}
	return k.OfMail()
}

// OfMail reports whether events of this kind say what became of a mail.
func (k EventKind) OfMail() bool {
	switch k {
	case MailAccepted, MailDelayed, MailFailed, MailUncertain, MailCancelled, MailSuppressed, MailSkipped, MailQuarantined, MailAssumedSent,
		MailBounced, MailComplained:
		return true
	}
	return false
}

// before reports whether events of kind k come before those of another kind
// within one act: the conversation before its message, the message before what
// it changes (W3). What became of a mail or a run changes nothing, and stands
// where it happened.
func (k EventKind) before(other EventKind) bool {
	switch k {
	case ConversationCreated:
		return other != ConversationCreated
	case MessageReceived, ReplySent, NoteAdded:
		switch other {
		case StatusChanged, AssigneeChanged, TeamChanged, TagsChanged, SubjectChanged, CustomerChanged, ConversationSnoozed, ConversationWoken, FieldChanged:
			return true
		}
	}
	return false
}

// ActorKind says what sort of actor did something.
type ActorKind string

// The kinds of actors.
const (
	ByAgent    ActorKind = "agent"
	ByCustomer ActorKind = "customer"
	ByWorkflow ActorKind = "workflow"
	ByToken    ActorKind = "token" // an API client
	BySystem   ActorKind = "system"
	ByImport   ActorKind = "import"
)

// Actor is who did something. ID is the agent's, customer's, workflow's or
// token's id and 0 for the system.
type Actor struct {
	Kind ActorKind `json:"kind"`
	ID   int64     `json:"id,omitempty"`
}

// Machine reports whether no person stands directly behind the actor.
func (a Actor) Machine() bool { return a.Kind == ByWorkflow || a.Kind == BySystem }

// System is the actor of what the desk does by itself.
var System = Actor{Kind: BySystem}

// Path is the way by which an actor came to do something.
type Path string

// The paths. A test keeps the table of paths and the routes, commands and work
// kinds that change a conversation in step (W5).
const (
	PathMenu     Path = "menu"         // the status menu of the conversation
	PathSend     Path = "send"         // the Send & Close button
	PathComposer Path = "composer"     // the status chosen beside Send
	PathKeyboard Path = "keyboard"     // a key pressed on a conversation or a list
	PathBulk     Path = "bulk"         // a selection of conversations
	PathMail     Path = "mail"         // a received mail
	PathCommand  Path = "mail_command" // an agent's answer to a notification (T12)
	PathWorkflow Path = "workflow"     // an action of a workflow
	PathSystem   Path = "system"       // the desk itself, for example a failed reply
	PathUndo     Path = "undo"
	PathImport   Path = "import"
	PathTimer    Path = "timer"  // a time that came
	PathPage     Path = "page"   // an agent looked at the conversation's page
	PathRating   Path = "rating" // the page to which the links of a mail lead
	PathMerge    Path = "merge"  // it was merged into another conversation
)

// EventState says how far the engine has come with an event.
type EventState string

// The states of an event.
const (
	EventPending   EventState = "pending"    // final at FinalAt, to be judged then
	EventJudged    EventState = "judged"     // each workflow of its edge has been judged
	EventUndone    EventState = "undone"     // undone in its window: kept, never judged
	EventNotJudged EventState = "not_judged" // judging failed too often, or an import; Words says why
)

// Event is what happened to a conversation. Seq orders the events of one
// conversation; a clock never does (W3).
type Event struct {
	ID             int64
	ConversationID int64
	Seq            int64
	Kind           EventKind
	Version        int
	ActID          int64 // the act it belongs to: one user action, one transaction
	Actor          Actor
	Path           Path
	Cause          int64 // the event that set this one off, 0 if none
	Root           int64 // the first event of the chain; its own ID if it began one
	RootSeq        int64 // the root's Seq: mails leave in order of (RootSeq, Seq)
	Depth          int   // 0 for what a person did
	Payload        Payload
	After          Snapshot
	At             int64 // milliseconds since 1970, UTC
	FinalAt        int64 // when the undo window ends; equal to At if there is none
	State          EventState
	SetRevision    int64  // the set of workflows it was judged by, 0 before
	Words          string // why it was not judged
}

// Payload is what an event carries beside its snapshot. From and To hold ids
// and enumerated values in decimal or by name; texts are held by reference.
type Payload struct {
	From      string  `json:"from,omitempty"`
	To        string  `json:"to,omitempty"`
	MessageID int64   `json:"message,omitempty"`
	MailID    int64   `json:"mail,omitempty"`
	RunID     int64   `json:"run,omitempty"`
	Added     []int64 `json:"added,omitempty"`   // tags
	Removed   []int64 `json:"removed,omitempty"` // tags
	Class     Class   `json:"class,omitempty"`   // of a received message
	Verified  bool    `json:"verified,omitempty"`
	By        int64   `json:"by,omitempty"`    // the agent who decided what became of a mail, or who is told when it wakes
	Words     string  `json:"words,omitempty"` // what a server or the desk said
	Code      int     `json:"code,omitempty"`  // of the SMTP answer that decided what became of a mail, 0 if none did

	RatingID   int64 `json:"rating,omitempty"` // what the customer said
	TimerID    int64 `json:"timer,omitempty"`
	WorkflowID int64 `json:"workflow,omitempty"`         // whose timer it is, or which was started by hand
	Number     int   `json:"workflow_version,omitempty"` // of that workflow
	Other      int64 `json:"other,omitempty"`            // number of the other conversation, of a merge
	Leg        int   `json:"leg,omitempty"`              // of its run: n behind the nth wait of its Then, 0 the first

	Field string `json:"field,omitempty"` // the path of the field that changed; of a text From and To are the ids of texts
}

// Snapshot is the conversation's facts after an event: ids and enumerated
// values only, so that erasing a person needs no second look here (W4).
type Snapshot struct {
	Number         int64   `json:"number"`
	MailboxID      int64   `json:"mailbox"`
	CustomerID     int64   `json:"customer,omitempty"`
	Status         Status  `json:"status"`
	AssigneeID     int64   `json:"assignee,omitempty"`
	Tags           []int64 `json:"tags,omitempty"`
	Received       int     `json:"received,omitempty"`
	Replies        int     `json:"replies,omitempty"`
	Notes          int     `json:"notes,omitempty"`
	CreatedAt      int64   `json:"created_at"`
	WaitingSince   int64   `json:"waiting_since,omitempty"`
	LastCustomerAt int64   `json:"last_customer_at,omitempty"`
	LastAgentAt    int64   `json:"last_agent_at,omitempty"`
	LastHumanAt    int64   `json:"last_human_at,omitempty"`
	ClosedAt       int64   `json:"closed_at,omitempty"`
	Deleted        bool    `json:"deleted,omitempty"`
	Followers      []int64 `json:"followers,omitempty"`
	SnoozedUntil   int64   `json:"snoozed_until,omitempty"`
	TeamID         int64   `json:"team,omitempty"`

	Fields map[string]string `json:"fields,omitempty"` // by Field.Path; of a text its id

	Rating     RatingValue `json:"rating,omitempty"`
	MergedInto int64       `json:"merged_into,omitempty"`
}

// By is the circumstance of an act: who, how, when, in answer to what.
type By struct {
	Actor   Actor
	Path    Path
	ActID   int64
	At      int64 // milliseconds, UTC
	FinalAt int64 // At when there is no undo window
	Cause   *Event
	Root    *Event // nil lets the act's first event become the root
	Depth   int
	Import  bool // recorded as never to be judged, queues no mail (W7)
}

// Replay returns the event as it would have been recorded on a conversation
// with these facts: with another from-value and snapshot. changed is false
// when it would not have been recorded at all, since the fact had its value
// already. What an event carries beside facts stays.
func (e Event) Replay(facts Snapshot) (next Event, changed bool) {
	next = e
	after := e.After
	after.Status, after.AssigneeID, after.Tags = facts.Status, facts.AssigneeID, slices.Clone(facts.Tags)
	after.MailboxID, after.CustomerID, after.Deleted = facts.MailboxID, facts.CustomerID, facts.Deleted
	after.SnoozedUntil, after.TeamID, after.Fields = facts.SnoozedUntil, facts.TeamID, maps.Clone(facts.Fields)
	after.MergedInto = facts.MergedInto
	switch e.Kind {
	case FieldChanged:
		if facts.Fields[e.Payload.Field] == e.Payload.To {
			return e, false
		}
		next.Payload.From = facts.Fields[e.Payload.Field]
		after.Fields = withField(facts.Fields, e.Payload.Field, e.Payload.To)
	case ConversationSnoozed, ConversationWoken:
		if facts.SnoozedUntil == e.After.SnoozedUntil {
			return e, false
		}
		next.Payload.From = decimal(facts.SnoozedUntil)
		after.SnoozedUntil = e.After.SnoozedUntil
	case ConversationMerged:
		if e.MergedAway() {
			after.MergedInto = e.After.MergedInto
		}
	case StatusChanged:
		if string(facts.Status) == e.Payload.To {
			return e, false
		}
		next.Payload.From = string(facts.Status)
		after.Status = Status(e.Payload.To)
	case AssigneeChanged:
		if decimal(facts.AssigneeID) == e.Payload.To {
			return e, false
		}
		next.Payload.From = decimal(facts.AssigneeID)
		after.AssigneeID = e.After.AssigneeID
	case TeamChanged:
		if decimal(facts.TeamID) == e.Payload.To {
			return e, false
		}
		next.Payload.From = decimal(facts.TeamID)
		after.TeamID = e.After.TeamID
	case ConversationMoved:
		if decimal(facts.MailboxID) == e.Payload.To {
			return e, false
		}
		next.Payload.From = decimal(facts.MailboxID)
		after.MailboxID = e.After.MailboxID
	case CustomerChanged:
		if decimal(facts.CustomerID) == e.Payload.To {
			return e, false
		}
		next.Payload.From = decimal(facts.CustomerID)
		after.CustomerID = e.After.CustomerID
	case ConversationDeleted, ConversationRestored:
		if facts.Deleted == e.After.Deleted {
			return e, false
		}
		after.Deleted = e.After.Deleted
	case TagsChanged:
		next.Payload.Added, next.Payload.Removed = nil, nil
		for _, t := range e.Payload.Added {
			if !slices.Contains(after.Tags, t) {
				after.Tags, next.Payload.Added = append(after.Tags, t), append(next.Payload.Added, t)
			}
		}
		for _, t := range e.Payload.Removed {
			if i := slices.Index(after.Tags, t); i >= 0 {
				after.Tags, next.Payload.Removed = slices.Delete(after.Tags, i, i+1), append(next.Payload.Removed, t)
			}
		}
		if len(next.Payload.Added)+len(next.Payload.Removed) == 0 {
			return e, false
		}
		slices.Sort(after.Tags)
	}
	next.After = after
	return next, true
}
