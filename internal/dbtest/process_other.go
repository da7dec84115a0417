//go:build !linux

package dbtest

import (
	"os/exec"
	"syscall"
)

// ownerOf returns how to start PostgreSQL in a folder.
func ownerOf(string) (*syscall.SysProcAttr, error) { return nil, nil }

// startWithProcess starts cmd; done is closed when it has ended.
func startWithProcess(cmd *exec.Cmd, done chan<- struct{}) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
	return nil
}
