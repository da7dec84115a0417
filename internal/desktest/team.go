package desktest

import (
	"postroom"
	"postroom/internal/directory"
)

// AddTeam makes a team of agents, by their first names in lower case.
func (d *Desk) AddTeam(name string, members ...string) *postroom.Team {
	d.T.Helper()
	var ids []int64
	for _, m := range members {
		ids = append(ids, d.Agent(m).ID)
	}
	var admin *postroom.Agent
	for _, a := range d.agents {
		if a.Role == postroom.Admin {
			admin = a
		}
	}
	t, err := d.Directory().AddTeam(d.Ctx, admin, directory.TeamFields{Name: name, Members: ids})
	d.must(err)
	return t
}

// Team returns the team of that name, and makes it where there is none.
func (d *Desk) Team(name string, members ...string) int64 {
	d.T.Helper()
	all, err := d.Store.Read().Teams(d.Ctx)
	d.must(err)
	for _, t := range all {
		if t.Name == name {
			return t.ID
		}
	}
	return d.AddTeam(name, members...).ID
}
