// Package desktest is the whole desk as a transcript: customers write, agents
// answer, time passes, and the mails that arrive at a real post office are
// read back in order. It runs on both engines, with a clock that stands still
// until a test moves it, and ends each test with the invariants of every desk.
package desktest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-message/mail"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/automate"
	"postroom/internal/blob"
	"postroom/internal/consent"
	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/desk"
	"postroom/internal/email"
	"postroom/internal/incoming"
	"postroom/internal/outbox"
	"postroom/internal/postoffice"
	"postroom/internal/react"
	"postroom/internal/secret"
	"postroom/internal/store"
	"postroom/internal/wire/httpout"
	"postroom/internal/wire/smtpout"
	"postroom/internal/work"
	"postroom/internal/workflow"
)

// Clock is a clock that stands still.
type Clock struct{ ms atomic.Int64 }

// Now returns the time it stands at.
func (c *Clock) Now() time.Time { return time.UnixMilli(c.ms.Load()).UTC() }

// Set puts it to a time in milliseconds.
func (c *Clock) Set(ms int64) { c.ms.Store(ms) }

// Advance moves it.
func (c *Clock) Advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// Desk is a whole desk under test.
type Desk struct {
	T       testing.TB
	Ctx     context.Context
	Clock   *Clock
	DB      *db.DB
	Store   *store.Store
	Desk    *desk.Desk
	Outbox  *outbox.Outbox
	React   *react.React
	Runner  *work.Runner
	Office  *postoffice.Office
	Keeper  *incoming.Keeper
	Alarms  *alarm.Alarms
	SignIns *consent.Consents
	Blobs   *blob.Store
	Mailbox *postroom.Mailbox // the first mailbox: support@acme.example

	died   bool // a process died at its work: see WorkUntilCrash
	read   int  // letters of the office that were looked at
	agents map[string]*postroom.Agent
	mailN  int
	key    *secret.Key
}

// Each runs f on a fresh desk on each engine. The desk has one mailbox without
// an undo window, the agents Ann (admin) and Ben, and no workflows. Agents are
// notified in the page only; see NotifyByMail.
func Each(t *testing.T, f func(t *testing.T, d *Desk)) {
	t.Helper()
	engines := []db.Engine{db.SQLite, db.Postgres}
	if testing.Short() {
		engines = engines[:1] // for the race detector, which looks at this program and not at the engine
	}
	for _, e := range engines {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			f(t, New(t, e))
		})
	}
}

// New makes a desk on an engine.
func New(t testing.TB, e db.Engine) *Desk {
	t.Helper()
	clock := &Clock{}
	clock.ms.Store(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).UnixMilli())
	return On(t, clock, dbtest.Options{Now: clock.Now, Unsafe: true}.Open(t, e))
}

// On makes a desk on a migrated, empty database.
func On(t testing.TB, clock *Clock, database *db.DB) *Desk {
	t.Helper()
	d := &Desk{T: t, Ctx: t.Context(), Clock: clock, DB: database, agents: map[string]*postroom.Agent{}}
	var err error
	d.Office, err = postoffice.New(postoffice.Options{Tokens: map[string]string{}})
	d.must(err)
	t.Cleanup(func() { d.Office.Close() })
	d.Store = store.New(database)
	d.Blobs, err = blob.Open(t.TempDir())
	d.must(err)
	keys, err := email.NewKeyring(email.Key{ID: "t1", Secret: []byte("a secret of at least sixteen bytes")})
	d.must(err)
	d.Alarms = alarm.New(d.Store, nil)
	wake := func(kind string) {
		if d.Runner != nil {
			d.Runner.Wake(kind)
		}
	}
	d.Desk = desk.New(desk.Options{Store: d.Store, Blobs: d.Blobs, Keys: keys, PublicURL: "https://desk.acme.example", Wake: wake})
	d.SignIns = d.consents()
	d.Outbox = outbox.New(outbox.Options{Tokens: d.SignIns, Store: d.Store, Desk: d.Desk, Blobs: d.Blobs, Alarms: d.Alarms, Wake: wake,
		TLS: d.Office.ClientTLS(), HELO: "desk.acme.example",
		Timeouts: smtpout.Timeouts{Answer: 2 * time.Second, Command: 2 * time.Second, Data: 2 * time.Second, Greeting: 2 * time.Second, Quit: 100 * time.Millisecond}})
	t.Cleanup(d.Outbox.Close)
	d.React = react.New(react.Options{Store: d.Store, Workflows: automate.New(automate.Options{Store: d.Store, Letters: d.Desk}), Desk: d.Desk, Outbox: d.Outbox, Blobs: d.Blobs, Alarms: d.Alarms, URL: func() string { return "https://desk.acme.example" },
		Calls: httpout.New(httpout.Options{Allow: ownMachine}), OpenSecret: d.key.Open})
	d.Runner, err = work.New(work.Options{Now: d.Store.Now}, append(d.React.Kinds(), d.keeper()...)...)
	d.must(err)
	d.Mailbox = d.AddMailbox("Acme Support", "support@acme.example", nil)
	d.AddAgent("ann", postroom.Admin)
	d.AddAgent("ben", postroom.Member)
	d.notifyInPage()
	t.Cleanup(func() {
		if !t.Failed() {
			d.CheckInvariants()
		}
	})
	return d
}

