package connect

import (
	"errors"
	"net"
	"net/netip"

	"postroom/internal/wire/reach"
)

// isNoName reports whether a name does not exist, isNoDNS whether that could
// not be found out.
func isNoName(err error) bool {
	var e *net.DNSError
	return errors.As(err, &e) && e.IsNotFound
}

func isNoDNS(err error) bool {
	var e *net.DNSError
	return errors.As(err, &e) && !e.IsNotFound
}

func isNoServer(err error) bool { return errors.Is(err, reach.ErrNoServer) }

func loopback(ip string) bool {
	a, err := netip.ParseAddr(ip)
	return err == nil && a.IsLoopback()
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}
