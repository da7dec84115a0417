package react

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/outbox"
	"postroom/internal/store"
	"postroom/internal/work"
)

func decimal(id int64) string { return strconv.FormatInt(id, 10) }

func items(in []store.Claimed, err error) ([]work.Item, error) {
	out := make([]work.Item, len(in))
	for i, c := range in {
		out[i] = work.Item{ID: c.ID, Lease: c.Lease, Tries: c.Tries + 1}
	}
	return out, err
}

// lost turns a refused renewal into the runner's word for it.
func lost(err error) error {
	if postroom.CodeOf(err) == postroom.Conflict {
		return work.ErrLost
	}
	return err
}

// pause is how long a piece of work rests after it failed n times, in
// milliseconds.
func pause(n int) int64 {
	return min(int64(250)<<min(max(n, 0), 10), 60_000)
}

// rest says how long a piece of work rests after it ended with a fault, in
// milliseconds, and how often it was tried by then. What was only handed back is
// due at once and was not tried.
func (r *React) rest(kind string, i work.Item, cause error) (wait int64, tries int) {
	if errors.Is(cause, work.ErrHandedBack) || errors.Is(cause, context.Canceled) {
		return 0, i.Tries - 1
	}
	r.Log.Error("work failed", "work", kind, "id", i.ID, "tries", i.Tries, "error", cause)
	return pause(i.Tries - 1), i.Tries
}

// laneSource claims lanes of one kind.
type laneSource struct {
	r    *React
	kind string
}

func (s laneSource) Name() string { return s.kind }

func (s laneSource) Claim(ctx context.Context, limit int, lease time.Duration) ([]work.Item, error) {
	return items(s.r.Store.ClaimLanes(ctx, s.kind, limit, lease.Milliseconds()))
}

func (s laneSource) Renew(ctx context.Context, i work.Item, lease time.Duration) error {
	return lost(s.r.Store.RenewLane(ctx, s.kind, claimed(i), lease.Milliseconds()))
}

func (s laneSource) Fail(ctx context.Context, i work.Item, cause error) error {
	c := claimed(i)
	wait, tries := s.r.rest(s.kind, i, cause)
	due := s.r.Store.Now() + wait
	err := s.r.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.HoldLane(ctx, s.kind, c); err != nil {
			return err
		}
		return tx.ReleaseLane(ctx, s.kind, c, due, tries)
	})
	return unlessLost(err)
}

// unlessLost forgives a release that came too late: somebody else has the row.
func unlessLost(err error) error {
	if postroom.CodeOf(err) == postroom.Conflict {
		return nil
	}
	return err
}

func (s laneSource) NextDue(ctx context.Context) (int64, bool, error) {
	return s.r.Store.NextLane(ctx, s.kind)
}

// mailSource claims mails whose turn has come. It counts, by mail, how often in
// a row this program could not even make an attempt: no try of the mail is spent
// by that, so the rows do not know.
type mailSource struct {
	r      *React
	mu     sync.Mutex
	failed map[int64]int
}

func (*mailSource) Name() string { return "deliver" }

func (s *mailSource) Claim(ctx context.Context, limit int, lease time.Duration) ([]work.Item, error) {
	return items(s.r.Store.ClaimMails(ctx, limit, lease.Milliseconds()))
}

func (s *mailSource) Renew(ctx context.Context, i work.Item, lease time.Duration) error {
	return lost(s.r.Store.RenewMail(ctx, claimed(i), lease.Milliseconds()))
}

// run makes one attempt at a mail.
func (s *mailSource) run(ctx context.Context, i work.Item) error {
	err := s.r.Outbox.Deliver(ctx, claimed(i))
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.failed, i.ID)
	}
	return err
}

// fails counts one more failure of a mail and returns how many there are.
func (s *mailSource) fails(mail int64) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = map[int64]int{}
	}
	s.failed[mail]++
	return s.failed[mail]
}

// A mail with which this program itself fails rests longer each time, up to
// lastRest milliseconds. People are told when it has failed manyFailures times
// and the mail is an hour late.
const (
	lastRest     = 15 * 60_000
	manyFailures = 5
	lateAfter    = 60 * 60_000
)

// Fail queues a mail again if nothing of it was sent. One that reached DATA is
// left to mend, which calls it uncertain when its lease has run out.
func (s *mailSource) Fail(ctx context.Context, i work.Item, cause error) error {
	wait := int64(0)
	switch {
	case errors.Is(cause, work.ErrHandedBack):
	case postroom.CodeOf(cause) == postroom.Unavailable, errors.Is(cause, context.Canceled):
		wait = pause(i.Tries + 1)
		s.r.Log.Error("work failed", "work", "deliver", "mail", i.ID, "error", cause)
	default:
		n := s.fails(i.ID)
		wait = min(int64(250)<<min(n, 20), lastRest)
		s.r.Log.Error("work failed", "work", "deliver", "mail", i.ID, "times", n, "error", cause)
		if n >= manyFailures {
			s.tellLate(ctx, i.ID, cause)
		}
	}
	return s.r.Store.ReturnMail(ctx, claimed(i), s.r.Store.Now()+wait)
}

