package db

import (
	"context"
	"database/sql"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"postroom"
)

const (
	// placeLock is the first half of the advisory locks that processes hold;
	// the second is the process's id. It spells "post".
	placeLock = 0x706f7374

	// placeAsk is how often a process makes sure that its connection stands.
	placeAsk = 10 * time.Second

	// placeSettles is how long a process that lost its place and has it again
	// takes nobody for dead: a server that was started anew has ended the
	// connections of all, and the others may be a moment later.
	placeSettles = 5 * time.Second

	placeFirstWait = 50 * time.Millisecond
	placeLastWait  = 2 * time.Second
)

// place is a process's place among those that work on one PostgreSQL: a row,
// and a lock that the server takes from a connection when its process dies.
// Whoever can take that lock knows that the process is gone, or at least that
// it has noticed that it lost its place and claims nothing.
type place struct {
	config *pgx.ConnConfig
	system *sql.DB
	log    *slog.Logger
	name   string
	newID  func(context.Context) (int64, error)

	mu    sync.Mutex
	id    int64
	held  bool
	since time.Time // when it was taken again after a loss; zero at first
}

var errNoPlace = postroom.Errorf(postroom.Unavailable, "The connection to the database was lost; work goes on when it stands again.")

// Enlist gives this process a place among those that work on the database,
// under a name for people, and keeps it until Close: from then on Self has an
// id, and others notice at once when this process dies. Call it once, after
// Migrate. On SQLite, where there is no other process, it does nothing.
func (d *DB) Enlist(ctx context.Context, name string) error {
	if d.engine != Postgres {
		return nil
	}
	p := &place{config: d.signals.config.Copy(), system: d.system, log: d.log, name: name, newID: d.NewID}
	conn, err := p.take(ctx)
	if err != nil {
		return translate(err)
	}
	keeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { p.keep(keeping, conn) })
	d.closers = append(d.closers, func() error {
		stop()
		running.Wait()
		return nil
	})
	d.place = p
	return nil
}

// Self returns the id under which this process leases work: 0 for one that is
// not enlisted. A process that has lost its place answers Unavailable and must
// not claim: the others may take it for dead.
func (d *DB) Self() (int64, error) {
	if d.place == nil {
		return 0, nil
	}
	d.place.mu.Lock()
	defer d.place.mu.Unlock()
	if !d.place.held {
		return 0, errNoPlace
	}
	return d.place.id, nil
}

const qDeparted = `select p.id from process p where p.id <> $1 and not exists (select 1 from pg_locks l
	where l.locktype = 'advisory' and l.granted and l.database = (select oid from pg_database where datname = current_database())
	and l.classid::bigint = $2 and l.objid::bigint = (p.id & 2147483647) and l.objsubid = 2) order by p.id`

// Departed lists the processes whose lock nobody holds: they are dead, or have
// lost their place. Bury decides. A process that is not enlisted, or has only
// just got its place back, sees none.
func (d *DB) Departed(ctx context.Context) ([]int64, error) {
	if d.place == nil {
		return nil, nil
	}
	d.place.mu.Lock()
	me, held, since := d.place.id, d.place.held, d.place.since
	d.place.mu.Unlock()
	if !held || !since.IsZero() && time.Since(since) < placeSettles {
		return nil, nil
	}
	rows, err := d.system.QueryContext(ctx, qDeparted, me, placeLock)
	if err != nil {
		return nil, translate(err)
	}
	defer rows.Close()
	var out []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, translate(err)
		}
		out = append(out, id)
	}
	return out, translate(rows.Err())
}

const (
	qBuryLock = `select pg_try_advisory_xact_lock($1::int4, ($2::bigint & 2147483647)::int4)`
	qBury     = `delete from process where id = $1`
)

