package automate

import (
	"slices"
	"strings"

	"postroom"
	"postroom/internal/query"
	"postroom/internal/workflow"
)

// stepMore draws up what the actions on several people, other mailboxes and
// further languages ask for.
func (e *editor) stepMore(s *query.EditorStep, a workflow.Action) {
	s.By, s.Assignee, s.To, s.Subject = string(a.By), a.Assignee, strings.Join(a.To, "\n"), a.Subject
	var team []string
	if a.Team != nil {
		team = append(team, decimal(*a.Team))
	}
	switch a.Do {
	case workflow.DoTeam:
		s.Teams = e.choices(workflow.Question{Ref: workflow.RefTeam, Nobody: true}, "", team)
	case workflow.DoAssign, workflow.DoMail:
		s.Teams = e.choices(workflow.Question{Ref: workflow.RefTeam}, "", team)
		s.Several = e.choices(workflow.Question{Ref: workflow.RefAgent}, "", ids(a.Agents))
	case workflow.DoFollow:
		s.Several = e.choices(workflow.Question{Ref: workflow.RefAgent}, "", ids(a.Agents))
		s.Unfollow = e.choices(workflow.Question{Ref: workflow.RefAgent}, "", ids(a.Unfollow))
	case workflow.DoMove:
		chosen := []string{}
		if a.Mailbox != 0 {
			chosen = append(chosen, decimal(a.Mailbox))
		}
		s.Mailboxes = e.choices(workflow.Question{Ref: workflow.RefMailbox}, "", chosen)
	case workflow.DoWebhook:
		e.stepWebhook(s, a)
	case workflow.DoReply:
		e.languages(s, a)
	case workflow.DoRun:
		chosen := []string{}
		if a.Workflow != 0 {
			chosen = append(chosen, decimal(a.Workflow))
		}
		s.Workflows = slices.DeleteFunc(e.choices(workflow.Question{Ref: workflow.RefWorkflow}, "", chosen), func(c query.EditorChoice) bool {
			return c.Value == decimal(e.x.id) && !c.Chosen
		})
	case workflow.DoField:
		e.stepField(s, a)
	case workflow.DoSnooze:
		var ok bool
		if s.For, s.Unit, ok = workflow.SplitSpan(a.For); !ok {
			s.Unit = "d"
		}
		s.Until, s.At = workflow.SplitMoment(a.Until)
		for _, d := range workflow.SnoozeDays() {
			s.Untils = append(s.Untils, query.Choice{Value: d[0], Text: d[1]})
		}
	case workflow.DoWait:
		var ok bool
		if s.For, s.Unit, ok = workflow.SplitSpan(a.For); !ok {
			s.Unit = "d"
		}
		s.Unless = e.unless(s.Place, a.Unless)
	}
}

// languages draws up the texts in further languages and what can be added.
func (e *editor) languages(s *query.EditorStep, a workflow.Action) {
	for tag, text := range a.Texts {
		s.Texts = append(s.Texts, query.EditorText{Tag: tag, Name: postroom.LanguageName(tag), Text: text})
	}
	slices.SortFunc(s.Texts, func(a, b query.EditorText) int { return strings.Compare(a.Name, b.Name) })
	for _, l := range postroom.LanguageNames {
		if _, has := a.Texts[l[0]]; !has {
			s.Languages = append(s.Languages, query.Choice{Value: l[0], Text: l[1]})
		}
	}
}
