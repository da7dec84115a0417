package prove_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"postroom/internal/dbtest"
)

// soak asks for the long form of the tests.
func soak() bool { return os.Getenv("POSTROOM_SOAK") == "1" }

// program builds the real program once and returns its path.
var program = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("POSTROOM_PROVE_PROGRAM"); path != "" {
		return filepath.Abs(path)
	}
	dir, err := os.MkdirTemp("", "prove-program-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "postroom")
	out, err := exec.Command("go", "build", "-o", path, "postroom/cmd/postroom").CombinedOutput()
	if err != nil {
		return "", errors.Join(fmt.Errorf("go build: %w: %s", err, out), os.RemoveAll(dir))
	}
	return path, nil
})

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		// The short form is for instrumented runs, which do not reach the
		// program: it is another process.
		fmt.Println("the real program is not run in short mode")
		return
	}
	if !soak() { // the long form is for a real disk
		dbtest.Begin()
	}
	code := m.Run()
	if path, err := program(); err == nil && os.Getenv("POSTROOM_PROVE_PROGRAM") == "" {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	dbtest.End(code)
}
