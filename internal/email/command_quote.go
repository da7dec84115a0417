package email

import "strings"

const (
	cannotTell    = "It cannot be told apart what you have written and what you quote. Write at the top of your answer, and delete what is quoted if that does not help."
	writeAbove    = "Above what you quote there is nothing. Write at the top of your answer."
	betweenQuotes = "You have written between the lines you quote. Write at the top of your answer; what stands below is not sent to the customer."
	nothingThere  = "There is nothing in it."
)

// written finds the lines that the agent wrote: from..to. Not ok means that
// the answer has faults.
func (r *answerReader) written() (from, to int, ok bool) {
	lines := make([]quoteLine, len(r.lines))
	for i, l := range r.lines {
		lines[i] = l.quoteLine
	}
	cut, sure := r.quoteStart(lines)
	if !sure {
		r.answer.fault(cannotTell)
		return 0, 0, false
	}
	between, after := r.strays(lines, cut)
	above := hasWords(lines[:cut])
	switch {
	case between:
		r.answer.fault(betweenQuotes)
		return 0, 0, false
	case !above && after > 0 && beginsCommand(r.lines[after].raw):
		// Below the quote, where some mail programs put the cursor. Only a
		// command shows that these words are the agent's own and no footer.
		from, to = after, len(lines)
	case !above && cut < len(lines):
		r.answer.fault(writeAbove)
		return 0, 0, false
	case !above:
		r.answer.fault(nothingThere)
		return 0, 0, false
	default:
		from, to = 0, cut
	}
	end := from + signatureBefore(lines[from:to], to-from)
	if hasWords(lines[from:end]) {
		to = end
	}
	return from, to, true
}

func hasWords(lines []quoteLine) bool {
	for _, l := range lines {
		if tidy(l.text) != "" {
			return true
		}
	}
	return false
}

// quoteStart returns the first line of what is quoted, len(lines) if nothing
// is. A line that looks like the beginning of a quote and has nothing of one
// below it is not sure.
func (r *answerReader) quoteStart(lines []quoteLine) (cut int, sure bool) {
	tries := 0
	for i := range lines {
		l := &lines[i]
		switch {
		case l.blank() && !l.quoted && !l.rest:
			continue
		case isSeparator(l.text), l.quoted:
			return r.introBefore(lines, i), true
		case l.rest:
			return ruleBefore(lines, i), true
		case l.attribution, isOriginalMark(l.text), isForwardMark(l.text):
			return i, true
		}
		n := headerBlock(lines[i:])
		begin := i
		if n > 0 {
			begin = ruleBefore(lines, i)
		} else {
			n = attributionLines(lines[i:])
		}
		if n > 0 {
			return begin, r.quoteFollows(lines[i+n:])
		}
		if tries < 50 && r.sent.line(l.text) {
			if tries++; r.sent.begins(lines[i:]) {
				return i, true
			}
		}
	}
	return len(lines), true
}

// introBefore moves up from a quote to what a mail program wrote above it:
// lines of attribution, or the header of the quoted mail.
func (r *answerReader) introBefore(lines []quoteLine, i int) int {
	at := attributionBefore(lines, i)
	if at < i {
		return at
	}
	j := i
	for j > 0 && lines[j-1].blank() {
		j--
	}
	for n := 3; n <= 15 && j-n >= 0; n++ {
		if headerBlock(lines[j-n:j]) == n {
			return ruleBefore(lines, j-n)
		}
	}
	return i
}

// quoteFollows looks whether the first words below an attribution are quoted:
// by marks, or because they are those that were sent. Without knowing what was
// sent, an attribution is believed; one with nothing below it quotes nothing
// that could be given away.
func (r *answerReader) quoteFollows(lines []quoteLine) bool {
	seen := 0
	for _, l := range lines {
		if l.blank() && !l.quoted {
			continue
		}
		if l.quoted || l.rest || isSeparator(l.text) || r.sent.line(l.text) {
			return true
		}
		if seen++; seen > 6 {
			break
		}
	}
	return seen == 0 || r.sent.unknown()
}

// strays looks for words of the agent within the quote and below it: between
// says that quoted lines follow them, after is the first of those behind the
// last quoted line, 0 for none.
func (r *answerReader) strays(lines []quoteLine, cut int) (between bool, after int) {
	if cut >= len(lines) {
		return false, 0
	}
	start := firstQuoted(lines, cut)
	if start < 0 {
		return false, 0 // without marks: taken for a quote to its end
	}
	for i := start; i < len(lines); i++ {
		l := lines[i]
		switch {
		case l.quoted || l.blank():
			if l.quoted && after > 0 {
				return true, 0
			}
		case l.rest:
			return false, after
		case after > 0:
		case l.signature || isListFooter(l.text):
			return false, after
		case isWrapped(lines, i), isSoftwareLine(l.text), r.sent.line(l.text), isSeparator(l.text):
		case attributionLines(lines[i:]) > 0 && quotedFollows(lines[i+1:]):
		default:
			after = i
		}
	}
	return false, after
}

// echo is a text that was sent, by which its own words are known again.
type echo struct {
	count  int
	lines  map[string]bool
	joined string
}

func newEcho(sent string) echo {
	e := echo{lines: map[string]bool{}}
	var all []string
	for l := range strings.SplitSeq(unixLines(sent), "\n") {
		if strings.HasPrefix(l, ">") {
			continue // what was itself quoted: an answer that went back, to be sent again
		}
		if l = echoForm(l); l != "" {
			e.count++
			e.lines[l] = true
			all = append(all, l)
		}
	}
	e.joined = strings.Join(all, " ")
	return e
}

// echoForm leaves out what mail programs change in what they quote.
func echoForm(s string) string {
	return strings.ToLower(strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		switch r {
		case '>', '*', '_', '|', '<', '\u00a0':
			return true
		}
		return r <= ' '
	}), " "))
}

func (e echo) unknown() bool { return e.count == 0 }

// line reports whether a line is one of those that were sent, or a part of one
// that is long enough to be no accident.
func (e echo) line(s string) bool {
	s = echoForm(s)
	return s != "" && (e.lines[s] && len(s) > 3 || len(s) >= 24 && strings.Contains(e.joined, s))
}

// enough is how many of its lines must be met again before they are taken for
// a quote: more than a name and a greeting.
func (e echo) enough() int { return max(3, e.count*2/5) }

// begins reports whether an unmarked quote begins: nearly all lines to the end
// are lines that were sent.
func (e echo) begins(lines []quoteLine) bool {
	if e.unknown() {
		return false
	}
	known, other := 0, 0
	for _, l := range lines {
		switch {
		case l.blank():
		case e.line(l.text):
			known++
		default:
			other++
		}
	}
	return known >= e.enough() && other*4 <= known
}

// in reports whether a text holds so much of what was sent that it must be a
// quote.
func (e echo) in(text string) bool {
	if e.unknown() {
		return false
	}
	n := 0
	for l := range strings.SplitSeq(text, "\n") {
		if e.line(l) {
			n++
		}
	}
	return n >= e.enough()
}
