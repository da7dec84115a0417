package email

import (
	"strings"
	"time"
)

// Mail is a received mail as far as it could be understood. Every string in
// it is valid UTF-8 without NUL; line ends in Text and HTML are "\n".
type Mail struct {
	Size    int      // bytes of the raw mail as it was handed in
	Headers []Header // of the outermost header block, in order of appearance

	From    []Address
	Sender  Address // the zero Address if there is none
	ReplyTo []Address
	To      []Address
	Cc      []Address
	Bcc     []Address

	ReturnPath    string // sender of the envelope, or address of the Return-Path header, without brackets
	HasReturnPath bool   // true with an empty ReturnPath is the null sender "<>"

	Subject     string // decoded and unfolded
	BaseSubject string // Subject without reply and forward prefixes (RFC 5256 2.1)

	Date   time.Time // of the Date header, in UTC; zero unless DateOK
	DateOK bool      // false when missing, unreadable or in the future (M8)

	MessageID  string   // without brackets, as written; "" when missing (see DerivedID)
	InReplyTo  []string // ids without brackets, as written, oldest first
	References []string // ids without brackets, as written, oldest first

	// DeliveredTo holds the addresses of the headers that delivering servers
	// add, in T17's order: Delivered-To, X-Original-To, Envelope-To,
	// X-Forwarded-For.
	DeliveredTo []string

	ContentType string            // media type of the whole mail, lower case
	Params      map[string]string // parameters of that Content-Type, keys in lower case

	Text string // plain text; "" when the mail has HTML only (see PlainText)
	HTML string // HTML as sent, never safe to show (see Sanitise); "" when there is none

	Attachments []Attachment // everything that is not in Text or HTML, inline parts included
	Invites     []Invite     // what calendar parts say; the parts are attachments too
	Report      *Report      // of a delivery or feedback report, else nil

	Encryption Encryption // what protects the content, if anything does
	Notices    []Notice   // what people should know about how this mail was read

	// Err is set when the bytes could not be understood as a mail at all; the
	// other fields then hold whatever was found.
	Err error
}

// Header is one header field. Name is as written, Value is unfolded and valid
// UTF-8, but encoded words in it are not decoded: see Decoded.
type Header struct {
	Name  string
	Value string
}

// Decoded returns the value with its encoded words (RFC 2047) decoded, for
// display only: never take an address or an id from it.
func (h Header) Decoded() string { return DecodeWords(h.Value) }

// Attachment is a part of a mail that is not body text. Data are the decoded
// bytes.
type Attachment struct {
	Name        string // safe and never empty, unique within the mail (M5)
	Type        string // media type in lower case, "application/octet-stream" if unknown
	Charset     string // label of a text part as written, or ""
	Disposition string // "attachment", "inline" or "", as sent
	ContentID   string // without brackets, or ""
	Location    string // Content-Location, or ""
	Inline      bool   // the HTML shows it, whatever its disposition (M4)
	Unnamed     bool   // the sender gave no name; Name was made from the type
	Data        []byte
	SHA256      string // of Data, in lower-case hexadecimal
}

// Size returns the number of decoded bytes.
func (a Attachment) Size() int64 { return int64(len(a.Data)) }

// Encryption says how a mail is protected. Postroom opens none of it, but
// says so instead of showing an empty message.
type Encryption string

// The kinds of protection that are recognised.
const (
	NotProtected   Encryption = ""
	EncryptedPGP   Encryption = "pgp_encrypted"
	EncryptedSMIME Encryption = "smime_encrypted"
	SignedPGP      Encryption = "pgp_signed"
	SignedSMIME    Encryption = "smime_signed"
)

// NoticeCode names what a Notice is about.
type NoticeCode string

// The notices Parse gives.
const (
	NoticeTooLarge      NoticeCode = "too_large"       // the raw mail was cut
	NoticeTooDeep       NoticeCode = "too_deep"        // parts nested too deep were kept whole
	NoticeTooManyParts  NoticeCode = "too_many_parts"  // later parts were left out
	NoticeHeaderLarge   NoticeCode = "header_large"    // a header block was cut
	NoticeDecodedLarge  NoticeCode = "decoded_large"   // later parts were left undecoded
	NoticeTextLarge     NoticeCode = "text_large"      // the text shown was cut
	NoticeBadHeader     NoticeCode = "bad_header"      // lines among the headers that are none
	NoticeBadBoundary   NoticeCode = "bad_boundary"    // parts were found by guess, or not at all
	NoticeTruncated     NoticeCode = "truncated"       // the mail ends in the middle of a part
	NoticeNoHeader      NoticeCode = "no_header"       // there is only text
	NoticeEncrypted     NoticeCode = "encrypted"       // only the recipient's key opens it
	NoticeSigned        NoticeCode = "signed"          // signed; the signature is not checked
	NoticeTNEF          NoticeCode = "tnef"            // a winmail.dat was unpacked
	NoticeTNEFUnread    NoticeCode = "tnef_unread"     // a winmail.dat could not be unpacked
	NoticeUnpacked      NoticeCode = "unpacked"        // files were found inside the text (uuencode, yEnc)
	NoticeDateUnusable  NoticeCode = "date_unusable"   // Date is missing, unreadable or in the future
	NoticeManyAddresses NoticeCode = "many_addresses"  // the address list was cut
	NoticeFromMissing   NoticeCode = "from_missing"    // nobody is named as the sender
	NoticeCharset       NoticeCode = "unknown_charset" // the charset was guessed
)

// Notice is something people should know about how a mail was read.
type Notice struct {
	Code NoticeCode
	Text string // a sentence in English
}

// notice adds a Notice once: the same code and text is not repeated, and there
// are never more than 50.
func (m *Mail) notice(code NoticeCode, text string) {
	if len(m.Notices) >= 50 {
		return
	}
	for _, n := range m.Notices {
		if n.Code == code && n.Text == text {
			return
		}
	}
	m.Notices = append(m.Notices, Notice{Code: code, Text: text})
}

// HasNotice reports whether Parse gave a notice with that code.
func (m *Mail) HasNotice(code NoticeCode) bool {
	for _, n := range m.Notices {
		if n.Code == code {
			return true
		}
	}
	return false
}

// Header returns the unfolded value of the first header with that name,
// whatever its case, or "".
func (m *Mail) Header(name string) string {
	v, _ := m.lookup(name)
	return v
}

// HasHeader reports whether there is a header with that name, even an empty
// one.
func (m *Mail) HasHeader(name string) bool {
	_, ok := m.lookup(name)
	return ok
}

// HeaderValues returns the unfolded values of all headers with that name, in
// order of appearance.
func (m *Mail) HeaderValues(name string) []string {
	var vs []string
	for _, h := range m.Headers {
		if strings.EqualFold(h.Name, name) {
			vs = append(vs, h.Value)
		}
	}
	return vs
}

func (m *Mail) lookup(name string) (string, bool) {
	for _, h := range m.Headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value, true
		}
	}
	return "", false
}

// PlainText returns Text, or the text of the HTML where there is no Text.
func (m *Mail) PlainText() string {
	if m.Text != "" || m.HTML == "" {
		return m.Text
	}
	return TextFromHTML(m.HTML)
}
