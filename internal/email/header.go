package email

import (
	"bytes"
	"net/url"
	"sort"
	"strconv"
	"strings"
)

// field is a header field as it stands in the bytes: unfolded, undecoded.
type field struct {
	name  string
	value string
}

// header is a header block as it stands in the bytes.
type header []field

func (h header) get(name string) string {
	for _, f := range h {
		if strings.EqualFold(f.name, name) {
			return f.value
		}
	}
	return ""
}

func (h header) has(name string) bool {
	for _, f := range h {
		if strings.EqualFold(f.name, name) {
			return true
		}
	}
	return false
}

// cutLine returns the first line of b without its ending, and what follows.
func cutLine(b []byte) (line, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return bytes.TrimRight(b, "\r"), nil
	}
	return bytes.TrimRight(b[:i], "\r"), b[i+1:]
}

// splitHeader reads the header block at the start of b and returns it and the
// body after the blank line. Lines that are no header fields are joined to the
// field before them when more fields follow, and begin the body otherwise.
// faults counts them; cut is true when the block was longer than limit.
func splitHeader(b []byte, limit int) (h header, body []byte, faults int, cut bool) {
	read := 0
	rest := b
	var folded []byte // the value of the last field, while lines are added to it
	fold := func(line []byte) {
		if folded == nil {
			folded = []byte(h[len(h)-1].value)
		}
		folded = appendFold(folded, line)
	}
	unfold := func() {
		if folded != nil {
			h[len(h)-1].value, folded = string(folded), nil
		}
	}
	defer unfold()
	for len(rest) > 0 {
		line, next := cutLine(rest)
		read += len(rest) - len(next)
		switch {
		case len(bytes.TrimSpace(line)) == 0:
			if len(line) > 0 && len(h) > 0 && fieldFollows(next) {
				break // a line of spaces in the middle of a folded field
			}
			return h, next, faults, cut
		case read > limit:
			cut = true // read on to the blank line, but keep nothing more
		case line[0] == ' ' || line[0] == '\t':
			if len(h) == 0 {
				if !fieldFollows(rest) && !isField(bytes.TrimLeft(line, " \t")) {
					return h, rest, faults + 1, cut
				}
				faults++
				if name, value, ok := cutField(bytes.TrimLeft(line, " \t")); ok {
					h = append(h, field{name, value})
				}
				break
			}
			fold(line)
		default:
			name, value, ok := cutField(line)
			switch {
			case ok:
				unfold()
				h = append(h, field{name, value})
			case len(h) == 0 && isEnvelopeLine(line):
			case fieldFollows(next):
				faults++
				if len(h) > 0 {
					fold(line)
				}
			default:
				return h, rest, faults + 1, cut
			}
		}
		rest = next
	}
	return h, nil, faults, cut
}

// appendFold unfolds: a line end and the space after it are that space.
func appendFold(value, line []byte) []byte {
	line = bytes.TrimRight(line, " \t")
	if len(value) == 0 {
		return append(value, bytes.TrimLeft(line, " \t")...)
	}
	if len(line) == 0 || line[0] != ' ' && line[0] != '\t' {
		value = append(value, ' ')
	}
	return append(value, line...)
}

// isEnvelopeLine recognises the line mbox files and some servers put before
// the header.
func isEnvelopeLine(line []byte) bool {
	return bytes.HasPrefix(line, []byte("From ")) || bytes.HasPrefix(line, []byte(">From "))
}

// cutField splits a line into the name and value of a header field.
func cutField(line []byte) (name, value string, ok bool) {
	i := bytes.IndexByte(line, ':')
	if i <= 0 || i > 200 {
		return "", "", false
	}
	n := bytes.TrimRight(line[:i], " \t")
	if len(n) == 0 {
		return "", "", false
	}
	for j, c := range n {
		if c <= ' ' || c >= 0x7f {
			if (c == ' ' || c == '\t') && bytes.HasPrefix(n, []byte("X-")) && j > 2 {
				continue // seen in the wild in private fields
			}
			return "", "", false
		}
	}
	return string(n), string(bytes.TrimSpace(line[i+1:])), true
}

// isField is true for a line that looks like a header field, and not like
// prose with a colon or an address.
func isField(line []byte) bool {
	name, _, ok := cutField(line)
	if !ok || len(name) > 76 || strings.ContainsAny(name, "/<>@\"()[]") {
		return false
	}
	return true
}

// fieldFollows reports whether a header field follows within a few lines and
// before a blank one.
func fieldFollows(b []byte) bool {
	for range 4 {
		if len(b) == 0 {
			return false
		}
		line, rest := cutLine(b)
		if len(bytes.TrimSpace(line)) == 0 {
			return false
		}
		if isField(line) && knownField(line) {
			return true
		}
		b = rest
	}
	return false
}

