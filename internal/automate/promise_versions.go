package automate

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"postroom"
	"postroom/internal/promise"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// Restore publishes what an older version of a promise says again, as a new one.
// What is watched already goes on with the version it began with. An old version
// that refers to what is no longer there is Invalid; one that is equal to the
// newest changes nothing. What is being written stays a draft.
func (p *Promises) Restore(ctx context.Context, by *postroom.Agent, id int64, number int) (err error) {
	if err := manage(by); err != nil {
		return err
	}
	defer postroom.Wrap(&err, "restore version %d of promise %d", number, id)
	return p.w.change(ctx, by.ID, func(t *store.Tx) (bool, error) {
		row, err := promiseHere(ctx, t.Read, id)
		if err != nil {
			return false, err
		}
		old, err := t.PromiseVersion(ctx, id, number)
		if err != nil {
			return false, err
		}
		newest, err := t.PromiseVersion(ctx, id, row.Version)
		if err != nil || newest.Definition == old.Definition {
			return false, err
		}
		d, err := promise.Decode([]byte(old.Definition))
		if err != nil {
			return false, err
		}
		if err := fit(ctx, t.Read, d); err != nil {
			return false, err
		}
		row.Version++
		if err := t.UpdatePromise(ctx, row); err != nil {
			return false, err
		}
		if err := logPromise(ctx, t, by, fmt.Sprintf("Version %d of the promise %q was published again, as version %d.", number, row.Name, row.Version)); err != nil {
			return false, err
		}
		return true, t.InsertPromiseVersion(ctx, store.PromiseVersion{PromiseID: id, Number: row.Version, Definition: old.Definition, AuthorID: by.ID, At: p.w.store.Now()})
	})
}

// fit is the error about a definition that cannot be watched: what is wrong with
// it, or what it names and is not there.
func fit(ctx context.Context, read store.Read, d promise.Definition) error {
	if _, err := promise.Compile(d, promise.Identity{}); err != nil {
		return err
	}
	gone, err := missingInPromise(ctx, read, d)
	if err == nil && len(gone) > 0 {
		err = &postroom.Error{Code: postroom.Invalid, Field: gone[0].Path, Text: gone[0].Text, Err: gone}
	}
	return err
}

// Undelete brings a deleted promise back, switched off, with its versions and
// counts; somebody switches it on when it has been looked at. One that is there
// stays as it is.
func (p *Promises) Undelete(ctx context.Context, by *postroom.Agent, id int64) (err error) {
	if err := manage(by); err != nil {
		return err
	}
	defer postroom.Wrap(&err, "restore promise %d", id)
	return p.w.change(ctx, by.ID, func(t *store.Tx) (bool, error) {
		row, err := t.Promise(ctx, id)
		switch {
		case err != nil || row.DeletedAt == 0:
			return false, err
		case row.Version == 0:
			return false, errPromiseGone()
		}
		all, err := t.Promises(ctx)
		if err != nil {
			return false, err
		}
		if len(all) >= maxPromises {
			return false, postroom.Errorf(postroom.Conflict, "A desk has at most %d promises.", maxPromises)
		}
		row.DeletedAt = 0
		if err := t.UpdatePromise(ctx, row); err != nil {
			return false, err
		}
		return true, logPromise(ctx, t, by, fmt.Sprintf("The promise %q was restored.", row.Name))
	})
}

// deleted lists the promises that can be restored, those deleted last first.
func (p *Promises) deleted(ctx context.Context, read store.Read, names workflow.Names) ([]query.DeletedPromise, error) {
	rows, err := read.EveryPromise(ctx)
	if err != nil {
		return nil, err
	}
	var out []query.DeletedPromise
	for _, row := range rows {
		if row.DeletedAt == 0 || row.Version == 0 {
			continue
		}
		d, _, err := watched(ctx, read, row)
		if err != nil {
			return nil, err
		}
		out = append(out, query.DeletedPromise{ID: row.ID, Name: row.Name, Sentence: promise.Sentence(d, names), At: row.DeletedAt})
	}
	slices.SortFunc(out, func(a, b query.DeletedPromise) int { return cmp.Or(cmp.Compare(b.At, a.At), cmp.Compare(b.ID, a.ID)) })
	return out, nil
}

// versions lists the versions of a promise, the newest first, each with what it
// says.
func (p *Promises) versions(e *editor, row store.Promise) ([]query.PromiseVersion, error) {
	rows, err := e.read.PromiseVersions(e.ctx, row.ID)
	if err != nil {
		return nil, err
	}
	var out []query.PromiseVersion
	said := map[int]promise.Definition{}
	for _, v := range rows {
		x := query.PromiseVersion{Number: v.Number, At: v.At, By: e.author(v.AuthorID), Current: v.Number == row.Version}
		if d, err := promise.Decode([]byte(v.Definition)); err == nil {
			x.Sentence, said[v.Number] = promise.Sentence(d, e.name), d
		} else {
			x.Sentence = postroom.TextOf(err)
		}
		out = append(out, x)
	}
	for i, x := range out {
		before, known := said[x.Number-1]
		if after, there := said[x.Number]; known && there {
			out[i].Changes = query.WorkflowChanges(promise.Changes(before, after, e.name))
		}
	}
	return out, nil
}
