package store

import (
	"context"

	"postroom"
)

const (
	qAgentAddresses  = `select address from agent_address where agent_id = $1 order by position, address`
	qForgetAddresses = `delete from agent_address where agent_id = $1`
	qAddAgentAddress = `insert into agent_address (address, agent_id, position) values ($1, $2, $3)`
	qAgentOfAddress  = `select agent_id from agent_address where address = $1 union select id from agent where email = $1`
)

// AgentByAddress finds the agent who has an address, as the one they sign in
// with or as a further one, with the mailboxes they were given; NotFound if
// nobody has it. Disabled agents are found too. The address may be in any
// letter case.
func (r Read) AgentByAddress(ctx context.Context, address string) (*postroom.Agent, error) {
	var id int64
	if err := r.q.QueryRow(ctx, qAgentOfAddress, postroom.Canonical(address)).Scan(&id); err != nil {
		return nil, missing(err, "There is no agent with the address %s.", address)
	}
	return r.Agent(ctx, id)
}

// AgentAddresses lists an agent's further addresses in canonical form, without
// the one they sign in with, in the order they were given.
func (r Read) AgentAddresses(ctx context.Context, agent int64) ([]string, error) {
	return r.strings(ctx, qAgentAddresses, agent)
}

// SetAgentAddresses replaces an agent's further addresses. One that another
// agent has is a conflict.
func (t *Tx) SetAgentAddresses(ctx context.Context, agent int64, addresses []string) error {
	if _, err := t.exec(ctx, qForgetAddresses, agent); err != nil {
		return err
	}
	for i, a := range addresses {
		if _, err := t.exec(ctx, qAddAgentAddress, postroom.Canonical(a), agent, i); err != nil {
			return err
		}
	}
	return nil
}

// strings answers with one column of texts.
func (r Read) strings(ctx context.Context, query string, args ...any) ([]string, error) {
	var out []string
	err := each(ctx, r.q, query, args, func(rows row) error {
		var s string
		err := rows.Scan(&s)
		out = append(out, s)
		return err
	})
	return out, err
}
