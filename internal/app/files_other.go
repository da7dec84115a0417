//go:build !unix

package app

import "os"

// tryLock does nothing here: several processes on one spool are for systems
// with flock. A mail that two take in is known again by its hash (D1).
func tryLock(*os.File) (bool, error) { return true, nil }

// diskFree does not know here.
func diskFree(string) (free uint64, ok bool) { return 0, false }
