package store

import "context"

const qAlarmOpen = `select count(*) from alarm where kind = $1 and subject = $2 and cleared_at = 0`

// AlarmOpen says whether there is an open alarm of a kind about a subject.
func (r Read) AlarmOpen(ctx context.Context, kind, subject string) (bool, error) {
	var n int
	err := r.q.QueryRow(ctx, qAlarmOpen, kind, subject).Scan(&n)
	return n > 0, err
}
