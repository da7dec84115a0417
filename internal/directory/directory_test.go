package directory_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/directory"
	"postroom/internal/store"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// reversed is a seal that tests can see through.
type reversed struct{}

func (reversed) Seal(password string) (string, error) {
	b := []byte(password)
	slices.Reverse(b)
	return "sealed:" + string(b), nil
}

var operator = &postroom.Agent{Name: "Operator", Role: postroom.Admin}

func each(t *testing.T, f func(t *testing.T, d *directory.Directory, s *store.Store)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := store.New(d)
		f(t, directory.New(directory.Options{Store: s, Sealer: reversed{}}), s)
	})
}

// want checks the code and the field of an error.
func want(t *testing.T, err error, code postroom.Code, field string) {
	t.Helper()
	var e *postroom.Error
	if !errors.As(err, &e) || e.Code != code || e.Field != field {
		t.Errorf("the error is %v, want %s of field %q", err, code, field)
	}
}

func addAgent(t *testing.T, d *directory.Directory, name, email string, role postroom.Role, mailboxes ...int64) *postroom.Agent {
	t.Helper()
	a, err := d.AddAgent(t.Context(), operator, directory.AgentFields{Name: name, Email: email, Role: role, Mailboxes: mailboxes})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func addMailbox(t *testing.T, d *directory.Directory, name, address string, aliases ...string) *postroom.Mailbox {
	t.Helper()
	f := directory.NewMailbox(name, address)
	f.Aliases = aliases
	m, err := d.AddMailbox(t.Context(), operator, f)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAgents(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *directory.Directory, s *store.Store) {
		ctx := t.Context()
		box := addMailbox(t, d, "Support", "support@desk.example")
		ann := addAgent(t, d, "Ann", "Ann@Desk.example", postroom.Admin)
		ben := addAgent(t, d, "Ben", "ben@desk.example", "agent", box.ID)
		if got, err := s.Read().Agent(ctx, ben.ID); err != nil || got.Role != postroom.Member || !slices.Equal(got.Mailboxes, []int64{box.ID}) {
			t.Errorf("Ben is %+v, %v", got, err)
		}
		if got, err := d.AgentByEmail(ctx, operator, "ANN@desk.example"); err != nil || got.ID != ann.ID {
			t.Errorf("by address: %+v, %v", got, err)
		}
		for field, f := range map[string]directory.AgentFields{
			"name":    {Name: "A\r\nBcc: x", Email: "x@desk.example"},
			"email":   {Name: "A", Email: "no address"},
			"role":    {Name: "A", Email: "x@desk.example", Role: "king"},
			"mailbox": {Name: "A", Email: "x@desk.example", Mailboxes: []int64{4711}},
		} {
			_, err := d.AddAgent(ctx, operator, f)
			want(t, err, postroom.Invalid, field)
		}
		_, err := d.AddAgent(ctx, operator, directory.AgentFields{Name: "B", Email: "BEN@desk.example"})
		want(t, err, postroom.Conflict, "email")
		_, err = d.AddAgent(ctx, operator, directory.AgentFields{Name: "B", Email: "support@desk.example"})
		want(t, err, postroom.Conflict, "email")
		if _, err = d.UpdateAgent(ctx, ann, ben.ID, directory.AgentFields{Name: "Benjamin", Email: "ben@desk.example"}); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Read().Agent(ctx, ben.ID); err != nil || got.Name != "Benjamin" || len(got.Mailboxes) != 0 {
			t.Errorf("Ben is %+v, %v", got, err)
		}
	})
}

