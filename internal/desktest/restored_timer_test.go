package desktest_test

import (
	"testing"
	"time"

	"postroom"
	. "postroom/internal/desktest"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// W22: what waited for a time that came between the backup and the restore may
// have been done by the desk that was lost: the customer is not written to a
// second time. What is due later goes on.
func TestRestoredDeskEndsWaitsThatWereDue(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		wait := func(span, text string) workflow.Definition {
			return workflow.Definition{When: workflow.When{Event: postroom.StatusChanged, To: []string{"closed"}, After: span}, Then: []workflow.Action{reply(text)}}
		}
		soon, late := d.AddWorkflow("Soon", wait("1d", "One day.")), d.AddWorkflow("Late", wait("5d", "Five days."))
		c := firstMail(d)
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()
		const words = "The desk was restored."
		d.Clock.Set(d.Clock.Now().Add(3 * 24 * time.Hour).UnixMilli())
		var held store.Held
		d.Write(func(tx *store.Tx) (err error) {
			held, err = tx.HoldBack(d.Ctx, words, d.Store.Now())
			return err
		})
		expect(t, "ended", held.Waits, int64(1))
		d.Settle()
		d.ExpectMails()
		timers, err := d.Store.Read().TimersOf(d.Ctx, c.ID)
		d.Must(err)
		for _, x := range timers {
			switch x.WorkflowID {
			case soon:
				expect(t, "what was due", x.State, postroom.TimerStopped)
				expect(t, "why", x.Words, words)
				expect(t, "by", x.EndedBy, postroom.System)
			case late:
				expect(t, "what is due later", x.State, postroom.TimerWaiting)
			}
		}
		d.Pass(2 * 24 * time.Hour)
		d.ExpectMails("auto:Five days.")
	})
}
