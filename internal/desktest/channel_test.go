package desktest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/desktest"
	"postroom/internal/postoffice"
	"postroom/internal/store"
)

// replies has as many customers write and Ann answer each; nothing is sent yet.
func replies(d *desktest.Desk, n int) {
	var all []*postroom.Conversation
	for i := range n {
		all = append(all, d.CustomerWrites(fmt.Sprintf("customer%d@customer.example", i), fmt.Sprintf("Case %d", i), "Please help."))
	}
	for i, c := range all {
		d.Agent("ann").Reply(c, fmt.Sprintf("Answer %d.", i))
	}
}

func channelOf(t *testing.T, d *desktest.Desk) store.ChannelState {
	t.Helper()
	ch, err := d.Store.Read().Channel(d.Ctx, d.Mailbox.ID)
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

// A server that asks for less gets less: the mail waits without a try of its
// own backoff, all others with it, and the pace comes back by itself (R5).
func TestServerThatAsksForLessGetsLess(t *testing.T) {
	t.Parallel()
	for name, phase := range map[string]postoffice.Phase{"greeting": postoffice.Greeting, "mail": postoffice.Mail, "recipient": postoffice.Rcpt, "data": postoffice.Data} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
				d.Office.Program(postoffice.Fault{Phase: phase, Action: postoffice.Lie, Reply: "421 4.7.0 Too many messages, slow down", Times: 1})
				replies(d, 6)
				d.Settle()
				d.ExpectMails()
				ch := channelOf(t, d)
				if ch.PausedAt != 0 || ch.SlowSince == 0 || ch.SlowUntil <= d.Store.Now() || !strings.Contains(ch.SlowWords, "slow down") {
					t.Fatalf("the channel is %+v", ch)
				}
				d.Pass(9 * time.Second)
				d.ExpectMails()
				d.Pass(time.Second) // the first after ten seconds, then ever faster
				if got := len(d.Arrived()); got != 1 {
					t.Fatalf("%d mails left after ten seconds, not 1", got)
				}
				d.Pass(4 * time.Second)
				if got := len(d.Arrived()); got != 0 {
					t.Fatalf("%d mails left before their turn", got)
				}
				d.Pass(time.Second)
				if got := len(d.Arrived()); got != 1 {
					t.Fatalf("%d mails left after five seconds more, not 1", got)
				}
				for range 4 {
					d.Pass(2500 * time.Millisecond)
				}
				if got := len(d.Arrived()); got != 4 {
					t.Errorf("%d mails left at the end, not 4", got)
				}
				if ch := channelOf(t, d); ch.SlowSince != 0 || ch.SlowWords != "" {
					t.Errorf("the channel is still slow: %+v", ch)
				}
			})
		})
	}
}

// A server that goes on asking is given less and less, people are told after an
// hour, and every mail arrives in the end.
func TestSlowServerIsToldAfterAnHour(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.Office.Program(postoffice.Fault{Phase: postoffice.Mail, Action: postoffice.Lie, Reply: "451 4.7.1 Rate limit exceeded", Times: 20})
		replies(d, 8)
		d.Settle()
		told := 0
		for range 300 {
			if channelOf(t, d).PaceMS > (5 * time.Minute).Milliseconds() {
				t.Fatal("slower than a mail every five minutes")
			}
			if openAlarms(t, d, alarm.ChannelSlow) > 0 {
				told++
			}
			d.Pass(time.Minute)
		}
		if got := len(d.Arrived()); got != 8 {
			t.Errorf("%d mails arrived, not 8", got)
		}
		if told == 0 || openAlarms(t, d, alarm.ChannelSlow) != 0 {
			t.Errorf("the alarm stood for %d minutes, and is open %d times at the end", told, openAlarms(t, d, alarm.ChannelSlow))
		}
	})
}

func openAlarms(t *testing.T, d *desktest.Desk, kind alarm.Kind) (n int) {
	t.Helper()
	open, err := d.Alarms.List(d.Ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range open {
		if a.Kind == string(kind) && a.ClearedAt == 0 {
			n++
		}
	}
	return n
}

// A mailbox's limit of mails a minute spreads them evenly (R12).
func TestMailsPerMinute(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ChangeMailbox(d.Mailbox, func(m *postroom.Mailbox) { m.PerMinute = 6 })
		replies(d, 4)
		d.Settle()
		for i := range 4 {
			if got := len(d.Arrived()); got != 1 {
				t.Fatalf("turn %d: %d mails left, not 1", i, got)
			}
			d.Pass(9 * time.Second)
			if got := len(d.Arrived()); got != 0 {
				t.Fatalf("turn %d: %d mails left too early", i, got)
			}
			d.Pass(time.Second)
		}
	})
}

// The connections to a mailbox's server are counted in rows: no more mails are
// claimed than there may be connections, those of other mailboxes go on, and
// whatever ends an attempt gives its connection back (R12).
func TestConnectionsAreCounted(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ChangeMailbox(d.Mailbox, func(m *postroom.Mailbox) { m.Connections = 2 })
		sales := d.AddMailbox("Sales", "sales@acme.example", nil)
		other := d.Receive("buyer@customer.example", sales.Address, d.Raw(desktest.Letter{From: "buyer@customer.example", To: sales.Address, Subject: "Offer", Body: "Please."}))
		replies(d, 5)
		d.Agent("ann").Reply(other, "The offer.") // due last
		claim := func(want int) []store.Claimed {
			t.Helper()
			got, err := d.Store.ClaimMails(d.Ctx, 10, lease.Milliseconds())
			if err != nil || len(got) != want {
				t.Fatalf("claimed %d mails, not %d: %v", len(got), want, err)
			}
			return got
		}
		first := claim(3)
		claim(0)
		if due, ok, err := d.Store.NextMail(d.Ctx); err != nil || !ok || due <= d.Store.Now() {
			t.Errorf("the next mail is due at %d (%v, %v), now is %d", due, ok, err, d.Store.Now())
		}
		if m, err := d.Store.Read().Mail(d.Ctx, first[2].ID); err != nil || m.MailboxID != sales.ID {
			t.Errorf("the mailbox with free connections waits for the other one: %v", err)
		}
		if err := d.Store.ReturnMail(d.Ctx, first[0], d.Store.Now()); err != nil {
			t.Fatal(err)
		}
		claim(1)
		claim(0)
		d.Clock.Advance(lease + time.Second) // all of them died
		d.Settle()
		if got := len(d.Arrived()); got != 6 {
			t.Errorf("%d mails arrived, not 6", got)
		}
		if n, err := d.Store.Connections(d.Ctx, d.Mailbox.ID); err != nil || n != 1 {
			t.Errorf("%d connections are counted, not the one that is kept for the next mail: %v", n, err)
		}
		d.Outbox.Close()
		if n, err := d.Store.Connections(d.Ctx, d.Mailbox.ID); err != nil || n != 0 {
			t.Errorf("%d connections are counted after the end: %v", n, err)
		}
	})
}

// lease is how long a claim holds in these tests.
const lease = 30 * time.Second
