package smtpin_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"postroom"
	"postroom/internal/postoffice"
	"postroom/internal/wire/smtpin"
)

// shelf is a Sink that keeps what it is given, or answers as it is told.
type shelf struct {
	accept func(context.Context, smtpin.Delivery) error

	mu   sync.Mutex
	kept []smtpin.Delivery
}

func (s *shelf) Accept(ctx context.Context, d smtpin.Delivery) error {
	if s.accept != nil {
		if err := s.accept(ctx, d); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = append(s.kept, d)
	return nil
}

func (s *shelf) deliveries() []smtpin.Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]smtpin.Delivery(nil), s.kept...)
}

// porter is a shelf that knows its recipients.
type porter struct {
	shelf
	known func(string) error
}

func (p *porter) KnowsRecipient(_ context.Context, address string) error { return p.known(address) }

// listen starts a listener that ends with the test.
func listen(t *testing.T, o smtpin.Options, sink smtpin.Sink) *smtpin.Server {
	t.Helper()
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s, err := smtpin.Listen(o, sink)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		s.Shutdown(ctx)
	})
	return s
}

const mail = "From: a@customer.test\r\nSubject: Hello\r\n\r\nOne.\r\n.Two.\r\n"

// TestTakesMailExactly hands in by both protocols and both kinds of socket.
func TestTakesMailExactly(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "in") // a short path: socket names are limited
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, o := range []smtpin.Options{
		{Source: smtpin.LMTP},
		{Source: smtpin.SMTP},
		{Source: smtpin.LMTP, Addr: "unix:" + filepath.Join(dir, "lmtp")},
	} {
		t.Run(string(o.Source)+" "+strings.SplitN(o.Addr, ":", 2)[0], func(t *testing.T) {
			t.Parallel()
			sink := &shelf{}
			s := listen(t, o, sink)
			body := mail + strings.Repeat("long ", 20000) + "\r\n" // one line of 100,000 octets
			got, err := postoffice.Deliver(t.Context(), s.Addr(), "", []string{"desk@postroom.test", "Other+Tag@postroom.test"}, []byte(body))
			if err != nil || !got.OK() || len(got) != 2 {
				t.Fatalf("%v, %v", got, err)
			}
			all := sink.deliveries()
			if len(all) != 1 {
				t.Fatalf("Accept was called %d times", len(all))
			}
			d := all[0]
			if string(d.Raw) != body {
				t.Errorf("the bytes differ: %d, want %d", len(d.Raw), len(body))
			}
			if d.Source != o.Source || d.From != "" || strings.Join(d.To, " ") != "desk@postroom.test Other+Tag@postroom.test" || d.HELO != "customer.test" {
				t.Errorf("%+v", d)
			}
			if time.Since(d.ReceivedAt) > time.Minute || d.ReceivedAt.Location() != time.UTC {
				t.Errorf("received at %v", d.ReceivedAt)
			}
		})
	}
}

// TestAnswers pairs each error of the sink with what the peer hears.
func TestAnswers(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		err  func() error
		want string
	}{
		{"kept", func() error { return nil }, "250 2.0.0"},
		{"unavailable", func() error { return postroom.Errorf(postroom.Unavailable, "disk full at /secret") }, "451 4.3.0"},
		{"ordinary", func() error { return errors.New("a detail of ours") }, "451 4.3.0"},
		{"busy", func() error { return postroom.Errorf(postroom.Busy, "too much") }, "451 4.3.2"},
		{"not found", func() error { return postroom.Errorf(postroom.NotFound, "nobody here") }, "550 5.1.1"},
		{"invalid", func() error { return postroom.Errorf(postroom.Invalid, "no\r\n250 good") }, "554 5.6.0"},
		{"forbidden", func() error { return postroom.Errorf(postroom.Forbidden, "no") }, "550 5.7.1"},
		{"wrapped", func() error { return fmt.Errorf("x: %w", postroom.Errorf(postroom.NotFound, "nobody")) }, "550 5.1.1"},
		{"panic", func() error { panic("a bug") }, "451 4.3.0"},
	}
	for _, source := range []smtpin.Source{smtpin.LMTP, smtpin.SMTP} {
		for _, c := range cases {
			t.Run(string(source)+" "+c.name, func(t *testing.T) {
				t.Parallel()
				sink := &shelf{accept: func(context.Context, smtpin.Delivery) error { return c.err() }}
				s := listen(t, smtpin.Options{Source: source}, sink)
				peer, err := postoffice.DialCustomer(t.Context(), s.Addr())
				if err != nil {
					t.Fatal(err)
				}
				defer peer.Close()
				for range 2 { // the connection outlives the answer
					got, err := peer.Deliver(t.Context(), "a@customer.test", []string{"desk@postroom.test"}, []byte(mail))
					if err != nil {
						t.Fatal(err)
					}
					if said := got[0].String(); !strings.HasPrefix(said, c.want) || strings.Contains(said, "secret") || strings.Contains(said, "detail") || strings.Contains(said, "\n") {
						t.Errorf("the peer heard %q, want %s", said, c.want)
					}
				}
			})
		}
	}
}

