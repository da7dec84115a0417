package email

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// SplitHTML is SplitText for HTML: it knows the elements mail programs put
// around quotes (Q2) and otherwise reads the text as SplitText does. Both
// halves are bodies without their document, unsafe as what came in. HTML that
// the parser refuses is visible as a whole.
func SplitHTML(doc string) (visible, hidden string) {
	if doc == "" {
		return "", ""
	}
	root, err := parseDocument(doc)
	if err != nil {
		return doc, ""
	}
	body := bodyOf(root)
	if body == nil {
		return doc, ""
	}
	f := &flattener{}
	f.walk(body, region{})
	f.flush()
	if len(f.lines) > maxQuoteLines {
		return doc, ""
	}
	at := findCut(f.lines)
	if at <= 0 || f.nodes[at] == nil {
		return doc, ""
	}
	cut := cutPoint(body, f.nodes[at])
	if cut == body {
		return doc, ""
	}
	copied, copyCut := cloneTree(body, cut)
	removeFrom(body, cut)
	removeBefore(copied, copyCut)
	visible, err1 := innerHTML(body)
	hidden, err2 := innerHTML(copied)
	if err1 != nil || err2 != nil || IsBlankHTML(visible) {
		return doc, ""
	}
	return visible, hidden
}

// region is what the elements around a node say about it.
type region struct {
	quoted      bool
	attribution bool
	rest        bool
	signature   bool
}

// flattener lays a document out as lines, each with the node it begins at.
type flattener struct {
	lines []quoteLine
	nodes []*html.Node
	parts [][]*html.Node // of each line all nodes that hold its text
	open  []*html.Node
	raws  []string // of each line its text as it stands in those nodes
	text  strings.Builder
	first *html.Node
	at    region
	rest  bool // the next line begins the rest
	sig   bool // the next line begins a signature
}

func (f *flattener) walk(n *html.Node, r region) {
	switch n.Type {
	case html.TextNode:
		f.word(n, n.Data, r)
		return
	case html.ElementNode:
	default:
		return
	}
	if isDropped(n.DataAtom) {
		return
	}
	inner := mark(n, r)
	block := isBlock(n.DataAtom) || inner != r
	if block {
		f.flush()
	}
	if inner.rest && !r.rest {
		f.rest = true
	}
	if inner.signature && !r.signature {
		f.sig = true
	}
	switch n.DataAtom {
	case atom.Br:
		f.newline(n, r)
	case atom.Img:
		if !isTrackingPixel(n) {
			f.word(n, "\u25a3", inner) // a picture counts as words
		}
	case atom.Hr:
	default:
		for k := n.FirstChild; k != nil; k = k.NextSibling {
			f.walk(k, inner)
		}
	}
	if block {
		f.flush()
	}
}

func (f *flattener) word(n *html.Node, s string, r region) {
	if f.first == nil && strings.TrimSpace(s) != "" {
		f.first, f.at = n, r
	}
	f.open = append(f.open, n)
	f.text.WriteString(s)
}

func (f *flattener) newline(n *html.Node, r region) {
	if f.first == nil && f.text.Len() == 0 && len(f.lines) > 0 && f.lines[len(f.lines)-1].text != "" {
		f.lines = append(f.lines, quoteLine{quoted: r.quoted})
		f.nodes, f.parts, f.raws = append(f.nodes, n), append(f.parts, nil), append(f.raws, "")
		return
	}
	f.flush()
}

func (f *flattener) flush() {
	raw := f.text.String()
	text := strings.Join(strings.Fields(raw), " ")
	f.text.Reset()
	parts := f.open
	f.open = nil
	if f.first == nil || text == "" {
		f.first = nil
		return
	}
	signature := f.sig || text == "--" && strings.TrimRight(strings.ReplaceAll(raw, "\u00a0", " "), "\n") != "---"
	f.lines = append(f.lines, quoteLine{
		text: text, quoted: f.at.quoted || strings.HasPrefix(text, ">"), attribution: f.at.attribution, rest: f.rest,
		signature: signature, inSignature: f.at.signature,
	})
	f.nodes, f.parts, f.raws = append(f.nodes, f.first), append(f.parts, parts), append(f.raws, raw)
	f.first, f.rest, f.sig = nil, false, false
}

