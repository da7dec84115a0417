package web

import (
	"strconv"

	"postroom/internal/query"
	"postroom/internal/web/view"
)

// showRatings is GET /ratings.
func showRatings(q *request) error {
	v := q.URL.Query()
	ask := query.RatingsAsk{Value: v.Get("value"), After: v.Get("after")}
	ask.Mailbox, _ = strconv.ParseInt(v.Get("mailbox"), 10, 64)
	ask.Agent, _ = strconv.ParseInt(v.Get("agent"), 10, 64)
	ask.Days, _ = strconv.Atoi(v.Get("days"))
	p, err := q.site.o.Pages.Ratings(q.Context(), q.agent, ask, q.place("mailboxes"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.Ratings(*p), p)
}
