package email

import (
	"bytes"
	"strings"
)

// extractFiles takes files out of a text that carries them the old way:
// uuencode and yEnc (M6). data are the undecoded bytes of the text, which yEnc
// needs.
func (p *parser) extractFiles(text string, data []byte) string {
	if strings.Contains(text, "=ybegin ") && strings.Contains(text, "=yend") {
		if name, file, rest, ok := cutYEnc(data); ok && p.parts < p.limits.MaxParts {
			p.parts++
			p.unpacked(name, file)
			rest, _ := decodeCharset(rest, "")
			text = unixLines(rest)
		}
	}
	if !strings.Contains(text, "begin ") {
		return text
	}
	var kept strings.Builder
	rest := []byte(text)
	for p.parts < p.limits.MaxParts {
		f, ok := findUU(rest)
		if !ok {
			break
		}
		p.parts++
		p.unpacked(f.name, f.data)
		kept.Write(f.before)
		rest = f.after
	}
	kept.Write(rest)
	return kept.String()
}

func (p *parser) unpacked(name string, data []byte) {
	p.mail.notice(NoticeUnpacked, "A file was found inside the text and listed as an attachment.")
	name = safeName(name)
	p.add(Attachment{Name: name, Type: typeByName(name), Disposition: "attachment", Data: p.within(data)})
}

// uuFile is a uuencoded file within a text.
type uuFile struct {
	name          string
	data          []byte
	before, after []byte // the text around it
}

// findUU finds the first uuencoded file in b. It must be whole, from
// "begin MODE NAME" to "end", with lines as long as they say.
func findUU(b []byte) (uuFile, bool) {
	for pos := 0; pos < len(b); {
		i := bytes.Index(b[pos:], []byte("begin "))
		if i < 0 {
			break
		}
		i += pos
		pos = i + 6
		if i > 0 && b[i-1] != '\n' {
			continue
		}
		line, after := cutLine(b[i:])
		fields := strings.SplitN(string(line), " ", 3)
		if len(fields) != 3 || len(fields[1]) < 3 || len(fields[1]) > 4 || strings.Trim(fields[1], "01234567") != "" || fields[2] == "" {
			continue
		}
		if data, tail, whole := uuLines(after); whole {
			return uuFile{name: fields[2], data: data, before: b[:i], after: tail}, true
		}
	}
	return uuFile{}, false
}

func uuLines(b []byte) (data, rest []byte, ok bool) {
	for len(b) > 0 {
		line, next := cutLine(b)
		if string(bytes.TrimRight(line, " ")) == "end" {
			return data, next, true
		}
		if len(line) > 0 {
			n := int(line[0]-' ') & 0x3f
			if line[0] < ' ' || line[0] > '`' || len(line)-1 > (n+2)/3*4+4 {
				return nil, nil, false
			}
			data = append(data, uuLine(line[1:], n)...)
		}
		b = next
	}
	return nil, nil, false
}

// uuLine decodes n bytes; characters that mailers cut off at the end of a line
// are spaces.
func uuLine(line []byte, n int) []byte {
	out := make([]byte, 0, n+2)
	for i := 0; len(out) < n; i += 4 {
		var v uint32
		for j := range 4 {
			c := byte(' ')
			if i+j < len(line) {
				c = line[i+j]
			}
			v = v<<6 | uint32((c-' ')&0x3f)
		}
		out = append(out, byte(v>>16), byte(v>>8), byte(v))
	}
	return out[:n]
}

// cutYEnc takes a single-part yEnc file out of b.
func cutYEnc(b []byte) (name string, data, rest []byte, ok bool) {
	i := bytes.Index(b, []byte("=ybegin "))
	if i < 0 || i > 0 && b[i-1] != '\n' {
		return "", nil, b, false
	}
	head, after := cutLine(b[i:])
	_, name, found := strings.Cut(string(head), " name=")
	if !found {
		return "", nil, b, false
	}
	for len(after) > 0 {
		line, next := cutLine(after)
		switch {
		case bytes.HasPrefix(line, []byte("=yend")):
			return strings.TrimSpace(name), data, append(append([]byte{}, b[:i]...), next...), true
		case bytes.HasPrefix(line, []byte("=ypart")):
		default:
			for j := 0; j < len(line); j++ {
				c := line[j]
				if c == '=' && j+1 < len(line) {
					j++
					c = line[j] - 64
				}
				data = append(data, c-42)
			}
		}
		after = next
	}
	return "", nil, b, false
}
