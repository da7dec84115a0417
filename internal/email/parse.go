package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"postroom"
)

// Parse reads a raw mail within the limits of o. It always returns a Mail: what
// is broken is repaired or kept as it stands, and Notices say so. Err is set
// only when the bytes are no mail at all. It never panics, and its work is
// bounded by the size of raw and the limits.
func Parse(raw []byte, o ParseOptions) *Mail {
	o = o.withDefaults()
	m := &Mail{Size: len(raw)}
	p := &parser{mail: m, limits: o}
	if len(raw) > o.MaxSize {
		raw = raw[:o.MaxSize]
		m.notice(NoticeTooLarge, "The mail is larger than the limit; only its beginning was read.")
	}
	raw = repairLineEnds(raw)
	if len(bytes.TrimSpace(raw)) == 0 {
		m.Err = postroom.Errorf(postroom.Invalid, "The mail is empty.")
		return m
	}
	h, body := p.header(raw)
	if len(h) == 0 {
		if looksBinary(body) {
			m.Err = postroom.Errorf(postroom.Invalid, "This is no mail: there are no headers and the content is binary.")
		}
		m.notice(NoticeNoHeader, "The mail has no headers; all of it is shown as text.")
	}
	p.describe(h)
	p.body = body
	p.finish(p.entity(h, body, place{}))
	return m
}

// parser carries one run of Parse.
type parser struct {
	mail     *Mail
	limits   ParseOptions
	parts    int
	decoded  int64
	fallback string // charset of raw 8-bit text in headers
	body     []byte // of the whole mail
	original header // of the mail a report is about
	tnef     piece  // the body in a winmail.dat, shown where there is no other
}

// place says where in the mail an entity stands.
type place struct {
	depth  int
	parent string // subtype of the multipart around it, "" at the top
	index  int    // among its siblings
	report string // report-type of the multipart/report around it

	charset string // of the multipart around it, for parts that name none
}

// piece is a part of the body to be shown, in the forms the mail has it in.
type piece struct {
	text, html       string
	hasText, hasHTML bool
}

// repairLineEnds makes bare CR line ends LF where the mail, or at least its
// header, has no other.
func repairLineEnds(raw []byte) []byte {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	raw = bytes.TrimLeft(raw, "\r\n")
	head := raw
	if len(head) > 64<<10 {
		head = head[:64<<10]
	}
	cr := bytes.IndexByte(head, '\r')
	lf := bytes.IndexByte(head, '\n')
	if cr < 0 || lf >= 0 && lf <= cr+1 {
		return raw
	}
	if lf < 0 || bytes.Count(head[:lf], []byte("\r")) > 1 && !bytes.HasSuffix(head[:lf], []byte("\r\r")) {
		fixed := bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
		return bytes.ReplaceAll(fixed, []byte("\r"), []byte("\n"))
	}
	return raw
}

func looksBinary(b []byte) bool {
	if len(b) > 4096 {
		b = b[:4096]
	}
	control := 0
	for _, c := range b {
		if c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != 0x1b && c != '\f' {
			control++
		}
	}
	return control > len(b)/50
}

// header reads a header block and notes what was wrong with it.
func (p *parser) header(b []byte) (header, []byte) {
	h, body, faults, cut := splitHeader(b, p.limits.MaxHeader)
	if faults > 0 && len(h) > 0 {
		p.mail.notice(NoticeBadHeader, "There are lines among the headers that are no headers.")
	}
	if cut {
		p.mail.notice(NoticeHeaderLarge, "The headers are larger than the limit; the rest of them was left out.")
	}
	return h, body
}

