package consent

import (
	"context"
	"net/netip"
	"net/url"
	"strings"
	"unicode"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/store"
	"postroom/internal/wire/oauth"
)

// The names of authorities.
const (
	Microsoft = "microsoft"
	Google    = "google"
	Other     = "other" // one that the admin describes
)

// authority is what is known of one.
type authority struct {
	name, title          string
	authorize, tokenURL  string // {tenant} stands for whose accounts
	scopes               string
	servers              string
	extra                map[string]string
	console, permissions string // where apps are registered, and where owners take a consent back
}

// authorities is the table. Addresses and scopes are those the companies
// publish; an admin can write others over them, for a national cloud.
var authorities = []authority{
	{name: Microsoft, title: "Microsoft", authorize: "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
		tokenURL: "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
		scopes:   "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access",
		servers:  "office365.com outlook.com office.com",
		// Whoever sits there is mostly signed in as themselves, and the mailbox is
		// somebody else.
		extra:   map[string]string{"prompt": "select_account"},
		console: "https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade", permissions: "https://myapps.microsoft.com"},
	{name: Google, title: "Google", authorize: "https://accounts.google.com/o/oauth2/v2/auth", tokenURL: "https://oauth2.googleapis.com/token",
		scopes: "https://mail.google.com/", servers: "gmail.com googlemail.com google.com",
		// Without both there is a refresh token at the first consent only.
		extra:   map[string]string{"access_type": "offline", "prompt": "consent"},
		console: "https://console.cloud.google.com/auth/clients", permissions: "https://myaccount.google.com/connections"},
	{name: Other, title: "the provider", extra: map[string]string{"access_type": "offline", "prompt": "consent"}},
}

// commonTenant are all accounts, those of companies and of people.
const commonTenant = "common"

func known(name string) (authority, error) {
	for _, a := range authorities {
		if a.name == name {
			return a, nil
		}
	}
	return authority{}, postroom.Errorf(postroom.NotFound, "There is no such authority.")
}

// app is a registered app with everything filled in.
type app struct {
	store.Authority
	known authority
}

// app loads the app at an authority; NotFound if none is registered.
func (c *Consents) app(ctx context.Context, name string) (app, error) {
	k, err := known(name)
	if err != nil {
		return app{}, err
	}
	a, err := c.Store.Read().Authority(ctx, name)
	return app{a, k}, err
}

func (a app) title() string {
	if a.Title != "" {
		return a.Title
	}
	return a.known.title
}

func (a app) at(own, usual string) string {
	if own != "" {
		return own
	}
	tenant := a.Tenant
	if tenant == "" {
		tenant = commonTenant
	}
	return strings.ReplaceAll(usual, "{tenant}", tenant)
}

func (a app) tokenURL() string { return a.at(a.TokenURL, a.known.tokenURL) }
func (a app) scopes() string   { return a.at(a.Scopes, a.known.scopes) }
func (a app) servers() string  { return a.at(a.Servers, a.known.servers) }

// serves reports whether a mail server may have the tokens: it has one of the
// names, or one under them.
func (a app) serves(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, s := range strings.Fields(a.servers()) {
		if host != "" && (host == s || strings.HasSuffix(host, "."+s)) {
			return true
		}
	}
	return false
}

// client is the app with its secret, as its authority wants it.
func (c *Consents) client(a app) (oauth.App, error) {
	secret, err := c.Sealer.Open(a.ClientSecret, secretContext(a.Name))
	if err != nil {
		return oauth.App{}, postroom.Errorf(postroom.Unavailable, "The client secret of the app cannot be opened with this desk's key; enter it again.")
	}
	return oauth.App{ClientID: a.ClientID, ClientSecret: secret, AuthorizeURL: a.at(a.AuthorizeURL, a.known.authorize), TokenURL: a.tokenURL(),
		Scopes: strings.Fields(a.scopes()), Extra: a.known.extra}, nil
}

// AppFields are what an admin says of an app. What is left empty is the
// provider's own.
type AppFields struct {
	Title    string // of Other
	Tenant   string // of Microsoft: "" is all accounts, else the id or a domain of the organisation
	ClientID string
	// Secret is stored encrypted; nil keeps the one that is stored, "" removes
	// it.
	Secret       *string
	AuthorizeURL string
	TokenURL     string
	Scopes       string // separated by white space
	Servers      string // ends of the names of the provider's mail servers
}

