package connect

import (
	"context"
	"strings"
	"time"

	"postroom"
	"postroom/internal/query"
)

// nameWait is how long the name server may take before a page does without.
const nameWait = 3 * time.Second

// recognised is what an address tells of who keeps it.
type recognised struct {
	provider *provider
	how      string
	mx       []string // the servers that take the domain's mail, the preferred one first
}

// recognise finds out who keeps an address: by its domain, else by who takes
// the domain's mail. Nobody is no error: then it is a server of one's own.
func (c *Connections) recognise(ctx context.Context, address string) recognised {
	_, domain, ok := strings.Cut(postroom.Canonical(address), "@")
	if !ok || domain == "" {
		return recognised{}
	}
	if p := byDomain(domain); p != nil {
		return recognised{provider: p, how: "by the address"}
	}
	ctx, cancel := context.WithTimeout(ctx, nameWait)
	defer cancel()
	list, err := c.Resolver.LookupMX(ctx, domain)
	if err != nil {
		return recognised{}
	}
	var r recognised
	for _, mx := range list {
		host := strings.TrimSuffix(strings.ToLower(mx.Host), ".")
		r.mx = append(r.mx, host)
		if p := byHost(host); p != nil && r.provider == nil {
			r.provider, r.how = p, "the mail of "+domain+" goes to "+host
		}
	}
	return r
}

// Recognise says who keeps an address, nil if that cannot be known. It is for
// admins.
func (c *Connections) Recognise(ctx context.Context, by *postroom.Agent, address string) (*query.Provider, error) {
	if _, err := c.mailbox(ctx, by, 0); err != nil {
		return nil, err
	}
	r := c.recognise(ctx, address)
	return r.provider.shown(r.how), nil
}

// guess is the server of one's own that is tried first: the one that takes the
// domain's mail where it has a name in the domain itself.
func (r recognised) guess(domain string) string {
	for _, host := range r.mx {
		if strings.HasSuffix(host, "."+domain) {
			return host
		}
	}
	return ""
}
