package query

import (
	"strings"
	"unicode"
)

const (
	mostCompared = 4_000_000 // cells of the table that two texts are compared in
	shownAround  = 12        // words of what stayed that are shown beside a change
)

// textChanges compares two texts word by word and returns what stayed, went and
// came, in order; nil if their words are the same. Of long stretches that
// stayed it keeps the words beside a change. Texts that are too long to be
// compared in their middle are shown there as one gone and one new.
func textChanges(before, after string) []Change {
	a, b := textWords(before), textWords(after)
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	end := 0
	for end < len(a)-start && end < len(b)-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	if start+end == len(a) && start+end == len(b) {
		return nil
	}
	d := &comparison{}
	d.add("same", a[:start]...)
	d.middle(a[start:len(a)-end], b[start:len(b)-end])
	d.add("same", a[len(a)-end:]...)
	return d.shortened()
}

// textWords splits a text into words and line ends.
func textWords(s string) []string {
	var out []string
	for line := range strings.Lines(s) {
		out = append(out, strings.FieldsFunc(line, unicode.IsSpace)...)
		if strings.HasSuffix(line, "\n") && len(out) > 0 && out[len(out)-1] != "\n" {
			out = append(out, "\n")
		}
	}
	for len(out) > 0 && out[len(out)-1] == "\n" {
		out = out[:len(out)-1]
	}
	return out
}

// comparison collects pieces; neighbours of one kind are one piece.
type comparison struct {
	kinds []string
	words [][]string
}

func (d *comparison) add(kind string, words ...string) {
	if len(words) == 0 {
		return
	}
	if n := len(d.kinds); n > 0 && d.kinds[n-1] == kind {
		d.words[n-1] = append(d.words[n-1], words...)
		return
	}
	d.kinds, d.words = append(d.kinds, kind), append(d.words, append([]string(nil), words...))
}

// middle compares by the longest common subsequence.
func (d *comparison) middle(a, b []string) {
	if len(a)*len(b) > mostCompared {
		d.add("removed", a...)
		d.add("added", b...)
		return
	}
	width := len(b) + 1
	length := make([]int32, (len(a)+1)*width) // of the longest one of a[i:] and b[j:]
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				length[i*width+j] = length[(i+1)*width+j+1] + 1
			} else {
				length[i*width+j] = max(length[(i+1)*width+j], length[i*width+j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			d.add("same", a[i])
			i, j = i+1, j+1
		case length[(i+1)*width+j] >= length[i*width+j+1]:
			d.add("removed", a[i])
			i++
		default:
			d.add("added", b[j])
			j++
		}
	}
	d.add("removed", a[i:]...)
	d.add("added", b[j:]...)
}

// shortened returns the pieces as texts, long ones that stayed cut down to the
// words beside a change.
func (d *comparison) shortened() []Change {
	var out []Change
	for i, kind := range d.kinds {
		words, before, after := d.words[i], i > 0, i < len(d.kinds)-1
		text := joinWords(words)
		if kind == "same" && len(words) > 2*shownAround+4 {
			switch {
			case before && after:
				text = joinWords(words[:shownAround]) + " … " + joinWords(words[len(words)-shownAround:])
			case before:
				text = joinWords(words[:shownAround]) + " …"
			default:
				text = "… " + joinWords(words[len(words)-shownAround:])
			}
		}
		out = append(out, Change{Kind: kind, Text: text})
	}
	return out
}

func joinWords(words []string) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 && w != "\n" && words[i-1] != "\n" {
			b.WriteByte(' ')
		}
		b.WriteString(w)
	}
	return b.String()
}
