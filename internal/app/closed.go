package app

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/connect"
	"postroom/internal/react"
	"postroom/internal/wire/httpout"
	"postroom/internal/wire/reach"
)

// A desk that nothing may leave reaches its own servers and nobody else, not
// even a name server.

// resolver answers questions about names.
func (a *App) resolver() connect.Resolver {
	if a.only == nil {
		return reach.Resolver(a.settings.DNS)
	}
	return nobody{}
}

// calls makes the calls of webhooks; a desk that nothing may leave has nothing
// to make them with.
func (a *App) calls() react.Caller {
	if a.only != nil {
		return nil
	}
	return httpout.New(httpout.Options{Allow: a.callable, Agent: "Postroom/" + Version()})
}

// testCall makes the test call of a webhook; nil where nothing may leave.
func (a *App) testCall() automate.TestCall {
	if a.only != nil {
		return nil
	}
	return func(ctx context.Context, x postroom.WebhookCall) (postroom.WebhookAttempt, error) {
		return a.react.TestCall(ctx, x)
	}
}

// dial reaches servers that an admin tries.
func (a *App) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if a.only != nil && !slices.ContainsFunc([]*postroom.Channel{a.only, a.onlyIn}, func(c *postroom.Channel) bool {
		return c != nil && address == net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
	}) {
		return nil, errNothingLeaves
	}
	return reach.Dial(ctx, network, address)
}

var errNothingLeaves = errors.New("nothing may leave this desk: it reaches its own servers only")

// nobody is a name server that is not asked.
type nobody struct{}

func (nobody) LookupTXT(context.Context, string) ([]string, error) { return nil, errNothingLeaves }

func (nobody) LookupMX(context.Context, string) ([]*net.MX, error) { return nil, errNothingLeaves }

func (nobody) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, errNothingLeaves
}
