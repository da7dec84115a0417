// Package web answers browsers: whole pages of HTML, and the forms on them. A
// page is a URL; a form answers 303 or 422; a GET never has an effect.
// routes.go is the one list of what there is, with who may and what changes a
// conversation by which path.
package web

import (
	"compress/gzip"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync"

	"postroom/internal/alarm"
	"postroom/internal/auth"
	"postroom/internal/connect"
	"postroom/internal/consent"
	"postroom/internal/desk"
	"postroom/internal/directory"
	"postroom/internal/hub"
	"postroom/internal/outbox"
	"postroom/internal/query"
	"postroom/internal/web/ui"
)

// Options is what a Site stands on. All but those said to be optional are
// needed.
type Options struct {
	Pages       *query.Desk
	Desk        *desk.Desk
	Outbox      *outbox.Outbox
	Directory   *directory.Directory
	Connections *connect.Connections
	Consents    *consent.Consents
	Auth        *auth.Auth
	Alarms      *alarm.Alarms
	Hub         *hub.Hub
	Reactor     Reactor
	Workflows   Workflows // optional: without it workflows are shown and cannot be changed
	Promises    Promises  // optional: what is promised, and how it is kept
	Demo        Demo      // optional: the demo's customer view
	Sandbox     Sandbox   // optional: the desk's sandbox
	Play        Play      // optional: this is the desk in the sandbox; it needs no Connections and no Consents
	Base        string    // optional: the path that this site stands under; see mount.go

	Health    http.Handler   // optional: GET /healthz
	Name      string         // of the desk
	PublicURL string         // optional: https makes cookies secure; its origin is trusted
	URL       func() string  // where browsers find us, and come back to from a provider
	Proxies   []netip.Prefix // whose X-Forwarded-For is believed; a unix socket's peer always is
	MaxUpload int64          // bytes of one file; 0 is 25 MiB
	Log       *slog.Logger   // optional
}

// Site is the handler for browsers.
type Site struct {
	o       Options
	log     *slog.Logger
	secure  bool
	assets  *ui.Assets
	handler http.Handler
	gzips   sync.Pool

	closing chan struct{}
	once    sync.Once
}

const defaultUpload = 25 << 20

// New makes a Site. Register Close with the server's RegisterOnShutdown, so
// that open streams end before it waits for them.
func New(o Options) (*Site, error) {
	s := &Site{o: o, log: o.Log, closing: make(chan struct{})}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.o.MaxUpload <= 0 {
		s.o.MaxUpload = defaultUpload
	}
	s.gzips.New = func() any { return gzip.NewWriter(nil) }
	var err error
	if s.assets, err = ui.New(); err != nil {
		return nil, fmt.Errorf("read the pages' script and styles: %w", err)
	}
	guard := http.NewCrossOriginProtection()
	if o.PublicURL != "" {
		u, err := url.Parse(o.PublicURL)
		if err != nil {
			return nil, fmt.Errorf("public URL: %w", err)
		}
		s.secure = u.Scheme == "https"
		if err := guard.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
			return nil, fmt.Errorf("public URL: %w", err)
		}
	}
	guard.AddInsecureBypassPattern("POST /rate/{token}") // a page that tells nobody where it is has no origin to show
	s.handler = s.chain(guard)
	return s, nil
}

// ServeHTTP answers a request.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Close ends the open event streams. Closing again does nothing.
func (s *Site) Close() { s.once.Do(func() { close(s.closing) }) }
