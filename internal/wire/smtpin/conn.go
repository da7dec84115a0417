package smtpin

import (
	"crypto/tls"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"
)

// listener counts the connections, bounds them, and can tell the idle ones
// from those that hand in a mail, which go-smtp's Shutdown cannot: it waits
// for every peer to hang up by itself.
type listener struct {
	net.Listener
	max  int
	idle time.Duration
	log  *slog.Logger

	mu       sync.Mutex
	conns    map[*conn]struct{}
	draining bool
}

// Accept returns the next connection within the bound. The others are told
// to come back (RFC 5321 section 4.3.2 allows 421 as a greeting).
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		own := &conn{Conn: c, listener: l}
		if l.add(own) {
			return own, nil
		}
		l.log.Warn("too many connections, one was turned away", "limit", l.max, "peer", c.RemoteAddr().String())
		if c.SetWriteDeadline(time.Now().Add(time.Second)) == nil {
			_, _ = c.Write([]byte("421 4.3.2 Too many connections, please try again later\r\n"))
		}
		c.Close()
	}
}

// add counts a connection in, unless there are too many.
func (l *listener) add(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.conns) >= l.max || l.draining {
		return false
	}
	l.conns[c] = struct{}{}
	return true
}

// find returns our connection under the one the library shows, which is a
// TLS connection after STARTTLS.
func (l *listener) find(c net.Conn) *conn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	own, _ := c.(*conn)
	return own
}

// drain makes every idle connection end, now and from now on.
func (l *listener) drain() {
	for _, c := range l.begin() {
		c.wake()
	}
}

// begin marks the draining and returns the connections there are.
func (l *listener) begin() []*conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.draining = true
	all := make([]*conn, 0, len(l.conns))
	for c := range l.conns {
		all = append(all, c)
	}
	return all
}

// isDraining says whether a shutdown has begun.
func (l *listener) isDraining() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.draining
}

// closeAll cuts every connection.
func (l *listener) closeAll() {
	for _, c := range l.begin() {
		c.Close()
	}
}

// conn has a timeout for each read and write instead of one for a whole mail,
// so that a slow peer with a big mail is not cut off while it still sends.
type conn struct {
	net.Conn
	listener *listener

	mu   sync.Mutex
	busy bool // a mail is being handed in
}

// setBusy says whether a mail is being handed in. A nil conn has no state.
func (c *conn) setBusy(busy bool) {
	if c == nil {
		return
	}
	c.mu.Lock()
	c.busy = busy
	c.mu.Unlock()
}

// wake ends a read that waits for the next command.
func (c *conn) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.busy {
		// A closed connection has nothing to wake.
		_ = c.Conn.SetReadDeadline(time.Unix(1, 0))
	}
}

// arm sets the deadline of the next read. Between mails of a server that
// stops it says that the time is up, which the library answers with 421.
func (c *conn) arm() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.busy && c.listener.isDraining() {
		return os.ErrDeadlineExceeded
	}
	return c.Conn.SetReadDeadline(time.Now().Add(c.listener.idle))
}

// Read reads with the idle timeout.
func (c *conn) Read(p []byte) (int, error) {
	if err := c.arm(); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// Write writes with the idle timeout.
func (c *conn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.listener.idle)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// Close closes and counts out.
func (c *conn) Close() error {
	c.listener.mu.Lock()
	delete(c.listener.conns, c)
	c.listener.mu.Unlock()
	return c.Conn.Close()
}
