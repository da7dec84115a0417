package flowfile

import (
	"slices"
	"strings"
)

// nearest returns the word that a mistyped one most likely means, "" if none is
// near.
func nearest(word string, words []string) string {
	best, most := "", max(1, len([]rune(word))/3)
	for _, w := range words {
		if n := distance(strings.ToLower(word), strings.ToLower(w)); n <= most && (best == "" || n < most) {
			best, most = w, n
		}
	}
	if best != "" || len(word) < 3 {
		return best
	}
	for _, w := range words { // a part of it, such as domain for customer.domain
		if strings.Contains(strings.ToLower(w), strings.ToLower(word)) {
			return w
		}
	}
	return ""
}

// distance counts how many letters have to be put in, taken out, changed, or
// exchanged with the next to come from one word to another.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if d := len(x) - len(y); d > 6 || d < -6 {
		return 99
	}
	var before, last []int
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(x); i++ {
		before, last, row = last, row, make([]int, len(y)+1)
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = slices.Min([]int{last[j] + 1, row[j-1] + 1, last[j-1] + cost})
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(y)]
}