// describe fills what the outermost header says.
func (p *parser) describe(h header) {
	m := p.mail
	ct := parseMedia(h.get("Content-Type"), "")
	p.fallback = ct.params["charset"]
	m.ContentType, m.Params = ct.value, ct.params
	m.Headers = make([]Header, 0, len(h))
	for _, f := range h {
		m.Headers = append(m.Headers, Header{Name: f.name, Value: oneLine(decodeRaw(f.value, p.fallback))})
	}
	m.From = p.addresses(h, "From")
	m.ReplyTo = p.addresses(h, "Reply-To")
	m.To = p.addresses(h, "To")
	m.Cc = p.addresses(h, "Cc")
	m.Bcc = p.addresses(h, "Bcc")
	if list := p.addresses(h, "Sender"); len(list) > 0 {
		m.Sender = list[0]
	}
	if len(m.From) == 0 {
		m.notice(NoticeFromMissing, "The mail does not say who sent it.")
	}
	p.returnPath(h)
	for _, name := range []string{"Delivered-To", "X-Original-To", "Envelope-To", "X-Forwarded-For"} {
		p.deliveredTo(h, name)
	}
	m.Subject = strings.TrimSpace(decodeWords(h.get("Subject"), p.fallback))
	m.BaseSubject = BaseSubject(m.Subject)
	if ids := ParseIDs(h.get("Message-ID")); len(ids) > 0 {
		m.MessageID = ids[0]
	}
	for _, f := range h {
		switch {
		case strings.EqualFold(f.name, "In-Reply-To") && len(m.InReplyTo) < maxIDs:
			m.InReplyTo = append(m.InReplyTo, ParseIDs(f.value)...)
		case strings.EqualFold(f.name, "References") && len(m.References) < maxIDs:
			m.References = append(m.References, ParseIDs(f.value)...)
		}
	}
	p.date(h)
}

func (p *parser) date(h header) {
	m := p.mail
	m.Date, m.DateOK = ParseDate(h.get("Date"))
	if m.DateOK && !p.limits.Received.IsZero() && m.Date.After(p.limits.Received.Add(24*time.Hour)) {
		m.Date, m.DateOK = time.Time{}, false
	}
	if !m.DateOK {
		m.notice(NoticeDateUnusable, "The date of the mail is missing, unreadable or in the future.")
	}
}

// addresses reads all headers of that name: some senders repeat To and Cc.
func (p *parser) addresses(h header, name string) []Address {
	var list []Address
	for _, f := range h {
		if !strings.EqualFold(f.name, name) {
			continue
		}
		list = append(list, parseAddresses(f.value, p.fallback, p.limits.MaxAddresses+1-len(list))...)
		if len(list) > p.limits.MaxAddresses {
			p.mail.notice(NoticeManyAddresses, "The mail names more addresses than the limit; the rest was left out.")
			return list[:p.limits.MaxAddresses]
		}
	}
	return list
}

func (p *parser) returnPath(h header) {
	if from := p.limits.EnvelopeFrom; from != nil {
		p.mail.HasReturnPath = true
		p.mail.ReturnPath = cleanAddress(*from)
		return
	}
	if !h.has("Return-Path") {
		return
	}
	v := strings.TrimSpace(stripComment(h.get("Return-Path")))
	if v == "" {
		return
	}
	p.mail.HasReturnPath = true
	p.mail.ReturnPath = cleanAddress(v)
}

func (p *parser) deliveredTo(h header, name string) {
	for _, f := range h {
		if !strings.EqualFold(f.name, name) || len(p.mail.DeliveredTo) >= 50 {
			continue
		}
		// X-Forwarded-For of mail lists addresses separated by spaces.
		for _, w := range strings.FieldsFunc(f.value, func(r rune) bool { return r == ' ' || r == ',' || r == ';' }) {
			if a := cleanAddress(w); CheckAddress(a) == nil && !containsFold(p.mail.DeliveredTo, a) {
				p.mail.DeliveredTo = append(p.mail.DeliveredTo, a)
			}
		}
	}
}

// entity reads one part and everything in it, and returns what of it is body.
func (p *parser) entity(h header, body []byte, at place) []piece {
	p.parts++
	ct := p.contentType(h, at)
	if strings.HasPrefix(ct.value, "multipart/") {
		return p.multipart(h, ct, body, at)
	}
	return p.leaf(h, ct, body, at)
}

