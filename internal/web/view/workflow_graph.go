package view

import (
	"fmt"

	"postroom/internal/query"
)

// The measures of the picture of who sets off whom, in pixels.
const (
	nodeWide, nodeHigh = 224, 40
	gapWide, gapHigh   = 72, 36
	graphEdge          = 28 // around it, where arrows of circles turn
)

func graphWide(g query.WorkflowGraph) int {
	return g.Columns*(nodeWide+gapWide) - gapWide + 2*graphEdge
}

func graphHigh(g query.WorkflowGraph) int {
	return g.Rows*(nodeHigh+gapHigh) - gapHigh + 2*graphEdge
}

func nodeX(n query.WorkflowNode) int { return graphEdge + n.Column*(nodeWide+gapWide) }

func nodeY(n query.WorkflowNode) int { return graphEdge + n.Row*(nodeHigh+gapHigh) }

// arrowPath draws an arrow: forwards from side to side, backwards below both,
// and of one that sets off itself as a loop above it.
func arrowPath(g query.WorkflowGraph, a query.WorkflowArrow) string {
	from, to := g.Nodes[a.From], g.Nodes[a.To]
	x1, y1, x2, y2 := nodeX(from)+nodeWide, nodeY(from)+nodeHigh/2, nodeX(to)-3, nodeY(to)+nodeHigh/2
	switch {
	case a.From == a.To:
		top := nodeY(from)
		return fmt.Sprintf("M %d %d c 0 -26, -44 -26, -44 -3", x1-24, top)
	case from.Column < to.Column:
		bend := (x2 - x1) / 2
		return fmt.Sprintf("M %d %d C %d %d, %d %d, %d %d", x1, y1, x1+bend, y1, x2-bend, y2, x2, y2)
	}
	x1, x2 = nodeX(from)+nodeWide/2, nodeX(to)+nodeWide/2
	y1, y2 = nodeY(from)+nodeHigh, nodeY(to)+nodeHigh+3
	low := max(y1, y2) + gapHigh - 6
	return fmt.Sprintf("M %d %d C %d %d, %d %d, %d %d", x1, y1, x1, low, x2, low, x2, y2)
}

// nodeName is a name as it fits into its place.
func nodeName(name string) string {
	r := []rune(orElse(name, "Without a name"))
	if len(r) > 26 {
		return string(r[:25]) + "…"
	}
	return string(r)
}
