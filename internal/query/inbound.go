package query

import (
	"context"
	"fmt"
	"strings"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/store"
)

// InboundAsk says which part of the log of received mails is wanted.
type InboundAsk struct{ State, Query, After, Before string }

// inboundStates are the states of the page, each with those of the rows.
var inboundStates = map[string][]string{
	"":          nil,
	"done":      {store.InboundDone},
	"duplicate": {store.InboundDuplicate, store.InboundLoop},
	"waiting":   {store.InboundNew},
	"refused":   {store.InboundRefused},
	"ignored":   {store.InboundIgnored},
	"failed":    {store.InboundFailed},
	"held":      {store.InboundKept},
	"discarded": {store.InboundDiscarded},
}

func inboundState(row string) string {
	for state, rows := range inboundStates {
		for _, r := range rows {
			if r == row {
				return state
			}
		}
	}
	return row
}

// month is how far back the log of received mails counts, in milliseconds.
const month = int64(30) * 24 * 60 * 60 * 1000

// Inbound reads the log of received mails. Mail that named none of our
// mailboxes is shown to admins only.
func (d *Desk) Inbound(ctx context.Context, a *postroom.Agent, q InboundAsk, place Place) (*InboundPage, error) {
	states, ok := inboundStates[q.State]
	if !ok {
		return nil, postroom.Errorf(postroom.NotFound, "No received mail is ever %q.", q.State)
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	ask := store.InboundAsk{May: visible(a), States: states, Text: strings.TrimSpace(q.Query), Limit: PageSize + 1}
	if ask.From, ask.Back, err = mailCursor(q.After, q.Before); err != nil {
		return nil, err
	}
	rows, err := d.read().InboundLog(ctx, ask)
	if err != nil {
		return nil, fmt.Errorf("read received mails: %w", err)
	}
	p := &InboundPage{Shell: shell, State: q.State, Query: q.Query}
	more := len(rows) > PageSize
	if more && ask.Back {
		rows = rows[1:]
	} else if more {
		rows = rows[:PageSize]
	}
	for _, r := range rows {
		p.Rows = append(p.Rows, inboundLine(r))
	}
	if n := len(rows); n > 0 {
		if ask.Back || more {
			p.Next = cursor(rows[n-1].ReceivedAt, rows[n-1].ID)
		}
		if ask.Back && more || !ask.Back && ask.From != nil {
			p.Previous = cursor(rows[0].ReceivedAt, rows[0].ID)
		}
	}
	counts, err := d.read().InboundCounts(ctx, visible(a), shell.Now-month)
	n := map[string]int{}
	for _, c := range counts {
		n[inboundState(c.State)] += c.N
	}
	for _, s := range []string{"waiting", "held", "failed", "refused", "ignored", "duplicate", "discarded", "done"} {
		p.Counts = append(p.Counts, StateCount{State: s, Count: n[s]})
	}
	return p, err
}

func inboundLine(r store.InboundLog) InboundLine {
	l := InboundLine{
		ID: r.ID, At: r.ReceivedAt, From: nameOr(r.Sender, r.EnvelopeFrom), To: strings.Join(r.EnvelopeTo, ", "), Subject: r.Subject, Size: r.Size,
		Source: r.Source, Class: r.Class, State: inboundState(r.State), Number: r.Number, Message: r.MessageID, Why: r.Words, Tries: r.Tries,
		MessageID: r.HeaderID, MailboxID: r.MailboxID, Mailbox: r.Mailbox,
	}
	if r.State == store.InboundFailed || r.State == store.InboundNew || r.State == store.InboundKept {
		l.Why, l.Words = "", r.Words
	}
	return l
}

// inbound loads a received mail the agent may see.
func (d *Desk) inbound(ctx context.Context, a *postroom.Agent, id int64) (store.Inbound, error) {
	in, err := d.read().Inbound(ctx, id)
	if err != nil {
		return in, err
	}
	may, err := d.mayAbout(ctx, a, postroom.SeeQueue, in.ConversationID, in.MailboxID)
	if err == nil && !may {
		err = postroom.Errorf(postroom.NotFound, "There is no such received mail.")
	}
	return in, err
}

// InboundMail reads one received mail with all that is known of it. What the
// parser says of it is found out anew from the raw mail.
func (d *Desk) InboundMail(ctx context.Context, a *postroom.Agent, id int64, place Place) (*InboundMailPage, error) {
	in, err := d.inbound(ctx, a, id)
	if err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	row := store.InboundLog{Inbound: in}
	if in.ConversationID > 0 {
		c, err := d.read().Conversation(ctx, in.ConversationID)
		if err != nil {
			return nil, err
		}
		row.Number = c.Number
	}
	for _, m := range shell.Mailboxes {
		if m.ID == in.MailboxID {
			row.Mailbox = m.Name
		}
	}
	p := &InboundMailPage{Shell: shell, Mail: inboundLine(row), SHA256: in.RawSHA256}
	if in.Evidence != "" {
		p.Evidence = append(p.Evidence, Choice{Value: "Joined by", Text: in.Evidence})
	}
	raw, err := d.bytes(in.RawSHA256, maxRead)
	if err != nil {
		p.Notices = append(p.Notices, "The raw mail cannot be read: "+postroom.TextOf(err))
		return p, nil
	}
	p.Header = header(raw)
	mail := email.Parse(raw, email.ParseOptions{})
	_, p.ClassReasons = email.Classify(mail)
	if in.State == store.InboundKept { // whoever decides about it sees what it is
		p.Mail.Subject, p.Mail.From = nameOr(p.Mail.Subject, mail.Subject), nameOr(mail.Author().Address, p.Mail.From)
	}
	for _, n := range mail.Notices {
		p.Notices = append(p.Notices, fmt.Sprint(n))
	}
	return p, nil
}
