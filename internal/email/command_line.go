package email

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// invisible are runes that show nothing; mail programs and autocorrection
// leave them in what people type.
func invisible(r rune) bool {
	switch {
	case r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x2069, r == 0xfeff, r == 0xad, r == 0x61c, r == 0x180e:
		return true
	}
	return false
}

func isGap(r rune) bool { return unicode.IsSpace(r) || invisible(r) || r < ' ' }

// isAt reports whether a rune is an "@", also as East Asian keyboards and some
// telephones write it.
func isAt(r rune) bool { return r == '@' || r == 0xff20 || r == 0xfe6b }

// tidy makes white space one space and leaves out what shows nothing.
func tidy(s string) string { return strings.Join(strings.FieldsFunc(s, isGap), " ") }

func skipRunes(s string, p int, f func(rune) bool) int {
	for p < len(s) {
		r, n := utf8.DecodeRuneInString(s[p:])
		if !f(r) {
			break
		}
		p += n
	}
	return p
}

func runeAt(s string, p int) rune {
	if p >= len(s) {
		return 0
	}
	r, _ := utf8.DecodeRuneInString(s[p:])
	return r
}

// isOrnament is what stands around a bold or slanted word in plain text.
func isOrnament(r rune) bool { return r == '*' || r == '_' || r == '`' || r == '~' }

// isEnding is punctuation that people put behind a command.
func isEnding(r rune) bool { return strings.ContainsRune(".,;:!?)", r) || isOrnament(r) }

func isWordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '-' || r == '_'
}

// atWord is a word behind an "@" in a line.
type atWord struct {
	word  string // in lower case; "" for an "@" that stands alone
	shown string // as it was written, with the "@"
	end   int    // behind the word and the punctuation after it
	next  int    // behind the whole run without spaces
	plain bool   // nothing else is in that run: no domain, no path
}

// readAt reads the word behind the "@" at p.
func readAt(s string, p int) atWord { return readWord(s, runeEnd(s, p)) }

// runeEnd returns where the rune at p ends.
func runeEnd(s string, p int) int {
	_, n := utf8.DecodeRuneInString(s[p:])
	return p + n
}

// maxAtWord bounds what is looked at behind an "@", in bytes.
const maxAtWord = 200

// readWord reads the word that begins at begin, behind its "@".
func readWord(s string, begin int) atWord {
	s = s[:min(len(s), begin+maxAtWord)]
	inner := skipRunes(s, begin, invisible)
	end := skipRunes(s, inner, func(r rune) bool { return isWordRune(r) || invisible(r) })
	word := strings.ToLower(strings.TrimRight(tidy(s[inner:end]), "-_"))
	w := atWord{word: strings.ReplaceAll(word, " ", ""), end: skipRunes(s, end, isEnding)}
	w.next = skipRunes(s, begin, func(r rune) bool { return !isGap(r) || invisible(r) })
	r := runeAt(s, w.end)
	w.plain = w.end >= len(s) || isGap(r) || isAt(r) && w.end > end
	w.shown = "@" + tidy(s[begin:end])
	if !w.plain {
		w.shown, w.end = "@"+tidy(s[begin:w.next]), w.next
	}
	return w
}

// lineBegin returns where a line begins: behind spaces and ornaments if an "@"
// follows them.
func lineBegin(s string) int {
	p := skipRunes(s, 0, isGap)
	if at := skipRunes(s, p, isOrnament); isAt(runeAt(s, at)) {
		return at
	}
	return p
}

// beginsCommand reports whether a line begins with a command.
func beginsCommand(s string) bool {
	p := lineBegin(s)
	if !isAt(runeAt(s, p)) {
		return false
	}
	w := readAt(s, p)
	_, ok := commandVerbs[w.word]
	return ok && w.plain
}

// maxCommandLine bounds a line of commands, in bytes.
const maxCommandLine = 10_000

// head reads the commands at the top, and returns where the text begins: the
// line, and how many of its bytes are not of it.
func (r *answerReader) head(from, to int) (line, skipped int) {
	for i := from; i < to; i++ {
		raw := r.lines[i].raw
		p := lineBegin(raw)
		if p >= len(raw) {
			continue
		}
		if !isAt(runeAt(raw, p)) {
			return i, 0
		}
		if len(raw) > maxCommandLine {
			r.answer.fault("Its first line is too long to be a command.")
			return to, 0
		}
		if rest := r.commands(raw, p); rest < len(raw) {
			return i, rest
		}
	}
	return to, 0
}

