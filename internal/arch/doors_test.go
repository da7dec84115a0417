package arch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"postroom"
)

// door is one way to change a conversation: a route of the pages, or a function
// that follows from something else. Every change goes through a verb of the
// desk (W1); here stands which, and by which path its events say they came.
type door struct {
	where string   // method and pattern of a route, or package and function
	verbs []string // methods of the desk
	paths []postroom.Path
}

// doors is the table that W5 asks for: a route, command, mail command or kind
// of work that changes a conversation has a row here. What each path does to
// the count of events and mails is proven in desktest.
var doors = []door{
	// An agent on the pages.
	{"POST /conversations/{number}/reply", []string{"Publish"}, []postroom.Path{postroom.PathSend, postroom.PathComposer}},
	{"POST /conversations/{number}/note", []string{"Publish"}, []postroom.Path{postroom.PathSend, postroom.PathComposer}},
	{"POST /conversations/{number}/status", []string{"SetStatus"}, []postroom.Path{postroom.PathMenu, postroom.PathKeyboard}},
	{"POST /conversations/{number}/assign", []string{"Assign"}, []postroom.Path{postroom.PathMenu, postroom.PathKeyboard}},
	{"POST /conversations/{number}/team", []string{"SetTeam"}, []postroom.Path{postroom.PathMenu, postroom.PathKeyboard}},
	{"POST /conversations/{number}/tags", []string{"ChangeTags"}, []postroom.Path{postroom.PathMenu, postroom.PathKeyboard}},
	{"POST /conversations/{number}/subject", []string{"SetSubject"}, []postroom.Path{postroom.PathMenu, postroom.PathKeyboard}},
	{"POST /conversations/{number}/confirm", []string{"ConfirmSender"}, []postroom.Path{postroom.PathMenu, postroom.PathKeyboard}},
	{"POST /conversations/{number}/follow", []string{"Follow"}, []postroom.Path{postroom.PathMenu, postroom.PathKeyboard}},
	{"POST /conversations/{number}/customer/give", []string{"GiveTo"}, []postroom.Path{postroom.PathMenu, postroom.PathKeyboard}},
	{"POST /conversations/{number}/move", []string{"Move"}, []postroom.Path{postroom.PathMenu, postroom.PathKeyboard}},
	{"POST /conversations/{number}/field", []string{"SetField"}, []postroom.Path{postroom.PathMenu, postroom.PathKeyboard}},
	{"POST /conversations/{number}/merge/into", []string{"Merge"}, []postroom.Path{postroom.PathMenu, postroom.PathKeyboard}},
	{"POST /conversations/{number}/snooze", []string{"Snooze"}, []postroom.Path{postroom.PathMenu, postroom.PathKeyboard}},
	{"POST /conversations/{number}/wake", []string{"WakeUp"}, []postroom.Path{postroom.PathMenu, postroom.PathKeyboard}},
	{"POST /conversations/{number}/delete", []string{"Delete"}, []postroom.Path{postroom.PathMenu, postroom.PathKeyboard}},
	{"POST /conversations/{number}/restore", []string{"Restore"}, []postroom.Path{postroom.PathMenu, postroom.PathKeyboard}},
	{"POST /messages/{id}/edit", []string{"EditMessage"}, []postroom.Path{postroom.PathMenu, postroom.PathKeyboard}},
	{"POST /conversations/{number}/timers/{id}/cancel", []string{"CancelTimer"}, []postroom.Path{postroom.PathMenu, postroom.PathKeyboard}},
	{"POST /conversations/{number}/run", []string{"Start"}, []postroom.Path{postroom.PathMenu, postroom.PathKeyboard}},
	{"POST /acts/{id}/undo", []string{"Undo"}, []postroom.Path{postroom.PathUndo}},
	{"POST /bulk", []string{"StartBulk"}, []postroom.Path{postroom.PathBulk}},
	{"POST /jobs/{id}/undo", []string{"UndoBulk"}, []postroom.Path{postroom.PathUndo}},

	{"POST /conversations/{number}/seen", []string{"Opened"}, []postroom.Path{postroom.PathPage}},

	// A customer on the page to which the links of a mail lead.
	{"POST /rate/{token}", []string{"Rate"}, []postroom.Path{postroom.PathRating}},

	// Work that follows commits.
	{"react filing.join", []string{"In"}, []postroom.Path{postroom.PathMail, postroom.PathImport}},
	{"react filing.mark", []string{"In"}, []postroom.Path{postroom.PathSystem}},
	{"react filing.answered", []string{"In"}, []postroom.Path{postroom.PathCommand}},
	{"react leg.run", []string{"In"}, []postroom.Path{postroom.PathWorkflow}},
	{"react judgement.stopped", []string{"In"}, []postroom.Path{postroom.PathWorkflow}},
	{"react React.callConsequences", []string{"In"}, []postroom.Path{postroom.PathWorkflow}},
	{"react React.fire", []string{"In"}, []postroom.Path{postroom.PathTimer}},
	{"react React.wake", []string{"In"}, []postroom.Path{postroom.PathTimer}},
	{"react scheduleWalk.record", []string{"In"}, []postroom.Path{postroom.PathTimer}},
	{"react React.bulk", []string{"RunBulk"}, []postroom.Path{postroom.PathBulk}},
	{"outbox Outbox.consequences", []string{"In"}, []postroom.Path{postroom.PathSystem}},
	{"outbox Outbox.reopenMerged", []string{"In"}, []postroom.Path{postroom.PathSystem}},
	{"outbox Outbox.again", []string{"In"}, []postroom.Path{postroom.PathMenu}},
}

