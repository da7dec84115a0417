package desktest_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/desktest"
	"postroom/internal/directory"
	"postroom/internal/incoming"
	"postroom/internal/postoffice"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// letters puts n letters into INBOX, as received now.
func letters(d *desktest.Desk, n int) { older(d, 0, n) }

// older puts the letters of a row of matters into INBOX, as received now: of
// three the second answers the first, and the third the second.
func older(d *desktest.Desk, from, to int) {
	d.T.Helper()
	for i := from; i < to; i++ {
		l := desktest.Letter{From: fmt.Sprintf("c%d@customer.example", i/3), Subject: fmt.Sprintf("Matter %d", i/3), Body: fmt.Sprintf("Letter %d", i), ID: fmt.Sprintf("l%d@customer.example", i)}
		if i%3 > 0 {
			l.InReplyTo, l.Subject = fmt.Sprintf("l%d@customer.example", i-1), "Re: "+l.Subject
		}
		d.LiesIn("INBOX", l)
	}
}

// TestFiveHundredUnread takes in what gathered while the desk was away: one
// run, in order, no answer split off (T19), and nothing marked as read.
func TestFiveHundredUnread(t *testing.T) {
	t.Parallel()
	n := 501
	if testing.Short() {
		n = 60
	}
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.FetchesBy(nil)
		d.Must(d.Fetch()) // before it, INBOX is empty
		letters(d, n)
		d.Must(d.Fetch())
		all := d.Inbounds()
		if len(all) != n {
			t.Fatalf("%d mails were taken in, not %d", len(all), n)
		}
		conversations := map[int64]int{}
		for i, in := range all {
			if want := fmt.Sprintf("l%d@customer.example", i); in.HeaderID != want || in.State != store.InboundDone || in.Source != "imap" {
				t.Fatalf("mail %d is %s, %s: %s", i, in.HeaderID, in.State, in.Words)
			}
			conversations[in.ConversationID]++
		}
		if len(conversations) != n/3 {
			t.Errorf("%d conversations, not %d", len(conversations), n/3)
		}
		for id, mails := range conversations {
			if mails != 3 {
				t.Errorf("conversation %d has %d mails", id, mails)
			}
		}
		_, folders := d.Connection()
		if f := folders[0]; f.LastUID != uint32(n) || f.Waiting != 0 {
			t.Errorf("the folder was read up to %d, %d wait", f.LastUID, f.Waiting)
		}
		for _, k := range d.Office.Folder(d.Mailbox.Address, "INBOX") {
			if k.Seen {
				t.Fatalf("mail %d was marked as read", k.UID)
			}
		}
		d.Must(d.Fetch())
		if again := d.Inbounds(); len(again) != n {
			t.Errorf("a second look took in %d more", len(again)-n)
		}
	})
}

