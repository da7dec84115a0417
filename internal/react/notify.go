package react

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/notify"
	"postroom/internal/store"
	"postroom/internal/work"
)

// Agents are told of events by a kind of work of its own. The row that says
// that an event is to be told is written in the transaction that judges it
// (W15), or that records it where nothing judges it: so nothing undone is ever
// told, and nothing final forgotten. What is told is decided and rendered
// afterwards, when the workflows are done with the event, and away from the
// judge: a notification that fails or is slow holds up no workflow and no mail
// to a customer.

// notifyTries is how often telling of an event may fail before it is let go.
const notifyTries = 8

// notifySource claims events that agents are to be told of.
type notifySource struct{ r *React }

func (notifySource) Name() string { return desk.WakeNotify }

func (s notifySource) Claim(ctx context.Context, limit int, lease time.Duration) ([]work.Item, error) {
	return items(s.r.Store.ClaimTellings(ctx, limit, lease.Milliseconds()))
}

func (s notifySource) Renew(ctx context.Context, i work.Item, lease time.Duration) error {
	return lost(s.r.Store.RenewTelling(ctx, claimed(i), lease.Milliseconds()))
}

// Fail gives an event back. One with which telling fails again and again is
// let go, with a word in the log: the event itself and its alarm stand.
func (s notifySource) Fail(ctx context.Context, i work.Item, cause error) error {
	wait := pause(i.Tries)
	own := !errors.Is(cause, work.ErrHandedBack) && !errors.Is(cause, context.Canceled) && postroom.CodeOf(cause) != postroom.Unavailable
	if errors.Is(cause, work.ErrHandedBack) {
		wait = 0
	} else {
		s.r.Log.Error("work failed", "work", desk.WakeNotify, "event", i.ID, "tries", i.Tries, "error", cause)
	}
	return unlessLost(s.r.Store.Write(ctx, func(tx *store.Tx) error {
		if own && i.Tries >= notifyTries {
			return tx.EndTelling(ctx, claimed(i))
		}
		return tx.ReleaseTelling(ctx, claimed(i), s.r.Store.Now()+wait)
	}))
}

func (s notifySource) NextDue(ctx context.Context) (int64, bool, error) {
	return s.r.Store.NextTelling(ctx)
}

// notify tells agents of one event.
func (r *React) notify(ctx context.Context, i work.Item) error {
	claim := claimed(i)
	n, err := r.news(ctx, claim.ID)
	if postroom.CodeOf(err) == postroom.NotFound {
		n, err = nil, nil // deleted since
	}
	if err != nil {
		return err
	}
	t := desk.Telling{Claim: claim}
	if n != nil {
		t.Conversation = n.Conversation
		told, err := r.audience(ctx, n)
		if err != nil {
			return err
		}
		if t.Notices, err = r.notices(ctx, n, told); err != nil {
			return err
		}
	}
	return lost(r.Store.Write(ctx, func(tx *store.Tx) error { return r.Desk.Tell(ctx, tx, t) }))
}

// news reads what decides who is told of an event.
func (r *React) news(ctx context.Context, event int64) (*notify.News, error) {
	row, err := r.Store.Read().News(ctx, event)
	if err != nil {
		return nil, err
	}
	n := &notify.News{Event: row.Event, Conversation: row.Conversation, Message: row.Message, First: row.First}
	if team := n.Conversation.TeamID; team != 0 {
		t, err := r.Store.Read().Team(ctx, team)
		if err != nil {
			return nil, err
		}
		if !t.Off() {
			n.Team, err = r.ofTeam(ctx, n.Conversation)
		}
		if err != nil {
			return nil, err
		}
	}
	if n.Event.Kind.Trouble() {
		err = r.trouble(ctx, n)
	}
	if id := n.Event.Payload.RatingID; id != 0 && err == nil {
		n.Rating, err = orNone(r.Store.Read().Rating(ctx, id))
	}
	return n, err
}

// ofTeam are the members of a conversation's team who may answer it as it is now.
// A team of which nobody may, any more, keeps nobody from being told.
func (r *React) ofTeam(ctx context.Context, c *postroom.Conversation) ([]int64, error) {
	members, err := r.Store.Read().TeamAgents(ctx, c.TeamID)
	var out []int64
	for _, a := range members {
		if postroom.CanOn(a, postroom.Answer, c.MailboxID, c.AssigneeID) {
			out = append(out, a.ID)
		}
	}
	return out, err
}

