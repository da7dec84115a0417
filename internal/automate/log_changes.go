package automate

import (
	"context"
	"fmt"

	"postroom/internal/store"
)

// logChanges tells the system log what a change did to the workflows: what
// there was before it against what there is now, so that no way of changing
// them can forget to tell.
func (w *Workflows) logChanges(ctx context.Context, t *store.Tx, author int64, before []store.Workflow) error {
	after, err := t.Workflows(ctx)
	if err != nil {
		return err
	}
	was := map[int64]store.Workflow{}
	for _, x := range before {
		was[x.ID] = x
	}
	moved := ""
	for _, x := range after {
		old, known := was[x.ID]
		delete(was, x.ID)
		for _, words := range changesOf(old, x, known) {
			if err := t.Log(ctx, store.LogEntry{Area: store.AreaWorkflows, AgentID: author, Words: words}); err != nil {
				return err
			}
		}
		if known && old.Position != x.Position && moved == "" {
			moved = x.Name
		}
	}
	for _, x := range before {
		if _, gone := was[x.ID]; gone {
			if err := t.Log(ctx, store.LogEntry{Area: store.AreaWorkflows, AgentID: author, Words: fmt.Sprintf("The workflow %q was deleted.", x.Name)}); err != nil {
				return err
			}
		}
	}
	if moved != "" && len(before) == len(after) {
		return t.Log(ctx, store.LogEntry{Area: store.AreaWorkflows, AgentID: author, Words: "The order of the workflows was changed."})
	}
	return nil
}

// changesOf puts what became of one workflow into words.
func changesOf(old, now store.Workflow, known bool) (words []string) {
	add := func(format string, args ...any) {
		words = append(words, fmt.Sprintf("The workflow %q ", now.Name)+fmt.Sprintf(format, args...))
	}
	if !known {
		add("was made, version %d.", now.Version)
		return words
	}
	if old.Name != now.Name {
		add("was called %q.", old.Name)
	}
	if old.Version != now.Version {
		add("has the version %d now; it was %d.", now.Version, old.Version)
	}
	if old.Enabled != now.Enabled {
		add("was switched %s.", map[bool]string{true: "on", false: "off"}[now.Enabled])
	}
	if old.PausedWords == "" && now.PausedWords != "" {
		add("was paused: %s", now.PausedWords)
	}
	return words
}
