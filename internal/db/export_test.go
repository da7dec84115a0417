package db

import (
	"context"
	"io/fs"
	"testing/fstest"
)

// MigrateBase runs only what the room itself needs, so that its tests do not
// depend on the product's schema.
func MigrateBase(ctx context.Context, d *DB) error {
	return MigrateWith(ctx, d, nil)
}

// MigrateWith runs the base and further migrations.
func MigrateWith(ctx context.Context, d *DB, more map[string]string) error {
	files := fstest.MapFS{}
	for _, name := range []string{"0001_base.sql", "0001_base_sqlite.sql", "0001_base_postgres.sql"} {
		b, err := fs.ReadFile(migrationFiles, "migrations/"+name)
		if err != nil {
			return err
		}
		files[name] = &fstest.MapFile{Data: b}
	}
	for name, text := range more {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return d.migrate(ctx, files)
}