func (d *Desk) must(err error) {
	d.T.Helper()
	if err != nil {
		d.T.Fatal(err)
	}
}

// ID draws an id.
func (d *Desk) ID() int64 {
	id, err := d.Store.NewID(d.Ctx)
	d.must(err)
	return id
}

// Write runs f in a transaction.
func (d *Desk) Write(f func(tx *store.Tx) error) {
	d.T.Helper()
	d.must(d.Store.Write(d.Ctx, f))
}

// AddMailbox makes a mailbox whose channel is the post office.
func (d *Desk) AddMailbox(name, address string, change func(*postroom.Mailbox)) *postroom.Mailbox {
	d.T.Helper()
	host, port, _ := strings.Cut(d.Office.Addr(), ":")
	m := &postroom.Mailbox{ID: d.ID(), Name: name, Address: address, ReopenDays: postroom.DefaultReopenDays, Subaddress: true, Separator: "+",
		AuthServ: "mx.acme.example", Channel: postroom.Channel{Host: host, Security: "none"}}
	fmt.Sscan(port, &m.Channel.Port)
	if change != nil {
		change(m)
	}
	d.Write(func(tx *store.Tx) error { return tx.InsertMailbox(d.Ctx, m, d.Store.Now()) })
	return m
}

// ChangeMailbox changes a mailbox's settings.
func (d *Desk) ChangeMailbox(m *postroom.Mailbox, change func(*postroom.Mailbox)) {
	d.T.Helper()
	change(m)
	d.Write(func(tx *store.Tx) error { return tx.UpdateMailbox(d.Ctx, m) })
}

// UndoWindow gives the first mailbox an undo window.
func (d *Desk) UndoWindow(w time.Duration) {
	d.ChangeMailbox(d.Mailbox, func(m *postroom.Mailbox) { m.UndoMS = w.Milliseconds() })
}

// AddAgent makes an agent who may see the first mailbox.
func (d *Desk) AddAgent(name string, role postroom.Role) *postroom.Agent {
	d.T.Helper()
	a := &postroom.Agent{ID: d.ID(), Name: strings.ToUpper(name[:1]) + name[1:], Email: name + "@acme.example", Role: role, Mailboxes: []int64{d.Mailbox.ID}}
	d.Write(func(tx *store.Tx) error {
		if err := tx.InsertAgent(d.Ctx, a, "no password"); err != nil {
			return err
		}
		agents := []int64{a.ID}
		for _, other := range d.agents {
			agents = append(agents, other.ID)
		}
		return tx.SetMailboxAgents(d.Ctx, d.Mailbox.ID, agents)
	})
	d.agents[name] = a
	return a
}

// Agent returns an agent by first name, in lower case.
func (d *Desk) Agent(name string) *Agent {
	d.T.Helper()
	a := d.agents[name]
	if a == nil {
		d.T.Fatalf("there is no agent %s", name)
	}
	return &Agent{Agent: a, d: d}
}

// AddWorkflow publishes a workflow at the end of the order.
func (d *Desk) AddWorkflow(name string, def workflow.Definition) int64 {
	d.T.Helper()
	if err := workflow.Publishable(def); err != nil {
		d.T.Fatalf("workflow %s: %v", name, err)
	}
	body, err := def.Encode()
	d.must(err)
	id := d.ID()
	d.Write(func(tx *store.Tx) error {
		all, err := tx.Workflows(d.Ctx)
		if err != nil {
			return err
		}
		w := store.Workflow{ID: id, Key: fmt.Sprintf("w%d", id), Name: name, Position: len(all) + 1, Enabled: true, Version: 1}
		if err := tx.InsertWorkflow(d.Ctx, w); err != nil {
			return err
		}
		if err := tx.InsertVersion(d.Ctx, store.WorkflowVersion{WorkflowID: id, Number: 1, Definition: string(body), At: d.Store.Now()}); err != nil {
			return err
		}
		_, err = tx.PublishSet(d.Ctx, 0, d.Store.Now())
		return err
	})
	return id
}

