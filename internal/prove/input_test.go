package prove_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"math/rand/v2"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/postoffice"
)

// open starts a furnished desk with its office and Ann's browser.
func openDesk(t *testing.T, e db.Engine) (*place, *process, *postoffice.Office, *browser) {
	t.Helper()
	p, office := newPlace(t, e), newOffice(t)
	p.furnish(office)
	s := p.start()
	b := p.signedIn(t)
	b.switchOff(t, "Acknowledge a new conversation")
	return p, s, office, b
}

// letter is a mail of a customer.
func letter(subject, text string) []byte {
	return fmt.Appendf(nil, "From: Mara Lind <%s>\r\nTo: %s\r\nSubject: %s\r\nMessage-ID: <%s@customer.example>\r\nDate: Mon, 02 Mar 2026 10:00:00 +0000\r\n\r\n%s\r\n",
		customerOf(subject), mailbox, subject, strings.ReplaceAll(subject, " ", "-"), text)
}

// hand hands a mail in and returns the answer.
func (p *place) hand(ctx context.Context, subject string, raw []byte) (postoffice.Answers, error) {
	return postoffice.Deliver(ctx, p.lmtp(), customerOf(subject), []string{mailbox}, raw)
}

// mustHand hands in a mail that has to be taken.
func (p *place) mustHand(subject string, raw []byte) {
	p.t.Helper()
	if answers, err := p.hand(p.t.Context(), subject, raw); err != nil || !answers.OK() {
		p.t.Fatalf("hand in %s: %v %v", subject, answers, err)
	}
}

// within tries until it works; it fails the test after a while.
func within(t *testing.T, patience time.Duration, what string, try func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s := &siege{}
	if err := s.untilDone(ctx, func() error { return try(ctx) }); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// shown waits until a conversation is on its page and returns its number.
func (b *browser) shown(t *testing.T, subject string) (number string) {
	t.Helper()
	within(t, 30*time.Second, subject+" is shown", func(ctx context.Context) (err error) {
		if number, err = b.find(ctx, subject); err == nil && number == "" {
			err = errNotYet
		}
		return err
	})
	return number
}

// sendAndClose answers a conversation and closes it.
func (b *browser) sendAndClose(t *testing.T, subject string) {
	t.Helper()
	number := b.shown(t, subject)
	seen, err := b.seen(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"to": {customerOf(subject)}, "body": {answerTo(subject)}, "format": {"text"}, "close": {"1"}, "seen": {seen}}
	if status, body, err := b.post(t.Context(), "/conversations/"+number+"/reply", form); err != nil || status != http.StatusSeeOther {
		t.Fatalf("send & close %s: %d %v %.500s", subject, status, err, body)
	}
}

// bothArrive waits for reply and notice and checks that they came once, in
// order.
func bothArrive(t *testing.T, office *postoffice.Office, subject string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	letters, err := office.WaitFor(ctx, customerOf(subject), 2)
	if err != nil {
		t.Fatalf("%s: %d of 2 mails arrived", subject, len(letters))
	}
	if len(letters) != 2 || isAutomatic(letters[0]) || !isAutomatic(letters[1]) {
		t.Errorf("%s: %d mails arrived, automatic: %v", subject, len(letters), slices.Collect(func(yield func(bool) bool) {
			for _, l := range letters {
				if !yield(isAutomatic(l)) {
					return
				}
			}
		}))
	}
}

func isAutomatic(l postoffice.Letter) bool {
	return bytes.Contains(l.Raw, []byte("Auto-Submitted: auto-"))
}

var bodyPattern = regexp.MustCompile(`/messages/(\d+)/body`)

// Mail from somebody who wants to run a script on the desk is shown without
// one, under a policy that would not run it.
func TestHostileHTML(t *testing.T) {
	t.Parallel()
	p, s, _, b := openDesk(t, db.SQLite)
	evil := `<html><head><script>alert(1)</script><meta http-equiv="refresh" content="0;url=http://evil.example"><base href="http://evil.example/"></head>` +
		`<body onload="alert(2)"><h1>Good day</h1><img src=x onerror=alert(3)><svg onload=alert(4)><a href="javascript:alert(5)">here</a>` +
		`<iframe src="http://evil.example"></iframe><form action="http://evil.example"><input name=password></form><style>*{background:url(http://evil.example/x)}</style>` +
		`<img src="http://evil.example/pixel.gif"></body></html>`
	raw := fmt.Appendf(nil, "From: \"<script>alert(6)</script>\" <%s>\r\nTo: %s\r\nSubject: Case evil\r\nMessage-ID: <evil@customer.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n%s\r\n",
		customerOf("Case evil"), mailbox, evil)
	p.mustHand("Case evil", raw)
	number := b.shown(t, "Case evil")
	_, header, page, err := b.fetch(t.Context(), "/conversations/"+number)
	if err != nil {
		t.Fatal(err)
	}
	if policy := header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "script-src 'self'") || strings.Contains(policy, "unsafe") {
		t.Errorf("the policy of the page: %q", policy)
	}
	if strings.Contains(page, "<script>alert") {
		t.Error("the sender's name is markup on the page")
	}
	m := bodyPattern.FindStringSubmatch(page)
	if m == nil {
		t.Fatal("the page shows no body")
	}
	status, header, body, err := b.fetch(t.Context(), "/messages/"+m[1]+"/body")
	if err != nil || status != 200 {
		t.Fatalf("body: %d %v", status, err)
	}
	policy := header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "sandbox", "form-action 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy of the body lacks %q: %q", want, policy)
		}
	}
	if strings.Contains(policy, "allow-scripts") || strings.Contains(policy, "script-src") {
		t.Errorf("the policy of the body lets scripts run: %q", policy)
	}
	if !strings.Contains(body, "Good day") {
		t.Error("the words of the mail are not shown")
	}
	for _, bad := range []string{"<script", "alert(", "onerror", "onload", "javascript:", "<iframe", "<svg", "http-equiv=\"refresh\"", "<base", "<form", `src="http://evil`, "url(http"} {
		if strings.Contains(strings.ToLower(body), bad) {
			t.Errorf("the body holds %q", bad)
		}
	}
	p.stopClean(s)
}

