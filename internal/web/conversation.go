package web

import (
	"net/url"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// showConversation is GET /conversations/{number}.
func showConversation(q *request) error {
	number, err := q.number("number")
	if err != nil {
		return err
	}
	v := q.URL.Query()
	ask := query.ConversationAsk{Number: number, Compose: v.Get("compose")}
	for name, id := range map[string]*int64{"edit": &ask.Edit, "from": &ask.From, "history": &ask.History} {
		*id, _ = strconv.ParseInt(v.Get(name), 10, 64)
	}
	p, err := q.conversation(ask, q.place("desk"))
	if err != nil {
		return err
	}
	return q.page(view.Conversation(*p), p)
}

// conversation reads the page of a conversation with a list beside it.
func (q *request) conversation(ask query.ConversationAsk, place query.Place) (*query.ConversationPage, error) {
	p, err := q.site.o.Pages.Conversation(q.Context(), q.agent, ask, place)
	if err != nil {
		return nil, err
	}
	q.dress(&p.Shell)
	if p.Composer != nil {
		p.Composer.Return = listPath(p.Shell.Place)
	}
	return p, nil
}

// listPath is the list of a place.
func listPath(p query.Place) string {
	if p.Folder == "" {
		return "/"
	}
	v := placeValues(p)
	v.Del("folder")
	path := "/folders/" + url.PathEscape(p.Folder)
	if len(v) > 0 {
		path += "?" + v.Encode()
	}
	return path
}

func placeValues(p query.Place) url.Values {
	v := url.Values{}
	if p.Folder != "" {
		v.Set("folder", p.Folder)
	}
	if p.Mailbox != 0 {
		v.Set("mailbox", strconv.FormatInt(p.Mailbox, 10))
	}
	if p.Sort != "" {
		v.Set("sort", p.Sort)
	}
	return v
}

// conversationPath is the page of a conversation with the list beside it.
func conversationPath(number int64, p query.Place) string {
	path := "/conversations/" + strconv.FormatInt(number, 10)
	if v := placeValues(p); len(v) > 0 {
		path += "?" + v.Encode()
	}
	return path
}

// placeOfList reads back which list a return path leads to.
func placeOfList(path string) query.Place {
	p := query.Place{Section: "desk", Path: path}
	u, err := url.Parse(path)
	if err != nil {
		return p
	}
	v := u.Query()
	if folder, ok := strings.CutPrefix(u.Path, "/folders/"); ok {
		p.Folder = folder
	} else if strings.HasPrefix(u.Path, "/conversations/") {
		p.Folder = v.Get("folder")
	}
	p.Sort = v.Get("sort")
	p.Mailbox, _ = strconv.ParseInt(v.Get("mailbox"), 10, 64)
	return p
}

// ref finds the conversation of the URL, if the agent may see it, and where to
// go back to.
func (q *request) ref() (query.Ref, string, error) {
	number, err := q.number("number")
	if err != nil {
		return query.Ref{}, "", err
	}
	ref, err := q.site.o.Pages.Ref(q.Context(), q.agent, number)
	return ref, "/conversations/" + strconv.FormatInt(number, 10), err
}

// setStatus is POST /conversations/{number}/status.
func setStatus(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	ref, back, err := q.ref()
	if err != nil {
		return err
	}
	_, err = q.site.o.Desk.SetStatus(q.Context(), q.agent, ref.ID, postroom.Status(q.field("status")), q.path())
	return q.told(err, "", back)
}

// assign is POST /conversations/{number}/assign.
func assign(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	ref, back, err := q.ref()
	if err != nil {
		return err
	}
	to, err := q.assignee()
	if err == nil && to != nil {
		_, err = q.site.o.Desk.Assign(q.Context(), q.agent, ref.ID, *to, q.path())
	}
	return q.stay(ref, err, "", back)
}

// stay answers an act that may take the conversation out of what the agent may
// see: then they go on with the list, where they can still undo it.
func (q *request) stay(ref query.Ref, err error, done, back string) error {
	if err != nil {
		return q.told(err, done, back)
	}
	if _, gone := q.site.o.Pages.Ref(q.Context(), q.agent, ref.Number); postroom.CodeOf(gone) == postroom.NotFound {
		q.flash(query.Flash{Kind: "done", Text: "It is out of your sight now."})
		q.see(listPath(placeOfList(q.returnPath("/"))))
		return nil
	}
	return q.told(nil, done, back)
}

// changeTags is POST /conversations/{number}/tags.
func changeTags(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	ref, back, err := q.ref()
	if err != nil {
		return err
	}
	_, err = q.site.o.Desk.ChangeTags(q.Context(), q.agent, ref.ID, words(q.Form["add"]), words(q.Form["remove"]), q.path())
	return q.told(err, "", back)
}

// words splits fields at commas.
func words(fields []string) []string {
	var out []string
	for _, f := range fields {
		for w := range strings.SplitSeq(f, ",") {
			if w = strings.TrimSpace(w); w != "" {
				out = append(out, w)
			}
		}
	}
	return out
}

// setSubject is POST /conversations/{number}/subject.
func setSubject(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	ref, back, err := q.ref()
	if err != nil {
		return err
	}
	_, err = q.site.o.Desk.SetSubject(q.Context(), q.agent, ref.ID, q.Form.Get("subject"), q.path())
	return q.told(err, "", back)
}

// confirmSender is POST /conversations/{number}/confirm: somebody new may take
// part (T9).
func confirmSender(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	ref, back, err := q.ref()
	if err != nil {
		return err
	}
	_, err = q.site.o.Desk.ConfirmSender(q.Context(), q.agent, ref.ID, q.field("address"), q.path())
	return q.told(err, "", back)
}

// undo is POST /acts/{id}/undo. The conversation opens with the draft that the
// message became again.
func undo(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	id, err := q.number("id")
	if err != nil {
		return err
	}
	done, err := q.site.o.Desk.Undo(q.Context(), q.agent, id)
	if err != nil {
		return q.told(err, "", "/")
	}
	flash := query.Flash{Kind: "done", Text: "Undone."}
	if len(done.Kept) > 0 {
		flash = query.Flash{Kind: "warning", Text: "Undone, but for: " + strings.Join(done.Kept, "; ") + "."}
	}
	q.flash(flash)
	q.see(conversationPath(done.Number, placeOfList(q.returnPath("/"))))
	return nil
}

// showWhy is GET /conversations/{number}/why.
func showWhy(q *request) error {
	number, err := q.number("number")
	if err != nil {
		return err
	}
	v := q.URL.Query()
	var p *query.WhyPage
	if v.Has("event") {
		event, _ := strconv.ParseInt(v.Get("event"), 10, 64)
		from, _ := strconv.Atoi(v.Get("from"))
		if event < 1 {
			return postroom.Errorf(postroom.NotFound, "There is no such event here, or nobody listened for it.")
		}
		p, err = q.site.o.Pages.WhyOne(q.Context(), q.agent, number, event, from, q.place("desk"))
	} else if at, _ := strconv.ParseInt(v.Get("at"), 10, 64); at > 0 {
		p, err = q.site.o.Pages.WhyAt(q.Context(), q.agent, number, at, q.place("desk"))
	} else {
		p, err = q.site.o.Pages.Why(q.Context(), q.agent, number, q.place("desk"))
	}
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.Why(*p), p)
}

// whyOfEvent is GET /events/{id}/why: the why page, at an event.
func whyOfEvent(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	number, err := q.site.o.Pages.EventNumber(q.Context(), q.agent, id)
	if err != nil {
		return err
	}
	q.see("/conversations/" + strconv.FormatInt(number, 10) + "/why?at=" + strconv.FormatInt(id, 10) + "#event-" + strconv.FormatInt(id, 10))
	return nil
}

// judgeAgain is POST /events/{id}/judge.
func judgeAgain(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	id, err := q.number("id")
	if err != nil {
		return err
	}
	number, err := q.site.o.Pages.EventNumber(q.Context(), q.agent, id)
	if err != nil {
		return err
	}
	back := "/conversations/" + strconv.FormatInt(number, 10) + "/why"
	return q.told(q.site.o.Reactor.RetryEvent(q.Context(), q.agent, id), "Workflows look at it again.", back)
}
