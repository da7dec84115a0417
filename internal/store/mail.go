package store

import (
	"context"
	"fmt"

	"postroom"
)

const mailColumns = `id, mailbox_id, conversation_id, message_id, event_id, seq, root_id, root_seq, run_id, class, automatic, machine,
	header, envelope_from, subject, spec, sha256, size, state, words, phase, tries, resent, created_at, due_at, queued_at, ended_at, lease, agent_id, aside`

func scanMail(r row) (*postroom.Mail, error) {
	var m postroom.Mail
	err := r.Scan(&m.ID, &m.MailboxID, &m.ConversationID, &m.MessageID, &m.EventID, &m.Seq, &m.Root, &m.RootSeq, &m.RunID, &m.Class,
		&m.Automatic, &m.Machine, &m.Header, &m.EnvelopeFrom, &m.Subject, &m.Spec, &m.SHA256, &m.Size, &m.State, &m.Words, &m.Phase,
		&m.Tries, &m.Resent, &m.CreatedAt, &m.DueAt, &m.QueuedAt, &m.EndedAt, &m.Lease, &m.AgentID, &m.Aside)
	return &m, err
}

const qInsertMail = `insert into mail (` + mailColumns + `, ended)
	values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25,$26,$27,$28,$29,$30,$31)`

const qInsertRecipient = `insert into mail_recipient (mail_id, address, kind, state, code, words, at) values ($1,$2,$3,$4,$5,$6,$7)`

// InsertMail stores a mail with its recipients in the transaction that decided
// it (W24).
func (t *Tx) InsertMail(ctx context.Context, m *postroom.Mail) error {
	err := t.send(ctx, qInsertMail, m.ID, m.MailboxID, m.ConversationID, m.MessageID, m.EventID, m.Seq, m.Root, m.RootSeq, m.RunID, m.Class,
		bit(m.Automatic), bit(m.Machine), m.Header, m.EnvelopeFrom, m.Subject, string(m.Spec), m.SHA256, m.Size, m.State, m.Words, m.Phase,
		m.Tries, bit(m.Resent), m.CreatedAt, m.DueAt, m.QueuedAt, m.EndedAt, m.Lease, m.AgentID, bit(m.Aside), bit(m.State.Ended()))
	if err != nil {
		return fmt.Errorf("insert mail: %w", err)
	}
	for _, r := range m.Recipients {
		if err := t.send(ctx, qInsertRecipient, m.ID, r.Address, r.Kind, r.State, r.Code, r.Words, r.At); err != nil {
			return fmt.Errorf("insert recipient: %w", err)
		}
	}
	return nil
}

const qMail = `select ` + mailColumns + ` from mail where id = $1`

// Mail loads a mail with its recipients; within a transaction it is locked.
func (r Read) Mail(ctx context.Context, id int64) (*postroom.Mail, error) {
	m, err := scanMail(r.q.QueryRow(ctx, qMail+r.forUpdate, id))
	if err != nil {
		return nil, missing(err, "There is no such mail.")
	}
	m.Recipients, err = r.recipients(ctx, id)
	return m, err
}

const qRecipients = `select address, kind, state, code, words, at from mail_recipient where mail_id = $1 order by kind desc, address`

func (r Read) recipients(ctx context.Context, mail int64) ([]postroom.MailRecipient, error) {
	var out []postroom.MailRecipient
	err := each(ctx, r.q, qRecipients, []any{mail}, func(rows row) error {
		var x postroom.MailRecipient
		err := rows.Scan(&x.Address, &x.Kind, &x.State, &x.Code, &x.Words, &x.At)
		out = append(out, x)
		return err
	})
	return out, err
}

const qConversationMails = `select ` + mailColumns + ` from mail where conversation_id = $1 order by root_seq, seq, id`

// ConversationMails loads the mails of a conversation in the order in which they
// leave, without recipients.
func (r Read) ConversationMails(ctx context.Context, conversation int64) ([]*postroom.Mail, error) {
	var out []*postroom.Mail
	err := each(ctx, r.q, qConversationMails, []any{conversation}, func(rows row) error {
		m, err := scanMail(rows)
		out = append(out, m)
		return err
	})
	return out, err
}

