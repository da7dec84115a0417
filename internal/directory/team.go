package directory

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/store"
)

// KeyTeams is published when a team changes.
const KeyTeams = "teams"

// TeamFields are what an admin says of a team.
type TeamFields struct {
	Name    string
	Members []int64 // agents; a team may have none for a while
}

// AddTeam makes a team. Errors name the fields name and members; a name that
// another team has is postroom.Conflict.
func (d *Directory) AddTeam(ctx context.Context, by *postroom.Agent, f TeamFields) (*postroom.Team, error) {
	if err := manage(by); err != nil {
		return nil, err
	}
	f, err := checkTeam(f)
	if err != nil {
		return nil, err
	}
	id, err := d.store.NewID(ctx)
	if err != nil {
		return nil, err
	}
	team := &postroom.Team{ID: id, Name: f.Name, Members: f.Members, CreatedAt: d.store.Now()}
	err = d.write(ctx, KeyTeams, func(t *store.Tx) error {
		if err := freeForTeam(ctx, t, f, 0); err != nil {
			return err
		}
		if err := t.Log(ctx, store.LogEntry{Area: store.AreaAgents, AgentID: by.ID, Words: "The team " + team.Name + " was added, with " + agentsWord(len(team.Members)) + "."}); err != nil {
			return err
		}
		return t.InsertTeam(ctx, team)
	})
	if err != nil {
		return nil, err
	}
	return team, nil
}

// UpdateTeam changes a team's name and members. Who leaves it keeps the
// conversations that are assigned to them; its own stay its own.
func (d *Directory) UpdateTeam(ctx context.Context, by *postroom.Agent, id int64, f TeamFields) error {
	if err := manage(by); err != nil {
		return err
	}
	f, err := checkTeam(f)
	if err != nil {
		return err
	}
	return d.write(ctx, KeyTeams, func(t *store.Tx) error {
		if err := freeForTeam(ctx, t, f, id); err != nil {
			return err
		}
		team, err := t.Team(ctx, id)
		if err != nil {
			return err
		}
		words := "The team " + f.Name + " was changed: " + agentsWord(len(f.Members)) + "."
		if team.Name != f.Name {
			words = "The team " + team.Name + " is called " + f.Name + " now."
		}
		team.Name, team.Members = f.Name, f.Members
		if err := t.Log(ctx, store.LogEntry{Area: store.AreaAgents, AgentID: by.ID, Words: words}); err != nil {
			return err
		}
		return t.UpdateTeam(ctx, team)
	})
}

// SwitchTeam switches a team off, or on again. One that is off takes no more
// conversations and keeps those it has; nothing about it is lost, and switching
// it on undoes that. It returns how many of its conversations are open.
func (d *Directory) SwitchTeam(ctx context.Context, by *postroom.Agent, id int64, off bool) (open int, err error) {
	if err := manage(by); err != nil {
		return 0, err
	}
	err = d.write(ctx, KeyTeams, func(t *store.Tx) error {
		team, err := t.Team(ctx, id)
		if err != nil || team.Off() == off {
			return err
		}
		words := "The team " + team.Name + " was switched on again."
		if team.OffAt = 0; off {
			words, team.OffAt = "The team "+team.Name+" was switched off.", max(d.store.Now(), 1)
		} else if err := freeForTeam(ctx, t, TeamFields{Name: team.Name}, id); err != nil {
			return err
		}
		if err := t.Log(ctx, store.LogEntry{Area: store.AreaAgents, AgentID: by.ID, Words: words}); err != nil {
			return err
		}
		return t.UpdateTeam(ctx, team)
	})
	if err != nil {
		return 0, err
	}
	return d.store.Read().TeamOpen(ctx, id)
}

func checkTeam(f TeamFields) (_ TeamFields, err error) {
	if f.Name, err = line("name", "the team's name", f.Name, maxName, true); err != nil {
		return f, err
	}
	if lower := strings.ToLower(f.Name); slices.Contains([]string{"none", "nobody", "no team"}, lower) {
		return f, postroom.InvalidField("name", "%q means no team; choose another name.", f.Name)
	}
	f.Members = slices.Clone(f.Members)
	slices.Sort(f.Members)
	f.Members = slices.Compact(f.Members)
	return f, nil
}

// freeForTeam refuses a name that another team has, also one that is switched
// off, since what happened names it; and members whom there are not.
func freeForTeam(ctx context.Context, t *store.Tx, f TeamFields, self int64) error {
	if err := t.Lock(ctx, "teams"); err != nil {
		return err
	}
	teams, err := t.Teams(ctx)
	if err != nil {
		return err
	}
	for _, other := range teams {
		if other.ID != self && strings.EqualFold(other.Name, f.Name) {
			text := "There is a team " + other.Name + " already."
			if other.Off() {
				text = "There is a team " + other.Name + " already, which is switched off. Switch it on again, or choose another name."
			}
			return &postroom.Error{Code: postroom.Conflict, Field: "name", Text: text}
		}
	}
	for _, id := range f.Members {
		if _, err := t.Agent(ctx, id); postroom.CodeOf(err) == postroom.NotFound {
			return postroom.InvalidField("members", "There is no such agent.")
		} else if err != nil {
			return err
		}
	}
	return nil
}

func agentsWord(n int) string {
	switch n {
	case 0:
		return "nobody in it"
	case 1:
		return "one agent"
	}
	return strconv.Itoa(n) + " agents"
}