// TestOlderMail takes in what lay in the folder before the desk: never judged,
// nothing answered, threads joined (W7).
func TestOlderMail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		older  postroom.OlderMail
		mails  int
		status postroom.Status
	}{{postroom.OlderNone, 0, ""}, {postroom.OlderSince, 6, postroom.Active}, {postroom.OlderAll, 12, postroom.Closed}} {
		t.Run(string(c.older), func(t *testing.T) {
			t.Parallel()
			desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
				d.Shipped("acknowledge")
				d.ClosingNotice()
				now := d.Clock.Now()
				d.Clock.Set(now.AddDate(-1, 0, 0).UnixMilli())
				older(d, 0, 6)
				d.Clock.Set(now.AddDate(0, 0, -2).UnixMilli())
				older(d, 6, 12)
				d.Clock.Set(now.UnixMilli())
				d.FetchesBy(func(in *postroom.Incoming) {
					in.Older, in.OlderFrom = c.older, now.AddDate(0, 0, -3).UnixMilli()
				})
				d.Must(d.Fetch())
				if all := d.Inbounds(); len(all) != c.mails {
					t.Fatalf("%d mails were taken in, not %d", len(all), c.mails)
				}
				d.ExpectMails()
				seen := map[int64]bool{}
				for _, in := range d.Inbounds() {
					conv := d.Conversation(in.ConversationID)
					seen[conv.ID] = true
					if conv.Status != c.status || conv.CreatedAt > now.AddDate(0, 0, -2).UnixMilli() || conv.Received != 3 {
						t.Errorf("conversation %d is %s with %d mails, of %s", conv.Number, conv.Status, conv.Received, time.UnixMilli(conv.CreatedAt))
					}
					events, err := d.Store.Read().Events(d.Ctx, conv.ID)
					d.Must(err)
					for _, e := range events {
						if e.State != postroom.EventNotJudged || e.Path != postroom.PathImport {
							t.Errorf("%s is %s by %s", e.Kind, e.State, e.Path)
						}
					}
				}
				if len(seen) != c.mails/3 {
					t.Errorf("%d conversations", len(seen))
				}
				// What comes from now on is new, and answered.
				d.LiesIn("INBOX", desktest.Letter{From: "new@customer.example", Subject: "New", Body: "Hello"})
				d.Must(d.Fetch())
				d.ExpectMails("auto:")
			})
		})
	}
}

// TestNumberedAnew survives another UIDVALIDITY: nothing is lost, nothing comes
// twice, and what was to stay stays (D1, D3).
func TestNumberedAnew(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.LiesIn("INBOX", desktest.Letter{From: "old@customer.example", Subject: "Before the desk", Body: "Old"})
		d.Clock.Advance(time.Hour)
		d.FetchesBy(nil)
		d.Must(d.Fetch())
		d.Clock.Advance(time.Hour)
		letters(d, 6)
		d.Must(d.Fetch())
		d.Must(d.Office.Renumber(d.Mailbox.Address, "INBOX"))
		d.Clock.Advance(time.Hour)
		d.LiesIn("INBOX", desktest.Letter{From: "late@customer.example", Subject: "Meanwhile", Body: "New"})
		d.Must(d.Fetch())
		states := map[string]int{}
		for _, in := range d.Inbounds() {
			states[in.State]++
			if strings.Contains(in.Subject, "Before") {
				t.Error("a mail was taken in that was to stay")
			}
		}
		if states[store.InboundDone] != 7 || states[store.InboundDuplicate] != 6 {
			t.Errorf("states %v", states)
		}
		_, folders := d.Connection()
		if f := folders[0]; !strings.Contains(f.Words, "numbered the folder anew") || f.LastUID != 8 {
			t.Errorf("folder %+v", f)
		}
		d.Must(d.Fetch())
		if n := len(d.Inbounds()); n != 13 {
			t.Errorf("%d mails after another look", n)
		}
	})
}

// TestNobodyFetches: a connection that no process has held for ten minutes is an
// alarm, which fetching clears; a process that has just begun raises none, however
// long the desk was off.
func TestNobodyFetches(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.FetchesBy(func(*postroom.Incoming) {})
		d.Must(d.Fetch())
		d.Pass(12 * time.Hour)
		begun := incoming.New(d.Keeper.Options)
		d.Must(begun.Watch(d.Ctx))
		raised := func() bool { return d.Alarm(string(alarm.IncomingFailing), fmt.Sprint(d.Mailbox.ID)) != nil }
		if raised() {
			t.Error("a process that has just begun says that nobody fetches")
		}
		d.Pass(11 * time.Minute)
		d.Must(begun.Watch(d.Ctx))
		if !raised() {
			t.Fatal("nobody has fetched for ten minutes, and nothing says so")
		}
		d.Must(d.Fetch())
		if raised() {
			t.Error("the alarm stays after fetching")
		}
	})
}

