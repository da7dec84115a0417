package consent

import (
	"context"
	"sync"
	"time"

	"postroom"
	"postroom/internal/alarm"
)

// Bounds of refreshing before the end.
const (
	atOnce    = 8
	lookAgain = 30 * time.Second // for sign-ins of which another process was told
	silent    = 10 * time.Minute // how long one may be due and nobody refresh it
)

// Run refreshes sign-ins before their access tokens end, until ctx does. What
// is under way then is brought to its end.
func (c *Consents) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if err := c.RefreshDue(ctx); err != nil && ctx.Err() == nil {
			c.Log.Error("sign-ins cannot be refreshed", "error", err)
		}
		timer.Reset(c.untilDue(ctx))
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		case <-timer.C:
		}
	}
}

// untilDue is how long it is until the next sign-in is due.
func (c *Consents) untilDue(ctx context.Context) time.Duration {
	due, ok, err := c.Store.NextSignIn(ctx)
	if err != nil || !ok {
		return lookAgain
	}
	wait := time.Duration(due-c.Store.Now()) * time.Millisecond
	return min(max(wait, time.Second), lookAgain)
}

// RefreshDue refreshes the sign-ins that are due now and that nobody else does.
// What an authority answers is no error; it stands with the sign-in.
func (c *Consents) RefreshDue(ctx context.Context) error {
	ids, err := c.Store.Read().DueSignIns(ctx, c.Store.Now(), atOnce)
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	for _, id := range ids {
		all.Go(func() {
			s, err := c.Store.Read().SignIn(ctx, id)
			if err == nil && s.RefreshToken != "" {
				_, err = c.refreshOrWait(ctx, s)
			}
			if err != nil && ctx.Err() == nil && postroom.CodeOf(err) != postroom.NotFound {
				c.Log.Error("a sign-in cannot be refreshed", "mailbox", id, "error", err)
			}
		})
	}
	all.Wait()
	return nil
}

// Watch raises an alarm if sign-ins are due and no process refreshes them: the
// desk's own heartbeat (W41). It clears itself.
func (c *Consents) Watch(ctx context.Context) error {
	const what = "sign-ins"
	ids, err := c.Store.Read().DueSignIns(ctx, c.Store.Now()-silent.Milliseconds(), 1)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return c.Alarms.Clear(ctx, alarm.WorkStalled, what)
	}
	return c.Alarms.Raise(ctx, alarm.WorkStalled, what, "No process of the desk has renewed the mailboxes' sign-ins for more than 10 minutes.")
}
