package automate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/template"
	"postroom/internal/workflow"
)

// Preview renders a wording of the mail that a workflow sends, as it was typed
// and without saving it, for an invented customer. Nothing is written and
// nothing is sent. What is wrong with the wording stands in the sample's Error,
// with line and column; what keeps it from being published, such as a variable
// without a default, counts as wrong.
func (w *Workflows) Preview(ctx context.Context, by *postroom.Agent, id int64, wording string) (query.WorkflowSample, error) {
	return w.PreviewOn(ctx, by, id, wording, 0)
}

// PreviewOn is Preview for the conversation with a number, as it would be right
// after the event that the workflow waits for; 0 invents one.
func (w *Workflows) PreviewOn(ctx context.Context, by *postroom.Agent, id int64, wording string, number int64) (out query.WorkflowSample, err error) {
	read := w.store.Read()
	if _, err := w.mayWrite(ctx, read, by, id); err != nil {
		return out, err
	}
	defer postroom.Wrap(&err, "preview workflow %d", id)
	x, err := read.Workflow(ctx, id)
	if err != nil {
		return out, err
	}
	d, err := definition(ctx, read, id, x.Version)
	if err != nil {
		return out, err
	}
	s, err := w.scene(ctx, by, x, d, number)
	if err != nil {
		return out, err
	}
	out = query.WorkflowSample{Number: number, To: s.to()}
	wish, err := rendered(x, d, wording, s)
	if err != nil {
		return faulty(out, err)
	}
	return w.sample(s, wish, out)
}

// sample is a reply as it would go out.
func (w *Workflows) sample(s *scene, wish workflow.Wish, out query.WorkflowSample) (_ query.WorkflowSample, err error) {
	out.To = s.to()
	out.Text, out.HTML = wish.Text, wish.HTML
	if out.HTML != "" && w.sanitise != nil {
		out.HTML = w.sanitise(out.HTML)
	} else if out.HTML != "" {
		out.Text, out.HTML = out.HTML, ""
	}
	if wish.Blank {
		out.Error = "Rendered here, the text comes out empty: no mail would be sent."
		return out, nil
	}
	out.Subject, err = w.subject(s, wish)
	return out, err
}

// faulty puts what is wrong with the wording into the sample; what is wrong
// with us stays an error.
func faulty(out query.WorkflowSample, err error) (query.WorkflowSample, error) {
	var e *postroom.Error
	if errors.As(err, &e) && e.Code == postroom.Invalid {
		out.Error = e.Text
		return out, nil
	}
	return out, err
}

// rendered checks the workflow with the new wording and renders its first
// reply.
func rendered(x store.Workflow, d workflow.Definition, wording string, s *scene) (workflow.Wish, error) {
	d, err := reworded(d, wording)
	if err != nil {
		return workflow.Wish{}, err
	}
	version, err := workflow.Compile(d, workflow.Identity{WorkflowID: x.ID, Number: x.Version + 1, Name: x.Name})
	if err != nil {
		return workflow.Wish{}, err
	}
	if err := workflow.Publishable(d); err != nil {
		return workflow.Wish{}, err
	}
	wishes, err := workflow.Plan(version, s.options, s.value, nil)
	if err != nil {
		return workflow.Wish{}, err
	}
	return wishes[firstReply(d)], nil
}

// scene is what a wording is rendered for.
type scene struct {
	conversation *postroom.Conversation
	mailbox      *postroom.Mailbox
	customer     *postroom.Customer
	options      template.Options
	value        func(name string) (string, bool)
	subject      string // "" takes the conversation's
	event        *postroom.Event
	assignee     *postroom.Agent
	at           int64
}

// scene looks up the conversation with a number, or invents one.
func (w *Workflows) scene(ctx context.Context, by *postroom.Agent, x store.Workflow, d workflow.Definition, number int64) (*scene, error) {
	if number == 0 {
		return w.invented(x.Name), nil
	}
	read := w.store.Read()
	c, err := read.ConversationByNumber(ctx, number)
	if err != nil {
		return nil, err
	}
	if !postroom.CanOn(by, postroom.See, c.MailboxID, c.AssigneeID) {
		return nil, postroom.Errorf(postroom.NotFound, "There is no conversation %d.", number)
	}
	return w.sceneOf(ctx, by, x.Name, d.When, c, nil)
}

