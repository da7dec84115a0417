package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strings"
)

// LoopHeader is the header every mail of ours carries: the mailbox that sent
// it. A mail that comes in with it, for that mailbox, and with an id that
// mailbox made, goes round in circles (D6).
const LoopHeader = "X-Postroom-Loop"

// MaxReceived is the number of Received lines from which a mail is taken to be
// going round in circles (D6, RFC 5321 6.3).
const MaxReceived = 100

// LoopMailboxes returns the values of all LoopHeaders, in lower case.
func LoopMailboxes(m *Mail) []string {
	var list []string
	for _, v := range m.HeaderValues(LoopHeader) {
		if v = strings.ToLower(strings.TrimSpace(v)); v != "" {
			list = append(list, v)
		}
	}
	return list
}

// ReceivedCount returns the number of Received lines: the hops a mail took.
func ReceivedCount(m *Mail) int { return len(m.HeaderValues("Received")) }

// ContentHash returns the SHA-256, in hexadecimal, of a raw mail without what
// servers add or change on its way: trace headers, line ends and white space
// around header values and at the end of lines. Two copies of one mail have
// equal hashes wherever they were picked up (D1, D7); two mails that differ in
// a word have not.
func ContentHash(raw []byte) string {
	h := sha256.New()
	fields, body, _, _ := splitHeader(repairLineEnds(raw), len(raw)+1)
	for _, f := range fields {
		if isTrace(f.name) {
			continue
		}
		h.Write([]byte(strings.ToLower(f.name)))
		h.Write([]byte{':'})
		h.Write([]byte(strings.Join(strings.Fields(f.value), " ")))
		h.Write([]byte{'\n'})
	}
	h.Write([]byte{'\n'})
	hashBody(h, body)
	return hex.EncodeToString(h.Sum(nil))
}

// hashBody hashes the lines of a body without their ends, and without blank
// lines at the end.
func hashBody(h hash.Hash, body []byte) {
	blank := 0
	for len(body) > 0 {
		var line []byte
		line, body = cutLine(body)
		line = bytes.TrimRight(line, " \t\r")
		if len(line) == 0 {
			blank++
			continue
		}
		for ; blank > 0; blank-- {
			h.Write([]byte{'\n'})
		}
		h.Write(line)
		h.Write([]byte{'\n'})
	}
}

// isTrace is true for headers that hops add or change.
func isTrace(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "received", "return-path", "delivered-to", "envelope-to", "envelope-from", "x-original-to", "x-forwarded-for", "x-forwarded-to",
		"authentication-results", "arc-seal", "arc-message-signature", "arc-authentication-results", "received-spf",
		"dkim-signature", "x-google-dkim-signature", "domainkey-signature", "x-received", "x-gm-message-state", "x-google-smtp-source",
		"delivery-date", "status", "x-status", "x-keywords", "x-uid", "x-uidl", "content-length", "lines", "x-mozilla-status", "x-mozilla-status2",
		"x-spam-status", "x-spam-level", "x-spam-checker-version", "x-spam-flag", "x-spam-score", "x-spam-report", "x-rspamd-server", "x-rspamd-queue-id",
		"x-virus-scanned", "x-virus-status", "x-evolution-source", "x-apparently-to", "x-resolved-to", "x-delivered-to", "x-attached", "x-mail-from",
		"x-sieve", "x-sieve-redirected-from", "x-cmae-envelope", "x-cmae-score", "x-cmae-analysis",
		"x-envelope-from", "x-envelope-to", "x-rcpt-to", "delivered-by", "x-spamd-result", "x-spamd-bar":
		return true
	}
	for _, p := range []string{"x-ms-exchange-", "x-microsoft-antispam", "x-forefront-", "x-ms-office365-", "x-eopattributedmessage", "x-ms-publictraffictype", "x-ms-traffictypediagnostic", "arc-"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// DerivedID returns an id, without brackets, for a mail that has no
// Message-ID (D2). It depends on the content alone, so that the same mail
// fetched twice has the same id.
func DerivedID(raw []byte) string {
	return "derived." + ContentHash(raw)[:40] + "@postroom.invalid"
}