func TestAnAgentsFurtherAddresses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *directory.Directory, s *store.Store) {
		ctx := t.Context()
		addMailbox(t, d, "Support", "support@desk.example", "help@desk.example")
		ann := addAgent(t, d, "Ann", "ann@desk.example", postroom.Admin)
		ben := addAgent(t, d, "Ben", "ben@desk.example", postroom.Member)
		given := []string{" Ben@Home.example", "", "ben@desk.example", "ben@home.example\r", "b.o@work.example"}
		if err := d.SetAddresses(ctx, ben, ben.ID, given); err != nil {
			t.Fatal(err)
		}
		kept := []string{"ben@home.example", "b.o@work.example"}
		if got, err := d.Addresses(ctx, ben, ben.ID); err != nil || !slices.Equal(got, kept) {
			t.Errorf("Ben has %q, %v; want %q", got, err, kept)
		}
		for _, a := range []string{"BEN@home.example", "b.o@work.example", "ben@desk.example"} {
			if got, err := s.Read().AgentByAddress(ctx, a); err != nil || got.ID != ben.ID {
				t.Errorf("%s is of %+v, %v", a, got, err)
			}
		}
		if _, err := s.Read().AgentByAddress(ctx, "eve@home.example"); postroom.CodeOf(err) != postroom.NotFound {
			t.Errorf("nobody's address: %v", err)
		}
		if _, err := d.AgentByEmail(ctx, operator, "ben@home.example"); postroom.CodeOf(err) != postroom.NotFound {
			t.Errorf("one signs in by the main address only: %v", err)
		}

		// Whose an address is is decided once.
		for _, taken := range []string{"ann@desk.example", "help@desk.example"} {
			want(t, d.SetAddresses(ctx, ben, ben.ID, []string{taken}), postroom.Conflict, "addresses")
		}
		want(t, d.SetAddresses(ctx, ann, ann.ID, []string{"ben@home.example"}), postroom.Conflict, "addresses")
		_, err := d.AddAgent(ctx, operator, directory.AgentFields{Name: "Eve", Email: "ben@home.example"})
		want(t, err, postroom.Conflict, "email")
		_, err = d.AddMailbox(ctx, operator, directory.NewMailbox("Ben", "ben@home.example"))
		want(t, err, postroom.Conflict, "address")
		want(t, d.SetAddresses(ctx, ben, ben.ID, []string{"not one"}), postroom.Invalid, "addresses")
		many := make([]string, directory.MaxAgentAddresses+1)
		for i := range many {
			many[i] = strings.Repeat("x", i+1) + "@home.example"
		}
		want(t, d.SetAddresses(ctx, ben, ben.ID, many), postroom.Invalid, "addresses")
		if err := d.SetAddresses(ctx, ben, ann.ID, nil); postroom.CodeOf(err) != postroom.Forbidden {
			t.Errorf("Ben changes Ann's: %v", err)
		}
		if _, err := d.Addresses(ctx, ben, ann.ID); postroom.CodeOf(err) != postroom.Forbidden {
			t.Errorf("Ben reads Ann's: %v", err)
		}

		// A further address that becomes the main one is no further one.
		if _, err := d.UpdateAgent(ctx, ann, ben.ID, directory.AgentFields{Name: "Ben", Email: "ben@home.example"}); err != nil {
			t.Fatal(err)
		}
		if got, err := d.Addresses(ctx, ann, ben.ID); err != nil || !slices.Equal(got, kept[1:]) {
			t.Errorf("Ben has %q, %v; want %q", got, err, kept[1:])
		}
		if err := d.SetAddresses(ctx, ann, ben.ID, nil); err != nil {
			t.Fatal(err)
		}
		if got, err := d.Addresses(ctx, ann, ben.ID); err != nil || len(got) != 0 {
			t.Errorf("Ben has %q, %v", got, err)
		}
	})
}

