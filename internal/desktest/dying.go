package desktest

import (
	"errors"
	"time"

	"postroom/internal/db"
	"postroom/internal/desk"
	"postroom/internal/store"
	"postroom/internal/work"
)

// mortalWork is the work whose process may die without anybody seeing it
// afterwards. Who dies while it talks to a mail server leaves an uncertain mail,
// which is another rule's (R6).
var mortalWork = map[string]bool{store.LaneReceive: true, store.LaneJudge: true, desk.WakeTimer: true, desk.WakeSchedule: true, desk.WakeNotify: true, "bulk": true}

// SettleDying does all work that is due as Settle does, by processes that die:
// before each piece of work it asks at which use of the database the process that
// does it dies, 0 for not at all. What a dead process held is free at once, as if
// its leases had run out, so that the clock says the same as without deaths. It
// returns how often one died.
func (d *Desk) SettleDying(kinds []work.Kind, die func(kind string) int) (deaths int) {
	d.T.Helper()
	limit := time.Now().Add(time.Minute)
	for again := true; again; {
		again = false
		for _, k := range kinds {
			items, err := k.Source.Claim(d.Ctx, 1, k.Lease)
			d.must(err)
			if len(items) == 0 {
				continue
			}
			again = true
			at := 0
			if mortalWork[k.Source.Name()] {
				at = die(k.Source.Name())
			}
			if d.doDying(k, items[0], at) {
				deaths++
			}
			break
		}
		// The transaction of a dead process may hold its rows until the engine has
		// noticed, and a claim passes over what is locked.
		for _, k := range kinds {
			due, ok, err := k.Source.NextDue(d.Ctx)
			d.must(err)
			again = again || ok && due <= d.Store.Now() && mortalWork[k.Source.Name()]
		}
		if time.Now().After(limit) {
			d.T.Fatal("work that is due is never done")
		}
	}
	return deaths
}

// doDying does one piece of work and reports whether its process died.
func (d *Desk) doDying(k work.Kind, i work.Item, at int) (died bool) {
	d.T.Helper()
	if at > 0 {
		ctx := newMortal(d.Ctx, at)
		err := k.Handler(ctx, i)
		if ctx.dead.Load() {
			d.endLeases()
			return true
		}
		return d.gaveUp(k, i, err)
	}
	return d.gaveUp(k, i, k.Handler(d.Ctx, i))
}

// gaveUp tells a source that its work was not done.
func (d *Desk) gaveUp(k work.Kind, i work.Item, err error) bool {
	d.T.Helper()
	if err != nil && !errors.Is(err, work.ErrLost) {
		d.must(k.Source.Fail(d.Ctx, i, err))
	}
	return false
}

// endLeases lets every lease run out now.
func (d *Desk) endLeases() {
	d.T.Helper()
	for _, q := range []string{
		`update lane set lease_until = $1 where lease_until > $1`,
		`update telling set lease_until = $1 where lease_until > $1`,
		`update job set lease_until = $1 where lease_until > $1`,
		`update schedule set claim_at = due_at where state <> 'off' and lease <> 0 and due_at <= $1`,
		`update timer set claim_at = due_at where state = 'waiting' and lease <> 0 and due_at <= $1`,
	} {
		d.must(d.DB.Write(d.Ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(d.Ctx, q, d.Store.Now())
			return err
		}))
	}
}
