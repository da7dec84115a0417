package arch_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// module is the name of our module.
const module = "postroom"

// room is one package of the module.
type room struct {
	path  string // within the module; "." is the root
	files []*source
}

// source is one Go file.
type source struct {
	name      string // within the module
	test      bool
	generated bool
	lines     int
	ast       *ast.File
	set       *token.FileSet
}

// at says where something is.
func (s *source) at(p token.Pos) string {
	at := s.set.Position(p)
	at.Filename = s.name
	return at.String()
}

// code lists the files that are part of the program.
func (r *room) code() []*source {
	return slices.DeleteFunc(slices.Clone(r.files), func(s *source) bool { return s.test })
}

// top is the folder of the module.
func top(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// elsewhere are folders with nothing of the module in them.
var elsewhere = []string{"node_modules", "testdata", "dist", "tools", "docs", "bin"}

// readRooms parses every Go file of the module, tests and files for other
// systems included.
var readRooms = sync.OnceValues(func() (map[string]*room, error) {
	rooms := map[string]*room{}
	dir := filepath.Join("..", "..")
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // somebody removed it while we looked
			}
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains(elsewhere, d.Name())) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(rel) != ".go" {
			return nil
		}
		s, err := readSource(name, rel)
		if err != nil {
			return err
		}
		p := path.Dir(rel)
		if rooms[p] == nil {
			rooms[p] = &room{path: p}
		}
		rooms[p].files = append(rooms[p].files, s)
		return nil
	})
	return rooms, err
})

func readSource(name, rel string) (*source, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, rel, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return &source{name: rel, test: strings.HasSuffix(rel, "_test.go"), generated: ast.IsGenerated(file),
		lines: strings.Count(string(text), "\n"), ast: file, set: set}, nil
}

// allRooms returns the packages of the module, in order.
func allRooms(t *testing.T) []*room {
	t.Helper()
	rooms, err := readRooms()
	if err != nil {
		t.Fatalf("read the module: %v", err)
	}
	var out []*room
	for _, r := range rooms {
		if len(r.code()) > 0 {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *room) int { return strings.Compare(a.path, b.path) })
	if len(out) < 10 {
		t.Fatalf("only %d packages were found: the test looks in the wrong place", len(out))
	}
	return out
}

// roomAt returns one package.
func roomAt(t *testing.T, p string) *room {
	t.Helper()
	for _, r := range allRooms(t) {
		if r.path == p {
			return r
		}
	}
	t.Fatalf("there is no package %s", p)
	return nil
}
