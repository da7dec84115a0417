package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// Claimed is a claimed row: its id, the lease that fences it, and how often it
// was tried before.
type Claimed struct {
	ID, Lease int64
	Tries     int
}

// hold is a claim in the making: the token that fences what it leases, whose
// it is, and from when until when.
type hold struct{ token, owner, now, until int64 }

// claiming is how one kind of row is leased.
type claiming struct {
	// look finds what is due, outside any transaction, so that nothing to do
	// costs no write. The hold has no token yet.
	look func(context.Context, Read, hold) ([]Claimed, error)
	// lock finds, within the transaction, what is still due and locked by
	// nobody else.
	lock func(context.Context, *Tx, hold) ([]Claimed, error)
	// take leases one row by compare-and-set; false if somebody was faster.
	take func(context.Context, *Tx, Claimed, hold) (bool, error)
}

// rows is the claiming of rows by one query for id and tries, and one update.
func rows(due string, args func(now int64) []any, take func(context.Context, *Tx, Claimed, hold) (int64, error)) claiming {
	find := func(ctx context.Context, r Read, h hold) (out []Claimed, err error) {
		err = each(ctx, r.q, due+r.skipLocked, args(h.now), func(rows row) error {
			var c Claimed
			err := rows.Scan(&c.ID, &c.Tries)
			out = append(out, c)
			return err
		})
		return out, err
	}
	return claiming{look: find,
		lock: func(ctx context.Context, t *Tx, h hold) ([]Claimed, error) { return find(ctx, t.Read, h) },
		take: func(ctx context.Context, t *Tx, c Claimed, h hold) (bool, error) {
			n, err := take(ctx, t, c, h)
			return n == 1, err
		}}
}

// claim leases rows for some milliseconds. A process that has lost its place
// among the others claims nothing until it has one again: they may take it for
// dead (R9).
func (s *Store) claim(ctx context.Context, lease int64, k claiming) ([]Claimed, error) {
	owner, err := s.db.Self()
	if err != nil {
		return nil, err
	}
	if err := s.endDoubtful(ctx); err != nil {
		return nil, err
	}
	now := s.Now()
	h := hold{owner: owner, now: now, until: now + lease}
	if due, err := k.look(ctx, s.Read(), h); err != nil || len(due) == 0 {
		return nil, err
	}
	if h.token, err = s.NewID(ctx); err != nil {
		return nil, err
	}
	var out []Claimed
	err = s.Write(ctx, func(t *Tx) error {
		out = nil
		due, err := k.lock(ctx, t, h)
		if err != nil {
			return err
		}
		for _, c := range due {
			ok, err := k.take(ctx, t, c, h)
			if err != nil {
				return err
			}
			if ok {
				out = append(out, Claimed{ID: c.ID, Lease: h.token, Tries: c.Tries})
			}
		}
		return nil
	})
	if err != nil {
		s.doubt(h.token)
		return nil, err
	}
	return out, nil
}

// doubts are the tokens of claims that answered an error. One whose connection
// broke before the answer to its commit may have been written all the same, and
// nobody works on what it leased.
type doubts struct {
	mu     sync.Mutex
	tokens []int64
}

func (s *Store) doubt(token int64) {
	s.doubts.mu.Lock()
	defer s.doubts.mu.Unlock()
	s.doubts.tokens = append(s.doubts.tokens, token)
}

