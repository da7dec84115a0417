package workflow

import (
	"slices"
	"strings"

	"postroom"
)

// Edge is how a kind of event presents itself in an editor.
type Edge struct {
	Event postroom.EventKind
	Label string // as after "When": "the status changes"
	Doc   string // what exactly it is
	From  bool   // it can be filtered by what was so before
	To    bool   // and by what is so after it
	Ref   Ref    // what From and To are ids of; "" when they are Choices
	// Choices is what From and To can be, unless they are ids.
	Choices []string
}

// edgeDocs says what each kind of event is.
var edgeDocs = map[postroom.EventKind]string{
	postroom.ConversationCreated: "The first message of a new matter.",
	postroom.MessageReceived:     "Every message of a customer, the first one included.",
	postroom.ReplySent:           "A reply to the customer, by an agent or a workflow.",
	postroom.StatusChanged:       "From one status to another, by whatever path. Closing is a change to closed.",
	postroom.AssigneeChanged:     "From one agent to another, or to or from nobody.",
	postroom.TeamChanged:         "From one team to another, or to or from none.",
	postroom.TagsChanged:         "Tags added or removed.",

	postroom.NoteAdded:            "An internal note, by an agent or a workflow.",
	postroom.SubjectChanged:       "The conversation got another subject.",
	postroom.CustomerChanged:      "The conversation was given to another customer. Conditions about the customer ask about the new one, those about the former customer about whom it was taken from.",
	postroom.ConversationMoved:    "Into another mailbox. A workflow of one mailbox hears of what comes into it.",
	postroom.ConversationDeleted:  "It lies among the deleted ones now. Nothing is done to it there any more, and the customer gets no mail; mails to others go out.",
	postroom.ConversationRestored: "It came back from the deleted ones.",
	postroom.ConversationSnoozed:  "It sleeps until a time, out of the folders of open conversations.",
	postroom.ConversationWoken:    "Its sleep is over: the time has come (through a time that came), the customer wrote, or somebody woke it.",

	postroom.FieldChanged:       "A field of your own was set, changed or cleared.",
	postroom.ConversationOpened: "Its page was opened, at most once in a quarter of an hour for each agent; ask for the agent who did it. It is written down only while a workflow or a promise listens.",
	postroom.RatingReceived:     "By the links that {{ rating }} draws in a mail: the first time, and each time the customer changes their mind.",
	postroom.ConversationMerged: "Two became one. Both hear of it: the one that goes on, and the one that is only a place leading there now.",

	postroom.MailAccepted:    "The server of the recipient has taken a mail of this conversation.",
	postroom.MailDelayed:     "The server has put a mail off again and again; it is told once, when the mail is an hour late.",
	postroom.MailFailed:      "A mail was refused for good, or given up after days.",
	postroom.MailUncertain:   "The connection broke after the whole mail was handed over and before the server answered.",
	postroom.MailAssumedSent: "A mail of which nobody knows was taken as sent.",
	postroom.MailSuppressed:  "A mail was not sent because nothing automatic goes to this address.",
	postroom.MailSkipped:     "A mail was not sent because of a limit, or because there was nobody to send it to.",
	postroom.MailCancelled:   "A mail was cancelled by somebody, or because the reply it follows failed.",
	postroom.MailBounced:     "A delivery report says that a mail came back, after a server had taken it.",
	postroom.MailComplained:  "The recipient's provider reports that a mail was called unwanted.",
	postroom.MailQuarantined: "A mail is held back by the breaker or a budget until somebody releases or discards it.",

	postroom.WorkflowFailed: "A workflow could not be carried out on this conversation.",
	postroom.WorkflowPaused: "A workflow paused itself while it worked on this conversation.",

	postroom.ScheduleDue:     "On chosen days, at a time of day. It goes through the conversations then, and runs on each for which its conditions hold.",
	postroom.WorkflowStarted: "From the menu of a conversation, on a selection, or by @run in an answer by mail. Nothing else sets it off, unless another workflow runs it.",
}

// Edges lists the kinds of events a workflow can listen for, with what each
// can be filtered by, in the editor's order.
func Edges() []Edge {
	out := make([]Edge, 0, len(Events()))
	for _, kind := range Events() {
		out = append(out, EdgeOf(kind))
	}
	return out
}

// EventGroup names the group of a kind of event, for a menu.
func EventGroup(kind postroom.EventKind) string {
	switch {
	case kind.OfMail():
		return "Outgoing mail"
	case kind == postroom.MessageReceived, kind == postroom.ReplySent, kind == postroom.NoteAdded:
		return "Messages"
	case kind == postroom.ScheduleDue:
		return "Time"
	case kind == postroom.WorkflowStarted:
		return "By hand"
	case kind == postroom.WorkflowFailed, kind == postroom.WorkflowPaused:
		return "Workflows"
	}
	return "Conversation"
}

