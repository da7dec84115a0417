package automate

import (
	"context"
	"fmt"

	"postroom"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// Waiting says what becomes of the timers that wait with the version published
// until now, when another one is published (W14).
type Waiting string

// The choices.
const (
	WaitingKeep   Waiting = "keep"   // the default, also for "": they go on with their own version
	WaitingMove   Waiting = "move"   // they go on with the new one, from when they began
	WaitingCancel Waiting = "cancel" // they end
)

// fieldWaiting is the field of the editor's form for that choice.
const fieldWaiting = "waiting"

// endWaits ends the timers of the workflows that a change has switched off or
// deleted, by whatever way (W14).
func (w *Workflows) endWaits(ctx context.Context, t *store.Tx, author int64, before []store.Workflow) error {
	by := postroom.System
	if author != 0 {
		by = postroom.Actor{Kind: postroom.ByAgent, ID: author}
	}
	for _, was := range before {
		if !was.Enabled {
			continue
		}
		now, err := t.Workflow(ctx, was.ID)
		words := "The workflow was switched off."
		switch {
		case err != nil && postroom.CodeOf(err) != postroom.NotFound:
			return err
		case err != nil || now.DeletedAt > 0:
			words = "The workflow was deleted."
		case now.Enabled:
			continue
		}
		if err := t.CancelTimers(ctx, was.ID, by, words); err != nil {
			return fmt.Errorf("end what waits: %w", err)
		}
	}
	return nil
}

// cancelTimers ends all timers of a workflow that wait.
func cancelTimers(ctx context.Context, t *store.Tx, by *postroom.Agent, id int64, words string) error {
	return t.CancelTimers(ctx, id, postroom.Actor{Kind: postroom.ByAgent, ID: by.ID}, words)
}

// wordsOther says why a timer ended that a new version found waiting.
const wordsOther = "Another version of the workflow was published."

// settleWaiting does with the timers of a workflow as was chosen. To move, each
// goes on in its place of the new version, the first wait at the first, and so
// on; what waits where the new version does not wait cannot go on, and ends.
func settleWaiting(ctx context.Context, t *store.Tx, by *postroom.Agent, id int64, number int, d workflow.Definition, choice Waiting) error {
	switch choice {
	case "", WaitingKeep:
		return nil
	case WaitingMove:
		v, err := workflow.Compile(d, workflow.Identity{WorkflowID: id, Number: number})
		if err != nil {
			return err
		}
		actor := postroom.Actor{Kind: postroom.ByAgent, ID: by.ID}
		if err := t.CancelLegs(ctx, id, v.Legs()-1, !v.Timed(), actor, wordsOther); err != nil {
			return err
		}
		return moveTimers(ctx, t, v)
	case WaitingCancel:
	default:
		return postroom.InvalidField(fieldWaiting, "Choose what becomes of those that wait: keep, move or cancel.")
	}
	return cancelTimers(ctx, t, by, id, wordsOther)
}
