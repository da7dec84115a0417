package db_test

import (
	"database/sql"
	"slices"
	"testing"
	"time"

	"postroom/internal/db"
	"postroom/internal/dbtest"
)

// until waits for a state, for as long as the test may take.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for !ok() {
		select {
		case <-t.Context().Done():
			t.Fatalf("it never was so: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// A living process is never on the list of the dead; one that ended took itself
// off; one that has no lock is dead, and buried once.
func TestProcessesKnowEachOther(t *testing.T) {
	t.Parallel()
	url := dbtest.Options{}.URL(t, db.Postgres)
	open := func() *db.DB {
		d, err := db.Open(t.Context(), db.Options{URL: url, Conns: 2, NoBackup: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		if id, err := d.Self(); id != 0 || err != nil {
			t.Fatalf("not enlisted: %d, %v", id, err)
		}
		if err := d.Enlist(t.Context(), "a test"); err != nil {
			t.Fatal(err)
		}
		return d
	}
	departed := func(d *db.DB) []int64 {
		t.Helper()
		ids, err := d.Departed(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	bury := func(d *db.DB, id int64) (done bool) {
		t.Helper()
		err := d.Write(t.Context(), func(tx *db.Tx) (err error) {
			done, err = tx.Bury(t.Context(), id)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	a, b := open(), open()
	first, err := a.Self()
	if second, _ := b.Self(); err != nil || first == 0 || first == second {
		t.Fatalf("ids %d and %d, %v", first, second, err)
	}
	if got := departed(b); len(got) != 0 {
		t.Errorf("the living %v are taken for dead", got)
	}
	if bury(b, first) {
		t.Error("a living process was buried")
	}

	const dead = 1 << 40
	if err := b.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into process (id, name, started_at) values ($1, 'dead', 1)`, int64(dead))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got := departed(b); !slices.Equal(got, []int64{dead}) {
		t.Errorf("the dead are %v", got)
	}
	if !bury(b, dead) || bury(a, dead) || len(departed(b)) != 0 {
		t.Error("a dead process is buried once")
	}

	// A loses its connection, and somebody else has the lock meanwhile: it
	// comes back under a new id, and its old one may be buried.
	admin, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	thief, err := admin.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	taken := make(chan error, 1)
	go func() {
		_, err := thief.ExecContext(t.Context(), `select pg_advisory_lock(1886352244, $1::int4)`, first)
		taken <- err
	}()
	until(t, "somebody waits for the lock", func() bool {
		var n int
		err := admin.QueryRowContext(t.Context(), `select count(*) from pg_locks where locktype = 'advisory' and classid = 1886352244 and objid = $1 and not granted
			and database = (select oid from pg_database where datname = current_database())`, first).Scan(&n)
		return err == nil && n == 1
	})
	if _, err := admin.ExecContext(t.Context(), `select pg_terminate_backend(l.pid) from pg_locks l where locktype = 'advisory' and classid = 1886352244 and objid = $1
		and granted and database = (select oid from pg_database where datname = current_database())`, first); err != nil {
		t.Fatal(err)
	}
	if err := <-taken; err != nil {
		t.Fatal(err)
	}
	second := int64(0)
	until(t, "it has a place again", func() bool {
		second, err = a.Self()
		return err == nil && second != first
	})
	if bury(b, first) {
		t.Error("it was buried while its lock is held")
	}
	if err := thief.Close(); err != nil {
		t.Fatal(err)
	}
	_ = admin.Close() // ends the session, and the lock with it
	until(t, "the old id is on the list of the dead", func() bool { return slices.Equal(departed(b), []int64{first}) })
	if !bury(b, first) {
		t.Error("the old id was not buried")
	}
	if got := departed(a); len(got) != 0 {
		t.Errorf("who has only just come back takes %v for dead", got)
	}

	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if bury(b, second) || len(departed(b)) != 0 {
		t.Error("a process that ended is still on the list")
	}
}

// On SQLite there is one process.
func TestOneProcessOnSQLite(t *testing.T) {
	t.Parallel()
	d := dbtest.Options{}.Open(t, db.SQLite)
	if err := d.Enlist(t.Context(), "a test"); err != nil {
		t.Fatal(err)
	}
	id, err := d.Self()
	if got, derr := d.Departed(t.Context()); id != 0 || err != nil || derr != nil || len(got) != 0 {
		t.Errorf("id %d, %v; departed %v, %v", id, err, got, derr)
	}
}
