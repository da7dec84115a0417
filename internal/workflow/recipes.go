package workflow

import "postroom"

// Recipe is a workflow to begin from. What only the desk knows, such as whom
// to assign to, is left to be chosen.
type Recipe struct {
	Key         string // stable
	Name        string // the new workflow's name to begin with
	Description string // what it is for
	Definition  Definition
}

// Recipes lists what a new workflow can begin from, in the order in which they
// are offered.
func Recipes() []Recipe {
	people := Cond{Fact: "message.class", Op: Is, Values: []string{string(postroom.Human)}}
	closed := When{
		Event:  postroom.StatusChanged,
		From:   []string{string(postroom.Active), string(postroom.Pending)},
		To:     []string{string(postroom.Closed)},
		Actors: []postroom.ActorKind{postroom.ByAgent, postroom.ByWorkflow, postroom.ByToken},
	}
	answered := func(after string) When {
		return When{Event: postroom.ReplySent, Actors: []postroom.ActorKind{postroom.ByAgent}, After: after, Unless: []Unless{
			{Event: postroom.MessageReceived, Actors: []postroom.ActorKind{postroom.ByCustomer}},
			{Event: postroom.StatusChanged, To: []string{string(postroom.Closed), string(postroom.Spam)}},
		}}
	}
	begins := When{Event: postroom.ConversationCreated, Actors: []postroom.ActorKind{postroom.ByCustomer}}
	return []Recipe{
		{
			Key: "closing-notice", Name: "Closing notice with a condition",
			Description: "A notice of its own when a conversation is closed, but not to everybody.",
			Definition: Definition{
				When:   closed,
				If:     Cond{All: []Cond{{Fact: "customer.domain", Op: IsNot}}},
				Then:   []Action{{Do: DoReply, Text: closingNotice}},
				Limits: Limits{OncePer: OncePerClose},
			},
		},
		{
			Key: "acknowledge", Name: "Acknowledge by subject",
			Description: "An answer of its own to first mails about one thing, with what you want to know from everybody.",
			Definition: Definition{
				When:   begins,
				If:     Cond{All: []Cond{people, {Fact: "conversation.subject", Op: Contains}}},
				Then:   []Action{{Do: DoReply, Text: acknowledgement}},
				Limits: Limits{OncePer: OncePerConversation},
			},
		},
		{
			Key: "tag-by-subject", Name: "Tag by subject",
			Description: "New conversations get a tag when a word stands in their subject.",
			Definition: Definition{
				When: begins,
				If:   Cond{All: []Cond{{Fact: "conversation.subject", Op: Contains}}},
				Then: []Action{{Do: DoTags}},
			},
		},
		{
			Key: "assign-by-sender", Name: "Assign by sender",
			Description: "What one company writes goes to the agent who knows them.",
			Definition: Definition{
				When: begins,
				If:   Cond{All: []Cond{{Fact: "customer.domain", Op: OneOf}}},
				Then: []Action{{Do: DoAssign}},
			},
		},
		{
			Key: "close-spam", Name: "Put spam away",
			Description: "What a spam filter has marked in a header goes to Spam, and no other workflow answers it. Put it first in the order.",
			Definition: Definition{
				When: begins,
				If:   Cond{All: []Cond{{Fact: HeaderFact + "X-Spam-Flag", Op: Is, Values: []string{"YES"}}}},
				Then: []Action{{Do: DoStatus, Status: postroom.Spam}, {Do: DoStop}},
			},
		},
		{
			Key: "release-on-answer", Name: "Back to the team when the customer answers",
			Description: "A conversation whose assignee is away goes back to Unassigned as soon as the customer writes again.",
			Definition: Definition{
				When: When{Event: postroom.MessageReceived, Actors: []postroom.ActorKind{postroom.ByCustomer}},
				If:   Cond{All: []Cond{people, {Fact: "conversation.assignee", Op: Is}}},
				Then: []Action{{Do: DoAssign, Agent: new(int64)}, {Do: DoNote, Text: "The customer has written; this is nobody's again."}},
			},
		},
		{
			Key: "warn-before-closing", Name: "Warn on day 5 that it will be closed",
			Description: "Goes with “Close after 7 days without an answer”: two days before, the customer is told.",
			Definition: Definition{
				When:   answered("5d"),
				If:     Cond{All: []Cond{{Fact: "conversation.status", Op: OneOf, Values: []string{string(postroom.Active), string(postroom.Pending)}}}},
				Then:   []Action{{Do: DoReply, Text: closingWarning}},
				Limits: Limits{OncePer: OncePerClose},
			},
		},
		{
			Key: "close-unanswered", Name: "Close after 7 days without an answer",
			Description: "A week after an agent's reply, unless the customer writes. It never closes on a message that nobody has answered, a draft, or a mail still to be sent.",
			Definition: Definition{
				When: answered("7d"),
				If:   Cond{All: []Cond{{Fact: "conversation.status", Op: OneOf, Values: []string{string(postroom.Active), string(postroom.Pending)}}}},
				Then: []Action{{Do: DoNote, Text: "Closed after 7 days without an answer."}, {Do: DoStatus, Status: postroom.Closed}},
			},
		},
	}
}
