package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"postroom"
)

// Auto says whether an outgoing mail is automatic (O3).
type Auto string

// The kinds of outgoing mail.
const (
	ByPerson     Auto = ""               // a person wrote it: no header says otherwise
	AutoReplied  Auto = "auto-replied"   // a machine answers a mail
	AutoNotified Auto = "auto-generated" // a machine writes of its own accord: notifications, timers
)

// Spec is an outgoing mail before it is bytes. The same Spec always gives the
// same bytes (W24), so everything that changes from mail to mail is in it.
type Spec struct {
	From    Address // the mailbox's address with the name shown (O5)
	Sender  Address // only if it differs from From
	ReplyTo []Address
	To      []Address
	Cc      []Address
	Bcc     []Address // part of the envelope, never of the bytes (O5)

	Subject    string
	Date       time.Time
	MessageID  string   // without brackets; see MessageID
	InReplyTo  string   // without brackets, or ""
	References []string // without brackets; see References

	Text string // derived from HTML when empty
	HTML string // no HTML part when empty

	Inline      []File // shown by the HTML as "cid:ContentID"
	Attachments []File

	Auto    Auto
	Loop    string   // value of LoopHeader: the mailbox; "" leaves it out
	Headers []Header // further headers of the mailbox's own

	// Seed makes the boundaries; the mail's id serves. Equal seeds give equal
	// boundaries.
	Seed string

	// Open returns the content of files that have no Data.
	Open func(sha256 string) (io.ReadCloser, error)
}

// File is an attachment of an outgoing mail. Data, or else the content that
// Spec.Open returns for SHA256, is sent.
type File struct {
	Name      string
	Type      string // media type; empty or malformed is application/octet-stream
	ContentID string // without brackets; needed for inline files
	SHA256    string
	Data      []byte
}

// Recipients returns the addresses of To, Cc and Bcc, each once whatever its
// case, in that order: the envelope.
func (s Spec) Recipients() []string {
	var list []string
	for _, as := range [][]Address{s.To, s.Cc, s.Bcc} {
		for _, a := range as {
			if !containsFold(list, a.Address) {
				list = append(list, a.Address)
			}
		}
	}
	return list
}

// NeedsSMTPUTF8 reports whether an address in the headers or the envelope is
// outside ASCII: such a mail needs a server that offers SMTPUTF8 (O6).
func (s Spec) NeedsSMTPUTF8() bool {
	for _, as := range [][]Address{{s.From, s.Sender}, s.ReplyTo, s.To, s.Cc, s.Bcc} {
		for _, a := range as {
			if !isASCII([]byte(a.Address)) {
				return true
			}
		}
	}
	return false
}

// Build makes the bytes of a mail: CRLF line ends, no line over 998 bytes
// (RFC 5322 2.1.1), seven-bit but for addresses that are not, a text part
// beside the HTML, pictures related to it (O6). Whatever could forge a header
// is refused with an Invalid error that names the field (S5). An error of
// Spec.Open is returned wrapped.
func Build(s Spec) ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	root, err := s.root()
	if err != nil {
		return nil, err
	}
	w := &mailWriter{}
	s.headers(w)
	root.write(w, 0, s.Seed)
	return w.buf.Bytes(), nil
}

// check refuses what must not be sent.
func (s Spec) check() error {
	for _, f := range []struct {
		field string
		list  []Address
	}{{"From", []Address{s.From}}, {"Reply-To", s.ReplyTo}, {"To", s.To}, {"Cc", s.Cc}, {"Bcc", s.Bcc}} {
		for _, a := range f.list {
			if err := CheckAddress(a.Address); err != nil {
				return postroom.InvalidField(f.field, "%s", postroom.TextOf(err))
			}
			if err := CheckHeaderValue(a.Name); err != nil {
				return postroom.InvalidField(f.field, "The name beside %s cannot be sent: %s", a.Address, postroom.TextOf(err))
			}
		}
	}
	if s.Sender != (Address{}) {
		if err := CheckAddress(s.Sender.Address); err != nil {
			return postroom.InvalidField("Sender", "%s", postroom.TextOf(err))
		}
		if err := CheckHeaderValue(s.Sender.Name); err != nil {
			return postroom.InvalidField("Sender", "%s", postroom.TextOf(err))
		}
	}
	if len(s.To)+len(s.Cc)+len(s.Bcc) == 0 {
		return postroom.InvalidField("To", "The mail has no recipient.")
	}
	if err := CheckHeaderValue(s.Subject); err != nil {
		return postroom.InvalidField("Subject", "%s", postroom.TextOf(err))
	}
	if err := CheckHeaderValue(s.Loop); err != nil {
		return postroom.InvalidField(LoopHeader, "%s", postroom.TextOf(err))
	}
	if s.Date.IsZero() {
		return postroom.InvalidField("Date", "The mail has no date.")
	}
	return s.checkIDs()
}

