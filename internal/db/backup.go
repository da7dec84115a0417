package db

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"postroom"
)

// backupsKept is how many backups made before migrations are kept.
const backupsKept = 3

// Backup writes a consistent copy of the database to a new file while others
// go on working: a SQLite file, or pg_dump's custom format. A file that
// exists is postroom.Conflict. Blobs and the key are not in it.
func (d *DB) Backup(ctx context.Context, path string) (err error) {
	defer postroom.Wrap(&err, "back up to %s", path)
	if _, err := os.Lstat(path); err == nil {
		return postroom.Errorf(postroom.Conflict, "The file %s exists already.", path)
	}
	part := path + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if d.engine == SQLite {
		err = d.vacuumInto(ctx, part)
	} else {
		err = d.dumpPostgres(ctx, part)
	}
	if err == nil {
		err = syncFile(part)
	}
	if err != nil {
		_ = os.Remove(part)
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	return syncFile(filepath.Dir(path))
}

// syncFile makes the content of a file or folder safe from a power cut.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	return errors.Join(err, f.Close())
}

func (d *DB) vacuumInto(ctx context.Context, path string) error {
	// SQLite accepts an empty file as a target; made by us it is private.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	pool, err := openSQLitePool(d.path, 1, false, false)
	if err != nil {
		return err
	}
	_, err = pool.ExecContext(ctx, "vacuum into $1", path)
	return errors.Join(translate(err), pool.Close())
}

func (d *DB) dumpPostgres(ctx context.Context, path string) error {
	program, err := findPostgresProgram("pg_dump")
	if err != nil {
		return err
	}
	config, err := pgx.ParseConfig(d.opts.URL)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program, "--format=custom", "--no-password")
	cmd.Env = postgresEnv(config)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = f, &said
	err = errors.Join(cmd.Run(), f.Close())
	if err != nil {
		return fmt.Errorf("pg_dump: %w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	return nil
}

var errNoProgram = errors.New("the program is not installed")

// findPostgresProgram looks in PATH and where Debian keeps PostgreSQL; of
// several versions the newest is taken, which can dump the older ones.
func findPostgresProgram(name string) (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) > 0 {
		return slices.MaxFunc(found, func(a, b string) int {
			return len(a)*1000 - len(b)*1000 + bytes.Compare([]byte(a), []byte(b))
		}), nil
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, errNoProgram)
	}
	return path, nil
}

// backupBefore makes the backup that Migrate owes, named after the migration
// it precedes, and removes the oldest of earlier ones.
func (d *DB) backupBefore(ctx context.Context, version int64) error {
	if d.opts.NoBackup {
		return nil
	}
	dir, base := d.opts.BackupDir, "postroom"
	if d.engine == SQLite {
		base = filepath.Base(d.path)
		if dir == "" {
			dir = filepath.Dir(d.path)
		}
	}
	if dir == "" {
		d.log.Warn("no backup was made before the schema changes: no folder for backups is set")
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	stamp := time.UnixMilli(d.Now()).UTC().Format("20060102T150405.000")
	path := filepath.Join(dir, fmt.Sprintf("%s.before-%04d-%s.backup", base, version, stamp))
	err := d.Backup(ctx, path)
	if errors.Is(err, errNoProgram) {
		d.log.Warn("no backup was made before the schema changes: pg_dump is not installed")
		return nil
	}
	if err != nil {
		return fmt.Errorf("the schema was not changed because there is no backup: %w", err)
	}
	d.log.Info("a backup was made before the schema changes", "file", path)
	return removeOldBackups(dir, base)
}

// removeOldBackups keeps the newest backups by the time in their name.
func removeOldBackups(dir, base string) error {
	paths, err := filepath.Glob(filepath.Join(dir, "*.backup"))
	if err != nil {
		return err
	}
	paths = slices.DeleteFunc(paths, func(p string) bool { return backupTime(p, base) == "" })
	slices.SortFunc(paths, func(a, b string) int {
		return bytes.Compare([]byte(backupTime(a, base)), []byte(backupTime(b, base)))
	})
	for len(paths) > backupsKept {
		if err := os.Remove(paths[0]); err != nil {
			return err
		}
		paths = paths[1:]
	}
	return nil
}

// backupTime returns the time in the name of a backup of ours; else "".
func backupTime(path, base string) string {
	name := filepath.Base(path)
	const tail = "20060102T150405.000.backup"
	prefix := base + ".before-"
	if len(name) != len(prefix)+len("0001-")+len(tail) || name[:len(prefix)] != prefix {
		return ""
	}
	return name[len(name)-len(tail):]
}
