package desktest

import (
	"context"
	"net"
	"net/url"
	"strconv"
	"time"

	"postroom"
	"postroom/internal/consent"
	"postroom/internal/postoffice"
	"postroom/internal/secret"
	"postroom/internal/store"
	"postroom/internal/wire/oauth"
)

// consents makes the mailboxes' sign-ins, which nothing refreshes by itself
// unless a test runs them.
func (d *Desk) consents() *consent.Consents {
	var err error
	d.key, err = secret.New()
	d.must(err)
	return d.Process()
}

// Process makes further sign-ins over the same database, as another process has
// them.
func (d *Desk) Process() *consent.Consents { return d.ProcessWith(func(*consent.Options) {}) }

// ProcessWith is Process with other options.
func (d *Desk) ProcessWith(change func(*consent.Options)) *consent.Consents {
	o := consent.Options{Store: d.Store, Alarms: d.Alarms, Sealer: d.key, Client: oauth.New(oauth.Options{Timeout: 20 * time.Second}),
		Mended: func(ctx context.Context, mailbox int64) error { return d.Outbox.Reopen(ctx, mailbox) }}
	change(&o)
	return consent.New(o)
}

// ClientSecret is that of the app which SignsIn registers.
const ClientSecret = "canary-client-secret"

// Authority starts an authority whose access tokens are good at the post
// office, and registers an app with it.
func (d *Desk) Authority(o postoffice.AuthorityOptions) *postoffice.Authority {
	d.T.Helper()
	o.ClientID, o.ClientSecret, o.Office = "desk", ClientSecret, d.Office
	a, err := postoffice.NewAuthority(o)
	d.must(err)
	d.T.Cleanup(func() { a.Close() })
	d.must(d.SignIns.SaveApp(d.Ctx, d.Agent("ann").Agent, consent.Other, AppAt(a)))
	return a
}

// AppAt is the app that Authority registers.
func AppAt(a *postoffice.Authority) consent.AppFields {
	secret := ClientSecret
	return consent.AppFields{Title: "Postal", ClientID: "desk", Secret: &secret, AuthorizeURL: a.AuthorizeURL(), TokenURL: a.TokenURL(), Scopes: "mail offline_access", Servers: "127.0.0.1"}
}

// SignIn has Ann sign the first mailbox in.
func (d *Desk) SignIn(a *postoffice.Authority) {
	d.T.Helper()
	ann := d.Agent("ann").Agent
	asked, err := d.SignIns.Ask(d.Ctx, ann, "session", d.Mailbox.ID, consent.Other, "https://desk.acme.example", "/")
	d.must(err)
	to, err := a.Answer(asked, d.Mailbox.Address)
	d.must(err)
	u, err := url.Parse(to)
	d.must(err)
	signed, err := d.SignIns.Finish(d.Ctx, ann, "session", consent.Other, consent.Answer{State: u.Query().Get("state"), Code: u.Query().Get("code")})
	d.must(err)
	if signed.Wrong != "" {
		d.T.Fatal(signed.Wrong)
	}
}

// SendsSignedIn has the first mailbox send by its sign-in.
func (d *Desk) SendsSignedIn() {
	d.T.Helper()
	host, port, err := net.SplitHostPort(d.Office.Addr())
	d.must(err)
	n, err := strconv.Atoi(port)
	d.must(err)
	d.ChangeMailbox(d.Mailbox, func(m *postroom.Mailbox) {
		m.Channel = postroom.Channel{Host: host, Port: n, Security: "starttls", Username: m.Address, Auth: postroom.AuthSignIn}
	})
}

// SignInRow returns the first mailbox's sign-in as it is stored.
func (d *Desk) SignInRow() store.SignIn {
	d.T.Helper()
	s, err := d.Store.Read().SignIn(d.Ctx, d.Mailbox.ID)
	d.must(err)
	return s
}

// SignInToken returns the last refresh token that an authority gave.
func (d *Desk) SignInToken(a *postoffice.Authority) string {
	d.T.Helper()
	last := ""
	for _, r := range a.Requests() {
		if r.Refresh != "" {
			last = r.Refresh
		}
	}
	return last
}
