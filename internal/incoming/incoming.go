// Package incoming keeps the mailboxes' incoming connections: it holds each in
// one of the processes, reads their folders from where it stopped, hands raw
// mails to the desk, waits for new ones, and says in the server's own words what
// is wrong. The same servers keep sent mail: copies are put there, and uncertain
// mails looked for.
//
// It is a room of its own beside react because a connection is no work that
// ends: it is taken with a lease and held until its settings change, the process
// stops or the server is gone.
package incoming

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/blob"
	"postroom/internal/desk"
	"postroom/internal/outbox"
	"postroom/internal/store"
	"postroom/internal/wire/imap"
)

// Key is what is published to open pages when a connection changes its state.
const Key = "connections"

// Tokens gives the access tokens of mailboxes that sign in at their provider.
// An error of the code Unauthorized has an alarm of its own.
type Tokens interface {
	// Token returns one for a mail server.
	Token(ctx context.Context, mailbox int64, host string) (string, error)
	// Renew returns another one if the server has refused one.
	Renew(ctx context.Context, mailbox int64, host, refused string) (string, error)
}

// Options is what the connections stand on.
type Options struct {
	Store  *store.Store
	Desk   *desk.Desk
	Outbox *outbox.Outbox
	Blobs  *blob.Store
	Alarms *alarm.Alarms
	// Open opens a sealed password; nil takes it as it is.
	Open func(sealed string) (string, error)
	// Tokens are for mailboxes that sign in at their provider; nil: none does.
	Tokens Tokens
	TLS    *tls.Config // nil takes the system's roots
	// Lease is how long a connection is held without renewal; 0 is 30 seconds.
	Lease time.Duration
	// Poll is how often a server without IDLE, and each folder but the first,
	// is looked at; 0 is a minute.
	Poll     time.Duration
	Timeouts imap.Timeouts
	// MaxMail is the largest mail that is fetched whole, in bytes; 0, or more
	// than desk.MaxMail, is that.
	MaxMail int64
	Publish func(key string)
	Log     *slog.Logger
}

// Keeper holds connections. It is safe for use by many goroutines.
type Keeper struct {
	Options
	wake  chan struct{}
	began int64 // since when this process could have held connections

	mu    sync.Mutex
	holds map[int64]*hold // by mailbox
	spare map[int64]*spare
}

// New makes a Keeper; Run begins to hold.
func New(o Options) *Keeper {
	if o.Lease <= 0 {
		o.Lease = 30 * time.Second
	}
	if o.Poll <= 0 {
		o.Poll = time.Minute
	}
	if o.MaxMail <= 0 || o.MaxMail > desk.MaxMail {
		o.MaxMail = desk.MaxMail
	}
	if o.Open == nil {
		o.Open = func(s string) (string, error) { return s, nil }
	}
	if o.Publish == nil {
		o.Publish = func(string) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Keeper{Options: o, wake: make(chan struct{}, 1), began: o.Store.Now(), holds: map[int64]*hold{}, spare: map[int64]*spare{}}
}

// Wake has the settings of all connections looked at now, because some may have
// changed. It never waits.
func (k *Keeper) Wake() {
	signal(k.wake)
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, h := range k.holds {
		signal(h.poke)
	}
}

// signal leaves a mark in a channel of one place.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Bounds of taking connections.
const (
	takeAtOnce = 16
	lookAgain  = 5 * time.Second // for connections that another process gave up
)

// Run takes the connections that nobody holds and keeps them until ctx ends;
// then it gives them back, so that another process can have them at once.
func (k *Keeper) Run(ctx context.Context) {
	var held sync.WaitGroup
	defer held.Wait()
	defer k.closeSpares()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		rows, err := k.Store.TakeIncoming(ctx, takeAtOnce, k.Lease.Milliseconds())
		if err != nil && ctx.Err() == nil {
			k.Log.Error("incoming connections cannot be taken", "error", err)
		}
		for _, in := range rows {
			held.Go(func() { k.hold(ctx, in) })
		}
		timer.Reset(k.untilDue(ctx))
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
		case <-timer.C:
		}
	}
}

// untilDue is how long it is until the next connection can be taken.
func (k *Keeper) untilDue(ctx context.Context) time.Duration {
	due, ok, err := k.Store.NextIncoming(ctx)
	if err != nil || !ok {
		return lookAgain
	}
	wait := time.Duration(due-k.Store.Now()) * time.Millisecond
	return min(max(wait, 100*time.Millisecond), lookAgain)
}

