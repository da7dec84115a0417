package store

import (
	"context"
	"fmt"

	"postroom"
)

// Promise is something that is declared about events and mails, and watched
// (W38).
type Promise struct {
	ID        int64
	Key       string // of one that came with the desk
	Name      string
	MailboxID int64 // 0: every mailbox
	Enabled   bool
	Version   int // the one that is watched; 0 for one that was never saved
	DeletedAt int64
	Draft     PromiseDraft
}

// PromiseDraft is a promise as it is being written; Revision 0 is none.
type PromiseDraft struct {
	Definition string
	Name       string
	MailboxID  int64
	Revision   int64
	By, At     int64
}

// PromiseVersion is one saved version. It never changes.
type PromiseVersion struct {
	PromiseID  int64
	Number     int
	Definition string
	AuthorID   int64 // 0: it came with the desk
	At         int64
}

const promiseColumns = `id, key, name, mailbox_id, enabled, version, deleted_at, draft, draft_name, draft_mailbox, draft_revision, draft_by, draft_at`

func scanPromise(r row) (Promise, error) {
	var p Promise
	var enabled int
	d := &p.Draft
	err := r.Scan(&p.ID, &p.Key, &p.Name, &p.MailboxID, &enabled, &p.Version, &p.DeletedAt, &d.Definition, &d.Name, &d.MailboxID, &d.Revision, &d.By, &d.At)
	p.Enabled = enabled == 1
	return p, err
}

const (
	qPromises      = `select ` + promiseColumns + ` from promise where deleted_at = 0 order by id`
	qEveryPromise  = `select ` + promiseColumns + ` from promise order by id`
	qPromise       = `select ` + promiseColumns + ` from promise where id = $1`
	qInsertPromise = `insert into promise (` + promiseColumns + `) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)`
	qUpdatePromise = `update promise set key = $2, name = $3, mailbox_id = $4, enabled = $5, version = $6, deleted_at = $7,
		draft = $8, draft_name = $9, draft_mailbox = $10, draft_revision = $11, draft_by = $12, draft_at = $13 where id = $1`
)

// Promises lists the promises that were not deleted, the oldest first.
func (r Read) Promises(ctx context.Context) ([]Promise, error) { return r.promises(ctx, qPromises) }

// EveryPromise lists all promises, those that were deleted too, the oldest first.
func (r Read) EveryPromise(ctx context.Context) ([]Promise, error) {
	return r.promises(ctx, qEveryPromise)
}

func (r Read) promises(ctx context.Context, query string) ([]Promise, error) {
	var out []Promise
	err := each(ctx, r.q, query, nil, func(rows row) error {
		p, err := scanPromise(rows)
		out = append(out, p)
		return err
	})
	return out, err
}

// Promise loads a promise, deleted or not; within a transaction it is locked.
func (r Read) Promise(ctx context.Context, id int64) (Promise, error) {
	p, err := scanPromise(r.q.QueryRow(ctx, qPromise+r.forUpdate, id))
	return p, missing(err, "There is no such promise.")
}

func (p Promise) args() []any {
	d := p.Draft
	return []any{p.ID, p.Key, p.Name, p.MailboxID, bit(p.Enabled), p.Version, p.DeletedAt, d.Definition, d.Name, d.MailboxID, d.Revision, d.By, d.At}
}

// InsertPromise stores a new promise.
func (t *Tx) InsertPromise(ctx context.Context, p Promise) error {
	_, err := t.exec(ctx, qInsertPromise, p.args()...)
	return err
}

// UpdatePromise stores a promise that is there.
func (t *Tx) UpdatePromise(ctx context.Context, p Promise) error {
	return t.one(ctx, "update promise", qUpdatePromise, p.args()...)
}

const (
	qInsertPromiseVersion = `insert into promise_version (promise_id, number, definition, author_id, at) values ($1,$2,$3,$4,$5)`
	qPromiseVersions      = `select promise_id, number, definition, author_id, at from promise_version where promise_id = $1 order by number desc`
	qPromiseVersion       = `select promise_id, number, definition, author_id, at from promise_version where promise_id = $1 and number = $2`
)

// InsertPromiseVersion stores a version.
func (t *Tx) InsertPromiseVersion(ctx context.Context, v PromiseVersion) error {
	_, err := t.exec(ctx, qInsertPromiseVersion, v.PromiseID, v.Number, v.Definition, v.AuthorID, v.At)
	return err
}

