// Package react is the work that follows commits: received mails are read and
// filed, events are judged, mails are handed over, bulk jobs run, what lies
// about is mended. Each kind is thin: it claims rows, decides with the pure
// rooms and writes through the desk.
package react

import (
	"context"
	"log/slog"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/automate"
	"postroom/internal/blob"
	"postroom/internal/desk"
	"postroom/internal/outbox"
	"postroom/internal/store"
	"postroom/internal/work"
)

// Options is what the work stands on.
type Options struct {
	Store  *store.Store
	Desk   *desk.Desk
	Outbox *outbox.Outbox
	Blobs  *blob.Store
	Alarms *alarm.Alarms
	// Lease is how long a claim holds without renewal; 0 is 30 seconds.
	Lease time.Duration
	// URL returns the address of the desk's pages for links in mails to agents,
	// without a slash at its end; nil or "" leaves the links out.
	URL func() string
	// Calls makes the calls of webhooks; nil on a desk that nothing may leave:
	// there they are held back. OpenSecret opens what they are made with.
	Calls      Caller
	OpenSecret func(sealed, context string) (string, error)
	// Publish tells open pages what changed, after the commit; nil does nothing.
	Publish func(keys ...string)
	// Workflows runs the tests of workflows; nil runs none.
	Workflows *automate.Workflows
	Log       *slog.Logger
}

// React does the work.
type React struct {
	Options
	sets *sets
}

// New returns the work kinds on a desk.
func New(o Options) *React {
	if o.Lease <= 0 {
		o.Lease = 30 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &React{Options: o, sets: newSets(o.Store)}
}

// Kinds lists the kinds of work, the order of a mail's life.
func (r *React) Kinds() []work.Kind {
	mails, mend, news := &mailSource{r: r}, &mendSource{r: r}, notifySource{r}
	kinds := []work.Kind{
		{Source: laneSource{r, store.LaneReceive}, Handler: lane(r.receive), Workers: 2, Lease: r.Lease},
		{Source: laneSource{r, store.LaneJudge}, Handler: lane(r.judgeLane), Workers: 4, Ahead: 8, Lease: r.Lease},
		{Source: laneSource{r, store.LaneWake}, Handler: lane(r.wake), Workers: 2, Ahead: 30, Lease: r.Lease},
		{Source: timerSource{r}, Handler: r.fire, Workers: 4, Ahead: 60, Lease: r.Lease},
		{Source: promiseSource{r}, Handler: r.lookAtPromise, Workers: 2, Ahead: 30, Lease: r.Lease},
		{Source: &scheduleSource{r: r}, Handler: r.walk, Workers: 1, Lease: r.Lease},
		{Source: mails, Handler: mails.run, Workers: 4, Lease: r.Lease},
		{Source: news, Handler: r.notify, Workers: 2, Ahead: 8, Lease: r.Lease},
		{Source: mend, Handler: mend.run, Workers: 1, Lease: r.Lease},
		{Source: jobSource{r}, Handler: r.bulk, Workers: 2, Lease: r.Lease},
	}
	if r.Calls != nil {
		kinds = append(kinds, work.Kind{Source: callSource{r}, Handler: r.call, Workers: 4, Ahead: 8, Lease: r.Lease})
	}
	if r.Workflows != nil {
		kinds = append(kinds, work.Kind{Source: laneSource{r, store.LaneTest}, Handler: lane(r.testLane), Workers: 1, Lease: r.Lease})
	}
	return kinds
}

func claimed(i work.Item) store.Claimed {
	return store.Claimed{ID: i.ID, Lease: i.Lease, Tries: max(i.Tries-1, 0)}
}

// lane adapts a lane's work to a handler.
func lane(f func(context.Context, store.Claimed) error) work.Handler {
	return func(ctx context.Context, i work.Item) error { return f(ctx, claimed(i)) }
}

func (r *React) bulk(ctx context.Context, i work.Item) error {
	c := claimed(i)
	hold := func(ctx context.Context, tx *store.Tx) error { return tx.HoldJob(ctx, c) }
	if r.Workflows != nil {
		if job, err := r.Store.Read().Job(ctx, i.ID); err != nil || job.Kind == store.JobBacktest {
			if err == nil {
				err = r.Workflows.RunBacktest(ctx, job, hold)
			}
			return err
		}
	}
	return r.Desk.RunBulk(ctx, i.ID, hold)
}

// RetryInbound has a received mail that could not be processed read again.
func (r *React) RetryInbound(ctx context.Context, a *postroom.Agent, id int64) error {
	in, err := r.Store.Read().Inbound(ctx, id)
	if err != nil {
		return err
	}
	if !postroom.Can(a, postroom.Manage, in.MailboxID) {
		return postroom.Errorf(postroom.Forbidden, "Only an admin can retry a received mail.")
	}
	return r.Store.Write(ctx, func(tx *store.Tx) error {
		tx.OnCommit(func() { r.Desk.Wake(desk.WakeReceive) })
		if err := r.Alarms.ClearIn(ctx, tx, alarm.InboundFailed, decimal(id)); err != nil {
			return err
		}
		return tx.RetryInbound(ctx, in, r.Store.Now())
	})
}

// RetryEvent has an event that could not be judged judged again. Later events
// were judged meanwhile; its workflows see the facts of its own time.
func (r *React) RetryEvent(ctx context.Context, a *postroom.Agent, id int64) error {
	e, err := r.Store.Read().Event(ctx, id)
	if err != nil {
		return err
	}
	if !postroom.Can(a, postroom.Manage, e.After.MailboxID) {
		return postroom.Errorf(postroom.Forbidden, "Only an admin can have an event judged again.")
	}
	return r.Store.Write(ctx, func(tx *store.Tx) error {
		tx.OnCommit(func() { r.Desk.Wake(desk.WakeJudge) })
		if err := tx.ReviveEvent(ctx, id); err != nil {
			return err
		}
		if err := r.Alarms.ClearIn(ctx, tx, alarm.NotJudged, decimal(id)); err != nil {
			return err
		}
		return tx.OpenLane(ctx, store.LaneJudge, e.ConversationID, r.Store.Now())
	})
}
