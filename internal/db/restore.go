package db

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/jackc/pgx/v5"

	"postroom"
)

const qTables = `select count(*) from pg_tables where schemaname = current_schema()`

// Restore puts what Backup wrote into a database that does not exist yet (a
// SQLite file) or is empty (PostgreSQL, whose pg_restore must be installed).
// One that is not is postroom.Conflict, and is left as it is. A SQLite backup
// goes into a SQLite file only, and one of PostgreSQL into PostgreSQL.
func Restore(ctx context.Context, url, backup string) (err error) {
	defer postroom.Wrap(&err, "restore %s", backup)
	if isSQLite(url) {
		return copySynced(url, backup)
	}
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	if err := emptyPostgres(ctx, config); err != nil {
		return err
	}
	program, err := findPostgresProgram("pg_restore")
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program, "--no-password", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", "--dbname="+config.Database, backup)
	cmd.Env = postgresEnv(config)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("pg_restore: %w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	return nil
}

// postgresEnv passes the address by the environment: arguments are seen by
// everyone on the machine, and the password may be in it.
func postgresEnv(c *pgx.ConnConfig) []string {
	return append(os.Environ(), "PGHOST="+c.Host, fmt.Sprintf("PGPORT=%d", c.Port), "PGUSER="+c.User, "PGPASSWORD="+c.Password, "PGDATABASE="+c.Database)
}

func emptyPostgres(ctx context.Context, config *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return translate(err)
	}
	defer conn.Close(ctx)
	n := 0
	if err := conn.QueryRow(ctx, qTables).Scan(&n); err != nil {
		return translate(err)
	}
	if n > 0 {
		return postroom.Errorf(postroom.Conflict, "The database %s is not empty: it has %d tables. Restore into a new one.", config.Database, n)
	}
	return nil
}

// copySynced copies a file to a name that is still free, onto the disk.
func copySynced(to, from string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return postroom.Errorf(postroom.Conflict, "The file %s exists already.", to)
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		_ = os.Remove(to)
	}
	return err
}

// Leap leaves out a number of ids and of conversation numbers, as after a
// restore: those that were given since the backup are known to others, in
// tokens of mails above all, and must never name anything else.
func (d *DB) Leap(ctx context.Context, ids, numbers int64) error {
	return d.Write(ctx, func(tx *Tx) error {
		if _, err := tx.Exec(ctx, `update id_block set next = next + $1 where name = 'id'`, ids); err != nil {
			return err
		}
		if d.engine == SQLite {
			_, err := tx.Exec(ctx, `update number_counter set value = value + $1 where name = 'conversation'`, numbers)
			return err
		}
		_, err := tx.Exec(ctx, `select setval('conversation_number', nextval('conversation_number') + $1)`, numbers)
		return err
	})
}
