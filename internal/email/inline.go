package email

import (
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// markInline sets Inline on every attachment the HTML refers to by Content-ID
// (RFC 2392) or Content-Location (RFC 2557), whatever its disposition (M4).
func markInline(m *Mail) {
	if m.HTML == "" || len(m.Attachments) == 0 {
		return
	}
	refs := htmlReferences(m.HTML)
	if len(refs) == 0 {
		return
	}
	for i := range m.Attachments {
		a := &m.Attachments[i]
		if a.ContentID != "" && refs["cid:"+cidKey(a.ContentID)] || a.Location != "" && refs[strings.ToLower(a.Location)] {
			a.Inline = true
		}
	}
}

// InlineAttachment returns the attachment a "cid:" URL, or the Content-Location,
// in the mail's HTML refers to.
func (m *Mail) InlineAttachment(ref string) (Attachment, bool) {
	key := referenceKey(ref)
	for _, a := range m.Attachments {
		if a.ContentID != "" && key == "cid:"+cidKey(a.ContentID) || a.Location != "" && key == strings.ToLower(a.Location) {
			return a, true
		}
	}
	return Attachment{}, false
}

// cidKey is the form in which content ids are compared.
func cidKey(id string) string {
	id = strings.Trim(strings.TrimSpace(id), "<>")
	if u, err := url.PathUnescape(id); err == nil {
		id = u
	}
	return strings.ToLower(strings.Trim(strings.TrimSpace(id), "<>"))
}

// referenceKey maps a URL in the HTML to the key of the part it names.
func referenceKey(ref string) string {
	ref = strings.TrimSpace(ref)
	if len(ref) > 4 && strings.EqualFold(ref[:4], "cid:") {
		return "cid:" + cidKey(ref[4:])
	}
	return strings.ToLower(ref)
}

// htmlReferences collects the keys of everything the HTML refers to from
// attributes that load something, and from url() in styles.
func htmlReferences(doc string) map[string]bool {
	refs := map[string]bool{}
	z := html.NewTokenizer(strings.NewReader(doc))
	for len(refs) < 5000 {
		switch z.Next() {
		case html.ErrorToken:
			return refs
		case html.TextToken:
			if text := z.Raw(); strings.Contains(string(text), "cid:") {
				cssReferences(string(text), refs)
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			_, more := z.TagName()
			for more {
				var key, val []byte
				key, val, more = z.TagAttr()
				switch string(key) {
				case "src", "background", "href", "data", "poster", "xlink:href":
					if len(val) < 2000 {
						refs[referenceKey(string(val))] = true
					}
				case "style":
					cssReferences(string(val), refs)
				}
			}
		}
	}
	return refs
}

func cssReferences(css string, refs map[string]bool) {
	for {
		i := strings.Index(css, "cid:")
		if i < 0 {
			return
		}
		css = css[i:]
		end := strings.IndexAny(css, "\"') \t\r\n;<>")
		if end < 0 {
			end = len(css)
		}
		refs[referenceKey(css[:end])] = true
		css = css[end:]
	}
}