// knownField is true for names that stand in headers and hardly in prose.
func knownField(line []byte) bool {
	name, _, _ := cutField(line)
	switch name = strings.ToLower(name); name {
	case "from", "to", "cc", "subject", "date", "received", "sender", "reply-to", "references", "mime-version":
		return true
	}
	return strings.Contains(name, "-") && len(name) > 4
}

// mediaType is a parsed Content-Type or Content-Disposition.
type mediaType struct {
	value  string // lower case, "" when there is none
	params map[string]string
}

// parseMedia reads a Content-Type or Content-Disposition value tolerantly:
// continuations and charsets of RFC 2231, encoded words in values, missing
// quotes, semicolons and equal signs. fallback is the charset of raw 8-bit
// text in values.
func parseMedia(s, fallback string) mediaType {
	value, rest := cutParam(s)
	m := mediaType{value: strings.ToLower(strings.Trim(value, " \t\r\n\"';,"))}
	if i := strings.IndexAny(m.value, " \t("); i >= 0 {
		m.value = m.value[:i]
	}
	if rest == "" {
		return m
	}
	m.params = map[string]string{}
	pieces := map[string]map[int]paramPiece{}
	for n := 0; rest != "" && n < 200; n++ {
		var p string
		p, rest = cutParam(rest)
		name, val, ok := strings.Cut(p, "=")
		name = strings.ToLower(strings.TrimSpace(stripComment(name)))
		if !ok || name == "" {
			continue
		}
		base, index, extended := splitParamName(name)
		if index < 0 && !extended {
			if _, dup := m.params[base]; !dup {
				m.params[base] = decodeWords(unquote(val), fallback)
			}
			continue
		}
		if pieces[base] == nil {
			pieces[base] = map[int]paramPiece{}
		}
		if _, dup := pieces[base][max(index, 0)]; !dup {
			pieces[base][max(index, 0)] = paramPiece{unquote(val), extended}
		}
	}
	for base, ps := range pieces {
		if v := joinPieces(ps, fallback); v != "" {
			m.params[base] = v
		}
	}
	return m
}

type paramPiece struct {
	value    string
	extended bool
}

// joinPieces puts the continuations of an RFC 2231 parameter together.
func joinPieces(ps map[int]paramPiece, fallback string) string {
	order := make([]int, 0, len(ps))
	for i := range ps {
		order = append(order, i)
	}
	sort.Ints(order)
	var raw []byte
	charset, extended := "", false
	for n, i := range order {
		p := ps[i]
		v := p.value
		if p.extended {
			extended = true
			if n == 0 {
				if parts := strings.SplitN(v, "'", 3); len(parts) == 3 {
					charset, v = parts[0], parts[2]
				}
			}
			v = unescapePercent(v)
		}
		raw = append(raw, v...)
	}
	if extended {
		text, _ := decodeCharset(raw, charset)
		return oneLine(text)
	}
	return decodeWords(string(raw), fallback)
}

func unescapePercent(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			out.WriteByte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
			continue
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// splitParamName takes "name*1*" apart. index is -1 without a number.
func splitParamName(name string) (base string, index int, extended bool) {
	base, rest, ok := strings.Cut(name, "*")
	if !ok {
		return name, -1, false
	}
	if strings.HasSuffix(rest, "*") || rest == "" {
		extended = true
	}
	n, err := strconv.Atoi(strings.TrimSuffix(rest, "*"))
	if err != nil || n < 0 || n > 1000 {
		return base, -1, extended
	}
	return base, n, extended
}

// cutParam cuts s at the first semicolon outside quotes.
func cutParam(s string) (param, rest string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ';' && !quoted:
			return s[:i], s[i+1:]
		}
	}
	if quoted {
		// A quote that never closes would swallow what follows.
		if i := strings.IndexByte(s, ';'); i >= 0 && strings.Count(s, `"`) == 1 && strings.IndexByte(s, '"') > i {
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

func unquote(s string) string {
	s = strings.TrimSpace(s)
	if !strings.HasPrefix(s, `"`) {
		if i := strings.IndexByte(s, '('); i > 0 && s[i-1] == ' ' {
			s = strings.TrimSpace(s[:i])
		}
		return strings.Trim(s, `"`)
	}
	var out strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			out.WriteByte(s[i])
		case s[i] == '"':
			return out.String()
		default:
			out.WriteByte(s[i])
		}
	}
	return out.String()
}

// stripComment removes parenthesised comments (RFC 5322 3.2.2) outside quotes.
func stripComment(s string) string {
	if strings.IndexByte(s, '(') < 0 {
		return s
	}
	var out strings.Builder
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			if depth == 0 {
				out.WriteString(s[i : i+2])
			}
			i++
		case c == '"' && depth == 0:
			quoted = !quoted
			out.WriteByte(c)
		case c == '(' && !quoted:
			depth++
		case c == ')' && !quoted && depth > 0:
			depth--
		case depth == 0:
			out.WriteByte(c)
		}
	}
	return out.String()
}
