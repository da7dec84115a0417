// Package recipe holds workflows to begin from, as files with tests. The editor
// offers them, the command line prints them, the guide shows them, and what they
// say is what a desk does: they are read, checked and tested like any other file.
package recipe

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"postroom/internal/flowfile"
	"postroom/internal/workflow"
)

//go:embed recipes/*.yaml
var files embed.FS

// Recipe is a workflow to begin from. What a desk does not have, such as the
// agents and tags that it names, is left to be chosen there.
type Recipe struct {
	Key         string // stable
	Name        string // the new workflow's name to begin with
	Description string // what it is for, in sentences
	File        string // of the recipe, such as closing-notice.yaml
	Text        string // the whole file: YAML, with tests

	sentence string
}

var read = sync.OnceValues(func() ([]Recipe, error) {
	names, err := files.ReadDir("recipes")
	if err != nil {
		return nil, err
	}
	var out []Recipe
	for _, n := range names {
		text, err := files.ReadFile(path.Join("recipes", n.Name()))
		if err != nil {
			return nil, err
		}
		_, file, _ := strings.Cut(n.Name(), "-") // the number before it is its place
		r := Recipe{File: file, Text: string(text), Description: above(string(text))}
		known := flowfile.Invented()
		d, err := r.document(known)
		if err != nil {
			return nil, err
		}
		r.Key, r.Name = d.Key, d.Name
		r.sentence = workflow.Sentence(d.Definition, known.Name)
		out = append(out, r)
	}
	return out, nil
})

// above is the comment that a file begins with, without its marks.
func above(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		words, is := strings.CutPrefix(strings.TrimSpace(line), "#")
		if !is {
			break
		}
		lines = append(lines, strings.TrimSpace(words))
	}
	return strings.Join(lines, " ")
}

// All lists the recipes in the order in which they are offered. It panics if
// one cannot be read, which a test of this package would have said.
func All() []Recipe {
	all, err := read()
	if err != nil {
		panic(fmt.Errorf("recipes: %w", err))
	}
	return slices.Clone(all)
}

// Find returns the recipe with a key; false if there is none.
func Find(key string) (Recipe, bool) {
	all := All()
	i := slices.IndexFunc(all, func(r Recipe) bool { return r.Key == key })
	if i < 0 {
		return Recipe{}, false
	}
	return all[i], true
}

// Body is the file without the comment it begins with.
func (r Recipe) Body() string {
	text := r.Text
	for strings.HasPrefix(text, "#") {
		_, text, _ = strings.Cut(text, "\n")
	}
	return text
}

// Sentence says what the recipe does, with the names that stand in it.
func (r Recipe) Sentence() string { return r.sentence }

// Begin reads the recipe for a desk with these names. What the desk does not
// have is left out, for somebody to choose.
func (r Recipe) Begin(names *flowfile.Names) (workflow.Definition, error) {
	d, err := r.document(names.WithGaps())
	if err != nil {
		return workflow.Definition{}, err
	}
	return d.Definition, nil
}

// Document reads the recipe with every name taken for one that is there.
func (r Recipe) Document() (*flowfile.Document, error) { return r.document(flowfile.Invented()) }

func (r Recipe) document(names *flowfile.Names) (*flowfile.Document, error) {
	docs, faults := flowfile.ReadWorkflows([]flowfile.Source{{Name: r.File, Text: r.Text}}, names)
	switch {
	case len(faults) > 0:
		return nil, faults
	case len(docs) != 1:
		return nil, fmt.Errorf("%s holds %d workflows and not one", r.File, len(docs))
	}
	return docs[0], nil
}
