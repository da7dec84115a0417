package work

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"
)

// How long a lane waits after a source failed, at first and at most.
const (
	firstBackoff = 100 * time.Millisecond
	lastBackoff  = 5 * time.Second

	// dueButTaken is how long a lane waits when the source says that something
	// is due and yet gave nothing: another process has it locked just now.
	dueButTaken = 50 * time.Millisecond

	// finishing is how long handing an item back may take once everything
	// else has ended.
	finishing = 5 * time.Second
)

// lane runs one kind.
type lane struct {
	name string
	kind Kind
	r    *Runner

	wake  chan struct{} // somebody says that something is due
	freed chan struct{} // a worker became free

	exhausted bool // the last claim left nothing that was due; of run alone

	mu     sync.Mutex
	held   map[Item]*held // claimed items, begun or not
	queue  []*held        // those not begun
	active int            // those begun
	fault  error
	since  time.Time
}

// held is an item we have the lease of.
type held struct {
	item   Item
	ctx    context.Context
	cancel context.CancelCauseFunc
	until  time.Time // when the lease ends, by our own clock
	over   bool      // it is being given back, so its lease is renewed no more
}

func newLane(k Kind, r *Runner) *lane {
	return &lane{name: k.Source.Name(), kind: k, r: r, wake: make(chan struct{}, 1),
		freed: make(chan struct{}, 1), held: map[Item]*held{}}
}

func (l *lane) poke() { signal(l.wake) }

// signal leaves a mark in a channel of one place.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (l *lane) status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Status{Name: l.name, Running: l.active, Claimed: len(l.queue), Fault: l.fault, Since: l.since}
}

// run claims and hands out until stop closes; then it hands back what was not
// begun and waits for the rest. ctx is that of the items.
func (l *lane) run(ctx context.Context, stop <-chan struct{}) {
	var workers, renewer sync.WaitGroup
	renewing, endRenewing := context.WithCancel(context.WithoutCancel(ctx))
	renewer.Go(func() { l.renew(renewing) })
	defer func() {
		l.handBackQueue(ctx)
		workers.Wait()
		endRenewing()
		renewer.Wait()
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var backoff time.Duration
	look := true
	for {
		wait, err := l.next(ctx, look, stop, &workers)
		if err != nil {
			backoff = min(max(2*backoff, firstBackoff), lastBackoff)
			// Many lanes and processes wait for the same database.
			wait = backoff/2 + rand.N(backoff/2)
			if !pause(wait, stop) {
				return
			}
			look = true
			continue
		}
		backoff, look = 0, true
		timer.Reset(wait)
		select {
		case <-stop:
			return
		case <-l.wake:
		case <-l.freed:
			look = false
		case <-timer.C:
		}
	}
}

// pause waits; false says that it is time to stop.
func pause(d time.Duration, stop <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-stop:
		return false
	case <-timer.C:
		return true
	}
}

// next is fill. Where nobody said that something is due, and only a worker
// became free, it asks before it claims: what the worker leaves behind is mostly
// nothing, or due later.
func (l *lane) next(ctx context.Context, look bool, stop <-chan struct{}, workers *sync.WaitGroup) (time.Duration, error) {
	if !look && l.exhausted {
		wait, due, err := l.untilDue(ctx)
		if err != nil || !due {
			return wait, err
		}
	}
	return l.fill(ctx, stop, workers)
}

// fill claims until the workers are busy or nothing is due, and returns how
// long to wait unless somebody wakes the lane.
func (l *lane) fill(ctx context.Context, stop <-chan struct{}, workers *sync.WaitGroup) (time.Duration, error) {
	for {
		select {
		case <-stop:
			return 0, nil
		default:
		}
		limit := l.room()
		l.exhausted = false
		if limit == 0 {
			return l.r.poll, nil // a worker that becomes free wakes us
		}
		begun := time.Now()
		items, err := l.kind.Source.Claim(ctx, limit, l.kind.Lease)
		l.note(err)
		if err != nil {
			return 0, err
		}
		l.take(ctx, items, begun.Add(l.kind.Lease), workers)
		if len(items) < limit {
			l.exhausted = true
			wait, _, err := l.untilDue(ctx)
			return wait, err
		}
	}
}

// room returns how many items to claim now. Once all workers are busy and
// items wait for them, nothing is claimed until none waits any more.
func (l *lane) room() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.active >= l.kind.Workers && len(l.queue) > 0 {
		return 0
	}
	return max(l.kind.Workers+l.kind.Ahead-l.active-len(l.queue), 0)
}

// untilDue returns how long it is until the next item is due, and whether one is
// due already.
func (l *lane) untilDue(ctx context.Context) (wait time.Duration, already bool, err error) {
	due, ok, err := l.kind.Source.NextDue(ctx)
	l.note(err)
	if err != nil {
		return 0, false, err
	}
	if !ok {
		return l.r.poll, false, nil
	}
	wait = time.Duration(due-l.r.now()) * time.Millisecond
	if wait <= 0 {
		return min(dueButTaken, l.r.poll), true, nil
	}
	return min(wait, l.r.poll), false, nil
}

// note keeps the state of the source, and logs when it changes.
func (l *lane) note(err error) {
	l.mu.Lock()
	was := l.fault
	l.fault = err
	if err != nil && was == nil {
		l.since = time.Now()
	}
	l.mu.Unlock()
	switch {
	case err != nil && was == nil:
		l.r.log.Error("work cannot be claimed", "kind", l.name, "error", err)
	case err == nil && was != nil:
		l.r.log.Info("work can be claimed again", "kind", l.name)
	}
}