// PromiseVersion loads one version.
func (r Read) PromiseVersion(ctx context.Context, promise int64, number int) (PromiseVersion, error) {
	var v PromiseVersion
	err := r.q.QueryRow(ctx, qPromiseVersion, promise, number).Scan(&v.PromiseID, &v.Number, &v.Definition, &v.AuthorID, &v.At)
	return v, missing(err, "There is no such version of the promise.")
}

// PromiseVersions lists the versions of a promise, the newest first.
func (r Read) PromiseVersions(ctx context.Context, promise int64) ([]PromiseVersion, error) {
	var out []PromiseVersion
	err := each(ctx, r.q, qPromiseVersions, []any{promise}, func(rows row) error {
		var v PromiseVersion
		err := rows.Scan(&v.PromiseID, &v.Number, &v.Definition, &v.AuthorID, &v.At)
		out = append(out, v)
		return err
	})
	return out, err
}

// PromiseCounts is how often a promise came to what.
type PromiseCounts struct {
	Kept, Explained, Broken int
	Waiting, Late           int // now
	Unseen                  int // late or broken ones, and nobody has said that they know
}

const (
	qCountPromise = `insert into promise_count (promise_id, day, kept, explained, broken) values ($1,$2,$3,$4,$5)
		on conflict (promise_id, day) do update set kept = promise_count.kept + excluded.kept,
		explained = promise_count.explained + excluded.explained, broken = promise_count.broken + excluded.broken`
	qPromiseCounts = `select promise_id, coalesce(sum(kept), 0), coalesce(sum(explained), 0), coalesce(sum(broken), 0) from promise_count
		where day >= $1 group by promise_id`
	qPromiseOpen = `select promise_id, state, seen, count(*) from promise_watch where open > 0 group by promise_id, state, seen`
)

// day of a time in milliseconds, as promises are counted by.
func promiseDay(at int64) int64 { return at / (24 * 60 * 60_000) }

// PromiseCounts returns the counts of all promises for events since a time in
// milliseconds, by whole days in UTC.
func (r Read) PromiseCounts(ctx context.Context, since int64) (map[int64]PromiseCounts, error) {
	out := map[int64]PromiseCounts{}
	err := each(ctx, r.q, qPromiseCounts, []any{promiseDay(since)}, func(rows row) error {
		var id int64
		var c PromiseCounts
		err := rows.Scan(&id, &c.Kept, &c.Explained, &c.Broken)
		out[id] = c
		return err
	})
	if err != nil {
		return nil, err
	}
	err = each(ctx, r.q, qPromiseOpen, nil, func(rows row) error {
		var id int64
		var state string
		var seen, n int
		err := rows.Scan(&id, &state, &seen, &n)
		c := out[id]
		switch state {
		case "waiting":
			c.Waiting += n
		case "late":
			c.Late += n
		case "broken":
			if seen == 0 {
				c.Unseen += n
			}
		}
		out[id] = c
		return err
	})
	return out, err
}

// lockedPromise locks a promise: who settles one of its watches waits for who
// settles another, so that one of them sees that nothing is left to be alarmed
// about.
func (t *Tx) lockedPromise(ctx context.Context, id int64) error {
	if _, err := t.Promise(ctx, id); err != nil {
		return fmt.Errorf("lock promise %d: %w", id, err)
	}
	return nil
}

// Watch is a promise that is watched after one event.
type Watch struct {
	ID             int64
	PromiseID      int64
	Version        int
	ConversationID int64
	EventID        int64
	EventSeq       int64
	State          string
	Open           WatchOpen
	ArmedAt        int64 // milliseconds: the time of that event
	DueAt          int64
	ClaimAt        int64 // when to look again
	Stirred        int64
	SettledAt      int64
	Seen           bool // an admin has said that they know
	Words          string
	Mails          []int64
}

// WatchOpen says what can still change a watch.
type WatchOpen int

// The kinds of openness.
const (
	WatchEnded    WatchOpen = 0
	WatchAtItsEnd WatchOpen = 1 // only the end of its time
	WatchRestless WatchOpen = 2 // anything that happens on the conversation
)

const watchColumns = `id, promise_id, version, conversation_id, event_id, event_seq, state, open, armed_at, due_at, claim_at, stirred, settled_at, seen, words, mails`

func scanWatch(r row) (Watch, error) {
	var w Watch
	var seen int
	var mails string
	err := r.Scan(&w.ID, &w.PromiseID, &w.Version, &w.ConversationID, &w.EventID, &w.EventSeq, &w.State, &w.Open, &w.ArmedAt, &w.DueAt,
		&w.ClaimAt, &w.Stirred, &w.SettledAt, &seen, &w.Words, &mails)
	w.Seen = seen == 1
	if err == nil {
		err = fromJSON(mails, &w.Mails)
	}
	return w, err
}

