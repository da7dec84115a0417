package query

import (
	"context"
	"fmt"

	"postroom"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// maxSets bounds the sets of workflows kept in memory.
const maxSets = 32

// pastSet is the set of workflows of one revision, as events were judged by it.
type pastSet struct {
	rows []store.SetEntry
	set  *workflow.Set
}

// judgedBy is what an event was judged by: the set, or of one that is for one
// workflow alone that workflow in the version that it names.
func (p *pastSet) judgedBy(e *postroom.Event, version func(workflow int64, number int) *workflow.Version) *workflow.Set {
	if !workflow.OwnEvent(e.Kind) {
		return p.set
	}
	v := version(e.Payload.WorkflowID, e.Payload.Number)
	if v == nil {
		return workflow.NewSet(e.SetRevision, nil)
	}
	for _, s := range p.rows {
		if s.ID == v.WorkflowID {
			v = v.In(s.Name, s.MailboxID)
		}
	}
	return p.set.Own(e, v)
}

// pastSets returns the sets of revisions. One never changes, so it is read and
// put together once, as long as it can be kept.
func (d *Desk) pastSets(ctx context.Context, revisions []int64) (map[int64]*pastSet, error) {
	out := map[int64]*pastSet{}
	var missing []int64
	d.mu.Lock()
	for _, r := range revisions {
		if _, asked := out[r]; asked || r == 0 {
			continue
		}
		if out[r] = d.sets[r]; out[r] == nil {
			missing = append(missing, r)
		}
	}
	d.mu.Unlock()
	if len(missing) == 0 {
		return out, nil
	}
	rows, err := d.read().Sets(ctx, missing)
	if err != nil {
		return nil, fmt.Errorf("read sets of workflows: %w", err)
	}
	var keys []versionKey
	for _, set := range rows {
		for _, entry := range set {
			keys = append(keys, versionKey{entry.ID, entry.Version})
		}
	}
	versions, err := d.versions(ctx, keys)
	if err != nil {
		return nil, err
	}
	for _, r := range missing {
		whole := true
		set := setOf(&postroom.Event{SetRevision: r}, rows[r], func(id int64, number int) *workflow.Version {
			v := versions[versionKey{id, number}]
			whole = whole && v != nil
			return v
		})
		out[r] = &pastSet{rows: rows[r], set: set}
		if whole {
			d.keepSet(r, out[r])
		}
	}
	return out, nil
}

func (d *Desk) keepSet(revision int64, p *pastSet) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.sets) >= maxSets {
		clear(d.sets)
	}
	d.sets[revision] = p
}