// take begins what workers are free for and queues the rest.
func (l *lane) take(ctx context.Context, items []Item, until time.Time, workers *sync.WaitGroup) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, it := range items {
		h := &held{item: it, until: until}
		h.ctx, h.cancel = context.WithCancelCause(ctx)
		l.held[it] = h
		if l.active < l.kind.Workers {
			l.active++
			workers.Go(func() { l.work(h) })
			continue
		}
		l.queue = append(l.queue, h)
	}
}

// work does an item and then those that wait.
func (l *lane) work(h *held) {
	for h != nil {
		l.do(h)
		l.mu.Lock()
		delete(l.held, h.item)
		h = nil
		if len(l.queue) > 0 {
			h, l.queue = l.queue[0], l.queue[1:]
		} else {
			l.active--
		}
		l.mu.Unlock()
		signal(l.freed)
	}
}

// do runs the handler and tells the source if it failed.
func (l *lane) do(h *held) {
	defer h.cancel(nil)
	if context.Cause(h.ctx) != nil {
		l.failed(h, context.Cause(h.ctx))
		return
	}
	err := l.handle(h.ctx, h.item)
	if err == nil {
		return
	}
	// What a handler says when it is interrupted is not a fault of the item.
	if cause := context.Cause(h.ctx); cause != nil && (errors.Is(err, context.Canceled) || errors.Is(err, cause)) {
		err = cause
	}
	l.failed(h, err)
}

// failed tells the source, also when everything else has ended. A source that
// does not answer is told again until the lease has run out: a database that is
// away for two seconds must not hold what we had until then.
func (l *lane) failed(h *held, err error) {
	if errors.Is(err, ErrLost) {
		return // it is somebody else's
	}
	l.mu.Lock()
	h.over = true
	until := h.until
	l.mu.Unlock()
	for backoff := firstBackoff; ; backoff = min(2*backoff, lastBackoff) {
		e := l.giveBack(h, err)
		if e == nil || errors.Is(e, ErrLost) {
			return
		}
		if backoff == firstBackoff {
			l.r.log.Warn("an item could not be given back", "kind", l.name, "item", h.item.ID, "error", e, "because", err)
		}
		wait := backoff/2 + rand.N(backoff/2)
		if time.Now().Add(wait).After(until) || !pause(wait, l.r.stop) {
			return // its lease will end, and somebody claims it again
		}
	}
}

func (l *lane) giveBack(h *held, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(h.ctx), finishing)
	defer cancel()
	return l.kind.Source.Fail(ctx, h.item, err)
}

// handle runs the handler and turns a panic into an error.
func (l *lane) handle(ctx context.Context, item Item) (err error) {
	defer func() {
		if p := recover(); p != nil {
			stack := make([]byte, 16<<10)
			stack = stack[:runtime.Stack(stack, false)]
			l.r.log.Error("a handler panicked", "kind", l.name, "item", item.ID, "panic", p, "stack", string(stack))
			err = fmt.Errorf("the handler panicked: %v", p)
		}
	}()
	return l.kind.Handler(ctx, item)
}

// handBackQueue gives back what was claimed and not begun.
func (l *lane) handBackQueue(ctx context.Context) {
	l.mu.Lock()
	queue := l.queue
	l.queue = nil
	for _, h := range queue {
		delete(l.held, h.item)
	}
	l.mu.Unlock()
	for _, h := range queue {
		l.failed(h, ErrHandedBack)
		h.cancel(nil)
	}
}

// renew keeps the leases of what is held until ctx ends.
func (l *lane) renew(ctx context.Context) {
	tick := time.NewTicker(l.kind.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		l.mu.Lock()
		all := make([]*held, 0, len(l.held))
		for _, h := range l.held {
			if !h.over {
				all = append(all, h)
			}
		}
		l.mu.Unlock()
		for _, h := range all {
			l.renewOne(ctx, h)
		}
	}
}

// renewOne renews a lease. A source that does not answer leaves us the lease
// until it ends; after that we must take it for lost.
func (l *lane) renewOne(ctx context.Context, h *held) {
	ctx, cancel := context.WithTimeout(ctx, l.kind.Lease/3)
	defer cancel()
	begun := time.Now()
	err := l.kind.Source.Renew(ctx, h.item, l.kind.Lease)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		h.until = begun.Add(l.kind.Lease)
	case l.held[h.item] != h:
		// It was finished meanwhile, which looks like a loss.
	case errors.Is(err, ErrLost) || time.Now().After(h.until):
		l.r.log.Warn("a lease was lost", "kind", l.name, "item", h.item.ID, "error", err)
		h.cancel(ErrLost)
	}
}

// settle does what is due, one item after the other, at most limit.
func (l *lane) settle(ctx context.Context, limit int) (int, error) {
	for n := 0; n < limit; n++ {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		items, err := l.kind.Source.Claim(ctx, 1, l.kind.Lease)
		if err != nil {
			return n, err
		}
		if len(items) == 0 {
			return n, nil
		}
		h := &held{item: items[0]}
		h.ctx, h.cancel = context.WithCancelCause(ctx)
		l.do(h)
	}
	return limit, nil
}