const (
	qArmWatch = `insert into promise_watch (id, promise_id, version, conversation_id, event_id, event_seq, open, armed_at, due_at, claim_at)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$9)`
	qWatch       = `select ` + watchColumns + ` from promise_watch where id = $1`
	qWatchesHere = `select ` + watchColumns + ` from promise_watch where conversation_id = $1 order by event_seq, id`
	qWatchAt     = `select ` + watchColumns + ` from promise_watch where promise_id = $1 and event_id = $2`
	qWatchesOf   = `select ` + watchColumns + ` from promise_watch where promise_id = $1 and state = $2 order by id desc limit $3`
	qSettleWatch = `update promise_watch set state = $4, open = $5, claim_at = $6, settled_at = $7, words = $8, mails = $9, seen = $10, lease = 0, tries = 0
		where id = $1 and lease = $2 and stirred = $3 and open + 0 > 0`
	qUnseen      = `select count(*) from promise_watch where promise_id = $1 and open > 0 and state = 'broken' and seen = 0`
	qSeeWatches  = `update promise_watch set seen = 1 where promise_id = $1 and open > 0 and state = 'broken' and seen = 0`
	qDropWatches = `update promise_watch set state = 'dropped', open = 0, lease = 0, settled_at = $2, words = $3
		where promise_id = $1 and open > 0 and state in ('waiting', 'late')`
	qCloseWatches = `update promise_watch set open = 0, lease = 0 where promise_id = $1 and open > 0`
	qStirWatches  = `update promise_watch set claim_at = $2, stirred = stirred + 1 where conversation_id = $1 and open = 2`
)

// ArmWatch stores a watch that begins. A promise has one for an event and no
// more.
func (t *Tx) ArmWatch(ctx context.Context, w Watch) error {
	return t.send(ctx, qArmWatch, w.ID, w.PromiseID, w.Version, w.ConversationID, w.EventID, w.EventSeq, w.Open, w.ArmedAt, w.DueAt)
}

// Watch loads one watch.
func (r Read) Watch(ctx context.Context, id int64) (Watch, error) {
	w, err := scanWatch(r.q.QueryRow(ctx, qWatch, id))
	return w, missing(err, "There is no such watch.")
}

func (r Read) watches(ctx context.Context, query string, args ...any) ([]Watch, error) {
	var out []Watch
	err := each(ctx, r.q, query, args, func(rows row) error {
		w, err := scanWatch(rows)
		out = append(out, w)
		return err
	})
	return out, err
}

// WatchesOn lists all watches of a conversation, in the order of their events.
func (r Read) WatchesOn(ctx context.Context, conversation int64) ([]Watch, error) {
	return r.watches(ctx, qWatchesHere, conversation)
}

// WatchAt loads the watch of a promise on one event.
func (r Read) WatchAt(ctx context.Context, promise, event int64) (Watch, error) {
	w, err := scanWatch(r.q.QueryRow(ctx, qWatchAt, promise, event))
	return w, missing(err, "The promise was not watched on this event.")
}

// WatchesOf lists the newest watches of a promise in one state, at most limit.
func (r Read) WatchesOf(ctx context.Context, promise int64, state string, limit int) ([]Watch, error) {
	return r.watches(ctx, qWatchesOf, promise, state, limit)
}

// SettleWatch stores what came of a watch, held by c and read as was, and counts
// it. A Conflict says that the lease was lost, or that more happened since it
// was read. unseen is how many broken ones of the promise nobody has seen yet.
func (t *Tx) SettleWatch(ctx context.Context, c Claimed, was, now Watch) (unseen int, err error) {
	if err := t.lockedPromise(ctx, was.PromiseID); err != nil {
		return 0, err
	}
	err = t.one(ctx, "settle watch", qSettleWatch, was.ID, c.Lease, was.Stirred, now.State, now.Open, now.ClaimAt, now.SettledAt, now.Words, toJSON(now.Mails), bit(now.Seen))
	if err != nil {
		return 0, err
	}
	n := map[string]int{}
	n[was.State]--
	n[now.State]++
	if n["kept"] != 0 || n["explained"] != 0 || n["broken"] != 0 {
		if _, err := t.exec(ctx, qCountPromise, was.PromiseID, promiseDay(was.ArmedAt), n["kept"], n["explained"], n["broken"]); err != nil {
			return 0, err
		}
	}
	err = t.q.QueryRow(ctx, qUnseen, was.PromiseID).Scan(&unseen)
	return unseen, err
}

