package view_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/input"
	"github.com/go-rod/rod/lib/launcher"
	"github.com/go-rod/rod/lib/proto"

	"postroom/internal/query"
	"postroom/internal/web/ui"
	"postroom/internal/web/view"
)

// fakeDesk answers as the real handlers do, for one conversation, so that the
// scripts can be tried in a real browser without the rest of the house.
type fakeDesk struct {
	mu      sync.Mutex
	subject string
	refuse  bool   // the next reply is refused as stale
	closed  bool   // the list has one conversation less
	key     string // of the composer; "" is that of the sample
	extra   *query.Message
	drafts  []string
	forms   []string // path and the fields that matter
	lists   int      // how often the list alone was asked for
	pages   int      // how often the live client read the page
	streams []chan string
	turned  bool          // the list is in another order
	drawn   chan struct{} // told when a page for a visit is drawn; it leaves when it is told to
	leave   chan struct{}
}

func (d *fakeDesk) page(mend func(*query.ConversationPage)) templ.Component {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := sampleConversation("")
	p.Head.Subject = d.subject
	if d.key != "" {
		p.Composer.Key = d.key
	}
	if d.key == "77" {
		p.Composer.Draft, p.Composer.Open, p.Composer.Format, p.Composer.Body = 77, true, "html", d.drafts[len(d.drafts)-1]
	}
	if d.extra != nil {
		p.Timeline = append(p.Timeline, query.Entry{Message: d.extra})
	}
	if mend != nil {
		mend(&p)
	}
	return view.Conversation(p)
}

// publish sends a key to every open stream, as the hub would.
func (d *fakeDesk) publish(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.streams {
		s <- key
	}
}

// seen reads under the lock.
func (d *fakeDesk) seen(read func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	read()
}

func (d *fakeDesk) handler(assets http.Handler) http.Handler {
	mux := http.NewServeMux()
	draw := func(w http.ResponseWriter, r *http.Request, status int, page templ.Component) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", view.ContentSecurityPolicy)
		w.WriteHeader(status)
		_ = page.Render(r.Context(), w)
	}
	mux.Handle("GET /assets/", assets)
	mux.HandleFunc("GET /folders/{folder}", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Turbo-Frame") == "list" {
			d.seen(func() { d.lists++ })
			p := sampleList(r.PathValue("folder"), rows())
			d.seen(func() {
				if d.closed {
					p.List.Total = 213
				}
				if d.turned {
					slices.Reverse(p.List.Rows)
				}
			})
			draw(w, r, 200, view.ListFrame(p))
			return
		}
		draw(w, r, 200, view.List(sampleList(r.PathValue("folder"), rows())))
	})
	mux.HandleFunc("GET /conversations/{number}", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Postroom-Live") != "" {
			d.seen(func() { d.pages++ })
		}
		number := r.PathValue("number")
		page := d.page(func(p *query.ConversationPage) {
			if number != "1042" {
				p.Head.Number, p.Composer.Number = 1041, 1041
			}
		})
		var drawn, leave chan struct{}
		d.seen(func() { drawn, leave = d.drawn, d.leave })
		if drawn != nil && r.Header.Get("X-Postroom-Live") == "" {
			var b bytes.Buffer
			_ = page.Render(r.Context(), &b)
			drawn <- struct{}{}
			<-leave
			page = templ.Raw(b.String())
		}
		draw(w, r, 200, page)
	})
	mux.HandleFunc("POST /conversations/{number}/{verb}", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseMultipartForm(1 << 20)
		verb := r.PathValue("verb")
		if verb == "draft" {
			d.seen(func() { d.drafts, d.key = append(d.drafts, r.FormValue("body")), "77" })
			_, _ = fmt.Fprint(w, "77 1")
			return
		}
		refuse := false
		d.seen(func() {
			d.forms = append(d.forms, fmt.Sprintf("%s status=%s path=%s close=%s anyway=%s draft=%s body=%s", verb, r.FormValue("status"), r.FormValue("path"), r.FormValue("close"), r.FormValue("anyway"), r.FormValue("draft"), r.FormValue("body")))
			refuse, d.refuse = d.refuse, false
			if verb == "reply" && !refuse {
				d.key = "new-509"
			}
		})
		if verb == "status" {
			d.seen(func() { d.closed = true })
			d.publish("folder 1 mine") // before the answer, as a commit does
			d.publish("conversation 1042")
		}
		if refuse {
			draw(w, r, 422, d.page(func(p *query.ConversationPage) {
				p.Composer.Open, p.Composer.Body, p.Composer.Format = true, r.FormValue("body"), "html"
				p.Composer.Stale = &query.Stale{Words: "Mara Lind wrote just now", Preview: "Never mind!", Message: 505}
			}))
			return
		}
		http.Redirect(w, r, "/conversations/1042?folder=mine", http.StatusSeeOther)
	})
	mux.HandleFunc("POST /bulk", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		d.seen(func() {
			d.forms = append(d.forms, fmt.Sprintf("bulk do=%s of=%s", r.FormValue("do"), r.Form["conversation"]))
		})
		http.Redirect(w, r, "/conversations/1042?folder=mine", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /messages/{id}/body", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", view.BodyPolicy(false))
		_ = view.MessageBody(query.BodyPage{HTML: strings.Repeat("<p>Hello</p>", 40)}).Render(r.Context(), w)
	})
	mux.HandleFunc("GET /attachments/{id}/{name}", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "image/png") })
	mux.HandleFunc("GET /fragments/counts", func(w http.ResponseWriter, r *http.Request) {
		s := sampleShell("desk", "", "/") // it does not know which page asks
		s.All.Mine = 5
		draw(w, r, 200, view.Counts(s))
	})
	mux.HandleFunc("GET /palette", func(w http.ResponseWriter, r *http.Request) {
		draw(w, r, 200, samples()["palette"])
	})
	mux.HandleFunc("GET /events", d.events)
	return mux
}

