package store

import (
	"context"
	"slices"

	"postroom"
)

const (
	qInsertAgent = `insert into agent (id, name, email, password, role, zone, theme, disabled_at, created_at) values ($1,$2,$3,$4,$5,$6,$7,$8,$9)`
	qUpdateAgent = `update agent set name = $2, email = $3, role = $4, zone = $5, theme = $6, disabled_at = $7 where id = $1`
	qAgentEmail  = `select ` + agentColumns + ` from agent where email = $1`
	qCountAgents = `select count(*) from agent`
	qOpenAdmins  = `select id from agent where role = 'admin' and disabled_at = 0 order by id`
)

// InsertAgent stores a new agent with a hashed password, "" for one who has
// yet to choose it. An address that another agent has is a conflict.
func (t *Tx) InsertAgent(ctx context.Context, a *postroom.Agent, password string) error {
	_, err := t.exec(ctx, qInsertAgent, a.ID, a.Name, postroom.Canonical(a.Email), password, a.Role, a.Zone, a.Theme, disabledAt(a), a.CreatedAt)
	return err
}

// UpdateAgent writes an agent, without their password and mailboxes.
func (t *Tx) UpdateAgent(ctx context.Context, a *postroom.Agent) error {
	return t.one(ctx, "save agent", qUpdateAgent, a.ID, a.Name, postroom.Canonical(a.Email), a.Role, a.Zone, a.Theme, disabledAt(a))
}

// disabledAt is what the column wants: the domain only says whether.
func disabledAt(a *postroom.Agent) int64 {
	if a.Disabled {
		return max(a.CreatedAt, 1)
	}
	return 0
}

// AgentByEmail finds an agent by their address, without their mailboxes.
func (r Read) AgentByEmail(ctx context.Context, email string) (*postroom.Agent, error) {
	a, err := scanAgent(r.q.QueryRow(ctx, qAgentEmail, postroom.Canonical(email)))
	if err != nil {
		return nil, missing(err, "There is no agent with the address %s.", email)
	}
	return a, nil
}

// CountAgents counts all agents, disabled ones too.
func (r Read) CountAgents(ctx context.Context) (int, error) {
	var n int
	err := r.q.QueryRow(ctx, qCountAgents).Scan(&n)
	return n, err
}

// OpenAdmins lists the admins who are not disabled, and locks them until the
// transaction ends, so that two of them cannot remove each other at once.
func (t *Tx) OpenAdmins(ctx context.Context) ([]int64, error) {
	return t.ids(ctx, qOpenAdmins+t.forUpdate)
}

const (
	qAgentGrants = `select mailbox_id from mailbox_agent where agent_id = $1 order by mailbox_id`
	qRevoke      = `delete from mailbox_agent where mailbox_id = $1 and agent_id = $2`
	qSetRight    = `update mailbox_agent set rights = $3, only_assigned = $4, workflows = $5 where mailbox_id = $1 and agent_id = $2`

	qClaim = `insert into meta (key, value) values ($1, $2) on conflict (key) do nothing`
	qLock  = `insert into meta (key, value) values ($1, '') on conflict (key) do update set value = excluded.value`
)

// SetAgentMailboxes says which mailboxes an agent may see; admins see all. In
// those they had before they keep their right; in new ones they may answer.
func (t *Tx) SetAgentMailboxes(ctx context.Context, agent int64, mailboxes []int64) error {
	had, err := t.ids(ctx, qAgentGrants, agent)
	if err != nil {
		return err
	}
	for _, m := range had {
		if !slices.Contains(mailboxes, m) {
			if _, err := t.exec(ctx, qRevoke, m, agent); err != nil {
				return err
			}
		}
	}
	for _, m := range mailboxes {
		if _, err := t.exec(ctx, qGrant, m, agent); err != nil {
			return err
		}
	}
	return nil
}

// SetRight says what an agent may do in a mailbox they were given.
func (t *Tx) SetRight(ctx context.Context, mailbox, agent int64, right postroom.Right) error {
	return t.one(ctx, "set a right", qSetRight, mailbox, agent, right.Most, bit(right.OnlyAssigned), right.Workflows)
}

// Claim writes a value that is written only once in the life of a database,
// and reports whether it was this transaction that wrote it. Another one that
// tries at the same moment waits for the outcome.
func (t *Tx) Claim(ctx context.Context, key, value string) (bool, error) {
	n, err := t.exec(ctx, qClaim, key, value)
	return n == 1, err
}

// Lock lets only one transaction at a time pass with the same name, until it
// ends. It is for checks over rows that do not exist yet.
func (t *Tx) Lock(ctx context.Context, name string) error {
	_, err := t.exec(ctx, qLock, "lock "+name)
	return err
}

const qMeta = `select value from meta where key = $1`

// Meta returns a value that Claim wrote, "" if there is none.
func (r Read) Meta(ctx context.Context, key string) (value string, err error) {
	err = missing(r.q.QueryRow(ctx, qMeta, key).Scan(&value), "")
	if postroom.CodeOf(err) == postroom.NotFound {
		return "", nil
	}
	return value, err
}

const qAdvance = `insert into meta (key, value) values ($1, $3) on conflict (key) do update set value = excluded.value where meta.value = $2`

// Advance replaces a value with another if it is still the one given ("" for
// none), and reports whether it did: of several that try one succeeds.
func (t *Tx) Advance(ctx context.Context, key, from, to string) (bool, error) {
	n, err := t.exec(ctx, qAdvance, key, from, to)
	return n == 1, err
}