// TestOffMeansNoConnection switches a mailbox off: its mail stays on the server,
// nothing connects there for any reason, nobody is alarmed; and switched on
// again it takes in what came meanwhile, and does what waited.
func TestOffMeansNoConnection(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.FetchesBy(func(in *postroom.Incoming) { in.Copies = postroom.CopiesYes })
		d.Must(d.Fetch())
		c := d.CustomerWrites("Mara <mara@customer.example>", "A light", "It is dark.")
		fault := d.Office.ProgramIMAP(postoffice.IMAPFault{Command: postoffice.IMAPAppend, Refuse: "[OVERQUOTA] Full"})
		d.Agent("ann").Reply(c, "It is the plug.")
		d.Settle()
		fault.Remove() // the copy is due again in a minute
		signIns := d.Office.IMAPCommands(postoffice.IMAPLogin)

		people := directory.New(directory.Options{Store: d.Store})
		d.Must(people.SwitchMailbox(d.Ctx, d.Agent("ann").Agent, d.Mailbox.ID, false))
		d.LiesIn("INBOX", desktest.Letter{From: "a@customer.example", Subject: "Meanwhile", Body: "Hello"})
		if err := d.Fetch(); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("it was fetched: %v", err)
		}
		if _, due, err := d.Store.NextIncoming(d.Ctx); due || err != nil {
			t.Errorf("a connection is due (%v)", err)
		}
		d.Pass(time.Hour)
		d.Must(d.Keeper.Watch(d.Ctx))
		if n := d.Office.IMAPCommands(postoffice.IMAPLogin); n != signIns || len(d.Inbounds()) != 1 {
			t.Errorf("%d sign-ins, %d mails", n-signIns, len(d.Inbounds()))
		}
		if in, _ := d.Connection(); in.State != store.IncomingOff {
			t.Errorf("the page says that the connection is %s", in.State)
		}
		if a := d.Alarm(string(alarm.IncomingFailing), fmt.Sprint(d.Mailbox.ID)); a != nil {
			t.Errorf("an alarm: %s", a.Words)
		}

		d.Must(people.SwitchMailbox(d.Ctx, d.Agent("ann").Agent, d.Mailbox.ID, true))
		d.Must(d.Fetch())
		if len(d.Inbounds()) != 2 {
			t.Errorf("%d mails after it was switched on", len(d.Inbounds()))
		}
		d.Pass(time.Hour)
		if e := errandOf(d, d.Mails(c.ID)[0], store.SentCopy); e == nil || e.State != store.ErrandDone {
			t.Errorf("the copy: %+v", e)
		}
	})
}

