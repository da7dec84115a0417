package smtpout_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"postroom/internal/postoffice"
	"postroom/internal/wire/smtpout"
)

// dialOffice connects in plain text.
func dialOffice(t *testing.T, office *postoffice.Office, timeouts smtpout.Timeouts) *smtpout.Conn {
	t.Helper()
	s := serverFor(t, office, smtpout.SecurityNone)
	s.Timeouts = timeouts
	c, f := smtpout.Dial(t.Context(), s)
	if f != nil {
		t.Fatal(f)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// envelope is one to the recipients.
func envelope(to ...string) smtpout.Envelope {
	return smtpout.Envelope{From: "desk@postroom.test", To: to}
}

// TestFence stops an attempt before DATA and uses the connection again.
func TestFence(t *testing.T) {
	t.Parallel()
	office := newOffice(t, postoffice.Options{})
	c := dialOffice(t, office, smtpout.Timeouts{})
	lost := errors.New("the lease is another's")
	var phases []smtpout.Phase
	res := c.Send(t.Context(), envelope("ann@customer.test"), letter("m1@x"), smtpout.Hooks{
		BeforeData: func(context.Context) error { return lost },
		Phase:      func(p smtpout.Phase) { phases = append(phases, p) },
	})
	if !res.Fenced || !errors.Is(res.Fault, lost) || res.DotWritten || !res.All(smtpout.Temporary) || !res.Reusable {
		t.Fatalf("%+v", res)
	}
	if fmt.Sprint(phases) != "[mail rcpt]" || res.Phase != smtpout.PhaseRcpt {
		t.Errorf("phases %v, reached %s", phases, res.Phase)
	}
	phases = nil
	res = c.Send(t.Context(), envelope("ann@customer.test"), letter("m2@x"), smtpout.Hooks{
		BeforeData: func(context.Context) error {
			if n := len(phases); n != 2 {
				t.Errorf("BeforeData came after %v", phases)
			}
			return nil
		},
		Phase: func(p smtpout.Phase) { phases = append(phases, p) },
	})
	if !res.All(smtpout.Accepted) || res.Fenced || res.Fault != nil {
		t.Fatalf("%+v", res)
	}
	if fmt.Sprint(phases) != "[mail rcpt data body dot answer]" || res.Phase != smtpout.PhaseAnswer {
		t.Errorf("phases %v, reached %s", phases, res.Phase)
	}
	if got := office.Received(); len(got) != 1 || got[0].MessageID != "m2@x" {
		t.Errorf("%+v", got)
	}
}

// TestResultForEachRecipient refuses some and takes the others.
func TestResultForEachRecipient(t *testing.T) {
	t.Parallel()
	office := newOffice(t, postoffice.Options{})
	office.Program(postoffice.Fault{Match: postoffice.Match{To: "no@x.test"}, Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "550-5.1.1 There is\r\n550 5.1.1 no such user"})
	office.Program(postoffice.Fault{Match: postoffice.Match{To: "later@x.test"}, Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "452 4.2.2 mailbox full"})
	c := dialOffice(t, office, smtpout.Timeouts{})
	res := c.Send(t.Context(), envelope("no@x.test", "yes@x.test", "later@x.test", "bad address@x.test"), letter("m1@x"), smtpout.Hooks{})
	want := []smtpout.Recipient{
		{Address: "no@x.test", Outcome: smtpout.Refused, Code: 550, Enhanced: "5.1.1", Text: "There is no such user", Phase: smtpout.PhaseRcpt, Class: smtpout.FailRecipients},
		{Address: "yes@x.test", Outcome: smtpout.Accepted, Code: 250, Enhanced: "2.0.0", Text: "Kept as mail 1", Phase: smtpout.PhaseAnswer},
		{Address: "later@x.test", Outcome: smtpout.Temporary, Code: 452, Enhanced: "4.2.2", Text: "mailbox full", Phase: smtpout.PhaseRcpt, Class: smtpout.Retry},
		{Address: "bad address@x.test", Outcome: smtpout.Refused, Enhanced: "5.1.3", Phase: smtpout.PhaseRcpt, Class: smtpout.FailRecipients},
	}
	for i, r := range res.Recipients {
		w := want[i]
		if w.Code == 0 {
			w.Text = r.Text
		}
		if r != w {
			t.Errorf("got  %+v\nwant %+v", r, w)
		}
	}
	if got := office.Received(); len(got) != 1 || len(got[0].To) != 1 || got[0].To[0] != "yes@x.test" {
		t.Errorf("%+v", got)
	}
	// With nobody left the mail is not sent, and the connection is still good.
	res = c.Send(t.Context(), envelope("no@x.test"), letter("m2@x"), smtpout.Hooks{BeforeData: func(context.Context) error {
		t.Error("BeforeData was called without a recipient")
		return nil
	}})
	if !res.All(smtpout.Refused) || !res.Reusable || res.DotWritten || res.Fault != nil {
		t.Errorf("%+v", res)
	}
	if res.ServerName != "postoffice.test" || res.ServerIP != "127.0.0.1" || res.TLSVersion != "" {
		t.Errorf("server %q %q %q", res.ServerName, res.ServerIP, res.TLSVersion)
	}
}

// TestAnswerToTheDotIsForWhoWasTaken keeps a refusal at RCPT apart from the
// answer to the mail.
func TestAnswerToTheDotIsForWhoWasTaken(t *testing.T) {
	t.Parallel()
	office := newOffice(t, postoffice.Options{})
	office.Program(postoffice.Fault{Match: postoffice.Match{To: "no@x.test"}, Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "550 5.1.1 no"})
	office.Program(postoffice.Fault{Phase: postoffice.Dot, Action: postoffice.Lie, Reply: "451 4.3.0 later"})
	c := dialOffice(t, office, smtpout.Timeouts{})
	res := c.Send(t.Context(), envelope("no@x.test", "yes@x.test"), letter("m1@x"), smtpout.Hooks{})
	a, b := res.Recipients[0], res.Recipients[1]
	if a.Outcome != smtpout.Refused || a.Phase != smtpout.PhaseRcpt || b.Outcome != smtpout.Temporary || b.Phase != smtpout.PhaseAnswer || b.Code != 451 {
		t.Errorf("%+v", res.Recipients)
	}
	if !res.DotWritten || !res.Reusable {
		t.Errorf("an answered mail leaves the connection in order: %+v", res)
	}
}

// TestWhatTheServerCannotCarry is refused before MAIL, with clear words, and
// costs no connection.
func TestWhatTheServerCannotCarry(t *testing.T) {
	t.Parallel()
	office := newOffice(t, postoffice.Options{Without: []string{"SMTPUTF8", "8BITMIME"}, MaxBytes: 1000})
	c := dialOffice(t, office, smtpout.Timeouts{})
	cases := []struct {
		name     string
		env      smtpout.Envelope
		body     string
		enhanced string
		words    string
	}{
		{"sender", smtpout.Envelope{From: "ü@x.test", To: []string{"a@x.test"}}, "A: b\n\n", "5.6.7", "SMTPUTF8"},
		{"recipient", envelope("ü@x.test"), "A: b\n\n", "5.6.7", "SMTPUTF8"},
		{"header", envelope("a@x.test"), "A: ü\n\n", "5.6.7", "SMTPUTF8"},
		{"body", envelope("a@x.test"), "A: b\n\nü", "5.6.3", "8BITMIME"},
		{"size", envelope("a@x.test"), strings.Repeat("x", 1001), "5.3.4", "1000"},
		{"injection", smtpout.Envelope{From: "a@x.test>\r\nRSET", To: []string{"a@x.test"}}, "A: b\n\n", "5.1.7", "character"},
		{"no recipient", envelope(), "A: b\n\n", "", ""},
	}
	for _, tc := range cases {
		res := c.Send(t.Context(), tc.env, []byte(tc.body), smtpout.Hooks{})
		if !res.Reusable || res.DotWritten {
			t.Errorf("%s: %+v", tc.name, res)
		}
		if len(tc.env.To) == 0 {
			if res.Fault == nil {
				t.Errorf("%s: no fault", tc.name)
			}
			continue
		}
		r := res.Recipients[0]
		if r.Outcome != smtpout.Refused || r.Class != smtpout.FailRecipients || r.Enhanced != tc.enhanced || !strings.Contains(r.Text, tc.words) || r.Code != 0 {
			t.Errorf("%s: %+v", tc.name, r)
		}
	}
	if n := len(office.Received()); n != 0 {
		t.Errorf("%d mails were taken", n)
	}
}

// TestExtensionsAreUsedWhenNeeded looks at the envelope as it arrived.
func TestExtensionsAreUsedWhenNeeded(t *testing.T) {
	t.Parallel()
	office := newOffice(t, postoffice.Options{})
	c := dialOffice(t, office, smtpout.Timeouts{})
	send := func(env smtpout.Envelope, body string) postoffice.Letter {
		t.Helper()
		if res := c.Send(t.Context(), env, []byte(body), smtpout.Hooks{}); !res.All(smtpout.Accepted) {
			t.Fatalf("%+v", res)
		}
		all := office.Received()
		return all[len(all)-1]
	}
	plain := send(smtpout.Envelope{From: "desk@x.test", To: []string{"a@x.test"}, ENVID: "id=1+2"}, "A: b\r\n\r\nc\r\n")
	if plain.MailArgs != "SIZE=11 RET=HDRS ENVID=id+3D1+2B2" || plain.RcptArgs[0] != "NOTIFY=FAILURE,DELAY ORCPT=rfc822;a@x.test" {
		t.Errorf("%q %q", plain.MailArgs, plain.RcptArgs)
	}
	null := send(smtpout.Envelope{To: []string{"a@x.test"}, ENVID: "1"}, "A: b\r\n\r\n")
	if null.MailArgs != "SIZE=8" || null.RcptArgs[0] != "" || null.From != "" {
		t.Errorf("null sender: %q %q", null.MailArgs, null.RcptArgs)
	}
	eight := send(envelope("a@x.test"), "A: b\r\n\r\nü")
	if !strings.Contains(eight.MailArgs, "BODY=8BITMIME") || strings.Contains(eight.MailArgs, "SMTPUTF8") {
		t.Errorf("8 bit: %q", eight.MailArgs)
	}
	utf8 := send(envelope("ü@ü.test", "a@ü.test"), "A: b\r\n\r\n")
	if !strings.Contains(utf8.MailArgs, "SMTPUTF8") || utf8.To[0] != "ü@xn--tda.test" {
		t.Errorf("UTF-8: %q %q", utf8.MailArgs, utf8.To)
	}
	if domain := send(envelope("a@ü.test"), "A: b\r\n\r\n"); strings.Contains(domain.MailArgs, "SMTPUTF8") || domain.To[0] != "a@xn--tda.test" {
		t.Errorf("domain only: %q %q", domain.MailArgs, domain.To)
	}
}

// TestStaleConnection finds out that the server hung up while the connection
// lay idle: no try is spent.
func TestStaleConnection(t *testing.T) {
	t.Parallel()
	for _, edge := range []string{"cut", "421"} {
		t.Run(edge, func(t *testing.T) {
			t.Parallel()
			office := newOffice(t, postoffice.Options{})
			fault := postoffice.Fault{Match: postoffice.Match{Mail: 2}, Phase: postoffice.Mail, Action: postoffice.Cut}
			if edge == "421" {
				fault.Action, fault.Reply = postoffice.Lie, "421 4.4.2 idle too long"
			}
			office.Program(fault)
			c := dialOffice(t, office, smtpout.Timeouts{})
			if res := c.Send(t.Context(), envelope("a@x.test"), letter("m1@x"), smtpout.Hooks{}); res.Stale || !res.Reusable {
				t.Fatalf("%+v", res)
			}
			res := c.Send(t.Context(), envelope("a@x.test"), letter("m2@x"), smtpout.Hooks{})
			if !res.Stale || res.Reusable || !res.All(smtpout.Temporary) {
				t.Fatalf("%+v", res)
			}
			if res = c.Send(t.Context(), envelope("a@x.test"), letter("m3@x"), smtpout.Hooks{}); !res.Stale || !res.All(smtpout.Temporary) {
				t.Errorf("a broken connection was used: %+v", res)
			}
			if n := len(office.Attempts()); n != 2 {
				t.Errorf("%d mails were begun", n)
			}
		})
	}
}

// TestContextEndsTheAttempt stops a mail whose server is silent, before and
// after the dot.
func TestContextEndsTheAttempt(t *testing.T) {
	t.Parallel()
	for phase, want := range map[postoffice.Phase]smtpout.Outcome{
		postoffice.Mail: smtpout.Temporary, postoffice.Data: smtpout.Temporary, postoffice.Answer: smtpout.Uncertain,
	} {
		t.Run(string(phase), func(t *testing.T) {
			t.Parallel()
			office := newOffice(t, postoffice.Options{})
			ctx, cancel := context.WithCancelCause(t.Context())
			why := errors.New("the process stops")
			office.OnPhase(func(e postoffice.Event) {
				if e.Phase == phase && e.Edge == postoffice.Before {
					cancel(why)
				}
			})
			office.Program(postoffice.Fault{Phase: phase, Action: postoffice.Stall})
			c := dialOffice(t, office, smtpout.Timeouts{})
			res := c.Send(ctx, envelope("a@x.test"), letter("m1@x"), smtpout.Hooks{})
			if !res.All(want) || !errors.Is(res.Fault, why) || res.Reusable {
				t.Errorf("%+v, fault %v", res, res.Fault)
			}
		})
	}
}

// TestCannotConnect tells a name that does not exist from a port that is
// closed, and a wait that ran out from both.
func TestCannotConnect(t *testing.T) {
	t.Parallel()
	office := newOffice(t, postoffice.Options{})
	s := serverFor(t, office, smtpout.SecurityNone)
	office.Close()
	if _, f := smtpout.Dial(t.Context(), s); f == nil || f.Phase != smtpout.PhaseConnect || smtpout.Classify(f) != smtpout.Retry || !f.ChannelWide() {
		t.Errorf("closed port: %+v", f)
	}
	s.DialContext = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "nowhere.test", IsNotFound: true}}
	}
	if _, f := smtpout.Dial(t.Context(), s); f == nil || f.Phase != smtpout.PhaseDNS || len(f.Dialogue) == 0 {
		t.Errorf("unknown name: %+v", f)
	}
	s.Timeouts.Connect = time.Millisecond
	s.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if _, f := smtpout.Dial(t.Context(), s); f == nil || !f.Timeout || f.Phase != smtpout.PhaseConnect {
		t.Errorf("silent host: %+v", f)
	}
	for _, bad := range []smtpout.Server{{}, {Host: "x"}, {Host: "x", Port: 70000}, {Host: "x", Port: 25, Security: "ssl"}} {
		if _, f := smtpout.Dial(t.Context(), bad); f == nil || smtpout.Classify(f) != smtpout.ChannelStop {
			t.Errorf("%+v: %v", bad, f)
		}
	}
}

