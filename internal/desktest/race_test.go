package desktest_test

import (
	"testing"
	"time"

	"postroom"
	"postroom/internal/desktest"
)

// races is how often undo and worker meet, and fewest how often each side
// must win for the test to have shown anything.
const (
	races  = 1000
	fewest = 100
)

// Undo and the workers meet at the end of the window, a thousand times. One of
// them wins, wholly: either nothing ever happened, or both mails go out in
// order and the undo was refused (W19, R2).
func TestUndoAgainstWorker(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		d.ClosingNotice()
		var field []*postroom.Conversation
		for i := range 20 {
			field = append(field, d.CustomerWrites("c"+string(rune('a'+i))+"@customer.example", "Lamp", "Broken."))
		}
		races, fewest := races, fewest
		if testing.Short() { // under the race detector, which is slow
			races, fewest = 150, 15
		}
		wins := map[string]int{}
		delay := 500 * time.Microsecond
		for i := range races {
			c := field[i%len(field)]
			who := race(t, d, c, delay)
			wins[who]++
			if who == "undo" {
				delay += delay/20 + time.Microsecond
			} else {
				delay -= delay / 20
			}
			d.Clock.Advance(time.Hour) // away from the breaker
		}
		t.Logf("undo won %d times, the workers %d", wins["undo"], wins["worker"])
		if wins["undo"] < fewest || wins["worker"] < fewest {
			t.Errorf("each side should win at least %d times", fewest)
		}
	})
}

// race has one act undone and worked on at the same time, and returns who won.
func race(t *testing.T, d *desktest.Desk, c *postroom.Conversation, delay time.Duration) string {
	t.Helper()
	ann := d.Agent("ann")
	out := ann.SendAndClose(c, "The answer.")
	d.Clock.Advance(10 * time.Second)
	undone := make(chan error, 1)
	go func() {
		// Not a wait for anything: it moves the moment at which the two meet.
		for end := time.Now().Add(delay); time.Now().Before(end); {
		}
		undone <- ann.TryUndo(out)
	}()
	d.Settle()
	err := <-undone
	d.Settle()
	status := d.Conversation(c.ID).Status
	switch {
	case err == nil:
		d.ExpectMails()
		if status != postroom.Active {
			t.Fatalf("undone, and the conversation is %s", status)
		}
		return "undo"
	case postroom.CodeOf(err) != postroom.Conflict:
		t.Fatal(err)
	}
	d.ExpectMails("The answer.", "auto:closed")
	if status != postroom.Closed {
		t.Fatalf("not undone, and the conversation is %s", status)
	}
	// Open it again for the next race, without a mail.
	ann.SetStatus(c, postroom.Active, postroom.PathMenu)
	d.Clock.Advance(10 * time.Second)
	d.Settle()
	return "worker"
}
