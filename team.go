package postroom

import (
	"slices"
	"strconv"
	"strings"
)

// Team is a group of agents. A conversation may be a team's, beside being an
// agent's: the team is who is to see to it, the assignee who does. A team gives
// nobody a right; it can have conversations only where at least one of its
// members may answer (AnswersIn).
type Team struct {
	ID        int64
	Name      string
	Members   []int64 // agents, ascending; disabled ones too
	OffAt     int64   // since when it takes no more conversations; 0 while it does
	CreatedAt int64   // milliseconds since 1970, UTC
}

// Off reports whether the team is switched off: it keeps the conversations it
// has, is offered nowhere, and its members are told of nothing that is its.
func (t *Team) Off() bool { return t.OffAt > 0 }

// Has reports whether an agent belongs to the team.
func (t *Team) Has(agent int64) bool { return slices.Contains(t.Members, agent) }

// AnswersIn returns those of a team's members, in their order, who may answer in
// a mailbox what is assigned to them.
func AnswersIn(members []*Agent, mailbox int64) []*Agent {
	var out []*Agent
	for _, a := range members {
		if CanOn(a, Answer, mailbox, a.ID) {
			out = append(out, a)
		}
	}
	return out
}

// GiveToTeam makes the conversation a team's, 0 for none. The assignee stays,
// whether they belong to the team or not. Nothing is recorded when it is the
// team's already.
func (c *Conversation) GiveToTeam(by By, id, team int64) *Event {
	if c.TeamID == team {
		return nil
	}
	from := c.TeamID
	c.TeamID = team
	return c.record(by, id, TeamChanged, Payload{From: decimal(from), To: decimal(team)})
}

// teamFolder is how the folder of a team begins.
const teamFolder = "team-"

// FolderOfTeam returns the folder with a team's conversations that are active
// or pending and awake, whoever has them. It is counted beside the folder they
// lie in.
func FolderOfTeam(team int64) Folder { return Folder(teamFolder + strconv.FormatInt(team, 10)) }

// Team returns the team whose folder it is, 0 if it is none's.
func (f Folder) Team() int64 {
	text, ok := strings.CutPrefix(string(f), teamFolder)
	id, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil || id < 1 || FolderOfTeam(id) != f {
		return 0
	}
	return id
}

// TeamFolder returns the team's folder in which the conversation is counted,
// "" for none.
func (c *Conversation) TeamFolder() Folder { return inTeam(c.TeamID, c.Folder()) }

// TeamFolder returns the team's folder in which the conversation was counted,
// "" for none.
func (s Snapshot) TeamFolder() Folder { return inTeam(s.TeamID, s.Folder()) }

func inTeam(team int64, lies Folder) Folder {
	if team == 0 || lies != Unassigned && lies != Assigned {
		return ""
	}
	return FolderOfTeam(team)
}
