package workflow

import (
	"fmt"
	"slices"
	"strings"

	"postroom"
)

// cycles finds workflows that set each other off in a circle, one finding for
// each knot of them, shown as its shortest path. A chain ends all the same,
// because a workflow runs once in it (W20), but hardly ever as was meant.
func cycles(s *Set) []Finding {
	var list []*Version
	for _, en := range s.entries {
		if en.State == Enabled {
			list = append(list, en.Version)
		}
	}
	next := make([][]int, len(list))
	for i, a := range list {
		for j, b := range list {
			if a.setsOff(b) {
				next[i] = append(next[i], j)
			}
		}
	}
	var out []Finding
	seen := make([]bool, len(list)) // already part of a cycle that was shown
	for i := range list {
		if seen[i] {
			continue
		}
		path := shortestCycle(next, i)
		if path == nil {
			continue
		}
		f := Finding{Kind: Cycle}
		var titles []string
		for _, k := range path {
			seen[k] = true
			f.Workflows = append(f.Workflows, list[k].WorkflowID)
			titles = append(titles, list[k].title())
		}
		titles = append(titles, titles[0])
		f.Text = fmt.Sprintf("These set each other off in a circle: %s. Each runs once, then it ends.", strings.Join(titles, " → "))
		waits := slices.ContainsFunc(path, func(k int) bool { return list[k].Timed() })
		switch {
		case waits && len(path) == 1:
			f.Text = fmt.Sprintf("%s sets off itself, each time after its wait: it goes on until something keeps it from running.", titles[0])
		case waits:
			f.Text = fmt.Sprintf("These set each other off in a circle: %s. A wait begins a chain anew, so it goes on until something keeps one of them from running.", strings.Join(titles, " → "))
		case len(path) == 1:
			f.Text = fmt.Sprintf("%s sets off itself. It runs once, then it ends.", titles[0])
		}
		out = append(out, f)
	}
	return out
}

// shortestCycle returns the shortest way from start back to start, nil if
// there is none.
func shortestCycle(next [][]int, start int) []int {
	from := make([]int, len(next))
	for i := range from {
		from[i] = -1
	}
	queue := []int{start}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, n := range next[at] {
			if n == start {
				var path []int
				for k := at; k != start; k = from[k] {
					path = append([]int{k}, path...)
				}
				return append([]int{start}, path...)
			}
			if from[n] < 0 {
				from[n] = at
				queue = append(queue, n)
			}
		}
	}
	return nil
}

// silentAfter reports whether all that v does after a was done records nothing:
// a note is no edge, and to set what is already so is no event (W5).
func (v *Version) silentAfter(a compiledAction) bool {
	for _, b := range v.actions {
		switch {
		case b.Do == DoNote && v.when.Event != postroom.NoteAdded, b.Do == DoStop, b.Do == DoTags && a.Do == DoTags && slices.Equal(a.Add, b.Add) && slices.Equal(a.Remove, b.Remove):
		case b.Do == DoStatus && a.Do == DoStatus && a.Status == b.Status:
		case b.Do == DoAssign && a.Do == DoAssign && *a.Agent == *b.Agent:
		default:
			return false
		}
	}
	return true
}