// EdgeOf returns the row of one kind; a kind no workflow can listen for has no
// filters.
func EdgeOf(kind postroom.EventKind) Edge {
	e := Edge{Event: kind, Label: EventLabel(kind), Doc: edgeDocs[kind]}
	switch kind {
	case postroom.StatusChanged:
		e.From, e.To, e.Choices = true, true, slices.Clone(choiceLists.status)
	case postroom.ConversationCreated:
		e.To, e.Choices = true, slices.Clone(choiceLists.status)
	case postroom.RatingReceived:
		e.To, e.Choices = true, asText(postroom.RatingValues)
	case postroom.AssigneeChanged:
		e.From, e.To, e.Ref = true, true, RefAgent
	case postroom.TeamChanged:
		e.From, e.To, e.Ref = true, true, RefTeam
	case postroom.ConversationMoved:
		e.From, e.To, e.Ref = true, true, RefMailbox
	case postroom.ConversationMerged:
		e.To, e.Choices = true, slices.Clone(mergeSides)
	}
	return e
}

// ActorChoices lists who can have done something, PathChoices by which way, as
// the filters of a When take them.
func ActorChoices() []string { return slices.Clone(choiceLists.actor) }

// PathChoices lists the ways in which things are done.
func PathChoices() []string { return slices.Clone(choiceLists.path) }

// ActionSchema is how a kind of action presents itself in an editor.
type ActionSchema struct {
	Do    ActionKind
	Label string // of a button that adds it
	Doc   string // what it does
}

// Actions lists the kinds of actions in the editor's order.
func Actions() []ActionSchema {
	docs := map[ActionKind][2]string{
		DoReply:   {"Reply to the customer", "A mail of its own. It leaves after the agent's reply, if there is one."},
		DoNote:    {"Add a note", "Only agents read it."},
		DoStatus:  {"Set the status", "Unless somebody has changed it since."},
		DoAssign:  {"Assign", "Unless somebody has assigned it since."},
		DoTeam:    {"Give to a team", "Unless somebody has given it to a team since. Who is assigned stays."},
		DoTags:    {"Add or remove tags", "Tags that are there already stay as they are."},
		DoFollow:  {"Follow", "Agents follow it, or follow it no more: they are told of what is written in it. Nobody else notices."},
		DoMail:    {"Mail somebody else", "To agents or other addresses, never to the customer. An agent's answer to it acts like one to a notification."},
		DoForward: {"Forward the message", "The message that set it off, with its files, to other addresses. What they answer comes to this conversation."},
		DoWebhook: {"Call a webhook", "Sends the event, or a text of your own, to another program. A call that fails is tried again for about a day."},
		DoSubject: {"Change the subject", "Unless somebody has changed it since."},
		DoMove:    {"Move it", "Into another mailbox, unless somebody has moved it since."},
		DoSpam:    {"Mark as spam", "Unless somebody has changed the status since."},
		DoDelete:  {"Delete it", "Among the deleted ones, from where it can be restored; not when the customer has written since."},

		DoField: {"Set a field", "A field of your own, unless somebody has changed it since. What cannot be, such as a choice that is retired, is left, with the reason."},

		DoSnooze: {"Snooze", "It sleeps for so long or until a moment, unless the customer writes or somebody wakes it; not when a message has arrived since."},

		DoRun:  {"Run another workflow", "On the same event, after this one: its conditions are asked, and its When is not. A workflow runs once in a chain."},
		DoWait: {"Wait", "What stands behind it is done when the time has come, as the world is then: what somebody has changed since is left as it is."},

		DoStop: {"Stop here", "Workflows further down do not look at this event any more. It comes last."},
	}
	out := make([]ActionSchema, 0, len(ActionKinds))
	for _, do := range ActionKinds {
		out = append(out, ActionSchema{Do: do, Label: docs[do][0], Doc: docs[do][1]})
	}
	return out
}

// FactsOn lists the facts that an event of this kind can be asked for, in the
// editor's order: a change of tags, for example, has no message.
func FactsOn(kind postroom.EventKind) []Fact {
	return slices.DeleteFunc(Schema(), func(f Fact) bool {
		e := EdgeOf(kind)
		moved := kind == postroom.ConversationMoved || kind == postroom.TeamChanged // its sides are asked for as the mailbox, or the team
		return !kindHas(kind, f.Name) || f.Name == "event.from" && (!e.From || moved) || f.Name == "event.to" && (!e.To || moved)
	})
}

