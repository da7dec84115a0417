package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// inspected is the part of a line that the tests look into.
type inspected struct {
	File        string
	From        []struct{ Name, Address string }
	Date        string
	MessageID   string   `json:"message_id"`
	InReplyTo   []string `json:"in_reply_to"`
	VisibleText string   `json:"visible_text"`
	HiddenText  string   `json:"hidden_text"`
	Attachments []struct {
		Name, Type, Disposition, SHA256 string
		Size                            int
		ContentID                       string `json:"content_id"`
		Inline                          bool
	}
	Class  string
	Bounce struct {
		OriginalMessageID string `json:"original_message_id"`
		Recipients        []struct {
			Address, Action, Status string
			Permanent               bool
			SMTPReply               string `json:"smtp_reply"`
		}
	}
	Conversation struct {
		Verdict, Evidence, Reason string
		Number                    int
	}
	Error string
}

// lines reads what inspect printed.
func lines(t *testing.T, out string) []inspected {
	t.Helper()
	var all []inspected
	for line := range strings.Lines(out) {
		var one inspected
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		all = append(all, one)
	}
	return all
}

const withPicture = "From: =?utf-8?q?J=C3=BCrgen?= <j@fernmail.example>\r\nTo: help@desk.example\r\nSubject: Picture\r\nDate: Mon, 2 Nov 2026 10:00:00 +0100\r\n" +
	"Message-ID: <p1@fernmail.example>\r\nIn-Reply-To: <1@fernmail.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/html\r\n\r\n<p>See <img src=\"cid:pic\"></p><blockquote type=\"cite\">older words</blockquote>\r\n" +
	"--b\r\nContent-Type: image/png\r\nContent-ID: <pic>\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--b--\r\n"

const report = "From: MAILER-DAEMON@mx.example\r\nTo: help@desk.example\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n" +
	"Content-Type: multipart/report; report-type=delivery-status; boundary=r\r\n\r\n--r\r\nContent-Type: text/plain\r\n\r\nIt failed.\r\n" +
	"--r\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; gone@fernmail.example\r\nAction: failed\r\n" +
	"Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user\r\n" +
	"--r\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <ours@desk.example>\r\n--r--\r\n"

func TestInspectPrintsALineForEachMail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	picture, bounce, empty := write("picture", withPicture), write("bounce", report), write("empty", "")
	r := run(t, mail, "inspect", "--data", filepath.Join(dir, "none"), picture, empty, filepath.Join(dir, "missing"), bounce, "-")
	r.wants(t, 65, "2 of 5 mails could not be read")
	got := lines(t, r.out)
	if len(got) != 5 {
		t.Fatalf("%d lines:\n%s", len(got), r.out)
	}
	p := got[0]
	if p.File != picture || p.From[0].Name != "Jürgen" || p.Date != "2026-11-02T09:00:00Z" || p.MessageID != "p1@fernmail.example" || !slices.Equal(p.InReplyTo, []string{"1@fernmail.example"}) {
		t.Errorf("headers: %+v", p)
	}
	if strings.TrimSpace(p.VisibleText) == "" || strings.Contains(p.VisibleText, "older") || !strings.Contains(p.HiddenText, "older words") {
		t.Errorf("visible %q, hidden %q", p.VisibleText, p.HiddenText)
	}
	if a := p.Attachments[0]; !a.Inline || a.Size != 5 || a.ContentID != "pic" || a.Type != "image/png" || a.SHA256 != "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" {
		t.Errorf("attachment: %+v", a)
	}
	if got[1].Error != "The mail is empty." || !strings.Contains(got[2].Error, "no such file") {
		t.Errorf("errors: %q, %q", got[1].Error, got[2].Error)
	}
	b := got[3]
	if b.Class != "delivery_report" || b.Bounce.OriginalMessageID != "ours@desk.example" || len(b.Bounce.Recipients) != 1 {
		t.Fatalf("bounce: %+v", b)
	}
	if s := b.Bounce.Recipients[0]; s.Address != "gone@fernmail.example" || s.Action != "failed" || s.Status != "5.1.1" || !s.Permanent || s.SMTPReply != "550 5.1.1 no such user" {
		t.Errorf("bounce: %+v", s)
	}
	if last := got[4]; last.File != "-" || last.Class != "human" || last.Error != "" || last.Conversation.Verdict != "unknown" || !strings.Contains(last.Conversation.Reason, "No desk runs") {
		t.Errorf("standard input: %+v", last)
	}
	if _, err := os.Stat(filepath.Join(dir, "none")); err == nil {
		t.Error("inspect made a data folder")
	}
}

// keys lists the keys of a JSON object in order, with those of the objects in
// it; a null is named as such.
func keys(t *testing.T, d *json.Decoder, prefix string, out *[]string) {
	t.Helper()
	for d.More() {
		key, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		name := prefix + key.(string)
		*out = append(*out, name)
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		switch {
		case string(value) == "null":
			*out = append(*out, name+" is null")
		case value[0] == '{':
			inner := json.NewDecoder(bytes.NewReader(value))
			if _, err := inner.Token(); err != nil {
				t.Fatal(err)
			}
			keys(t, inner, name+".", out)
		}
	}
}

func TestInspectHasEveryKeyAlways(t *testing.T) {
	t.Parallel()
	want := strings.Fields(`file from reply_to to cc subject date message_id in_reply_to references text html visible_text hidden_text attachments class class_reasons
		bounce bounce.original_message_id bounce.recipients forwarded forwarded.from forwarded.to forwarded.cc forwarded.subject forwarded.text
		conversation conversation.verdict conversation.number conversation.evidence conversation.reason error`)
	for _, in := range []string{"", mail, withPicture, report, "\x00\x01\x02"} {
		r := run(t, in, "inspect", "--data", filepath.Join(t.TempDir(), "none"), "-")
		d := json.NewDecoder(strings.NewReader(r.out))
		if _, err := d.Token(); err != nil {
			t.Fatal(err)
		}
		var got []string
		keys(t, d, "", &got)
		if !slices.Equal(got, want) {
			t.Errorf("%q has the keys %v", in, got)
		}
	}
}

func TestInspectAsksTheRunningDesk(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	run(t, "", "mailbox", "add", "help@desk.example", "--data", data).wants(t, 0, "Added")
	serve(t, data)
	run(t, mail, "ingest", "--data", data, "help@desk.example").wants(t, 0, "")
	verdict := func(in string) inspected {
		r := run(t, in, "inspect", "--data", data, "-")
		r.wants(t, 0, "")
		return lines(t, r.out)[0]
	}
	answer := strings.Replace(mail, "Message-ID: <1@fernmail.example>", "Message-ID: <2@fernmail.example>\nIn-Reply-To: <1@fernmail.example>", 1)
	eventually(t, func() bool { return verdict(answer).Conversation.Verdict == "join" }, "the mail's answer joins nothing")
	if c := verdict(answer).Conversation; c.Number != 1 || c.Evidence != "stored_id" || !strings.Contains(c.Reason, "1@fernmail.example") {
		t.Errorf("an answer: %+v", c)
	}
	if c := verdict(strings.Replace(mail, "<1@", "<3@", 1)).Conversation; c.Verdict != "new" || c.Number != 0 || c.Reason == "" {
		t.Errorf("a new mail: %+v", c)
	}
	if c := verdict(strings.Replace(mail, "help@desk", "nobody@desk", 1)).Conversation; c.Verdict != "unknown" || c.Reason == "" {
		t.Errorf("a mail for nobody here: %+v", c)
	}
	if c := verdict(answer).Conversation; c.Verdict != "join" {
		t.Error("asking has changed the answer")
	}
}
