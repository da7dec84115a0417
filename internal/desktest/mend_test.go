package desktest_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/postoffice"
)

// A sender whose lease ran out while the server answered settles each recipient
// by what the server said of them: the one who has the mail does not get it
// again because another was refused (R6, R9).
func TestAnswerAfterLeaseIsKeptPerRecipient(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]struct {
		reply string
		end   postroom.MailState
		later int // how many get it with the next try
	}{
		"refused": {"550 5.1.1 No such user", postroom.MailRefused, 0},
		"put off": {"450 4.2.0 Greylisted", postroom.MailDone, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
				c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
				d.Office.Program(postoffice.Fault{Match: postoffice.Match{To: "ole@customer.example"}, Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: refusal.reply, Times: 1})
				p := replyTo(c, "The answer.")
				p.Cc = []postroom.Address{{Address: "ole@customer.example"}}
				mail := d.Agent("ann").Publish(p).MailIDs[0]
				var rescued atomic.Bool
				d.Office.OnPhase(func(e postoffice.Event) {
					if e.Phase == postoffice.Answer && e.Edge == postoffice.Before && !rescued.Swap(true) {
						d.Clock.Advance(time.Minute)
						if err := d.Outbox.Mend(d.Ctx, mail); err != nil {
							t.Error(err)
						}
						if m, err := d.Store.Read().Mail(d.Ctx, mail); err != nil || m.State != postroom.MailUnsure {
							t.Errorf("the mail is %s while the server answers, %v", m.State, err)
						}
					}
				})
				d.Settle()
				if got := d.ExpectMails("The answer."); got[0].To != "mara@customer.example" {
					t.Fatalf("handed over for %s", got[0].To)
				}
				m := d.Mails(c.ID)[0]
				for _, r := range m.Recipients {
					if r.Address == "mara@customer.example" && r.State != postroom.MailDone {
						t.Errorf("who has it is %s: %s", r.State, r.Words)
					}
				}
				d.Pass(time.Hour)
				again := d.Arrived()
				if len(again) != refusal.later {
					t.Fatalf("%d mails went out later", len(again))
				}
				for _, a := range again {
					if a.To != "ole@customer.example" {
						t.Errorf("sent again to %s", a.To)
					}
				}
				if m := d.Mails(c.ID)[0]; m.State != refusal.end {
					t.Errorf("the mail is %s: %s", m.State, m.Words)
				}
			})
		})
	}
}

// A file that is attached while the message is made goes out with it, and does
// not vanish with the draft.
func TestFileAttachedWhileSending(t *testing.T) {
	t.Parallel()
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			// A reply is dated when its draft has been read: that is the moment.
			clock, dated := &desktest.Clock{}, atomic.Pointer[func()]{}
			clock.Set(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).UnixMilli())
			now := func() time.Time {
				if f := dated.Swap(nil); f != nil {
					(*f)()
				}
				return clock.Now()
			}
			d := desktest.On(t, clock, dbtest.Options{Now: now, Unsafe: true}.Open(t, e))
			c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
			ann := d.Agent("ann")
			attach := func(name string) {
				if _, _, err := d.Desk.Attach(d.Ctx, ann.Agent, c.ID, postroom.Reply, name, "text/plain", strings.NewReader(name), false); err != nil {
					t.Error(err)
				}
			}
			attach("first.txt")
			late := func() { attach("late.txt") }
			dated.Store(&late)
			ann.Publish(replyTo(c, "The answer."))
			d.Settle()
			if got := d.ExpectMails("The answer."); !slices.Equal(got[0].Files, []string{"first.txt", "late.txt"}) {
				t.Errorf("it went out with %q", got[0].Files)
			}
		})
	}
}

// A message takes the place of its author's own draft only: under the id of
// somebody else's, that one would count as sent.
func TestNobodyPublishesAnothersDraft(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		draft := &postroom.Draft{ConversationID: c.ID, Kind: postroom.Reply, HTML: "<p>From Ann.</p>"}
		if err := d.Desk.SaveDraft(d.Ctx, d.Agent("ann").Agent, draft); err != nil {
			t.Fatal(err)
		}
		p := replyTo(c, "From Ben.")
		p.Draft = draft.ID
		if _, err := d.Desk.Publish(d.Ctx, d.Agent("ben").Agent, p); postroom.CodeOf(err) != postroom.NotFound {
			t.Errorf("Ann's draft published by Ben: %v", err)
		}
		own := desk.Publish{ConversationID: c.ID, Draft: draft.ID, Kind: postroom.Note, HTML: "<p>A note.</p>", Path: postroom.PathComposer}
		if _, err := d.Desk.Publish(d.Ctx, d.Agent("ann").Agent, own); postroom.CodeOf(err) != postroom.NotFound {
			t.Errorf("a reply's draft published as a note: %v", err)
		}
		p.HTML = "<p>From Ann.</p>"
		d.Agent("ann").Publish(p)
		d.Settle()
		d.ExpectMails("From Ann.")
	})
}

// A mail with which the program itself fails is tried ever more rarely, people
// are told when it is an hour late, and it goes out when the fault is gone.
func TestFaultOfOursIsTold(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Agent("ann").Reply(c, "The answer.")
		d.SQL("update mailbox set aliases = 'x' || aliases")
		for range 40 {
			d.Pass(time.Minute)
		}
		if n, err := d.Alarms.Count(d.Ctx); err != nil || n != 0 {
			t.Errorf("%d alarms before it is late, %v", n, err)
		}
		for range 40 {
			d.Pass(time.Minute)
		}
		d.ExpectMails()
		expectAlarm(t, d, alarm.MailDelayed)
		d.SQL("update mailbox set aliases = substr(aliases, 2)")
		m := d.Mails(c.ID)[0]
		if m.State != postroom.MailQueued || m.Tries != 0 || m.DueAt-d.Store.Now() < 60_000 {
			t.Errorf("the reply is %s after %d tries, due in %d ms", m.State, m.Tries, m.DueAt-d.Store.Now())
		}
		d.Pass(15 * time.Minute)
		d.ExpectMails("The answer.")
		if n, err := d.Alarms.Count(d.Ctx); err != nil || n != 0 {
			t.Errorf("%d alarms afterwards, %v", n, err)
		}
	})
}
