package outbox

import (
	"context"
	"time"

	"postroom/internal/alarm"
	"postroom/internal/desk"
	"postroom/internal/store"
)

// The pace of a channel whose server asked for less (R5): one mail, then
// firstPace until the next; twice as long with each further such answer, half
// as long with each mail that is taken, and no longer slow below lastPace or
// when slowFor has passed without another such answer.
const (
	firstPace = 10 * time.Second
	mostPace  = 5 * time.Minute
	leastPace = time.Second
	slowFor   = 10 * time.Minute
	slowAlarm = time.Hour // how long a channel is slow before people are told
)

// slower is a channel after its server has asked for less. Mails that had begun
// before it was slowed may get the same answer: together they count once.
func slower(c store.ChannelState, words string, now int64) store.ChannelState {
	last := c.SlowUntil - slowLength(c.PaceMS)
	switch {
	case c.SlowUntil <= now:
		c.SlowSince, c.PaceMS = now, firstPace.Milliseconds()
	case now-last >= c.PaceMS/2:
		c.PaceMS = min(2*c.PaceMS, mostPace.Milliseconds())
	}
	c.SlowWords = words
	c.NextAt = max(c.NextAt, now+c.PaceMS)
	c.SlowUntil = now + slowLength(c.PaceMS)
	return c
}

// slowLength is how long a channel stays slow at a pace without another such
// answer, in milliseconds.
func slowLength(pace int64) int64 { return max(slowFor.Milliseconds(), 3*pace) }

// faster is a slow channel after its server has taken a mail.
func faster(c store.ChannelState, now int64) store.ChannelState {
	if c.PaceMS /= 2; c.PaceMS < leastPace.Milliseconds() || c.SlowUntil <= now {
		c.SlowSince, c.SlowUntil, c.SlowWords, c.PaceMS = 0, 0, "", 0
		return c
	}
	c.NextAt = min(c.NextAt, now+c.PaceMS)
	return c
}

// settleChannel pauses, slows or opens the mailbox's channel as the attempt
// showed.
func (o *Outbox) settleChannel(ctx context.Context, tx *store.Tx, mailbox int64, v verdict, id int64) error {
	if v.pause == "" && v.slow == "" && !v.worked {
		return nil
	}
	now := o.Store.Now()
	ch, err := tx.Channel(ctx, mailbox)
	if err != nil {
		return err
	}
	if v.pause != "" {
		ch.PausedAt, ch.PausedWords, ch.ProbeAt = now, v.pause, probeAfter(v, ch.Probes, now)
		if err := tx.PauseChannel(ctx, ch); err != nil {
			return err
		}
		if v.alarmed {
			return o.Alarms.ClearIn(ctx, tx, alarm.ChannelPaused, decimal(mailbox)) // one cause, one alarm
		}
		return o.Alarms.RaiseIn(ctx, tx, id, alarm.ChannelPaused, decimal(mailbox), v.pause)
	}
	if ch.PausedAt > 0 { // a server that asks for less is there again
		if err := o.resume(ctx, tx, mailbox); err != nil {
			return err
		}
	}
	switch {
	case v.slow != "":
		ch = slower(ch, v.slow, now)
		if now-ch.SlowSince >= slowAlarm.Milliseconds() {
			err = o.Alarms.RaiseIn(ctx, tx, id, alarm.ChannelSlow, decimal(mailbox), ch.SlowWords)
		}
	case ch.SlowSince > 0:
		if ch = faster(ch, now); ch.SlowSince == 0 {
			err = o.Alarms.ClearIn(ctx, tx, alarm.ChannelSlow, decimal(mailbox))
		}
		tx.OnCommit(func() { o.Wake(desk.WakeDeliver) })
	default:
		return nil
	}
	if err != nil {
		return err
	}
	return tx.PaceChannel(ctx, ch)
}

// resume opens a paused channel; its mails are due at once.
func (o *Outbox) resume(ctx context.Context, tx *store.Tx, mailbox int64) error {
	resumed, err := tx.ResumeChannel(ctx, mailbox)
	if err != nil || !resumed {
		return err
	}
	tx.OnCommit(func() { o.Wake(desk.WakeDeliver) })
	return o.Alarms.ClearIn(ctx, tx, alarm.ChannelPaused, decimal(mailbox))
}
