package workflow

import (
	"postroom"
)

// MailSort says whose mail an outgoing one is.
type MailSort string

// The sorts of outgoing mail.
const (
	AgentReply    MailSort = "agent_reply"    // an agent's reply to the customer
	WorkflowReply MailSort = "workflow_reply" // a workflow's mail to the customer
	AsideMail     MailSort = "aside"          // a workflow's mail to somebody else
)

var mailWords = map[string]string{
	string(AgentReply):    "an agent's reply",
	string(WorkflowReply): "a workflow's mail to the customer",
	string(AsideMail):     "a workflow's mail to somebody else",
}

// sortOf returns the sort of a mail.
func sortOf(m *postroom.Mail) MailSort {
	switch {
	case m.Aside:
		return AsideMail
	case m.Automatic:
		return WorkflowReply
	}
	return AgentReply
}

// mail gives a fact of the mail that the event is about. What the server said
// comes with the event: the mail itself goes on.
func (f recordFacts) mail(name string) Value {
	e, m := f.r.Event, f.r.Mail
	if e == nil || e.Payload.MailID == 0 {
		return Missing()
	}
	switch name {
	case "words":
		return Text(e.Payload.Words)
	case "code":
		if e.Payload.Code == 0 {
			return Missing()
		}
		return Number(int64(e.Payload.Code))
	}
	if m == nil {
		return Missing()
	}
	switch name {
	case "sort":
		return Text(string(sortOf(m)))
	case "address":
		out := make([]string, 0, len(m.Recipients))
		for _, r := range m.Recipients {
			out = append(out, postroom.Canonical(r.Address))
		}
		return Text(out...)
	}
	return Missing()
}

// cause gives a fact of what an event follows from.
func (f recordFacts) cause(name string) Value {
	e := f.r.Event
	if e == nil {
		return Missing()
	}
	if name == "workflow" {
		if e.Actor.Kind == postroom.ByWorkflow {
			return ID(e.Actor.ID)
		}
		return ID(0)
	}
	root := f.r.Root
	if (e.Root == e.ID || e.Root == 0) && (LegOf(e) == 0 || root == nil) {
		root = e
	}
	switch {
	case root == nil:
	case name == "actor":
		return Text(string(root.Actor.Kind))
	case name == "event":
		return Text(string(root.Kind))
	}
	return Missing()
}
