package react

import (
	"postroom"
	"postroom/internal/workflow"
)

// snooze lets the conversation sleep, counted from the event, unless somebody
// wants it since: a message that has arrived, or a person who has put it to sleep
// or woken it. Nobody is told when it wakes but those who listen for that.
func (s *step) snooze(w workflow.Wish, e *postroom.Effect) error {
	later, err := s.later()
	if err != nil {
		return err
	}
	for _, x := range later {
		switch x.Kind {
		case postroom.MessageReceived:
			overtaken(e, "A message has arrived since.")
			return nil
		case postroom.ConversationSnoozed, postroom.ConversationWoken:
			overtaken(e, "It was put to sleep, or woken, since, by "+who(x.Actor)+".")
			return nil
		}
	}
	until := s.leg.version.SleepsUntil(w.Position, s.leg.g.event.At, s.leg.office)
	switch {
	case s.c.Status == postroom.Closed || s.c.Status == postroom.Spam:
		e.Result, e.Reason = postroom.EffectSkipped, "Only an active or pending conversation sleeps; this one is "+string(s.c.Status)+"."
	case until <= s.turn.By().At:
		e.Result, e.Reason = postroom.EffectSkipped, "The time until which it was to sleep has passed."
	case until-s.turn.By().At > postroom.MaxSnooze:
		e.Result, e.Reason = postroom.EffectSkipped, "By the calendar that counts, the time until which it was to sleep does not come within a year."
	default:
		ev, err := s.turn.Snooze(until, 0)
		s.recorded(ev, e)
		return err
	}
	return nil
}