// Shipped publishes a shipped workflow by its key.
func (d *Desk) Shipped(key string) int64 {
	d.T.Helper()
	for _, s := range workflow.Shipped() {
		if s.Key == key {
			return d.AddWorkflow(s.Name, s.Definition)
		}
	}
	d.T.Fatalf("no workflow %s is shipped", key)
	return 0
}

// ClosingNotice publishes the shipped closing notice.
func (d *Desk) ClosingNotice() int64 { return d.Shipped(workflow.KeyClosingNotice) }

// Settle does all work that is due.
func (d *Desk) Settle() {
	d.T.Helper()
	d.must(d.Runner.Settle(d.Ctx))
	for end := time.Now().Add(30 * time.Second); d.died && d.leftByTheDead() && time.Now().Before(end); {
		d.must(d.Runner.Settle(d.Ctx))
	}
}

// leftByTheDead reports whether work is due that a settled desk would have done:
// the transaction of a process that died holds it until the engine has noticed,
// and a claim passes over what is locked.
func (d *Desk) leftByTheDead() bool {
	d.T.Helper()
	for _, k := range d.React.Kinds() {
		if name := k.Source.Name(); !mortalWork[name] && name != desk.WakePromise {
			continue
		}
		due, ok, err := k.Source.NextDue(d.Ctx)
		d.must(err)
		if ok && due <= d.Store.Now() {
			return true
		}
	}
	return false
}

// Pass lets time pass and does the work that becomes due.
func (d *Desk) Pass(t time.Duration) {
	d.T.Helper()
	d.Clock.Advance(t)
	d.Settle()
}

// Receive hands in a raw mail as a mail server does, and does the work.
func (d *Desk) Receive(from, to, raw string) *postroom.Conversation {
	d.T.Helper()
	d.must(d.Desk.Accept(d.Ctx, desk.Delivery{Source: "lmtp", From: from, To: []string{to}, Raw: []byte(strings.ReplaceAll(raw, "\n", "\r\n"))}))
	d.Settle()
	in := d.LastInbound()
	if in.ConversationID == 0 {
		return nil
	}
	return d.Conversation(in.ConversationID)
}

// LastInbound returns the mail received last.
func (d *Desk) LastInbound() store.Inbound {
	d.T.Helper()
	in, err := d.Store.Read().LatestInbound(d.Ctx)
	d.must(err)
	return in
}

// Letter is a mail that a customer sends.
type Letter struct {
	From, To, Subject, Body string
	ID, InReplyTo           string
	Headers                 string // further header lines, each ended by a line break
}

// Raw returns the letter as a mail.
func (d *Desk) Raw(l Letter) string {
	d.mailN++
	if l.ID == "" {
		l.ID = fmt.Sprintf("letter-%d@customer.example", d.mailN)
	}
	if l.To == "" {
		l.To = d.Mailbox.Address
	}
	var b strings.Builder
	fmt.Fprintf(&b, "From: %s\nTo: %s\nSubject: %s\nMessage-ID: <%s>\nDate: %s\n", l.From, l.To, l.Subject, l.ID, d.Clock.Now().Format(time.RFC1123Z))
	if l.InReplyTo != "" {
		fmt.Fprintf(&b, "In-Reply-To: <%s>\nReferences: <%s>\n", l.InReplyTo, l.InReplyTo)
	}
	b.WriteString(l.Headers + "\n" + l.Body + "\n")
	return b.String()
}

// CustomerWrites has a customer write to the first mailbox.
func (d *Desk) CustomerWrites(from, subject, body string) *postroom.Conversation {
	d.T.Helper()
	return d.Receive(address(from), d.Mailbox.Address, d.Raw(Letter{From: from, Subject: subject, Body: body}))
}

// CustomerAnswers has the customer answer a mail they got from us.
func (d *Desk) CustomerAnswers(m Mail, body string) *postroom.Conversation {
	d.T.Helper()
	to := m.From
	if m.ReplyTo != "" {
		to = m.ReplyTo
	}
	return d.Receive(m.To, to, d.Raw(Letter{From: m.To, To: to, Subject: "Re: " + m.Subject, Body: body, InReplyTo: m.ID}))
}

