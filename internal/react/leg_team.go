package react

import (
	"slices"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/workflow"
)

// Team returns a team, nil if there is none.
func (l *lookups) Team(id int64) *postroom.Team {
	t, ok := l.teams[id]
	if ok || id == 0 || l.err != nil {
		return t
	}
	t, err := orNone(l.r.Store.Read().Team(l.ctx, id))
	if err != nil {
		l.err = err
		return nil
	}
	if l.teams == nil {
		l.teams = map[int64]*postroom.Team{}
	}
	l.teams[id] = t
	return t
}

// canHave refuses to give a conversation of a mailbox to a team that can have
// none there.
func (l *leg) canHave(team, home int64) error {
	look := l.g.look
	if team == 0 || look.err != nil {
		return nil
	}
	why, err := desk.Teamless(look.ctx, look.r.Store.Read(), team, home)
	switch {
	case err != nil:
		look.err = err
	case why != "":
		return postroom.Errorf(postroom.Invalid, "%s", why)
	}
	return nil
}

// among returns the agents whom an action names: those of its list and the
// members of its team.
func (l *leg) among(w workflow.Wish) []int64 {
	out := slices.Clone(w.Agents)
	if w.Do == workflow.DoTeam || w.TeamID == 0 {
		return out
	}
	if t := l.g.look.Team(w.TeamID); t != nil {
		for _, id := range t.Members {
			if !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out
}

// team gives the conversation to a team, unless somebody has since.
func (s *step) team(w workflow.Wish, e *postroom.Effect) error {
	by, err := s.changedSince(postroom.TeamChanged)
	if by != "" || err != nil {
		overtaken(e, "The team was changed since, by "+by+".")
		return err
	}
	s.recorded(s.turn.Team(w.TeamID), e)
	return nil
}
