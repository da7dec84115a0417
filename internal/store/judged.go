package store

import (
	"context"
	"strconv"

	"postroom"
)

// JudgedEvent is an event with its stored judgement. SetRevision is 0 where no
// workflow listened for it.
type JudgedEvent struct {
	postroom.Event
	Verdicts, Inputs string
}

// PlaceInTime is where a walk through events of a kind has come to: the event
// at At with ID.
type PlaceInTime struct{ At, ID int64 }

const (
	qSaid = `select id, at, state, set_revision, case when ' ' || verdicts like $5 or verdicts like $6 then verdicts else '' end from event
	where kind = $1 and at <= $2 and (at < $2 or id < $3) order by at desc, id desc limit $4`
	qJudgedBack = `select ` + eventColumns + `, verdicts, inputs from event
	where kind = $1 and at <= $2 and (at < $2 or id < $3) order by at desc, id desc limit $4`
	qEventsSince = `select ` + eventColumns + `, verdicts, inputs from event
	where kind = $1 and at >= $2 and (at > $2 or id > $3) and at <= $4 order by at, id limit $5`
	qCountSince = `select count(*) from (select 1 from event where kind = $1 and at >= $2 and at <= $3 limit $4) t`
	qNthBack    = `select at from event where kind = $1 and at >= $2 and at <= $3 order by at desc, id desc limit 1 offset $4`
	qJudgedByID = `select ` + eventColumns + `, verdicts, inputs from event where id in (`
	qFollowing  = `select ` + eventColumns + ` from event where state <> 'undone' and at >= $1 and conversation_id in (`
)

// Said is what stands of one workflow in an event's stored judgement: the
// vector, "" where the workflow is not in it.
type Said struct {
	PlaceInTime
	Verdicts string
}

// SaidBy walks back through the events of a kind, from before a place, and looks
// at a number of them: the newest first. Where the workflow is not part of the
// judgement, neither by itself nor run by another one, or the event was not judged,
// Verdicts is "".
func (r Read) SaidBy(ctx context.Context, workflow int64, kind postroom.EventKind, before PlaceInTime, looked int) ([]Said, error) {
	var out []Said
	id := strconv.FormatInt(workflow, 36)
	err := each(ctx, r.q, qSaid, []any{kind, before.At, before.ID, looked, "% " + id + ".%", "%+" + id + ".%"}, func(rows row) error {
		var s Said
		var state postroom.EventState
		var revision int64
		err := rows.Scan(&s.ID, &s.At, &state, &revision, &s.Verdicts)
		if state == postroom.EventUndone || revision == 0 {
			s.Verdicts = ""
		}
		out = append(out, s)
		return err
	})
	return out, err
}

// JudgedBack loads events of a kind from before a place, the newest first.
func (r Read) JudgedBack(ctx context.Context, kind postroom.EventKind, before PlaceInTime, limit int) ([]JudgedEvent, error) {
	return r.judged(ctx, qJudgedBack, kind, before.At, before.ID, limit)
}

// EventsSince loads events of a kind from behind a place up to a time, the
// oldest first.
func (r Read) EventsSince(ctx context.Context, kind postroom.EventKind, after PlaceInTime, until int64, limit int) ([]JudgedEvent, error) {
	return r.judged(ctx, qEventsSince, kind, after.At, after.ID, until, limit)
}

// CountSince counts the events of a kind in a span of time, at most limit.
func (r Read) CountSince(ctx context.Context, kind postroom.EventKind, since, until int64, limit int) (n int, err error) {
	err = r.q.QueryRow(ctx, qCountSince, kind, since, until, limit).Scan(&n)
	return n, err
}

// NthBack returns the time of the event of a kind that has n newer ones in a
// span of time.
func (r Read) NthBack(ctx context.Context, kind postroom.EventKind, since, until int64, n int) (at int64, err error) {
	err = r.q.QueryRow(ctx, qNthBack, kind, since, until, n).Scan(&at)
	return at, missing(err, "There are fewer events.")
}

// JudgedByID loads events with their judgements, in no order.
func (r Read) JudgedByID(ctx context.Context, ids []int64) ([]JudgedEvent, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return r.judged(ctx, qJudgedByID+list(1, len(ids))+`)`, anys(ids)...)
}

