package db

import (
	"context"
	"crypto/rand"
	"database/sql"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// signalChannel is the one channel of PostgreSQL in use; ours are inside.
	signalChannel = "postroom"

	// signalBytes is how long one notification may be; PostgreSQL refuses
	// 8,000 bytes.
	signalBytes = 7900

	// signalsPending is how many different signals may wait to be sent. With
	// more, receivers are told to look at everything.
	signalsPending = 4096
)

// signal is a payload on one of our channels; an empty payload says that any
// may have been missed.
type signal struct{ channel, payload string }

// signals carries short messages between processes by LISTEN and NOTIFY.
// They are hints: what they tell is in the database as well.
type signals struct {
	config *pgx.ConnConfig
	pool   *sql.DB
	log    *slog.Logger
	origin string // tells our own notifications from those of others

	mu        sync.Mutex
	listeners map[string]map[int]func(string)
	nextKey   int
	pending   []signal
	queued    map[signal]bool
	wake      chan struct{}
}

func newSignals(config *pgx.ConnConfig, pool *sql.DB, log *slog.Logger) *signals {
	return &signals{config: config, pool: pool, log: log, origin: rand.Text(),
		listeners: map[string]map[int]func(string){}, queued: map[signal]bool{}, wake: make(chan struct{}, 1)}
}

// Listen has fn called with each payload that another process notifies on a
// channel, until ctx ends. When the connection stands, at first or again, fn is
// called with "": anything may have been missed. fn is called by one goroutine at a time
// and must be quick. On SQLite, where there is no other process, it is never
// called.
func (d *DB) Listen(ctx context.Context, channel string, fn func(payload string)) {
	if d.signals == nil {
		return
	}
	s := d.signals
	s.mu.Lock()
	defer s.mu.Unlock()
	key := s.nextKey
	s.nextKey++
	if s.listeners[channel] == nil {
		s.listeners[channel] = map[int]func(string){}
	}
	s.listeners[channel][key] = fn
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.listeners[channel], key)
	})
}

// Notify tells the other processes something on a channel, outside of any
// transaction: call it after the commit. It returns at once; equal
// notifications that wait are sent once. The payload is at most 1,000 bytes
// of ids and words, without line breaks; the channel has no space in it.
// Other payloads are sent as "", which says that anything may have changed.
// On SQLite, where there is no other process, nothing happens.
func (d *DB) Notify(channel, payload string) {
	if d.signals == nil {
		return
	}
	if len(payload) > 1000 || strings.ContainsAny(payload, "\r\n\x00") {
		payload = ""
	}
	d.signals.enqueue(signal{channel, payload})
}

func (s *signals) enqueue(m signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) >= signalsPending {
		s.squeeze()
	}
	if !s.queued[m] && !s.queued[signal{m.channel, ""}] {
		s.queued[m] = true
		s.pending = append(s.pending, m)
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// squeeze replaces all that waits by one "anything" per channel.
func (s *signals) squeeze() {
	all := map[signal]bool{}
	for _, m := range s.pending {
		all[signal{m.channel, ""}] = true
	}
	s.pending, s.queued = s.pending[:0], all
	for m := range all {
		s.pending = append(s.pending, m)
	}
}

// send notifies what waits until ctx ends; then it sends the rest.
func (s *signals) send(ctx context.Context) {
	for {
		select {
		case <-s.wake:
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			_ = s.flush(last)
			cancel()
			return
		}
		err := s.flush(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		s.log.Warn("other processes could not be notified", "error", err)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

// flush sends what waits, in as few notifications as it fits. What could not
// be sent waits on.
func (s *signals) flush(ctx context.Context) error {
	for {
		text, sent := s.next()
		if len(sent) == 0 {
			return nil
		}
		if _, err := s.pool.ExecContext(ctx, "select pg_notify($1, $2)", signalChannel, text); err != nil {
			for _, m := range sent {
				s.enqueue(m)
			}
			return err
		}
	}
}

// next takes from the queue what fits in one notification: a line with the
// origin, then a line for each signal.
func (s *signals) next() (string, []signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var text strings.Builder
	text.WriteString(s.origin)
	n := 0
	for ; n < len(s.pending); n++ {
		m := s.pending[n]
		if text.Len()+len(m.channel)+len(m.payload)+2 > signalBytes {
			break
		}
		text.WriteString("\n" + m.channel + " " + m.payload)
		delete(s.queued, m)
	}
	sent := append([]signal(nil), s.pending[:n]...)
	s.pending = append(s.pending[:0], s.pending[n:]...)
	return text.String(), sent
}

// receive hears notifications until ctx ends, over a connection of its own,
// which it makes again when it is lost.
func (s *signals) receive(ctx context.Context) {
	wait := 100 * time.Millisecond
	for ctx.Err() == nil {
		err := s.session(ctx, func() {
			wait = 100 * time.Millisecond
			s.missed() // also the first time: work may have begun before we listened
		})
		if ctx.Err() != nil {
			return
		}
		s.log.Warn("the connection for signals was lost", "error", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		wait = min(2*wait, 10*time.Second)
	}
}

// session is the life of one connection. A connection whose other side went
// away without a word is found by asking it something every half minute.
func (s *signals) session(ctx context.Context, listening func()) error {
	conn, err := pgx.ConnectConfig(ctx, s.config.Copy())
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(end)
	}()
	if _, err := conn.Exec(ctx, "listen "+signalChannel); err != nil {
		return err
	}
	listening()
	for {
		one, cancel := context.WithTimeout(ctx, 30*time.Second)
		n, err := conn.WaitForNotification(one)
		quiet := one.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case err == nil:
			s.deliver(n.Payload)
		case quiet && !conn.IsClosed():
			ask, cancel := context.WithTimeout(ctx, 10*time.Second)
			err := conn.Ping(ask)
			cancel()
			if err != nil {
				return err
			}
		default:
			return err
		}
	}
}

func (s *signals) deliver(text string) {
	lines := strings.Split(text, "\n")
	if lines[0] == s.origin {
		return
	}
	for _, line := range lines[1:] {
		channel, payload, _ := strings.Cut(line, " ")
		for _, fn := range s.of(channel) {
			fn(payload)
		}
	}
}

// missed tells every listener that it may have missed something.
func (s *signals) missed() {
	for _, fn := range s.of("") {
		fn("")
	}
}

// of returns the listeners of a channel; of all channels if it is empty.
func (s *signals) of(channel string) []func(string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var fns []func(string)
	for name, of := range s.listeners {
		if channel != "" && name != channel {
			continue
		}
		for _, fn := range of {
			fns = append(fns, fn)
		}
	}
	return fns
}
