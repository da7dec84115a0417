package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/mail"
	"strings"
	"testing"
	"time"

	"postroom"
)

func testSpec() Spec {
	return Spec{
		From: Address{"Ann Lée", "support@example.com"}, To: []Address{{"Bob, Jr.", "bob@example.net"}}, Cc: []Address{{"", "carl@example.net"}}, Bcc: []Address{{"Secret", "secret@example.org"}},
		ReplyTo: []Address{{"Support", "support+token@example.com"}},
		Subject: "Re: Größe ≥ 10", Date: time.Date(2026, 11, 2, 10, 0, 5, 0, time.FixedZone("", 3600)),
		MessageID: "mail.abc@example.com", InReplyTo: "theirs@example.net", References: []string{"first@example.net", "theirs@example.net"},
		Text: "Hello Bob\n\n.dot\nFrom here\nä\n", HTML: `<p>Hello <b>Bob</b> ä</p><img src="cid:p1">`, Seed: "42",
		Inline:      []File{{Name: "Bild ü.png", Type: "image/png", ContentID: "p1", Data: []byte("PNG\x00\x01")}},
		Attachments: []File{{Name: "a b.pdf", Type: "application/pdf", Data: bytes.Repeat([]byte("%PDF "), 1000)}, {Name: "notes.txt", Type: "text/plain", Data: []byte("ü")}},
		Loop:        "support@example.com",
	}
}

// TestBuildRoundTrip reads back what was built.
func TestBuildRoundTrip(t *testing.T) {
	t.Parallel()
	s := testSpec()
	raw, err := Build(s)
	if err != nil {
		t.Fatal(err)
	}
	m := Parse(raw, ParseOptions{})
	if len(m.Notices) > 0 || m.Err != nil {
		t.Errorf("notices: %v %v", m.Notices, m.Err)
	}
	if len(m.From) != 1 || m.From[0] != s.From || len(m.To) != 1 || m.To[0] != s.To[0] || len(m.Cc) != 1 || m.Cc[0] != s.Cc[0] || m.ReplyTo[0] != s.ReplyTo[0] {
		t.Errorf("addresses: %v %v %v %v", m.From, m.To, m.Cc, m.ReplyTo)
	}
	if m.Subject != s.Subject || m.MessageID != s.MessageID || m.InReplyTo[0] != s.InReplyTo || strings.Join(m.References, " ") != strings.Join(s.References, " ") || !m.Date.Equal(s.Date) {
		t.Errorf("headers: %q %q %v %v %s", m.Subject, m.MessageID, m.InReplyTo, m.References, m.Date)
	}
	if m.Text != s.Text || strings.TrimSpace(m.HTML) != s.HTML {
		t.Errorf("bodies: %q %q", m.Text, m.HTML)
	}
	want := append(s.Inline, s.Attachments...)
	if len(m.Attachments) != len(want) {
		t.Fatalf("%d attachments", len(m.Attachments))
	}
	for i, a := range m.Attachments {
		if a.Name != want[i].Name || a.Type != want[i].Type || !bytes.Equal(a.Data, want[i].Data) || a.Inline != (i == 0) {
			t.Errorf("attachment %d: %q %q inline %v", i, a.Name, a.Type, a.Inline)
		}
	}
	if got := LoopMailboxes(m); len(got) != 1 || got[0] != s.Loop {
		t.Errorf("loop header: %v", got)
	}
	std, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if list, err := std.Header.AddressList("To"); err != nil || list[0].Name != "Bob, Jr." {
		t.Errorf("another reader sees To as %v %v", list, err)
	}
}