// Following loads what happened on conversations from a time on and was not
// undone, by conversation and in order.
func (r Read) Following(ctx context.Context, conversations []int64, from int64) (map[int64][]postroom.Event, error) {
	out := map[int64][]postroom.Event{}
	if len(conversations) == 0 {
		return out, nil
	}
	all, err := r.events(ctx, qFollowing+list(2, len(conversations))+`) order by conversation_id, seq`, append([]any{from}, anys(conversations)...)...)
	for _, e := range all {
		out[e.ConversationID] = append(out[e.ConversationID], e)
	}
	return out, err
}

func (r Read) judged(ctx context.Context, query string, args ...any) ([]JudgedEvent, error) {
	var out []JudgedEvent
	err := each(ctx, r.q, query, args, func(rows row) error {
		var j JudgedEvent
		e, err := scanEvent(also{rows, []any{&j.Verdicts, &j.Inputs}})
		j.Event = e
		out = append(out, j)
		return err
	})
	return out, err
}

const qSets = `select revision, body from workflow_set where revision in (`

// Sets loads the ordered workflows of revisions; one that is not there is
// missing from the answer.
func (r Read) Sets(ctx context.Context, revisions []int64) (map[int64][]SetEntry, error) {
	out := map[int64][]SetEntry{}
	if len(revisions) == 0 {
		return out, nil
	}
	err := each(ctx, r.q, qSets+list(1, len(revisions))+`)`, anys(revisions), func(rows row) error {
		var revision int64
		var body string
		if err := rows.Scan(&revision, &body); err != nil {
			return err
		}
		var set []SetEntry
		err := fromJSON(body, &set)
		out[revision] = set
		return err
	})
	return out, err
}

const (
	qSomeCustomers  = `select id, name, created_at, language, language_set, company, fields from customer where id in (`
	qSomeAddresses  = `select customer_id, address from customer_address where customer_id in (`
	qSomeMessages   = `select ` + messageColumns + ` from message where id in (`
	qSomeFiles      = `select ` + attachmentColumns + `, message_id from attachment where message_id > 0 and message_id in (`
	qSomeFirst      = `select message_id, body_text, body_html from message_text where number = 1 and message_id in (`
	qSomeMails      = `select ` + mailColumns + ` from mail where id in (`
	qSomeRecipients = `select mail_id, address, kind, state, code, words, at from mail_recipient where mail_id in (`
	qActMessages    = `select act_id, seq, payload from event where payload like '%"message":%' and act_id in (`
	qRenamings      = `select e.conversation_id, e.seq, coalesce(a.facts_before, '') from event e left join act a on a.id = e.act_id
	where e.kind = 'subject.changed' and e.state <> 'undone' and e.conversation_id in (`
	qSomeRuns      = `select ` + runColumns + ` from run where conversation_id in (`
	qRunsForEvents = `select ` + runColumns + ` from run where workflow_id = $1 and event_id in (`
	qSomeTalks     = `select id, number, mailbox_id, subject, customer_id from conversation where id in (`
	qSomeMailsOut  = `select id, conversation_id, run_id, state, subject, created_at, automatic from mail where automatic = 1 and conversation_id in (`
	// A message stands with the conversation whose event it is, wherever it is read.
	qVerifiedSenders = `select x.conversation, x.place, x.verified from (
		select conversation_id as conversation, seq as place, verified from message where kind = 'received' and undone = 0 and written_in = 0
		union all select written_in, written_seq, verified from message where kind = 'received' and undone = 0 and written_in > 0) x where x.conversation in (`
)

