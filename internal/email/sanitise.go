package email

import (
	"regexp"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// SanitiseVersion is the version of the rules Sanitise follows. What was
// cleaned by an older one can be cleaned again from the original (H1).
const SanitiseVersion = 1

const linkRel = "noopener noreferrer nofollow"

// SanitiseOptions say how Sanitise treats what a mail's HTML loads.
type SanitiseOptions struct {
	// InlineURL returns the URL at which a part of the mail is served, for a
	// "cid:" URL or a Content-Location in the HTML. nil, or ok false, leaves
	// the picture out.
	InlineURL func(ref string) (url string, ok bool)

	// AllowRemote keeps pictures from elsewhere: the agent asked for them (H2).
	AllowRemote bool
}

// Sanitise makes the HTML of a received mail harmless (H1): only elements,
// attributes and styles of an allow-list survive, no script, form, frame,
// style sheet, svg or remote font; links lead to http, https, mailto and tel,
// in a new window, without a referrer. Pictures from elsewhere become their
// alternative text unless o allows them; remote says that there were some. The
// result is the content of a body, to be shown in an isolated document of its
// own. HTML that the parser refuses (nested too deep) is shown as text.
//
// Split quotes before sanitising: the classes SplitHTML looks for do not
// survive.
func Sanitise(doc string, o SanitiseOptions) (clean string, remote bool) {
	root, err := parseDocument(doc)
	if err != nil {
		return HTMLFromText(TextFromHTML(doc)), false
	}
	c := &cleaner{options: o, styles: safeProperties}
	c.children(root)
	body := bodyOf(root)
	if body == nil {
		return "", c.remote
	}
	out, err := renderBody(body)
	if err != nil {
		return HTMLFromText(TextFromHTML(doc)), c.remote
	}
	return strings.TrimSpace(cleanText(receivedPolicy().Sanitize(out))), c.remote
}

// parseDocument parses HTML as a reader without scripting does. It fails on
// nesting deeper than the parser allows.
func parseDocument(doc string) (*html.Node, error) {
	return html.ParseWithOptions(strings.NewReader(doc), html.ParseOptionEnableScripting(false))
}

func bodyOf(root *html.Node) *html.Node {
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.DataAtom == atom.Body {
			return n
		}
	}
	return nil
}

// renderBody renders what is in a body; colours of the body itself move to a
// div around it.
func renderBody(body *html.Node) (string, error) {
	var out strings.Builder
	style := attribute(body.Attr, "style")
	if bg := attribute(body.Attr, "bgcolor"); bg != "" && safeValue(bg) && !strings.ContainsAny(bg, `"'`) {
		style = strings.TrimPrefix(style+"; background-color: "+bg, "; ")
	}
	if style != "" {
		out.WriteString(`<div style="` + html.EscapeString(style) + `">`)
	}
	for n := body.FirstChild; n != nil; n = n.NextSibling {
		if err := html.Render(&out, n); err != nil {
			return "", err
		}
	}
	if style != "" {
		out.WriteString("</div>")
	}
	return out.String(), nil
}

// cleaner walks a document and changes what the policy alone cannot judge:
// sources of pictures, links, styles.
type cleaner struct {
	options SanitiseOptions
	styles  map[string]bool
	remote  bool
}

func (c *cleaner) children(n *html.Node) {
	for k := n.FirstChild; k != nil; {
		next := k.NextSibling
		c.node(k)
		k = next
	}
}

func (c *cleaner) node(n *html.Node) {
	if n.Type == html.CommentNode {
		n.Parent.RemoveChild(n)
		return
	}
	if n.Type != html.ElementNode {
		return
	}
	if n.Namespace != "" || isDropped(n.DataAtom) {
		c.dropped(n)
		n.Parent.RemoveChild(n)
		return
	}
	if n.DataAtom == atom.Img {
		c.image(n)
		return
	}
	c.attributes(n)
	c.children(n)
}

// dropped notes what a removed element would have loaded.
func (c *cleaner) dropped(n *html.Node) {
	c.remote = c.remote || loadsRemote(n)
	for d := range n.Descendants() {
		c.remote = c.remote || loadsRemote(d)
	}
}

// isDropped is true for elements that go with their content.
func isDropped(a atom.Atom) bool {
	switch a {
	case atom.Script, atom.Style, atom.Head, atom.Title, atom.Link, atom.Meta, atom.Base, atom.Iframe, atom.Frame, atom.Frameset, atom.Noframes,
		atom.Object, atom.Embed, atom.Applet, atom.Param, atom.Svg, atom.Math, atom.Audio, atom.Video, atom.Source, atom.Track, atom.Canvas,
		atom.Input, atom.Select, atom.Template, atom.Dialog, atom.Map, atom.Area:
		return true
	}
	return false
}