func (s Spec) checkIDs() error {
	if s.MessageID == "" {
		return postroom.InvalidField("Message-ID", "The mail has no Message-ID.")
	}
	for _, id := range append([]string{s.MessageID, s.InReplyTo}, s.References...) {
		if err := checkID(id); err != nil {
			return err
		}
	}
	switch s.Auto {
	case ByPerson, AutoReplied, AutoNotified:
	default:
		return postroom.InvalidField("Auto-Submitted", "%q is no kind of automatic mail.", s.Auto)
	}
	for _, h := range s.Headers {
		if err := CheckHeaderName(h.Name); err != nil {
			return err
		}
		if err := CheckHeaderValue(h.Value); err != nil {
			return postroom.InvalidField(h.Name, "%s", postroom.TextOf(err))
		}
	}
	for _, f := range append(append([]File{}, s.Inline...), s.Attachments...) {
		if err := CheckHeaderValue(f.Name); err != nil {
			return postroom.InvalidField("Attachments", "A file's name cannot be sent: %s", postroom.TextOf(err))
		}
		if err := checkID(f.ContentID); err != nil {
			return postroom.InvalidField("Attachments", "A file's content id cannot be sent.")
		}
	}
	return nil
}

// CheckHeaderValue returns an Invalid error if v cannot stand in a header: CR,
// LF, NUL or other control characters (S5), or no valid UTF-8.
func CheckHeaderValue(v string) error {
	switch {
	case strings.ContainsAny(v, "\r\n\x00"):
		return postroom.Errorf(postroom.Invalid, "It contains a line break or NUL, which could forge a header.")
	case !utf8.ValidString(v):
		return postroom.Errorf(postroom.Invalid, "It is not valid text.")
	case strings.ContainsFunc(v, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }):
		return postroom.Errorf(postroom.Invalid, "It contains a control character.")
	}
	return nil
}

// CheckHeaderName returns an Invalid error if a mailbox's own header may not
// have that name: malformed, or one that Postroom itself writes.
func CheckHeaderName(name string) error {
	if name == "" || len(name) > 76 {
		return postroom.InvalidField(name, "A header needs a name of at most 76 characters.")
	}
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f || c == ':' {
			return postroom.InvalidField(name, "%q is no header name.", name)
		}
	}
	switch strings.ToLower(name) {
	case "from", "sender", "reply-to", "to", "cc", "bcc", "subject", "date", "message-id", "in-reply-to", "references", "mime-version",
		"auto-submitted", "return-path", "received", "delivered-to", "dkim-signature", "authentication-results", strings.ToLower(LoopHeader):
		return postroom.InvalidField(name, "The header %s is written by Postroom itself.", name)
	}
	switch lower := strings.ToLower(name); {
	case lower == "precedence", lower == "x-auto-response-suppress", strings.HasPrefix(lower, "list-"):
		return postroom.InvalidField(name, "The header %s says that a mail is automatic or goes to many; replies must not say that.", name)
	case strings.HasPrefix(lower, "arc-"), lower == "received-spf", lower == "x-original-to", lower == "envelope-to":
		return postroom.InvalidField(name, "The header %s is written by mail servers.", name)
	}
	if strings.HasPrefix(strings.ToLower(name), "content-") || strings.HasPrefix(strings.ToLower(name), "resent-") {
		return postroom.InvalidField(name, "The header %s is written by Postroom itself.", name)
	}
	return nil
}

// checkID refuses ids that would not survive in a header.
func checkID(id string) error {
	if len(id) > 900 || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '<' || r == '>' }) {
		return postroom.InvalidField("Message-ID", "%q is no message id that can be sent.", id)
	}
	return nil
}

// root puts the parts together as deep as needed: mixed around related around
// alternative.
func (s Spec) root() (*node, error) {
	text := s.Text
	if text == "" {
		text = TextFromHTML(s.HTML)
	}
	top := textNode("text/plain", text)
	if strings.TrimSpace(s.HTML) != "" {
		html := textNode("text/html", s.HTML)
		if len(s.Inline) > 0 {
			related := &node{mediaType: "multipart/related", params: map[string]string{"type": "text/html"}, children: []*node{html}}
			for _, f := range s.Inline {
				n, err := s.fileNode(f, "inline")
				if err != nil {
					return nil, err
				}
				related.children = append(related.children, n)
			}
			html = related
		}
		top = &node{mediaType: "multipart/alternative", children: []*node{top, html}}
	}
	files := s.Attachments
	if strings.TrimSpace(s.HTML) == "" {
		files = append(append([]File{}, s.Inline...), files...)
	}
	if len(files) == 0 {
		return top, nil
	}
	mixed := &node{mediaType: "multipart/mixed", children: []*node{top}}
	for _, f := range files {
		n, err := s.fileNode(f, "attachment")
		if err != nil {
			return nil, err
		}
		mixed.children = append(mixed.children, n)
	}
	return mixed, nil
}

