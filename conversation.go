package postroom

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Status is where a conversation stands.
type Status string

// The four statuses.
const (
	Active  Status = "active"  // it is the team's turn
	Pending Status = "pending" // it is the customer's turn
	Closed  Status = "closed"
	Spam    Status = "spam"
)

// Statuses lists them in the order menus show them.
var Statuses = []Status{Active, Pending, Closed, Spam}

// ParseStatus reads a status by its name.
func ParseStatus(s string) (Status, error) {
	if slices.Contains(Statuses, Status(s)) {
		return Status(s), nil
	}
	return "", InvalidField("status", "%q is not a status; it is one of active, pending, closed and spam.", s)
}

// MaxSubject is the longest subject kept, in bytes.
const MaxSubject = 998

// Conversation is everything about one matter with one customer. Its verbs
// change it and record the event in one gesture; saving writes both (W1).
type Conversation struct {
	ID         int64
	Number     int64 // what people call it
	MailboxID  int64
	CustomerID int64
	Subject    string
	Status     Status
	AssigneeID int64   // 0: unassigned
	TeamID     int64   // 0: no team's
	Tags       []int64 // ascending
	Followers  []int64 // agents who follow it, ascending

	Fields map[string]string // values of fields of one's own by Field.Path; of a text its id

	SnoozedUntil int64 // it sleeps until then; 0 if it is awake
	SnoozedBy    int64 // the agent who is told when it wakes, 0 for nobody

	Rating RatingValue // the last one received; "" for none

	Seq int64 // sequence number of its last event

	Received, Replies, Notes int // published messages by kind; Replies counts workflows' too

	CreatedAt      int64
	UpdatedAt      int64 // the last thing that happened; lists sort by it
	WaitingSince   int64 // since when the customer waits for a human answer, 0 if not
	LastCustomerAt int64
	LastAgentAt    int64
	LastHumanAt    int64 // last message of an agent that no machine wrote
	ClosedAt       int64
	DeletedAt      int64  // since when it lies among the deleted ones; 0 if it does not
	LinkedFrom     int64  // an older conversation this one continues
	MergedInto     int64  // the conversation that this one goes on as; 0 if it was not merged
	Preview        string // the beginning of the last message
	HasAttachments bool

	pending []Event
}

// Facts returns the snapshot that an event recorded now would carry.
func (c *Conversation) Facts() Snapshot {
	return Snapshot{
		Number: c.Number, MailboxID: c.MailboxID, CustomerID: c.CustomerID,
		Status: c.Status, AssigneeID: c.AssigneeID, Tags: slices.Clone(c.Tags),
		Received: c.Received, Replies: c.Replies, Notes: c.Notes,
		CreatedAt: c.CreatedAt, WaitingSince: c.WaitingSince,
		LastCustomerAt: c.LastCustomerAt, LastAgentAt: c.LastAgentAt, LastHumanAt: c.LastHumanAt,
		ClosedAt: c.ClosedAt, Deleted: c.DeletedAt > 0, Followers: slices.Clone(c.Followers), SnoozedUntil: c.SnoozedUntil, MergedInto: c.MergedInto,
		Fields: maps.Clone(c.Fields),
		Rating: c.Rating, TeamID: c.TeamID,
	}
}

// Events returns the events recorded since the conversation was loaded, in
// order, without ids for those that have none yet.
func (c *Conversation) Events() []Event { return c.pending }

// Forget drops the recorded events after they were saved.
func (c *Conversation) Forget() { c.pending = nil }

// record appends an event with the next sequence number. Within one act a
// message comes before what it changes; the other order is a fault of the
// caller, since the mails' order hangs on it (W3).
func (c *Conversation) record(by By, id int64, kind EventKind, p Payload) *Event {
	for i := len(c.pending) - 1; i >= 0 && c.pending[i].ActID == by.ActID; i-- {
		if c.pending[i].Depth == by.Depth && kind.before(c.pending[i].Kind) {
			panic("postroom: " + string(kind) + " recorded after " + string(c.pending[i].Kind) + " in one act")
		}
	}
	c.Seq++
	e := Event{
		ID: id, ConversationID: c.ID, Seq: c.Seq, Kind: kind, Version: EventVersion,
		ActID: by.ActID, Actor: by.Actor, Path: by.Path, Depth: by.Depth,
		Payload: p, After: c.Facts(), At: by.At, FinalAt: max(by.FinalAt, by.At),
		State: EventPending,
	}
	switch {
	case by.Import:
		e.State, e.FinalAt, e.Words = EventNotJudged, by.At, "imported"
	case !kind.Edge(), kind.Quiet(): // saving makes a quiet one pending where a workflow listens
		e.State = EventJudged
	}
	if by.Cause != nil {
		e.Cause = by.Cause.ID
	}
	e.Root, e.RootSeq = id, c.Seq
	if by.Root != nil {
		e.Root, e.RootSeq = by.Root.ID, by.Root.Seq
	} else if n := len(c.pending); n > 0 && c.pending[n-1].ActID == by.ActID {
		e.Root, e.RootSeq = c.pending[n-1].Root, c.pending[n-1].RootSeq
	}
	c.pending = append(c.pending, e)
	c.UpdatedAt = max(c.UpdatedAt, by.At)
	return &c.pending[len(c.pending)-1]
}

