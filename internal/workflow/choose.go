package workflow

import (
	"fmt"
	"slices"
	"strings"

	"postroom"
)

// Choose says which of several agents a conversation is assigned to, and why,
// as a sentence. It is a function of what is recorded in the pick, so that the
// choice can be made again (W40). names gives the agents' names and may be nil.
// The agent is 0 when none of them may have it.
func Choose(p postroom.Pick, names Names) (agent int64, why string) {
	n := len(p.Agents)
	first := slices.IndexFunc(p.Agents, func(c postroom.PickAgent) bool { return c.ID == p.Last }) + 1
	var chosen *postroom.PickAgent
	for i := range n {
		c := &p.Agents[(first+i)%n]
		if c.Not == "" && (chosen == nil || p.By == string(LeastLoaded) && c.Open < chosen.Open) {
			chosen = c
		}
	}
	if chosen == nil {
		if p.Team != 0 {
			return 0, "Nobody of " + teamName(p.Team, names) + " may have it" + passedOver(p, names) + "."
		}
		return 0, "None of the agents may have it" + passedOver(p, names) + "."
	}
	name := names.of(RefAgent, chosen.ID)
	if p.Team != 0 {
		name += ", of " + teamName(p.Team, names) + ","
	}
	switch {
	case p.By == string(LeastLoaded):
		why = fmt.Sprintf("%s has the fewest open conversations, %d", name, chosen.Open)
	case p.Last == 0:
		why = name + " is the first in turn"
	default:
		why = name + " comes after " + names.of(RefAgent, p.Last)
	}
	return chosen.ID, why + passedOver(p, names) + "."
}

// passedOver names those who could not be chosen, and why not.
func passedOver(p postroom.Pick, names Names) string {
	var out []string
	for _, c := range p.Agents {
		if c.Not != "" {
			out = append(out, names.of(RefAgent, c.ID)+" "+c.Not)
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "; " + strings.Join(out, ", ")
}