// unused are paths that no door takes by itself, with the reason.
var unused = map[postroom.Path]string{
	postroom.PathMerge: "a merge comes by the doors of the conversation that goes on, and ends the other one by this path",
}

// verbs are the methods of the desk that change conversations.
var verbs = []string{"Opened", "Rate", "Publish", "SetStatus", "Assign", "SetTeam", "ChangeTags", "SetSubject", "ConfirmSender", "Follow", "GiveTo", "SetField", "Snooze", "WakeUp", "Move", "Merge", "Delete", "Restore", "EditMessage", "Undo", "UndoBulk", "StartBulk", "RunBulk", "CancelTimer", "Start", "Turn", "In"}

// strangers are the routes that change conversations for who is not signed in,
// with what gives them the right.
var strangers = map[string]string{
	"POST /rate/{token}": "the token, of one mail and for this use",
}

// only are those of them that no other type has, so that the name is enough.
var only = []string{"SetStatus", "SetTeam", "ChangeTags", "SetSubject", "EditMessage", "UndoBulk", "StartBulk", "RunBulk"}

// outside are packages that play people on a desk.
var outside = []string{"internal/desk", "internal/desktest", "internal/app/demo"}

// verbOf returns the verb of the desk that a call is of, "" if it is none.
func verbOf(call *ast.CallExpr) string {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains(verbs, sel.Sel.Name) {
		return ""
	}
	if slices.Contains(only, sel.Sel.Name) {
		return sel.Sel.Name
	}
	holder := ""
	switch x := sel.X.(type) {
	case *ast.SelectorExpr:
		holder = x.Sel.Name
	case *ast.Ident:
		holder = x.Name
	}
	if strings.EqualFold(holder, "desk") {
		return sel.Sel.Name
	}
	return ""
}

// function is what one function or method does, as far as it matters here.
type function struct {
	at    string
	name  string // "leg.run", "setStatus"
	verbs []string
	paths []string // names of path constants it mentions
	calls []string // names of functions, and of methods with a dot before them
}

// functions reads a package.
func functions(r *room) []*function {
	var out []*function
	for _, s := range r.code() {
		for _, d := range s.ast.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			x := &function{at: s.at(f.Pos()), name: f.Name.Name}
			if f.Recv != nil {
				x.name = receiver(f.Recv) + "." + f.Name.Name
			}
			ast.Inspect(f.Body, x.look)
			out = append(out, x)
		}
	}
	return out
}

func receiver(recv *ast.FieldList) string {
	e := recv.List[0].Type
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return "?"
}

func (x *function) look(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.SelectorExpr:
		if id, ok := n.X.(*ast.Ident); ok && id.Name == "postroom" && strings.HasPrefix(n.Sel.Name, "Path") {
			x.paths = append(x.paths, n.Sel.Name)
		}
	case *ast.CallExpr:
		if v := verbOf(n); v != "" {
			x.verbs = append(x.verbs, v)
		}
		switch fun := n.Fun.(type) {
		case *ast.Ident:
			x.calls = append(x.calls, fun.Name)
		case *ast.SelectorExpr:
			x.calls = append(x.calls, "."+fun.Sel.Name)
		}
		for _, a := range n.Args {
			if id, ok := a.(*ast.Ident); ok {
				x.calls = append(x.calls, id.Name) // a function handed on
			}
		}
	}
	return true
}

