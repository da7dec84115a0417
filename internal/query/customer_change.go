package query

import (
	"context"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/email"
)

// GivePage is GET /conversations/{number}/customer: whom the conversation is
// given to is looked for here.
type GivePage struct {
	Shell   Shell
	Number  int64
	Subject string
	Is      string // the customer it has now
	Query   string
	Found   []GiveTo
	New     string // an address that was typed whole and is nobody's that was found; "" otherwise
	Back    string // the conversation, in its place
	Errors  FieldErrors
}

// GiveTo is a customer that was found.
type GiveTo struct {
	ID      int64
	Name    string // "" for none
	Address string // "" for none
	Talks   int    // conversations that the agent may see
	Is      bool   // it is theirs already
}

// foundCustomers is how many customers a search shows.
const foundCustomers = 20

// Give searches the customers to whom a conversation can be given, for an agent
// who may answer in it: among those with a conversation that the agent may see,
// and, with an address that was typed whole, whoever has it.
func (d *Desk) Give(ctx context.Context, a *postroom.Agent, number int64, text string, place Place) (*GivePage, error) {
	head, err := d.read().Head(ctx, number)
	if err != nil {
		return nil, err
	}
	if maySee(a, head.MailboxID, head.AssigneeID) != nil {
		return nil, postroom.Errorf(postroom.NotFound, "There is no conversation %d.", number)
	}
	if !postroom.CanOn(a, postroom.Answer, head.MailboxID, head.AssigneeID) {
		return nil, postroom.Errorf(postroom.Forbidden, "You may read this conversation, and not change it.")
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	p := &GivePage{Shell: shell, Number: number, Subject: head.Subject, Query: strings.TrimSpace(text)}
	is, err := d.read().Customer(ctx, head.CustomerID)
	if err != nil && postroom.CodeOf(err) != postroom.NotFound {
		return nil, err
	}
	if err == nil {
		p.Is = nameOr(is.Name, is.Email())
	}
	if p.Query == "" {
		return p, nil
	}
	found, err := d.read().FindCustomers(ctx, p.Query, visible(a), foundCustomers)
	if err != nil {
		return nil, err
	}
	typed := postroom.Canonical(p.Query)
	if email.CheckAddress(typed) == nil {
		p.New = typed
	}
	for _, c := range found {
		p.Found = append(p.Found, GiveTo{ID: c.ID, Name: c.Name, Address: c.Address, Talks: c.Talks, Is: c.ID == head.CustomerID})
		if c.Address == typed {
			p.New = ""
		}
	}
	return p, nil
}

// customerWas returns whose conversation it was at an event; who is not known is
// who it is now.
func (v *conversationView) customerWas(id int64) *postroom.Customer {
	if c := v.former[id]; c != nil && id != v.head.CustomerID {
		return c
	}
	return &postroom.Customer{ID: v.head.CustomerID, Name: v.head.Customer, Addresses: v.rows.Addresses, Language: v.head.Language, Company: v.head.Company, Fields: v.head.CustomerFields}
}

// formerCustomers reads the names that the lines about a change of customer
// need; hardly any conversation has such a line.
func (d *Desk) formerCustomers(ctx context.Context, v *conversationView) (map[int64]*postroom.Customer, error) {
	var ids []int64
	for _, e := range v.rows.Events {
		if e.Kind != postroom.CustomerChanged {
			continue
		}
		for _, side := range []string{e.Payload.From, e.Payload.To} {
			if id, err := strconv.ParseInt(side, 10, 64); err == nil {
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return d.read().CustomersByID(ctx, ids)
}
