package email

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"postroom"
)

// Address is a mail address with the name shown beside it. Address is as the
// sender wrote it; compare addresses without regard to case.
type Address struct {
	Name    string
	Address string
}

// String returns the address as it stands in a header: the name quoted or
// encoded where it must be.
func (a Address) String() string {
	if a.Name == "" {
		return a.Address
	}
	return formatName(a.Name) + " <" + a.Address + ">"
}

// Valid reports whether the address has a local part and a domain and nothing
// in it that could not stand in a mail.
func (a Address) Valid() bool { return CheckAddress(a.Address) == nil }

// CheckAddress returns an Invalid error in words if addr cannot be sent to:
// empty, no local part or domain, longer than 254 bytes (RFC 5321 4.5.3.1),
// white space, control characters (S5) or characters that only a quoted local
// part may hold. Addresses outside ASCII are fine (RFC 6531).
func CheckAddress(addr string) error {
	switch at := strings.LastIndexByte(addr, '@'); {
	case addr == "":
		return postroom.Errorf(postroom.Invalid, "There is no address.")
	case strings.ContainsFunc(addr, unicode.IsControl):
		return postroom.Errorf(postroom.Invalid, "The address contains a line break or control character.")
	case !utf8.ValidString(addr):
		return postroom.Errorf(postroom.Invalid, "The address is not valid text.")
	case len(addr) > 254:
		return postroom.Errorf(postroom.Invalid, "The address is longer than 254 characters.")
	case at < 0:
		return postroom.Errorf(postroom.Invalid, "%q has no @ and a domain after it.", addr)
	case at == 0 || at > 64:
		return postroom.Errorf(postroom.Invalid, "%q has nothing, or too much, before the @.", addr)
	case !validDomain(addr[at+1:]):
		return postroom.Errorf(postroom.Invalid, "%q has no valid domain after the @.", addr)
	case !validLocal(addr[:at]):
		return postroom.Errorf(postroom.Invalid, "%q contains characters that an address cannot have.", addr)
	}
	return nil
}

func validLocal(local string) bool {
	if len(local) >= 2 && local[0] == '"' && local[len(local)-1] == '"' {
		return !strings.ContainsAny(local[1:len(local)-1], "\"\\")
	}
	return !strings.ContainsFunc(local, unicode.IsSpace) && !strings.ContainsAny(local, `"(),:;<>@[\]`)
}

func validDomain(d string) bool {
	if strings.HasPrefix(d, "[") && strings.HasSuffix(d, "]") {
		return len(d) > 2 && !strings.ContainsAny(d[1:len(d)-1], "[]<>() ")
	}
	if d == "" || strings.HasPrefix(d, ".") || strings.HasSuffix(d, ".") || strings.Contains(d, "..") || strings.HasPrefix(d, "-") {
		return false
	}
	for _, r := range d {
		if r < 0x80 && r != '.' && r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
		if unicode.IsSpace(r) {
			return false
		}
	}
	return true
}

// ParseAddresses reads an address list (RFC 5322 3.4) tolerantly: groups,
// comments, encoded words, missing quotes, semicolons between addresses,
// names with bare commas. Names are decoded, addresses never are (M2). What
// has neither a name nor an address is left out; an entry without "@" keeps
// its text as the name.
func ParseAddresses(s string) []Address { return parseAddresses(s, "", 10000) }

func parseAddresses(s, fallback string, limit int) []Address {
	var list []Address
	carry := "" // an entry without an address: the part of a name before a bare comma
	for _, e := range splitAddresses(s) {
		if len(list) >= limit {
			break
		}
		a, bracket := parseAddress(e, fallback)
		switch {
		case a.Address == "" && a.Name == "":
			continue
		case a.Address == "":
			if carry != "" {
				list = append(list, Address{Name: carry})
			}
			carry = a.Name
			continue
		case carry != "" && bracket && a.Name != "":
			a.Name = carry + ", " + a.Name
		case carry != "":
			list = append(list, Address{Name: carry})
		}
		carry = ""
		list = append(list, a)
	}
	if carry != "" && len(list) < limit {
		list = append(list, Address{Name: carry})
	}
	return list
}

