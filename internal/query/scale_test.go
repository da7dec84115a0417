package query_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/query"
	"postroom/internal/store"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// began is the time of the oldest row of a filled desk.
var began = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

const (
	annID, benID, caraID   = 1, 2, 3 // admin; support only; no mailbox at all
	supportID, salesID     = 11, 12
	firstCustomer, firstID = 1_000_000, 2_000_000
)

// filled is a desk with n conversations, written without its verbs: a tenth is
// unassigned and open, a tenth assigned, the rest closed.
type filled struct {
	*query.Desk
	store      *store.Store
	statements atomic.Int64
	n          int
}

var (
	ann  = &postroom.Agent{ID: annID, Name: "Ann Moor", Email: "ann@acme.example", Role: postroom.Admin}
	ben  = &postroom.Agent{ID: benID, Name: "Ben Ode", Email: "ben@acme.example", Role: postroom.Member, Mailboxes: []int64{supportID}}
	cara = &postroom.Agent{ID: caraID, Name: "Cara Poe", Email: "cara@acme.example", Role: postroom.Member}
)

func fill(t testing.TB, d *db.DB, n int) *filled {
	t.Helper()
	f := &filled{store: store.New(d), n: n}
	f.Desk = query.New(query.Options{Store: f.store, OnStatement: func() { f.statements.Add(1) }})
	in := inserter{t: t, d: d}
	in.rows("agent (id, name, email, password, role, created_at)", [][]any{
		{annID, ann.Name, ann.Email, "x", "admin", began}, {benID, ben.Name, ben.Email, "x", "member", began}, {caraID, cara.Name, cara.Email, "x", "member", began}})
	in.rows("mailbox (id, name, address, undo_ms, reopen_days, created_at)", [][]any{
		{supportID, "Support", "support@acme.example", 10000, 30, began}, {salesID, "Sales", "sales@acme.example", 10000, 30, began}})
	in.rows("mailbox_agent (mailbox_id, agent_id)", [][]any{{supportID, benID}})
	in.rows("tag (id, name)", [][]any{{21, "billing"}, {22, "urgent"}})
	var customers, addresses, conversations, messages, events, acts, tags [][]any
	counts := map[[3]any]int{}
	for i := range n {
		id, customer := firstID+i, firstCustomer+i%(n/4+1)
		if i <= n/4 {
			customers = append(customers, []any{customer, fmt.Sprintf("Customer %d", i), began})
			addresses = append(addresses, []any{fmt.Sprintf("customer%d@example.org", i), customer, 0})
		}
		mailbox, status, assignee, folder, waiting := supportID, "closed", 0, "closed", int64(0)
		at := began + int64(i)*60_000
		switch i % 10 {
		case 0:
			status, folder, waiting = "active", "unassigned", at
		case 1:
			status, folder, assignee = "pending", "assigned", annID+i%2
		}
		if i%3 == 0 {
			mailbox = salesID
		}
		agent := 0
		if folder == "assigned" {
			agent = assignee
		}
		counts[[3]any{mailbox, folder, agent}]++
		conversations = append(conversations, []any{id, i + 1, mailbox, customer, fmt.Sprintf("Matter %d of some weight", i), status, assignee, folder, 3, 1, 1, at, at + 5000, waiting, at, at + 5000, "The beginning of what was written"})
		if i%20 == 0 {
			tags = append(tags, []any{id, 21})
		}
		m := 10_000_000 + 4*i
		acts = append(acts, []any{m + 2, id, "agent", annID, "send", at + 5000, at + 15000, "{}"})
		messages = append(messages,
			[]any{m, id, 2, "received", "customer", customer, fmt.Sprintf("Customer %d", i), fmt.Sprintf("customer%d@example.org", i), "Hello, my order has not come.", at},
			[]any{m + 1, id, 3, "reply", "agent", annID, "Ann Moor", "support@acme.example", "It is on its way.", at + 5000})
		facts := fmt.Sprintf(`{"number":%d,"mailbox":%d,"status":%q,"created_at":%d}`, i+1, mailbox, status, at)
		events = append(events,
			[]any{m, id, 1, "conversation.created", 1, 0, "customer", customer, "mail", 0, m, 1, 0, "{}", facts, at, at, "judged"},
			[]any{m + 1, id, 2, "message.received", 1, 0, "customer", customer, "mail", 0, m, 1, 0, fmt.Sprintf(`{"message":%d}`, m), facts, at, at, "judged"},
			[]any{m + 2, id, 3, "reply.sent", 1, m + 2, "agent", annID, "send", 0, m + 2, 3, 0, fmt.Sprintf(`{"message":%d}`, m+1), facts, at + 5000, at + 15000, "judged"})
		if status == "closed" {
			events = append(events, []any{m + 3, id, 4, "status.changed", 1, m + 2, "agent", annID, "send", 0, m + 2, 3, 0, `{"from":"active","to":"closed"}`, facts, at + 5000, at + 15000, "judged"})
		}
	}
	in.rows("customer (id, name, created_at)", customers)
	in.rows("customer_address (address, customer_id, position)", addresses)
	in.rows("conversation (id, number, mailbox_id, customer_id, subject, status, assignee_id, folder, seq, received, replies, created_at, updated_at, waiting_since, last_customer_at, last_agent_at, preview)", conversations)
	in.rows("conversation_tag (conversation_id, tag_id)", tags)
	in.rows("act (id, conversation_id, actor_kind, actor_id, path, at, final_at, facts_before)", acts)
	in.rows("message (id, conversation_id, seq, kind, author_kind, author_id, from_name, from_address, body_text, at)", messages)
	in.rows("event (id, conversation_id, seq, kind, version, act_id, actor_kind, actor_id, path, cause_id, root_id, root_seq, depth, payload, facts, at, final_at, state)", events)
	var counters [][]any
	for k, v := range counts {
		counters = append(counters, []any{k[0], k[1], k[2], v})
	}
	in.rows("folder_count (mailbox_id, folder, agent_id, n)", counters)
	if d.Engine() == db.Postgres {
		in.exec("analyze")
	}
	return f
}

