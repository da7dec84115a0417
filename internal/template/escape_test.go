package template_test

import (
	"encoding/json"
	"net/url"
	"testing"

	"postroom/internal/template"
)

// TestEscapedForCalls renders values that would break out of a JSON text or of
// a step of an address.
func TestEscapedForCalls(t *testing.T) {
	t.Parallel()
	for _, name := range []string{`Ann "the \\ one"`, "a/../b?c=d#e&f", "..", ".", "Zoë 100%", "<b>", "a+b"} {
		value := func(string) (string, bool) { return name, true }
		parse := func(source string, m template.Mode) string {
			x, err := template.Parse(source, m)
			if err != nil {
				t.Fatal(err)
			}
			out, err := x.Render(template.Options{}, value)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		var got struct{ Name string }
		if out := parse(`{"name": "{{ customer.name }}"}`, template.JSON); json.Unmarshal([]byte(out), &got) != nil || got.Name != name {
			t.Errorf("JSON: %s", out)
		}
		u, err := url.Parse(parse("https://x.example/c/{{ customer.name }}/end?q={{ customer.name }}", template.URL))
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		want := name
		if name == ".." || name == "." {
			want = map[string]string{"..": "__", ".": "_"}[name]
		}
		if u.Path != "/c/"+want+"/end" || u.Query().Get("q") != want || u.Fragment != "" {
			t.Errorf("%q: %s", name, u)
		}
	}
}