func TestRightsByMailbox(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *directory.Directory, s *store.Store) {
		ctx := t.Context()
		support, press := addMailbox(t, d, "Support", "support@desk.example"), addMailbox(t, d, "Press", "press@desk.example")
		ben := addAgent(t, d, "Ben", "ben@desk.example", postroom.Member, support.ID)
		fields := directory.AgentFields{Name: "Ben", Email: "ben@desk.example", Mailboxes: []int64{support.ID, press.ID}}
		fields.Rights = map[int64]postroom.Right{press.ID: {Most: postroom.See, Workflows: postroom.DraftWorkflows}}
		if _, err := d.UpdateAgent(ctx, operator, ben.ID, fields); err != nil {
			t.Fatal(err)
		}
		holds := func(what string) {
			t.Helper()
			got, err := s.Read().Agent(ctx, ben.ID)
			if err != nil || len(got.Mailboxes) != 2 || len(got.Rights) != 1 || got.Rights[press.ID] != fields.Rights[press.ID] || !postroom.Can(got, postroom.Answer, support.ID) {
				t.Errorf("%s: %+v, %v", what, got, err)
			}
		}
		holds("given")
		fields.Rights = map[int64]postroom.Right{press.ID: fields.Rights[press.ID]}
		if _, err := d.UpdateAgent(ctx, operator, ben.ID, directory.AgentFields{Name: "Ben", Email: "ben@desk.example", Mailboxes: fields.Mailboxes}); err != nil {
			t.Fatal(err)
		}
		holds("a change that says nothing of rights")
		box := directory.NewMailbox("Press", "press@desk.example")
		box.Agents = []int64{ben.ID}
		if _, err := d.UpdateMailbox(ctx, operator, press.ID, box); err != nil {
			t.Fatal(err)
		}
		holds("a change of the mailbox")
		for _, wrong := range []postroom.Right{{Most: "rule"}, {Most: postroom.See, Workflows: "rule"}, {Most: postroom.See, Workflows: postroom.DraftWorkflows, OnlyAssigned: true}} {
			fields.Rights = map[int64]postroom.Right{press.ID: wrong}
			_, err := d.UpdateAgent(ctx, operator, ben.ID, fields)
			want(t, err, postroom.Invalid, "mailbox")
		}
		fields.Rights = map[int64]postroom.Right{press.ID: {Most: postroom.See, OnlyAssigned: true}}
		if _, err := d.UpdateAgent(ctx, operator, ben.ID, fields); err != nil {
			t.Fatal(err)
		}
		holds("only what is theirs")
	})
}

func TestOnlyAdminsManage(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *directory.Directory, _ *store.Store) {
		ctx := t.Context()
		addAgent(t, d, "Ann", "ann@desk.example", postroom.Admin)
		ben := addAgent(t, d, "Ben", "ben@desk.example", postroom.Member)
		_, e1 := d.AddAgent(ctx, ben, directory.AgentFields{Name: "Eve", Email: "eve@desk.example", Role: postroom.Admin})
		_, e2 := d.UpdateAgent(ctx, ben, ben.ID, directory.AgentFields{Name: "Ben", Email: "ben@desk.example", Role: postroom.Admin})
		e3 := d.DisableAgent(ctx, ben, ben.ID+1)
		_, e4 := d.AddMailbox(ctx, ben, directory.NewMailbox("X", "x@desk.example"))
		_, e5 := d.UpdateMailbox(ctx, ben, 1, directory.NewMailbox("X", "x@desk.example"))
		_, e6 := d.Agents(ctx, ben)
		_, e7 := d.Mailboxes(ctx, ben)
		_, e8 := d.AddTag(ctx, ben, "vip", "")
		e9 := d.EnableAgent(ctx, nil, ben.ID)
		for i, err := range []error{e1, e2, e3, e4, e5, e6, e7, e8, e9} {
			if postroom.CodeOf(err) != postroom.Forbidden {
				t.Errorf("call %d: %v", i+1, err)
			}
		}
	})
}

func TestTheLastAdminStays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *directory.Directory, s *store.Store) {
		ctx := t.Context()
		ann := addAgent(t, d, "Ann", "ann@desk.example", postroom.Admin)
		want(t, d.DisableAgent(ctx, operator, ann.ID), postroom.Conflict, "role")
		_, err := d.UpdateAgent(ctx, operator, ann.ID, directory.AgentFields{Name: "Ann", Email: "ann@desk.example", Role: postroom.Member})
		want(t, err, postroom.Conflict, "role")
		ben := addAgent(t, d, "Ben", "ben@desk.example", postroom.Admin)
		want(t, d.DisableAgent(ctx, ann, ann.ID), postroom.Conflict, "")

		var wg sync.WaitGroup
		wg.Go(func() { _ = d.DisableAgent(ctx, ann, ben.ID) })
		wg.Go(func() { _ = d.DisableAgent(ctx, ben, ann.ID) })
		wg.Wait()
		agents, err := d.Agents(ctx, operator)
		if err != nil {
			t.Fatal(err)
		}
		open := 0
		for _, a := range agents {
			if a.Role == postroom.Admin && !a.Disabled {
				open++
			}
		}
		if open != 1 {
			t.Errorf("two who disable each other leave %d admins", open)
		}
	})
}

