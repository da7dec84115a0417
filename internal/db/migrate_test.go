package db_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/dbtest"
)

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestMigrationsOfOneTextRunOnBothEngines(t *testing.T) {
	t.Parallel()
	more := map[string]string{
		"0002_things.sql":          "create table thing (id bigint primary key, raw bytea not null);\n-- a comment; with a semicolon\ncreate index thing_raw on thing (raw);",
		"0002_things_sqlite.sql":   "create trigger thing_gone after delete on thing begin delete from meta where key = 'a'; delete from meta where key = 'b'; end;",
		"0002_things_postgres.sql": "create function thing_gone() returns int language plpgsql as $$ begin return 1; end $$;",
		"0003_more.sql":            "alter table thing add column n bigint not null default 0;",
	}
	dbtest.Options{Empty: true}.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		if err := db.MigrateWith(ctx, d, more); err != nil {
			t.Fatal(err)
		}
		if err := db.MigrateWith(ctx, d, more); err != nil {
			t.Fatalf("again: %v", err)
		}
		raw := []byte{0, 1, 255, '\''}
		run(t, d, "insert into thing (id, raw, n) values ($1, $2, $3)", 1, raw, int64(1)<<60)
		var got []byte
		var n int64
		if err := d.Reader().QueryRow(ctx, "select raw, n from thing where id = $1", 1).Scan(&got, &n); err != nil || string(got) != string(raw) || n != 1<<60 {
			t.Errorf("read %v %d, %v", got, n, err)
		}
		if d.Engine() == db.SQLite {
			var rowid int64
			run(t, d, "insert into thing (id, raw) values (77, $1)", raw)
			if err := d.Reader().QueryRow(ctx, "select rowid from thing where id = 77").Scan(&rowid); err != nil || rowid != 77 {
				t.Errorf("the id is not the row's address: %d, %v", rowid, err)
			}
		}
	})
}

func TestBrokenMigrationChangesNothing(t *testing.T) {
	t.Parallel()
	dbtest.Options{Empty: true}.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		bad := map[string]string{"0002_bad.sql": "create table half (id bigint primary key); insert into nowhere values (1);"}
		if err := db.MigrateWith(ctx, d, bad); err == nil {
			t.Fatal("a broken migration succeeds")
		}
		good := map[string]string{"0002_good.sql": "create table half (id bigint primary key);"}
		if err := db.MigrateWith(ctx, d, good); err != nil {
			t.Errorf("after the mending: %v", err)
		}
	})
}

func TestNewerSchemaIsRefusedUnlessItSaysOtherwise(t *testing.T) {
	t.Parallel()
	dbtest.Options{Empty: true}.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		friendly := map[string]string{"0002_more.sql": "-- +runs with 1\ncreate table extra (id bigint primary key);"}
		if err := db.MigrateWith(ctx, d, friendly); err != nil {
			t.Fatal(err)
		}
		if err := db.MigrateBase(ctx, d); err != nil {
			t.Errorf("the older program is refused though the schema says it may run: %v", err)
		}
		friendly["0003_less.sql"] = "drop table extra;"
		if err := db.MigrateWith(ctx, d, friendly); err != nil {
			t.Fatal(err)
		}
		err := db.MigrateBase(ctx, d)
		if postroom.CodeOf(err) != postroom.Unavailable || !strings.Contains(err.Error(), "newer Postroom (its schema is number 3, this program knows 1)") {
			t.Errorf("the older program hears %v", err)
		}
	})
}

