package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// component is something a page consists of.
type component interface {
	Render(ctx context.Context, w io.Writer) error
}

// compressFrom is the size from which compressing saves a packet.
const compressFrom = 1200

// page answers 200 with a page made of data. The answer has an ETag over the
// data, but for the second it was read in, so that a live page that asks again
// is told in a few bytes that nothing changed.
func (q *request) page(c component, data any) error {
	if q.Method == http.MethodGet {
		tag, err := q.etag(data)
		if err != nil {
			return err
		}
		q.w.Header().Set("ETag", tag)
		if matches(q.Header.Get("If-None-Match"), tag) {
			q.cacheable()
			q.w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	return q.html(http.StatusOK, c)
}

var nows = regexp.MustCompile(`"Now":\d+`)

// etag hashes the page's data with the minute instead of the moment: what a
// page says of times changes by the minute.
func (q *request) etag(data any) (string, error) {
	b, err := json.Marshal(data)
	if err != nil {
		return "", fmt.Errorf("hash a page: %w", err)
	}
	h := sha256.New()
	h.Write(nows.ReplaceAll(b, nil))
	fmt.Fprintln(h, q.site.o.Pages.Now()/60_000, q.Header.Get("Turbo-Frame"), q.URL.RequestURI(), view.ContentSecurityPolicy)
	return `W/"` + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:12]) + `"`, nil
}

func matches(header, tag string) bool {
	for t := range strings.SplitSeq(header, ",") {
		if t = strings.TrimSpace(t); t == tag || t == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// html draws a component and answers with it.
func (q *request) html(status int, c component) error {
	var b bytes.Buffer
	if err := c.Render(q.Context(), &b); err != nil {
		return fmt.Errorf("draw a page: %w", err)
	}
	h := q.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	q.cacheable()
	q.body(status, mounted(b.Bytes(), q.site.o.Base))
	return nil
}

// cacheable lets the browser keep the page for Back and ask before showing it
// otherwise.
func (q *request) cacheable() {
	h := q.w.Header()
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "private, no-cache")
	}
	h.Add("Vary", "Accept-Encoding")
	h.Add("Vary", "Cookie")
	h.Add("Vary", "Turbo-Frame")
}

// body writes an answer, compressed where the browser takes it.
func (q *request) body(status int, b []byte) {
	h := q.w.Header()
	if len(b) < compressFrom || !strings.Contains(q.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Length", strconv.Itoa(len(b)))
		q.w.WriteHeader(status)
		_, _ = q.w.Write(b) // a browser that is gone needs no answer
		return
	}
	h.Set("Content-Encoding", "gzip")
	q.w.WriteHeader(status)
	z := q.site.gzips.Get().(*gzip.Writer)
	defer q.site.gzips.Put(z)
	z.Reset(q.w)
	_, _ = z.Write(b)
	_ = z.Close()
}

// statuses is the one table from codes to answers.
var statuses = map[postroom.Code]int{
	postroom.Invalid:      http.StatusUnprocessableEntity,
	postroom.Unauthorized: http.StatusUnauthorized,
	postroom.Forbidden:    http.StatusForbidden,
	postroom.NotFound:     http.StatusNotFound,
	postroom.Conflict:     http.StatusConflict,
	postroom.Busy:         http.StatusTooManyRequests,
	postroom.Unavailable:  http.StatusServiceUnavailable,
	postroom.Internal:     http.StatusInternalServerError,
}

// fail answers with an error. What is our own fault is logged here, once, with
// the id the page shows.
func (q *request) fail(err error) {
	if q.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return // the browser has gone
	}
	var large *http.MaxBytesError
	status, text := statuses[postroom.CodeOf(err)], postroom.TextOf(err)
	switch {
	case errors.As(err, &large):
		status, text = http.StatusRequestEntityTooLarge, fmt.Sprintf("That is more than %d MB at once.", large.Limit>>20)
	case status >= 500:
		q.site.log.Error("a page failed", "request", q.mark, "method", q.Method, "path", q.URL.Path, "error", err)
	}
	if status == http.StatusUnauthorized {
		q.signInFirst()
		return
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		q.w.Header().Set("Retry-After", "10")
	}
	p := query.ErrorPage{Status: status, Text: text, Back: q.returnPath("/")}
	if status >= 500 {
		p.RequestID = q.mark
	} else if q.agent != nil && !q.fragment() {
		if shell, err := q.shell(query.Place{Section: "desk", Path: "/"}); err == nil {
			p.Shell = &shell
		}
	}
	q.w.Header().Set("Cache-Control", "no-store")
	if err := q.html(status, view.Error(p)); err != nil {
		http.Error(q.w, http.StatusText(status), status)
	}
}

