package email

import (
	stdhtml "html"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// TextFromHTML returns the readable text of an HTML document: paragraphs and
// lines kept, lists with marks, quotes with "> ", links with their address
// where it differs from their text, pictures by their alternative text. It
// reads any input, in one pass.
func TextFromHTML(doc string) string {
	w := &textWriter{}
	z := html.NewTokenizer(strings.NewReader(doc))
	skip := "" // the element whose content is no text
	for {
		switch tt := z.Next(); tt {
		case html.ErrorToken:
			return w.finish()
		case html.TextToken:
			if skip == "" {
				w.text(string(z.Text()))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			tok := z.Token()
			if skip == "" && tt == html.StartTagToken && isHiddenElement(tok.DataAtom) {
				skip = tok.Data
			} else if skip == "" {
				w.start(tok)
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			switch {
			case skip == string(name):
				skip = ""
			case skip == "":
				w.end(atom.Lookup(name))
			case skip == "head" && string(name) == "body":
				skip = ""
			}
		}
	}
}

func isHiddenElement(a atom.Atom) bool {
	switch a {
	case atom.Script, atom.Style, atom.Title, atom.Template, atom.Object, atom.Svg, atom.Math, atom.Iframe:
		return true
	}
	return false
}

// textWriter lays out text. Line ends and spaces are held back until a word
// follows, so that there are never more than one blank line.
type textWriter struct {
	out    strings.Builder
	lines  int  // line ends due before the next word
	space  bool // a space is due before the next word
	quotes int  // open blockquotes
	pre    int  // open pre elements
	lists  []list
	href   string
	anchor strings.Builder // text of the open link
	bullet string          // due before the next word
}

type list struct {
	ordered bool
	n       int
}

func (w *textWriter) text(s string) {
	if w.pre > 0 {
		for i, line := range strings.Split(unixLines(s), "\n") {
			if i > 0 {
				w.lines++
			}
			if line != "" {
				w.word(line)
			}
		}
		return
	}
	if s != "" && strings.ContainsRune(" \t\r\n\f", rune(s[0])) {
		w.space = true
	}
	for i, f := range strings.FieldsFunc(s, isHTMLSpace) {
		if i > 0 {
			w.space = true
		}
		w.word(strings.ReplaceAll(f, "\u00a0", " "))
	}
	if s != "" && strings.ContainsRune(" \t\r\n\f", rune(s[len(s)-1])) && strings.TrimFunc(s, isHTMLSpace) != "" {
		w.space = true
	}
}

func isHTMLSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' || r == '\f' }

func (w *textWriter) word(s string) {
	if w.href != "" {
		if w.space && w.anchor.Len() > 0 {
			w.anchor.WriteByte(' ')
		}
		w.anchor.WriteString(s)
	}
	started := w.out.Len() > 0
	if w.lines > 0 && started {
		for range min(w.lines, 2) {
			w.out.WriteByte('\n')
			if w.quotes > 0 {
				w.out.WriteString(strings.Repeat(">", min(w.quotes, 20)) + " ")
			}
		}
	} else if !started && w.quotes > 0 {
		w.out.WriteString(strings.Repeat(">", min(w.quotes, 20)) + " ")
	} else if w.space && started {
		w.out.WriteByte(' ')
	}
	w.lines, w.space = 0, false
	if w.bullet != "" {
		w.out.WriteString(w.bullet)
		w.bullet = ""
	}
	w.out.WriteString(s)
}

// block asks for at least n line ends before the next word.
func (w *textWriter) block(n int) {
	w.lines = max(w.lines, n)
	w.space = false
}

func (w *textWriter) start(tok html.Token) {
	switch tok.DataAtom {
	case atom.Br:
		w.lines++
		w.space = false
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Table, atom.Dl:
		w.block(2)
	case atom.Div, atom.Tr, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Address, atom.Figure, atom.Center, atom.Dt, atom.Dd, atom.Form, atom.Fieldset:
		w.block(1)
	case atom.Hr:
		w.block(1)
		w.word("--------")
		w.block(1)
	case atom.Td, atom.Th:
		w.space = true
	case atom.Pre:
		w.block(2)
		w.pre++
	case atom.Blockquote:
		w.block(2)
		w.quotes++
	case atom.Ul, atom.Ol:
		w.block(max(1, 2-len(w.lists)))
		if len(w.lists) < 50 {
			w.lists = append(w.lists, list{ordered: tok.DataAtom == atom.Ol})
		}
	case atom.Li:
		w.block(1)
		w.item()
	case atom.A:
		w.href = linkTarget(attribute(tok.Attr, "href"))
		w.anchor.Reset()
	case atom.Img:
		if alt := strings.TrimSpace(attribute(tok.Attr, "alt")); alt != "" {
			w.word("[" + alt + "]")
		}
	}
}

func (w *textWriter) item() {
	if len(w.lists) == 0 {
		w.bullet = "* "
		return
	}
	l := &w.lists[len(w.lists)-1]
	l.n++
	indent := strings.Repeat("  ", len(w.lists)-1)
	w.bullet = indent + "* "
	if l.ordered {
		w.bullet = indent + itoa(l.n) + ". "
	}
}

func (w *textWriter) end(a atom.Atom) {
	switch a {
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Table, atom.Dl:
		w.block(2)
	case atom.Div, atom.Tr, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Address, atom.Figure, atom.Center, atom.Dt, atom.Dd, atom.Form, atom.Fieldset, atom.Li:
		w.block(1)
		if a == atom.Li {
			w.bullet = ""
		}
	case atom.Pre:
		w.block(2)
		w.pre = max(0, w.pre-1)
	case atom.Blockquote:
		w.block(2)
		w.quotes = max(0, w.quotes-1)
	case atom.Ul, atom.Ol:
		w.block(max(1, 3-len(w.lists)))
		if len(w.lists) > 0 {
			w.lists = w.lists[:len(w.lists)-1]
		}
	case atom.A:
		w.link()
	}
}

// link writes the address of a link behind its text, unless the text says it.
func (w *textWriter) link() {
	href, text := w.href, strings.TrimSpace(w.anchor.String())
	w.href = ""
	if href == "" || text == "" {
		return
	}
	bare := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(href, "mailto:"), "tel:"), "https://"), "http://")
	if strings.EqualFold(strings.TrimSuffix(bare, "/"), strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(text, "https://"), "http://"), "/")) {
		return
	}
	w.space = true
	w.word("<" + href + ">")
}