// TestBuildForm holds W24, O3, O5 and O6.
func TestBuildForm(t *testing.T) {
	t.Parallel()
	s := testSpec()
	s.HTML += strings.Repeat("long line without a break ä ", 500)
	s.Text += strings.Repeat("x", 5000)
	s.Subject = strings.Repeat("Überlänge ", 100)
	s.To[0].Name = strings.Repeat("n", 3000)
	s.Attachments[0].Name = strings.Repeat("ü", 500) + ".pdf"
	s.Headers = []Header{{"X-Long", strings.Repeat("v", 3000)}}
	for range 300 {
		s.To = append(s.To, Address{"Somebody Else", "somebody@example.net"})
	}
	a, err := Build(s)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Build(s)
	if err != nil || !bytes.Equal(a, b) {
		t.Fatal("the same Spec gives other bytes")
	}
	for line := range bytes.SplitSeq(a, []byte("\n")) {
		if len(line) > 998 {
			t.Errorf("a line has %d bytes", len(line))
		}
		if len(line) > 0 && line[len(line)-1] != '\r' {
			t.Fatalf("a line does not end in CRLF: %q", line)
		}
		for _, c := range line {
			if c >= 0x80 || c == 0 {
				t.Fatalf("a byte is not seven-bit: %q", line)
			}
		}
	}
	if bytes.Contains(a, []byte("secret@example.org")) || bytes.Contains(bytes.ToLower(a), []byte("\r\nbcc:")) {
		t.Error("Bcc is in the bytes")
	}
	if got := s.Recipients(); got[len(got)-1] != "secret@example.org" || len(got) != 4 {
		t.Errorf("the envelope is %v", got)
	}
	for _, name := range []string{"Auto-Submitted", "X-Auto-Response-Suppress", "Precedence", "List-Unsubscribe"} {
		if Parse(a, ParseOptions{}).HasHeader(name) {
			t.Errorf("a person's mail carries %s", name)
		}
	}
	for _, auto := range []Auto{AutoReplied, AutoNotified} {
		s.Auto = auto
		raw, err := Build(s)
		m := Parse(raw, ParseOptions{})
		if err != nil || m.Header("Auto-Submitted") != string(auto) || m.Header("X-Auto-Response-Suppress") != "All" || m.HasHeader("Precedence") {
			t.Errorf("%s: %v %v", auto, err, m.Headers)
		}
		if class, _ := Classify(m); class == Human {
			t.Errorf("%s is taken for a person's mail", auto)
		}
	}
	other := testSpec()
	other.Seed = "43"
	one, _ := Build(testSpec())
	two, _ := Build(other)
	if bytes.Equal(one, two) {
		t.Error("another seed gives the same boundaries")
	}
}

// TestBuildShapes checks that parts are nested no deeper than needed.
func TestBuildShapes(t *testing.T) {
	t.Parallel()
	base := testSpec()
	for want, change := range map[string]func(*Spec){
		"text/plain":                     func(s *Spec) { s.HTML, s.Inline, s.Attachments = "", nil, nil },
		"multipart/alternative":          func(s *Spec) { s.Inline, s.Attachments = nil, nil },
		"multipart/mixed":                func(s *Spec) {},
		"multipart/mixed without html":   func(s *Spec) { s.HTML = "" },
		"multipart/alternative, no text": func(s *Spec) { s.Text, s.Attachments = "", nil },
	} {
		s := base
		change(&s)
		raw, err := Build(s)
		if err != nil {
			t.Fatal(err)
		}
		m := Parse(raw, ParseOptions{})
		if got := m.ContentType; !strings.HasPrefix(want, got) {
			t.Errorf("%s: got %s", want, got)
		}
		if !strings.Contains(m.Text, "Hello Bob") {
			t.Errorf("%s: no true text part: %q", want, m.Text)
		}
		if n := len(m.Attachments); n != len(s.Inline)+len(s.Attachments) {
			t.Errorf("%s: %d attachments", want, n)
		}
	}
}

