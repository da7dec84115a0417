package app_test

import (
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/app"
	"postroom/internal/db"
	"postroom/internal/store"
)

// TestMailIsFetched goes the whole way with a mailbox whose mail is fetched: by
// the command line's settings, sealed password, a running desk, settings that
// change while it runs, an alarm that comes and goes; and a copy of what was
// answered lies in the folder for sent mail.
func TestMailIsFetched(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, e db.Engine) {
		o := office(t)
		s := settings(t, e)
		a := open(t, s, app.Options{MailTLS: o.ClientTLS()})
		people(t, a, o)
		host, portText, err := net.SplitHostPort(o.IMAPAddr())
		if err != nil {
			t.Fatal(err)
		}
		port, err := strconv.Atoi(portText)
		if err != nil {
			t.Fatal(err)
		}
		password, security, copies := "postoffice", "starttls", "yes"
		set := app.MailboxSettings{Address: "help@desk.example", Incoming: &app.IncomingSettings{Host: &host, Port: &port, Security: &security, Password: &password, Copies: &copies}}
		op := app.Operator{Place: s.Place}
		if _, err := op.SetMailbox(t.Context(), set); err != nil {
			t.Fatal(err)
		}
		read := a.Rooms().Store.Read()
		box, err := read.MailboxByAddress(t.Context(), "help@desk.example")
		if err != nil {
			t.Fatal(err)
		}
		in := func() *store.Incoming {
			in, err := read.Incoming(t.Context(), box.ID)
			if err != nil {
				t.Fatal(err)
			}
			return in
		}
		soon(t, "the connection", func() bool { return in().State == store.IncomingWatching })
		if sealed := in().Password; strings.Contains(sealed, password) || sealed == "" {
			t.Errorf("the password is stored as %q", sealed)
		}
		if err := o.Put("help@desk.example", "INBOX", raw("1", "A light"), time.Now()); err != nil {
			t.Fatal(err)
		}
		conversation(t, a, 1)
		letters(t, o, 1) // the acknowledgement
		soon(t, "the copy", func() bool { return len(o.Folder("help@desk.example", "Sent")) == 1 })

		wrong := "not the password"
		set.Incoming = &app.IncomingSettings{Password: &wrong}
		if _, err := op.SetMailbox(t.Context(), set); err != nil {
			t.Fatal(err)
		}
		open := func() bool {
			open, err := read.AlarmOpen(t.Context(), string(alarm.IncomingFailing), strconv.FormatInt(box.ID, 10))
			if err != nil {
				t.Fatal(err)
			}
			return open
		}
		soon(t, "the alarm", open)
		boxes, err := op.Mailboxes(t.Context())
		if err != nil || len(boxes) != 1 || !strings.Contains(boxes[0].Incoming, "failing (The server 127.0.0.1:"+portText+" refused the sign-in of help@desk.example: “NO [AUTHENTICATIONFAILED]") {
			t.Errorf("the list says %+v, %v", boxes, err)
		}
		set.Incoming = &app.IncomingSettings{Password: &password}
		if _, err := op.SetMailbox(t.Context(), set); err != nil {
			t.Fatal(err)
		}
		soon(t, "the connection again", func() bool { return in().State == store.IncomingWatching && !open() })
		if _, err := op.SetMailbox(t.Context(), app.MailboxSettings{Address: "help@desk.example", Incoming: &app.IncomingSettings{After: &wrong}}); postroom.CodeOf(err) != postroom.Invalid {
			t.Errorf("a wrong setting: %v", err)
		}
	})
}

// soon waits until something is so.
func soon(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	end := time.After(time.Minute)
	for !is() {
		select {
		case <-end:
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}
