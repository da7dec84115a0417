package email

import "strings"

// unflow joins the soft line breaks of format=flowed text (RFC 3676 4).
// Quote marks and space-stuffing are understood; "-- " is never joined.
func unflow(text string, delSp bool) string {
	var out strings.Builder
	out.Grow(len(text))
	open, depth := false, 0 // a paragraph waits for its next line
	for line := range strings.SplitSeq(text, "\n") {
		content := strings.TrimLeft(line, ">")
		d := len(line) - len(content)
		content = strings.TrimPrefix(content, " ")
		signature := content == "-- "
		if open && (d != depth || signature) {
			out.WriteByte('\n')
			open = false
		}
		if !open && d > 0 {
			out.WriteString(strings.Repeat(">", d))
			if content != "" {
				out.WriteByte(' ')
			}
		}
		flowed := strings.HasSuffix(content, " ") && !signature
		if flowed && delSp {
			content = content[:len(content)-1]
		}
		out.WriteString(content)
		if !flowed {
			out.WriteByte('\n')
		}
		open, depth = flowed, d
	}
	return strings.TrimSuffix(out.String(), "\n")
}
