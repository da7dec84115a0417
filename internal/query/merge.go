package query

import (
	"context"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/store"
)

// MergePage is GET /conversations/{number}/merge: what the conversation is to
// go on as is looked for here.
type MergePage struct {
	Shell    Shell
	Number   int64
	Subject  string
	Customer string
	Query    string
	Found    []MergeTo
	Back     string // the conversation, in its place
}

// MergeTo is a conversation that was found.
type MergeTo struct {
	Number   int64
	Subject  string
	Customer string
	Same     bool // it is the same customer's
	Status   string
	LastAt   int64
}

// foundTalks is how many conversations a search shows.
const foundTalks = 20

// Merge looks for the conversation that one is merged into, for an agent who may
// answer in it: the same customer's others, the latest first, until something is
// typed, and then by number or by words of the subject.
func (d *Desk) Merge(ctx context.Context, a *postroom.Agent, number int64, text string, place Place) (*MergePage, error) {
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
	p := &MergePage{Shell: shell, Number: number, Subject: head.Subject, Customer: head.Customer, Query: strings.TrimSpace(text)}
	var found []store.FoundTalk
	if p.Query == "" {
		found, err = d.read().TalksOfCustomer(ctx, head.CustomerID, visible(a), foundTalks+1)
	} else {
		n, _ := strconv.ParseInt(strings.TrimPrefix(p.Query, "#"), 10, 64)
		found, err = d.read().FindTalks(ctx, p.Query, n, visible(a), foundTalks+1)
	}
	if err != nil {
		return nil, err
	}
	for _, c := range found {
		if c.Number == number || len(p.Found) == foundTalks || !postroom.CanOn(a, postroom.Answer, c.MailboxID, c.AssigneeID) {
			continue
		}
		p.Found = append(p.Found, MergeTo{Number: c.Number, Subject: c.Subject, Customer: c.Customer, Same: c.CustomerID == head.CustomerID,
			Status: string(c.Status), LastAt: c.UpdatedAt})
	}
	return p, nil
}
