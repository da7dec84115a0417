package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/config"
	"postroom/internal/consent"
	"postroom/internal/desk"
	"postroom/internal/directory"
	"postroom/internal/incoming"
	"postroom/internal/outbox"
	"postroom/internal/react"
	"postroom/internal/store"
	"postroom/internal/web"
	"postroom/internal/wire/oauth"
	"postroom/internal/wire/smtpin"
	"postroom/internal/work"
)

// Options are what only a program that embeds a desk says: the demo, tests.
type Options struct {
	Log *slog.Logger
	// Demo is the demo's customers, nil in a real desk.
	Demo web.Demo
	// Sandbox makes what keeps the desk's sandbox; nil: it has none.
	Sandbox func(Ground) Sandbox
	// OnlyChannel is the only server that any mailbox may have; nil for any.
	OnlyChannel *postroom.Channel
	// OnlyIncoming is the only server that mail may be fetched from where
	// OnlyChannel is set; nil for none.
	OnlyIncoming *postroom.Channel
	// Now replaces the clock, and Unsafe gives up durability: for the demo,
	// whose past happens in a few seconds, and for tests.
	Now    func() time.Time
	Unsafe bool
	// MailTLS replaces the configuration for handing mail to servers.
	MailTLS *tls.Config
}

// App is a desk: everything that runs in one process.
type App struct {
	*core
	settings *config.Settings
	options  Options
	began    time.Time

	toServers   *tls.Config // for handing mail to servers; nil is the usual
	fromServers *tls.Config // with which SMTP offers STARTTLS; nil offers none

	callable []netip.Prefix // what webhooks may call although it is not public

	desk     *desk.Desk
	outbox   *outbox.Outbox
	dots     *dots
	react    *react.React
	keeper   *incoming.Keeper
	consents *consent.Consents
	automate *automate.Workflows
	runner   *work.Runner
	spool    *spool
	mailIn   []*smtpin.Server
	site     *web.Site
	sandbox  Sandbox // nil: none
	web      *http.Server
	page     net.Listener
	pageTLS  *tls.Config  // nil: pages are not encrypted by us
	redirect http.Handler // for those who come without encryption
	plainWeb *http.Server // answers them, nil without http-redirect
	plain    net.Listener
	local    *http.Server
	socket   net.Listener

	troubles   <-chan store.LogEntry // for the system log
	background context.Context       // of what runs beside the work
	cancel     context.CancelFunc
	running    sync.WaitGroup
	failed     chan error // the first thing that ended without being asked to
}

// Open opens a desk and listens where the settings say; nothing runs yet.
func Open(ctx context.Context, settings *config.Settings, o Options) (_ *App, err error) {
	if err := settings.Check(); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	troubles := make(chan store.LogEntry, troublesKept)
	o.Log = slog.New(&troubleLog{Handler: o.Log.Handler(), out: troubles})
	a := &App{settings: settings, options: o, began: time.Now(), failed: make(chan error, 8), troubles: troubles}
	// What the settings name is read first: a wrong one changes nothing.
	if a.callable, err = settings.WebhookNetworks(); err != nil {
		return nil, err
	}
	if a.toServers, err = a.mailTLS(); err != nil {
		return nil, err
	}
	if a.fromServers, err = a.smtpTLS(); err != nil {
		return nil, err
	}
	a.background, a.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if a.core, err = openCore(ctx, settings.Place, settings.DBConns, o); err != nil {
		a.cancel()
		return nil, err
	}
	if err = a.buildDesk(); err == nil {
		err = a.automate.EnsureShipped(ctx)
	}
	if err == nil {
		err = automate.NewPromises(a.automate).EnsureShipped(ctx)
	}
	if err == nil {
		err = a.automate.RetestAfterUpgrade(ctx, Version())
	}
	if err == nil {
		err = a.takeOver(ctx)
	}
	if err == nil {
		err = a.listen()
	}
	if err != nil {
		return nil, errors.Join(err, a.Stop(ctx))
	}
	return a, nil
}

