package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"postroom"
)

// Inbound is a received mail as it was handed to us: kept raw before anyone
// tries to understand it.
type Inbound struct {
	ID             int64
	MailboxID      int64 // 0: none of ours was named
	Source         string
	EnvelopeFrom   string
	EnvelopeTo     []string
	Remote         string
	RawSHA256      string
	Size           int64
	HeaderID       string // Message-ID in canonical form, or a derived one (D2)
	ContentHash    string // of the raw mail without trace headers (D1)
	State          string
	Class          string
	Words          string // why it went where it went, or what broke
	Evidence       string // what joined it to its conversation
	Subject        string
	Sender         string
	ConversationID int64
	MessageID      int64
	Tries          int
	DueAt          int64
	ReceivedAt     int64
	DoneAt         int64
	Imported       postroom.Imported // it was there before the desk: never judged (W7)
	AboutID        int64             // the conversation it is about without being a message of it; 0: none
}

// The states of a received mail.
const (
	InboundNew       = "new"         // to be processed
	InboundDone      = "done"        // became a message
	InboundDuplicate = "duplicate"   // same id, same content (D1)
	InboundLoop      = "loop"        // our own mail came back (D6, D7)
	InboundRefused   = "refused"     // an agent's answer to a notification that was not acted on (T12)
	InboundIgnored   = "ignored"     // a machine's answer to a notification: it goes nowhere (T12)
	InboundFailed    = "failed"      // could not be processed; can be retried (D5)
	InboundKept      = "quarantined" // held back after a restore: released or discarded by a person
	InboundDiscarded = "discarded"   // … and it was discarded
)

const inboundColumns = `id, mailbox_id, source, envelope_from, envelope_to, remote, raw_sha256, size, header_id, content_hash, state, class,
	words, evidence, subject, sender, conversation_id, message_id, tries, due_at, received_at, done_at, imported, about_id`

func scanInbound(r row) (Inbound, error) {
	var in Inbound
	var to string
	err := r.Scan(&in.ID, &in.MailboxID, &in.Source, &in.EnvelopeFrom, &to, &in.Remote, &in.RawSHA256, &in.Size, &in.HeaderID, &in.ContentHash,
		&in.State, &in.Class, &in.Words, &in.Evidence, &in.Subject, &in.Sender, &in.ConversationID, &in.MessageID, &in.Tries, &in.DueAt, &in.ReceivedAt, &in.DoneAt, &in.Imported, &in.AboutID)
	if err == nil {
		err = fromJSON(to, &in.EnvelopeTo)
	}
	return in, err
}

const qInsertInbound = `insert into inbound (` + inboundColumns + `)
	values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24)`

// InsertInbound stores a received mail; its raw bytes must be on disk already.
func (t *Tx) InsertInbound(ctx context.Context, in Inbound) error {
	err := t.send(ctx, qInsertInbound, in.ID, in.MailboxID, in.Source, in.EnvelopeFrom, toJSON(in.EnvelopeTo), in.Remote, in.RawSHA256, in.Size,
		in.HeaderID, in.ContentHash, in.State, in.Class, in.Words, in.Evidence, in.Subject, in.Sender, in.ConversationID, in.MessageID,
		in.Tries, in.DueAt, in.ReceivedAt, in.DoneAt, in.Imported, in.AboutID)
	if err != nil {
		return fmt.Errorf("insert inbound: %w", err)
	}
	return nil
}

const qInbound = `select ` + inboundColumns + ` from inbound where id = $1`

// Inbound loads a received mail.
func (r Read) Inbound(ctx context.Context, id int64) (Inbound, error) {
	in, err := scanInbound(r.q.QueryRow(ctx, qInbound, id))
	return in, missing(err, "There is no such received mail.")
}

const qWaitingInbound = `select ` + inboundColumns + ` from inbound
	where mailbox_id = $1 and state = 'new' and due_at <= $2 order by id limit $3`

// WaitingInbound loads the received mails of a mailbox that are due, in order
// of arrival.
func (r Read) WaitingInbound(ctx context.Context, mailbox, now int64, limit int) ([]Inbound, error) {
	var out []Inbound
	err := each(ctx, r.q, qWaitingInbound, []any{mailbox, now, limit}, func(rows row) error {
		in, err := scanInbound(rows)
		out = append(out, in)
		return err
	})
	return out, err
}

const qNextInbound = `select coalesce(min(due_at), 0) from inbound where mailbox_id = $1 and state = 'new'`

// NextInbound returns when the next received mail of a mailbox is due, 0 if
// there is none.
func (r Read) NextInbound(ctx context.Context, mailbox int64) (int64, error) {
	var due int64
	err := r.q.QueryRow(ctx, qNextInbound, mailbox).Scan(&due)
	return due, err
}

