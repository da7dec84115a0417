package store

import "context"

const (
	qLeave       = `insert into conversation_left (conversation_id, mailbox_id, at) values ($1, $2, $3) on conflict (conversation_id, mailbox_id) do update set at = excluded.at`
	qEnter       = `delete from conversation_left where conversation_id = $1 and mailbox_id = $2`
	qMoveRefs    = `update message_ref set mailbox_id = $2 where conversation_id = $1`
	qHasLeft     = `select count(*) from conversation_left where conversation_id = $1 and mailbox_id = $2`
	qEarlyActs   = `update act set final_at = $2 where conversation_id = $1 and final_at > $2 and (job_id = 0 or job_id <> $3)`
	qEarlyEvents = `update event set final_at = $2 where conversation_id = $1 and state = 'pending' and final_at > $2
		and act_id not in (select id from act where conversation_id = $1 and job_id = $3 and job_id > 0)`
	qEarlyMails = `update mail set due_at = $2, queued_at = $2 where conversation_id = $1 and ended = 0 and state = 'held' and due_at > $2`
	qEarlyLane  = `update lane set due_at = $2 where kind = 'judge' and id = $1 and due_at > $2`
)

// MoveConversation takes along what belongs to a conversation that leaves a
// mailbox, and remembers that it was there. The conversation itself is saved by
// UpdateConversation.
func (t *Tx) MoveConversation(ctx context.Context, conversation, from, to, at int64) error {
	if _, err := t.exec(ctx, qLeave, conversation, from, at); err != nil {
		return err
	}
	if _, err := t.exec(ctx, qEnter, conversation, to); err != nil {
		return err
	}
	_, err := t.exec(ctx, qMoveRefs, conversation, to)
	return err
}

// HasLeft reports whether a conversation was moved out of a mailbox and has not
// come back.
func (r Read) HasLeft(ctx context.Context, conversation, mailbox int64) (bool, error) {
	n := 0
	err := r.q.QueryRow(ctx, qHasLeft, conversation, mailbox).Scan(&n)
	return n > 0, err
}

// FinalizeConversation ends the undo windows that are open on a conversation:
// what was done is final now, its mails are due and its events to be judged.
// done reports whether there was any. The acts' own windows end at a time of
// their own, so that not even the grace of a late click opens them again.
// What the bulk job itself did here before, if there is one, keeps its window:
// it becomes final with the job.
func (t *Tx) FinalizeConversation(ctx context.Context, conversation, now, acts, job int64) (done bool, err error) {
	if _, err := t.exec(ctx, qEarlyActs, conversation, acts, job); err != nil {
		return false, err
	}
	n, err := t.exec(ctx, qEarlyEvents, conversation, now, job)
	if err != nil {
		return false, err
	}
	done = n > 0
	for _, q := range []string{qEarlyMails, qEarlyLane} {
		n, err := t.exec(ctx, q, conversation, now)
		if err != nil {
			return false, err
		}
		done = done || n > 0
	}
	return done, nil
}
