package dbtest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const (
	memory       = "/dev/shm"
	memoryPrefix = "prt" // short: sockets are made in folders in it, whose paths are bounded

	// memoryRoom is how much must be free there: the databases of the largest
	// test program, several times over. A container's 64 MiB are too few.
	memoryRoom = 4 << 30

	tmpfsMagic = 0x01021994
	noExec     = 0x8 // ST_NOEXEC: programs that tests build could not be run
)

// inMemory makes a folder in memory for the files of this test program, or
// returns "" where there is no room for one. What programs that were killed
// left there is removed first.
func inMemory() string {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memory, &fs); err != nil || int64(fs.Type) != tmpfsMagic || fs.Flags&noExec != 0 {
		return ""
	}
	removeAbandoned(memory)
	if err := syscall.Statfs(memory, &fs); err != nil || uint64(fs.Bavail)*uint64(fs.Bsize) < memoryRoom || available() < memoryRoom {
		return ""
	}
	dir := filepath.Join(memory, memoryPrefix+strconv.Itoa(os.Getpid()))
	_ = os.RemoveAll(dir) // of a program of the same number, long ago
	if err := os.Mkdir(dir, 0o755); err != nil {
		return ""
	}
	if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL and others run as themselves
		_ = os.RemoveAll(dir)
		return ""
	}
	return dir
}

// available returns how many bytes of memory programs could still have; 0
// where that cannot be known.
func available() uint64 {
	info, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(info), "MemAvailable:")
	line, _, _ := strings.Cut(rest, "\n")
	kib, _ := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(line), " kB"), 10, 64)
	return kib << 10
}

// removeAbandoned removes the folders in a folder whose test programs are no more.
func removeAbandoned(in string) {
	found, _ := filepath.Glob(filepath.Join(in, memoryPrefix+"*"))
	for _, dir := range found {
		pid, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(dir), memoryPrefix))
		if err == nil && syscall.Kill(pid, 0) == syscall.ESRCH {
			_ = os.RemoveAll(dir)
		}
	}
}