// TestNumberedAnewWithoutDates survives a server that has numbered a folder
// anew and has lost when its mails were received: a second evidence tells what
// is new, and what may be old is told to nobody and answered by nothing (W7).
func TestNumberedAnewWithoutDates(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.Shipped(workflow.KeyAcknowledge)
		received := func() string {
			return "Received: from mx.customer.example by mx.acme.example; " + d.Clock.Now().Format(time.RFC1123Z) + "\n"
		}
		put := func(raw string) {
			d.Must(d.Office.Put(d.Mailbox.Address, "INBOX", []byte(strings.ReplaceAll(raw, "\n", "\r\n")), d.Clock.Now()))
		}
		undated := func(l desktest.Letter) string { return regexp.MustCompile("Date: .*\n").ReplaceAllString(d.Raw(l), "") }
		d.LiesIn("INBOX", desktest.Letter{From: "a@customer.example", Subject: "Old, received", Body: "Old", Headers: received()})
		put(strings.Replace(d.Raw(desktest.Letter{From: "b@customer.example", Subject: "Old, future date", Body: "Old", Headers: received()}), "Date: ", "Date: Fri, 01 Jan 2100 00:00:00 +0000\nX-Was: ", 1))
		d.LiesIn("INBOX", desktest.Letter{From: "c@customer.example", Subject: "Old, written", Body: "Old"})
		put(undated(desktest.Letter{From: "e@customer.example", Subject: "Old, nothing", Body: "Old"}))
		d.Clock.Advance(time.Hour)
		d.FetchesBy(func(in *postroom.Incoming) { in.After = postroom.AfterSeen })
		d.Must(d.Fetch())
		d.Clock.Advance(time.Hour)
		d.LiesIn("INBOX", desktest.Letter{From: "f@customer.example", Subject: "Known", Body: "New", Headers: received()})
		d.Must(d.Fetch())
		d.ExpectMails("auto:")
		d.Clock.Advance(time.Hour)
		written := desktest.Letter{From: "g@customer.example", Subject: "Meanwhile, written", Body: "New"}
		d.LiesIn("INBOX", written)
		d.Clock.Advance(time.Hour)
		d.LiesIn("INBOX", desktest.Letter{From: "h@customer.example", Subject: "Meanwhile, received", Body: "New", Headers: received()})
		d.Agent("ben").Read()
		d.Clock.Advance(time.Hour)
		d.Must(d.Office.Rebuild(d.Mailbox.Address, "INBOX", d.Clock.Now()))
		d.Must(d.Fetch())

		got := map[string]string{}
		for _, in := range d.Inbounds() {
			got[in.Subject] += in.State + " " + string(in.Imported) + ";"
		}
		want := map[string]string{"Known": "done ;duplicate ;", "Meanwhile, written": "done ;", "Meanwhile, received": "done ;", "Old, written": "done open;", "Old, nothing": "done open;"}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("taken in are %v, not %v", got, want)
		}
		var to []string
		for _, m := range d.ExpectMails("auto:", "auto:") {
			to = append(to, m.To)
		}
		slices.Sort(to)
		if fmt.Sprint(to) != "[g@customer.example h@customer.example]" {
			t.Errorf("acknowledged are %v", to)
		}
		if told := d.Agent("ben").Told(); len(told) != 2 {
			t.Errorf("an agent was told %q", told)
		}
		for _, k := range d.Office.Folder(d.Mailbox.Address, "INBOX")[:2] {
			if k.Seen {
				t.Error("a mail that was to stay as it is was marked as read")
			}
		}
		_, folders := d.Connection()
		if !strings.Contains(folders[0].Words, "Received and Date headers") {
			t.Errorf("the page says %q", folders[0].Words)
		}
		n := len(d.Inbounds())
		d.Must(d.Fetch())
		if len(d.Inbounds()) != n {
			t.Errorf("%d mails became %d by another look", n, len(d.Inbounds()))
		}
	})
}

// TestAfterFetch marks or moves what was fetched, only what was, and again
// after a crash in between (D4).
func TestAfterFetch(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.Office.MakeFolder(d.Mailbox.Address, "Done")
		d.LiesIn("INBOX", desktest.Letter{From: "old@customer.example", Subject: "Before the desk", Body: "Old"})
		d.FetchesBy(func(in *postroom.Incoming) { in.After = postroom.AfterSeen })
		d.Must(d.Fetch())
		letters(d, 3)
		fault := d.Office.ProgramIMAP(postoffice.IMAPFault{Command: postoffice.IMAPStore})
		if err := d.Fetch(); err == nil || len(d.Inbounds()) != 3 {
			t.Fatalf("%v, %d mails", err, len(d.Inbounds()))
		}
		fault.Remove()
		d.Clock.Advance(time.Hour)
		d.Must(d.Fetch())
		var read []bool
		for _, k := range d.Office.Folder(d.Mailbox.Address, "INBOX") {
			read = append(read, k.Seen)
		}
		if fmt.Sprint(read) != "[false true true true]" {
			t.Errorf("read: %v", read)
		}
		d.FetchesBy(func(in *postroom.Incoming) { in.After, in.MoveTo = postroom.AfterMove, "Done" })
		d.LiesIn("INBOX", desktest.Letter{From: "new@customer.example", Subject: "New", Body: "Hello"})
		d.Must(d.Fetch())
		if in, done := d.Office.Folder(d.Mailbox.Address, "INBOX"), d.Office.Folder(d.Mailbox.Address, "Done"); len(in) != 4 || len(done) != 1 {
			t.Errorf("%d in INBOX, %d in Done", len(in), len(done))
		}
		if n := len(d.Inbounds()); n != 4 {
			t.Errorf("%d mails", n)
		}
	})
}

