package imap

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// Conn is a connection that is signed in. It is used by one goroutine at a
// time; Alive may be called by any. After an error that is no refusal it is of
// no use and must be closed.
type Conn struct {
	Greeting string // the server's first line
	TLS      string // "TLS 1.3", "" for none

	server  Server
	address string
	watched *watched
	client  *imapclient.Client
	changed chan struct{} // something about the open folder has changed
	told    bool          // the last Wait ended for that
	open    string        // the folder that is open
	folders []Folder
}

// Address returns "host:port".
func (c *Conn) Address() string { return c.address }

// Alive returns when the last byte came from the server.
func (c *Conn) Alive() time.Time { return c.watched.heard() }

// Has reports whether the server offers a capability: "IDLE", "MOVE".
func (c *Conn) Has(capability string) bool { return c.client.Caps().Has(imap.Cap(capability)) }

// Capabilities lists what the server offers, in no order.
func (c *Conn) Capabilities() []string {
	var out []string
	for name := range c.client.Caps() {
		out = append(out, string(name))
	}
	return out
}

// Close says goodbye, for at most a second, and closes the connection.
func (c *Conn) Close() error {
	timer := time.AfterFunc(time.Second, func() { c.watched.Conn.Close() })
	defer timer.Stop()
	_ = c.client.Logout().Wait()
	c.client.Close()
	return nil
}

// mark notes that the open folder has changed.
func (c *Conn) mark() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// do runs one command and ends the connection when ctx does, or when the
// server owes an answer and has said nothing for too long: a peer that is gone
// without a word is found out this way and no other.
func (c *Conn) do(ctx context.Context, step Step, f func() error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	stop := context.AfterFunc(ctx, func() { c.watched.Conn.Close() })
	defer stop()
	end := c.watched.expect()
	err := f()
	silent := end()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return c.fault(step, err, silent)
}

// fault puts an error of the library into words.
func (c *Conn) fault(step Step, err error, silent bool) *Fault {
	f := &Fault{Step: step, Server: c.address}
	if no, ok := errors.AsType[*imap.Error](err); ok {
		f.Refused, f.Words = true, words(no)
		f.Text = "The server " + c.address + " refused"
		return f
	}
	switch {
	case silent:
		f.Text = "The server " + c.address + " has not said anything for " + c.server.Timeouts.Silence.String() + ": the connection is dead"
	default:
		f.Text, f.Words = "The server "+c.address+" closed the connection", c.watched.goodbye()
		if f.Words == "" {
			f.Err = cause(err)
		}
	}
	return f
}

// cause leaves out what says nothing to people.
func cause(err error) error {
	if errors.Is(err, net.ErrClosed) || strings.Contains(err.Error(), "EOF") {
		return nil
	}
	return err
}

// words are a refusal as the server wrote it.
func words(e *imap.Error) string {
	s := string(e.Type)
	if e.Code != "" {
		s += " [" + string(e.Code) + "]"
	}
	return line(s + " " + e.Text)
}

// watched is a connection that knows when the peer was last heard, gives up on
// a silent one, and remembers its last words.
type watched struct {
	net.Conn
	before  []byte // what was read from the peer already
	silence time.Duration
	last    atomic.Int64 // when something was read, in nanoseconds since 1970

	mu   sync.Mutex
	tail []byte // the last bytes that were read
}

// maxTail is how much of what was read last is remembered.
const maxTail = 1 << 10

func newWatched(conn net.Conn, greeting string, silence time.Duration) *watched {
	w := &watched{Conn: conn, before: []byte(greeting + "\r\n"), silence: silence}
	w.last.Store(time.Now().UnixNano())
	return w
}

// Read reads, and takes note of it.
func (w *watched) Read(p []byte) (int, error) {
	if len(w.before) > 0 {
		n := copy(p, w.before)
		w.before = w.before[n:]
		return n, nil
	}
	n, err := w.Conn.Read(p)
	if n > 0 {
		w.last.Store(time.Now().UnixNano())
		w.mu.Lock()
		w.tail = append(w.tail, p[max(0, n-maxTail):n]...)
		w.tail = append([]byte{}, w.tail[max(0, len(w.tail)-maxTail):]...)
		w.mu.Unlock()
	}
	return n, err
}

func (w *watched) heard() time.Time { return time.Unix(0, w.last.Load()) }

// expect says that the peer owes an answer. When it stays silent the
// connection is closed; the returned function ends the wait and tells whether
// that happened.
func (w *watched) expect() (end func() (silent bool)) {
	var mu sync.Mutex
	var dead, ended bool
	from := time.Now()
	var timer *time.Timer
	look := func() {
		mu.Lock()
		defer mu.Unlock()
		if ended {
			return
		}
		since := from
		if h := w.heard(); h.After(since) {
			since = h
		}
		if left := w.silence - time.Since(since); left > 0 {
			timer.Reset(left)
			return
		}
		dead = true
		w.Conn.Close()
	}
	mu.Lock()
	timer = time.AfterFunc(w.silence, look)
	mu.Unlock()
	return func() bool {
		mu.Lock()
		defer mu.Unlock()
		ended = true
		timer.Stop()
		return dead
	}
}

// goodbye returns the words with which the peer ended the connection (RFC 9051
// 7.1.5); "" if it said none. They must be the last line of all, since the line
// could stand in a mail as well.
func (w *watched) goodbye() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := bytes.TrimRight(w.tail, "\r\n")
	if i := bytes.LastIndexByte(text, '\n'); i >= 0 {
		text = text[i+1:]
	}
	words, ok := bytes.CutPrefix(text, []byte("* BYE"))
	if !ok {
		return ""
	}
	return line("BYE " + string(words))
}

// prefixed is a connection of which something was read already.
type prefixed struct {
	net.Conn
	before []byte
}

// Read returns what was read already, then what comes.
func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.before) > 0 {
		n := copy(b, p.before)
		p.before = p.before[n:]
		return n, nil
	}
	return p.Conn.Read(b)
}
