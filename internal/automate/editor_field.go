package automate

import (
	"slices"
	"strings"

	"postroom"
	"postroom/internal/query"
	"postroom/internal/template"
	"postroom/internal/workflow"
)

// fieldFacts are the desk's own fields in the place of a row of the schema that
// stands for all of a kind; the first such row of a subject takes them all, so
// that they stand in their order.
func (e *editor) fieldFacts(f workflow.Fact) (out []query.Choice, is bool) {
	for subject, prefix := range map[postroom.FieldSubject]string{postroom.OfConversation: workflow.ConversationField, postroom.OfCustomer: workflow.CustomerField} {
		kind, found := strings.CutPrefix(f.Name, prefix)
		if !found {
			continue
		}
		if kind != string(postroom.FieldKinds[0])+".*" {
			return nil, true
		}
		for _, x := range e.own {
			if x.Subject == subject {
				out = append(out, query.Choice{Value: prefix + x.Path(), Text: x.Name})
			}
		}
		return out, true
	}
	return nil, false
}

// ownField finds a field by its path, nil if it is not there.
func (e *editor) ownField(subject postroom.FieldSubject, path string) *postroom.Field {
	i := slices.IndexFunc(e.own, func(f *postroom.Field) bool { return f.Subject == subject && f.Path() == path })
	if i < 0 {
		return nil
	}
	return e.own[i]
}

// fieldChoices lists the choices of a field, what is chosen and gone at the end.
func (e *editor) fieldChoices(subject postroom.FieldSubject, path string, chosen []string) []query.EditorChoice {
	var out []query.EditorChoice
	if f := e.ownField(subject, path); f != nil {
		for _, o := range f.Choices {
			is := slices.Contains(chosen, o.Key)
			if text := o.Name; is || !o.Retired {
				if o.Retired {
					text += " (retired)"
				}
				out = append(out, query.EditorChoice{Value: o.Key, Text: text, Chosen: is})
			}
		}
	}
	for _, v := range chosen {
		if v != "" && !slices.ContainsFunc(out, func(c query.EditorChoice) bool { return c.Value == v }) {
			out = append(out, query.EditorChoice{Value: v, Text: v + " (gone)", Chosen: true})
		}
	}
	return out
}

// fieldPicker lists the fields of conversations.
func (e *editor) fieldPicker(chosen string) []query.EditorChoice {
	var out []query.EditorChoice
	for _, f := range e.own {
		if f.Subject == postroom.OfConversation {
			out = append(out, query.EditorChoice{Value: f.Path(), Text: f.Name, Chosen: f.Path() == chosen})
		}
	}
	if chosen != "" && e.ownField(postroom.OfConversation, chosen) == nil {
		_, key, _ := postroom.SplitFieldPath(chosen)
		out = append(out, query.EditorChoice{Value: chosen, Text: key + " (gone)", Chosen: true})
	}
	return out
}

// fieldFilters draw up which field an edge is about, and from and to what.
func (e *editor) fieldFilters(at string, w workflow.When) []query.EditorControl {
	if w.Event != postroom.FieldChanged {
		return nil
	}
	out := []query.EditorControl{{Name: at + ".field", Label: "Field", Input: string(workflow.InputChoice), Value: w.Field, Choices: e.fieldPicker(w.Field), Any: "any field"}}
	choices, ok := workflow.FieldSides(w.Field)
	if !ok {
		return out
	}
	for _, side := range []struct {
		name, label string
		chosen      []string
	}{{"from", "From", w.From}, {"to", "To", w.To}} {
		c := query.EditorControl{Name: at + "." + side.name, Label: side.label, Input: string(workflow.InputChoices), Any: "anything"}
		if choices == nil {
			c.Choices = e.fieldChoices(postroom.OfConversation, w.Field, side.chosen)
		} else {
			c.Choices = e.choices(workflow.Question{Choices: choices}, "", side.chosen)
		}
		out = append(out, c)
	}
	return out
}

// stepField draws up which field an action sets, and the control for what it
// becomes.
func (e *editor) stepField(s *query.EditorStep, a workflow.Action) {
	s.Field = &query.EditorField{Path: a.Field, Choices: e.fieldPicker(a.Field)}
	kind, _, ok := postroom.SplitFieldPath(a.Field)
	if !ok {
		return
	}
	v := &s.Field.Value
	*v = query.EditorControl{Name: s.Place + ".value", Label: "Becomes", Input: string(workflow.InputText), Value: a.Value}
	switch kind {
	case postroom.FieldChoice:
		v.Input, v.Choices = string(workflow.InputChoice), e.fieldChoices(postroom.OfConversation, a.Field, []string{a.Value})
	case postroom.FieldYesNo:
		v.Input, v.Choices = string(workflow.InputChoice), []query.EditorChoice{{Value: postroom.Yes, Text: "yes", Chosen: a.Value == postroom.Yes}}
		v.Any = "no"
	case postroom.FieldDate:
		v.Input = string(workflow.InputDate)
	case postroom.FieldNumber:
		v.Input = string(workflow.InputNumber)
	case postroom.FieldText:
		s.Field.Template = true
		v.Hint = "Empty clears it."
	}
	if v.Any == "" {
		v.Any = "not set"
	}
}

// fieldVariables are what texts can say of the desk's own fields.
func (e *editor) fieldVariables() []query.EditorVariable {
	var out []query.EditorVariable
	for _, f := range e.own {
		name := string(f.Subject) + ".fields." + f.Key
		out = append(out, query.EditorVariable{Name: name, Label: f.Name, Insert: "{{ " + name + ` | default: "-" }}`, Optional: true})
	}
	return out
}

// missingFields lists the fields, and the choices of fields, that a definition
// names and that are not there, or are deleted.
func (r *references) missingFields(d workflow.Definition) {
	fault := func(at, text string) { r.faults = append(r.faults, workflow.Fault{Path: at, Text: text}) }
	for _, n := range d.FieldsNamed() {
		i := slices.IndexFunc(r.fields, func(f *postroom.Field) bool { return f.Subject == n.Subject && f.Path() == n.Path })
		_, key, _ := postroom.SplitFieldPath(n.Path)
		switch {
		case i < 0 && n.Value == "":
			fault(n.At, "The field "+key+" of "+string(n.Subject)+"s is not there.")
		case i < 0:
		case r.fields[i].DeletedAt > 0 && n.Value == "":
			fault(n.At, "The field "+r.fields[i].Name+" is deleted.")
		case n.Value == "" || r.fields[i].Kind != postroom.FieldChoice:
		case r.fields[i].Option(n.Value) == nil:
			fault(n.At, r.fields[i].Name+" has no choice “"+n.Value+"”.")
		case strings.HasSuffix(n.At, ".value") && r.fields[i].Option(n.Value).Retired:
			fault(n.At, "The choice “"+r.fields[i].Option(n.Value).Name+"” of "+r.fields[i].Name+" is retired.")
		}
	}
	for at, text := range d.Templates() {
		t, err := template.Parse(text, template.Text)
		if err != nil {
			continue // Compile says so
		}
		for _, name := range t.Names() {
			subject, rest, _ := strings.Cut(name, ".")
			key, is := strings.CutPrefix(rest, "fields.")
			if is && !slices.ContainsFunc(r.fields, func(f *postroom.Field) bool {
				return string(f.Subject) == subject && f.Key == key && f.DeletedAt == 0
			}) {
				fault(at, "The field "+key+" of "+subject+"s, which the text says, is not there.")
			}
		}
	}
}