// Mail that is no mail is kept and shown, and delays nobody.
func TestBrokenMail(t *testing.T) {
	t.Parallel()
	p, s, _, b := openDesk(t, db.SQLite)
	for i, raw := range [][]byte{
		[]byte("\x00\x01\x02\xff\xfe"),
		[]byte("no header at all"),
		[]byte("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"),
		[]byte("Subject: =?utf-8?B?" + strings.Repeat("A", 5000) + "\r\n\r\n"),
		[]byte("From: <>\r\nTo: \r\nDate: never\r\nMessage-ID: <\r\n\r\n"),
		bytes.Repeat([]byte("From: a@b\r\n"), 2000),
		[]byte("Content-Type: text/html; charset=klingon\r\nContent-Transfer-Encoding: base64\r\n\r\n****"),
		append([]byte("Subject: deep\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"), bytes.Repeat([]byte("--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"), 3000)...),
	} {
		if answers, err := p.hand(t.Context(), "Case broken", raw); err != nil || !answers.OK() {
			t.Errorf("broken mail %d was not taken: %v %v", i, answers, err)
		}
	}
	p.mustHand("Case whole", letter("Case whole", "I am well."))
	b.shown(t, "Case whole")
	if status, body, err := b.get(t.Context(), "/inbound"); err != nil || status != 200 || !strings.Contains(body, "/inbound/") {
		t.Errorf("the log of received mails: %d %v", status, err)
	}
	p.stopClean(s)
	st, _ := p.open(t)
	invariants(t.Context(), t, st)
}

// An upload over the limit is refused with words; what was written stays.
func TestOversizeUpload(t *testing.T) {
	t.Parallel()
	p := newPlace(t, db.SQLite)
	p.set("MAX_UPLOAD", "64KiB")
	office := newOffice(t)
	p.furnish(office)
	s := p.start()
	b := p.signedIn(t)
	b.switchOff(t, "Acknowledge a new conversation")
	p.mustHand("Case file", letter("Case file", "Send me the file."))
	number := b.shown(t, "Case file")
	for size, want := range map[int]int{60 << 10: http.StatusCreated, 65 << 10: http.StatusUnprocessableEntity, 3 << 20: http.StatusRequestEntityTooLarge} {
		var status int
		var body string
		within(t, 30*time.Second, "the upload is answered", func(ctx context.Context) (err error) {
			// The desk hangs up on who goes on sending; who is quick enough to
			// be cut off before the answer tries again.
			status, body, err = b.postFile(ctx, "/uploads", url.Values{"conversation": {number}, "kind": {"reply"}}, "big.bin", make([]byte, size))
			return err
		})
		if status != want {
			t.Errorf("%d bytes were answered %d, not %d: %.300s", size, status, want, body)
		}
		if want != http.StatusCreated && (body == "" || strings.Contains(body, "goroutine")) {
			t.Errorf("%d bytes: no words: %q", size, body)
		}
	}
	b.sendAndClose(t, "Case file")
	bothArrive(t, office, "Case file")
	p.stopClean(s)
}

