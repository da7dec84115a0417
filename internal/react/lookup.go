package react

import (
	"context"
	"fmt"
	"strings"
	"time"

	"postroom"
	"postroom/internal/calendar"
	"postroom/internal/email"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// lookups reads what judging and planning one event look at: each record once,
// and only when something asks for it. Those who ask are pure and know no
// errors; so the first read that fails is kept in err, and whatever was
// decided with it must not be used. What does not exist is no such failure.
type lookups struct {
	ctx   context.Context
	r     *React
	event *postroom.Event
	root  *postroom.Event  // the beginning of the chain
	took  *workflow.Office // the calendar that an earlier try has recorded, nil for none
	err   error

	conversation memo[*postroom.Conversation]
	customer     memo[*postroom.Customer]
	former       memo[*postroom.Customer]
	mailboxes    memo[[]*postroom.Mailbox]
	last         memo[*postroom.Message]
	tags         memo[map[int64]string]
	agents       map[int64]*postroom.Agent
	teams        map[int64]*postroom.Team
	messages     map[int64]*postroom.Message // by event
	mail         memo[*email.Mail]
	outgoing     memo[*postroom.Mail]
	rating       memo[*postroom.Rating]
	office       memo[*calendar.Calendar]
	texts        memo[map[string]string]
	fields       memo[[]*postroom.Field]
}

// memo is something that is read at most once.
type memo[T any] struct {
	done  bool
	value T
}

func (m *memo[T]) get(l *lookups, read func() (T, error)) T {
	if !m.done && l.err == nil {
		value, err := read()
		if err != nil {
			l.err = err
			return m.value
		}
		m.value, m.done = value, true
	}
	return m.value
}

// orNone forgives that there is no such row.
func orNone[T any](v *T, err error) (*T, error) {
	if postroom.CodeOf(err) == postroom.NotFound {
		return nil, nil
	}
	return v, err
}

// Conversation is the conversation as it is now; never nil.
func (l *lookups) Conversation() *postroom.Conversation {
	c := l.conversation.get(l, func() (*postroom.Conversation, error) {
		return l.r.Store.Read().Conversation(l.ctx, l.event.ConversationID)
	})
	if c == nil {
		return &postroom.Conversation{}
	}
	return c
}

// forget has what a leg may have changed read anew: the next one meets the same
// conversation as it would after a restart between the two (W18).
func (l *lookups) forget() { l.conversation = memo[*postroom.Conversation]{} }

// home is the mailbox the conversation is in now: from there its mails leave.
func (l *lookups) home() int64 {
	if id := l.Conversation().MailboxID; id != 0 {
		return id
	}
	return l.event.After.MailboxID
}

// Customer is the customer of the event, nil if there is none.
func (l *lookups) Customer() *postroom.Customer {
	return l.customer.get(l, func() (*postroom.Customer, error) {
		return orNone(l.r.Store.Read().Customer(l.ctx, l.event.After.CustomerID))
	})
}

// Former is whose customer the event says the conversation was, nil if it says
// nothing of that.
func (l *lookups) Former() *postroom.Customer {
	id := workflow.FormerCustomer(l.event)
	if id == 0 {
		return nil
	}
	return l.former.get(l, func() (*postroom.Customer, error) {
		return orNone(l.r.Store.Read().Customer(l.ctx, id))
	})
}

// Mailboxes are all mailboxes.
func (l *lookups) Mailboxes() []*postroom.Mailbox {
	return l.mailboxes.get(l, func() ([]*postroom.Mailbox, error) { return l.r.Store.Read().Mailboxes(l.ctx) })
}

// Mailbox returns a mailbox, nil if there is none.
func (l *lookups) Mailbox(id int64) *postroom.Mailbox {
	for _, m := range l.Mailboxes() {
		if m.ID == id {
			return m
		}
	}
	return nil
}

// Last is the last message received, nil if there is none.
func (l *lookups) Last() *postroom.Message {
	return l.last.get(l, func() (*postroom.Message, error) {
		if l.Conversation().MergedInto != 0 {
			return l.r.Store.Read().LastReceivedThere(l.ctx, l.event.ConversationID)
		}
		return l.r.Store.Read().LastReceived(l.ctx, l.event.ConversationID)
	})
}

// Agent returns an agent, nil if there is none.
func (l *lookups) Agent(id int64) *postroom.Agent {
	a, ok := l.agents[id]
	if ok || id == 0 || l.err != nil {
		return a
	}
	a, err := orNone(l.r.Store.Read().Agent(l.ctx, id))
	if err != nil {
		l.err = err
		return nil
	}
	if l.agents == nil {
		l.agents = map[int64]*postroom.Agent{}
	}
	l.agents[id] = a
	return a
}

// Tags are the names of all tags.
func (l *lookups) Tags() map[int64]string {
	return l.tags.get(l, func() (map[int64]string, error) {
		all, err := l.r.Store.Read().Tags(l.ctx)
		names := make(map[int64]string, len(all))
		for _, t := range all {
			names[t.ID] = t.Name
		}
		return names, err
	})
}

// Message returns the message an event is about, nil if it has none; for
// conversation.created it is the one that began the conversation.
func (l *lookups) Message(e *postroom.Event) *postroom.Message {
	m, ok := l.messages[e.ID]
	if ok || l.err != nil {
		return m
	}
	m, err := l.readMessage(e)
	if err != nil {
		l.err = err
		return nil
	}
	if l.messages == nil {
		l.messages = map[int64]*postroom.Message{}
	}
	l.messages[e.ID] = m
	return m
}

func (l *lookups) readMessage(e *postroom.Event) (*postroom.Message, error) {
	read, id := l.r.Store.Read(), e.Payload.MessageID
	if id == 0 && e.Kind == postroom.ConversationCreated {
		act, err := read.ActEvents(l.ctx, e.ConversationID, e.ActID)
		if err != nil {
			return nil, err
		}
		for _, x := range act {
			if x.Payload.MessageID != 0 {
				id = x.Payload.MessageID
				break
			}
		}
	}
	if id == 0 {
		return nil, nil
	}
	return read.MessageAsWritten(l.ctx, id)
}

// headers gives the headers of the mail a message came in; nil for one that
// did not come by mail, whose headers are missing and not empty.
func (l *lookups) headers(m *postroom.Message) func(string) []string {
	if m == nil || m.InboundID == 0 {
		return nil
	}
	return func(name string) []string {
		mail := l.mail.get(l, func() (*email.Mail, error) {
			in, err := l.r.Store.Read().Inbound(l.ctx, m.InboundID)
			if err != nil {
				return nil, err
			}
			p := l.r.parse(in)
			if p.mail == nil {
				return nil, fmt.Errorf("the headers of received mail %d cannot be read: %w", in.ID, p.err)
			}
			return p.mail, nil
		})
		if mail == nil {
			return nil
		}
		return mail.HeaderValues(name)
	}
}

// facts gathers the records that conditions on this edge look at.
func (l *lookups) facts(needs workflow.Needs) workflow.Facts {
	record := workflow.Record{Event: l.event}
	if needs.Customer {
		record.Customer = l.Customer()
	}
	if needs.Former {
		record.Former = l.Former()
	}
	if needs.Subject {
		record.Subject = &l.Conversation().Subject
	}
	if needs.Message || needs.Headers {
		record.Message = l.Message(l.event)
	}
	if needs.Headers {
		record.Headers = l.headers(record.Message)
	}
	if needs.Mail {
		record.Mail = l.Outgoing()
	}
	if needs.Rating {
		record.Rating = l.Rating()
	}
	if needs.Root {
		record.Root = l.root
	}
	if needs.Texts {
		record.Texts = l.Texts()
	}
	if needs.Office {
		record.Office = l.Office()
	}
	return workflow.NewFacts(record)
}

// Texts are those of the conversation's fields at the event.
func (l *lookups) Texts() map[string]string {
	return l.texts.get(l, func() (map[string]string, error) { return l.r.Store.Read().FieldTexts(l.ctx, l.event.After.Fields) })
}

// Fields are all fields, deleted ones too.
func (l *lookups) Fields() []*postroom.Field {
	return l.fields.get(l, func() ([]*postroom.Field, error) { return l.r.Store.Read().Fields(l.ctx) })
}

// Office is the calendar of the mailbox the conversation was in at the event, as
// it is now; or the one that counted when the judgement was fixed (W40).
func (l *lookups) Office() *calendar.Calendar {
	return l.office.get(l, func() (*calendar.Calendar, error) {
		if l.took != nil {
			return officeThen(l.ctx, l.r.Store.Read(), *l.took)
		}
		return officeOf(l.ctx, l.r.Store.Read(), l.event.After.MailboxID)
	})
}

// officeOf is the calendar that counts for a mailbox now.
func officeOf(ctx context.Context, read store.Read, mailbox int64) (*calendar.Calendar, error) {
	row, err := read.CalendarFor(ctx, mailbox)
	if err != nil && postroom.CodeOf(err) != postroom.NotFound {
		return nil, err
	}
	return calendar.Read(row.ID, row.Revision, row.Name, row.Hours)
}

// officeThen is a calendar as it was in a revision.
func officeThen(ctx context.Context, read store.Read, o workflow.Office) (*calendar.Calendar, error) {
	var row store.CalendarRow
	if o.Calendar != 0 {
		var err error
		if row, err = read.CalendarRevision(ctx, o.Calendar, o.Revision); err != nil {
			return nil, err
		}
	}
	return calendar.Read(row.ID, row.Revision, row.Name, row.Hours)
}

// Rating is what the event received from the customer, nil if it is no rating.
func (l *lookups) Rating() *postroom.Rating {
	if l.event.Payload.RatingID == 0 {
		return nil
	}
	return l.rating.get(l, func() (*postroom.Rating, error) {
		return orNone(l.r.Store.Read().Rating(l.ctx, l.event.Payload.RatingID))
	})
}

// Outgoing is the mail that the event is about, nil if it is about none.
func (l *lookups) Outgoing() *postroom.Mail {
	if l.event.Payload.MailID == 0 {
		return nil
	}
	return l.outgoing.get(l, func() (*postroom.Mail, error) {
		return orNone(l.r.Store.Read().Mail(l.ctx, l.event.Payload.MailID))
	})
}

// value gives the variables of a workflow's templates.
func (l *lookups) value(workflowName string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v := workflow.Values{Event: l.event, Workflow: workflowName}
		switch group, _, _ := strings.Cut(name, "."); group {
		case "conversation":
			v.Subject = l.Conversation().Subject
			if name == "conversation.team" {
				if t := l.Team(l.event.After.TeamID); t != nil {
					v.Team = t.Name
				}
			}
			if strings.Contains(name, ".fields.") {
				v.Texts, v.Fields = l.Texts(), l.name
			}
		case "customer":
			v.Customer, v.Fields = l.Customer(), l.name
		case "mailbox":
			v.Mailbox = l.Mailbox(l.event.After.MailboxID)
		case "agent":
			v.Assignee = l.Agent(l.event.After.AssigneeID)
		case "actor":
			if l.root.Actor.Kind == postroom.ByAgent {
				v.Actor = l.Agent(l.root.Actor.ID)
			}
		}
		return v.Value(name)
	}
}

// zone is the zone times in a mail are written in: the assignee's.
func (l *lookups) zone() *time.Location {
	a := l.Agent(l.event.After.AssigneeID)
	if a == nil || a.Zone == "" {
		return time.UTC
	}
	zone, err := time.LoadLocation(a.Zone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// name puts an id into words for the details of effects.
func (l *lookups) name(kind workflow.Ref, id int64) string {
	switch kind {
	case workflow.RefAgent:
		if a := l.Agent(id); a != nil {
			return a.Name
		}
	case workflow.RefTeam:
		if t := l.Team(id); t != nil {
			return t.Name
		}
	case workflow.RefTag:
		return l.Tags()[id]
	case workflow.RefMailbox:
		if m := l.Mailbox(id); m != nil {
			return m.Name
		}
	}
	if strings.HasPrefix(string(kind), "field ") {
		return workflow.FieldWords(kind, l.Fields())
	}
	return ""
}
