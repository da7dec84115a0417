//go:build !unix

package postoffice

// setReceiveBuffer leaves the buffer as the system made it.
func setReceiveBuffer(uintptr, int) error { return nil }
