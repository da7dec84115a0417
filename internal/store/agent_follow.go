package store

import "context"

const qFollowsOwn = `update agent set follows_own = $2 where id = $1 and follows_own <> $2`

// SetFollowsOwn says whether an agent follows each conversation they write in.
func (t *Tx) SetFollowsOwn(ctx context.Context, agent int64, follows bool) error {
	_, err := t.exec(ctx, qFollowsOwn, agent, bit(follows))
	return err
}