// half is a connection whose writes can be cut short at a chosen octet.
type half struct {
	net.Conn
	left func(p []byte) int // how much of p leaves
}

// Write lets part of p leave and breaks if that is not all.
func (h half) Write(p []byte) (int, error) {
	n := h.left(p)
	if n > 0 {
		if m, err := h.Conn.Write(p[:n]); err != nil {
			return m, err
		}
	}
	if n < len(p) {
		h.Conn.Close()
		return n, net.ErrClosed
	}
	return n, nil
}

// TestBrokenDot cuts the write of the terminating dot at each of its octets:
// only when the last one left may the server have the mail.
func TestBrokenDot(t *testing.T) {
	t.Parallel()
	for cut := range 3 {
		t.Run(fmt.Sprint(cut), func(t *testing.T) {
			t.Parallel()
			office := newOffice(t, postoffice.Options{})
			s := serverFor(t, office, smtpout.SecurityNone)
			s.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				c, err := new(net.Dialer).DialContext(ctx, network, addr)
				return half{c, func(p []byte) int {
					if string(p) == ".\r\n" {
						return cut
					}
					return len(p)
				}}, err
			}
			res := handIn(t.Context(), s, letter("m1@x"), "a@x.test")
			if !res.All(smtpout.Temporary) || res.DotWritten || res.Phase != smtpout.PhaseDot || res.Reusable {
				t.Errorf("%+v", res)
			}
			office.Close()
			if n := len(office.Received()); n != 0 {
				t.Errorf("the office has %d mails", n)
			}
		})
	}
}

