// Package demo runs a desk to try: a sample company with its team, customers
// and conversations, all of which came to be by the real ways in and out. The
// only server that mail is handed to is a post office in memory, on loopback,
// so that nothing can leave the machine; its letters are what the customers
// see.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"postroom"
	"postroom/internal/app"
	"postroom/internal/app/sandbox"
	"postroom/internal/config"
	"postroom/internal/directory"
	"postroom/internal/postoffice"
	"postroom/internal/query"
)

// Options are the settings of a demo.
type Options struct {
	Data string // the folder to keep it in; "" is a throw-away one
	HTTP string // where browsers are answered, a loopback address; "" is localhost:8080, or a free port where that is in use
	Log  *slog.Logger
	// Empty leaves the sample conversations out.
	Empty bool
}

// Demo is a desk with its post office.
type Demo struct {
	*app.App
	Customers *Customers
	office    *postoffice.Office
	data      string
	throwAway bool
	cancel    context.CancelFunc // of watching
	watching  sync.WaitGroup
}

// Open makes the demo, or opens the one in Data again; Start begins to
// answer. An HTTP address that others could reach is postroom.Invalid.
func Open(ctx context.Context, o Options) (_ *Demo, err error) {
	if o.HTTP, err = choosePort(o.HTTP); err != nil {
		return nil, err
	}
	d := &Demo{data: o.Data}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Stop(ctx))
		}
	}()
	if d.data == "" {
		if d.data, err = os.MkdirTemp("", "postroom-demo-"); err != nil {
			return nil, &postroom.Error{Code: postroom.Unavailable, Err: err, Text: "No throw-away folder can be made"}
		}
		d.throwAway = true
	}
	if d.office, err = postoffice.New(postoffice.Options{Domain: "postoffice.example", MailboxPassword: accountPassword, Subaddress: true}); err != nil {
		return nil, err
	}
	_, statErr := os.Stat(filepath.Join(d.data, "postroom.db"))
	if errors.Is(statErr, os.ErrNotExist) {
		if err := fill(ctx, d.data, d.office, o); err != nil {
			return nil, fmt.Errorf("make the sample desk: %w", err)
		}
	}
	d.Customers = newCustomers(d.office)
	d.App, err = app.Open(ctx, settings(d.data, o.HTTP), app.Options{Log: o.Log, Demo: d.Customers, Sandbox: sandbox.New,
		MailTLS: d.office.ClientTLS(), OnlyChannel: channel(d.office), OnlyIncoming: incoming(d.office)})
	if err != nil {
		return nil, err
	}
	d.Customers.rooms = d.App.Rooms()
	// The post office has other ports each time.
	return d, d.pointMailboxes(ctx)
}

// Stop ends the demo; a throw-away folder is thrown away.
func (d *Demo) Stop(ctx context.Context) error {
	var errs []error
	if d.cancel != nil {
		d.cancel()
		d.watching.Wait()
	}
	if d.App != nil {
		errs = append(errs, d.App.Stop(ctx))
	}
	if d.office != nil {
		errs = append(errs, d.office.Close())
	}
	if d.throwAway {
		errs = append(errs, os.RemoveAll(d.data))
	}
	return errors.Join(errs...)
}

// SignIns are the sample team's.
func SignIns() []query.DemoSignIn {
	var out []query.DemoSignIn
	for _, m := range team {
		role := "agent"
		if m.role == postroom.Admin {
			role = "admin"
		}
		out = append(out, query.DemoSignIn{Name: m.name, Address: m.email, Password: Password, Role: role})
	}
	return out
}

// settings are those of a desk that nobody else can reach.
func settings(data, http string) *config.Settings {
	return &config.Settings{
		Place: config.Place{Data: data, LogLevel: "warn", LogFormat: "text", NoBackup: true},
		HTTP:  http, Name: "Brightwater Cycles", Hostname: "desk.brightwater.example",
		MaxMail: 50 << 20, MaxUpload: 25 << 20, Workers: 4, DBConns: 4, StopTimeout: 10 * time.Second,
	}
}