// contentType returns the media type of a part, with RFC 2045's and RFC
// 2046's defaults where it is missing or makes no sense.
func (p *parser) contentType(h header, at place) mediaType {
	ct := parseMedia(h.get("Content-Type"), p.fallback)
	switch {
	case ct.value == "" && at.parent == "digest":
		ct.value = "message/rfc822"
	case ct.value == "" || ct.value == "text":
		ct.value = "text/plain"
	case ct.value == "html":
		ct.value = "text/html"
	case !strings.Contains(ct.value, "/"):
		ct.value = "application/octet-stream"
		if at.depth == 0 {
			ct.value = "text/plain"
		}
	}
	return ct
}

func (p *parser) multipart(h header, ct mediaType, body []byte, at place) []piece {
	if at.depth >= p.limits.MaxDepth {
		p.mail.notice(NoticeTooDeep, "Parts are nested deeper than the limit; the innermost were kept as a file.")
		p.attach(h, ct, body, at)
		return nil
	}
	s := p.split(h, ct, body)
	if len(s.parts) == 0 {
		p.mail.notice(NoticeBadBoundary, "The parts of the mail could not be told apart; it is shown as it came.")
		if len(bytes.TrimSpace(body)) == 0 {
			return nil
		}
		return p.leaf(h, mediaType{value: "text/plain", params: ct.params}, body, at)
	}
	if !s.closed {
		p.mail.notice(NoticeTruncated, "The mail ends before its last part does; something may be missing.")
	}
	subtype := strings.TrimPrefix(ct.value, "multipart/")
	p.protection(ct, subtype)
	children := make([][]piece, 0, len(s.parts))
	for i, raw := range s.parts {
		if p.parts >= p.limits.MaxParts {
			p.mail.notice(NoticeTooManyParts, "The mail has more parts than the limit; the rest was left out.")
			break
		}
		ph, pb := p.header(raw)
		child := place{depth: at.depth + 1, parent: subtype, index: i, report: at.report, charset: ct.params["charset"]}
		if child.charset == "" {
			child.charset = at.charset
		}
		if subtype == "report" {
			child.report = strings.ToLower(ct.params["report-type"])
			if child.report == "" {
				child.report = "report"
			}
		}
		children = append(children, p.entity(ph, pb, child))
	}
	if subtype == "alternative" {
		return chooseAlternative(children)
	}
	var all []piece
	for _, c := range children {
		all = append(all, c...)
	}
	return all
}

// split finds the parts of a multipart, by guess where its boundary is
// missing or wrong, and under an encoding that no multipart may have.
func (p *parser) split(h header, ct mediaType, body []byte) split {
	s := splitMultipart(body, ct.params["boundary"])
	if len(s.parts) > 0 {
		return s
	}
	if enc := transferEncoding(h); enc == "base64" || enc == "quoted-printable" {
		body = decodeTransfer(body, enc)
		if s = splitMultipart(body, ct.params["boundary"]); len(s.parts) > 0 {
			return s
		}
	}
	if b := guessBoundary(body); b != "" {
		if s = splitMultipart(body, b); len(s.parts) > 0 {
			p.mail.notice(NoticeBadBoundary, "The boundary of the parts is wrong; they were found by guess.")
		}
	}
	return s
}

func (p *parser) protection(ct mediaType, subtype string) {
	protocol := strings.ToLower(ct.params["protocol"])
	switch {
	case subtype == "encrypted":
		p.encrypted(EncryptedPGP)
	case subtype == "signed" && strings.Contains(protocol, "pgp"):
		p.signed(SignedPGP)
	case subtype == "signed":
		p.signed(SignedSMIME)
	}
}

func (p *parser) encrypted(kind Encryption) {
	p.mail.Encryption = kind
	name := "S/MIME"
	if kind == EncryptedPGP {
		name = "PGP"
	}
	p.mail.notice(NoticeEncrypted, "The mail is encrypted with "+name+"; Postroom cannot open it. It is kept as it came.")
}

func (p *parser) signed(kind Encryption) {
	if p.mail.Encryption == NotProtected {
		p.mail.Encryption = kind
	}
	p.mail.notice(NoticeSigned, "The mail carries a digital signature; Postroom does not check it.")
}