// commands reads the commands of one line from p on, and returns where the
// text behind them begins; len(s) if there is none.
func (r *answerReader) commands(s string, p int) int {
	for p < len(s) {
		at := skipRunes(s, p, func(c rune) bool { return isGap(c) || isOrnament(c) })
		if !isAt(runeAt(s, at)) {
			return skipRunes(s, p, isGap)
		}
		w := readAt(s, at)
		if w.word == "" {
			if isAt(runeAt(s, runeEnd(s, at))) {
				return runeEnd(s, at) // "@@word": the text begins, with one of the two
			}
			// "@ 5 pm" is text, "@ close" a command that somebody has torn apart.
			torn := readWord(s, skipRunes(s, runeEnd(s, at), isGap))
			if _, near := meant(torn.word); !near {
				return at
			}
			r.unknown("@ "+torn.word, torn.word)
			return len(s)
		}
		c, ok := commandVerbs[w.word]
		if !ok || !w.plain {
			r.unknown(w.shown, w.word)
			p = nextAt(s, w.end)
			continue
		}
		p = w.end
		switch c.Verb {
		case CommandAssign, CommandTeam, CommandTag, CommandRun:
			if c.Values, p = r.values(s, p, c.Verb); len(c.Values) == 0 {
				r.answer.fault("%s stands without a name: write %s NAME.", w.shown, w.shown)
				continue
			}
		}
		r.answer.Commands = append(r.answer.Commands, c)
	}
	return len(s)
}

// unknown notes a word that is no command, with the one that may be meant.
func (r *answerReader) unknown(shown, word string) {
	if len(shown) > 60 {
		shown = strings.ToValidUTF8(shown[:60], "") + "…"
	}
	switch m, near := meant(word); {
	case m != "":
		r.answer.fault("%s is no command. Did you mean @%s?", shown, m)
	case near:
		r.answer.fault("%s is no command.", shown)
	default:
		r.answer.fault("%s is no command. If your text shall begin with it, write the @ twice: @%s.", shown, shown)
	}
}

// nextAt returns where the next word behind an "@" begins that stands alone,
// len(s) if there is none.
func nextAt(s string, p int) int {
	before := ' '
	for i, c := range s[p:] {
		if isAt(c) && isGap(before) && isWordRune(runeAt(s, p+i+utf8.RuneLen(c))) {
			return p + i
		}
		before = c
	}
	return len(s)
}

// quotePairs are the pairs of quotation marks, by their opening one.
var quotePairs = map[rune]string{'"': "\"”“", '“': "”\"“", '„': "“”\"", '”': "”\"", '«': "»", '»': "«", '‘': "’'", '\'': "'’", '‚': "‘’"}

// values reads the names behind a command, and returns where the text behind
// them begins. Names without quotePairs reach to the next command or the end of
// the line, where nothing but names may stand.
func (r *answerReader) values(s string, p int, verb CommandVerb) (values []CommandValue, rest int) {
	for {
		p = skipRunes(s, p, func(c rune) bool { return isGap(c) || isEnding(c) || c == '=' })
		if p >= len(s) {
			return values, p
		}
		// "@assign @ben": the name is meant.
		if len(values) == 0 && isAt(runeAt(s, p)) {
			if w := readAt(s, p); w.word != "" && commandVerbs[w.word].Verb == "" {
				p = runeEnd(s, p)
			}
		}
		if isAt(runeAt(s, p)) {
			return values, p
		}
		if closing, ok := quotePairs[runeAt(s, p)]; ok {
			open := p + utf8.RuneLen(runeAt(s, p))
			if n := strings.IndexAny(s[open:], closing); n >= 0 {
				_, size := utf8.DecodeRuneInString(s[open+n:])
				if name := commandName(s[open:open+n], verb); name != "" {
					values = append(values, CommandValue{Text: name, Quoted: true})
				}
				p = open + n + size
				if next := skipRunes(s, p, isGap); verb == CommandTag && runeAt(s, next) == ',' {
					p = next + 1
					continue
				}
				return values, skipRunes(s, p, func(c rune) bool { return isGap(c) || isEnding(c) })
			}
			p = open
		}
		end := nextAt(s, p)
		item := s[p:end]
		if i := strings.IndexAny(item, ",;"); i >= 0 && verb == CommandTag {
			item = item[:i]
			end = p + i + 1
		}
		if name := commandName(item, verb); name != "" {
			values = append(values, CommandValue{Text: name})
		}
		if verb != CommandTag || end >= len(s) || isAt(runeAt(s, end)) {
			return values, end
		}
		p = end
	}
}