func address(s string) string {
	if i := strings.IndexByte(s, '<'); i >= 0 {
		return strings.Trim(s[i:], "<>")
	}
	return s
}

// Conversation loads a conversation.
func (d *Desk) Conversation(id int64) *postroom.Conversation {
	d.T.Helper()
	c, err := d.Store.Read().Conversation(d.Ctx, id)
	d.must(err)
	return c
}

// Events returns the kinds of a conversation's events that were not undone,
// in order.
func (d *Desk) Events(id int64) []string {
	d.T.Helper()
	events, err := d.Store.Read().Events(d.Ctx, id)
	d.must(err)
	var out []string
	for _, e := range events {
		if e.State != postroom.EventUndone {
			out = append(out, string(e.Kind))
		}
	}
	return out
}

// CountEvents counts the events of a kind that were not undone.
func (d *Desk) CountEvents(id int64, kind postroom.EventKind) int {
	n := 0
	for _, k := range d.Events(id) {
		if k == string(kind) {
			n++
		}
	}
	return n
}

// Mails returns a conversation's mails.
func (d *Desk) Mails(id int64) []*postroom.Mail {
	d.T.Helper()
	mails, err := d.Store.Read().ConversationMails(d.Ctx, id)
	d.must(err)
	return mails
}

// Mail is a mail that arrived at the post office.
type Mail struct {
	ID, From, To, ReplyTo, Subject, Text, HTML string
	InReplyTo, References                      string
	Auto                                       bool
	Raw                                        []byte
	Header                                     mail.Header
	Files                                      []string
}

// Arrived returns the mails that arrived since it was last called, in order.
func (d *Desk) Arrived() []Mail {
	d.T.Helper()
	letters := d.Office.Received()
	var out []Mail
	for _, l := range letters[d.read:] {
		out = append(out, d.parse(l))
	}
	d.read = len(letters)
	return out
}

func (d *Desk) parse(l postoffice.Letter) Mail {
	d.T.Helper()
	r, err := mail.CreateReader(bytes.NewReader(l.Raw))
	d.must(err)
	m := Mail{Raw: l.Raw, Header: r.Header, To: strings.Join(l.To, ","), Auto: r.Header.Get("Auto-Submitted") != ""}
	m.ID, _ = r.Header.MessageID()
	m.Subject, _ = r.Header.Subject()
	if a, err := r.Header.AddressList("From"); err == nil && len(a) > 0 {
		m.From = a[0].Address
	}
	if a, err := r.Header.AddressList("Reply-To"); err == nil && len(a) > 0 {
		m.ReplyTo = a[0].Address
	}
	m.InReplyTo, m.References = strings.Trim(r.Header.Get("In-Reply-To"), "<>"), r.Header.Get("References")
	for {
		p, err := r.NextPart()
		if err == io.EOF {
			return m
		}
		d.must(err)
		body, err := io.ReadAll(p.Body)
		d.must(err)
		switch h := p.Header.(type) {
		case *mail.AttachmentHeader:
			name, _ := h.Filename()
			m.Files = append(m.Files, name)
		case *mail.InlineHeader:
			switch kind, _, _ := h.ContentType(); kind {
			case "text/plain":
				m.Text = string(body)
			case "text/html":
				m.HTML = string(body)
			default:
				m.Files = append(m.Files, kind)
			}
		}
	}
}

// ExpectMails checks that exactly these mails arrived since the last look, in
// this order. Each is given as words that its text must contain; one that
// begins with "auto:" must be automatic, and the others must not be.
func (d *Desk) ExpectMails(want ...string) []Mail {
	d.T.Helper()
	got := d.Arrived()
	var lines []string
	for _, m := range got {
		lines = append(lines, fmt.Sprintf("auto=%v to=%s %q", m.Auto, m.To, strings.TrimSpace(m.Text)))
	}
	if len(got) != len(want) {
		d.T.Fatalf("%d mails arrived, not %d:\n%s", len(got), len(want), strings.Join(lines, "\n"))
	}
	ids := map[string]bool{}
	for i, w := range want {
		words, auto := strings.CutPrefix(w, "auto:")
		if got[i].Auto != auto || !strings.Contains(got[i].Text, words) {
			d.T.Fatalf("mail %d should be %q:\n%s", i+1, w, strings.Join(lines, "\n"))
		}
		if ids[got[i].ID] {
			d.T.Fatalf("two mails share the Message-ID %s", got[i].ID)
		}
		ids[got[i].ID] = true
	}
	return got
}
