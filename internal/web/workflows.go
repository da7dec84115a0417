package web

import (
	"strconv"

	"postroom"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// showWorkflows is GET /workflows.
func showWorkflows(q *request) error {
	p, err := q.site.o.Pages.Workflows(q.Context(), q.agent, q.place("workflows"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.Workflows(*p), p)
}

// showWorkflow is GET /workflows/{id}, and /workflows/{id}/versions/{n}.
func showWorkflow(q *request) error {
	p, err := q.workflow()
	if err != nil {
		return err
	}
	return q.page(view.Workflow(*p), p)
}

func (q *request) workflow() (*query.WorkflowPage, error) {
	id, err := q.number("id")
	if err != nil {
		return nil, err
	}
	shown := 0
	if text := q.PathValue("n"); text != "" && q.Method == "GET" {
		if shown, err = strconv.Atoi(text); err != nil || shown < 1 {
			return nil, postroom.Errorf(postroom.NotFound, "There is no such version.")
		}
	}
	p, err := q.site.o.Pages.Workflow(q.Context(), q.agent, id, shown, q.place("workflows"))
	if err == nil {
		q.dress(&p.Shell)
		p.MayEdit = q.site.o.Workflows != nil
	}
	return p, err
}

// editor returns what publishes workflows, and the id of the URL, with the
// form read.
func (q *request) editor() (Workflows, int64, error) {
	if err := q.fields(); err != nil {
		return nil, 0, err
	}
	id, err := q.number("id")
	if err == nil && q.site.o.Workflows == nil {
		err = postroom.Errorf(postroom.Unavailable, "Workflows cannot be changed here.")
	}
	return q.site.o.Workflows, id, err
}

func workflowPath(id int64) string { return "/workflows/" + strconv.FormatInt(id, 10) }

// switchWorkflow is POST /workflows/{id}/switch.
func switchWorkflow(q *request) error {
	w, id, err := q.editor()
	if err != nil {
		return err
	}
	return q.told(w.Switch(q.Context(), q.agent, id, q.ticked("on")), "", "/workflows")
}

// moveWorkflow is POST /workflows/{id}/move.
func moveWorkflow(q *request) error {
	w, id, err := q.editor()
	if err != nil {
		return err
	}
	return q.told(w.Move(q.Context(), q.agent, id, q.field("direction") == "up"), "", "/workflows")
}

// previewWorkflow is POST /workflows/{id}/preview: the page with the wording
// rendered. It changes nothing, and answers 422 so that the page stays.
func previewWorkflow(q *request) error {
	w, id, err := q.editor()
	if err != nil {
		return err
	}
	p, err := q.workflow()
	if err != nil {
		return err
	}
	p.Template = q.Form.Get("template")
	sample, err := w.Preview(q.Context(), q.agent, id, p.Template)
	if wrong := faults(err); wrong != nil {
		p.Errors = wrong
	} else if err != nil {
		return err
	} else {
		p.Preview = &sample
	}
	return q.html(422, view.Workflow(*p))
}

// publishWorkflow is POST /workflows/{id}/publish.
func publishWorkflow(q *request) error {
	w, id, err := q.editor()
	if err != nil {
		return err
	}
	err = w.Reword(q.Context(), q.agent, id, int(q.id("base")), q.Form.Get("template"))
	if wrong := faults(err); wrong != nil {
		p, err := q.workflow()
		if err != nil {
			return err
		}
		p.Template, p.Errors = q.Form.Get("template"), wrong
		return q.html(422, view.Workflow(*p))
	}
	return q.told(err, "The new version is published.", workflowPath(id))
}

// restoreWorkflow is POST /workflows/{id}/versions/{n}/restore.
func restoreWorkflow(q *request) error {
	w, id, err := q.editor()
	if err != nil {
		return err
	}
	version, err := q.number("n")
	if err != nil {
		return err
	}
	return q.told(w.Restore(q.Context(), q.agent, id, int(version)), "The older version is published again.", workflowPath(id))
}
