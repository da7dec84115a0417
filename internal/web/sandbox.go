package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// SandboxBase is the path under which the desk of the sandbox stands.
const SandboxBase = "/sandbox/desk"

// sandboxRoutes are the desk's own pages about its sandbox.
func sandboxRoutes() []Route {
	return []Route{
		{Method: "GET", Pattern: "/sandbox", Who: Admins, answer: showSandbox},
		{Method: "POST", Pattern: "/sandbox", Who: Admins, answer: makeSandbox},
		{Method: "POST", Pattern: "/sandbox/cancel", Who: Admins, answer: cancelSandbox},
		{Method: "POST", Pattern: "/sandbox/discard", Who: Admins, answer: discardSandbox},
		{Method: "POST", Pattern: "/sandbox/enter", Who: Admins, answer: enterSandbox},
	}
}

// sandboxPage reads the page with what was typed, or the usual.
func (q *request) sandboxPage() (*query.SandboxPage, error) {
	shell, err := q.shell(q.place("sandbox"))
	if err != nil {
		return nil, err
	}
	p, err := q.site.o.Sandbox.State(q.Context(), q.agent)
	if err != nil {
		return nil, err
	}
	p.Shell = shell
	return p, nil
}

// showSandbox is GET /sandbox.
func showSandbox(q *request) error {
	p, err := q.sandboxPage()
	if err != nil {
		return err
	}
	return q.page(view.Sandbox(*p), p)
}

// makeSandbox is POST /sandbox.
func makeSandbox(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	numbers, err := numbersIn(q.field("numbers"))
	ask := SandboxAsk{Folder: q.field("folder"), Mailbox: q.id("mailbox"), Numbers: numbers, Replace: q.ticked("replace")}
	if err == nil {
		if ask.Latest, err = strconv.Atoi(q.field("latest")); err != nil || ask.Latest < 0 {
			err = postroom.InvalidField("latest", "Please write a number from 0 to 1,000.")
		}
	}
	if err == nil {
		err = q.site.o.Sandbox.Make(q.Context(), q.agent, ask)
	}
	if wrong := faults(err); wrong != nil {
		p, err := q.sandboxPage()
		if err != nil {
			return err
		}
		p.Errors, p.Latest, p.Folder, p.Mailbox, p.Numbers, p.Replace = wrong, q.field("latest"), ask.Folder, ask.Mailbox, q.field("numbers"), ask.Replace
		return q.html(422, view.Sandbox(*p))
	}
	return q.told(err, "", "/sandbox")
}

// numbersIn reads the numbers of conversations as people write them.
func numbersIn(text string) ([]int64, error) {
	var out []int64
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ';' || r == '#' || r <= ' ' }) {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil || n < 1 {
			return nil, postroom.InvalidField("numbers", "%q is not the number of a conversation. Write numbers with commas between, such as 1042, 1107.", word)
		}
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out, nil
}

// cancelSandbox is POST /sandbox/cancel: it is not made after all.
func cancelSandbox(q *request) error {
	return q.told(q.site.o.Sandbox.Cancel(q.Context(), q.agent), "", "/sandbox")
}

// discardSandbox is POST /sandbox/discard.
func discardSandbox(q *request) error {
	return q.told(q.site.o.Sandbox.Discard(q.Context(), q.agent), "The sandbox was thrown away.", "/sandbox")
}

// enterSandbox is POST /sandbox/enter: the door, which only admins pass. What
// they get there is a session of the sandbox and of nothing else.
func enterSandbox(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	token, err := q.site.o.Sandbox.Enter(q.Context(), q.agent, q.site.clientIP(q.Request), q.UserAgent())
	if err != nil {
		return q.told(err, "", "/sandbox")
	}
	http.SetCookie(q.w, sandboxCookie(token, q.site.secure))
	to := localPath(q.field("to"), "/play")
	q.see(SandboxBase + to)
	return nil
}

// sandboxCookie carries a session of the sandbox. It goes nowhere else.
func sandboxCookie(token string, secure bool) *http.Cookie {
	return &http.Cookie{Name: sandboxCookieName(secure), Value: token, Path: SandboxBase, MaxAge: int(sessionAge.Seconds()), HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode}
}

func sandboxCookieName(secure bool) string {
	if secure {
		return "__Secure-postroom-sandbox"
	}
	return "postroom-sandbox"
}

// throughSandbox hands a request of an admin on to the sandbox's own site.
func throughSandbox(q *request) error {
	h, err := q.site.o.Sandbox.Pages(q.Context())
	if postroom.CodeOf(err) == postroom.NotFound && !q.fragment() {
		q.flash(query.Flash{Kind: "warning", Text: postroom.TextOf(err)})
		q.see("/sandbox")
		return nil
	}
	if err != nil {
		return err
	}
	http.StripPrefix(SandboxBase, h).ServeHTTP(q.w, q.Request)
	return nil
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
