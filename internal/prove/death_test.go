package prove_test

import (
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/outbox"
	"postroom/internal/store"
)

// lease is how long a dead worker's claim holds in these tests.
const lease = 30 * time.Second

// dieAt claims the next mail, comes as far as a phase, and is never heard of
// again; its lease runs out.
func dieAt(t *testing.T, d *desktest.Desk, phase postroom.Phase) store.Claimed {
	t.Helper()
	claims, err := d.Store.ClaimMails(d.Ctx, 1, lease.Milliseconds())
	if err != nil || len(claims) != 1 {
		t.Fatalf("claimed %d mails: %v", len(claims), err)
	}
	c := claims[0]
	d.Write(func(tx *store.Tx) error {
		return tx.InsertAttempt(d.Ctx, store.Attempt{ID: d.Clock.Now().UnixNano(), MailID: c.ID, Number: c.Tries + 1, Cause: "due", At: d.Store.Now()})
	})
	if phase == postroom.PhaseData || phase == postroom.PhaseDot {
		if err := d.Store.EnterData(d.Ctx, c, lease.Milliseconds()); err != nil {
			t.Fatal(err)
		}
	}
	if phase == postroom.PhaseDot {
		if err := d.Store.EnterDot(d.Ctx, c, lease.Milliseconds()); err != nil {
			t.Fatal(err)
		}
	}
	d.Clock.Advance(lease + time.Second)
	return c
}

// rescue settles what dead workers left, and sends nothing.
func rescue(t *testing.T, d *desktest.Desk, c store.Claimed) *postroom.Mail {
	t.Helper()
	if err := d.Outbox.Mend(d.Ctx, c.ID); err != nil {
		t.Fatal(err)
	}
	m, err := d.Store.Read().Mail(d.Ctx, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A worker that dies before the end of a mail leaves no doubt: the mail is sent
// by the next one, once, reply and notice alike (R9).
func TestDeathBeforeTheDotIsCertain(t *testing.T) {
	t.Parallel()
	for _, phase := range []postroom.Phase{postroom.PhaseConnect, postroom.PhaseData} {
		t.Run(string(phase), func(t *testing.T) {
			t.Parallel()
			desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
				d.ClosingNotice()
				c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
				d.Agent("ann").SendAndClose(c, "The answer.")
				if m := rescue(t, d, dieAt(t, d, phase)); m.State != postroom.MailQueued || m.Automatic {
					t.Fatalf("the reply is %s: %s", m.State, m.Words)
				}
				d.Settle()
				d.ExpectMails("The answer.", "auto:closed")
				for _, m := range d.Mails(c.ID) {
					if m.State != postroom.MailDone || m.Resent {
						t.Errorf("mail %d is %s, resent %v", m.ID, m.State, m.Resent)
					}
				}
			})
		})
	}
}

// A worker taken for dead that comes back before its dot is refused: the mail
// is somebody else's (R9).
func TestLateDotIsRefused(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Agent("ann").Reply(c, "The answer.")
		late := dieAt(t, d, postroom.PhaseData)
		rescue(t, d, late)
		if err := d.Store.EnterDot(d.Ctx, late, lease.Milliseconds()); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("the late worker may end its mail: %v", err)
		}
		d.Settle()
		if err := d.Store.EnterDot(d.Ctx, late, lease.Milliseconds()); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("the late worker may end its mail after it was sent: %v", err)
		}
		d.ExpectMails("The answer.")
	})
}

// Dying again and again after the dot does not use up the reply's chances: it
// is sent after each grace, the very same mail, marked (R6, R8). A program that
// dies of a mail stops in the end.
func TestReplySurvivesManyDeaths(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		deaths int
		state  postroom.MailState
		arrive int
	}{{1, postroom.MailDone, 2}, {3, postroom.MailDone, 2}, {6, postroom.MailAssumed, 1}} {
		t.Run(strings.Repeat("x", c.deaths), func(t *testing.T) {
			t.Parallel()
			desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
				d.ClosingNotice()
				conversation := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
				d.Agent("ann").SendAndClose(conversation, "The answer.")
				for i := range c.deaths {
					dead := dieAt(t, d, postroom.PhaseDot)
					if m := rescue(t, d, dead); m.State != postroom.MailUnsure {
						t.Fatalf("after death %d the reply is %s: %s", i+1, m.State, m.Words)
					}
					d.Clock.Advance(16 * time.Minute)
					rescue(t, d, dead) // the grace is over
				}
				d.Settle()
				if got := len(d.Arrived()); got != c.arrive {
					t.Errorf("%d mails arrived, not %d", got, c.arrive)
				}
				ms := d.Mails(conversation.ID)
				if ms[0].State != c.state || !ms[0].Resent || ms[1].State != postroom.MailDone {
					t.Errorf("the reply is %s, resent %v; the notice is %s", ms[0].State, ms[0].Resent, ms[1].State)
				}
			})
		})
	}
}

// The notice goes at most once: dying after its dot leaves it taken as sent,
// with words and an alarm while it is in doubt (R6).
func TestNoticeIsNotRepeated(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		judge(t, d)
		dead := dieAt(t, d, postroom.PhaseDot)
		if m := rescue(t, d, dead); m.State != postroom.MailUnsure || !m.Automatic {
			t.Fatalf("the notice is %s: %s", m.State, m.Words)
		}
		d.Pass(16 * time.Minute)
		d.ExpectMails()
		if m := d.Mails(c.ID)[0]; m.State != postroom.MailAssumed || !strings.Contains(m.Words, "not sent twice") {
			t.Errorf("the notice is %s: %s", m.State, m.Words)
		}
	})
}

// noted are the notes of one process: it knows of its own mails that their dot
// was not written.
type noted struct {
	outbox.Dots
	left map[int64]int64
}

func (n noted) Unwritten(mail, lease int64) bool { return n.left[mail] == lease }
func (n noted) Left() map[int64]int64            { return n.left }
func (n noted) End(mail, _ int64)                { delete(n.left, mail) }

// A mail that another process had to call uncertain is sent when the one that
// died comes back and knows that its dot was never written: a notice is not
// withheld, and nothing arrives twice (R6, R9).
func TestWhoComesBackKnowsBetter(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		judge(t, d)
		dead := dieAt(t, d, postroom.PhaseDot)
		if m := rescue(t, d, dead); m.State != postroom.MailUnsure {
			t.Fatalf("the notice is %s: %s", m.State, m.Words)
		}
		options := d.Outbox.Options
		left := map[int64]int64{dead.ID: dead.Lease, 1 << 40: 7}
		options.Dots = noted{left: left}
		back := outbox.New(options)
		defer back.Close()
		if err := back.Recall(d.Ctx); err != nil {
			t.Fatal(err)
		}
		if m := d.Mails(c.ID)[0]; m.State != postroom.MailQueued || m.Resent || len(left) != 0 {
			t.Errorf("the notice is %s, resent %v, notes %v", m.State, m.Resent, left)
		}
		d.Settle()
		if got := len(d.Arrived()); got != 1 {
			t.Errorf("%d mails arrived, not 1", got)
		}
	})
}

// judge judges what is due, and sends nothing.
func judge(t *testing.T, d *desktest.Desk) {
	t.Helper()
	if d.JudgeUntilCrash(1 << 20) {
		t.Fatal("judging crashed")
	}
}
