package workflow

import (
	"fmt"
	"slices"
)

// follow checks who is to follow, and who no more.
func (c *compiler) follow(a Action, path string) {
	if len(a.Agents)+len(a.Unfollow) == 0 {
		c.fault(path+".agents", "Say who is to follow it, or to follow it no more.")
	}
	c.agents(a, path)
	if len(a.Unfollow) > MaxAgents {
		c.fault(path+".unfollow", "One action names at most %d agents.", MaxAgents)
	}
	for i, id := range a.Unfollow {
		switch at := fmt.Sprintf("%s.unfollow[%d]", path, i); {
		case id <= 0:
			c.fault(at, "%d is not an agent.", id)
		case slices.Contains(a.Agents, id), slices.Index(a.Unfollow, id) < i:
			c.fault(at, "This agent stands there twice.")
		}
	}
}

// followWords says who follows and who no more, as in "let Ann and Ben follow
// it".
func (a Action) followWords(names Names) string {
	who := func(ids []int64) string {
		shown := make([]string, len(ids))
		for i, id := range ids {
			shown[i] = names.of(RefAgent, id)
		}
		return list(shown, "and")
	}
	var parts []string
	if len(a.Agents) > 0 {
		parts = append(parts, "let "+who(a.Agents)+" follow it")
	}
	if len(a.Unfollow) > 0 {
		parts = append(parts, "let "+who(a.Unfollow)+" follow it no more")
	}
	if len(parts) == 0 {
		return "let " + gap + " follow it"
	}
	return list(parts, "and")
}
