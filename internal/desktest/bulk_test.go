package desktest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/store"
)

// some makes conversations for a bulk change.
func some(d *desktest.Desk) (all []*postroom.Conversation, numbers []int64) {
	for _, from := range []string{"a@customer.example", "b@customer.example", "c@customer.example"} {
		c := d.CustomerWrites(from, "Lamp", "Broken.")
		all, numbers = append(all, c), append(numbers, c.Number)
	}
	return all, numbers
}

var errDied = errors.New("the worker died")

// untilDeath works on a job and dies at the nth time that it holds it; the
// transaction it is in is lost.
func untilDeath(d *desktest.Desk, job int64, n int) (died bool) {
	d.T.Helper()
	err := d.Desk.RunBulk(d.Ctx, job, func(context.Context, *store.Tx) error {
		if n--; n < 0 {
			return errDied
		}
		return nil
	})
	if err != nil && !errors.Is(err, errDied) {
		d.T.Fatal(err)
	}
	return err != nil
}

// W19: taking a bulk change back goes on by itself wherever the program died,
// says how far it is, and nothing of the change becomes final meanwhile.
func TestBulkUndoGoesOnByItself(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		for n := 0; ; n++ {
			all, numbers := some(d)
			ann := d.Agent("ann")
			job := ann.Bulk(desk.Bulk{Numbers: numbers, Status: postroom.Closed})
			d.Agent("ben").SetStatus(all[0], postroom.Pending, postroom.PathMenu)
			if err := d.Desk.UndoBulk(d.Ctx, ann.Agent, job); err != nil {
				t.Fatal(err)
			}
			died := untilDeath(d, job, n)
			j, err := d.Store.Read().Job(d.Ctx, job)
			if err != nil || j.Undoing() != died || j.UndoLooked != min(n, len(all)) {
				t.Errorf("dead after %d steps: %+v, %v", n, j, err)
			}
			d.Pass(time.Hour) // far beyond any window
			d.ExpectMails()
			for i, want := range []postroom.Status{postroom.Pending, postroom.Active, postroom.Active} {
				if s := d.Conversation(all[i].ID).Status; s != want {
					t.Errorf("dead after %d steps: conversation %d is %s", n, i, s)
				}
			}
			j, err = d.Store.Read().Job(d.Ctx, job)
			if err != nil || !j.Undone() || len(j.Report) != 1 || j.Report[0].Number != all[0].Number || j.Words != "Undone, but for 1." {
				t.Errorf("dead after %d steps: report %+v %q, %v", n, j.Report, j.Words, err)
			}
			if err := d.Desk.UndoBulk(d.Ctx, ann.Agent, job); postroom.CodeOf(err) != postroom.Conflict {
				t.Errorf("undone again: %v", err)
			}
			if !died {
				return
			}
		}
	})
}

// A conversation that cannot be read does not keep the others from being taken
// back: in the end it is left, and the report says so.
func TestBulkUndoGoesOnWithoutWhatFails(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		all, numbers := some(d)
		ann := d.Agent("ann")
		job := ann.Bulk(desk.Bulk{Numbers: numbers, Status: postroom.Closed})
		d.SQL("update event set payload = 'x' || payload where conversation_id = $1", all[1].ID)
		if err := d.Desk.UndoBulk(d.Ctx, ann.Agent, job); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			d.Pass(5 * time.Minute)
		}
		d.SQL("update event set payload = substr(payload, 2) where conversation_id = $1", all[1].ID)
		for i, want := range []postroom.Status{postroom.Active, postroom.Closed, postroom.Active} {
			if s := d.Conversation(all[i].ID).Status; s != want {
				t.Errorf("conversation %d is %s", i, s)
			}
		}
		if j, err := d.Store.Read().Job(d.Ctx, job); err != nil || !j.Undone() || len(j.Report) != 1 {
			t.Errorf("the job: %+v, %v", j, err)
		}
	})
}

// A bulk change that is stopped keeps what it has done, leaves the rest, and
// what it has done can be undone.
func TestStopBulk(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		all, numbers := some(d)
		ann := d.Agent("ann")
		job, err := d.Desk.StartBulk(d.Ctx, ann.Agent, desk.Bulk{Numbers: numbers, Status: postroom.Closed})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Desk.CancelJob(d.Ctx, d.Agent("ben").Agent, job); postroom.CodeOf(err) != postroom.NotFound {
			t.Errorf("stopped by another agent: %v", err)
		}
		if untilDeath(d, job, len(all)+1) {
			t.Fatal("it was not let to its end")
		}
		job, err = d.Desk.StartBulk(d.Ctx, ann.Agent, desk.Bulk{Numbers: numbers, Status: postroom.Pending})
		if err != nil || !untilDeath(d, job, 2) {
			t.Fatal(err)
		}
		if err := d.Desk.CancelJob(d.Ctx, ann.Agent, job); err != nil {
			t.Fatal(err)
		}
		if untilDeath(d, job, 0) {
			t.Error("a stopped job is worked on")
		}
		if err := d.Desk.CancelJob(d.Ctx, ann.Agent, job); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("stopped twice: %v", err)
		}
		for i, want := range []postroom.Status{postroom.Pending, postroom.Pending, postroom.Closed} {
			if s := d.Conversation(all[i].ID).Status; s != want {
				t.Errorf("conversation %d is %s, want %s", i, s, want)
			}
		}
		j, err := d.Store.Read().Job(d.Ctx, job)
		if err != nil || j.State != store.JobDone || !strings.Contains(j.Words, "Stopped after 2 of 3") || j.Undone() {
			t.Errorf("the job: %+v, %v", j, err)
		}
		if err := d.Desk.UndoBulk(d.Ctx, ann.Agent, job); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		for i := range all {
			if s := d.Conversation(all[i].ID).Status; s != postroom.Closed {
				t.Errorf("undone: conversation %d is %s", i, s)
			}
		}
	})
}