// TestBuildRefuses holds S5: nothing can forge a header.
func TestBuildRefuses(t *testing.T) {
	t.Parallel()
	const evil = "x\r\nBcc: evil@example.org"
	for name, change := range map[string]func(*Spec){
		"subject":           func(s *Spec) { s.Subject = evil },
		"subject LF":        func(s *Spec) { s.Subject = "a\nb" },
		"subject NUL":       func(s *Spec) { s.Subject = "a\x00b" },
		"subject not UTF-8": func(s *Spec) { s.Subject = "a\xff" },
		"from name":         func(s *Spec) { s.From.Name = evil },
		"from address":      func(s *Spec) { s.From.Address = "a@example.com" + "\r\nBcc: x@example.org" },
		"to name":           func(s *Spec) { s.To[0].Name = evil },
		"to address":        func(s *Spec) { s.To[0].Address = "a@example.com, evil@example.org" },
		"to bracket":        func(s *Spec) { s.To[0].Address = "a@example.com> <evil@example.org" },
		"reply-to":          func(s *Spec) { s.ReplyTo[0].Address = "a b@example.com" },
		"bcc":               func(s *Spec) { s.Bcc[0].Address = "" },
		"sender":            func(s *Spec) { s.Sender = Address{Address: "nobody"} },
		"message id":        func(s *Spec) { s.MessageID = "a@x>\r\nBcc: e@x" },
		"no message id":     func(s *Spec) { s.MessageID = "" },
		"in-reply-to":       func(s *Spec) { s.InReplyTo = "a b" },
		"references":        func(s *Spec) { s.References = []string{"a@x\nb"} },
		"no date":           func(s *Spec) { s.Date = time.Time{} },
		"no recipient":      func(s *Spec) { s.To, s.Cc, s.Bcc = nil, nil, nil },
		"own header value":  func(s *Spec) { s.Headers = []Header{{"X-Team", evil}} },
		"own header name":   func(s *Spec) { s.Headers = []Header{{"X Team", "x"}} },
		"own header bcc":    func(s *Spec) { s.Headers = []Header{{"BCC", "evil@example.org"}} },
		"own header type":   func(s *Spec) { s.Headers = []Header{{"Content-Type", "text/html"}} },
		"file name":         func(s *Spec) { s.Attachments[0].Name = evil },
		"content id":        func(s *Spec) { s.Inline[0].ContentID = "a>\r\nb" },
		"loop":              func(s *Spec) { s.Loop = evil },
		"kind":              func(s *Spec) { s.Auto = "auto-replied\r\nBcc: x" },
	} {
		s := testSpec()
		change(&s)
		raw, err := Build(s)
		if raw != nil || postroom.CodeOf(err) != postroom.Invalid || postroom.TextOf(err) == "" {
			t.Errorf("%s: %v, %d bytes", name, err, len(raw))
		}
		var e *postroom.Error
		if errors.As(err, &e) && e.Field == "" {
			t.Errorf("%s: no field is named: %v", name, err)
		}
	}
}

func TestBuildOpensFiles(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256([]byte("content"))
	hash := hex.EncodeToString(sum[:])
	s := testSpec()
	s.Inline, s.Attachments = nil, []File{{Name: "x.bin", SHA256: hash}}
	s.Open = func(h string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("content")), nil }
	raw, err := Build(s)
	if err != nil {
		t.Fatal(err)
	}
	if a := Parse(raw, ParseOptions{}).Attachments; len(a) != 1 || string(a[0].Data) != "content" || a[0].SHA256 != hash {
		t.Errorf("attachment: %+v", a)
	}
	s.Open = func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("other")), nil }
	if _, err := Build(s); err == nil {
		t.Error("content with another hash is sent")
	}
	gone := errors.New("gone")
	s.Open = func(string) (io.ReadCloser, error) { return nil, gone }
	if _, err := Build(s); !errors.Is(err, gone) {
		t.Errorf("the cause is lost: %v", err)
	}
}

func TestCheckAddress(t *testing.T) {
	t.Parallel()
	for _, ok := range []string{"a@example.com", "a.b+c@sub.example.com", "ü@exämple.com", "a@[192.0.2.1]", `"a b"@example.com`, "o'neil@example.com", "a@localhost", "a=b@example.com"} {
		if err := CheckAddress(ok); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
	for _, bad := range []string{"", "a", "@example.com", "a@", "a b@example.com", "a@exa mple.com", "a@example..com", "a@.example.com", "a@example.com.", "a@example.com\r\n", "a@example.com\x00", "a,b@example.com", "<a@example.com>", "a@b@example.com", strings.Repeat("a", 65) + "@example.com", "a@" + strings.Repeat("b", 260) + ".com", "a@-example.com", "a@exam;ple.com", "a\u0085@example.com"} {
		if err := CheckAddress(bad); postroom.CodeOf(err) != postroom.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