func TestProcessesThatMigrateAtOnceTakeTurns(t *testing.T) {
	t.Parallel()
	o := dbtest.Options{Empty: true}
	url := o.URL(t, db.Postgres)
	var wg sync.WaitGroup
	for range 4 {
		d := o.OpenURL(t, url)
		wg.Go(func() {
			if err := db.MigrateWith(t.Context(), d, map[string]string{"0002_x.sql": "create table x (id bigint primary key);"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestBackupBeforeAChangeOfTheSchema(t *testing.T) {
	t.Parallel()
	dbtest.Options{Empty: true}.Each(t, func(t *testing.T, d *db.DB) {
		url := d.Path()
		dir := filepath.Dir(url)
		if d.Engine() == db.Postgres {
			o := dbtest.Options{Empty: true}
			url, dir = o.URL(t, db.Postgres), t.TempDir()
		} else if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		d, err := db.Open(t.Context(), db.Options{URL: url, BackupDir: dir, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		ctx := t.Context()
		steps := map[string]string{}
		backups := func() []string {
			found, _ := filepath.Glob(filepath.Join(dir, "*.backup"))
			return found
		}
		if err := db.MigrateWith(ctx, d, steps); err != nil || len(backups()) != 0 {
			t.Fatalf("an empty database was backed up: %v, %v", backups(), err)
		}
		for i, name := range []string{"0002_a.sql", "0003_b.sql", "0004_c.sql", "0005_d.sql", "0006_e.sql"} {
			steps[name] = "create table t" + name[3:4] + " (id bigint primary key);"
			if err := db.MigrateWith(ctx, d, steps); err != nil {
				t.Fatal(err)
			}
			if got, want := len(backups()), min(i+1, 3); got != want {
				t.Fatalf("after %s: %d backups, want %d", name, got, want)
			}
		}
		for _, path := range backups() {
			if info, err := os.Stat(path); err != nil || info.Size() == 0 || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v %v", path, info, err)
			}
		}
		if d.Engine() == db.SQLite {
			last := backups()[2]
			old, err := db.Open(ctx, db.Options{URL: last})
			if err != nil {
				t.Fatal(err)
			}
			defer old.Close()
			var n int64
			if err := old.Reader().QueryRow(ctx, "select max(version_id) from goose_db_version").Scan(&n); err != nil || n != 5 {
				t.Errorf("%s has schema %d, %v", last, n, err)
			}
		}
	})
}

// Each change of the schema has a number of its own: two with one number are one
// change to a desk, and one that had run the first would never run the second.
// Only the first number has a text for each engine beside the common ones.
func TestEachChangeHasItsNumber(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, f := range files {
		number, _, _ := strings.Cut(f.Name(), "_")
		if seen[number] != "" && number != "0001" {
			t.Errorf("%s and %s have one number", seen[number], f.Name())
		}
		seen[number] = f.Name()
	}
	if len(seen) < 10 {
		t.Errorf("only %d changes were found", len(seen))
	}
}

func TestProductSchemaMigrates(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		pending, err := d.Pending(t.Context())
		if err != nil || len(pending) != 0 {
			t.Errorf("pending %v, %v", pending, err)
		}
	})
}

func TestSignalsReachOtherProcesses(t *testing.T) {
	t.Parallel()
	o := dbtest.Options{Empty: true}
	url := o.URL(t, db.Postgres)
	here, there := o.OpenURL(t, url), o.OpenURL(t, url)
	got := make(chan string, 10000)
	ctx, stop := context.WithCancel(t.Context())
	// "" says that something may have been missed before the connection stood.
	heard := func(f func(string)) func(string) {
		return func(p string) {
			if p != "" {
				f(p)
			}
		}
	}
	there.Listen(ctx, "work", heard(func(p string) { got <- p }))
	there.Listen(ctx, "other", heard(func(p string) { t.Errorf("the wrong channel got %q", p) }))
	here.Listen(ctx, "work", heard(func(p string) { t.Errorf("our own signal %q came back", p) }))
	// The listener's connection may still be on its way: repeat until heard.
	for heard := false; !heard; {
		here.Notify("work", "first")
		select {
		case p := <-got:
			if heard = p == "first"; !heard {
				t.Fatalf("got %q", p)
			}
		case <-waitABit():
		}
	}
	want := map[string]bool{}
	for i := range 500 {
		p := strings.Repeat("x", i+1)
		want[p] = true
		here.Notify("work", p)
	}
	here.Notify("work", "last")
	for p := range got {
		delete(want, p)
		if p == "last" {
			break
		}
	}
	if len(want) != 0 {
		t.Errorf("%d signals did not arrive", len(want))
	}
	stop()
}
