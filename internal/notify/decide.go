package notify

import (
	"slices"
	"strconv"

	"postroom"
)

// News is a final event with what decides who is told of it.
type News struct {
	Event        postroom.Event
	Conversation *postroom.Conversation // as it is now, after the workflows
	Message      *postroom.Message      // that the event is about, nil for none
	First        bool                   // the message began the conversation
	Rating       *postroom.Rating       // that was received, nil for none
	Mail         *postroom.Mail         // to the customer, that did not go out; nil for none
	Author       int64                  // the agent who wrote what that mail carries, 0 for nobody
	Reopened     bool                   // the conversation was reopened because of it
	Team         []int64                // members who may answer it of the team whose conversation it is; none where it is nobody's, or the team is switched off
	Stopped      bool                   // a notice that was to follow it was cancelled
}

// Audience is who may be told of an event. The zero Audience is nobody.
type Audience struct {
	Kind   postroom.NotificationKind
	Agents []int64 // these
	All    bool    // or everybody who answers in the mailbox
	// Instead is the kind as which all are told when none of Agents can be: who
	// is assigned and may not answer here any more is as good as nobody.
	Instead postroom.NotificationKind
}

// For says who may be told of an event.
//
// What is not an agent's concern any more is nobody's: a conversation that
// was deleted or has become spam, one that was given to somebody else since. Mail that a
// machine wrote is no customer's answer (A7), and begins a conversation of
// which agents are told only if it is no answer of a machine either.
func For(n News) Audience {
	switch {
	case n.Event.State == postroom.EventUndone || n.Event.State == postroom.EventNotJudged && n.Event.Words == "imported":
		return Audience{}
	case n.Conversation.DeletedAt > 0:
		return Audience{}
	case n.Event.Kind.Trouble():
		return forTrouble(n)
	case n.Conversation.Status == postroom.Spam:
		return Audience{}
	}
	assignee := n.Conversation.AssigneeID
	switch n.Event.Kind {
	case postroom.MessageReceived:
		return forMessage(n, assignee)
	case postroom.AssigneeChanged:
		if to, _ := strconv.ParseInt(n.Event.Payload.To, 10, 64); to != 0 && to == assignee {
			return Audience{Kind: postroom.NotifyAssigned, Agents: []int64{to}}
		}
	case postroom.TeamChanged:
		if to, _ := strconv.ParseInt(n.Event.Payload.To, 10, 64); to != 0 && to == n.Conversation.TeamID && assignee == 0 {
			return Audience{Kind: postroom.NotifyTeam, Agents: n.Team}
		}
	case postroom.ConversationWoken:
		if who := n.Event.Payload.By; who != 0 && n.Event.Path == postroom.PathTimer && !n.Conversation.Snoozed() {
			return Audience{Kind: postroom.NotifyWoken, Agents: []int64{who}}
		}
	case postroom.RatingReceived:
		if assignee != 0 && n.Rating != nil && !n.Rating.Replaced { // what they have changed since is told by itself
			return Audience{Kind: postroom.NotifyRated, Agents: []int64{assignee}}
		}
	case postroom.NoteAdded:
		if assignee != 0 && n.Event.Actor.Kind == postroom.ByAgent {
			return Audience{Kind: postroom.NotifyNote, Agents: []int64{assignee}}
		}
	}
	return Audience{}
}

func forMessage(n News, assignee int64) Audience {
	class := n.Event.Payload.Class
	switch {
	case n.First && slices.Contains([]postroom.Class{postroom.AutoReply, postroom.DeliveryReport, postroom.FeedbackReport}, class):
		return Audience{}
	case n.First && assignee == 0 && len(n.Team) > 0 && n.Event.After.TeamID == n.Conversation.TeamID:
		return Audience{Kind: postroom.NotifyTeam, Agents: n.Team, Instead: postroom.NotifyNew} // it began as theirs
	case n.First && assignee == 0 && len(n.Team) > 0:
		return Audience{} // that it was given to a team is an event of its own
	case n.First && assignee == 0:
		return Audience{Kind: postroom.NotifyNew, All: true}
	case n.First && n.Event.After.AssigneeID == assignee:
		return Audience{Kind: postroom.NotifyAssigned, Agents: []int64{assignee}, Instead: postroom.NotifyNew} // it began as theirs
	case n.First:
		return Audience{} // that it was given to somebody is an event of its own
	case class != postroom.Human && class != "":
		return Audience{}
	case assignee == 0 && len(n.Team) > 0:
		return Audience{Kind: postroom.NotifyTeam, Agents: n.Team, Instead: postroom.NotifyWaiting}
	case assignee == 0:
		return Audience{Kind: postroom.NotifyWaiting, All: true}
	}
	return Audience{Kind: postroom.NotifyAnswered, Agents: []int64{assignee}, Instead: postroom.NotifyWaiting}
}

// forTrouble: the assignee is told, and who wrote it; if nobody is assigned the
// team, and everybody where there is none (W25, B4). An automatic mail that a rule keeps back is no trouble.
func forTrouble(n News) Audience {
	if n.Mail == nil || n.Mail.AgentID != 0 {
		return Audience{}
	}
	switch n.Event.Kind {
	case postroom.MailSuppressed, postroom.MailAssumedSent:
		if n.Mail.Automatic {
			return Audience{}
		}
	}
	a := Audience{Kind: postroom.NotifyFailed, Instead: postroom.NotifyFailed}
	switch {
	case n.Conversation.AssigneeID != 0:
		a.Agents = []int64{n.Conversation.AssigneeID}
	case len(n.Team) > 0:
		a.Agents = slices.Clone(n.Team)
	default:
		a.All = true
		return a
	}
	if n.Author != 0 && !slices.Contains(a.Agents, n.Author) {
		a.Agents = append(a.Agents, n.Author)
	}
	return a
}

// Person is an agent who may be told of what happens in the conversation's
// mailbox.
type Person struct {
	*postroom.Agent
	Addresses []string // all they write from, in canonical form
	Choices   map[postroom.NotificationKind]postroom.NotificationChoice
	Muted     bool // the mailbox: they hear only what is theirs
}

// Told is what one agent is told, and how.
type Told struct {
	Person
	Kind postroom.NotificationKind
	postroom.NotificationChoice
}

// Choose picks those of an audience's people who are told: never who did it
// themselves, nobody who does not want to hear of it. people are all who answer
// in the mailbox, or those of the audience's agents who do.
func Choose(n News, a Audience, people []Person) []Told {
	if a.Kind == "" {
		return nil
	}
	all, kind := a.All, a.Kind
	if !all && !slices.ContainsFunc(people, func(p Person) bool { return slices.Contains(a.Agents, p.ID) }) {
		if a.Instead == "" {
			return nil
		}
		all, kind = true, a.Instead
	}
	var out []Told
	for _, p := range people {
		choice := p.Choices[kind]
		switch {
		case !all && !slices.Contains(a.Agents, p.ID), (all || kind.Shared()) && p.Muted, n.by(p), !choice.InPage && !choice.ByMail:
			continue
		}
		out = append(out, Told{Person: p, Kind: kind, NotificationChoice: choice})
	}
	return out
}

// by reports whether a person did it themselves: as the agent, or as the
// customer whom they have written as.
func (n News) by(p Person) bool {
	if n.Event.Actor.Kind == postroom.ByAgent && n.Event.Actor.ID == p.ID || n.Event.Payload.By == p.ID && n.Event.Kind != postroom.ConversationWoken {
		return true
	}
	return n.Event.Kind == postroom.MessageReceived && n.Message != nil && slices.Contains(p.Addresses, postroom.Canonical(n.Message.From.Address))
}