func (s Spec) fileNode(f File, disposition string) (_ *node, err error) {
	data := f.Data
	if data == nil {
		if s.Open == nil {
			return nil, postroom.Errorf(postroom.Internal, "The content of the file %q is missing.", f.Name)
		}
		defer postroom.Wrap(&err, "read attachment %s", f.SHA256)
		r, err := s.Open(f.SHA256)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		if data, err = io.ReadAll(r); err != nil {
			return nil, err
		}
	}
	if f.SHA256 != "" {
		if sum := sha256.Sum256(data); !strings.EqualFold(hex.EncodeToString(sum[:]), f.SHA256) {
			return nil, postroom.Errorf(postroom.Internal, "The content of the file %q is not what it was.", f.Name)
		}
	}
	return fileNode(f, disposition, data), nil
}

// headers writes the header of the whole mail. Bcc is not among them (O5).
func (s Spec) headers(w *mailWriter) {
	w.header("Date", s.Date.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	w.addresses("From", []Address{s.From})
	if s.Sender != (Address{}) && !strings.EqualFold(s.Sender.Address, s.From.Address) {
		w.addresses("Sender", []Address{s.Sender})
	}
	w.addresses("Reply-To", s.ReplyTo)
	if len(s.To)+len(s.Cc) == 0 {
		w.header("To", "undisclosed-recipients:;")
	}
	w.addresses("To", s.To)
	w.addresses("Cc", s.Cc)
	w.header("Message-ID", "<"+s.MessageID+">")
	if s.InReplyTo != "" {
		w.header("In-Reply-To", "<"+s.InReplyTo+">")
	}
	if len(s.References) > 0 {
		w.header("References", "<"+strings.Join(s.References, "> <")+">")
	}
	w.text("Subject", s.Subject)
	if s.Auto != ByPerson {
		w.header("Auto-Submitted", string(s.Auto))
		w.header("X-Auto-Response-Suppress", "All")
	}
	if s.Loop != "" {
		w.text(LoopHeader, s.Loop)
	}
	for _, h := range s.Headers {
		w.text(h.Name, h.Value)
	}
	w.header("MIME-Version", "1.0")
}

// boundary makes the n-th boundary of a mail from its seed.
func boundary(seed string, n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "postroom boundary\x00%s\x00%d", seed, n))
	return "=_" + hex.EncodeToString(sum[:16])
}

// mailWriter collects the bytes of a mail.
type mailWriter struct {
	buf bytes.Buffer
}

// text writes a header whose value may hold any text: encoded where needed.
func (w *mailWriter) text(name, value string) {
	if isASCII([]byte(value)) && !strings.Contains(value, "=?") && longestWord(value) < 900 {
		w.header(name, value)
		return
	}
	w.header(name, encodeWords(value))
}

// encodeWords writes text as encoded words (RFC 2047) of at most 75 bytes, none
// of which splits a character.
func encodeWords(s string) string {
	var words []string
	for s != "" {
		chunk := cutValid(s, 45)
		if chunk == "" {
			chunk = s // cannot be: a character has at most four bytes
		}
		s = s[len(chunk):]
		words = append(words, "=?utf-8?B?"+base64.StdEncoding.EncodeToString([]byte(chunk))+"?=")
	}
	return strings.Join(words, " ")
}

func longestWord(s string) int {
	n := 0
	for _, f := range strings.Fields(s) {
		n = max(n, len(f))
	}
	return n
}

func (w *mailWriter) addresses(name string, list []Address) {
	if len(list) == 0 {
		return
	}
	shown := make([]string, len(list))
	for i, a := range list {
		shown[i] = a.String()
	}
	w.header(name, strings.Join(shown, ", "))
}

// header writes a header, folded at spaces to lines of at most 76 bytes where
// it can be (RFC 5322 2.2.3).
func (w *mailWriter) header(name, value string) {
	line := name + ":"
	for _, word := range strings.Split(value, " ") {
		if len(line)+1+len(word) > 76 && len(strings.TrimSpace(line)) > 0 && line != name+":" {
			w.buf.WriteString(line + "\r\n")
			line = ""
		}
		line += " " + word
	}
	w.buf.WriteString(line + "\r\n")
}
