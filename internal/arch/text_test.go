package arch_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// kept lists the files under version control, or skips the test.
func kept(t *testing.T) []string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		skip(t, "git is not on this machine")
	}
	out, err := exec.CommandContext(t.Context(), "git", "-C", top(t), "ls-files", "-z").Output()
	if err != nil {
		skip(t, "the source is not a git working tree")
	}
	names := strings.Split(strings.TrimRight(string(out), "\x00"), "\x00")
	if len(names) < 100 {
		t.Fatalf("git knows only %d files", len(names))
	}
	return names
}

func skip(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("POSTROOM_NO_SKIP") == "1" {
		t.Fatalf("may not be skipped: %s", what)
	}
	t.Skip(what)
}

// binary are the ends of names of files that hold no text.
var binary = []string{".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".woff", ".woff2", ".gz", ".zip", ".eml", ".pdf"}

// places are the paths and hosts of one machine, which mean nothing on
// another. They are put together here so that this file does not hold them.
var places = regexp.MustCompile(`(^|[\s"'` + "`" + `(=:,])(` + strings.Join([]string{
	"/wo" + `rk/`, "/ro" + `ot/`, "/ho" + `me/[a-z]`, "/Us" + `ers/[A-Za-z]`, "/tm" + `p/[A-Za-z]`, `[A-Z]:\\Us` + `ers`,
}, "|") + `)`)

// secrets are the beginnings of keys that must never be written down.
var secrets = regexp.MustCompile("-----BEGIN [A-Z ]*PRIV" + "ATE KEY-----")

// TestTheSourceNamesNoMachine keeps paths of whoever wrote it, and keys, out of
// everything under version control.
func TestTheSourceNamesNoMachine(t *testing.T) {
	t.Parallel()
	for _, name := range kept(t) {
		if slices.Contains(binary, path.Ext(name)) || strings.Contains(name, "/testdata/") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(top(t), filepath.FromSlash(name)))
		if errors.Is(err, os.ErrNotExist) {
			continue // removed, not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		if bytes.IndexByte(text, 0) >= 0 {
			continue
		}
		for i, line := range strings.Split(string(text), "\n") {
			if m := places.FindStringSubmatch(line); m != nil {
				t.Errorf("%s:%d names a place of one machine: %s…", name, i+1, m[2])
			}
			if secrets.MatchString(line) {
				t.Errorf("%s:%d holds a private key", name, i+1)
			}
		}
	}
}

// resolved finds where a lock file says a package comes from.
var resolved = regexp.MustCompile(`"resolved":\s*"([^"]*)"`)

// TestLockFilesNameNoMirror: a lock file that names somebody's mirror installs
// nowhere else.
func TestLockFilesNameNoMirror(t *testing.T) {
	t.Parallel()
	for _, name := range kept(t) {
		switch path.Base(name) {
		case "package-lock.json", ".npmrc", "go.mod", "go.work":
		default:
			continue
		}
		text, err := os.ReadFile(filepath.Join(top(t), filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range resolved.FindAllStringSubmatch(string(text), -1) {
			t.Errorf("%s says that a package comes from %s; where from is for each machine to say", name, m[1])
		}
		if path.Base(name) == ".npmrc" && regexp.MustCompile(`(?m)^\s*(@[^:]+:)?registry\s*=`).Match(text) {
			t.Errorf("%s chooses a registry; that is for each machine to say", name)
		}
		if path.Base(name) == "go.mod" && regexp.MustCompile(`(?m)^replace\b`).Match(text) {
			t.Errorf("%s replaces a module, and so breaks go install of a version", name)
		}
	}
}

// TestNothingHeavyIsKept: what is built or fetched is not kept, except the
// bundles that a clone needs to build with Go alone.
func TestNothingHeavyIsKept(t *testing.T) {
	t.Parallel()
	const most = 2 << 20
	for _, name := range kept(t) {
		if strings.Contains("/"+name, "/node_modules/") {
			t.Errorf("%s is fetched, not ours", name)
		}
		info, err := os.Stat(filepath.Join(top(t), filepath.FromSlash(name)))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > most {
			t.Errorf("%s has %d bytes, over %d", name, info.Size(), most)
		}
	}
}
