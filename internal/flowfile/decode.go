package flowfile

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"postroom/internal/workflow"
)

// Content is what some files hold, by kind, each in their order.
type Content struct {
	Workflows []*Document
	Promises  []*Promise
	Calendars []*Calendar
}

// Read reads what stands in some files. It is strict: a field that nobody knows,
// a name that nobody has, a key that stands twice for things of one kind are
// faults, with line and column. The documents are what could be read; what they
// mean is for their Check.
func Read(files []Source, names *Names) (Content, Faults) {
	r := &reader{names: names, keys: map[string]keyPlace{}}
	size := 0
	for _, f := range files {
		if size += len(f.Text); size > MaxBytes {
			return Content{}, Faults{{File: f.Name, Text: fmt.Sprintf("The files have more than %d MiB together.", MaxBytes>>20)}}
		}
		r.file(f)
	}
	return r.content, r.faults
}

// ReadWorkflows is Read for files that hold nothing but workflows: anything else
// is a fault.
func ReadWorkflows(files []Source, names *Names) ([]*Document, Faults) {
	c, faults := Read(files, names)
	for _, p := range c.Promises {
		faults = append(faults, p.Fault("kind", "Here stands a workflow, and not a promise."))
	}
	for _, x := range c.Calendars {
		faults = append(faults, x.Fault("kind", "Here stands a workflow, and not a calendar."))
	}
	return c.Workflows, faults
}

// Held is what ids are needed for, as far as files can be read: the keys of each
// kind, and the tests.
type Held struct {
	Workflows, Promises, Calendars []string
	Tests                          int
}

// Keys lists what some files hold, for drawing ids before Read.
func Keys(files []Source) (h Held) {
	c, _ := Read(files, Invented())
	add := func(list *[]string, key string) {
		if key != "" && !slices.Contains(*list, key) {
			*list = append(*list, key)
		}
	}
	for _, d := range c.Workflows {
		h.Tests += len(d.Tests)
		add(&h.Workflows, d.Key)
	}
	for _, p := range c.Promises {
		add(&h.Promises, p.Key)
	}
	for _, x := range c.Calendars {
		add(&h.Calendars, x.Key)
	}
	return h
}

// ReadTest reads a single test, a document without a workflow around it.
func ReadTest(file Source, names *Names) (workflow.Test, Faults) {
	r := &reader{names: names}
	var t workflow.Test
	if len(file.Text) > workflow.MaxTestBytes {
		return t, Faults{{File: file.Name, Text: fmt.Sprintf("A test has at most %d bytes.", workflow.MaxTestBytes)}}
	}
	nodes := r.nodes(file)
	if len(r.faults) == 0 && len(nodes) != 1 {
		r.faults = append(r.faults, Fault{File: file.Name, Line: 1, Column: 1, Text: "Here stands one test."})
	}
	if len(r.faults) > 0 {
		return t, r.faults
	}
	r.doc = sheet{file: file.Name, at: map[string]place{}}
	r.value(nodes[0], reflect.ValueOf(&t).Elem(), "", scope{}, "")
	if len(r.faults) == 0 {
		r.faults = r.doc.Place(t.Check())
	}
	return t, r.faults
}

// reader collects documents and what is wrong with them.
type reader struct {
	names   *Names
	content Content
	keys    map[string]keyPlace // by kind and key
	faults  Faults
	doc     sheet
	visited int
	gap     bool // what was just read is left for somebody to choose
}

func (r *reader) fault(n *yaml.Node, path, format string, args ...any) {
	if len(r.faults) < maxFaults {
		r.faults = append(r.faults, Fault{r.doc.file, n.Line, n.Column, path, fmt.Sprintf(format, args...)})
	}
}

