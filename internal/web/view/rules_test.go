package view_test

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"postroom/internal/query"
	"postroom/internal/web/view"
)

// draw renders a page and parses it.
func draw(t *testing.T, name string) (string, *html.Node) {
	t.Helper()
	page := samples()[name]
	if page == nil {
		t.Fatalf("no sample is called %s", name)
	}
	var b bytes.Buffer
	if err := page.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), root
}

func attr(n *html.Node, key string) string {
	v, _ := look(n, key)
	return v
}

func look(n *html.Node, key string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val, true
		}
	}
	return "", false
}

// all returns the elements that fit.
func all(root *html.Node, fits func(*html.Node) bool) []*html.Node {
	var out []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && fits(n) {
			out = append(out, n)
		}
	}
	return out
}

func named(names ...string) func(*html.Node) bool {
	return func(n *html.Node) bool { return slices.Contains(names, n.Data) }
}

func words(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func inside(n *html.Node, name string) *html.Node {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.Type == html.ElementNode && p.Data == name {
			return p
		}
	}
	return nil
}

// TestEveryPageKeepsTheRulesOfTheMarkup: what interface.md asks of every page,
// whichever it is.
func TestEveryPageKeepsTheRulesOfTheMarkup(t *testing.T) {
	t.Parallel()
	for name := range samples() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, root := draw(t, name)
			ids := map[string]bool{}
			for _, n := range all(root, func(*html.Node) bool { return true }) {
				checkPolicy(t, n, name)
				if id := attr(n, "id"); id != "" {
					if ids[id] {
						t.Errorf("two elements have the id %q", id)
					}
					ids[id] = true
				}
				checkName(t, n, root)
			}
			for _, form := range all(root, named("form")) {
				checkForm(t, form)
			}
			for _, n := range all(root, named("button")) {
				if inside(n, "form") == nil && attr(n, "type") != "button" && attr(n, "popovertarget") == "" {
					t.Errorf("the button %q belongs to no form and does nothing without a script", words(n))
				}
			}
		})
	}
}

// checkPolicy finds what our own policy would refuse.
func checkPolicy(t *testing.T, n *html.Node, name string) {
	t.Helper()
	for _, a := range n.Attr {
		if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
			t.Errorf("<%s> has the inline attribute %s", n.Data, a.Key)
		}
		if (a.Key == "src" || a.Key == "href" && n.Data == "link") && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "data:") {
			t.Errorf("<%s> loads %s from elsewhere", n.Data, a.Val)
		}
	}
	switch n.Data {
	case "style":
		t.Error("an inline style element")
	case "script":
		if attr(n, "src") == "" {
			t.Error("an inline script")
		}
	case "iframe":
		if s := attr(n, "sandbox"); s == "" || strings.Contains(s, "allow-scripts") || attr(n, "srcdoc") != "" {
			t.Errorf("a frame is not sandboxed: %q", s)
		}
		if attr(n, "title") == "" {
			t.Error("a frame has no title")
		}
	}
}

// checkName: every control says what it is (WCAG 4.1.2).
func checkName(t *testing.T, n *html.Node, root *html.Node) {
	t.Helper()
	switch n.Data {
	case "a", "button", "summary":
		if words(n) == "" && attr(n, "aria-label") == "" && !strings.Contains(attr(n, "class"), "file-picture") {
			t.Errorf("<%s class=%q> has no name", n.Data, attr(n, "class"))
		}
		if _, ok := look(n, "href"); n.Data == "a" && !ok {
			t.Errorf("the link %q leads nowhere", words(n))
		}
	case "input", "select", "textarea":
		if k := attr(n, "type"); k == "hidden" || k == "submit" {
			return
		}
		if attr(n, "aria-label") != "" || inside(n, "label") != nil {
			return
		}
		id := attr(n, "id")
		labels := all(root, func(l *html.Node) bool { return l.Data == "label" && id != "" && attr(l, "for") == id })
		if len(labels) != 1 {
			t.Errorf("<%s name=%q id=%q> has %d labels", n.Data, attr(n, "name"), id, len(labels))
		}
	case "img":
		if _, ok := look(n, "alt"); !ok {
			t.Error("a picture has no alt")
		}
	case "svg":
		if attr(n, "aria-hidden") == "" && attr(n, "aria-label") == "" {
			t.Error("a drawing is neither hidden nor named")
		}
	}
}

