package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A desk that runs is asked by its socket: on SQLite nobody else may open the
// database, and what was applied counts there at once.
func TestWorkflowsOfARunningDesk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, path := filepath.Join(dir, "data"), filepath.Join(dir, "hello.yaml")
	if err := os.WriteFile(path, []byte(hello), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "", "admin", "add", "ann@example.org", "Ann", "--data", data).wants(t, 0, "Added")
	d := serve(t, data)
	defer func() {
		if code := d.stop(t); code != 0 {
			t.Errorf("the desk ends with %d:\n%s", code, d.log)
		}
	}()
	for _, step := range []struct {
		code  int
		words string
		args  []string
	}{
		{0, "hello (Say hello): new", []string{"plan", path}},
		{0, "1 workflow is in order", []string{"check", path}},
		{1, "There is no agent with the address nobody@example.org", []string{"apply", path, "--as", "nobody@example.org"}},
		{0, "Applied.", []string{"apply", path, "--as", "ann@example.org"}},
		{0, "Nothing has changed", []string{"apply", path}},
		{0, "key: hello", []string{"export", "hello"}},
		{0, "1 test is green", []string{"test", "--key", "hello"}},
		{0, "0 events, 0 matched", []string{"backtest", "hello"}},
		{0, "Every verdict is the one that is stored", []string{"replay"}},
	} {
		r := run(t, "", append(append([]string{"workflow"}, step.args...), "--data", data)...)
		if r.code != step.code || !strings.Contains(r.out+r.errOut, step.words) {
			t.Errorf("%v ends with %d and says\n%s%s", step.args, r.code, r.out, r.errOut)
		}
	}
}
