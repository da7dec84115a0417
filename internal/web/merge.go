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

// showMerge is GET /conversations/{number}/merge?q=: it asks what the
// conversation is merged into.
func showMerge(q *request) error {
	number, err := q.number("number")
	if err != nil {
		return err
	}
	place := q.place("desk")
	p, err := q.site.o.Pages.Merge(q.Context(), q.agent, number, q.URL.Query().Get("q"), place)
	if err != nil {
		return err
	}
	p.Back = conversationPath(number, place)
	q.dress(&p.Shell)
	return q.page(view.Merge(*p), p)
}

// mergeInto is POST /conversations/{number}/merge/into: it leads to the conversation
// that both go on as, where it can be undone. What is refused leads back to the
// search.
func mergeInto(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	ref, back, err := q.ref()
	if err != nil {
		return err
	}
	number := q.id("into")
	into, err := q.site.o.Pages.Ref(q.Context(), q.agent, number)
	if err == nil {
		_, err = q.site.o.Desk.Merge(q.Context(), q.agent, ref.ID, into.ID, q.path())
	}
	if err != nil {
		v := url.Values{"q": {q.field("q")}}
		q.Form.Del("return")
		return q.told(err, "", conversationPath(ref.Number, query.Place{})+"/merge?"+v.Encode())
	}
	place := placeOfList(q.returnPath(back))
	q.Form.Del("return")
	q.see(conversationPath(number, place))
	return nil
}

// mergeBulk reads into which conversation a selection is merged: the oldest of
// them, or the one with a number.
func (q *request) mergeBulk(value string) (desk.Bulk, error) {
	if value == "number" {
		value = strings.TrimPrefix(strings.TrimSpace(q.field("into")), "#")
	}
	if value == "oldest" {
		return desk.Bulk{MergeOldest: true}, nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 1 {
		return desk.Bulk{}, postroom.InvalidField("into", "Say into which conversation, by its number.")
	}
	return desk.Bulk{Merge: n}, nil
}