// buildDesk makes the services of a desk and the work that follows commits.
func (a *App) buildDesk() (err error) {
	a.desk = desk.New(desk.Options{Store: a.store, Blobs: a.blobs, Keys: a.tokens,
		MaxFile: int64(a.settings.MaxUpload), PublicURL: a.settings.Public(), Wake: a.wake, Publish: a.publish, Log: a.log})
	if a.dots, err = openDots(a.place.Data); err != nil {
		return err
	}
	a.consents = consent.New(consent.Options{Store: a.store, Alarms: a.alarms, Sealer: a.key, Closed: a.only != nil, Log: a.log,
		Client:  oauth.New(oauth.Options{TLS: a.toServers, DialContext: a.dial}),
		Mended:  func(ctx context.Context, mailbox int64) error { return a.outbox.Reopen(ctx, mailbox) },
		Publish: func(key string) { a.hub.Publish(key) }})
	a.outbox = outbox.New(outbox.Options{Dots: a.dots, Tokens: a.consents, Store: a.store, Desk: a.desk, Blobs: a.blobs, Alarms: a.alarms, Open: passwords{a.key}.open,
		HELO: a.settings.HELO(), TLS: a.toServers, Lease: a.settings.Lease, Grace: a.settings.Grace, Wake: a.wake, Log: a.log})
	a.automate = automate.New(automate.Options{Store: a.store, Letters: a.desk, Sanitise: cleanComposed, Headers: a.headers, Publish: func(key string) { a.hub.Publish(key) }, Wake: a.wake, Call: a.testCall()})
	a.react = react.New(react.Options{Store: a.store, Workflows: a.automate, Desk: a.desk, Outbox: a.outbox, Blobs: a.blobs, Alarms: a.alarms, Lease: a.settings.Lease, URL: a.URL, Log: a.log,
		Calls: a.calls(), OpenSecret: a.key.Open, Publish: func(keys ...string) { a.hub.Publish(keys...) }})
	a.keeper = incoming.New(incoming.Options{Tokens: a.consents, Store: a.store, Desk: a.desk, Outbox: a.outbox, Blobs: a.blobs, Alarms: a.alarms, Open: passwords{a.key}.open,
		TLS: a.toServers, Lease: a.settings.Lease, MaxMail: int64(a.settings.MaxMail), Publish: func(key string) { a.hub.Publish(key) }, Log: a.log})
	kinds := append(a.react.Kinds(), a.keeper.Kinds()...)
	for i := range kinds {
		if kinds[i].Source.Name() == desk.WakeDeliver {
			kinds[i].Workers = a.settings.Workers
		}
	}
	if a.runner, err = work.New(work.Options{Now: a.store.Now, Logger: a.log}, kinds...); err != nil {
		return err
	}
	a.spool, err = newSpool(a.place.SpoolDir(), a.desk.Accept, a.alarms, a.log)
	return err
}

// mailTLS is how servers are believed that mail is handed to.
func (a *App) mailTLS() (*tls.Config, error) {
	if a.options.MailTLS != nil || a.settings.MailCA == "" {
		return a.options.MailTLS, nil
	}
	pool, err := certificatesIn(a.settings.MailCA)
	if err != nil {
		return nil, settingWrong("mail-ca", err)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// certificatesIn returns the system's authorities and those in a file.
func certificatesIn(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("there is no certificate in the file")
	}
	return pool, nil
}

func settingWrong(name string, err error) error {
	return postroom.InvalidField(name, "The setting %s (%s) is wrong: %v.", name, config.Env(name), err)
}

// wake tells the workers, here and in other processes, that there is work.
func (a *App) wake(kind string) {
	if a.runner != nil {
		a.runner.Wake(kind)
	}
	a.db.Notify(channelWake, kind)
	switch kind {
	case desk.WakeReceive:
		a.hub.Publish("inbound")
	case desk.WakeDeliver, outbox.WakeMend:
		a.hub.Publish("mails", "queue")
	}
}

// publish turns what an act changed into the keys that pages listen to, each
// with whom it is for.
func (a *App) publish(c desk.Change) { a.hub.Publish(web.Keys(c)...) }

// listen opens all ports and sockets.
func (a *App) listen() (err error) {
	path, err := socketPath(a.place)
	if err != nil {
		return err
	}
	if a.socket, err = listenControl(path); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("POST "+controlPrefix, operators{core: a.core, automate: a.automate, poke: a.spool.poke, health: a.Health, locate: a.react.Locate, url: a.URL})
	a.local = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}

	if a.page, err = listenHTTP(a.settings.HTTP); err != nil {
		return err
	}
	if err := a.encrypt(); err != nil {
		return err
	}
	if err := a.listenRedirect(); err != nil {
		return err
	}
	a.openSandbox()
	handler, err := a.pages()
	if err != nil {
		return err
	}
	a.web = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug), BaseContext: func(net.Listener) context.Context { return a.background }}
	return a.listenMail()
}

