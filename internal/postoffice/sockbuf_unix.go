//go:build unix

package postoffice

import "syscall"

// setReceiveBuffer sets SO_RCVBUF, which connections inherit.
func setReceiveBuffer(fd uintptr, size int) error {
	return syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, size)
}