// fragment reports whether a script asks, which wants no page in the answer.
func (q *request) fragment() bool {
	return q.Header.Get("X-Postroom-Live") != "" || q.Header.Get("Turbo-Frame") != "" || strings.HasPrefix(q.URL.Path, "/fragments/") || q.URL.Path == "/events"
}

// signInFirst leads to the sign-in page, and back to where one wanted to go.
func (q *request) signInFirst() {
	q.w.Header().Set("Cache-Control", "no-store")
	if q.fragment() {
		q.w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if q.site.o.Play != nil {
		q.leave("/sandbox")
		return
	}
	next := "/signin"
	if q.Method == http.MethodGet && q.URL.Path != "/" {
		next += "?next=" + url.QueryEscape(q.URL.RequestURI())
	}
	q.see(next)
}

// see answers 303: the form was done, go there.
func (q *request) see(path string) {
	q.w.Header().Set("Cache-Control", "no-store")
	http.Redirect(q.w, q.Request, q.site.o.Base+path, http.StatusSeeOther)
}

// done answers a form that was done: back to where it stood.
func (q *request) done(flash *query.Flash, otherwise string) error {
	if flash != nil {
		q.flash(*flash)
	}
	q.see(q.returnPath(otherwise))
	return nil
}

// told answers a small form: what was refused with a sentence stands at the
// top of the page it came from, everything else is an error page.
func (q *request) told(err error, done, otherwise string) error {
	switch postroom.CodeOf(err) {
	case "":
		if done == "" {
			return q.done(nil, otherwise)
		}
		return q.done(&query.Flash{Kind: "done", Text: done}, otherwise)
	case postroom.Invalid, postroom.Conflict:
		return q.done(&query.Flash{Kind: "error", Text: postroom.TextOf(err)}, otherwise)
	}
	return err
}

// flashCookie carries one sentence to the next page.
const flashCookie = "postroom_flash"

func (q *request) flash(f query.Flash) {
	b, err := json.Marshal(f)
	if err == nil {
		q.setCookie(flashCookie, base64.RawURLEncoding.EncodeToString(b), 60, false)
	}
}

// takeFlash returns the sentence and forgets it. A page that is fetched ahead
// leaves it for the one that is shown.
func (q *request) takeFlash() *query.Flash {
	if q.Method != http.MethodGet || q.fragment() || strings.Contains(q.Header.Get("Sec-Purpose")+q.Header.Get("X-Sec-Purpose"), "prefetch") {
		return nil
	}
	c, err := q.Cookie(flashCookie)
	if err != nil {
		return nil
	}
	q.setCookie(flashCookie, "", -1, false)
	b, err := base64.RawURLEncoding.DecodeString(c.Value)
	var f query.Flash
	if err != nil || json.Unmarshal(b, &f) != nil || f.Text == "" || localPath(f.Href, "") != f.Href {
		return nil
	}
	return &f
}

// shell reads the frame of a page and puts in what only the browser knows.
func (q *request) shell(place query.Place) (query.Shell, error) {
	s, err := q.site.o.Pages.Shell(q.Context(), q.agent, place)
	q.dress(&s)
	return s, err
}

// densityCookie keeps how dense this browser's lists are.
const densityCookie = "postroom_density"

func (q *request) dress(s *query.Shell) {
	s.Flash = q.takeFlash()
	if q.site.o.Play != nil {
		f := q.site.o.Play.Frame()
		s.Sandbox = &f
	}
	s.Sandboxes = q.site.o.Sandbox != nil
	if c, err := q.Cookie(densityCookie); err == nil && c.Value == "compact" {
		s.Me.Density = "compact"
	}
}

// place says where in the desk a page is; list pages and conversations carry
// their list in the query.
func (q *request) place(section string) query.Place {
	p := query.Place{Section: section, Path: q.URL.RequestURI()}
	if section == "desk" {
		v := q.URL.Query()
		p.Folder, p.Sort = v.Get("folder"), v.Get("sort")
		p.Mailbox, _ = strconv.ParseInt(v.Get("mailbox"), 10, 64)
	}
	return p
}
