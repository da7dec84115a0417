package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"postroom"
	"postroom/internal/app"
	"postroom/internal/postoffice"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/web"
)

// What the sandbox's own database remembers.
const (
	keyAhead = "sandbox ahead" // milliseconds
	keySkips = "sandbox skips"
)

// skipsKept is how many moves of the clock can be looked at again.
const skipsKept = 20

// house is an open sandbox. Its work is done by one goroutine, one item after
// the other, so that whoever moves the clock can take turns with it.
type house struct {
	closed *app.Closed
	rooms  app.Rooms
	office *postoffice.Office
	clock  *clock
	ground app.Ground
	log    *slog.Logger

	ctx     context.Context
	cancel  context.CancelFunc
	woken   chan struct{}
	turn    sync.Mutex // who has it settles or moves the clock
	working sync.WaitGroup
	inside  sync.WaitGroup // requests

	mu    sync.Mutex
	skips []skip
}

// openHouse opens the sandbox's desk.
func openHouse(ctx context.Context, s *Sandbox) (_ *house, err error) {
	h := &house{ground: s.ground, log: s.log, clock: &clock{desk: s.now}, woken: make(chan struct{}, 1)}
	h.ctx, h.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if s.record.StoppedAt > 0 {
		h.clock.show(time.UnixMilli(s.record.StoppedAt))
	}
	if h.office, err = postoffice.New(postoffice.Options{Domain: store.ForkHost}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
		}
	}()
	h.closed, err = app.OpenClosed(ctx, app.ClosedOptions{Data: s.desk(), Name: s.ground.Name, Base: web.SandboxBase, Now: h.clock.now, Dial: h.dial, Woken: h.wake,
		Play: play{h}, Demo: customers{h}, PublicURL: s.ground.PublicURL, MaxUpload: s.ground.MaxUpload, Log: s.log})
	if err != nil {
		return nil, err
	}
	h.rooms = h.closed.Rooms()
	if err := h.remember(ctx, s.record.StoppedAt == 0); err != nil {
		return nil, err
	}
	h.working.Go(h.work)
	return h, nil
}

// dial reaches the sandbox's own post office, whoever is asked for.
func (h *house) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", h.office.Addr())
}

// remember reads what the database knows of the clock; after a program that
// died the clock has gone on.
func (h *house) remember(ctx context.Context, died bool) error {
	read := h.rooms.Store.Read()
	text, err := read.Meta(ctx, keySkips)
	if err != nil {
		return err
	}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &h.skips); err != nil {
			return fmt.Errorf("read the moves of the clock: %w", err)
		}
	}
	if died {
		if text, err = read.Meta(ctx, keyAhead); err != nil {
			return err
		}
		ms, _ := strconv.ParseInt(text, 10, 64)
		h.clock.lead(time.Duration(ms) * time.Millisecond)
	}
	return h.write(ctx)
}

// write stores where the clock stands against the desk's, and its moves.
func (h *house) write(ctx context.Context) error {
	h.mu.Lock()
	skips, err := json.Marshal(h.skips)
	h.mu.Unlock()
	if err != nil {
		return err
	}
	ahead := strconv.FormatInt(h.clock.ahead().Milliseconds(), 10)
	return h.rooms.Store.Write(ctx, func(t *store.Tx) error {
		if err := put(ctx, t, keyAhead, ahead); err != nil {
			return err
		}
		return put(ctx, t, keySkips, string(skips))
	})
}

// enter and leave count who is inside.
func (h *house) enter() { h.inside.Add(1) }
func (h *house) leave() { h.inside.Done() }

// close ends the house; nothing in it is lost.
func (h *house) close() error {
	h.cancel()
	if h.closed != nil {
		h.closed.EndPages()
	}
	h.inside.Wait()
	h.working.Wait()
	var errs []error
	if h.closed != nil {
		errs = append(errs, h.closed.Stop())
	}
	return errors.Join(append(errs, h.office.Close())...)
}

// wake says that there may be work.
func (h *house) wake() {
	select {
	case h.woken <- struct{}{}:
	default:
	}
}

// How long the work waits after a fault, and at most for what nobody tells it.
const (
	afterFault = 2 * time.Second
	longest    = 10 * time.Second
)

// work does what is due, whenever something is.
func (h *house) work() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		wait, err := h.round()
		if h.ctx.Err() != nil {
			return
		}
		if err != nil {
			h.log.Error("the sandbox's work failed", "error", err)
			wait = afterFault
		}
		timer.Reset(wait)
		select {
		case <-h.ctx.Done():
			return
		case <-h.woken:
		case <-timer.C:
		}
	}
}

// round does what is due and returns how long it is until something is again.
func (h *house) round() (time.Duration, error) {
	h.turn.Lock()
	defer h.turn.Unlock()
	if err := h.rooms.Settle(h.ctx); err != nil {
		return 0, err
	}
	h.rooms.Publish("demo")
	due, ok, err := h.closed.NextDue(h.ctx)
	if err != nil || !ok {
		return longest, err
	}
	wait := time.Duration(due-h.clock.now().UnixMilli()) * time.Millisecond
	return min(max(wait, 50*time.Millisecond), longest), nil
}

