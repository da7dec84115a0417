package automate

import (
	"context"
	"slices"

	"postroom"
	"postroom/internal/proof"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// noLoop refuses a change of the workflows by which a mail loop would come to
// stand that did not stand before: what cannot but mail the customer again and
// again is not published, nor switched on (W34).
func noLoop(ctx context.Context, t *store.Tx, before []store.Workflow) error {
	now, _, err := entries(ctx, t.Read)
	if err != nil {
		return err
	}
	loops := proof.Loops(workflow.NewSet(0, now), nil)
	if len(loops) == 0 {
		return nil
	}
	was, _, err := entriesOf(ctx, t.Read, before)
	if err != nil {
		return err
	}
	old := proof.Loops(workflow.NewSet(0, was), nil)
	for _, l := range loops {
		if !slices.ContainsFunc(old, func(o proof.Finding) bool { return slices.Equal(o.Workflows, l.Workflows) }) {
			return postroom.InvalidField("when.event", "%s", l.Text)
		}
	}
	return nil
}