type inserter struct {
	t testing.TB
	d *db.DB
}

func (in inserter) exec(query string, args ...any) {
	in.t.Helper()
	err := in.d.Write(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec(context.Background(), query, args...)
		return err
	})
	if err != nil {
		in.t.Fatalf("%.80s: %v", query, err)
	}
}

// rows inserts many rows in one transaction, with statements of moderate size.
func (in inserter) rows(into string, rows [][]any) {
	in.t.Helper()
	if len(rows) == 0 {
		return
	}
	ctx, size := context.Background(), max(1, 400/len(rows[0]))
	err := in.d.Write(ctx, func(tx *db.Tx) error {
		for rest := rows; len(rest) > 0; {
			part := rest[:min(size, len(rest))]
			rest = rest[len(part):]
			var b strings.Builder
			var args []any
			for i, row := range part {
				if i > 0 {
					b.WriteString(", ")
				}
				b.WriteString(db.In(len(args)+1, len(row)))
				args = append(args, row...)
			}
			if _, err := tx.Exec(ctx, "insert into "+into+" values "+b.String(), args...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		in.t.Fatalf("fill %s: %v", into, err)
	}
}

// pages are readers by name, each for an agent.
func (f *filled) pages(number int64) map[string]func(context.Context, *postroom.Agent) error {
	list := func(l query.ListAsk) func(context.Context, *postroom.Agent) error {
		return func(ctx context.Context, a *postroom.Agent) error {
			shell, err := f.Shell(ctx, a, query.Place{})
			if err != nil {
				return err
			}
			_, err = f.List(ctx, a, l, shell)
			return err
		}
	}
	place := query.Place{Folder: "unassigned"}
	pages := map[string]func(context.Context, *postroom.Agent) error{
		"conversation": func(ctx context.Context, a *postroom.Agent) error {
			_, err := f.Conversation(ctx, a, query.ConversationAsk{Number: number}, place)
			return err
		},
		"why": func(ctx context.Context, a *postroom.Agent) error {
			_, err := f.Why(ctx, a, number, place)
			return err
		},
		"mails": func(ctx context.Context, a *postroom.Agent) error {
			_, err := f.Mails(ctx, a, query.MailsAsk{Query: "x"}, place)
			return err
		},
		"queue": func(ctx context.Context, a *postroom.Agent) error {
			_, err := f.Queue(ctx, a, query.QueueAsk{}, place)
			return err
		},
		"inbound": func(ctx context.Context, a *postroom.Agent) error {
			_, err := f.Inbound(ctx, a, query.InboundAsk{Query: "x"}, place)
			return err
		},
		"palette": func(ctx context.Context, a *postroom.Agent) error {
			_, err := f.Palette(ctx, a, "custom", nil)
			return err
		},
	}
	for _, folder := range query.FolderNames {
		for _, sort := range query.SortsIn(folder) {
			pages["list "+folder+" "+sort] = list(query.ListAsk{Folder: folder, Sort: sort})
		}
	}
	pages["list closed one mailbox"] = list(query.ListAsk{Folder: "closed", Mailbox: supportID})
	pages["list unassigned one mailbox"] = list(query.ListAsk{Folder: "unassigned", Mailbox: supportID})
	return pages
}

// TestPagesTakeFewStatements holds every page to six statements, of which the
// session is one.
func TestPagesTakeFewStatements(t *testing.T) {
	t.Parallel()
	dbtest.Options{Unsafe: true}.Each(t, func(t *testing.T, d *db.DB) {
		f := fill(t, d, 300)
		for name, read := range f.pages(299) {
			for _, who := range []*postroom.Agent{ann, ben} {
				_ = read(t.Context(), who) // versions of workflows are compiled once
				f.statements.Store(0)
				if err := read(t.Context(), who); err != nil {
					t.Errorf("%s for %s: %v", name, who.Name, err)
				}
				if n := f.statements.Load(); n > 5 {
					t.Errorf("%s for %s takes %d statements, with the session %d", name, who.Name, n, n+1)
				}
			}
		}
		for name, read := range map[string]func() error{
			"alarms":    func() error { _, err := f.Alarms(t.Context(), ann, query.Place{}); return err },
			"mailboxes": func() error { _, err := f.Mailboxes(t.Context(), ann, query.Place{}); return err },
			"mailbox":   func() error { _, err := f.MailboxForm(t.Context(), ann, supportID, query.Place{}); return err },
			"agents":    func() error { _, err := f.Agents(t.Context(), ann, query.Place{}); return err },
			"agent":     func() error { _, err := f.Agent(t.Context(), ann, benID, query.Place{}); return err },
			"system":    func() error { _, err := f.System(t.Context(), ann, query.Place{}); return err },
			"workflows": func() error { _, err := f.Workflows(t.Context(), ann, query.Place{}); return err },
		} {
			f.statements.Store(0)
			if err := read(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if n := f.statements.Load(); n > 5 {
				t.Errorf("%s takes %d statements, with the session %d", name, n, n+1)
			}
		}
	})
}

// TestPagesReadFewRows holds PostgreSQL, which plans the statements of pages
// without their arguments, to plans that do not walk through the desk.
func TestPagesReadFewRows(t *testing.T) {
	t.Parallel()
	const conversations, most = 4000, 1500
	dbtest.Options{Unsafe: true, Engines: []db.Engine{db.Postgres}}.Each(t, func(t *testing.T, d *db.DB) {
		f := fill(t, d, conversations)
		// All reads of this test are made on one connection, one after the other,
		// which writes its counts down when it is told to.
		rowsRead := func() (n int64) {
			t.Helper()
			if err := d.Reader().QueryRow(t.Context(), "select 1 from pg_stat_force_next_flush()").Scan(new(int)); err != nil {
				t.Fatal(err)
			}
			const q = "select cast(sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) as bigint) from pg_stat_user_tables"
			if err := d.Reader().QueryRow(t.Context(), q).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		pages := f.pages(conversations - 1)
		delete(pages, "palette") // searches through the newest 5,000
		for name, read := range pages {
			if strings.Contains(name, "number") {
				continue // has no index of its own
			}
			for _, who := range []*postroom.Agent{ann, ben} {
				before := rowsRead()
				if err := read(t.Context(), who); err != nil {
					t.Errorf("%s for %s: %v", name, who.Name, err)
				}
				if n := rowsRead() - before; n == 0 || n > most {
					t.Errorf("%s for %s reads %d rows", name, who.Name, n)
				}
			}
		}
	})
}

// TestListsMeetEveryRowOnce walks every folder in every order, forth and back.
func TestListsMeetEveryRowOnce(t *testing.T) {
	t.Parallel()
	dbtest.Options{Unsafe: true}.Each(t, func(t *testing.T, d *db.DB) {
		f := fill(t, d, 1300)
		for _, who := range []*postroom.Agent{ann, ben, cara} {
			shell, err := f.Shell(t.Context(), who, query.Place{})
			if err != nil {
				t.Fatal(err)
			}
			for _, folder := range []string{"unassigned", "mine", "assigned", "closed"} {
				for _, sort := range query.SortsIn(folder) {
					f.walk(t, who, shell, query.ListAsk{Folder: folder, Sort: sort})
				}
			}
		}
	})
}

func (f *filled) walk(t *testing.T, who *postroom.Agent, shell query.Shell, ask query.ListAsk) {
	t.Helper()
	name := who.Name + " " + ask.Folder + " " + ask.Sort
	var numbers []int64
	seen := map[int64]bool{}
	var last query.List
	for {
		l, err := f.List(t.Context(), who, ask, shell)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, r := range l.Rows {
			if seen[r.Number] {
				t.Fatalf("%s shows %d twice", name, r.Number)
			}
			if !postroom.Can(who, postroom.See, r.MailboxID) {
				t.Fatalf("%s shows a conversation of another mailbox", name)
			}
			seen[r.Number] = true
			numbers = append(numbers, r.Number)
		}
		last = l
		if l.Next == "" {
			break
		}
		ask.After = l.Next
	}
	if want := shell.All.Of(ask.Folder); len(numbers) != want {
		t.Fatalf("%s shows %d conversations, the counter says %d", name, len(numbers), want)
	}
	back := append([]query.Row(nil), last.Rows...)
	for last.Previous != "" {
		var err error
		ask.After, ask.Before = "", last.Previous
		if last, err = f.List(t.Context(), who, ask, shell); err != nil {
			t.Fatalf("%s backwards: %v", name, err)
		}
		back = append(append([]query.Row(nil), last.Rows...), back...)
	}
	if len(back) != len(numbers) {
		t.Fatalf("%s backwards shows %d of %d", name, len(back), len(numbers))
	}
	for i := range back {
		if back[i].Number != numbers[i] {
			t.Fatalf("%s backwards is in another order at %d", name, i)
		}
	}
}

// TestReadersAskWhoMay: what is in a mailbox one may not see does not exist.
func TestReadersAskWhoMay(t *testing.T) {
	t.Parallel()
	dbtest.Options{Unsafe: true, Engines: []db.Engine{db.SQLite}}.Each(t, func(t *testing.T, d *db.DB) {
		f := fill(t, d, 30)
		const inSales, inSupport = 1, 2 // numbers
		refuse := func(name string, err error, code postroom.Code) {
			if postroom.CodeOf(err) != code {
				t.Errorf("%s: %v, want %s", name, err, code)
			}
		}
		for _, who := range []*postroom.Agent{ben, cara} {
			_, err := f.Conversation(t.Context(), who, query.ConversationAsk{Number: inSales}, query.Place{})
			refuse("conversation", err, postroom.NotFound)
			_, err = f.Why(t.Context(), who, inSales, query.Place{})
			refuse("why", err, postroom.NotFound)
			_, err = f.Ref(t.Context(), who, inSales)
			refuse("ref", err, postroom.NotFound)
			_, err = f.List(t.Context(), who, query.ListAsk{Folder: "closed", Mailbox: salesID}, query.Shell{})
			refuse("list", err, postroom.NotFound)
			_, err = f.EventNumber(t.Context(), who, 10_000_000)
			refuse("event", err, postroom.NotFound)
			_, err = f.Body(t.Context(), who, 10_000_000, false, false)
			refuse("body", err, postroom.NotFound)
			_, err = f.Mailboxes(t.Context(), who, query.Place{})
			refuse("mailboxes", err, postroom.Forbidden)
			_, err = f.System(t.Context(), who, query.Place{})
			refuse("system", err, postroom.Forbidden)
			p, err := f.Palette(t.Context(), who, "1", nil)
			if err != nil || strings.Contains(fmt.Sprint(p.Sections), "Matter 0 ") {
				t.Errorf("the palette shows %s another mailbox's conversation: %v", who.Name, err)
			}
		}
		if _, err := f.Conversation(t.Context(), ben, query.ConversationAsk{Number: inSupport}, query.Place{}); err != nil {
			t.Errorf("Ben may not see his own: %v", err)
		}
		_, err := f.Conversation(t.Context(), cara, query.ConversationAsk{Number: inSupport}, query.Place{})
		refuse("no mailbox", err, postroom.NotFound)
	})
}

// BenchmarkPages reads pages of a large desk; POSTROOM_BENCH_ROWS changes the
// number of its conversations, which is 100,000.
func BenchmarkPages(b *testing.B) {
	n := 100_000
	if s := os.Getenv("POSTROOM_BENCH_ROWS"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	dbtest.Options{Unsafe: true}.EachB(b, func(b *testing.B, d *db.DB) {
		f := fill(b, d, n)
		for name, read := range f.pages(int64(n - 2)) {
			for _, who := range []*postroom.Agent{ann, ben} {
				b.Run(strings.ReplaceAll(name, " ", "-")+"/"+who.Email[:3], func(b *testing.B) {
					for b.Loop() {
						if err := read(b.Context(), who); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	})
}
