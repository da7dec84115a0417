package flowfile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/workflow"
)

// The bounds of files.
const (
	MaxBytes     = 8 << 20 // of all files together
	MaxDocuments = 2000
	maxNodes     = 100_000 // with what aliases repeat
	maxDepth     = 60
	maxFaults    = 200
	maxKey       = 80
)

// Source is the text of one file.
type Source struct {
	Name string // as people call it: "closing.yaml", "-" for standard input
	Text string
}

// Document is one workflow as a file has it.
type Document struct {
	Key        string // stable: by it a file finds the workflow again
	Name       string
	Mailbox    int64               // 0: every mailbox
	Enabled    *bool               // nil: the file does not say, and it stays as it is
	Definition workflow.Definition // embedded in the file: when, if, then, limits
	Tests      []workflow.Test     // nil: the file does not say, and they stay as they are

	sheet
}

// sheet is where a document stands, so that what is wrong with it is said at its
// place.
type sheet struct {
	file string
	at   map[string]place
}

// place is where something stands in a file, and its text if it is a scalar.
type place struct {
	line, column int
	text         string
}

// Fault is one thing wrong with a file.
type Fault struct {
	File   string `json:"file"`
	Line   int    `json:"line"`   // from 1; 0 is unknown
	Column int    `json:"column"` // from 1, in characters; 0 is unknown
	Path   string `json:"path,omitempty"`
	Text   string `json:"text"`
}

// String is the fault as compilers write theirs: file:line:column: text.
func (f Fault) String() string {
	if f.Line == 0 {
		return f.File + ": " + f.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Text)
}

// Faults is everything wrong with some files, in their order.
type Faults []Fault

// Error returns the faults, one a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, one := range f {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// Place puts faults of a document, which name paths of its JSON, to where they
// stand in its file. A path that is not written there is put to the nearest
// that is.
func (d sheet) Place(faults workflow.Faults) Faults {
	out := make(Faults, 0, len(faults))
	for _, f := range faults {
		p := d.find(f.Path)
		text := f.Text
		if near := nearWord(f.Path, p.text); near != "" {
			text = strings.TrimSuffix(text, ".") + fmt.Sprintf("; did you mean %q?", near)
		}
		out = append(out, Fault{d.file, p.line, p.column, f.Path, text})
	}
	return out
}

// Fault is one fault of a document at a path.
func (d sheet) Fault(path, format string, args ...any) Fault {
	p := d.find(path)
	return Fault{d.file, p.line, p.column, path, fmt.Sprintf(format, args...)}
}

// find looks for a path, or the nearest one above it.
func (d sheet) find(path string) place {
	for {
		if p, ok := d.at[path]; ok {
			return p
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return d.at[""]
		}
		path = path[:i]
	}
}

// Check finds what is wrong with a document beyond its fields: its key and
// name, what keeps the workflow from being published, and its tests. It also
// returns the compiled version, nil if there is none.
func (d *Document) Check(id int64) (*workflow.Version, Faults) {
	var faults workflow.Faults
	add := func(path, format string, args ...any) {
		faults = append(faults, workflow.Fault{Path: path, Text: fmt.Sprintf(format, args...)})
	}
	checkHead("workflow", d.Key, d.Name, add)
	v, err := workflow.Compile(d.Definition, workflow.Identity{WorkflowID: id, Number: 1, Key: d.Key, Name: d.Name, MailboxID: d.Mailbox})
	if err == nil {
		err = workflow.Publishable(d.Definition)
	}
	faults = append(faults, workflow.FaultsOf(err)...)
	faults = append(faults, CheckTests(d.Tests, "tests")...)
	return v, d.Place(faults)
}

// checkHead checks the key and the name of a document.
func checkHead(what, key, name string, add func(path, format string, args ...any)) {
	switch {
	case key == "":
		add("key", "A %s needs a key, such as closing-notice.", what)
	case !keyPattern.MatchString(key) || len(key) > maxKey || key == wordNone:
		add("key", "%q is no key: small letters, digits and - . _ are possible, %d at most.", key, maxKey)
	}
	switch {
	case strings.TrimSpace(name) == "":
		add("name", "A %s needs a name.", what)
	case len([]rune(name)) > MaxName || strings.ContainsAny(name, "\n\r\t"):
		add("name", "A name has at most %d characters on one line.", MaxName)
	}
}

// MaxName is how long the name of a workflow may be, in characters.
const MaxName = 120

var keyPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)

// CheckTests finds what is wrong with a list of tests; path is where it stands.
func CheckTests(tests []workflow.Test, path string) (faults workflow.Faults) {
	if len(tests) > workflow.MaxTests {
		faults = append(faults, workflow.Fault{Path: path, Text: fmt.Sprintf("A workflow has at most %d tests.", workflow.MaxTests)})
	}
	for i, t := range tests {
		at := fmt.Sprintf("%s[%d]", path, i)
		for _, f := range t.Check() {
			faults = append(faults, workflow.Fault{Path: at + "." + f.Path, Text: f.Text})
		}
		if slices.ContainsFunc(tests[:i], func(o workflow.Test) bool { return o.Name == t.Name }) {
			faults = append(faults, workflow.Fault{Path: at + ".name", Text: fmt.Sprintf("Two tests are called %q.", t.Name)})
		}
	}
	return faults
}

// nearWord proposes a word for what stands at a path, "" for none.
func nearWord(path, text string) string {
	if text == "" {
		return ""
	}
	var words []string
	switch field := path[strings.LastIndexByte(path, '.')+1:]; field {
	case "fact":
		for _, f := range workflow.Schema() {
			words = append(words, strings.TrimSuffix(f.Name, "*"))
		}
	case "op":
		for _, o := range workflow.Operators() {
			words = append(words, string(o.Op))
		}
	case "event":
		for _, e := range workflow.Events() {
			words = append(words, string(e))
		}
	case "do":
		for _, a := range workflow.ActionKinds {
			words = append(words, string(a))
		}
	case "verdict":
		words = workflow.ExpectedVerdicts()
	case "status":
		for _, s := range postroom.Statuses {
			words = append(words, string(s))
		}
	default:
		return ""
	}
	if slices.Contains(words, text) {
		return ""
	}
	return nearest(text, words)
}
