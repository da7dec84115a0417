package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"modernc.org/sqlite"

	"postroom"
)

// sqlitePragmas are set on every connection. Under WAL, synchronous=FULL
// syncs the log at each commit: a power cut may not take back what an SMTP
// server was told we have.
var sqlitePragmas = []string{
	"busy_timeout(5000)",
	"foreign_keys(1)",
	"journal_mode(wal)",
	"synchronous(full)",
	"temp_store(memory)",
	"cache_size(-4000)",
	"journal_size_limit(67108864)",
}

// isSQLite says whether a database URL is a file path.
func isSQLite(u string) bool {
	return !strings.HasPrefix(u, "postgres://") && !strings.HasPrefix(u, "postgresql://")
}

func openSQLite(ctx context.Context, d *DB, o Options) (err error) {
	d.engine = SQLite
	d.path, err = filepath.Abs(strings.TrimPrefix(o.URL, "sqlite:"))
	if err != nil {
		return err
	}
	if err := createSQLiteFile(d.path); err != nil {
		return err
	}
	if d.fileLock, err = lockFile(d.path + ".lock"); err != nil {
		if errors.Is(err, errLocked) {
			return &postroom.Error{Code: postroom.Unavailable, Err: err,
				Text: fmt.Sprintf("Another Postroom has the database %s open; one process owns a SQLite file. Stop it, or use PostgreSQL for several.", d.path)}
		}
		return &postroom.Error{Code: postroom.Unavailable, Err: err,
			Text: fmt.Sprintf("The lock file %s.lock cannot be made.", d.path)}
	}
	writes, err := openSQLitePool(d.path, 1, o.unsafe, false)
	if err != nil {
		return err
	}
	d.closers = append(d.closers, writes.Close)
	// The first connection creates the WAL; the readers must find it.
	conn, err := writes.Conn(ctx)
	if err != nil {
		return translate(err)
	}
	if err := checkWAL(ctx, conn, d.path); err != nil {
		return errors.Join(err, conn.Close())
	}
	d.writer = startGroupWriter(conn, d)
	d.closers = append(d.closers, d.writer.close)

	readers := o.Readers
	if readers <= 0 {
		// Reading is CPU work; more connections than cores only add caches.
		readers = min(max(runtime.NumCPU(), 2), 16)
	}
	reads, err := openSQLitePool(d.path, readers, false, true)
	if err != nil {
		return err
	}
	d.closers = append(d.closers, reads.Close)
	d.reads = reads
	return translate(reads.PingContext(ctx))
}

// createSQLiteFile makes the folder and an empty file that only we may read:
// the log and the shared memory beside it take over its permissions.
func createSQLiteFile(path string) error {
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		var f *os.File
		f, err = os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if errors.Is(err, fs.ErrExist) {
			f, err = os.OpenFile(path, os.O_RDWR, 0)
		}
		if err == nil {
			err = f.Close()
		}
	}
	if err != nil {
		return &postroom.Error{Code: postroom.Unavailable, Err: err,
			Text: fmt.Sprintf("The database file %s cannot be opened for writing.", path)}
	}
	return nil
}

func openSQLitePool(path string, size int, unsafe, readOnly bool) (*sql.DB, error) {
	q := url.Values{"_pragma": sqlitePragmas}
	if unsafe {
		q.Add("_pragma", "synchronous(off)")
	}
	if readOnly {
		q.Set("_query_only", "1")
	}
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath(), RawQuery: q.Encode()}
	connector, err := sqlite.NewConnector(name.String())
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(cachingConnector{connector})
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	return pool, nil
}

// checkWAL makes sure that the file could be put in WAL mode: some network
// and overlay file systems refuse it without an error.
func checkWAL(ctx context.Context, conn *sql.Conn, path string) error {
	var mode string
	if err := conn.QueryRowContext(ctx, "pragma journal_mode").Scan(&mode); err != nil {
		return translate(err)
	}
	if mode != "wal" {
		return postroom.Errorf(postroom.Unavailable,
			"The file system of %s does not support a write-ahead log (journal mode is %s). Use a local disk.", path, mode)
	}
	return nil
}
