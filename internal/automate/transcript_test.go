package automate_test

import (
	"testing"
	"time"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/desktest"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// shipped gives a whole desk the shipped workflows and returns their ids.
func shipped(t *testing.T, d *desktest.Desk) (w *automate.Workflows, acknowledge, notice int64) {
	t.Helper()
	w = automate.New(automate.Options{Store: d.Store, Letters: d.Desk})
	if err := w.EnsureShipped(d.Ctx); err != nil {
		t.Fatal(err)
	}
	l, err := w.List(d.Ctx, d.Agent("ann").Agent)
	if err != nil || len(l.Workflows) != 2 {
		t.Fatalf("%+v, %v", l, err)
	}
	return w, l.Workflows[0].ID, l.Workflows[1].ID
}

// What an admin switches, words and orders is what customers get from then on,
// and on each close it is still one mail.
func TestWhatIsPublishedIsSent(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		w, acknowledge, notice := shipped(t, d)
		ann := d.Agent("ann")
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		c := d.CustomerWrites("Mara Lind <mara@customer.example>", "Lamp broken", "It arrived broken.")
		d.ExpectMails("auto:Your message has arrived")
		ann.SendAndClose(c, "A new one is on its way.")
		d.Settle()
		d.ExpectMails("A new one is on its way.", "auto:we have now closed your request")

		must(w.Reword(d.Ctx, ann.Agent, notice, 1, "All done with number {{ conversation.number }}."))
		ann.SetStatus(c, postroom.Active, postroom.PathMenu)
		d.Settle()
		ann.SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()
		d.ExpectMails("auto:All done with number")

		must(w.Switch(d.Ctx, ann.Agent, notice, false))
		ann.SetStatus(c, postroom.Active, postroom.PathMenu)
		ann.SendAndClose(c, "And a spare one.")
		d.Settle()
		d.ExpectMails("And a spare one.")

		must(w.Restore(d.Ctx, ann.Agent, notice, 1))
		must(w.Switch(d.Ctx, ann.Agent, notice, true))
		must(w.Switch(d.Ctx, ann.Agent, acknowledge, false))
		d.Pass(time.Hour)
		d.ExpectMails() // what was judged stays judged
		c = d.CustomerWrites("Nils <nils@customer.example>", "Bulb", "It flickers.")
		d.ExpectMails()
		ann.SendAndClose(c, "Try another socket.")
		d.Settle()
		d.ExpectMails("Try another socket.", "auto:we have now closed your request")
	})
}

// A change while an act can still be undone decides what follows from it: the
// set is fixed when the event is judged, not when it happened (W16).
func TestSwitchingOffWithinTheUndoWindow(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		w, _, notice := shipped(t, d)
		d.UndoWindow(10 * time.Second)
		c := d.CustomerWrites("Mara Lind <mara@customer.example>", "Lamp broken", "It arrived broken.")
		d.ExpectMails("auto:Your message has arrived")
		d.Agent("ann").SendAndClose(c, "A new one is on its way.")
		d.Settle()
		d.ExpectMails()
		if err := w.Switch(d.Ctx, d.Agent("ann").Agent, notice, false); err != nil {
			t.Fatal(err)
		}
		d.Pass(time.Minute)
		d.ExpectMails("A new one is on its way.")
	})
}

// A workflow that paused itself does nothing until somebody switches it on.
func TestSwitchedOnAgainItRuns(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		w, acknowledge, notice := shipped(t, d)
		ann := d.Agent("ann")
		if err := w.Switch(d.Ctx, ann.Agent, acknowledge, false); err != nil {
			t.Fatal(err)
		}
		d.Write(func(tx *store.Tx) error {
			x, err := tx.Workflow(d.Ctx, notice)
			if err != nil {
				return err
			}
			x.PausedWords, x.Failures = "Paused.", 5
			if err := tx.UpdateWorkflow(d.Ctx, x); err != nil {
				return err
			}
			_, err = tx.PublishSet(d.Ctx, 0, d.Store.Now())
			return err
		})
		first := d.CustomerWrites("Mara Lind <mara@customer.example>", "Lamp", "Broken.")
		ann.SendAndClose(first, "One.")
		d.Settle()
		d.ExpectMails("One.")
		if err := w.Switch(d.Ctx, ann.Agent, notice, true); err != nil {
			t.Fatal(err)
		}
		second := d.CustomerWrites("Nils <nils@customer.example>", "Bulb", "Broken.")
		ann.SendAndClose(second, "Two.")
		d.Settle()
		d.ExpectMails("Two.", "auto:closed")
	})
}

// Nobody can publish a workflow that assigns to somebody who left.
func TestNothingIsAssignedToSomebodyWhoLeft(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		w, _, notice := shipped(t, d)
		gus := d.AddAgent("gus", postroom.Member)
		def := workflow.Definition{When: workflow.When{Event: postroom.ReplySent}, Then: []workflow.Action{{Do: workflow.DoAssign, Agent: &gus.ID}}}
		gus.Disabled = true
		d.Write(func(tx *store.Tx) error { return tx.UpdateAgent(d.Ctx, gus) })
		_, err := w.Publish(d.Ctx, d.Agent("ann").Agent, notice, 0, def)
		want(t, err, postroom.Invalid, "then[0].agent")
		gus.Disabled = false
		d.Write(func(tx *store.Tx) error { return tx.UpdateAgent(d.Ctx, gus) })
		if _, err := w.Publish(d.Ctx, d.Agent("ann").Agent, notice, 0, def); err != nil {
			t.Error(err)
		}
	})
}
