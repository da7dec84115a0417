package postoffice_test

import (
	"context"
	"fmt"
	"io"
	"net/smtp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"postroom/internal/postoffice"
)

func newOffice(t *testing.T, o postoffice.Options) *postoffice.Office {
	t.Helper()
	f, err := postoffice.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func letter(id string) []byte {
	return []byte("Message-ID: <" + id + ">\r\nSubject: Hello\r\n\r\n.Dot.\r\n")
}

// hand gives the office a mail and returns the answers.
func hand(t *testing.T, f *postoffice.Office, id string, to ...string) (postoffice.Answers, error) {
	t.Helper()
	return postoffice.Deliver(t.Context(), f.Addr(), "desk@postroom.test", to, letter(id))
}

// TestKeepsMailInOrder looks at mails by every way there is.
func TestKeepsMailInOrder(t *testing.T) {
	t.Parallel()
	f := newOffice(t, postoffice.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	sub := f.Subscribe(ctx)
	for i := range 5 {
		got, err := hand(t, f, fmt.Sprintf("m%d@x", i), "ann@customer.test", fmt.Sprintf("p%d@customer.test", i))
		if err != nil || !got.OK() {
			t.Fatal(got, err)
		}
	}
	all, err := f.Wait(ctx, 5)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range all {
		id := fmt.Sprintf("m%d@x", i)
		if l.Seq != i+1 || l.MessageID != id || string(l.Raw) != string(letter(id)) || len(l.To) != 2 {
			t.Errorf("letter %d: %+v", i, l)
		}
		if s := <-sub; s.Seq != l.Seq {
			t.Errorf("subscribed to %d, want %d", s.Seq, l.Seq)
		}
	}
	if n := len(f.For("ANN@customer.test")); n != 5 {
		t.Errorf("%d mails for Ann", n)
	}
	if one, err := f.WaitFor(ctx, "p3@customer.test", 1); err != nil || len(one) != 1 || one[0].MessageID != "m3@x" {
		t.Errorf("%v %v", one, err)
	}
	cancel()
	if _, err := f.Wait(ctx, 6); err == nil {
		t.Error("Wait ended without the mail")
	}
	for range sub {
		t.Error("more mails than there are")
	}
}

// TestMailIsReadByIMAP reads what was accepted as the customer would.
func TestMailIsReadByIMAP(t *testing.T) {
	t.Parallel()
	f := newOffice(t, postoffice.Options{})
	if _, err := hand(t, f, "m1@x", "Ann@customer.test"); err != nil {
		t.Fatal(err)
	}
	c, err := imapclient.DialInsecure(f.IMAPAddr(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Login("ann@customer.test", "wrong").Wait(); err == nil {
		t.Error("a wrong password opened the mailbox")
	}
	if err := c.Login("ann@customer.test", "postoffice").Wait(); err != nil {
		t.Fatal(err)
	}
	box, err := c.Select("INBOX", nil).Wait()
	if err != nil || box.NumMessages != 1 {
		t.Fatalf("%+v %v", box, err)
	}
	section := &imap.FetchItemBodySection{}
	got, err := c.Fetch(imap.SeqSetNum(1), &imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{section}}).Collect()
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	if raw := got[0].FindBodySection(section); string(raw) != string(letter("m1@x")) {
		t.Errorf("%q", raw)
	}
	if _, err := c.Select("Sent", nil).Wait(); err != nil {
		t.Errorf("no Sent folder: %v", err)
	}
}

// TestAStandardClientIsServed has the standard library's client sign in over
// STARTTLS with the office's own authority.
func TestAStandardClientIsServed(t *testing.T) {
	t.Parallel()
	f := newOffice(t, postoffice.Options{Users: map[string]string{"desk": "pass"}, RequireAuth: true})
	c, err := smtp.Dial(f.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cfg := f.ClientTLS()
	cfg.ServerName = "127.0.0.1"
	if ok, _ := c.Extension("AUTH"); ok {
		t.Error("AUTH is offered in plain text")
	}
	if err := c.StartTLS(cfg); err != nil {
		t.Fatal(err)
	}
	if err := c.Mail("a@b.test"); err == nil || !strings.Contains(err.Error(), "530") {
		t.Errorf("mail without AUTH: %v", err)
	}
	if err := c.Auth(smtp.PlainAuth("", "desk", "pass", "127.0.0.1")); err != nil {
		t.Fatal(err)
	}
	if err := c.Mail("a@b.test"); err != nil {
		t.Fatal(err)
	}
	if err := c.Rcpt("c@d.test"); err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "Subject: x\n\nhello\n")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if l := f.Received(); len(l) != 1 || l[0].User != "desk" || !l[0].TLS {
		t.Errorf("%+v", l)
	}
}

// TestEveryMomentIsTold walks one mail through all phases and checks what is
// known at each moment.
func TestEveryMomentIsTold(t *testing.T) {
	t.Parallel()
	f := newOffice(t, postoffice.Options{})
	var mu sync.Mutex
	var seen []string
	f.OnPhase(func(e postoffice.Event) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, fmt.Sprintf("%s %s %d %v", e.Phase, e.Edge, e.Mail, e.Accepted))
		if e.Phase == postoffice.Dot && (e.MessageID != "m1@x" || len(e.To) != 1) {
			t.Errorf("at the dot: %+v", e)
		}
		if kept := len(f.Received()) == 1; kept != e.Accepted {
			t.Errorf("%s %s says accepted %v, the office has it %v", e.Phase, e.Edge, e.Accepted, kept)
		}
	})
	if got, err := hand(t, f, "m1@x", "ann@customer.test"); err != nil || !got.OK() {
		t.Fatal(got, err)
	}
	f.Close() // the session has said everything
	want := "connect before 0 false,connect after 0 false,greeting before 0 false,greeting after 0 false," +
		"ehlo before 0 false,ehlo after 0 false,mail before 1 false,mail after 1 false,rcpt before 1 false,rcpt after 1 false," +
		"data before 1 false,data after 1 false,body before 1 false,body after 1 false," +
		"dot before 1 false,dot after 1 true,answer before 1 true,answer after 1 true"
	if got := strings.Join(seen, ","); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestLies checks that what is said and what is kept can be set apart.
func TestLies(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		fault  postoffice.Fault
		code   int
		stored bool
		gone   bool // the dialogue cannot be ended
	}{
		{"refused and kept", postoffice.Fault{Phase: postoffice.Dot, Action: postoffice.Lie, Reply: "550 no", Keep: true}, 550, true, false},
		{"taken and dropped", postoffice.Fault{Phase: postoffice.Dot, Action: postoffice.Lie, Reply: "250 yes", Lose: true}, 250, false, false},
		{"refused", postoffice.Fault{Phase: postoffice.Dot, Action: postoffice.Lie, Reply: "550 no"}, 550, false, false},
		{"refused at the answer", postoffice.Fault{Phase: postoffice.Answer, Action: postoffice.Lie, Reply: "451 later"}, 451, true, false},
		{"354 missing", postoffice.Fault{Phase: postoffice.Data, Action: postoffice.Lie, Reply: "250 go on"}, 250, false, false},
		{"cut before it is kept", postoffice.Fault{Phase: postoffice.Dot, Action: postoffice.Cut}, 0, false, true},
		{"cut after it is kept", postoffice.Fault{Phase: postoffice.Dot, Edge: postoffice.After, Action: postoffice.Cut}, 0, true, true},
		{"cut before the answer", postoffice.Fault{Phase: postoffice.Answer, Action: postoffice.Reset}, 0, true, true},
		{"sender refused", postoffice.Fault{Phase: postoffice.Mail, Action: postoffice.Lie, Reply: "550 no"}, 550, false, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newOffice(t, postoffice.Options{})
			p := f.Program(c.fault)
			got, err := hand(t, f, "m1@x", "ann@customer.test")
			f.Close()
			if (err != nil) != c.gone || (!c.gone && got[0].Code != c.code) {
				t.Errorf("heard %v, %v", got, err)
			}
			if stored := len(f.Received()) == 1; stored != c.stored || p.Hits() != 1 {
				t.Errorf("stored %v, hits %d", stored, p.Hits())
			}
			a := f.Attempts()
			if len(a) != 1 || a[0].Accepted != c.stored || (a[0].Answer != "") != (c.code != 0 && c.fault.Phase != postoffice.Mail && c.fault.Phase != postoffice.Data) {
				t.Errorf("recorded %+v", a)
			}
		})
	}
}

