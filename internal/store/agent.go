package store

import (
	"context"

	"postroom"
)

const agentColumns = `id, name, email, role, zone, theme, disabled_at, created_at, follows_own`

func scanAgent(r row, also ...any) (*postroom.Agent, error) {
	var a postroom.Agent
	var disabled int64
	err := r.Scan(append([]any{&a.ID, &a.Name, &a.Email, &a.Role, &a.Zone, &a.Theme, &disabled, &a.CreatedAt, &a.FollowsOwn}, also...)...)
	a.Disabled = disabled > 0
	return &a, err
}

const (
	qAgent          = `select ` + agentColumns + ` from agent where id = $1`
	qAgents         = `select ` + agentColumns + ` from agent order by name, id`
	qAgentMailboxes = `select mailbox_id, rights, only_assigned, workflows from mailbox_agent where agent_id = $1 order by mailbox_id`
)

// Agent loads an agent with the mailboxes they were given, and what they may
// do there.
func (r Read) Agent(ctx context.Context, id int64) (*postroom.Agent, error) {
	a, err := scanAgent(r.q.QueryRow(ctx, qAgent, id))
	if err != nil {
		return nil, missing(err, "There is no such agent.")
	}
	err = each(ctx, r.q, qAgentMailboxes, []any{id}, func(rows row) error {
		var mailbox int64
		var right postroom.Right
		err := rows.Scan(&mailbox, &right.Most, &right.OnlyAssigned, &right.Workflows)
		a.Give(mailbox, right)
		return err
	})
	return a, err
}

// Agents lists all agents by name, without their mailboxes.
func (r Read) Agents(ctx context.Context) ([]*postroom.Agent, error) {
	var out []*postroom.Agent
	err := each(ctx, r.q, qAgents, nil, func(rows row) error {
		a, err := scanAgent(rows)
		out = append(out, a)
		return err
	})
	return out, err
}
