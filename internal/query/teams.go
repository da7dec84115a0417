package query

import (
	"context"
	"slices"

	"postroom"
	"postroom/internal/store"
)

// TeamsPage is GET /teams.
type TeamsPage struct {
	Shell Shell
	Rows  []TeamLine
}

// TeamLine is one team in the list.
type TeamLine struct {
	ID        int64
	Name      string
	Folder    string // as a URL names it
	Members   []string
	Mailboxes []string // in which at least one of them may answer
	Open      int      // conversations, over all mailboxes
	Off       bool
}

// TeamPage is GET /teams/new and GET /teams/{id}, and what is posted there
// refused.
type TeamPage struct {
	Shell  Shell
	Team   TeamLine // ID is 0 for a new one
	Name   string   // what stands in the field
	Agents []TeamMember
	Errors FieldErrors
}

// TeamMember is an agent with a tick.
type TeamMember struct {
	ID        int64
	Name      string
	Address   string
	Member    bool
	Disabled  bool
	Mailboxes string // where they may answer: "Support, Orders"; "" for nowhere
}

// Teams reads the list of teams, for admins.
func (d *Desk) Teams(ctx context.Context, a *postroom.Agent, place Place) (*TeamsPage, error) {
	if err := mayManage(a); err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	people, err := d.read().AgentsWithRights(ctx)
	if err != nil {
		return nil, err
	}
	teams, err := d.read().Teams(ctx)
	if err != nil {
		return nil, err
	}
	p := &TeamsPage{Shell: shell}
	for _, t := range teams {
		p.Rows = append(p.Rows, teamLine(t, shell, people))
	}
	return p, nil
}

// Team reads the page of one team, 0 for a new one, for admins.
func (d *Desk) Team(ctx context.Context, a *postroom.Agent, id int64, place Place) (*TeamPage, error) {
	if err := mayManage(a); err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	people, err := d.read().AgentsWithRights(ctx)
	if err != nil {
		return nil, err
	}
	p, team := &TeamPage{Shell: shell}, &postroom.Team{}
	if id != 0 {
		if team, err = d.read().Team(ctx, id); err != nil {
			return nil, err
		}
		p.Team, p.Name = teamLine(team, shell, people), team.Name
	}
	for _, x := range people {
		if x.Disabled && !team.Has(x.ID) {
			continue
		}
		p.Agents = append(p.Agents, TeamMember{ID: x.ID, Name: x.Name, Address: x.Email, Member: team.Has(x.ID), Disabled: x.Disabled, Mailboxes: join(answersIn(shell, x))})
	}
	return p, nil
}

func teamLine(t *postroom.Team, shell Shell, people []*postroom.Agent) TeamLine {
	l := TeamLine{ID: t.ID, Name: t.Name, Folder: string(postroom.FolderOfTeam(t.ID)), Off: t.Off()}
	l.Open = shell.count(l.Folder, 0)
	for _, x := range people {
		if !t.Has(x.ID) {
			continue
		}
		l.Members = append(l.Members, x.Name)
		for _, m := range answersIn(shell, x) {
			if !slices.Contains(l.Mailboxes, m) {
				l.Mailboxes = append(l.Mailboxes, m)
			}
		}
	}
	slices.Sort(l.Mailboxes)
	return l
}

// answersIn names the mailboxes in which an agent may answer.
func answersIn(shell Shell, a *postroom.Agent) []string {
	var out []string
	for _, m := range shell.Mailboxes {
		if postroom.CanOn(a, postroom.Answer, m.ID, a.ID) {
			out = append(out, m.Name)
		}
	}
	return out
}

// teamCounts are the counts of teams' folders among those of all.
func teamCounts(rows store.ShellRows) []store.FolderCount {
	return slices.DeleteFunc(slices.Clone(rows.Counts), func(c store.FolderCount) bool { return c.Folder.Team() == 0 })
}

// count is how many conversations lie in a folder, also in a team's, of one
// mailbox or of all (0).
func (s Shell) count(folder string, mailbox int64) (n int) {
	if postroom.Folder(folder).Team() != 0 {
		for _, c := range s.teams {
			if string(c.Folder) == folder && (mailbox == 0 || c.MailboxID == mailbox) {
				n += c.N
			}
		}
		return n
	}
	if mailbox == 0 {
		return s.All.Of(folder)
	}
	for _, m := range s.Mailboxes {
		if m.ID == mailbox {
			n = m.Counts.Of(folder)
		}
	}
	return n
}

// teamOf names the team whose folder it is, "" for any other folder. The folder
// of a team that there is not is NotFound.
func teamOf(folder string, teams []store.TeamName) (string, error) {
	id := postroom.Folder(folder).Team()
	if id == 0 {
		return "", nil
	}
	for _, t := range teams {
		if t.ID == id {
			return t.Name.Name, nil
		}
	}
	return "", postroom.Errorf(postroom.NotFound, "There is no such team.")
}

// teamChoices lists the teams that conversations can be given to.
func teamChoices(teams []store.TeamName) []Choice {
	var out []Choice
	for _, t := range teams {
		if !t.Off && t.May {
			out = append(out, Choice{Value: decimal(t.ID), Text: t.Name.Name})
		}
	}
	return out
}

func (v *conversationView) teamByText(id string) string {
	if id == "" || id == "0" {
		return ""
	}
	for _, t := range v.rows.Teams {
		if decimal(t.ID) == id {
			return t.Name.Name
		}
	}
	return "a team that is gone"
}
