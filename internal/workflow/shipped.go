package workflow

import "postroom"

// The keys of the shipped workflows.
const (
	KeyClosingNotice = "closing-notice"
	KeyAcknowledge   = "acknowledge"
)

// ShippedWorkflow is a workflow that a new desk comes with. It is one like any
// other (W13): admins switch, order and word it.
type ShippedWorkflow struct {
	Key         string
	Name        string
	Description string
	Definition  Definition
}

// Shipped returns the workflows a new desk comes with, in their order.
func Shipped() []ShippedWorkflow {
	return []ShippedWorkflow{
		{
			Key:         KeyAcknowledge,
			Name:        "Acknowledge a new conversation",
			Description: "Tells customers that their first mail has arrived, and its number. Machines get no such answer.",
			Definition: Definition{
				When: When{
					Event:  postroom.ConversationCreated,
					Actors: []postroom.ActorKind{postroom.ByCustomer},
					Paths:  []postroom.Path{postroom.PathMail},
				},
				If: Cond{All: []Cond{
					{Fact: "message.class", Op: Is, Values: []string{string(postroom.Human)}},
					{Fact: "conversation.status", Op: IsNot, Values: []string{string(postroom.Spam)}},
				}},
				Then:   []Action{{Do: DoReply, Text: acknowledgement}},
				Limits: Limits{OncePer: OncePerConversation},
			},
		},
		{
			Key:         KeyClosingNotice,
			Name:        "Tell the customer it is closed",
			Description: "Sends a short notice of its own whenever a conversation is closed, after the reply that closed it.",
			Definition: Definition{
				When: When{
					Event: postroom.StatusChanged,
					// Closing what was spam is tidying up: no notice for that.
					From:   []string{string(postroom.Active), string(postroom.Pending)},
					To:     []string{string(postroom.Closed)},
					Actors: []postroom.ActorKind{postroom.ByAgent, postroom.ByWorkflow, postroom.ByToken},
				},
				Then:   []Action{{Do: DoReply, Text: closingNotice}},
				Limits: Limits{OncePer: OncePerClose},
			},
		},
	}
}

// The greeting has a default for customers without a name and for senders who
// are not verified; neither text repeats what a stranger wrote (A8).
const (
	acknowledgement = `Hello {{ customer.first_name | default: "there" }},

thank you for writing to us. Your message has arrived; its number is {{ conversation.number }}. One of us will read it and answer you here.

If there is anything you would like to add, simply reply to this mail.

Kind regards
{{ mailbox.name }}`

	closingNotice = `Hello {{ customer.first_name | default: "there" }},

we have now closed your request, number {{ conversation.number }}.

Is something still open, or did we miss a point? Simply reply to this mail, and your request is open again and back with us.

Kind regards
{{ mailbox.name }}`
)