const qRenewMail = `update mail set lease_until = $3, owner = $4 where id = $1 and lease = $2 and coalesce(state, '') = 'sending'`

// RenewMail prolongs the lease of a mail that is being sent, and that of its
// connection.
func (s *Store) RenewMail(ctx context.Context, c Claimed, lease int64) error {
	owner, err := s.db.Self()
	if err != nil {
		return err
	}
	return s.Write(ctx, func(t *Tx) error {
		until := s.Now() + lease
		if err := t.one(ctx, "renew lease", qRenewMail, c.ID, c.Lease, until, owner); err != nil {
			return err
		}
		return t.renewSlot(ctx, c.ID, owner, until)
	})
}

const qBytes = `update mail set sha256 = $3, size = $4 where id = $1 and lease = $2 and sha256 = ''`

// SetBytes records the hash of the built bytes, once.
func (t *Tx) SetBytes(ctx context.Context, c Claimed, sha256 string, size int64) error {
	return t.one(ctx, "store mail bytes", qBytes, c.ID, c.Lease, sha256, size)
}

const qEnterData = `update mail set phase = 'data', lease_until = $3 where id = $1 and lease = $2 and coalesce(state, '') = 'sending' and phase = 'connect' and lease_until > $4`

// EnterData is the fence just before DATA: it fails with a conflict when the
// lease was lost or has run out (R9).
func (s *Store) EnterData(ctx context.Context, c Claimed, lease int64) error {
	return s.Write(ctx, func(t *Tx) error {
		now := s.Now()
		return t.one(ctx, "enter DATA", qEnterData, c.ID, c.Lease, now+lease, now)
	})
}

const qEnterDot = `update mail set phase = 'dot', lease_until = $3 where id = $1 and lease = $2 and coalesce(state, '') = 'sending' and phase = 'data' and lease_until > $4`

// EnterDot is the fence just before the dot that ends a mail. A server takes
// no mail whose end it has not seen, so that a death before it is certain: the
// mail was not taken and is sent again. From here on a death leaves the mail
// uncertain (R6, R9). It fails with a conflict when the lease was lost or has
// run out, so that a worker taken for dead cannot end a mail that another
// sends.
func (s *Store) EnterDot(ctx context.Context, c Claimed, lease int64) error {
	return s.Write(ctx, func(t *Tx) error {
		now := s.Now()
		return t.one(ctx, "enter the dot", qEnterDot, c.ID, c.Lease, now+lease, now)
	})
}

const qSettleMail = `update mail set state = $3, ended = $4, words = $5, phase = '', due_at = $6, ended_at = $7, lease = 0, lease_until = 0, resent = $8, tries = $9
	where id = $1 and lease = $2 and coalesce(state, '') = 'sending'`

const qSetRecipient = `update mail_recipient set state = $3, code = $4, words = $5, at = $6 where mail_id = $1 and address = $2`

// SettleMail writes what became of an attempt. m carries the new state, words,
// due time and recipients; the lease must still be ours.
func (t *Tx) SettleMail(ctx context.Context, c Claimed, m *postroom.Mail) error {
	err := t.one(ctx, "settle mail", qSettleMail, m.ID, c.Lease, m.State, bit(m.State.Ended()), m.Words, m.DueAt, m.EndedAt, bit(m.Resent), m.Tries)
	if err != nil {
		return err
	}
	if err := t.freeSlot(ctx, m.ID); err != nil {
		return err
	}
	return t.setRecipients(ctx, m)
}

func (t *Tx) setRecipients(ctx context.Context, m *postroom.Mail) error {
	for _, r := range m.Recipients {
		if _, err := t.exec(ctx, qSetRecipient, m.ID, r.Address, r.State, r.Code, r.Words, r.At); err != nil {
			return err
		}
	}
	return nil
}

