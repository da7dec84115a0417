package query

import (
	"context"
	"slices"

	"postroom"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// timerLines says which workflows wait on a conversation, the one that is due
// first before the others.
func (d *Desk) timerLines(ctx context.Context, v *conversationView, may bool) ([]TimerLine, error) {
	var waiting []postroom.Timer
	var keys []versionKey
	for _, t := range v.rows.Timers {
		if t.State == postroom.TimerWaiting {
			waiting, keys = append(waiting, t), append(keys, versionKey{t.WorkflowID, t.Version})
		}
	}
	if len(waiting) == 0 {
		return nil, nil
	}
	slices.SortStableFunc(waiting, func(a, b postroom.Timer) int { return int(min(max(a.DueAt-b.DueAt, -1), 1)) })
	versions, err := d.versions(ctx, keys)
	if err != nil {
		return nil, err
	}
	var out []TimerLine
	for _, t := range waiting {
		line := TimerLine{ID: t.ID, DueAt: t.DueAt, May: may, Workflow: nameOr(v.workflows[t.WorkflowID].Name.Name, "a workflow that is gone")}
		line.Doing = "“" + line.Workflow + "” runs"
		if x := versions[versionKey{t.WorkflowID, t.Version}]; x != nil {
			line.Doing, line.Unless = x.LegDoing(t.Leg, v.wordOf), x.LegUnless(t.Leg, v.wordOf)
		}
		out = append(out, line)
	}
	return out, nil
}

// chain is what a chain began with. One that a wait of a run began goes on with
// the chain of that run.
func (v *conversationView) chain(root int64) *postroom.Event {
	for range v.rows.Events {
		i := slices.IndexFunc(v.rows.Events, func(x store.EventRow) bool { return x.ID == root })
		if i < 0 {
			return nil
		}
		x := v.rows.Events[i]
		if x.Kind != postroom.TimerDue || x.Payload.Leg == 0 || x.Cause == 0 {
			return &postroom.Event{ID: x.ID, Kind: x.Kind, Actor: x.Actor, Path: x.Path}
		}
		if i = slices.IndexFunc(v.rows.Events, func(y store.EventRow) bool { return y.ID == x.Cause }); i < 0 {
			return nil
		}
		root = v.rows.Events[i].Root
	}
	return nil
}

// wordOf puts an id into words, as far as the page has read names.
func (v *conversationView) wordOf(kind workflow.Ref, id int64) string {
	switch kind {
	case workflow.RefAgent:
		return v.agents[id]
	case workflow.RefTeam:
		for _, t := range v.rows.Teams {
			if t.ID == id {
				return t.Name.Name
			}
		}
	case workflow.RefTag:
		return v.tags[id]
	case workflow.RefWorkflow:
		return v.workflows[id].Name.Name
	case workflow.RefMailbox:
		for _, m := range v.shell.Mailboxes {
			if m.ID == id {
				return m.Name
			}
		}
	}
	return workflow.FieldWords(kind, v.rows.Fields)
}

// timerOf is what became of the timer that an event armed for a workflow, nil if
// it armed none.
func (w *whyReader) timerOf(event, id int64) *WhyTimer {
	for _, t := range w.view.rows.Timers {
		if t.EventID != event || t.WorkflowID != id {
			continue
		}
		return &WhyTimer{State: string(t.State), DueAt: t.DueAt, EndedAt: t.EndedAt, EndEvent: t.EndEvent, Words: t.Words}
	}
	return nil
}

// ended lists the timers that an event ended.
func (w *whyReader) ended(event int64) []string {
	var out []string
	for _, t := range w.view.rows.Timers {
		if t.EndEvent != event || t.State == postroom.TimerFired || t.State == postroom.TimerWaiting {
			continue
		}
		name := nameOr(w.name(workflow.RefWorkflow, t.WorkflowID), "A workflow that is gone")
		if t.State == postroom.TimerRestarted {
			out = append(out, "“"+name+"” waits anew from here.")
		} else {
			out = append(out, "“"+name+"” waits no more: it will not "+map[bool]string{false: "run", true: "go on"}[t.Leg > 0]+".")
		}
	}
	return out
}