// Limits of one move of the clock: how many moments at which something is due,
// and how long whoever pressed the button waits.
const (
	maxSteps = 20_000
	maxTaken = 20 * time.Second
)

// skip moves the clock by a span, 0 to what is due next, and stops at each
// moment at which something is due, so that it happens then and not later.
func (h *house) skip(ctx context.Context, by time.Duration) (int, error) {
	h.turn.Lock()
	defer h.turn.Unlock()
	// What is due already does not belong to the span.
	if err := h.rooms.Settle(h.ctx); err != nil {
		return 0, err
	}
	from := h.clock.now().Add(time.Millisecond)
	to := from.Add(by)
	if by == 0 {
		due, ok, err := h.closed.NextDue(ctx)
		if err != nil {
			return 0, err
		}
		if !ok {
			return 0, postroom.InvalidField("n", "Nothing waits for its time.")
		}
		to = later(time.UnixMilli(due), from)
	}
	h.clock.stand(from)
	defer h.clock.goOn()
	x := skip{From: from.UnixMilli()}
	err := h.walk(ctx, from, to, &x)
	if err == nil || x.Words != "" {
		err = nil
	}
	x.To = h.clock.now().UnixMilli()
	h.mu.Lock()
	x.N = 1
	if len(h.skips) > 0 {
		x.N = h.skips[len(h.skips)-1].N + 1
	}
	h.skips = append(h.skips, x)
	h.skips = h.skips[max(0, len(h.skips)-skipsKept):]
	h.mu.Unlock()
	if err == nil {
		err = h.write(ctx)
	}
	h.rooms.Publish("all")
	return x.N, err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// walk goes from moment to moment.
func (h *house) walk(ctx context.Context, at, to time.Time, x *skip) error {
	began := h.ground.Now()
	rest := time.Second
	for {
		if err := h.rooms.Settle(h.ctx); err != nil {
			return err
		}
		due, ok, err := h.closed.NextDue(ctx)
		if err != nil {
			return err
		}
		next := time.UnixMilli(due)
		switch {
		case !ok || next.After(to):
			h.clock.stand(to)
			if at.Equal(to) {
				return nil
			}
			at = to
			continue
		case !next.After(at):
			// It is due and yet nobody could take it: somebody else's lease, or a
			// mail that waits for another one. Time goes on in growing steps.
			next = at.Add(rest)
			rest = min(2*rest, time.Hour)
			if next.After(to) {
				next = to
			}
			if at.Equal(to) {
				return nil
			}
		default:
			rest = time.Second
		}
		at = next
		h.clock.stand(at)
		x.Steps++
		switch {
		case x.Steps >= maxSteps:
			x.Words = "So much happened that the clock was stopped here. Skip on to see the rest."
			return nil
		case h.ground.Now().Sub(began) > maxTaken:
			x.Words = "This took so long that the clock was stopped here. Skip on to see the rest."
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// play is what the pages of the sandbox can do besides those of a desk.
type play struct{ h *house }

// Frame says how the clock stands.
func (p play) Frame() query.SandboxFrame {
	return query.SandboxFrame{Ahead: p.h.clock.ahead().Round(time.Minute).Milliseconds(), Skipping: p.h.clock.moved()}
}

// Page reads the page of the clock.
func (p play) Page(ctx context.Context) (*query.PlayPage, error) {
	read := p.h.rooms.Store.Read()
	out := &query.PlayPage{}
	agents, err := read.Agents(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range agents {
		if !a.Disabled {
			out.Agents = append(out.Agents, query.Choice{Value: strconv.FormatInt(a.ID, 10), Text: a.Name})
		}
	}
	waits, err := read.AllWaiting(ctx, 50)
	if err != nil {
		return nil, err
	}
	names, err := read.Names(ctx)
	if err != nil {
		return nil, err
	}
	for _, w := range waits {
		out.Waits = append(out.Waits, query.PlayWait{Number: w.Number, Subject: w.Subject, Workflow: names["workflow"][w.WorkflowID], DueAt: w.DueAt})
	}
	if due, ok, err := p.h.closed.NextDue(ctx); err != nil {
		return nil, err
	} else if ok {
		out.Next = max(due, p.h.clock.now().UnixMilli())
	}
	p.h.mu.Lock()
	defer p.h.mu.Unlock()
	for _, x := range slices.Backward(p.h.skips) {
		out.Skips = append(out.Skips, shownSkip(x))
	}
	return out, nil
}

func shownSkip(x skip) query.PlaySkip {
	return query.PlaySkip{N: x.N, From: x.From, To: x.To, Steps: x.Steps, Words: x.Words}
}

// Skip moves the clock.
func (p play) Skip(ctx context.Context, by time.Duration) (int, error) { return p.h.skip(ctx, by) }

// Be begins a session of an agent.
func (p play) Be(ctx context.Context, agent int64, ip, browser string) (string, error) {
	return p.h.rooms.Auth.Enter(ctx, agent, ip, browser)
}
