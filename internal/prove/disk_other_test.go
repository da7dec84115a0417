//go:build !linux

package prove_test

import "testing"

// smallDisk returns "": only Linux lets a test mount one.
func smallDisk(t *testing.T, _ int) string {
	t.Helper()
	t.Log("a small disk cannot be mounted here")
	return ""
}

func fillDisk(*testing.T, string)  {}
func emptyDisk(*testing.T, string) {}