// TestAnswerForEachRecipient refuses some recipients after the mail.
func TestAnswerForEachRecipient(t *testing.T) {
	t.Parallel()
	unknown := postroom.Errorf(postroom.NotFound, "nobody of that name")
	later := postroom.Errorf(postroom.Unavailable, "later")
	cases := []struct {
		source smtpin.Source
		each   smtpin.Refusals
		want   []int
	}{
		{smtpin.LMTP, smtpin.Refusals{"b@x.test": unknown, "c@x.test": later}, []int{250, 550, 451}},
		{smtpin.SMTP, smtpin.Refusals{"b@x.test": unknown}, []int{250, 250, 250}},
		{smtpin.SMTP, smtpin.Refusals{"b@x.test": unknown, "c@x.test": later}, []int{451, 451, 451}},
		{smtpin.SMTP, smtpin.Refusals{"a@x.test": unknown, "b@x.test": unknown, "c@x.test": unknown}, []int{550, 550, 550}},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.source, c.want), func(t *testing.T) {
			t.Parallel()
			s := listen(t, smtpin.Options{Source: c.source}, &shelf{accept: func(context.Context, smtpin.Delivery) error { return c.each }})
			got, err := postoffice.Deliver(t.Context(), s.Addr(), "a@customer.test", []string{"a@x.test", "b@x.test", "c@x.test"}, []byte(mail))
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range got {
				if r.Code != c.want[i] {
					t.Errorf("recipient %d heard %s, want %d", i, r, c.want[i])
				}
			}
		})
	}
}

// TestRecipientsAreAskedFor refuses an unknown recipient at RCPT.
func TestRecipientsAreAskedFor(t *testing.T) {
	t.Parallel()
	sink := &porter{known: func(a string) error {
		switch a {
		case "desk@postroom.test":
			return nil
		case "broken@postroom.test":
			panic("a bug")
		}
		return postroom.Errorf(postroom.NotFound, "No mailbox has that address")
	}}
	s := listen(t, smtpin.Options{Source: smtpin.SMTP}, sink)
	got, err := postoffice.Deliver(t.Context(), s.Addr(), "a@customer.test", []string{"who@postroom.test", "desk@postroom.test", "broken@postroom.test"}, []byte(mail))
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Code != 550 || got[1].Code != 250 || got[2].Code != 451 {
		t.Errorf("%v", got)
	}
	if all := sink.deliveries(); len(all) != 1 || len(all[0].To) != 1 || all[0].To[0] != "desk@postroom.test" {
		t.Errorf("%+v", all)
	}
}

// dialogue is a raw peer.
type dialogue struct {
	net.Conn
	*textproto.Reader
}

// dial connects and reads the greeting.
func dial(t *testing.T, s *smtpin.Server) dialogue {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	return dialogue{c, textproto.NewReader(bufio.NewReader(c))}
}

