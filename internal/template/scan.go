package template

import (
	"fmt"
	"html"
	"strings"
	"unicode"
	"unicode/utf8"

	"postroom"
)

// pieceKind says what a piece of a template's source is.
type pieceKind int8

const (
	pieceText pieceKind = iota
	pieceOutput
	pieceTag
)

// piece is a stretch of text, or what stands between {{ }} or {% %}.
type piece struct {
	kind   pieceKind
	text   string
	offset int
	place  place
}

// place is where in HTML a tag stands.
type place int8

const (
	outside  place = iota // between elements
	unquoted              // in an element's tag, not in quotes
	quoted                // in a quoted attribute
)

// fault makes the error for something wrong at an offset of the source.
func fault(source string, offset int, format string, args ...any) error {
	before := source[:min(offset, len(source))]
	line := 1 + strings.Count(before, "\n")
	column := 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	return postroom.Errorf(postroom.Invalid, "Line %d, column %d: %s", line, column, fmt.Sprintf(format, args...))
}

// scan cuts a source into pieces.
func scan(source string, mode Mode) ([]piece, error) {
	var out []piece
	var at htmlPlace
	tags, trim := 0, false
	for pos := 0; pos < len(source); {
		start := nextTag(source, pos)
		if start < 0 {
			start = len(source)
		}
		if text := source[pos:start]; text != "" {
			at.read(text)
			if trim {
				text = strings.TrimLeftFunc(text, unicode.IsSpace)
			}
			out = append(out, piece{kind: pieceText, text: text, offset: pos})
		}
		if start == len(source) {
			break
		}
		end, err := tagEnd(source, start)
		if err != nil {
			return nil, err
		}
		if tags++; tags > MaxTags {
			return nil, fault(source, start, "there are more than %d tags.", MaxTags)
		}
		p := piece{kind: pieceOutput, text: source[start+2 : end-2], offset: start}
		if source[start+1] == '%' {
			p.kind = pieceTag
		}
		if mode == HTML {
			p.place = at.place()
			p.text = html.UnescapeString(p.text)
		}
		if strings.HasPrefix(p.text, "-") {
			p.text = p.text[1:]
			if n := len(out) - 1; n >= 0 && out[n].kind == pieceText {
				out[n].text = strings.TrimRightFunc(out[n].text, unicode.IsSpace)
			}
		}
		if trim = strings.HasSuffix(p.text, "-"); trim {
			p.text = p.text[:len(p.text)-1]
		}
		out = append(out, p)
		pos = end
	}
	return out, nil
}

func nextTag(source string, pos int) int {
	for i := pos; i+1 < len(source); i++ {
		if source[i] == '{' && (source[i+1] == '{' || source[i+1] == '%') {
			return i
		}
	}
	return -1
}

// tagEnd finds the end of the tag that begins at start. What stands in quotes
// does not end it, unless the quote is never closed on its line: an apostrophe
// in a FreeScout fallback is no quote.
func tagEnd(source string, start int) (int, error) {
	closing := "}}"
	if source[start+1] == '%' {
		closing = "%}"
	}
	rest := source[start+2:]
	first := strings.Index(rest, closing)
	if first < 0 {
		return 0, fault(source, start, "this is opened but never closed with %s.", closing)
	}
	if name, _, fallback := strings.Cut(rest[:first], "fallback="); fallback && !strings.ContainsAny(name, "\"'") {
		return start + 2 + first + 2, nil
	}
	quote := byte(0)
	for i := 0; i+1 < len(rest) && rest[i] != '\n'; i++ {
		switch c := rest[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case strings.HasPrefix(rest[i:], closing):
			return start + 2 + i + 2, nil
		}
	}
	return start + 2 + first + 2, nil
}

// htmlPlace follows, roughly, where in HTML the source stands.
type htmlPlace struct {
	inTag bool
	quote byte
}

func (h *htmlPlace) place() place {
	switch {
	case !h.inTag:
		return outside
	case h.quote == 0:
		return unquoted
	}
	return quoted
}

func (h *htmlPlace) read(text string) {
	for i := range len(text) {
		switch c := text[i]; {
		case !h.inTag:
			if c == '<' && (i+1 == len(text) || text[i+1] == '/' || text[i+1] == '!' || isLetter(text[i+1])) {
				h.inTag = true
			}
		case h.quote != 0:
			if c == h.quote {
				h.quote = 0
			}
		case c == '"' || c == '\'':
			h.quote = c
		case c == '>':
			h.inTag = false
		}
	}
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// tokenKind says what a token within a tag is.
type tokenKind int8

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenString
	tokenNumber
	tokenSymbol // == != | : ,
)

type token struct {
	kind tokenKind
	text string
}

// closers are the quotation marks and what closes each; people paste texts
// from word processors.
var closers = map[rune]string{'"': `"`, '\'': "'", '“': "”“", '”': "”", '„': "“”", '‘': "’‘", '’': "’", '«': "»", '»': "«"}

// tokens cuts the inside of a tag. The second result is what is wrong, in
// words.
func tokens(s string) ([]token, string) {
	var out []token
	for s != "" {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case unicode.IsSpace(r):
			s = s[size:]
		case closers[r] != "":
			end := strings.IndexAny(s[size:], closers[r])
			if end < 0 {
				return nil, "a quotation mark is not closed."
			}
			out = append(out, token{tokenString, s[size : size+end]})
			_, last := utf8.DecodeRuneInString(s[size+end:])
			s = s[size+end+last:]
		case strings.HasPrefix(s, "==") || strings.HasPrefix(s, "!="):
			out = append(out, token{tokenSymbol, s[:2]})
			s = s[2:]
		case r == '|' || r == ':' || r == ',':
			out = append(out, token{tokenSymbol, s[:1]})
			s = s[1:]
		case r >= '0' && r <= '9':
			n := span(s, func(c byte) bool { return c >= '0' && c <= '9' })
			out = append(out, token{tokenNumber, s[:n]})
			s = s[n:]
		case r < utf8.RuneSelf && isLetter(byte(r)) || r == '_':
			n := span(s, func(c byte) bool {
				return isLetter(c) || c == '_' || c == '.' || c >= '0' && c <= '9'
			})
			out = append(out, token{tokenName, s[:n]})
			s = s[n:]
		default:
			return nil, fmt.Sprintf("%q has no place here.", string(r))
		}
	}
	return out, ""
}

func span(s string, in func(byte) bool) int {
	n := 0
	for n < len(s) && in(s[n]) {
		n++
	}
	return n
}
