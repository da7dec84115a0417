package sandbox

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/app"
	"postroom/internal/automate"
	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/desktest"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/web"
	"postroom/internal/workflow"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const day = 24 * time.Hour

// grounds are what a sandbox of a test's desk stands on.
func grounds(t *testing.T, d *desktest.Desk) app.Ground {
	return app.Ground{Store: d.Store, Blobs: d.Blobs, Workflows: automate.New(automate.Options{Store: d.Store}), Dir: filepath.Join(t.TempDir(), "sandbox"),
		Name: "Acme", MaxUpload: 1 << 20, Days: 14, Publish: func(...string) {}, Now: d.Clock.Now}
}

// made is a desk's sandbox, made and waited for.
func made(t *testing.T, d *desktest.Desk, ask web.SandboxAsk) *Sandbox {
	t.Helper()
	s := open(grounds(t, d))
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	begin(t, d, s, ask)
	return s
}

// begin makes it and waits.
func begin(t *testing.T, d *desktest.Desk, s *Sandbox, ask web.SandboxAsk) {
	t.Helper()
	if err := s.Make(t.Context(), d.Agent("ann").Agent, ask); err != nil {
		t.Fatal(err)
	}
	s.doing.Wait()
	if s.problem != "" {
		t.Fatal(s.problem)
	}
}

