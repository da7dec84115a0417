package app

import (
	"context"
	"fmt"
	"os"
	"time"
)

// watchOthersEvery is how soon the death of another process is noticed.
const watchOthersEvery = time.Second

// takeOver gives this process its place among those that work on the database,
// and ends the leases that dead ones left: their work goes on at once and not
// only when they run out. A SQLite file nobody but us can have open; on
// PostgreSQL those are dead whose lock is free.
func (a *App) takeOver(ctx context.Context) error {
	if !a.place.Postgres() {
		n, err := a.store.ReleaseLeases(ctx)
		if n > 0 {
			a.log.Info("work that a process left behind is taken over", "pieces", n)
		}
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	if err := a.db.Enlist(ctx, fmt.Sprintf("%s, process %d", host, os.Getpid())); err != nil {
		return err
	}
	processes, pieces, err := a.store.RescueDeparted(ctx)
	if processes > 0 {
		a.log.Info("work that other processes left behind is taken over", "processes", processes, "pieces", pieces)
	}
	if err != nil {
		return err
	}
	return a.outbox.Recall(ctx)
}

// watchOthers looks after the other processes until ctx ends.
func (a *App) watchOthers(ctx context.Context) {
	tick := time.NewTicker(watchOthersEvery)
	defer tick.Stop()
	failed := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		processes, pieces, err := a.store.RescueDeparted(ctx)
		if processes > 0 {
			a.log.Warn("another process has died; its work is taken over", "processes", processes, "pieces", pieces)
			a.runner.WakeAll()
			a.hub.DeliverAll() // what it did last, it may not have told
		}
		if err != nil && !failed && ctx.Err() == nil {
			a.log.Warn("other processes cannot be looked after", "error", err)
		}
		failed = err != nil
	}
}