func TestDisablingEndsSessions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *directory.Directory, s *store.Store) {
		ctx := t.Context()
		addAgent(t, d, "Ann", "ann@desk.example", postroom.Admin)
		ben := addAgent(t, d, "Ben", "ben@desk.example", postroom.Member)
		err := s.Write(ctx, func(t *store.Tx) error {
			return t.InsertSession(ctx, store.Session{Hash: "h", AgentID: ben.ID, ExpiresAt: 1 << 60})
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.DisableAgent(ctx, operator, ben.ID); err != nil {
			t.Fatal(err)
		}
		if rows, err := s.Read().Sessions(ctx, ben.ID, 0); err != nil || len(rows) != 0 {
			t.Errorf("%d sessions, %v", len(rows), err)
		}
		if id, _, err := s.Read().PasswordByEmail(ctx, "ben@desk.example"); err != nil || id != 0 {
			t.Errorf("a disabled agent is found for sign-in: %d, %v", id, err)
		}
		if err := d.EnableAgent(ctx, operator, ben.ID); err != nil {
			t.Fatal(err)
		}
		if a, err := s.Read().Agent(ctx, ben.ID); err != nil || a.Disabled {
			t.Errorf("%+v, %v", a, err)
		}
	})
}

func TestMailboxFields(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *directory.Directory, s *store.Store) {
		ctx := t.Context()
		good := directory.NewMailbox("Support", "support@desk.example")
		good.Host, good.Security, good.Username = "smtp.desk.example", "tls", "support"
		for field, change := range map[string]func(*directory.MailboxFields){
			"name":         func(f *directory.MailboxFields) { f.Name = "" },
			"address":      func(f *directory.MailboxFields) { f.Address = "support" },
			"aliases":      func(f *directory.MailboxFields) { f.Aliases = []string{"help@desk.example", "help@"} },
			"sender_name":  func(f *directory.MailboxFields) { f.SenderName = "x\r\nBcc: y@z" },
			"signature":    func(f *directory.MailboxFields) { f.Signature = strings.Repeat("x", 1<<20) },
			"host":         func(f *directory.MailboxFields) { f.Host = "smtp.desk.example:25" },
			"port":         func(f *directory.MailboxFields) { f.Port = 65536 },
			"security":     func(f *directory.MailboxFields) { f.Security = "ssl" },
			"username":     func(f *directory.MailboxFields) { f.Username = "a\nb" },
			"password":     func(f *directory.MailboxFields) { p := "a\nb"; f.Password = &p },
			"undo_seconds": func(f *directory.MailboxFields) { f.UndoSeconds = 121 },
			"reopen_days":  func(f *directory.MailboxFields) { f.ReopenDays = -1 },
			"separator":    func(f *directory.MailboxFields) { f.Separator = "@" },
			"authserv":     func(f *directory.MailboxFields) { f.AuthServ = "mx.example; spf=pass" },
			"agent":        func(f *directory.MailboxFields) { f.Agents = []int64{4711} },
		} {
			f := good
			change(&f)
			_, err := d.AddMailbox(ctx, operator, f)
			want(t, err, postroom.Invalid, field)
		}
		if boxes, err := d.Mailboxes(ctx, operator); err != nil || len(boxes) != 0 {
			t.Fatalf("a refused mailbox is there: %+v, %v", boxes, err)
		}
		good.Signature = `<p onclick="x()">Bye<script>alert(1)</script></p>`
		m, err := d.AddMailbox(ctx, operator, good)
		if err != nil {
			t.Fatal(err)
		}
		if m.Channel.Port != 465 || m.UndoMS != 10_000 || strings.Contains(m.Signature, "script") || strings.Contains(m.Signature, "onclick") {
			t.Errorf("%+v", m)
		}
	})
}

