package store

import (
	"context"
	"fmt"
)

const (
	qQuarantineMails      = `update mail set state = 'quarantined', words = $1, due_at = 0, lease = 0, lease_until = 0 where ended = 0 and state <> 'quarantined'`
	qQuarantineRecipients = `update mail_recipient set state = 'quarantined', words = $1, at = $2
		where state in ('held', 'queued', 'sending', 'deferred', 'uncertain') and mail_id in (select id from mail where ended = 0)`
	qDoubtEvents = `update event set state = 'not_judged', words = $1 where state = 'pending'`
	qEndJobs     = `update job set state = 'failed', words = $1, ended_at = $2, lease = 0, lease_until = 0 where state = 'running'`
)

// Held says how much HoldBack held back.
type Held struct{ Mails, Events, Jobs int64 }

// HoldBack stops everything that a desk restored from a backup would do a
// second time: mails that were open wait for a person, events that were not
// judged stay so until somebody asks for it, bulk jobs end. words says why.
// Call it while no work runs.
func (t *Tx) HoldBack(ctx context.Context, words string, now int64) (h Held, err error) {
	if _, err = t.exec(ctx, qQuarantineRecipients, words, now); err != nil {
		return h, fmt.Errorf("hold back recipients: %w", err)
	}
	if h.Mails, err = t.exec(ctx, qQuarantineMails, words); err != nil {
		return h, fmt.Errorf("hold back mails: %w", err)
	}
	if h.Events, err = t.exec(ctx, qDoubtEvents, words); err != nil {
		return h, fmt.Errorf("hold back events: %w", err)
	}
	if h.Jobs, err = t.exec(ctx, qEndJobs, words, now); err != nil {
		return h, fmt.Errorf("end jobs: %w", err)
	}
	return h, nil
}
