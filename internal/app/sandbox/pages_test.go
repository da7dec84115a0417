package sandbox

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"postroom/internal/db"
	"postroom/internal/desktest"
	"postroom/internal/web"
)

// browser asks for pages of the sandbox, as an admin whom the desk's own site
// has let through.
type browser struct {
	t     *testing.T
	pages http.Handler
	token string
}

// visits is a browser in the sandbox.
func visits(t *testing.T, d *desktest.Desk, s *Sandbox) *browser {
	t.Helper()
	token, err := s.Enter(t.Context(), d.Agent("ann").Agent, "", "")
	if err != nil {
		t.Fatal(err)
	}
	pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, err := s.Pages(r.Context())
		if err != nil {
			t.Fatal(err)
		}
		http.StripPrefix(web.SandboxBase, h).ServeHTTP(w, r)
	})
	return &browser{t: t, pages: pages, token: token}
}

func (b *browser) ask(method, path string, form url.Values) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if b.token != "" {
		r.AddCookie(&http.Cookie{Name: "postroom-sandbox", Value: b.token})
	}
	w := httptest.NewRecorder()
	b.pages.ServeHTTP(w, r)
	return w
}

var aLinkTo = regexp.MustCompile(` (?:href|src|action|formaction|data-[a-z-]+-url|data-url)="(/[^"]*)"`)

// No page of the sandbox leads to the desk, except by the door; each says where
// one is; and none of the desk's is broken by standing there.
func TestEachPageStaysInTheSandbox(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, db.SQLite)
	warned(d)
	s := made(t, d, web.SandboxAsk{Latest: 10})
	b := visits(t, d, s)
	skipped(t, s.house, 8*day)

	queue, seen := []string{web.SandboxBase + "/", web.SandboxBase + "/play"}, map[string]bool{}
	for n := 0; len(queue) > 0 && n < 110; n++ {
		path := queue[0]
		queue = queue[1:]
		got := b.ask("GET", path, nil)
		if got.Code >= 500 {
			t.Errorf("%s: %d", path, got.Code)
		}
		if to := got.Header().Get("Location"); to != "" && !strings.HasPrefix(to, web.SandboxBase+"/") && to != "/sandbox" {
			t.Errorf("%s leads to %s", path, to)
		} else if strings.HasPrefix(to, web.SandboxBase) && !seen[to] {
			seen[to] = true
			queue = append(queue, to)
		}
		page := got.Body.String()
		if got.Code == 303 {
			continue
		}
		if got.Code == 200 && strings.Contains(page, `id="folders"`) && strings.Contains(page, "<!doctype") && !strings.Contains(page, `id="sandbox-band"`) {
			t.Errorf("%s does not say that it is in the sandbox", path)
		}
		for _, m := range aLinkTo.FindAllStringSubmatch(page, -1) {
			link, _, _ := strings.Cut(strings.ReplaceAll(m[1], "&amp;", "&"), "#")
			switch {
			case strings.HasPrefix(link, "/assets/"):
			case !strings.HasPrefix(link, web.SandboxBase+"/"):
				t.Errorf("%s leads out of the sandbox, to %s", path, link)
			case !seen[link] && !strings.HasSuffix(link, "/events"):
				seen[link] = true
				queue = append(queue, link)
			}
		}
		if t.Failed() {
			return
		}
	}
	if len(seen) < 60 {
		t.Errorf("only %d pages were found", len(seen))
	}
}

// Whatever is sent to whichever address, nothing in the sandbox falls over for
// want of what was not built.
func TestClosedDoorsAnswer(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, db.SQLite)
	warned(d)
	s := made(t, d, web.SandboxAsk{Latest: 10})
	b := visits(t, d, s)
	box := strconv.FormatInt(d.Mailbox.ID, 10)
	fill := strings.NewReplacer("{number}", "1", "{name}", "google", "{id}", box, "{mailbox}", box, "{folder}", "mine", "{$}", "", "{n}", "1", "{verb}", "x", "{test}", "1", "{token}", "x", "{address}", "mara@lind.example", "{part}", "0")
	site, ok := s.house.closed.Pages.(*web.Site)
	if !ok {
		t.Fatal("the pages are no site")
	}
	doors := 0
	for _, r := range site.Routes() {
		if r.Pattern == "/events" || r.Pattern == "/play/skip" {
			continue
		}
		got := b.ask(r.Method, web.SandboxBase+fill.Replace(r.Pattern), url.Values{"host": {"mx.example"}, "address": {"a@b.example"}, "email": {"a@b.example"}})
		if got.Code >= 500 && got.Code != http.StatusServiceUnavailable { // which says why
			t.Errorf("%s %s: %d", r.Method, r.Pattern, got.Code)
		}
		if body, _ := io.ReadAll(got.Body); strings.Contains(string(body), "no connections to the outside") {
			doors++
		}
	}
	if doors < 20 {
		t.Errorf("only %d doors are closed", doors)
	}
	b.token = "another"
	if got := b.ask("GET", web.SandboxBase+"/folders/mine", nil); got.Code != 303 || got.Header().Get("Location") != "/sandbox" {
		t.Errorf("who has no session there: %d, to %q", got.Code, got.Header().Get("Location"))
	}
}
