package template

import (
	"encoding/json"
	"fmt"
	"strings"
)

// escapeJSON makes a value fit to stand within the quotes of a JSON text.
func escapeJSON(s string) string {
	b, err := json.Marshal(s)
	if err != nil || len(b) < 2 {
		return ""
	}
	return string(b[1 : len(b)-1])
}

// escapeURL percent-encodes all of a value but unreserved characters (RFC 3986,
// 2.3), so that it stays within its step of a path or its parameter. A value of
// dots alone would be a step up or none at all, also when encoded: it becomes
// underscores.
func escapeURL(s string) string {
	if strings.Trim(s, ".") == "" {
		return strings.Repeat("_", len(s))
	}
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case isLetter(c), '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
