package app_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/app"
	"postroom/internal/config"
	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/desk"
	"postroom/internal/directory"
	"postroom/internal/email"
	"postroom/internal/postoffice"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var operator = &postroom.Agent{Name: "Operator", Role: postroom.Admin}

// settings are those of a desk in a folder of its own, on any free ports.
func settings(t *testing.T, e db.Engine) *config.Settings {
	t.Helper()
	s := &config.Settings{Place: config.Place{Data: t.TempDir(), LogLevel: "warn", LogFormat: "text"}, HTTP: "127.0.0.1:0", LMTP: "127.0.0.1:0",
		Name: "Test", Hostname: "desk.example", MaxMail: 50 << 20, MaxUpload: 25 << 20, Workers: 4, DBConns: 4, StopTimeout: 10 * time.Second}
	if e == db.Postgres {
		s.Database = dbtest.Options{Empty: true}.URL(t, e)
	}
	return s
}

// open opens and starts a desk, which is stopped at the end of the test.
func open(t *testing.T, s *config.Settings, o app.Options) *app.App {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	a, err := app.Open(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	a.Start()
	t.Cleanup(func() { stop(t, a) })
	return a
}

func stop(t *testing.T, a *app.App) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := a.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// office starts a post office.
func office(t *testing.T) *postoffice.Office {
	t.Helper()
	o, err := postoffice.New(postoffice.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o
}

// people makes a mailbox that sends by the office, without an undo window,
// and an admin.
func people(t *testing.T, a *app.App, o *postoffice.Office) *postroom.Agent {
	t.Helper()
	f := directory.NewMailbox("Help", "help@desk.example")
	host, port, _ := strings.Cut(o.Addr(), ":")
	f.Host, f.UndoSeconds = host, 0
	if _, err := fmt.Sscan(port, &f.Port); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Rooms().Directory.AddMailbox(t.Context(), operator, f); err != nil {
		t.Fatal(err)
	}
	ann, err := a.Rooms().Directory.AddAgent(t.Context(), operator, directory.AgentFields{Name: "Ann", Email: "ann@desk.example", Role: postroom.Admin})
	if err != nil {
		t.Fatal(err)
	}
	return ann
}

func raw(id, subject string) []byte {
	return []byte("From: Mara <mara@fernmail.example>\r\nTo: help@desk.example\r\nSubject: " + subject + "\r\nMessage-ID: <" + id + "@fernmail.example>\r\nDate: " +
		time.Now().UTC().Format(time.RFC1123Z) + "\r\n\r\nHello!\r\n")
}

// each runs a test on both engines.
func each(t *testing.T, f func(t *testing.T, e db.Engine)) {
	t.Helper()
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			f(t, e)
		})
	}
}

// letters waits until a customer has n mails and returns them.
func letters(t *testing.T, o *postoffice.Office, n int) []*email.Mail {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	coming := o.Subscribe(ctx)
	for len(o.For("mara@fernmail.example")) < n {
		if _, ok := <-coming; !ok {
			t.Fatalf("%d mails came, want %d", len(o.For("mara@fernmail.example")), n)
		}
	}
	var out []*email.Mail
	for _, l := range o.For("mara@fernmail.example") {
		out = append(out, email.Parse(l.Raw, email.ParseOptions{}))
	}
	return out
}

// conversation waits until a conversation is there.
func conversation(t *testing.T, a *app.App, number int64) *postroom.Conversation {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 2000 {
		c, err := a.Rooms().Store.Read().ConversationByNumber(t.Context(), number)
		if err == nil {
			return c
		}
		if postroom.CodeOf(err) != postroom.NotFound {
			t.Fatal(err)
		}
		<-tick.C
	}
	t.Fatalf("there is no conversation %d", number)
	return nil
}

// TestTheWholeWay goes from a customer's mail by LMTP to two mails in order.
func TestTheWholeWay(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, e db.Engine) {
		o := office(t)
		a := open(t, settings(t, e), app.Options{MailTLS: o.ClientTLS()})
		ann := people(t, a, o)
		if said, err := postoffice.Deliver(t.Context(), a.LMTPAddr(), "mara@fernmail.example", []string{"help@desk.example"}, raw("1", "A light")); err != nil || !said.OK() {
			t.Fatal(said, err)
		}
		c := conversation(t, a, 1)
		if got := letters(t, o, 1); got[0].Header("Auto-Submitted") == "" {
			t.Errorf("the first mail is no acknowledgement: %q", got[0].Subject)
		}
		if _, err := a.Rooms().Desk.Publish(t.Context(), ann, desk.Publish{ConversationID: c.ID, Kind: postroom.Reply, HTML: "<p>It is the plug.</p>",
			Status: postroom.Closed, Path: postroom.PathSend}); err != nil {
			t.Fatal(err)
		}
		got := letters(t, o, 3)
		if !strings.Contains(got[1].PlainText(), "It is the plug.") || got[1].HasHeader("Auto-Submitted") {
			t.Errorf("the second mail is not the reply: %s", got[1].PlainText())
		}
		if !strings.HasPrefix(got[2].Header("Auto-Submitted"), "auto-replied") || strings.Contains(got[2].PlainText(), "It is the plug.") {
			t.Errorf("the third mail is not the notice: %s", got[2].PlainText())
		}
		resp, err := http.Get(a.URL() + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("healthz: %d", resp.StatusCode)
		}
	})
}