func (d *fakeDesk) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	keys := make(chan string, 16)
	d.seen(func() { d.streams = append(d.streams, keys) })
	_, _ = fmt.Fprint(w, "retry: 100\n\n")
	for {
		_ = http.NewResponseController(w).Flush()
		select {
		case key := <-keys:
			_, _ = fmt.Fprintf(w, "data: %s\n\n", key)
		case <-r.Context().Done():
			return
		}
	}
}

// browse opens the conversation in Chromium. A page that broke our policy, or
// whose script threw, fails the test at its end.
func browse(t *testing.T, path string) (*fakeDesk, *rod.Page) {
	t.Helper()
	bin, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("POSTROOM_NO_SKIP") == "1" {
			t.Fatal("Chromium is not here")
		}
		t.Skip("Chromium is not here")
	}
	assets, err := ui.New()
	if err != nil {
		t.Fatal(err)
	}
	d := &fakeDesk{subject: "Kettle arrived with a dent"}
	server := httptest.NewServer(d.handler(assets))
	l := launcher.New().Bin(bin).Leakless(false).Headless(true).NoSandbox(true).UserDataDir(t.TempDir()).
		Set("disable-gpu").Set("disable-quic").Set("disable-background-networking").Set("disable-component-update").Set("disable-sync").Set("no-first-run")
	address, err := l.Launch()
	if err != nil {
		t.Fatal(err)
	}
	browser := rod.New().ControlURL(address).MustConnect()
	ctx, stop := context.WithTimeout(t.Context(), 90*time.Second) // no measure of speed: the machine may be busy
	page := browser.MustPage("about:blank").Context(ctx)
	var faults []string
	var faultsMu sync.Mutex
	go page.EachEvent(func(e *proto.LogEntryAdded) {
		if strings.Contains(e.Entry.Text, "Content Security Policy") {
			faultsMu.Lock()
			faults = append(faults, e.Entry.Text)
			faultsMu.Unlock()
		}
	}, func(e *proto.RuntimeExceptionThrown) {
		faultsMu.Lock()
		faults = append(faults, e.ExceptionDetails.Text+" "+e.ExceptionDetails.Exception.Description)
		faultsMu.Unlock()
	})()
	if err := (proto.LogEnable{}).Call(page); err != nil {
		t.Fatal(err)
	}
	page.MustSetViewport(1440, 900, 1, false)
	page.MustNavigate(server.URL + path).MustWaitLoad()
	t.Cleanup(func() {
		stop()
		_ = browser.Close()
		l.Kill()
		l.Cleanup()
		server.CloseClientConnections()
		server.Close()
		faultsMu.Lock()
		defer faultsMu.Unlock()
		for _, f := range faults {
			t.Error(f)
		}
	})
	return d, page
}

