package web

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

func editorPath(id int64, on string) string {
	path := workflowPath(id) + "/edit"
	if on != "" {
		path += "?on=" + url.QueryEscape(on)
	}
	return path
}

// newWorkflow is GET /workflows/new: what one can begin from.
func newWorkflow(q *request) error {
	p, err := q.site.o.Pages.WorkflowRecipes(q.Context(), q.agent, q.place("workflows"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.WorkflowRecipes(*p), p)
}

// beginWorkflow is POST /workflows: the draft of a new one, out of a recipe or
// as a copy.
func beginWorkflow(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	w := q.site.o.Workflows
	if w == nil {
		return postroom.Errorf(postroom.Unavailable, "Workflows cannot be changed here.")
	}
	id, err := w.Begin(q.Context(), q.agent, q.field("recipe"))
	if err != nil {
		return q.told(err, "", "/workflows/new")
	}
	q.see(editorPath(id, ""))
	return nil
}

// editWorkflow is GET /workflows/{id}/edit.
func editWorkflow(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	p, err := q.editorPage(id, automate.EditorView{On: q.URL.Query().Get("on"), Moment: q.URL.Query().Get("moment")})
	if err != nil {
		return err
	}
	p.At = q.takePlace()
	return q.page(view.WorkflowEditor(*p), p)
}

func (q *request) editorPage(id int64, v automate.EditorView) (*query.EditorPage, error) {
	w := q.site.o.Workflows
	if w == nil {
		return nil, postroom.Errorf(postroom.Unavailable, "Workflows cannot be changed here.")
	}
	p, err := w.Editor(q.Context(), q.agent, id, v)
	if err != nil {
		return nil, err
	}
	if p.Shell, err = q.shell(q.place("workflows")); err != nil {
		return nil, err
	}
	for i := range p.Findings {
		p.Findings[i].Title, p.Findings[i].Grave = findingTitle(p.Findings[i].Title)
	}
	return p, nil
}

// saveWorkflowDraft is POST /workflows/{id}/draft: what is typed is stored,
// with what the pressed button asks for: an act of the editor, publishing, or
// throwing it away. A script that saves by itself is answered without a page.
func saveWorkflowDraft(q *request) error {
	w, id, err := q.editor()
	if err != nil {
		return err
	}
	act := q.field("do")
	anyway, quiet := act == "publish-anyway", act == "autosave"
	publish := anyway || act == "publish"
	gone, untest := strings.CutPrefix(act, "untest ")
	switch act {
	case "publish", "publish-anyway", "autosave", "save", "try":
		act = ""
	case "discard":
		return q.discarded(id, w.DiscardDraft(q.Context(), q.agent, id))
	}
	called, call := strings.CutPrefix(act, "call ")
	if untest || call {
		act = ""
	}
	on := strings.TrimSpace(q.Form.Get("on"))
	place, err := w.SaveDraft(q.Context(), q.agent, id, automate.Form(q.Form), act)
	number := 0
	switch {
	case err == nil && publish:
		number, err = w.PublishDraftWith(q.Context(), q.agent, id, automate.PublishChoice{Anyway: anyway, Waiting: automate.Waiting(q.Form.Get("waiting"))})
	case err == nil && untest:
		if test, wrong := strconv.ParseInt(gone, 10, 64); wrong == nil {
			err, place = w.DeleteTest(q.Context(), q.agent, id, test), "tests"
		}
	}
	if wrong := automate.FieldFaults(err); wrong != nil {
		return q.draftRefused(id, on, wrong)
	}
	switch {
	case err != nil:
		return err
	case quiet:
		q.w.WriteHeader(http.StatusNoContent)
		return nil
	case call:
		return q.testCall(id, called, on)
	case publish:
		q.flash(query.Flash{Kind: "done", Text: "Version " + strconv.Itoa(number) + " is published."})
		q.see(workflowPath(id))
		return nil
	}
	q.showPlace(place)
	to := editorPath(id, on)
	if m := q.field("moment"); m != "" && on != "" {
		to += "&moment=" + url.QueryEscape(m)
	}
	if place != "" {
		to += "#" + place // for those without a script
	}
	q.see(to)
	return nil
}

// placeCookie tells the next page of the editor what was added or moved, so
// that the focus can go there: what fetches a page learns no fragment.
const placeCookie = "postroom_place"

func (q *request) showPlace(place string) {
	if place != "" {
		q.setCookie(placeCookie, base64.RawURLEncoding.EncodeToString([]byte(place)), 60, false)
	}
}

// takePlace returns that place and forgets it.
func (q *request) takePlace() string {
	c, err := q.Cookie(placeCookie)
	if err != nil || q.fragment() {
		return ""
	}
	q.setCookie(placeCookie, "", -1, false)
	b, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return ""
	}
	return string(b)
}

// draftRefused answers with the editor and everything that was typed in it.
func (q *request) draftRefused(id int64, on string, wrong query.FieldErrors) error {
	p, err := q.editorPage(id, automate.EditorView{Form: automate.Form(q.Form), Errors: wrong, On: on})
	if err != nil {
		return err
	}
	return q.html(http.StatusUnprocessableEntity, view.WorkflowEditor(*p))
}

// discarded leads to the workflow as it is published or, when there is none, to
// the list.
func (q *request) discarded(id int64, err error) error {
	if err != nil {
		return err
	}
	to := workflowPath(id)
	if _, err := q.site.o.Workflows.Editor(q.Context(), q.agent, id, automate.EditorView{}); postroom.CodeOf(err) == postroom.NotFound {
		to = "/workflows"
	}
	q.flash(query.Flash{Kind: "done", Text: "The draft is thrown away."})
	q.see(to)
	return nil
}

// keepWorkflow is POST /workflows/{id}/{verb}: copy, rename, delete, undelete.
func keepWorkflow(q *request) error {
	w, id, err := q.editor()
	if err != nil {
		return err
	}
	switch q.PathValue("verb") {
	case "copy":
		var copied int64
		if q.Form.Has("mailbox") {
			copied, err = w.CopyFor(q.Context(), q.agent, id, q.id("mailbox"))
		} else {
			copied, err = w.Copy(q.Context(), q.agent, id)
		}
		if err != nil {
			return q.told(err, "", workflowPath(id))
		}
		q.flash(query.Flash{Kind: "done", Text: "This is the copy. It runs when you publish it."})
		q.see(editorPath(copied, ""))
		return nil
	case "rename":
		name := q.field("name")
		err := w.Rename(q.Context(), q.agent, id, name)
		if wrong := faults(err); wrong != nil {
			p, err := q.workflow()
			if err != nil {
				return err
			}
			p.Rename, p.Errors = name, wrong
			return q.html(http.StatusUnprocessableEntity, view.Workflow(*p))
		}
		return q.told(err, "It is called “"+name+"” now.", workflowPath(id))
	case "delete":
		return q.told(w.Delete(q.Context(), q.agent, id), "The workflow is deleted. Its history stays, and it can be restored below.", "/workflows")
	case "undelete":
		return q.told(w.Undelete(q.Context(), q.agent, id), "The workflow is back, last in the order and switched off.", "/workflows")
	}
	return postroom.Errorf(postroom.NotFound, "There is no such page.")
}
