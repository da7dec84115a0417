package email

import (
	"strings"
	"unicode"
)

// replyPrefixes are the words mail programs put before the subject of an
// answer, and forwardPrefixes before a forwarded one, in lower case.
var (
	replyPrefixes = []string{
		"re", "aw", "antw", "antwort", "sv", "vs", "ref", "odp", "odpoved", "r", "rif", "res", "resp", "ynt", "yanıt", "vá", "ats", "atb",
		"回复", "回覆", "答复", "答覆", "返信", "회신", "답장", "απ", "σχετ", "на", "отв", "ответ", "відп", "תגובה", "השב", "رد", "bls", "balas", "ket", "hl", "ang",
	}
	forwardPrefixes = []string{
		"fw", "fwd", "wg", "tr", "rv", "enc", "i", "vl", "vb", "vs", "doorst", "doorgest", "pd", "przek", "fs", "továbbítás", "trs", "ilt", "i̇lt", "İlt",
		"转发", "轉寄", "轉發", "転送", "전달", "προωθ", "πρθ", "пер", "переслано", "пересл", "ПД", "הועבר", "إعادة توجيه", "tov", "yml", "fyw", "rej",
	}
)

// BaseSubject returns the subject without reply and forward prefixes, mailing
// list tags in brackets before them, and the trailing "(fwd)" (RFC 5256 2.1),
// in many languages. A subject of nothing but prefixes gives "".
func BaseSubject(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	for {
		t := strings.TrimSpace(s)
		if len(t) > 5 && strings.EqualFold(t[len(t)-5:], "(fwd)") {
			t = strings.TrimSpace(t[:len(t)-5])
		}
		if rest, _, ok := cutPrefix(t); ok {
			t = rest
		} else if rest, ok := cutListTag(t); ok {
			t = rest
		}
		if t == s {
			return s
		}
		s = t
	}
}

// prefixKind says what a subject's first prefix means.
type prefixKind int

const (
	noPrefix prefixKind = iota
	replyPrefix
	forwardPrefix
)

// subjectKind returns the kind of the first prefix of a subject.
func subjectKind(s string) prefixKind {
	s = strings.TrimSpace(s)
	if rest, ok := cutListTag(s); ok {
		s = rest
	}
	_, kind, _ := cutPrefix(s)
	return kind
}

// IsReplySubject reports whether the subject begins with a reply prefix.
func IsReplySubject(s string) bool { return subjectKind(s) == replyPrefix }

// IsForwardSubject reports whether the subject begins with a forward prefix.
func IsForwardSubject(s string) bool { return subjectKind(s) == forwardPrefix }

// cutPrefix takes one prefix off: a word, perhaps a count as in "Re[2]" or
// "Re (2)", and a colon of any script.
func cutPrefix(s string) (rest string, kind prefixKind, ok bool) {
	end, width := -1, 0
	for i, r := range s {
		if i > 40 {
			break
		}
		if r == ':' || r == '：' {
			end, width = i, len(string(r))
			break
		}
	}
	if end <= 0 {
		return s, noPrefix, false
	}
	word := strings.TrimSpace(s[:end])
	if i := strings.IndexAny(word, "[(^*"); i > 0 && isCount(word[i:]) {
		word = strings.TrimSpace(word[:i])
	}
	word = strings.TrimRightFunc(word, unicode.IsDigit)
	word = strings.TrimSuffix(strings.TrimSpace(word), ".")
	rest = strings.TrimSpace(s[end+width:])
	for _, p := range replyPrefixes {
		if strings.EqualFold(word, p) {
			return rest, replyPrefix, true
		}
	}
	for _, p := range forwardPrefixes {
		if strings.EqualFold(word, p) {
			return rest, forwardPrefix, true
		}
	}
	return s, noPrefix, false
}

func isCount(s string) bool {
	s = strings.Trim(s, "[]()^* ")
	return s != "" && len(s) <= 4 && strings.Trim(s, "0123456789") == ""
}

// cutListTag takes a "[list]" tag off, but only before a prefix: alone it is
// part of what the customer wrote.
func cutListTag(s string) (string, bool) {
	if !strings.HasPrefix(s, "[") {
		return s, false
	}
	end := strings.IndexByte(s, ']')
	if end < 0 || end > 60 || strings.ContainsRune(s[1:end], '[') {
		return s, false
	}
	rest := strings.TrimSpace(s[end+1:])
	if _, _, ok := cutPrefix(rest); ok {
		return rest, true
	}
	return s, false
}

// ReplySubject returns the subject of an answer: the customer's base subject
// with one "Re:" (O2). An empty subject gives "Re:".
func ReplySubject(s string) string {
	if base := BaseSubject(s); base != "" {
		return "Re: " + base
	}
	return "Re:"
}
