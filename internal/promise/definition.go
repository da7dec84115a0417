package promise

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"postroom"
	"postroom/internal/workflow"
)

// MaxDefinition is the longest definition read, in bytes of JSON.
const MaxDefinition = 64 << 10

// Definition is what a person wrote. It is plain data; Compile makes it fit for
// judging.
type Definition struct {
	When   workflow.When `json:"when"` // never one that waits
	If     workflow.Cond `json:"if,omitzero"`
	Expect Expect        `json:"expect"`
	Within string        `json:"within"` // a span such as 2m, 4h, 3d, or of office time, such as 4bh
}

// Expect is what must follow on the conversation: a mail to its customer, or an
// event.
type Expect struct {
	Times    Times            `json:"times,omitempty"`
	Mail     Mail             `json:"mail,omitempty"`                    // "" for an event
	Workflow int64            `json:"workflow,omitempty" ref:"workflow"` // with MailOfWorkflow: of this one, 0 for any
	Event    *workflow.Unless `json:"event,omitempty"`                   // an event with filters; nil for a mail
}

// Times says how often it must follow within the span.
type Times string

// The counts.
const (
	Once    Times = ""     // exactly once
	Some    Times = "some" // once or more
	NotOnce Times = "none" // not at all
)

// Mail says whose mail to the customer must have been accepted by its server.
type Mail string

// The senders.
const (
	MailOfWorkflow Mail = "workflow" // one that a workflow made because of the event
	MailOfAnybody  Mail = "any"      // any later one: an agent's reply too
)

// MaxWithin is the longest span, in milliseconds; of office time it is a year of
// days with office hours.
const MaxWithin = workflow.MaxAfter * 60_000

// Decode reads a definition from JSON. Like workflow.Decode it is strict; what
// the definition means is Compile's to check.
func Decode(data []byte) (Definition, error) {
	var d Definition
	if len(data) > MaxDefinition {
		return d, postroom.InvalidField("definition", "The promise is longer than %d bytes.", MaxDefinition)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return Definition{}, &postroom.Error{Code: postroom.Invalid, Field: "definition", Text: "The promise cannot be read: " + err.Error() + ".", Err: err}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Definition{}, postroom.InvalidField("definition", "There is text after the end of the promise.")
	}
	return d, nil
}

// Encode writes the definition as JSON on one line; equal definitions give equal
// bytes.
func (d Definition) Encode() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(d); err != nil {
		return nil, fmt.Errorf("encode promise: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// begins is the part that says when it is watched, as a workflow that does
// nothing to speak of: so it is compiled, judged and worded as one.
func (d Definition) begins() workflow.Definition {
	return workflow.Definition{When: d.When, If: d.If, Then: []workflow.Action{{Do: workflow.DoNote, Text: "-"}}}
}

// edge is the event that must follow as a When; the zero one for a mail.
func (x Expect) edge() workflow.When {
	if x.Event == nil {
		return workflow.When{}
	}
	return workflow.When{Event: x.Event.Event, From: x.Event.From, To: x.Event.To, Actors: x.Event.Actors, Paths: x.Event.Paths}
}
