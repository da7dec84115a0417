package flowfile

import (
	"slices"
	"strings"

	"postroom/internal/workflow"
)

// The words for no one and nothing.
const (
	wordNobody = "nobody" // no agent
	wordNone   = "none"   // no mailbox, no team, no workflow
)

// Names says what the names in files mean: agents and mailboxes by address,
// tags and teams by name, workflows by key. It does not change once made.
type Names struct {
	byID   map[workflow.Ref]map[int64]string
	byName map[workflow.Ref]map[string]int64
	invent bool
	gaps   bool
}

// NewNames makes Names from what there is, by kind and id.
func NewNames(all map[workflow.Ref]map[int64]string) *Names {
	n := &Names{byID: map[workflow.Ref]map[int64]string{}, byName: map[workflow.Ref]map[string]int64{}}
	for ref, list := range all {
		for id, name := range list {
			n.add(ref, id, name)
		}
	}
	return n
}

// Invented returns Names that take every name for one that is there, for
// checking files without a desk.
func Invented() *Names {
	n := NewNames(nil)
	n.invent = true
	return n
}

// WithGaps returns the same Names for beginning something from a file: what has
// a name that is not there is left out of what is read, for somebody to choose.
func (n *Names) WithGaps() *Names {
	out := *n
	out.gaps = true
	return &out
}

func (n *Names) add(ref workflow.Ref, id int64, name string) {
	if n.byID[ref] == nil {
		n.byID[ref], n.byName[ref] = map[int64]string{}, map[string]int64{}
	}
	n.byID[ref][id], n.byName[ref][fold(ref, name)] = name, id
}

// fold is how a name is looked up: addresses without regard to case.
func fold(ref workflow.Ref, name string) string {
	if ref == workflow.RefAgent || ref == workflow.RefMailbox {
		return strings.ToLower(name)
	}
	return name
}

// ID returns what a name means; false if there is nothing of that name.
func (n *Names) ID(ref workflow.Ref, name string) (int64, bool) {
	id, ok := n.byName[ref][fold(ref, name)]
	if !ok && n.invent && name != "" {
		id, ok = int64(len(n.byID[ref])+1), true
		n.add(ref, id, name)
	}
	return id, ok
}

// Name returns the name of an id, "" if it has none.
func (n *Names) Name(ref workflow.Ref, id int64) string { return n.byID[ref][id] }

// all lists the names of a kind, sorted.
func (n *Names) all(ref workflow.Ref) []string {
	var out []string
	for _, name := range n.byID[ref] {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func nothing(ref workflow.Ref) string {
	if ref == workflow.RefAgent {
		return wordNobody
	}
	return wordNone
}