// loadsRemote reports whether an element would fetch something by itself.
func loadsRemote(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Link:
		return strings.EqualFold(attribute(n.Attr, "rel"), "stylesheet") && isRemote(attribute(n.Attr, "href"))
	case atom.Style:
		if n.FirstChild == nil {
			return false
		}
		css := strings.ToLower(n.FirstChild.Data)
		return strings.Contains(css, "url(") && strings.Contains(css, "//") || strings.Contains(css, "@import")
	case atom.Img, atom.Source, atom.Video, atom.Audio, atom.Input, atom.Embed, atom.Iframe:
		return isRemote(attribute(n.Attr, "src")) || isRemote(attribute(n.Attr, "srcset")) || isRemote(attribute(n.Attr, "poster"))
	}
	return false
}

func (c *cleaner) attributes(n *html.Node) {
	kept := n.Attr[:0]
	for _, a := range n.Attr {
		switch a.Key {
		case "style":
			style, remote := safeStyle(a.Val, c.styles)
			c.remote = c.remote || remote
			if a.Val = style; style == "" {
				continue
			}
		case "background", "poster", "srcset":
			c.remote = c.remote || isRemote(a.Val)
			continue
		case "href":
			if n.DataAtom != atom.A || linkTarget(a.Val) == "" {
				continue
			}
			a.Val = strings.TrimSpace(a.Val)
		case "rel", "target":
			continue
		}
		if a.Namespace == "" {
			kept = append(kept, a)
		}
	}
	n.Attr = kept
	if n.DataAtom == atom.A && attribute(n.Attr, "href") != "" {
		n.Attr = append(n.Attr, html.Attribute{Key: "rel", Val: linkRel}, html.Attribute{Key: "target", Val: "_blank"})
	}
}

// image keeps a picture that is a part of the mail, under the URL it is served
// at, or one from elsewhere if that is allowed; any other becomes its
// alternative text.
func (c *cleaner) image(n *html.Node) {
	src := strings.TrimSpace(attribute(n.Attr, "src"))
	if isRemote(attribute(n.Attr, "srcset")) {
		c.remote = true
	}
	target := ""
	if c.options.InlineURL != nil && src != "" {
		if u, ok := c.options.InlineURL(src); ok {
			target = u
		}
	}
	if target == "" && isRemote(src) {
		c.remote = true
		if c.options.AllowRemote {
			target = src
			if strings.HasPrefix(target, "//") {
				target = "https:" + target
			}
		}
	}
	if target == "" {
		c.placeholder(n)
		return
	}
	attrs := []html.Attribute{{Key: "src", Val: target}, {Key: "alt", Val: attribute(n.Attr, "alt")}}
	for _, key := range []string{"width", "height", "title", "align", "border"} {
		if v := attribute(n.Attr, key); v != "" {
			attrs = append(attrs, html.Attribute{Key: key, Val: v})
		}
	}
	style, remote := safeStyle(attribute(n.Attr, "style"), c.styles)
	c.remote = c.remote || remote
	if style != "" {
		attrs = append(attrs, html.Attribute{Key: "style", Val: style})
	}
	n.Attr = attrs
}

// placeholder puts the alternative text in the place of a picture.
func (c *cleaner) placeholder(n *html.Node) {
	if alt := strings.TrimSpace(attribute(n.Attr, "alt")); alt != "" {
		n.Parent.InsertBefore(&html.Node{Type: html.TextNode, Data: "[" + alt + "]"}, n)
	}
	n.Parent.RemoveChild(n)
}

// isRemote is true for URLs that would be fetched from a network.
func isRemote(u string) bool {
	u = strings.ToLower(strings.Map(func(r rune) rune {
		if r <= ' ' {
			return -1
		}
		return r
	}, u))
	return strings.HasPrefix(u, "http:") || strings.HasPrefix(u, "https:") || strings.HasPrefix(u, "//") || strings.HasPrefix(u, `\\`) || strings.HasPrefix(u, "ftp:")
}

var (
	lengthPattern = regexp.MustCompile(`^[0-9]{1,5}(\.[0-9]+)?(%|px|pt|em)?$`)
	colourPattern = regexp.MustCompile(`(?i)^(#[0-9a-f]{3,8}|[a-z]{1,30})$`)
	wordPattern   = regexp.MustCompile(`(?i)^[a-z-]{1,30}$`)
	fontPattern   = regexp.MustCompile(`^[\p{L}\p{N} ,'"_.-]{1,200}$`)
	langPattern   = regexp.MustCompile(`(?i)^[a-z0-9-]{1,40}$`)
	relPattern    = regexp.MustCompile("^" + linkRel + "$")
	blankPattern  = regexp.MustCompile(`^_blank$`)
)

