package workflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"postroom"
)

// MaxDefinition is the longest definition read, in bytes of JSON.
const MaxDefinition = 256 << 10

// Definition is what a person wrote: when an event happens, if conditions
// hold, then do something, within limits. It is plain data; Compile makes it
// fit for judging.
//
// A field that holds ids says with the tag ref what they are of, so that a file
// has names in their place: a Ref, "side" for one side of the change that the
// field "event" beside it makes, "fact" for what the field "fact" beside it
// asks about, "-" for a number that is no id.
type Definition struct {
	When   When     `json:"when"`
	If     Cond     `json:"if,omitzero"` // the zero Cond always holds
	Then   []Action `json:"then"`
	Limits Limits   `json:"limits,omitzero"`
}

// When names the edge: an event, and which of those events. An empty list
// lets everything pass. The filters look only at the event itself, so a
// workflow on another edge costs nothing.
type When struct {
	Event  postroom.EventKind   `json:"event"`
	From   []string             `json:"from,omitempty" ref:"side"` // statuses, or agents' ids ("0": nobody)
	To     []string             `json:"to,omitempty" ref:"side"`
	Actors []postroom.ActorKind `json:"actors,omitempty"`
	Paths  []postroom.Path      `json:"paths,omitempty"`

	// Field is the path of the field that changes, "" for any. From and To are its
	// choices, or "true" and "false".
	Field string `json:"field,omitempty"`

	// Agents are those who may run it by hand; empty: everybody who may answer
	// in the conversation. Only a workflow that is run by hand has any.
	Agents []int64 `json:"agents,omitempty" ref:"agent"`

	// After makes the edge arm a timer: how long to wait, as 30m, 12h, 7d or 2w.
	// The workflow runs then, unless one of the events of Unless came between.
	// Again says what a newer event of the edge does to a timer that waits.
	After  string   `json:"after,omitempty"`
	Unless []Unless `json:"unless,omitempty"`
	Again  Again    `json:"again,omitempty"`

	// Schedule says when it runs, for postroom.ScheduleDue.
	Schedule Schedule `json:"schedule,omitzero"`
}

// Cond is a tree of conditions. Exactly one of All, Any, None and Fact is
// used; the zero Cond is no condition at all. Values holds what the operator
// compares with: ids in decimal, times as dates or spans (see Schema), one
// value for most operators, several where the operator says "of".
type Cond struct {
	All    []Cond   `json:"all,omitempty"`
	Any    []Cond   `json:"any,omitempty"`
	None   []Cond   `json:"none,omitempty"`
	Fact   string   `json:"fact,omitempty"`
	Op     Op       `json:"op,omitempty"`
	Values []string `json:"values,omitempty" ref:"fact"`
}

// IsZero reports whether the condition is none at all, which always holds.
func (c Cond) IsZero() bool {
	return len(c.All)+len(c.Any)+len(c.None)+len(c.Values) == 0 && c.Fact == "" && c.Op == ""
}

// ActionKind names what an action does.
type ActionKind string

// The actions.
const (
	DoReply  ActionKind = "reply"  // a mail to the customer: Text or HTML
	DoNote   ActionKind = "note"   // an internal note: Text
	DoStatus ActionKind = "status" // Status
	DoAssign ActionKind = "assign" // Agent, 0 for nobody; or one of Agents, chosen By
	DoTags   ActionKind = "tags"   // Add and Remove
	DoStop   ActionKind = "stop"   // later workflows are not considered for this event

	DoSubject ActionKind = "subject" // Subject
	DoMove    ActionKind = "move"    // Mailbox
	DoSpam    ActionKind = "spam"    // its status becomes spam
	DoDelete  ActionKind = "delete"  // among the deleted ones
	DoMail    ActionKind = "mail"    // to Agents, the Assignee and To: Subject, and Text or HTML
	DoFollow  ActionKind = "follow"  // Agents follow it, those of Unfollow no more
	DoForward ActionKind = "forward" // the message of the event, to To, with Text before it
	DoRun     ActionKind = "run"     // Workflow, on the same event
	DoField   ActionKind = "field"   // Field becomes Value
	DoSnooze  ActionKind = "snooze"  // it sleeps For so long, or Until a moment
	DoWait    ActionKind = "wait"    // For so long, Unless something comes between; then what follows
)

// ActionKinds lists the actions in the order in which the editor offers them.
var ActionKinds = []ActionKind{DoReply, DoMail, DoForward, DoWebhook, DoNote, DoStatus, DoAssign, DoTeam, DoTags, DoField, DoFollow, DoSubject, DoMove, DoSpam, DoDelete, DoSnooze, DoRun, DoWait, DoStop}

