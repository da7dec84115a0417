package web

import (
	"net/http"

	"postroom/internal/automate"
	"postroom/internal/web/view"
)

// testCall answers with the editor and with what came of a test call. Nothing
// was stored beyond the draft, so that the page is not one to come back to.
func (q *request) testCall(id int64, place, on string) error {
	out, err := q.site.o.Workflows.TryCall(q.Context(), q.agent, id, place, on)
	if wrong := automate.FieldFaults(err); wrong != nil {
		return q.draftRefused(id, on, wrong)
	}
	if err != nil {
		return q.told(err, "", editorPath(id, on))
	}
	p, err := q.editorPage(id, automate.EditorView{On: on})
	if err != nil {
		return err
	}
	p.Called = &out
	p.At = "called"
	return q.html(http.StatusUnprocessableEntity, view.WorkflowEditor(*p))
}