// CustomersByID loads customers with their addresses, the primary one first.
func (r Read) CustomersByID(ctx context.Context, ids []int64) (map[int64]*postroom.Customer, error) {
	out := map[int64]*postroom.Customer{}
	if len(ids) == 0 {
		return out, nil
	}
	in := list(1, len(ids)) + `)`
	err := each(ctx, r.q, qSomeCustomers+in, anys(ids), func(rows row) error {
		var c postroom.Customer
		var fields string
		if err := rows.Scan(&c.ID, &c.Name, &c.CreatedAt, &c.Language, &c.LanguageSet, &c.Company, &fields); err != nil {
			return err
		}
		out[c.ID] = &c
		return readFields(fields, &c.Fields)
	})
	if err != nil {
		return out, err
	}
	return out, each(ctx, r.q, qSomeAddresses+in+` order by customer_id, position, address`, anys(ids), func(rows row) error {
		var id int64
		var address string
		err := rows.Scan(&id, &address)
		if c := out[id]; c != nil {
			c.Addresses = append(c.Addresses, address)
		}
		return err
	})
}

// MessagesAsWritten is MessageAsWritten for many; one that is gone, or the first
// text of which is, is missing from the answer.
func (r Read) MessagesAsWritten(ctx context.Context, ids []int64) (map[int64]*postroom.Message, error) {
	out := map[int64]*postroom.Message{}
	if len(ids) == 0 {
		return out, nil
	}
	in := list(1, len(ids)) + `)`
	edited := []int64{}
	err := each(ctx, r.q, qSomeMessages+in, anys(ids), func(rows row) error {
		m, err := scanMessage(rows)
		if err == nil {
			out[m.ID] = m
			if m.Version > 1 {
				edited = append(edited, m.ID)
			}
		}
		return err
	})
	if err != nil {
		return out, err
	}
	err = each(ctx, r.q, qSomeFiles+in+` order by message_id, position, id`, anys(ids), func(rows row) error {
		var message int64
		a, err := scanAttachment(rows, &message)
		if m := out[message]; m != nil {
			m.Attachments = append(m.Attachments, a)
		}
		return err
	})
	if err != nil || len(edited) == 0 {
		return out, err
	}
	first := map[int64]postroom.FormerText{}
	err = each(ctx, r.q, qSomeFirst+list(1, len(edited))+`)`, anys(edited), func(rows row) error {
		var id int64
		var f postroom.FormerText
		err := rows.Scan(&id, &f.Text, &f.HTML)
		first[id] = f
		return err
	})
	for _, id := range edited {
		if f, ok := first[id]; ok {
			out[id] = out[id].AsWritten(f)
		} else {
			delete(out, id)
		}
	}
	return out, err
}

// FirstMessages finds, for acts, the first message that each recorded.
func (r Read) FirstMessages(ctx context.Context, acts []int64) (map[int64]int64, error) {
	out := map[int64]int64{}
	if len(acts) == 0 {
		return out, nil
	}
	return out, each(ctx, r.q, qActMessages+list(1, len(acts))+`) order by act_id, seq`, anys(acts), func(rows row) error {
		var act, seq int64
		var text string
		if err := rows.Scan(&act, &seq, &text); err != nil {
			return err
		}
		var p postroom.Payload
		err := fromJSON(text, &p)
		if _, ok := out[act]; !ok && p.MessageID != 0 {
			out[act] = p.MessageID
		}
		return err
	})
}

// MailsByID loads mails with their recipients.
func (r Read) MailsByID(ctx context.Context, ids []int64) (map[int64]*postroom.Mail, error) {
	out := map[int64]*postroom.Mail{}
	if len(ids) == 0 {
		return out, nil
	}
	in := list(1, len(ids)) + `)`
	err := each(ctx, r.q, qSomeMails+in, anys(ids), func(rows row) error {
		m, err := scanMail(rows)
		out[m.ID] = m
		return err
	})
	if err != nil {
		return out, err
	}
	return out, each(ctx, r.q, qSomeRecipients+in+` order by mail_id, kind desc, address`, anys(ids), func(rows row) error {
		var id int64
		var x postroom.MailRecipient
		err := rows.Scan(&id, &x.Address, &x.Kind, &x.State, &x.Code, &x.Words, &x.At)
		if m := out[id]; m != nil {
			m.Recipients = append(m.Recipients, x)
		}
		return err
	})
}

// Renaming is a change of a conversation's subject: the number of the event, and
// what it was before. Only what could be undone is known from before: Known says
// whether it is.
type Renaming struct {
	Seq    int64
	Before string
	Known  bool
}