var (
	errChanged = errors.New("the settings of the connection were changed")
	errLost    = errors.New("the lease on the connection was lost")
)

// hold is a connection that this process holds.
type hold struct {
	k    *Keeper
	in   store.Incoming // settings and state as they were written last
	poke chan struct{}
	// failed is how often in a row it had failed when it was taken.
	failed int

	mu   sync.Mutex
	conn *imap.Conn
}

// alive is when the server last said anything, in milliseconds; 0: never.
func (h *hold) alive() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.conn == nil {
		return 0
	}
	return h.conn.Alive().UnixMilli()
}

func (h *hold) connected(c *imap.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conn = c
}

// hold works one connection until it fails, its settings change or ctx ends,
// and gives it back with the time at which it is tried again.
func (k *Keeper) hold(ctx context.Context, in *store.Incoming) {
	h := &hold{k: k, in: *in, poke: make(chan struct{}, 1), failed: in.Failures}
	k.mu.Lock()
	k.holds[in.MailboxID] = h
	k.mu.Unlock()
	k.Publish(Key)

	held, cancel := context.WithCancelCause(ctx)
	var beating sync.WaitGroup
	beating.Go(func() { h.beat(held, cancel) })
	err := h.work(held)
	cancel(errLost)
	beating.Wait()

	k.mu.Lock()
	if k.holds[in.MailboxID] == h {
		delete(k.holds, in.MailboxID)
	}
	k.mu.Unlock()
	h.leave(context.WithoutCancel(ctx), err)
	signal(k.wake)
}

// beat renews the lease and looks whether the settings are still the same.
func (h *hold) beat(ctx context.Context, cancel context.CancelCauseFunc) {
	k := h.k
	tick, over := time.NewTicker(k.Lease/3), time.NewTimer(k.Lease)
	defer tick.Stop()
	defer over.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-over.C:
			cancel(errLost) // the database did not answer for as long
			return
		case <-h.poke:
		case <-tick.C:
		}
		revision, err := k.Store.RenewIncoming(ctx, h.in.MailboxID, h.in.Lease, k.Lease.Milliseconds(), h.alive())
		switch {
		case err == nil && revision != h.in.Revision:
			cancel(errChanged)
		case err == nil:
			over.Reset(k.Lease)
		case postroom.CodeOf(err) == postroom.Conflict:
			cancel(errLost)
		}
	}
}

// The waits before a connection that failed is tried again, by how often in a
// row it did. One that the server refused is not hammered: accounts are locked
// for that.
var (
	waits   = []time.Duration{2 * time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute}
	refused = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute}
)

// alarmAfter is how many failures in a row are no alarm: servers restart.
const alarmAfter = 3

// steadyAfter is how long a connection must last for its failures of before to
// be forgotten.
const steadyAfter = time.Minute

// leave gives the connection back.
func (h *hold) leave(ctx context.Context, cause error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	k, now := h.k, h.k.Store.Now()
	in := h.in
	due := now
	if now-in.ConnectedAt < steadyAfter.Milliseconds() && cause != errChanged {
		in.Failures = h.failed // one that breaks again and again did not mend in between
	}
	in.State, in.ConnectedAt = store.IncomingWaiting, 0
	var raise bool
	switch {
	case errors.Is(cause, errChanged), errors.Is(cause, errLost), errors.Is(cause, context.Canceled):
		in.Words = ""
		if m, err := k.Store.Read().Mailbox(ctx, in.MailboxID); err == nil && m.Off() {
			in.State = store.IncomingOff
		}
	default:
		in.State, in.Words = store.IncomingFailing, words(cause)
		list := waits
		fault, isFault := errors.AsType[*imap.Fault](cause)
		if isFault && fault.Refused {
			list = refused
		}
		due = now + list[min(in.Failures, len(list)-1)].Milliseconds()
		in.Failures++
		raise = isFault && fault.Refused || in.Failures >= alarmAfter
		if postroom.CodeOf(cause) == postroom.Unauthorized { // one cause, one alarm
			raise = false
			if err := k.Alarms.Clear(ctx, alarm.IncomingFailing, subject(in.MailboxID)); err != nil {
				k.Log.Error("alarm", "kind", alarm.IncomingFailing, "mailbox", in.MailboxID, "error", err)
			}
		}
		k.Log.Warn("incoming connection failed", "mailbox", in.MailboxID, "server", in.Host, "failures", in.Failures, "error", cause)
	}
	if err := k.Store.Write(ctx, func(t *store.Tx) error { return t.LeaveIncoming(ctx, &in, due, now) }); err != nil {
		// The lease ends by itself.
		k.Log.Warn("an incoming connection could not be given back", "mailbox", in.MailboxID, "error", err)
	}
	if raise {
		k.raise(ctx, in.MailboxID, in.Words)
	}
	k.Publish(Key)
}