// nodes reads the documents of a file as trees.
func (r *reader) nodes(f Source) (out []*yaml.Node) {
	loader, err := yaml.NewLoader(strings.NewReader(f.Text))
	for err == nil {
		var n yaml.Node
		if err = loader.Load(&n); err == nil && n.Kind == yaml.DocumentNode && len(n.Content) == 1 && n.Content[0].Tag != "!!null" {
			out = append(out, n.Content[0])
		}
		if len(out) > MaxDocuments {
			r.faults = append(r.faults, Fault{File: f.Name, Text: fmt.Sprintf("There are more than %d documents.", MaxDocuments)})
			return nil
		}
	}
	if errors.Is(err, io.EOF) {
		return out
	}
	fault := Fault{File: f.Name, Line: 1, Column: 1, Text: "This is not YAML: " + err.Error() + "."}
	var load *yaml.LoadError
	if errors.As(err, &load) {
		mark := load.Mark
		if mark.Line == 0 {
			mark = load.ContextMark
		}
		fault.Line, fault.Column, fault.Text = max(mark.Line, 1), max(mark.Column, 1), "This is not YAML: "+load.Message+"."
	}
	r.faults = append(r.faults, fault)
	return nil
}

// keyPlace is where a key stands.
type keyPlace struct {
	file string
	line int
}

// file reads the documents of a file.
func (r *reader) file(f Source) {
	for _, n := range r.nodes(f) {
		r.doc = sheet{file: f.Name, at: map[string]place{}}
		key, kind := "", r.kind(n)
		switch kind {
		case kindWorkflow:
			key = r.workflow(n)
		case kindPromise:
			key = r.promise(n)
		case kindCalendar:
			key = r.calendar(n)
		}
		if key == "" {
			continue
		}
		at := kind + " " + key
		if first, twice := r.keys[at]; twice {
			r.faults = append(r.faults, r.doc.Fault("key", "The key %q stands in %s, line %d, already.", key, first.file, first.line))
		} else {
			r.keys[at] = keyPlace{f.Name, r.doc.find("key").line}
		}
	}
}

// The kinds of documents, as their field "kind" names them. One without is a
// workflow.
const (
	kindWorkflow = "workflow"
	kindPromise  = "promise"
	kindCalendar = "calendar"
)

// kind tells what a document is, "" if nobody knows.
func (r *reader) kind(n *yaml.Node) string {
	if n.Kind != yaml.MappingNode {
		return kindWorkflow
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != "kind" {
			continue
		}
		value := meant(n.Content[i+1])
		kinds := []string{kindWorkflow, kindPromise, kindCalendar}
		if slices.Contains(kinds, value.Value) {
			return value.Value
		}
		if near := nearest(value.Value, kinds); near != "" {
			r.fault(value, "kind", "There is no kind %q; did you mean %q?", value.Value, near)
		} else {
			r.fault(value, "kind", "There is no kind %q; possible are %s.", value.Value, strings.Join(kinds, ", "))
		}
		return ""
	}
	return kindWorkflow
}

// workflow reads a document that is a workflow.
func (r *reader) workflow(n *yaml.Node) string {
	var raw struct {
		Key     string `json:"key"`
		Name    string `json:"name"`
		Mailbox int64  `json:"mailbox,omitempty" ref:"mailbox"`
		Enabled *bool  `json:"enabled,omitempty"`
		workflow.Definition
		Tests []workflow.Test `json:"tests,omitzero"`
		Kind  string          `json:"kind,omitempty"`
	}
	r.value(n, reflect.ValueOf(&raw).Elem(), "", scope{}, "")
	r.content.Workflows = append(r.content.Workflows, &Document{Key: raw.Key, Name: raw.Name, Mailbox: raw.Mailbox, Enabled: raw.Enabled,
		Definition: raw.Definition, Tests: raw.Tests, sheet: r.doc})
	return raw.Key
}

// scope is what the fields around a value say about ids in it.
type scope struct {
	event string // the nearest field "event" above
	root  string // the event the workflow listens for
	fact  string // the field "fact" beside it, or the key of a given fact
	depth int
}

// ref returns what the ids of a field are of, "" if they are none.
func (s scope) ref(tag string) workflow.Ref {
	switch tag {
	case "", "-":
		return ""
	case "side":
		return workflow.EdgeOf(workflowEvent(s.event)).Ref
	case "fact":
		if s.fact == "event.from" || s.fact == "event.to" {
			return workflow.EdgeOf(workflowEvent(s.root)).Ref
		}
		fact, _ := workflow.LookupFact(s.fact)
		return fact.Ref
	}
	return workflow.Ref(tag)
}

