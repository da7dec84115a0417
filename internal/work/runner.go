package work

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Options are what a runner needs besides its kinds.
type Options struct {
	// Now is the clock that due times are of, in milliseconds; nil is this
	// machine's.
	Now func() int64

	// Poll is how often a source is looked at when nobody wakes it; it is
	// only for what another process did without being heard. 0 is 10 s.
	Poll time.Duration

	// Logger hears of sources that fail and handlers that panic; nil is
	// silence.
	Logger *slog.Logger
}

// Runner runs the items of its kinds between Start and Stop. Tests that want
// an order use Settle instead.
type Runner struct {
	now    func() int64
	poll   time.Duration
	log    *slog.Logger
	lanes  []*lane
	byName map[string]*lane

	mu      sync.Mutex
	state   runnerState
	stop    chan struct{}
	cancel  context.CancelCauseFunc
	running sync.WaitGroup
}

type runnerState int

const (
	fresh runnerState = iota
	started
	stopped
)

// New makes a runner. Two kinds of one name are an error of the program and
// are refused.
func New(o Options, kinds ...Kind) (*Runner, error) {
	r := &Runner{now: o.Now, poll: o.Poll, log: o.Logger, byName: map[string]*lane{}, stop: make(chan struct{})}
	if r.now == nil {
		r.now = func() int64 { return time.Now().UnixMilli() }
	}
	if r.poll <= 0 {
		r.poll = defaultPoll
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	for _, k := range kinds {
		if k.Source == nil || k.Handler == nil {
			return nil, errors.New("work: a kind needs a source and a handler")
		}
		name := k.Source.Name()
		if r.byName[name] != nil {
			return nil, fmt.Errorf("work: there are two kinds called %q", name)
		}
		if k.Workers <= 0 {
			k.Workers = defaultWorkers
		}
		if k.Lease <= 0 {
			k.Lease = defaultLease
		}
		l := newLane(k, r)
		r.lanes = append(r.lanes, l)
		r.byName[name] = l
	}
	return r, nil
}

// Start begins to run what is due and returns at once. It does nothing on a
// runner that was started or stopped before.
func (r *Runner) Start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state != fresh {
		return
	}
	r.state = started
	ctx, cancel := context.WithCancelCause(context.Background())
	r.cancel = cancel
	for _, l := range r.lanes {
		r.running.Go(func() { l.run(ctx, r.stop) })
	}
}

// Wake has a source looked at now, because something in it became due. It
// never waits; many wakes at once are one. Call it after the commit. A name
// that no kind has is ignored: it may be another process's.
func (r *Runner) Wake(name string) {
	if l := r.byName[name]; l != nil {
		l.poke()
	}
}

// WakeAll wakes every source: after a time in which wakes may have been lost.
func (r *Runner) WakeAll() {
	for _, l := range r.lanes {
		l.poke()
	}
}

// Stop claims nothing more and waits for the items that are running. When ctx
// ends they are told so by theirs, and handed back as soon as they return;
// those that were claimed and not begun are handed back at once. It returns
// ctx's error if items had to be interrupted; for a handler that does not heed
// its context it waits five seconds more. Stopping again waits likewise.
func (r *Runner) Stop(ctx context.Context) error {
	r.mu.Lock()
	if r.state != stopped {
		close(r.stop)
	}
	wasStarted := r.cancel != nil
	r.state = stopped
	r.mu.Unlock()
	if !wasStarted {
		return nil
	}
	done := make(chan struct{})
	go func() {
		r.running.Wait()
		close(done)
	}()
	defer r.cancel(ErrHandedBack)
	select {
	case <-done: // also when ctx has ended as well
		return nil
	default:
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	r.cancel(ErrHandedBack)
	select {
	case <-done:
		return ctx.Err()
	case <-time.After(finishing):
		return fmt.Errorf("work: a handler does not heed the end of its context: %w", ctx.Err())
	}
}

// settleLimit is how many items Settle does before it takes it for a loop.
const settleLimit = 100_000

// Settle does everything that is due now, in the calling goroutine: the kinds
// in their order, in each the item due longest first, one at a time, and from
// the first kind again after every kind that had something, until nothing is
// due. It is for tests and for a runner that is not started; on one that is it
// answers an error.
func (r *Runner) Settle(ctx context.Context) error {
	r.mu.Lock()
	busy := r.state == started
	r.mu.Unlock()
	if busy {
		return errors.New("work: a runner that is started cannot settle")
	}
	done := 0
	for again := true; again; {
		again = false
		for _, l := range r.lanes {
			n, err := l.settle(ctx, settleLimit-done)
			if err != nil {
				return fmt.Errorf("settle %s: %w", l.name, err)
			}
			if done += n; done >= settleLimit {
				return fmt.Errorf("work: %d items and no end; the last were of kind %s", done, l.name)
			}
			if n > 0 {
				again = true
				break
			}
		}
	}
	return nil
}

// Status is how a kind is doing.
type Status struct {
	Name    string
	Running int // items being done
	Claimed int // items claimed and waiting for a worker

	// Fault is the source's last error and Since when it began; nil when the
	// source works.
	Fault error
	Since time.Time
}

// Status returns how the kinds are doing, in their order.
func (r *Runner) Status() []Status {
	all := make([]Status, len(r.lanes))
	for i, l := range r.lanes {
		all[i] = l.status()
	}
	return all
}
