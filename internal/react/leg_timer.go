package react

import (
	"context"
	"slices"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/workflow"
)

// origin finds what a leg behind a wait is about: the event that its run began
// with, on the conversation as it is when the wait is over; and the events that
// the run had legs for before this one. Of any other event it is that event.
func (g *judgement) origin(ctx context.Context) (err error) {
	g.about = g.event
	if workflow.LegOf(g.event) == 0 {
		return nil
	}
	first := *g.event
	for workflow.LegOf(&first) > 0 {
		if first, err = g.r.Store.Read().Event(ctx, first.Cause); err != nil {
			return err
		}
		g.legs = append(g.legs, first.ID)
	}
	first.After = g.event.After
	g.about = &first
	return nil
}

// own reports whether an event was recorded by a workflow in a leg of this run,
// or beside one.
func (g *judgement) own(x postroom.Event) bool {
	return x.Actor.Kind == postroom.ByWorkflow && (x.Cause == g.event.ID || slices.Contains(g.legs, x.Cause))
}

// wait has the run go on when the time has come (W18): what waits is a row, made
// with what was done before it.
func (s *step) wait(w workflow.Wish, e *postroom.Effect) error {
	g, v := s.leg.g, s.leg.version
	if s.c.Status == postroom.Spam {
		e.Result, e.Reason = postroom.EffectSkipped, "The conversation is spam: what follows is left undone."
		return nil
	}
	leg := s.leg.number + 1
	due, _ := v.LegDueAt(leg, g.event.At, s.leg.office)
	x := postroom.Timer{ID: s.leg.waitID, WorkflowID: v.WorkflowID, Version: v.Number, ConversationID: s.c.ID, Leg: leg,
		EventID: g.event.ID, EventSeq: g.event.Seq, ArmedAt: g.event.At, DueAt: due}
	event := g.event
	s.tx.OnCommit(func() {
		g.r.Desk.Wake(desk.WakeTimer)
		g.r.Desk.Changed(event)
	})
	if err := s.tx.AlsoListen(s.ctx, heard(v, leg)); err != nil {
		return err
	}
	return s.tx.ArmTimer(s.ctx, x)
}

// ended says why what a timer was to do is overtaken: what would have ended the
// timer happened after its time had come, and before this was done (W17).
func (s *step) ended() (string, error) {
	g := s.leg.g
	later, err := s.later()
	for i := range later {
		if later[i].Seq <= g.event.Seq {
			continue
		}
		if words := s.leg.version.EndsLeg(s.leg.number, &later[i], g.look.name); words != "" {
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
	if s.c.Status != postroom.Closed && s.c.Snoozed() {
		return "It is not closed: it sleeps until its time has come.", nil
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