// value reads a node into a value.
func (r *reader) value(n *yaml.Node, v reflect.Value, path string, s scope, tag string) {
	if r.visited++; r.visited > maxNodes || s.depth > maxDepth {
		if r.visited == maxNodes+1 || s.depth > maxDepth {
			r.fault(n, path, "This is too deep or too long.")
		}
		return
	}
	n = meant(n)
	s.depth++
	if _, known := r.doc.at[path]; !known {
		r.doc.at[path] = place{n.Line, n.Column, n.Value}
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		if r.value(n, v.Elem(), path, s, tag); r.left() {
			v.SetZero()
		}
	case reflect.Struct:
		r.structure(n, v, path, s)
	case reflect.Slice:
		r.list(n, v, path, s, tag)
	case reflect.Map:
		r.mapping(n, v, path, s)
	default:
		r.scalar(n, v, path, s, tag)
	}
}

// meant follows aliases to what they stand for.
func meant(n *yaml.Node) *yaml.Node {
	for range maxDepth {
		if n.Kind != yaml.AliasNode || n.Alias == nil {
			break
		}
		n = n.Alias
	}
	return n
}

// field is one field of a struct, with those of embedded structs as its own.
type field struct {
	name, ref string
	index     []int
	omit      bool // not written when it is empty
	zero      bool // … only when it is nil or zero
}

func fieldsOf(t reflect.Type) (out []field) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				out = append(out, inner)
			}
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		if name == "" {
			name = f.Name
		}
		out = append(out, field{name, f.Tag.Get("ref"), []int{i}, strings.Contains(options, "omitempty"), strings.Contains(options, "omitzero")})
	}
	return out
}

func (r *reader) structure(n *yaml.Node, v reflect.Value, path string, s scope) {
	if n.Kind != yaml.MappingNode {
		r.fault(n, path, "Here belong fields, such as “%s: …”.", fieldsOf(v.Type())[0].name)
		return
	}
	fields := fieldsOf(v.Type())
	s = s.of(n, path)
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := slices.IndexFunc(fields, func(f field) bool { return f.name == key.Value })
		if at < 0 || key.Kind != yaml.ScalarNode {
			r.unknown(key, path, fields)
			continue
		}
		f := fields[at]
		if seen[f.name] {
			r.fault(key, join(path, f.name), "%q stands here twice.", f.name)
			continue
		}
		seen[f.name] = true
		r.doc.at[join(path, f.name)] = place{value.Line, value.Column, meant(value).Value}
		r.value(value, v.FieldByIndex(f.index), join(path, f.name), s, f.ref)
		r.left()
	}
}

// of takes over what the fields of a mapping say about ids.
func (s scope) of(n *yaml.Node, path string) scope {
	for i := 0; i+1 < len(n.Content); i += 2 {
		value := meant(n.Content[i+1])
		switch n.Content[i].Value {
		case "event":
			s.event = value.Value
		case "fact":
			s.fact = value.Value
		case "when":
			if path == "" {
				for j := 0; j+1 < len(value.Content); j += 2 {
					if value.Content[j].Value == "event" {
						s.root = value.Content[j+1].Value
					}
				}
			}
		}
	}
	return s
}

func (r *reader) unknown(key *yaml.Node, path string, fields []field) {
	words := make([]string, len(fields))
	for i, f := range fields {
		words[i] = f.name
	}
	if near := nearest(key.Value, words); near != "" {
		r.fault(key, path, "There is no field %q here; did you mean %q?", key.Value, near)
		return
	}
	r.fault(key, path, "There is no field %q here; possible are %s.", key.Value, strings.Join(words, ", "))
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// list reads a list; a single value is a list of one.
func (r *reader) list(n *yaml.Node, v reflect.Value, path string, s scope, tag string) {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	} else if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		r.fault(n, path, "Here is nothing; write [] for an empty list, or take it out.")
		return
	}
	out := reflect.MakeSlice(v.Type(), 0, len(items))
	for i, item := range items {
		x := reflect.New(v.Type().Elem()).Elem()
		if r.value(item, x, fmt.Sprintf("%s[%d]", path, i), s, tag); !r.left() {
			out = reflect.Append(out, x)
		}
	}
	v.Set(out)
}

