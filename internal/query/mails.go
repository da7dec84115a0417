package query

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/store"
)

// MailsAsk says which part of the outgoing mail log is wanted.
type MailsAsk struct {
	State         string
	Mailbox       int64
	Query         string
	After, Before string
}

// Mails reads the outgoing mail log of the mailboxes the agent may see.
func (d *Desk) Mails(ctx context.Context, a *postroom.Agent, q MailsAsk, place Place) (*MailsPage, error) {
	may, err := narrow(a, q.Mailbox)
	if err != nil {
		return nil, err
	}
	if q.State != "" && !slices.Contains(postroom.MailStates, postroom.MailState(q.State)) {
		return nil, postroom.Errorf(postroom.NotFound, "No mail is ever %q.", q.State)
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	p := &MailsPage{Shell: shell, State: q.State, Mailbox: q.Mailbox, Query: q.Query}
	ask := store.MailAsk{May: may, State: postroom.MailState(q.State), Text: strings.TrimSpace(q.Query)}
	if p.Rows, p.Next, p.Previous, err = d.mailLines(ctx, ask, q.After, q.Before); err != nil {
		return nil, err
	}
	counts, err := d.read().MailCounts(ctx, may)
	p.Counts = stateCounts(counts)
	return p, err
}

func stateCounts(in []store.StateCount) []StateCount {
	out := make([]StateCount, 0, len(in))
	for _, c := range in {
		out = append(out, StateCount{State: c.State, Count: c.N})
	}
	return out
}

// mailLines reads one page of mails and its cursors.
func (d *Desk) mailLines(ctx context.Context, ask store.MailAsk, after, before string) (lines []MailLine, next, previous string, err error) {
	ask.Limit = PageSize + 1
	if ask.From, ask.Back, err = mailCursor(after, before); err != nil {
		return nil, "", "", err
	}
	rows, err := d.read().Mails(ctx, ask)
	if err != nil {
		return nil, "", "", fmt.Errorf("read the mail log: %w", err)
	}
	more := len(rows) > PageSize
	if more && ask.Back {
		rows = rows[1:]
	} else if more {
		rows = rows[:PageSize]
	}
	for _, m := range rows {
		lines = append(lines, mailLine(m))
	}
	if err := d.sayWaits(ctx, lines, d.o.Store.Now()); err != nil {
		return nil, "", "", fmt.Errorf("read what mails wait for: %w", err)
	}
	if n := len(rows); n > 0 {
		if ask.Back || more {
			k := rows[n-1].Key(ask.Open)
			next = cursor(k.At, k.ID)
		}
		if ask.Back && more || !ask.Back && ask.From != nil {
			k := rows[0].Key(ask.Open)
			previous = cursor(k.At, k.ID)
		}
	}
	return lines, next, previous, nil
}

func mailCursor(after, before string) (from *store.MailKey, back bool, err error) {
	text := after
	if before != "" {
		text, back = before, true
	}
	if text == "" {
		return nil, false, nil
	}
	var k store.MailKey
	if !readCursor(text, &k.At, &k.ID) {
		return nil, false, postroom.InvalidField("after", "This page of the list cannot be found; begin at its start.")
	}
	return &k, back, nil
}

func mailLine(m store.LogMail) MailLine {
	return MailLine{
		ID: m.ID, State: string(m.State), Kind: mailKind(m.MailRow), Automatic: m.Automatic, Number: m.Number, Subject: m.Subject, To: m.To,
		MailboxID: m.MailboxID, Mailbox: m.Mailbox, At: m.CreatedAt, ChangedAt: changedAt(m.MailRow), DueAt: dueAt(m.Mail), Tries: m.Tries,
		Words: m.Words, Workflow: m.Workflow,
	}
}

func mailKind(m store.MailRow) string {
	switch {
	case m.RunID > 0:
		return "workflow"
	case m.Class == postroom.NotificationClass:
		return "notification"
	}
	return "reply"
}

// dueAt is when something happens to a mail by itself; 0 for never.
func dueAt(m postroom.Mail) int64 {
	switch m.State {
	case postroom.MailHeld, postroom.MailQueued, postroom.MailDeferred, postroom.MailUnsure:
		if m.DueAt < forever {
			return m.DueAt
		}
	}
	return 0
}

// forever is beyond every due time: what waits for the end of a bulk job has
// none yet.
const forever = int64(1) << 50

// mail loads a mail the agent may see the journey of.
func (d *Desk) mail(ctx context.Context, a *postroom.Agent, id int64) (*postroom.Mail, error) {
	m, err := d.read().Mail(ctx, id)
	if err != nil {
		return nil, err
	}
	may, err := d.mayAbout(ctx, a, postroom.SeeQueue, m.ConversationID, m.MailboxID)
	if err == nil && !may {
		err = postroom.Errorf(postroom.NotFound, "There is no such mail.")
	}
	return m, err
}

// QueueAsk says which part of the queue is wanted.
type QueueAsk struct{ After, Before string }

// Queue reads the queue page (W28): channels, depth by state, what is due, and
// the mails that have no end yet with what each waits for.
func (d *Desk) Queue(ctx context.Context, a *postroom.Agent, q QueueAsk, place Place) (*QueuePage, error) {
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	p := &QueuePage{Shell: shell}
	if p.Rows, p.Next, p.Previous, err = d.mailLines(ctx, store.MailAsk{May: visible(a), Open: true}, q.After, q.Before); err != nil {
		return nil, err
	}
	rows, err := d.read().Queue(ctx, visible(a), shell.Now)
	if err != nil {
		return nil, fmt.Errorf("read the queue: %w", err)
	}
	for i := range p.Rows {
		waitsFor(&p.Rows[i], shell.Now, rows.Channels)
	}
	for _, c := range rows.Channels {
		channel := Channel{MailboxID: c.MailboxID, Mailbox: c.Mailbox, Paused: c.PausedAt > 0, Words: c.Words, Since: c.PausedAt, Slow: c.SlowUntil > shell.Now,
			Depth: inOrder(rows.Depth[c.MailboxID]), DueNow: rows.DueNow[c.MailboxID], NextDue: rows.NextDue[c.MailboxID]}
		if channel.Slow && !channel.Paused {
			channel.Words = c.SlowWords
		}
		if c.NextAt > shell.Now && channel.DueNow > 0 {
			channel.NextTurn = c.NextAt
		}
		if c.Host != "" {
			channel.Host = c.Host + ":" + strconv.Itoa(c.Port)
		}
		if channel.NextDue >= forever {
			channel.NextDue = 0
		}
		for _, n := range channel.Depth {
			p.Total += n.Count
		}
		p.Channels = append(p.Channels, channel)
	}
	if postroom.Can(a, postroom.Manage, 0) {
		held, total, err := d.read().HeldTellings(ctx, shownHeld)
		if err != nil {
			return nil, fmt.Errorf("read notifications that are held back: %w", err)
		}
		p.Held.Total = total
		for _, h := range held {
			p.Held.Of = append(p.Held.Of, HeldNotification{Number: h.Number, Subject: h.Subject, Kind: string(h.Kind), At: h.At})
		}
	}
	for _, w := range rows.Lanes {
		p.Kinds = append(p.Kinds, WorkDepth{Kind: w.Kind, Due: w.Due, Later: w.Later, Running: w.Running, Failed: w.Failed, Oldest: w.Oldest})
	}
	return p, nil
}

// shownHeld is how many notifications that are held back the queue page lists.
const shownHeld = 20

// waitsFor says in words why a mail that is due has not gone.
func waitsFor(m *MailLine, now int64, channels []store.ChannelRow) {
	for _, c := range channels {
		if c.MailboxID != m.MailboxID || m.State == string(postroom.MailKept) {
			continue
		}
		switch {
		case c.PausedAt > 0:
			m.Words = "Waits: sending is paused for " + c.Mailbox + ". " + m.Words
			return
		case m.DueAt > now || m.State != string(postroom.MailHeld) && m.State != string(postroom.MailQueued):
		case m.Words == "" && c.SlowUntil > now:
			m.Words = "Waits for its turn: the server asks us to send more slowly: " + c.SlowWords
		case m.Words == "" && c.NextAt > now:
			m.Words = "Waits for its turn: only so many mails a minute are sent from " + c.Mailbox + "."
		}
	}
	if m.Words != "" || m.DueAt == 0 {
		return
	}
	switch {
	case m.DueAt > now && m.State == string(postroom.MailHeld):
		m.Words = "Held until its undo window ends."
	case m.DueAt <= now-2000 && (m.State == string(postroom.MailHeld) || m.State == string(postroom.MailQueued)):
		m.Words = "Waits for an earlier mail of this conversation, or for workflows to look at what came before it."
	}
}

func inOrder(counts []store.StateCount) []StateCount {
	var out []StateCount
	for _, s := range postroom.MailStates {
		for _, c := range counts {
			if c.State == string(s) {
				out = append(out, StateCount{State: c.State, Count: c.N})
			}
		}
	}
	return out
}

// MailState returns the state of a mail the agent may see.
func (d *Desk) MailState(ctx context.Context, a *postroom.Agent, id int64) (postroom.MailState, error) {
	m, err := d.mail(ctx, a, id)
	if err != nil {
		return "", err
	}
	return m.State, nil
}