// kindHas reports whether events of a kind ever have the fact.
func kindHas(kind postroom.EventKind, fact string) bool {
	switch {
	case strings.HasPrefix(fact, "mail."):
		return kind.OfMail()
	case strings.HasPrefix(fact, "former."):
		return kind == postroom.CustomerChanged
	case strings.HasPrefix(fact, "rating."):
		return kind == postroom.RatingReceived
	case !strings.HasPrefix(fact, "message."):
		return true
	}
	switch kind {
	case postroom.ConversationCreated, postroom.MessageReceived, postroom.ReplySent, postroom.NoteAdded:
		return true
	}
	return false
}

// FactGroup names the group of facts that one belongs to, for a menu.
func FactGroup(name string) string {
	group, _, _ := strings.Cut(name, ".")
	switch {
	case strings.HasPrefix(name, ConversationField):
		return "Fields of the conversation"
	case strings.HasPrefix(name, CustomerField):
		return "Fields of the customer"
	}
	switch group {
	case "customer":
		return "Customer"
	case "former":
		return "Former customer"
	case "conversation":
		return "Conversation"
	case "message":
		return "Message"
	case "mail":
		return "Outgoing mail"
	case "rating":
		return "Rating"
	case "office":
		return "Office hours"
	}
	return "What happened"
}

// LookupFact finds a fact by its name; a header by the name of that header.
func LookupFact(name string) (Fact, bool) {
	f, _, ok := lookup(name)
	return f, ok
}

// OpLabel says an operator as it reads behind the label of a fact.
func OpLabel(fact Fact, op Op) string {
	o, ok := operator(op)
	if !ok {
		return string(op)
	}
	return o.label(fact.Kind)
}

// Input is the control with which an editor asks for a condition's values.
type Input string

// The controls.
const (
	InputNone    Input = "none"    // the operator takes no value
	InputText    Input = "text"    // one line
	InputLines   Input = "lines"   // one text a line
	InputNumber  Input = "number"  // one whole number
	InputChoice  Input = "choice"  // one of a list
	InputChoices Input = "choices" // some of a list
	InputDate    Input = "date"
	InputSpan    Input = "span" // a number with a unit: m, h, d, w
)

// Question is how an editor asks for the values of a condition.
type Question struct {
	Input   Input
	Choices []string // of the list, as they are stored; empty when it is of Ref
	Ref     Ref      // the list is of these ids
	Nobody  bool     // and of 0, nobody
	Hint    string   // an example or a remark
}

// Ask says how an editor asks for the values of a condition about a fact, on
// an edge. Whatever it offers, the compiler accepts.
func Ask(kind postroom.EventKind, fact Fact, op Op) Question {
	o, ok := operator(op)
	if !ok || o.Values == 0 {
		return Question{Input: InputNone}
	}
	several := o.Values < 0
	list := func(q Question) Question {
		if q.Input = InputChoice; several {
			q.Input = InputChoices
		}
		return q
	}
	switch fact.Kind {
	case KindChoice:
		return list(Question{Choices: slices.Clone(fact.Choices)})
	case KindRef, KindSet:
		return list(Question{Ref: fact.Ref, Nobody: fact.Ref.None() && (op == ChangedFrom || op == ChangedTo)})
	case KindBool:
		return list(Question{Choices: []string{"true", "false"}})
	case KindNumber:
		return Question{Input: InputNumber}
	case KindTime:
		if op == Within || op == Older {
			return Question{Input: InputSpan}
		}
		return Question{Input: InputDate, Hint: "From midnight, in UTC."}
	}
	if e := EdgeOf(kind); fact.Name == "event.from" && e.From || fact.Name == "event.to" && e.To {
		return list(Question{Choices: e.Choices, Ref: e.Ref, Nobody: e.Ref.None()})
	}
	q := Question{Input: InputText, Hint: hints[fact.Name]}
	switch {
	case op == Matches:
		q.Hint = `A regular expression, such as invoice\s+\d+ (RE2). Capitals do not matter.`
	case several:
		q.Input, q.Hint = InputLines, "One a line."
	}
	return q
}

// hints are examples of texts to compare with.
var hints = map[string]string{
	"customer.address":  "Such as @example.com.",
	"customer.domain":   "Such as example.com.",
	"customer.language": "A tag, such as de.",
	"former.address":    "Such as @example.com.",
	"former.domain":     "Such as example.com.",
	"message.from":      "Such as @example.com.",
	"mail.address":      "Such as @example.com.",
	"mail.words":        "Such as mailbox full.",
}

// Units are the units of a span, the smallest first, those of office time behind
// the others: what is stored, and the word.
func Units() [][2]string {
	return [][2]string{{"m", "minutes"}, {"h", "hours"}, {"d", "days"}, {"w", "weeks"},
		{"bm", "business minutes"}, {"bh", "business hours"}, {"bd", "business days"}}
}
