package promise

import (
	"slices"
	"strings"

	"postroom/internal/workflow"
)

// Changes says line by line what differs between two definitions: when, if, what
// must follow, and within which time, in words. Lines that are the same stand
// between. Equal definitions have no changes: the result is nil.
func Changes(before, after Definition, names workflow.Names) []workflow.Change {
	out := workflow.Differ(lines(before, names), lines(after, names))
	if !slices.ContainsFunc(out, func(c workflow.Change) bool { return c.Sign != ' ' }) {
		return nil
	}
	return out
}

// lines writes a definition as lines. When and If read as those of a workflow.
func lines(d Definition, names workflow.Names) []string {
	head := workflow.Lines(workflow.Definition{When: d.When, If: d.If}, names)
	head = slices.DeleteFunc(head, func(line string) bool { return strings.HasPrefix(line, "Limit: ") }) // it has none
	return append(head, "Then "+d.Expect.Words(names), "Within "+Within(d.Within))
}