// Created records that the conversation began. Call it once, first.
func (c *Conversation) Created(by By, id int64) *Event {
	return c.record(by, id, ConversationCreated, Payload{To: string(c.Status)})
}

// Receive adds a customer's message. A message that a person wrote makes a
// pending or closed conversation active again; an automatic one never does
// (A7), an imported one neither, and spam stays spam. statusID is the id for
// that second event.
func (c *Conversation) Receive(by By, id, statusID int64, m *Message) *Event {
	c.Received++
	c.LastCustomerAt = by.At
	human := m.Class == Human || m.Class == ""
	past := by.Import && c.Status == Closed
	if human && c.WaitingSince == 0 && c.Status != Spam && !past {
		c.WaitingSince = by.At
	}
	if past {
		c.ClosedAt = max(c.ClosedAt, by.At)
	}
	c.show(m)
	e := c.record(by, id, MessageReceived, Payload{MessageID: m.ID, Class: m.Class, Verified: m.Verified})
	m.Seq = e.Seq
	if human && !by.Import && (c.Status == Closed || c.Status == Pending) {
		c.SetStatus(by, statusID, Active)
	}
	return e
}

// Reply adds an answer to the customer. One that a person wrote ends the
// customer's waiting; a workflow's does not count as a human reply (W22).
func (c *Conversation) Reply(by By, id int64, m *Message) *Event {
	c.Replies++
	c.LastAgentAt = by.At
	if !by.Actor.Machine() {
		c.LastHumanAt = by.At
		c.WaitingSince = 0
		c.show(m) // the list shows what people wrote
	}
	e := c.record(by, id, ReplySent, Payload{MessageID: m.ID})
	m.Seq = e.Seq
	return e
}

// AddNote adds an internal note. It is never mailed to the customer.
func (c *Conversation) AddNote(by By, id int64, m *Message) *Event {
	c.Notes++
	c.HasAttachments = c.HasAttachments || len(m.Attachments) > 0
	e := c.record(by, id, NoteAdded, Payload{MessageID: m.ID})
	m.Seq = e.Seq
	return e
}

// show lets the list show the message.
func (c *Conversation) show(m *Message) {
	c.Preview = m.Preview()
	c.HasAttachments = c.HasAttachments || len(m.Attachments) > 0
}

// Close sets the status to closed; see SetStatus.
func (c *Conversation) Close(by By, id int64) *Event { return c.SetStatus(by, id, Closed) }

// SetStatus changes the status. Setting what is already so records nothing
// and returns nil (W5). Closing ends the customer's waiting.
func (c *Conversation) SetStatus(by By, id int64, s Status) *Event {
	if c.Status == s {
		return nil
	}
	from := c.Status
	c.applyStatus(s, by.At)
	return c.record(by, id, StatusChanged, Payload{From: string(from), To: string(s)})
}

func (c *Conversation) applyStatus(s Status, at int64) {
	c.Status = s
	c.ClosedAt = 0
	if s == Closed {
		c.ClosedAt = at
	}
	if s == Closed || s == Spam {
		c.WaitingSince = 0
	}
}

// PutBack gives the conversation back a status that an undo found in its
// place, as it was: one that was closed has been closed since then. It records
// nothing, since the undone events stand for themselves.
func (c *Conversation) PutBack(s Status, before Snapshot) {
	c.applyStatus(s, c.UpdatedAt)
	if s == Closed && before.ClosedAt > 0 { // snapshots of old do not say
		c.ClosedAt = before.ClosedAt
	}
	if s == Active || s == Pending {
		c.WaitingSince = before.WaitingSince
	}
}

// Assign gives the conversation to an agent, 0 for nobody. Nothing is
// recorded when it is theirs already.
func (c *Conversation) Assign(by By, id, agentID int64) *Event {
	if c.AssigneeID == agentID {
		return nil
	}
	from := c.AssigneeID
	c.AssigneeID = agentID
	return c.record(by, id, AssigneeChanged, Payload{From: decimal(from), To: decimal(agentID)})
}

