package web

import (
	"context"
	"net/http"
	"strconv"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// Promises keeps what is promised about events and mails.
type Promises interface {
	List(ctx context.Context, by *postroom.Agent) (*query.PromisesPage, error)
	// Begin makes a new one that is still to be written and returns its id.
	Begin(ctx context.Context, by *postroom.Agent) (int64, error)
	Editor(ctx context.Context, by *postroom.Agent, promise int64, v automate.EditorView) (*query.PromisePage, error)
	SaveDraft(ctx context.Context, by *postroom.Agent, promise int64, f automate.Form, act string) (place string, err error)
	Publish(ctx context.Context, by *postroom.Agent, promise int64) (int, error)
	Discard(ctx context.Context, by *postroom.Agent, promise int64) error
	Switch(ctx context.Context, by *postroom.Agent, promise int64, on bool) error
	Delete(ctx context.Context, by *postroom.Agent, promise int64) error
	// Undelete brings a deleted one back, switched off.
	Undelete(ctx context.Context, by *postroom.Agent, promise int64) error
	// Restore publishes an older version again.
	Restore(ctx context.Context, by *postroom.Agent, promise int64, version int) error
	// Seen acknowledges the broken ones.
	Seen(ctx context.Context, by *postroom.Agent, promise int64) error
}

func promisePath(id int64) string { return "/promises/" + strconv.FormatInt(id, 10) }

// promises returns what keeps promises.
func (q *request) promises() (Promises, error) {
	if q.site.o.Promises == nil {
		return nil, postroom.Errorf(postroom.Unavailable, "There are no promises here.")
	}
	return q.site.o.Promises, nil
}

// showPromises is GET /promises.
func showPromises(q *request) error {
	w, err := q.promises()
	if err != nil {
		return err
	}
	p, err := w.List(q.Context(), q.agent)
	if err != nil {
		return err
	}
	if p.Shell, err = q.shell(q.place("workflows")); err != nil {
		return err
	}
	return q.page(view.Promises(*p), p)
}

// beginPromise is POST /promises.
func beginPromise(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	w, err := q.promises()
	if err != nil {
		return err
	}
	id, err := w.Begin(q.Context(), q.agent)
	if err != nil {
		return q.told(err, "", "/promises")
	}
	q.see(promisePath(id))
	return nil
}

// showPromise is GET /promises/{id}.
func showPromise(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	event, _ := strconv.ParseInt(q.URL.Query().Get("event"), 10, 64)
	p, err := q.promisePage(id, automate.EditorView{Trace: event})
	if err != nil {
		return err
	}
	p.Editor.At = q.takePlace()
	return q.page(view.Promise(*p), p)
}

func (q *request) promisePage(id int64, v automate.EditorView) (*query.PromisePage, error) {
	w, err := q.promises()
	if err != nil {
		return nil, err
	}
	p, err := w.Editor(q.Context(), q.agent, id, v)
	if err != nil {
		return nil, err
	}
	p.Editor.Shell, err = q.shell(q.place("workflows"))
	return p, err
}

// promiseAt returns what keeps promises and the id of the URL, with the form
// read.
func (q *request) promiseAt() (Promises, int64, error) {
	if err := q.fields(); err != nil {
		return nil, 0, err
	}
	w, err := q.promises()
	if err != nil {
		return nil, 0, err
	}
	id, err := q.number("id")
	return w, id, err
}

// savePromiseDraft is POST /promises/{id}/draft: what is typed is stored, with
// what the pressed button asks for. A script that saves by itself is answered
// without a page.
func savePromiseDraft(q *request) error {
	w, id, err := q.promiseAt()
	if err != nil {
		return err
	}
	act := q.field("do")
	quiet, publish := act == "autosave", act == "publish"
	switch act {
	case "publish", "autosave", "save":
		act = ""
	case "discard":
		to := promisePath(id)
		err := w.Discard(q.Context(), q.agent, id)
		if err == nil {
			if _, gone := w.Editor(q.Context(), q.agent, id, automate.EditorView{}); gone != nil {
				to = "/promises"
			}
		}
		return q.told(err, "The draft is thrown away.", to)
	}
	place, err := w.SaveDraft(q.Context(), q.agent, id, automate.Form(q.Form), act)
	number := 0
	if err == nil && publish {
		number, err = w.Publish(q.Context(), q.agent, id)
	}
	if wrong := automate.FieldFaults(err); wrong != nil {
		p, err := q.promisePage(id, automate.EditorView{Form: automate.Form(q.Form), Errors: wrong})
		if err != nil {
			return err
		}
		return q.html(http.StatusUnprocessableEntity, view.Promise(*p))
	}
	switch {
	case err != nil:
		return err
	case quiet:
		q.w.WriteHeader(http.StatusNoContent)
		return nil
	case publish:
		q.flash(query.Flash{Kind: "done", Text: "Version " + strconv.Itoa(number) + " is published, and watched from now on."})
		q.see(promisePath(id))
		return nil
	}
	q.showPlace(place)
	to := promisePath(id)
	if place != "" {
		to += "#" + place // for those without a script
	}
	q.see(to)
	return nil
}

// restorePromise is POST /promises/{id}/versions/{n}/restore.
func restorePromise(q *request) error {
	w, id, err := q.promiseAt()
	if err != nil {
		return err
	}
	version, err := q.number("n")
	if err != nil {
		return err
	}
	return q.told(w.Restore(q.Context(), q.agent, id, int(version)), "The older version is published again, and watched from now on.", promisePath(id))
}

// changePromise is POST /promises/{id}/{verb}: switch, delete, undelete, seen.
func changePromise(q *request) error {
	w, id, err := q.promiseAt()
	if err != nil {
		return err
	}
	switch q.PathValue("verb") {
	case "switch":
		return q.told(w.Switch(q.Context(), q.agent, id, q.ticked("on")), "", "/promises")
	case "delete":
		return q.told(w.Delete(q.Context(), q.agent, id), "The promise is deleted. It can be restored at the end of this page.", "/promises")
	case "undelete":
		return q.told(w.Undelete(q.Context(), q.agent, id), "The promise is back, switched off: nothing is watched until you switch it on.", promisePath(id))
	case "seen":
		return q.told(w.Seen(q.Context(), q.agent, id), "Its alarm is cleared.", promisePath(id))
	}
	return postroom.Errorf(postroom.NotFound, "There is no such page.")
}
