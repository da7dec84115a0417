package store

import (
	"context"
	"slices"

	"postroom"
)

const (
	qTeams       = `select id, name, off_at, created_at from team order by name, id`
	qTeam        = `select id, name, off_at, created_at from team where id = $1`
	qTeamMembers = `select team_id, agent_id from team_member order by team_id, agent_id`
	qMembers     = `select agent_id from team_member where team_id = $1 order by agent_id`
	qInsertTeam  = `insert into team (id, name, off_at, created_at) values ($1, $2, $3, $4)`
	qUpdateTeam  = `update team set name = $2, off_at = $3 where id = $1`
	qJoinTeam    = `insert into team_member (team_id, agent_id) values ($1, $2) on conflict (team_id, agent_id) do nothing`
	qLeaveTeam   = `delete from team_member where team_id = $1 and agent_id = $2`
	qTeamOpen    = `select coalesce(cast(sum(n) as bigint), 0) from folder_count where folder = $1`

	qMemberAgents = `select a.id, a.name, a.email, a.role, a.zone, a.theme, a.disabled_at, a.created_at, a.follows_own
		from team_member m join agent a on a.id = m.agent_id where m.team_id = $1 order by a.id`
	qMemberRights = `select g.agent_id, g.mailbox_id, g.rights, g.only_assigned, g.workflows
		from team_member m join mailbox_agent g on g.agent_id = m.agent_id where m.team_id = $1 order by g.agent_id, g.mailbox_id`
)

func scanTeam(r row) (*postroom.Team, error) {
	var t postroom.Team
	err := r.Scan(&t.ID, &t.Name, &t.OffAt, &t.CreatedAt)
	return &t, err
}

// Teams lists all teams by name, those that are switched off too, with their
// members.
func (r Read) Teams(ctx context.Context) ([]*postroom.Team, error) {
	var out []*postroom.Team
	byID := map[int64]*postroom.Team{}
	err := each(ctx, r.q, qTeams, nil, func(rows row) error {
		t, err := scanTeam(rows)
		out, byID[t.ID] = append(out, t), t
		return err
	})
	if err != nil || len(out) == 0 {
		return out, err
	}
	err = each(ctx, r.q, qTeamMembers, nil, func(rows row) error {
		var team, agent int64
		err := rows.Scan(&team, &agent)
		if t := byID[team]; t != nil {
			t.Members = append(t.Members, agent)
		}
		return err
	})
	return out, err
}

// Team loads a team with its members.
func (r Read) Team(ctx context.Context, id int64) (*postroom.Team, error) {
	t, err := scanTeam(r.q.QueryRow(ctx, qTeam, id))
	if err != nil {
		return nil, missing(err, "There is no such team.")
	}
	t.Members, err = r.ids(ctx, qMembers, id)
	return t, err
}

// TeamAgents loads a team's members by id, disabled ones too, with what they may
// do in their mailboxes.
func (r Read) TeamAgents(ctx context.Context, team int64) ([]*postroom.Agent, error) {
	var out []*postroom.Agent
	err := each(ctx, r.q, qMemberAgents, []any{team}, func(rows row) error {
		a, err := scanAgent(rows)
		out = append(out, a)
		return err
	})
	if err != nil || len(out) == 0 {
		return out, err
	}
	return out, r.giveRights(ctx, out, qMemberRights, team)
}

const qAllRights = `select agent_id, mailbox_id, rights, only_assigned, workflows from mailbox_agent order by agent_id, mailbox_id`

// AgentsWithRights lists all agents by name, with the mailboxes they were given
// and what they may do there.
func (r Read) AgentsWithRights(ctx context.Context) ([]*postroom.Agent, error) {
	out, err := r.Agents(ctx)
	if err != nil {
		return nil, err
	}
	return out, r.giveRights(ctx, out, qAllRights)
}

// giveRights reads what agents may do.
func (r Read) giveRights(ctx context.Context, agents []*postroom.Agent, query string, args ...any) error {
	byID := map[int64]*postroom.Agent{}
	for _, a := range agents {
		byID[a.ID] = a
	}
	return each(ctx, r.q, query, args, func(rows row) error {
		var agent, mailbox int64
		var right postroom.Right
		err := rows.Scan(&agent, &mailbox, &right.Most, &right.OnlyAssigned, &right.Workflows)
		if a := byID[agent]; a != nil {
			a.Give(mailbox, right)
		}
		return err
	})
}

// TeamOpen counts the conversations in a team's folder, over all mailboxes.
func (r Read) TeamOpen(ctx context.Context, team int64) (n int, err error) {
	err = r.q.QueryRow(ctx, qTeamOpen, postroom.FolderOfTeam(team)).Scan(&n)
	return n, err
}

// InsertTeam stores a new team with its members.
func (t *Tx) InsertTeam(ctx context.Context, team *postroom.Team) error {
	if _, err := t.exec(ctx, qInsertTeam, team.ID, team.Name, team.OffAt, team.CreatedAt); err != nil {
		return err
	}
	return t.setMembers(ctx, team.ID, nil, team.Members)
}

// UpdateTeam writes a team's name and members, and whether it is switched off.
func (t *Tx) UpdateTeam(ctx context.Context, team *postroom.Team) error {
	if err := t.one(ctx, "save team", qUpdateTeam, team.ID, team.Name, team.OffAt); err != nil {
		return err
	}
	had, err := t.ids(ctx, qMembers, team.ID)
	if err != nil {
		return err
	}
	return t.setMembers(ctx, team.ID, had, team.Members)
}

func (t *Tx) setMembers(ctx context.Context, team int64, had, want []int64) error {
	for _, a := range had {
		if !slices.Contains(want, a) {
			if _, err := t.exec(ctx, qLeaveTeam, team, a); err != nil {
				return err
			}
		}
	}
	for _, a := range want {
		if !slices.Contains(had, a) {
			if _, err := t.exec(ctx, qJoinTeam, team, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// TeamName is a team as lists and menus show it.
type TeamName struct {
	Name
	Off bool
	May bool // somebody of it may answer in the mailbox that is asked about
}

// teamPart selects what ids of teams stand for; mailbox is the one that
// TeamName.May is about, 0 for any.
func teamPart(mailbox int64) part {
	in, args := "", []any(nil)
	if mailbox != 0 {
		in, args = "g.mailbox_id = ? and ", []any{mailbox}
	}
	return part{kind: "team", n: []string{"t.id", "t.off_at", `case when exists (select 1 from team_member m join agent a on a.id = m.agent_id where m.team_id = t.id and a.disabled_at = 0
		and (a.role = 'admin' or exists (select 1 from mailbox_agent g where g.agent_id = a.id and ` + in + `g.rights <> 'see'))) then 1 else 0 end`},
		s: []string{"t.name"}, from: `from team t`, args: args}
}

func scanTeamName(t tripRow) TeamName {
	return TeamName{Name: Name{t.n[0], t.s[0]}, Off: t.n[1] > 0, May: t.n[2] == 1}
}

func sortTeams(teams []TeamName) {
	slices.SortFunc(teams, func(a, b TeamName) int { return compare(0, 0, a.Name.Name, b.Name.Name, a.ID, b.ID) })
}
