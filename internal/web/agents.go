package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"postroom"
	"postroom/internal/directory"
	"postroom/internal/locale"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// showAgents is GET /agents.
func showAgents(q *request) error {
	p, err := q.site.o.Pages.Agents(q.Context(), q.agent, q.place("agents"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.Agents(*p), p)
}

// addAgent is POST /agents: it leads to the agent's page, which shows the link
// to choose a password with, once.
func addAgent(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	a, err := q.site.o.Directory.AddAgent(q.Context(), q.agent, directory.AgentFields{Name: q.field("name"), Email: q.field("email"), Role: postroom.Role(q.field("role"))})
	if wrong := faults(err); wrong != nil {
		p, err := q.site.o.Pages.Agents(q.Context(), q.agent, q.place("agents"))
		if err != nil {
			return err
		}
		q.dress(&p.Shell)
		p.Name, p.Address, p.Role, p.Errors = q.field("name"), q.field("email"), q.field("role"), wrong
		return q.html(422, view.Agents(*p))
	}
	if err != nil {
		return err
	}
	return q.giveLink(a.ID)
}

// linkCookie carries a password link to the one page that shows it.
const linkCookie = "postroom_link"

// giveLink makes a password link and leads to the agent's page with it.
func (q *request) giveLink(agent int64) error {
	token, until, err := q.site.o.Auth.Link(q.Context(), q.agent, agent)
	if err != nil {
		return q.told(err, "", agentPath(agent))
	}
	http.SetCookie(q.w, &http.Cookie{Name: linkCookie, Value: strconv.FormatInt(until, 10) + "." + token, Path: agentPath(agent), MaxAge: 300,
		HttpOnly: true, Secure: q.site.secure, SameSite: http.SameSiteStrictMode})
	q.see(agentPath(agent))
	return nil
}

func agentPath(id int64) string { return "/agents/" + strconv.FormatInt(id, 10) }

// showAgent is GET /agents/{id}.
func showAgent(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	p, err := q.agentPage(id)
	if err != nil {
		return err
	}
	if until, token, ok := q.takeLink(id); ok {
		p.LinkUntil, p.Link = until, q.origin()+"/password/"+token
		q.w.Header().Set("Cache-Control", "no-store")
	}
	return q.page(view.Agent(*p), p)
}

func (q *request) takeLink(agent int64) (until int64, token string, ok bool) {
	c, err := q.Cookie(linkCookie)
	if err != nil || c.Value == "" || q.fragment() {
		return 0, "", false
	}
	http.SetCookie(q.w, &http.Cookie{Name: linkCookie, Path: agentPath(agent), MaxAge: -1, HttpOnly: true, Secure: q.site.secure, SameSite: http.SameSiteStrictMode})
	number, token, ok := strings.Cut(c.Value, ".")
	until, err = strconv.ParseInt(number, 10, 64)
	return until, token, ok && err == nil
}

// origin is how people reach this desk.
func (q *request) origin() string {
	if u := q.site.o.PublicURL; u != "" {
		return strings.TrimRight(u, "/")
	}
	scheme := "http://"
	if q.TLS != nil {
		scheme = "https://"
	}
	return scheme + q.Host
}

func (q *request) agentPage(id int64) (*query.AgentPage, error) {
	p, err := q.site.o.Pages.Agent(q.Context(), q.agent, id, q.place("agents"))
	if err != nil {
		return nil, err
	}
	q.dress(&p.Shell)
	addresses, err := q.site.o.Directory.Addresses(q.Context(), q.agent, id)
	p.Addresses = strings.Join(addresses, "\n")
	return p, err
}

// setAgentAddresses is POST /agents/{id}/addresses.
func setAgentAddresses(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	id, err := q.number("id")
	if err != nil {
		return err
	}
	err = q.site.o.Directory.SetAddresses(q.Context(), q.agent, id, strings.Split(q.field("addresses"), "\n"))
	if wrong := faults(err); wrong != nil {
		p, err := q.agentPage(id)
		if err != nil {
			return err
		}
		p.Addresses, p.Errors = q.field("addresses"), wrong
		return q.html(422, view.Agent(*p))
	}
	return q.told(err, "The addresses are saved.", agentPath(id))
}

// updateAgent is POST /agents/{id}.
func updateAgent(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	id, err := q.number("id")
	if err != nil {
		return err
	}
	fields := directory.AgentFields{Name: q.field("name"), Email: q.field("email"), Role: postroom.Role(q.field("role"))}
	fields.Mailboxes, fields.Rights = q.rights()
	a, err := q.site.o.Directory.UpdateAgent(q.Context(), q.agent, id, fields)
	if wrong := faults(err); wrong != nil {
		p, err := q.agentPage(id)
		if err != nil {
			return err
		}
		for i := range p.Mailboxes {
			m := &p.Mailboxes[i]
			m.Right, m.OnlyAssigned, m.Workflows = q.field("right_"+strconv.FormatInt(m.ID, 10)), fields.Rights[m.ID].OnlyAssigned, string(fields.Rights[m.ID].Workflows)
		}
		p.Agent.Name, p.Agent.Address, p.Agent.Role, p.Errors = q.field("name"), q.field("email"), q.field("role"), wrong
		return q.html(422, view.Agent(*p))
	}
	if err != nil {
		return err
	}
	q.flash(query.Flash{Kind: "done", Text: a.Name + " is saved."})
	q.see("/agents")
	return nil
}

// rights reads what an agent may do, mailbox by mailbox: right_ID is "" for no
// access, see, answer or manage, own_ID says that it is for conversations
// assigned to them only, flows_ID what they may do with its workflows: "", draft
// or publish. A mailbox named by "mailbox" may be answered in.
func (q *request) rights() (mailboxes []int64, rights map[int64]postroom.Right) {
	mailboxes, rights = q.ids("mailbox"), map[int64]postroom.Right{}
	for name := range q.Form {
		text, ok := strings.CutPrefix(name, "right_")
		id, err := strconv.ParseInt(text, 10, 64)
		if !ok || err != nil || q.field(name) == "" {
			continue
		}
		mailboxes = append(mailboxes, id)
		rights[id] = postroom.Right{Most: postroom.Verb(q.field(name)), OnlyAssigned: q.ticked("own_" + text), Workflows: postroom.Verb(q.field("flows_" + text))}
	}
	return mailboxes, rights
}

// changeAgent is POST /agents/{id}/VERB: disable, enable, reset.
func changeAgent(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	id, err := q.number("id")
	if err != nil {
		return err
	}
	switch q.PathValue("verb") {
	case "disable":
		return q.told(q.site.o.Directory.DisableAgent(q.Context(), q.agent, id), "They are signed out and cannot sign in any more.", agentPath(id))
	case "enable":
		return q.told(q.site.o.Directory.EnableAgent(q.Context(), q.agent, id), "They can sign in again.", agentPath(id))
	case "reset":
		return q.giveLink(id)
	}
	return postroom.Errorf(postroom.NotFound, "There is no such page.")
}

// showProfile is GET /profile.
func showProfile(q *request) error {
	p, err := q.profile()
	if err != nil {
		return err
	}
	return q.page(view.Profile(*p), p)
}

func (q *request) profile() (*query.ProfilePage, error) {
	shell, err := q.shell(q.place("profile"))
	if err != nil {
		return nil, err
	}
	sessions, err := q.site.o.Auth.Sessions(q.Context(), q.agent, q.token)
	p := &query.ProfilePage{Shell: shell, Zones: locale.Zones()}
	for _, s := range sessions {
		p.Sessions = append(p.Sessions, query.SessionLine{ID: s.ID, Agent: s.Browser, Address: s.IP, Began: s.BeganAt, LastSeen: s.SeenAt, Current: s.Current})
	}
	if err != nil {
		return nil, err
	}
	if p.Told, err = q.notificationForm(shell); err != nil {
		return nil, err
	}
	addresses, err := q.site.o.Directory.Addresses(q.Context(), q.agent, q.agent.ID)
	p.Addresses = strings.Join(addresses, "\n")
	return p, err
}

// setOwnAddresses is POST /profile/addresses.
func setOwnAddresses(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	return q.profileAnswer(q.site.o.Directory.SetAddresses(q.Context(), q.agent, q.agent.ID, strings.Split(q.field("addresses"), "\n")), "Your addresses are saved.")
}

// profileAnswer answers a form of the profile page.
func (q *request) profileAnswer(err error, done string) error {
	if wrong := faults(err); wrong != nil {
		p, err := q.profile()
		if err != nil {
			return err
		}
		p.Errors = wrong
		if q.Form.Has("addresses") {
			p.Addresses = q.field("addresses")
		}
		return q.html(422, view.Profile(*p))
	}
	return q.told(err, done, "/profile")
}

// updateProfile is POST /profile.
func updateProfile(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	return q.profileAnswer(q.site.o.Directory.UpdateProfile(q.Context(), q.agent, directory.Profile{Name: q.field("name"), Zone: q.field("zone")}), "Your profile is saved.")
}

// changePassword is POST /profile/password.
func changePassword(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	next := q.Form.Get("password")
	var err error = postroom.InvalidField("again", "The two passwords are not the same.")
	if next == q.Form.Get("again") {
		err = q.site.o.Auth.ChangePassword(q.Context(), q.agent, q.token, q.Form.Get("current"), next)
	}
	return q.profileAnswer(err, "Your password is changed; you are signed out everywhere else.")
}

// setTheme is POST /profile/theme.
func setTheme(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	return q.told(q.site.o.Directory.SetTheme(q.Context(), q.agent, q.field("theme")), "", "/profile")
}

// densityAge is how long a browser keeps the density of its lists.
const densityAge = 400 * 24 * time.Hour

// setDensity is POST /profile/density. It belongs to the browser: a telephone
// and a large screen want different ones.
func setDensity(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	density := q.field("density")
	if density != "compact" {
		density = "comfortable"
	}
	q.setCookie(densityCookie, density, int(densityAge.Seconds()), false)
	return q.done(nil, "/profile")
}

// revokeSession is POST /sessions/{id}/revoke.
func revokeSession(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	return q.told(q.site.o.Auth.Revoke(q.Context(), q.agent, q.PathValue("id")), "That browser is signed out.", "/profile")
}

// revokeOthers is POST /sessions/revoke-others.
func revokeOthers(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	return q.told(q.site.o.Auth.RevokeOthers(q.Context(), q.agent, q.token), "All other browsers are signed out.", "/profile")
}
