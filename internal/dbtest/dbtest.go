// Package dbtest is the test door to package db: a test written once runs on
// a fresh, migrated database of each engine.
//
// PostgreSQL is the server at POSTROOM_TEST_POSTGRES (the URL of a superuser),
// or else one that is started for the test program from the machine's
// programs and ends with it. Where there is neither, the PostgreSQL half of a
// test is skipped by name, or fails if POSTROOM_NO_SKIP is 1.
package dbtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"postroom/internal/db"
)

// Options say what the databases of a test are like. The zero value is what
// most tests want.
type Options struct {
	// Now replaces the databases' clock.
	Now func() time.Time

	// Check runs at the end of each test that did not fail, on its database:
	// the place for invariants.
	Check func(t testing.TB, d *db.DB)

	// Engines are the engines to run on; empty is both.
	Engines []db.Engine

	// Unsafe gives up durability for speed. Tests that kill or measure must
	// leave it.
	Unsafe bool

	// Empty databases are not migrated.
	Empty bool

	// Logger hears what the database logs; nil is the test's log for
	// warnings and worse.
	Logger *slog.Logger
}

// Each runs fn as a parallel subtest per engine, "sqlite" and "postgres",
// each on a fresh migrated database.
func Each(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	Options{}.Each(t, fn)
}

// Each runs fn as a parallel subtest per engine.
func (o Options) Each(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	for _, e := range o.engines() {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			fn(t, o.Open(t, e))
		})
	}
}

// EachB is Each for benchmarks.
func (o Options) EachB(b *testing.B, fn func(b *testing.B, d *db.DB)) {
	b.Helper()
	for _, e := range o.engines() {
		b.Run(string(e), func(b *testing.B) { fn(b, o.Open(b, e)) })
	}
}

func (o Options) engines() []db.Engine {
	if len(o.Engines) == 0 {
		return []db.Engine{db.SQLite, db.Postgres}
	}
	return o.Engines
}

// Open opens a fresh database that is checked, closed and removed at the end
// of the test.
func (o Options) Open(t testing.TB, e db.Engine) *db.DB {
	t.Helper()
	d := o.OpenURL(t, o.URL(t, e))
	if o.Check != nil {
		t.Cleanup(func() {
			if !t.Failed() {
				o.Check(t, d)
			}
		})
	}
	return d
}

// OpenURL opens the database at a URL, which Options.URL made, once more: as
// another process would (PostgreSQL), or after the first one was closed. It is
// closed at the end of the test.
func (o Options) OpenURL(t testing.TB, url string) *db.DB {
	t.Helper()
	logger := o.Logger
	if logger == nil {
		logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	options := db.Options{URL: url, Now: o.Now, Logger: logger, Readers: 4, Conns: 6}
	if o.Unsafe {
		options = options.Unsafe()
	}
	d, err := db.Open(t.Context(), options)
	if err != nil {
		t.Fatalf("open the test database: %v", err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close the test database: %v", err)
		}
	})
	return d
}

// URL makes a fresh database and returns what db.Options.URL wants to open
// it. It is removed at the end of the test.
func (o Options) URL(t testing.TB, e db.Engine) string {
	t.Helper()
	if e == db.Postgres {
		return o.postgresURL(t)
	}
	path := filepath.Join(t.TempDir(), "postroom.db")
	if o.Empty {
		return path
	}
	content, err := sqliteTemplate()
	if err == nil {
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		t.Fatalf("make a SQLite database: %v", err)
	}
	return path
}

// sqliteTemplate returns the content of a migrated SQLite file.
var sqliteTemplate = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "postroom-dbtest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "template.db")
	if err := migrated(db.Options{URL: path}.Unsafe()); err != nil {
		return nil, err
	}
	// Closing the last connection moved the log into the file.
	return os.ReadFile(path)
})

// migrated makes a database and closes it again.
func migrated(o db.Options) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	o.NoBackup = true
	d, err := db.Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		if e := d.Close(); err == nil {
			err = e
		}
	}()
	return d.Migrate(ctx)
}

// skip skips a test for want of something, or fails it where nothing may be
// skipped.
func skip(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("POSTROOM_NO_SKIP") == "1" {
		t.Fatalf("may not be skipped: %s", what)
	}
	t.Skip(what)
}

// randomName returns a name for a database that no other test has.
func randomName() string {
	return fmt.Sprintf("test_%s", strings.ToLower(rand.Text()[:16]))
}
