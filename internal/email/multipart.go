package email

import "bytes"

// split is a multipart taken apart at its boundary.
type split struct {
	parts  [][]byte
	closed bool // the closing delimiter was there
}

// splitMultipart cuts body at the delimiter lines of boundary (RFC 2046
// 5.1.1). Delimiters after the closing one go on opening parts: what stands
// there is words of the sender, too.
func splitMultipart(body []byte, boundary string) split {
	var s split
	if boundary == "" || len(boundary) > 500 {
		return s
	}
	delim := []byte("--" + boundary)
	start := -1 // of the open part
	for pos := 0; pos < len(body); {
		i := bytes.Index(body[pos:], delim)
		if i < 0 {
			break
		}
		i += pos
		after, final, ok := delimiterEnd(body, i, len(delim))
		if !ok {
			pos = i + len(delim)
			continue
		}
		if start >= 0 {
			s.parts = append(s.parts, trimLineEnd(body[start:max(start, i)]))
		}
		start = after
		s.closed = final
		if final {
			start = -1
		}
		pos = after
	}
	if start >= 0 && start <= len(body) {
		if last := body[start:]; len(bytes.TrimSpace(last)) > 0 || len(s.parts) == 0 {
			s.parts = append(s.parts, last)
		}
	}
	return s
}

// delimiterEnd checks that a delimiter line stands at body[i:] and returns
// where the next line begins.
func delimiterEnd(body []byte, i, n int) (after int, final, ok bool) {
	if i > 0 && body[i-1] != '\n' && body[i-1] != '\r' {
		return 0, false, false
	}
	j := i + n
	if bytes.HasPrefix(body[j:], []byte("--")) {
		final = true
		j += 2
	}
	for j < len(body) && (body[j] == ' ' || body[j] == '\t' || body[j] == '\r') {
		j++
	}
	if j >= len(body) {
		return len(body), final, true
	}
	if body[j] != '\n' {
		// Text may follow a closing delimiter without a line end; after an
		// opening one it is another boundary that begins with this one.
		return j, final, final
	}
	return j + 1, final, true
}

// trimLineEnd takes away the line end that belongs to the delimiter after it.
func trimLineEnd(b []byte) []byte {
	if bytes.HasSuffix(b, []byte("\n")) {
		b = b[:len(b)-1]
		return bytes.TrimSuffix(b, []byte("\r"))
	}
	return b
}

// guessBoundary finds a line that starts with "--" and has MIME headers after
// it.
func guessBoundary(body []byte) string {
	for rest := body; len(rest) > 0; {
		line, next := cutLine(rest)
		if bytes.HasPrefix(line, []byte("--")) && len(line) > 2 && len(line) < 200 {
			follow, _ := cutLine(next)
			if len(follow) > 8 && bytes.EqualFold(follow[:8], []byte("content-")) {
				return string(bytes.TrimRight(line[2:], " \t"))
			}
		}
		rest = next
	}
	return ""
}
