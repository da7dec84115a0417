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
	qNextNumbersPostgres = `select nextval('conversation_number') from generate_series(1, $1::bigint)`
	qNextNumbersSQLite   = `update number_counter set value = value + $1 where name = 'conversation' returning value`
)

// NextNumbers draws the next n conversation numbers, ascending and beginning
// with 1. On PostgreSQL numbers drawn by a transaction that is rolled back are
// lost; on SQLite they are drawn again.
func (t *Tx) NextNumbers(ctx context.Context, n int) ([]int64, error) {
	if n < 1 {
		return nil, nil
	}
	if t.engine == Postgres {
		return Collect(ctx, t, func(rows *Rows) (number int64, err error) {
			err = rows.Scan(&number)
			return number, err
		}, qNextNumbersPostgres, n)
	}
	var last int64
	if err := t.QueryRow(ctx, qNextNumbersSQLite, n).Scan(&last); err != nil {
		return nil, err
	}
	numbers := make([]int64, n)
	for i := range numbers {
		numbers[i] = last - int64(n-1-i)
	}
	return numbers, nil
}
