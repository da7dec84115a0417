package web

import (
	"strconv"

	"postroom/internal/query"
	"postroom/internal/web/view"
)

// home is GET /: the folder an agent begins in.
func home(q *request) error {
	folder, err := q.site.o.Pages.Home(q.Context(), q.agent)
	if err != nil {
		return err
	}
	q.see("/folders/" + folder)
	return nil
}

// listAsk reads which list a URL names.
func (q *request) listAsk(folder string) query.ListAsk {
	v := q.URL.Query()
	ask := query.ListAsk{Folder: folder, Sort: v.Get("sort"), After: v.Get("after"), Before: v.Get("before")}
	ask.Mailbox, _ = strconv.ParseInt(v.Get("mailbox"), 10, 64)
	return ask
}

// showFolder is GET /folders/{folder}: the page, or with "Turbo-Frame: list"
// the list alone.
func showFolder(q *request) error {
	ask := q.listAsk(q.PathValue("folder"))
	place := q.place("desk")
	place.Folder = ask.Folder
	shell, err := q.shell(place)
	if err != nil {
		return err
	}
	list, err := q.site.o.Pages.List(q.Context(), q.agent, ask, shell)
	if err != nil {
		return err
	}
	p := query.ListPage{Shell: shell, List: list}
	if q.Header.Get("Turbo-Frame") == "list" {
		p.Shell.Undo, p.Shell.Flash = nil, nil
		return q.page(view.ListFrame(p), p)
	}
	return q.page(view.List(p), p)
}

// showCounts is GET /fragments/counts: the folder pane and the alarm badge.
func showCounts(q *request) error {
	place := q.place("desk")
	shell, err := q.shell(place)
	if err != nil {
		return err
	}
	return q.page(view.Counts(shell), shell)
}

// showPalette is GET /palette?q=.
func showPalette(q *request) error {
	text := q.URL.Query().Get("q")
	if q.Header.Get("Turbo-Frame") == "palette" {
		p, err := q.site.o.Pages.Palette(q.Context(), q.agent, text, nil)
		if err != nil {
			return err
		}
		return q.page(view.PaletteResults(*p), p)
	}
	shell, err := q.shell(q.place("desk"))
	if err != nil {
		return err
	}
	p, err := q.site.o.Pages.Palette(q.Context(), q.agent, text, &shell)
	if err != nil {
		return err
	}
	return q.page(view.Palette(*p), p)
}