// entered opens it.
func entered(t *testing.T, s *Sandbox) *house {
	t.Helper()
	h, err := s.use(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.leave()
	return h
}

// skipped moves the clock and returns what happened.
func skipped(t *testing.T, h *house, by time.Duration) *query.EffectsPage {
	t.Helper()
	n, err := h.skip(t.Context(), by)
	if err != nil {
		t.Fatal(err)
	}
	p, err := play{h}.Effects(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// waits is a workflow that runs a while after an agent's reply.
func waits(after string, then ...workflow.Action) workflow.Definition {
	return workflow.Definition{When: workflow.When{Event: postroom.ReplySent, Actors: []postroom.ActorKind{postroom.ByAgent}, After: after,
		Unless: []workflow.Unless{{Event: postroom.MessageReceived, Actors: []postroom.ActorKind{postroom.ByCustomer}}}}, Then: then}
}

// warned is a desk with a conversation that gets a warning on the fifth day and
// is closed on the seventh.
func warned(d *desktest.Desk) *postroom.Conversation {
	d.AddWorkflow("Warn", waits("5d", workflow.Action{Do: workflow.DoReply, Text: "Is anybody there?"}))
	d.AddWorkflow("Close", waits("7d", workflow.Action{Do: workflow.DoStatus, Status: postroom.Closed}))
	c := d.CustomerWrites("Mara Lind <mara@lind.example>", "The lamp is dark", "It does not shine.")
	d.Settle()
	d.Agent("ann").Reply(c, "Have you tried another bulb?")
	d.Settle()
	return c
}

// W39: on a copied conversation each thing happens at its own moment, in order,
// whatever span is skipped; and the desk, whichever its engine, knows nothing of
// it.
func TestSkippedDaysHappenInOrder(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := warned(d)
		d.ExpectMails("Have you tried another bulb?")
		s := made(t, d, web.SandboxAsk{Latest: 10})
		before, out := everything(t, d), len(d.Office.Received())
		h := entered(t, s)
		began := h.clock.now()

		if p := skipped(t, h, 3*day); len(p.Lines) != 0 {
			t.Errorf("something happened in the first three days: %+v", p.Lines)
		}
		p := skipped(t, h, 5*day)
		if p.Timers != 2 || p.Statuses != 1 || p.Mails < 1 {
			t.Errorf("%d timers, %d statuses, %d mails: %+v", p.Timers, p.Statuses, p.Mails, p.Lines)
		}
		at := map[string]time.Duration{}
		for _, l := range p.Lines {
			at[l.Words] = time.UnixMilli(l.At).Sub(began)
		}
		for words, want := range map[string]time.Duration{"The time came for “Warn”.": 5 * day, "The time came for “Close”.": 7 * day} {
			if got, ok := at[words]; !ok || got < want-time.Second || got > want+time.Second {
				t.Errorf("%s after %v (%v), not after %v: %v", words, got, ok, want, at)
			}
		}
		if !slices.IsSortedFunc(p.Lines, func(a, b query.EffectLine) int { return int(a.At - b.At) }) {
			t.Error("what happened is not in order")
		}
		// The customer reads the warning, and the mail that was sent before.
		mails, err := customers{h}.Mails(t.Context(), "mara@lind.example")
		if err != nil {
			t.Fatal(err)
		}
		texts := ""
		for _, m := range mails {
			texts += m.Text
		}
		for _, want := range []string{"Is anybody there?", "Have you tried another bulb?"} {
			if !strings.Contains(texts, want) {
				t.Errorf("the customer does not have %q: %q", want, texts)
			}
		}
		// An answer comes in by the real way.
		if err := (customers{h}).Answer(t.Context(), "mara@lind.example", web.DemoAnswer{Mail: mails[0].N, Text: "I am. It shines."}); err != nil {
			t.Fatal(err)
		}
		skipped(t, h, time.Minute)
		got, err := h.rooms.Store.Read().Conversation(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got.Status != postroom.Active || got.Received != 2 {
			t.Errorf("after the answer: %s, %d received", got.Status, got.Received)
		}

		if after := everything(t, d); after != before {
			t.Error("the desk changed by what happened in its sandbox")
		}
		if n := len(d.Office.Received()); n != out {
			t.Errorf("%d mails left", n-out)
		}
		if d.Conversation(c.ID).Status == postroom.Closed {
			t.Error("the conversation was closed on the desk")
		}
	})
}

// everything is a hash over all rows of all tables.
func everything(t *testing.T, d *desktest.Desk) string {
	t.Helper()
	sum := map[string]int{}
	for _, table := range store.ForkTables() {
		rows, err := d.DB.Reader().Query(t.Context(), "select * from "+table.Name)
		if err != nil {
			if table.Name == "number_counter" {
				continue // PostgreSQL has a sequence
			}
			t.Fatal(err)
		}
		for rows.Next() {
			sum[table.Name+fmt.Sprintf("%x", sha256.Sum256([]byte(fmt.Sprint(raw(t, rows)))))]++
		}
		rows.Close()
	}
	return fmt.Sprint(sum)
}

// raw reads a row of any number of columns.
func raw(t *testing.T, rows *db.Rows) []any {
	t.Helper()
	for n := 1; n < 60; n++ {
		values, places := slices.Repeat([]any{nil}, n), []any{}
		for i := range values {
			places = append(places, &values[i])
		}
		err := rows.Scan(places...)
		if err == nil {
			return values
		}
		if !strings.Contains(err.Error(), "destination arguments") {
			t.Fatal(err)
		}
	}
	t.Fatal("a table with too many columns")
	return nil
}

// W39: no secret of the desk is anywhere in the sandbox's files.
func TestNoSecretGoesAlong(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		warned(d)
		const canary = "CANARY7731"
		ann, box := d.Agent("ann").ID, d.Mailbox.ID
		for _, q := range []string{
			"update agent set password = 'x'",
			"update mailbox set password = 'x', username = 'x', host = 'x'",
			"update attempt set dialogue = '[\"x\"]'",
			fmt.Sprintf("insert into session (hash, agent_id, created_at, seen_at, expires_at, ip) values ('x', %d, 1, 1, 1, 'x')", ann),
			"insert into system_mail (id, host, port, security, username, password, sender) values (1, 'x', 25, 'none', 'x', 'x', 'x')",
			"insert into authority (name, client_id, client_secret, changed_at) values ('x', 'x', 'x', 1)",
			fmt.Sprintf("insert into sign_in (mailbox_id, authority, refresh_token, access_token, refreshed_at, signed_in_at, signed_in_by, version, state, due_at) values (%d, 'x', 'x', 'x', 1, 1, 1, 1, 'x', 1)", box),
			fmt.Sprintf("insert into incoming (mailbox_id, host, username, password) values (%d, 'x', 'x', 'x')", box),
			fmt.Sprintf("insert into consent (state, session, agent_id, mailbox_id, authority, verifier, redirect, back, asked_at) values ('x', 'x', 1, %d, 'x', 'x', 'x', 'x', 1)", box),
			"insert into log_entry (id, at, level, area, words) values (1, 1, 'info', 'program', 'x')",
			"insert into meta (key, value) values ('x', 'x')",
		} {
			d.SQL(strings.ReplaceAll(q, "'x'", "'"+canary+"'"))
		}
		d.SQL("update mailbox set host = '127.0.0.1'") // what the end of the test looks at
		s := made(t, d, web.SandboxAsk{Latest: 10})
		h := entered(t, s)
		skipped(t, h, 8*day)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		files := 0
		err := filepath.WalkDir(s.ground.Dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			files++
			b, err := os.ReadFile(path)
			if strings.Contains(string(b), canary) {
				t.Errorf("%s holds a secret", path)
			}
			return err
		})
		if err != nil || files < 4 {
			t.Errorf("%d files: %v", files, err)
		}
	})
}

