package desktest_test

import (
	"context"
	"slices"
	"testing"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/desktest"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// A wait that begins with an older version while another one is published does not
// lose what it listens for: publishing waits for it, and finds it. The two are put
// into that order by their locks, not by time.
func TestWaitAndPublishAtOnce(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, db.Postgres)
	id := d.AddWorkflow("Remind", workflow.Definition{When: workflow.When{Event: postroom.MessageReceived, After: "2d", Unless: []workflow.Unless{{Event: postroom.NoteAdded}}},
		Then: []workflow.Action{note("Still there?")}})
	c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
	d.Settle()
	d.PublishVersion(id, workflow.Definition{When: workflow.When{Event: postroom.MessageReceived}, Then: []workflow.Action{note("Hello.")}})
	begins := onlyTimer(t, d, c, id)
	d.SQL("delete from timer")
	d.SQL("delete from listened_kind")
	d.SQL("insert into listened_kind (kind) values ('note.added'), ('message.received')")

	published := make(chan error, 1)
	err := d.Store.Write(d.Ctx, func(tx *store.Tx) error {
		if err := tx.AlsoListen(d.Ctx, []postroom.EventKind{postroom.NoteAdded}); err != nil {
			return err
		}
		if _, err := tx.Listened(d.Ctx); err != nil { // what was queued is done by now
			return err
		}
		go func() {
			published <- d.Store.Write(d.Ctx, func(tx *store.Tx) error {
				_, err := tx.PublishSet(d.Ctx, 0, d.Store.Now())
				return err
			})
		}()
		for waits(d.Ctx, t, d) == 0 {
			select {
			case err := <-published:
				t.Fatalf("publishing does not wait for who begins to wait: %v", err)
			default:
			}
		}
		// It begins to wait, as the judge would have it: with the older version.
		return tx.ArmTimer(d.Ctx, begins)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-published; err != nil {
		t.Fatal(err)
	}
	var kinds []postroom.EventKind
	d.Write(func(tx *store.Tx) (err error) { kinds, err = tx.Listened(d.Ctx); return err })
	if !slices.Contains(kinds, postroom.NoteAdded) {
		t.Errorf("nobody listens for what ends the wait: %v", kinds)
	}
}

// waits counts the connections of the test's database that wait for a lock.
func waits(ctx context.Context, t *testing.T, d *desktest.Desk) (n int) {
	t.Helper()
	err := d.DB.Reader().QueryRow(ctx, "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'").Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
