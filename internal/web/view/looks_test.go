package view_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/launcher"
	"github.com/go-rod/rod/lib/proto"

	"postroom/internal/web/ui"
	"postroom/internal/web/view"
)

// gallery serves every sample page under the policy of the real ones, with
// what they bring after themselves: frames, pictures, the list.
func gallery(t testing.TB) http.Handler {
	t.Helper()
	assets, err := ui.New()
	if err != nil {
		t.Fatal(err)
	}
	pages := samples()
	mux := http.NewServeMux()
	mux.Handle("GET /assets/", assets)
	draw := func(w http.ResponseWriter, r *http.Request, policy, name string) {
		page, theme := pages[name], r.URL.Query().Get("theme")
		if page == nil {
			http.NotFound(w, r)
			return
		}
		var b strings.Builder
		if err := page.Render(r.Context(), &b); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", policy)
		out := b.String()
		if theme != "" {
			out = strings.ReplaceAll(out, `data-theme="system"`, `data-theme="`+theme+`"`)
		}
		_, _ = w.Write([]byte(out))
	}
	mux.HandleFunc("GET /gallery/{name}", func(w http.ResponseWriter, r *http.Request) {
		draw(w, r, view.ContentSecurityPolicy, r.PathValue("name"))
	})
	for _, path := range []string{"/messages/{id}/body", "/mails/{id}/html", "/demo/customers/{address}/mails/{n}/html"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { draw(w, r, view.BodyPolicy(false), "body") })
	}
	mux.HandleFunc("GET /folders/{folder}", func(w http.ResponseWriter, r *http.Request) {
		draw(w, r, view.ContentSecurityPolicy, "list-frame")
	})
	mux.HandleFunc("GET /palette", func(w http.ResponseWriter, r *http.Request) { draw(w, r, view.ContentSecurityPolicy, "palette") })
	mux.HandleFunc("GET /fragments/counts", func(w http.ResponseWriter, r *http.Request) {
		draw(w, r, view.ContentSecurityPolicy, "counts")
	})
	mux.HandleFunc("GET /attachments/{id}/{name}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/svg+xml")
		_, _ = w.Write([]byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 30"><rect width="40" height="30" fill="#b9c4d8"/><circle cx="20" cy="16" r="9" fill="#6d7f9e"/></svg>`))
	})
	return mux
}

// axeScript is the accessibility checker as npm ci leaves it. Nothing that is
// served holds any of it. Where it is not here the test is skipped by name, or
// fails if POSTROOM_NO_SKIP is 1.
func axeScript(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile("../ui/node_modules/axe-core/axe.min.js")
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("POSTROOM_NO_SKIP") != "1" {
		t.Skip("axe-core is not here: npm ci in internal/web/ui brings it")
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(script)
}

// parts are samples that are no page of their own.
var parts = []string{"list-frame", "counts", "palette", "upload", "body", "probe", "provider"}

// TestEveryPageHasItsLooks opens every sample page, and so every page there is
// (rules_test.go), at the size of a desk and of a phone, in light and in dark.
// Axe finds nothing serious, nothing is wider than a phone, no control stands
// beside its screen, and what a finger presses is large enough. With
// POSTROOM_PICTURES the pages are kept there as pictures.
func TestEveryPageHasItsLooks(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the looks are not taken with -short")
	}
	script := axeScript(t)
	bin, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("POSTROOM_NO_SKIP") == "1" {
			t.Fatal("Chromium is not here")
		}
		t.Skip("Chromium is not here")
	}
	server := httptest.NewServer(gallery(t))
	l := launcher.New().Bin(bin).Leakless(false).Headless(true).NoSandbox(true).UserDataDir(t.TempDir()).
		Set("disable-gpu").Set("disable-quic").Set("disable-background-networking").Set("disable-component-update").Set("disable-sync").Set("no-first-run").Set("disable-dev-shm-usage")
	address, err := l.Launch()
	if err != nil {
		t.Fatal(err)
	}
	browser := rod.New().ControlURL(address).MustConnect()
	page := browser.MustPage("about:blank")
	t.Cleanup(func() {
		_ = browser.Close()
		l.Kill()
		l.Cleanup()
		server.CloseClientConnections()
		server.Close()
	})
	var names []string
	for name := range samples() {
		if !slices.Contains(parts, name) && (os.Getenv("POSTROOM_PAGE") == "" || strings.HasPrefix(name, os.Getenv("POSTROOM_PAGE"))) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		looker{T: t, page: page.Timeout(90 * time.Second), name: name, script: script}.look(server.URL)
	}
}

// looker looks at one page.
type looker struct {
	*testing.T
	page         *rod.Page
	name, script string
}

