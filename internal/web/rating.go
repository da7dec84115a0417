package web

import (
	"errors"
	"net/http"
	"strings"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// byRating is the way of customers who follow a link of a mail.
var byRating = []postroom.Path{postroom.PathRating}

// byPage is the way of agents who open a conversation.
var byPage = []postroom.Path{postroom.PathPage}

// showRate is GET /rate/{token}: where the links of a mail lead. It changes
// nothing, because programs that look for evil in mails follow them too; what
// the link chose is chosen in the form.
func showRate(q *request) error {
	p, err := q.ratePage()
	if err != nil {
		return q.rateFault(p, err)
	}
	if v, err := postroom.ParseRating(q.URL.Query().Get("r")); err == nil && p.Open {
		p.Chosen = string(v)
	}
	return q.rateHTML(http.StatusOK, p)
}

// rate is POST /rate/{token}. Its token is the right to do so: it needs no
// session and knows no cookie, so there is nothing that another site could
// borrow.
func rate(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	p, err := q.ratePage()
	if err != nil {
		return q.rateFault(p, err)
	}
	p.Chosen, p.Comment = q.field("rating"), q.Form.Get("comment")
	if !p.Open {
		return q.rateHTML(statuses[postroom.Conflict], p)
	}
	if err := q.site.o.Desk.Rate(q.Context(), p.Token, p.Chosen, p.Comment, q.site.clientIP(q.Request)); err != nil {
		return q.rateFault(p, err)
	}
	q.rateHeaders()
	http.Redirect(q.w, q.Request, q.site.o.Base+desk.RatePath+p.Token, http.StatusSeeOther)
	return nil
}

// ratePage reads what the link is about.
func (q *request) ratePage() (query.RatePage, error) {
	p := query.RatePage{Token: q.PathValue("token"), Words: postroom.RatingTextFor(q.languages()...)}
	a, err := q.site.o.Desk.RatingAsk(q.Context(), p.Token)
	if err != nil {
		p.Closed = p.Words.Gone
		return p, err
	}
	if a.Language != "" {
		p.Words = postroom.RatingTextFor(a.Language)
	}
	p.Mailbox, p.Open, p.Given, p.Chosen, p.Comment = a.Mailbox, a.Open(), string(a.Value), string(a.Value), a.Comment
	switch {
	case a.Gone:
		p.Closed, p.Given, p.Comment = p.Words.Gone, "", ""
	case a.Late:
		p.Closed = p.Words.Late
	}
	return p, nil
}

// languages are those that the browser asks for, the first ones of them.
func (q *request) languages() (out []string) {
	for i, part := range strings.Split(q.Header.Get("Accept-Language"), ",") {
		if i == 5 {
			break
		}
		tag, _, _ := strings.Cut(part, ";")
		if tag, ok := postroom.ParseLanguage(tag); ok {
			out = append(out, tag)
		}
	}
	return out
}

// rateFault answers with the page and what was wrong, in the customer's
// language. What is our own fault is left to the common page.
func (q *request) rateFault(p query.RatePage, err error) error {
	var fault *postroom.Error
	if !errors.As(err, &fault) {
		return err
	}
	switch {
	case fault.Code == postroom.Invalid && fault.Field == "comment":
		p.Error = p.Words.Long
	case fault.Code == postroom.Invalid:
		p.Error, p.Chosen = p.Words.Choose, p.Given
	case fault.Code == postroom.Busy:
		p.Error = p.Words.Often
		q.w.Header().Set("Retry-After", "300")
	case fault.Code == postroom.Conflict, fault.Code == postroom.NotFound:
		p.Open, p.Closed, p.Given = false, p.Words.Gone, ""
	default:
		return err
	}
	return q.rateHTML(statuses[fault.Code], p)
}

func (q *request) rateHTML(status int, p query.RatePage) error {
	q.rateHeaders()
	return q.html(status, view.Rate(p))
}

// rateHeaders keep the link from leaving by the page: nobody is told where a
// visitor comes from, nothing is stored, no search engine lists it, and nothing
// runs.
func (q *request) rateHeaders() {
	h := q.w.Header()
	h.Set("Content-Security-Policy", view.RatePolicy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Robots-Tag", "noindex, nofollow")
}

// secretPaths are paths whose next step is as good as a password: the log has
// them without it.
var secretPaths = []string{desk.RatePath, "/password/"}

// pathForLog is a path as the log shows it.
func pathForLog(path string) string {
	for _, secret := range secretPaths {
		if before, _, found := strings.Cut(path, secret); found {
			return before + secret + "…"
		}
	}
	return path
}