// TestACutWhileFetching begins again where it stopped: nothing twice, nothing
// left out.
func TestACutWhileFetching(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.FetchesBy(nil)
		d.Must(d.Fetch())
		letters(d, 90)
		fault := d.Office.ProgramIMAP(postoffice.IMAPFault{Command: postoffice.IMAPFetch, Times: 3, After: true})
		for range 20 {
			if err := d.Fetch(); err == nil {
				break
			}
			d.Clock.Advance(time.Hour)
		}
		if fault.Hits() != 3 {
			t.Errorf("cut %d times", fault.Hits())
		}
		for i, in := range d.Inbounds() {
			if want := fmt.Sprintf("l%d@customer.example", i); in.HeaderID != want || in.State != store.InboundDone {
				t.Fatalf("mail %d is %s, %s", i, in.HeaderID, in.State)
			}
		}
		if n := len(d.Inbounds()); n != 90 {
			t.Errorf("%d mails", n)
		}
	})
}

// TestAMailTheServerKeeps passes over a mail that the server does not give out,
// after some tries and with an alarm; the others are not held up for ever.
func TestAMailTheServerKeeps(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.FetchesBy(nil)
		d.Must(d.Fetch())
		letters(d, 1)
		fault := d.Office.ProgramIMAP(postoffice.IMAPFault{Command: postoffice.IMAPBody, Refuse: "[SERVERBUG] The mail cannot be read"})
		for try := 1; ; try++ {
			err := d.Fetch()
			if in, _ := d.Connection(); err == nil {
				if try != 5 {
					t.Errorf("passed over in try %d", try)
				}
				break
			} else if try == 5 || !strings.Contains(in.Words, "does not give out the mails of the folder “INBOX”: “NO [SERVERBUG] The mail cannot be read”") {
				t.Fatalf("try %d: %s", try, in.Words)
			}
			d.Clock.Advance(time.Hour)
		}
		if open := alarmsOf(d, alarm.IncomingLeft); len(open) != 1 || !strings.Contains(open[0].Words, "did not give a mail out in 5 tries") || !strings.Contains(open[0].Words, "(UID 1)") {
			t.Errorf("alarms %+v", open)
		}
		fault.Remove()
		letters(d, 2)
		d.Must(d.Fetch())
		if n := len(d.Inbounds()); n != 2 {
			t.Errorf("%d mails", n)
		}
	})
}

// TestAMailThatIsTooLarge takes in the beginning of a mail that is larger than
// what is taken in, and says so; the mail stays whole on the server.
func TestAMailThatIsTooLarge(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.Keeper.MaxMail = 2 << 20
		d.FetchesBy(nil)
		d.Must(d.Fetch())
		letters(d, 1)
		d.LiesIn("INBOX", desktest.Letter{From: "big@customer.example", Subject: "Big", Body: "See below.\n" + strings.Repeat(strings.Repeat("x", 78)+"\n", 40_000)})
		d.LiesIn("INBOX", desktest.Letter{From: "last@customer.example", Subject: "Last", Body: "Hello"})
		d.Must(d.Fetch())
		all := d.Inbounds()
		if len(all) != 3 || all[1].Size != 1<<20 || all[1].State != store.InboundDone || all[1].Subject != "Big" || all[2].Subject != "Last" {
			t.Fatalf("mails %+v", all)
		}
		if open := alarmsOf(d, alarm.IncomingLeft); len(open) != 1 || !strings.Contains(open[0].Words, "larger than what is taken in (2 MB): only its beginning was") {
			t.Errorf("alarms %+v", open)
		}
	})
}

