// Package promise decides whether what was promised came to pass (W38). A
// promise is declared over events and mails: after such an event, if conditions
// hold, this must follow on the same conversation within a span, so many times.
//
// It is pure, as package workflow is: no clock, no database, no network. It is a
// package of its own because a promise does nothing. It has no actions, takes no
// part in the order of workflows and changes no verdict; it only reads what they
// left behind. What it asks when an event happens it asks with workflow's When,
// If and facts, so both understand an event alike.
//
// The way of a promise:
//
//	Decode → Compile → NewSet      when promises are saved
//	Set.Watched                    which of them an event begins
//	Version.DueAt                  until when it must have followed
//	Version.Judge                  what came of it, then and whenever more happens
package promise