// chooseAlternative makes one body of the alternatives (RFC 2046 5.1.4): the
// last one that has HTML, with the text of the ones that have only text.
func chooseAlternative(children [][]piece) []piece {
	var out piece
	var texts []string
	for _, pieces := range children {
		text, html, hasHTML := joinPiecesShown(pieces)
		switch {
		case len(pieces) == 0:
		case hasHTML:
			if strings.TrimSpace(html) != "" || !out.hasHTML {
				out.html, out.hasHTML = html, true
			}
			if text != "" && len(texts) == 0 && pieces[0].hasText {
				out.text, out.hasText = text, true
			}
		default:
			if len(texts) == 0 || strings.TrimSpace(texts[len(texts)-1]) != strings.TrimSpace(text) {
				texts = append(texts, text)
			}
			out.hasText = true
		}
	}
	if len(texts) > 0 {
		out.text = strings.Join(texts, "\n")
	}
	if !out.hasText && !out.hasHTML {
		return nil
	}
	return []piece{out}
}

// joinPiecesShown puts pieces together in order. HTML is made for text pieces
// among HTML ones, and text for HTML pieces among text ones.
func joinPiecesShown(pieces []piece) (text, html string, hasHTML bool) {
	hasText := false
	for _, pc := range pieces {
		hasText = hasText || pc.hasText
		hasHTML = hasHTML || pc.hasHTML
	}
	var texts, htmls []string
	for _, pc := range pieces {
		switch {
		case pc.hasText:
			texts = append(texts, pc.text)
		case hasText && pc.hasHTML:
			texts = append(texts, TextFromHTML(pc.html))
		}
		switch {
		case pc.hasHTML:
			htmls = append(htmls, pc.html)
		case hasHTML && strings.TrimSpace(pc.text) != "":
			htmls = append(htmls, HTMLFromText(pc.text))
		}
	}
	return joinTexts(texts), strings.Join(htmls, "\n"), hasHTML
}

// joinTexts joins with a line end wherever one is missing.
func joinTexts(texts []string) string {
	var out strings.Builder
	for i, t := range texts {
		if i > 0 && out.Len() > 0 && t != "" && !strings.HasSuffix(texts[i-1], "\n") {
			out.WriteByte('\n')
		}
		out.WriteString(t)
	}
	return out.String()
}

// finish fills what only the whole mail tells.
func (p *parser) finish(pieces []piece) {
	m := p.mail
	text, html, _ := joinPiecesShown(pieces)
	if strings.TrimSpace(text) == "" && strings.TrimSpace(html) == "" {
		text, html = p.tnef.text, p.tnef.html
	}
	if len(pieces) == 0 && len(m.Attachments) == 0 && strings.HasPrefix(m.ContentType, "multipart/") && text == "" && html == "" {
		// Its parts gave nothing, so whatever is there is shown as it came.
		text, _ = decodeCharset(p.body, p.fallback)
		if text = unixLines(text); strings.TrimSpace(text) != "" {
			m.notice(NoticeBadBoundary, "The parts of the mail could not be told apart; it is shown as it came.")
		}
	}
	if m.Text = p.capText(text); strings.TrimSpace(m.Text) == "" && len(m.Invites) > 0 && html == "" {
		m.Text = m.Invites[0].Text()
	}
	if m.HTML = p.capText(html); strings.TrimSpace(m.HTML) == "" {
		m.HTML = ""
	}
	p.fillReport()
	markInline(m)
	nameAttachments(m.Attachments)
}

const noticeTextLarge = "The text is longer than the limit; the rest of it is only in the original."

func (p *parser) capText(s string) string {
	if len(s) <= p.limits.MaxText {
		return s
	}
	p.mail.notice(NoticeTextLarge, noticeTextLarge)
	return cleanText(strings.ToValidUTF8(s[:p.limits.MaxText], ""))
}

// add appends an attachment with its hash.
func (p *parser) add(a Attachment) {
	sum := sha256.Sum256(a.Data)
	a.SHA256 = hex.EncodeToString(sum[:])
	p.mail.Attachments = append(p.mail.Attachments, a)
}
