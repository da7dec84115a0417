// Package app puts the rooms together: it opens what a desk stands on, builds
// the services, starts them in order and stops them in reverse order.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/auth"
	"postroom/internal/blob"
	"postroom/internal/config"
	"postroom/internal/db"
	"postroom/internal/directory"
	"postroom/internal/email"
	"postroom/internal/hub"
	"postroom/internal/secret"
	"postroom/internal/store"
)

// core is what every command that opens a desk needs: the database and the
// services that need nothing else.
type core struct {
	place     config.Place
	log       *slog.Logger
	only      *postroom.Channel // the only way out, nil for any
	onlyIn    *postroom.Channel // the only server that mail is fetched from where there is an only way out
	db        *db.DB
	store     *store.Store
	blobs     *blob.Store
	key       *secret.Key
	tokens    *email.Keyring
	hub       *hub.Hub
	auth      *auth.Auth
	directory *directory.Directory
	alarms    *alarm.Alarms
}

// openCore opens a desk and brings its schema up to date.
func openCore(ctx context.Context, place config.Place, conns int, o Options) (_ *core, err error) {
	if err := makeData(place.Data); err != nil {
		return nil, err
	}
	c := &core{place: place, log: o.Log, only: o.OnlyChannel, onlyIn: o.OnlyIncoming}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	if c.key, err = secret.Load(place.KeyPath()); err != nil {
		return nil, err
	}
	options := db.Options{URL: place.DatabaseURL(), Logger: o.Log, Conns: conns, BackupDir: place.BackupDir(), NoBackup: place.NoBackup, Now: o.Now}
	if o.Unsafe {
		options = options.Unsafe()
	}
	c.db, err = db.Open(ctx, options)
	if err != nil {
		return nil, err
	}
	if err := c.db.Migrate(ctx); err != nil {
		return nil, err
	}
	c.store = store.New(c.db)
	if c.blobs, err = blob.Open(place.BlobDir()); err != nil {
		return nil, err
	}
	if err := c.checkOwn(ctx); err != nil {
		return nil, err
	}
	return c, c.build()
}

// makeData makes the data folder, and finds out whether it can be written
// before anything else fails for the same reason with worse words.
func makeData(dir string) error {
	wrong := func(err error) error {
		return &postroom.Error{Code: postroom.Unavailable, Field: "data", Err: err,
			Text: fmt.Sprintf("The data folder %s cannot be written; choose another with --data, or give yourself the right to write there", dir)}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return wrong(err)
	}
	f, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		return wrong(err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// checkOwn makes sure that the database, the key and the files belong
// together: with another key no password opens and no answer finds its
// conversation, with other files every mail is gone.
func (c *core) checkOwn(ctx context.Context) error {
	if err := c.own(ctx, "key", c.key.ID()); err != nil {
		return &postroom.Error{Code: postroom.Unavailable, Field: "key-file", Err: err,
			Text: fmt.Sprintf("The key file %s is not the one this database was made with. Put the right one there; without it passwords of mailboxes cannot be read", c.place.KeyPath())}
	}
	if err := c.own(ctx, "blobs", c.blobs.ID()); err != nil {
		return &postroom.Error{Code: postroom.Unavailable, Field: "blobs", Err: err,
			Text: fmt.Sprintf("The folder %s does not hold the files of this database. Set blobs to the folder that does", c.place.BlobDir())}
	}
	return nil
}

// own remembers an id at the first start and compares it at the others.
func (c *core) own(ctx context.Context, what, id string) error {
	known, err := c.store.Read().Meta(ctx, what)
	if err != nil {
		return err
	}
	if known == "" {
		err := c.store.Write(ctx, func(t *store.Tx) error {
			_, err := t.Claim(ctx, what, id)
			return err
		})
		if err != nil {
			return err
		}
		if known, err = c.store.Read().Meta(ctx, what); err != nil {
			return err
		}
	}
	if known != id {
		return fmt.Errorf("the database knows %s, here is %s", known, id)
	}
	return nil
}

// build makes the services that need nothing but the store and the key.
func (c *core) build() error {
	mailKey, err := c.key.Derive("mail tokens")
	if err != nil {
		return err
	}
	if c.tokens, err = email.NewKeyring(email.Key{ID: c.key.ID()[:2], Secret: mailKey}); err != nil {
		return err
	}
	linkKey, err := c.key.Derive("password links")
	if err != nil {
		return err
	}
	c.hub = hub.New(c.forward)
	if c.auth, err = auth.New(auth.Options{Store: c.store, Key: linkKey}); err != nil {
		return err
	}
	publish := func(key string) { c.hub.Publish(key) }
	c.directory = directory.New(directory.Options{Store: c.store, Sealer: passwords{c.key}, OnlyChannel: c.only, OnlyIncoming: c.onlyIn, Publish: publish, SealSecret: c.key.Seal})
	c.alarms = alarm.New(c.store, publish)
	return nil
}

// close gives back what was opened, in reverse order.
func (c *core) close() error {
	if c.hub != nil {
		c.hub.Close()
	}
	if c.db != nil {
		return c.db.Close()
	}
	return nil
}

// The channels by which processes on one PostgreSQL tell each other.
const (
	channelHub  = "postroom_pages"
	channelWake = "postroom_work"
)

// forward tells the pages of other processes what changed here.
func (c *core) forward(keys []string) {
	for _, k := range keys {
		c.db.Notify(channelHub, k)
	}
}

// passwords seals the passwords of mailboxes. They are tied to being one: a
// sealed text of another kind does not open as a password.
type passwords struct{ key *secret.Key }

const passwordContext = "mailbox password"

// Seal encrypts a password.
func (p passwords) Seal(password string) (string, error) {
	return p.key.Seal(password, passwordContext)
}

// open decrypts a password.
func (p passwords) open(sealed string) (string, error) { return p.key.Open(sealed, passwordContext) }

// socketPath is where a running desk listens for commands. A socket's path
// is short by nature; a data folder's may not be.
func socketPath(place config.Place) (string, error) {
	dir, err := filepath.Abs(place.Data)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "postroom.sock")
	if len(path) <= 100 {
		return path, nil
	}
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	if rel, err := filepath.Rel(here, path); err == nil && len(rel) <= 100 {
		return rel, nil
	}
	return "", postroom.Errorf(postroom.Unavailable, "The path of the data folder %s is too long for a socket in it.", dir)
}
