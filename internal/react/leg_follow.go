package react

import (
	"strings"

	"postroom"
	"postroom/internal/workflow"
)

// canFollow refuses agents who do not exist any more. One who may not see the
// conversation is passed over when it is carried out.
func (l *leg) canFollow(w workflow.Wish, home int64) error {
	look := l.g.look
	for _, id := range w.Agents {
		a := look.Agent(id)
		if look.err != nil {
			return nil
		}
		if a == nil {
			return postroom.Errorf(postroom.Invalid, "An agent who is to follow it does not exist any more.")
		}
		if !postroom.CanOn(a, postroom.See, home, id) {
			if l.blind == nil {
				l.blind = map[int64]string{}
			}
			l.blind[id] = a.Name
		}
	}
	return nil
}

// follow lets agents follow the conversation, and others no more. It is no event
// of the conversation: the effect on the run is what is left of it.
func (s *step) follow(w workflow.Wish, e *postroom.Effect) {
	var add []int64
	var blind []string
	for _, id := range w.Agents {
		if name := s.leg.blind[id]; name != "" {
			blind = append(blind, name)
			continue
		}
		add = append(add, id)
	}
	if !s.turn.Follow(add, w.Unfollow) {
		e.Result, e.Reason = postroom.EffectNothing, "It was so already."
	}
	if len(blind) > 0 {
		e.Reason = strings.Join(blind, ", ") + " may not see it and does not follow it."
		if len(add)+len(w.Unfollow) == 0 {
			e.Result = postroom.EffectSkipped
		}
	}
}
