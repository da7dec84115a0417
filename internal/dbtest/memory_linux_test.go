package dbtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// What a killed test program left in memory goes, what a living one needs stays.
func TestAbandonedFoldersGo(t *testing.T) {
	t.Parallel()
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	in := t.TempDir()
	gone, mine, other := filepath.Join(in, fmt.Sprintf("prt%d", dead.Process.Pid)), filepath.Join(in, fmt.Sprintf("prt%d", os.Getpid())), filepath.Join(in, "prtnotes")
	for _, dir := range []string{gone, mine, other} {
		if err := os.MkdirAll(filepath.Join(dir, "data"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	removeAbandoned(in)
	for dir, want := range map[string]bool{gone: false, mine: true, other: true} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s is there: %v", filepath.Base(dir), err == nil)
		}
	}
}
