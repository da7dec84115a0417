package workflow

import (
	"strings"

	"postroom"
)

// field makes the change of a field that a test names. A text stands for itself
// there; no snapshot of a desk holds one.
func (m Moment) field(e *postroom.Event) {
	kept := func(side string) string {
		if kind, _, _ := postroom.SplitFieldPath(m.Field); kind == postroom.FieldYesNo && side != postroom.Yes {
			return ""
		}
		return side
	}
	e.Payload.Field, e.Payload.From, e.Payload.To = m.Field, kept(m.From), kept(m.To)
	if e.Payload.To != "" {
		e.After.Fields = map[string]string{m.Field: e.Payload.To}
	}
}

// fields are the values of fields that are given, as they are kept.
func (g Given) fields(prefix string) map[string]string {
	out := map[string]string{}
	for name, values := range g {
		path, is := strings.CutPrefix(name, prefix)
		kind, _, ok := postroom.SplitFieldPath(path)
		if !is || !ok {
			continue
		}
		if value, err := postroom.ParseFieldValue(kind, first(values)); err == nil && value != "" {
			out[path] = value
		} else if err != nil && kind == postroom.FieldText {
			out[path] = first(values)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// putFields writes the fields that are given into a snapshot.
func (g Given) putFields(s *postroom.Snapshot) {
	for path, value := range g.fields(ConversationField) {
		if s.Fields == nil {
			s.Fields = map[string]string{}
		}
		s.Fields[path] = value
	}
}

// testTexts are the texts of fields in a test, where each stands for itself.
func testTexts(e *postroom.Event) map[string]string {
	out := map[string]string{}
	for path, value := range e.After.Fields {
		if kind, _, _ := postroom.SplitFieldPath(path); kind == postroom.FieldText {
			out[value] = value
		}
	}
	return out
}

// sampleField is a change of a field that a When lets pass.
func sampleField(w When) (field, from, to string) {
	if field = w.Field; field == "" {
		return "yes_no.vip", "false", "true"
	}
	from, to = first(w.From), first(w.To)
	if kind, _, _ := postroom.SplitFieldPath(field); kind == postroom.FieldYesNo && from+to == "" {
		from, to = "false", "true"
	}
	return field, from, to
}