// listenMail opens the listeners for incoming mail.
func (a *App) listenMail() error {
	for _, l := range []struct {
		name, address string
		source        smtpin.Source
		tls           *tls.Config
	}{{"lmtp", a.settings.LMTP, smtpin.LMTP, nil}, {"smtp", a.settings.SMTP, smtpin.SMTP, a.fromServers}} {
		if l.address == "" {
			continue
		}
		s, err := smtpin.Listen(smtpin.Options{Source: l.source, Addr: l.address, Domain: a.settings.HELO(),
			MaxBytes: int64(a.settings.MaxMail), MaxRecipients: desk.MaxRecipients, TLS: l.tls, Log: a.log}, sink{a.desk})
		if err != nil {
			return cannotListen(l.name, l.address, err)
		}
		a.mailIn = append(a.mailIn, s)
	}
	return nil
}

func (a *App) smtpTLS() (*tls.Config, error) {
	if a.settings.SMTPCert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(a.settings.SMTPCert, a.settings.SMTPKey)
	if err != nil {
		return nil, settingWrong("smtp-cert", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// sink hands what a listener took to the desk.
type sink struct{ desk *desk.Desk }

// Accept keeps a mail.
func (s sink) Accept(ctx context.Context, d smtpin.Delivery) error {
	return s.desk.Accept(ctx, desk.Delivery{Source: string(d.Source), From: d.From, To: d.To, Raw: d.Raw, Remote: d.RemoteAddr})
}

// KnowsRecipient refuses unknown recipients before their mail is sent.
func (s sink) KnowsRecipient(ctx context.Context, address string) error {
	return s.desk.KnowsRecipient(ctx, address)
}

// CanListen says in words why browsers cannot be answered at an address; nil
// if they can, as far as one can know beforehand.
func CanListen(address string) error {
	ln, err := listenHTTP(address)
	if err != nil {
		return err
	}
	return ln.Close()
}

// listenHTTP opens the port for browsers.
func listenHTTP(address string) (net.Listener, error) {
	network := "tcp"
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", path
		// One that a dead process left; a living one is refused below.
		if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
			c.Close()
		} else if errors.Is(err, syscall.ECONNREFUSED) {
			_ = os.Remove(path)
		}
	}
	ln, err := net.Listen(network, address)
	if err != nil {
		return nil, cannotListen("http", address, err)
	}
	return ln, nil
}

// cannotListen says in words why an address cannot be had.
func cannotListen(name, address string, err error) error {
	why := "The address %s cannot be listened on; choose another with the setting %s (%s)"
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		why = "The address %s is in use by another program; stop it, or choose another address with the setting %s (%s)"
	case errors.Is(err, syscall.EACCES):
		why = "The address %s may not be listened on by you (ports below 1024 are the administrator's); choose another with the setting %s (%s)"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		why = "The address %s is none of this machine's; choose another with the setting %s (%s)"
	}
	return &postroom.Error{Code: postroom.Unavailable, Field: name, Err: err, Text: fmt.Sprintf(why, address, name, config.Env(name))}
}