func (l looker) look(base string) {
	l.Helper()
	defer l.page.CancelTimeout()
	l.size(1280, 860)
	l.theme("light")
	l.must(l.page.Navigate(base+"/gallery/"+l.name), "open")
	l.must(l.page.WaitLoad(), "load")
	_, err := proto.RuntimeEvaluate{Expression: l.script}.Call(l.page)
	l.must(err, "bring axe")
	all := `["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]`
	colours := `{ type: "rule", values: ["color-contrast"] }`
	l.accessible("light", all)
	l.theme("dark")
	l.accessible("dark", colours)
	l.size(390, 844)
	l.picture("dark, on a phone")
	l.theme("light")
	l.accessible("on a phone", all)
	l.fits()
}

func (l looker) must(err error, what string) {
	l.Helper()
	if err != nil {
		l.Fatalf("%s: %s: %v", l.name, what, err)
	}
}

func (l looker) size(width, height int) {
	l.must(l.page.SetViewport(&proto.EmulationSetDeviceMetricsOverride{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 600}), "resize")
}

func (l looker) theme(name string) {
	l.must(proto.EmulationSetEmulatedMedia{Features: []*proto.EmulationMediaFeature{{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}}}.Call(l.page), "theme")
}

func (l looker) accessible(how, rules string) {
	l.Helper()
	l.picture(how)
	r, err := l.page.Eval(`async () => {
		await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))
		const found = await axe.run(document, { iframes: false, resultTypes: ["violations"], runOnly: ` + rules + ` })
		return found.violations.filter((v) => v.impact === "serious" || v.impact === "critical").map((v) =>
			v.impact + " " + v.id + ": " + v.help + v.nodes.slice(0, 4).map((n) => "\n    " + n.html.slice(0, 160) + " — " + (n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message ?? "")).join("") + (v.nodes.length > 4 ? "\n    and " + (v.nodes.length - 4) + " more" : ""))
	}`)
	l.must(err, "axe "+how)
	for _, finding := range r.Value.Arr() {
		l.Errorf("%s (%s): %s", l.name, how, finding.Str())
	}
}

// fits checks what a phone asks of a page: nothing is wider than it, every
// control stands on the screen or in something that scrolls, and what is
// pressed is at least 44 pixels high and wide, links in a sentence apart.
func (l looker) fits() {
	l.Helper()
	r, err := l.page.Eval(`() => {
		const found = [], screen = 390
		const scrolls = (e) => { for (let p = e.parentElement; p; p = p.parentElement) { const s = getComputedStyle(p).overflowX; if (p.scrollWidth > p.clientWidth && (s === "auto" || s === "scroll")) return !p.matches("main, .timeline, .pane-list") } return false }
		const name = (e) => (e.id ? "#" + e.id : e.className && typeof e.className === "string" ? e.tagName.toLowerCase() + "." + e.className.replaceAll(" ", ".") : e.tagName.toLowerCase() + "[" + (e.name ?? "") + "]") + " “" + (e.innerText || e.getAttribute("aria-label") || "").trim().replace(/\s+/g, " ").slice(0, 30) + "”"
		for (const p of [document.documentElement, document.querySelector("main")]) if (p && p.scrollWidth > Math.min(screen, p.clientWidth) + 1) found.push((p.id || "the page") + " is " + p.scrollWidth + " pixels wide: " + [...document.querySelectorAll("main *")].filter((e) => (e.getBoundingClientRect().right > screen - parseFloat(getComputedStyle(p).paddingInlineEnd) || e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0) && !scrolls(e)).slice(0, 6).map(name).join(", "))
		for (const e of document.querySelectorAll("a[href], button, summary, select, textarea, input:not([type=hidden]), [role=tab]")) {
			if (!e.checkVisibility({ visibilityProperty: true }) || e.closest(".aside, .skip, .prose, .message-text") || e.disabled || e.tabIndex < 0) continue
			const own = e.getBoundingClientRect()
			if (own.width === 0 || getComputedStyle(e).clipPath !== "none") continue
			if ((own.right > screen + 1 || own.left < -1) && !scrolls(e)) found.push(name(e) + " stands beside the screen")
			if (getComputedStyle(e).display === "inline" || e.closest(".event, .facts")) continue // a word in a line
			const label = e.labels?.[0]?.getBoundingClientRect() ?? own
			const box = { width: Math.max(own.width, label.width), height: Math.max(own.height, label.height) }
			if (box.height < 43.5 || box.width < 43.5) found.push(name(e) + " is " + Math.round(box.width) + " × " + Math.round(box.height))
		}
		return [...new Set(found)]
	}`)
	l.must(err, "measure")
	for _, finding := range r.Value.Arr() {
		l.Errorf("%s (on a phone): %s", l.name, finding.Str())
	}
}

// picture keeps a screenshot in the folder POSTROOM_PICTURES, if there is one.
func (l looker) picture(how string) {
	dir := os.Getenv("POSTROOM_PICTURES")
	if dir == "" {
		return
	}
	data, err := l.page.Screenshot(false, nil)
	l.must(err, "picture")
	file := fmt.Sprintf("%s-%s.png", l.name, strings.NewReplacer(", on a ", "-", "on a ", "").Replace(how))
	l.must(os.WriteFile(filepath.Join(dir, file), data, 0o644), "keep the picture")
}
