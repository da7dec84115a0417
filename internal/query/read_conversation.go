package query

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"postroom"
	"postroom/internal/store"
)

// ConversationAsk says which conversation an agent opens, and whether the
// composer is to be open: "reply", "note" or "".
type ConversationAsk struct {
	Number  int64
	Compose string
	Edit    int64 // a message whose text is to be changed; 0 for none
	From    int64 // the former version of it to begin with; 0 for what it says now
	History int64 // a message whose former texts are to be shown; 0 for none
}

// Conversation reads the page of a conversation: the frame and three
// statements. Without a list in place, the one beside it is the folder that the
// conversation itself lies in.
func (d *Desk) Conversation(ctx context.Context, a *postroom.Agent, ask ConversationAsk, place Place) (*ConversationPage, error) {
	v, err := d.view(ctx, a, ask.Number, place)
	if err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, v.place)
	if err != nil {
		return nil, err
	}
	v.now, v.shell = shell.Now, shell
	if v.idle, err = d.didNotRun(ctx, v); err != nil {
		return nil, err
	}
	if v.former, err = d.formerCustomers(ctx, v); err != nil {
		return nil, err
	}
	may := postroom.CanOn(a, postroom.Answer, v.head.MailboxID, v.head.AssigneeID)
	p := &ConversationPage{
		Shell: shell, Head: v.headOf(), Unread: v.rows.Unread, Seen: seenOf(v.rows), Timeline: v.timeline(), Side: v.side(), Previous: v.rows.Prev, Next: v.rows.Next,
		Agents: v.assignable(), Teams: teamChoices(v.rows.Teams), Tags: v.tagNames(), Notices: v.notices(),
		MoveTo: moveTo(a, shell, v.head.MailboxID), May: MayConverse{Restore: may},
	}
	if v.head.DeletedAt > 0 || v.head.MergedInto > 0 {
		may = false // until it is restored; one that was merged is a place that leads elsewhere
	}
	if may {
		p.May = MayConverse{Reply: may, Note: may, Status: may, Assign: may, Tag: may, Subject: may, Snooze: v.head.Status == postroom.Active || v.head.Status == postroom.Pending, Move: len(p.MoveTo) > 0, Merge: v.head.Status != postroom.Spam, Delete: may}
	}
	if p.Receipt, err = d.receipt(ctx, v); err != nil {
		return nil, err
	}
	if p.Timers, err = d.timerLines(ctx, v, may); err != nil {
		return nil, err
	}
	if may {
		p.Composer = v.composer(ask)
		if p.Run, err = d.startableIn(ctx, a, shell, v.head.MailboxID); err != nil {
			return nil, err
		}
	}
	return p, d.edits(ctx, v, p, ask, may)
}

// moveTo lists the mailboxes that an agent may move conversations to.
func moveTo(a *postroom.Agent, shell Shell, from int64) []Choice {
	var out []Choice
	for _, m := range shell.Mailboxes {
		if m.ID != from && postroom.CanOn(a, postroom.Answer, m.ID, a.ID) {
			out = append(out, Choice{Value: decimal(m.ID), Text: m.Name})
		}
	}
	return out
}

// conversationView is a conversation with all that was read around it, and the
// agent through whose eyes it is seen.
type conversationView struct {
	agent    *postroom.Agent
	head     store.HeadRow
	rows     *store.ConversationRows
	messages []*postroom.Message
	place    Place // with the list that stands beside it
	now      int64
	shell    Shell
	idle     map[int64]string // why a start by hand came to nothing, by its event

	agents    map[int64]string
	tags      map[int64]string
	workflows map[int64]store.WorkflowName
	former    map[int64]*postroom.Customer // whom the conversation was taken from or given to
}

// view reads a conversation the agent may see.
func (d *Desk) view(ctx context.Context, a *postroom.Agent, number int64, place Place) (*conversationView, error) {
	head, err := d.read().Head(ctx, number)
	if err != nil {
		return nil, err
	}
	if maySee(a, head.MailboxID, head.AssigneeID) != nil {
		return nil, postroom.Errorf(postroom.NotFound, "There is no conversation %d.", number)
	}
	place = place.beside(a, head)
	ask := store.ConversationAsk{Agent: a.ID, May: visible(a)}
	if place.Folder != "" {
		// A place that is no list only means that there are no neighbours.
		if l, err := (ListAsk{Folder: place.Folder, Mailbox: place.Mailbox, Sort: place.Sort}).askStore(a); err == nil {
			ask.List = &l
		}
	}
	v := &conversationView{agent: a, head: head, place: place, now: d.store.Now(), agents: map[int64]string{}, tags: map[int64]string{}, workflows: map[int64]store.WorkflowName{}}
	if v.messages, err = d.read().Messages(ctx, head.ID); err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	if v.rows, err = d.read().ConversationRows(ctx, head.Conversation, ask); err != nil {
		return nil, fmt.Errorf("read a conversation: %w", err)
	}
	head.Tags = v.rows.TagIDs
	for _, x := range v.rows.Agents {
		v.agents[x.ID] = x.Name.Name
	}
	for _, x := range v.rows.Tags {
		v.tags[x.ID] = x.Name
	}
	for _, x := range v.rows.Workflows {
		v.workflows[x.ID] = x
	}
	return v, nil
}

