package web

import (
	"strconv"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/web/view"
)

func backtestPath(id, job int64) string {
	path := workflowPath(id) + "/backtest"
	if job != 0 {
		path += "/" + strconv.FormatInt(job, 10)
	}
	return path
}

// showBacktests is GET /workflows/{id}/backtest: where one is begun.
func showBacktests(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	p, err := q.site.o.Pages.Backtests(q.Context(), q.agent, id, q.place("workflows"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	if _, older := versionOf(q.URL.Query().Get("of")); older {
		p.Of = q.URL.Query().Get("of")
	}
	return q.page(view.WorkflowBacktests(*p), p)
}

// versionOf reads the number of an older version.
func versionOf(of string) (number int, ok bool) {
	number, err := strconv.Atoi(of)
	return number, err == nil && number > 0
}

// startBacktest is POST /workflows/{id}/backtest.
func startBacktest(q *request) error {
	w, id, err := q.editor()
	if err != nil {
		return err
	}
	days, err := strconv.Atoi(q.field("days"))
	if err != nil {
		days = 0
	}
	version, _ := versionOf(q.field("of"))
	job, err := w.StartBacktest(q.Context(), q.agent, id, automate.BacktestAsk{Days: days, Draft: q.field("of") == "draft", Version: version})
	if wrong := faults(err); wrong != nil {
		p, err := q.site.o.Pages.Backtests(q.Context(), q.agent, id, q.place("workflows"))
		if err != nil {
			return err
		}
		q.dress(&p.Shell)
		p.Days, p.Of, p.Errors = q.field("days"), q.field("of"), wrong
		return q.html(422, view.WorkflowBacktests(*p))
	}
	if err != nil {
		return q.told(err, "", backtestPath(id, 0))
	}
	q.see(backtestPath(id, job))
	return nil
}

// showBacktest is GET /workflows/{id}/backtest/{job}.
func showBacktest(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	job, err := strconv.ParseInt(q.PathValue("job"), 10, 64)
	if err != nil {
		return postroom.Errorf(postroom.NotFound, "There is no such backtest.")
	}
	p, err := q.site.o.Pages.Backtest(q.Context(), q.agent, id, job, q.place("workflows"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.WorkflowBacktest(*p), p)
}
