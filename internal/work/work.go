// Package work runs what is due. It claims items from sources, a row each in
// some table, hands them to a handler and renews their lease while it runs. It
// knows no business and no SQL: a Source does.
//
// Nothing is kept here. An item whose process dies is claimed again when its
// lease ends, by whoever comes first; the fencing token (Item.Lease) tells the
// late return of the first from the second.
package work

import (
	"context"
	"errors"
	"time"
)

// Item is one claimed row.
type Item struct {
	ID int64

	// Lease is the fencing token: it changes with every claim, and a finish
	// under an older one must be refused.
	Lease int64

	// Tries is how often the row was claimed, this time included.
	Tries int
}

// Source is a kind of work that waits somewhere. Its methods are called by
// several goroutines at once. All times are of the database's clock.
type Source interface {
	// Name is the name to wake the source by; no two sources share one.
	Name() string

	// Claim takes up to limit items that are due and not leased, the ones due
	// longest first, for the given time. Fewer than limit says that there
	// were no more.
	Claim(ctx context.Context, limit int, lease time.Duration) ([]Item, error)

	// Renew extends the lease of an item that is still being worked on. It
	// answers ErrLost if the item is somebody else's by now, or finished.
	Renew(ctx context.Context, item Item, lease time.Duration) error

	// Fail ends the lease of an item that was not done, because of err: it
	// decides whether and when the item is due again. For ErrHandedBack the
	// item is due at once and the try does not count. It does nothing if the
	// item is somebody else's by now.
	Fail(ctx context.Context, item Item, err error) error

	// NextDue returns when the next item that nobody has is due, in
	// milliseconds; leases that end count as due then. ok is false if nothing
	// waits at all.
	NextDue(ctx context.Context) (due int64, ok bool, err error)
}

// Handler does an item. It finishes the row itself, in the transaction that
// does what the item is for; an error or a panic goes to Source.Fail. Its
// context ends when the lease is lost (the cause is ErrLost) and when the
// runner cannot wait any longer while it stops.
type Handler func(ctx context.Context, item Item) error

var (
	// ErrLost says that a lease is no longer ours.
	ErrLost = errors.New("work: the lease was lost")

	// ErrHandedBack is what Source.Fail is told about an item that was
	// claimed and not done because the runner stopped.
	ErrHandedBack = errors.New("work: handed back unfinished")
)

// Kind is a source, what to do with its items, and how many at once.
type Kind struct {
	Source  Source
	Handler Handler

	// Workers is how many items are done at once; 0 is 4. A slow item holds
	// one worker and delays no other item.
	Workers int

	// Ahead is how many more items are claimed while all workers are busy,
	// which saves claims where items are short; 0 is none.
	Ahead int

	// Lease is how long an item is claimed for; it is renewed at a third of
	// it. 0 is 60 seconds.
	Lease time.Duration
}

// The defaults of Kind and Options.
const (
	defaultWorkers = 4
	defaultLease   = time.Minute
	defaultPoll    = 10 * time.Second
)
