package proof

import "slices"

// Graph is who can set off whom, laid out to be drawn: from left to right in
// columns, those that nobody sets off first. Workflows that set off nobody and
// that nobody sets off are not in it.
type Graph struct {
	Nodes         []Node
	Arrows        []Arrow
	Columns, Rows int // how many places there are
}

// Node is a workflow in its place.
type Node struct {
	Workflow    int64
	Name        string
	Column, Row int  // from 0
	Circle      bool // it can come to set off itself
}

// Arrow says that From can set off To.
type Arrow struct {
	From, To int    // places in Nodes
	Words    string // by doing what
	Back     bool   // it is part of a circle
}

// picture lays the graph out. Each node stands one column after the last of
// those that set it off, circles taken as one.
func (g links) picture(subjects []*subject) Graph {
	knot := g.knots()
	column := g.columns(knot)
	var out Graph
	place := make([]int, len(g))
	rows := map[int]int{}
	wanted := make([]bool, len(g))
	size := map[int]int{}
	for i, ls := range g {
		size[knot[i]]++
		for _, l := range ls {
			wanted[i], wanted[l.to] = true, true
		}
	}
	order := make([]int, 0, len(g))
	for i := range g {
		if wanted[i] {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return column[a] - column[b] })
	for _, i := range order {
		x, c := subjects[i], column[i]
		self := slices.ContainsFunc(g[i], func(l link) bool { return l.to == i })
		place[i] = len(out.Nodes)
		out.Nodes = append(out.Nodes, Node{Workflow: x.id, Name: x.Name, Column: c, Row: rows[c], Circle: self || size[knot[i]] > 1})
		rows[c]++
		out.Columns, out.Rows = max(out.Columns, c+1), max(out.Rows, rows[c])
	}
	for i, ls := range g {
		for _, l := range ls {
			if l.through != nil {
				continue
			}
			out.Arrows = append(out.Arrows, Arrow{From: place[i], To: place[l.to], Words: l.words, Back: knot[i] == knot[l.to]})
		}
	}
	return out
}

// knots numbers the strongly connected parts (Tarjan), each after all that it
// leads to.
func (g links) knots() []int {
	n := len(g)
	knot, low, at := make([]int, n), make([]int, n), make([]int, n)
	for i := range knot {
		knot[i] = -1
	}
	var stack []int
	next, found := 1, 0
	var visit func(int)
	visit = func(v int) {
		at[v], low[v] = next, next
		next++
		stack = append(stack, v)
		for _, l := range g[v] {
			switch {
			case at[l.to] == 0:
				visit(l.to)
				low[v] = min(low[v], low[l.to])
			case knot[l.to] < 0:
				low[v] = min(low[v], at[l.to])
			}
		}
		if low[v] != at[v] {
			return
		}
		for {
			w := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			knot[w] = found
			if w == v {
				break
			}
		}
		found++
	}
	for v := range g {
		if at[v] == 0 {
			visit(v)
		}
	}
	return knot
}

// columns puts each node after those that set it off; within a knot after the
// one before it in order, so that its circle can be followed.
func (g links) columns(knot []int) []int {
	column := make([]int, len(g))
	order := make([]int, len(g))
	for i := range order {
		order[i] = i
	}
	// A knot has a higher number than all that it leads to.
	slices.SortStableFunc(order, func(a, b int) int { return knot[b] - knot[a] })
	for k, i := range order {
		if k > 0 && knot[order[k-1]] == knot[i] {
			column[i] = max(column[i], column[order[k-1]]+1)
		}
		for _, l := range g[i] {
			if knot[l.to] != knot[i] {
				column[l.to] = max(column[l.to], column[i]+1)
			}
		}
	}
	return column
}
