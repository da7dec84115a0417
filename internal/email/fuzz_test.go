package email

import (
	"path/filepath"
	"strings"
	"testing"
)

// FuzzParse runs everything that reads a mail on any bytes: no panic, bounded
// time, and what holds for every Mail holds.
func FuzzParse(f *testing.F) {
	f.Add([]byte("From: a@x.example\r\nSubject: =?utf-8?Q?a?=\r\n\r\nwords\r\n> old"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: text/html\n\n<p>two</p>\n--b--"))
	f.Add([]byte("Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822;a@x.example\nAction: failed\nStatus: 5.1.1\n--b--"))
	f.Add([]byte("Content-Type: text/plain; format=flowed; charset=utf-7\nContent-Transfer-Encoding: quoted-printable\n\nGr+APY-=\n> a \nbegin 644 a\n`\nend"))
	f.Fuzz(func(t *testing.T, raw []byte) { checkMail(t, "fuzzed", raw) })
}

// FuzzSanitise feeds any HTML: what comes out is harmless, and stays so when
// it is cleaned again.
func FuzzSanitise(f *testing.F) {
	for _, h := range hostile {
		f.Add(h)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		clean, _ := Sanitise(doc, SanitiseOptions{})
		checkHarmless(t, doc, clean)
		checkHarmless(t, doc, SanitiseComposed(doc, ComposeOptions{}))
	})
}

// FuzzBuild feeds any words: a mail that is built has its headers and no
// others.
func FuzzBuild(f *testing.F) {
	f.Add("Subject", "Ann Lee", "file name.pdf", "text")
	f.Add("Größe =?utf-8?Q?x?=", `"quoted" <x@y.example>`, "ü\"; x=y", "a\r\n.\r\nb")
	f.Fuzz(func(t *testing.T, subject, name, file, text string) {
		s := testSpec()
		s.Subject, s.To[0].Name, s.Attachments[0].Name, s.Text = subject, name, file, text
		raw, err := Build(s)
		if err != nil {
			return
		}
		m := Parse(raw, ParseOptions{})
		if len(m.Headers) != 12 || m.HasHeader("Bcc") || len(m.To) != 1 || m.To[0].Address != "bob@example.net" || len(m.Attachments) != 3 {
			t.Errorf("headers %v, to %v, %d attachments", m.Headers, m.To, len(m.Attachments))
		}
		if squeeze(m.Subject) != squeeze(subject) {
			t.Errorf("subject %q became %q", subject, m.Subject)
		}
		for line := range strings.SplitSeq(string(raw), "\r\n") {
			if len(line) > 998 || strings.ContainsAny(line, "\r\n") {
				t.Errorf("line %q", line)
			}
		}
	})
}

// BenchmarkParse reads an ordinary mail of about 10 kB, and BenchmarkReceive
// does with it all that receiving does.
func BenchmarkParse(b *testing.B) {
	raw := ordinaryMail(b)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		Parse(raw, ParseOptions{})
	}
}

func BenchmarkReceive(b *testing.B) {
	raw := ordinaryMail(b)
	k := testKeys(b, "k1")
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		m := Parse(raw, ParseOptions{})
		Classify(m)
		NoAutoAnswer(m)
		Evidence(m, k, []string{"support@example.com"})
		ContentHash(raw)
		m.Split()
		Sanitise(m.HTML, SanitiseOptions{})
	}
}

func BenchmarkBuild(b *testing.B) {
	s := testSpec()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Build(s); err != nil {
			b.Fatal(err)
		}
	}
}

func ordinaryMail(b *testing.B) []byte {
	b.Helper()
	s := testSpec()
	s.Text = strings.Repeat("An ordinary line of an ordinary mail, about a printer.\n", 30) + "\nOn Mon, 2 Nov 2026 at 10:00, Support <support@example.com> wrote:\n> Did it help?\n"
	s.HTML = "<html><body>" + strings.Repeat("<p>An ordinary line of an ordinary mail, about a <b>printer</b>.</p>", 40) + `<img src="cid:p1"><div class="gmail_quote"><div class="gmail_attr">On Mon wrote:</div><blockquote class="gmail_quote">Did it help?</blockquote></div></body></html>`
	s.Headers = []Header{{"X-Mailer", "Ordinary 1.0"}}
	raw, err := Build(s)
	if err != nil {
		b.Fatal(err)
	}
	return append([]byte("Received: from a by b; Mon, 2 Nov 2026 10:00:05 +0100\r\nReturn-Path: <bob@example.net>\r\n"), raw...)
}