// SeeWatches notes that an admin knows of the broken ones of a promise.
func (t *Tx) SeeWatches(ctx context.Context, promise int64) error {
	if err := t.lockedPromise(ctx, promise); err != nil {
		return err
	}
	_, err := t.exec(ctx, qSeeWatches, promise)
	return err
}

// DropWatches ends all watches of a promise: those that wait with these words,
// those that were broken as they are.
func (t *Tx) DropWatches(ctx context.Context, promise int64, words string) error {
	if err := t.lockedPromise(ctx, promise); err != nil {
		return err
	}
	if _, err := t.exec(ctx, qDropWatches, promise, t.store.Now(), words); err != nil {
		return err
	}
	_, err := t.exec(ctx, qCloseWatches, promise)
	return err
}

// StirWatches has the watches of a conversation looked at again that can be
// decided before their time, or were not kept in it. stirred is called before
// the commit if there are any.
func (t *Tx) StirWatches(ctx context.Context, conversation int64, stirred func()) error {
	return t.tx.Queue(ctx, func(n int64) error {
		if n > 0 {
			stirred()
		}
		return nil
	}, qStirWatches, conversation, t.store.Now())
}

// --- looking

const (
	qDueWatches   = `select id, tries from promise_watch where open > 0 and claim_at <= $1 order by claim_at, id limit $2`
	qLeaseWatch   = `update promise_watch set lease = $2, claim_at = $3, owner = $5 where id = $1 and open + 0 > 0 and claim_at <= $4`
	qRenewWatch   = `update promise_watch set claim_at = $3, owner = $4 where id = $1 and open + 0 > 0 and lease = $2`
	qReleaseWatch = `update promise_watch set claim_at = $3, lease = 0, tries = $4 where id = $1 and open + 0 > 0 and lease = $2`
	qNextWatch    = `select min(claim_at) from promise_watch where open > 0`
)

// ClaimWatches leases up to limit watches that are due for some milliseconds, the
// one that is due longest first, as ClaimTimers does.
func (s *Store) ClaimWatches(ctx context.Context, limit int, lease int64) ([]Claimed, error) {
	find := func(ctx context.Context, r Read, h hold) (out []Claimed, err error) {
		err = each(ctx, r.q, qDueWatches, []any{h.now, limit}, func(rows row) error {
			var c Claimed
			err := rows.Scan(&c.ID, &c.Tries)
			out = append(out, c)
			return err
		})
		return out, err
	}
	return s.claim(ctx, lease, claiming{look: find,
		lock: func(ctx context.Context, t *Tx, h hold) ([]Claimed, error) { return find(ctx, t.Read, h) },
		take: func(ctx context.Context, t *Tx, c Claimed, h hold) (bool, error) {
			n, err := t.exec(ctx, qLeaseWatch, c.ID, h.token, h.until, h.now, h.owner)
			return n == 1, err
		}})
}

// RenewWatch prolongs a lease; one that was lost is a conflict.
func (s *Store) RenewWatch(ctx context.Context, c Claimed, lease int64) error {
	owner, err := s.db.Self()
	if err != nil {
		return err
	}
	return s.Write(ctx, func(t *Tx) error { return t.one(ctx, "renew lease", qRenewWatch, c.ID, c.Lease, s.Now()+lease, owner) })
}

// ReleaseWatch gives a watch back, to be taken again at a time, tried so often.
// One that was lost meanwhile stays as it is.
func (t *Tx) ReleaseWatch(ctx context.Context, c Claimed, at int64, tries int) error {
	_, err := t.exec(ctx, qReleaseWatch, c.ID, c.Lease, at, tries)
	return err
}

// NextWatch returns when the next watch can be claimed.
func (s *Store) NextWatch(ctx context.Context) (due int64, ok bool, err error) {
	return s.earliest(ctx, []string{qNextWatch})
}

// WatchRows is what a promise is judged by on one event, read at one moment.
type WatchRows struct {
	Later []postroom.Event
	Mails []*postroom.Mail
	Runs  []postroom.Run
}

// WatchRows reads what happened on a conversation since an event.
func (r Read) WatchRows(ctx context.Context, w Watch) (out WatchRows, err error) {
	if out.Later, err = r.LaterEvents(ctx, w.ConversationID, w.EventSeq); err != nil {
		return out, err
	}
	if out.Mails, err = r.ConversationMails(ctx, w.ConversationID); err != nil {
		return out, err
	}
	out.Runs, err = r.RunsOfConversation(ctx, w.ConversationID)
	return out, err
}