const qMoveMail = `update mail set state = $3, ended = $4, words = $5, due_at = $6, queued_at = $7, ended_at = $8, phase = '', lease = 0, lease_until = 0,
	resent = $9 where id = $1 and coalesce(state, '') = $2`

// MoveMail changes the state of a mail that no attempt works on, by
// compare-and-set; m carries what it becomes, with its recipients.
func (t *Tx) MoveMail(ctx context.Context, m *postroom.Mail, from postroom.MailState) error {
	if !from.May(m.State) {
		return postroom.Errorf(postroom.Conflict, "A mail that is %s cannot become %s.", from, m.State)
	}
	err := t.one(ctx, "change mail", qMoveMail, m.ID, from, m.State, bit(m.State.Ended()), m.Words, m.DueAt, m.QueuedAt, m.EndedAt, bit(m.Resent))
	if err != nil {
		return err
	}
	return t.setRecipients(ctx, m)
}

const (
	qCancelHeld           = `update mail set state = 'cancelled', ended = 1, words = $2, ended_at = $3 where event_id = $1 and state = 'held' and lease = 0`
	qCancelHeldRecipients = `update mail_recipient set state = 'cancelled', words = $2, at = $3
		where state = 'held' and mail_id in (select id from mail where event_id = $1)`
	qMailsOfEvent = `select count(*) from mail where event_id = $1 and ended = 0`
)

// CancelHeld cancels the mails of an event that are still in their window. It
// fails with a conflict if one has left it: then the worker has won (W19).
func (t *Tx) CancelHeld(ctx context.Context, event int64, words string, at int64) error {
	if _, err := t.exec(ctx, qCancelHeld, event, words, at); err != nil {
		return err
	}
	if _, err := t.exec(ctx, qCancelHeldRecipients, event, words, at); err != nil {
		return err
	}
	var open int
	if err := t.q.QueryRow(ctx, qMailsOfEvent, event).Scan(&open); err != nil {
		return err
	}
	if open > 0 {
		return postroom.Errorf(postroom.Conflict, "Too late to undo: the mail is already on its way.")
	}
	return nil
}

const qFollowers = `select id from mail where conversation_id = $1 and root_id = $2 and ended = 0 and seq > $3 and id <> $4
	and agent_id = 0 and aside = 0 order by seq, id`

// Followers returns the open mails of the same chain that come after a mail.
func (r Read) Followers(ctx context.Context, m *postroom.Mail) ([]int64, error) {
	return r.ids(ctx, qFollowers, m.ConversationID, m.Root, m.Seq, m.ID)
}

func (r Read) ids(ctx context.Context, query string, args ...any) ([]int64, error) {
	var out []int64
	err := each(ctx, r.q, query, args, func(rows row) error {
		var id int64
		err := rows.Scan(&id)
		out = append(out, id)
		return err
	})
	return out, err
}

const qFailedBefore = `select id from mail where conversation_id = $1 and root_id = $2 and seq < $3 and id <> $4
	and agent_id = 0 and aside = 0 and state in ('failed', 'cancelled', 'suppressed') order by id`

// FailedBefore returns the mails of the same chain that come before a mail and
// ended without being handed over.
func (r Read) FailedBefore(ctx context.Context, m *postroom.Mail) ([]int64, error) {
	return r.ids(ctx, qFailedBefore, m.ConversationID, m.Root, m.Seq, m.ID)
}

const qLostMails = `select id from mail where state = 'sending' and lease_until <= $1 order by id limit $2`

// LostMails lists mails whose worker died: their lease ran out in "sending".
func (s *Store) LostMails(ctx context.Context, limit int) ([]int64, error) {
	return s.Read().ids(ctx, qLostMails, s.Now(), limit)
}

const qStaleUncertain = `select id from mail where state = 'uncertain' and due_at <= $1 order by id limit $2`

// StaleUncertain lists uncertain mails whose grace is over (R6).
func (s *Store) StaleUncertain(ctx context.Context, limit int) ([]int64, error) {
	return s.Read().ids(ctx, qStaleUncertain, s.Now(), limit)
}