// TestWhatWasKeptGoesOn stops a desk between a reply and its mail, and finds
// the mail sent by the next process.
func TestWhatWasKeptGoesOn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, e db.Engine) {
		o := office(t)
		s := settings(t, e)
		first, err := app.Open(t.Context(), s, app.Options{MailTLS: o.ClientTLS()}) // not started: nothing is worked on
		if err != nil {
			t.Fatal(err)
		}
		ann := people(t, first, o)
		if said, err := postoffice.Deliver(t.Context(), first.LMTPAddr(), "mara@fernmail.example", []string{"help@desk.example"}, raw("1", "A light")); err != nil || !said.OK() {
			t.Fatal(said, err)
		}
		if err := first.Rooms().Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		c := conversation(t, first, 1)
		if _, err := first.Rooms().Desk.Publish(t.Context(), ann, desk.Publish{ConversationID: c.ID, Kind: postroom.Reply, HTML: "<p>Soon.</p>", Status: postroom.Closed, Path: postroom.PathSend}); err != nil {
			t.Fatal(err)
		}
		stop(t, first)
		open(t, s, app.Options{MailTLS: o.ClientTLS()})
		if got := letters(t, o, 3); !strings.Contains(got[1].PlainText(), "Soon.") {
			t.Errorf("the mail after the restart is %s", got[1].PlainText())
		}
	})
}

// TestTwoProcesses shares one PostgreSQL: what one of them takes in, pages of
// the other hear of.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	o := office(t)
	s := settings(t, db.Postgres)
	one := open(t, s, app.Options{MailTLS: o.ClientTLS()})
	people(t, one, o)
	again := *s
	again.Data = t.TempDir()
	again.KeyFile, again.Blobs = s.KeyPath(), s.BlobDir()
	two := open(t, &again, app.Options{MailTLS: o.ClientTLS()})
	heard := two.Heard(t, "counts")
	for i := range 20 {
		to := []*app.App{one, two}[i%2]
		if said, err := postoffice.Deliver(t.Context(), to.LMTPAddr(), "mara@fernmail.example", []string{"help@desk.example"}, raw(fmt.Sprint(i), "A light")); err != nil || !said.OK() {
			t.Fatal(said, err)
		}
	}
	conversation(t, one, 20)
	select {
	case <-heard:
	case <-time.After(20 * time.Second):
		t.Error("the pages of the second process heard nothing")
	}
	if _, err := one.Rooms().Store.Read().ConversationByNumber(t.Context(), 21); postroom.CodeOf(err) != postroom.NotFound {
		t.Errorf("a mail was taken in twice: %v", err)
	}

	// With other files or another key it must not run.
	other := again
	other.Blobs = t.TempDir()
	if _, err := app.Open(t.Context(), &other, app.Options{}); postroom.CodeOf(err) != postroom.Unavailable || !strings.Contains(err.Error(), "does not hold the files") {
		t.Errorf("other files: %v", err)
	}
	other = again
	other.Data, other.KeyFile = t.TempDir(), ""
	if _, err := app.Open(t.Context(), &other, app.Options{}); postroom.CodeOf(err) != postroom.Unavailable || !strings.Contains(err.Error(), "is not the one this database was made with") {
		t.Errorf("another key: %v", err)
	}
}

func TestTheSpoolKeepsWhatCannotBeTaken(t *testing.T) {
	t.Parallel()
	s := settings(t, db.SQLite)
	o := office(t)
	a := open(t, s, app.Options{MailTLS: o.ClientTLS()})
	people(t, a, o)
	if err := os.WriteFile(filepath.Join(s.SpoolDir(), "1.mail"), []byte("no envelope"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := app.Ingest(s.Place, app.Envelope{From: "mara@fernmail.example", To: []string{"help@desk.example"}}, strings.NewReader(string(raw(fmt.Sprint(i), "By pipe")))); err != nil {
			t.Fatal(err)
		}
	}
	app.Operator{Place: s.Place}.Poke(t.Context())
	conversation(t, a, 3)
	if _, err := os.Stat(filepath.Join(s.SpoolDir(), "refused", "1.mail")); err != nil {
		t.Errorf("what is no mail was not laid aside: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.SpoolDir(), "*.mail")); len(left) != 0 {
		// The last one is removed just after its row was committed.
		t.Logf("still there: %v", left)
	}
	h, err := app.Operator{Place: s.Place}.Health(t.Context())
	if err != nil || !h.OK || h.Alarms != 1 {
		t.Errorf("health: %+v, %v", h, err)
	}
}

func TestAWrongSettingOpensNothing(t *testing.T) {
	t.Parallel()
	s := settings(t, db.SQLite)
	s.Data = filepath.Join(s.Data, "new")
	s.MailCA = filepath.Join(s.Data, "none")
	_, err := app.Open(t.Context(), s, app.Options{})
	if e, ok := errors.AsType[*postroom.Error](err); !ok || e.Field != "mail-ca" {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(s.Data); !os.IsNotExist(err) {
		t.Errorf("a data folder was made: %v", err)
	}
}
