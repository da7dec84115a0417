package workflow

import (
	"slices"
	"strings"

	"postroom"
	"postroom/internal/calendar"
)

// Value is the value of a fact at the moment of an event. The zero Value is
// missing, which makes conditions about it unknown.
type Value struct {
	known bool
	unset bool     // a number that is not set
	texts []string // Text
	num   int64    // Number, Choice by text, Ref, Time (milliseconds), Bool (0 or 1)
	ids   []int64  // Set
}

// Missing returns the value of a fact that is not there.
func Missing() Value { return Value{} }

// Text returns the value of a text or choice; several texts for a fact that
// has several, such as a customer's addresses. No text is an empty value, not
// a missing one.
func Text(texts ...string) Value { return Value{known: true, texts: texts} }

// Number returns the value of a number.
func Number(n int64) Value { return Value{known: true, num: n} }

// ID returns the value of a reference; 0 is nobody or nothing.
func ID(id int64) Value { return Value{known: true, num: id} }

// IDs returns the value of a set of references.
func IDs(ids []int64) Value { return Value{known: true, ids: ids} }

// Time returns the value of a time in milliseconds since 1970, UTC; 0 is never.
func Time(ms int64) Value { return Value{known: true, num: ms} }

// Bool returns the value of a yes or no.
func Bool(b bool) Value {
	v := Value{known: true}
	if b {
		v.num = 1
	}
	return v
}

// Known reports whether the fact is there.
func (v Value) Known() bool { return v.known }

// Facts gives the value of a fact by its name in the Schema. It must give the
// same value for the same name as long as one event is judged.
type Facts interface {
	Value(fact string) Value
}

// Needs says which records the conditions on an edge look at beside the event
// and its snapshot, so that judging looks up no more than that.
type Needs struct {
	Customer bool
	Former   bool // whose customer.changed says it was
	Subject  bool
	Message  bool
	Headers  bool
	Mail     bool
	Root     bool
	Office   bool // the calendar that counts
	Rating   bool // what the customer said, of an event that is about it
	Texts    bool // the texts of fields
}

// Record is what facts are read from: the event with its snapshot, and the
// records it refers to. What is nil is missing.
type Record struct {
	Event    *postroom.Event
	Customer *postroom.Customer
	// Former is the customer it was taken from by a customer.changed.
	Former  *postroom.Customer
	Subject *string // the conversation's
	// Message is the message of the event; for conversation.created it is the
	// message that began the conversation.
	Message *postroom.Message
	// Headers returns all values of a header of the received mail, nil if it
	// has none. The name comes in lower case.
	Headers func(name string) []string
	// Mail is the mail the event is about, with its recipients.
	Mail *postroom.Mail
	// Rating is what the event received from the customer.
	Rating *postroom.Rating
	// Root is the first event of the chain; nil is good where that is Event.
	Root *postroom.Event
	// Office is the calendar of the mailbox that the event's conversation is in,
	// as it was when the event was judged.
	Office *calendar.Calendar
	// Texts are those among the values of the conversation's fields, by the ids
	// that stand for them in the snapshot.
	Texts map[string]string
}

// NewFacts returns the facts of an event.
func NewFacts(r Record) Facts { return recordFacts{r} }

type recordFacts struct{ r Record }

// Value implements Facts.
func (f recordFacts) Value(fact string) Value {
	if strings.HasPrefix(fact, ConversationField) || strings.HasPrefix(fact, CustomerField) {
		return f.field(fact)
	}
	group, rest, _ := strings.Cut(fact, ".")
	switch group {
	case "customer":
		return customerFact(f.r.Customer, rest)
	case "former":
		return customerFact(f.r.Former, rest)
	case "conversation":
		return f.conversation(rest)
	case "message":
		return f.message(rest)
	case "event":
		return f.event(rest)
	case "mail":
		return f.mail(rest)
	case "cause":
		return f.cause(rest)
	case "rating":
		return f.rating(rest)
	case "office":
		return f.office(rest)
	}
	return Missing()
}