// SameID describes an earlier mail of the mailbox with the same Message-ID.
type SameID struct {
	ContentHash    string
	ConversationID int64
	MessageID      int64
}

// Question is what a mailbox is asked about a received mail before it is filed.
type Question struct {
	Inbound          // its id, HeaderID and mailbox
	IDs     []string // ids to look up, in canonical form
	Author  string   // whose address is looked up, in canonical form
}

// Known is what a mailbox knows of a received mail before it is filed.
type Known struct {
	Same  []SameID // earlier mails with its Message-ID (D1)
	Refs  []Ref    // as Refs finds them for the ids it was asked for
	Owner int64    // the customer who has the author's address, 0 if nobody has it
}

// Known reads what a mailbox knows of received mails, in the order of the
// questions: of all of them in one statement. Each Message-ID and each author is
// a part of its own: of a list of them PostgreSQL may think that reading the
// whole table is less work.
func (r Read) Known(ctx context.Context, mailbox int64, questions []Question) ([]Known, error) {
	var parts []part
	var ids []string
	for i, q := range questions {
		which := strconv.Itoa(i)
		parts = append(parts,
			part{kind: "same", n: []string{which, "conversation_id", "message_id"}, s: []string{"content_hash"}, args: []any{q.MailboxID, q.HeaderID, q.ID},
				from: `from inbound where mailbox_id = ? and header_id = ? and header_id <> '' and id <> ? and state in ('done', 'duplicate', 'loop')`},
			part{kind: "owner", n: []string{which, "customer_id"}, from: `from customer_address where address = ?`, args: []any{q.Author}})
		ids = append(ids, q.IDs...)
	}
	known := make([]Known, len(questions))
	err := r.trip(ctx, append(parts, refPart(mailbox, padded(ids))), func(t tripRow) error {
		switch t.kind {
		case "same":
			k := &known[t.n[0]]
			k.Same = append(k.Same, SameID{ContentHash: t.s[0], ConversationID: t.n[1], MessageID: t.n[2]})
		case "owner":
			known[t.n[0]].Owner = t.n[1]
		default:
			for i, q := range questions {
				if slices.Contains(q.IDs, t.s[0]) {
					known[i].Refs = append(known[i].Refs, scanRef(t))
				}
			}
		}
		return nil
	})
	for i, q := range questions {
		sortRefs(known[i].Refs, q.IDs)
	}
	return known, err
}

// padded repeats the last of some values until their number is a power of two,
// so that a statement about any number of them has few texts to be planned.
func padded(values []string) []string {
	for n := len(values); n > 0 && n&(n-1) != 0; n++ {
		values = append(values, values[len(values)-1])
	}
	return values
}

const qEndInbound = `update inbound set state = $2, header_id = $3, content_hash = $4, class = $5, words = $6, evidence = $7, subject = $8, sender = $9,
	conversation_id = $10, message_id = $11, tries = $12, due_at = $13, done_at = $14, mailbox_id = $15, about_id = $16 where id = $1 and coalesce(state, '') = 'new'`

// EndInbound writes what became of a received mail. State "new" keeps it
// waiting until DueAt.
func (t *Tx) EndInbound(ctx context.Context, in Inbound) error {
	return t.sendOne(ctx, "end received mail", qEndInbound, in.ID, in.State, in.HeaderID, in.ContentHash, in.Class, in.Words, in.Evidence, in.Subject, in.Sender,
		in.ConversationID, in.MessageID, in.Tries, in.DueAt, in.DoneAt, in.MailboxID, in.AboutID)
}

const qRetryInbound = `update inbound set state = 'new', tries = 0, due_at = $2, words = '' where id = $1 and state = 'failed'`

// RetryInbound makes a mail that could not be processed wait again.
func (t *Tx) RetryInbound(ctx context.Context, in Inbound, now int64) error {
	if err := t.one(ctx, "retry received mail", qRetryInbound, in.ID, now); err != nil {
		return err
	}
	return t.OpenLane(ctx, LaneReceive, in.MailboxID, now)
}

const qMailByHeader = `select id from mail where header = $1`

// MailByHeader returns the id of the mail with a Message-ID we made, 0 if
// there is none.
func (r Read) MailByHeader(ctx context.Context, header string) (int64, error) {
	ids, err := r.ids(ctx, qMailByHeader, header)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return ids[0], nil
}

// kindFrom is the participant kind of a sender.
const kindFrom = "from"

// Sender is the participant entry for a message's author.
func Sender(a postroom.Address, confirmed bool) Participant {
	return Participant{Address: a.Address, Name: a.Name, Kind: kindFrom, Confirmed: confirmed}
}
