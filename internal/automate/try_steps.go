package automate

import (
	"context"
	"maps"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/calendar"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// trying is one workflow whose actions are shown: the one that is written, or one
// that it runs.
type trying struct {
	id         workflow.Identity
	definition workflow.Definition
	version    *workflow.Version // nil if it is not complete
	scene      *scene
	event      *postroom.Event // nil if nothing happened
	later      []postroom.Event
	depth      int
	chain      []int64 // who runs whom, down to this one
}

// maxCallees is how many workflows are followed that one runs.
const maxCallees = 8 * workflow.MaxDepth

// callees reads the published workflows that a version runs, and those that these
// run, with the states they have.
func callees(ctx context.Context, read store.Read, v *workflow.Version) (map[int64]workflow.Entry, error) {
	out := map[int64]workflow.Entry{}
	if v == nil {
		return out, nil
	}
	for open := runBy(v); len(open) > 0; {
		id := open[0]
		open = open[1:]
		if _, known := out[id]; known || id == v.WorkflowID || len(out) >= maxCallees {
			continue
		}
		row, err := read.Workflow(ctx, id)
		if postroom.CodeOf(err) == postroom.NotFound || err == nil && row.DeletedAt > 0 {
			continue
		}
		if err != nil {
			return nil, err
		}
		published, err := read.Version(ctx, id, row.Version)
		if err != nil {
			return nil, err
		}
		entry, err := entryOf(combine(row, published))
		if err != nil {
			continue // it cannot be read, and does nothing
		}
		out[id] = entry
		open = append(open, runBy(entry.Version)...)
	}
	return out, nil
}

// runBy lists what a version runs, in all of its legs.
func runBy(v *workflow.Version) (out []int64) {
	for leg := range v.Legs() {
		out = append(out, v.Runs(leg)...)
	}
	return out
}

// trialSet is what an event is judged by that a version is tried on: by that one,
// and those that it runs.
func trialSet(v *workflow.Version, called map[int64]workflow.Entry, event *postroom.Event) *workflow.Set {
	list := []workflow.Entry{{Version: v, State: workflow.Enabled}}
	for _, id := range slices.Sorted(maps.Keys(called)) {
		list = append(list, called[id])
	}
	set := workflow.NewSet(0, list)
	if event.Kind == postroom.TimerDue && v.Timed() {
		set = set.Own(event, v)
	}
	return set
}

// steps renders each action by itself, so that one that is not complete does not
// hide the others. What a workflow that is run would do stands below the action
// that runs it; what stands behind a wait is shown with the time it would be done.
func (e *editor) steps(s *scene, event *postroom.Event, all []postroom.Event) error {
	t := trying{definition: e.definition, version: e.version, scene: s, event: event, later: all, chain: []int64{e.x.id},
		id: workflow.Identity{WorkflowID: e.x.id, Number: e.trialNumber(), Name: e.page.Name}}
	return e.stepsOf(t)
}

func (e *editor) stepsOf(t trying) error {
	leg, at, over := 0, int64(0), false
	if t.event != nil {
		at = t.event.At
	}
	for i, a := range t.definition.Then {
		d := workflow.Definition{When: workflow.When{Event: postroom.MessageReceived}, Then: []workflow.Action{a}}
		tried := query.EditorTried{Text: sentence(workflow.Describe(d, e.name).Then[0]), Depth: t.depth, Over: over}
		switch a.Do {
		case workflow.DoWait:
			leg++
			var err error
			if at, over, err = e.wait(t, leg, at, over, &tried); err != nil {
				return err
			}
		case workflow.DoRun:
			if err := e.runs(t, leg, a.Workflow, tried); err != nil {
				return err
			}
			continue
		default:
			if err := e.step(t, i, d, &tried); err != nil {
				return err
			}
		}
		e.page.Try.Steps = append(e.page.Try.Steps, tried)
	}
	return nil
}

// step renders one action.
func (e *editor) step(t trying, i int, d workflow.Definition, tried *query.EditorTried) error {
	a := d.Then[0]
	v, err := workflow.Compile(d, t.id)
	if err == nil {
		var wishes []workflow.Wish
		if wishes, err = workflow.Plan(v, t.scene.options, t.scene.value, e.name); err == nil {
			err = e.rendered(t, tried, wishes[0], t.definition.Then[i])
		}
	}
	if err != nil && postroom.CodeOf(err) != postroom.Invalid {
		return err
	}
	if err != nil && a.Do == workflow.DoWebhook {
		tried.Words = postroom.TextOf(err)
	}
	if err != nil && (a.Do == workflow.DoReply || a.Do == workflow.DoMail) {
		tried.Mail = &query.WorkflowSample{Number: e.page.Try.Number, Error: postroom.TextOf(err)}
	}
	return nil
}

// wait says when the leg behind a wait would be due, and what becomes of it. It
// returns that time, and whether the wait would end before.
func (e *editor) wait(t trying, leg int, at int64, over bool, tried *query.EditorTried) (due int64, ended bool, err error) {
	tried.Wait = true
	const then = "What stands below is done when that time has come, as the world is then: the conditions are not asked again, and what somebody has changed by then is left as it is."
	if t.version == nil || t.event == nil || at == 0 || over {
		tried.Words = then
		return 0, over, nil
	}
	var office *calendar.Calendar
	if t.version.LegCountsOffice(leg) {
		if office, err = officeNow(e.ctx, e.read, t.event.After.MailboxID); err != nil {
			return 0, false, err
		}
	}
	due, ok := t.version.LegDueAt(leg, at, office)
	if !ok {
		return 0, false, nil
	}
	tried.DueAt = due
	for _, x := range t.later {
		if x.Seq <= t.event.Seq || x.At < at || x.At >= due || x.State == postroom.EventUndone {
			continue
		}
		if words := t.version.EndsLeg(leg, &x, e.name); words != "" {
			tried.Words = "Before that time had come, this ended the wait: " + words + " What stands below would not have been done."
			return due, true, nil
		}
	}
	if due > e.w.store.Now() {
		tried.Words = "Its time has not come yet. " + then
	} else {
		tried.Words = "Its time came. " + then
	}
	return due, false, nil
}

// runs says whether a workflow that another one runs would match the same event,
// and shows what it would do.
func (e *editor) runs(t trying, leg int, id int64, tried query.EditorTried) error {
	steps := &e.page.Try.Steps
	en, there := e.called[id]
	switch {
	case !there && (t.version == nil || id == 0):
	case !there:
		tried.Words = "It is not there, cannot be read, or was deleted: nothing would be run."
	case en.Version.Timed():
		tried.Words = "It waits for a time of its own, so it cannot be run by another."
	case en.Version.MailboxID != 0 && !postroom.Can(e.by, postroom.DraftWorkflows, en.Version.MailboxID):
		tried.Words = "It belongs to a mailbox whose workflows you do not see."
	case slices.Contains(t.chain, id):
		tried.Words = "It is in this chain already, and a workflow runs once in a chain."
	}
	if tried.Words != "" || !there {
		*steps = append(*steps, tried)
		return nil
	}
	shows := true
	switch x := e.explained(t, id); {
	case leg > 0:
		tried.Words = "Its conditions are asked when the time has come, about what is so then. If they hold:"
	case x == nil:
		tried.Words = "Its conditions are asked about the same event when this one runs. If they hold:"
	case x.Verdict == workflow.Matched:
		tried.Words = "Its conditions hold too, and it would do:"
	default:
		tried.Words, shows = strings.TrimSpace("It would not run: "+x.Reason+" "+x.SmallestChange), x.Verdict == workflow.Undecided
	}
	*steps = append(*steps, tried)
	if !shows {
		return nil
	}
	s, err := e.sceneFor(t, en.Version)
	if err != nil {
		return err
	}
	return e.stepsOf(trying{id: en.Version.Identity, definition: en.Version.Definition, version: en.Version, scene: s, event: t.event, later: t.later,
		depth: t.depth + 1, chain: append(slices.Clone(t.chain), id)})
}

// sceneFor is what the texts of a workflow that is run are rendered for.
func (e *editor) sceneFor(t trying, v *workflow.Version) (*scene, error) {
	if e.page.Try.Number == 0 {
		return e.w.invented(v.Name), nil
	}
	return e.w.sceneOf(e.ctx, e.by, v.Name, v.Definition.When, t.scene.conversation, t.event)
}

// explained is what the judge said of a workflow that another one runs; nil if it
// was not asked.
func (e *editor) explained(t trying, id int64) *workflow.Explanation {
	i := slices.IndexFunc(e.judged, func(x workflow.Explanation) bool {
		return x.Level == t.depth+1 && x.WorkflowID == id && x.Caller == t.id.WorkflowID
	})
	if i < 0 {
		return nil
	}
	return &e.judged[i]
}