// until waits for a condition in the page.
func until(t *testing.T, page *rod.Page, what, js string) {
	t.Helper()
	if err := page.Wait(rod.Eval("() => !!(" + js + ")")); err != nil {
		t.Fatalf("%s: never came true: %v", what, err)
	}
}

// eventually waits for a condition on the server's side, by looking each time
// the page has drawn a frame.
func eventually(t *testing.T, d *fakeDesk, page *rod.Page, what string, is func() bool) {
	t.Helper()
	for {
		ok := false
		d.seen(func() { ok = is() })
		if ok {
			return
		}
		if _, err := page.Eval("() => new Promise(requestAnimationFrame)"); err != nil {
			t.Fatalf("%s: never came true: %v", what, err)
		}
	}
}

func openReply(t *testing.T, page *rod.Page) {
	t.Helper()
	until(t, page, "the scripts run", `document.querySelector("#list .row") && document.querySelector(".timeline")`)
	page.MustElement("body").MustFocus()
	page.KeyActions().Type('r').MustDo()
	until(t, page, "the editor is there", `document.activeElement?.classList.contains("ProseMirror")`)
}

func TestLiveChangesKeepWhatTheAgentHasInHand(t *testing.T) {
	t.Parallel()
	d, page := browse(t, "/conversations/1042?folder=mine")
	openReply(t, page)
	page.MustInsertText("Half a sen")
	eventually(t, d, page, "autosave", func() bool {
		return len(d.drafts) > 0 && strings.Contains(d.drafts[len(d.drafts)-1], "Half a sen")
	})
	until(t, page, "the composer bears the draft's id", `document.getElementById("composer-1042-77")`)
	page.MustEval(`() => { document.getElementById("quoted-501").open = true; document.getElementById("agent-menu").open = true }`)

	d.seen(func() { d.subject = "A new subject" })
	d.publish("conversation 1042")
	until(t, page, "the new subject", `document.querySelector(".conv-subject").textContent === "A new subject"`)
	for what, js := range map[string]string{
		"typed text":         `document.querySelector(".ProseMirror").textContent === "Half a sen"`,
		"focus":              `document.activeElement.classList.contains("ProseMirror")`,
		"opened quote":       `document.getElementById("quoted-501").open`,
		"opened menu":        `document.getElementById("agent-menu").open`,
		"the list beside it": `document.querySelectorAll("#list .row").length === 11`,
	} {
		if !page.MustEval("() => !!(" + js + ")").Bool() {
			t.Errorf("lost in a live change: %s", what)
		}
	}
	page.MustInsertText("tence")
	if got := page.MustEval(`() => document.querySelector(".ProseMirror").textContent`).Str(); got != "Half a sentence" {
		t.Errorf("typing went on as %q", got)
	}

	d.publish("counts")
	until(t, page, "the new count", `document.querySelector("#folder-0-mine .count").textContent === "5"`)
	if page.MustEval(`() => document.querySelector("#folder-0-mine").getAttribute("aria-current")`).Str() != "page" {
		t.Error("new counts take the mark off the folder one is in")
	}
	d.seen(func() {
		d.extra = &query.Message{ID: 600, Kind: "received", Author: "Mara Lind", At: sampleNow, Text: "One more thing"}
	})
	d.publish("conversation 1042")
	until(t, page, "the arrival is spoken", `document.getElementById("announcer").textContent === "New message from Mara Lind"`)
}

