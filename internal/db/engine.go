package db

import "context"

// Engine is the database underneath. Its methods are the whole dialect: all
// other SQL is one text for both engines.
type Engine string

// The two engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// ForUpdate returns the end of a select that locks the rows it reads until
// the transaction ends. SQLite has one writer, so there it is empty.
func (e Engine) ForUpdate() string {
	if e == Postgres {
		return " for update"
	}
	return ""
}

// ForChange is ForUpdate for who may change the rows but not delete them: it
// and ForKeep do not wait for each other.
func (e Engine) ForChange() string {
	if e == Postgres {
		return " for no key update"
	}
	return ""
}

// ForKeep returns the end of a select that keeps the rows it reads from being
// deleted until the transaction ends. Many can keep the same row.
func (e Engine) ForKeep() string {
	if e == Postgres {
		return " for key share"
	}
	return ""
}

// SkipLocked returns the end of a select that locks the rows it reads for a
// change and passes over those somebody else has locked so. Repeat the
// condition in the outer where: the row may have changed between the look and
// the lock.
func (e Engine) SkipLocked() string {
	if e == Postgres {
		return e.ForChange() + " skip locked"
	}
	return ""
}

const (
	qNextNumberPostgres = `select nextval('conversation_number')`
	qNextNumberSQLite   = `update number_counter set value = value + 1 where name = 'conversation' returning value`
)

// NextNumber draws the next conversation number, beginning with 1. On
// PostgreSQL numbers drawn by a transaction that is rolled back are lost; on
// SQLite they are drawn again.
func (t *Tx) NextNumber(ctx context.Context) (int64, error) {
	q := qNextNumberSQLite
	if t.engine == Postgres {
		q = qNextNumberPostgres
	}
	var n int64
	err := t.QueryRow(ctx, q).Scan(&n)
	return n, err
}
