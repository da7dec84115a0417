package email

import (
	"strings"
	"unicode"
)

// maxIDs bounds the ids read from one header.
const maxIDs = 1000

// ParseIDs reads the message ids of a Message-ID, In-Reply-To or References
// header tolerantly (T5, RFC 5322 4.5.4): folded, split by spaces inside,
// comma separated, without brackets, with a missing ">". Ids are returned
// without brackets, in order, each once, at most 1,000.
func ParseIDs(s string) []string {
	s = oneLine(decodeRaw(s, ""))
	var ids []string
	seen := map[string]bool{}
	add := func(id string) {
		id = strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) || r == '<' || r == '>' {
				return -1
			}
			return r
		}, id)
		id = strings.Trim(id, ",;")
		if id == "" || len(id) > 998 || seen[id] || len(ids) >= maxIDs {
			return
		}
		seen[id] = true
		ids = append(ids, id)
	}
	for s != "" {
		lt := strings.IndexByte(s, '<')
		if lt < 0 {
			addBare(s, add)
			break
		}
		addBare(s[:lt], add)
		s = s[lt+1:]
		end := strings.IndexAny(s, "<>")
		switch {
		case end < 0: // the last one lacks its ">"
			for _, w := range strings.Fields(s) {
				add(w)
			}
			s = ""
		case s[end] == '<': // the next one begins before this one ended
			add(s[:end])
			s = s[end:]
		default:
			add(s[:end])
			s = s[end+1:]
		}
	}
	return ids
}

// addBare takes ids that stand outside brackets. In old In-Reply-To phrases
// ("Your message of Monday") only words with "@" are ids; a single word is one
// in any case.
func addBare(s string, add func(string)) {
	words := strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == ';' })
	for _, w := range words {
		if len(words) == 1 && !strings.ContainsAny(w, "()") || strings.Contains(w, "@") && !strings.ContainsAny(w, `"()`) {
			add(w)
		}
	}
}

// CanonicalID returns the form in which ids are compared and stored: without
// brackets, quotes and spaces, in lower case (T5).
func CanonicalID(id string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || r == '<' || r == '>' || r == '"' || r == '\'' {
			return -1
		}
		return r
	}, id))
}

// CitedIDs returns the canonical ids the mail answers, best evidence first:
// In-Reply-To from its newest (right) end, then References from theirs (T1).
// Each stands once.
func (m *Mail) CitedIDs() []string {
	var ids []string
	seen := map[string]bool{}
	for _, list := range [][]string{m.InReplyTo, m.References} {
		for i := len(list) - 1; i >= 0; i-- {
			if id := CanonicalID(list[i]); id != "" && !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	return ids
}
