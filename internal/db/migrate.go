package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"postroom"
)

// The schema, forward only. A file is called NNNN_name.sql, for one engine
// only NNNN_name_sqlite.sql or NNNN_name_postgres.sql; all files of a number
// are one migration in one transaction, run in the order of their names.
//
// They are written once for both engines. SQLite reads "bigint primary key"
// as "integer primary key" (so that the id is the row's address) and "bytea"
// as "blob".
//
// Expand first, contract a release later. A migration that older programs can
// live with says so on a line "-- +runs with N": programs that know the schema
// up to N or later may use the database. Without it only programs that know
// the migration may.
//
//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is all files of one number.
type migration struct {
	version  int64
	runsWith int64 // the oldest schema whose programs may use it
	text     string
}

var (
	fileName = regexp.MustCompile(`^(\d{4})_[a-z0-9_]+\.sql$`)
	runsWith = regexp.MustCompile(`(?m)^-- \+runs with (\d+)\s*$`)
	bigintPK = regexp.MustCompile(`(?i)\bbigint(\s+)primary key\b`)
	bytea    = regexp.MustCompile(`(?i)\bbytea\b`)
)

// readMigrations returns the migrations of a folder for an engine, ascending.
func readMigrations(files fs.FS, engine Engine) ([]migration, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var all []migration
	for _, name := range names {
		m := fileName.FindStringSubmatch(name)
		if m == nil {
			return nil, fmt.Errorf("db: the name of migration %s is not NNNN_name.sql", name)
		}
		version, _ := strconv.ParseInt(m[1], 10, 64)
		base := strings.TrimSuffix(name, ".sql")
		if other := otherEngine(engine); strings.HasSuffix(base, "_"+string(other)) {
			continue
		}
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		if len(all) == 0 || all[len(all)-1].version != version {
			all = append(all, migration{version: version, runsWith: version})
		}
		last := &all[len(all)-1]
		text := string(b)
		if w := runsWith.FindStringSubmatch(text); w != nil {
			last.runsWith, _ = strconv.ParseInt(w[1], 10, 64)
		}
		last.text += "\n" + rewrite(text, engine) + "\n"
	}
	return all, nil
}

func otherEngine(e Engine) Engine {
	if e == SQLite {
		return Postgres
	}
	return SQLite
}

// rewrite makes the common text one of an engine.
func rewrite(text string, engine Engine) string {
	if engine == SQLite {
		text = bigintPK.ReplaceAllString(text, "integer${1}primary key")
		text = bytea.ReplaceAllString(text, "blob")
	}
	return text
}

const qRunsWith = "insert into meta (key, value) values ('runs_with', '%d') " +
	"on conflict (key) do update set value = excluded.value;\n"

// goMigrations returns the migrations as goose wants them. Both drivers run a
// text of many statements at once when it has no arguments.
func goMigrations(all []migration) []*goose.Migration {
	var steps []*goose.Migration
	for _, m := range all {
		text := m.text + fmt.Sprintf(qRunsWith, m.runsWith)
		steps = append(steps, goose.NewGoMigration(m.version, &goose.GoFunc{
			RunTx: func(ctx context.Context, tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, text)
				return err
			}}, nil))
	}
	return steps
}

// Migrate brings the schema up to date. Before it changes a database that has
// something in it, it makes a backup. A schema newer than this program knows
// is refused in words, unless it says that this program can live with it. Of
// several processes that migrate at once one does and the others wait.
func (d *DB) Migrate(ctx context.Context) (err error) {
	defer postroom.Wrap(&err, "migrate the database")
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	return d.migrate(ctx, files)
}

// Pending returns the numbers of the migrations that Migrate would run.
func (d *DB) Pending(ctx context.Context) ([]int64, error) {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return nil, err
	}
	all, err := readMigrations(files, d.engine)
	if err != nil {
		return nil, err
	}
	return d.pending(ctx, all)
}

func (d *DB) pending(ctx context.Context, all []migration) ([]int64, error) {
	at, err := d.schemaVersion(ctx)
	if err != nil {
		return nil, err
	}
	var known int64
	var pending []int64
	for _, m := range all {
		known = m.version
		if m.version > at {
			pending = append(pending, m.version)
		}
	}
	if at <= known {
		return pending, nil
	}
	var text string
	err = d.Reader().QueryRow(ctx, "select value from meta where key = 'runs_with'").Scan(&text)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	if oldest, e := strconv.ParseInt(text, 10, 64); e == nil && known >= oldest {
		return nil, nil
	}
	return nil, postroom.Errorf(postroom.Unavailable,
		"This database was made by a newer Postroom (its schema is number %d, this program knows %d). "+
			"Run the newer program, or restore the backup made before the update.", at, known)
}

const (
	qHasVersionsSQLite   = `select count(*) from sqlite_master where name = 'goose_db_version'`
	qHasVersionsPostgres = `select count(*) from pg_catalog.pg_class where oid = to_regclass('goose_db_version')`
	qVersion             = `select coalesce(max(version_id), 0) from goose_db_version`
)

// schemaVersion returns the number of the last migration that was run; 0 for
// an empty database.
func (d *DB) schemaVersion(ctx context.Context) (int64, error) {
	q := qHasVersionsSQLite
	if d.engine == Postgres {
		q = qHasVersionsPostgres
	}
	var n int64
	if err := d.Reader().QueryRow(ctx, q).Scan(&n); err != nil || n == 0 {
		return 0, err
	}
	err := d.Reader().QueryRow(ctx, qVersion).Scan(&n)
	return n, err
}

func (d *DB) migrate(ctx context.Context, files fs.FS) error {
	all, err := readMigrations(files, d.engine)
	if err != nil {
		return err
	}
	pending, err := d.pending(ctx, all)
	if err != nil || len(pending) == 0 {
		return err
	}
	at, err := d.schemaVersion(ctx)
	if err != nil {
		return err
	}
	if at > 0 {
		if err := d.backupBefore(ctx, pending[0]); err != nil {
			return err
		}
	}
	return d.runGoose(ctx, all)
}

func (d *DB) runGoose(ctx context.Context, all []migration) (err error) {
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithGoMigrations(goMigrations(all)...)}
	dialect, pool := goose.DialectSQLite3, d.writes
	if d.engine == Postgres {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		options = append(options, goose.WithSessionLocker(locker))
	} else {
		pool, err = openSQLitePool(d.path, 2, d.opts.unsafe, false)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, pool.Close()) }()
	}
	p, err := goose.NewProvider(dialect, pool, nil, options...)
	if err != nil {
		return err
	}
	results, err := p.Up(ctx)
	if err != nil {
		return translate(err)
	}
	for _, r := range results {
		d.log.Info("the schema was changed", "schema", r.Source.Version, "ms", r.Duration.Milliseconds())
	}
	return nil
}
