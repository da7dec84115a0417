package store

import (
	"context"
	"fmt"

	"postroom"
)

const eventColumns = `id, conversation_id, seq, kind, version, act_id, actor_kind, actor_id, path, cause_id, root_id, root_seq,
	depth, payload, facts, at, final_at, state, set_revision, words`

func scanEvent(row row) (postroom.Event, error) {
	var e postroom.Event
	var payload, facts string
	err := row.Scan(&e.ID, &e.ConversationID, &e.Seq, &e.Kind, &e.Version, &e.ActID, &e.Actor.Kind, &e.Actor.ID, &e.Path,
		&e.Cause, &e.Root, &e.RootSeq, &e.Depth, &payload, &facts, &e.At, &e.FinalAt, &e.State, &e.SetRevision, &e.Words)
	if err == nil {
		err = fromJSON(payload, &e.Payload)
	}
	if err == nil {
		err = fromJSON(facts, &e.After)
	}
	return e, err
}

const qInsertEvents = `insert into event (` + eventColumns + `) values `

// eventColumnCount is how many columns an event has.
const eventColumnCount = 20

// InsertEvents stores events as they were recorded, all in one statement.
func (t *Tx) InsertEvents(ctx context.Context, events []postroom.Event) error {
	if len(events) == 0 {
		return nil
	}
	args := make([]any, 0, eventColumnCount*len(events))
	for _, e := range events {
		args = append(args, e.ID, e.ConversationID, e.Seq, e.Kind, e.Version, e.ActID, e.Actor.Kind, e.Actor.ID, e.Path,
			e.Cause, e.Root, e.RootSeq, e.Depth, toJSON(e.Payload), toJSON(e.After), e.At, e.FinalAt, e.State, e.SetRevision, e.Words)
	}
	if err := t.send(ctx, qInsertEvents+rowsOf(len(events), eventColumnCount), args...); err != nil {
		return fmt.Errorf("insert %d events from %s on: %w", len(events), events[0].Kind, err)
	}
	return nil
}

const qEvent = `select ` + eventColumns + ` from event where id = $1`

// Event loads one event.
func (r Read) Event(ctx context.Context, id int64) (postroom.Event, error) {
	e, err := scanEvent(r.q.QueryRow(ctx, qEvent, id))
	return e, missing(err, "There is no such event.")
}

const qEvents = `select ` + eventColumns + ` from event where conversation_id = $1 order by seq`

// Events loads all events of a conversation in order.
func (r Read) Events(ctx context.Context, conversation int64) ([]postroom.Event, error) {
	return r.events(ctx, qEvents, conversation)
}

const qPendingEvents = `select ` + eventColumns + ` from event
	where conversation_id = $1 and state = 'pending' and seq >= $2 order by seq limit $3`

// PendingEvents loads the events from a sequence number on that are still to
// be judged, in order, at most limit.
func (r Read) PendingEvents(ctx context.Context, conversation, fromSeq int64, limit int) ([]postroom.Event, error) {
	return r.events(ctx, qPendingEvents, conversation, fromSeq, limit)
}

const qLaterEvents = `select ` + eventColumns + ` from event where conversation_id = $1 and seq > $2 and state <> 'undone' order by seq`

// LaterEvents loads the events after a sequence number that were not undone.
func (r Read) LaterEvents(ctx context.Context, conversation, seq int64) ([]postroom.Event, error) {
	return r.events(ctx, qLaterEvents, conversation, seq)
}

const qLastCloseSeq = `select coalesce(max(seq), 0) from event
	where conversation_id = $1 and seq <= $2 and kind = 'status.changed' and state <> 'undone' and payload like '%"to":"closed"%'`

// LastCloseSeq returns the sequence number of the latest close up to one, 0
// if there was none.
func (r Read) LastCloseSeq(ctx context.Context, conversation, seq int64) (int64, error) {
	var n int64
	err := r.q.QueryRow(ctx, qLastCloseSeq, conversation, seq).Scan(&n)
	return n, err
}

const qActEvents = `select ` + eventColumns + ` from event where conversation_id = $1 and act_id = $2 order by seq`

// ActEvents loads the events of one act in order.
func (r Read) ActEvents(ctx context.Context, conversation, act int64) ([]postroom.Event, error) {
	return r.events(ctx, qActEvents, conversation, act)
}

func (r Read) events(ctx context.Context, query string, args ...any) ([]postroom.Event, error) {
	var out []postroom.Event
	err := each(ctx, r.q, query, args, func(rows row) error {
		e, err := scanEvent(rows)
		out = append(out, e)
		return err
	})
	return out, err
}