// reach collects the verbs that a function comes to, through others of its
// package. Methods are found by name alone: one too many is a row too many in
// the report, never one too few.
func reach(all []*function, name string, seen map[string]bool) []string {
	if seen[name] {
		return nil
	}
	seen[name] = true
	var out []string
	for _, f := range all {
		_, method, is := strings.Cut(f.name, ".")
		if f.name != name && (!is || "."+method != name) {
			continue
		}
		out = append(out, f.verbs...)
		for _, c := range f.calls {
			out = append(out, reach(all, c, seen)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// route is one entry of the list of routes.
type route struct {
	method, pattern, who, answer string
	paths                        []string
	at                           string
}

// routes reads the one list of routes of the pages.
func routes(t *testing.T) []route {
	t.Helper()
	web := roomAt(t, "internal/web")
	lists := map[string][]string{} // names of path constants by variable
	var out []route
	for _, s := range web.code() {
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Names) == 1 && len(spec.Values) == 1 {
				if names := pathNames(spec.Values[0]); names != nil {
					lists[spec.Names[0].Name] = names
				}
			}
			return true
		})
	}
	for _, s := range web.code() {
		ast.Inspect(s.ast, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			r := route{at: s.at(lit.Pos())}
			for _, e := range lit.Elts {
				kv, ok := e.(*ast.KeyValueExpr)
				if !ok {
					continue
				}
				key, _ := kv.Key.(*ast.Ident)
				if key == nil {
					continue
				}
				switch key.Name {
				case "Method":
					r.method = text(kv.Value)
				case "Pattern":
					r.pattern = text(kv.Value)
				case "Who":
					r.who = text(kv.Value)
				case "answer":
					r.answer = text(kv.Value)
				case "Paths":
					if id, ok := kv.Value.(*ast.Ident); ok {
						r.paths = lists[id.Name]
					} else {
						r.paths = pathNames(kv.Value)
					}
				}
			}
			if r.method != "" && r.pattern != "" {
				out = append(out, r)
			}
			return true
		})
	}
	if len(out) < 40 {
		t.Fatalf("only %d routes were found: the test looks in the wrong place", len(out))
	}
	return out
}

// pathNames reads a list of path constants, nil if it is none.
func pathNames(e ast.Expr) []string {
	lit, ok := e.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	var out []string
	for _, x := range lit.Elts {
		if sel, ok := x.(*ast.SelectorExpr); ok && strings.HasPrefix(sel.Sel.Name, "Path") {
			out = append(out, sel.Sel.Name)
		}
	}
	return out
}

// text is a string literal's value or an identifier's name.
func text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			s, _ := strconv.Unquote(e.Value)
			return s
		}
	case *ast.Ident:
		return e.Name
	case *ast.CallExpr: // publish(postroom.Reply): what makes the answer
		return text(e.Fun)
	}
	return ""
}

// pathValues reads the names of the path constants from the domain.
func pathValues(t *testing.T) map[string]postroom.Path {
	t.Helper()
	out := map[string]postroom.Path{}
	for _, s := range roomAt(t, ".").code() {
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Names) == 1 && len(spec.Values) == 1 && text(spec.Type) == "Path" {
				out[spec.Names[0].Name] = postroom.Path(text(spec.Values[0]))
			}
			return true
		})
	}
	if len(out) < 5 {
		t.Fatalf("only %d paths were found", len(out))
	}
	return out
}

func rowAt(where string) (door, bool) {
	i := slices.IndexFunc(doors, func(d door) bool { return d.where == where })
	if i < 0 {
		return door{}, false
	}
	return doors[i], true
}

// TestEachWayToChangeAConversationIsKnown is W5's table held against the
// source, both ways (W1).
func TestEachWayToChangeAConversationIsKnown(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	values := pathValues(t)
	web := functions(roomAt(t, "internal/web"))
	for _, r := range routes(t) {
		where := r.method + " " + r.pattern
		got := reach(web, r.answer, map[string]bool{})
		row, known := rowAt(where)
		switch {
		case len(got) == 0 && !known && len(r.paths) == 0:
			continue
		case len(got) == 0:
			t.Errorf("%s: %s names paths or has a row in the table of doors, but changes no conversation", r.at, where)
		case !known:
			t.Errorf("%s: %s changes conversations (%s) and has no row in the table of doors", r.at, where, strings.Join(got, ", "))
		}
		found[where] = true
		var paths []postroom.Path
		for _, p := range r.paths {
			paths = append(paths, values[p])
		}
		if !sameSet(paths, row.paths) {
			t.Errorf("%s: %s names the paths %v, its row %v", r.at, where, paths, row.paths)
		}
		if known && !sameSet(got, row.verbs) {
			t.Errorf("%s: %s comes to %v of the desk, its row says %v", r.at, where, got, row.verbs)
		}
		if r.method == "POST" && strangers[where] != "" {
			continue
		}
		if r.method != "POST" || r.who != "Agents" && r.who != "Admins" && r.who != "Writers" {
			t.Errorf("%s: %s changes conversations; it must be a POST by somebody signed in", r.at, where)
		}
	}
	for _, room := range allRooms(t) {
		if room.path == "internal/web" || slices.Contains(outside, room.path) || !knowsDesk(room) {
			continue
		}
		for _, f := range functions(room) {
			if len(f.verbs) == 0 {
				continue
			}
			where := roomName(room.path) + " " + f.name
			found[where] = true
			row, known := rowAt(where)
			if !known {
				t.Errorf("%s: %s changes conversations (%s) and has no row in the table of doors", f.at, where, strings.Join(f.verbs, ", "))
				continue
			}
			if !sameSet(f.verbs, row.verbs) {
				t.Errorf("%s: %s calls %v of the desk, its row says %v", f.at, where, f.verbs, row.verbs)
			}
			for _, p := range f.paths {
				if !slices.Contains(row.paths, values[p]) {
					t.Errorf("%s: %s takes the path %s, its row says %v", f.at, where, p, row.paths)
				}
			}
		}
	}
	for _, d := range doors {
		if !found[d.where] {
			t.Errorf("the table of doors has a row for %s, which is not there", d.where)
		}
	}
}

