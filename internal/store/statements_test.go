package store_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"postroom/internal/db"
	"postroom/internal/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// Every statement of the product is understood by both engines: each constant
// q… of this package is prepared against the migrated schema.
func TestEveryStatementOnBothEngines(t *testing.T) {
	t.Parallel()
	all := statements(t)
	if len(all) < 120 {
		t.Fatalf("only %d statements were found", len(all))
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for name, text := range all {
			if err := prepare(t, d, text); err != nil {
				t.Errorf("%s: %v\n%s", name, err, text)
			}
		}
	})
}

var placeholder = regexp.MustCompile(`\$(\d+)`)

// prepare has the engine read a statement without running it.
func prepare(t *testing.T, d *db.DB, text string) error {
	t.Helper()
	return d.Write(t.Context(), func(tx *db.Tx) error {
		if d.Engine() == db.Postgres {
			if _, err := tx.Exec(t.Context(), "prepare probe as "+text); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), "deallocate probe")
			return err
		}
		most := 0
		for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
			n, _ := strconv.Atoi(m[1])
			most = max(most, n)
		}
		rows, err := tx.Query(t.Context(), "explain "+text, make([]any, most)...)
		if err != nil {
			return err
		}
		return rows.Close()
	})
}

// statements collects the constants q… that are whole statements. Fragments,
// which are put together at run time, are proven where they are used.
func statements(t *testing.T) map[string]string {
	t.Helper()
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]ast.Expr{}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			group, ok := decl.(*ast.GenDecl)
			if !ok || group.Tok != token.CONST {
				continue
			}
			for _, spec := range group.Specs {
				v := spec.(*ast.ValueSpec)
				for i, name := range v.Names {
					if i < len(v.Values) {
						values[name.Name] = v.Values[i]
					}
				}
			}
		}
	}
	out := map[string]string{}
	for name, value := range values {
		text, err := constant(values, value)
		if err != nil || !strings.HasPrefix(name, "q") {
			continue
		}
		text = strings.TrimSpace(text)
		verb, _, _ := strings.Cut(text, " ")
		if whole := map[string]bool{"select": true, "insert": true, "update": true, "delete": true, "with": true}; whole[verb] && complete(text) {
			out[name] = text
		}
	}
	return out
}

// complete tells a statement from the beginning of one.
func complete(text string) bool {
	for _, open := range []string{"values", "where", "and", "in (", "from", "=", "select", ","} {
		if strings.HasSuffix(text, open) {
			return false
		}
	}
	if strings.HasPrefix(text, "select") && !strings.Contains(text, "from") {
		return false
	}
	return strings.Count(text, "(") == strings.Count(text, ")")
}

// constant evaluates a string constant that is put together with +.
func constant(values map[string]ast.Expr, e ast.Expr) (string, error) {
	switch e := e.(type) {
	case *ast.BasicLit:
		return strconv.Unquote(e.Value)
	case *ast.Ident:
		if v, ok := values[e.Name]; ok {
			return constant(values, v)
		}
	case *ast.ParenExpr:
		return constant(values, e.X)
	case *ast.BinaryExpr:
		left, err := constant(values, e.X)
		if err != nil {
			return "", err
		}
		right, err := constant(values, e.Y)
		return left + right, err
	}
	return "", fmt.Errorf("no string constant")
}
