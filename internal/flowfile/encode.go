package flowfile

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"postroom"
	"postroom/internal/workflow"
)

func workflowEvent(s string) postroom.EventKind { return postroom.EventKind(s) }

// Write writes workflows as one file, a document each, in their order. Reading
// it with the same names gives the same workflows. A comment above each says in
// a sentence what it does. An id that has no name is written as {id: 12}.
func Write(docs []Document, names *Names) (string, error) {
	var b bytes.Buffer
	for i, d := range docs {
		if i > 0 {
			b.WriteString("---\n")
		}
		if err := write(&b, d, names); err != nil {
			return "", fmt.Errorf("write the workflow %s: %w", d.Key, err)
		}
	}
	return b.String(), nil
}

// WriteTest writes a single test.
func WriteTest(t workflow.Test, names *Names) (string, error) {
	var b bytes.Buffer
	w := writer{names}
	err := dump(&b, w.structure(reflect.ValueOf(t), scope{}))
	return b.String(), err
}

func write(b *bytes.Buffer, d Document, names *Names) error {
	w := writer{names}
	sentence := workflow.Sentence(d.Definition, names.Name)
	b.WriteString("# " + strings.Join(strings.Fields(sentence), " ") + "\n")
	head := struct {
		Key     string `json:"key"`
		Name    string `json:"name"`
		Mailbox int64  `json:"mailbox,omitempty" ref:"mailbox"`
		Enabled *bool  `json:"enabled,omitempty"`
	}{d.Key, d.Name, d.Mailbox, d.Enabled}
	n := w.structure(reflect.ValueOf(head), scope{})
	s := scope{root: string(d.Definition.When.Event)}
	n.Content = append(n.Content, w.structure(reflect.ValueOf(d.Definition), s).Content...)
	if d.Tests != nil {
		tests := struct {
			Tests []workflow.Test `json:"tests"`
		}{d.Tests}
		n.Content = append(n.Content, w.structure(reflect.ValueOf(tests), s).Content...)
	}
	return dump(b, n)
}

func dump(b *bytes.Buffer, n *yaml.Node) error {
	d, err := yaml.NewDumper(b, yaml.WithV4Defaults(), yaml.WithCompactSeqIndent(false), yaml.WithLineWidth(-1), yaml.WithUnicode(true))
	if err != nil {
		return err
	}
	if err := d.Dump(n); err != nil {
		return err
	}
	return d.Close()
}

// writer turns values into trees.
type writer struct{ names *Names }

func scalar(tag, value string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
	if tag == "!!str" && strings.Contains(value, "\n") {
		n.Style = yaml.LiteralStyle
	}
	return n
}

func text(value string) *yaml.Node { return scalar("!!str", value) }

func (w writer) structure(v reflect.Value, s scope) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	s = s.inside(v)
	for _, f := range fieldsOf(v.Type()) {
		x := v.FieldByIndex(f.index)
		if f.omit && empty(x) || f.zero && zero(x) {
			continue
		}
		n.Content = append(n.Content, text(f.name), w.value(x, s, f.ref))
	}
	if v.Type() == reflect.TypeFor[workflow.Cond]() && short(n) {
		n.Style = yaml.FlowStyle
	}
	return n
}

// inside takes over what the fields of a struct say about ids.
func (s scope) inside(v reflect.Value) scope {
	for _, f := range fieldsOf(v.Type()) {
		switch x := v.FieldByIndex(f.index); {
		case f.name == "event" && x.Kind() == reflect.String:
			s.event = x.String()
		case f.name == "fact" && x.Kind() == reflect.String:
			s.fact = x.String()
		}
	}
	return s
}

// short reports whether a condition fits on a line.
func short(n *yaml.Node) bool {
	size := 0
	var add func(*yaml.Node)
	add = func(n *yaml.Node) {
		size += len(n.Value) + 2
		if strings.Contains(n.Value, "\n") {
			size += 1000
		}
		for _, c := range n.Content {
			add(c)
		}
	}
	add(n)
	return size <= 110 && len(n.Content) > 0 && n.Content[0].Value == "fact"
}

// empty and zero are what encoding/json means by omitempty and omitzero.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

func zero(v reflect.Value) bool {
	if z, ok := v.Interface().(interface{ IsZero() bool }); ok {
		return z.IsZero()
	}
	return v.IsZero()
}

func (w writer) value(v reflect.Value, s scope, tag string) *yaml.Node {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return scalar("!!null", "null")
		}
		return w.value(v.Elem(), s, tag)
	case reflect.Struct:
		return w.structure(v, s)
	case reflect.Slice:
		return w.list(v, s, tag)
	case reflect.Map:
		return w.mapping(v, s)
	}
	if ref := s.ref(tag); ref != "" {
		return w.reference(v, ref)
	}
	switch v.Kind() {
	case reflect.Bool:
		return scalar("!!bool", strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int64:
		return scalar("!!int", strconv.FormatInt(v.Int(), 10))
	}
	return text(v.String())
}

func (w writer) list(v reflect.Value, s scope, tag string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	size := 0
	for i := range v.Len() {
		item := w.value(v.Index(i), s, tag)
		size += len(item.Value) + 2
		if item.Kind != yaml.ScalarNode || strings.Contains(item.Value, "\n") {
			size += 1000
		}
		n.Content = append(n.Content, item)
	}
	if size <= 90 {
		n.Style = yaml.FlowStyle
	}
	return n
}

// mapping writes a map by its sorted names; a given fact with one value has no
// brackets.
func (w writer) mapping(v reflect.Value, s scope) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	given, tag := v.Type() == reflect.TypeFor[workflow.Given](), ""
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, k := range keys {
		x, inner := v.MapIndex(k), s
		if given {
			inner.fact, tag = k.String(), "fact"
			if x.Len() == 1 {
				x = x.Index(0)
			}
		}
		n.Content = append(n.Content, text(k.String()), w.value(x, inner, tag))
	}
	return n
}

// reference writes the name of an id.
func (w writer) reference(v reflect.Value, ref workflow.Ref) *yaml.Node {
	var id int64
	if v.Kind() == reflect.String {
		var err error
		if id, err = strconv.ParseInt(v.String(), 10, 64); err != nil {
			return text(v.String()) // a status
		}
	} else {
		id = v.Int()
	}
	if id == 0 && ref != workflow.RefTag {
		return text(nothing(ref))
	}
	if name := w.names.Name(ref, id); name != "" {
		return text(name)
	}
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: yaml.FlowStyle, Content: []*yaml.Node{text("id"), scalar("!!int", strconv.FormatInt(id, 10))}}
}