// words are what people read of an error: a server's are quoted, ours are ours.
func words(err error) string {
	if fault, ok := errors.AsType[*imap.Fault](err); ok {
		return fault.Error() + "."
	}
	if e, ok := errors.AsType[*postroom.Error](err); ok {
		return "Mail was fetched and could not be kept: " + e.Error()
	}
	return "Mail was fetched and could not be kept: " + err.Error() + "."
}

func subject(mailbox int64) string { return strconv.FormatInt(mailbox, 10) }

func (k *Keeper) raise(ctx context.Context, mailbox int64, text string) {
	if m, err := k.Store.Read().Mailbox(ctx, mailbox); err == nil {
		text = fmt.Sprintf("%s <%s>: %s", m.Name, m.Address, text)
	}
	if err := k.Alarms.Raise(ctx, alarm.IncomingFailing, subject(mailbox), text); err != nil {
		k.Log.Error("alarm", "kind", alarm.IncomingFailing, "mailbox", mailbox, "words", text, "error", err)
	}
}

// show writes how the connection is. A state in order clears its alarm.
func (h *hold) show(ctx context.Context, state, text string) error {
	h.in.State, h.in.Words = state, text
	if h.in.AliveAt = max(h.in.AliveAt, h.alive()); state == store.IncomingWatching || state == store.IncomingPolling {
		h.in.Failures = 0
		if err := h.k.Alarms.Clear(ctx, alarm.IncomingFailing, subject(h.in.MailboxID)); err != nil {
			return err
		}
	}
	err := h.k.Store.Write(ctx, func(t *store.Tx) error { return t.SetIncomingState(ctx, &h.in, h.k.Store.Now()) })
	h.k.Publish(Key)
	return err
}

// work connects and then reads and waits in turn. It returns only with an
// error.
func (h *hold) work(ctx context.Context) error {
	conn, err := h.k.dial(ctx, &h.in.Incoming)
	if err != nil {
		return err
	}
	defer conn.Close()
	h.connected(conn)
	h.in.ConnectedAt = h.k.Store.Now()
	h.in.Server = conn.Address()
	if conn.TLS != "" {
		h.in.Server += ", " + conn.TLS
	}
	shown, settled := "", false
	for {
		fault, err := h.round(ctx, conn)
		if err != nil {
			return err
		}
		state, text := store.IncomingWatching, ""
		if !conn.Has("IDLE") {
			state = store.IncomingPolling
		}
		if fault != nil {
			state, text = store.IncomingFailing, words(fault)
			h.k.raise(ctx, h.in.MailboxID, text)
		}
		if now := state + text; now != shown || h.in.State != state {
			if err := h.show(ctx, state, text); err != nil {
				return err
			}
			shown = now
		}
		if err := h.wait(ctx, conn, fault, settled); err != nil {
			return err
		}
		settled = !conn.Told()
	}
}

// settling is how long the first wait after a change lasts at most. Not every
// server tells in IDLE of what came between our last look and its beginning;
// so the folder is looked at once more soon after.
const settling = 5 * time.Second

// wait lets the server tell of new mail in the first folder; others, and a
// server that does not tell, are looked at again and again.
func (h *hold) wait(ctx context.Context, conn *imap.Conn, fault error, settled bool) error {
	longest := 24 * time.Hour // the connection's own watch ends it earlier
	if fault != nil || len(h.in.Folders) > 1 || !conn.Has("IDLE") {
		longest = h.k.Poll
	}
	if !settled {
		longest = min(longest, settling)
	}
	return conn.Wait(ctx, longest)
}

// dial connects to a mailbox's server.
func (k *Keeper) dial(ctx context.Context, in *postroom.Incoming) (*imap.Conn, error) {
	s := imap.Server{Host: in.Host, Port: in.Port, Security: imap.Security(in.Security), Auth: imap.Auth(in.Auth), Username: in.Username, TLS: k.TLS, Timeouts: k.Timeouts}
	if in.Auth == postroom.AuthSignIn {
		return k.dialSignedIn(ctx, in.MailboxID, s)
	}
	if in.Password != "" {
		var err error
		if s.Password, err = k.Open(in.Password); err != nil {
			return nil, &imap.Fault{Step: imap.StepSignIn, Server: in.Host, Refused: true, Text: "The password of the incoming connection cannot be opened with this desk's key; enter it again"}
		}
	}
	return imap.Dial(ctx, s)
}