const qEndEvents = `update event set state = $1, words = $2 where coalesce(state, '') = 'pending' and id in (`

// EndEvents moves pending events to one of the other states, with words if they
// were not judged. It reports whether all of them were pending until now.
func (t *Tx) EndEvents(ctx context.Context, ids []int64, state postroom.EventState, words string) (bool, error) {
	if len(ids) == 0 {
		return true, nil
	}
	n, err := t.exec(ctx, qEndEvents+list(3, len(ids))+`)`, append([]any{state, words}, anys(ids)...)...)
	return n == int64(len(ids)), err
}

// EndPending is EndEvents with judged as the state, for who needs no answer to go
// on: the transaction fails with gone if not all of them were pending until now.
func (t *Tx) EndPending(ctx context.Context, ids []int64, gone error) error {
	if len(ids) == 0 {
		return nil
	}
	return t.tx.Queue(ctx, func(n int64) error {
		if n != int64(len(ids)) {
			return gone
		}
		return nil
	}, qEndEvents+list(3, len(ids))+`)`, append([]any{postroom.EventJudged, ""}, anys(ids)...)...)
}

// EndEvent is EndEvents for one event.
func (t *Tx) EndEvent(ctx context.Context, id int64, state postroom.EventState, words string) (bool, error) {
	return t.EndEvents(ctx, []int64{id}, state, words)
}

const qHideEvent = `update event set state = 'undone' where id = $1`

// HideEvent marks an event that no workflow can listen for as undone.
func (t *Tx) HideEvent(ctx context.Context, id int64) error {
	return t.one(ctx, "undo event", qHideEvent, id)
}

const qFixJudgement = `update event set set_revision = $2, verdicts = $3, inputs = $4 where id = $1 and coalesce(state, '') = 'pending'`

// FixJudgement stores by which set of workflows an event is judged and with
// what verdicts; later steps of the same judging read it back (W16).
func (t *Tx) FixJudgement(ctx context.Context, id, revision int64, verdicts, inputs string) error {
	return t.one(ctx, "fix judgement", qFixJudgement, id, revision, verdicts, inputs)
}

const qJudgement = `select set_revision, verdicts, inputs from event where id = $1`

// Judgement returns what FixJudgement stored; revision is 0 before.
func (r Read) Judgement(ctx context.Context, id int64) (revision int64, verdicts, inputs string, err error) {
	err = r.q.QueryRow(ctx, qJudgement, id).Scan(&revision, &verdicts, &inputs)
	return revision, verdicts, inputs, missing(err, "There is no such event.")
}

const qFailEvent = `update event set tries = tries + 1, words = $2 where id = $1 and coalesce(state, '') = 'pending' returning tries`

// FailEvent notes that judging failed and returns how often it has by now.
func (t *Tx) FailEvent(ctx context.Context, id int64, words string) (int, error) {
	var tries int
	err := t.q.QueryRow(ctx, qFailEvent, id, words).Scan(&tries)
	return tries, missing(err, "The event is not pending.")
}

const qReviveEvent = `update event set state = 'pending', tries = 0, words = '' where id = $1 and coalesce(state, '') = 'not_judged' and words <> 'imported'`

// ReviveEvent makes an event that could not be judged pending again.
func (t *Tx) ReviveEvent(ctx context.Context, id int64) error {
	return t.one(ctx, "judge again", qReviveEvent, id)
}

const qRewriteEvent = `update event set payload = $2, facts = $3 where id = $1 and coalesce(state, '') = 'pending'`

// RewriteEvent gives a pending event another payload and snapshot, after an
// earlier act was undone (W19).
func (t *Tx) RewriteEvent(ctx context.Context, e postroom.Event) error {
	return t.one(ctx, "re-snapshot event", qRewriteEvent, e.ID, toJSON(e.Payload), toJSON(e.After))
}

// Act is one action of one person (or a workflow) on one conversation.
type Act struct {
	ID             int64
	ConversationID int64
	Actor          postroom.Actor
	Path           postroom.Path
	At             int64
	FinalAt        int64
	JobID          int64
	UndoneAt       int64
	MessageID      int64
	Before         postroom.Snapshot
	Subject        string // before the act
	PairID         int64  // the act on the other conversation of a merge, 0 for none
	Carried        Carried
}

type actBefore struct {
	Facts   postroom.Snapshot `json:"facts"`
	Subject string            `json:"subject"`
}

const qInsertAct = `insert into act (id, conversation_id, actor_kind, actor_id, path, at, final_at, job_id, message_id, facts_before, pair_id, carried)
	values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)`

