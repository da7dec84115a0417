package smtpout_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"postroom/internal/postoffice"
	"postroom/internal/wire/smtpout"
)

// newOffice starts a post office that ends with the test.
func newOffice(t *testing.T, o postoffice.Options) *postoffice.Office {
	t.Helper()
	office, err := postoffice.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { office.Close() })
	return office
}

// serverFor is the client's setting for an office.
func serverFor(t *testing.T, office *postoffice.Office, sec smtpout.Security) smtpout.Server {
	t.Helper()
	addr := office.Addr()
	if sec == smtpout.SecurityTLS {
		addr = office.TLSAddr()
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return smtpout.Server{Host: host, Port: n, Security: sec, TLS: office.ClientTLS()}
}

// patience has every wait long but those in which the faulty server is silent.
func patience(fault postoffice.Fault, short time.Duration) smtpout.Timeouts {
	const long = time.Minute
	t := smtpout.Timeouts{Connect: long, TLS: long, Greeting: long, Command: long, Data: long, Block: long, Answer: long, Quit: short}
	if fault.Action != postoffice.Stall && fault.Action != postoffice.Mute {
		return t
	}
	switch fault.Phase {
	case postoffice.Connect, postoffice.Greeting:
		t.Greeting, t.Command = short, short
	case postoffice.StartTLS:
		t.Command, t.TLS = short, short
	case postoffice.Rcpt:
		t.Command, t.Data = short, short
	case postoffice.Data:
		t.Data, t.Block = short, short
	case postoffice.Body:
		if fault.Action == postoffice.Stall {
			t.Block = short
		}
	case postoffice.Dot, postoffice.Answer:
		t.Answer = short
	default:
		t.Command = short
	}
	return t
}

// letter is a small mail.
func letter(id string) []byte {
	return []byte("Message-ID: <" + id + ">\r\nSubject: A letter\r\n\r\nHello.\r\n.A dot.\r\n")
}

// bigLetter does not fit into the buffers between client and server, so that
// the client is still writing when the server stops reading.
func bigLetter(id string) []byte {
	line := strings.Repeat("x", 76) + "\r\n"
	return append(letter(id), bytes.Repeat([]byte(line), 8<<20/len(line))...)
}

// handIn dials and sends one mail, and returns the result; a fault of Dial
// becomes a result, since both are one attempt.
func handIn(ctx context.Context, s smtpout.Server, body []byte, to ...string) smtpout.Result {
	c, f := smtpout.Dial(ctx, s)
	if f != nil {
		return smtpout.Result{Phase: f.Phase, Fault: f, Dialogue: f.Dialogue}
	}
	defer c.Close()
	return c.Send(ctx, smtpout.Envelope{From: "desk@postroom.test", To: to, ENVID: "m1"}, body, smtpout.Hooks{})
}

// TestFaultMatrix has the office fail in every way at every phase, before and
// after it answers. Nothing before the dot may be uncertain; after the dot
// everything without an answer must be; and what the client calls accepted
// or certainly not taken must be what the office knows.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	// Most of the time is waiting for servers that say nothing, so more cases
	// run at once than there are processors.
	atOnce := make(chan struct{}, 32)
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, fault := range everyFault() {
		wg.Go(func() {
			atOnce <- struct{}{}
			defer func() { <-atOnce }()
			name := fmt.Sprintf("%s %s %s %s", fault.Phase, fault.Edge, fault.Action, fault.Reply)
			t.Run(strings.TrimSpace(name), func(t *testing.T) { checkFault(t, fault) })
		})
	}
}

// everyFault is each phase, edge and action, with each lie.
func everyFault() []postoffice.Fault {
	lies := []string{"421 4.3.2 closing", "451 4.3.0 not now", "550 5.1.1 no such user", "what?"}
	var all []postoffice.Fault
	for _, phase := range postoffice.Phases() {
		for _, edge := range []postoffice.Edge{postoffice.Before, postoffice.After} {
			for _, action := range []postoffice.Action{postoffice.Cut, postoffice.Reset, postoffice.Stall, postoffice.Mute} {
				all = append(all, postoffice.Fault{Phase: phase, Edge: edge, Action: action})
			}
			for _, lie := range lies {
				all = append(all, postoffice.Fault{Phase: phase, Edge: edge, Action: postoffice.Lie, Reply: lie})
			}
		}
	}
	return all
}

// checkFault sends one mail through one fault. On a slow machine a short
// patience may end before the dialogue reaches the phase; it is then tried
// again with more.
func checkFault(t *testing.T, fault postoffice.Fault) {
	for short := time.Second; ; short *= 4 {
		if tryFault(t, fault, short) {
			return
		}
		if short > time.Minute {
			t.Fatal("the fault never acted")
		}
	}
}

