package work_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"postroom/internal/dbtest"
	"postroom/internal/work"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(dbtest.End), dbtest.ServerLeak())
}

// shelf is a source in memory with the rules of a table: due time, lease,
// token, tries.
type shelf struct {
	mu     sync.Mutex
	name   string
	rows   map[int64]*row
	down   error // what every method answers, if set
	claims int
	token  int64
	failed []string
}

type row struct {
	due, until, token int64
	tries             int
	done              bool
}

// isDone says whether a row was finished.
func (s *shelf) isDone(id int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rows[id].done
}

func now() int64 { return time.Now().UnixMilli() }

func newShelf(name string, dues ...time.Duration) *shelf {
	s := &shelf{name: name, rows: map[int64]*row{}}
	for i, d := range dues {
		s.rows[int64(i+1)] = &row{due: now() + d.Milliseconds()}
	}
	return s
}

func (s *shelf) Name() string { return s.name }

func (s *shelf) put(id int64, in time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows[id] = &row{due: now() + in.Milliseconds()}
}

func (s *shelf) fault(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = err
}

func (s *shelf) Claim(_ context.Context, limit int, lease time.Duration) ([]work.Item, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claims++
	if s.down != nil {
		return nil, s.down
	}
	var ids []int64
	for id, r := range s.rows {
		if !r.done && r.due <= now() && r.until <= now() {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b int64) int {
		return int(max(-1, min(1, (s.rows[a].due-s.rows[b].due)*1000+(a-b))))
	})
	var items []work.Item
	for _, id := range ids[:min(limit, len(ids))] {
		s.token++
		r := s.rows[id]
		r.until, r.token = now()+lease.Milliseconds(), s.token
		r.tries++
		items = append(items, work.Item{ID: id, Lease: s.token, Tries: r.tries})
	}
	return items, nil
}

func (s *shelf) own(it work.Item) (*row, error) {
	if s.down != nil {
		return nil, s.down
	}
	r := s.rows[it.ID]
	if r.done || r.token != it.Lease {
		return nil, work.ErrLost
	}
	return r, nil
}

func (s *shelf) Renew(_ context.Context, it work.Item, lease time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.own(it)
	if err == nil {
		r.until = now() + lease.Milliseconds()
	}
	return err
}

func (s *shelf) Fail(_ context.Context, it work.Item, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, lost := s.own(it)
	if lost != nil {
		return lost
	}
	s.failed = append(s.failed, fmt.Sprintf("%d: %v", it.ID, err))
	r.until, r.token = 0, 0
	if errors.Is(err, work.ErrHandedBack) {
		r.tries--
		return nil
	}
	r.due = now() + 60_000
	return nil
}

func (s *shelf) finish(it work.Item) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.own(it)
	if err == nil {
		r.done = true
	}
	return err
}

func (s *shelf) NextDue(context.Context) (int64, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down != nil {
		return 0, false, s.down
	}
	next, ok := int64(0), false
	for _, r := range s.rows {
		if at := max(r.due, r.until); !r.done && (!ok || at < next) {
			next, ok = at, true
		}
	}
	return next, ok, nil
}

func start(t *testing.T, kinds ...work.Kind) *work.Runner {
	t.Helper()
	r, err := work.New(work.Options{}, kinds...)
	if err != nil {
		t.Fatal(err)
	}
	r.Start()
	return r
}

func stop(t *testing.T, r *work.Runner) {
	t.Helper()
	if err := r.Stop(t.Context()); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func TestDueItemsStartOnTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf("mail", 10*time.Second, 3*time.Second, 0)
		begun := time.Now()
		var mu sync.Mutex
		var at []string
		r := start(t, work.Kind{Source: s, Handler: func(_ context.Context, it work.Item) error {
			mu.Lock()
			defer mu.Unlock()
			at = append(at, fmt.Sprintf("%d after %v", it.ID, time.Since(begun)))
			return s.finish(it)
		}})
		time.Sleep(11 * time.Second)
		s.put(9, 0)
		r.Wake("mail")
		r.Wake("nobody's")
		synctest.Wait()
		stop(t, r)
		want := []string{"3 after 0s", "2 after 3s", "1 after 10s", "9 after 11s"}
		if !slices.Equal(at, want) {
			t.Errorf("got %q, want %q", at, want)
		}
	})
}

func TestPollFindsWhatNobodyToldOf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf("mail")
		done := make(chan time.Time, 1)
		r := start(t, work.Kind{Source: s, Handler: func(_ context.Context, it work.Item) error {
			done <- time.Now()
			return s.finish(it)
		}})
		synctest.Wait()
		s.put(1, 0)
		begun := time.Now()
		if took := (<-done).Sub(begun); took > 10*time.Second {
			t.Errorf("found after %v", took)
		}
		stop(t, r)
	})
}

func TestSlowItemDelaysNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf("mail", 0, 0, 0, 0, 0, 0, 0, 0)
		release := make(chan struct{})
		quick := make(chan int64, 10)
		r := start(t, work.Kind{Source: s, Workers: 2, Ahead: 3, Lease: time.Hour, Handler: func(_ context.Context, it work.Item) error {
			if it.ID == 1 {
				<-release
			} else {
				quick <- it.ID
			}
			return s.finish(it)
		}})
		synctest.Wait()
		if len(quick) != 7 {
			t.Errorf("%d items done while one was slow", len(quick))
		}
		if st := r.Status()[0]; st.Running != 1 || st.Name != "mail" {
			t.Errorf("status %+v", st)
		}
		close(release)
		stop(t, r)
	})
}

func TestLeasesAreRenewedAndLossIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf("mail", 0)
		causes := make(chan error, 1)
		r := start(t, work.Kind{Source: s, Lease: 30 * time.Second, Handler: func(ctx context.Context, it work.Item) error {
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return ctx.Err()
		}})
		time.Sleep(5 * time.Minute)
		s.mu.Lock()
		if s.rows[1].tries != 1 {
			t.Errorf("claimed %d times while the lease was renewed", s.rows[1].tries)
		}
		s.rows[1].token = -1 // somebody else has it
		s.rows[1].until = now() + time.Hour.Milliseconds()
		s.mu.Unlock()
		if cause := <-causes; !errors.Is(cause, work.ErrLost) {
			t.Errorf("the handler hears %v", cause)
		}
		stop(t, r)
		if len(s.failed) != 0 {
			t.Errorf("a lost item was failed: %q", s.failed)
		}
	})
}

func TestSourceThatDoesNotAnswerCostsTheLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf("mail", 0)
		ended := make(chan time.Duration, 1)
		begun := time.Now()
		r := start(t, work.Kind{Source: s, Lease: 30 * time.Second, Handler: func(ctx context.Context, it work.Item) error {
			if it.Tries > 1 {
				return s.finish(it)
			}
			s.fault(errors.New("gone"))
			<-ctx.Done()
			ended <- time.Since(begun)
			return ctx.Err()
		}})
		if d := <-ended; d < 30*time.Second || d > 45*time.Second {
			t.Errorf("the handler was told after %v", d)
		}
		s.fault(nil)
		time.Sleep(10 * time.Second)
		if !s.isDone(1) {
			t.Error("the item was not done after the source came back")
		}
		stop(t, r)
	})
}

func TestFailuresAndPanicsReachTheSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf("mail", 0, time.Millisecond, 2*time.Millisecond)
		r := start(t, work.Kind{Source: s, Workers: 1, Handler: func(_ context.Context, it work.Item) error {
			switch it.ID {
			case 1:
				return errors.New("no")
			case 2:
				panic("ouch")
			}
			return s.finish(it)
		}})
		time.Sleep(time.Second)
		stop(t, r)
		if want := []string{"1: no", "2: the handler panicked: ouch"}; !slices.Equal(s.failed, want) {
			t.Errorf("failed %q", s.failed)
		}
	})
}

// Where nothing more was due, a worker that becomes free costs no claim; but what
// it leaves behind is done at once, though nobody said so.
func TestFreeWorkersAskBeforeTheyClaim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf("mail", 0, 0, 0)
		begun := time.Now()
		var done []time.Duration
		var mu sync.Mutex
		r := start(t, work.Kind{Source: s, Workers: 4, Handler: func(_ context.Context, it work.Item) error {
			time.Sleep(time.Duration(it.ID) * 200 * time.Millisecond)
			if it.ID == 3 {
				s.put(4, 0)
			}
			mu.Lock()
			defer mu.Unlock()
			done = append(done, time.Since(begun))
			return s.finish(it)
		}})
		time.Sleep(5 * time.Second)
		stop(t, r)
		if want := []time.Duration{200e6, 400e6, 600e6, 1400e6}; !slices.Equal(done, want) {
			t.Errorf("done after %v, want %v", done, want)
		}
		if s.claims != 2 {
			t.Errorf("%d claims for two times that something was due", s.claims)
		}
	})
}

func TestDatabaseGoneAndBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf("mail", 0)
		s.fault(errors.New("gone"))
		r := start(t, work.Kind{Source: s, Handler: func(_ context.Context, it work.Item) error { return s.finish(it) }})
		time.Sleep(5 * time.Minute)
		s.mu.Lock()
		claims := s.claims
		s.mu.Unlock()
		if claims < 50 || claims > 200 {
			t.Errorf("%d claims in five minutes", claims)
		}
		if st := r.Status()[0]; st.Fault == nil || st.Since.IsZero() {
			t.Errorf("status %+v", st)
		}
		s.fault(nil)
		time.Sleep(6 * time.Second)
		if !s.isDone(1) || r.Status()[0].Fault != nil {
			t.Error("the work did not go on")
		}
		stop(t, r)
	})
}

// What was claimed when the database went away is free again soon after it is
// back, and not only when its lease ends.
func TestGivenBackOnceTheDatabaseIsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf("mail", 0)
		begun := make(chan struct{})
		r := start(t, work.Kind{Source: s, Lease: time.Hour, Handler: func(_ context.Context, it work.Item) error {
			if it.Tries > 1 {
				return s.finish(it)
			}
			s.fault(errors.New("gone"))
			close(begun)
			return errors.New("the database does not answer")
		}})
		<-begun
		time.Sleep(3 * time.Minute)
		if s.mu.Lock(); len(s.failed) > 0 {
			t.Errorf("told without a database: %q", s.failed)
		}
		s.mu.Unlock()
		s.fault(nil)
		time.Sleep(70 * time.Second) // five to be told of it, sixty until it is due again
		if !s.isDone(1) {
			t.Error("the item is still held")
		}
		stop(t, r)
	})
}

// An item that cannot be given back is let go when its lease has ended, and
// keeps nobody from stopping before.
func TestWhatCannotBeGivenBack(t *testing.T) {
	t.Parallel()
	for _, patience := range []time.Duration{time.Second, 2 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			s := newShelf("mail", 0)
			r := start(t, work.Kind{Source: s, Lease: time.Minute, Handler: func(context.Context, work.Item) error {
				s.fault(errors.New("gone"))
				return errors.New("the database does not answer")
			}})
			time.Sleep(patience)
			if got, want := r.Status()[0].Running, 1; patience < time.Minute && got != want {
				t.Errorf("%d items are held, not %d", got, want)
			} else if patience > time.Minute && got != 0 {
				t.Errorf("%d items are held after their lease", got)
			}
			stop(t, r)
		})
	}
}

func TestStopFinishesOrHandsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf("mail", 0, 0, 0, 0)
		release := make(chan struct{})
		r := start(t, work.Kind{Source: s, Workers: 2, Ahead: 2, Handler: func(ctx context.Context, it work.Item) error {
			if it.ID == 1 {
				<-release
				return s.finish(it)
			}
			<-ctx.Done()
			return fmt.Errorf("interrupted: %w", ctx.Err())
		}})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		time.AfterFunc(time.Second, func() { close(release) })
		if err := r.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("stop: %v", err)
		}
		if !s.isDone(1) {
			t.Error("the running item was not waited for")
		}
		handed := 0
		for id, row := range s.rows {
			if id == 1 {
				continue
			}
			if row.tries != 0 || row.until != 0 {
				t.Errorf("item %d: %+v", id, row)
			}
			handed++
		}
		if handed != 3 || len(s.failed) != 3 {
			t.Errorf("handed back %d: %q", handed, s.failed)
		}
		r.Start()
		r.Wake("mail")
		stop(t, r)
	})
}

func TestSettleIsInOrderAndSynchronous(t *testing.T) {
	t.Parallel()
	a, b := newShelf("a", -2*time.Second, -3*time.Second), newShelf("b", -time.Second)
	var got []string
	r, err := work.New(work.Options{},
		work.Kind{Source: a, Handler: func(_ context.Context, it work.Item) error {
			got = append(got, fmt.Sprint("a", it.ID))
			return a.finish(it)
		}},
		work.Kind{Source: b, Handler: func(_ context.Context, it work.Item) error {
			got = append(got, fmt.Sprint("b", it.ID))
			if it.ID == 1 {
				b.put(2, -time.Second)
				a.put(3, -time.Second)
				a.put(4, time.Hour) // not due
			}
			return b.finish(it)
		}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"a2", "a1", "b1", "b2", "a3"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	r.Start()
	if err := r.Settle(t.Context()); err == nil {
		t.Error("a started runner settles")
	}
	stop(t, r)
}

func TestKindsAreChecked(t *testing.T) {
	t.Parallel()
	k := work.Kind{Source: newShelf("a"), Handler: func(context.Context, work.Item) error { return nil }}
	if _, err := work.New(work.Options{}, k, k); err == nil {
		t.Error("two kinds of one name are accepted")
	}
	if _, err := work.New(work.Options{}, work.Kind{Source: newShelf("a")}); err == nil {
		t.Error("a kind without a handler is accepted")
	}
}
