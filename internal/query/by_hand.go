package query

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// startables are the workflows of one revision of the set that people can run.
type startables struct {
	revision int64
	all      []startable
}

type startable struct {
	postroom.Startable
	when workflow.When
}

// ByHand lists the workflows that an agent may run by hand, in their order: those
// that are switched on and not paused, that name the agent or nobody, and that
// are for a mailbox in which the agent may answer.
func (d *Desk) ByHand(ctx context.Context, a *postroom.Agent) ([]postroom.Startable, error) {
	revision, err := d.read().SetRevision(ctx)
	if err != nil {
		return nil, fmt.Errorf("read which workflows can be run by hand: %w", err)
	}
	return d.byHandAt(ctx, a, revision)
}

// byHandAt is ByHand for the set of a revision.
func (d *Desk) byHandAt(ctx context.Context, a *postroom.Agent, revision int64) (_ []postroom.Startable, err error) {
	d.mu.Lock()
	known := d.byHand
	d.mu.Unlock()
	if known.revision != revision {
		if known, err = d.readByHand(ctx, revision); err != nil {
			return nil, err
		}
		d.mu.Lock()
		d.byHand = known
		d.mu.Unlock()
	}
	by := postroom.Actor{Kind: postroom.ByAgent, ID: a.ID}
	var out []postroom.Startable
	for _, s := range known.all {
		if s.when.MayStart(by) && (s.MailboxID == 0 || postroom.CanOn(a, postroom.Answer, s.MailboxID, a.ID)) {
			out = append(out, s.Startable)
		}
	}
	return out, nil
}

// Startable finds a workflow that an agent may run by hand, NotFound if there is
// none.
func (d *Desk) Startable(ctx context.Context, a *postroom.Agent, id int64) (postroom.Startable, error) {
	all, err := d.ByHand(ctx, a)
	if err != nil {
		return postroom.Startable{}, err
	}
	i := slices.IndexFunc(all, func(s postroom.Startable) bool { return s.WorkflowID == id })
	if i < 0 {
		return postroom.Startable{}, postroom.Errorf(postroom.NotFound, "There is no such workflow that you may run by hand; it may have been switched off.")
	}
	return all[i], nil
}

func (d *Desk) readByHand(ctx context.Context, revision int64) (startables, error) {
	out := startables{revision: revision}
	if revision == 0 {
		return out, nil
	}
	set, err := d.read().Set(ctx, revision)
	if err != nil {
		return out, fmt.Errorf("read the set of workflows: %w", err)
	}
	var keys []versionKey
	for _, e := range set {
		keys = append(keys, versionKey{e.ID, e.Version})
	}
	versions, err := d.versions(ctx, keys)
	if err != nil {
		return out, err
	}
	names, err := d.read().Names(ctx)
	if err != nil {
		return out, err
	}
	words := func(kind workflow.Ref, id int64) string { return names[string(kind)][id] }
	for _, e := range set {
		v := versions[versionKey{e.ID, e.Version}]
		if v == nil || !v.ByHand() || !e.Enabled || e.Paused != "" {
			continue
		}
		out.all = append(out.all, startable{when: v.Definition.When, Startable: postroom.Startable{WorkflowID: e.ID, Version: e.Version, Name: e.Name, MailboxID: e.MailboxID, Doing: v.Doing(words)}})
	}
	return out, nil
}

// startableIn are the workflows that can be run on conversations of a
// mailbox, 0 for any.
func (d *Desk) startableIn(ctx context.Context, a *postroom.Agent, shell Shell, mailbox int64) ([]Startable, error) {
	all, err := d.byHandAt(ctx, a, shell.revision)
	var out []Startable
	for _, s := range all {
		if mailbox == 0 || s.For(mailbox) {
			out = append(out, Startable{ID: s.WorkflowID, Name: s.Name, Doing: s.Doing})
		}
	}
	return out, err
}

// didNotRun says of each start by hand on a conversation that came to nothing
// why, by its event: the workflow did not match, or was not considered.
func (d *Desk) didNotRun(ctx context.Context, v *conversationView) (map[int64]string, error) {
	idle := func(e int64) bool {
		return !slices.ContainsFunc(v.rows.Runs, func(r store.RunRow) bool { return r.EventID == e }) &&
			!slices.ContainsFunc(v.rows.Timers, func(t postroom.Timer) bool { return t.EventID == e })
	}
	if !slices.ContainsFunc(v.rows.Events, func(e store.EventRow) bool {
		return e.Kind == postroom.WorkflowStarted && e.State == postroom.EventJudged && idle(e.ID)
	}) {
		return nil, nil
	}
	events, err := d.read().WhyEvents(ctx, v.head.ID, 0, whyEvents)
	if err != nil {
		return nil, fmt.Errorf("read judgements: %w", err)
	}
	events = slices.DeleteFunc(events, func(e store.WhyRow) bool {
		return e.Kind != postroom.WorkflowStarted || e.State != postroom.EventJudged || !idle(e.ID)
	})
	w, err := d.whyReader(ctx, v, events)
	if err != nil {
		return nil, err
	}
	out := map[int64]string{}
	for _, e := range events {
		x, err := w.event(e)
		if err != nil {
			return nil, err
		}
		for _, flow := range x.Workflows {
			out[e.ID] = "It did not run: " + lowerFirst(flow.Reason)
			if flow.Change != "" {
				out[e.ID] += " It would have run if " + flow.Change
			}
		}
	}
	return out, nil
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
