package store

import (
	"context"
	"fmt"
)

// Mails that never went out and never will do not count: limits are for mails.
const qMachineMails = `select count(*) from mail where conversation_id = $1 and machine = 1 and aside = 0 and created_at > $2
	and state not in ('skipped', 'suppressed', 'cancelled')`

const qAsideRuns = `select count(distinct run_id) from mail where conversation_id = $1 and machine = 1 and aside = 1 and created_at > $2
	and run_id <> $3 and state not in ('skipped', 'suppressed', 'cancelled')`

// AsideRuns counts the runs, but for one, that mailed somebody else than the
// customer about a conversation since a time, and that only machines caused.
func (r Read) AsideRuns(ctx context.Context, conversation, since, but int64) (int, error) {
	var n int
	err := r.q.QueryRow(ctx, qAsideRuns, conversation, since, but).Scan(&n)
	return n, err
}

// MachineMails counts the mails to the customer of a conversation since a time
// that only machines caused (W12).
func (r Read) MachineMails(ctx context.Context, conversation, since int64) (int, error) {
	var n int
	err := r.q.QueryRow(ctx, qMachineMails, conversation, since).Scan(&n)
	return n, err
}

const qAddRate = `insert into rate_bucket (key, starts_at, n) values ($1, $2, $3)
	on conflict (key, starts_at) do update set n = rate_bucket.n + excluded.n returning n`

// AddRate counts one more under a key in the fixed window of some
// milliseconds that now lies in, and returns the count with it. Counting
// before acting makes a limit atomic and lets it survive restarts (A6). The
// count stays locked until the transaction ends: for keys that many
// transactions share there is AddSharedRate.
func (t *Tx) AddRate(ctx context.Context, key string, now, window int64) (int, error) {
	var n int
	err := t.q.QueryRow(ctx, qAddRate, key, now-now%window, 1).Scan(&n)
	return n, err
}

// A shared count lies in several rows, so that transactions do not wait for
// each other while the limit is far: further than all those that can be under
// way at once could come. Nearer, they do, and the limit is kept to the one.
const (
	rateRows   = 16
	rateMargin = 100
)

const qSumRate = `select coalesce(sum(n), 0) from rate_bucket where starts_at = $1
	and key in ($2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17)`

// AddSharedRate is AddRate for a key that many transactions at once count
// under, up to most. turn spreads them: the conversation's id, as a rule.
func (t *Tx) AddSharedRate(ctx context.Context, key string, turn, now, window int64, most int) (int, error) {
	starts := now - now%window
	args := []any{starts}
	for i := range rateRows {
		args = append(args, rateRow(key, int64(i)))
	}
	sum := func() (n int, err error) {
		err = t.q.QueryRow(ctx, qSumRate, args...).Scan(&n)
		return n, err
	}
	n, err := sum()
	if err != nil {
		return 0, err
	}
	if n >= most-rateMargin {
		if err := t.Lock(ctx, "rate "+key); err != nil {
			return 0, err
		}
	}
	if _, err := t.AddRate(ctx, rateRow(key, turn), now, window); err != nil {
		return 0, err
	}
	return sum()
}

func rateRow(key string, turn int64) string { return fmt.Sprintf("%s#%d", key, turn%rateRows) }

const qForgetRates = `delete from rate_bucket where starts_at < $1`

// ForgetRates deletes the windows that began before a time.
func (t *Tx) ForgetRates(ctx context.Context, before int64) error {
	_, err := t.exec(ctx, qForgetRates, before)
	return err
}

// BudgetKey is the key under which the mails of a workflow are counted.
func BudgetKey(workflow int64) string { return fmt.Sprintf("budget:%d", workflow) }

const qForgetCount = `delete from rate_bucket where key in ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17)`

// ForgetCount begins the count under a key anew, shared or not.
func (t *Tx) ForgetCount(ctx context.Context, key string) error {
	args := []any{key}
	for i := range rateRows {
		args = append(args, rateRow(key, int64(i)))
	}
	_, err := t.exec(ctx, qForgetCount, args...)
	return err
}