// TestMatches programs faults for one mail, one recipient, once, and by a
// function.
func TestMatches(t *testing.T) {
	t.Parallel()
	f := newOffice(t, postoffice.Options{})
	f.Program(postoffice.Fault{Match: postoffice.Match{Mail: 2}, Phase: postoffice.Mail, Action: postoffice.Lie, Reply: "451 second"})
	f.Program(postoffice.Fault{Match: postoffice.Match{To: "BOB@x.test"}, Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "550 5.1.1 no Bob"})
	once := f.Program(postoffice.Fault{Match: postoffice.Match{Session: 3}, Phase: postoffice.Answer, Action: postoffice.Lie, Reply: "450 once", Times: 1})
	byFunc := f.Program(postoffice.Fault{Match: postoffice.Match{Func: func(e postoffice.Event) bool { return e.MessageID == "m4@x" }}, Phase: postoffice.Dot, Action: postoffice.Lie, Reply: "552 that one"})
	want := [][]int{{250, 550}, {451, 451}, {450, 550}, {552, 550}, {250, 550}}
	for i, codes := range want {
		got, err := hand(t, f, fmt.Sprintf("m%d@x", i+1), "ann@x.test", "bob@x.test")
		if err != nil {
			t.Fatal(err)
		}
		for j, code := range codes {
			if got[j].Code != code {
				t.Errorf("mail %d, recipient %d: %s, want %d", i+1, j, got[j], code)
			}
		}
	}
	if once.Hits() != 1 || byFunc.Hits() != 1 {
		t.Errorf("hits %d, %d", once.Hits(), byFunc.Hits())
	}
	byFunc.Remove()
	if got, err := hand(t, f, "m4@x", "ann@x.test"); err != nil || !got.OK() {
		t.Errorf("after Remove: %v %v", got, err)
	}
}

