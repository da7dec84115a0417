package journey_test

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/go-rod/rod/lib/proto"
)

// axeFile is the accessibility checker as npm ci leaves it. It is a tool of
// the tests: nothing that is served holds any of it.
const axeFile = "../web/ui/node_modules/axe-core/axe.min.js"

// axe returns the checker's script; where npm ci was not run the test is
// skipped by name, or fails if POSTROOM_NO_SKIP is 1.
func axe(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile(axeFile)
	if errors.Is(err, fs.ErrNotExist) {
		if os.Getenv("POSTROOM_NO_SKIP") == "1" {
			t.Fatal("axe-core is not here: run npm ci in internal/web/ui")
		}
		t.Skip("axe-core is not here: npm ci in internal/web/ui brings it")
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(script)
}

// TestAccess has axe look at the main pages in light and in dark, wide and on
// a phone. A serious or critical finding fails.
func TestAccess(t *testing.T) {
	t.Parallel()
	script := axe(t)
	w := newWalker(t)
	w.open("/signin")
	w.accessible(script, "/signin", "light")
	w.open("/demo/customers")
	w.holds(`document.querySelector("main .person").getBoundingClientRect().top > 48`)
	w.accessible(script, "the customer view without a sign-in", "light")
	w.signIn("ann@brightwater.example")
	number, customer := w.openWaiting()
	conversation := "/conversations/" + number + "?folder=unassigned"

	// A closed one has a receipt, a journey and something under Why?.
	w.open(conversation)
	w.compose("A new part is on its way to you.")
	w.click("button.send-close", "Send & Close")
	w.read(".receipt", "notice accepted by")
	journey := w.value(`document.querySelector(".receipt a[href^='/mails/']").getAttribute("href")`)
	workflow := func() string {
		w.open("/workflows")
		return w.value(`document.querySelector(".workflow h2 a").getAttribute("href")`)
	}()
	paths := []string{"/folders/unassigned", "/folders/spam", conversation, conversation + "&compose=reply", conversation + "&compose=note", "/conversations/" + number + "/why", journey,
		"/mails", "/queue", "/inbound", "/alarms", "/workflows", workflow, workflow + "/edit", "/workflows/new", "/mailboxes", "/mailboxes/new", "/agents", "/system", "/profile", "/demo/customers/" + customer}
	w.open("/demo/customers/" + customer)
	w.inColumn()
	for _, theme := range []string{"light", "dark"} {
		w.theme(theme)
		w.size(1440, 900)
		for _, path := range paths {
			w.open(path)
			w.settled(path)
			w.picture(theme + strings.NewReplacer("/", "-", "?", "-", "&", "-").Replace(path))
			w.accessible(script, path, theme)
		}
	}
	w.size(390, 844)
	for _, path := range []string{"/folders/unassigned", conversation, conversation + "&compose=reply", workflow + "/edit"} {
		w.open(path)
		w.settled(path)
		w.accessible(script, path, "dark, on a phone")
	}
}

// inColumn checks that the customer view's list of people stays beside the
// mails, however long a subject is.
func (w *walker) inColumn() {
	w.Helper()
	if got := w.value(`[...document.querySelectorAll(".demo-side .person")].filter((e) => e.scrollWidth > e.clientWidth || e.getBoundingClientRect().right > document.querySelector(".demo-inbox").getBoundingClientRect().left).length`); got != "0" {
		w.Errorf("%s people of the customer view stand over the mails", got)
	}
}

// theme has the browser prefer light or dark.
func (w *walker) theme(name string) {
	w.Helper()
	w.must(proto.EmulationSetEmulatedMedia{Features: []*proto.EmulationMediaFeature{{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}}}.Call(w.page), "theme %s", name)
}

// settled waits until what a page brings after itself is there: the list
// beside a conversation, the editor.
func (w *walker) settled(path string) {
	w.Helper()
	if strings.Contains(path, "folder=") {
		w.holds(`document.querySelector("#list .row") || innerWidth < 900`)
	}
	if strings.Contains(path, "compose=") {
		w.see(".ProseMirror")
	}
}

// accessible runs axe over the page as it stands. The debugger may evaluate
// what the page's own policy would refuse. Frames are left out: a mail's HTML
// is its sender's.
func (w *walker) accessible(script, path, how string) {
	w.Helper()
	_, err := proto.RuntimeEvaluate{Expression: script}.Call(w.patient())
	w.must(err, "bring axe to %s", path)
	r, err := w.patient().Eval(`async () => {
		const found = await axe.run(document, { iframes: false, resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })
		return found.violations.filter((v) => v.impact === "serious" || v.impact === "critical").map((v) =>
			v.impact + " " + v.id + ": " + v.help + v.nodes.slice(0, 4).map((n) => "\n    " + n.html.slice(0, 160) + " — " + (n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message ?? "")).join("") + (v.nodes.length > 4 ? "\n    and " + (v.nodes.length - 4) + " more" : ""))
	}`)
	w.must(err, "axe on %s", path)
	for _, finding := range r.Value.Arr() {
		w.Errorf("%s (%s): %s", path, how, finding.Str())
	}
}