func TestMailboxPasswordIsSealedAndKept(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *directory.Directory, s *store.Store) {
		ctx := t.Context()
		f := directory.NewMailbox("Support", "support@desk.example")
		secret := "canary-4711"
		f.Password = &secret
		m, err := d.AddMailbox(ctx, operator, f)
		if err != nil {
			t.Fatal(err)
		}
		stored := func() string {
			got, err := s.Read().Mailbox(ctx, m.ID)
			if err != nil {
				t.Fatal(err)
			}
			return got.Channel.Password
		}
		if stored() != "sealed:1174-yranac" {
			t.Errorf("stored %q", stored())
		}
		f.Password, f.Name = nil, "Help"
		if _, err := d.UpdateMailbox(ctx, operator, m.ID, f); err != nil {
			t.Fatal(err)
		}
		if stored() != "sealed:1174-yranac" {
			t.Errorf("a change of the name changed the password: %q", stored())
		}
		none := ""
		f.Password = &none
		if _, err := d.UpdateMailbox(ctx, operator, m.ID, f); err != nil {
			t.Fatal(err)
		}
		if stored() != "" {
			t.Errorf("a removed password is stored: %q", stored())
		}
		_, err = d.UpdateMailbox(ctx, operator, m.ID+1000, f)
		if code := postroom.CodeOf(err); code != postroom.Conflict && code != postroom.NotFound {
			t.Errorf("no such mailbox: %v", err)
		}
	})
}

func TestMailboxAddressesAreUniqueOverAliases(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *directory.Directory, s *store.Store) {
		ctx := t.Context()
		addAgent(t, d, "Ann", "ann@desk.example", postroom.Admin)
		addMailbox(t, d, "Support", "support@desk.example", "HELP@desk.example", "help@desk.example", "support@desk.example", "")
		for _, c := range []struct{ address, alias, field string }{
			{"help@desk.example", "", "address"},
			{"sales@desk.example", "Support@desk.example", "aliases"},
			{"sales@desk.example", "help@desk.example", "aliases"},
			{"ann@desk.example", "", "address"},
			{"sales@desk.example", "ann@desk.example", "aliases"},
		} {
			f := directory.NewMailbox("Sales", c.address)
			f.Aliases = []string{c.alias}
			_, err := d.AddMailbox(ctx, operator, f)
			want(t, err, postroom.Conflict, c.field)
		}
		m, err := s.Read().MailboxByAddress(ctx, "Support@desk.example")
		if err != nil || !slices.Equal(m.Aliases, []string{"help@desk.example"}) {
			t.Errorf("%+v, %v", m, err)
		}
	})
}

func TestWhoSeesAMailbox(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *directory.Directory, s *store.Store) {
		ctx := t.Context()
		ann := addAgent(t, d, "Ann", "ann@desk.example", postroom.Admin)
		ben := addAgent(t, d, "Ben", "ben@desk.example", postroom.Member)
		f := directory.NewMailbox("Support", "support@desk.example")
		f.Everybody = true
		m, err := d.AddMailbox(ctx, operator, f)
		if err != nil {
			t.Fatal(err)
		}
		got, agents, err := d.Mailbox(ctx, ann, m.ID)
		if err != nil || got.ID != m.ID || len(agents) != 2 {
			t.Errorf("%v, %v", agents, err)
		}
		next := directory.Fields(got, []int64{ann.ID})
		if _, err := d.UpdateMailbox(ctx, ann, m.ID, next); err != nil {
			t.Fatal(err)
		}
		if a, err := s.Read().Agent(ctx, ben.ID); err != nil || postroom.Can(a, postroom.See, m.ID) {
			t.Errorf("Ben still sees it: %+v, %v", a, err)
		}
	})
}

