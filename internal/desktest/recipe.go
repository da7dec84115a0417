package desktest

import (
	"strings"

	"postroom/internal/flowfile"
	"postroom/internal/recipe"
	"postroom/internal/workflow"
)

// cast are the agents of a desk in the places of those whom recipes name.
var cast = map[string]string{"first@example.org": "ann", "second@example.org": "ben", "senior@example.org": "ben"}

// Recipe publishes a recipe at the end of the order, with tags made and agents
// in the places of those it names.
func (d *Desk) Recipe(key string) int64 {
	d.T.Helper()
	r, ok := recipe.Find(key)
	if !ok {
		d.T.Fatalf("there is no recipe %s", key)
	}
	for from, to := range cast {
		r.Text = strings.ReplaceAll(r.Text, from, d.Agent(to).Email)
	}
	for _, tag := range []string{"vip", "billing", "late"} {
		d.Tag(tag)
	}
	all, err := d.Store.Read().FileNames(d.Ctx)
	d.must(err)
	names := map[workflow.Ref]map[int64]string{}
	for kind, list := range all {
		names[workflow.Ref(kind)] = list
	}
	docs, faults := flowfile.ReadWorkflows([]flowfile.Source{{Name: r.File, Text: r.Text}}, flowfile.NewNames(names))
	if len(faults) > 0 {
		d.T.Fatal(faults)
	}
	return d.AddWorkflow(r.Name, docs[0].Definition)
}