// ChangeTags adds and removes tags in one event; nothing is recorded when
// that changes nothing. A tag in both lists is removed.
func (c *Conversation) ChangeTags(by By, id int64, add, remove []int64) *Event {
	var added, removed []int64
	next := slices.Clone(c.Tags)
	for _, t := range add {
		if !slices.Contains(next, t) && !slices.Contains(remove, t) {
			next, added = append(next, t), append(added, t)
		}
	}
	for _, t := range remove {
		if i := slices.Index(next, t); i >= 0 {
			next, removed = slices.Delete(next, i, i+1), append(removed, t)
		}
	}
	if len(added)+len(removed) == 0 {
		return nil
	}
	slices.Sort(next)
	c.Tags = next
	return c.record(by, id, TagsChanged, Payload{Added: added, Removed: removed})
}

// SetSubject renames the conversation. An empty subject, one with line breaks
// and one over MaxSubject bytes are invalid.
func (c *Conversation) SetSubject(by By, id int64, subject string) (*Event, error) {
	subject = strings.TrimSpace(subject)
	switch {
	case subject == "":
		return nil, InvalidField("subject", "A conversation needs a subject.")
	case len(subject) > MaxSubject:
		return nil, InvalidField("subject", "The subject is longer than %d bytes.", MaxSubject)
	case strings.ContainsAny(subject, "\r\n\x00"):
		return nil, InvalidField("subject", "A subject is one line.")
	}
	if subject == c.Subject {
		return nil, nil
	}
	c.Subject = subject
	return c.record(by, id, SubjectChanged, Payload{}), nil
}

// Move puts the conversation into another mailbox; nothing is recorded when it
// is there already. Future mail leaves from there, and mail that still comes
// for it to the old one follows it (T10).
func (c *Conversation) Move(by By, id, mailboxID int64) *Event {
	if c.MailboxID == mailboxID {
		return nil
	}
	from := c.MailboxID
	c.MailboxID = mailboxID
	return c.record(by, id, ConversationMoved, Payload{From: decimal(from), To: decimal(mailboxID)})
}

// GiveTo makes the conversation another customer's; nothing is recorded when it
// is theirs already. What was said in it stays, with who said it.
func (c *Conversation) GiveTo(by By, id, customerID int64) *Event {
	if c.CustomerID == customerID {
		return nil
	}
	from := c.CustomerID
	c.CustomerID = customerID
	return c.record(by, id, CustomerChanged, Payload{From: decimal(from), To: decimal(customerID)})
}

// Delete puts the conversation among the deleted ones, with all that it is.
// Status and assignee stay; nobody waits for an answer there.
func (c *Conversation) Delete(by By, id int64) *Event {
	if c.DeletedAt > 0 {
		return nil
	}
	c.DeletedAt = max(by.At, 1)
	c.WaitingSince = 0
	return c.record(by, id, ConversationDeleted, Payload{})
}

// Restore takes the conversation out of the deleted ones; nothing is recorded
// when it is not among them. A customer whom nobody has answered waits again.
func (c *Conversation) Restore(by By, id int64) *Event {
	if c.DeletedAt == 0 {
		return nil
	}
	c.DeletedAt = 0
	c.waitAgain()
	return c.record(by, id, ConversationRestored, Payload{})
}

// waitAgain lets a customer who wrote after the last answer of a person wait
// since then, where it is the team's turn.
func (c *Conversation) waitAgain() {
	if c.Status == Active && c.LastCustomerAt > c.LastHumanAt && c.WaitingSince == 0 {
		c.WaitingSince = c.LastCustomerAt
	}
}

// ConfirmSender records that an agent lets the writer of a message, who was
// new to the conversation, take part from now on (T9).
func (c *Conversation) ConfirmSender(by By, id, messageID int64) *Event {
	return c.record(by, id, SenderConfirmed, Payload{MessageID: messageID})
}

// Note records an event that changes no fact: what became of a mail, a run
// that failed, a chain that was stopped.
func (c *Conversation) Note(by By, id int64, kind EventKind, p Payload) *Event {
	return c.record(by, id, kind, p)
}

func decimal(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

// Preview returns what lists show of a message: its beginning, without what it
// quotes.
func (m *Message) Preview() string {
	if m.VisibleText != "" {
		return Preview(m.VisibleText)
	}
	return Preview(m.Text)
}

// Preview returns the beginning of a text in one line, at most 160 runes.
func Preview(text string) string {
	var b strings.Builder
	n := 0
	for word := range strings.FieldsSeq(text) {
		if strings.HasPrefix(word, ">") {
			continue
		}
		if n > 0 {
			b.WriteByte(' ')
			n++
		}
		for _, r := range word {
			if n++; n > 160 {
				return strings.TrimSpace(b.String()) + "…"
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}
