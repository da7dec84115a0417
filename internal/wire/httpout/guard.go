package httpout

import (
	"fmt"
	"net/netip"
	"slices"
)

// closed are networks of which an address looks public and is not: shared,
// documentation, benchmarks, translations that hide another address, reserved
// (the special-purpose registries of RFC 6890).
var closed = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")

// public is all of IPv6 that is given to anybody.
var public = netip.MustParsePrefix("2000::/3")

func prefixes(all ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(all))
	for i, s := range all {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// Public reports whether an address is anybody's on the internet: not private,
// not of this machine, not of its links, none with which a cloud tells secrets,
// and none that hides another one.
func Public(a netip.Addr) bool {
	a = a.Unmap()
	switch {
	case !a.IsValid(), a.Zone() != "", a.IsUnspecified(), a.IsLoopback(), a.IsPrivate(), a.IsLinkLocalUnicast(), a.IsMulticast():
		return false
	case a.Is6() && !public.Contains(a):
		return false
	}
	return !slices.ContainsFunc(closed, func(p netip.Prefix) bool { return p.Contains(a) })
}

// permit refuses the address of a socket unless it is public or allowed. An
// allowed network in IPv4 allows its addresses mapped into IPv6 too.
func permit(address string, allow []netip.Prefix) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return &Fault{Blocked, fmt.Sprintf("%q is no address that can be called.", address), err}
	}
	a := at.Addr().Unmap()
	if Public(a) || slices.ContainsFunc(allow, func(p netip.Prefix) bool { return p.Contains(a.WithZone("")) }) {
		return nil
	}
	return &Fault{Kind: Blocked, Words: fmt.Sprintf("It leads to %s, which is not a public address. Nothing was sent. If it is meant, the setting webhook-allow permits it.", a)}
}
