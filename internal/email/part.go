package email

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"postroom/internal/email/tnef"
)

// transferEncoding returns the Content-Transfer-Encoding in lower case.
func transferEncoding(h header) string {
	v := strings.ToLower(strings.TrimSpace(stripComment(h.get("Content-Transfer-Encoding"))))
	return strings.Trim(v, "\"'; ")
}

// leaf reads a part that holds no parts.
func (p *parser) leaf(h header, ct mediaType, body []byte, at place) []piece {
	cd := parseMedia(h.get("Content-Disposition"), p.fallback)
	name := partName(ct, cd)
	switch {
	case ct.value == "message/rfc822" || ct.value == "message/global" || ct.value == "message/news":
		p.attachMessage(h, ct, cd, name, body, at)
		return nil
	case ct.value == "message/delivery-status" || ct.value == "message/global-delivery-status",
		ct.value == "message/feedback-report", ct.value == "message/disposition-notification",
		ct.value == "text/rfc822-headers" || ct.value == "message/global-headers":
		p.reportPart(ct.value, p.decode(h, body))
		p.attach(h, ct, body, at)
		return nil
	case isTNEF(ct.value, name):
		return p.unpackTNEF(h, ct, body, at)
	case ct.value == "text/calendar" || ct.value == "application/ics" || strings.HasSuffix(strings.ToLower(name), ".ics"):
		text, _ := decodeCharset(p.decode(h, body), ct.params["charset"])
		p.mail.Invites = append(p.mail.Invites, readInvites(text)...)
		p.attach(h, ct, body, at)
		return nil
	case strings.HasSuffix(ct.value, "/pkcs7-mime") || strings.HasSuffix(ct.value, "/x-pkcs7-mime"):
		if strings.HasPrefix(strings.ToLower(ct.params["smime-type"]), "signed") {
			p.signed(SignedSMIME)
		} else {
			p.encrypted(EncryptedSMIME)
		}
		p.attach(h, ct, body, at)
		return nil
	case !isBody(ct.value, cd.value, name, at):
		p.attach(h, ct, body, at)
		return nil
	}
	return p.bodyText(h, ct, body, at)
}

// isBody decides whether a part is text to show or a file (M3; the shape of
// the rule is RFC 8621 4.1.4's).
func isBody(mediaType, disposition, name string, at place) bool {
	switch mediaType {
	case "text/plain", "text/html":
	case "text/enriched", "text/richtext":
		if at.parent == "alternative" {
			return false
		}
	default:
		return false
	}
	if disposition == "attachment" {
		return false
	}
	if at.parent == "" || at.parent == "alternative" {
		return true
	}
	return at.index == 0 || at.parent != "related" && name == ""
}

// bodyText decodes a text part into a piece of the body.
func (p *parser) bodyText(h header, ct mediaType, body []byte, at place) []piece {
	data := p.decode(h, body)
	if most := 4 * p.limits.MaxText; len(data) > most {
		p.mail.notice(NoticeTextLarge, noticeTextLarge)
		data = data[:most]
	}
	label := ct.params["charset"]
	if ct.value == "text/html" {
		if label == "" {
			label = metaCharset(data)
		}
		if label == "" && !utf8.Valid(data) {
			label = p.otherCharset(at)
		}
		html, known := decodeCharset(data, label)
		p.checkCharset(known, label)
		return []piece{{html: p.capText(unixLines(html)), hasHTML: true}}
	}
	if label == "" && !utf8.Valid(data) {
		label = p.otherCharset(at)
	}
	text, known := decodeCharset(data, label)
	p.checkCharset(known, label)
	text = unixLines(text)
	if ct.value != "text/plain" {
		return []piece{{text: TextFromHTML(strings.ReplaceAll(p.capText(text), "\n", "<br>")), hasText: true}}
	}
	if strings.EqualFold(ct.params["format"], "flowed") {
		text = unflow(text, strings.EqualFold(ct.params["delsp"], "yes"))
	}
	if strings.Contains(text, "-----BEGIN PGP MESSAGE-----") && strings.Contains(text, "-----END PGP MESSAGE-----") {
		p.encrypted(EncryptedPGP)
	} else if strings.Contains(text, "-----BEGIN PGP SIGNED MESSAGE-----") {
		p.signed(SignedPGP)
	}
	return []piece{{text: p.capText(p.extractFiles(text, data)), hasText: true}}
}

// otherCharset is what the mail says elsewhere about its charset, for a part
// that says nothing and is no UTF-8.
func (p *parser) otherCharset(at place) string {
	if at.charset != "" {
		return at.charset
	}
	return p.fallback
}

func (p *parser) checkCharset(known bool, label string) {
	if !known {
		p.mail.notice(NoticeCharset, fmt.Sprintf("The text says it is written in %q, which is unknown; it was guessed.", cleanText(label)))
	}
}

