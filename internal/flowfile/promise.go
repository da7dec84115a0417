package flowfile

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"

	"postroom/internal/promise"
	"postroom/internal/workflow"
)

// Promise is a promise of a file: a document of the kind "promise" with the
// fields of promise.Definition.
type Promise struct {
	Key        string // stable: by it a file finds the promise again
	Name       string
	Mailbox    int64 // 0: every mailbox
	Enabled    *bool // nil: the file does not say, and it stays as it is
	Definition promise.Definition

	sheet
}

// promise reads a document that is a promise.
func (r *reader) promise(n *yaml.Node) string {
	var raw struct {
		promiseHead
		promise.Definition
	}
	r.value(n, reflect.ValueOf(&raw).Elem(), "", scope{}, "")
	r.content.Promises = append(r.content.Promises, &Promise{Key: raw.Key, Name: raw.Name, Mailbox: raw.Mailbox, Enabled: raw.Enabled,
		Definition: raw.Definition, sheet: r.doc})
	return raw.Key
}

// promiseHead is what stands before a promise's definition.
type promiseHead struct {
	Kind    string `json:"kind"`
	Key     string `json:"key"`
	Name    string `json:"name"`
	Mailbox int64  `json:"mailbox,omitempty" ref:"mailbox"`
	Enabled *bool  `json:"enabled,omitempty"`
}

// Check says what is wrong with a promise beside the names.
func (p *Promise) Check() Faults {
	var faults workflow.Faults
	checkHead(kindPromise, p.Key, p.Name, func(path, format string, args ...any) {
		faults = append(faults, workflow.Fault{Path: path, Text: fmt.Sprintf(format, args...)})
	})
	_, err := promise.Compile(p.Definition, promise.Identity{})
	for _, f := range workflow.FaultsOf(err) {
		// What must follow has the fields of its own: a form has them in one row.
		if field, ok := strings.CutPrefix(f.Path, "expect."); ok && p.Definition.Expect.Event != nil && field != "times" && field != "workflow" {
			f.Path = "expect.event." + strings.Replace(field, "what", "event", 1)
		} else if f.Path == "expect.what" {
			f.Path = "expect.mail"
		}
		faults = append(faults, f)
	}
	return p.Place(faults)
}

// WritePromise writes a promise as a document, with what it says above it. An id
// without a name is written as an id.
func WritePromise(p Promise, names *Names) (string, error) {
	var b bytes.Buffer
	w := writer{names}
	comment(&b, promise.Sentence(p.Definition, names.Name))
	n := w.structure(reflect.ValueOf(promiseHead{kindPromise, p.Key, p.Name, p.Mailbox, p.Enabled}), scope{})
	s := scope{root: string(p.Definition.When.Event)}
	n.Content = append(n.Content, w.structure(reflect.ValueOf(p.Definition), s).Content...)
	if err := dump(&b, n); err != nil {
		return "", fmt.Errorf("write the promise %s: %w", p.Key, err)
	}
	return b.String(), nil
}

// comment writes a sentence above a document.
func comment(b *bytes.Buffer, sentence string) {
	b.WriteString("# " + strings.Join(strings.Fields(sentence), " ") + "\n")
}

// Join puts documents into one file.
func Join(documents ...string) string { return strings.Join(documents, "---\n") }

// Unique is the key of something that was made without one: by its kind and id,
// as workflows have it.
func Unique(key, kind string, id int64) string {
	if key != "" {
		return key
	}
	return fmt.Sprintf("%s-%d", kind, id)
}