// mapping reads a map by names: the given facts of a test, and others.
func (r *reader) mapping(n *yaml.Node, v reflect.Value, path string, s scope) {
	if n.Kind != yaml.MappingNode {
		r.fault(n, path, "Here belong names with their values.")
		return
	}
	out := reflect.MakeMap(v.Type())
	given := v.Type() == reflect.TypeFor[workflow.Given]()
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value, tag := n.Content[i], n.Content[i+1], ""
		at := join(path, key.Value)
		if out.MapIndex(reflect.ValueOf(key.Value)).IsValid() {
			r.fault(key, at, "%q stands here twice.", key.Value)
			continue
		}
		r.doc.at[at] = place{value.Line, value.Column, meant(value).Value}
		inner := s
		if given {
			inner.fact, tag = key.Value, "fact"
			if _, known := workflow.LookupFact(key.Value); !known && key.Value != workflow.GivenVerified {
				r.unknownFact(key, at)
				continue
			}
		}
		x := reflect.New(v.Type().Elem()).Elem()
		r.value(value, x, at, inner, tag)
		out.SetMapIndex(reflect.ValueOf(key.Value), x)
	}
	v.Set(out)
}

func (r *reader) unknownFact(key *yaml.Node, path string) {
	if near := nearWord("fact", key.Value); near != "" {
		r.fault(key, path, "There is no fact %q; did you mean %q?", key.Value, near)
		return
	}
	r.fault(key, path, "There is no fact %q.", key.Value)
}

// scalar reads a text, a number, a yes or no, or a name in the place of an id.
func (r *reader) scalar(n *yaml.Node, v reflect.Value, path string, s scope, tag string) {
	if ref := s.ref(tag); ref != "" {
		r.reference(n, v, path, ref)
		return
	}
	if n.Kind != yaml.ScalarNode {
		r.fault(n, path, "Here belongs a single value.")
		return
	}
	if n.Tag == "!!null" {
		r.fault(n, path, "Here is nothing; write a value, or take it out.")
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(n.Value)
	case reflect.Bool:
		switch n.Value {
		case "true", "false":
			v.SetBool(n.Value == "true")
		default:
			r.fault(n, path, "Here belongs true or false, not %q.", n.Value)
		}
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil || v.OverflowInt(i) {
			r.fault(n, path, "Here belongs a whole number, not %q.", n.Value)
			return
		}
		v.SetInt(i)
	default:
		r.fault(n, path, "A %s cannot stand in a file.", v.Type())
	}
}

// reference reads a name, or an id written as {id: 12}.
func (r *reader) reference(n *yaml.Node, v reflect.Value, path string, ref workflow.Ref) {
	set := func(id int64) {
		if v.Kind() == reflect.String {
			v.SetString(strconv.FormatInt(id, 10))
		} else {
			v.SetInt(id)
		}
	}
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Value == "id" {
		id, err := strconv.ParseInt(n.Content[1].Value, 10, 64)
		if err != nil || id <= 0 {
			r.fault(n.Content[1], path, "%q is no id.", n.Content[1].Value)
		}
		set(id)
		return
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.fault(n, path, "Here belongs the %s.", called(ref))
		return
	}
	if n.Value == nothing(ref) && ref != workflow.RefTag {
		set(0)
		return
	}
	id, ok := r.names.ID(ref, n.Value)
	switch {
	case ok:
		set(id)
	case r.names.gaps:
		r.gap = true
	case nearest(n.Value, r.names.all(ref)) != "":
		r.fault(n, path, "There is no %s %q; did you mean %q?", ref, n.Value, nearest(n.Value, r.names.all(ref)))
	default:
		r.fault(n, path, "There is no %s %q.", ref, n.Value)
	}
}

// left reports, once, that the value just read has a name that is not there and
// is left for somebody to choose.
func (r *reader) left() bool {
	gap := r.gap
	r.gap = false
	return gap
}

// called says how a thing is named in files.
func called(ref workflow.Ref) string {
	switch ref {
	case workflow.RefAgent:
		return "address of an agent, or " + wordNobody
	case workflow.RefMailbox:
		return "address of a mailbox"
	case workflow.RefWorkflow:
		return "key of a workflow"
	}
	return "name of a " + string(ref)
}
