package arch_test

import (
	"go/ast"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// effect is one kind of reaching out of the program, and the rooms that are
// its door. A name that ends in "*" stands for all that begin so.
type effect struct {
	what  string
	names []string
	rooms []string // a room's parts are meant too
}

var effects = []effect{
	{"calling out over the network",
		[]string{"net.Dial*", "net.Lookup*", "net.Resolver", "net.DefaultResolver", "tls.Dial*", "http.Get", "http.Post*", "http.Head", "http.Client", "http.DefaultClient", "http.DefaultTransport", "http.Transport", "smtp.*"},
		[]string{"wire", "postoffice", "app", "cli", "dbtest", "desktest"}},
	{"listening on the network",
		[]string{"net.Listen*", "tls.Listen", "http.ListenAndServe*", "http.Serve*TLS"},
		[]string{"wire/smtpin", "postoffice", "app", "dbtest", "desktest"}},
	{"writing files",
		[]string{"os.Create*", "os.OpenFile", "os.WriteFile", "os.Mkdir*", "os.Rename", "os.Remove*", "os.Link", "os.Symlink", "os.Chmod", "os.Truncate"},
		[]string{"blob", "db", "secret", "app", "cli", "wire/smtpin", "dbtest", "desktest"}}, // smtpin: its socket
	{"starting other programs",
		[]string{"exec.Command*", "os.StartProcess"},
		[]string{"db", "cli", "dbtest"}},
	{"the process itself",
		[]string{"os.Exit", "os.Getenv", "os.LookupEnv", "os.Environ", "os.Stdin", "os.Stdout", "os.Stderr", "os.Args", "fmt.Print*", "signal.*", "log.*"},
		[]string{"cli", "cmd/postroom", "postoffice", "wire/smtpin", "db", "app", "dbtest"}}, // db hands the environment on to pg_dump
	// What is stored is dated by the database's clock, which is the same for
	// every process and which tests can set.
	{"the machine's clock",
		[]string{"time.Now", "time.Since", "time.Until", "time.Sleep"},
		[]string{"db", "work", "wire", "postoffice", "blob", "app", "cli", "web", "dbtest", "desktest"}},
}

// pure rooms decide and read nothing but what they are given.
var pure = []string{"root", "locale", "template", "email", "email/tnef", "workflow", "proof", "flowfile", "recipe", "notify", "web/view"}

// impure are packages that a pure room has no use for.
var impure = []string{"os", "os/exec", "net", "net/http", "database/sql", "math/rand", "math/rand/v2", "crypto/rand", "log", "log/slog", "context", "sync/atomic", "syscall"}

// exceptions to the rule for pure rooms, with their reasons.
var exceptions = map[string]string{
	"web/view context": "templ hands every component a context",
}

// TestEachEffectHasItsDoors finds effects outside the rooms that are there for
// them.
func TestEachEffectHasItsDoors(t *testing.T) {
	t.Parallel()
	for _, r := range allRooms(t) {
		name := roomName(r.path)
		for _, s := range r.code() {
			std := standard(s.ast)
			ast.Inspect(s.ast, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				x, ok := sel.X.(*ast.Ident)
				if !ok || !std[x.Name] {
					return true
				}
				for _, e := range effects {
					if named(e.names, x.Name+"."+sel.Sel.Name) && !isDoor(e.rooms, name) {
						t.Errorf("%s: %s.%s is %s, whose doors are %s", s.at(sel.Pos()), x.Name, sel.Sel.Name, e.what, strings.Join(e.rooms, ", "))
					}
				}
				return true
			})
		}
	}
}

func named(patterns []string, name string) bool {
	if name == "net.Listener" { // a type, which does nothing
		return false
	}
	return slices.ContainsFunc(patterns, func(p string) bool {
		begins, all := strings.CutSuffix(p, "*")
		return name == p || all && strings.HasPrefix(name, begins)
	})
}

func isDoor(rooms []string, name string) bool {
	return slices.ContainsFunc(rooms, func(r string) bool { return name == r || strings.HasPrefix(name, r+"/") })
}

// standard says which names of a file are packages of the standard library.
func standard(f *ast.File) map[string]bool {
	out := map[string]bool{}
	for _, imp := range f.Imports {
		path, err := strconv.Unquote(imp.Path.Value)
		if err != nil || strings.Contains(strings.Split(path, "/")[0], ".") || path == module || strings.HasPrefix(path, module+"/") {
			continue
		}
		name := path[strings.LastIndex(path, "/")+1:]
		if imp.Name != nil {
			name = imp.Name.Name
		}
		out[name] = true
	}
	return out
}

// TestPureRoomsArePure: what they decide depends on what they are given alone,
// so it can be decided again years later (W40).
func TestPureRoomsArePure(t *testing.T) {
	t.Parallel()
	for _, r := range allRooms(t) {
		name := roomName(r.path)
		if !slices.Contains(pure, name) {
			continue
		}
		for _, s := range r.code() {
			if s.generated {
				continue
			}
			for _, imp := range s.ast.Imports {
				path, err := strconv.Unquote(imp.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				if slices.Contains(impure, path) && exceptions[name+" "+path] == "" {
					t.Errorf("%s: %s is a pure room and has no use for %s", s.at(imp.Pos()), name, path)
				}
			}
		}
	}
}

// TestTestsDoNotSleep: a test waits for what it waits for, or runs in a bubble
// of testing/synctest, where time costs nothing. A benchmark may look again and
// again for what it measures.
func TestTestsDoNotSleep(t *testing.T) {
	t.Parallel()
	rooms, err := readRooms()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rooms {
		for _, s := range r.files {
			if !s.test || standard(s.ast)["synctest"] || strings.HasSuffix(s.name, "bench_test.go") {
				continue
			}
			ast.Inspect(s.ast, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && isName(call.Fun, "time", "Sleep") {
					t.Errorf("%s: a test that sleeps is slow on one machine and fails on another; wait for the thing itself", s.at(call.Pos()))
				}
				return true
			})
		}
	}
}

// TestEffectsAreFound holds the search itself to what it should find.
func TestEffectsAreFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, room string
		refused    bool
	}{
		{"net.DialTimeout", "desk", true},
		{"net.DialTimeout", "wire/smtpout", false},
		{"net.Listener", "desk", false},
		{"http.Get", "web", true},
		{"http.Handler", "web", false},
		{"os.RemoveAll", "outbox", true},
		{"os.RemoveAll", "blob", false},
		{"os.ReadFile", "config", false},
		{"time.Now", "store", true},
		{"time.Now", "workflow", true},
		{"time.Now", "app/demo", false},
		{"time.Date", "workflow", false},
		{"os.Exit", "app", false},
		{"os.Exit", "query", true},
	} {
		refused := false
		for _, e := range effects {
			refused = refused || named(e.names, c.name) && !isDoor(e.rooms, c.room)
		}
		if refused != c.refused {
			t.Errorf("%s in %s: refused %v, want %v", c.name, c.room, refused, c.refused)
		}
	}
}
