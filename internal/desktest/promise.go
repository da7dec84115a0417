package desktest

import (
	"postroom/internal/promise"
	"postroom/internal/store"
)

// Promise makes a promise that is watched from now on.
func (d *Desk) Promise(name string, def promise.Definition) int64 {
	d.T.Helper()
	_, err := promise.Compile(def, promise.Identity{})
	d.must(err)
	text, err := def.Encode()
	d.must(err)
	id := d.ID()
	d.Write(func(tx *store.Tx) error {
		if err := tx.InsertPromise(d.Ctx, store.Promise{ID: id, Name: name, Enabled: true, Version: 1}); err != nil {
			return err
		}
		if err := tx.InsertPromiseVersion(d.Ctx, store.PromiseVersion{PromiseID: id, Number: 1, Definition: string(text), At: d.Store.Now()}); err != nil {
			return err
		}
		_, err := tx.PublishSet(d.Ctx, 0, d.Store.Now())
		return err
	})
	return id
}

// ShippedPromise makes the promise that a desk comes with.
func (d *Desk) ShippedPromise() int64 {
	s := promise.Shipped()[0]
	return d.Promise(s.Name, s.Definition)
}

// Watches returns what came of a promise on a conversation, in the order of the
// events.
func (d *Desk) Watches(conversation, promise int64) []store.Watch {
	d.T.Helper()
	all, err := d.Store.Read().WatchesOn(d.Ctx, conversation)
	d.must(err)
	var out []store.Watch
	for _, w := range all {
		if w.PromiseID == promise {
			out = append(out, w)
		}
	}
	return out
}

// PromiseCounts returns the counts of a promise.
func (d *Desk) PromiseCounts(promise int64) store.PromiseCounts {
	d.T.Helper()
	all, err := d.Store.Read().PromiseCounts(d.Ctx, d.Store.Now()-30*24*60*60_000)
	d.must(err)
	return all[promise]
}
