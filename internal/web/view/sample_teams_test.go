package view_test

import (
	"postroom/internal/query"
)

// teamFolders are the folders of Ann's teams.
func teamFolders() []query.TeamFolder {
	return []query.TeamFolder{{ID: 62, Name: "Billing", Folder: "team-62"}, {ID: 61, Name: "Second line, Gothenburg and Malmö", Folder: "team-61", Count: 214}}
}

func teams() []query.Choice {
	return []query.Choice{{Value: "62", Text: "Billing"}, {Value: "61", Text: "Second line, Gothenburg and Malmö"}}
}

func sampleTeams() query.TeamsPage {
	return query.TeamsPage{Shell: sampleShell("teams", "", "/teams"), Rows: []query.TeamLine{
		{ID: 62, Name: "Billing", Folder: "team-62"},
		{ID: 63, Name: "Night shift", Folder: "team-63", Members: []string{"Tom Albers"}, Mailboxes: []string{"Support"}, Open: 3, Off: true},
		{ID: 61, Name: "Second line, Gothenburg and Malmö", Folder: "team-61", Members: []string{"Ann Moor", "Ben Okafor", "Chloé Dubois"}, Mailboxes: []string{"Orders", "Support"}, Open: 214}}}
}

// sampleTeam is a team that is switched off, or a new one that was refused.
func sampleTeam(begin bool) query.TeamPage {
	p := query.TeamPage{Shell: sampleShell("teams", "", "/teams/63"), Team: sampleTeams().Rows[1], Name: "Night shift", Agents: []query.TeamMember{
		{ID: 2, Name: "Ann Moor", Address: "ann@harbour.example", Mailboxes: "Orders and Support"}, {ID: 3, Name: "Ben Okafor", Address: "ben@harbour.example"},
		{ID: 5, Name: "Tom Albers", Address: "tom.albers-of-the-night@harbour.example", Member: true, Disabled: true, Mailboxes: "Support"}}}
	if begin {
		p.Team, p.Name, p.Errors = query.TeamLine{}, "Billing", query.FieldErrors{"name": "There is a team Billing already."}
	}
	return p
}

// inTeams shows a list with teams in it.
func inTeams(p query.ListPage) query.ListPage {
	p.Shell.Teams, p.List.Teams = teamFolders(), teams()
	p.List.Name = "Second line, Gothenburg and Malmö"
	return p
}

// giveToTeam lets the conversation be a team's, as its last act.
func giveToTeam(p *query.ConversationPage) {
	p.Shell.Teams, p.Teams = teamFolders(), teams()
	p.Head.TeamID, p.Head.Team = 61, "Second line, Gothenburg and Malmö"
	p.Timeline = append(p.Timeline, query.Entry{Event: &query.EventLine{ID: 940, Seq: 16, Kind: "team.changed", Actor: "Ann Moor", ActorKind: "agent", Mine: true, Path: "menu", To: "Second line, Gothenburg and Malmö", At: sampleNow, Why: true}},
		query.Entry{Event: &query.EventLine{ID: 941, Seq: 17, Kind: "team.changed", Actor: "Ben Okafor", ActorKind: "agent", Path: "menu", From: "Billing", At: sampleNow, Why: true}})
}