// Renamings loads the changes of conversations' subjects, in order.
func (r Read) Renamings(ctx context.Context, conversations []int64) (map[int64][]Renaming, error) {
	out := map[int64][]Renaming{}
	if len(conversations) == 0 {
		return out, nil
	}
	return out, each(ctx, r.q, qRenamings+list(1, len(conversations))+`) order by e.conversation_id, e.seq`, anys(conversations), func(rows row) error {
		var id int64
		var x Renaming
		var before string
		if err := rows.Scan(&id, &x.Seq, &before); err != nil {
			return err
		}
		var b actBefore
		err := fromJSON(before, &b)
		x.Before, x.Known = b.Subject, before != ""
		out[id] = append(out[id], x)
		return err
	})
}

// RunsOf lists all runs on conversations, by conversation and in order.
func (r Read) RunsOf(ctx context.Context, conversations []int64) (map[int64][]postroom.Run, error) {
	out := map[int64][]postroom.Run{}
	if len(conversations) == 0 {
		return out, nil
	}
	all, err := r.runs(ctx, qSomeRuns+list(1, len(conversations))+`) order by conversation_id, id`, anys(conversations)...)
	for _, x := range all {
		out[x.ConversationID] = append(out[x.ConversationID], x)
	}
	return out, err
}

// RunsForEvents loads the runs of a workflow for events, by event.
func (r Read) RunsForEvents(ctx context.Context, workflow int64, events []int64) (map[int64]postroom.Run, error) {
	out := map[int64]postroom.Run{}
	if len(events) == 0 {
		return out, nil
	}
	all, err := r.runs(ctx, qRunsForEvents+list(2, len(events))+`)`, append([]any{workflow}, anys(events)...)...)
	for _, x := range all {
		out[x.EventID] = x
	}
	return out, err
}

// Talk is what lines about a conversation show.
type Talk struct {
	ID, Number, MailboxID, CustomerID int64
	Subject                           string
}

// Talks loads conversations as lines show them.
func (r Read) Talks(ctx context.Context, ids []int64) (map[int64]Talk, error) {
	out := map[int64]Talk{}
	if len(ids) == 0 {
		return out, nil
	}
	return out, each(ctx, r.q, qSomeTalks+list(1, len(ids))+`)`, anys(ids), func(rows row) error {
		var x Talk
		err := rows.Scan(&x.ID, &x.Number, &x.MailboxID, &x.Subject, &x.CustomerID)
		out[x.ID] = x
		return err
	})
}

// AutoMail is an automatic mail that really was made.
type AutoMail struct {
	ID, ConversationID, RunID int64
	State                     postroom.MailState
	Subject                   string
	At                        int64
	Automatic                 bool
}

// AutoMails lists the automatic mails of conversations, by conversation.
func (r Read) AutoMails(ctx context.Context, conversations []int64) (map[int64][]AutoMail, error) {
	out := map[int64][]AutoMail{}
	if len(conversations) == 0 {
		return out, nil
	}
	return out, each(ctx, r.q, qSomeMailsOut+list(1, len(conversations))+`) order by conversation_id, id`, anys(conversations), func(rows row) error {
		var m AutoMail
		err := rows.Scan(&m.ID, &m.ConversationID, &m.RunID, &m.State, &m.Subject, &m.At, &m.Automatic)
		out[m.ConversationID] = append(out[m.ConversationID], m)
		return err
	})
}

// Trust is whether the sender of a received message was verified.
type Trust struct {
	Seq      int64
	Verified bool
}

// TrustOf says of the received messages of conversations, in order, whether
// their senders were verified.
func (r Read) TrustOf(ctx context.Context, conversations []int64) (map[int64][]Trust, error) {
	out := map[int64][]Trust{}
	if len(conversations) == 0 {
		return out, nil
	}
	return out, each(ctx, r.q, qVerifiedSenders+list(1, len(conversations))+`) order by x.conversation, x.place`, anys(conversations), func(rows row) error {
		var id int64
		var s Trust
		err := rows.Scan(&id, &s.Seq, &s.Verified)
		out[id] = append(out[id], s)
		return err
	})
}
