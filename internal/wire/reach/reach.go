// Package reach is how the program reaches out on behalf of an admin who tries
// a connection before it is saved: whom it dials, and whom it asks for names.
package reach

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// ErrNoServer says that at an address no mail server can be: those of the link
// alone (among them the one where clouds hand out secrets), of many and of
// nobody.
var ErrNoServer = errors.New("no mail server can be at such an address")

// Dial connects like net.Dialer, but to no address of which ErrNoServer speaks;
// it looks at the address that is dialled, not at the name that led there.
// Addresses of the machine and its own networks are allowed: mail servers are
// there.
func Dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: 30 * time.Second, Control: func(_, address string, _ syscall.RawConn) error { return allowed(address) }}
	return d.DialContext(ctx, network, address)
}

func allowed(address string) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := ap.Addr().Unmap()
	if ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return ErrNoServer
	}
	return nil
}

// Resolver returns who answers questions about names: the name server at an
// address, as 9.9.9.9:53, or the system's for "".
func Resolver(server string) *net.Resolver {
	if server == "" {
		return net.DefaultResolver
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server)
	}}
}
