package tnef

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
	"unicode/utf16"
)

// prefill is what the dictionary of compressed RTF begins with (MS-OXRTFCP
// 2.1.2.1).
const prefill = "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor " +
	"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"

// decompress undoes the compression of RTF bodies (MS-OXRTFCP), up to limit
// bytes.
func decompress(b []byte, limit int64) ([]byte, error) {
	if len(b) < 16 {
		return nil, ErrFormat
	}
	size := int64(binary.LittleEndian.Uint32(b[4:]))
	magic := binary.LittleEndian.Uint32(b[8:])
	in := b[16:]
	if size > limit {
		size = limit
	}
	switch magic {
	case 0x414c454d: // "MELA": stored as it is
		return in[:min(size, int64(len(in)))], nil
	case 0x75465a4c: // "LZFu"
	default:
		return nil, ErrFormat
	}
	var dict [4096]byte
	at := copy(dict[:], prefill)
	out := make([]byte, 0, min(size, int64(len(in))*8))
	for len(in) > 0 && int64(len(out)) < size {
		control := in[0]
		in = in[1:]
		for bit := 0; bit < 8 && len(in) > 0 && int64(len(out)) < size; bit++ {
			if control&(1<<bit) == 0 {
				dict[at] = in[0]
				at = (at + 1) % len(dict)
				out = append(out, in[0])
				in = in[1:]
				continue
			}
			if len(in) < 2 {
				return out, nil
			}
			ref := int(binary.BigEndian.Uint16(in))
			in = in[2:]
			from, n := ref>>4, ref&0xf+2
			if from == at {
				return out, nil // the end mark
			}
			for range n {
				c := dict[from%len(dict)]
				dict[at] = c
				at = (at + 1) % len(dict)
				from++
				out = append(out, c)
			}
		}
	}
	return out, nil
}

// rtfState is what a group of RTF inherits and gives back at its end.
type rtfState struct {
	skip    bool // a destination that is no text
	htmlTag bool // \htmltag: the content is HTML as it was
	htmlRTF bool // \htmlrtf: the content is for RTF readers only
	uc      int  // characters to skip after \u
}

type rtfReader struct {
	out      strings.Builder
	limit    int64
	fromHTML bool
	codepage int
	bytes    []byte   // bytes of the code page waiting to be decoded
	units    []uint16 // UTF-16 units of \u waiting to be decoded
	decode   func([]byte, int) string
	skip     int // characters still to skip after \u
}

// readRTF returns the text of an RTF document, or the HTML it wraps
// (MS-OXRTFEX). Pictures, fonts and other destinations are left out.
func readRTF(b []byte, limit int64, decode func([]byte, int) string) (text, html string) {
	r := &rtfReader{limit: limit, codepage: 1252, decode: decode, fromHTML: bytes.Contains(b[:min(len(b), 4096)], []byte(`\fromhtml1`))}
	stack := []rtfState{{uc: 1}}
	for i := 0; i < len(b) && int64(r.out.Len()) < limit; {
		s := &stack[len(stack)-1]
		switch c := b[i]; c {
		case '{':
			if len(stack) < 200 {
				stack = append(stack, *s)
			}
			i++
		case '}':
			if len(stack) > 1 {
				stack = stack[:len(stack)-1]
			}
			i++
		case '\\':
			i = r.control(b, i+1, s)
		case '\r', '\n':
			i++
		default:
			r.char(c, s)
			i++
		}
	}
	r.flush()
	if r.fromHTML {
		return "", r.out.String()
	}
	return strings.TrimSpace(r.out.String()), ""
}

// char takes one byte of text.
func (r *rtfReader) char(c byte, s *rtfState) {
	if r.skip > 0 {
		r.skip--
		return
	}
	if s.skip || s.htmlRTF {
		return
	}
	if len(r.units) > 0 {
		r.flush()
	}
	r.bytes = append(r.bytes, c)
}

// text writes a string that RTF has a word for.
func (r *rtfReader) text(t string, s *rtfState) {
	if s.skip || s.htmlRTF {
		return
	}
	r.flush()
	r.out.WriteString(t)
}

func (r *rtfReader) flush() {
	if len(r.bytes) > 0 {
		r.out.WriteString(r.decode(r.bytes, r.codepage))
		r.bytes = r.bytes[:0]
	}
	if len(r.units) > 0 {
		r.out.WriteString(string(utf16.Decode(r.units)))
		r.units = r.units[:0]
	}
}

// control reads one control word or symbol after the backslash and returns
// where to go on.
func (r *rtfReader) control(b []byte, i int, s *rtfState) int {
	if i >= len(b) {
		return i
	}
	c := b[i]
	if !isLetter(c) {
		return r.symbol(b, i, s)
	}
	start := i
	for i < len(b) && isLetter(b[i]) && i-start < 40 {
		i++
	}
	word := string(b[start:i])
	numStart := i
	if i < len(b) && b[i] == '-' {
		i++
	}
	for i < len(b) && b[i] >= '0' && b[i] <= '9' && i-numStart < 12 {
		i++
	}
	n, err := strconv.Atoi(string(b[numStart:i]))
	hasNumber := err == nil
	if i < len(b) && b[i] == ' ' {
		i++
	}
	if word == "bin" && hasNumber && n > 0 {
		return min(i+n, len(b))
	}
	r.word(word, n, hasNumber, s)
	return i
}

func (r *rtfReader) symbol(b []byte, i int, s *rtfState) int {
	switch c := b[i]; c {
	case '\'':
		if i+2 < len(b) {
			if v, err := strconv.ParseUint(string(b[i+1:i+3]), 16, 8); err == nil {
				r.char(byte(v), s)
			}
			return i + 3
		}
		return len(b)
	case '*':
		// An optional destination: skipped unless it is one that is known.
		if bytes.HasPrefix(b[i+1:], []byte(`\htmltag`)) && r.fromHTML {
			s.htmlTag = true
		} else {
			s.skip = true
		}
	case '{', '}', '\\':
		r.char(c, s)
	case '~':
		r.text("\u00a0", s)
	case '_':
		r.text("-", s)
	case '\r', '\n':
		r.text("\n", s)
	}
	return i + 1
}

func (r *rtfReader) word(word string, n int, hasNumber bool, s *rtfState) {
	switch word {
	case "htmlrtf":
		r.flush()
		s.htmlRTF = !hasNumber || n != 0
	case "ansicpg":
		if hasNumber {
			r.codepage = n
		}
	case "uc":
		s.uc = max(0, min(n, 10))
	case "u":
		if !s.skip && !s.htmlRTF {
			if len(r.bytes) > 0 {
				r.flush()
			}
			r.units = append(r.units, uint16(n))
		}
		r.skip = s.uc
	case "par", "line", "row", "sect", "page":
		if !r.fromHTML || !s.htmlTag {
			r.text("\n", s)
		}
	case "tab", "cell":
		r.text("\t", s)
	case "emdash":
		r.text("\u2014", s)
	case "endash":
		r.text("\u2013", s)
	case "bullet":
		r.text("\u2022", s)
	case "lquote":
		r.text("\u2018", s)
	case "rquote":
		r.text("\u2019", s)
	case "ldblquote":
		r.text("\u201c", s)
	case "rdblquote":
		r.text("\u201d", s)
	case "fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "header", "footer", "headerl", "headerr", "footerl", "footerr", "fldinst", "themedata", "listtable", "listoverridetable", "rsidtbl", "generator":
		s.skip = true
	}
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
