package dbtest

import (
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"syscall"
)

// ownerOf gives a folder to whom PostgreSQL may run as, and returns how to
// start a program so: PostgreSQL refuses to run as root.
func ownerOf(dir string) (*syscall.SysProcAttr, error) {
	// The server ends when the test program does, however that ends.
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGINT}
	if os.Geteuid() != 0 {
		return attr, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr, os.Chown(dir, int(uid), int(gid))
}

// startWithProcess starts cmd from a thread that stays, because Linux sends
// the death signal when the thread that started it ends; done is closed when
// the program has ended.
func startWithProcess(cmd *exec.Cmd, done chan<- struct{}) error {
	begun := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		begun <- err
		if err == nil {
			_ = cmd.Wait()
			close(done)
		}
	}()
	return <-begun
}
