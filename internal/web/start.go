package web

import (
	"postroom"
	"postroom/internal/query"
)

// runWorkflow is POST /conversations/{number}/run: an agent runs a workflow by
// hand. It runs when nobody can undo that any more.
func runWorkflow(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	ref, back, err := q.ref()
	if err != nil {
		return err
	}
	w, err := q.startable(q.id("workflow"))
	if err != nil {
		return q.told(err, "", back)
	}
	out, err := q.site.o.Desk.Start(q.Context(), q.agent, ref.ID, w, q.path())
	if err == nil && out.FinalAt <= q.site.o.Pages.Now() { // no undo bar says so
		q.flash(query.Flash{Kind: "done", Text: "“" + w.Name + "” runs now; what comes of it stands below."})
	}
	return q.stay(ref, err, "", back)
}

// startable finds the workflow that is to be run.
func (q *request) startable(id int64) (postroom.Startable, error) {
	if id == 0 {
		return postroom.Startable{}, postroom.InvalidField("workflow", "Choose a workflow.")
	}
	return q.site.o.Pages.Startable(q.Context(), q.agent, id)
}
