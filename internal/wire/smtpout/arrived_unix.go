//go:build unix

package smtpout

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// arrived says whether bytes of the server, or the end of the connection, lie
// in the kernel unread. A read with a deadline cannot tell: one that has
// passed already returns without looking.
func arrived(conn net.Conn) bool {
	sc, ok := conn.(syscall.Conn)
	if !ok || conn.SetReadDeadline(time.Time{}) != nil {
		return false
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	found := false
	err = rc.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
		found = !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.EINTR)
		return true // never wait
	})
	return err == nil && found
}
