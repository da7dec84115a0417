package store

import (
	"context"
)

// Alarm says what is wrong, since when, and what to do (W41).
type Alarm struct {
	ID             int64
	Kind           string
	Subject        string // what it is about; one open alarm per kind and subject
	SinceAt        int64
	LastAt         int64
	N              int
	Words          string
	Remedy         string
	AcknowledgedAt int64
	AcknowledgedBy int64
	ClearedAt      int64
}

const alarmColumns = `id, kind, subject, since_at, last_at, n, words, remedy, acknowledged_at, acknowledged_by, cleared_at`

func scanAlarm(r row) (Alarm, error) {
	var a Alarm
	err := r.Scan(&a.ID, &a.Kind, &a.Subject, &a.SinceAt, &a.LastAt, &a.N, &a.Words, &a.Remedy, &a.AcknowledgedAt, &a.AcknowledgedBy, &a.ClearedAt)
	return a, err
}

const (
	qRaise = `insert into alarm (id, kind, subject, since_at, last_at, words, remedy) values ($1,$2,$3,$4,$4,$5,$6)
		on conflict (kind, subject) where cleared_at = 0 do update set last_at = excluded.last_at, words = excluded.words, n = alarm.n + 1`
	qClear       = `update alarm set cleared_at = $3 where kind = $1 and subject = $2 and cleared_at = 0`
	qAcknowledge = `update alarm set acknowledged_at = $2, acknowledged_by = $3 where id = $1 and acknowledged_at = 0`
	qOpenAlarms  = `select count(*) from alarm where cleared_at = 0 and acknowledged_at = 0`
	qAlarms      = `select ` + alarmColumns + ` from alarm where cleared_at = 0 or cleared_at > $1 order by cleared_at = 0 desc, since_at desc, id desc limit 200`
)

// RaiseAlarm opens an alarm, or adds to the open one of the same kind and
// subject.
func (t *Tx) RaiseAlarm(ctx context.Context, a Alarm) error {
	_, err := t.exec(ctx, qRaise, a.ID, a.Kind, a.Subject, a.SinceAt, a.Words, a.Remedy)
	return err
}

// ClearAlarm closes an alarm because its cause is gone; it reports whether
// there was one.
func (t *Tx) ClearAlarm(ctx context.Context, kind, subject string, at int64) (bool, error) {
	n, err := t.exec(ctx, qClear, kind, subject, at)
	return n > 0, err
}

// AcknowledgeAlarm notes that an agent has seen an alarm.
func (t *Tx) AcknowledgeAlarm(ctx context.Context, id, agent, at int64) error {
	_, err := t.exec(ctx, qAcknowledge, id, at, agent)
	return err
}

const qAlarm = `select ` + alarmColumns + ` from alarm where id = $1`

// Alarm loads one alarm.
func (r Read) Alarm(ctx context.Context, id int64) (Alarm, error) {
	a, err := scanAlarm(r.q.QueryRow(ctx, qAlarm, id))
	return a, missing(err, "There is no such alarm.")
}

// OpenAlarms counts the alarms nobody has acknowledged.
func (r Read) OpenAlarms(ctx context.Context) (int, error) {
	var n int
	err := r.q.QueryRow(ctx, qOpenAlarms).Scan(&n)
	return n, err
}

// Alarms lists the open alarms and those cleared since a time, open ones first.
func (r Read) Alarms(ctx context.Context, clearedSince int64) ([]Alarm, error) {
	var out []Alarm
	err := each(ctx, r.q, qAlarms, []any{clearedSince}, func(rows row) error {
		a, err := scanAlarm(rows)
		out = append(out, a)
		return err
	})
	return out, err
}
