package template

import (
	"regexp"
	"slices"
)

// Variable is something a template can say. The table of them is the one
// source for checking, for the editor's menu and for the documentation.
type Variable struct {
	Name    string // as written in a template
	Label   string // for a menu
	Doc     string // what it is, and when it is empty
	Example string // for previews
	// Optional says that it may be empty: to be published, a template must
	// give it a default or ask for it with if.
	Optional bool
	// Supplied says that the customer chose the text. For a sender who is not
	// verified it is withheld: such mails would carry a stranger's words, under
	// our name, to whomever the stranger names (rule A8).
	Supplied bool
	// Instead is the variable that stands in when this one is empty or
	// withheld and the template gives no default; "" is none.
	Instead string
	// Links says that it becomes links of the mail that it stands in: it can
	// stand in the body of a mail to the customer alone, and not within a tag.
	Links bool
	// Moment says that it is a time, given as RFC 3339, which the filter date
	// formats.
	Moment bool
}

var variables = []Variable{
	{Name: "conversation.number", Label: "Number of the conversation", Example: "1042",
		Doc: "The number people call the conversation by."},
	{Name: "conversation.subject", Label: "Subject of the conversation", Example: "My order has not arrived",
		Supplied: true, Instead: "conversation.number",
		Doc: "The subject; the number where there is none, and for a sender who is not verified."},
	{Name: "conversation.status", Label: "Status of the conversation", Example: "closed",
		Doc: "active, pending, closed or spam."},
	{Name: "conversation.created", Label: "When the conversation began", Example: "2026-01-31T09:30:00Z", Moment: true,
		Doc: "A time: use the filter date to say how it is written."},
	{Name: "conversation.team", Label: "Team of the conversation", Example: "Second line", Optional: true,
		Doc: "The name of the team the conversation is given to. Empty when it is no team's."},
	{Name: "customer.name", Label: "Name of the customer", Example: "Maria Lind", Optional: true, Supplied: true,
		Doc: "The full name. Empty when only an address is known, and for a sender who is not verified."},
	{Name: "customer.first_name", Label: "First name of the customer", Example: "Maria", Optional: true, Supplied: true,
		Doc: "The first word of the name. Empty like the name."},
	{Name: "customer.last_name", Label: "Last name of the customer", Example: "Lind", Optional: true, Supplied: true,
		Doc: "The name without its first word. Empty like the name, and when the name is one word."},
	{Name: "customer.email", Label: "Address of the customer", Example: "maria@example.com", Optional: true, Supplied: true,
		Doc: "The primary address. Empty when there is none, and for a sender who is not verified."},
	{Name: "customer.company", Label: "Company of the customer", Example: "Lind Ceramics", Optional: true,
		Doc: "As an agent has said it. Empty where nobody has."},
	{Name: "customer.language", Label: "Language of the customer", Example: "de", Optional: true,
		Doc: "The tag of their language, such as de or pt-br. Empty where it is not known."},
	{Name: "mailbox.name", Label: "Name of the mailbox", Example: "Acme Support",
		Doc: "The name of the mailbox the conversation is in."},
	{Name: "mailbox.address", Label: "Address of the mailbox", Example: "support@example.com",
		Doc: "The address customers write to."},
	{Name: "agent.name", Label: "Name of the assignee", Example: "Ann Baker", Optional: true,
		Doc: "The agent the conversation is assigned to. Empty when it is nobody's."},
	{Name: "agent.first_name", Label: "First name of the assignee", Example: "Ann", Optional: true,
		Doc: "The first word of that name. Empty when the conversation is nobody's."},
	{Name: "agent.email", Label: "Address of the assignee", Example: "ann@example.com", Optional: true,
		Doc: "That agent's own address. Empty when the conversation is nobody's."},
	{Name: "actor.name", Label: "Name of the agent who did it", Example: "Ann Baker", Optional: true,
		Doc: "The agent who set off the workflow. Empty when it was a customer, a workflow, an API client or the desk itself."},
	{Name: "actor.first_name", Label: "First name of the agent who did it", Example: "Ann", Optional: true,
		Doc: "The first word of that name. Empty like it."},
	{Name: "event.at", Label: "When it happened", Example: "2026-02-02T16:05:00Z", Moment: true,
		Doc: "The time of what set off the workflow: use the filter date to say how it is written."},
	{Name: "workflow.name", Label: "Name of the workflow", Example: "Tell the customer it is closed",
		Doc: "The name of the workflow itself, mostly for notes."},
	{Name: Rating, Label: "Links to rate the answer", Example: RatingMark, Links: true,
		Doc: "Three links, good, okay and not good, in a mail to the customer and nowhere else. The desk needs a public address for them."},
}

// Rating is the name of the variable that asks for a rating.
const Rating = "rating"

// RatingMark is what it renders to. Whoever makes the mail puts the links in
// its place; everywhere else it reads as what it stands for. No other value can
// hold it.
const RatingMark = "\u2063[Good · Okay · Not good]\u2063"

// Variables returns the table of variables. The text of a message is not
// among them: an automatic mail that repeats it would carry anybody's words to
// anybody (rule A8).
func Variables() []Variable { return slices.Clone(variables) }

// Lookup finds a variable by name.
func Lookup(name string) (Variable, bool) { return find(variables, name) }

// fieldKeyed is a field of the desk's own, by its key.
var fieldKeyed = regexp.MustCompile(`^(conversation|customer)\.fields\.([a-z][a-z0-9_]*)$`)

func find(list []Variable, name string) (Variable, bool) {
	if m := fieldKeyed.FindStringSubmatch(name); m != nil {
		return Variable{Name: name, Label: "Field " + m[2], Example: "A-1042", Optional: true, Doc: "A field of your own. Empty where it is not set."}, true
	}
	for _, v := range list {
		if v.Name == name {
			return v, true
		}
	}
	return Variable{}, false
}

// Examples gives every variable its example, for previews.
func Examples(name string) (string, bool) {
	v, ok := Lookup(name)
	return v.Example, ok
}

// freescout maps the variables of FreeScout's saved replies and workflows to
// ours, as far as there is an equal.
var freescout = map[string]string{
	"subject":               "conversation.subject",
	"conversation.number":   "conversation.number",
	"conversation.subject":  "conversation.subject",
	"rating":                Rating,
	"customer.fullName":     "customer.name",
	"customer.firstName":    "customer.first_name",
	"customer.lastName":     "customer.last_name",
	"customer.email":        "customer.email",
	"customer.company":      "customer.company",
	"mailbox.name":          "mailbox.name",
	"mailbox.fromName":      "mailbox.name",
	"mailbox.email":         "mailbox.address",
	"user.fullName":         "agent.name",
	"user.firstName":        "agent.first_name",
	"user.email":            "agent.email",
	"currentUser.fullName":  "actor.name",
	"currentUser.firstName": "actor.first_name",
}