// say writes lines and returns the code of the reply.
func (d dialogue) say(t *testing.T, text string) (int, string) {
	t.Helper()
	if _, err := io.WriteString(d.Conn, text); err != nil {
		t.Fatal(err)
	}
	return d.hear(t)
}

// hear reads a reply.
func (d dialogue) hear(t *testing.T) (int, string) {
	t.Helper()
	code, msg, err := d.ReadResponse(0)
	var said *textproto.Error
	if err != nil && !errors.As(err, &said) {
		t.Fatal(err)
	}
	return code, msg
}

// TestSizeLimit refuses a big mail when it is announced and when it comes,
// and goes on with the next one.
func TestSizeLimit(t *testing.T) {
	t.Parallel()
	sink := &shelf{}
	s := listen(t, smtpin.Options{Source: smtpin.SMTP, MaxBytes: 1000}, sink)
	d := dial(t, s)
	d.hear(t)
	if _, msg := d.say(t, "EHLO x.test\r\n"); !strings.Contains(msg, "SIZE 1000") {
		t.Errorf("the limit is not told: %s", msg)
	}
	if code, msg := d.say(t, "MAIL FROM:<a@x.test> SIZE=1001\r\n"); code != 552 || !strings.Contains(msg, "5.3.4") {
		t.Errorf("announced: %d %s", code, msg)
	}
	d.say(t, "MAIL FROM:<a@x.test>\r\n")
	d.say(t, "RCPT TO:<b@x.test>\r\n")
	d.say(t, "DATA\r\n")
	if code, msg := d.say(t, strings.Repeat("0123456\r\n", 200)+".\r\n"); code != 552 || !strings.Contains(msg, "5.3.4") {
		t.Errorf("sent: %d %s", code, msg)
	}
	if got, err := postoffice.Deliver(t.Context(), s.Addr(), "", []string{"b@x.test"}, []byte(mail)); err != nil || !got.OK() {
		t.Errorf("the next mail: %v %v", got, err)
	}
	if n := len(sink.deliveries()); n != 1 {
		t.Errorf("%d mails were taken", n)
	}
}

// TestCutMailIsNotTaken hangs up in the middle of a mail.
func TestCutMailIsNotTaken(t *testing.T) {
	t.Parallel()
	sink := &shelf{}
	s := listen(t, smtpin.Options{Source: smtpin.LMTP}, sink)
	d := dial(t, s)
	d.hear(t)
	d.say(t, "LHLO x.test\r\n")
	d.say(t, "MAIL FROM:<a@x.test>\r\n")
	d.say(t, "RCPT TO:<b@x.test>\r\n")
	d.say(t, "DATA\r\n")
	io.WriteString(d.Conn, "Subject: half\r\n\r\nHello")
	d.Conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if n := len(sink.deliveries()); n != 0 {
		t.Errorf("%d mails were taken", n)
	}
}

// TestShutdownFinishesWhatRuns stops the listener while a mail is being kept
// and another connection idles.
func TestShutdownFinishesWhatRuns(t *testing.T) {
	t.Parallel()
	begun, goOn := make(chan struct{}), make(chan struct{})
	sink := &shelf{accept: func(ctx context.Context, _ smtpin.Delivery) error {
		close(begun)
		<-goOn
		return ctx.Err()
	}}
	s := listen(t, smtpin.Options{Source: smtpin.SMTP}, sink)
	idle := dial(t, s)
	idle.hear(t)
	type end struct {
		got postoffice.Answers
		err error
	}
	ended := make(chan end, 1)
	go func() {
		got, err := postoffice.Deliver(t.Context(), s.Addr(), "", []string{"b@x.test"}, []byte(mail))
		ended <- end{got, err}
	}()
	<-begun
	stopped := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		stopped <- s.Shutdown(ctx)
	}()
	if code, _ := idle.hear(t); code != 421 {
		t.Errorf("the idle peer heard %d", code)
	}
	select {
	case err := <-stopped:
		t.Fatalf("Shutdown did not wait: %v", err)
	default:
	}
	close(goOn)
	if e := <-ended; e.err != nil || !e.got.OK() {
		t.Errorf("the running mail: %v %v", e.got, e.err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", s.Addr()); err == nil {
		t.Error("the port is still open")
	}
}

