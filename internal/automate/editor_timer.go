package automate

import (
	"fmt"
	"strings"

	"postroom/internal/query"
	"postroom/internal/workflow"
)

// filters draws up what an edge can be filtered by; at is where its fields stand.
func (e *editor) filters(at string, w workflow.When) []query.EditorControl {
	edge := workflow.EdgeOf(w.Event)
	out := e.fieldFilters(at, w)
	side := func(name, label string, chosen []string) {
		q := workflow.Question{Input: workflow.InputChoices, Choices: edge.Choices, Ref: edge.Ref, Nobody: edge.Ref.None()}
		out = append(out, query.EditorControl{Name: at + "." + name, Label: label, Input: string(q.Input), Choices: e.choices(q, "conversation.status", chosen), Any: "anything"})
	}
	if edge.From {
		side("from", "From", w.From)
	}
	if edge.To {
		side("to", "To", w.To)
	}
	if w.ByHand() {
		return append(out, query.EditorControl{Name: at + ".agents", Label: "Run by", Input: string(workflow.InputChoices),
			Choices: e.choices(workflow.Question{Ref: workflow.RefAgent}, "", ids(w.Agents)), Any: "everybody who may answer"})
	}
	actors, paths := workflow.Question{Choices: workflow.ActorChoices()}, workflow.Question{Choices: workflow.PathChoices()}
	return append(out,
		query.EditorControl{Name: at + ".actors", Label: "By", Input: string(workflow.InputChoices), Choices: e.choices(actors, "event.actor", asText(w.Actors)), Any: "anybody"},
		query.EditorControl{Name: at + ".paths", Label: "Through", Input: string(workflow.InputChoices), Choices: e.choices(paths, "event.path", asText(w.Paths)), Any: "any way"})
}

// timer draws up how long the workflow waits, and what keeps it from running.
func (e *editor) timer(w workflow.When) {
	t := &e.page.Timer
	t.On, t.Again, t.Unit = w.Timed(), string(w.Again), "d"
	for _, a := range workflow.TimerNames() {
		t.Agains = append(t.Agains, query.Choice{Value: a[0], Text: a[1]})
	}
	if number, unit, ok := workflow.SplitSpan(w.After); ok {
		t.After, t.Unit = number, unit
	} else {
		t.After = w.After
	}
	t.Unless = e.unless("when", w.Unless)
	e.page.Waiting = strings.TrimSpace(e.view.Form.first(fieldWaiting))
}

// unless draws up what ends a wait: of the When, or of the action at a place.
func (e *editor) unless(at string, all []workflow.Unless) []query.EditorUnless {
	var out []query.EditorUnless
	for i, u := range all {
		place := fmt.Sprintf("%s.unless[%d]", at, i)
		edge := workflow.When{Event: u.Event, From: u.From, To: u.To, Actors: u.Actors, Paths: u.Paths, Field: u.Field}
		out = append(out, query.EditorUnless{Place: place, Event: string(u.Event), Words: "unless " + workflow.EventLabel(u.Event), Filters: e.filters(place, edge)})
	}
	return out
}

// waits counts the timers that a new version would find waiting.
func (e *editor) waits() error {
	if e.x.row == nil {
		return nil
	}
	n, _, err := e.read.WorkflowWaits(e.ctx, e.x.id)
	e.page.Waits = n
	return err
}
