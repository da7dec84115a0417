package postroom

import "slices"

// Verb is something an agent may or may not do.
type Verb string

// The verbs that permission is asked for.
const (
	See      Verb = "see"      // read a conversation
	Answer   Verb = "answer"   // change it: reply, note, status, assign, tags
	Manage   Verb = "manage"   // settings, agents, workflows, queue
	SeeQueue Verb = "seequeue" // mail log, journeys of mailboxes they see
)

// Can is the one place that decides whether an agent may do something in a
// mailbox (0 for what belongs to none). A disabled agent may do nothing.
func Can(a *Agent, v Verb, mailboxID int64) bool {
	if a == nil || a.Disabled {
		return false
	}
	if a.Role == Admin {
		return true
	}
	if v == Manage {
		return false
	}
	return mailboxID != 0 && slices.Contains(a.Mailboxes, mailboxID)
}