func TestATabIgnoresItsOwnEchoAndOtherConversations(t *testing.T) {
	t.Parallel()
	d, page := browse(t, "/conversations/1042?folder=mine")
	eventually(t, d, page, "the stream stands and the page was read once", func() bool { return d.pages > 0 })
	d.seen(func() { d.pages = 0 })
	d.publish("conversation 1041")
	d.publish("mails")
	d.publish("counts") // comes after the others: when it is drawn, they have been dropped
	until(t, page, "the counts", `document.querySelector("#folder-0-mine .count").textContent === "5"`)
	d.seen(func() {
		if d.pages != 0 {
			t.Errorf("the page was read %d times for what it does not show", d.pages)
		}
	})
}

// A page may be drawn before a change and arrive after the change was told, as
// when a job ends while its page is on the way: it is read again.
func TestAPageThatWasOvertakenOnItsWayIsReadAgain(t *testing.T) {
	t.Parallel()
	d, page := browse(t, "/conversations/1042?folder=mine")
	until(t, page, "the list beside it", `document.querySelector("#row-1041 a")`)
	eventually(t, d, page, "the stream stands and the page was read once", func() bool { return d.pages > 0 })
	page.MustEval(`() => { window.told = []; new BroadcastChannel("postroom").onmessage = (e) => window.told.push(e.data) }`)
	drawn, leave := make(chan struct{}, 4), make(chan struct{})
	d.seen(func() { d.drawn, d.leave = drawn, leave })
	page.MustEval(`() => document.querySelector("#row-1041 a").click()`)
	<-drawn
	d.seen(func() { d.subject = "It changed meanwhile" })
	d.publish("conversation 1041")
	until(t, page, "the tab was told", `window.told.includes("conversation 1041")`)
	close(leave)
	until(t, page, "the page that was asked for", `document.querySelector("[data-conversation='1041']")`)
	until(t, page, "what changed on its way", `document.querySelector(".conv-subject").textContent === "It changed meanwhile"`)
}

// What is selected stays so, and a button that is held down is pressed when it
// is let go, however the list around it is drawn anew in between.
func TestAPressOutlivesALiveList(t *testing.T) {
	t.Parallel()
	d, page := browse(t, "/folders/mine")
	until(t, page, "the scripts run", `document.querySelector("#list [data-controller=list] .row")`)
	eventually(t, d, page, "the stream stands and the list was read once", func() bool { return d.lists > 0 })
	page.MustElement("#row-1041 > input").MustClick()
	button := page.MustElement(".bulk button[value='status:closed']")
	button.MustHover()
	page.Mouse.MustDown(proto.InputMouseButtonLeft)
	d.seen(func() { d.turned = true })
	d.publish("folder 1 mine")
	until(t, page, "the other order", `document.querySelector("#list .row:last-child").id === "row-1042"`)
	if got := page.MustEval(`() => document.querySelector(".bulk-count").textContent`).Str(); got != "1 selected" {
		t.Errorf("after the list was drawn anew the bar says %q", got)
	}
	page.Mouse.MustUp(proto.InputMouseButtonLeft)
	eventually(t, d, page, "the form", func() bool { return len(d.forms) == 1 })
	d.seen(func() {
		if want := "bulk do=status:closed of=[1041]"; d.forms[0] != want {
			t.Errorf("sent %q, not %q", d.forms[0], want)
		}
	})
}

