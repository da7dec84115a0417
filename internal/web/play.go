package web

import (
	"net/http"
	"strings"
	"time"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// playRoutes are what the desk in the sandbox has besides: its clock, and who
// one is there. None of them changes a conversation; what becomes due does.
func playRoutes() []Route {
	return []Route{
		{Method: "GET", Pattern: "/play", Who: Agents, answer: showPlay},
		{Method: "POST", Pattern: "/play/skip", Who: Agents, answer: skipTime},
		{Method: "GET", Pattern: "/play/skips/{n}", Who: Agents, answer: showSkip},
		{Method: "POST", Pattern: "/play/be", Who: Agents, answer: beAgent},
		{Method: "POST", Pattern: "/play/take", Who: Admins, answer: takeToDesk},
		{Method: "GET", Pattern: "/play/person", Who: Agents, answer: bePerson},
		{Method: "GET", Pattern: "/play/leave", Who: Anybody, answer: leaveSandbox},
	}
}

// closedDoors are pages of a desk that a sandbox has no room behind: ways to
// the outside, and passwords.
var closedDoors = []string{"/signin", "/setup", "/password/", "/signout", "/profile/password", "/sessions/", "/connections/", "/authorities/", "/mailboxes/new", "/system/mail", "/system/connections",
	"/mailboxes/{id}"}

// closeDoors has those answer why they are closed.
func closeDoors(routes []Route) []Route {
	for i, r := range routes {
		for _, d := range closedDoors {
			if r.Pattern == d || strings.HasPrefix(r.Pattern, d+"/") || strings.HasSuffix(d, "/") && strings.HasPrefix(r.Pattern, d) {
				routes[i].answer = notHere
			}
		}
		if r.Pattern == "/mailboxes" && r.Method == "POST" || r.Pattern == "/agents/{id}/{verb}" {
			routes[i].answer = notHere
		}
	}
	return routes
}

// notHere answers for a closed door.
func notHere(q *request) error {
	switch q.URL.Path {
	case "/signin", "/signout", "/setup":
		q.leave("/sandbox")
		return nil
	}
	return postroom.Errorf(postroom.NotFound, "The sandbox has no such page: it has no connections to the outside and no passwords. Change this on the desk itself.")
}

// playPage reads the page of the clock.
func (q *request) playPage() (*query.PlayPage, error) {
	shell, err := q.shell(q.place("play"))
	if err != nil {
		return nil, err
	}
	p, err := q.site.o.Play.Page(q.Context())
	if err != nil {
		return nil, err
	}
	p.Shell = shell
	return p, nil
}

// showPlay is GET /play.
func showPlay(q *request) error {
	p, err := q.playPage()
	if err != nil {
		return err
	}
	return q.page(view.Play(*p), p)
}

// skipUnits are the spans that a clock is moved by.
var skipUnits = map[string]time.Duration{"minutes": time.Minute, "hours": time.Hour, "days": 24 * time.Hour, "weeks": 7 * 24 * time.Hour}

// skipTime is POST /play/skip: the clock goes on, and what becomes due happens.
func skipTime(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	var err error
	var span time.Duration
	if q.field("by") != "next" {
		unit, ok := skipUnits[q.field("unit")]
		n := q.id("n")
		span = time.Duration(n) * unit
		if !ok || n < 1 || n > 10_000 || span > 366*24*time.Hour {
			err = postroom.InvalidField("n", "Skip at least one minute and at most a year.")
		}
	}
	var n int
	if err == nil {
		n, err = q.site.o.Play.Skip(q.Context(), span)
	}
	if wrong := faults(err); wrong != nil {
		p, err := q.playPage()
		if err != nil {
			return err
		}
		p.Errors = wrong
		return q.html(422, view.Play(*p))
	}
	if err != nil {
		return err
	}
	q.see("/play/skips/" + decimal(int64(n)))
	return nil
}

// showSkip is GET /play/skips/{n}: what happened while the clock went on.
func showSkip(q *request) error {
	n, err := q.number("n")
	if err != nil {
		return err
	}
	shell, err := q.shell(q.place("play"))
	if err != nil {
		return err
	}
	p, err := q.site.o.Play.Effects(q.Context(), int(n))
	if err != nil {
		return err
	}
	p.Shell = shell
	return q.page(view.Effects(*p), p)
}

// beAgent is POST /play/be: from now on one is another agent, with their rights.
func beAgent(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	token, err := q.site.o.Play.Be(q.Context(), q.id("agent"), q.site.clientIP(q.Request), q.UserAgent())
	if err != nil {
		return q.told(err, "", "/play")
	}
	_ = q.site.o.Auth.SignOut(q.Context(), q.token) // who one was is over; a session left behind harms nobody
	http.SetCookie(q.w, sandboxCookie(token, q.site.secure))
	q.see("/")
	return nil
}

// takeToDesk is POST /play/take: what is published here becomes the draft on the
// desk itself.
func takeToDesk(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	id, err := q.site.o.Play.Take(q.Context(), q.agent, q.id("workflow"), q.field("do") == "anyway")
	if wrong := faults(err); wrong[automate.FieldDraft] != "" {
		q.SetPathValue("id", q.field("workflow"))
		p, err := q.workflow()
		if err != nil {
			return err
		}
		p.TakeOver = wrong[automate.FieldDraft]
		return q.html(http.StatusConflict, view.Workflow(*p))
	}
	if err != nil {
		return q.told(err, "", "/workflows/"+decimal(q.id("workflow")))
	}
	q.leave("/workflows/" + decimal(id) + "/edit")
	return nil
}

// bePerson is GET /play/person: the customer with an address, also one whom
// nobody knows yet.
func bePerson(q *request) error {
	list, err := addressList("address", q.URL.Query().Get("address"))
	if err != nil || len(list) != 1 {
		q.flash(query.Flash{Kind: "error", Text: "Please write one address, such as mara@example.org."})
		q.see("/demo/customers")
		return nil
	}
	q.see("/demo/customers/" + pathEscape(postroom.Canonical(list[0].Address)))
	return nil
}

// leaveSandbox is GET /play/leave.
func leaveSandbox(q *request) error {
	q.leave("/sandbox")
	return nil
}
