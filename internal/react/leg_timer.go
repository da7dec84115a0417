package react

import (
	"postroom"
	"postroom/internal/workflow"
)

// ended says why what a timer was to do is overtaken: what would have ended the
// timer happened after its time had come, and before this was done (W17).
func (s *step) ended() (string, error) {
	later, err := s.later()
	for i := range later {
		if words := s.leg.version.Ends(&later[i], s.leg.g.look.name); words != "" {
			return words, err
		}
	}
	return "", err
}

// tooSoon says why a timer does not close the conversation: nothing closes by
// itself on a customer whom nobody has answered, on an answer being written, or
// on mail that is still to be sent (W22).
func (s *step) tooSoon(w workflow.Wish) (string, error) {
	if kind := s.leg.g.event.Kind; kind != postroom.TimerDue && kind != postroom.ScheduleDue {
		return "", nil
	}
	if why, err := s.ended(); why != "" || err != nil || w.Status != postroom.Closed {
		return why, err
	}
	if s.c.Status != postroom.Closed && s.c.WaitingSince > 0 {
		return "It is not closed: the customer wrote last, and no agent has answered.", nil
	}
	drafts, mails, err := s.tx.Unsent(s.ctx, s.c.ID)
	switch {
	case err != nil:
	case drafts > 0:
		return "It is not closed: somebody has a draft here.", nil
	case mails > 0:
		return "It is not closed: a mail is still to be sent.", nil
	}
	return "", err
}