// tellLate raises an alarm for a mail that is an hour late, or cannot even be
// read, because this program fails with it: no server's answer would say so.
func (s *mailSource) tellLate(ctx context.Context, id int64, cause error) {
	m, err := s.r.Store.Read().Mail(ctx, id)
	if err == nil && s.r.Store.Now()-max(m.QueuedAt, m.CreatedAt) < lateAfter {
		return
	}
	words := "No attempt at it can be made, because of a fault on our side: " + cause.Error()
	if err := s.r.Alarms.Raise(ctx, alarm.MailDelayed, decimal(id), words); err != nil {
		s.r.Log.Error("alarm", "kind", alarm.MailDelayed, "mail", id, "words", words, "error", err)
	}
}

func (s *mailSource) NextDue(ctx context.Context) (int64, bool, error) {
	return s.r.Store.NextMail(ctx)
}

// mendSource is one item that is due when a lease has run out or a doubt has
// lasted long enough.
type mendSource struct {
	r         *React
	mu        sync.Mutex
	running   bool
	restUntil int64
}

func (*mendSource) Name() string { return outbox.WakeMend }

func (s *mendSource) Claim(ctx context.Context, _ int, _ time.Duration) ([]work.Item, error) {
	due, ok, err := s.NextDue(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || !ok || s.running || due > s.r.Store.Now() {
		return nil, err
	}
	s.running = true
	return []work.Item{{Tries: 1}}, nil
}

// run settles mails whose worker died and those in doubt for too long.
func (s *mendSource) run(ctx context.Context, _ work.Item) error {
	r := s.r
	var failed error // one mail's fault delays no other's end
	for _, list := range []func(context.Context, int) ([]int64, error){r.Store.LostMails, r.Store.StaleUncertain} {
		ids, err := list(ctx, 200)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := r.Outbox.Mend(ctx, id); err != nil {
				failed = errors.Join(failed, fmt.Errorf("mail %d: %w", id, err))
			}
		}
	}
	if failed == nil {
		s.done(0)
	}
	return failed
}

func (s *mendSource) Renew(context.Context, work.Item, time.Duration) error { return nil }

func (s *mendSource) done(rest int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running, s.restUntil = false, rest
}

func (s *mendSource) Fail(_ context.Context, _ work.Item, cause error) error {
	s.done(s.r.Store.Now() + 2000)
	if !errors.Is(cause, work.ErrHandedBack) {
		s.r.Log.Error("work failed", "work", outbox.WakeMend, "error", cause)
	}
	return nil
}

func (s *mendSource) NextDue(ctx context.Context) (int64, bool, error) {
	due, ok, err := s.r.Store.NextMend(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(due, s.restUntil), ok && !s.running, err
}

// jobSource claims bulk jobs.
type jobSource struct{ r *React }

func (jobSource) Name() string { return "bulk" }

func (s jobSource) Claim(ctx context.Context, limit int, lease time.Duration) ([]work.Item, error) {
	return items(s.r.Store.ClaimJobs(ctx, limit, lease.Milliseconds()))
}

func (s jobSource) Renew(ctx context.Context, i work.Item, lease time.Duration) error {
	return lost(s.r.Store.RenewJob(ctx, claimed(i), lease.Milliseconds()))
}

// jobTries is how often a job is taken up that fails as a whole. A single
// conversation that fails is left out before that.
const jobTries = 5

// Fail gives a job back, or ends it with words and an alarm when it has failed
// too often: its events, and mails that follow from them, wait for its end.
func (s jobSource) Fail(ctx context.Context, i work.Item, cause error) error {
	wait, tries := s.r.rest(s.Name(), i, cause)
	if tries >= jobTries && postroom.CodeOf(cause) != postroom.Unavailable {
		return unlessLost(s.end(ctx, i, cause))
	}
	return unlessLost(s.r.Store.Write(ctx, func(tx *store.Tx) error {
		return tx.ReleaseJob(ctx, claimed(i), s.r.Store.Now()+wait, tries)
	}))
}

// end has a job failed.
func (s jobSource) end(ctx context.Context, i work.Item, cause error) error {
	id, err := s.r.Store.NewID(ctx)
	if err != nil {
		return err
	}
	words := fmt.Sprintf("It failed %d times and was given up: %s", i.Tries, cause)
	return s.r.Desk.FailBulk(ctx, i.ID, words, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.HoldJob(ctx, claimed(i)); err != nil {
			return err
		}
		return s.r.Alarms.RaiseIn(ctx, tx, id, alarm.JobFailed, decimal(i.ID), words)
	})
}

func (s jobSource) NextDue(ctx context.Context) (int64, bool, error) { return s.r.Store.NextJob(ctx) }
