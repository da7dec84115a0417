package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"postroom"
)

// SystemMail is the way by which the desk mails its alarms, apart from all
// mailboxes (W41).
type SystemMail struct {
	Channel    postroom.Channel // Password is sealed
	Sender     string           // address
	Recipients []string         // addresses; none: every admin
	Words      string           // what the last attempt came to
	TriedAt    int64
	SentAt     int64
}

const (
	qSystemMail     = `select host, port, security, username, password, sender, recipients, words, tried_at, sent_at from system_mail where id = 1`
	qSaveSystemMail = `insert into system_mail (id, host, port, security, username, password, sender, recipients) values (1,$1,$2,$3,$4,$5,$6,$7)
		on conflict (id) do update set host = excluded.host, port = excluded.port, security = excluded.security, username = excluded.username,
		password = excluded.password, sender = excluded.sender, recipients = excluded.recipients, words = '', tried_at = 0`
	qDropSystemMail  = `delete from system_mail`
	qTriedSystemMail = `update system_mail set words = $1, tried_at = $2, sent_at = case when $3 = 1 then $2 else sent_at end where id = 1`
	qAlarmsToMail    = `select ` + alarmColumns + ` from alarm where cleared_at = 0 and acknowledged_at = 0 and mailed_at = 0 and since_at <= $1 order by since_at, id limit 100`
	qAlarmMailed     = `update alarm set mailed_at = $2 where id = $1`
	qAdminAddresses  = `select email from agent where role = 'admin' and disabled_at = 0 order by id`
)

// SystemMail returns how the desk mails its alarms; nil if it does not.
func (r Read) SystemMail(ctx context.Context) (*SystemMail, error) {
	var m SystemMail
	var recipients string
	err := r.q.QueryRow(ctx, qSystemMail).Scan(&m.Channel.Host, &m.Channel.Port, &m.Channel.Security, &m.Channel.Username, &m.Channel.Password, &m.Sender, &recipients, &m.Words, &m.TriedAt, &m.SentAt)
	if errors.Is(err, sql.ErrNoRows) || postroom.CodeOf(err) == postroom.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("system mail: %w", err)
	}
	return &m, fromJSON(recipients, &m.Recipients)
}

// SaveSystemMail sets it.
func (t *Tx) SaveSystemMail(ctx context.Context, m SystemMail) error {
	_, err := t.exec(ctx, qSaveSystemMail, m.Channel.Host, m.Channel.Port, m.Channel.Security, m.Channel.Username, m.Channel.Password, m.Sender, toJSON(m.Recipients))
	return err
}

// DropSystemMail switches it off.
func (t *Tx) DropSystemMail(ctx context.Context) error {
	_, err := t.exec(ctx, qDropSystemMail)
	return err
}

// TriedSystemMail notes what an attempt came to.
func (t *Tx) TriedSystemMail(ctx context.Context, words string, sent bool, at int64) error {
	_, err := t.exec(ctx, qTriedSystemMail, clipped(words, maxLogWords), at, bit(sent))
	return err
}

// AlarmsToMail lists the open alarms raised up to a time that nobody was
// mailed about, nor has acknowledged.
func (r Read) AlarmsToMail(ctx context.Context, before int64) ([]Alarm, error) {
	var out []Alarm
	err := each(ctx, r.q, qAlarmsToMail, []any{before}, func(rows row) error {
		a, err := scanAlarm(rows)
		out = append(out, a)
		return err
	})
	return out, err
}

// AlarmMailed notes that people were mailed about an alarm.
func (t *Tx) AlarmMailed(ctx context.Context, id, at int64) error {
	_, err := t.exec(ctx, qAlarmMailed, id, at)
	return err
}

// AdminAddresses lists the addresses of the admins who may sign in.
func (r Read) AdminAddresses(ctx context.Context) ([]string, error) {
	var out []string
	err := each(ctx, r.q, qAdminAddresses, nil, func(rows row) error {
		var address string
		err := rows.Scan(&address)
		out = append(out, address)
		return err
	})
	return out, err
}
