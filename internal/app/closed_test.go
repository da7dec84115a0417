package app

import (
	"errors"
	"net"
	"strconv"
	"testing"

	"postroom"
)

// A desk that nothing may leave reaches its two servers, and asks no name
// server about anything.
func TestAClosedDeskReachesItsOwnServersOnly(t *testing.T) {
	t.Parallel()
	own := func() *postroom.Channel {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ln.Close() })
		return &postroom.Channel{Host: "127.0.0.1", Port: ln.Addr().(*net.TCPAddr).Port}
	}
	out, in, other := own(), own(), own()
	a := &App{core: &core{only: out, onlyIn: in}}
	for _, x := range []struct {
		to   *postroom.Channel
		open bool
	}{{out, true}, {in, true}, {other, false}} {
		conn, err := a.dial(t.Context(), "tcp", net.JoinHostPort(x.to.Host, strconv.Itoa(x.to.Port)))
		if x.open != (err == nil) || !x.open && !errors.Is(err, errNothingLeaves) {
			t.Errorf("port %d: %v", x.to.Port, err)
		}
		if conn != nil {
			conn.Close()
		}
	}
	if _, err := a.resolver().LookupMX(t.Context(), "postroom.example"); !errors.Is(err, errNothingLeaves) {
		t.Errorf("a name server was asked: %v", err)
	}
}
