package email

import "strings"

// Split is a body taken apart into what the sender wrote and what is folded
// away: quotes and signatures (Q1). Hidden is kept and can be shown.
type Split struct {
	VisibleText, HiddenText string
	VisibleHTML, HiddenHTML string
}

// Split takes the bodies of a mail apart with SplitText and SplitHTML. A
// forwarded mail is kept whole (Q1).
func (m *Mail) Split() Split {
	if IsForwardSubject(m.Subject) {
		return Split{VisibleText: m.Text, VisibleHTML: m.HTML}
	}
	var s Split
	s.VisibleText, s.HiddenText = SplitText(m.Text)
	s.VisibleHTML, s.HiddenHTML = SplitHTML(m.HTML)
	return s
}

// maxQuoteLines bounds the lines looked at for quotes; what is longer is
// shown whole.
const maxQuoteLines = 20000

// SplitText splits a plain text body into what its author wrote and the quote
// and signature after it (Q2). visible and hidden together are the text, in
// order, but for blank lines between them. Where answers stand between quoted
// lines, where what is found is a forwarded mail, and where nothing would be
// left to see, everything is visible: hiding too little is a small fault,
// hiding a customer's words a failure.
func SplitText(text string) (visible, hidden string) {
	text = unixLines(text)
	if strings.Count(text, "\n") > maxQuoteLines {
		return text, ""
	}
	var lines []quoteLine
	for l := range strings.SplitSeq(text, "\n") {
		trimmed := strings.TrimSpace(l)
		lines = append(lines, quoteLine{text: trimmed, quoted: strings.HasPrefix(trimmed, ">"), signature: l == "-- " || l == "--"})
	}
	at := findCut(lines)
	if at <= 0 {
		return text, ""
	}
	offset := 0
	for range at {
		offset += strings.IndexByte(text[offset:], '\n') + 1
	}
	return strings.TrimRight(text[:offset], " \t\n"), strings.Trim(text[offset:], "\n")
}

// quoteLine is a line of a body, plain or laid out from HTML.
type quoteLine struct {
	text        string // trimmed
	quoted      bool   // marked as a quote: ">", blockquote, a client's own element
	attribution bool   // a client's own element says that a quote follows
	rest        bool   // a client's own element says that all from here on is a quote
	signature   bool   // a signature begins
	inSignature bool   // a client's own element around a signature
}

func (l quoteLine) blank() bool { return strings.Trim(l.text, "> \t\u00a0") == "" }

// findCut returns the line from which on a body is folded away, or 0.
func findCut(lines []quoteLine) int {
	cut := findQuote(lines)
	if cut < 0 {
		return 0 // interleaved, or a forward: whole
	}
	cut = signatureBefore(lines, cut)
	for i := range cut {
		if !lines[i].blank() {
			return foldEnd(lines, cut)
		}
	}
	return 0
}

// foldEnd is 0 where there is nothing to fold.
func foldEnd(lines []quoteLine, cut int) int {
	for _, l := range lines[cut:] {
		if l.text != "" {
			return cut
		}
	}
	return 0
}

// findQuote returns where the quote begins, len(lines) where there is none,
// and -1 where the body must be kept whole.
func findQuote(lines []quoteLine) int {
	for i := range lines {
		l := &lines[i]
		switch {
		case l.blank() && !l.quoted && !l.rest:
			continue
		case isForwardMark(l.text):
			return forwardOr(lines, i)
		case l.rest:
			return i
		case isSeparator(l.text):
			if l.quoted || quotedFollows(lines[i+1:]) {
				return wholeIfInterleaved(lines, attributionBefore(lines, i))
			}
			return i
		case l.quoted:
			return wholeIfInterleaved(lines, i)
		case l.attribution:
			return wholeIfInterleaved(lines, i)
		case isOriginalMark(l.text):
			return wholeIfInterleaved(lines, i)
		}
		if n := headerBlock(lines[i:]); n > 0 {
			return wholeIfInterleaved(lines, ruleBefore(lines, i))
		}
		if n := attributionLines(lines[i:]); n > 0 {
			return wholeIfInterleaved(lines, i)
		}
	}
	return len(lines)
}