// receivedPolicy is the allow-list for received mail. It runs last, on what
// the walk left, so that nothing the walk forgot gets through.
var receivedPolicy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "div", "span", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "b", "i", "u", "s", "em", "strong", "small", "big", "sub", "sup",
		"strike", "del", "ins", "code", "pre", "tt", "kbd", "samp", "var", "abbr", "cite", "q", "mark", "blockquote", "center", "address", "font",
		"ul", "ol", "li", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th", "colgroup", "col", "a", "img",
		"section", "article", "header", "footer", "main", "nav", "aside", "figure", "figcaption", "wbr", "bdi", "bdo")
	p.AllowNoAttrs().OnElements("span", "font", "a")
	p.AllowAttrs("style").Globally()
	p.AllowAttrs("dir", "align", "valign").Matching(wordPattern).Globally()
	p.AllowAttrs("lang").Matching(langPattern).Globally()
	p.AllowAttrs("title").Globally()
	p.AllowAttrs("width", "height", "border", "cellpadding", "cellspacing", "hspace", "vspace").Matching(lengthPattern).Globally()
	p.AllowAttrs("colspan", "rowspan", "span", "start", "value").Matching(bluemonday.Integer).OnElements("td", "th", "col", "colgroup", "ol", "li")
	p.AllowAttrs("bgcolor", "color").Matching(colourPattern).Globally()
	p.AllowAttrs("size").Matching(regexp.MustCompile(`^[+-]?[0-9]$`)).OnElements("font")
	p.AllowAttrs("face").Matching(fontPattern).OnElements("font")
	p.AllowAttrs("type").Matching(wordPattern).OnElements("ol", "ul", "li")
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("rel").Matching(relPattern).OnElements("a")
	p.AllowAttrs("target").Matching(blankPattern).OnElements("a")
	p.AllowAttrs("src", "alt").OnElements("img")
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(true)
	p.AllowURLSchemes("http", "https", "mailto", "tel", "cid")
	return p
})

// ComposeOptions say which pictures an agent's message may show.
type ComposeOptions struct {
	// Image returns the src a picture keeps, such as "cid:ID", for the src the
	// editor sent. nil, or ok false, leaves the picture out.
	Image func(src string) (keep string, ok bool)
}

// SanitiseComposed cleans what an agent's editor sends: the tags the editor
// has, links to http, https, mailto and tel, pictures only where o vouches for
// them. Everything else is reduced to its text.
func SanitiseComposed(doc string, o ComposeOptions) string {
	root, err := parseDocument(doc)
	if err != nil {
		return HTMLFromText(TextFromHTML(doc))
	}
	c := &cleaner{options: SanitiseOptions{InlineURL: o.Image}, styles: composedProperties}
	c.children(root)
	body := bodyOf(root)
	if body == nil {
		return ""
	}
	body.Attr = nil
	out, err := renderBody(body)
	if err != nil {
		return HTMLFromText(TextFromHTML(doc))
	}
	return strings.TrimSpace(cleanText(composedPolicy().Sanitize(out)))
}

var composedPolicy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "div", "span", "br", "hr", "h1", "h2", "h3", "h4", "b", "i", "u", "s", "em", "strong", "sub", "sup", "del", "mark",
		"code", "pre", "blockquote", "ul", "ol", "li", "table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th", "colgroup", "col", "a", "img")
	p.AllowNoAttrs().OnElements("span", "a")
	p.AllowAttrs("style").Globally()
	p.AllowAttrs("dir", "align").Matching(wordPattern).Globally()
	p.AllowAttrs("colspan", "rowspan", "start").Matching(bluemonday.Integer).OnElements("td", "th", "ol")
	p.AllowAttrs("width", "height").Matching(lengthPattern).OnElements("img", "td", "th", "col")
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("rel").Matching(relPattern).OnElements("a")
	p.AllowAttrs("target").Matching(blankPattern).OnElements("a")
	p.AllowAttrs("src", "alt").OnElements("img")
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(true)
	p.AllowURLSchemes("http", "https", "mailto", "tel", "cid")
	return p
})

// IsBlankHTML reports whether HTML shows nothing: no text and no picture.
func IsBlankHTML(doc string) bool {
	return !strings.Contains(strings.ToLower(doc), "<img") && strings.TrimSpace(strings.ReplaceAll(TextFromHTML(doc), "\u00a0", " ")) == ""
}
