package consent

import (
	"context"
	"slices"

	"postroom"
	"postroom/internal/query"
)

// Page reads a mailbox's sign-in for a page; usual names the authority where it
// has none yet.
func (c *Consents) Page(ctx context.Context, mailbox int64, usual string) (*query.SignIn, error) {
	p := &query.SignIn{Authority: usual, Closed: c.Closed}
	s, err := c.Store.Read().SignIn(ctx, mailbox)
	switch {
	case err == nil:
		p.Authority, p.State, p.Words, p.At, p.Refreshed, p.NextAt = s.Authority, s.State, s.Words, s.SignedInAt, s.RefreshedAt, s.DueAt
		if p.NextAt == notByItself {
			p.NextAt = 0
		}
		if by, err := c.Store.Read().Agent(ctx, s.SignedInBy); err == nil {
			p.By = by.Name
		}
	case postroom.CodeOf(err) != postroom.NotFound:
		return nil, err
	}
	k, err := known(p.Authority)
	if err != nil {
		return nil, err
	}
	p.Title = k.title
	a, err := c.app(ctx, p.Authority)
	if postroom.CodeOf(err) == postroom.NotFound {
		return p, nil
	}
	p.Registered, p.Title = err == nil, a.title()
	return p, err
}

// AppPage reads the page of the app at an authority. base is the desk's own
// address. It is for admins.
func (c *Consents) AppPage(ctx context.Context, by *postroom.Agent, name, base string) (query.AuthorityPage, error) {
	if err := manage(by); err != nil {
		return query.AuthorityPage{}, err
	}
	k, err := known(name)
	if err != nil {
		return query.AuthorityPage{}, err
	}
	p := query.AuthorityPage{Name: name, Title: k.title, Console: k.console, Permissions: k.permissions,
		Usual: query.AuthorityUsual{AuthorizeURL: k.authorize, TokenURL: k.tokenURL, Scopes: k.scopes, Servers: k.servers}}
	p.Redirect, p.RedirectBad = RedirectURL(base, name)
	a, err := c.app(ctx, name)
	if postroom.CodeOf(err) == postroom.NotFound {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	p.Registered, p.Title, p.OwnTitle, p.ClientID, p.SecretSet, p.Tenant = true, a.title(), a.Title, a.ClientID, a.ClientSecret != "", a.Tenant
	p.AuthorizeURL, p.TokenURL, p.Scopes, p.Servers = a.AuthorizeURL, a.TokenURL, a.Scopes, a.Servers
	all, err := c.Store.Read().SignIns(ctx)
	if err != nil {
		return p, err
	}
	boxes, err := c.Store.Read().Mailboxes(ctx)
	if err != nil {
		return p, err
	}
	for _, s := range all {
		i := slices.IndexFunc(boxes, func(m *postroom.Mailbox) bool { return m.ID == s.MailboxID })
		if s.Authority == name && i >= 0 {
			p.Mailboxes = append(p.Mailboxes, query.MailboxChoice{ID: s.MailboxID, Address: boxes[i].Address, State: s.State})
		}
	}
	return p, nil
}
