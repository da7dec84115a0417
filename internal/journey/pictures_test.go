package journey_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-rod/rod/lib/proto"
)

var updatePictures = flag.Bool("update", false, "take the pictures of the guide anew, in docs/pictures")

// pictures is where the pictures of the guide lie.
const pictures = "../../docs/pictures"

// TestPicturesOfTheGuide holds the guide to its pictures: each that is shown is
// there, with words for whoever cannot see it, and each that is there is shown.
// With -update they are taken anew, from the demo.
func TestPicturesOfTheGuide(t *testing.T) {
	t.Parallel()
	if *updatePictures {
		takePictures(t)
	}
	shown := map[string]bool{}
	guides, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	image := regexp.MustCompile(`!\[([^\]]*)\]\(pictures/([^)]+)\)`)
	for _, guide := range guides {
		text, err := os.ReadFile(guide)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range image.FindAllStringSubmatch(string(text), -1) {
			shown[m[2]] = true
			if len(strings.Fields(m[1])) < 4 {
				t.Errorf("%s: the picture %s needs words for whoever cannot see it", guide, m[2])
			}
		}
	}
	there, err := os.ReadDir(pictures)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range there {
		if !shown[f.Name()] {
			t.Errorf("no page of docs shows pictures/%s", f.Name())
		}
	}
	for name := range shown {
		if !slices.ContainsFunc(there, func(f os.DirEntry) bool { return f.Name() == name }) {
			t.Errorf("docs/pictures/%s is shown and is not there", name)
		}
	}
	if len(shown) == 0 {
		t.Error("the guide has no pictures")
	}
}

// takePictures walks through the demo and keeps what the guide shows.
func takePictures(t *testing.T) {
	w := newWalker(t)
	w.size(1280, 860)
	w.signIn("ann@brightwater.example")

	// A desk that has more than it began with.
	for _, recipe := range []string{"Warn on day 5", "^Close after 7 days without"} {
		w.open("/workflows/new")
		w.click(".recipe strong", recipe)
		w.see("#editor")
		w.keep("editor", 1280, 1000, "")
		w.click(`button[value="publish"]`, "Publish version 1")
		w.read("h1", recipe)
	}
	w.open("/workflows")
	w.read(".workflows", "Close after 7 days")
	w.keep("workflows", 1280, 860, "")

	w.open("/workflows/new")
	w.click(".recipe strong", "^Closing notice with a condition")
	w.see("#editor")
	w.click(`button[value="group if"]`, "Group")
	w.pick(field("if[1].group"), "Any of these")
	w.click(`[id="add-if[1]"]`, "Condition")
	w.pick(field("if[1][0].fact"), "the tags")
	w.keep("conditions", 1280, 900, ".is-if")

	number := w.closed()
	w.open("/conversations/" + number)
	w.see("#receipt, .receipt")
	w.keep("receipt", 1280, 860, ".receipt")
	w.open("/conversations/" + number + "/why")
	w.read(".why", "Matched")
	w.keep("why", 1280, 900, "")

	w.open("/workflows/2/judgements")
	w.keep("judgements", 1280, 860, "")

	w.open("/workflows/2/backtest")
	w.click("main form button.primary", "")
	w.see(".backtest-sums")
	w.keep("backtest", 1280, 1000, "")

	w.open("/promises")
	w.keep("promises", 1280, 420, "")

	w.open("/sandbox")
	w.click("form[action='/sandbox'] .button.primary", "Make the sandbox")
	w.read("#sandbox-there", "The sandbox is there")
	w.click("form[action='/sandbox/enter'] button", "Open the sandbox")
	w.see("#sandbox-band")
	w.size(1280, 860)
	w.open("/sandbox/desk/folders/unassigned?sort=newest")
	w.click("#list .row a", "Which oil")
	w.compose("Any thin one will do; wipe it off afterwards.")
	w.click(".composer-send button.primary", "^Send$")
	w.see(".undo")
	w.open("/sandbox/desk/play")
	w.click(".play-skips button", "1 week")
	w.read("main", "went out")
	w.keep("sandbox", 1280, 860, "")
}

// closed finds a conversation that was closed and whose customer was told.
func (w *walker) closed() string {
	w.Helper()
	w.open("/folders/closed")
	w.see("#list .row")
	href := w.value(`document.querySelector("#list .row a[href*='/conversations/']").getAttribute("href").split("?")[0]`)
	return strings.TrimPrefix(href, "/conversations/")
}

// keep takes a picture of the page, or of one element of it, for the guide.
func (w *walker) keep(name string, width, height int, selector string) {
	w.Helper()
	w.size(width, height)
	w.holds(`document.fonts.status === "loaded" && document.getAnimations().every((a) => a.playState !== "running")`)
	var data []byte
	var err error
	if selector == "" {
		data, err = w.patient().Screenshot(false, &proto.PageCaptureScreenshot{Format: proto.PageCaptureScreenshotFormatPng})
	} else {
		data, err = w.see(selector).Screenshot(proto.PageCaptureScreenshotFormatPng, 0)
	}
	w.must(err, "take the picture %s", name)
	w.must(os.WriteFile(filepath.Join(pictures, name+".png"), data, 0o644), "keep the picture %s", name)
}
