package view

import (
	"html"
	"regexp"
	"strings"
)

// linkPattern finds web and mail addresses in plain text.
var linkPattern = regexp.MustCompile(`https?://[^\s<>"']+|www\.[^\s<>"']+\.[^\s<>"']+|[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+`)

// textHTML turns plain text into safe HTML: escaped, with links, line breaks
// left to the style sheet (white-space: pre-wrap).
func textHTML(text string) string {
	var b strings.Builder
	text = strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n ")
	last := 0
	for _, at := range linkPattern.FindAllStringIndex(text, -1) {
		word := strings.TrimRight(text[at[0]:at[1]], ".,;:!?)]}")
		if strings.Count(word, "(") > strings.Count(word, ")") && strings.HasPrefix(text[at[0]+len(word):], ")") {
			word += ")" // belongs to the address: /wiki/Post_(game)
		}
		b.WriteString(html.EscapeString(text[last:at[0]]))
		href := word
		switch {
		case strings.HasPrefix(word, "www."):
			href = "https://" + word
		case !strings.HasPrefix(word, "http"):
			href = "mailto:" + word
		}
		b.WriteString(`<a href="` + html.EscapeString(href) + `" target="_blank" rel="noopener noreferrer nofollow">` + html.EscapeString(word) + "</a>")
		last = at[0] + len(word)
	}
	b.WriteString(html.EscapeString(text[last:]))
	return b.String()
}
