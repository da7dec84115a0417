package workflow

import "postroom"

// The action team gives a conversation to a team, and other actions name a team
// instead of its agents (W10). Who belongs to it is looked up when the action is
// taken, and kept with its effect.

// RefTeam is what the id of a team stands for.
const RefTeam Ref = "team"

// DoTeam gives the conversation to Team, 0 for none.
const DoTeam ActionKind = "team"

// None reports whether the id 0 says that there is none of the kind, as nobody
// is of agents.
func (r Ref) None() bool { return r == RefAgent || r == RefTeam }

// orNone gives a side of a change that is absent, and means nobody, as "0".
func orNone(kind postroom.EventKind, side string) string {
	if side == "" && EdgeOf(kind).Ref.None() {
		return "0"
	}
	return side
}

// team checks the team of an action; some says that it must be one.
func (c *compiler) team(a Action, path string, some bool) {
	switch {
	case a.Team == nil && a.Do == DoTeam:
		c.fault(path+".team", "Say to which team to give it; 0 is none.")
	case a.Team != nil && (*a.Team < 0 || some && *a.Team == 0):
		c.fault(path+".team", "%d is not a team.", *a.Team)
	}
}

// teamWords says the action.
func (a Action) teamWords(names Names) string {
	switch {
	case a.Team == nil:
		return "give it to the team " + gap
	case *a.Team == 0:
		return "take it from its team"
	}
	return "give it to " + teamName(*a.Team, names)
}

// teamName names a team in running text, as "the team Billing".
func teamName(id int64, names Names) string {
	if names != nil {
		if name := names(RefTeam, id); name != "" {
			return "the team " + name
		}
	}
	return names.of(RefTeam, id)
}

// membersWords names the members of a team, as "the members of the team Billing".
func membersWords(id int64, names Names) string { return "the members of " + teamName(id, names) }