// endDoubtful lets the leases of doubtful claims run out now.
func (s *Store) endDoubtful(ctx context.Context) error {
	s.doubts.mu.Lock()
	tokens := slices.Clone(s.doubts.tokens)
	s.doubts.mu.Unlock()
	if len(tokens) == 0 {
		return nil
	}
	err := s.Write(ctx, func(t *Tx) error {
		for _, token := range tokens {
			for _, q := range []string{qEndSlotDoubt, qEndMailDoubt, qEndLaneDoubt, qEndTellingDoubt, qEndJobDoubt, qEndIncomingDoubt, qEndErrandDoubt, qEndTimerDoubt, qEndScheduleDoubt, qEndSignInDoubt, qDoubtCall, qEndWatchDoubt} {
				if _, err := t.exec(ctx, q, s.Now(), token); err != nil {
					return fmt.Errorf("end doubtful leases: %w", err)
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.doubts.mu.Lock()
	defer s.doubts.mu.Unlock()
	s.doubts.tokens = slices.DeleteFunc(s.doubts.tokens, func(t int64) bool { return slices.Contains(tokens, t) })
	return nil
}

const (
	qEndSlotDoubt     = `update connection_slot set lease_until = $1 where lease_until > $1 and mail_id in (select id from mail where state = 'sending' and lease = $2)`
	qEndMailDoubt     = `update mail set lease_until = $1 where state = 'sending' and lease = $2 and lease_until > $1`
	qEndLaneDoubt     = `update lane set lease_until = $1 where lease = $2 and lease_until > $1`
	qEndTellingDoubt  = `update telling set lease_until = $1 where lease = $2 and lease_until > $1`
	qEndJobDoubt      = `update job set lease_until = $1 where lease = $2 and lease_until > $1`
	qEndIncomingDoubt = `update incoming set lease_until = $1 where lease = $2 and lease_until > $1`
	qEndScheduleDoubt = `update schedule set claim_at = $1 where lease = $2 and claim_at > $1`
	qEndTimerDoubt    = `update timer set claim_at = $1 where state = 'waiting' and lease = $2 and claim_at > $1`
	qEndWatchDoubt    = `update promise_watch set claim_at = $1 where open > 0 and lease = $2 and claim_at > $1`
	qEndSignInDoubt   = `update sign_in set lease_until = $1 where lease = $2 and lease_until > $1`
	qEndErrandDoubt   = `update sent_errand set lease_until = $1 where lease = $2 and lease_until > $1`
)

const (
	qEndMailLeases  = `update mail set lease_until = $1 where state = 'sending' and lease_until > $1 and (owner = $2 or $2 = 0)`
	qEndLaneLeases  = `update lane set lease_until = $1 where lease > 0 and lease_until > $1 and (owner = $2 or $2 = 0)`
	qEndTellings    = `update telling set lease_until = $1 where lease > 0 and lease_until > $1 and (owner = $2 or $2 = 0)`
	qEndJobLeases   = `update job set lease_until = $1 where lease > 0 and lease_until > $1 and (owner = $2 or $2 = 0)`
	qEndIncoming    = `update incoming set lease_until = $1 where lease > 0 and lease_until > $1 and (owner = $2 or $2 = 0)`
	qEndErrands     = `update sent_errand set lease_until = $1 where lease > 0 and lease_until > $1 and (owner = $2 or $2 = 0)`
	qEndTimers      = `update timer set claim_at = $1 where state = 'waiting' and lease > 0 and claim_at > $1 and (owner = $2 or $2 = 0)`
	qEndSchedules   = `update schedule set claim_at = $1 where lease > 0 and claim_at > $1 and (owner = $2 or $2 = 0)`
	qEndWatches     = `update promise_watch set claim_at = $1 where open > 0 and lease > 0 and claim_at > $1 and (owner = $2 or $2 = 0)`
	qEndSignInHolds = `update sign_in set lease_until = $1 where lease > 0 and lease_until > $1 and (owner = $2 or $2 = 0)`
	qEndSlots       = `update connection_slot set lease_until = $1 where lease_until > $1 and (owner = $2 or $2 = 0)`
)

// endLeases lets the leases of an owner run out now, with 0 those of all, and
// returns how many pieces of work that were. The fencing tokens stay, so that
// even a worker wrongly taken for dead writes nothing.
func (t *Tx) endLeases(ctx context.Context, owner int64) (pieces int64, err error) {
	now := t.store.Now()
	for _, q := range []string{qEndMailLeases, qEndLaneLeases, qEndTellings, qEndJobLeases, qEndIncoming, qEndErrands, qEndTimers, qEndSchedules, qEndSignInHolds, qEndCallHold, qEndWatches, qEndSlots} {
		n, err := t.exec(ctx, q, now, owner)
		if err != nil {
			return 0, fmt.Errorf("end leases: %w", err)
		}
		if q != qEndSlots {
			pieces += n
		}
	}
	return pieces, nil
}

// ReleaseLeases lets every lease run out now and returns how many pieces of
// work were held, so that what a dead process held is taken over at once. Call
// it before any work begins, and only where one process owns the database
// (SQLite): there whoever held a lease is dead.
func (s *Store) ReleaseLeases(ctx context.Context) (n int64, err error) {
	err = s.Write(ctx, func(t *Tx) error {
		n, err = t.endLeases(ctx, 0)
		return err
	})
	return n, err
}

// RescueDeparted lets the leases of processes that have died run out now, and
// returns how many processes those were and how many pieces of work they held.
// A process that lives and only lost its connection finds its compare-and-sets
// refused (R9). On SQLite there is no other process.
func (s *Store) RescueDeparted(ctx context.Context) (processes int, pieces int64, err error) {
	departed, err := s.db.Departed(ctx)
	for _, id := range departed {
		n, buried := int64(0), false
		err := s.Write(ctx, func(t *Tx) (err error) {
			n = 0
			if buried, err = t.tx.Bury(ctx, id); err != nil || !buried {
				return err
			}
			n, err = t.endLeases(ctx, id)
			return err
		})
		if err != nil {
			return processes, pieces, fmt.Errorf("rescue what process %d held: %w", id, err)
		}
		if buried {
			processes++
			pieces += n
		}
	}
	return processes, pieces, err
}
