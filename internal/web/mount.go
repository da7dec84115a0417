package web

import (
	"bytes"
	"net/http"
	"regexp"
)

// A site may stand under a path of another one: the sandbox's, which is a whole
// desk, under the desk's own. Within it everything is as ever, as if it stood at
// the top. Only where an answer leaves, links and redirects get its path put
// before them, cookies are bound to it, and the script is told (data-base).
// docs/decisions/0031 says why not the views themselves.

// localLink finds attributes that lead somewhere on the site. In finished HTML
// a quotation mark within a text or a value is written as an entity, so that
// what looks like an attribute is one.
var localLink = regexp.MustCompile(` (?:href|src|action|formaction|poster|data-[a-z-]+)="/[^"]*"|<html |<head>`)

// mounted puts the path before the links of a page. The script and the styles
// are the same for both sites.
func mounted(page []byte, base string) []byte {
	if base == "" {
		return page
	}
	return localLink.ReplaceAllFunc(page, func(found []byte) []byte {
		switch {
		case string(found) == "<html ":
			return []byte(`<html data-base="` + base + `" `)
		case string(found) == "<head>":
			return []byte(`<head><meta name="turbo-root" content="` + base + `">`)
		}
		i := bytes.IndexByte(found, '"') + 1
		if path := found[i:]; bytes.HasPrefix(path, []byte("//")) || bytes.HasPrefix(path, []byte("/assets/")) {
			return found
		}
		return append(append(append([]byte{}, found[:i]...), base...), found[i:]...)
	})
}

// leave answers 303 with a place of the desk around this site.
func (q *request) leave(path string) {
	q.w.Header().Set("Cache-Control", "no-store")
	http.Redirect(q.w, q.Request, path, http.StatusSeeOther)
}

// cookiePath is how far our cookies go.
func (s *Site) cookiePath() string {
	if s.o.Base == "" {
		return "/"
	}
	return s.o.Base
}
