package db_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/dbtest"
)

// TestFullDiskFailsInWordsAndHeals gives SQLite no more pages, which it takes
// for a full disk.
func TestFullDiskFailsInWordsAndHeals(t *testing.T) {
	t.Parallel()
	dbtest.Options{Empty: true, Engines: []db.Engine{db.SQLite}}.Each(t, func(t *testing.T, d *db.DB) {
		base(t, d)
		run(t, d, "create table big (id bigint primary key, raw text)")
		limit := func(pages int) {
			t.Helper()
			// On the writing connection, where it counts.
			err := d.Write(t.Context(), func(tx *db.Tx) error {
				var n int
				return tx.QueryRow(t.Context(), fmt.Sprintf("pragma max_page_count = %d", pages)).Scan(&n)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		limit(60)
		var wg sync.WaitGroup
		var mu sync.Mutex
		kept, full := 0, 0
		for i := range 40 {
			wg.Go(func() {
				err := d.Write(t.Context(), func(tx *db.Tx) error {
					_, err := tx.Exec(t.Context(), "insert into big (id, raw) values ($1, $2)", i, strings.Repeat("x", 20_000))
					return err
				})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					kept++
				case postroom.CodeOf(err) == postroom.Unavailable:
					full++
				default:
					t.Errorf("a full disk answers %v", err)
				}
			})
		}
		wg.Wait()
		var n int
		if err := d.Reader().QueryRow(t.Context(), "select count(*) from big").Scan(&n); err != nil || n != kept || full == 0 {
			t.Errorf("%d rows, %d writes were told they are kept, %d that the disk is full: %v", n, kept, full, err)
		}
		limit(1_000_000)
		run(t, d, "insert into big (id, raw) values (1000, 'room again')")
	})
}

func TestConnectionsKilledAndMadeAgain(t *testing.T) {
	t.Parallel()
	o := dbtest.Options{Empty: true}
	url := o.URL(t, db.Postgres)
	d, killer := o.OpenURL(t, url), o.OpenURL(t, url)
	base(t, d)
	ctx := t.Context()
	missed := make(chan struct{}, 100)
	d.Listen(ctx, "x", func(p string) {
		if p == "" {
			missed <- struct{}{}
		}
	})
	err := d.Write(ctx, func(tx *db.Tx) error {
		if err := insert(ctx, tx, 1, "lost"); err != nil {
			return err
		}
		kill := "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
		var n int
		if err := killer.Reader().QueryRow(ctx, kill).Scan(&n); err != nil || n < 2 {
			t.Errorf("killed %d, %v", n, err)
		}
		return insert(ctx, tx, 2, "lost too")
	})
	if postroom.CodeOf(err) != postroom.Unavailable {
		t.Errorf("a killed connection answers %v", err)
	}
	<-missed
	for try := 0; ; try++ {
		err := d.Write(ctx, func(tx *db.Tx) error { return insert(ctx, tx, 3, "kept") })
		if err == nil {
			break
		}
		if try > 20 || postroom.CodeOf(err) != postroom.Unavailable {
			t.Fatalf("try %d: %v", try, err)
		}
	}
	if got := words(t, d); len(got) != 1 || got[0] != "kept" {
		t.Errorf("kept %q", got)
	}
}

// TestKilledProcessKeepsWhatItWasTold runs this test program again as a child
// that writes from many goroutines and prints each id after its commit, and
// kills it in the middle.
func TestKilledProcessKeepsWhatItWasTold(t *testing.T) {
	if path := os.Getenv("DB_TEST_CHILD"); path != "" {
		child(t, path)
		return
	}
	t.Parallel()
	for round := range 5 {
		path := filepath.Join(t.TempDir(), "desk.db")
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledProcessKeepsWhatItWasTold$")
		cmd.Env = append(os.Environ(), "DB_TEST_CHILD="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		told := map[int64]bool{}
		until := 50 + rand.IntN(300)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if id, err := strconv.ParseInt(lines.Text(), 10, 64); err == nil {
				told[id] = true
			}
			if len(told) == until {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait()
		d, err := db.Open(t.Context(), db.Options{URL: path})
		if err != nil {
			t.Fatal(err)
		}
		kept, err := db.Collect(t.Context(), d.Reader(), func(r *db.Rows) (id int64, err error) {
			err = r.Scan(&id)
			return id, err
		}, "select id from word")
		if err != nil || len(told) < until {
			t.Fatalf("round %d: told of %d, %v", round, len(told), err)
		}
		for _, id := range kept {
			delete(told, id)
		}
		if len(told) != 0 {
			t.Errorf("round %d: %d of the rows it was told of are lost", round, len(told))
		}
		var verdict string
		if err := d.Reader().QueryRow(t.Context(), "pragma integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
			t.Errorf("integrity: %s, %v", verdict, err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

func child(t *testing.T, path string) {
	d, err := db.Open(t.Context(), db.Options{URL: path})
	if err != nil {
		t.Fatal(err)
	}
	base(t, d)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				id, err := d.NewID(t.Context())
				if err == nil {
					err = d.Write(t.Context(), func(tx *db.Tx) error { return insert(t.Context(), tx, id, fmt.Sprint(id)) })
				}
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = os.Stdout.WriteString(fmt.Sprintln(id))
			}
		})
	}
	wg.Wait()
}

func TestWaitingWritersHeedTheirContext(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		inside, release := make(chan struct{}), make(chan struct{})
		done := make(chan error)
		go func() {
			done <- d.Write(t.Context(), func(tx *db.Tx) error {
				if _, err := tx.Exec(t.Context(), "insert into word (id, text) values (1, 'x')"); err != nil {
					return err
				}
				close(inside)
				<-release
				return nil
			})
		}()
		<-inside
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		err := d.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, "insert into word (id, text) values (1, 'y') on conflict do nothing")
			return err
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the waiting write answers %v", err)
		}
		close(release)
		if err := <-done; err != nil {
			t.Errorf("the write it waited for: %v", err)
		}
	})
}
