package web

import (
	"strconv"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/web/view"
)

// tryVersion is GET /workflows/{id}/versions/{n}/try: what a version that was
// published once would do at a moment of a conversation.
func tryVersion(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(q.PathValue("n"))
	if err != nil || n < 1 {
		return postroom.Errorf(postroom.NotFound, "There is no such version.")
	}
	w := q.site.o.Workflows
	if w == nil {
		return postroom.Errorf(postroom.Unavailable, "Workflows cannot be tried here.")
	}
	p, err := w.TryVersion(q.Context(), q.agent, id, n, automate.EditorView{On: q.URL.Query().Get("on"), Moment: q.URL.Query().Get("moment")})
	if err != nil {
		return err
	}
	if p.Shell, err = q.shell(q.place("workflows")); err != nil {
		return err
	}
	return q.page(view.TryVersion(*p), p)
}
