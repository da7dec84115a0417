package web

import (
	"net/url"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// startBulk is POST /bulk.
func startBulk(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	b, err := q.bulk()
	if err != nil {
		return q.told(err, "", "/")
	}
	if q.ticked("all") {
		b.Numbers, err = q.site.o.Pages.Selection(q.Context(), q.agent, query.ListAsk{Folder: q.field("folder"), Mailbox: q.id("mailbox")})
		if err != nil {
			return q.told(err, "", "/")
		}
	} else {
		b.Numbers = q.ids("conversation")
	}
	job, err := q.site.o.Desk.StartBulk(q.Context(), q.agent, b)
	if err != nil {
		return q.told(err, "", "/")
	}
	q.see("/jobs/" + strconv.FormatInt(job, 10) + "?return=" + url.QueryEscape(q.returnPath("/")))
	return nil
}

// bulk reads what is to be done with a selection.
func (q *request) bulk() (desk.Bulk, error) {
	what, value, _ := strings.Cut(q.field("do"), ":")
	switch what {
	case "status":
		s, err := postroom.ParseStatus(value)
		return desk.Bulk{Status: s}, err
	case "assign":
		id, err := strconv.ParseInt(value, 10, 64)
		if err != nil || id < 0 {
			return desk.Bulk{}, postroom.InvalidField("do", "%q is not an agent.", value)
		}
		return desk.Bulk{Assignee: &id}, nil
	case "team":
		id, err := strconv.ParseInt(value, 10, 64)
		if err != nil || id < 0 {
			return desk.Bulk{}, postroom.InvalidField("do", "%q is not a team.", value)
		}
		return desk.Bulk{Team: &id}, nil
	case "move":
		id, err := strconv.ParseInt(value, 10, 64)
		if err != nil || id < 1 {
			return desk.Bulk{}, postroom.InvalidField("do", "%q is not a mailbox.", value)
		}
		return desk.Bulk{Move: id}, nil
	case "merge":
		return q.mergeBulk(value)
	case "run":
		id, _ := strconv.ParseInt(value, 10, 64)
		w, err := q.startable(id)
		return desk.Bulk{Run: &w}, err
	case "snooze":
		until, err := q.snoozeOf(value)
		return desk.Bulk{Snooze: until}, err
	case "field":
		path, value, chosen := strings.Cut(q.field("field"), "=")
		if !chosen {
			value = q.field("value")
		}
		f, err := q.site.o.Desk.BulkField(q.Context(), path, value)
		return desk.Bulk{Field: f}, err
	case "wake":
		return desk.Bulk{Wake: true}, nil
	case "delete":
		return desk.Bulk{Delete: true}, nil
	case "restore":
		return desk.Bulk{Restore: true}, nil
	case "tag":
		return desk.Bulk{AddTags: words(q.Form["tag"])}, nil
	case "untag":
		return desk.Bulk{RemoveTags: words(q.Form["tag"])}, nil
	}
	return desk.Bulk{}, postroom.InvalidField("do", "Choose what to do with the selection.")
}

// showJob is GET /jobs/{id}.
func showJob(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	of, err := q.site.o.Pages.BacktestOf(q.Context(), id)
	if err != nil {
		return err
	}
	if of != 0 {
		q.see(backtestPath(of, id)) // which asks who may see it
		return nil
	}
	back := localPath(q.URL.Query().Get("return"), "/")
	place := placeOfList(back)
	place.Path = q.URL.RequestURI()
	p, err := q.site.o.Pages.Job(q.Context(), q.agent, id, place, back)
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.Job(*p), p)
}

// undoJob is POST /jobs/{id}/undo.
func undoJob(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	id, err := q.number("id")
	if err != nil {
		return err
	}
	return q.told(q.site.o.Desk.UndoBulk(q.Context(), q.agent, id), "", "/jobs/"+strconv.FormatInt(id, 10))
}

// cancelJob is POST /jobs/{id}/cancel: what is done stays done.
func cancelJob(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	id, err := q.number("id")
	if err != nil {
		return err
	}
	return q.told(q.site.o.Desk.CancelJob(q.Context(), q.agent, id), "", "/jobs/"+strconv.FormatInt(id, 10))
}
