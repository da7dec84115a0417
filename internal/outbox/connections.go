package outbox

import (
	"context"
	"sync"
	"time"

	"postroom/internal/wire/smtpout"
)

// idleFor is how long a connection is kept for the next mail.
const idleFor = 15 * time.Second

// idleSlot is how long an idle connection is counted on if the process dies.
const idleSlot = idleFor + 5*time.Second

// connections keeps at most one idle connection per mailbox. The settings a
// connection was made with are part of its key, so a changed password dials
// anew. How many connections there may be is counted in rows, over all
// processes: a mail is claimed with one (R12); freed is told when an idle one
// was closed.
type connections struct {
	freed func(mailbox int64)

	mu     sync.Mutex
	idle   map[connKey]*idleConn
	closed bool
}

type connKey struct {
	mailbox        int64
	host           string
	port           int
	security       smtpout.Security
	user, password string
}

type idleConn struct {
	conn  *smtpout.Conn
	timer *time.Timer
}

func newConnections(freed func(mailbox int64)) *connections {
	return &connections{freed: freed, idle: map[connKey]*idleConn{}}
}

func keyOf(mailbox int64, s smtpout.Server) connKey {
	return connKey{mailbox, s.Host, s.Port, s.Security, s.Username, s.Password}
}

// take returns the idle connection of a mailbox, nil if there is none.
func (c *connections) take(k connKey) *smtpout.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.idle[k]
	if i == nil {
		return nil
	}
	delete(c.idle, k)
	i.timer.Stop()
	return i.conn
}

// give keeps a connection for the next mail, or closes it, and reports which.
func (c *connections) give(k connKey, conn *smtpout.Conn) (kept bool) {
	c.mu.Lock()
	keep := !c.closed && conn.Reusable() && c.idle[k] == nil
	if keep {
		i := &idleConn{conn: conn}
		i.timer = time.AfterFunc(idleFor, func() { c.expire(k, i) })
		c.idle[k] = i
	}
	c.mu.Unlock()
	if !keep {
		conn.Close()
	}
	return keep
}

func (c *connections) expire(k connKey, i *idleConn) {
	c.mu.Lock()
	mine := c.idle[k] == i
	if mine {
		delete(c.idle, k)
	}
	c.mu.Unlock()
	if mine {
		i.conn.Close()
		c.freed(k.mailbox)
	}
}

// close closes the idle connections and reports whether there were any.
func (c *connections) close() bool {
	c.mu.Lock()
	c.closed = true
	idle := c.idle
	c.idle = map[connKey]*idleConn{}
	c.mu.Unlock()
	for _, i := range idle {
		i.timer.Stop()
		i.conn.Close()
	}
	return len(idle) > 0
}

// sent is what became of handing a mail over.
type sent struct {
	result smtpout.Result
	fault  *smtpout.Fault // no connection could be had
	kept   bool           // the connection is open for the next mail
	// alarmed says that people are told of the fault already, by its own alarm.
	alarmed bool
}

// send hands one mail over, on the idle connection or a new one. A connection
// that the server closed while it was idle costs nothing.
func (c *connections) send(ctx context.Context, mailbox int64, s smtpout.Server, env smtpout.Envelope, body []byte, hooks smtpout.Hooks) sent {
	k := keyOf(mailbox, s)
	if conn := c.take(k); conn != nil {
		r := conn.Send(ctx, env, body, hooks)
		if !r.Stale {
			return sent{result: r, kept: c.give(k, conn)}
		}
		conn.Close()
	}
	conn, fault := smtpout.Dial(ctx, s)
	if fault != nil {
		return sent{fault: fault}
	}
	r := conn.Send(ctx, env, body, hooks)
	return sent{result: r, kept: c.give(k, conn)}
}
