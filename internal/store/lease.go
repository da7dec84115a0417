package store

import (
	"context"
	"fmt"
)

var qReleaseLeases = []string{
	`update mail set lease_until = $1 where state = 'sending' and lease_until > $1`,
	`update lane set lease_until = $1 where lease > 0 and lease_until > $1`,
	`update job set lease_until = $1 where lease > 0 and lease_until > $1`,
	`update incoming set lease_until = $1 where lease > 0 and lease_until > $1`,
	`update sent_errand set lease_until = $1 where lease > 0 and lease_until > $1`,
}

// ReleaseLeases lets every lease run out now and returns how many there were,
// so that what a dead process held is taken over at once. Call it before any
// work begins, and only where one process owns the database (SQLite): there
// whoever held a lease is dead. The fencing tokens stay, so that even a worker
// wrongly taken for dead writes nothing.
func (s *Store) ReleaseLeases(ctx context.Context) (n int64, err error) {
	err = s.Write(ctx, func(t *Tx) error {
		now := s.Now()
		n = 0
		for _, q := range qReleaseLeases {
			released, err := t.exec(ctx, q, now)
			if err != nil {
				return fmt.Errorf("release leases: %w", err)
			}
			n += released
		}
		return nil
	})
	return n, err
}