// trouble reads what became of a mail to the customer, and what followed.
func (r *React) trouble(ctx context.Context, n *notify.News) (err error) {
	read, e := r.Store.Read(), n.Event
	if n.Mail, err = read.Mail(ctx, e.Payload.MailID); err != nil {
		return err
	}
	if e.Payload.MessageID != 0 {
		m, err := read.Message(ctx, e.Payload.MessageID)
		switch {
		case postroom.CodeOf(err) == postroom.NotFound:
		case err != nil:
			return err
		case m.Author.Kind == postroom.ByAgent:
			n.Author = m.Author.ID
		}
	}
	act, err := read.ActEvents(ctx, e.ConversationID, e.ActID)
	for _, x := range act {
		n.Reopened = n.Reopened || x.Kind == postroom.StatusChanged && x.Payload.To == string(postroom.Active)
		n.Stopped = n.Stopped || x.Kind == postroom.MailCancelled && x.ID != e.ID
	}
	return err
}

// audience is who is told. Those who may not see the conversation are told
// nothing, whatever they chose.
func (r *React) audience(ctx context.Context, n *notify.News) ([]notify.Told, error) {
	told, err := r.concerned(ctx, n)
	if err != nil {
		return nil, err
	}
	also, err := r.following(ctx, n, told)
	return append(told, also...), err
}

// following are those who are told because they follow the conversation, and
// not for another reason. Who may see it can follow it.
func (r *React) following(ctx context.Context, n *notify.News, told []notify.Told) ([]notify.Told, error) {
	a := notify.Following(*n)
	if a.Kind == "" {
		return nil, nil
	}
	people, err := r.people(ctx, n.Conversation, 0, postroom.See)
	people = slices.DeleteFunc(people, func(p notify.Person) bool {
		return slices.ContainsFunc(told, func(t notify.Told) bool { return t.Agent.ID == p.ID })
	})
	return notify.Choose(*n, a, people), err
}

// concerned are those whose conversation it is, or who wrote what it is about.
func (r *React) concerned(ctx context.Context, n *notify.News) ([]notify.Told, error) {
	a := notify.For(*n)
	if a.Kind == "" {
		return nil, nil
	}
	only := int64(0)
	if !a.All && len(a.Agents) == 1 {
		only = a.Agents[0]
	}
	people, err := r.people(ctx, n.Conversation, only, postroom.Answer)
	if err == nil && len(people) == 0 && only != 0 {
		people, err = r.people(ctx, n.Conversation, 0, postroom.Answer)
	}
	return notify.Choose(*n, a, people), err
}

// people are the agents who may do something with a conversation.
func (r *React) people(ctx context.Context, c *postroom.Conversation, only int64, v postroom.Verb) ([]notify.Person, error) {
	read := r.Store.Read()
	rows, err := read.Told(ctx, c.MailboxID, only)
	if err != nil {
		return nil, err
	}
	var out []notify.Person
	for _, t := range rows {
		if !postroom.CanOn(t.Agent, v, c.MailboxID, c.AssigneeID) {
			continue
		}
		out = append(out, notify.Person{Agent: t.Agent, Addresses: t.Addresses, Choices: t.Choices, Muted: t.Muted})
	}
	return out, nil
}

// notices renders what the agents are told.
func (r *React) notices(ctx context.Context, n *notify.News, told []notify.Told) ([]desk.Notice, error) {
	if len(told) == 0 {
		return nil, nil
	}
	ids, err := r.Store.NewIDs(ctx, 2*len(told))
	if err != nil {
		return nil, err
	}
	var facts *notify.Facts
	var out []desk.Notice
	for i, t := range told {
		x := desk.Notice{InPage: t.InPage, Notification: postroom.Notification{ID: ids[2*i], AgentID: t.Agent.ID, ConversationID: n.Conversation.ID,
			EventID: n.Event.ID, Seq: n.Event.Seq, Kind: t.Kind, Actor: n.Event.Actor, MailID: n.Event.Payload.MailID, Words: wordsOf(n), At: r.Store.Now()}}
		if n.Message != nil {
			x.MessageID = n.Message.ID
		}
		if t.ByMail {
			if facts == nil {
				if facts, err = r.facts(ctx, n); err != nil {
					return nil, err
				}
			}
			if x.Mail, err = r.compose(facts, t, ids[2*i+1], x.MessageID); err != nil {
				return nil, err
			}
			x.InPage = x.InPage || x.Mail == nil
		}
		out = append(out, x)
	}
	return out, nil
}

