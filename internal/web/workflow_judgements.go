package web

import (
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// showJudgements is GET /workflows/{id}/judgements.
func showJudgements(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	v := q.URL.Query()
	p, err := q.site.o.Pages.Judgements(q.Context(), q.agent, id, query.JudgementsAsk{Verdict: v.Get("verdict"), Before: v.Get("before")}, q.place("workflows"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.WorkflowJudgements(*p), p)
}
