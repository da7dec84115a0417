package arch_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// row is one line of the table of who may import whom. Rooms are named by
// their folder under internal; "root" is the domain at the top.
type row struct {
	rooms   string // separated by blanks
	may     string // rooms, separated by blanks; "*" is every room
	parties string // third-party modules; "" is the standard library only
}

// table is house.md's, with what docs/decisions/0001 added. Packages within a
// room's folder without a row of their own have their room's.
var table = []row{
	{rooms: "root"},
	{rooms: "locale"},
	{rooms: "config", may: "root"},
	{rooms: "secret", may: "root", parties: "golang.org/x/crypto"},
	{rooms: "template", may: "root"},
	{rooms: "email", may: "root email/tnef", parties: "github.com/emersion/go-message github.com/emersion/go-msgauth github.com/microcosm-cc/bluemonday " +
		"github.com/inbucket/html2text golang.org/x/net golang.org/x/text"},
	{rooms: "email/tnef", parties: "golang.org/x/text"},
	{rooms: "wire/httpout", may: "root"},

	{rooms: "db", may: "root", parties: "modernc.org/sqlite github.com/jackc/pgx/v5 github.com/pressly/goose/v3 golang.org/x/sys"},
	{rooms: "work hub blob", may: "root"},
	{rooms: "calendar", may: "root"},
	{rooms: "workflow", may: "root template calendar"},
	{rooms: "promise", may: "root workflow calendar"},
	{rooms: "flowfile", may: "root workflow promise calendar", parties: "go.yaml.in/yaml/v4"},
	{rooms: "recipe", may: "workflow flowfile"},
	{rooms: "wire/smtpout", may: "root email", parties: "github.com/emersion/go-smtp github.com/emersion/go-sasl golang.org/x/net"},
	{rooms: "store", may: "root db"},
	{rooms: "notify", may: "root email locale"},

	{rooms: "desk alarm report", may: "root store blob email template locale secret"},
	{rooms: "directory", may: "root store blob email template locale secret calendar"},
	{rooms: "auth", may: "root store blob email template locale secret", parties: "github.com/alexedwards/argon2id"},
	{rooms: "query", may: "root store blob email template workflow calendar recipe promise"},
	{rooms: "proof", may: "root workflow calendar"},
	{rooms: "automate", may: "root store desk directory workflow promise proof flowfile recipe template query calendar"},
	{rooms: "outbox", may: "root store desk blob email wire/smtpout secret alarm"},

	{rooms: "consent", may: "root store alarm query wire/oauth"},
	{rooms: "connect", may: "root store directory query blob email consent wire/smtpout wire/imap wire/reach"},

	{rooms: "wire/reach"},
	{rooms: "wire/oauth", parties: "golang.org/x/oauth2"},
	{rooms: "wire/imap wire/pop3", may: "root", parties: "github.com/emersion/go-imap/v2"},
	{rooms: "wire/smtpin", may: "root", parties: "github.com/emersion/go-smtp"},
	{rooms: "postoffice", may: "root", parties: "github.com/emersion/go-imap/v2 github.com/emersion/go-sasl github.com/emersion/go-smtp"},

	{rooms: "incoming", may: "root store desk blob outbox alarm work wire/imap"},
	{rooms: "react", may: "root config locale secret template email calendar db work blob hub workflow promise notify store desk directory auth report alarm query automate outbox " +
		"wire/httpout wire/smtpout wire/pop3 wire/smtpin"},

	{rooms: "web/ui"},
	{rooms: "web/view", may: "root locale query calendar", parties: "github.com/a-h/templ"},
	{rooms: "web", may: "root desk directory connect consent query automate outbox auth report hub alarm web/view web/ui locale"},
	{rooms: "api", may: "root desk directory query automate outbox auth report hub alarm web/view", parties: "github.com/danielgtaylor/huma/v2"},

	{rooms: "app", may: "*", parties: "golang.org/x/crypto/acme"},
	{rooms: "app/demo", may: "*"},
	{rooms: "app/sandbox", may: "*"},
	{rooms: "app/letter", may: "root email query web"},
	{rooms: "cli", may: "root app app/demo app/sandbox config recipe", parties: "github.com/alecthomas/kong"},
	{rooms: "cmd/postroom", may: "cli"},

	{rooms: "dbtest", may: "root db", parties: "github.com/jackc/pgx/v5 go.uber.org/goleak"},
	{rooms: "desktest", may: "* dbtest", parties: "github.com/emersion/go-message"},
	{rooms: "arch prove"},
}

// testDoors are imported by tests alone.
var testDoors = []string{"dbtest", "desktest"}

// wiring rooms put others together and are imported by no room beside the ones
// that begin a program.
var wiring = []string{"app", "app/demo", "app/sandbox", "cli", "cmd/postroom", "arch", "prove"}

// roomName is how the table calls a package.
func roomName(path string) string {
	if path == "." {
		return "root"
	}
	return strings.TrimPrefix(path, "internal/")
}