// TestPasswordStaysHome does not send a password in plain text to another
// machine unless that is allowed.
func TestPasswordStaysHome(t *testing.T) {
	t.Parallel()
	office := newOffice(t, postoffice.Options{Users: map[string]string{"desk": "canary-pass"}, PlainAuth: true})
	s := serverFor(t, office, smtpout.SecurityNone)
	s.Username, s.Password = "desk", "canary-pass"
	s.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		return elsewhere{c}, err
	}
	if _, f := smtpout.Dial(t.Context(), s); smtpout.Classify(f) != smtpout.ChannelStop || !strings.Contains(f.Text, "unencrypted") {
		t.Errorf("%v", f)
	}
	s.InsecureAuth = true
	c, f := smtpout.Dial(t.Context(), s)
	if f != nil {
		t.Fatal(f)
	}
	c.Close()
}

// TestOldSignIn signs in with LOGIN where only that is offered, in either way
// of offering it, and says so where nothing it knows is.
func TestOldSignIn(t *testing.T) {
	t.Parallel()
	for offer, works := range map[string]bool{"AUTH LOGIN": true, "AUTH=LOGIN": true, "AUTH CRAM-MD5": false, "HELP": false} {
		t.Run(offer, func(t *testing.T) {
			t.Parallel()
			office := newOffice(t, postoffice.Options{Users: map[string]string{"desk": "canary-pass"}, PlainAuth: true})
			office.Program(postoffice.Fault{Phase: postoffice.EHLO, Action: postoffice.Lie, Reply: "250-old.test\r\n250 " + offer})
			s := serverFor(t, office, smtpout.SecurityNone)
			s.Username, s.Password = "desk", "canary-pass"
			res := handIn(t.Context(), s, letter("m1@x"), "a@x.test")
			if !works {
				if smtpout.Classify(res.Fault) != smtpout.ChannelStop || res.Fault.Phase != smtpout.PhaseAuth {
					t.Errorf("%+v", res.Fault)
				}
				return
			}
			if !res.All(smtpout.Accepted) || office.Received()[0].User != "desk" {
				t.Fatalf("%+v", res)
			}
			if said := fmt.Sprint(res.Dialogue); strings.Contains(said, "Y2FuYXJ5LXBhc3M") || strings.Contains(said, "canary") {
				t.Errorf("a credential was kept: %s", said)
			}
			if res.ServerName != "old.test" {
				t.Errorf("the server is called %q", res.ServerName)
			}
		})
	}
}