// Bury takes a process off the list, and reports whether it was this
// transaction that did: then the process can no longer come back under its id,
// and what it held may be taken over. On SQLite it reports false.
func (t *Tx) Bury(ctx context.Context, id int64) (bool, error) {
	if t.engine != Postgres {
		return false, nil
	}
	var gone bool
	if err := t.QueryRow(ctx, qBuryLock, placeLock, id).Scan(&gone); err != nil || !gone {
		return false, err
	}
	n, err := t.Exec(ctx, qBury, id)
	return n == 1, err
}

const (
	qTakePlace = `select pg_try_advisory_lock($1::int4, ($2::bigint & 2147483647)::int4)`
	qListed    = `select count(*) from process where id = $1`
	qEnlist    = `insert into process (id, name, started_at) values ($1, $2, (extract(epoch from clock_timestamp()) * 1000)::bigint)`
	qDelist    = `delete from process where id = $1`
)

// take makes a connection that holds the lock: under the id the process had,
// unless somebody has buried that or the server still believes in the lost
// connection; then under a new one, and what it leased before is renewed under
// the new one, or taken over by others.
func (p *place) take(ctx context.Context) (_ *pgx.Conn, err error) {
	conn, err := pgx.ConnectConfig(ctx, p.config.Copy())
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = conn.Close(context.WithoutCancel(ctx))
		}
	}()
	p.mu.Lock()
	id, again := p.id, p.id != 0
	p.mu.Unlock()
	if again {
		var locked bool
		listed := 0
		if err := conn.QueryRow(ctx, qTakePlace, placeLock, id).Scan(&locked); err != nil {
			return nil, err
		}
		if locked {
			if err := conn.QueryRow(ctx, qListed, id).Scan(&listed); err != nil {
				return nil, err
			}
		}
		if listed == 0 {
			id = 0
		}
	}
	if id == 0 {
		if id, err = p.newID(ctx); err != nil {
			return nil, err
		}
		var locked bool
		if err := conn.QueryRow(ctx, qTakePlace, placeLock, id).Scan(&locked); err != nil {
			return nil, err
		}
		if !locked {
			return nil, errNoPlace // an id of long ago with the same lock; the next one is free
		}
		if _, err := conn.Exec(ctx, qEnlist, id, p.name); err != nil {
			return nil, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.id, p.held = id, true
	if again {
		p.since = time.Now()
	}
	return conn, nil
}

// keep watches over the connection and takes the place again when it is lost.
func (p *place) keep(ctx context.Context, conn *pgx.Conn) {
	wait := placeFirstWait
	for {
		if conn != nil {
			err := p.watch(ctx, conn)
			p.mu.Lock()
			p.held = false
			p.mu.Unlock()
			p.leave(ctx, conn)
			if ctx.Err() != nil {
				return
			}
			p.log.Warn("the place among the processes of this database was lost; nothing is claimed until it is taken again", "error", err)
			conn, wait = nil, placeFirstWait
		}
		one, cancel := context.WithTimeout(ctx, placeAsk)
		next, err := p.take(one)
		cancel()
		if err == nil {
			conn = next
			p.log.Info("the place among the processes of this database was taken again")
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, placeLastWait)
	}
}

// watch returns when the connection is lost or ctx ends.
func (p *place) watch(ctx context.Context, conn *pgx.Conn) error {
	for {
		one, cancel := context.WithTimeout(ctx, placeAsk)
		_, err := conn.WaitForNotification(one) // nothing is listened to: it waits for the end
		quiet := one.Err() != nil
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !quiet || conn.IsClosed() {
			if err == nil {
				continue
			}
			return err
		}
		ask, cancel := context.WithTimeout(ctx, placeAsk/2)
		err = conn.Ping(ask)
		cancel()
		if err != nil {
			return err
		}
	}
}

// leave ends a connection; at the end of the process its row goes first, so
// that nobody finds a dead one.
func (p *place) leave(ctx context.Context, conn *pgx.Conn) {
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if ctx.Err() != nil {
		_, _ = conn.Exec(end, qDelist, p.id) // if it fails another process does it
	}
	_ = conn.Close(end)
}
