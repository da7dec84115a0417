package query

import (
	"context"
	"fmt"

	"postroom"
	"postroom/internal/store"
)

// ConnectionsPage is GET /system/connections: how mail comes in and goes out,
// mailbox by mailbox.
type ConnectionsPage struct {
	Shell Shell
	Rows  []ConnectionLine
}

// ConnectionLine is one direction of one mailbox.
type ConnectionLine struct {
	MailboxID int64
	Mailbox   string
	In        bool
	Server    string // "" where none is set
	State     string // "ok", "waiting", "bad"; "" for off
	Word      string // the state in a word
	Words     string // the server's, where something is wrong, or how far it is
	Since     int64  // of the state, 0 unknown
	Alive     int64  // the last sign of life: an answer, a mail
	Done, Of  int    // progress while mails that have gathered are taken in
	Href      string // where something can be done about it
}

// Connections reads the connections of all mailboxes; it is for admins.
func (d *Desk) Connections(ctx context.Context, a *postroom.Agent, place Place) (*ConnectionsPage, error) {
	if err := mayManage(a); err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	boxes, _, err := d.read().AdminMailboxes(ctx, shell.Now-month)
	if err != nil {
		return nil, fmt.Errorf("read connections: %w", err)
	}
	all, err := d.read().AllIncoming(ctx)
	if err != nil {
		return nil, err
	}
	incoming := map[int64]*store.Incoming{}
	for _, in := range all {
		incoming[in.MailboxID] = in
	}
	p := &ConnectionsPage{Shell: shell}
	for _, b := range boxes {
		in := ConnectionLine{MailboxID: b.ID, Mailbox: b.Name, In: true, Word: "By mail server", Alive: b.LastReceived, Href: "/mailboxes/" + decimal(b.ID),
			Words: "Mail is handed over by LMTP, SMTP or a pipe."}
		if c := incoming[b.ID]; c != nil && c.Host != "" {
			folders, err := d.read().IncomingFolders(ctx, b.ID)
			if err != nil {
				return nil, err
			}
			in = incomingLine(in, c, folders)
		}
		out := ConnectionLine{MailboxID: b.ID, Mailbox: b.Name, Word: "Not set up", Words: "What is to be sent waits.", State: "waiting", Alive: b.LastAccepted, Href: "/mailboxes/" + decimal(b.ID)}
		if b.Channel.Host != "" {
			out.Server, out.State, out.Word, out.Words = fmt.Sprintf("%s:%d", b.Channel.Host, b.Channel.Port), "ok", "Ready", ""
			if b.PausedWords != "" {
				out.State, out.Word, out.Words, out.Href = "bad", "Paused", b.PausedWords, "/queue"
			}
		}
		p.Rows = append(p.Rows, in, out)
	}
	return p, nil
}

// incomingLine says how an incoming connection is.
func incomingLine(l ConnectionLine, c *store.Incoming, folders []store.IncomingFolder) ConnectionLine {
	l.Server, l.Words, l.Since, l.Alive = fmt.Sprintf("%s:%d", c.Host, c.Port), c.Words, c.StateAt, max(l.Alive, c.AliveAt)
	switch c.State {
	case store.IncomingOff:
		l.State, l.Word = "", "Off"
	case store.IncomingWaiting, store.IncomingConnecting:
		l.State, l.Word = "waiting", "Connecting"
	case store.IncomingCatchingUp:
		l.State, l.Word = "waiting", "Taking in"
	case store.IncomingWatching:
		l.State, l.Word = "ok", "Watching"
	case store.IncomingPolling:
		l.State, l.Word = "ok", "Asking again and again"
	default:
		l.State, l.Word = "bad", "Failing"
		if c.Failures > 1 {
			l.Words += fmt.Sprintf(" (%d times in a row)", c.Failures)
		}
	}
	for _, f := range folders {
		l.Done, l.Of = l.Done+f.Taken, l.Of+f.Waiting
	}
	if c.State != store.IncomingCatchingUp {
		l.Done, l.Of = 0, 0
	}
	return l
}