// wordsChanged is why sign-ins end with their app.
const wordsChanged = "The app was changed. Please sign in again."

// notByItself is when nothing happens before somebody does something.
const notByItself = int64(1) << 52

// SaveApp registers the app at an authority, or changes it. A secret stays with
// the place it was entered for: with another client or another host of the token
// address it has to be entered again, and what was consented to ends. Errors
// name the fields title, tenant, client_id, secret, authorize_url, token_url,
// scopes and servers.
func (c *Consents) SaveApp(ctx context.Context, by *postroom.Agent, name string, f AppFields) error {
	if err := manage(by); err != nil {
		return err
	}
	k, err := known(name)
	if err != nil {
		return err
	}
	next := app{known: k}
	if next.Authority, err = checkApp(k, f); err != nil {
		return err
	}
	next.ChangedAt = c.Store.Now()
	if f.Secret != nil && *f.Secret != "" {
		if next.ClientSecret, err = c.Sealer.Seal(strings.TrimSpace(*f.Secret), secretContext(name)); err != nil {
			return err
		}
	}
	old, err := c.app(ctx, name)
	first := postroom.CodeOf(err) == postroom.NotFound
	if err != nil && !first {
		return err
	}
	moved := !first && (old.ClientID != next.ClientID || hostOf(old.tokenURL()) != hostOf(next.tokenURL()))
	if f.Secret == nil {
		if moved && old.ClientSecret != "" {
			return postroom.InvalidField("secret", "The app or its token address is another one now: please enter its secret.")
		}
		next.ClientSecret = old.ClientSecret
	}
	if next.ClientSecret == "" && name != Other {
		return postroom.InvalidField("secret", "Please enter the secret that %s shows when you make it.", k.title)
	}
	return c.saveApp(ctx, by, next, moved || !first && old.servers() != next.servers(), first)
}