// mark adds what an element says to the region around it.
func mark(n *html.Node, r region) region {
	id := stripX(attribute(n.Attr, "id"))
	classes := strings.Fields(attribute(n.Attr, "class"))
	switch {
	case n.DataAtom == atom.Blockquote && isQuoteBlock(n, classes):
		r.quoted = true
	case id == "divrplyfwdmsg", id == "olk_src_body_section", id == "appendonsend", id == "mail-editor-reference-message-container", id == "ms-outlook-mobile-reference-message",
		strings.HasPrefix(id, "reply-intro"), id == "isforwardcontent", id == "isreplycontent":
		r.rest = true
	case strings.HasPrefix(id, "yahoo_quoted"), id == "mail-app-auto-quote", id == "mail-quote":
		r.quoted = true
	}
	if isHeaderRule(n) {
		r.rest = true
	}
	for _, c := range classes {
		switch c = stripX(c); c {
		case "gmail_attr", "moz-cite-prefix", "moz-email-headers-table", "yahoo-quoted-begin":
			r.attribution = true
		case "yahoo_quoted", "protonmail_quote", "tutanota_quote", "zmail_extra", "front-blockquote", "freshdesk_quote", "gmail_quote_inner", "mailrureply", "quoted-text", "reply_quote", "ms-outlook-mobile-reference-message", "quotedreply":
			r.quoted = true
		case SeparatorClass:
			r.rest = r.rest || !r.quoted
		case "gmail_signature", "moz-signature", "gmail_signature_prefix", "protonmail_signature_block":
			r.signature = true
		}
		if strings.HasSuffix(c, "yahoo_quoted") || strings.HasSuffix(c, "yahoo-quoted") {
			r.quoted = true
		}
	}
	return r
}

// stripX removes the prefixes Outlook puts before the ids and classes of what
// it quotes, as often as it was quoted.
func stripX(s string) string {
	s = strings.ToLower(s)
	for strings.HasPrefix(s, "x_") {
		s = s[2:]
	}
	return s
}

// isQuoteBlock tells a mail program's blockquote from one the author made: the
// programs mark theirs, or put an attribution above it.
func isQuoteBlock(n *html.Node, classes []string) bool {
	if strings.EqualFold(attribute(n.Attr, "type"), "cite") || attribute(n.Attr, "cite") != "" {
		return true
	}
	for _, c := range classes {
		switch stripX(c) {
		case "gmail_quote", "moz-quote", "protonmail_quote", "cite", "tutanota_quote", "quote", "iosmailquote":
			return true
		}
	}
	style := strings.ToLower(strings.ReplaceAll(attribute(n.Attr, "style"), " ", ""))
	if strings.Contains(style, "border-left:") && !strings.Contains(style, "border-left:none") {
		return true
	}
	for p, steps := n.PrevSibling, 0; p != nil && steps < 10; p, steps = p.PrevSibling, steps+1 {
		text := strings.Join(strings.Fields(textOf(p, 500)), " ")
		if text != "" {
			return isAttribution(text, true)
		}
	}
	return false
}

// isHeaderRule recognises the box with a line above it that Outlook puts
// around the header of the mail it quotes.
func isHeaderRule(n *html.Node) bool {
	if n.DataAtom != atom.Div {
		return false
	}
	style := strings.ToLower(strings.ReplaceAll(attribute(n.Attr, "style"), " ", ""))
	if !strings.Contains(style, "border-top:solid") && !strings.Contains(style, "border-top:1pxsolid") && !strings.Contains(style, "border-top:1.0ptsolid") {
		return false
	}
	text := textOf(n, 1000)
	kinds := 0
	for line := range strings.SplitSeq(text, "\n") {
		if headerKind(strings.TrimSpace(line)) != 0 {
			kinds++
		}
	}
	return kinds >= 2
}