// tryFault sends one mail through one fault to a client that waits for short
// where the server is silent, and reports whether the fault acted.
func tryFault(t *testing.T, fault postoffice.Fault, short time.Duration) bool {
	office := newOffice(t, postoffice.Options{Users: map[string]string{"desk": "canary-pass"}, PlainAuth: true})
	hit := office.Program(fault)
	s := serverFor(t, office, smtpout.SecurityStartTLS)
	s.Username, s.Password, s.Timeouts = "desk", "canary-pass", patience(fault, short)
	body := letter("m1@postroom.test")
	if fault.Phase == postoffice.Body || fault.Phase == postoffice.Data && fault.Edge == postoffice.After {
		body = bigLetter("m1@postroom.test")
	}
	res := handIn(t.Context(), s, body, "ann@customer.test")
	if hit.Hits() == 0 {
		t.Logf("with %v the fault did not act; %v", short, res.Dialogue)
		return false
	}
	office.ClearFaults()
	office.Close() // waits for the sessions: what was accepted is final now

	outcome := smtpout.Temporary
	if len(res.Recipients) == 1 {
		outcome = res.Recipients[0].Outcome
	} else if res.Fault == nil || smtpout.Classify(res.Fault) == "" {
		t.Fatal("neither a recipient's result nor a classified fault")
	}
	stored := len(office.Received()) == 1
	// Only a lie told when the mail is already stored can deceive a client.
	deceived := fault.Action == postoffice.Lie &&
		(fault.Phase == postoffice.Answer || fault.Phase == postoffice.Dot && fault.Edge == postoffice.After)
	if stored && !deceived && (outcome == smtpout.Temporary || outcome == smtpout.Refused) {
		t.Errorf("the office kept the mail and the client says %s; %v", outcome, res.Dialogue)
	}
	if !stored && outcome == smtpout.Accepted {
		t.Errorf("the office has no mail and the client says accepted; %v", res.Dialogue)
	}
	if outcome == smtpout.Uncertain && !res.DotWritten {
		t.Errorf("uncertain in phase %s, before the dot; %v", res.Phase, res.Dialogue)
	}
	if res.Reusable && (outcome == smtpout.Uncertain || fault.Action == postoffice.Cut && outcome != smtpout.Accepted) {
		t.Errorf("the connection is called reusable; %v", res.Dialogue)
	}
	if want := wanted(fault); want != "" && outcome != want {
		t.Errorf("outcome %s, want %s; %v", outcome, want, res.Dialogue)
	}
	for _, l := range res.Dialogue {
		if strings.Contains(l.Text, "canary") || strings.Contains(l.Text, "AGRlc2sAY2FuYXJ5LXBhc3M=") {
			t.Errorf("a credential is in the dialogue: %s", l)
		}
	}
	return true
}

// wanted is the outcome a fault must have; "" where two are right.
func wanted(f postoffice.Fault) smtpout.Outcome {
	answered := f.Action == postoffice.Lie && f.Reply != "what?"
	order := 0
	for i, p := range postoffice.Phases() {
		if p == f.Phase {
			order = i
		}
	}
	switch {
	case f.Phase == postoffice.Answer && f.Edge == postoffice.After:
		return smtpout.Accepted // the answer is there, whatever comes after it
	case f.Phase == postoffice.Answer || f.Phase == postoffice.Dot:
		switch {
		case f.Edge == postoffice.After && f.Action == postoffice.Mute:
			return smtpout.Accepted
		case !answered:
			return smtpout.Uncertain
		case f.Reply[0] == '5':
			return smtpout.Refused
		}
		return smtpout.Temporary
	case answered && f.Reply[0] == '5' && order >= 5 && f.Phase != postoffice.Body:
		// A refusal of the mail or, unasked, of what follows.
		if f.Edge == postoffice.Before {
			return smtpout.Refused
		}
		return ""
	case f.Action == postoffice.Lie && f.Edge == postoffice.After, f.Phase == postoffice.Body && f.Action == postoffice.Lie:
		return "" // an unasked line is taken for the next answer
	case f.Phase == postoffice.Connect && f.Action == postoffice.Lie:
		return ""
	case f.Action == postoffice.Mute && f.Edge == postoffice.After, f.Action == postoffice.Mute && (f.Phase == postoffice.Connect || f.Phase == postoffice.Body):
		return smtpout.Accepted // nothing was to be answered
	}
	return smtpout.Temporary
}