// forwardOr keeps a body whole from a forward mark on, unless the mark stands
// within a quote that began before.
func forwardOr(lines []quoteLine, i int) int {
	if lines[i].quoted {
		return wholeIfInterleaved(lines, i)
	}
	return -1
}

// wholeIfInterleaved returns -1 if words of the author follow after quoted
// lines: answers between the lines, or below the quote. Quotes without marks
// cannot be told from answers, and are taken for quotes to the end.
func wholeIfInterleaved(lines []quoteLine, cut int) int {
	start := firstQuoted(lines, cut)
	if start < 0 {
		return cut
	}
	for i := start; i < len(lines); i++ {
		l := lines[i]
		switch {
		case l.quoted || l.blank():
		case l.rest:
			return cut
		case l.signature || isListFooter(l.text):
			return cut
		case isWrapped(lines, i):
		case isSoftwareLine(l.text):
		case attributionLines(lines[i:]) > 0 && quotedFollows(lines[i+1:]):
			// the attribution of an older quote that lost its own mark
		default:
			return -1
		}
	}
	return cut
}

// firstQuoted returns the first marked line when the quote that begins at cut
// is a marked one: only blank lines and its attribution stand before.
func firstQuoted(lines []quoteLine, cut int) int {
	if lines[cut].quoted {
		return cut
	}
	i := cut + max(1, attributionLines(lines[cut:]), headerBlock(lines[cut:]))
	for ; i < len(lines); i++ {
		if lines[i].quoted {
			return i
		}
		if !lines[i].blank() && !lines[i].attribution && !isOriginalMark(lines[i].text) && headerBlock(lines[i:]) == 0 && !isHeaderLine(lines[i].text) {
			return -1
		}
	}
	return -1
}

// isWrapped recognises the end of a quoted line that a mail program broke
// without marking the rest.
func isWrapped(lines []quoteLine, i int) bool {
	if i == 0 || i+1 >= len(lines) || !lines[i-1].quoted || !lines[i+1].quoted {
		return false
	}
	before := lines[i-1].text
	if len(before) < 60 || strings.ContainsAny(before[len(before)-1:], ".?!:") {
		return false
	}
	first := lines[i].text[0]
	return first >= 'a' && first <= 'z' || first >= 0x80
}

func quotedFollows(lines []quoteLine) bool {
	for _, l := range lines {
		if l.quoted {
			return true
		}
		if !l.blank() {
			return false
		}
	}
	return false
}

// attributionBefore moves from a quote to the attribution above it.
func attributionBefore(lines []quoteLine, i int) int {
	j := i
	for j > 0 && lines[j-1].blank() {
		j--
	}
	for n := 1; n <= 4 && j-n >= 0; n++ {
		if got := attributionLines(lines[j-n:]); got == n {
			return j - n
		}
	}
	return i
}

// ruleBefore moves up over the line Outlook draws above a header block.
func ruleBefore(lines []quoteLine, i int) int {
	j := i
	for j > 0 && lines[j-1].blank() {
		j--
	}
	if j > 0 && isRule(lines[j-1].text) {
		return j - 1
	}
	return i
}

// signatureBefore moves up over a signature (RFC 3676 4.3) and over what
// telephones write below a message.
func signatureBefore(lines []quoteLine, cut int) int {
	cut = softwareBefore(lines, cut)
	const maxSignature = 20
	for i := cut - 1; i >= 0 && cut-i <= maxSignature; i-- {
		if lines[i].signature {
			if lines[i].inSignature && wordsAfterSignature(lines[i:cut]) {
				break
			}
			// "-- " and the element of the signature may each begin one.
			for j := i - 1; j >= 0 && (lines[j].blank() || lines[j].signature); j-- {
				if lines[j].signature {
					i = j
				}
			}
			return softwareBefore(lines, i)
		}
		if lines[i].quoted {
			break
		}
	}
	return cut
}

// wordsAfterSignature reports whether something stands below the element of a
// signature.
func wordsAfterSignature(lines []quoteLine) bool {
	for _, l := range lines {
		if !l.blank() && !l.inSignature {
			return true
		}
	}
	return false
}

func softwareBefore(lines []quoteLine, cut int) int {
	for i := cut - 1; i >= 0; i-- {
		switch {
		case lines[i].blank():
		case isSoftwareLine(lines[i].text):
			cut = i
		default:
			return cut
		}
	}
	return cut
}
