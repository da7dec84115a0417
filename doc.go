// Package postroom is the domain of a help desk in which a team answers
// shared mailboxes together.
//
// The glossary, one word a thing:
//
//   - A Mailbox is an address the team answers.
//   - A Conversation is everything about one matter with one Customer; it has
//     a number, a Status and at most one assigned Agent.
//   - A Message is one entry of a conversation: received from the customer, a
//     reply to the customer, or an internal note.
//   - A Draft is a message not yet published; it belongs to its author.
//   - An Event is what happened, in the past tense, with an actor and a cause.
//   - A Workflow is When + If + Then, in numbered versions; a Run is one
//     version that matched one event.
//   - A Mail is one outgoing email: one row of the outbox, one Message-ID, for
//     its whole life. An Attempt is one try to hand it to a server.
//
// The package holds types, verbs and rules and imports nothing but the
// standard library. A verb (Conversation.Close, say) changes state and records
// the event in one gesture; there is no other way to change a conversation.
// Who stores, sends, shows and schedules these things lives under internal/;
// ARCHITECTURE.md is the tour.
package postroom