// TestThousandMailsOverOneConnection reuses a connection as often as a busy
// outbox would.
func TestThousandMailsOverOneConnection(t *testing.T) {
	t.Parallel()
	office := newOffice(t, postoffice.Options{})
	c, f := smtpout.Dial(t.Context(), serverFor(t, office, smtpout.SecurityTLS))
	if f != nil {
		t.Fatal(f)
	}
	defer c.Close()
	const n = 1000
	for i := range n {
		id := fmt.Sprintf("m%d@postroom.test", i)
		res := c.Send(t.Context(), smtpout.Envelope{From: "desk@postroom.test", To: []string{"ann@customer.test"}}, letter(id), smtpout.Hooks{})
		if !res.All(smtpout.Accepted) || !res.Reusable {
			t.Fatalf("mail %d: %+v", i, res)
		}
	}
	got := office.Received()
	if len(got) != n {
		t.Fatalf("%d mails were accepted, want %d", len(got), n)
	}
	for i, l := range got {
		if want := fmt.Sprintf("m%d@postroom.test", i); l.MessageID != want || l.SessionID != 1 || !bytes.Equal(l.Raw, letter(want)) {
			t.Fatalf("letter %d is %s of session %d", i, l.MessageID, l.SessionID)
		}
	}
}

// TestSecurity signs in by each kind of connection, and never without the
// encryption that was asked for.
func TestSecurity(t *testing.T) {
	t.Parallel()
	for _, sec := range []smtpout.Security{smtpout.SecurityNone, smtpout.SecurityStartTLS, smtpout.SecurityTLS} {
		t.Run(string(sec), func(t *testing.T) {
			t.Parallel()
			office := newOffice(t, postoffice.Options{Users: map[string]string{"desk": "canary-pass"}, PlainAuth: true, RequireAuth: true})
			s := serverFor(t, office, sec)
			s.Username, s.Password = "desk", "canary-pass"
			res := handIn(t.Context(), s, letter("a@b"), "ann@customer.test")
			if !res.All(smtpout.Accepted) {
				t.Fatalf("%+v", res)
			}
			l := office.Received()[0]
			if l.User != "desk" || l.TLS != (sec != smtpout.SecurityNone) {
				t.Errorf("signed in as %q, TLS %v", l.User, l.TLS)
			}
			if encrypted := strings.HasPrefix(res.TLSVersion, "TLS 1."); encrypted != l.TLS {
				t.Errorf("the result says TLS %q", res.TLSVersion)
			}
			if !strings.Contains(l.MailArgs, "ENVID=m1") || !strings.Contains(l.RcptArgs[0], "NOTIFY=FAILURE,DELAY") {
				t.Errorf("no delivery report was asked for: %q %q", l.MailArgs, l.RcptArgs)
			}
		})
	}
	t.Run("no downgrade", func(t *testing.T) {
		t.Parallel()
		office := newOffice(t, postoffice.Options{Without: []string{"STARTTLS"}})
		res := handIn(t.Context(), serverFor(t, office, smtpout.SecurityStartTLS), letter("a@b"), "ann@customer.test")
		if res.Fault == nil || res.Fault.Phase != smtpout.PhaseStartTLS || smtpout.Classify(res.Fault) != smtpout.Retry {
			t.Fatalf("%+v", res)
		}
		if n := len(office.Attempts()); n != 0 {
			t.Errorf("%d mails were begun in plain text", n)
		}
	})
	t.Run("unknown certificate", func(t *testing.T) {
		t.Parallel()
		office := newOffice(t, postoffice.Options{})
		s := serverFor(t, office, smtpout.SecurityTLS)
		s.TLS = nil
		res := handIn(t.Context(), s, letter("a@b"), "ann@customer.test")
		var bad *tls.CertificateVerificationError
		if res.Fault == nil || !errors.As(res.Fault, &bad) {
			t.Fatalf("%+v", res.Fault)
		}
	})
	t.Run("wrong password", func(t *testing.T) {
		t.Parallel()
		office := newOffice(t, postoffice.Options{Users: map[string]string{"desk": "right"}})
		s := serverFor(t, office, smtpout.SecurityTLS)
		s.Username, s.Password = "desk", "canary-pass"
		office.Program(postoffice.Fault{Phase: postoffice.Auth, Action: postoffice.Lie, Reply: "535 5.7.8 wrong: canary-pass Y2FuYXJ5LXBhc3M="})
		res := handIn(t.Context(), s, letter("a@b"), "ann@customer.test")
		if smtpout.Classify(res.Fault) != smtpout.ChannelStop || !res.Fault.ChannelWide() {
			t.Fatalf("%+v", res.Fault)
		}
		if said := fmt.Sprint(res.Dialogue, res.Fault); strings.Contains(said, "canary") || strings.Contains(said, "Y2FuYXJ5") {
			t.Errorf("a credential was kept: %s", said)
		}
	})
}
