package query

import (
	"context"
	"fmt"
	"strings"

	"postroom"
	"postroom/internal/store"
)

// NotificationsAsk says which part of the list of notifications is wanted.
type NotificationsAsk struct {
	Unread        bool
	After, Before string
}

// Notifications reads what the agent was told, of the conversations they may
// see.
func (d *Desk) Notifications(ctx context.Context, a *postroom.Agent, q NotificationsAsk, place Place) (*NotificationsPage, error) {
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	ask := store.NotificationAsk{Agent: a.ID, Scope: visible(a), Unread: q.Unread, Limit: PageSize + 1}
	if ask.From, ask.Back, err = mailCursor(q.After, q.Before); err != nil {
		return nil, err
	}
	rows, err := d.read().Notifications(ctx, ask)
	if err != nil {
		return nil, fmt.Errorf("read notifications: %w", err)
	}
	more := len(rows) > PageSize
	if more && ask.Back {
		rows = rows[1:]
	} else if more {
		rows = rows[:PageSize]
	}
	p := &NotificationsPage{Shell: shell, Unread: q.Unread}
	for _, r := range rows {
		p.Rows = append(p.Rows, notificationLine(r))
	}
	if n := len(rows); n > 0 {
		if ask.Back || more {
			p.Next = cursor(rows[n-1].At, rows[n-1].ID)
		}
		if ask.Back && more || !ask.Back && ask.From != nil {
			p.Previous = cursor(rows[0].At, rows[0].ID)
		}
	}
	return p, nil
}

func notificationLine(r store.NotificationRow) NotificationLine {
	n := NotificationLine{ID: r.ID, Kind: string(r.Kind), Words: r.Words, Number: r.Number, Subject: r.Subject, Mailbox: r.Mailbox, Event: r.EventID,
		Mail: r.MailID, At: r.At, Read: r.ReadAt > 0}
	switch r.Actor.Kind {
	case postroom.ByAgent:
		n.Who = nameOr(r.Agent, "An agent")
	case postroom.ByCustomer:
		n.Who = nameOr(nameOr(r.From.Name, r.From.Address), nameOr(r.Customer, "The customer"))
	case postroom.ByWorkflow:
		n.Who = "The workflow “" + nameOr(r.Workflow, "that is gone") + "”"
	}
	switch r.Kind {
	case postroom.NotifyAssigned:
		n.Title = "assigned it to you"
		if r.EventKind == postroom.MessageReceived {
			n.Title = "began a conversation that is yours"
		}
	case postroom.NotifyAnswered:
		n.Title = "answered you"
	case postroom.NotifyWaiting:
		n.Title = "answered; nobody has it"
	case postroom.NotifyTeam:
		n.Title = "wrote; it is your team’s and nobody has it"
		if r.EventKind == postroom.TeamChanged {
			n.Title = "gave it to a team of yours"
		}
	case postroom.NotifyNew:
		n.Title = "began a conversation"
	case postroom.NotifyNote:
		n.Title = "left a note"
	case postroom.NotifyFollowed:
		n.Title = map[postroom.EventKind]string{postroom.ReplySent: "replied in one you follow", postroom.NoteAdded: "left a note in one you follow"}[r.EventKind]
		if n.Title = nameOr(n.Title, "wrote in one you follow"); r.EventKind.Trouble() {
			n.Who, n.Title = "", r.EventKind.TroubleWords(r.Automatic)
		}
	case postroom.NotifyRated:
		n.Title = "rated it: " + strings.ToLower(postroom.RatingTextFor("en").Word(r.Rated))
	case postroom.NotifyWoken:
		n.Who, n.Title = "", "Its time has come: it woke"
	case postroom.NotifyFailed:
		n.Who, n.Title = "", r.EventKind.TroubleWords(r.Automatic)
	}
	return n
}

// notificationTitles are the kinds as agents choose about them.
var notificationTitles = map[postroom.NotificationKind][2]string{
	postroom.NotifyAssigned: {"Assigned to me", "Somebody else, or a workflow, gives me a conversation."},
	postroom.NotifyAnswered: {"The customer answers me", "A new message in a conversation that is mine."},
	postroom.NotifyFailed:   {"A mail did not go out", "A reply failed, waits for an hour or came back, or the notice after it was cancelled: in a conversation of mine, one I wrote in, or one that nobody has: then its team is told, or everybody where there is none."},
	postroom.NotifyTeam:     {"To a team of mine", "A team of mine gets a conversation that nobody has, or the customer writes in one."},
	postroom.NotifyNote:     {"A note on mine", "A colleague leaves a note on a conversation of mine."},
	postroom.NotifyNew:      {"A new conversation", "In a mailbox I answer, and nobody has it yet."},
	postroom.NotifyWoken:    {"A conversation I let sleep wakes", "Its time has come."},
	postroom.NotifyRated:    {"A rating on mine", "The customer says what they think of a conversation of mine."},
	postroom.NotifyFollowed: {"In conversations I follow", "The customer or a colleague writes, or a mail does not go out."},
	postroom.NotifyWaiting:  {"The customer answers and nobody has it", "A new message in a conversation that is not assigned."},
}

// NotificationTicks turns what is chosen into the rows of its form.
func NotificationTicks(chosen map[postroom.NotificationKind]postroom.NotificationChoice) []NotificationTick {
	var out []NotificationTick
	for _, k := range postroom.NotificationKinds {
		words := notificationTitles[k]
		out = append(out, NotificationTick{Kind: string(k), Title: words[0], Help: words[1], InPage: chosen[k].InPage, ByMail: chosen[k].ByMail})
	}
	return out
}
