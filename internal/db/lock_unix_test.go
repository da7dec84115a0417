//go:build unix

package db

import (
	"path/filepath"
	"syscall"
	"testing"
)

// A database that was closed can be opened at once, though a program that is being
// started at that moment still has a copy of the file of its lock.
func TestALockGivenBackIsFree(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	f, err := lockFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copied, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(copied)
	if _, err := lockFile(path); err != errLocked {
		t.Fatalf("while it is taken: %v", err)
	}
	if err := unlockFile(f); err != nil {
		t.Fatal(err)
	}
	again, err := lockFile(path)
	if err != nil {
		t.Fatalf("after it was given back: %v", err)
	}
	if err := unlockFile(again); err != nil {
		t.Error(err)
	}
}
