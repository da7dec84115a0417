package promise

import (
	"postroom"
	"postroom/internal/workflow"
)

// KeyClosingNotice is the key of the promise that a desk comes with.
const KeyClosingNotice = "closing-notice"

// ShippedPromise is a promise that a desk comes with, switched on. It is one
// like any other: admins change it, switch it off, delete it.
type ShippedPromise struct {
	Key, Name  string
	Definition Definition
}

// Shipped returns the promises a desk comes with.
func Shipped() []ShippedPromise {
	return []ShippedPromise{{
		Key:  KeyClosingNotice,
		Name: "Whoever is closed hears of it, once",
		Definition: Definition{
			When: workflow.When{
				Event:  postroom.StatusChanged,
				To:     []string{string(postroom.Closed)},
				Actors: []postroom.ActorKind{postroom.ByAgent},
			},
			Expect: Expect{Mail: MailOfWorkflow},
			Within: "2m",
		},
	}}
}
