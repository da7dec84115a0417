package template

import (
	"strings"

	"postroom"
)

// signatureNames are what a signature may say: who writes, and for whom. What
// a customer chose is not among them, so that it never becomes our own words.
var signatureNames = []string{"agent.name", "agent.first_name", "agent.email", "mailbox.name", "mailbox.address", "conversation.number", Rating}

// SignatureVariables returns the variables a mailbox's signature may say. The
// agent is the one who writes, whoever the conversation is assigned to.
func SignatureVariables() []Variable {
	var out []Variable
	for _, name := range signatureNames {
		v, _ := Lookup(name)
		v.Optional = false
		switch name {
		case "agent.name":
			v.Label, v.Doc = "Name of the agent who writes", "The agent who sends the reply."
		case "agent.first_name":
			v.Label, v.Doc = "First name of the agent who writes", "The first word of that name."
		case "agent.email":
			v.Label, v.Doc = "Address of the agent who writes", "That agent's own address."
		}
		out = append(out, v)
	}
	return out
}

// CheckSignature returns an Invalid error that says what is wrong with the
// HTML of a signature as a template; nil for one that says no variable.
func CheckSignature(source string) error {
	t, err := Parse(source, HTML)
	if err != nil {
		return err
	}
	return t.Check(SignatureVariables())
}

// Signature fills a signature in for an agent who writes in a mailbox about
// the conversation with a number. A signature that cannot be understood as a
// template is given back as it is: it was saved before it could be one.
func Signature(source string, agent *postroom.Agent, mailbox *postroom.Mailbox, number string) string {
	t, err := Parse(source, HTML)
	if err != nil {
		return source
	}
	first, _, _ := strings.Cut(agent.Name, " ")
	values := map[string]string{
		"agent.name": agent.Name, "agent.first_name": first, "agent.email": agent.Email,
		"mailbox.name": mailbox.Name, "mailbox.address": mailbox.Address, "conversation.number": number, Rating: RatingMark,
	}
	out, err := t.Render(Options{}, func(name string) (string, bool) {
		v, ok := values[name]
		return v, ok
	})
	if err != nil {
		return source
	}
	return out
}