// TestWhatTheAdminSees holds, for each thing that goes wrong with a connection,
// the state and the words, and that both come right by themselves.
func TestWhatTheAdminSees(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		breaks     func(d *desktest.Desk)
		mends      func(d *desktest.Desk)
		words      string
		alarmAfter int // failures
	}{
		{"sign-in refused", func(d *desktest.Desk) { d.FetchesBy(func(in *postroom.Incoming) { in.Password = "canary" }) },
			func(d *desktest.Desk) { d.FetchesBy(func(in *postroom.Incoming) { in.Password = "postoffice" }) },
			"refused the sign-in of support@acme.example: “NO [AUTHENTICATIONFAILED] Authentication failed”.", 1},
		{"folder gone", func(d *desktest.Desk) { d.Office.DeleteFolder(d.Mailbox.Address, "INBOX") }, func(d *desktest.Desk) { d.Office.MakeFolder(d.Mailbox.Address, "INBOX") },
			"The folder “INBOX” on ADDRESS cannot be opened: “NO [NONEXISTENT] No such mailbox”.", 1},
		{"server gone", func(d *desktest.Desk) { d.Office.StopIMAP("") }, func(d *desktest.Desk) { d.Must(d.Office.StartIMAP()) },
			"No connection to the server ADDRESS can be made", 3},
		{"server throws out", func(d *desktest.Desk) {
			d.Office.ProgramIMAP(postoffice.IMAPFault{Command: postoffice.IMAPSearch, Times: 3})
		}, func(*desktest.Desk) {}, "The server ADDRESS closed the connection", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
				d.FetchesBy(nil)
				d.Must(d.Fetch())
				c.breaks(d)
				words := strings.ReplaceAll(c.words, "ADDRESS", d.Office.IMAPAddr())
				for i := range c.alarmAfter {
					if err := d.Fetch(); err == nil {
						t.Fatal("no fault")
					}
					in, _ := d.Connection()
					if in.State != store.IncomingFailing || !strings.Contains(in.Words, words) || in.Failures != i+1 || strings.Contains(in.Words, "canary") {
						t.Errorf("%s, %d failures: %s", in.State, in.Failures, in.Words)
					}
					open := alarmsOf(d, alarm.IncomingFailing)
					if due := i+1 >= c.alarmAfter; due != (len(open) == 1) || due && !strings.Contains(open[0].Words, words) {
						t.Errorf("after %d failures: alarms %+v", i+1, open)
					}
					d.Clock.Advance(time.Hour)
				}
				c.mends(d)
				d.LiesIn("INBOX", desktest.Letter{From: "new@customer.example", Subject: "New", Body: "Hello"})
				if err := d.Fetch(); err != nil {
					t.Fatal(err)
				}
				if in, _ := d.Connection(); in.Failures != 0 || in.Words != "" || len(alarmsOf(d, alarm.IncomingFailing)) != 0 {
					t.Errorf("%s, %d failures: %s", in.State, in.Failures, in.Words)
				}
				if n := len(d.Inbounds()); n != 1 {
					t.Errorf("%d mails", n)
				}
			})
		})
	}
}

func alarmsOf(d *desktest.Desk, kind alarm.Kind) []store.Alarm {
	d.T.Helper()
	all, err := d.Alarms.List(d.Ctx)
	d.Must(err)
	var out []store.Alarm
	for _, a := range all {
		if a.Kind == string(kind) && a.ClearedAt == 0 {
			out = append(out, a)
		}
	}
	return out
}

// until waits until something is so, and fails with what it is instead.
func until(t *testing.T, d *desktest.Desk, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !is() {
		select {
		case <-ctx.Done():
			in, folders := d.Connection()
			t.Fatalf("waiting for %s: connection %s %q, folders %+v", what, in.State, in.Words, folders)
		case <-tick.C:
		}
	}
}

