package email

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
)

// decodeUTF7 reads UTF-7 (RFC 2152). What is malformed stays as it is.
func decodeUTF7(b []byte) string {
	var out strings.Builder
	out.Grow(len(b))
	for i := 0; i < len(b); {
		if b[i] != '+' {
			if b[i] < 0x80 {
				out.WriteByte(b[i])
			} else {
				out.WriteRune(rune(b[i])) // not allowed in UTF-7; Latin-1 is the likeliest
			}
			i++
			continue
		}
		end := i + 1
		for end < len(b) && isBase64(b[end]) {
			end++
		}
		closed := end < len(b) && b[end] == '-'
		switch run := b[i+1 : end]; {
		case len(run) == 0:
			out.WriteByte('+')
		default:
			text, ok := decodeUTF7Run(run)
			if !ok {
				text, closed = string(b[i:end]), false
			}
			out.WriteString(text)
		}
		i = end
		if closed {
			i++
		}
	}
	return out.String()
}

func decodeUTF7Run(run []byte) (string, bool) {
	raw, err := base64.RawStdEncoding.DecodeString(string(run[:len(run)-unusedBase64(len(run))]))
	if err != nil {
		return "", false
	}
	units := make([]uint16, 0, len(raw)/2)
	for i := 0; i+1 < len(raw); i += 2 {
		units = append(units, uint16(raw[i])<<8|uint16(raw[i+1]))
	}
	return string(utf16.Decode(units)), true
}

// unusedBase64 is 1 where n characters of base64 end in one that can carry no
// byte.
func unusedBase64(n int) int {
	if n%4 == 1 {
		return 1
	}
	return 0
}

func isBase64(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/'
}
