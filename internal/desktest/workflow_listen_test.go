package desktest_test

import (
	"testing"
	"time"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/workflow"
)

// W14, W22: a run that began with an older version waits with what ends that
// version's wait, also where no published version listens for such an event and
// the wait began only after the newer one was published.
func TestAWaitOfAnOlderVersionHearsWhatEndsIt(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		wait := workflow.Action{Do: workflow.DoWait, For: "1d", Unless: []workflow.Unless{{Event: postroom.NoteAdded, Actors: []postroom.ActorKind{postroom.ByAgent}}}}
		id := d.AddWorkflow("Remind", byHand(wait, note("Nobody wrote a note.")))
		c := firstMail(d)
		ann := d.Agent("ann")
		ann.Start(c, id, postroom.PathMenu)
		d.PublishVersion(id, byHand(note("At once.")))
		d.Pass(10 * time.Second)
		ann.AddNote(c, "I called them.")
		d.Settle()
		d.Pass(2 * 24 * time.Hour)
		timers, err := d.Store.Read().TimersOf(d.Ctx, c.ID)
		d.Must(err)
		expect(t, "timers", len(timers), 1)
		expect(t, "state", timers[0].State, postroom.TimerStopped)
		expect(t, "notes", d.CountEvents(c.ID, postroom.NoteAdded), 1)
	})
}