// sceneOf is the scene of an event on a conversation; without one, that of an
// event as the When asks for, made by the agent who looks.
func (w *Workflows) sceneOf(ctx context.Context, by *postroom.Agent, name string, when workflow.When, c *postroom.Conversation, e *postroom.Event) (s *scene, err error) {
	read := w.store.Read()
	values := workflow.Values{Subject: c.Subject, Actor: by, Workflow: name}
	root := postroom.Actor{Kind: postroom.ByAgent, ID: by.ID}
	if e == nil {
		e = &postroom.Event{Kind: when.Event, At: w.store.Now(), After: afterEdge(c.Facts(), when)}
		if answersCustomer(when) {
			root = postroom.Actor{Kind: postroom.ByCustomer, ID: c.CustomerID}
		}
	} else if root, values.Actor, err = w.root(ctx, e); err != nil {
		return nil, err
	}
	values.Event = e
	s = &scene{conversation: c, at: w.store.Now()}
	if s.mailbox, err = read.Mailbox(ctx, c.MailboxID); err != nil {
		return nil, err
	}
	if c.CustomerID != 0 {
		if s.customer, err = read.Customer(ctx, c.CustomerID); err != nil {
			return nil, err
		}
	}
	last, err := read.LastReceived(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	values.Customer, values.Mailbox, s.event = s.customer, s.mailbox, e
	if id := e.After.AssigneeID; id != 0 {
		if values.Assignee, err = read.Agent(ctx, id); err != nil {
			return nil, err
		}
	}
	if id := e.After.TeamID; id != 0 {
		team, err := read.Team(ctx, id)
		if err != nil {
			return nil, err
		}
		values.Team = team.Name
	}
	s.assignee = values.Assignee
	s.options = template.Options{Untrusted: last == nil || !last.Verified, Zone: zone(values.Assignee)}
	if s.options.Untrusted && workflow.MachineCaused(root) {
		s.subject = fmt.Sprintf("Re: your request %d", c.Number) // never a stranger's words (A8)
	}
	s.value = values.Value
	return s, nil
}

// root is who began the chain of an event, and the agent if it was one.
func (w *Workflows) root(ctx context.Context, e *postroom.Event) (postroom.Actor, *postroom.Agent, error) {
	first := *e
	if e.Root != e.ID && e.Root != 0 {
		var err error
		if first, err = w.store.Read().Event(ctx, e.Root); err != nil {
			return first.Actor, nil, err
		}
	}
	if first.Actor.Kind != postroom.ByAgent {
		return first.Actor, nil, nil
	}
	a, err := w.store.Read().Agent(ctx, first.Actor.ID)
	return first.Actor, a, err
}

// answersCustomer says whether a workflow answers what a customer did, and so
// what no agent has looked at.
func answersCustomer(when workflow.When) bool {
	return when.Event == postroom.ConversationCreated || when.Event == postroom.MessageReceived
}

// afterEdge is the conversation as it would be right after the event: one that
// is still open is closed when a closing notice goes out.
func afterEdge(facts postroom.Snapshot, when workflow.When) postroom.Snapshot {
	if when.Event == postroom.StatusChanged && len(when.To) == 1 {
		facts.Status = postroom.Status(when.To[0])
	}
	return facts
}

func zone(a *postroom.Agent) *time.Location {
	if a == nil || a.Zone == "" {
		return time.UTC
	}
	if z, err := time.LoadLocation(a.Zone); err == nil {
		return z
	}
	return time.UTC
}

// invented is a scene out of the examples of the variables.
func (w *Workflows) invented(workflowName string) *scene {
	example := func(name string) string {
		text, _ := template.Examples(name)
		return text
	}
	return &scene{
		conversation: &postroom.Conversation{Subject: example("conversation.subject")},
		mailbox:      &postroom.Mailbox{Name: example("mailbox.name"), Address: example("mailbox.address")},
		customer:     &postroom.Customer{Name: example("customer.name"), Addresses: []string{example("customer.email")}},
		options:      template.Options{Zone: time.UTC},
		at:           w.store.Now(),
		event:        inventedEvent(w.store.Now()),
		value: func(name string) (string, bool) {
			if name == "workflow.name" {
				return workflowName, true
			}
			return template.Examples(name)
		},
	}
}

// to is who would get the mail, for people.
func (s *scene) to() string {
	if s.customer == nil || s.customer.Email() == "" {
		return "nobody: the customer has no address"
	}
	a := postroom.Address{Name: s.customer.Name, Address: s.customer.Email()}
	if a.Name == "" {
		return a.Address
	}
	return a.Name + " <" + a.Address + ">"
}

// subject is that of the mail as the desk composes it.
func (w *Workflows) subject(s *scene, wish workflow.Wish) (string, error) {
	if w.letters == nil || s.customer == nil || s.customer.Email() == "" {
		return "", nil
	}
	mail, err := w.letters.Compose(desk.Letter{Mailbox: s.mailbox, Conversation: s.conversation, Subject: s.subject,
		To: []postroom.Address{{Name: s.customer.Name, Address: s.customer.Email()}}, Text: wish.Text, HTML: wish.HTML, Automatic: true, At: s.at})
	if err != nil {
		return "", err
	}
	return mail.Subject, nil
}
