package query

import (
	"context"

	"postroom"
	"postroom/internal/workflow"
)

// schedule reads when a workflow runs; nil for one that does not run at set
// times.
func (d *Desk) schedule(ctx context.Context, id int64, definition workflow.Definition) (*WorkflowSchedule, error) {
	if !definition.When.Scheduled() {
		return nil, nil
	}
	out := &WorkflowSchedule{Most: definition.When.Schedule.Limit()}
	run, err := d.read().Schedule(ctx, id)
	if postroom.CodeOf(err) == postroom.NotFound {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	out.LastAt, out.LastLooked, out.LastMatched, out.LastWords = run.Last.Moment, run.Last.Looked, run.Last.Matched, run.Last.Words
	switch run.State {
	case postroom.ScheduleWaiting:
		out.Next = run.DueAt
	case postroom.ScheduleWalking:
		out.Walking, out.Looked, out.Matched = true, run.Looked, run.Matched
	}
	return out, nil
}