// commandName makes a name of what stands behind a command.
func commandName(s string, verb CommandVerb) string {
	s = strings.TrimFunc(tidy(s), func(r rune) bool { return strings.ContainsRune(".,;:!?", r) || isOrnament(r) })
	if verb == CommandTag {
		s = strings.TrimLeft(s, "#")
	}
	return strings.TrimSpace(s)
}

// misplaced is what an answer is told about a command in its text.
const misplaced = "Commands stand at the top, before everything else; if the customer shall read this word, write the @ twice: @"

// check looks for commands in the text, where they do nothing and must not
// reach a customer: the known ones anywhere, and at the beginning of a line
// those that somebody misspelt. In a note, which nobody else reads, they may be
// spoken of.
func (r *answerReader) check(line, skipped, to int) {
	note := r.answer.Note()
	for i := line; i < to; i++ {
		s, first := r.lines[i].raw, lineBegin(r.lines[i].raw)
		p := 0
		if i == line && skipped > 0 {
			p, first = skipped, -1
			if isAt(runeAt(s, p)) {
				p = runeEnd(s, p) // the second of the two that begin the text
			}
		}
		for ; p < len(s); p = runeEnd(s, p) {
			if !standsAlone(s, p) {
				continue
			}
			w := readAt(s, p)
			_, known := commandVerbs[w.word]
			m, near := meant(w.word)
			switch {
			case known && (w.plain || !strings.ContainsAny(w.shown[1:], ".@/")) && (p == first || !note):
				r.answer.fault("%s stands in your text. %s%s.", w.shown, misplaced, w.shown)
			case p == first && w.plain && near && m != "":
				r.answer.fault("%s stands in your text and looks like @%s. %s%s.", w.shown, m, misplaced, w.shown)
			case p == first && w.plain && near:
				r.answer.fault("%s stands in your text and looks like a command. %s%s.", w.shown, misplaced, w.shown)
			}
		}
	}
}

// standsAlone reports whether an "@" begins a word at p: it is within no mail
// address or path, and is not doubled.
func standsAlone(s string, p int) bool {
	if !isAt(runeAt(s, p)) || isAt(runeAt(s, runeEnd(s, p))) {
		return false
	}
	before, _ := utf8.DecodeLastRuneInString(s[:p])
	return p == 0 || !isWordRune(before) && !isAt(before) && !strings.ContainsRune(".%+/=&#", before)
}

// undouble takes one of two "@" away before words that would else be commands:
// the way to write such a word.
func undouble(s string) string {
	var out strings.Builder
	for p := 0; p < len(s); p = runeEnd(s, p) {
		if next := runeEnd(s, p); isAt(runeAt(s, p)) && isAt(runeAt(s, next)) {
			if _, near := meant(readAt(s, next).word); near {
				continue
			}
		}
		out.WriteString(s[p:runeEnd(s, p)])
	}
	return out.String()
}

// meant returns the command that a word is meant as; near without a command is
// a word that people take for one.
func meant(word string) (command string, near bool) {
	if _, ok := commandVerbs[word]; ok {
		return word, true
	}
	if m, ok := mistaken[word]; ok {
		return m, true
	}
	for _, c := range []string{"close", "pending", "active", "spam", "assign", "note", "tag"} {
		most := 1
		if len(c) > 4 && len(word) > 4 {
			most = 2
		}
		if len(word) > 2 && editDistance(word, c) <= most {
			return c, true
		}
	}
	return "", false
}

// editDistance counts the letters to add, drop, change or swap (Damerau,
// adjacent letters) to make b of a. Words over 20 bytes are far from each
// other.
func editDistance(a, b string) int {
	if len(a) > 20 || len(b) > 20 {
		return 20
	}
	x, y := []rune(a), []rune(b)
	d := make([][]int, len(x)+1)
	for i := range d {
		d[i] = make([]int, len(y)+1)
		d[i][0] = i
	}
	for j := range y {
		d[0][j+1] = j + 1
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			change := 1
			if x[i-1] == y[j-1] {
				change = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+change)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(x)][len(y)]
}