// textOf returns up to about limit bytes of the text in a node, with line ends
// at breaks and blocks.
func textOf(n *html.Node, limit int) string {
	var out strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if out.Len() > limit {
			return
		}
		switch {
		case n.Type == html.TextNode:
			out.WriteString(strings.Join(strings.Fields(n.Data), " ") + " ")
		case n.Type == html.ElementNode && isDropped(n.DataAtom):
			return
		case n.Type == html.ElementNode && (n.DataAtom == atom.Br || isBlock(n.DataAtom)):
			out.WriteByte('\n')
		}
		for k := n.FirstChild; k != nil; k = k.NextSibling {
			walk(k)
		}
	}
	walk(n)
	return out.String()
}

func isBlock(a atom.Atom) bool {
	switch a {
	case atom.P, atom.Div, atom.Blockquote, atom.Table, atom.Tr, atom.Td, atom.Th, atom.Ul, atom.Ol, atom.Li, atom.Pre, atom.Hr, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6,
		atom.Section, atom.Article, atom.Header, atom.Footer, atom.Center, atom.Address, atom.Dl, atom.Dt, atom.Dd, atom.Tbody, atom.Form:
		return true
	}
	return false
}

func isTrackingPixel(n *html.Node) bool {
	w, h := attribute(n.Attr, "width"), attribute(n.Attr, "height")
	return (w == "1" || w == "0") && (h == "1" || h == "0")
}

// cutPoint climbs from the first node of the quote to the outermost element
// that begins with it, and takes the breaks and rules before it along.
func cutPoint(body, n *html.Node) *html.Node {
	for n.Parent != nil && n != body {
		for n.PrevSibling != nil && showsNothing(n.PrevSibling) {
			n = n.PrevSibling
		}
		if n.PrevSibling != nil || n.Parent == body {
			return n
		}
		n = n.Parent
	}
	return n
}

// showsNothing is true for white space, breaks, rules and empty elements.
func showsNothing(n *html.Node) bool {
	switch n.Type {
	case html.TextNode:
		return strings.TrimSpace(strings.ReplaceAll(n.Data, "\u00a0", " ")) == ""
	case html.CommentNode:
		return true
	case html.ElementNode:
		if n.DataAtom == atom.Img || n.DataAtom == atom.Input || n.DataAtom == atom.Video || n.DataAtom == atom.Object {
			return false
		}
		for k := n.FirstChild; k != nil; k = k.NextSibling {
			if !showsNothing(k) {
				return false
			}
		}
		return true
	}
	return true
}

// cloneTree copies a tree and returns the copy of mark in it as well.
func cloneTree(n, mark *html.Node) (root, copied *html.Node) {
	root = &html.Node{Type: n.Type, DataAtom: n.DataAtom, Data: n.Data, Namespace: n.Namespace, Attr: append([]html.Attribute{}, n.Attr...)}
	if n == mark {
		copied = root
	}
	for k := n.FirstChild; k != nil; k = k.NextSibling {
		c, m := cloneTree(k, mark)
		root.AppendChild(c)
		if m != nil {
			copied = m
		}
	}
	return root, copied
}

// removeFrom removes n and everything after it from body.
func removeFrom(body, n *html.Node) {
	for at := n; at != body; {
		parent := at.Parent
		for at.NextSibling != nil {
			parent.RemoveChild(at.NextSibling)
		}
		if at == n {
			parent.RemoveChild(n)
		}
		at = parent
	}
}

// removeBefore removes everything before n from body.
func removeBefore(body, n *html.Node) {
	for ; n != nil && n != body; n = n.Parent {
		for n.PrevSibling != nil {
			n.Parent.RemoveChild(n.PrevSibling)
		}
	}
}

func innerHTML(body *html.Node) (string, error) {
	var out strings.Builder
	for n := body.FirstChild; n != nil; n = n.NextSibling {
		if err := html.Render(&out, n); err != nil {
			return "", err
		}
	}
	return strings.TrimSpace(out.String()), nil
}