// wordsOf is the line that the list of notifications shows.
func wordsOf(n *notify.News) string {
	if n.Message != nil {
		return n.Message.Preview()
	}
	if n.Rating != nil {
		return postroom.Preview(n.Rating.Comment)
	}
	return postroom.Preview(n.Event.Payload.Words)
}

// compose makes the mail for one agent; nil if there is no address it could go
// to without coming back to ourselves.
func (r *React) compose(f *notify.Facts, t notify.Told, id, message int64) (*postroom.Mail, error) {
	own := f.Mailbox.Addresses()
	if slices.Contains(own, postroom.Canonical(t.Email)) {
		return nil, nil
	}
	one := *f
	one.Told, one.Marker = t, r.Desk.NotificationMarker(id)
	l := notify.Write(one)
	e := f.Event
	return r.Desk.ComposeNotification(desk.NotificationLetter{ID: id, Mailbox: f.Mailbox, Conversation: f.Conversation, Event: &e, MessageID: message,
		Agent: t.Agent, Sender: l.Sender, Subject: l.Subject, Text: l.Text, HTML: l.HTML, At: f.Now})
}

// earlierShown is how many earlier entries a notification mail shows.
const earlierShown = 3

// facts reads what the mails tell, the same for all agents.
func (r *React) facts(ctx context.Context, n *notify.News) (*notify.Facts, error) {
	read, c := r.Store.Read(), n.Conversation
	f := &notify.Facts{News: *n, Now: r.Store.Now()}
	var err error
	if n.Message != nil { // the whole of it
		if f.Message, err = read.Message(ctx, n.Message.ID); err != nil {
			return nil, err
		}
	}
	if f.Mailbox, err = read.Mailbox(ctx, c.MailboxID); err != nil {
		return nil, err
	}
	customer, err := read.Customer(ctx, c.CustomerID)
	if err != nil {
		return nil, err
	}
	f.Customer = postroom.Address{Name: customer.Name, Address: customer.Email()}
	if r.URL != nil {
		if base := r.URL(); base != "" {
			f.URL = fmt.Sprintf("%s/conversations/%d", base, c.Number)
		}
	}
	names, err := r.names(ctx)
	if err != nil {
		return nil, err
	}
	f.Actor, f.Assignee = names.of(n.Event.Actor, nil), names.agents[c.AssigneeID]
	if team := c.TeamID; team != 0 {
		t, err := read.Team(ctx, team)
		if err != nil {
			return nil, err
		}
		f.TeamName = t.Name
	}
	if n.Message != nil {
		f.Actor = names.of(n.Message.Author, n.Message)
	}
	before, err := read.MessagesBefore(ctx, c.ID, n.Event.Seq, earlierShown)
	for _, m := range before {
		x := notify.Entry{Who: names.of(m.Author, m), At: m.At, Text: notify.Shown(m)}
		if m.Kind != postroom.Received {
			x.What = string(m.Kind)
		}
		f.Earlier = append(f.Earlier, x)
	}
	return f, err
}

// namesOf turns actors into names.
type namesOf struct{ agents, workflows map[int64]string }

func (r *React) names(ctx context.Context) (namesOf, error) {
	n := namesOf{agents: map[int64]string{}, workflows: map[int64]string{}}
	agents, err := r.Store.Read().Agents(ctx)
	if err != nil {
		return n, err
	}
	for _, a := range agents {
		n.agents[a.ID] = a.Name
	}
	workflows, err := r.Store.Read().Workflows(ctx)
	for _, w := range workflows {
		n.workflows[w.ID] = w.Name
	}
	return n, err
}

// of names an actor; m is the message they wrote, nil if it is not known.
func (n namesOf) of(a postroom.Actor, m *postroom.Message) string {
	switch {
	case a.Kind == postroom.ByAgent && n.agents[a.ID] != "":
		return n.agents[a.ID]
	case a.Kind == postroom.ByWorkflow && n.workflows[a.ID] != "":
		return "The workflow “" + n.workflows[a.ID] + "”"
	case a.Kind == postroom.ByCustomer && m != nil:
		if m.From.Name != "" {
			return m.From.Name
		}
		return m.From.Address
	}
	return "Postroom"
}