// dialSignedIn connects with an access token. One that the server refuses may
// have ended before its time; a new one tells.
func (k *Keeper) dialSignedIn(ctx context.Context, mailbox int64, s imap.Server) (*imap.Conn, error) {
	s.Auth = imap.AuthToken
	var err error
	if s.Password, err = k.token(ctx, mailbox, s, ""); err != nil {
		return nil, err
	}
	conn, err := imap.Dial(ctx, s)
	if f, ok := errors.AsType[*imap.Fault](err); !ok || !f.Refused || f.Step != imap.StepSignIn {
		return conn, err
	}
	fresh, e := k.token(ctx, mailbox, s, s.Password)
	if e != nil {
		return nil, e
	}
	if fresh == s.Password {
		return nil, err
	}
	s.Password = fresh
	return imap.Dial(ctx, s)
}

// token asks for an access token; its error is a fault of the connection.
func (k *Keeper) token(ctx context.Context, mailbox int64, s imap.Server, refused string) (token string, err error) {
	switch {
	case k.Tokens == nil:
		err = postroom.Errorf(postroom.NotFound, "Nobody signs in at a provider here.")
	case refused != "":
		token, err = k.Tokens.Renew(ctx, mailbox, s.Host, refused)
	default:
		token, err = k.Tokens.Token(ctx, mailbox, s.Host)
	}
	if err == nil || ctx.Err() != nil {
		return token, err
	}
	code := postroom.CodeOf(err)
	return "", &imap.Fault{Step: imap.StepSignIn, Server: s.Host, Text: "Nobody can be signed in to the server " + s.Host, Err: &postroom.Error{Code: code, Text: strings.TrimSuffix(postroom.TextOf(err), ".")},
		Refused: code == postroom.NotFound || code == postroom.Forbidden}
}

// Once connects to a mailbox's server, reads all its folders once and
// disconnects, without holding the connection: for tests and the demo. It
// fails with a conflict while somebody holds it.
func (k *Keeper) Once(ctx context.Context, mailbox int64) error {
	rows, err := k.Store.TakeIncoming(ctx, takeAtOnce, k.Lease.Milliseconds())
	if err != nil {
		return err
	}
	for _, in := range rows {
		h := &hold{k: k, in: *in, poke: make(chan struct{}, 1), failed: in.Failures}
		cause := errChanged
		if in.MailboxID == mailbox {
			cause = h.once(ctx)
			err = cause
		}
		h.leave(ctx, cause)
	}
	if !slices.ContainsFunc(rows, func(in *store.Incoming) bool { return in.MailboxID == mailbox }) {
		return postroom.Errorf(postroom.Conflict, "The incoming connection is not due, or somebody holds it.")
	}
	if errors.Is(err, errChanged) {
		return nil
	}
	return err
}

// once reads all folders once; errChanged is its good end, after which the
// connection is due again at once.
func (h *hold) once(ctx context.Context) error {
	conn, err := h.k.dial(ctx, &h.in.Incoming)
	if err != nil {
		return err
	}
	defer conn.Close()
	h.connected(conn)
	h.in.ConnectedAt = h.k.Store.Now()
	fault, err := h.round(ctx, conn)
	if err == nil && fault != nil {
		err = fault
	}
	if err != nil {
		return err
	}
	if err := h.show(ctx, store.IncomingWatching, ""); err != nil {
		return err
	}
	return errChanged
}

// silentAfter is how long nobody may hold a connection that should be held.
const silentAfter = 10 * time.Minute

// Watch raises an alarm for each connection that should be held and that no
// process has held for a while: the desk's own heartbeat (W41). A process that
// has just begun has held none, and says nothing yet: after a night in which the
// desk was off it is about to connect.
func (k *Keeper) Watch(ctx context.Context) error {
	if k.Store.Now()-k.began < silentAfter.Milliseconds() {
		return nil
	}
	silent, err := k.Store.Read().SilentIncoming(ctx, k.Store.Now()-silentAfter.Milliseconds())
	for _, in := range silent {
		k.raise(ctx, in.MailboxID, "No process of the desk has fetched mail for this mailbox for more than 10 minutes.")
	}
	return err
}

// Held lists the mailboxes whose connections this process holds.
func (k *Keeper) Held() []int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Sorted(maps.Keys(k.holds))
}