// choosePort finds out whether the address can be had before the sample desk
// is made, which takes a moment.
func choosePort(address string) (string, error) {
	const usual, free = "localhost:8080", "localhost:0"
	if address == "" {
		ln, err := net.Listen("tcp", usual)
		if err != nil {
			return free, nil
		}
		return usual, ln.Close()
	}
	if err := onlyHere(address); err != nil {
		return "", err
	}
	return address, app.CanListen(address)
}

// onlyHere refuses an address that other machines can reach.
func onlyHere(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return postroom.InvalidField("http", "%q is not an address; it is like localhost:8080.", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return postroom.InvalidField("http", "The demo answers on this machine only; %q can be reached from elsewhere. Use localhost:PORT.", address)
	}
	return nil
}

// channel is the only way out: the post office.
func channel(office *postoffice.Office) *postroom.Channel { return at(office.Addr()) }

// incoming is where the post office keeps what comes for the desk.
func incoming(office *postoffice.Office) *postroom.Channel { return at(office.IMAPAddr()) }

func at(address string) *postroom.Channel {
	host, portText, _ := net.SplitHostPort(address)
	port, _ := strconv.Atoi(portText)
	return &postroom.Channel{Host: host, Port: port, Security: "starttls"}
}

// accountPassword opens the accounts of the post office.
const accountPassword = "postoffice"

// pointMailboxes gives all mailboxes the post office as their server.
func (d *Demo) pointMailboxes(ctx context.Context) error {
	rooms, c := d.App.Rooms(), channel(d.office)
	boxes, err := rooms.Directory.Mailboxes(ctx, operator())
	if err != nil {
		return err
	}
	for _, m := range boxes {
		if err := fetchFrom(ctx, rooms, m.ID, d.office); err != nil {
			return err
		}
		if m.Channel.Host == c.Host && m.Channel.Port == c.Port {
			continue
		}
		f, err := fieldsOf(ctx, rooms, m.ID)
		if err != nil {
			return err
		}
		f.Host, f.Port, f.Security, f.Username = c.Host, c.Port, c.Security, ""
		if _, err := rooms.Directory.UpdateMailbox(ctx, operator(), m.ID, f); err != nil {
			return err
		}
	}
	return nil
}

// fetchFrom has the mail for a mailbox fetched from the post office. What lies
// there by now is looked at once, so that all that comes from now on is new.
func fetchFrom(ctx context.Context, rooms app.Rooms, mailbox int64, office *postoffice.Office) error {
	c := incoming(office)
	old, err := rooms.Directory.Incoming(ctx, operator(), mailbox)
	switch {
	case err == nil && old.Host == c.Host && old.Port == c.Port:
		return nil
	case err == nil:
		// The accounts of an office that is gone: how far they were read means
		// nothing in those of this one.
		if _, err := rooms.Directory.SetIncoming(ctx, operator(), mailbox, directory.IncomingFields{}); err != nil {
			return err
		}
	case postroom.CodeOf(err) != postroom.NotFound:
		return err
	}
	f, password := directory.NewIncoming(), accountPassword
	f.Host, f.Port, f.Security, f.Password, f.Copies = c.Host, c.Port, c.Security, &password, string(postroom.CopiesNo)
	if _, err := rooms.Directory.SetIncoming(ctx, operator(), mailbox, f); err != nil {
		return err
	}
	return rooms.Fetch(ctx, mailbox)
}

func operator() *postroom.Agent { return &postroom.Agent{Name: "Demo", Role: postroom.Admin} }

// clock shows the time of the stories while they are told, and the real one
// afterwards.
type clock struct{ behind atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(-time.Duration(c.behind.Load())) }

// set moves the clock to a time; it never goes back.
func (c *clock) set(t time.Time) {
	if t.After(c.now()) {
		c.behind.Store(int64(time.Until(t)) * -1)
	}
}

// Start begins to work and to answer, and tells open pages when a customer
// got a mail.
func (d *Demo) Start() {
	d.App.Start()
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	publish := d.App.Rooms().Publish
	d.watching.Go(func() { d.Customers.Watch(ctx, func() { publish("demo") }) })
}
