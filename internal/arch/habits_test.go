package arch_test

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

// TestNoInit: what runs by itself at the start of a program cannot be tested,
// ordered or left out.
func TestNoInit(t *testing.T) {
	t.Parallel()
	for _, r := range allRooms(t) {
		for _, s := range r.files {
			if s.generated {
				continue
			}
			for _, d := range s.ast.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
					t.Errorf("%s: no init functions; build it in a constructor", s.at(f.Pos()))
				}
			}
		}
	}
}

// rooted are the places that may begin a context of their own; everything else
// is given one, so that a stop reaches it. A name that ends in "/" is all of a
// folder.
var rooted = map[string]string{
	"internal/app/":                "begins and ends the program's work",
	"internal/cli/":                "a command begins a context",
	"internal/dbtest/":             "a test's database is made before and removed after any test's context",
	"internal/desktest/":           "a test door",
	"internal/work/runner.go":      "work outlives the call that starts it; Stop ends it",
	"internal/wire/smtpin/":        "a listener outlives the call that starts it; Shutdown ends it",
	"internal/wire/smtpout/":       "a connection says goodbye after the context of the last mail, within a second",
	"internal/postoffice/":         "a listener outlives the call that starts it; Close ends it",
	"internal/outbox/outbox.go":    "an idle connection ends by a timer, after the context of the last mail, within seconds",
	"internal/db/sqlite_writer.go": "the writer serves many callers, and a rollback must not depend on one of them",
}

// TestContextsAreGiven finds context.Background and context.TODO where a
// context should have been passed in.
func TestContextsAreGiven(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, r := range allRooms(t) {
		for _, s := range r.code() {
			ast.Inspect(s.ast, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || !isName(call.Fun, "context", "Background") && !isName(call.Fun, "context", "TODO") {
					return true
				}
				if place := rootedAt(s.name); place != "" {
					used[place] = true
					return true
				}
				t.Errorf("%s: take the caller's context (context.WithoutCancel keeps its values when it must outlive it), or give the file a reason in this test", s.at(call.Pos()))
				return true
			})
		}
	}
	for place := range rooted {
		if !used[place] && place != "internal/desktest/" {
			t.Errorf("%s begins no context any more: take it out of this test", place)
		}
	}
}

func rootedAt(name string) string {
	for place := range rooted {
		if name == place || strings.HasSuffix(place, "/") && strings.HasPrefix(name, place) {
			return place
		}
	}
	return ""
}

// isName reports whether an expression is pkg.name.
func isName(e ast.Expr, pkg, name string) bool {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == pkg
}

// TestEachRoomSaysWhatItIs asks for the comment that a package begins with.
func TestEachRoomSaysWhatItIs(t *testing.T) {
	t.Parallel()
	for _, r := range allRooms(t) {
		said := 0
		for _, s := range r.code() {
			if s.ast.Doc == nil || s.generated {
				continue
			}
			said++
			begins := "Package " + s.ast.Name.Name + " "
			if s.ast.Name.Name == "main" {
				begins = "Command " + path.Base(r.path) + " "
			}
			if text := strings.Join(strings.Fields(s.ast.Doc.Text()), " "); !strings.HasPrefix(text, begins) {
				t.Errorf("%s: the comment of package %s should begin with %q", s.at(s.ast.Doc.Pos()), r.path, begins)
			}
		}
		if said != 1 {
			t.Errorf("package %s has %d package comments, want one that says what the room is for", r.path, said)
		}
	}
}

// vague are names that say nothing about what is inside.
var vague = []string{"util", "utils", "common", "helper", "helpers", "manager", "misc", "models", "types", "base", "shared"}

// TestNoRoomIsNamedVaguely keeps out rooms for whatever has no place.
func TestNoRoomIsNamedVaguely(t *testing.T) {
	t.Parallel()
	for _, r := range allRooms(t) {
		if slices.Contains(vague, path.Base(r.path)) {
			t.Errorf("package %s: name it after what it does", r.path)
		}
		for _, s := range r.files {
			name := strings.TrimSuffix(strings.TrimSuffix(path.Base(s.name), ".go"), "_test")
			if slices.Contains(vague, name) {
				t.Errorf("%s: name the file after what is in it", s.name)
			}
		}
	}
}

// maxLines is where a file has become two. house.md asks at about 600.
const maxLines = 700

// TestNoFileIsTooLong reports files that nobody reads to the end.
func TestNoFileIsTooLong(t *testing.T) {
	t.Parallel()
	for _, r := range allRooms(t) {
		for _, s := range r.files {
			if !s.generated && s.lines > maxLines {
				t.Errorf("%s has %d lines, over %d: it is about two things", s.name, s.lines, maxLines)
			}
		}
	}
}

// TestWhatIsExportedSaysWhatItIs asks for a comment on everything that other
// packages can name, in every room.
func TestWhatIsExportedSaysWhatItIs(t *testing.T) {
	t.Parallel()
	for _, r := range allRooms(t) {
		for _, s := range r.code() {
			if s.generated || s.ast.Name.Name == "main" {
				continue
			}
			for _, d := range s.ast.Decls {
				switch d := d.(type) {
				case *ast.FuncDecl:
					undocumentedFunc(t, s, d)
				case *ast.GenDecl:
					undocumentedNames(t, s, d)
				}
			}
		}
	}
}

// plain are methods whose meaning is that of the interface they satisfy.
var plain = []string{"Error", "Unwrap", "String", "Len", "Less", "Swap", "ServeHTTP", "MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText", "Scan", "Close", "Write", "Read", "Is"}

func undocumentedFunc(t *testing.T, s *source, f *ast.FuncDecl) {
	t.Helper()
	if !f.Name.IsExported() || f.Doc != nil {
		return
	}
	if f.Recv != nil && (!exportedReceiver(f.Recv) || slices.Contains(plain, f.Name.Name)) {
		return
	}
	t.Errorf("%s: %s has no comment", s.at(f.Pos()), f.Name.Name)
}

// exportedReceiver reports whether a method's type can be named elsewhere.
func exportedReceiver(recv *ast.FieldList) bool {
	e := recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

// undocumentedNames accepts a comment on a group of constants or variables for
// all of them; a type needs its own.
func undocumentedNames(t *testing.T, s *source, d *ast.GenDecl) {
	t.Helper()
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() && spec.Doc == nil && (d.Doc == nil || d.Lparen.IsValid()) {
				t.Errorf("%s: type %s has no comment", s.at(spec.Pos()), spec.Name.Name)
			}
		case *ast.ValueSpec:
			if spec.Doc != nil || spec.Comment != nil || d.Doc != nil || d.Tok == token.IMPORT {
				continue
			}
			for _, n := range spec.Names {
				if n.IsExported() {
					t.Errorf("%s: %s has no comment", s.at(n.Pos()), n.Name)
				}
			}
		}
	}
}
