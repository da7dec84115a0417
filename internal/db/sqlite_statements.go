package db

import (
	"container/list"
	"context"
	"database/sql/driver"
	"errors"
)

// maxStatements is how many prepared statements a connection keeps.
const maxStatements = 512

// cachingConnector opens SQLite connections that keep their prepared
// statements. Preparing costs several times what running a small statement
// does, and database/sql alone prepares anew for each call.
type cachingConnector struct{ driver.Connector }

// Connect opens a connection.
func (c cachingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	full, ok := conn.(sqliteConn)
	if !ok {
		_ = conn.Close()
		return nil, errors.New("db: the SQLite driver lacks an interface it had")
	}
	return &cachingConn{sqliteConn: full, byText: map[string]*list.Element{}, recent: list.New()}, nil
}

// sqliteConn is what the driver's connection offers and database/sql uses.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// sqliteStmt is what the driver's prepared statement offers.
type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type cachedStmt struct {
	text string
	stmt sqliteStmt
	busy bool // its rows are being read
}

// cachingConn is one connection; database/sql lets one goroutine in at a time.
type cachingConn struct {
	sqliteConn
	byText map[string]*list.Element // of *cachedStmt
	recent *list.List               // the most recently used first
}

// statement returns the prepared statement of a text, nil if it is in use.
func (c *cachingConn) statement(ctx context.Context, text string) (*cachedStmt, error) {
	if e, ok := c.byText[text]; ok {
		s := e.Value.(*cachedStmt)
		if s.busy {
			return nil, nil
		}
		c.recent.MoveToFront(e)
		return s, nil
	}
	st, err := c.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	full, ok := st.(sqliteStmt)
	if !ok {
		return nil, errors.Join(errors.New("db: the SQLite driver lacks an interface it had"), st.Close())
	}
	s := &cachedStmt{text: text, stmt: full}
	c.byText[text] = c.recent.PushFront(s)
	return s, c.evict()
}

// evict closes the statement unused for longest when there are too many.
func (c *cachingConn) evict() error {
	for e := c.recent.Back(); e != nil && c.recent.Len() > maxStatements; {
		prev, s := e.Prev(), e.Value.(*cachedStmt)
		if !s.busy {
			c.recent.Remove(e)
			delete(c.byText, s.text)
			if err := s.stmt.Close(); err != nil {
				return err
			}
		}
		e = prev
	}
	return nil
}

func (c *cachingConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.statement(ctx, text)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.sqliteConn.ExecContext(ctx, text, args)
	}
	return s.stmt.ExecContext(ctx, args)
}

func (c *cachingConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.statement(ctx, text)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.sqliteConn.QueryContext(ctx, text, args)
	}
	rows, err := s.stmt.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	s.busy = true
	return &cachedRows{Rows: rows, stmt: s}, nil
}

// Close closes the statements and the connection.
func (c *cachingConn) Close() error {
	var errs []error
	for e := c.recent.Front(); e != nil; e = e.Next() {
		errs = append(errs, e.Value.(*cachedStmt).stmt.Close())
	}
	c.byText, c.recent = nil, list.New()
	return errors.Join(append(errs, c.sqliteConn.Close())...)
}

// cachedRows frees its statement when it is closed.
type cachedRows struct {
	driver.Rows
	stmt *cachedStmt
}

func (r *cachedRows) Close() error {
	r.stmt.busy = false
	return r.Rows.Close()
}
