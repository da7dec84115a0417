package web

import (
	"fmt"
	"strconv"

	"postroom"
	"postroom/internal/directory"
	"postroom/internal/locale"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// setTeam is POST /conversations/{number}/team: it is a team's, or none's.
func setTeam(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	ref, back, err := q.ref()
	if err != nil {
		return err
	}
	team, err := strconv.ParseInt(q.field("team"), 10, 64)
	if err != nil || team < 0 {
		return q.told(postroom.InvalidField("team", "%q is not a team.", q.field("team")), "", back)
	}
	_, err = q.site.o.Desk.SetTeam(q.Context(), q.agent, ref.ID, team, q.path())
	return q.told(err, "", back)
}

// showTeams is GET /teams.
func showTeams(q *request) error {
	p, err := q.site.o.Pages.Teams(q.Context(), q.agent, q.place("teams"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.Teams(*p), p)
}

// showNewTeam is GET /teams/new.
func showNewTeam(q *request) error {
	p, err := q.teamPage(0)
	if err != nil {
		return err
	}
	return q.page(view.Team(*p), p)
}

// showTeam is GET /teams/{id}.
func showTeam(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	p, err := q.teamPage(id)
	if err != nil {
		return err
	}
	return q.page(view.Team(*p), p)
}

func (q *request) teamPage(id int64) (*query.TeamPage, error) {
	p, err := q.site.o.Pages.Team(q.Context(), q.agent, id, q.place("teams"))
	if err != nil {
		return nil, err
	}
	q.dress(&p.Shell)
	return p, nil
}

// addTeam is POST /teams.
func addTeam(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	_, err := q.site.o.Directory.AddTeam(q.Context(), q.agent, q.teamFields())
	return q.teamSaved(err, 0)
}

// updateTeam is POST /teams/{id}.
func updateTeam(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	if err := q.fields(); err != nil {
		return err
	}
	return q.teamSaved(q.site.o.Directory.UpdateTeam(q.Context(), q.agent, id, q.teamFields()), id)
}

func (q *request) teamFields() directory.TeamFields {
	return directory.TeamFields{Name: q.field("name"), Members: q.ids("member")}
}

// teamSaved leads on, or shows the form again with what was typed.
func (q *request) teamSaved(err error, id int64) error {
	wrong := faults(err)
	if wrong == nil {
		if err != nil {
			return err
		}
		q.flash(query.Flash{Kind: "done", Text: q.field("name") + " is saved."})
		q.see("/teams")
		return nil
	}
	p, err := q.teamPage(id)
	if err != nil {
		return err
	}
	p.Name, p.Errors = q.field("name"), wrong
	chosen := map[int64]bool{}
	for _, id := range q.ids("member") {
		chosen[id] = true
	}
	for i := range p.Agents {
		p.Agents[i].Member = chosen[p.Agents[i].ID]
	}
	return q.html(422, view.Team(*p))
}

// changeTeam is POST /teams/{id}/off and /teams/{id}/on.
func changeTeam(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	if err := q.fields(); err != nil {
		return err
	}
	verb := q.PathValue("verb")
	if verb != "off" && verb != "on" {
		return postroom.Errorf(postroom.NotFound, "There is no such page.")
	}
	back := fmt.Sprintf("/teams/%d", id)
	open, err := q.site.o.Directory.SwitchTeam(q.Context(), q.agent, id, verb == "off")
	if err != nil || verb == "on" {
		return q.told(err, "The team takes conversations again.", back)
	}
	flash := query.Flash{Kind: "done", Text: "The team is switched off and takes no more conversations."}
	if open > 0 {
		flash.Text += " " + locale.Count(open, "open one is", "open ones are") + " still its."
		flash.Href, flash.Link = "/folders/"+string(postroom.FolderOfTeam(id)), "Look at them"
	}
	q.flash(flash)
	q.see(back)
	return nil
}
