package workflow

import (
	"fmt"

	"postroom"
)

// mailOutcomes are the events that can come of a mail.
var mailOutcomes = []postroom.EventKind{postroom.MailAccepted, postroom.MailDelayed, postroom.MailFailed, postroom.MailUncertain,
	postroom.MailAssumedSent, postroom.MailSuppressed, postroom.MailSkipped, postroom.MailCancelled, postroom.MailQuarantined,
	postroom.MailBounced, postroom.MailComplained}

// Outcome is an event that an action can set off, as far as it is known before:
// its kind, actor and path.
type Outcome struct {
	Event postroom.Event
	To    string // what the fact that changes becomes, or of a mail its MailSort; "" where that is not known
}

// Outcomes lists the events that an action of a version, by its place from 0,
// can set off.
func (v *Version) Outcomes(action int) []Outcome {
	a := v.actions[action]
	mine := func(kind postroom.EventKind, to string) Outcome {
		return Outcome{postroom.Event{Kind: kind, Actor: postroom.Actor{Kind: postroom.ByWorkflow, ID: v.WorkflowID}, Path: postroom.PathWorkflow}, to}
	}
	mail := func(out []Outcome, sort MailSort) []Outcome {
		for _, kind := range mailOutcomes {
			out = append(out, Outcome{postroom.Event{Kind: kind, Actor: postroom.System, Path: postroom.PathSystem}, string(sort)})
		}
		return out
	}
	switch a.Do {
	case DoReply:
		return mail([]Outcome{mine(postroom.ReplySent, "")}, WorkflowReply)
	case DoNote:
		return []Outcome{mine(postroom.NoteAdded, "")}
	case DoStatus:
		out := []Outcome{mine(postroom.StatusChanged, string(a.Status))}
		if a.Status == postroom.Closed || a.Status == postroom.Spam {
			out = append(out, mine(postroom.ConversationWoken, ""))
		}
		return out
	case DoSpam:
		return []Outcome{mine(postroom.StatusChanged, string(postroom.Spam)), mine(postroom.ConversationWoken, "")}
	case DoTeam:
		if a.Team == nil {
			return nil
		}
		return []Outcome{mine(postroom.TeamChanged, fmt.Sprint(*a.Team))}
	case DoAssign:
		if a.Team != nil {
			return []Outcome{mine(postroom.AssigneeChanged, "")} // of its members
		}
		if a.Agent != nil {
			return []Outcome{mine(postroom.AssigneeChanged, fmt.Sprint(*a.Agent))}
		}
		var out []Outcome
		for _, id := range a.Agents {
			out = append(out, mine(postroom.AssigneeChanged, fmt.Sprint(id)))
		}
		return out
	case DoSubject:
		return []Outcome{mine(postroom.SubjectChanged, "")}
	case DoMove:
		// It is taken off an assignee who may not answer there, and from a team
		// of which nobody may.
		return []Outcome{mine(postroom.ConversationMoved, fmt.Sprint(a.Mailbox)), mine(postroom.AssigneeChanged, "0"), mine(postroom.TeamChanged, "0")}
	case DoField:
		out := mine(postroom.FieldChanged, "")
		out.Event.Payload.Field = a.Field
		if kind, _, _ := postroom.SplitFieldPath(a.Field); kind == postroom.FieldYesNo || kind == postroom.FieldChoice && a.Action.Value != "" {
			out.To, _ = postroom.ParseFieldValue(kind, a.Action.Value)
			if kind == postroom.FieldYesNo {
				out.To = map[bool]string{true: "true", false: "false"}[out.To == postroom.Yes]
			}
		}
		return []Outcome{out}
	case DoSnooze:
		return []Outcome{mine(postroom.ConversationSnoozed, "")}
	case DoDelete:
		return []Outcome{mine(postroom.ConversationDeleted, ""), mine(postroom.ConversationWoken, "")}
	case DoForward, DoMail:
		if len(a.To) > 0 {
			return mail(nil, AsideMail)
		}
	case DoTags:
		return []Outcome{mine(postroom.TagsChanged, "")}
	}
	return nil
}