// A mail that ingest took, with exit code 0, is never lost, however often it is
// killed; one that it was killed over is whole or not there.
func TestIngestKilled(t *testing.T) {
	t.Parallel()
	p := newPlace(t, db.SQLite)
	p.furnish(newOffice(t))
	ends, padding := "the very end of the mail", strings.Repeat("Words, words, words.\r\n", 40_000)
	kept := map[string]bool{}
	killed := 0
	n := 40
	if soak() {
		n = 300
	}
	// How long a call takes is the machine's affair. The moment of the kill is
	// drawn from a span that grows where it came too early and shrinks where it
	// came too late, so it comes within the call on any machine.
	span := 30 * time.Millisecond
	for i := range n {
		subject := fmt.Sprintf("Case pipe%d", i)
		ctx, cancel := context.WithCancel(t.Context())
		cmd := p.command(ctx, "ingest", mailbox)
		cmd.Stdin = bytes.NewReader(letter(subject, padding+ends))
		time.AfterFunc(rand.N(2*span), cancel) // CommandContext kills with SIGKILL
		if err := cmd.Run(); err == nil {
			kept[subject], span = true, max(span*2/3, time.Millisecond)
		} else {
			killed, span = killed+1, span*3/2
		}
		cancel()
	}
	p.must(string(letter("Case pipeend", ends)), "ingest", mailbox)
	kept["Case pipeend"] = true
	s := p.start()
	b := p.signedIn(t)
	b.shown(t, "Case pipeend") // the last in the spool is taken in last
	p.stopClean(s)
	st, _ := p.open(t)
	extra := 0
	for number := int64(1); ; number++ {
		c, err := st.Read().ConversationByNumber(t.Context(), number)
		if postroom.CodeOf(err) == postroom.NotFound {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		ms, err := st.Read().Messages(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		if len(ms) == 0 || ms[0].Kind != postroom.Received || !strings.Contains(ms[0].Text, ends) {
			t.Errorf("%s is not whole", c.Subject)
		}
		if !kept[c.Subject] {
			extra++ // killed after the mail was safe, before it could say so
		}
		delete(kept, c.Subject)
	}
	for subject := range kept {
		t.Errorf("%s was taken by ingest and is lost", subject)
	}
	t.Logf("%d of %d were killed, %d of these when the mail was safe already", killed, n, extra)
	if killed == 0 || killed == n {
		t.Errorf("%d of %d were killed: the kills do not hit", killed, n)
	}
}

// ingest says 75 when it cannot keep a mail and 65 when it never can.
func TestIngestRefuses(t *testing.T) {
	t.Parallel()
	p := newPlace(t, db.SQLite)
	oneSentence(t, p.call("", "ingest", mailbox), 65, "no mail")
	p.set("SPOOL", "/dev/null/spool")
	oneSentence(t, p.call("Subject: x\r\n\r\nx", "ingest", mailbox), 75, "/dev/null/spool")
}

// A stop in the middle of a mail lets it arrive; one that would last too long
// is handed back and arrives after the next start; the exit code is 0.
func TestStopWhileSending(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		phase   postoffice.Phase
		wait    time.Duration // 0 stalls for good
		timeout string
	}{
		"finishes":   {postoffice.Dot, time.Second, "20s"},
		"hands back": {postoffice.Data, 0, "1s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, office := newPlace(t, db.SQLite), newOffice(t)
			p.set("STOP_TIMEOUT", c.timeout)
			p.furnish(office)
			reached := make(chan struct{}, 16)
			office.OnPhase(func(e postoffice.Event) {
				if e.Phase == c.phase && e.Edge == postoffice.Before {
					select {
					case reached <- struct{}{}:
					default:
					}
				}
			})
			fault := postoffice.Fault{Phase: c.phase, Action: postoffice.Stall, Times: 1}
			if c.wait > 0 {
				fault.Action, fault.Wait = postoffice.Delay, c.wait
			}
			office.Program(fault)
			s := p.start()
			b := p.signedIn(t)
			b.switchOff(t, "Acknowledge a new conversation")
			p.mustHand("Case stop", letter("Case stop", "Hello."))
			b.sendAndClose(t, "Case stop")
			select {
			case <-reached:
			case <-time.After(30 * time.Second):
				t.Fatal("no mail was begun")
			}
			p.stopClean(s)
			if n := len(office.For(customerOf("Case stop"))); c.wait > 0 && n < 1 {
				t.Errorf("the mail that was begun did not arrive before the end")
			}
			office.ClearFaults()
			s = p.start()
			bothArrive(t, office, "Case stop")
			p.stopClean(s)
			st, _ := p.open(t)
			for _, m := range mailsOf(t.Context(), t, st) {
				if m.State != postroom.MailDone || m.Resent {
					t.Errorf("mail %d is %s, resent %v: %s", m.ID, m.State, m.Resent, m.Words)
				}
			}
			invariants(t.Context(), t, st)
		})
	}
}

