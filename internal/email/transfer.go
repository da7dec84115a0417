package email

import (
	"bytes"
	"encoding/base64"
)

// decodeTransfer undoes a Content-Transfer-Encoding (RFC 2045 6). What is
// malformed is read as far as it makes sense; an unknown encoding is taken as
// it is.
func decodeTransfer(b []byte, encoding string) []byte {
	switch encoding {
	case "base64", "base-64", "b", "x-base64":
		return decodeBase64(b)
	case "quoted-printable", "quotedprintable", "quoted_printable", "q", "qp":
		return decodeQuotedPrintable(b)
	case "x-uuencode", "uuencode", "x-uue", "uue", "x-uu":
		if f, ok := findUU(b); ok {
			return f.data
		}
	}
	return b
}

// decodeBase64 ignores characters that are no base64, starts anew after
// padding in the middle, and drops bits that are too few for a byte. Lines of
// something else, such as a footer put below, are left out.
func decodeBase64(b []byte) []byte {
	out := make([]byte, 0, base64.StdEncoding.DecodedLen(len(b)))
	var acc uint32
	var n uint
	padded := false
	for len(b) > 0 {
		var line []byte
		line, b = cutLine(b)
		if isForeign(line, padded) {
			continue
		}
		for _, c := range line {
			v := base64Value[c]
			if v == 0xff {
				if c == '=' {
					acc, n, padded = 0, 0, true
				}
				continue
			}
			acc, n = acc<<6|uint32(v), n+6
			if n >= 8 {
				n -= 8
				out = append(out, byte(acc>>n))
				acc &= 1<<n - 1
			}
		}
	}
	return out
}

// isForeign recognises a line that is no base64: more than an eighth of it is
// something else, or after the padding anything at all.
func isForeign(line []byte, padded bool) bool {
	junk := 0
	for _, c := range line {
		if base64Value[c] == 0xff && c != '=' && c != ' ' && c != '\t' && c != '\r' {
			junk++
		}
	}
	return junk*8 > len(line) || padded && (junk > 0 || bytes.IndexByte(line, ' ') > 0)
}

// base64Value maps a character of the base64 alphabet to its six bits, and
// every other to 0xff.
var base64Value = func() (t [256]byte) {
	const std = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range t {
		t[i] = 0xff
	}
	for i := 0; i < len(std); i++ {
		t[std[i]] = byte(i)
	}
	return t
}()

// decodeQuotedPrintable reads quoted-printable with any line end. An "=" that
// no two hexadecimal digits follow stays as it is.
func decodeQuotedPrintable(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		line, rest := b, []byte(nil)
		ending := []byte(nil)
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			line, rest = b[:i], b[i+1:]
			ending = b[i : i+1]
			if i > 0 && line[i-1] == '\r' {
				line, ending = line[:i-1], b[i-1:i+1]
			}
		}
		line = bytes.TrimRight(line, " \t")
		soft := bytes.HasSuffix(line, []byte("="))
		if soft {
			line = line[:len(line)-1]
		}
		for i := 0; i < len(line); i++ {
			if line[i] == '=' && i+2 < len(line) && isHex(line[i+1]) && isHex(line[i+2]) {
				out = append(out, unhex(line[i+1])<<4|unhex(line[i+2]))
				i += 2
				continue
			}
			out = append(out, line[i])
		}
		if !soft {
			out = append(out, ending...)
		}
		b = rest
	}
	return out
}