// TestAConnectionIsHeld keeps a connection through what happens to one: mail
// that comes, a server that restarts, a peer that goes without a word, settings
// that change, and another process that takes over.
func TestAConnectionIsHeld(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.MoveOn()
		d.Keeper.Timeouts.Silence = 500 * time.Millisecond
		d.FetchesBy(nil)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		ended := make(chan struct{})
		go func() { defer close(ended); d.Keeper.Run(ctx) }()
		state := func(want string) func() bool {
			return func() bool { in, _ := d.Connection(); return in.State == want }
		}
		came := func(n int) func() bool { return func() bool { return len(d.Inbounds()) == n } }
		until(t, d, "the connection", state(store.IncomingWatching))
		in, _ := d.Connection()
		if in.ConnectedAt == 0 || !strings.Contains(in.Server, "TLS 1.3") || in.AliveAt == 0 {
			t.Errorf("connection %+v", in)
		}
		d.LiesIn("INBOX", desktest.Letter{From: "a@customer.example", Subject: "One", Body: "Hello"})
		until(t, d, "the first mail", came(1))

		d.Office.StopIMAP("Restarting")
		until(t, d, "the failure", state(store.IncomingFailing))
		d.LiesIn("INBOX", desktest.Letter{From: "a@customer.example", Subject: "Two", Body: "Hello"})
		d.Must(d.Office.StartIMAP())
		until(t, d, "the second mail", came(2))

		d.Office.Deafen(true)
		until(t, d, "the dead peer", func() bool { in, _ := d.Connection(); return strings.Contains(in.Words, "the connection is dead") })
		d.Office.Deafen(false)
		d.LiesIn("INBOX", desktest.Letter{From: "a@customer.example", Subject: "Three", Body: "Hello"})
		until(t, d, "the third mail", came(3))

		d.FetchesBy(func(in *postroom.Incoming) { in.On = false })
		until(t, d, "the end", func() bool {
			in, _ := d.Connection()
			return in.State == store.IncomingOff && in.Lease == 0 && len(d.Keeper.Held()) == 0
		})
		d.FetchesBy(func(in *postroom.Incoming) { in.On = true })
		until(t, d, "the connection again", state(store.IncomingWatching))

		// A mailbox that is switched off takes no mail in.
		off := func(at int64) {
			d.ChangeMailbox(d.Mailbox, func(m *postroom.Mailbox) { m.OffAt = at })
			d.Keeper.Wake()
		}
		off(1)
		until(t, d, "the switched off mailbox", func() bool {
			in, _ := d.Connection()
			return in.State == store.IncomingOff && len(d.Keeper.Held()) == 0
		})
		off(0)
		until(t, d, "the mailbox that is on again", state(store.IncomingWatching))

		// While it is held nobody else takes it; when its holder stops,
		// another process has it at once.
		other := d.Restarted()
		if err := other.Keeper.Once(t.Context(), d.Mailbox.ID); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("taken while it is held: %v", err)
		}
		go other.Keeper.Run(ctx2(t))
		stop()
		<-ended
		until(t, d, "the other process", func() bool { return len(other.Keeper.Held()) == 1 })
		d.LiesIn("INBOX", desktest.Letter{From: "a@customer.example", Subject: "Four", Body: "Hello"})
		until(t, d, "the fourth mail", came(4))
	})
}

// ctx2 is a context that ends before the test's cleanups.
func ctx2(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx
}

// TestALeaseThatWasLost keeps nothing by a process that another one took the
// connection from: cursor and rows are written together or not at all.
func TestALeaseThatWasLost(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.FetchesBy(nil)
		rows, err := d.Store.TakeIncoming(d.Ctx, 1, 1000)
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		d.Clock.Advance(2 * time.Second)
		d.Must(d.Fetch()) // another process
		err = d.Store.Write(d.Ctx, func(tx *store.Tx) error { return tx.HoldIncoming(d.Ctx, d.Mailbox.ID, rows[0].Lease) })
		if postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("the first one still holds it: %v", err)
		}
		if _, err := d.Store.RenewIncoming(d.Ctx, d.Mailbox.ID, rows[0].Lease, 1000, 0); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("the first one can renew: %v", err)
		}
	})
}
