package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"postroom/internal/config"
)

var update = flag.Bool("update", false, "write docs/settings.md anew")

const intro = `# Settings

Every setting is a flag of ` + "`postroom serve`" + `, a variable in the environment, or a line
of the file given with ` + "`--config`" + `; the first of these that says something wins. A
setting that is wrong is a sentence on standard error and exit code 2.

A file looks like this:

    # our desk
    public-url = https://desk.example.org
    http       = 127.0.0.1:8080
    lmtp       = 127.0.0.1:2424

Sizes are written like ` + "`25MiB`, `10MB` or `4096`" + `, times like ` + "`20s` or `5m`" + `. What belongs
to one mailbox (its server, undo window, reopen window, signature) is set on the
page of that mailbox or with ` + "`postroom mailbox set`" + `.

This page is generated from the program: ` + "`go test ./internal/config -update`" + `.

`

func TestSettingsPageIsCurrent(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "docs", "settings.md")
	want := intro + config.Markdown()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/settings.md is not what the program says; run: go test ./internal/config -update")
	}
}