// rowOf finds the row of a room: its own or that of the room it is a part of.
func rowOf(name string) (row, bool) {
	for {
		for _, r := range table {
			if slices.Contains(strings.Fields(r.rooms), name) {
				return r, true
			}
		}
		i := strings.LastIndex(name, "/")
		if i < 0 {
			return row{}, false
		}
		name = name[:i]
	}
}

func (r row) mayRoom(name string) bool {
	may := strings.Fields(r.may)
	if slices.Contains(may, name) {
		return true
	}
	return slices.Contains(may, "*") && !slices.Contains(testDoors, name)
}

func (r row) mayParty(path string) bool {
	return slices.ContainsFunc(strings.Fields(r.parties), func(m string) bool { return path == m || strings.HasPrefix(path, m+"/") })
}

// TestEachRoomImportsOnlyWhatItMay holds every import of the program, tests
// left out, against the table.
func TestEachRoomImportsOnlyWhatItMay(t *testing.T) {
	t.Parallel()
	for _, r := range allRooms(t) {
		name := roomName(r.path)
		line, ok := rowOf(name)
		if !ok {
			t.Errorf("package %s has no row in the table of who may import whom; give it one in this test", r.path)
			continue
		}
		for _, s := range r.code() {
			for _, imp := range s.ast.Imports {
				path, err := strconv.Unquote(imp.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				if why := refuse(name, line, path); why != "" {
					t.Errorf("%s: package %s imports %s, but %s", s.at(imp.Pos()), r.path, path, why)
				}
			}
		}
	}
}

// refuse says why a room may not import a path, "" if it may.
func refuse(name string, line row, path string) string {
	host, _, _ := strings.Cut(path, "/")
	switch {
	case path == "C" || path == "unsafe":
		return "the program is plain Go: no cgo, nothing unsafe"
	case path == module || strings.HasPrefix(path, module+"/"):
		other := roomName("." + strings.TrimPrefix(path, module))
		if path != module {
			other = roomName(strings.TrimPrefix(path, module+"/"))
		}
		switch {
		case line.mayRoom(other):
			return ""
		case slices.Contains(testDoors, other) && !slices.Contains(testDoors, name):
			return other + " is a door for tests"
		}
		return fmt.Sprintf("the row of %s allows only: %s", name, orNone(line.may))
	case strings.Contains(host, "."):
		if line.mayParty(path) {
			return ""
		}
		return fmt.Sprintf("the row of %s allows of third parties only: %s", name, orNone(line.parties))
	}
	return ""
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return strings.Join(strings.Fields(s), ", ")
}

// TestNobodyImportsWhatPutsTheRoomsTogether: who may import every room must
// not be imported by one of them, or the table would say nothing.
func TestNobodyImportsWhatPutsTheRoomsTogether(t *testing.T) {
	t.Parallel()
	for _, line := range table {
		for _, name := range strings.Fields(line.rooms) {
			if slices.Contains(wiring, name) {
				continue
			}
			for _, w := range wiring {
				if slices.Contains(strings.Fields(line.may), w) {
					t.Errorf("the row of %s allows %s, which puts the rooms together", name, w)
				}
			}
		}
	}
}

// TestTheTableNamesEachRoomOnce guards the table itself, and that a room which
// may be imported has a row.
func TestTheTableNamesEachRoomOnce(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, line := range table {
		for _, name := range strings.Fields(line.rooms) {
			if seen[name] {
				t.Errorf("%s has two rows", name)
			}
			seen[name] = true
		}
	}
	for _, line := range table {
		for _, name := range strings.Fields(line.may) {
			if name != "*" && !seen[name] {
				t.Errorf("the row of %s allows %s, which has no row", line.rooms, name)
			}
		}
	}
	for _, needed := range []string{"root", "store", "desk", "web", "react", "app"} {
		if !seen[needed] {
			t.Errorf("%s has no row; the table has only %v", needed, slices.Sorted(maps.Keys(seen)))
		}
	}
}

// TestRefusals holds the test itself to what it should refuse.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		room, path string
		refused    bool
	}{
		{"root", "strings", false},
		{"root", "postroom/internal/store", true},
		{"root", "golang.org/x/text/language", true},
		{"store", "postroom", false},
		{"store", "postroom/internal/db", false},
		{"store", "postroom/internal/desk", true},
		{"web", "postroom/internal/store", true},
		{"web", "postroom/internal/db", true},
		{"web", "postroom/internal/email", true},
		{"web", "postroom/internal/web/view", false},
		{"workflow", "postroom/internal/template", false},
		{"workflow", "postroom/internal/store", true},
		{"desk", "postroom/internal/dbtest", true},
		{"app", "postroom/internal/store", false},
		{"app", "postroom/internal/desktest", true},
		{"db", "github.com/jackc/pgx/v5/stdlib", false},
		{"desk", "github.com/jackc/pgx/v5/stdlib", true},
		{"secret", "golang.org/x/cryptography", true},
		{"blob", "C", true},
	} {
		line, ok := rowOf(c.room)
		if !ok {
			t.Fatalf("%s has no row", c.room)
		}
		if got := refuse(c.room, line, c.path); (got != "") != c.refused {
			t.Errorf("%s imports %s: %q", c.room, c.path, got)
		}
	}
}
