package email

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// DecodeWords decodes the encoded words (RFC 2047) of a header value.
// Adjacent words of one charset are joined before the charset is decoded, so
// that characters split between words are whole (M2). Words that are malformed
// stay literal. The result is valid UTF-8 without NUL, CR or LF.
func DecodeWords(s string) string { return decodeWords(s, "") }

// decodeWords is DecodeWords with a charset for raw 8-bit text between the
// words.
func decodeWords(s, fallback string) string {
	if !strings.Contains(s, "=?") {
		return oneLine(decodeRaw(s, fallback))
	}
	var out strings.Builder
	var pending []byte // bytes of the words read so far, in charset
	var charset string
	flush := func() {
		text, _ := decodeCharset(pending, charset)
		out.WriteString(text)
		pending = nil
	}
	for len(s) > 0 {
		start := strings.Index(s, "=?")
		if start < 0 {
			break
		}
		word, ok := cutWord(s[start:])
		if !ok {
			flush()
			out.WriteString(decodeRaw(s[:start+2], fallback))
			s = s[start+2:]
			continue
		}
		between := s[:start]
		if pending == nil || strings.TrimLeft(between, " \t\r\n") != "" {
			flush()
			out.WriteString(decodeRaw(between, fallback))
		} else if !strings.EqualFold(word.charset, charset) {
			flush()
		}
		charset = word.charset
		pending = append(pending, word.data...)
		if pending == nil {
			pending = []byte{}
		}
		s = s[start+word.length:]
	}
	flush()
	out.WriteString(decodeRaw(s, fallback))
	return oneLine(out.String())
}

type encodedWord struct {
	charset string
	data    []byte
	length  int // bytes of the word in the header
}

// maxWord bounds an encoded word: RFC 2047 allows 75 bytes, careless senders
// put whole headers into one.
const maxWord = 10000

// cutWord reads one encoded word at the start of s, which begins with "=?".
func cutWord(s string) (encodedWord, bool) {
	rest := s[2:]
	q := strings.IndexByte(rest[:min(len(rest), 64)], '?')
	if q <= 0 || q > 60 || len(rest) < q+3 || rest[q+2] != '?' || strings.ContainsAny(rest[:q], " \t<>\"(),;:@") {
		return encodedWord{}, false
	}
	charset, enc, text := rest[:q], rest[q+1]|0x20, rest[q+3:]
	end := wordEnd(text[:min(len(text), maxWord)], enc)
	if end < 0 {
		return encodedWord{}, false
	}
	w := encodedWord{charset: charset, length: 2 + q + 3 + end + 2}
	switch enc {
	case 'b':
		data, ok := decodeWordBase64(text[:end])
		if !ok {
			return encodedWord{}, false
		}
		w.data = data
	case 'q':
		w.data = decodeWordQ(text[:end])
	default:
		return encodedWord{}, false
	}
	return w, true
}

// wordEnd returns where the text of an encoded word ends, or -1. Careless
// encoders leave "?" unencoded, so that "?=3D" may stand within a Q word: such
// a place is no end when another one follows before any space.
func wordEnd(text string, enc byte) int {
	end := strings.Index(text, "?=")
	if enc != 'q' {
		return end
	}
	for end >= 0 && end+3 < len(text) && isHex(text[end+2]) && isHex(text[end+3]) {
		rest := text[end+2:]
		next := strings.Index(rest, "?=")
		if next < 0 || strings.ContainsAny(rest[:next], " \t\r\n") || strings.Contains(rest[:next], "=?") {
			break
		}
		end += 2 + next
	}
	return end
}

func decodeWordBase64(s string) ([]byte, bool) {
	clean := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isBase64(c):
			clean = append(clean, c)
		case c == '-':
			clean = append(clean, '+')
		case c == '_':
			clean = append(clean, '/')
		case c == '=' || c == ' ' || c == '\t' || c == '\r' || c == '\n':
		default:
			return nil, false
		}
	}
	clean = clean[:len(clean)-unusedBase64(len(clean))]
	out, err := base64.RawStdEncoding.DecodeString(string(clean))
	return out, err == nil || len(out) > 0
}

func decodeWordQ(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '_':
			out = append(out, ' ')
		case s[i] == '=' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			out = append(out, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		default:
			out = append(out, s[i])
		}
	}
	return out
}

// decodeRaw decodes header text that is not in encoded words. Raw 8-bit text
// is UTF-8 where it is valid (RFC 6532), else in the charset of the body.
func decodeRaw(s, fallback string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0x1b) < 0 {
		return s
	}
	text, _ := decodeCharset([]byte(s), fallback)
	return text
}

// oneLine makes a header value one line: runs of CR and LF become a space,
// NUL and other control characters except tab are dropped.
func oneLine(s string) string {
	plain := true
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 && s[i] != '\t' || s[i] == 0x7f {
			plain = false
			break
		}
	}
	if plain {
		return cleanText(s)
	}
	var out strings.Builder
	out.Grow(len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\r' || c == '\n':
			if i == 0 || s[i-1] != '\r' && s[i-1] != '\n' {
				out.WriteByte(' ')
			}
		case c < 0x20 && c != '\t' || c == 0x7f:
		default:
			out.WriteByte(c)
		}
	}
	return cleanText(out.String())
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}