// beside returns the place with the folder that the conversation lies in,
// unless it names a list already. Its path then names it too, so that an act
// on the page does not change the list beside it.
func (p Place) beside(a *postroom.Agent, head store.HeadRow) Place {
	if p.Folder != "" || p.Section != "desk" {
		return p
	}
	folder := head.Folder()
	switch {
	case folder == postroom.Assigned && head.AssigneeID == a.ID:
		folder = postroom.Mine
	case folder == postroom.Merged:
		folder = postroom.ClosedFolder // it stands in no list
	}
	p.Folder = string(folder)
	if u, err := url.Parse(p.Path); err == nil && u.Path != "" {
		q := u.Query()
		q.Set("folder", p.Folder)
		u.RawQuery = q.Encode()
		p.Path = u.String()
	}
	return p
}

func (v *conversationView) headOf() Head {
	c := v.head
	h := Head{
		ID: c.ID, Number: c.Number, Subject: c.Subject, Status: string(c.Status), AssigneeID: c.AssigneeID, Assignee: c.Assignee, TeamID: c.TeamID, Team: c.Team,
		MailboxID: c.MailboxID, Mailbox: c.Mailbox.Name, MailAddress: c.Mailbox.Address,
		CreatedAt: c.CreatedAt, WaitingSince: c.WaitingSince, ClosedAt: c.ClosedAt, DeletedAt: c.DeletedAt, SnoozedUntil: c.SnoozedUntil, Rating: string(c.Rating), LastSeq: c.Seq,
	}
	h.Followed = slices.Contains(c.Followers, v.agent.ID)
	for _, id := range v.rows.TagIDs {
		h.Tags = append(h.Tags, v.tags[id])
	}
	slices.Sort(h.Tags)
	h.Into, h.IntoDeleted = c.Into, c.IntoDeleted > 0
	for _, n := range v.rows.Merged {
		h.CopyOf = append(h.CopyOf, Linked{Number: n, Words: "Took in"})
	}
	if c.Linked > 0 {
		h.CopyOf = append(h.CopyOf, Linked{Number: c.Linked, Words: "Continues"})
	}
	return h
}

// actor returns the name of who did something.
func (v *conversationView) actor(a postroom.Actor) string {
	switch a.Kind {
	case postroom.ByAgent:
		return nameOr(v.agents[a.ID], "an agent who is gone")
	case postroom.ByCustomer:
		return v.customer()
	case postroom.ByWorkflow:
		return nameOr(v.workflows[a.ID].Name.Name, "a workflow that is gone")
	case postroom.ByToken:
		return "an API client"
	case postroom.ByImport:
		return "an import"
	}
	return "Postroom"
}

// customer returns the customer's name, or the address of one without.
func (v *conversationView) customer() string {
	if v.head.Customer != "" {
		return v.head.Customer
	}
	if len(v.rows.Addresses) > 0 {
		return v.rows.Addresses[0]
	}
	return "the customer"
}

func (v *conversationView) assignable() []Choice {
	var out []Choice
	for _, x := range v.rows.Agents {
		if !x.Disabled && x.May {
			out = append(out, Choice{Value: decimal(x.ID), Text: x.Name.Name})
		}
	}
	return out
}

func (v *conversationView) tagNames() []string {
	out := make([]string, 0, len(v.rows.Tags))
	for _, t := range v.rows.Tags {
		out = append(out, t.Name)
	}
	return out
}

// notices says in plain words what stopped here: chains that grew too long
// (W20), the last of them only.
func (v *conversationView) notices() []string {
	for i := len(v.rows.Events) - 1; i >= 0; i-- {
		e := v.rows.Events[i]
		if e.Kind == postroom.ChainStopped {
			return []string{nameOr(e.Payload.Words, "Workflows stopped here: too many had set each other off.")}
		}
		if e.Actor.Kind == postroom.ByAgent || e.Actor.Kind == postroom.ByCustomer {
			break
		}
	}
	return nil
}

func (v *conversationView) side() Side {
	s := Side{CustomerID: v.head.CustomerID, Name: v.customer(), Written: v.head.Customer, Language: v.head.Language, LanguageSet: v.head.LanguageSet, Since: v.head.CustomerSince, Count: v.rows.OthersCount + 1}
	used := v.usedAddress()
	if used != "" {
		s.Addresses = append(s.Addresses, used)
	}
	for _, a := range v.rows.Addresses {
		if a != used {
			s.Addresses = append(s.Addresses, a)
		}
	}
	for _, x := range v.rows.Agents {
		if !x.Disabled && slices.Contains(v.head.Followers, x.ID) {
			s.Followers = append(s.Followers, x.Name.Name)
		}
	}
	for _, x := range v.rows.Stopped {
		s.Stopped = append(s.Stopped, Choice{Value: x.Address, Text: x.Words})
	}
	for _, o := range v.rows.Others {
		s.Others = append(s.Others, OtherConversation{Number: o.Number, Subject: o.Subject, Status: string(o.Status), LastAt: o.UpdatedAt})
	}
	for _, p := range v.rows.Participants {
		if !slices.Contains(v.rows.Addresses, p.Address) && !v.own(p.Address) {
			s.Participants = append(s.Participants, Address{Name: p.Name, Address: p.Address})
		}
	}
	s.Fields, s.Theirs, s.Company = v.fieldValues(), v.customerFields(), v.head.Company
	s.Properties = []Choice{{Value: "Messages", Text: decimal(int64(v.head.Received + v.head.Replies))}}
	if v.head.Notes > 0 {
		s.Properties = append(s.Properties, Choice{Value: "Notes", Text: decimal(int64(v.head.Notes))})
	}
	return s
}

// usedAddress is the customer's address that wrote here last.
func (v *conversationView) usedAddress() string {
	for i := len(v.messages) - 1; i >= 0; i-- {
		m := v.messages[i]
		if address := postroom.Canonical(m.From.Address); m.Kind == postroom.Received && slices.Contains(v.rows.Addresses, address) {
			return address
		}
	}
	return ""
}