// TestTextBeforeEncryption refuses a server that sends plain text after its
// leave to begin TLS: it would be read as if it had come encrypted.
func TestTextBeforeEncryption(t *testing.T) {
	t.Parallel()
	office := newOffice(t, postoffice.Options{})
	office.Program(postoffice.Fault{Phase: postoffice.StartTLS, Action: postoffice.Lie, Reply: "220 begin\r\n250 injected"})
	res := handIn(t.Context(), serverFor(t, office, smtpout.SecurityStartTLS), letter("m1@x"), "a@x.test")
	if res.Fault == nil || res.Fault.Phase != smtpout.PhaseStartTLS || !strings.Contains(res.Fault.Text, "before the encryption") {
		t.Errorf("%+v", res.Fault)
	}
}

// TestHELOOnly talks to a server that knows no EHLO.
func TestHELOOnly(t *testing.T) {
	t.Parallel()
	office := newOffice(t, postoffice.Options{})
	office.Program(postoffice.Fault{Phase: postoffice.EHLO, Action: postoffice.Lie, Reply: "502 5.5.1 what is EHLO?", Times: 1})
	office.Program(postoffice.Fault{Phase: postoffice.EHLO, Action: postoffice.Lie, Reply: "250 hello"})
	if res := handIn(t.Context(), serverFor(t, office, smtpout.SecurityNone), letter("m1@x"), "a@x.test"); !res.All(smtpout.Accepted) {
		t.Fatalf("%+v", res)
	}
	if l := office.Received()[0]; l.MailArgs != "" || l.RcptArgs[0] != "" {
		t.Errorf("parameters without an offer: %q %q", l.MailArgs, l.RcptArgs)
	}
}

