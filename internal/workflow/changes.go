package workflow

import (
	"slices"
	"strings"
)

// Change is one line of what differs between two definitions.
type Change struct {
	Sign byte // '+' only in the new one, '-' only in the old one, ' ' in both
	Text string
}

// Changes says line by line what differs between two definitions: When, If,
// Then with the wording of its texts, and limits, in words. Lines that are the
// same stand between, so that one sees where a change is. Equal definitions
// have no changes: the result is nil.
func Changes(before, after Definition, names Names) []Change {
	out := differ(page(before, names), page(after, names))
	if !slices.ContainsFunc(out, func(c Change) bool { return c.Sign != ' ' }) {
		return nil
	}
	return out
}

// Differ says line by line what differs between two texts.
func Differ(before, after []string) []Change { return differ(before, after) }

// Lines writes a definition as lines, as Changes compares them.
func Lines(d Definition, names Names) []string { return page(d, names) }

// page writes a definition as lines.
func page(d Definition, names Names) []string {
	words := Describe(d, names)
	out := []string{words.When}
	for i, line := range words.If {
		lead := strings.Repeat("    ", line.Depth)
		if i == 0 {
			lead = "If "
		}
		out = append(out, lead+line.Text)
	}
	for i, text := range words.Then {
		out = append(out, "Then "+text)
		write := func(text string) {
			for line := range strings.Lines(text) {
				out = append(out, "    "+strings.TrimRight(line, "\n"))
			}
		}
		if a := d.Then[i]; a.Subject != "" && a.Do == DoMail {
			write("Subject: " + a.Subject)
		}
		for _, line := range d.Then[i].callLines(names) {
			write(line)
		}
		write(d.Then[i].Text + d.Then[i].HTML)
		for _, language := range sortedKeys(d.Then[i].Texts) {
			write("In " + language + ":\n" + d.Then[i].Texts[language])
		}
	}
	for _, text := range words.Limits {
		out = append(out, "Limit: "+text)
	}
	return out
}

// maxDiffer is how many lines are compared one by one; longer texts are shown
// as taken out and put in.
const maxDiffer = 2000

// differ finds the longest common subsequence of two texts.
func differ(a, b []string) []Change {
	var out []Change
	add := func(sign byte, lines []string) {
		for _, l := range lines {
			out = append(out, Change{sign, l})
		}
	}
	same := 0
	for same < len(a) && same < len(b) && a[same] == b[same] {
		same++
	}
	add(' ', a[:same])
	a, b = a[same:], b[same:]
	if len(a) > maxDiffer || len(b) > maxDiffer {
		add('-', a)
		add('+', b)
		return out
	}
	// length[i][j] is the longest common subsequence of a[i:] and b[j:].
	length := make([][]int, len(a)+1)
	for i := range length {
		length[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			add(' ', a[i:i+1])
			i, j = i+1, j+1
		case length[i+1][j] >= length[i][j+1]:
			add('-', a[i:i+1])
			i++
		default:
			add('+', b[j:j+1])
			j++
		}
	}
	add('-', a[i:])
	add('+', b[j:])
	return out
}