// customerFact returns a fact about a customer; nil is missing.
func customerFact(c *postroom.Customer, name string) Value {
	if c == nil {
		return Missing()
	}
	switch name {
	case "name":
		return Text(c.Name)
	case "address":
		return Text(c.Addresses...)
	case "domain":
		var domains []string
		for _, a := range c.Addresses {
			if i := strings.LastIndexByte(a, '@'); i >= 0 && !slices.Contains(domains, a[i+1:]) {
				domains = append(domains, a[i+1:])
			}
		}
		return Text(domains...)
	case "company":
		return Text(c.Company)
	case "language":
		return Text(c.Language)
	}
	return Missing()
}

func (f recordFacts) conversation(name string) Value {
	if name == "subject" {
		if f.r.Subject == nil {
			return Missing()
		}
		return Text(*f.r.Subject)
	}
	if f.r.Event == nil {
		return Missing()
	}
	s := &f.r.Event.After
	switch name {
	case "number":
		return Number(s.Number)
	case "status":
		return Text(string(s.Status))
	case "assignee":
		return ID(s.AssigneeID)
	case "team":
		return ID(s.TeamID)
	case "mailbox":
		return ID(s.MailboxID)
	case "tags":
		return IDs(s.Tags)
	case "created":
		return Time(s.CreatedAt)
	case "waiting_since":
		return Time(s.WaitingSince)
	case "received":
		return Number(int64(s.Received))
	case "replies":
		return Number(int64(s.Replies))
	case "notes":
		return Number(int64(s.Notes))
	case "last_customer_at":
		return Time(s.LastCustomerAt)
	case "last_agent_at":
		return Time(s.LastAgentAt)
	case "last_human_at":
		return Time(s.LastHumanAt)
	case "closed_at":
		return Time(s.ClosedAt)
	case "followers":
		return IDs(s.Followers)
	case "deleted":
		return Bool(s.Deleted)
	case "rating":
		return Text(string(s.Rated()))
	case "snoozed":
		return Bool(s.SnoozedUntil > 0)
	case "merged":
		return Bool(s.MergedInto > 0)
	case "snoozed_until":
		return Time(s.SnoozedUntil)
	}
	return Missing()
}

func (f recordFacts) message(name string) Value {
	m := f.r.Message
	if m == nil {
		return Missing()
	}
	switch name {
	case "from":
		return Text(mailAddresses(m.From)...)
	case "to":
		return Text(mailAddresses(m.To...)...)
	case "cc":
		return Text(mailAddresses(m.Cc...)...)
	case "subject":
		return Text(m.Subject)
	case "body":
		if m.VisibleText != "" {
			return Text(m.VisibleText)
		}
		return Text(m.Text)
	case "class":
		if m.Class == "" {
			return Missing()
		}
		return Text(string(m.Class))
	case "verified":
		if m.Kind != postroom.Received {
			return Missing()
		}
		return Bool(m.Verified)
	case "has_attachments":
		return Bool(len(m.Attachments) > 0)
	case "attachment":
		names := make([]string, len(m.Attachments))
		for i, a := range m.Attachments {
			names[i] = a.Name
		}
		return Text(names...)
	}
	if header, ok := strings.CutPrefix(name, "header."); ok && f.r.Headers != nil {
		return Text(f.r.Headers(strings.ToLower(header))...)
	}
	return Missing()
}

func (f recordFacts) event(name string) Value {
	e := f.r.Event
	if e == nil {
		return Missing()
	}
	switch name {
	case "actor":
		return Text(string(e.Actor.Kind))
	case "agent":
		if e.Actor.Kind == postroom.ByAgent {
			return ID(e.Actor.ID)
		}
		return ID(0)
	case "path":
		return Text(string(e.Path))
	case "from":
		return edgeValue(e.Kind, e.Payload.From)
	case "to":
		return edgeValue(e.Kind, e.Payload.To)
	case "depth":
		return Number(int64(e.Depth))
	}
	return Missing()
}

// edgeValue returns one side of a change. An agent's id that is absent is
// nobody, "0".
func edgeValue(kind postroom.EventKind, side string) Value {
	if side = orNone(kind, side); side == "" {
		return Missing()
	}
	return Text(side)
}

func mailAddresses(as ...postroom.Address) []string {
	out := make([]string, 0, len(as))
	for _, a := range as {
		if c := postroom.Canonical(a.Address); c != "" {
			out = append(out, c)
		}
	}
	return out
}