// Personal data can be left behind: names, addresses and numbers, wherever they
// stand, and all files.
func TestPersonalDataIsReplaced(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.CustomerWrites("Mara Lindqvist <mara@lindqvist.example>", "Lindqvist: the lamp", "Call me: +49 170 5551234, or other@elsewhere.example, see https://lindqvist.example/lamp?id=7. Yours, Mara")
		d.Settle()
		d.Agent("ann").Reply(c, "Hello Mara, of course.")
		d.Settle()
		// Somebody whose name is made of words of ours changes no event.
		odd := d.CustomerWrites("Closed Human <human@lindqvist.example>", "Another", "Please close it.")
		d.Agent("ann").SetStatus(odd, postroom.Closed, postroom.PathMenu)
		d.Settle()
		// What servers say of a mail names people too.
		d.SQL(`insert into mail_return (mail_id, address, kind, words, at) select max(id), 'mara@lindqvist.example', 'bounced', '550 no mara@lindqvist.example here', 1 from mail where conversation_id = $1`, c.ID)
		d.SQL(`insert into promise_watch (id, promise_id, version, conversation_id, event_id, event_seq, state, open, armed_at, due_at, claim_at, words)
			select max(id), 1, 1, conversation_id, max(id), 1, 'broken', 0, 1, 1, 1, 'The mail was refused: 550 no mara@lindqvist.example here' from event where conversation_id = $1 group by conversation_id`, c.ID)
		s := made(t, d, web.SandboxAsk{Latest: 10, Replace: true})
		h := entered(t, s)
		for _, kind := range []postroom.EventKind{postroom.StatusChanged, postroom.MessageReceived} {
			before := d.EventsOf(odd.ID, kind)
			after, err := h.rooms.Store.Read().EventsOfKind(t.Context(), odd.ID, kind, 10)
			if err != nil || len(after) != 1 || after[0].Payload.To != before[0].Payload.To || after[0].Payload.Class != before[0].Payload.Class || after[0].After.Status != before[0].After.Status {
				t.Errorf("%+v became %+v: %v", before, after, err)
			}
		}
		messages, err := h.rooms.Store.Read().Messages(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		if len(messages) != 2 || !strings.Contains(messages[0].Text, "Call me") {
			t.Fatalf("%+v", messages)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"Lindqvist", "lindqvist", "Mara", "mara@", "5551234", "elsewhere"} {
			err := filepath.WalkDir(s.ground.Dir, func(path string, e fs.DirEntry, err error) error {
				if err != nil || e.IsDir() {
					return err
				}
				b, err := os.ReadFile(path)
				if i := strings.Index(string(b), word); i >= 0 {
					t.Errorf("%s says %q: %q", filepath.Base(path), word, b[max(0, i-60):min(len(b), i+60)])
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Every table of chosen conversations is one of people, unless it holds nothing
// but numbers: a new one leaks nobody because it was forgotten.
func TestEveryTableOfConversationsIsOfPeople(t *testing.T) {
	t.Parallel()
	numbers := []string{"conversation_tag", "conversation_left", "lane"}
	for _, x := range store.ForkTables() {
		if x.Rows != "" && x.Rows != "all" && !slices.Contains(ofPeople, x.Name) && !slices.Contains(numbers, x.Name) {
			t.Errorf("the table %s goes along as it is", x.Name)
		}
	}
}

// A restart leaves the sandbox as it was, its clock and its moves included; what
// was half-made is thrown away, and said.
func TestSandboxOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, db.SQLite)
	warned(d)
	s := made(t, d, web.SandboxAsk{Latest: 10})
	h := entered(t, s)
	skipped(t, h, 6*day)
	was := h.clock.now()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	d.Clock.Advance(time.Hour)
	again := open(s.ground)
	defer again.Close()
	h = entered(t, again)
	if got := h.clock.now(); got.Sub(was) > time.Second || got.Before(was) {
		t.Errorf("the clock shows %v, it was %v", got, was)
	}
	if p, err := (play{h}).Page(t.Context()); err != nil || len(p.Skips) != 1 || len(p.Waits) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	// The program dies: the clock goes on as if it had not.
	died := h.clock.now()
	again.mu.Lock()
	again.house = nil
	again.mu.Unlock()
	if err := h.close(); err != nil {
		t.Fatal(err)
	}
	d.Clock.Advance(time.Hour)
	if err := os.MkdirAll(filepath.Join(s.ground.Dir, "making"), 0o700); err != nil {
		t.Fatal(err)
	}
	third := open(s.ground)
	defer third.Close()
	if got := entered(t, third).clock.now(); got.Sub(died) < time.Hour || got.Sub(died) > time.Hour+time.Second {
		t.Errorf("after its death the clock shows %v, it was %v", got, died)
	}
	state, err := third.State(t.Context(), d.Agent("ann").Agent)
	if err != nil || state.State != "ready" || state.Problem == "" || state.Size == 0 || state.Conversations != 1 {
		t.Errorf("%+v, %v", state, err)
	}
}

// Nobody but an admin comes near it, and what nobody uses ends by itself.
func TestSandboxIsForAdminsAndEnds(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, db.SQLite)
	warned(d)
	s := made(t, d, web.SandboxAsk{Latest: 10})
	ben, ann := d.Agent("ben").Agent, d.Agent("ann").Agent
	_, byState := s.State(t.Context(), ben)
	_, byEnter := s.Enter(t.Context(), ben, "", "")
	for what, err := range map[string]error{"state": byState, "enter": byEnter, "make": s.Make(t.Context(), ben, web.SandboxAsk{}), "discard": s.Discard(t.Context(), ben), "cancel": s.Cancel(t.Context(), ben)} {
		if postroom.CodeOf(err) != postroom.Forbidden {
			t.Errorf("%s by an agent: %v", what, err)
		}
	}
	h := entered(t, s)
	d.Clock.Advance(time.Hour)
	s.look(t.Context())
	if s.house != nil {
		t.Error("an unused sandbox stays open")
	}
	_ = h
	d.Clock.Advance(15 * day)
	s.look(t.Context())
	if _, err := s.use(t.Context()); postroom.CodeOf(err) != postroom.NotFound {
		t.Errorf("it is still there: %v", err)
	}
	if state, err := s.State(t.Context(), ann); err != nil || state.State != "none" || !strings.Contains(state.Problem, "14 days") {
		t.Errorf("%+v, %v", state, err)
	}
	if _, err := os.Stat(s.desk()); !os.IsNotExist(err) {
		t.Errorf("its files are still there: %v", err)
	}
}

// What is published in the sandbox changes nothing on the desk until it is taken
// over, and then it is a draft.
func TestVersionIsTakenToTheDesk(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Close", waits("7d", workflow.Action{Do: workflow.DoStatus, Status: postroom.Closed}))
		d.SQL(fmt.Sprintf("update workflow set key = 'close' where id = %d", id))
		s := made(t, d, web.SandboxAsk{})
		h := entered(t, s)
		ann := d.Agent("ann").Agent
		if _, err := h.closed.Workflows().Publish(t.Context(), ann, id, 1, waits("3d", workflow.Action{Do: workflow.DoStatus, Status: postroom.Closed})); err != nil {
			t.Fatal(err)
		}
		if got := d.Workflow(id).Version; got != 1 {
			t.Errorf("the desk has version %d", got)
		}
		taken, err := play{h}.Take(t.Context(), ann, id, false)
		if err != nil || taken != id {
			t.Fatalf("taken as %d: %v", taken, err)
		}
		draft, err := d.Store.Read().WorkflowDraft(t.Context(), id)
		if err != nil || !strings.Contains(draft.Definition, `"3d"`) || draft.Base != 1 {
			t.Errorf("%+v, %v", draft, err)
		}
		if got := d.Workflow(id).Version; got != 1 {
			t.Errorf("it was published on the desk: version %d", got)
		}

		// A colleague's draft is asked about, and kept.
		ben := d.Agent("ben").Agent
		d.SQL(fmt.Sprintf("update workflow_draft set author_id = %d, name = 'Close late' where workflow_id = %d", ben.ID, id))
		_, err = play{h}.Take(t.Context(), ann, id, false)
		if postroom.CodeOf(err) != postroom.Conflict || !strings.Contains(postroom.TextOf(err), "Ben is writing another draft") {
			t.Errorf("a colleague's draft: %v", err)
		}
		if draft, err := d.Store.Read().WorkflowDraft(t.Context(), id); err != nil || draft.Name != "Close late" {
			t.Errorf("it was written over: %+v, %v", draft, err)
		}
		if _, err := (play{h}).Take(t.Context(), ann, id, true); err != nil {
			t.Fatal(err)
		}
		drafts, err := d.Store.Read().WorkflowDrafts(t.Context())
		names := map[string]int64{}
		for _, x := range drafts {
			names[x.Name] = x.AuthorID
		}
		if err != nil || len(names) != 2 || names["Close"] != ann.ID || names["Close late (draft of Ben)"] != ben.ID {
			t.Errorf("drafts: %v, %v", names, err)
		}
	})
}

// An address that no server knows, an automatic answer and a mail that comes
// back are understood as those of the outside are.
func TestCustomersAreTakenForReal(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, db.SQLite)
	c := warned(d)
	h := entered(t, made(t, d, web.SandboxAsk{Latest: 10}))
	people := customers{h}
	write := func(address string, a web.DemoAnswer) {
		t.Helper()
		if err := people.Answer(t.Context(), address, a); err != nil {
			t.Fatal(err)
		}
		skipped(t, h, time.Minute)
	}
	write("new@stranger.example", web.DemoAnswer{To: d.Mailbox.Address, Subject: "A question", Text: "Is this a lamp?"})
	mails, err := people.Mails(t.Context(), "mara@lind.example")
	if err != nil || len(mails) == 0 {
		t.Fatal(err)
	}
	write("mara@lind.example", web.DemoAnswer{Mail: mails[0].N, Kind: "auto"})
	write("mara@lind.example", web.DemoAnswer{Mail: mails[0].N, Kind: "bounce"})
	messages, err := h.rooms.Store.Read().Messages(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	var classes []string
	for _, m := range messages {
		classes = append(classes, string(m.Class))
	}
	for _, want := range []postroom.Class{postroom.AutoReply, postroom.DeliveryReport} {
		if !slices.Contains(classes, string(want)) {
			t.Errorf("no message of the class %q: %q", want, classes)
		}
	}
	all, err := people.Customers(t.Context())
	if err != nil || !slices.ContainsFunc(all, func(x query.DemoCustomer) bool { return x.Address == "new@stranger.example" }) {
		t.Errorf("who wrote for the first time is no customer: %+v, %v", all, err)
	}
	if err := people.Answer(t.Context(), "x@y.example", web.DemoAnswer{To: "nobody@else.example", Subject: "x", Text: "x"}); postroom.CodeOf(err) != postroom.Invalid {
		t.Errorf("a mail to another desk: %v", err)
	}
}