// TestAnswerThatIsNone is what a broken server says to the end of a mail: no
// yes and no refusal, so nobody knows.
func TestAnswerThatIsNone(t *testing.T) {
	t.Parallel()
	for _, reply := range []string{"354 go on", "334 ", "250x", "hello"} {
		t.Run(reply, func(t *testing.T) {
			t.Parallel()
			office := newOffice(t, postoffice.Options{})
			office.Program(postoffice.Fault{Phase: postoffice.Answer, Action: postoffice.Lie, Reply: reply})
			res := handIn(t.Context(), serverFor(t, office, smtpout.SecurityNone), letter("m1@x"), "a@x.test")
			if !res.All(smtpout.Uncertain) || res.Reusable || !res.DotWritten {
				t.Errorf("%+v", res)
			}
		})
	}
}

// TestEndlessAnswers bounds what a server can make us read and keep.
func TestEndlessAnswers(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]string{
		"lines": strings.Repeat("250-more\r\n", 10000) + "250 end",
		"line":  "250 " + strings.Repeat("x", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			office := newOffice(t, postoffice.Options{})
			office.Program(postoffice.Fault{Phase: postoffice.Answer, Action: postoffice.Lie, Reply: reply})
			res := handIn(t.Context(), serverFor(t, office, smtpout.SecurityNone), letter("m1@x"), "a@x.test")
			if !res.All(smtpout.Uncertain) || res.Reusable {
				t.Errorf("%+v", res.Recipients)
			}
			if n := len(res.Dialogue); n > 500 {
				t.Errorf("%d lines were kept", n)
			}
		})
	}
}

// elsewhere is a connection that claims to go to another machine.
type elsewhere struct{ net.Conn }

// RemoteAddr is an address of documentation (RFC 5737).
func (elsewhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 25} }
