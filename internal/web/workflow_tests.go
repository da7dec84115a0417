package web

import (
	"net/http"
	"strconv"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// testAt reads which workflow and which test a page is about; 0 is a new one.
func (q *request) testAt() (w Workflows, id, test int64, err error) {
	if w = q.site.o.Workflows; w == nil {
		return nil, 0, 0, postroom.Errorf(postroom.Unavailable, "Workflows cannot be changed here.")
	}
	if id, err = q.number("id"); err != nil || q.PathValue("test") == "new" {
		return w, id, 0, err
	}
	test, err = q.number("test")
	return w, id, test, err
}

// showTest is GET /workflows/{id}/tests/{test}: a test as text with what comes
// of it. "new" proposes one, made from a conversation's event when the address
// names one; nothing is stored by looking.
func showTest(q *request) error {
	w, id, test, err := q.testAt()
	if err != nil {
		return err
	}
	var t automate.TestText
	event, _ := strconv.ParseInt(q.URL.Query().Get("event"), 10, 64)
	switch {
	case test != 0:
		t, err = w.ReadTest(q.Context(), q.agent, id, test)
	case event != 0:
		t, err = w.Pin(q.Context(), q.agent, id, event)
	default:
		t, err = w.NewTest(q.Context(), q.agent, id)
	}
	if err != nil {
		return err
	}
	p, err := q.testPage(t)
	if err != nil {
		return err
	}
	p.Pinned = event
	return q.page(view.WorkflowTest(*p), p)
}

func (q *request) testPage(t automate.TestText) (p *query.TestPage, err error) {
	p = &query.TestPage{ID: t.ID, Workflow: t.Workflow, Title: t.Title, Text: t.Text, Kept: t.Kept, Tried: t.Result.Name != "",
		Result: automate.Shown(t.Result), Reason: t.Result.Reason, Defaults: automate.TestDefaults()}
	p.Shell, err = q.shell(q.place("workflows"))
	return p, err
}

// saveTest is POST /workflows/{id}/tests/{test}: try it, save it, delete it.
func saveTest(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	w, id, test, err := q.testAt()
	if err != nil {
		return err
	}
	text, back := q.Form.Get("text"), editorPath(id, "")+"#tests"
	switch q.field("do") {
	case "delete":
		return q.told(w.DeleteTest(q.Context(), q.agent, id, test), "The test is deleted.", back)
	case "try":
	default:
		_, err := w.SaveTest(q.Context(), q.agent, id, test, text)
		if wrong := faults(err); wrong != nil {
			return q.testRefused(id, test, text, wrong)
		}
		return q.told(err, "The test is kept.", back)
	}
	t, err := w.TryTest(q.Context(), q.agent, id, test, text)
	if wrong := faults(err); wrong != nil {
		return q.testRefused(id, test, text, wrong)
	}
	if err != nil {
		return err
	}
	p, err := q.testPage(t)
	if err != nil {
		return err
	}
	return q.html(http.StatusUnprocessableEntity, view.WorkflowTest(*p)) // so that the page stays
}

// testRefused answers with what was typed and what is wrong with it.
func (q *request) testRefused(id, test int64, text string, wrong query.FieldErrors) error {
	head, err := q.site.o.Workflows.NewTest(q.Context(), q.agent, id)
	if err != nil {
		return err
	}
	p, err := q.testPage(automate.TestText{ID: test, Workflow: id, Title: head.Title, Text: text})
	if err != nil {
		return err
	}
	p.Errors = wrong
	return q.html(http.StatusUnprocessableEntity, view.WorkflowTest(*p))
}
