package query

import (
	"slices"

	"postroom"
	"postroom/internal/workflow"
)

// judgedOn adds the kinds of events about which a definition is asked: its edge
// or its time having come, and the end of each of its waits.
func (w *judgementWalk) judgedOn(d workflow.Definition) {
	kinds := []postroom.EventKind{d.When.Event, d.When.Judges()}
	if slices.ContainsFunc(d.Then, func(a workflow.Action) bool { return a.Do == workflow.DoWait }) {
		kinds = append(kinds, postroom.TimerDue)
	}
	for _, kind := range kinds {
		if !slices.Contains(w.edges, kind) {
			w.edges = append(w.edges, kind)
		}
	}
}

// calledOn adds those on which other workflows, as they are published, run it, or
// run one that does.
func (w *judgementWalk) calledOn() error {
	seen := map[int64]bool{w.id: true}
	rows, err := w.desk.read().Workflows(w.ctx)
	if err != nil {
		return err
	}
	keys := make([]versionKey, len(rows))
	for i, r := range rows {
		keys[i] = versionKey{r.ID, r.Version}
	}
	versions, err := w.desk.manyVersions(w.ctx, keys)
	if err != nil {
		return err
	}
	for grown := true; grown; {
		grown = false
		for _, k := range keys {
			v := versions[k]
			if v == nil || seen[k.workflow] || !slices.ContainsFunc(v.Definition.Then, func(a workflow.Action) bool { return a.Do == workflow.DoRun && seen[a.Workflow] }) {
				continue
			}
			seen[k.workflow], grown = true, true
			w.judgedOn(v.Definition)
		}
	}
	return nil
}
