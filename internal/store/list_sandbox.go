package store

import (
	"context"

	"postroom"
)

// CaughtMail is a mail as the one who got it has it.
type CaughtMail struct {
	ID      int64
	Subject string
	At      int64
	SHA256  string // of its bytes
}

// CaughtPerson is somebody who can have got mails: a customer's address, or
// any other that a mail was accepted for.
type CaughtPerson struct {
	Name, Address string
	Mails         int
	LastAt        int64
	Subject       string // of the last mail
}

const (
	qCaught = `select m.id, m.subject, r.at, m.sha256 from mail_recipient r join mail m on m.id = r.mail_id
		where r.address = $1 and r.state = 'accepted' and m.sha256 <> '' order by r.at desc, m.id desc limit $2`
	qCaughtPeople = `select a.address, c.name from customer_address a join customer c on c.id = a.customer_id order by c.id desc limit $1`
	qCaughtCounts = `select r.address, m.subject, r.at from mail_recipient r join mail m on m.id = r.mail_id
		where r.state = 'accepted' and m.sha256 <> '' order by r.at, m.id`
)

// Caught lists the mails that an address got, the last one first.
func (r Read) Caught(ctx context.Context, address string, limit int) (out []CaughtMail, err error) {
	return out, each(ctx, r.q, qCaught, []any{address, limit}, func(rows row) error {
		var m CaughtMail
		err := rows.Scan(&m.ID, &m.Subject, &m.At, &m.SHA256)
		out = append(out, m)
		return err
	})
}

// CaughtPeople lists who can have got mails. It reads every mail and is for a
// desk that holds few: a sandbox.
func (r Read) CaughtPeople(ctx context.Context, limit int) ([]CaughtPerson, error) {
	var out []CaughtPerson
	at := map[string]int{}
	err := each(ctx, r.q, qCaughtPeople, []any{limit}, func(rows row) error {
		var p CaughtPerson
		err := rows.Scan(&p.Address, &p.Name)
		at[p.Address] = len(out)
		out = append(out, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, each(ctx, r.q, qCaughtCounts, nil, func(rows row) error {
		var address, subject string
		var when int64
		if err := rows.Scan(&address, &subject, &when); err != nil {
			return err
		}
		i, ok := at[address]
		if !ok {
			i = len(out)
			at[address] = i
			out = append(out, CaughtPerson{Address: address})
		}
		out[i].Mails++
		out[i].LastAt, out[i].Subject = when, subject
		return nil
	})
}

// HappenedEvent is an event with the conversation it happened to.
type HappenedEvent struct {
	postroom.Event
	Number  int64
	Subject string
}

// HappenedMail is a mail that was accepted for somebody.
type HappenedMail struct {
	ID      int64
	At      int64
	To      string
	Subject string
	Number  int64 // of its conversation; 0: it has none
	About   string
	State   postroom.MailState
	Words   string
}

const (
	qHappened = `select ` + eventColumns + `, (select number from conversation c where c.id = event.conversation_id), (select subject from conversation c where c.id = event.conversation_id)
		from event where at between $1 and $2 order by at, id limit $3`
	qHappenedMails = `select m.id, r.at, r.address, m.subject, coalesce(c.number, 0), coalesce(c.subject, ''), r.state, r.words
		from mail_recipient r join mail m on m.id = r.mail_id left join conversation c on c.id = m.conversation_id
		where r.at between $1 and $2 and r.state in ('accepted', 'failed', 'assumed_sent') order by r.at, m.id limit $3`
	qWaitingAll = `select t.due_at, t.workflow_id, c.number, c.subject from timer t join conversation c on c.id = t.conversation_id
		where t.state = 'waiting' order by t.due_at, t.id limit $1`
)

// Happened lists the events between two times, both included. It walks all
// events and is for a desk that holds few: a sandbox.
func (r Read) Happened(ctx context.Context, from, to int64, limit int) (out []HappenedEvent, err error) {
	return out, each(ctx, r.q, qHappened, []any{from, to, limit}, func(rows row) error {
		var h HappenedEvent
		var err error
		h.Event, err = scanEvent(also{rows, []any{&h.Number, &h.Subject}})
		out = append(out, h)
		return err
	})
}

// HappenedMails lists what became of mails between two times, by recipient.
func (r Read) HappenedMails(ctx context.Context, from, to int64, limit int) (out []HappenedMail, err error) {
	return out, each(ctx, r.q, qHappenedMails, []any{from, to, limit}, func(rows row) error {
		var m HappenedMail
		err := rows.Scan(&m.ID, &m.At, &m.To, &m.Subject, &m.Number, &m.About, &m.State, &m.Words)
		out = append(out, m)
		return err
	})
}

// WaitingHere is a workflow that waits on a conversation.
type WaitingHere struct {
	DueAt, WorkflowID, Number int64
	Subject                   string
}

// AllWaiting lists the timers that wait, the one that is due first to begin
// with.
func (r Read) AllWaiting(ctx context.Context, limit int) (out []WaitingHere, err error) {
	return out, each(ctx, r.q, qWaitingAll, []any{limit}, func(rows row) error {
		var t WaitingHere
		err := rows.Scan(&t.DueAt, &t.WorkflowID, &t.Number, &t.Subject)
		out = append(out, t)
		return err
	})
}