// knowsDesk reports whether a package imports the desk; one that does not
// cannot call it, whatever its own methods are called.
func knowsDesk(r *room) bool {
	for _, s := range r.code() {
		for _, imp := range s.ast.Imports {
			if imp.Path.Value == strconv.Quote(module+"/internal/desk") {
				return true
			}
		}
	}
	return false
}

func sameSet[T interface{ ~string }](a, b []T) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

// TestEachPathIsTaken: a path that nothing takes is a word too many, and one
// that the table does not know is a door too many.
func TestEachPathIsTaken(t *testing.T) {
	t.Parallel()
	taken := map[postroom.Path]bool{}
	for _, d := range doors {
		for _, p := range d.paths {
			taken[p] = true
		}
	}
	for name, p := range pathValues(t) {
		_, reserved := unused[p]
		if taken[p] == reserved {
			t.Errorf("%s: taken by a row of the table: %v; said to be unused: %v", name, taken[p], reserved)
		}
	}
	if len(taken) == 0 {
		t.Errorf("no path is taken at all: %v", slices.Collect(maps.Keys(taken)))
	}
}

// TestOnlyTheStoreSpeaksSQL: one place writes rows, so one place can be looked
// at for what is written (house.md, SQL).
func TestOnlyTheStoreSpeaksSQL(t *testing.T) {
	t.Parallel()
	rooms := []string{"internal/store", "internal/db", "internal/dbtest", "internal/desktest"}
	for _, r := range allRooms(t) {
		if slices.Contains(rooms, r.path) {
			continue
		}
		for _, s := range r.code() {
			ast.Inspect(s.ast, func(n ast.Node) bool {
				lit, ok := n.(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					return true
				}
				q := strings.Join(strings.Fields(strings.ToLower(strings.Trim(lit.Value, "`\""))), " ")
				for _, begins := range [][2]string{{"select ", " from "}, {"insert into ", " values"}, {"update ", " set "}, {"delete from ", " where "}} {
					if strings.HasPrefix(q, begins[0]) && strings.Contains(q, begins[1]) {
						t.Errorf("%s: SQL belongs into package store: %.60s", s.at(lit.Pos()), q)
					}
				}
				return true
			})
		}
	}
}

// TestDoorsAreFound holds the search itself to a small program.
func TestDoorsAreFound(t *testing.T) {
	t.Parallel()
	const program = `package x
func direct(q *request) error { return q.site.o.Desk.SetStatus(q, 1) }
func through(q *request) error { return q.told(deeper(q)) }
func deeper(q *request) error { return q.method() }
func (q *request) method() error { _, err := q.desk.Publish(q); return err }
func handed(q *request) error { return run(direct) }
func harmless(q *request) error { q.hub.Publish("key"); return q.Assign() }
`
	file, set, err := parseText(program)
	if err != nil {
		t.Fatal(err)
	}
	all := functions(&room{path: "x", files: []*source{{name: "x.go", ast: file, set: set}}})
	for name, want := range map[string][]string{
		"direct": {"SetStatus"}, "through": {"Publish"}, "deeper": {"Publish"}, "handed": {"SetStatus"}, "harmless": nil, "nothing": nil,
	} {
		if got := reach(all, name, map[string]bool{}); !sameSet(got, want) {
			t.Errorf("%s comes to %v, want %v", name, got, want)
		}
	}
}

func parseText(program string) (*ast.File, *token.FileSet, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "x.go", program, parser.SkipObjectResolution)
	return file, set, err
}
