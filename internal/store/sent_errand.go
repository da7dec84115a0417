package store

import (
	"context"
)

// SentErrand is something to be done in a mailbox's folder of sent mail.
type SentErrand struct {
	ID          int64
	MailID      int64
	Kind        string
	MailboxID   int64
	State       string
	Words       string
	Folder      string // where the copy lies
	UIDValidity uint32
	UID         uint32
	Tries       int
	CreatedAt   int64
	DueAt       int64
	EndedAt     int64
}

// The kinds of errands.
const (
	SentCopy = "copy" // put a copy of an accepted mail there (R10)
	SentLook = "look" // look there for an uncertain one (R6)
)

// The states of an errand.
const (
	ErrandWaiting = "waiting"
	ErrandDone    = "done"   // the copy lies there, or the mail was found
	ErrandFailed  = "failed" // it was given up; the words say why
)

const errandColumns = `id, mail_id, kind, mailbox_id, state, words, folder, uid_validity, uid, tries, created_at, due_at, ended_at`

func scanErrand(r row) (SentErrand, error) {
	var e SentErrand
	err := r.Scan(&e.ID, &e.MailID, &e.Kind, &e.MailboxID, &e.State, &e.Words, &e.Folder, &e.UIDValidity, &e.UID, &e.Tries, &e.CreatedAt, &e.DueAt, &e.EndedAt)
	return e, err
}

const (
	qAddErrand = `insert into sent_errand (id, mail_id, kind, mailbox_id, state, created_at, due_at) values ($1,$2,$3,$4,'waiting',$5,$6)
		on conflict (mail_id, kind) do update set state = 'waiting', words = '', due_at = excluded.due_at, tries = 0, ended_at = 0 where sent_errand.state = 'failed'`
	qErrand      = `select ` + errandColumns + ` from sent_errand where id = $1`
	qMailErrands = `select ` + errandColumns + ` from sent_errand where mail_id = $1 order by kind`
	qDueErrands  = `select id, tries from sent_errand where state = 'waiting' and due_at <= $1 and lease_until <= $1` + isOn + ` order by due_at, id limit $2`
	qTakeErrand  = `update sent_errand set lease = $2, lease_until = $3, owner = $5 where id = $1 and coalesce(state, '') = 'waiting' and due_at <= $4 and lease_until <= $4` + isOn
	qNextErrand  = `select min(case when due_at > lease_until then due_at else lease_until end) from sent_errand where state = 'waiting'` + isOn
	qRenewErrand = `update sent_errand set lease_until = $3, owner = $4 where id = $1 and lease = $2`
	qEndErrand   = `update sent_errand set state = $3, words = $4, folder = $5, uid_validity = $6, uid = $7, tries = $8, due_at = $9, ended_at = $10, lease = 0, lease_until = 0
		where id = $1 and lease = $2 and state = 'waiting'`
)

// AddSentErrand makes an errand due at a time. There is one of a kind for a
// mail: one that waits or is done stays, one that failed begins anew.
func (t *Tx) AddSentErrand(ctx context.Context, e SentErrand) error {
	_, err := t.exec(ctx, qAddErrand, e.ID, e.MailID, e.Kind, e.MailboxID, e.CreatedAt, e.DueAt)
	return err
}

// SentErrand loads an errand.
func (r Read) SentErrand(ctx context.Context, id int64) (SentErrand, error) {
	e, err := scanErrand(r.q.QueryRow(ctx, qErrand, id))
	return e, missing(err, "There is no such errand.")
}

// SentErrands lists the errands of a mail.
func (r Read) SentErrands(ctx context.Context, mail int64) ([]SentErrand, error) {
	var out []SentErrand
	err := each(ctx, r.q, qMailErrands, []any{mail}, func(rows row) error {
		e, err := scanErrand(rows)
		out = append(out, e)
		return err
	})
	return out, err
}

// ClaimErrands leases up to limit due errands for some milliseconds. Those of a
// mailbox that is switched off wait until it is on again.
func (s *Store) ClaimErrands(ctx context.Context, limit int, lease int64) ([]Claimed, error) {
	return s.claim(ctx, lease, rows(qDueErrands, func(now int64) []any { return []any{now, limit} },
		func(ctx context.Context, t *Tx, c Claimed, h hold) (int64, error) {
			return t.exec(ctx, qTakeErrand, c.ID, h.token, h.until, h.now, h.owner)
		}))
}

// NextErrand returns when the next errand can be claimed.
func (s *Store) NextErrand(ctx context.Context) (due int64, ok bool, err error) {
	return s.earliest(ctx, []string{qNextErrand})
}

// RenewErrand prolongs a lease; one that was lost is a conflict.
func (s *Store) RenewErrand(ctx context.Context, c Claimed, lease int64) error {
	owner, err := s.db.Self()
	if err != nil {
		return err
	}
	return s.Write(ctx, func(t *Tx) error { return t.one(ctx, "renew lease", qRenewErrand, c.ID, c.Lease, s.Now()+lease, owner) })
}

// EndErrand writes what became of a claimed errand; state "waiting" leaves it
// for DueAt.
func (t *Tx) EndErrand(ctx context.Context, c Claimed, e SentErrand) error {
	return t.one(ctx, "end errand", qEndErrand, c.ID, c.Lease, e.State, e.Words, e.Folder, int64(e.UIDValidity), int64(e.UID), e.Tries, e.DueAt, e.EndedAt)
}
