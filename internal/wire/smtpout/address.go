package smtpout

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Limits of RFC 5321 section 4.5.3.1.
const (
	maxLocalPart = 64
	maxPath      = 254
)

// wireAddress returns address as it goes between angle brackets, and whether
// it needs SMTPUTF8 (RFC 6531). A domain outside ASCII is written in its
// A-label form, which every server can carry. Anything that could end the
// command or begin another is refused.
func wireAddress(address string, sender bool) (wire string, needsUTF8 bool, err error) {
	if address == "" {
		if sender {
			return "", false, nil
		}
		return "", false, errors.New("it is empty")
	}
	if !utf8.ValidString(address) {
		return "", false, errors.New("it is not valid UTF-8")
	}
	for _, r := range address {
		if r < ' ' || r == 0x7f || r == '<' || r == '>' {
			return "", false, errors.New("it has a character in it that may not be there")
		}
	}
	at := strings.LastIndexByte(address, '@')
	if at < 1 || at == len(address)-1 {
		return "", false, errors.New("it is not of the form name@domain")
	}
	local, domain := address[:at], address[at+1:]
	quoted := len(local) > 1 && local[0] == '"' && local[len(local)-1] == '"'
	if !quoted && strings.ContainsAny(local, " \"(),:;@[\\]") {
		return "", false, errors.New("its local part has a character that must be quoted")
	}
	if len(local) > maxLocalPart || len(address) > maxPath {
		return "", false, errors.New("it is too long")
	}
	if strings.ContainsAny(domain, " \"(),;@\\") {
		return "", false, errors.New("its domain is not one")
	}
	needsUTF8 = !ascii(local)
	if !ascii(domain) {
		a, err := idna.Lookup.ToASCII(domain)
		if err != nil {
			return "", false, fmt.Errorf("its domain is not one: %w", err)
		}
		domain = a
	}
	return local + "@" + domain, needsUTF8, nil
}

// ascii says whether s has only 7-bit characters.
func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// xtext encodes a parameter (RFC 3461 section 4), at most limit octets of it.
func xtext(s string, limit int) string {
	var b strings.Builder
	for i := range min(len(s), limit) {
		if c := s[i]; c > ' ' && c < 0x7f && c != '+' && c != '=' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "+%02X", c)
		}
	}
	return b.String()
}