const (
	qRequeueLost      = `update mail set state = 'queued', phase = '', lease = 0, lease_until = 0, due_at = $2, words = $3 where id = $1 and coalesce(state, '') = 'sending' and (phase <> 'dot' or lease = $5) and lease_until <= $4`
	qUncertainLost    = `update mail set state = 'uncertain', lease_until = 0, due_at = $2, words = $3 where id = $1 and coalesce(state, '') = 'sending' and phase = 'dot' and lease_until <= $4`
	qRecipientsOfLost = `update mail_recipient set state = $2, words = $3 where mail_id = $1 and state = 'sending'`
	wordsDied         = "The program stopped before the mail was handed over; it will be sent again."
	wordsDiedAfter    = "The program stopped while the server's answer was awaited; the server may have the mail or not."
)

// RescueMail settles a mail whose worker died: before the final dot it is
// queued again, from the dot on it is uncertain (R9), and evidence is awaited
// for grace milliseconds (R6); its phase stays "dot" to tell that we died, and its
// lease under which. When
// the process is known to have died before the dot under the lease unwritten,
// the mail is queued likewise; 0 knows of none. It returns the mail as it is
// now.
func (t *Tx) RescueMail(ctx context.Context, id, grace, unwritten int64) (*postroom.Mail, error) {
	now := t.store.Now()
	state, words := postroom.MailQueued, wordsDied
	n, err := t.exec(ctx, qRequeueLost, id, now, wordsDied, now, unwritten)
	if err == nil && n == 0 {
		state, words = postroom.MailUnsure, wordsDiedAfter
		n, err = t.exec(ctx, qUncertainLost, id, now+grace, wordsDiedAfter, now)
	}
	if err != nil {
		return nil, err
	}
	if n == 1 {
		if _, err := t.exec(ctx, qRecipientsOfLost, id, state, words); err != nil {
			return nil, err
		}
		if _, err := t.exec(ctx, qEndLostAttempts, id, now, state, words); err != nil {
			return nil, err
		}
		if err := t.freeSlot(ctx, id); err != nil {
			return nil, err
		}
	}
	return t.Mail(ctx, id)
}

const (
	qReturnMail       = `update mail set state = 'queued', phase = '', lease = 0, lease_until = 0, due_at = $3, tries = tries - 1 where id = $1 and lease = $2 and coalesce(state, '') = 'sending' and phase <> 'dot'`
	qReturnRecipients = `update mail_recipient set state = 'queued' where mail_id = $1 and state = 'sending'`
)

// ReturnMail queues a claimed mail again without spending a try, unless it
// reached its final dot or is somebody else's by now; then it does nothing.
func (s *Store) ReturnMail(ctx context.Context, c Claimed, due int64) error {
	return s.Write(ctx, func(t *Tx) error {
		n, err := t.exec(ctx, qReturnMail, c.ID, c.Lease, due)
		if err != nil || n == 0 {
			return err
		}
		if _, err = t.exec(ctx, qReturnRecipients, c.ID); err != nil {
			return err
		}
		return t.freeSlot(ctx, c.ID)
	})
}

const qForgotten = `select id from mail where ended = 0 and state not in ('quarantined') and due_at = 0 and lease_until = 0 limit 100`

// ForgottenMails lists mails that have neither ended nor a due time (W27).
func (s *Store) ForgottenMails(ctx context.Context) ([]int64, error) {
	return s.Read().ids(ctx, qForgotten)
}

const (
	qRetryRecipients = `update mail_recipient set state = 'queued' where state = 'deferred'
		and mail_id in (select id from mail where mailbox_id = $1 and state = 'deferred' and ended = 0)`
	qRetryDeferred = `update mail set state = 'queued', due_at = $2, words = $3 where mailbox_id = $1 and state = 'deferred' and ended = 0`
	qQueuedMails   = `select count(*) from mail where mailbox_id = $1 and state = 'queued' and ended = 0`
)

