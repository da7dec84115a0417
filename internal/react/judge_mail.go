package react

import (
	"context"
	"slices"
)

// countAncestors reads which workflows ran on the way to what became of a mail.
// Such an event begins a chain of its own, so that each mail of a chain is
// looked at; but no workflow is set off by a mail that follows from it (W20).
func (g *judgement) countAncestors(ctx context.Context) error {
	read := g.r.Store.Read()
	var way []int64
	for id := g.event.Cause; id != 0; {
		e, err := read.Event(ctx, id)
		if err != nil {
			return err
		}
		way = append(way, e.ID)
		if id = e.Cause; e.Root == e.ID && !e.Kind.OfMail() {
			break // here a person began it, or a time that came
		}
	}
	if len(way) == 0 {
		return nil
	}
	runs, err := read.RunsOfConversation(ctx, g.event.ConversationID)
	if err != nil {
		return err
	}
	for _, run := range runs {
		if slices.Contains(way, run.EventID) && !slices.Contains(g.in.Ran, run.WorkflowID) {
			g.in.Ran = append(g.in.Ran, run.WorkflowID)
		}
	}
	return nil
}
