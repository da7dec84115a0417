package desktest_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/postoffice"
)

// The program stops while a mail is on its way to a server that takes its
// time: the mail is handed back, due at once and without a spent try, and
// nothing is said against the channel.
func TestStopWhileSending(t *testing.T) {
	t.Parallel()
	for _, phase := range []postoffice.Phase{postoffice.Connect, postoffice.Mail, postoffice.Data} {
		t.Run(string(phase), func(t *testing.T) {
			t.Parallel()
			desktest.Each(t, func(t *testing.T, d *desktest.Desk) { stopWhileSending(t, d, phase) })
		})
	}
}

func stopWhileSending(t *testing.T, d *desktest.Desk, phase postoffice.Phase) {
	c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
	reached, goOn := make(chan struct{}), make(chan struct{})
	reach := sync.OnceFunc(func() { close(reached) })
	d.Office.Program(postoffice.Fault{Phase: phase, Action: postoffice.Stall, Until: goOn, Times: 1,
		Match: postoffice.Match{Func: func(postoffice.Event) bool { reach(); return true }}})
	out := d.Agent("ann").Reply(c, "The answer.")
	claimed, err := d.Store.ClaimMails(d.Ctx, 1, time.Minute.Milliseconds())
	if err != nil || len(claimed) != 1 || claimed[0].ID != out.MailIDs[0] {
		t.Fatal(claimed, err)
	}
	ctx, stop := context.WithCancel(d.Ctx)
	go func() {
		<-reached
		stop()
	}()
	err = d.Outbox.Deliver(ctx, claimed[0])
	close(goOn)
	if err != nil {
		t.Fatal(err)
	}
	m := d.Mails(c.ID)[0]
	if m.State != postroom.MailQueued || m.Tries != 0 || m.DueAt > d.Store.Now() {
		t.Errorf("the reply is %s after %d tries, due in %d ms: %s", m.State, m.Tries, m.DueAt-d.Store.Now(), m.Words)
	}
	if n, err := d.Alarms.Count(d.Ctx); err != nil || n != 0 {
		t.Errorf("%d alarms, %v", n, err)
	}
	attempts, err := d.Store.Read().Attempts(d.Ctx, m.ID)
	if err != nil || len(attempts) != 1 || attempts[0].EndedAt == 0 || attempts[0].Words == "" {
		t.Errorf("the attempt: %+v, %v", attempts, err)
	}
	d.Settle()
	d.ExpectMails("The answer.")
}
