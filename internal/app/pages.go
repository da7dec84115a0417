package app

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"postroom/internal/automate"
	"postroom/internal/config"
	"postroom/internal/connect"
	"postroom/internal/email"
	"postroom/internal/query"
	"postroom/internal/template"
	"postroom/internal/web"
)

// pages makes the handler for browsers.
func (a *App) pages() (http.Handler, error) {
	proxies, err := a.settings.TrustedProxies()
	if err != nil {
		return nil, err
	}
	pages := query.New(query.Options{Store: a.store, Blobs: a.blobs, TrashDays: a.settings.TrashDays, Name: a.settings.Name, Version: Version(), Demo: a.options.Demo != nil,
		Started: a.began, Facts: a.facts, Checks: a.checks, Settings: a.settingsInWords(), Variables: variables()})
	site, err := web.New(web.Options{Pages: pages, Desk: a.desk, Outbox: a.outbox, Directory: a.directory, Connections: a.connections(), Consents: a.consents, URL: a.URL, Auth: a.auth, Alarms: a.alarms,
		Hub: a.hub, Reactor: a.react, Workflows: a.automate, Promises: automate.NewPromises(a.automate), Demo: a.options.Demo, Sandbox: a.playground(), Health: http.HandlerFunc(a.healthz),
		Name: a.settings.Name, PublicURL: a.settings.Public(), Proxies: proxies, MaxUpload: int64(a.settings.MaxUpload), Log: a.log})
	if err != nil {
		return nil, err
	}
	a.site = site
	return site, nil
}

// connections make what tries connections while mailboxes are set up.
func (a *App) connections() *connect.Connections {
	data, err := filepath.Abs(a.place.Data)
	if err != nil {
		data = a.place.Data
	}
	program, err := os.Executable()
	if err != nil {
		program = "postroom"
	}
	return connect.New(connect.Options{Store: a.store, Blobs: a.blobs, Directory: a.directory, Consents: a.consents, Keys: a.tokens, Open: passwords{a.key}.open,
		Resolver: a.resolver(), Dial: a.dial, TLS: a.toServers, HELO: a.settings.HELO(), Only: a.only, OnlyIncoming: a.onlyIn,
		Doors: connect.Doors{LMTP: a.settings.LMTP, SMTP: a.settings.SMTP, Data: data, Program: program, Name: a.settings.HELO()}, Log: a.log})
}

// facts are what only this process knows of the desk, for the system page.
func (a *App) facts(context.Context) []query.Choice {
	off := func(address string) string {
		if address == "" {
			return "off"
		}
		return address
	}
	return []query.Choice{
		{Value: "Address", Text: a.URL()},
		{Value: "Data folder", Text: a.place.Data},
		{Value: "Key", Text: a.key.ID()},
		{Value: "Mail by LMTP", Text: off(a.settings.LMTP)},
		{Value: "Mail by SMTP", Text: off(a.settings.SMTP)},
		{Value: "Mail by pipe", Text: a.place.SpoolDir()},
		{Value: "Name to mail servers", Text: a.settings.HELO()},
	}
}

// checks are the system page's table of how things are.
func (a *App) checks(ctx context.Context) []query.Check {
	h := a.Health(ctx)
	out := []query.Check{{Name: "Database", State: "ok", Words: h.Database}}
	for _, w := range h.Work {
		c := query.Check{Name: "Work: " + w.Name, State: "ok", Words: "ready"}
		switch {
		case w.Fault != "":
			c.State, c.Words = "bad", w.Fault
		case w.Running > 0:
			c.State, c.Words = "waiting", fmt.Sprintf("%d at work", w.Running)
		}
		out = append(out, c)
	}
	spool := query.Check{Name: "Spool", State: "ok", Words: "empty"}
	if n := countMails(a.place.SpoolDir()); n > 0 {
		spool.State, spool.Words = "waiting", fmt.Sprintf("%d mails wait", n)
	}
	if n := countMails(filepath.Join(a.place.SpoolDir(), spoolRefused)); n > 0 {
		spool.State, spool.Words = "bad", fmt.Sprintf("%d mails were laid aside in %s", n, spoolRefused)
	}
	return append(out, spool)
}

// settingsInWords lists the settings that are not as they are by default.
// Nothing of a database's address but its kind is told: it holds a password.
func (a *App) settingsInWords() []query.Choice {
	values := config.Values(a.settings)
	var out []query.Choice
	for _, s := range config.List() {
		text := values[s.Name]
		if text == s.Default || text == "" || text == "false" {
			continue
		}
		if s.Name == "database" && a.place.Postgres() {
			text = "postgres://…"
		}
		out = append(out, query.Choice{Value: s.Name, Text: text})
	}
	return out
}

// variables are what a workflow's wording may say.
func variables() []query.Choice {
	var out []query.Choice
	for _, v := range template.Variables() {
		out = append(out, query.Choice{Value: v.Name, Text: v.Label})
	}
	return out
}

// headers reads the headers of a received mail when somebody asks for one.
// What cannot be read any more has none.
func (a *core) headers(ctx context.Context, inbound int64) func(name string) []string {
	mail := sync.OnceValue(func() *email.Mail {
		in, err := a.store.Read().Inbound(ctx, inbound)
		if err != nil {
			return &email.Mail{}
		}
		f, err := a.blobs.Open(in.RawSHA256)
		if err != nil {
			return &email.Mail{}
		}
		defer f.Close()
		raw, err := io.ReadAll(io.LimitReader(f, maxHeaders))
		if err != nil {
			return &email.Mail{}
		}
		return email.Parse(raw, email.ParseOptions{})
	})
	return func(name string) []string { return mail().HeaderValues(name) }
}

// maxHeaders is how much of a received mail is read for its headers, in bytes.
const maxHeaders = 1 << 20

// cleanComposed makes the HTML of a preview safe to show.
func cleanComposed(html string) string { return email.SanitiseComposed(html, email.ComposeOptions{}) }
