package store

import (
	"context"
	"database/sql"

	"postroom"
)

// Session is one signed-in browser. Hash is the SHA-256 of its token in hex;
// the token itself is nowhere but in the browser.
type Session struct {
	Hash      string
	AgentID   int64
	CreatedAt int64
	SeenAt    int64
	ExpiresAt int64
	IP        string
	Browser   string // its User-Agent
}

const (
	qInsertSession = `insert into session (hash, agent_id, created_at, seen_at, expires_at, ip, browser) values ($1,$2,$3,$4,$5,$6,$7)`

	qSession = `select a.id, a.name, a.email, a.role, a.zone, a.theme, a.disabled_at, a.created_at, a.follows_own,
		s.created_at, s.seen_at, s.expires_at, s.ip, s.browser, m.mailbox_id, m.rights, m.only_assigned, m.workflows
		from session s join agent a on a.id = s.agent_id left join mailbox_agent m on m.agent_id = a.id
		where s.hash = $1 order by m.mailbox_id`

	qSessions = `select hash, agent_id, created_at, seen_at, expires_at, ip, browser from session
		where agent_id = $1 and expires_at > $2 order by seen_at desc, hash`
	qTouchSession = `update session set seen_at = $2, expires_at = $3, ip = $4 where hash = $1`
)

// InsertSession stores a new session.
func (t *Tx) InsertSession(ctx context.Context, s Session) error {
	_, err := t.exec(ctx, qInsertSession, s.Hash, s.AgentID, s.CreatedAt, s.SeenAt, s.ExpiresAt, s.IP, s.Browser)
	return err
}

// Session loads a session with its agent and the mailboxes they were given,
// in one query; whether it has expired is for the caller to see.
func (r Read) Session(ctx context.Context, hash string) (Session, *postroom.Agent, error) {
	s := Session{Hash: hash}
	var agent *postroom.Agent
	err := each(ctx, r.q, qSession, []any{hash}, func(rows row) error {
		var mailbox, only sql.NullInt64
		var rights, workflows sql.NullString
		a, err := scanAgent(rows, &s.CreatedAt, &s.SeenAt, &s.ExpiresAt, &s.IP, &s.Browser, &mailbox, &rights, &only, &workflows)
		if agent == nil || err != nil {
			agent = a
		}
		if mailbox.Valid {
			agent.Give(mailbox.Int64, postroom.Right{Most: postroom.Verb(rights.String), OnlyAssigned: only.Int64 == 1, Workflows: postroom.Verb(workflows.String)})
		}
		return err
	})
	if err != nil {
		return s, nil, err
	}
	if agent == nil {
		return s, nil, postroom.Errorf(postroom.NotFound, "There is no such session.")
	}
	s.AgentID = agent.ID
	return s, agent, nil
}

// Sessions lists the sessions of an agent that have not expired, the last
// seen first.
func (r Read) Sessions(ctx context.Context, agent, now int64) ([]Session, error) {
	var out []Session
	err := each(ctx, r.q, qSessions, []any{agent, now}, func(rows row) error {
		var s Session
		err := rows.Scan(&s.Hash, &s.AgentID, &s.CreatedAt, &s.SeenAt, &s.ExpiresAt, &s.IP, &s.Browser)
		out = append(out, s)
		return err
	})
	return out, err
}

// TouchSession notes that a session was seen, and prolongs it. One that is
// gone meanwhile stays gone.
func (t *Tx) TouchSession(ctx context.Context, s Session) error {
	_, err := t.exec(ctx, qTouchSession, s.Hash, s.SeenAt, s.ExpiresAt, s.IP)
	return err
}

const (
	qDeleteSession   = `delete from session where hash = $1`
	qDeleteSessionOf = `delete from session where agent_id = $1 and hash = $2`
	qDeleteSessions  = `delete from session where agent_id = $1 and hash <> $2`
	qForgetSessions  = `delete from session where expires_at <= $1`
)

// DeleteSession ends the session with a hash, if there is one.
func (t *Tx) DeleteSession(ctx context.Context, hash string) error {
	_, err := t.exec(ctx, qDeleteSession, hash)
	return err
}

// DeleteSessionOf ends one session of an agent; NotFound if it is not theirs.
func (t *Tx) DeleteSessionOf(ctx context.Context, agent int64, hash string) error {
	n, err := t.exec(ctx, qDeleteSessionOf, agent, hash)
	if err == nil && n == 0 {
		return postroom.Errorf(postroom.NotFound, "There is no such session.")
	}
	return err
}

// DeleteSessions ends all sessions of an agent but the one with the hash
// keep, "" for none.
func (t *Tx) DeleteSessions(ctx context.Context, agent int64, keep string) error {
	_, err := t.exec(ctx, qDeleteSessions, agent, keep)
	return err
}

// ForgetSessions removes the sessions that have expired.
func (t *Tx) ForgetSessions(ctx context.Context, now int64) error {
	_, err := t.exec(ctx, qForgetSessions, now)
	return err
}

const (
	qPasswordByEmail = `select id, password from agent where email = $1 and disabled_at = 0`
	qPasswordOf      = `select password from agent where id = $1`
	qSetPassword     = `update agent set password = $2 where id = $1`
)

// PasswordByEmail returns the id and the hashed password of the agent with an
// address, 0 and "" if there is none or they are disabled. An agent who was
// invited and has chosen no password yet has "".
func (r Read) PasswordByEmail(ctx context.Context, email string) (id int64, hash string, err error) {
	err = missing(r.q.QueryRow(ctx, qPasswordByEmail, postroom.Canonical(email)).Scan(&id, &hash), "")
	if postroom.CodeOf(err) == postroom.NotFound {
		return 0, "", nil
	}
	return id, hash, err
}

// PasswordOf returns an agent's hashed password; within a transaction the
// agent is locked.
func (r Read) PasswordOf(ctx context.Context, agent int64) (hash string, err error) {
	err = r.q.QueryRow(ctx, qPasswordOf+r.forUpdate, agent).Scan(&hash)
	return hash, missing(err, "There is no such agent.")
}

// SetPassword stores an agent's hashed password.
func (t *Tx) SetPassword(ctx context.Context, agent int64, hash string) error {
	return t.one(ctx, "set password", qSetPassword, agent, hash)
}

const (
	qForgetRate = `delete from rate_bucket where key = $1`
	qTakeRate   = `update rate_bucket set n = n - 1 where key = $1 and starts_at = $2 and n > 0`
)

// ForgetRate empties all buckets of a key.
func (t *Tx) ForgetRate(ctx context.Context, key string) error {
	_, err := t.exec(ctx, qForgetRate, key)
	return err
}

// TakeBackRate undoes one AddRate of the same window.
func (t *Tx) TakeBackRate(ctx context.Context, key string, now, window int64) error {
	_, err := t.exec(ctx, qTakeRate, key, now-now%window)
	return err
}