func (c *Consents) saveApp(ctx context.Context, by *postroom.Agent, a app, ends, first bool) error {
	all, err := c.Store.Read().SignIns(ctx)
	if err != nil {
		return err
	}
	ids, err := c.Store.NewIDs(ctx, len(all)+1)
	if err != nil {
		return err
	}
	err = c.Store.Write(ctx, func(t *store.Tx) error {
		t.OnCommit(func() { c.Publish(Key); signal(c.wake) })
		if err := t.SaveAuthority(ctx, a.Authority); err != nil {
			return err
		}
		words := "The app for signing in with " + a.title() + " was changed."
		if first {
			words = "The app for signing in with " + a.title() + " was registered."
		}
		if err := t.Log(ctx, store.LogEntry{Area: store.AreaMailboxes, AgentID: by.ID, Words: words}); err != nil {
			return err
		}
		if !ends {
			return t.WakeSignIns(ctx, a.Name, c.Store.Now())
		}
		if err := t.EndSignIns(ctx, a.Name, wordsChanged, notByItself); err != nil {
			return err
		}
		for i, s := range all {
			if s.Authority == a.Name {
				if err := c.alarm(ctx, t, ids[i], s.MailboxID, a, wordsChanged); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return err
}

// DropApp forgets an app. It is refused while mailboxes are signed in by it.
func (c *Consents) DropApp(ctx context.Context, by *postroom.Agent, name string) error {
	if err := manage(by); err != nil {
		return err
	}
	return c.Store.Write(ctx, func(t *store.Tx) error {
		all, err := t.SignIns(ctx)
		if err != nil {
			return err
		}
		for _, s := range all {
			if s.Authority == name {
				return postroom.Errorf(postroom.Conflict, "Mailboxes are signed in by this app. Sign them out first.")
			}
		}
		if err := t.DropAuthority(ctx, name); err != nil {
			return err
		}
		t.OnCommit(func() { c.Publish(Key) })
		return t.Log(ctx, store.LogEntry{Area: store.AreaMailboxes, AgentID: by.ID, Words: "The app for signing in with " + name + " was forgotten."})
	})
}

// alarm says that a mailbox must sign in again.
func (c *Consents) alarm(ctx context.Context, t *store.Tx, id, mailbox int64, a app, words string) error {
	m, err := t.Mailbox(ctx, mailbox)
	if err != nil {
		return err
	}
	if m.Off() {
		return nil
	}
	return c.Alarms.RaiseIn(ctx, t, id, alarm.SignInRefused, subject(mailbox), m.Name+" <"+m.Address+"> is not signed in with "+a.title()+" any more. "+words)
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}

// Longest texts, in bytes.
const (
	maxTitle   = 60
	maxID      = 500
	maxSecret  = 2000
	maxAddress = 1000
	maxScopes  = 2000
)

func checkApp(k authority, f AppFields) (a store.Authority, err error) {
	a.Name = k.name
	for _, x := range []struct {
		to          *string
		field, what string
		text        string
		longest     int
		needed      bool
	}{
		{&a.Title, "title", "a name", f.Title, maxTitle, k.name == Other},
		{&a.Tenant, "tenant", "the tenant", f.Tenant, maxID, false},
		{&a.ClientID, "client_id", "the client ID", f.ClientID, maxID, true},
		{&a.AuthorizeURL, "authorize_url", "the address for consents", f.AuthorizeURL, maxAddress, k.authorize == ""},
		{&a.TokenURL, "token_url", "the address for tokens", f.TokenURL, maxAddress, k.tokenURL == ""},
		{&a.Scopes, "scopes", "the scopes", strings.Join(strings.Fields(f.Scopes), " "), maxScopes, k.scopes == ""},
		{&a.Servers, "servers", "the provider's mail servers", strings.ToLower(strings.Join(strings.FieldsFunc(f.Servers, between), " ")), maxScopes, k.servers == ""},
	} {
		if *x.to, err = line(x.field, x.what, x.text, x.longest, x.needed); err != nil {
			return a, err
		}
	}
	if k.name != Other {
		a.Title = ""
	}
	if k.name != Microsoft {
		a.Tenant = ""
	}
	if strings.ContainsFunc(a.Tenant, func(r rune) bool { return r != '-' && r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		return a, postroom.InvalidField("tenant", "A tenant is an id like 1b2c3d4e-…, or a domain.")
	}
	if f.Secret != nil {
		if _, err = line("secret", "the secret", *f.Secret, maxSecret, false); err != nil {
			return a, err
		}
	}
	if err = checkEndpoint("authorize_url", a.AuthorizeURL); err != nil {
		return a, err
	}
	if err = checkEndpoint("token_url", a.TokenURL); err != nil {
		return a, err
	}
	return a, checkServers(a.Servers)
}

func between(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == ';' }

// checkServers refuses names that are no names, and those that would mean half
// the world.
func checkServers(servers string) error {
	for _, s := range strings.Fields(servers) {
		if _, err := netip.ParseAddr(s); err == nil || s == "localhost" {
			continue
		}
		if strings.ContainsAny(s, "/:@*_") || strings.HasPrefix(s, ".") || !strings.Contains(strings.Trim(s, "."), ".") {
			return postroom.InvalidField("servers", "%q is not the name of a mail server, or its end, like mail.example.org or example.org.", s)
		}
	}
	return nil
}

// checkEndpoint refuses what no secret may be sent to: it must be https, or on
// this very machine.
func checkEndpoint(field, address string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return postroom.InvalidField(field, "Please enter a whole address, like https://login.example.org/token.")
	case u.User != nil || u.Fragment != "":
		return postroom.InvalidField(field, "There can be no user and no # in the address.")
	case u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return postroom.InvalidField(field, "The address must begin with https://, because secrets are sent there.")
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// line checks a text of one line.
func line(field, what, text string, longest int, needed bool) (string, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "" && needed:
		return "", postroom.InvalidField(field, "Please enter %s.", what)
	case strings.ContainsFunc(text, unicode.IsControl) || strings.ToValidUTF8(text, "") != text:
		return "", postroom.InvalidField(field, "There is a character in %s that cannot be in it.", what)
	case len(text) > longest:
		return "", postroom.InvalidField(field, "There is too much text in %s: at most %d bytes.", what, longest)
	}
	return text, nil
}
