package store

import "context"

const qPublishers = `select distinct a.name, a.id from agent a left join mailbox_agent m on m.agent_id = a.id and m.mailbox_id = $1
	where a.disabled_at = 0 and (a.role = 'admin' or (m.workflows = 'publish' and m.only_assigned = 0)) order by a.name, a.id`

// Publishers lists by name the agents who may publish the workflows of a
// mailbox; of 0, which is all mailboxes, only admins may.
func (r Read) Publishers(ctx context.Context, mailbox int64) (names []string, err error) {
	err = each(ctx, r.q, qPublishers, []any{mailbox}, func(rows row) error {
		var name string
		var id int64
		err := rows.Scan(&name, &id)
		names = append(names, name)
		return err
	})
	return names, err
}
