package db

import (
	"context"
	"database/sql"
	"sync"
	"time"
)

// clockEvery is how often PostgreSQL's clock is looked at again.
const clockEvery = time.Minute

// clock tells the database's time.
type clock struct {
	now func() time.Time // injected; nil otherwise

	mu     sync.RWMutex
	anchor time.Time // when the database's clock was looked at; zero: never
	offset time.Duration
}

func (c *clock) milli() int64 {
	if c.now != nil {
		return c.now().UnixMilli()
	}
	c.mu.RLock()
	anchor, offset := c.anchor, c.offset
	c.mu.RUnlock()
	if anchor.IsZero() {
		return time.Now().UnixMilli()
	}
	// From the anchor on the monotonic clock counts, so that a step of this
	// machine's clock does not move the database's.
	return anchor.Add(time.Since(anchor)).Add(offset).UnixMilli()
}

const qClock = `select (extract(epoch from clock_timestamp()) * 1000000)::bigint`

// measure sets the offset between this machine's clock and the database's.
// The answer is taken to have been made in the middle of the round trip.
func (c *clock) measure(ctx context.Context, q *sql.DB) error {
	sent := time.Now()
	var micros int64
	if err := q.QueryRowContext(ctx, qClock).Scan(&micros); err != nil {
		return translate(err)
	}
	anchor := sent.Add(time.Since(sent) / 2)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.anchor, c.offset = anchor, time.UnixMicro(micros).Sub(anchor)
	return nil
}

// follow measures again and again until ctx ends. A database that does not
// answer leaves the last offset in force.
func (c *clock) follow(ctx context.Context, q *sql.DB) {
	tick := time.NewTicker(clockEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			one, cancel := context.WithTimeout(ctx, 5*time.Second)
			_ = c.measure(one, q)
			cancel()
		}
	}
}
