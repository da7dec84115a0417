package desktest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/desktest"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// A mailbox sends so many automatic mails an hour that only machines caused,
// and then no more until the next hour; each that is kept back says so (A6).
func TestAutomaticMailsOfAMailboxPerHour(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.Shipped(workflow.KeyAcknowledge)
		const hour, most = 60 * 60 * 1000, 500
		d.Write(func(tx *store.Tx) error { // 499 went already
			for i := range most - 1 {
				if _, err := tx.AddSharedRate(d.Ctx, fmt.Sprintf("autobox:%d", d.Mailbox.ID), int64(i), d.Store.Now(), hour, most); err != nil {
					return err
				}
			}
			return nil
		})
		d.CustomerWrites("first@customer.example", "Lamp", "Broken.")
		d.ExpectMails("auto:")
		c := d.CustomerWrites("second@customer.example", "Lamp", "Broken.")
		d.ExpectMails()
		if m := d.Mails(c.ID)[0]; m.State != postroom.MailSkip || !strings.Contains(m.Words, "this hour") {
			t.Errorf("the mail is %s: %s", m.State, m.Words)
		}
		d.Pass(time.Hour)
		d.CustomerWrites("third@customer.example", "Lamp", "Broken.")
		d.ExpectMails("auto:")
	})
}

// Limits count mails, not rows that never went: what was suppressed, cancelled
// or skipped uses nothing up (W12).
func TestLimitsCountMails(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.Shipped(workflow.KeyAcknowledge)
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.ExpectMails("auto:")
		m, err := d.Store.Read().Mail(d.Ctx, d.Mails(c.ID)[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		since := d.Store.Now() - 1
		for i, s := range postroom.MailStates {
			d.Write(func(tx *store.Tx) error {
				x := *m
				x.ID, x.Header, x.State, x.Recipients = int64(1<<40+i), fmt.Sprintf("%d@made-up.example", i), s, nil
				x.EndedAt = d.Store.Now()
				return tx.InsertMail(d.Ctx, &x)
			})
		}
		n, err := d.Store.Read().MachineMails(d.Ctx, c.ID, since)
		if want := 1 + len(postroom.MailStates) - 3; err != nil || n != want {
			t.Errorf("%d mails are counted, not %d: %v", n, want, err)
		}
		d.Write(func(tx *store.Tx) error { // made up: nothing of them is to be sent
			for i, s := range postroom.MailStates {
				x, err := tx.Mail(d.Ctx, int64(1<<40+i))
				if err != nil {
					return err
				}
				if !s.Ended() {
					x.State, x.Words, x.DueAt, x.EndedAt = postroom.MailUndone, "Made up.", 0, d.Store.Now()
					if s == postroom.MailSending || s == postroom.MailUnsure {
						x.State = postroom.MailDone
					}
					if err := tx.MoveMail(d.Ctx, x, s); err != nil {
						return err
					}
				}
			}
			return nil
		})
	})
}

// The watcher finds a mail that has neither ended nor a due time, tells people
// what to do, and the alarm goes when the mail has come right (W27).
func TestForgottenMailIsFound(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Agent("ann").Reply(c, "The answer.")
		if err := d.Outbox.Watch(d.Ctx); err != nil || openAlarms(t, d, alarm.MailLost) != 0 {
			t.Fatalf("a mail that is due counts as forgotten (%v)", err)
		}
		m, err := d.Store.Read().Mail(d.Ctx, d.Mails(c.ID)[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		// No way through the program leads here: the row is damaged by hand.
		m.State, m.DueAt = postroom.MailQueued, 0
		d.Write(func(tx *store.Tx) error { return tx.MoveMail(d.Ctx, m, postroom.MailHeld) })
		for range 2 { // however often it looks
			if err := d.Outbox.Watch(d.Ctx); err != nil {
				t.Fatal(err)
			}
		}
		if n := openAlarms(t, d, alarm.MailLost); n != 1 {
			t.Fatalf("%d alarms tell of it", n)
		}
		d.Settle()
		d.ExpectMails("The answer.")
		if n := openAlarms(t, d, alarm.MailLost); n != 0 {
			t.Errorf("%d alarms stand after it was sent", n)
		}
	})
}

// A bulk change that fails as a whole again and again is given up with words
// and an alarm, what it did before becomes final, and mails that waited for it
// go out.
func TestBulkChangeThatCannotGoOn(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann := d.Agent("ann")
		id := d.ID()
		d.Write(func(tx *store.Tx) error {
			return tx.InsertJob(d.Ctx, store.Job{ID: id, Kind: "bulk", AgentID: ann.ID, State: store.JobRunning, Params: "no JSON", Total: 3, CreatedAt: d.Store.Now()})
		})
		job := func() store.Job {
			t.Helper()
			j, err := d.Store.Read().Job(d.Ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			return j
		}
		for range 4 {
			d.Pass(time.Minute)
		}
		if j := job(); j.State != store.JobRunning || j.Tries != 4 || openAlarms(t, d, alarm.JobFailed) != 0 {
			t.Fatalf("after four failures it is %+v", j)
		}
		d.Pass(time.Minute)
		j := job()
		if j.State != store.JobFailed || !strings.Contains(j.Words, "5 times") || j.EndedAt == 0 || openAlarms(t, d, alarm.JobFailed) != 1 {
			t.Fatalf("after five failures it is %+v", j)
		}
		d.Pass(time.Hour)
		if again := job(); again.Tries != j.Tries {
			t.Error("it was tried again after it was given up")
		}
	})
}
