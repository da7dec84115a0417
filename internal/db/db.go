// Package db opens the database and runs transactions on it. It knows both
// engines, SQLite and PostgreSQL, and nothing of what is stored: all SQL of
// the product is in package store.
//
// Times are integer milliseconds UTC on the database's clock (DB.Now). Ids
// are drawn before they are used (DB.NewID), one number space for all tables.
package db

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options say which database to open and how.
type Options struct {
	// URL is "postgres://…" or the path of a SQLite file, which is made if
	// it does not exist, with its folder.
	URL string

	// Now replaces the clock; for tests only.
	Now func() time.Time

	// Logger hears of what nobody is told otherwise. Nil is silence.
	Logger *slog.Logger

	// Readers is the number of SQLite's reading connections; 0 is one per
	// core, at least 2 and at most 16.
	Readers int

	// Conns is the number of PostgreSQL connections for writes, and again for
	// reads; 0 is 16. Four more are used for ids, the clock, signals and the place
	// among other processes.
	Conns int

	// BackupDir is where Migrate puts the backup it makes before it changes
	// the schema. Empty: beside the SQLite file; for PostgreSQL no backup is
	// made and a warning logged.
	BackupDir string

	// NoBackup says that the operator makes backups himself.
	NoBackup bool

	// unsafe gives up durability; for tests that make many databases.
	unsafe bool
}

// Unsafe returns the options with durability given up: a power cut may lose
// what was committed. It is for tests that do not test durability.
func (o Options) Unsafe() Options {
	o.unsafe = true
	return o
}

// DB is an open database. It is safe for use by many goroutines.
type DB struct {
	engine Engine
	path   string // of the SQLite file
	log    *slog.Logger
	opts   Options

	reads    *sql.DB
	writer   *groupWriter // SQLite
	writes   *sql.DB      // PostgreSQL
	system   *sql.DB      // PostgreSQL: ids, clock, signals; never waits for business
	fileLock *os.File

	clock   clock
	ids     idPool
	signals *signals // PostgreSQL
	place   *place   // PostgreSQL, of a process that was enlisted
	trips   atomic.Int64

	writing sync.Map // goroutine number -> *Tx, of those inside Write
	closers []func() error
	once    sync.Once
	closed  error
}

// Open opens a database and takes what it needs to own it: the connections
// and, for SQLite, the lock of the file. It does not change the schema; call
// Migrate. What cannot be opened is postroom.Unavailable with a sentence that
// says why.
func Open(ctx context.Context, o Options) (*DB, error) {
	d := &DB{opts: o, log: o.Logger}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	d.clock.now = o.Now
	d.ids.db = d
	d.ids.block = idBlock
	open := openPostgres
	if isSQLite(o.URL) {
		open = openSQLite
	}
	if err := open(ctx, d, o); err != nil {
		_ = d.Close()
		return nil, err
	}
	return d, nil
}

// Close lets running writes finish, refuses later ones and gives everything
// back. Closing again returns what the first time returned.
func (d *DB) Close() error {
	d.once.Do(func() {
		d.ids.close()
		for i := len(d.closers) - 1; i >= 0; i-- {
			if err := d.closers[i](); err != nil && d.closed == nil {
				d.closed = err
			}
		}
		if d.fileLock != nil {
			_ = unlockFile(d.fileLock)
		}
	})
	return d.closed
}

// Engine says which engine this is.
func (d *DB) Engine() Engine { return d.engine }

// Path returns the path of the SQLite file; empty on PostgreSQL.
func (d *DB) Path() string { return d.path }

// Trips returns how often somebody has waited for an answer of PostgreSQL since
// the database was opened; 0 on SQLite. It is what tests hold the cost of a
// piece of work by.
func (d *DB) Trips() int64 { return d.trips.Load() }

// Now returns the time in milliseconds since 1970 UTC on the database's
// clock, which several processes share. Nothing is ordered by it.
func (d *DB) Now() int64 { return d.clock.milli() }

// Reader returns a Q whose statements each see what is committed at that
// moment. It can only read. Inside a Write use the transaction instead.
func (d *DB) Reader() Q { return pool{run: d.reads, engine: d.engine} }

// Read runs fn on one unchanging view of the database: all its statements see
// what was committed when the first one ran. The Q can only read and is over
// when fn returns; a statement must have its rows closed before the next.
func (d *DB) Read(ctx context.Context, fn func(Q) error) error {
	opts := &sql.TxOptions{}
	if d.engine == Postgres {
		opts = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	tx, err := d.reads.BeginTx(ctx, opts)
	if err != nil {
		return translate(err)
	}
	s := &session{run: tx, engine: d.engine}
	defer func() {
		s.end()
		_ = tx.Rollback() // nothing was written
	}()
	return fn(s)
}

// Write runs fn in a transaction and returns after it is committed, durably,
// or rolled back. An error or a panic of fn rolls it back. fn may be run more
// than once (PostgreSQL gives up one of two transactions that collide), so it
// must not leave anything behind outside the transaction except by OnCommit.
//
// A Write inside a Write of the same goroutine is refused with an error, as
// it would wait for itself. Keep fn short: on SQLite all others wait for it.
func (d *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	me := goroutine()
	if _, nested := d.writing.LoadOrStore(me, (*Tx)(nil)); nested {
		return errNested
	}
	defer d.writing.Delete(me)
	run := func(tx *Tx) error {
		d.writing.Store(me, tx)
		return fn(tx)
	}
	if d.engine == SQLite {
		return d.writer.write(ctx, run)
	}
	return d.writePostgres(ctx, run)
}

// openTx returns the transaction of the Write the calling goroutine is in;
// nil if it is in none.
func (d *DB) openTx() *Tx {
	tx, _ := d.writing.Load(goroutine())
	t, _ := tx.(*Tx)
	return t
}

// goroutine returns the number of the calling goroutine. Go hides it for good
// reasons; here it only serves to answer a mistake with an error where there
// would be a standstill.
func goroutine() uint64 {
	var buf [40]byte
	text := string(buf[:runtime.Stack(buf[:], false)])
	number, _, _ := strings.Cut(strings.TrimPrefix(text, "goroutine "), " ")
	n, _ := strconv.ParseUint(number, 10, 64)
	return n
}
