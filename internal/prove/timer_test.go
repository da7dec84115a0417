package prove_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"postroom/internal/db"
	"postroom/internal/postoffice"
)

// waits is a workflow that asks once more when nobody has answered.
const waits = `key: once-more
name: Once more
when: {event: conversation.created, after: 10m}
then:
  - {do: reply, text: "Is it solved?"}
  - {do: note, text: "Asked once more."}
`

// TestKilledWhileTimersFire kills the real program again and again while timers
// fire that came due while it was down: each fires once, and its workflow runs
// once (W18, W22). Those in hand at a death come again when that is noticed, and
// others go before them; that the oldest goes first is shown where nobody dies.
func TestKilledWhileTimersFire(t *testing.T) {
	t.Parallel()
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			f := &firing{t: t, place: newPlace(t, e), office: newOffice(t), timers: 24, kills: []int{1, 3, 6, 10}}
			f.place.furnish(f.office)
			f.arm()
			f.office.OnPhase(f.onPhase)
			for rounds := 0; f.left() > 0; rounds++ {
				if rounds > 60 {
					t.Fatalf("%d timers never fire\n%s", f.left(), f.place.logTail(20))
				}
				f.run()
			}
			f.reckon()
		})
	}
}

// firing is a desk whose timers fire while somebody kills it.
type firing struct {
	t      *testing.T
	place  *place
	office *postoffice.Office
	timers int

	mu      sync.Mutex
	process *process
	mails   int   // that came as far as their recipient
	kills   []int // at which of these the program is killed
	killed  int
}

// arm has customers write, one timer each, and puts their due times into the past:
// the last one first.
func (f *firing) arm() {
	file := filepath.Join(f.place.dir, "once-more.yaml")
	if err := os.WriteFile(file, []byte(waits), 0o600); err != nil {
		f.t.Fatal(err)
	}
	f.place.must("", "workflow", "apply", file)
	s := f.place.start()
	f.place.signedIn(f.t).switchOff(f.t, "Acknowledge a new conversation")
	for i := range f.timers {
		subject := fmt.Sprintf("Case %c", 'A'+i)
		// One that was weeks old when it came would get no automatic mail.
		raw := bytes.Replace(letter(subject, "It does not shine."), []byte("Mon, 02 Mar 2026 10:00:00 +0000"), []byte(time.Now().Format(time.RFC1123Z)), 1)
		f.place.mustHand(subject, raw)
	}
	within(f.t, 30*time.Second, "every timer waits", func(context.Context) error {
		f.place.stopClean(s)
		if n := f.count(`select count(*) from timer where state = 'waiting'`); n == f.timers {
			return nil
		}
		s = f.place.start()
		return errNotYet
	})
	f.open(func(ctx context.Context, d *db.DB) error {
		return d.Write(ctx, func(tx *db.Tx) error {
			const at = `(select cast($1 as bigint) - 1000 * c.number from conversation c where c.id = timer.conversation_id)`
			_, err := tx.Exec(ctx, `update timer set due_at = `+at+`, claim_at = `+at, time.Now().Add(-time.Hour).UnixMilli())
			return err
		})
	})
}

// open looks into the database of the desk, which does not run.
func (f *firing) open(look func(context.Context, *db.DB) error) {
	f.t.Helper()
	ctx := f.t.Context()
	d, err := db.Open(ctx, db.Options{URL: f.place.databaseURL(), Conns: 4, NoBackup: true})
	if err != nil {
		f.t.Fatalf("open the database: %v", err)
	}
	defer func() {
		if err := d.Close(); err != nil {
			f.t.Errorf("close the database: %v", err)
		}
	}()
	if err := look(ctx, d); err != nil {
		f.t.Fatal(err)
	}
}

func (f *firing) count(q string) (n int) {
	f.t.Helper()
	f.open(func(ctx context.Context, d *db.DB) error { return d.Reader().QueryRow(ctx, q).Scan(&n) })
	return n
}

// left counts the timers that have not fired, or whose workflow has not run.
func (f *firing) left() int {
	f.t.Helper()
	return f.count(`select count(*) from timer where state = 'waiting'`) + f.timers - f.count(`select count(*) from run`)
}

// run lets the desk run until somebody kills it, or for a while.
func (f *firing) run() {
	f.t.Helper()
	s, err := f.place.begin("serve")
	if err != nil {
		f.t.Fatal(err)
	}
	f.mu.Lock()
	f.process = s
	f.mu.Unlock()
	if err := f.place.answers(s); err != nil {
		f.ended(s)
		return
	}
	select {
	case <-s.done:
		f.ended(s)
	case <-time.After(time.Second): // as long as it likes: who is not done goes on after the next start
		f.mu.Lock()
		f.process = nil
		f.mu.Unlock()
		if s.dead() {
			f.ended(s)
			return
		}
		f.place.stopClean(s)
	}
}

// ended makes sure that a process ended because somebody killed it.
func (f *firing) ended(s *process) {
	f.t.Helper()
	<-s.done
	if s.cmd.ProcessState.Exited() {
		f.t.Fatalf("the program ended by itself: %s\n%s", s.cmd.ProcessState, f.place.logTail(20))
	}
}

// onPhase kills the program when a mail of a timer's workflow has come as far as
// its recipient, while others fire.
func (f *firing) onPhase(e postoffice.Event) {
	if e.Phase != postoffice.Rcpt || e.Edge != postoffice.Before {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mails++
	if f.process != nil && slices.Contains(f.kills, f.mails) {
		f.process.kill()
		f.process = nil
		f.killed++
	}
}

func (f *firing) reckon() {
	f.t.Helper()
	for what, q := range map[string]string{
		"timers fired":               `select count(*) from timer where state = 'fired'`,
		"events say so":              `select count(*) from event where kind = 'timer.due'`,
		"conversations have one":     `select count(distinct conversation_id) from event where kind = 'timer.due'`,
		"runs":                       `select count(*) from run where state = 'done'`,
		"conversations have a run":   `select count(distinct conversation_id) from run`,
		"notes":                      `select count(*) from message where kind = 'note'`,
		"replies":                    `select count(*) from message where kind = 'reply'`,
		"mails":                      `select count(*) from mail where automatic = 1 and conversation_id > 0`,
		"conversations have a reply": `select count(distinct conversation_id) from message where kind = 'reply'`,
	} {
		if n := f.count(q); n != f.timers {
			f.t.Errorf("%d %s, not %d", n, what, f.timers)
		}
	}
	if f.killed < 2 { // the rest of them may come when all have fired
		f.t.Errorf("it was killed %d times only", f.killed)
	}
	st, _ := f.place.open(f.t)
	invariants(f.t.Context(), f.t, st)
	f.t.Logf("killed %d times", f.killed)
}