// metaCharset finds the charset an HTML document names itself, in its first
// kilobytes.
func metaCharset(data []byte) string {
	head := data
	if len(head) > 4096 {
		head = head[:4096]
	}
	i := bytes.Index(bytes.ToLower(head), []byte("charset="))
	if i < 0 {
		return ""
	}
	v := bytes.TrimLeft(head[i+8:], "\"' ")
	if end := bytes.IndexAny(v, "\"' />;\r\n"); end >= 0 {
		v = v[:end]
	}
	if len(v) > 40 {
		return ""
	}
	return string(v)
}

// unixLines makes every line end "\n".
func unixLines(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	s = strings.ReplaceAll(s, "\r\r\n", "\n")
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.ReplaceAll(s, "\r", "\n")
}

// decode undoes the transfer encoding within the limit for decoded bytes.
func (p *parser) decode(h header, body []byte) []byte {
	data := decodeTransfer(body, transferEncoding(h))
	return p.within(data)
}

// within cuts data to what the limit for decoded bytes leaves.
func (p *parser) within(data []byte) []byte {
	if left := p.limits.MaxDecoded - p.decoded; int64(len(data)) > left {
		p.mail.notice(NoticeDecodedLarge, "The mail unpacks to more than the limit; the rest was left out.")
		data = data[:max(left, 0)]
	}
	p.decoded += int64(len(data))
	return data
}

// attach keeps a part as a file.
func (p *parser) attach(h header, ct mediaType, body []byte, at place) {
	cd := parseMedia(h.get("Content-Disposition"), p.fallback)
	p.add(Attachment{
		Name:        partName(ct, cd),
		Type:        ct.value,
		Charset:     ct.params["charset"],
		Disposition: disposition(cd.value),
		ContentID:   contentID(h.get("Content-ID")),
		Location:    strings.TrimSpace(oneLine(decodeRaw(h.get("Content-Location"), ""))),
		Data:        p.decode(h, body),
	})
}

// disposition maps what is unknown to attachment, as RFC 2183 2.8 asks.
func disposition(v string) string {
	switch v {
	case "", "inline":
		return v
	}
	return "attachment"
}

func contentID(v string) string {
	return strings.Trim(strings.TrimSpace(oneLine(decodeRaw(v, ""))), "<> ")
}

// attachMessage keeps a mail within the mail whole, named by its subject.
func (p *parser) attachMessage(h header, ct, cd mediaType, name string, body []byte, at place) {
	data := p.decode(h, body)
	inner, _, _, _ := splitHeader(data, p.limits.MaxHeader)
	if at.report != "" {
		p.returned(inner)
	}
	a := Attachment{Name: name, Type: ct.value, Disposition: disposition(cd.value), ContentID: contentID(h.get("Content-ID")), Data: data}
	if a.Name == "" {
		if s := strings.TrimSpace(decodeWords(inner.get("Subject"), p.fallback)); s != "" {
			a.Name, a.Unnamed = s+".eml", true
		}
	}
	p.add(a)
}

func isTNEF(mediaType, name string) bool {
	return mediaType == "application/ms-tnef" || mediaType == "application/vnd.ms-tnef" ||
		strings.EqualFold(name, "winmail.dat") && (mediaType == "application/octet-stream" || mediaType == "")
}

// unpackTNEF puts what is in a winmail.dat in its place (M6). One that cannot
// be read stays a file.
func (p *parser) unpackTNEF(h header, ct mediaType, body []byte, at place) []piece {
	data := decodeTransfer(body, transferEncoding(h))
	msg, err := tnef.Read(data, tnef.Limits{MaxBytes: p.limits.MaxDecoded - p.decoded, MaxAttachments: max(p.limits.MaxParts-p.parts, 0)})
	if len(msg.Attachments) == 0 && msg.Text == "" && msg.HTML == "" {
		if err == nil {
			p.attach(h, ct, body, at) // nothing in it that could be shown
			return nil
		}
		p.mail.notice(NoticeTNEFUnread, "An Outlook container (winmail.dat) could not be unpacked; it is kept as it came.")
		p.attach(h, ct, body, at)
		return nil
	}
	p.mail.notice(NoticeTNEF, "Files were unpacked from an Outlook container (winmail.dat).")
	for _, a := range msg.Attachments {
		p.parts++
		t := strings.ToLower(a.Type)
		if t == "" {
			t = typeByName(a.Name)
		}
		p.add(Attachment{Name: a.Name, Type: t, Disposition: "attachment", ContentID: contentID(a.ContentID), Data: p.within(a.Data)})
	}
	if p.tnef.text == "" && p.tnef.html == "" {
		p.tnef.text, p.tnef.html = unixLines(cleanText(msg.Text)), unixLines(cleanText(msg.HTML))
	}
	return nil
}