// checkForm: a form goes to a path of ours, and what has an effect is a POST.
// asking are the pages whose forms only ask, for another list or for a provider's
// settings, and change nothing.
var asking = []string{"/mails", "/ratings", "/workflows/41/versions/2/try", "/inbound", "/palette", "/webhooks", "/workflows/1/judgements", "/mailboxes/1/sending", "/mailboxes/1/receiving", "/conversations/1042/customer", "/conversations/1042/merge"}

func checkForm(t *testing.T, form *html.Node) {
	t.Helper()
	action, method := attr(form, "action"), attr(form, "method")
	if !strings.HasPrefix(action, "/") || strings.HasPrefix(action, "//") {
		t.Errorf("a form goes to %q", action)
	}
	switch method {
	case "post":
	case "get":
		if !slices.ContainsFunc(asking, func(path string) bool { return strings.HasPrefix(action, path) }) {
			t.Errorf("a form sends itself to %s by GET", action)
		}
	default:
		t.Errorf("the form to %s has the method %q", action, method)
	}
	hasFile := len(all(form, func(n *html.Node) bool { return n.Data == "input" && attr(n, "type") == "file" })) > 0
	if hasFile != (attr(form, "enctype") == "multipart/form-data") {
		t.Errorf("the form to %s: files %v, enctype %q", action, hasFile, attr(form, "enctype"))
	}
	for p := form.Parent; p != nil; p = p.Parent {
		if p.Data == "form" {
			t.Errorf("the form to %s stands in a form", action)
		}
	}
}

// TestHostileTextStaysText: names, subjects and bodies come from strangers.
func TestHostileTextStaysText(t *testing.T) {
	t.Parallel()
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	c := sampleConversation("reply")
	c.Head.Subject, c.Side.Name, c.Side.Addresses = evil, evil, []string{evil}
	c.Head.Tags, c.Tags = []string{evil}, []string{evil}
	m := c.Timeline[0].Message
	m.Author, m.Address, m.Text, m.HiddenText, m.Subject = evil, evil, evil+" https://x.example/\"onmouseover=alert(1)", evil, evil
	m.Attachments[0].Name = evil
	c.Composer.Body, c.Composer.To = evil, []query.Address{{Name: evil, Address: evil}}
	c.Timeline[1].Event.To = evil
	var b bytes.Buffer
	if err := view.Conversation(c).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(&b)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range all(root, named("script", "img")) {
		if n.Data == "script" && attr(n, "src") == "" || attr(n, "src") == "x" {
			t.Errorf("a stranger's <%s> came through", n.Data)
		}
	}
	for _, n := range all(root, func(*html.Node) bool { return true }) {
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") {
				t.Errorf("a stranger's %s came through", a.Key)
			}
			if a.Key == "href" && strings.HasPrefix(strings.ToLower(a.Val), "javascript:") {
				t.Errorf("a link runs %s", a.Val)
			}
		}
	}
}

func TestANoteIsNeverTakenForAReply(t *testing.T) {
	t.Parallel()
	_, root := draw(t, "conversation")
	for _, m := range all(root, func(n *html.Node) bool { _, ok := look(n, "data-message"); return ok }) {
		note := strings.Contains(attr(m, "class"), "is-note")
		if note != strings.Contains(words(m), "only your team sees it") {
			t.Errorf("%s: a note must say so, and nothing else may", attr(m, "id"))
		}
	}
	_, root = draw(t, "note")
	composer := all(root, func(n *html.Node) bool { return strings.HasPrefix(attr(n, "id"), "composer-1042-new") })[0]
	form := all(composer, named("form"))[0]
	if attr(form, "action") != "/conversations/1042/note" || attr(composer, "data-kind") != "note" {
		t.Errorf("the note form goes to %s as %s", attr(form, "action"), attr(composer, "data-kind"))
	}
}

// TestARefusedReplyKeepsWhatWasTyped: and asks before a stale one is sent.
func TestARefusedReplyKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	text, root := draw(t, "stale")
	for _, want := range []string{"Hello Mara, it leaves today.", "“mara@” is not a mail address.", "Mara Lind wrote 1 minute ago", "already told that this is closed"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	anyway := all(root, func(n *html.Node) bool { return attr(n, "name") == "anyway" })
	if len(anyway) != 1 || inside(anyway[0], "form") == nil {
		t.Error("sending once more does not say anyway=1")
	}
	_, root = draw(t, "reply")
	if len(all(root, func(n *html.Node) bool { return attr(n, "name") == "anyway" })) != 0 {
		t.Error("a first sending says anyway=1")
	}
}

