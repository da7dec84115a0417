package desktest

import (
	"slices"
	"strings"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/email"
	"postroom/internal/outbox"
	"postroom/internal/react"
	"postroom/internal/store"
	"postroom/internal/work"
)

// Accept hands in a mail as a mail server does, with any envelope, and leaves
// the work to Settle. Line ends may be "\n".
func (d *Desk) Accept(from string, to []string, raw string) {
	d.T.Helper()
	raw = strings.ReplaceAll(strings.ReplaceAll(raw, "\r\n", "\n"), "\n", "\r\n")
	d.must(d.Desk.Accept(d.Ctx, desk.Delivery{Source: "lmtp", From: from, To: to, Raw: []byte(raw)}))
}

// Spooled hands in a mail of which only the content is known, and does the
// work.
func (d *Desk) Spooled(raw string) store.Inbound {
	d.T.Helper()
	d.must(d.Desk.Accept(d.Ctx, desk.Delivery{Source: "spool", Raw: []byte(strings.ReplaceAll(raw, "\n", "\r\n"))}))
	d.Settle()
	return d.LastInbound()
}

// Inbounds returns the received mails from the one that arrived first on.
func (d *Desk) Inbounds() []store.Inbound {
	d.T.Helper()
	rows, err := d.DB.Reader().Query(d.Ctx, "select id from inbound order by received_at, id")
	d.must(err)
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		d.must(rows.Scan(&id))
		ids = append(ids, id)
	}
	d.must(rows.Err())
	out := make([]store.Inbound, len(ids))
	for i, id := range ids {
		out[i], err = d.Store.Read().Inbound(d.Ctx, id)
		d.must(err)
	}
	return out
}

// Messages returns the published messages of a conversation in order, with
// their attachments.
func (d *Desk) Messages(conversation int64) []*postroom.Message {
	d.T.Helper()
	all, err := d.Store.Read().Messages(d.Ctx, conversation)
	d.must(err)
	files, err := d.Store.Read().MessageAttachments(d.Ctx, conversation)
	d.must(err)
	for _, m := range all {
		m.Attachments = files[m.ID]
	}
	return all
}

// LastReceived returns the customer's newest message of a conversation.
func (d *Desk) LastReceived(conversation int64) *postroom.Message {
	d.T.Helper()
	m, err := d.Store.Read().LastReceived(d.Ctx, conversation)
	d.must(err)
	if m == nil {
		d.T.Fatalf("conversation %d has no received message", conversation)
	}
	return m
}

// Participants returns the addresses that take part in a conversation, those
// that are not confirmed with a "?" behind them.
func (d *Desk) Participants(conversation int64) []string {
	d.T.Helper()
	all, err := d.Store.Read().Participants(d.Ctx, conversation)
	d.must(err)
	var out []string
	for _, p := range all {
		if !p.Confirmed {
			p.Address += "?"
		}
		out = append(out, p.Address)
	}
	slices.Sort(out)
	return out
}

// Customer returns the customer of a conversation.
func (d *Desk) Customer(c *postroom.Conversation) *postroom.Customer {
	d.T.Helper()
	customer, err := d.Store.Read().Customer(d.Ctx, c.CustomerID)
	d.must(err)
	return customer
}

// Token returns the token of a mail that arrived, out of its Message-ID.
func (d *Desk) Token(m Mail) string {
	d.T.Helper()
	token, _, ok := d.Desk.Keys().Find(m.ID)
	if !ok {
		d.T.Fatalf("the mail %s carries no token", m.ID)
	}
	return token
}

// BodyMarker returns the line that the body of a mail with a token ends with.
func BodyMarker(token string) string { return email.MarkerText(token) }

// Restarted returns a desk on the same rows, files and post office as this
// one, with everything that lives in memory made anew.
func (d *Desk) Restarted() *Desk {
	d.T.Helper()
	again := *d
	again.Desk = desk.New(desk.Options{Store: d.Store, Blobs: d.Blobs, Keys: d.Desk.Keys()})
	o := d.Outbox.Options
	o.Desk = again.Desk
	again.Outbox = outbox.New(o)
	d.T.Cleanup(again.Outbox.Close)
	again.React = react.New(react.Options{Store: d.Store, Desk: again.Desk, Outbox: again.Outbox, Blobs: d.Blobs, Alarms: d.Alarms})
	var err error
	again.Runner, err = work.New(work.Options{Now: d.Store.Now}, append(again.React.Kinds(), again.keeper()...)...)
	d.must(err)
	return &again
}