// TestStallEnds releases a stalled session in each way.
func TestStallEnds(t *testing.T) {
	t.Parallel()
	f := newOffice(t, postoffice.Options{})
	at := make(chan struct{}, 1)
	until := make(chan struct{})
	f.Program(postoffice.Fault{Match: postoffice.Match{Func: func(postoffice.Event) bool { at <- struct{}{}; return true }},
		Phase: postoffice.Dot, Edge: postoffice.After, Action: postoffice.Stall, Until: until})
	result := make(chan error, 1)
	begin := func() {
		go func() {
			got, err := hand(t, f, "m1@x", "ann@x.test")
			if err == nil && !got.OK() {
				err = fmt.Errorf("%v", got)
			}
			result <- err
		}()
		<-at
	}
	begin()
	if n := len(f.Received()); n != 1 {
		t.Errorf("stalled after the mail was kept, and there are %d", n)
	}
	select {
	case err := <-result:
		t.Fatalf("it did not stall: %v", err)
	default:
	}
	close(until)
	if err := <-result; err != nil {
		t.Error(err)
	}
	f.ClearFaults()
	f.Program(postoffice.Fault{Phase: postoffice.Mail, Action: postoffice.Stall, Match: postoffice.Match{Func: func(postoffice.Event) bool { at <- struct{}{}; return true }}})
	begin()
	f.Close()
	if err := <-result; err == nil {
		t.Error("a closed office answered")
	}
}

// TestOnlyLoopback keeps the office on the machine.
func TestOnlyLoopback(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"0.0.0.0", "192.0.2.1", "example.test"} {
		if f, err := postoffice.New(postoffice.Options{Host: host}); err == nil {
			f.Close()
			t.Errorf("listens on %s", host)
		}
	}
}
