package store

import "context"

const (
	qBeginTurn = `insert into assign_turn (workflow_id, position, agent_id) values ($1,$2,0) on conflict (workflow_id, position) do nothing`
	qTurn      = `select agent_id from assign_turn where workflow_id = $1 and position = $2`
	qSetTurn   = `update assign_turn set agent_id = $3 where workflow_id = $1 and position = $2`
	qOpen      = `select agent_id, cast(sum(n) as bigint) from folder_count where folder = 'assigned' and agent_id > 0 group by agent_id`
)

// AssignTurn returns to whom an action of a workflow that chooses among agents
// assigned last, 0 for nobody yet, and locks that until the transaction ends.
func (t *Tx) AssignTurn(ctx context.Context, workflow int64, position int) (agent int64, err error) {
	if _, err := t.exec(ctx, qBeginTurn, workflow, position); err != nil {
		return 0, err
	}
	err = t.q.QueryRow(ctx, qTurn+t.forUpdate, workflow, position).Scan(&agent)
	return agent, err
}

// SetAssignTurn writes to whom the action assigned.
func (t *Tx) SetAssignTurn(ctx context.Context, workflow int64, position int, agent int64) error {
	return t.one(ctx, "take turns", qSetTurn, workflow, position, agent)
}

// OpenAssigned counts the open conversations of each agent who has any.
func (r Read) OpenAssigned(ctx context.Context) (map[int64]int, error) {
	out := map[int64]int{}
	err := each(ctx, r.q, qOpen, nil, func(rows row) error {
		var agent int64
		var n int
		err := rows.Scan(&agent, &n)
		out[agent] = n
		return err
	})
	return out, err
}
