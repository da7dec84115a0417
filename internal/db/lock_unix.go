//go:build unix

package db

import (
	"errors"
	"os"
	"syscall"
)

var errLocked = errors.New("the lock is taken")

// lockFile takes the lock of a file until unlockFile or the process ends, however
// it ends; errLocked if somebody has it. The file stays
// behind: removing it would let two processes lock two files of one name.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	_ = f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errLocked
	}
	return nil, err
}

// unlockFile gives the lock of lockFile back. Closing the file alone would not do:
// a program that is being started from here has a copy of it until it is itself.
func unlockFile(f *os.File) error {
	return errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_UN), f.Close())
}
