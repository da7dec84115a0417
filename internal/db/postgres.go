package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"postroom"
)

const (
	postgresConns = 16
	systemConns   = 2

	// retries is how often a write that collided with another is run again.
	retries = 20
)

func openPostgres(ctx context.Context, d *DB, o Options) error {
	d.engine = Postgres
	config, err := postgresConfig(o)
	if err != nil {
		return err
	}
	conns := o.Conns
	if conns <= 0 {
		conns = postgresConns
	}
	d.writes = d.openPostgresPool(config, conns)
	d.reads = d.openPostgresPool(readConfig(config), conns)
	d.system = d.openPostgresPool(config, systemConns)
	if err := d.system.PingContext(ctx); err != nil {
		return unreachable(config, err)
	}
	if err := d.clock.measure(ctx, d.system); err != nil {
		return err
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { d.clock.follow(following, d.system) })
	d.signals = newSignals(config, d.system, d.log)
	running.Go(func() { d.signals.send(following) })
	running.Go(func() { d.signals.receive(following) })
	d.closers = append(d.closers, func() error {
		stop()
		running.Wait()
		return nil
	})
	return nil
}

// postgresConfig reads the URL and adds what we rely on where the URL does
// not say otherwise: commits that survive a power cut, UTC, and an end to
// connections of which only one side is left.
func postgresConfig(o Options) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(o.URL)
	if err != nil {
		return nil, &postroom.Error{Code: postroom.Invalid, Field: "database", Err: err,
			Text: "The database address is not understood; it looks like postgres://user:password@host:5432/name."}
	}
	synchronous := "on"
	if o.unsafe {
		synchronous = "off"
	}
	for key, value := range map[string]string{
		"application_name":   "postroom",
		"synchronous_commit": synchronous,
		"timezone":           "UTC",
		"lock_timeout":       "30s",
		"jit":                "off", // compiling takes longer than any of our statements

		"idle_in_transaction_session_timeout": "60s",
	} {
		if _, ok := config.RuntimeParams[key]; !ok {
			config.RuntimeParams[key] = value
		}
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	return config, nil
}

// readConfig has readers plan each statement once per connection and not once
// per call: the planning of a page's wide statements takes several times what
// running them does. So a statement must be planned well without its arguments;
// what the plan hangs on, a limit or a state, stands in its text.
func readConfig(config *pgx.ConnConfig) *pgx.ConnConfig {
	c := config.Copy()
	if _, ok := c.RuntimeParams["plan_cache_mode"]; !ok {
		c.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
	}
	return c
}

func (d *DB) openPostgresPool(config *pgx.ConnConfig, conns int) *sql.DB {
	pool := sql.OpenDB(pipeConnector{stdlib.GetConnector(*config.Copy()), &d.trips})
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	pool.SetConnMaxLifetime(time.Hour) // and with it of plans, which were made when the desk was smaller
	d.closers = append(d.closers, pool.Close)
	return pool
}

// unreachable says which server did not answer, without its password.
func unreachable(config *pgx.ConnConfig, err error) error {
	text, ok := unavailable(err)
	if !ok {
		text = "The database does not answer."
	}
	return &postroom.Error{Code: postroom.Unavailable, Err: err, Text: fmt.Sprintf("%s (%s on %s, port %d)",
		strings.TrimSuffix(text, "."), config.Database, config.Host, config.Port)}
}

// writePostgres runs fn in a read committed transaction, again if PostgreSQL
// gave it up in favour of another one.
func (d *DB) writePostgres(ctx context.Context, fn func(*Tx) error) error {
	for try := 0; ; try++ {
		err := d.tryPostgres(ctx, fn)
		if err == nil || !isRetryable(err) || try == retries {
			return err
		}
		// Whoever collided must not collide again in step.
		wait := time.Duration(1+rand.IntN(10<<min(try, 5))) * time.Millisecond
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (d *DB) tryPostgres(ctx context.Context, fn func(*Tx) error) error {
	// The context ends statements but not the transaction: database/sql would
	// roll it back behind our back while fn runs.
	stx, err := d.writes.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return translate(err)
	}
	tx := &Tx{session: session{run: stx, engine: Postgres}, db: d}
	kept := false
	defer func() {
		if !kept { // an error, a panic or the end of the goroutine
			tx.end()
			_ = stx.Rollback()
		}
	}()
	if err := tx.verdict(fn(tx)); err != nil {
		return err
	}
	tx.end()
	kept = true
	if err := stx.Commit(); err != nil {
		return commitError(err)
	}
	tx.committed()
	return nil
}

// commitError says that a commit whose answer was lost may have happened.
func commitError(err error) error {
	if isRetryable(err) {
		return err
	}
	err = translate(err)
	if pe, ok := errors.AsType[*postroom.Error](err); ok && pe.Code == postroom.Unavailable {
		return &postroom.Error{Code: postroom.Unavailable, Err: err,
			Text: "The database went away while it was saving; the change may or may not have been kept."}
	}
	return err
}
