package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"postroom/internal/alarm"
	"postroom/internal/config"
	"postroom/internal/db"
	"postroom/internal/store"
)

// How often the house is kept.
const (
	watchEvery    = time.Minute   // mails that neither end nor are due, the database
	nightAt       = 3 * time.Hour // after midnight UTC: counters, expired sessions, old windows
	logKept       = 90 * 24 * time.Hour
	toldKept      = 90 * 24 * time.Hour // what agents were told, and have read, is forgotten then
	backtestsKept = 30 * 24 * time.Hour
	callsKept     = 90 * 24 * time.Hour // calls of webhooks that have ended
	rateKept      = 48 * time.Hour      // windows of limits older than this are forgotten
)

// keepHouse does what recurs until ctx ends.
func (a *App) keepHouse(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		a.watch(ctx)
		if err := a.replayAfterUpgrade(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("repeating judgements after an update failed", "error", err)
		}
		if err := a.nightly(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("the nightly work failed and is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// watch looks for what should never be.
func (a *App) watch(ctx context.Context) {
	if err := a.outbox.Watch(ctx); err != nil && ctx.Err() == nil {
		a.log.Error("watching the mails failed", "error", err)
	}
	if err := a.keeper.Watch(ctx); err != nil && ctx.Err() == nil {
		a.log.Error("watching the incoming connections failed", "error", err)
	}
	if err := a.consents.Watch(ctx); err != nil && ctx.Err() == nil {
		a.log.Error("watching the sign-ins failed", "error", err)
	}
	if err := a.outbox.ReportAlarms(ctx, a.URL()); err != nil && ctx.Err() == nil {
		a.log.Error("mailing alarms failed", "error", err)
	}
	if err := a.watchDisk(ctx); err != nil && ctx.Err() == nil {
		a.log.Error("alarm", "error", err)
	}
	for _, s := range a.runner.Status() {
		var err error
		if s.Fault != nil && time.Since(s.Since) > watchEvery {
			err = a.alarms.Raise(ctx, alarm.WorkStalled, s.Name, fmt.Sprintf("The work %q has failed since %s: %v", s.Name, s.Since.UTC().Format(time.TimeOnly), s.Fault))
		} else if s.Fault == nil {
			err = a.alarms.Clear(ctx, alarm.WorkStalled, s.Name)
		}
		if err != nil && ctx.Err() == nil {
			a.log.Error("alarm", "work", s.Name, "error", err)
		}
	}
}

// diskLow is the free space, in bytes, below which an admin is told: enough
// for some of the largest mails, and for SQLite's log.
const diskLow = 500 << 20

// watchDisk tells an admin while there is still time.
func (a *App) watchDisk(ctx context.Context) error {
	for _, dir := range []string{a.place.Data, a.place.BlobDir()} {
		free, ok := diskFree(dir)
		if ok && free < diskLow {
			return a.alarms.Raise(ctx, alarm.DiskFull, "", fmt.Sprintf("There are only %d MB left for %s.", free>>20, dir))
		}
	}
	return a.alarms.Clear(ctx, alarm.DiskFull, "")
}

// nightly does once a day, in one of the processes, what keeps the database
// small and its counters true.
func (a *App) nightly(ctx context.Context) error {
	now := time.UnixMilli(a.store.Now()).UTC()
	day := now.Add(-nightAt).Format(time.DateOnly)
	last, err := a.store.Read().Meta(ctx, keyNight)
	if err != nil || last == day {
		return err
	}
	var drifts []store.FolderDrift
	mine := false
	err = a.store.Write(ctx, func(t *store.Tx) (err error) {
		if mine, err = t.Advance(ctx, keyNight, last, day); err != nil || !mine {
			return err
		}
		if err := t.ForgetSessions(ctx, now.UnixMilli()); err != nil {
			return err
		}
		if err := t.ForgetRates(ctx, now.Add(-rateKept).UnixMilli()); err != nil {
			return err
		}
		if _, err := t.ForgetNotifications(ctx, now.Add(-toldKept).UnixMilli()); err != nil {
			return err
		}
		if err := t.ForgetCalls(ctx, now.Add(-callsKept).UnixMilli()); err != nil {
			return err
		}
		if err := t.ForgetBacktests(ctx, now.Add(-backtestsKept).UnixMilli()); err != nil {
			return err
		}
		if err := t.ForgetLog(ctx, now.Add(-logKept).UnixMilli()); err != nil {
			return err
		}
		drifts, err = t.FolderDrifts(ctx, true)
		return err
	})
	if err != nil || !mine {
		return err
	}
	if err := a.emptyTrash(ctx, now); err != nil {
		return err
	}
	if err := a.automate.RetestAll(ctx); err != nil {
		return err
	}
	if err := a.replayJudgements(ctx, nightReplayDays); err != nil {
		return err
	}
	if len(drifts) == 0 {
		return a.alarms.Clear(ctx, alarm.CountsDrifted, "")
	}
	for _, d := range drifts {
		a.log.Error("a folder count was wrong", "mailbox", d.MailboxID, "folder", string(d.Folder), "agent", d.AgentID, "said", d.Counted, "is", d.True)
	}
	a.hub.Publish("all")
	return a.alarms.Raise(ctx, alarm.CountsDrifted, "", fmt.Sprintf("%d folder counts were wrong and have been corrected.", len(drifts)))
}

// emptyTrash has what was deleted long ago erased, and removes the files of what
// was erased before.
func (a *App) emptyTrash(ctx context.Context, now time.Time) error {
	if days := a.settings.TrashDays; days > 0 {
		if _, err := a.desk.EraseOld(ctx, now.AddDate(0, 0, -days).UnixMilli()); err != nil {
			return err
		}
	}
	n, err := a.desk.SweepBlobs(ctx)
	if n > 0 {
		a.log.Info("removed the files of erased conversations", "files", n)
	}
	return err
}

// keyNight names the day for which the nightly work was done.
const keyNight = "nightly"

// Health says how the desk is. The database is asked; alarms do not make a
// desk unhealthy, since a restart would not mend them.
func (a *App) Health(ctx context.Context) Health {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	h := Health{OK: true, Version: Version(), Database: string(a.db.Engine()), Since: a.began.UTC().Format(time.RFC3339)}
	n, err := a.alarms.Count(ctx)
	if err != nil {
		h.OK, h.Faults = false, append(h.Faults, "the database does not answer")
		a.log.Warn("health", "error", err)
	}
	h.Alarms = n
	for _, s := range a.runner.Status() {
		w := WorkState{Name: s.Name, Running: s.Running}
		if s.Fault != nil {
			w.Fault = "failing since " + s.Since.UTC().Format(time.RFC3339)
			h.OK, h.Faults = false, append(h.Faults, "the work "+s.Name+" is failing")
		}
		h.Work = append(h.Work, w)
	}
	return h
}

// healthz answers GET /healthz: 200 or 503, with the details as JSON. It
// tells no secrets and needs no session.
func (a *App) healthz(w http.ResponseWriter, r *http.Request) {
	h := a.Health(r.Context())
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !h.OK {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(h)
}

// migrate brings the schema of a place up to date.
func migrate(ctx context.Context, place config.Place, log *slog.Logger) (pending []int64, err error) {
	if err := makeData(place.Data); err != nil {
		return nil, err
	}
	d, err := db.Open(ctx, db.Options{URL: place.DatabaseURL(), Logger: log, Conns: 2, BackupDir: place.BackupDir(), NoBackup: place.NoBackup})
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := d.Close(); err == nil {
			err = e
		}
	}()
	if pending, err = d.Pending(ctx); err != nil {
		return nil, err
	}
	return pending, d.Migrate(ctx)
}