// Action is one step of a Then. Only the fields of its kind may be set. Text
// and HTML are templates; a reply has one of the two.
type Action struct {
	Do     ActionKind      `json:"do"`
	Text   string          `json:"text,omitempty"`
	HTML   string          `json:"html,omitempty"`
	Status postroom.Status `json:"status,omitempty"`
	Agent  *int64          `json:"agent,omitempty" ref:"agent"`
	Add    []int64         `json:"add,omitempty" ref:"tag"`
	Remove []int64         `json:"remove,omitempty" ref:"tag"`

	By       AssignBy          `json:"by,omitempty"`                    // assign: how one of Agents is chosen
	Agents   []int64           `json:"agents,omitempty" ref:"agent"`    // assign, mail, follow
	Team     *int64            `json:"team,omitempty" ref:"team"`       // team: 0 for none; assign: one of its members, chosen By; mail: its members
	Assignee bool              `json:"assignee,omitempty"`              // mail: also to who is assigned then
	To       []string          `json:"to,omitempty"`                    // mail, forward: addresses
	Subject  string            `json:"subject,omitempty"`               // a template; a mail without one has the conversation's
	Mailbox  int64             `json:"mailbox,omitempty" ref:"mailbox"` // move
	Unfollow []int64           `json:"unfollow,omitempty" ref:"agent"`  // follow: who follows it no more
	Texts    map[string]string `json:"texts,omitempty"`                 // reply: instead of Text, or HTML, by the customer's language

	Method   string   `json:"method,omitempty"`                  // webhook; POST where it is empty
	URL      string   `json:"url,omitempty"`                     // webhook: a template behind its host
	Headers  []Header `json:"headers,omitempty"`                 // webhook
	Type     string   `json:"content_type,omitempty"`            // webhook: of Text; JSON where it is empty
	Sign     int64    `json:"sign,omitempty" ref:"secret"`       // webhook: what it is signed with, 0 for nothing
	Workflow int64    `json:"workflow,omitempty" ref:"workflow"` // run
	For      string   `json:"for,omitempty"`                     // wait, snooze: as 30m, 12h, 7d or 2w
	Until    string   `json:"until,omitempty"`                   // snooze, instead of For: as tomorrow 09:00, mon 09:00 or office
	Field    string   `json:"field,omitempty"`                   // field: its path, such as choice.plan
	Value    string   `json:"value,omitempty"`                   // field: as it is kept, "" clears it; of a text a template
	Unless   []Unless `json:"unless,omitempty"`                  // wait: what ends the run instead
}

// Decode reads a definition from JSON. It is strict: a key that is not known,
// text after the end and anything over MaxDefinition bytes are errors, so that
// a slip of the pen never turns into a workflow that does something else. It
// does not check what the definition means; Compile does.
func Decode(data []byte) (Definition, error) {
	var d Definition
	if len(data) > MaxDefinition {
		return d, postroom.InvalidField("definition", "The workflow is longer than %d bytes.", MaxDefinition)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return Definition{}, decodeFault(data, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Definition{}, postroom.InvalidField("definition", "There is text after the end of the workflow.")
	}
	return d, nil
}

// decodeFault puts the decoder's error into words, with the line where it is.
func decodeFault(data []byte, err error) error {
	field, text, at := "definition", err.Error(), int64(-1)
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		text, at = "This is not JSON", syntax.Offset
	case errors.As(err, &wrong):
		text, at = fmt.Sprintf("A %s stands where a %s belongs", wrong.Value, wrong.Type), wrong.Offset
		if wrong.Field != "" {
			field = wrong.Field
		}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		text = "The workflow ends too early"
	case strings.HasPrefix(text, "json: unknown field "):
		name := strings.Trim(strings.TrimPrefix(text, "json: unknown field "), `"`)
		field, text = name, fmt.Sprintf("%q is not a key of a workflow", name)
	}
	if at >= 0 && at <= int64(len(data)) {
		text = fmt.Sprintf("%s (line %d)", text, 1+bytes.Count(data[:at], []byte("\n")))
	}
	return &postroom.Error{Code: postroom.Invalid, Field: field, Text: text + ".", Err: err}
}

// Encode writes the definition as JSON on one line. Keys stand in a fixed
// order and equal definitions give equal bytes.
func (d Definition) Encode() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(d); err != nil {
		return nil, fmt.Errorf("encode workflow: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// clone returns a copy that shares nothing with d.
func (d Definition) clone() (Definition, error) {
	b, err := d.Encode()
	if err != nil {
		return d, err
	}
	return Decode(b)
}
