package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"postroom"
)

// A group of writes is committed when it has groupCount of them, when it is
// groupTime old, or when nobody else waits, whichever is first. Nobody is
// ever made to wait for a group to fill.
const (
	groupCount = 100
	groupTime  = 25 * time.Millisecond
	slowTurn   = time.Second
)

// groupWriter owns SQLite's one writing connection and lends it, one after
// the other, to those who want to write. All that wait while a commit syncs
// the disk share the next one: each write runs in its own savepoint, a
// failing one undoes only itself, and everybody gets their answer after the
// commit.
//
// The write runs in the goroutine of the caller, so that a panic, a failed
// test and a profile show where they belong.
type groupWriter struct {
	conn *sql.Conn
	db   *DB

	turns chan *turn
	stop  chan struct{}
	ended chan struct{}
	once  sync.Once
}

// turn is one caller's turn at the connection.
type turn struct {
	granted   chan error // nil: the connection is yours
	ran       chan error // the caller's verdict: nil keeps what it did
	committed chan error // what became of it
}

func startGroupWriter(conn *sql.Conn, d *DB) *groupWriter {
	w := &groupWriter{conn: conn, db: d, turns: make(chan *turn), stop: make(chan struct{}), ended: make(chan struct{})}
	go w.loop()
	return w
}

// close lets the running group finish and refuses later writes.
func (w *groupWriter) close() error {
	w.once.Do(func() { close(w.stop) })
	<-w.ended
	return w.conn.Close()
}

var errClosed = postroom.Errorf(postroom.Unavailable, "The database is closed.")

// write waits for the turn, runs fn and waits for the commit.
func (w *groupWriter) write(ctx context.Context, fn func(*Tx) error) error {
	t := &turn{granted: make(chan error, 1), ran: make(chan error, 1), committed: make(chan error, 1)}
	select {
	case <-w.stop:
		return errClosed
	default:
	}
	select {
	case w.turns <- t:
	case <-w.stop:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := <-t.granted; err != nil {
		return err
	}
	tx := &Tx{session: session{run: w.conn, engine: SQLite, detach: true}, db: w.db}
	if err := w.runTurn(t, tx, fn); err != nil {
		<-t.committed // the undoing is done
		return err
	}
	if err := <-t.committed; err != nil {
		return err
	}
	tx.committed()
	return nil
}

// runTurn runs fn and hands the connection back, also when fn panics or ends
// the goroutine; in those two cases what fn did is undone.
func (w *groupWriter) runTurn(t *turn, tx *Tx, fn func(*Tx) error) error {
	verdict := errors.New("db: the function of a write did not return")
	begun := time.Now()
	defer func() {
		if took := time.Since(begun); took > slowTurn {
			w.db.log.Warn("a write held the database for long", "ms", took.Milliseconds())
		}
		tx.end()
		t.ran <- verdict
	}()
	verdict = tx.verdict(fn(tx))
	return verdict
}

func (w *groupWriter) loop() {
	defer close(w.ended)
	for {
		select {
		case t := <-w.turns:
			w.group(t)
		case <-w.stop:
			return
		}
	}
}

// group runs first and whoever waits behind it in one transaction.
func (w *groupWriter) group(first *turn) {
	if err := w.exec("begin immediate"); err != nil {
		// A rollback that failed earlier may have left a transaction open.
		_ = w.exec("rollback")
		if err = w.exec("begin immediate"); err != nil {
			first.granted <- err
			return
		}
	}
	// Alone in the group, the first write needs no savepoint: undoing it is
	// undoing the transaction.
	first.granted <- nil
	if err := <-first.ran; err != nil {
		first.committed <- w.exec("rollback")
		return
	}
	kept := []*turn{first}
	begun := time.Now()
	for len(kept) < groupCount && time.Since(begun) < groupTime {
		var next *turn
		select {
		case next = <-w.turns:
		default:
		}
		if next == nil {
			break
		}
		ok, err := w.joined(next)
		if err != nil {
			w.abandon(kept, err)
			return
		}
		if ok {
			kept = append(kept, next)
		}
	}
	if err := w.exec("commit"); err != nil {
		w.abandon(kept, err)
		return
	}
	for _, t := range kept {
		t.committed <- nil
	}
}

// joined runs one more write of a group. It says whether there is something
// of it to commit; an error means that the whole transaction is lost.
func (w *groupWriter) joined(t *turn) (bool, error) {
	if err := w.exec("savepoint turn"); err != nil {
		t.granted <- err
		return false, err
	}
	t.granted <- nil
	verdict := <-t.ran
	if verdict == nil {
		err := w.exec("release savepoint turn")
		if err != nil {
			t.committed <- err
		}
		return err == nil, err
	}
	// A full disk and its like make SQLite roll everything back by itself;
	// then there is no savepoint to go back to.
	err := w.exec("rollback to savepoint turn")
	if err == nil {
		err = w.exec("release savepoint turn")
	}
	t.committed <- err
	if err != nil {
		return false, &postroom.Error{Code: postroom.Unavailable, Err: errors.Join(err, verdict),
			Text: "The database gave up a group of writes; nothing of it was kept."}
	}
	return false, nil
}

// abandon rolls the transaction back and tells all who were in it.
func (w *groupWriter) abandon(kept []*turn, err error) {
	if _, ok := errors.AsType[*postroom.Error](err); !ok {
		err = &postroom.Error{Code: postroom.Unavailable, Text: "The database could not keep the change.", Err: err}
	}
	// It fails where SQLite has rolled back already, which is as good.
	_, _ = w.conn.ExecContext(context.Background(), "rollback")
	w.db.log.Error("a group of writes was rolled back", "writes", len(kept), "error", err)
	for _, t := range kept {
		t.committed <- err
	}
}

func (w *groupWriter) exec(query string) error {
	if _, err := w.conn.ExecContext(context.Background(), query); err != nil {
		return fmt.Errorf("%s: %w", query, translate(err))
	}
	return nil
}