// Start begins to work and to answer. It returns at once.
func (a *App) Start() {
	a.running.Go(func() {
		a.db.Listen(a.background, channelHub, func(key string) {
			if key == "" {
				a.hub.DeliverAll()
			} else {
				a.hub.Deliver(key)
			}
		})
	})
	a.running.Go(func() {
		a.db.Listen(a.background, channelWake, func(kind string) {
			if kind == "" {
				a.runner.WakeAll()
			} else {
				a.runner.Wake(kind)
			}
		})
	})
	a.runner.Start()
	a.running.Go(func() { a.keepTroubles(a.background, a.troubles) })
	a.running.Go(func() { a.spool.run(a.background) })
	a.running.Go(func() { a.keepHouse(a.background) })
	a.running.Go(func() { a.keeper.Run(a.background) })
	a.running.Go(func() { a.heedMailboxes(a.background) })
	if a.sandbox != nil {
		a.running.Go(func() { a.sandbox.Tend(a.background) })
	}
	a.running.Go(func() { a.consents.Run(a.background) })
	if a.place.Postgres() {
		a.running.Go(func() { a.watchOthers(a.background) })
	}
	a.running.Go(func() { a.serve("commands", a.local, a.socket) })
	a.running.Go(a.servePages)
	if a.plain != nil {
		a.running.Go(func() { a.serve("redirects", a.plainWeb, a.plain) })
	}
	for _, s := range a.mailIn {
		a.log.Info("taking mail in", "address", s.Addr())
	}
	if first, err := a.auth.NeedsSetup(a.background); err == nil && first {
		a.log.Info("this desk has no agent yet: make the first admin on its first page", "url", a.URL()+"/setup")
	}
	a.log.Info("ready", "url", a.URL(), "version", Version(), "database", string(a.db.Engine()), "data", a.place.Data, "took", time.Since(a.began))
}

// heedMailboxes has the incoming connections looked at when a mailbox was
// changed, here or in another process.
func (a *App) heedMailboxes(ctx context.Context) {
	heard := a.hub.Subscribe(func(key string) bool { return key == directory.KeyMailboxes })
	defer heard.Close()
	for {
		select {
		case <-ctx.Done():
			return
		case <-heard.Done():
			return
		case <-heard.Ready():
			heard.Take()
			a.keeper.Wake()
		}
	}
}

func (a *App) serve(what string, s *http.Server, ln net.Listener) {
	if err := s.Serve(ln); err != nil && !errors.Is(err, http.ErrServerClosed) {
		a.failed <- fmt.Errorf("answer %s: %w", what, err)
	}
}

// Failed hears of what ended without being asked to; the program should stop
// then.
func (a *App) Failed() <-chan error { return a.failed }

// URL is where the pages are.
func (a *App) URL() string {
	if public := a.settings.Public(); public != "" {
		return public
	}
	if a.page.Addr().Network() == "unix" {
		return a.settings.HTTP
	}
	host, port, err := net.SplitHostPort(a.page.Addr().String())
	if err != nil {
		return "http://" + a.page.Addr().String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() || ip.IsLoopback() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// LMTPAddr is where mail is taken in by the first listener; "" if there is
// none.
func (a *App) LMTPAddr() string {
	if len(a.mailIn) == 0 {
		return ""
	}
	return a.mailIn[0].Addr()
}

// Stop ends everything in the reverse order of its start. What is under way
// may end until ctx does; the rest is handed back and goes on at the next
// start. It works on a desk that was opened only in part.
func (a *App) Stop(ctx context.Context) error {
	var errs []error
	note := func(what string, err error) {
		if err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, fmt.Errorf("stop %s: %w", what, err))
		}
	}
	for _, s := range a.mailIn {
		note("taking mail in", s.Shutdown(ctx))
	}
	// Live pages hang on the hub and the site; without them they end at once.
	if a.site != nil {
		a.site.Close()
	}
	if a.core != nil && a.hub != nil {
		a.hub.Close()
	}
	if a.sandbox != nil {
		note("the sandbox", a.sandbox.Close())
	}
	for _, s := range []*http.Server{a.plainWeb, a.web, a.local} {
		if s != nil {
			if err := s.Shutdown(ctx); err != nil {
				note("answering pages", err)
				_ = s.Close()
			}
		}
	}
	for _, ln := range []net.Listener{a.plain, a.page, a.socket} {
		if ln != nil {
			_ = ln.Close()
		}
	}
	a.cancel()
	if a.runner != nil {
		note("work", a.runner.Stop(ctx))
	}
	a.running.Wait()
	if a.keeper != nil {
		a.keeper.Close()
	}
	if a.outbox != nil {
		a.outbox.Close()
	}
	if a.dots != nil {
		note("remembering dots", a.dots.Close())
	}
	if a.core != nil {
		note("the database", a.core.close())
	}
	return errors.Join(errs...)
}

// Version is the program's version: that of its module, or the commit it was
// built from.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	commit, changed := "", ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			commit = s.Value[:min(12, len(s.Value))]
		case "vcs.modified":
			if s.Value == "true" {
				changed = ", changed"
			}
		}
	}
	if commit == "" {
		return "development"
	}
	return "development (" + commit + changed + ")"
}
