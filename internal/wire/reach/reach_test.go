package reach_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"postroom/internal/wire/reach"
)

func TestWhereNoServerIsIsNotDialled(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"169.254.169.254:80", "[fe80::1]:25", "224.0.0.1:25", "0.0.0.0:25", "[::]:25", "[::ffff:169.254.169.254]:80", "255.255.255.255:25"} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		c, err := reach.Dial(ctx, "tcp", address)
		cancel()
		if err == nil {
			c.Close()
		}
		if !errors.Is(err, reach.ErrNoServer) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestTheOwnMachineIsDialled(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := reach.Dial(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