// RetryDeferred makes all deferred mails of a mailbox due and returns how many
// mails of it wait for their turn now.
func (t *Tx) RetryDeferred(ctx context.Context, mailbox int64, words string, now int64) (int, error) {
	if _, err := t.exec(ctx, qRetryRecipients, mailbox); err != nil {
		return 0, err
	}
	if _, err := t.exec(ctx, qRetryDeferred, mailbox, now, words); err != nil {
		return 0, err
	}
	var n int
	err := t.q.QueryRow(ctx, qQueuedMails, mailbox).Scan(&n)
	return n, err
}

const qSentAgain = `select count(*) from mail where conversation_id = $1 and message_id = $2 and event_id = $3 and agent_id = $6
	and (created_at > $5 or created_at = $5 and id > $4)`

// SentAgain reports whether a newer mail carries the same message. Ids alone
// do not tell: those of another process may be smaller.
func (r Read) SentAgain(ctx context.Context, m *postroom.Mail) (bool, error) {
	var n int
	err := r.q.QueryRow(ctx, qSentAgain, m.ConversationID, m.MessageID, m.EventID, m.ID, m.CreatedAt, m.AgentID).Scan(&n)
	return n > 0, err
}

const qNextMend = `select min(case when state = 'sending' then lease_until else due_at end) from mail where ended = 0 and state in ('sending', 'uncertain')`

// NextMend returns when the next mail that no attempt works on must be
// settled: a lost lease, or the end of an uncertain one's grace.
func (s *Store) NextMend(ctx context.Context) (due int64, ok bool, err error) {
	return s.earliest(ctx, []string{qNextMend})
}

// Attempt is one try to hand a mail to a server (W28).
type Attempt struct {
	ID       int64
	MailID   int64
	Number   int
	Cause    string // "due", "retry by Ann", …
	At       int64
	EndedAt  int64
	Server   string
	TLS      string
	Phase    string // how far the dialogue came
	Outcome  string // accepted, temporary, refused, uncertain
	Code     int
	Words    string
	Dialogue []string // what was said, without credentials
}

const (
	qInsertAttempt   = `insert into attempt (id, mail_id, number, cause, at) values ($1,$2,$3,$4,$5)`
	qEndAttempt      = `update attempt set ended_at = $2, server = $3, tls = $4, phase = $5, outcome = $6, code = $7, words = $8, dialogue = $9 where id = $1`
	qEndLostAttempts = `update attempt set ended_at = $2, outcome = $3, words = $4 where mail_id = $1 and ended_at = 0`
	qAttempts        = `select id, mail_id, number, cause, at, ended_at, server, tls, phase, outcome, code, words, dialogue from attempt where mail_id = $1 order by number, id`
)

// InsertAttempt stores that an attempt begins.
func (t *Tx) InsertAttempt(ctx context.Context, a Attempt) error {
	_, err := t.exec(ctx, qInsertAttempt, a.ID, a.MailID, a.Number, a.Cause, a.At)
	return err
}

// EndAttempt stores how an attempt ended.
func (t *Tx) EndAttempt(ctx context.Context, a Attempt) error {
	return t.one(ctx, "end attempt", qEndAttempt, a.ID, a.EndedAt, a.Server, a.TLS, a.Phase, a.Outcome, a.Code, a.Words, toJSON(a.Dialogue))
}

// Attempts lists the attempts of a mail in order.
func (r Read) Attempts(ctx context.Context, mail int64) ([]Attempt, error) {
	var out []Attempt
	err := each(ctx, r.q, qAttempts, []any{mail}, func(rows row) error {
		var a Attempt
		var dialogue string
		err := rows.Scan(&a.ID, &a.MailID, &a.Number, &a.Cause, &a.At, &a.EndedAt, &a.Server, &a.TLS, &a.Phase, &a.Outcome, &a.Code, &a.Words, &dialogue)
		if err == nil {
			err = fromJSON(dialogue, &a.Dialogue)
		}
		out = append(out, a)
		return err
	})
	return out, err
}