// TestShutdownLetsAMailArrive stops the listener while a peer is in the
// middle of sending.
func TestShutdownLetsAMailArrive(t *testing.T) {
	t.Parallel()
	sink := &shelf{}
	s := listen(t, smtpin.Options{Source: smtpin.SMTP}, sink)
	idle, busy := dial(t, s), dial(t, s)
	idle.hear(t)
	busy.hear(t)
	busy.say(t, "EHLO x.test\r\n")
	busy.say(t, "MAIL FROM:<a@x.test>\r\n")
	busy.say(t, "RCPT TO:<b@x.test>\r\n")
	busy.say(t, "DATA\r\n")
	io.WriteString(busy.Conn, "Subject: half\r\n")
	stopped := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		stopped <- s.Shutdown(ctx)
	}()
	idle.hear(t) // 421: the stop has begun
	if code, msg := busy.say(t, "\r\nThe other half.\r\n.\r\n"); code != 250 {
		t.Errorf("the peer heard %d %s", code, msg)
	}
	if code, _ := busy.hear(t); code != 421 {
		t.Errorf("then it heard %d", code)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if n := len(sink.deliveries()); n != 1 {
		t.Errorf("%d mails were taken", n)
	}
}

// TestShutdownGivesUp cuts a delivery that does not end; its peer must not
// hear a yes.
func TestShutdownGivesUp(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	sink := &shelf{accept: func(ctx context.Context, _ smtpin.Delivery) error {
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	}}
	s := listen(t, smtpin.Options{Source: smtpin.SMTP}, sink)
	ended := make(chan bool, 1)
	go func() {
		got, err := postoffice.Deliver(t.Context(), s.Addr(), "", []string{"b@x.test"}, []byte(mail))
		ended <- err == nil && got.OK()
	}()
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v", err)
	}
	if <-ended {
		t.Error("the peer heard a yes")
	}
}

// TestTooManyConnections turns the surplus away and takes it later.
func TestTooManyConnections(t *testing.T) {
	t.Parallel()
	s := listen(t, smtpin.Options{Source: smtpin.SMTP, MaxConnections: 2}, &shelf{})
	a, b := dial(t, s), dial(t, s)
	a.hear(t)
	b.hear(t)
	if code, _ := dial(t, s).hear(t); code != 421 {
		t.Errorf("the third peer heard %d", code)
	}
	a.say(t, "QUIT\r\n")
	a.ReadLine() // the end: the connection is counted out
	if code, _ := dial(t, s).hear(t); code != 220 {
		t.Errorf("after one left, the next heard %d", code)
	}
}

// TestIdleConnectionEnds hangs up on a peer that says nothing.
func TestIdleConnectionEnds(t *testing.T) {
	t.Parallel()
	s := listen(t, smtpin.Options{Source: smtpin.SMTP, IdleTimeout: 50 * time.Millisecond}, &shelf{})
	d := dial(t, s)
	d.hear(t)
	if code, _ := d.hear(t); code != 421 {
		t.Errorf("heard %d", code)
	}
}

// TestStaleSocket takes the place of a dead process's socket file, not of a
// living one's, and not of another kind of file.
func TestStaleSocket(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "in")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	listen(t, smtpin.Options{Source: smtpin.LMTP, Addr: "unix:" + path}, &shelf{})
	if _, err := smtpin.Listen(smtpin.Options{Source: smtpin.LMTP, Addr: "unix:" + path}, &shelf{}); err == nil {
		t.Error("a living socket was taken over")
	}
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := smtpin.Listen(smtpin.Options{Source: smtpin.LMTP, Addr: "unix:" + file}, &shelf{}); err == nil {
		t.Error("a file was taken over")
	}
	if b, err := os.ReadFile(file); err != nil || !bytes.Equal(b, []byte("x")) {
		t.Error("the file was touched")
	}
}