func linkTarget(href string) string {
	href = strings.TrimSpace(href)
	u, err := url.Parse(href)
	if err != nil || len(href) > 2000 {
		return ""
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https", "mailto", "tel":
		return href
	}
	return ""
}

func (w *textWriter) finish() string {
	return cleanText(strings.TrimSpace(w.out.String()))
}

func attribute(attrs []html.Attribute, key string) string {
	for _, a := range attrs {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

var linkPattern = regexp.MustCompile(`(?i)\b(https?://[^\s<>"]+|www\.[^\s<>"]+\.[^\s<>"]+|[a-z0-9._%+-]+@[a-z0-9-]+(\.[a-z0-9-]+)+)`)

// HTMLFromText makes HTML of plain text: escaped, lines kept, web and mail
// addresses as links. The result is as harmless as Sanitise's.
func HTMLFromText(text string) string {
	var out strings.Builder
	out.Grow(len(text) + len(text)/8)
	for i, line := range strings.Split(unixLines(cleanText(text)), "\n") {
		if i > 0 {
			out.WriteString("<br>\n")
		}
		linkify(&out, line)
	}
	return out.String()
}

func linkify(out *strings.Builder, line string) {
	if indent := len(line) - len(strings.TrimLeft(line, " ")); indent > 1 {
		out.WriteString(strings.Repeat("&nbsp;", min(indent, 40)))
		line = line[indent:]
	}
	for line != "" {
		loc := linkPattern.FindStringIndex(line)
		if loc == nil {
			break
		}
		out.WriteString(stdhtml.EscapeString(line[:loc[0]]))
		target := line[loc[0]:loc[1]]
		shown := strings.TrimRight(target, ".,;:!?'*_")
		if strings.HasSuffix(shown, ")") && !strings.Contains(shown, "(") {
			shown = strings.TrimSuffix(shown, ")")
		}
		href := shown
		switch {
		case strings.HasPrefix(strings.ToLower(shown), "http"):
		case strings.HasPrefix(strings.ToLower(shown), "www."):
			href = "http://" + shown
		default:
			href = "mailto:" + shown
		}
		out.WriteString(`<a href="` + stdhtml.EscapeString(href) + `" rel="` + linkRel + `" target="_blank">` + stdhtml.EscapeString(shown) + `</a>`)
		line = line[loc[0]+len(shown):]
	}
	out.WriteString(stdhtml.EscapeString(line))
}