func TestARefusedReplyComesBackWithEverythingAndSendsTheSecondTime(t *testing.T) {
	t.Parallel()
	d, page := browse(t, "/conversations/1042?folder=mine")
	openReply(t, page)
	page.MustInsertText("It leaves today")
	d.seen(func() { d.refuse = true })
	page.KeyActions().Press(input.ControlLeft).Press(input.ShiftLeft).Type(input.Enter).MustDo()
	until(t, page, "the question", `document.querySelector(".stale")?.textContent.includes("Mara Lind wrote just now")`)
	if got := page.MustEval(`() => document.querySelector(".ProseMirror").textContent`).Str(); got != "It leaves today" {
		t.Errorf("what was typed is now %q", got)
	}
	page.KeyActions().Press(input.ControlLeft).Press(input.ShiftLeft).Type(input.Enter).MustDo()
	until(t, page, "an empty form after sending", `document.querySelector(".composer").id === "composer-1042-new-509" && !document.querySelector(".stale") && document.querySelector(".composer [name=body]").value === ""`)
	d.seen(func() {
		if len(d.forms) != 2 {
			t.Fatalf("sent %q", d.forms)
		}
		if f := d.forms[0]; !strings.HasPrefix(f, "reply ") || !strings.Contains(f, "close=1 anyway= ") || !strings.Contains(f, "<p>It leaves today</p>") {
			t.Errorf("first: %s", f)
		}
		if f := d.forms[1]; !strings.Contains(f, "close=1 anyway=1") || !strings.Contains(f, "<p>It leaves today</p>") {
			t.Errorf("second: %s", f)
		}
	})
}

func TestKeysDriveListAndConversation(t *testing.T) {
	t.Parallel()
	d, page := browse(t, "/folders/mine")
	until(t, page, "the scripts run", `document.querySelector("#list [data-controller=list] .row")`)
	until(t, page, "the stream stands", `document.readyState === "complete"`)
	page.KeyActions().Type('j').Type('j').MustDo()
	until(t, page, "the second row has the focus", `document.activeElement.closest(".row")?.id === "row-1041"`)
	page.KeyActions().Type('x').MustDo()
	until(t, page, "it is selected", `document.querySelector(".bulk").checkVisibility() && document.querySelector(".bulk-count").textContent === "1 selected"`)
	page.KeyActions().Type(input.Escape).MustDo()
	page.KeyActions().Type(input.Enter).MustDo()
	until(t, page, "it opened", `document.querySelector("[data-conversation='1041']")`)
	until(t, page, "the list stays and marks it", `document.querySelector("#row-1041").hasAttribute("data-js-current") && document.querySelectorAll("#list .row").length === 11`)

	page.KeyActions().Type('k').Type(input.Enter).MustDo()
	until(t, page, "the first opened", `document.querySelector("[data-conversation='1042']")`)
	page.KeyActions().Type('c').MustDo()
	eventually(t, d, page, "closed by the keyboard", func() bool {
		return len(d.forms) == 1 && strings.HasPrefix(d.forms[0], "status status=closed path=keyboard")
	})
	until(t, page, "the list follows", `document.querySelector(".list-total").textContent === "213"`)
	until(t, page, "the answer is drawn", `!document.documentElement.hasAttribute("aria-busy") && !document.querySelector("form[aria-busy]")`)
	page.KeyActions().Press(input.ControlLeft).Type('k').MustDo()
	until(t, page, "the palette", `document.getElementById("palette-dialog").open && document.querySelector("#palette .palette-item")`)
	page.KeyActions().Type(input.Escape).MustDo()
	page.KeyActions().Type('?').MustDo()
	until(t, page, "the help", `document.getElementById("keys").open`)
}

func TestAFrameIsAsHighAsItsMail(t *testing.T) {
	t.Parallel()
	_, page := browse(t, "/conversations/1042?folder=mine")
	page.MustEval(`() => document.getElementById("body-505").scrollIntoView()`)
	until(t, page, "the height", `document.getElementById("body-505").clientHeight > 800`)
	if page.MustEval(`() => { const d = document.getElementById("body-505").contentDocument; return d.documentElement.scrollHeight > d.defaultView.innerHeight + 1 }`).Bool() {
		t.Error("the frame scrolls inside")
	}
}
