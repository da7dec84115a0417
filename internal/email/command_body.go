package email

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// textBody is the body of a mail without HTML.
type textBody struct{ all []string }

func newTextBody(text string) answerBody { return &textBody{all: strings.Split(unixLines(text), "\n")} }

func (b *textBody) lines() []answerLine {
	out := make([]answerLine, len(b.all))
	for i, l := range b.all {
		trimmed := strings.TrimSpace(l)
		out[i] = answerLine{raw: l, quoteLine: quoteLine{text: trimmed, quoted: strings.HasPrefix(trimmed, ">"), signature: l == "-- " || l == "--"}}
	}
	return out
}

func (b *textBody) keep(from, skip, to int) (text, doc string) {
	kept := append([]string{}, b.all[from:to]...)
	if len(kept) > 0 {
		kept[0] = strings.TrimLeftFunc(kept[0][min(skip, len(kept[0])):], isGap)
	}
	for i := range kept {
		kept[i] = undouble(kept[i])
	}
	text = strings.Trim(strings.Join(kept, "\n"), "\n")
	text = strings.TrimRight(text, " \t\n")
	return text, HTMLFromText(text)
}

// htmlBody is the body of a mail with HTML.
type htmlBody struct {
	body *html.Node
	flat *flattener
}

// newHTMLBody returns nil for HTML that cannot be parsed.
func newHTMLBody(doc string) answerBody {
	root, err := parseDocument(doc)
	if err != nil {
		return nil
	}
	b := &htmlBody{body: bodyOf(root), flat: &flattener{}}
	if b.body == nil {
		return nil
	}
	b.flat.walk(b.body, region{})
	b.flat.flush()
	return b
}

func (b *htmlBody) lines() []answerLine {
	out := make([]answerLine, len(b.flat.lines))
	for i, l := range b.flat.lines {
		out[i] = answerLine{raw: b.flat.raws[i], quoteLine: l}
	}
	return out
}

func (b *htmlBody) keep(from, skip, to int) (text, doc string) {
	if from >= len(b.flat.lines) || from >= to {
		return "", ""
	}
	// What is cut off at the end goes first: the place is found by what
	// stands before it.
	if to < len(b.flat.lines) {
		if cut := cutPoint(b.body, b.flat.nodes[to]); cut != b.body {
			removeFrom(b.body, cut)
		}
	}
	removeBefore(b.body, b.flat.nodes[from])
	for _, n := range b.flat.parts[from] {
		if skip <= 0 {
			break
		}
		if n.Type != html.TextNode {
			continue
		}
		cut := min(skip, len(n.Data))
		n.Data = n.Data[cut:]
		skip -= cut
	}
	trimBlank(b.body)
	undoubleAll(b.body)
	doc, err := innerHTML(b.body)
	if err != nil {
		return "", ""
	}
	return strings.TrimSpace(TextFromHTML(doc)), doc
}

// trimBlank takes what shows nothing off the beginning and the end of a tree.
func trimBlank(n *html.Node) {
	for n.FirstChild != nil && showsNothing(n.FirstChild) {
		n.RemoveChild(n.FirstChild)
	}
	for n.LastChild != nil && showsNothing(n.LastChild) {
		n.RemoveChild(n.LastChild)
	}
	if n.FirstChild != nil && n.FirstChild == n.LastChild {
		trimBlank(n.FirstChild)
		return
	}
	if n.FirstChild != nil {
		trimEdge(n.FirstChild, true)
		trimEdge(n.LastChild, false)
	}
}

// trimEdge does the same on one side, down to where words begin.
func trimEdge(n *html.Node, first bool) {
	for {
		if n.Type == html.TextNode && first {
			n.Data = strings.TrimLeftFunc(n.Data, isGap)
		}
		k := n.LastChild
		if first {
			k = n.FirstChild
		}
		if k == nil || n.DataAtom == atom.Td || n.DataAtom == atom.Th {
			return
		}
		if showsNothing(k) {
			n.RemoveChild(k)
			continue
		}
		n = k
	}
}

func undoubleAll(n *html.Node) {
	if n.Type == html.TextNode {
		n.Data = undouble(n.Data)
	}
	for k := n.FirstChild; k != nil; k = k.NextSibling {
		undoubleAll(k)
	}
}
