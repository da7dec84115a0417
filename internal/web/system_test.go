package web_test

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"postroom/internal/alarm"
	"postroom/internal/desktest"
	"postroom/internal/postoffice"
)

// The system log tells admins who did what about the desk, and keeps from it
// what nobody should read there.
func TestSystemLog(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		ann := o.browser("ann")
		thief := o.stranger()
		thief.post("/signin", url.Values{"email": {o.Agent("ann").Email}, "password": {"canary-password"}}).want(t, 422, "a wrong password")
		thief.post("/signin", url.Values{"email": {"canary-password"}, "password": {"x"}})
		ann.post("/agents", url.Values{"name": {"Carla Ode"}, "email": {"carla@acme.example"}, "role": {"agent"}})
		d.ClosingNotice()
		ann.post(fmt.Sprintf("/mailboxes/%d", d.Mailbox.ID), url.Values{"name": {"Acme Support"}})
		if err := d.Alarms.Raise(t.Context(), alarm.DiskFull, "", "There are only 3 MB left."); err != nil {
			t.Fatal(err)
		}
		if err := d.Alarms.Raise(t.Context(), alarm.DiskFull, "", "There are only 2 MB left."); err != nil {
			t.Fatal(err)
		}
		if err := d.Alarms.Clear(t.Context(), alarm.DiskFull, ""); err != nil {
			t.Fatal(err)
		}
		all := ann.get("/system/log").want(t, 200, "the log")
		for _, words := range []string{"Ann signed in.", "tried to sign in with a wrong password", "address that is no agent", "Carla Ode was added as an agent.", "There are only 3 MB left.", "The cause is gone: disk.full."} {
			if !all.has(words) {
				t.Errorf("the log does not say %q", words)
			}
		}
		if all.has("canary-password") || all.has("There are only 2 MB left.") {
			t.Error("the log says what it should not")
		}
		worse := ann.get("/system/log?level=warning").want(t, 200, "warnings")
		if worse.has("Carla Ode was added") || !worse.has("There are only 3 MB left.") || !worse.has("wrong password") {
			t.Error("the filter of the level does not hold")
		}
		if agents := ann.get("/system/log?area=agents&q=carla").want(t, 200, "an area"); !agents.has("Carla Ode was added") || agents.has("signed in.") {
			t.Error("the filters of area and words do not hold")
		}
		if none := ann.get("/system/log?q=nothing-like-it").want(t, 200, "nothing"); !none.has("No line of the log fits") {
			t.Error("an empty log says nothing")
		}
		ann.get("/system/log?level=loud").want(t, 404, "a level that is none")
		ben := o.browser("ben")
		for _, path := range []string{"/system/log", "/system/connections", "/system/mail"} {
			ben.get(path).want(t, 403, "an agent at "+path)
		}
	})
}

func TestSystemLogHasPages(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		ann := o.browser("ann")
		for i := range 120 { // at one moment, by a clock that stands still
			if err := d.Alarms.Raise(t.Context(), alarm.SpoolStuck, fmt.Sprint(i), fmt.Sprintf("File %03d is stuck.", i)); err != nil {
				t.Fatal(err)
			}
		}
		seen := map[string]int{}
		next := "/system/log?area=alarms"
		for pages := 0; next != "" && pages < 10; pages++ {
			page := ann.get(next).want(t, 200, "a page")
			for i := range 120 {
				if words := fmt.Sprintf("File %03d is stuck.", i); page.has(words) {
					seen[words]++
				}
			}
			next = ""
			if link := page.find("rel", "next"); link != nil {
				next = attribute(link, "href")
			}
		}
		if len(seen) != 120 {
			t.Errorf("%d of 120 lines were seen", len(seen))
		}
		for words, n := range seen {
			if n != 1 {
				t.Errorf("%s stands on %d pages", words, n)
			}
		}
	})
}

// Alarms are mailed by a way of their own, together, once, and a server that
// refuses is quoted and tried again later (W41).
func TestAlarmsAreMailed(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		ann := o.browser("ann")
		host, port, err := net.SplitHostPort(d.Office.Addr())
		if err != nil {
			t.Fatal(err)
		}
		ann.post("/system/mail/try", nil).want(t, 303, "a trial without a server")
		if page := ann.get("/system/mail"); !page.has("Enter and save a server first.") {
			t.Error("a trial without a server says nothing")
		}
		form := url.Values{"host": {host}, "port": {port}, "security": {"none"}, "sender": {"not an address"}}
		if refused := ann.post("/system/mail", form).want(t, 422, "a wrong sender"); refused.find("id", "error-sender") == nil || refused.find("value", host) == nil {
			t.Error("the form does not say what is wrong, or forgot what was typed")
		}
		form.Set("sender", "desk@acme.example")
		form.Set("recipients", "ops@acme.example\nnight@acme.example")
		ann.post("/system/mail", form).want(t, 303, "saved")
		ann.post("/system/mail/try", nil).want(t, 303, "a trial")
		if got := d.Office.For("ops@acme.example"); len(got) != 1 || !strings.Contains(string(got[0].Raw), "Auto-Submitted: auto-generated") || !strings.Contains(string(got[0].Raw), "Ann asked for this trial") {
			t.Fatalf("%d trials arrived", len(got))
		}
		report := func() {
			t.Helper()
			if err := d.Outbox.ReportAlarms(t.Context(), "https://desk.acme.example"); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 2 {
			if err := d.Alarms.Raise(t.Context(), alarm.SpoolStuck, fmt.Sprint(i), fmt.Sprintf("File %d is stuck.", i)); err != nil {
				t.Fatal(err)
			}
		}
		report() // not yet: others may follow, or it clears by itself
		if n := len(d.Office.For("night@acme.example")); n != 1 {
			t.Errorf("%d mails, want the trial alone", n)
		}
		d.Pass(2 * time.Minute)
		d.Office.Program(postoffice.Fault{Phase: postoffice.Mail, Edge: postoffice.Before, Action: postoffice.Lie, Reply: "451 4.3.0 we rest", Times: 1})
		report()
		if page := ann.get("/system/mail"); !page.has("we rest") {
			t.Error("the page does not quote the server")
		}
		if line := ann.get("/system/log?area=alarms&level=error"); !line.has("we rest") {
			t.Error("the log does not quote the server")
		}
		report() // too early
		d.Pass(10 * time.Minute)
		report()
		report()
		got := d.Office.For("night@acme.example")
		if len(got) != 2 {
			t.Fatalf("%d mails, want the trial and one with both alarms", len(got))
		}
		for _, words := range []string{"2 alarms", "File 0 is stuck.", "File 1 is stuck.", "https://desk.acme.example/alarms", "Look at the file in the spool folder"} {
			if !strings.Contains(string(got[1].Raw), words) {
				t.Errorf("the mail does not say %q:\n%s", words, got[1].Raw)
			}
		}
		form.Set("host", "")
		ann.post("/system/mail", form).want(t, 303, "switched off")
		if page := ann.get("/system/mail"); page.has("Send a trial") {
			t.Error("it is not switched off")
		}
	})
}

func TestConnectionsPage(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		page := o.browser("ann").get("/system/connections").want(t, 200, "connections")
		for _, words := range []string{d.Mailbox.Name, "By mail server", "Ready", d.Office.Addr()} {
			if !page.has(words) {
				t.Errorf("the page does not say %q", words)
			}
		}
	})
}