// splitAddresses cuts a list at commas and semicolons outside quotes, comments
// and brackets, and drops the names of groups.
func splitAddresses(s string) []string {
	var list []string
	start, depth, quoted, bracket := 0, 0, false, false
	lastQuote, lastParen, lastBracket := strings.LastIndexByte(s, '"'), strings.LastIndexByte(s, ')'), strings.LastIndexByte(s, '>')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && (quoted || depth > 0):
			i++
		case c == '"' && depth == 0:
			if quoted || i < lastQuote {
				quoted = !quoted
			}
		case quoted:
		case c == '(':
			if i < lastParen {
				depth++
			}
		case c == ')' && depth > 0:
			depth--
		case depth > 0:
		case c == '<':
			bracket = i < lastBracket
		case c == '>':
			bracket = false
		case (c == ',' || c == ';') && !bracket:
			list = append(list, s[start:i])
			start = i + 1
		case c == ':' && !bracket && isGroupName(s[start:i]):
			start = i + 1
		}
	}
	return append(list, s[start:])
}

// isGroupName tells the name before the colon of a group from other text with
// a colon, such as "mailto:".
func isGroupName(s string) bool {
	return !strings.ContainsAny(s, "@<=")
}

// parseAddress reads one entry. bracket says whether the address stood in
// angle brackets.
func parseAddress(s, fallback string) (a Address, bracket bool) {
	s = strings.TrimSpace(s)
	if s == "" {
		return Address{}, false
	}
	if lt := lastBracket(s); lt >= 0 {
		addr, tail, _ := strings.Cut(s[lt+1:], ">")
		name := s[:lt]
		if strings.TrimSpace(stripComment(name)) == "" {
			if c := comment(name + tail); c != "" {
				name = c
			} else if t := strings.TrimSpace(tail); t != "" {
				name = t
			}
		}
		a = Address{Name: cleanName(name, fallback), Address: cleanAddress(addr)}
		if a.Address == "" && strings.Contains(a.Name, "@") && !strings.ContainsAny(a.Name, " \t") {
			a = Address{Address: a.Name}
		}
		return a, true
	}
	bare := strings.TrimSpace(stripComment(s))
	if strings.Contains(bare, "@") {
		// "Name name@example.com" lacks its brackets: the word with the @ is
		// the address.
		words := strings.Fields(bare)
		if len(words) > 1 && !strings.HasPrefix(bare, `"`) && !strings.Contains(bare, " @") && !strings.Contains(bare, "@ ") {
			for i, w := range words {
				if strings.Contains(w, "@") {
					name := strings.Join(append(append([]string{}, words[:i]...), words[i+1:]...), " ")
					return Address{Name: cleanName(name, fallback), Address: cleanAddress(w)}, false
				}
			}
		}
		if strings.HasPrefix(bare, `"`) {
			if end := strings.Index(bare[1:], `"`); end >= 0 && !strings.HasPrefix(bare[end+2:], "@") && strings.Contains(bare[end+2:], "@") {
				return Address{Name: cleanName(bare[:end+2], fallback), Address: cleanAddress(bare[end+2:])}, false
			}
		}
		return Address{Name: cleanName(comment(s), fallback), Address: cleanAddress(bare)}, false
	}
	return Address{Name: cleanName(s, fallback)}, false
}

// lastBracket finds the "<" that opens the address: the last one outside
// quotes.
func lastBracket(s string) int {
	quoted, at := false, -1
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == '<' && !quoted:
			at = i
		}
	}
	if at < 0 && quoted {
		at = strings.LastIndexByte(s, '<')
	}
	return at
}

// cleanAddress takes away what careless software adds around an address:
// comments, brackets, quotes, "mailto:", route (RFC 5322 4.4), spaces.
func cleanAddress(s string) string {
	s = strings.TrimSpace(stripComment(s))
	s = strings.Trim(s, "<>")
	if len(s) > 7 && strings.EqualFold(s[:7], "mailto:") {
		s = s[7:]
	}
	if strings.HasPrefix(s, "@") {
		if _, after, ok := strings.Cut(s, ":"); ok {
			s = after
		}
	}
	if len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\'' || len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	if strings.HasPrefix(s, `"`) {
		return unquoteLocal(oneLine(decodeRaw(s, "")))
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, oneLine(decodeRaw(s, "")))
	return strings.TrimRight(s, ".,;")
}

