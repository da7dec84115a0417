package store

import (
	"context"

	"postroom"
)

// NotificationAmong returns the first of some mails that is a notification to an
// agent, 0 if none is. gone says that there is none of them any more.
func (r Read) NotificationAmong(ctx context.Context, mails []int64) (id int64, gone bool, err error) {
	if len(mails) == 0 {
		return 0, false, nil
	}
	agents := map[int64]int64{} // by mail
	err = each(ctx, r.q, `select id, agent_id from mail where id in (`+list(1, len(mails))+`)`, anys(mails), func(rows row) error {
		var mail, agent int64
		err := rows.Scan(&mail, &agent)
		agents[mail] = agent
		return err
	})
	if err != nil {
		return 0, false, err
	}
	for _, id := range mails {
		if agents[id] > 0 {
			return id, false, nil
		}
	}
	return 0, len(agents) == 0, nil
}

const qLastHumanSeq = `select coalesce(max(seq), 0) from message where conversation_id = $1 and kind = 'received' and undone = 0 and class in ('', 'human', 'list')`

// LastHumanSeq returns the sequence number of the last message that a person
// sent us in a conversation, 0 if there is none.
func (r Read) LastHumanSeq(ctx context.Context, conversation int64) (int64, error) {
	var seq int64
	err := r.q.QueryRow(ctx, qLastHumanSeq, conversation).Scan(&seq)
	return seq, err
}

const qAnswering = `select a.id, a.name, a.email from agent a where a.disabled_at = 0
	and (a.role = 'admin' or exists (select 1 from mailbox_agent m where m.mailbox_id = $1 and m.agent_id = a.id and m.rights <> 'see')) order by a.name, a.id`

// Somebody is an agent as others name them.
type Somebody struct {
	ID          int64
	Name, Email string
}

// Answering lists the agents who answer in a mailbox, by name.
func (r Read) Answering(ctx context.Context, mailbox int64) ([]Somebody, error) {
	var out []Somebody
	err := each(ctx, r.q, qAnswering, []any{mailbox}, func(rows row) error {
		var s Somebody
		err := rows.Scan(&s.ID, &s.Name, &s.Email)
		out = append(out, s)
		return err
	})
	return out, err
}

const qAgentsByAddress = `select email, id from agent union all select address, agent_id from agent_address`

// AgentsByAddress returns whose each address is that an agent has, disabled
// ones included. The addresses are canonical.
func (r Read) AgentsByAddress(ctx context.Context) (map[string]int64, error) {
	out := map[string]int64{}
	err := each(ctx, r.q, qAgentsByAddress, nil, func(rows row) error {
		var address string
		var id int64
		err := rows.Scan(&address, &id)
		out[postroom.Canonical(address)] = id
		return err
	})
	return out, err
}
