package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// record is what the disk says of a sandbox, beside its database.
type record struct {
	MadeAt        int64   `json:"made_at"` // on the desk's clock, as all that follows
	MadeBy        string  `json:"made_by"`
	UsedAt        int64   `json:"used_at"`
	Conversations int     `json:"conversations"`
	Missing       []int64 `json:"missing,omitempty"`
	Replaced      bool    `json:"replaced,omitempty"`
	// StoppedAt is what the sandbox's clock showed when it was closed, 0 while it
	// is open: then its database says by how much the clock is ahead.
	StoppedAt int64 `json:"stopped_at,omitempty"`
}

// skip is one move of the clock.
type skip struct {
	N     int    `json:"n"`
	From  int64  `json:"from"`
	To    int64  `json:"to"`
	Steps int    `json:"steps"`
	Words string `json:"words,omitempty"`
}

func recordPath(dir string) string { return filepath.Join(dir, "sandbox.json") }

func readRecord(dir string) (r record, err error) {
	b, err := os.ReadFile(recordPath(dir))
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("read %s: %w", recordPath(dir), err)
	}
	_, err = os.Stat(filepath.Join(dir, "desk", "postroom.db"))
	return r, err
}

// writeRecord replaces the record as a whole.
func writeRecord(dir string, r record) error {
	b, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	next := recordPath(dir) + ".new"
	if err := os.WriteFile(next, b, 0o600); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return os.Rename(next, recordPath(dir))
}

// clock is the sandbox's. It goes on like the desk's, ahead of it or behind,
// except while somebody moves it: then it stands where they put it. It never
// goes back.
type clock struct {
	desk func() time.Time

	mu     sync.Mutex
	off    time.Duration
	stands time.Time // zero: it goes
}

// show sets it to a time.
func (c *clock) show(at time.Time) { c.lead(at.Sub(c.desk())) }

// lead sets by how much it is ahead of the desk's.
func (c *clock) lead(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off = by
}

// now returns the time in the sandbox.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.stands.IsZero() {
		return c.stands
	}
	return c.desk().Add(c.off)
}

// ahead returns by how much it is ahead of the desk's clock.
func (c *clock) ahead() time.Duration {
	now := c.now()
	return now.Sub(c.desk())
}

// moved reports whether somebody is moving it.
func (c *clock) moved() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.stands.IsZero()
}

// stand stops it at a time, which does not lie behind it.
func (c *clock) stand(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stands = at
}

// goOn lets it go on from where it stands.
func (c *clock) goOn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.stands.IsZero() {
		c.off = c.stands.Sub(c.desk())
		c.stands = time.Time{}
	}
}
