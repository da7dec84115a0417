package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"

	"postroom"
)

// SQLite's result codes that we tell apart; https://www.sqlite.org/rescode.html.
const (
	sqliteBusy     = 5
	sqliteLocked   = 6
	sqliteReadOnly = 8
	sqliteIOErr    = 10
	sqliteCorrupt  = 11
	sqliteFull     = 13
	sqliteCantOpen = 14
	sqliteProtocol = 15
	sqliteNotADB   = 26

	sqliteUniqueKey  = 2067
	sqlitePrimaryKey = 1555
	sqliteRowID      = 2579
)

// NotFound turns "no rows" into a postroom.NotFound with a sentence for
// people. Every other error, and nil, is returned as it is.
func NotFound(err error, format string, args ...any) error {
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	e := postroom.Errorf(postroom.NotFound, format, args...)
	e.Err = err
	return e
}

// IsUnique says whether err came from a row that exists already: a primary
// key or a unique index refused it. On PostgreSQL the transaction it happened
// in can only be rolled back, unless it happened inside Tx.Savepoint; write
// "on conflict do nothing" where it is expected.
func IsUnique(err error) bool {
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pe.Code == "23505"
	}
	if se, ok := errors.AsType[*sqlite.Error](err); ok {
		switch se.Code() {
		case sqliteUniqueKey, sqlitePrimaryKey, sqliteRowID:
			return true
		}
	}
	return false
}

// IsUnavailable says whether err means that the database cannot be used now:
// it is gone, starting, locked, full or read-only.
func IsUnavailable(err error) bool {
	if postroom.CodeOf(err) == postroom.Unavailable {
		return true
	}
	_, gone := unavailable(err)
	return gone
}

// isRetryable says whether PostgreSQL gave up one of two transactions that
// were in each other's way (serialisation failure, deadlock).
func isRetryable(err error) bool {
	pe, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pe.Code == "40001" || pe.Code == "40P01")
}

// translate gives a driver's error its postroom code. What has one already,
// "no rows" and the end of a context pass unchanged.
func translate(err error) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if _, ok := errors.AsType[*postroom.Error](err); ok {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if IsUnique(err) {
		return &postroom.Error{Code: postroom.Conflict, Text: "That exists already.", Err: err}
	}
	if text, ok := unavailable(err); ok {
		return &postroom.Error{Code: postroom.Unavailable, Text: text, Err: err}
	}
	return err
}

// unavailable returns the sentence for a database that cannot be used now.
func unavailable(err error) (string, bool) {
	if se, ok := errors.AsType[*sqlite.Error](err); ok {
		return unavailableSQLite(se.Code())
	}
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		return unavailablePostgres(pe.Code)
	}
	var ne net.Error
	var ce *pgconn.ConnectError
	switch {
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), errors.Is(err, syscall.ECONNRESET),
		errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNREFUSED),
		errors.As(err, &ne), errors.As(err, &ce):
		return "The database does not answer.", true
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "The disk of the database is full.", true
	}
	return "", false
}

func unavailableSQLite(code int) (string, bool) {
	switch code & 0xff {
	case sqliteBusy, sqliteLocked, sqliteProtocol:
		return "The database file is locked by another program.", true
	case sqliteFull:
		return "The disk of the database is full.", true
	case sqliteReadOnly:
		return "The database file may not be written to.", true
	case sqliteIOErr:
		return "The disk of the database reports an error.", true
	case sqliteCantOpen:
		return "The database file cannot be opened.", true
	case sqliteCorrupt, sqliteNotADB:
		return "The database file is damaged.", true
	}
	return "", false
}

// unavailablePostgres goes by the class of the SQLSTATE; see appendix A of
// PostgreSQL's manual.
func unavailablePostgres(code string) (string, bool) {
	switch code {
	case "53100":
		return "The disk of the database is full.", true
	case "53300":
		return "The database has too many connections.", true
	case "25006":
		return "The database may not be written to.", true
	case "57P01", "57P02", "57P03", "57P05":
		return "The database is starting or stopping.", true
	case "3D000":
		return "There is no such database on the server.", true
	case "55P03":
		return "The database is busy with something else for too long.", true
	}
	if len(code) == 5 {
		switch code[:2] {
		case "08":
			return "The database does not answer.", true
		case "28":
			return "The database refuses our name or password.", true
		case "53", "58":
			return "The database reports a fault of its machine.", true
		}
	}
	return "", false
}
