package automate

import (
	"context"
	"slices"

	"postroom"
	"postroom/internal/store"
)

// allowed asks for a right to everything that would change: where a workflow is,
// and where it would be. Whoever changes the order needs it for all the workflows
// of the files. Files that change nothing need none.
func (a *applying) allowed(ctx context.Context, read store.Read, by *postroom.Agent, v postroom.Verb) error {
	if len(a.plan.Faults) > 0 {
		return nil
	}
	for _, m := range a.touched() {
		if err := may(ctx, read, by, v, m); err != nil {
			return err
		}
	}
	return nil
}

// stillAllowed is allowed for publishing, of the agent as they are in this
// transaction.
func (a *applying) stillAllowed(ctx context.Context, t *store.Tx) error {
	if a.by.ID == 0 {
		return nil
	}
	by, err := t.Agent(ctx, a.by.ID)
	if postroom.CodeOf(err) == postroom.NotFound {
		by, err = nil, nil
	}
	if err != nil {
		return err
	}
	return a.allowed(ctx, t.Read, by, postroom.PublishWorkflows)
}

// touched are the mailboxes in which something would change, sorted.
func (a *applying) touched() (out []int64) {
	for _, x := range a.items {
		if x.step.What == StepSame && a.plan.Order == nil {
			continue
		}
		out = append(out, x.row.MailboxID)
		if x.was != nil {
			out = append(out, x.was.MailboxID)
		}
	}
	for _, r := range a.rows {
		if a.f.Prune && r.DeletedAt == 0 && !slices.Contains(a.order, r.ID) {
			out = append(out, r.MailboxID)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