func TestProfileAndTags(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *directory.Directory, s *store.Store) {
		ctx := t.Context()
		ben := addAgent(t, d, "Ben", "ben@desk.example", postroom.Member)
		want(t, d.UpdateProfile(ctx, ben, directory.Profile{Name: "", Zone: "Asia/Tokyo"}), postroom.Invalid, "name")
		want(t, d.UpdateProfile(ctx, ben, directory.Profile{Name: "Ben", Zone: "../etc/passwd"}), postroom.Invalid, "zone")
		want(t, d.UpdateProfile(ctx, ben, directory.Profile{Name: "Ben", Theme: "pink"}), postroom.Invalid, "theme")
		if err := d.UpdateProfile(ctx, ben, directory.Profile{Name: "Ben O.", Zone: "Asia/Tokyo"}); err != nil {
			t.Fatal(err)
		}
		if err := d.SetTheme(ctx, &postroom.Agent{ID: ben.ID, Name: "Ben O.", Zone: "Asia/Tokyo"}, "dark"); err != nil {
			t.Fatal(err)
		}
		if a, err := s.Read().Agent(ctx, ben.ID); err != nil || a.Name != "Ben O." || a.Zone != "Asia/Tokyo" || a.Theme != "dark" || a.Role != postroom.Member {
			t.Errorf("%+v, %v", a, err)
		}

		vip, err := d.AddTag(ctx, operator, "vip", "#FF8800")
		if err != nil || vip.Color != "#ff8800" {
			t.Fatal(vip, err)
		}
		_, err = d.AddTag(ctx, operator, "vip", "")
		want(t, err, postroom.Conflict, "")
		_, err = d.AddTag(ctx, operator, "a,b", "")
		want(t, err, postroom.Invalid, "name")
		_, err = d.AddTag(ctx, operator, "red", "url(x)")
		want(t, err, postroom.Invalid, "color")
		if err := d.UpdateTag(ctx, operator, vip.ID, "gold", ""); err != nil {
			t.Fatal(err)
		}
		if tags, err := d.Tags(ctx); err != nil || len(tags) != 1 || tags[0].Name != "gold" {
			t.Errorf("%+v, %v", tags, err)
		}
	})
}

func TestFolderCountsAreMended(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, raw *db.DB) {
		ctx := t.Context()
		s := store.New(raw)
		m := addMailbox(t, directory.New(directory.Options{Store: s, Sealer: reversed{}}), "Support", "support@desk.example")
		err := s.Write(ctx, func(t *store.Tx) error {
			if _, err := t.FindOrAddCustomer(ctx, 900_001, postroom.Address{Address: "mara@customer.example"}, 1); err != nil {
				return err
			}
			for i, agent := range []int64{0, 77} {
				c := postroom.Conversation{ID: 900_002 + int64(i), MailboxID: m.ID, CustomerID: 900_001, Status: postroom.Active, AssigneeID: agent}
				if err := t.InsertConversation(ctx, &c); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		drifts := func(correct bool) (out []store.FolderDrift) {
			t.Helper()
			if err := s.Write(ctx, func(t *store.Tx) (err error) { out, err = t.FolderDrifts(ctx, correct); return err }); err != nil {
				t.Fatal(err)
			}
			return out
		}
		drifts(true) // whatever the insertion left
		if got := drifts(false); len(got) != 0 {
			t.Fatalf("right counts are said to be wrong: %+v", got)
		}
		// One counter is wrong, one is missing.
		err = raw.Write(ctx, func(tx *db.Tx) error {
			if _, err := tx.Exec(ctx, "update folder_count set n = 5 where folder = $1", postroom.Unassigned); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "delete from folder_count where folder = $1", postroom.Assigned)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		got := drifts(true)
		for _, want := range []store.FolderDrift{
			{MailboxID: m.ID, Folder: postroom.Unassigned, Counted: 5, True: 1},
			{MailboxID: m.ID, Folder: postroom.Assigned, AgentID: 77, True: 1},
		} {
			if !slices.Contains(got, want) {
				t.Errorf("drifts %+v are without %+v", got, want)
			}
		}
		if got := drifts(false); len(got) != 0 {
			t.Errorf("after mending: %+v", got)
		}
	})
}
