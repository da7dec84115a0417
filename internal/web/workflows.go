package web

import (
	"slices"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/automate"
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
	if w := q.site.o.Workflows; w != nil {
		list, err := w.List(q.Context(), q.agent)
		if err != nil {
			return err
		}
		if p.Findings = findings(list); len(p.Findings) > maxFindings {
			p.More, p.Findings = len(p.Findings)-maxFindings, p.Findings[:maxFindings]
		}
		p.Graph = list.Graph
	}
	return q.page(view.Workflows(*p), p)
}

// findings are what an admin is to be warned of, what does harm first.
func findings(list automate.List) []query.WorkflowFinding {
	var out []query.WorkflowFinding
	names := map[int64]string{}
	for _, x := range list.Workflows {
		names[x.ID] = x.Name
		if x.Fault != "" {
			out = append(out, query.WorkflowFinding{Title: "Cannot be read", Grave: true, Workflows: []query.Choice{{Value: strconv.FormatInt(x.ID, 10), Text: x.Name}},
				Text: "The published version of “" + x.Name + "” cannot be read, so it does nothing: " + x.Fault})
		}
		if len(x.Gone) > 0 {
			out = append(out, query.WorkflowFinding{Title: "Names what is gone", Grave: true, Workflows: []query.Choice{{Value: strconv.FormatInt(x.ID, 10), Text: x.Name}}, Text: strings.Join(x.Gone, " ")})
		}
	}
	for _, f := range list.Findings {
		title, grave := findingTitle(string(f.Kind))
		line := query.WorkflowFinding{Title: title, Text: f.Text, Grave: grave}
		for _, id := range f.Workflows {
			line.Workflows = append(line.Workflows, query.Choice{Value: strconv.FormatInt(id, 10), Text: names[id]})
		}
		out = append(out, line)
	}
	slices.SortStableFunc(out, func(a, b query.WorkflowFinding) int {
		switch {
		case a.Grave == b.Grave:
			return 0
		case a.Grave:
			return -1
		}
		return 1
	})
	return out
}

// maxFindings is how many findings the page lists.
const maxFindings = 50

// findingTitle names a kind of finding for people, and says whether it is
// grave.
func findingTitle(kind string) (title string, grave bool) {
	switch kind {
	case "double_mail":
		return "Two mails to the customer", false
	case "same_field":
		return "Two write the same", false
	case "unreachable":
		return "Never reached", true
	case "never_true":
		return "Can never match", true
	case "never_known":
		return "Asks for what is not known", true
	case "always_true":
		return "A group that asks for nothing", false
	case "mail_loop":
		return "A mail loop", true
	case "cycle":
		return "A circle", true
	case "never_time":
		return "Never at the right time", true
	case "never_runs":
		return "Runs another in vain", false
	case "not_here":
		return "Not in this mailbox", false
	case "machine_reply":
		return "May answer machines", false
	}
	return "Look at this", false
}

// showWorkflow is GET /workflows/{id}, and /workflows/{id}/versions/{n}.
func showWorkflow(q *request) error {
	p, err := q.workflow()
	if id, _ := q.number("id"); postroom.CodeOf(err) == postroom.NotFound && q.PathValue("n") == "" && q.site.o.Workflows != nil {
		// One that was never published is only in the editor.
		if _, e := q.site.o.Workflows.Editor(q.Context(), q.agent, id, automate.EditorView{}); e == nil {
			q.see(editorPath(id, ""))
			return nil
		}
	}
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
		p.MayEdit = p.MayEdit && q.site.o.Workflows != nil
		if p.MayEdit && shown == 0 {
			p.Gone, err = q.site.o.Workflows.Gone(q.Context(), id)
		}
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

// moveWorkflow is POST /workflows/{id}/move: by one, or to before another.
func moveWorkflow(q *request) error {
	w, id, err := q.editor()
	if err != nil {
		return err
	}
	if q.Form.Has("before") { // dragged
		return q.told(w.Place(q.Context(), q.agent, id, q.id("before")), "", "/workflows")
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
	p.Template, p.On = q.Form.Get("template"), strings.TrimPrefix(q.field("number"), "#")
	number := int64(0)
	if p.On != "" {
		if number, err = strconv.ParseInt(p.On, 10, 64); err != nil || number < 1 {
			p.Errors = query.FieldErrors{"number": "Write the number of a conversation, such as 12, or nothing."}
			return q.html(422, view.Workflow(*p))
		}
	}
	sample, err := w.PreviewOn(q.Context(), q.agent, id, p.Template, number)
	if postroom.CodeOf(err) == postroom.NotFound && number > 0 {
		err = postroom.InvalidField("number", "There is no conversation %d.", number)
	}
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
	err = w.RewordWith(q.Context(), q.agent, id, int(q.id("base")), q.Form.Get("template"), q.field("do") == "anyway")
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
	err = w.RestoreWith(q.Context(), q.agent, id, int(version), q.field("do") == "anyway")
	if wrong := faults(err); wrong["tests"] != "" {
		p, err := q.workflow()
		if err != nil {
			return err
		}
		p.Errors, p.Restoring = wrong, int(version)
		return q.html(422, view.Workflow(*p))
	}
	return q.told(err, "The older version is published again.", workflowPath(id))
}
