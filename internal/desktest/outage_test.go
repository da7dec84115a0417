package desktest_test

import (
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/postoffice"
)

// later has the server put off a mail: so many times, 0 for ever.
func later(d *desktest.Desk, mail int64, times int) *postoffice.Programmed {
	return d.Office.Program(postoffice.Fault{
		Match: postoffice.Match{Func: func(e postoffice.Event) bool { return strings.Contains(e.From, tokenOf(d, mail)) }},
		Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "451 4.3.0 Later", Times: times})
}

// atWork lets time pass in which the desk works: little by little.
func atWork(d *desktest.Desk, long time.Duration) {
	for ; long > 0; long -= 4 * time.Minute {
		d.Pass(min(long, 4*time.Minute))
	}
}

// A desk that was down for two hours sends what has gathered in order: the hour
// that an unrelated mail waits for an earlier one counts from when there could
// be work on that one (W25). The notice of a close is decided only when the desk
// is back, and yet goes before the reply that was written after the close, also
// if its server puts it off at first.
func TestOrderAfterDeskWasDown(t *testing.T) {
	t.Parallel()
	for name, busy := range map[string]bool{"taken at once": false, "put off at first": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
				d.UndoWindow(10 * time.Second)
				d.ClosingNotice()
				c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
				d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
				d.Agent("ann").Reply(c, "The answer.")
				if busy {
					d.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "451 4.3.0 Later", Times: 1})
				}
				d.Clock.Advance(2 * time.Hour) // nobody works
				d = d.Restarted()
				d.Settle()
				if busy {
					d.ExpectMails()
					d.Pass(15 * time.Minute)
				}
				d.ExpectMails("auto:closed", "The answer.")
			})
		})
	}
}

// What was tried once before the desk went down, and is put off again right after
// it is back, is not passed either: the hour stands still while nobody could try
// it, and ends nevertheless (W25).
func TestOrderAfterATryAndAnOutage(t *testing.T) {
	t.Parallel()
	for name, times := range map[string]int{"taken at last": 1, "never taken": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
				c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
				d.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "451 4.3.0 Later", Times: 1})
				first := d.Agent("ann").Reply(c, "First.")
				d.Settle()
				d.Agent("ann").Reply(c, "Second.")
				d.Settle()
				d.ExpectMails()
				d.Clock.Advance(2 * time.Hour) // nobody works
				busy := later(d, first.MailIDs[0], times)
				d = d.Restarted()
				d.Settle()
				if busy.Hits() != 1 {
					t.Fatalf("the server was asked %d times about the first mail", busy.Hits())
				}
				d.ExpectMails()
				if times == 1 {
					atWork(d, 40*time.Minute)
					d.ExpectMails("First.", "Second.")
					return
				}
				atWork(d, 40*time.Minute)
				d.ExpectMails()
				atWork(d, time.Hour)
				d.ExpectMails("Second.")
			})
		})
	}
}

// Neither does a post office that was down for two hours: the hour counts from
// when it was there again, and no further (W25).
func TestOrderAfterPostOfficeWasDown(t *testing.T) {
	t.Parallel()
	for name, times := range map[string]int{"taken at last": 1, "never taken": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
				c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
				gone := d.Office.Program(postoffice.Fault{Phase: postoffice.Connect, Action: postoffice.Cut})
				first := d.Agent("ann").Reply(c, "First.")
				d.Settle()
				d.Agent("ann").Reply(c, "Second.")
				d.Pass(2 * time.Hour)
				gone.Remove()
				busy := later(d, first.MailIDs[0], times)
				d.Pass(time.Hour) // the channel is tried again
				if busy.Hits() != 1 {
					t.Fatalf("the server was asked %d times about the first mail", busy.Hits())
				}
				d.ExpectMails()
				if times == 1 {
					d.Pass(15 * time.Minute)
					d.ExpectMails("First.", "Second.")
					return
				}
				atWork(d, 58*time.Minute)
				d.ExpectMails()
				atWork(d, 3*time.Minute)
				d.ExpectMails("Second.")
			})
		})
	}
}

// What an earlier mail waits for itself holds an unrelated one no longer than an
// hour: the notice behind a reply that does not go is due, and does not go (W25).
func TestUnrelatedMailDoesNotWaitForAChain(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "451 4.3.0 Later", Times: 1})
		first := d.Agent("ann").SendAndClose(c, "First.")
		d.Settle()
		later(d, first.MailIDs[0], 0)
		d.Agent("ann").Reply(c, "Second.")
		atWork(d, 59*time.Minute)
		d.ExpectMails()
		atWork(d, 2*time.Minute)
		d.ExpectMails("Second.")
	})
}
