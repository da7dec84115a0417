// Package journey walks through the product as its users do: the real program,
// a real browser.
package journey_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/launcher"
	"github.com/go-rod/rod/lib/launcher/flags"
	"github.com/go-rod/rod/lib/proto"

	"postroom/internal/dbtest"
)

// patience is how long a step may take before the walk is given up. It is no
// measure of speed: the machine may be busy.
const patience = 90 * time.Second

// TestMain leaves the walks out with -short: they drive a program of their
// own, in which a race detector over the test would see nothing.
func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("the journeys are not walked with -short")
		return
	}
	dbtest.Main(m)
}

// chromium returns the browser's path; where there is none the walk is
// skipped by name, or fails if POSTROOM_NO_SKIP is 1.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("POSTROOM_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	if os.Getenv("POSTROOM_NO_SKIP") == "1" {
		t.Fatal("there is no Chromium on this machine")
	}
	t.Skip("there is no Chromium on this machine")
	return ""
}

// program builds the program and returns its path.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "postroom")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./cmd/postroom")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// demo builds and starts the demo and returns its address.
func demo(t *testing.T) string {
	t.Helper()
	program := program(t)
	// The test's own context would kill it; it is to stop in its own time.
	run := exec.CommandContext(context.WithoutCancel(t.Context()), program, "demo", "--http", "127.0.0.1:0")
	run.Stderr = os.Stderr
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		run.Process.Signal(syscall.SIGTERM)
		if err := run.Wait(); err != nil {
			t.Errorf("the demo did not end well: %v", err)
		}
	})
	address := regexp.MustCompile(`http://\S+`)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if base := address.FindString(lines.Text()); base != "" {
			go func() {
				for lines.Scan() {
				}
			}()
			return strings.TrimRight(base, "/")
		}
	}
	t.Fatal("the demo printed no address")
	return ""
}

// walker is a person with a browser.
type walker struct {
	*testing.T
	page *rod.Page
	base string
	shot int
}

func newWalker(t *testing.T) *walker {
	t.Helper()
	path := chromium(t)
	return walkerAt(t, path, demo(t))
}

// walkerAt is a person with a browser of their own at a desk.
func walkerAt(t *testing.T, path, base string) *walker {
	t.Helper()
	l := launcher.New().Bin(path).Leakless(false).NoSandbox(true).Headless(true).UserDataDir(t.TempDir())
	for _, flag := range []string{"disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage"} {
		l = l.Set(flags.Flag(flag))
	}
	control, err := l.Launch()
	if err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	browser := rod.New().ControlURL(control)
	if err := browser.Connect(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		browser.Close()
		l.Kill()
		l.Cleanup()
	})
	page, err := browser.Page(proto.TargetCreateTarget{URL: "about:blank"})
	if err != nil {
		t.Fatal(err)
	}
	w := &walker{T: t, page: page, base: base}
	w.size(1440, 900)
	return w
}

func (w *walker) must(err error, what string, args ...any) {
	w.Helper()
	if err != nil {
		w.picture("failed")
		w.Fatalf("%s: %v", fmt.Sprintf(what, args...), err)
	}
}

func (w *walker) patient() *rod.Page { return w.page.Timeout(patience) }

func (w *walker) size(width, height int) {
	w.must(w.page.SetViewport(&proto.EmulationSetDeviceMetricsOverride{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 600}), "resize")
}

// open goes to a path.
func (w *walker) open(path string) {
	w.Helper()
	p := w.patient()
	err := p.Navigate(w.base + path)
	if aborted := new(rod.NavigationError); errors.As(err, &aborted) && aborted.Reason == "net::ERR_ABORTED" {
		err = p.Navigate(w.base + path) // the page was going somewhere itself, as after Back
	}
	w.must(err, "open %s", path)
	w.must(p.WaitLoad(), "load %s", path)
}

// see waits for an element and returns it.
func (w *walker) see(selector string) *rod.Element {
	w.Helper()
	e, err := w.patient().Element(selector)
	w.must(err, "see %s", selector)
	return e
}

// read waits for an element whose text matches and returns it.
func (w *walker) read(selector, pattern string) *rod.Element {
	w.Helper()
	e, err := w.patient().ElementR(selector, pattern)
	w.must(err, "read %q in %s", pattern, selector)
	return e
}

// click presses a visible element; its text must match if pattern is not "".
func (w *walker) click(selector, pattern string) {
	w.Helper()
	if pattern == "" {
		pattern = "."
	}
	// The page may be drawn anew between finding and pressing: then look again.
	for end := time.Now().Add(patience); ; {
		e, err := w.patient().ElementR(selector, pattern)
		if err == nil {
			// What was drawn anew meanwhile never comes into sight any more.
			err = e.Timeout(10*time.Second).Click(proto.InputMouseButtonLeft, 1)
		}
		if err == nil {
			return
		}
		if time.Now().After(end) {
			w.must(err, "click %s %q", selector, pattern)
		}
	}
}

// write types into a field.
func (w *walker) write(selector, text string) {
	w.Helper()
	e := w.see(selector)
	w.must(e.Input(text), "write into %s", selector)
}

// holds waits until a JavaScript expression is true.
func (w *walker) holds(js string) {
	w.Helper()
	// While a page is on its way nothing is there to ask: that is a "not yet".
	w.must(w.patient().Wait(rod.Eval("() => { try { return !!("+js+") } catch { return false } }")), "wait for %s", js)
}

// value returns what a JavaScript expression gives, as a string.
func (w *walker) value(js string) string {
	w.Helper()
	r, err := w.patient().Eval("() => String(" + js + ")")
	w.must(err, "evaluate %s", js)
	return r.Value.Str()
}

// picture keeps a screenshot in the folder POSTROOM_PICTURES, if there is one.
func (w *walker) picture(name string) {
	dir := os.Getenv("POSTROOM_PICTURES")
	if dir == "" {
		return
	}
	w.shot++
	data, err := w.page.Timeout(20*time.Second).Screenshot(false, nil)
	if err != nil {
		w.Logf("picture %s: %v", name, err)
		return
	}
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d-%s.png", w.shot, name)), data, 0o644); err != nil {
		w.Log(err)
	}
}

// tab is the same person's second tab.
func (w *walker) tab() *walker {
	w.Helper()
	page, err := w.page.Browser().Page(proto.TargetCreateTarget{URL: "about:blank"})
	w.must(err, "open a second tab")
	other := &walker{T: w.T, page: page, base: w.base, shot: w.shot + 50}
	other.size(1440, 900)
	return other
}

// activate brings a tab to the front again.
func (w *walker) activate() {
	w.Helper()
	_, err := w.page.Activate()
	w.must(err, "bring the tab to the front")
}