// unquoteLocal drops the quotes of a local part that needs none.
func unquoteLocal(s string) string {
	end := strings.LastIndexByte(s, '"')
	if end <= 0 {
		return s
	}
	local := s[1:end]
	if local != "" && !strings.ContainsAny(local, " \"(),:;<>@[\\]") && !strings.HasPrefix(local, ".") && !strings.HasSuffix(local, ".") && !strings.Contains(local, "..") {
		return local + strings.TrimSpace(s[end+1:])
	}
	return s[:end+1] + strings.TrimSpace(s[end+1:])
}

// cleanName unquotes and decodes a display name. Quotes around encoded words
// are forbidden by RFC 2047 and common.
func cleanName(s, fallback string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	if c := strings.TrimSpace(stripComment(s)); c != "" && !strings.Contains(s, "=?") {
		s = c
	} else if c == "" {
		s = comment(s)
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
		case s[i] == '\\' && i+1 < len(s):
			i++
			out.WriteByte(s[i])
		default:
			out.WriteByte(s[i])
		}
	}
	name := decodeWords(out.String(), fallback)
	name = strings.TrimSpace(strings.Join(strings.Fields(name), " "))
	if len(name) >= 2 && name[0] == '\'' && name[len(name)-1] == '\'' {
		name = strings.TrimSpace(name[1 : len(name)-1])
	}
	if len(name) >= 2 && name[0] == '"' && name[len(name)-1] == '"' {
		name = strings.TrimSpace(name[1 : len(name)-1])
	}
	return stripBidi(name)
}

// comment returns the text of the first comment in s.
func comment(s string) string {
	start := strings.IndexByte(s, '(')
	if start < 0 {
		return ""
	}
	depth := 0
	for i := start; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			depth--
			if depth == 0 {
				return s[start+1 : i]
			}
		}
	}
	return s[start+1:]
}

// stripBidi removes the invisible characters that turn or hide text: a name
// must not be able to look like another one.
func stripBidi(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0x200E, r == 0x200F, r == 0x061C, r == 0xFEFF:
			return -1
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, s)
}

// Author returns who wrote the mail (T15): the first valid Reply-To, else the
// first valid From, else Sender, else the zero Address. groups are the
// addresses of mailing groups known to rewrite From: only where From is one of
// them are X-Original-Sender and X-Original-From believed.
func (m *Mail) Author(groups ...string) Address {
	from := firstValid(m.From)
	if from.Address != "" && containsFold(groups, from.Address) {
		for _, name := range []string{"X-Original-From", "X-Original-Sender"} {
			if a := firstValid(ParseAddresses(m.Header(name))); a.Address != "" {
				if a.Name == "" {
					a.Name = groupName(from.Name)
				}
				return a
			}
		}
	}
	for _, a := range m.ReplyTo {
		if a.Valid() && !containsFold(groups, a.Address) {
			if a.Name == "" && strings.EqualFold(a.Address, from.Address) {
				a.Name = from.Name
			}
			return a
		}
	}
	if from.Address != "" {
		return from
	}
	if m.Sender.Valid() {
		return m.Sender
	}
	return Address{}
}

// groupName takes the person out of a group's "Ann Lee via Support".
func groupName(name string) string {
	name, _, _ = strings.Cut(name, " via ")
	return strings.Trim(name, `'" `)
}

func firstValid(list []Address) Address {
	for _, a := range list {
		if a.Valid() {
			return a
		}
	}
	return Address{}
}

func containsFold(list []string, s string) bool {
	for _, l := range list {
		if strings.EqualFold(l, s) {
			return true
		}
	}
	return false
}

// formatName quotes or encodes a display name for a header.
func formatName(name string) string {
	if len(name) > 200 || strings.Contains(name, "=?") {
		return encodeWords(name)
	}
	s := (&mail.Address{Name: name, Address: "a@b"}).String()
	return strings.TrimSuffix(s, " <a@b>")
}
