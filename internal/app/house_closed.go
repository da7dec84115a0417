package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/blob"
	"postroom/internal/config"
	"postroom/internal/desk"
	"postroom/internal/outbox"
	"postroom/internal/query"
	"postroom/internal/react"
	"postroom/internal/store"
	"postroom/internal/web"
	"postroom/internal/work"
)

// ClosedOptions say how a closed house is opened. All but the last ones are
// needed.
type ClosedOptions struct {
	Data string // its folder
	Name string // of the desk
	Base string // the path that its pages are mounted under
	// Now is its clock, which nothing else has.
	Now func() time.Time
	// Dial is its only way out: every mail goes there, whatever a mailbox says.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Woken is called when there may be work.
	Woken func()
	Play  web.Play // what its pages can do besides
	Demo  web.Demo // the customers' side

	PublicURL string // of the desk around it; "" for none
	MaxUpload int64
	Unsafe    bool // gives up durability; for tests
	Log       *slog.Logger
}

// Closed is a desk within a desk, whose time somebody else moves: it listens
// nowhere, and no incoming connection, sign-in at a provider, trial of a
// connection or report by mail is built. Nothing in it runs by itself; whoever
// has it settles.
type Closed struct {
	*core
	Pages    http.Handler
	runner   *work.Runner
	desk     *desk.Desk
	outbox   *outbox.Outbox
	automate *automate.Workflows
	site     *web.Site
}

// OpenClosed opens a closed house in a folder that holds its database, which
// is made where there is none.
func OpenClosed(ctx context.Context, o ClosedOptions) (_ *Closed, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	only := &postroom.Channel{Host: store.ForkHost, Port: 25}
	c := &Closed{}
	place := config.Place{Data: o.Data, LogLevel: "warn", LogFormat: "text", NoBackup: true}
	if c.core, err = openCore(ctx, place, 4, Options{Log: o.Log, Now: o.Now, OnlyChannel: only, Unsafe: o.Unsafe}); err != nil {
		return nil, err
	}
	if err = c.furnish(o); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// public is where the desk's customers would reach the house; "" where they do
// not reach the desk.
func (o ClosedOptions) public() string {
	if o.PublicURL == "" {
		return ""
	}
	return o.PublicURL + o.Base
}

// furnish makes the services.
func (c *Closed) furnish(o ClosedOptions) (err error) {
	publish := func(key string) { c.hub.Publish(key) }
	wake := func(kind string) {
		switch kind {
		case desk.WakeReceive:
			c.hub.Publish("inbound")
		case desk.WakeDeliver, outbox.WakeMend:
			c.hub.Publish("mails", "queue")
		}
		o.Woken()
	}
	url := func() string { return o.PublicURL + o.Base }
	c.desk = desk.New(desk.Options{Store: c.store, Blobs: c.blobs, Keys: c.tokens, MaxFile: o.MaxUpload, PublicURL: o.public(), Wake: wake, Log: c.log,
		Publish: func(x desk.Change) { c.hub.Publish(web.Keys(x)...) }})
	c.outbox = outbox.New(outbox.Options{Store: c.store, Desk: c.desk, Blobs: c.blobs, Alarms: c.alarms, Dial: o.Dial, HELO: store.ForkHost, Wake: wake, Log: c.log})
	c.automate = automate.New(automate.Options{Store: c.store, Letters: c.desk, Sanitise: cleanComposed, Headers: c.headers, Publish: publish, Wake: wake})
	rooms := react.New(react.Options{Store: c.store, Workflows: c.automate, Desk: c.desk, Outbox: c.outbox, Blobs: c.blobs, Alarms: c.alarms, URL: url, Log: c.log})
	if c.runner, err = work.New(work.Options{Now: c.store.Now, Logger: c.log}, rooms.Kinds()...); err != nil {
		return err
	}
	pages := query.New(query.Options{Store: c.store, Blobs: c.blobs, Name: o.Name, Version: Version(), Started: o.Now(), Variables: variables(), Demo: true})
	c.site, err = web.New(web.Options{Pages: pages, Desk: c.desk, Outbox: c.outbox, Directory: c.directory, URL: url, Auth: c.auth, Alarms: c.alarms,
		Hub: c.hub, Reactor: rooms, Workflows: c.automate, Promises: automate.NewPromises(c.automate), Demo: o.Demo, Play: o.Play, Base: o.Base, Name: o.Name, PublicURL: o.PublicURL, MaxUpload: o.MaxUpload, Log: c.log})
	c.Pages = c.site
	return err
}

// Rooms returns the services of the house.
func (c *Closed) Rooms() Rooms {
	return Rooms{Store: c.store, Desk: c.desk, Directory: c.directory, Auth: c.auth, Settle: c.runner.Settle, Publish: c.hub.Publish}
}

// NextDue returns when something in the house is due next, by its own clock;
// ok is false if nothing waits.
func (c *Closed) NextDue(ctx context.Context) (due int64, ok bool, err error) {
	return c.runner.NextDue(ctx)
}

// Workflows returns the workflows of the house.
func (c *Closed) Workflows() *automate.Workflows { return c.automate }

// Blobs returns the files of the house.
func (c *Closed) Blobs() *blob.Store { return c.blobs }

// EndPages ends the open pages, so that nobody waits for them.
func (c *Closed) EndPages() {
	if c.site != nil {
		c.site.Close()
	}
}

// Stop ends the open pages and closes the files. It works on a house that was
// opened only in part.
func (c *Closed) Stop() error {
	c.EndPages()
	if c.outbox != nil {
		c.outbox.Close()
	}
	return c.core.close()
}