// InsertAct stores an act.
func (t *Tx) InsertAct(ctx context.Context, a Act) error {
	return t.send(ctx, qInsertAct, a.ID, a.ConversationID, a.Actor.Kind, a.Actor.ID, a.Path, a.At, a.FinalAt, a.JobID, a.MessageID,
		toJSON(actBefore{a.Before, a.Subject}), a.PairID, a.Carried.text())
}

const actColumns = `id, conversation_id, actor_kind, actor_id, path, at, final_at, job_id, undone_at, message_id, facts_before, pair_id, carried`

func scanAct(row row) (Act, error) {
	var a Act
	var before, carried string
	err := row.Scan(&a.ID, &a.ConversationID, &a.Actor.Kind, &a.Actor.ID, &a.Path, &a.At, &a.FinalAt, &a.JobID, &a.UndoneAt, &a.MessageID, &before, &a.PairID, &carried)
	if err != nil {
		return a, err
	}
	var b actBefore
	err = fromJSON(before, &b)
	a.Before, a.Subject = b.Facts, b.Subject
	if err == nil && carried != "" {
		err = fromJSON(carried, &a.Carried)
	}
	return a, err
}

const qAct = `select ` + actColumns + ` from act where id = $1`

// Act loads an act.
func (r Read) Act(ctx context.Context, id int64) (Act, error) {
	a, err := scanAct(r.q.QueryRow(ctx, qAct, id))
	return a, missing(err, "There is nothing to undo.")
}

const qRewriteAct = `update act set facts_before = $2 where id = $1`

// RewriteAct gives an act what was before it another time, after an earlier
// act was undone (W19).
func (t *Tx) RewriteAct(ctx context.Context, a Act) error {
	return t.one(ctx, "rewrite act", qRewriteAct, a.ID, toJSON(actBefore{a.Before, a.Subject}))
}

const qJobActs = `select ` + actColumns + ` from act where job_id = $1 and conversation_id > $2 and (pair_id = 0 or path = 'merge')
	order by conversation_id limit $3`

// JobActs loads the acts of a job in order of conversation, after one: at most
// one a conversation. Of the two acts of a merge it is that on the conversation
// that was merged, since the other may take in many.
func (r Read) JobActs(ctx context.Context, job, after int64, limit int) ([]Act, error) {
	var out []Act
	err := each(ctx, r.q, qJobActs, []any{job, after, limit}, func(rows row) error {
		a, err := scanAct(rows)
		out = append(out, a)
		return err
	})
	return out, err
}

const qOpenActs = `select ` + actColumns + ` from act
	where actor_kind = 'agent' and actor_id = $1 and final_at > $2 and undone_at = 0 and job_id = 0 and path <> 'merge' order by id desc limit 5`

// OpenActs lists the latest acts of an agent whose window is open at now.
func (r Read) OpenActs(ctx context.Context, agent, now int64) ([]Act, error) {
	var out []Act
	err := each(ctx, r.q, qOpenActs, []any{agent, now}, func(rows row) error {
		a, err := scanAct(rows)
		out = append(out, a)
		return err
	})
	return out, err
}

const qUndoAct = `update act set undone_at = $2 where id = $1 and undone_at = 0`

// UndoAct marks an act as undone; a second time is a conflict.
func (t *Tx) UndoAct(ctx context.Context, id, at int64) error {
	return t.one(ctx, "undo", qUndoAct, id, at)
}

const (
	qJobConversations = `select id from conversation where id in (select conversation_id from act where job_id = $1) order by id`

	qFinalActs   = `update act set final_at = $2 where job_id = $1`
	qFinalEvents = `update event set final_at = $2 where state = 'pending' and act_id in (select id from act where job_id = $1)`
	qFinalMails  = `update mail set due_at = $2, queued_at = $2 where ended = 0 and state = 'held'
		and event_id in (select e.id from event e join act a on a.id = e.act_id and a.conversation_id = e.conversation_id where a.job_id = $1)`
	qFinalLanes = `update lane set due_at = case when due_at > $2 then $2 else due_at end where kind = 'judge'
		and id in (select conversation_id from act where job_id = $1)`
)

// FinalizeJob sets when all events of a job become final, and with them its
// mails and the judging of its conversations.
//
// The conversations are locked first, in the order of their ids: whoever judges
// one has that lock before it touches its events and its lane.
func (t *Tx) FinalizeJob(ctx context.Context, job, finalAt int64) error {
	if _, err := t.ids(ctx, qJobConversations+t.forUpdate, job); err != nil {
		return err
	}
	for _, q := range []string{qFinalActs, qFinalEvents, qFinalMails, qFinalLanes} {
		if _, err := t.exec(ctx, q, job, finalAt); err != nil {
			return err
		}
	}
	return nil
}
