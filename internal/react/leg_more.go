package react

import (
	"slices"

	"postroom"
	"postroom/internal/workflow"
)

// possibleMore refuses what an action names and nobody has any more; home is
// the mailbox the conversation is in when its turn comes, and the result is the
// one it is in afterwards.
func (l *leg) possibleMore(w workflow.Wish, home int64) (int64, error) {
	look := l.g.look
	switch w.Do {
	case workflow.DoMove:
		if look.Mailbox(w.Mailbox) == nil && look.err == nil {
			return home, postroom.Errorf(postroom.Invalid, "The mailbox it moves to does not exist any more.")
		}
		return w.Mailbox, nil
	case workflow.DoTeam:
		return home, l.canHave(w.TeamID, home)
	case workflow.DoFollow:
		return home, l.canFollow(w, home)
	case workflow.DoAssign:
		if w.By == "" {
			return home, nil
		}
		pick := postroom.Pick{By: string(w.By), Team: w.TeamID, Agents: l.candidates(w, home)}
		if t := look.Team(w.TeamID); w.TeamID != 0 && look.err == nil && (t == nil || t.Off()) {
			return home, l.canHave(w.TeamID, home)
		}
		if agent, why := workflow.Choose(pick, look.name); agent == 0 && look.err == nil {
			return home, postroom.Errorf(postroom.Invalid, "%s", why)
		}
		if l.picks == nil {
			l.picks = map[int]postroom.Pick{}
		}
		l.picks[w.Position] = pick
	}
	return home, nil
}

// candidates are the agents an action chooses among, with why some of them
// cannot be chosen.
func (l *leg) candidates(w workflow.Wish, home int64) []postroom.PickAgent {
	agents := l.among(w)
	out := make([]postroom.PickAgent, len(agents))
	for i, id := range agents {
		out[i].ID = id
		switch a := l.g.look.Agent(id); {
		case a == nil:
			out[i].Not = "does not exist any more"
		case a.Disabled:
			out[i].Not = "is disabled"
		case !postroom.CanOn(a, postroom.Answer, home, id):
			out[i].Not = "may not answer in this mailbox"
		}
	}
	return out
}

// choose settles to whom an action with several agents assigns. Whose turn it is
// stays locked until the transaction ends: two conversations at once are two
// turns.
func (s *step) choose(w workflow.Wish, e *postroom.Effect) (int64, error) {
	pick := s.leg.picks[w.Position]
	pick.Agents = slices.Clone(pick.Agents)
	var err error
	if pick.Last, err = s.tx.AssignTurn(s.ctx, s.run.WorkflowID, w.Position); err != nil {
		return 0, err
	}
	if w.By == workflow.LeastLoaded {
		open, err := s.tx.OpenAssigned(s.ctx)
		if err != nil {
			return 0, err
		}
		for i, a := range pick.Agents {
			pick.Agents[i].Open = open[a.ID]
		}
	}
	agent, why := workflow.Choose(pick, s.leg.names)
	e.Pick, e.Because = &pick, why
	e.Detail = "assign it to " + s.leg.names(workflow.RefAgent, agent)
	return agent, s.tx.SetAssignTurn(s.ctx, s.run.WorkflowID, w.Position, agent)
}

// assign gives the conversation to the agent of the action, or to one of them.
func (s *step) assign(w workflow.Wish, e *postroom.Effect) error {
	by, err := s.changedSince(postroom.AssigneeChanged)
	if by != "" || err != nil {
		overtaken(e, "The assignee was changed since, by "+by+".")
		return err
	}
	agent := w.AgentID
	if w.By != "" {
		if agent, err = s.choose(w, e); err != nil {
			return err
		}
	}
	s.recorded(s.turn.Assign(agent), e)
	return nil
}

// more carries out an action that is described in this file.
func (s *step) more(w workflow.Wish, e *postroom.Effect) error {
	switch w.Do {
	case workflow.DoMail, workflow.DoForward:
		return s.asides(w, e)
	case workflow.DoWebhook:
		return s.call(w, e)
	case workflow.DoSpam:
		w.Do = workflow.DoStatus
		return s.one(w, e)
	case workflow.DoSubject:
		return s.subject(w, e)
	case workflow.DoMove:
		by, err := s.changedSince(postroom.ConversationMoved)
		if by != "" || err != nil {
			overtaken(e, "It was moved since, by "+by+".")
			return err
		}
		ev, err := s.turn.Move(w.Mailbox)
		s.recorded(ev, e)
		return err
	case workflow.DoTeam:
		return s.team(w, e)
	case workflow.DoFollow:
		s.follow(w, e)
	case workflow.DoField:
		return s.setField(w, e)
	case workflow.DoSnooze:
		return s.snooze(w, e)
	case workflow.DoDelete:
		return s.delete(e)
	}
	return nil
}

func (s *step) subject(w workflow.Wish, e *postroom.Effect) error {
	by, err := s.changedSince(postroom.SubjectChanged)
	switch {
	case err != nil:
		return err
	case by != "":
		overtaken(e, "The subject was changed since, by "+by+".")
	case w.Subject == "":
		e.Result, e.Reason = postroom.EffectSkipped, "The new subject came out empty."
	case w.Subject == s.c.Subject:
		s.recorded(nil, e)
	default:
		if err := s.turn.Subject(w.Subject); err != nil {
			return err
		}
		e.EventSeq = s.c.Seq
	}
	return nil
}

// delete puts the conversation away unless somebody wants it since.
func (s *step) delete(e *postroom.Effect) error {
	later, err := s.later()
	if err != nil {
		return err
	}
	for _, x := range later {
		switch x.Kind {
		case postroom.MessageReceived:
			overtaken(e, "A message has arrived since.")
			return nil
		case postroom.ConversationRestored:
			overtaken(e, "It was restored since, by "+who(x.Actor)+".")
			return nil
		}
	}
	ev, err := s.turn.Delete()
	s.recorded(ev, e)
	return err
}
