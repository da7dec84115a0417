package automate

import (
	"context"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// SecretUses lists by secret the names of the workflows that use it, as they are
// published or being written.
func (w *Workflows) SecretUses(ctx context.Context) (map[int64][]string, error) {
	return secretUses(ctx, w.store.Read())
}

func secretUses(ctx context.Context, read store.Read) (map[int64][]string, error) {
	out := map[int64][]string{}
	note := func(name, definition string) {
		d, err := workflow.Decode([]byte(definition))
		if err != nil {
			return
		}
		for _, a := range d.Then {
			for _, id := range append([]int64{a.Sign}, headerSecrets(a)...) {
				if id != 0 && !slices.Contains(out[id], name) {
					out[id] = append(out[id], name)
				}
			}
		}
	}
	rows, err := read.Workflows(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		v, err := read.Version(ctx, r.ID, r.Version)
		if err != nil {
			return nil, err
		}
		note(r.Name, v.Definition)
	}
	drafts, err := read.WorkflowDrafts(ctx)
	for _, d := range drafts {
		full, err := read.WorkflowDraft(ctx, d.WorkflowID)
		if postroom.CodeOf(err) == postroom.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		note(full.Name, full.Definition)
	}
	return out, err
}

func headerSecrets(a workflow.Action) []int64 {
	var out []int64
	for _, h := range a.Headers {
		out = append(out, h.Secret)
	}
	return out
}

// DeleteSecret deletes a secret of webhooks that no workflow uses.
func (w *Workflows) DeleteSecret(ctx context.Context, by *postroom.Agent, id int64) error {
	if err := manage(by); err != nil {
		return err
	}
	return w.store.Write(ctx, func(t *store.Tx) error {
		if err := t.Lock(ctx, lockName); err != nil {
			return err
		}
		if err := stillManages(ctx, t, by.ID); err != nil {
			return err
		}
		s, err := t.Secret(ctx, id)
		if err != nil {
			return err
		}
		uses, err := secretUses(ctx, t.Read)
		if err != nil {
			return err
		}
		if names := uses[id]; len(names) > 0 {
			return postroom.Errorf(postroom.Conflict, "The secret “%s” is used by %s. Take it out there first.", s.Name, "“"+strings.Join(names, "”, “")+"”")
		}
		if err := t.DeleteSecret(ctx, id); err != nil {
			return err
		}
		t.OnCommit(func() { w.publish("webhooks") })
		return t.Log(ctx, store.LogEntry{Area: store.AreaWorkflows, AgentID: by.ID, Words: "Deleted the webhook secret “" + s.Name + "”."})
	})
}
