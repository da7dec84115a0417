package app

import (
	"context"
	"fmt"
	"time"

	"postroom/internal/alarm"
	"postroom/internal/query"
	"postroom/internal/store"
)

// opReplay judges stored events again.
const opReplay = "workflow.replay"

// ReplayAsk says which stored judgements are to be repeated.
type ReplayAsk struct {
	Days int // of events; 0 is all of them
	Most int // events of each kind, the newest; 0 is all
}

// Replay is what came of repeating stored judgements.
type Replay = query.Replay

// ReplayWorkflows judges stored events again and compares the verdicts with what
// is stored. Nothing is written.
func (o Operator) ReplayWorkflows(ctx context.Context, ask ReplayAsk) (out Replay, err error) {
	return out, o.run(ctx, opReplay, ask, &out)
}

func (o operators) replay(ctx context.Context, ask ReplayAsk) (Replay, error) {
	return query.New(query.Options{Store: o.core.store, Blobs: o.core.blobs}).Replay(ctx, o.core.replaySince(ask))
}

func (c *core) replaySince(ask ReplayAsk) query.ReplayAsk {
	out := query.ReplayAsk{Most: ask.Most}
	if ask.Days > 0 {
		out.Since = time.UnixMilli(c.store.Now()).AddDate(0, 0, -ask.Days).UnixMilli()
	}
	return out
}

// The judgements that are repeated by themselves: every night those of the last
// days, after an update those of a month; of each kind of event so many.
const (
	nightReplayDays   = 2
	upgradeReplayDays = 30
	replayMost        = 2000
)

// keyReplayedBy names the version of the program that repeated judgements last.
const keyReplayedBy = "judgements repeated by"

// replayAfterUpgrade repeats the judgements of a month if this version of the
// program has not done so: what it makes of them must be what the one before
// made. Of several processes one does it.
func (a *App) replayAfterUpgrade(ctx context.Context) error {
	last, err := a.store.Read().Meta(ctx, keyReplayedBy)
	if err != nil || last == Version() {
		return err
	}
	mine := false
	err = a.store.Write(ctx, func(t *store.Tx) (err error) {
		mine, err = t.Advance(ctx, keyReplayedBy, last, Version())
		return err
	})
	if err != nil || !mine {
		return err
	}
	return a.replayJudgements(ctx, upgradeReplayDays)
}

// replayJudgements repeats the judgements of some days and raises an alarm if one
// comes out otherwise and nothing it looks at was changed since (W40).
func (a *App) replayJudgements(ctx context.Context, days int) error {
	found, err := query.New(query.Options{Store: a.store, Blobs: a.blobs}).Replay(ctx, a.replaySince(ReplayAsk{Days: days, Most: replayMost}))
	if err != nil {
		return err
	}
	if found.Unexplained == 0 {
		return a.alarms.Clear(ctx, alarm.ReplayDiffers, "")
	}
	first := found.Differences[0]
	return a.alarms.Raise(ctx, alarm.ReplayDiffers, "", fmt.Sprintf("%d of %d judgements of the last %d days come out otherwise when they are repeated. The first: conversation %d, “%s”: it was “%s” and is “%s”.",
		found.Unexplained, found.Judged, days, first.Number, first.Workflow, first.Was, first.Is))
}
