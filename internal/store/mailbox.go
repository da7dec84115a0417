package store

import (
	"context"
	"errors"
	"slices"

	"postroom"
)

const mailboxColumns = `id, name, address, aliases, sender_name, signature, undo_ms, reopen_days, send_anyway, subaddress, separator, authserv,
	host, port, security, username, password, sender_form, reply_status, reply_assignee, auto_bcc, headers, off_at, token_enough, connections, per_minute, auth, calendar_id`

func scanMailbox(r row) (*postroom.Mailbox, error) {
	var m postroom.Mailbox
	var aliases, bcc, headers string
	err := r.Scan(&m.ID, &m.Name, &m.Address, &aliases, &m.SenderName, &m.Signature, &m.UndoMS, &m.ReopenDays, &m.SendAnyway, &m.Subaddress,
		&m.Separator, &m.AuthServ, &m.Channel.Host, &m.Channel.Port, &m.Channel.Security, &m.Channel.Username, &m.Channel.Password,
		&m.SenderForm, &m.ReplyStatus, &m.ReplyAssignee, &bcc, &headers, &m.OffAt, &m.TokenEnough, &m.Connections, &m.PerMinute, &m.Channel.Auth, &m.CalendarID)
	if err == nil {
		err = errors.Join(fromJSON(aliases, &m.Aliases), fromJSON(bcc, &m.AutoBcc), fromJSON(headers, &m.Headers))
	}
	return &m, err
}

const (
	qMailbox       = `select ` + mailboxColumns + ` from mailbox where id = $1`
	qMailboxes     = `select ` + mailboxColumns + ` from mailbox order by name, id`
	qInsertMailbox = `insert into mailbox (` + mailboxColumns + `, created_at) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25,$26,$27,$28,$29)`
	qUpdateMailbox = `update mailbox set name = $2, address = $3, aliases = $4, sender_name = $5, signature = $6, undo_ms = $7, reopen_days = $8,
		send_anyway = $9, subaddress = $10, separator = $11, authserv = $12, host = $13, port = $14, security = $15, username = $16, password = $17,
		sender_form = $18, reply_status = $19, reply_assignee = $20, auto_bcc = $21, headers = $22, off_at = $23, token_enough = $24,
		connections = $25, per_minute = $26, auth = $27, calendar_id = $28 where id = $1`
)

// Mailbox loads a mailbox.
func (r Read) Mailbox(ctx context.Context, id int64) (*postroom.Mailbox, error) {
	m, err := scanMailbox(r.q.QueryRow(ctx, qMailbox, id))
	if err != nil {
		return nil, missing(err, "There is no such mailbox.")
	}
	return m, nil
}

// Mailboxes lists all mailboxes by name.
func (r Read) Mailboxes(ctx context.Context) ([]*postroom.Mailbox, error) {
	var out []*postroom.Mailbox
	err := each(ctx, r.q, qMailboxes, nil, func(rows row) error {
		m, err := scanMailbox(rows)
		out = append(out, m)
		return err
	})
	return out, err
}

// InsertMailbox stores a new mailbox.
func (t *Tx) InsertMailbox(ctx context.Context, m *postroom.Mailbox, at int64) error {
	_, err := t.exec(ctx, qInsertMailbox, append(mailboxArgs(m), at)...)
	return err
}

// UpdateMailbox writes a mailbox.
func (t *Tx) UpdateMailbox(ctx context.Context, m *postroom.Mailbox) error {
	return t.one(ctx, "save mailbox", qUpdateMailbox, mailboxArgs(m)...)
}

func mailboxArgs(m *postroom.Mailbox) []any {
	return []any{m.ID, m.Name, m.Address, toJSON(m.Aliases), m.SenderName, m.Signature, m.UndoMS, m.ReopenDays, bit(m.SendAnyway), bit(m.Subaddress),
		m.Separator, m.AuthServ, m.Channel.Host, m.Channel.Port, m.Channel.Security, m.Channel.Username, m.Channel.Password,
		m.SenderForm, m.ReplyStatus, m.ReplyAssignee, toJSON(m.AutoBcc), toJSON(m.Headers), m.OffAt, bit(m.TokenEnough), m.Connections, m.PerMinute, orPassword(m.Channel.Auth), m.CalendarID}
}

func orPassword(auth string) string {
	if auth == "" {
		return postroom.AuthPassword
	}
	return auth
}

const (
	qGrant      = `insert into mailbox_agent (mailbox_id, agent_id) values ($1, $2) on conflict (mailbox_id, agent_id) do nothing`
	qMailboxMay = `select agent_id from mailbox_agent where mailbox_id = $1 order by agent_id`
)

// SetMailboxAgents says which agents may see a mailbox; admins always may.
// Those who could before keep their right; the others may answer.
func (t *Tx) SetMailboxAgents(ctx context.Context, mailbox int64, agents []int64) error {
	had, err := t.MailboxAgents(ctx, mailbox)
	if err != nil {
		return err
	}
	for _, a := range had {
		if !slices.Contains(agents, a) {
			if _, err := t.exec(ctx, qRevoke, mailbox, a); err != nil {
				return err
			}
		}
	}
	for _, a := range agents {
		if _, err := t.exec(ctx, qGrant, mailbox, a); err != nil {
			return err
		}
	}
	return nil
}

// MailboxAgents lists the agents who were given a mailbox.
func (r Read) MailboxAgents(ctx context.Context, mailbox int64) ([]int64, error) {
	return r.ids(ctx, qMailboxMay, mailbox)
}