// TestEachStateOfAMailSaysWhatCanBeDone is W28 and R6 on the page.
func TestEachStateOfAMailSaysWhatCanBeDone(t *testing.T) {
	t.Parallel()
	_, root := draw(t, "conversation")
	acts := map[string][]string{}
	for _, f := range all(root, named("form")) {
		if rest, ok := strings.CutPrefix(attr(f, "action"), "/mails/"); ok {
			id, verb, _ := strings.Cut(rest, "/")
			acts[id] = append(acts[id], verb)
		}
	}
	for id, want := range map[string]string{"71": "", "73": "again arrived", "74": "retry", "75": ""} {
		if got := strings.Join(acts[id], " "); got != want {
			t.Errorf("mail %s can be %q, want %q", id, got, want)
		}
	}
}

func TestListPageStaysSmall(t *testing.T) {
	t.Parallel()
	p := sampleList("unassigned", nil)
	for range 5 {
		p.List.Rows = append(p.List.Rows, rows()[:10]...)
	}
	for i := range p.List.Rows {
		p.List.Rows[i].Number = int64(2000 + i)
	}
	var page, frame bytes.Buffer
	if err := view.List(p).Render(t.Context(), &page); err != nil {
		t.Fatal(err)
	}
	if err := view.ListFrame(p).Render(t.Context(), &frame); err != nil {
		t.Fatal(err)
	}
	// Some 8 KiB of the frame are the menus of a selection, once for all rows.
	if page.Len() > 64<<10 || frame.Len() > 45<<10 {
		t.Errorf("50 conversations make a page of %d bytes, a frame of %d", page.Len(), frame.Len())
	}
}

func BenchmarkListPage(b *testing.B) {
	p := sampleList("unassigned", rows())
	for range 4 {
		p.List.Rows = append(p.List.Rows, rows()...)
	}
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		if err := view.List(p).Render(b.Context(), &out); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkConversationPage(b *testing.B) {
	p := sampleConversation("")
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		if err := view.Conversation(p).Render(b.Context(), &out); err != nil {
			b.Fatal(err)
		}
	}
}

// TestEveryFormGoesWhereTheListSays compares the forms of all samples with
// the list of routes in internal/query/pages_routes.go, which the handlers are
// written from.
func TestEveryFormGoesWhereTheListSays(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("../../query/pages_routes.go")
	if err != nil {
		t.Fatal(err)
	}
	var routes []*regexp.Regexp
	column := regexp.MustCompile(`\s{2,}`)
	for line := range strings.Lines(string(src)) {
		rest, ok := strings.CutPrefix(line, "//\tPOST ")
		if !ok {
			continue
		}
		rest, _, _ = strings.Cut(column.Split(rest, 2)[0], " (")
		for _, path := range strings.Split(rest, ", ") {
			path, more, _ := strings.Cut(strings.TrimSpace(path), " | ")
			pattern := regexp.MustCompile(`\\\{\w+\\\}`).ReplaceAllString(regexp.QuoteMeta(path), `[^/]+`)
			for _, verb := range strings.Split(more, " | ") {
				if verb != "" {
					pattern += "|" + pattern[:strings.LastIndex(pattern, "/")+1] + verb
				}
			}
			routes = append(routes, regexp.MustCompile("^(?:"+pattern+")$"))
		}
	}
	if len(routes) < 40 {
		t.Fatalf("only %d routes were read", len(routes))
	}
	check := func(name, action string) {
		if !slices.ContainsFunc(routes, func(r *regexp.Regexp) bool { return r.MatchString(action) }) {
			t.Errorf("%s: no route takes POST %s", name, action)
		}
	}
	for name := range samples() {
		_, root := draw(t, name)
		for _, f := range all(root, func(n *html.Node) bool { return n.Data == "form" && attr(n, "method") == "post" }) {
			check(name, attr(f, "action"))
		}
		for _, b := range all(root, func(n *html.Node) bool { return attr(n, "formaction") != "" }) {
			check(name, attr(b, "formaction"))
		}
	}
}

// TestNoKeyOpensTwoDoors: of what has a key on a page, each has one of its own;
// only what stands in the place of another, such as following and following no
// more, has the same.
func TestNoKeyOpensTwoDoors(t *testing.T) {
	t.Parallel()
	for name := range samples() {
		_, root := draw(t, name)
		doors := map[string]string{}
		for _, n := range all(root, func(n *html.Node) bool { return attr(n, "data-key") != "" }) {
			for _, key := range strings.Fields(attr(n, "data-key")) {
				if doors[key] != "" {
					t.Errorf("%s: the key %q is of “%s” and of “%s”", name, key, doors[key], attr(n, "data-command"))
				}
				doors[key] = orOther(attr(n, "data-command"), n.Data)
			}
		}
	}
}

func orOther(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