// TestTNEFContents checks what is inside the containers of the tnef corpus, by
// inspection.
func TestTNEFContents(t *testing.T) {
	t.Parallel()
	dir := corpus(t, "tnef")
	for file, want := range map[string][]string{
		"attachments": {"zappa_av1.jpg", "bookmark.htm"}, "two-files": {"AUTHORS", "README"}, "one-file": {"AUTHORS"}, "data-before-name": {"AUTOEXEC.BAT", "CONFIG.SYS", "boot.ini"}, "long-filename": {"allproductsmar2000.dat"},
		"MAPI_ATTACH_DATA_OBJ": {"VIA_Nytt_1402.doc", "VIA_Nytt_1402.pdf", "VIA_Nytt_14021.htm"}, "unicode-mapi-attr": {"example.dat"}, "unicode-mapi-attr-name": {"spaconsole2.cfg", "image001.png", "image002.png", "image003.png"},
		"badchecksum": {"winmail.dat"}, "multi-value-attribute": {"208225__5_seconds__Voice_Mail.mp3"}, "body": nil, "rtf": nil, "triples": nil,
	} {
		raw := append([]byte("From: a@example.com\nContent-Type: application/ms-tnef; name=winmail.dat\n\n"), readFile(t, filepath.Join(dir, file+".tnef"))...)
		m := Parse(raw, ParseOptions{})
		var names []string
		for _, a := range m.Attachments {
			names = append(names, a.Name)
		}
		if strings.Join(names, " ") != strings.Join(want, " ") {
			t.Errorf("%s: %v, want %v", file, names, want)
		}
		if want == nil && m.PlainText() == "" {
			t.Errorf("%s: its body is lost", file)
		}
	}
}

// TestDeliveryReport reads a report (RFC 3464) as far as threading needs it.
func TestDeliveryReport(t *testing.T) {
	t.Parallel()
	m := Parse([]byte("From: MAILER-DAEMON@mx.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSorry.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\nOriginal-Envelope-Id: env42\n\n"+
		"Original-Recipient: rfc822;Ann@x.example\nFinal-Recipient: rfc822; ann2@x.example\nAction: Failed\nStatus: 5.1.1 (bad)\nDiagnostic-Code: smtp; 550 5.1.1 <ann@x.example>:\n no such user\n\nFinal-Recipient: rfc822;bob@x.example\nAction: delayed\nStatus: 4.4.1\n\n--b\nContent-Type: message/rfc822\n\nMessage-ID: <mail.abc@example.com>\nSubject: x\n\nhello\n--b--"), ParseOptions{})
	r := m.Report
	if r == nil || r.Kind != ReportDelivery || r.ReportingMTA != "mx.example" || r.OriginalEnvelopeID != "env42" || r.OriginalMessageID != "mail.abc@example.com" || len(r.Recipients) != 2 {
		t.Fatalf("report: %+v", r)
	}
	if got := r.Recipients[0]; got != (ReportRecipient{"Ann@x.example", "failed", "5.1.1", "550 5.1.1 <ann@x.example>: no such user"}) || !got.Permanent() {
		t.Errorf("first recipient: %+v", got)
	}
	if got := r.Recipients[1]; got.Address != "bob@x.example" || got.Action != "delayed" || got.Permanent() {
		t.Errorf("second recipient: %+v", got)
	}
	if strings.TrimSpace(m.Text) != "Sorry." || len(m.Attachments) != 2 {
		t.Errorf("text %q, %d attachments", m.Text, len(m.Attachments))
	}
}