// A server that is not there, or lies, costs no mail: the queue says why it
// waits, and after that everything arrives, in order.
func TestServerUnreachableOrLying(t *testing.T) {
	t.Parallel()
	p, s, office, b := openDesk(t, db.SQLite)
	port := regexp.MustCompile(`:(\d+)$`).FindStringSubmatch(office.Addr())[1]
	p.must("", "mailbox", "set", mailbox, "--port", "1")
	p.mustHand("Case gone", letter("Case gone", "Hello."))
	b.sendAndClose(t, "Case gone")
	within(t, 20*time.Second, "the queue says why it waits", func(ctx context.Context) error {
		status, body, err := b.get(ctx, "/queue")
		if err == nil && (status != 200 || !strings.Contains(body, "cannot connect")) {
			err = errNotYet
		}
		return err
	})
	p.must("", "mailbox", "set", mailbox, "--port", port)
	for _, f := range []postoffice.Fault{
		{Phase: postoffice.Greeting, Action: postoffice.Lie, Reply: "\x00\xff\xfe nonsense", Times: 1},
		{Phase: postoffice.EHLO, Action: postoffice.Lie, Reply: "250 " + strings.Repeat("x", 100_000), Times: 1},
		{Phase: postoffice.Mail, Action: postoffice.Lie, Reply: "354 go ahead", Times: 1},
		{Phase: postoffice.Data, Action: postoffice.Lie, Reply: "250 taken, without reading it", Times: 1},
	} {
		office.Program(f)
	}
	within(t, 40*time.Second, "both arrive in spite of the lies", func(ctx context.Context) error {
		if _, _, err := b.post(ctx, "/queue/retry-all", url.Values{}); err != nil {
			return err
		}
		if len(office.For(customerOf("Case gone"))) < 2 {
			select {
			case <-ctx.Done():
			case <-time.After(300 * time.Millisecond):
			}
			return errNotYet
		}
		return nil
	})
	bothArrive(t, office, "Case gone")
	p.stopClean(s)
	st, _ := p.open(t)
	invariants(t.Context(), t, st)
}

// Where a disk is full, mail is refused for now and nothing that was taken is
// lost; when there is room again everything goes on by itself.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	small := smallDisk(t, 24<<20)
	if small == "" {
		return // said in the log; package db proves its half with a database that may not grow
	}
	p := newPlace(t, db.SQLite)
	p.set("DATA", small)
	office := newOffice(t)
	p.furnish(office)
	s := p.start()
	b := p.signedIn(t)
	b.switchOff(t, "Acknowledge a new conversation")
	p.mustHand("Case before", letter("Case before", "There is room."))
	b.shown(t, "Case before")
	fillDisk(t, filepath.Join(small, "ballast"))
	refused := false
	for i := 0; i < 50 && !refused; i++ {
		subject := fmt.Sprintf("Case full%d", i)
		answers, err := p.hand(t.Context(), subject, letter(subject, strings.Repeat("A long mail.\r\n", 4000)))
		switch {
		case err != nil:
			t.Fatalf("the dialogue broke: %v", err)
		case !answers.OK() && answers[0].Code/100 != 4:
			t.Fatalf("a full disk was answered %v", answers)
		case !answers.OK():
			refused = true
		}
	}
	if !refused {
		t.Error("a full disk refuses nothing")
	}
	if a := p.call(string(letter("Case pipe", "x"+strings.Repeat("y", 1<<20))), "ingest", mailbox); a.code != 75 {
		t.Errorf("ingest on a full disk: exit code %d %s", a.code, a.stderr)
	}
	if status, _, err := b.get(t.Context(), "/folders/unassigned"); err != nil || status != 200 {
		t.Errorf("reading pages on a full disk: %d %v", status, err)
	}
	if s.dead() {
		t.Fatal("the program ended by itself")
	}
	emptyDisk(t, filepath.Join(small, "ballast"))
	within(t, 30*time.Second, "mail is taken again", func(ctx context.Context) error {
		answers, err := p.hand(ctx, "Case after", letter("Case after", "There is room again."))
		if err == nil && !answers.OK() {
			err = errNotYet
		}
		return err
	})
	b.sendAndClose(t, "Case after")
	bothArrive(t, office, "Case after")
	b.sendAndClose(t, "Case before")
	bothArrive(t, office, "Case before")
	p.stopClean(s)
}
