package email

import (
	"encoding/base64"
	"mime/quotedprintable"
	"sort"
	"strings"
	"unicode/utf8"
)

// node is a part of an outgoing mail: children, or data.
type node struct {
	mediaType   string
	params      map[string]string
	disposition string
	filename    string
	contentID   string
	data        []byte
	encoding    string
	children    []*node
}

// textNode makes a text part: UTF-8, and quoted-printable unless it is short
// lines of ASCII.
func textNode(mediaType, text string) *node {
	text = unixLines(cleanText(text))
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	n := &node{mediaType: mediaType, params: map[string]string{"charset": "utf-8"}, encoding: "quoted-printable"}
	if isShortASCII(text) {
		n.encoding = "7bit"
	}
	n.data = []byte(strings.ReplaceAll(text, "\n", "\r\n"))
	return n
}

// isShortASCII is true for text that can be sent as it is. Lines that begin
// with "From " or "." are not: servers of old change them.
func isShortASCII(text string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		if len(line) > 76 || strings.HasPrefix(line, "From ") || strings.HasPrefix(line, ".") || strings.HasSuffix(line, " ") || strings.HasSuffix(line, "\t") {
			return false
		}
		for i := 0; i < len(line); i++ {
			if line[i] >= 0x7f || line[i] < ' ' && line[i] != '\t' {
				return false
			}
		}
	}
	return true
}

func fileNode(f File, disposition string, data []byte) *node {
	name := safeName(f.Name)
	t := validType(f.Type)
	if name == "" {
		name = typeName(t)
	}
	n := &node{mediaType: t, disposition: disposition, filename: name, contentID: f.ContentID, data: data, encoding: "base64"}
	if strings.HasPrefix(t, "text/") && utf8.Valid(data) {
		n.params = map[string]string{"charset": "utf-8"}
	}
	// An attached mail may not be in base64 (RFC 2046 5.2.1), and readers that
	// follow the rule would not show it: it is sent as a file.
	if strings.HasPrefix(t, "message/") {
		n.mediaType = "application/octet-stream"
	}
	return n
}

// write writes the headers and the body of a part. at numbers the multiparts
// for their boundaries; the next free number is returned.
func (n *node) write(w *mailWriter, at int, seed string) int {
	if len(n.children) == 0 {
		n.writeLeaf(w)
		return at
	}
	b := boundary(seed, at)
	at++
	params := map[string]string{"boundary": b}
	for k, v := range n.params {
		params[k] = v
	}
	w.header("Content-Type", formatMedia(n.mediaType, params))
	w.buf.WriteString("\r\n")
	for _, c := range n.children {
		w.buf.WriteString("--" + b + "\r\n")
		at = c.write(w, at, seed)
		w.buf.WriteString("\r\n")
	}
	w.buf.WriteString("--" + b + "--\r\n")
	return at
}

func (n *node) writeLeaf(w *mailWriter) {
	params := map[string]string{}
	for k, v := range n.params {
		params[k] = v
	}
	if n.filename != "" {
		params["name"] = n.filename
	}
	w.header("Content-Type", formatMedia(n.mediaType, params))
	w.header("Content-Transfer-Encoding", n.encoding)
	if n.disposition != "" {
		w.header("Content-Disposition", formatMedia(n.disposition, map[string]string{"filename": n.filename}))
	}
	if n.contentID != "" {
		w.header("Content-ID", "<"+n.contentID+">")
	}
	w.buf.WriteString("\r\n")
	switch n.encoding {
	case "base64":
		writeBase64(w, n.data)
	case "quoted-printable":
		q := quotedprintable.NewWriter(&w.buf)
		_, _ = q.Write(n.data) // a bytes.Buffer does not fail
		_ = q.Close()
	default:
		w.buf.Write(n.data)
	}
}

func writeBase64(w *mailWriter, data []byte) {
	const raw = 57 // 76 characters
	w.buf.Grow(base64.StdEncoding.EncodedLen(len(data)) + len(data)/raw*2 + 4)
	var line [76]byte
	for len(data) > 0 {
		chunk := data[:min(raw, len(data))]
		data = data[len(chunk):]
		n := base64.StdEncoding.EncodedLen(len(chunk))
		base64.StdEncoding.Encode(line[:n], chunk)
		w.buf.Write(line[:n])
		w.buf.WriteString("\r\n")
	}
}

// formatMedia renders a Content-Type or Content-Disposition with its
// parameters in order of their names. Values beyond ASCII are written by RFC
// 2231, split where they are long; a name= of that kind by RFC 2047, as every
// mail program writes and reads it.
func formatMedia(value string, params map[string]string) string {
	names := make([]string, 0, len(params))
	for k := range params {
		names = append(names, k)
	}
	sort.Strings(names)
	var out strings.Builder
	out.WriteString(value)
	for _, k := range names {
		v := params[k]
		if isASCII([]byte(v)) && len(v) <= 60 {
			out.WriteString("; " + k + "=" + quoteParam(v))
			continue
		}
		for _, p := range continuations(k, v) {
			out.WriteString("; " + p)
		}
	}
	return out.String()
}

func quoteParam(v string) string {
	if v != "" && !strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?=`, r) }) {
		return v
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
}

// continuations writes a parameter by RFC 2231: in UTF-8, percent-encoded, in
// pieces of at most 50 bytes.
func continuations(name, v string) []string {
	const hexDigits = "0123456789ABCDEF"
	var pieces []string
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		c := v[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' {
			b.WriteByte(c)
		} else {
			b.WriteString("%" + string(hexDigits[c>>4]) + string(hexDigits[c&15]))
		}
		if b.Len() >= 48 {
			pieces = append(pieces, b.String())
			b.Reset()
		}
	}
	if b.Len() > 0 {
		pieces = append(pieces, b.String())
	}
	if len(pieces) == 1 {
		return []string{name + "*=utf-8''" + pieces[0]}
	}
	out := make([]string, len(pieces))
	for i, p := range pieces {
		if i == 0 {
			p = "utf-8''" + p
		}
		out[i] = name + "*" + itoa(i) + "*=" + p
	}
	return out
}
