package store

import (
	"context"

	"postroom"
)

// WorkflowDraft is what an admin is writing: the next version of a workflow, or
// the first of one that is not published yet and has no row of its own.
type WorkflowDraft struct {
	WorkflowID int64 // its id, also before it is published
	Name       string
	MailboxID  int64  // 0: global
	Base       int    // the version it was written from, 0 if there was none
	Definition string // JSON of workflow.Definition, as far as it is written
	Revision   int64  // grows with each save
	AuthorID   int64  // who saved it last
	At         int64  // when
}

const workflowDraftColumns = `workflow_id, name, mailbox_id, base, definition, revision, author_id, at`

func scanWorkflowDraft(r row) (WorkflowDraft, error) {
	var d WorkflowDraft
	err := r.Scan(&d.WorkflowID, &d.Name, &d.MailboxID, &d.Base, &d.Definition, &d.Revision, &d.AuthorID, &d.At)
	return d, err
}

const (
	qWorkflowDrafts = `select ` + workflowDraftColumns + ` from workflow_draft order by at desc, workflow_id desc`
	qWorkflowDraft  = `select ` + workflowDraftColumns + ` from workflow_draft where workflow_id = $1`
)

// WorkflowDrafts lists all drafts of workflows, the one saved last first.
func (r Read) WorkflowDrafts(ctx context.Context) ([]WorkflowDraft, error) {
	var out []WorkflowDraft
	err := each(ctx, r.q, qWorkflowDrafts, nil, func(rows row) error {
		d, err := scanWorkflowDraft(rows)
		out = append(out, d)
		return err
	})
	return out, err
}

// WorkflowDraft loads the draft of a workflow; NotFound if there is none.
func (r Read) WorkflowDraft(ctx context.Context, id int64) (WorkflowDraft, error) {
	d, err := scanWorkflowDraft(r.q.QueryRow(ctx, qWorkflowDraft+r.forUpdate, id))
	return d, missing(err, "There is no draft of this workflow.")
}

const (
	qSaveWorkflowDraft = `insert into workflow_draft (` + workflowDraftColumns + `) values ($1,$2,$3,$4,$5,$6,$7,$8)
	on conflict (workflow_id) do update set name = excluded.name, mailbox_id = excluded.mailbox_id, base = excluded.base,
	definition = excluded.definition, revision = excluded.revision, author_id = excluded.author_id, at = excluded.at`
	qDeleteWorkflowDraft = `delete from workflow_draft where workflow_id = $1`
)

// SaveWorkflowDraft writes a draft over the one there is.
func (t *Tx) SaveWorkflowDraft(ctx context.Context, d WorkflowDraft) error {
	_, err := t.exec(ctx, qSaveWorkflowDraft, d.WorkflowID, d.Name, d.MailboxID, d.Base, d.Definition, d.Revision, d.AuthorID, d.At)
	return err
}

// DeleteWorkflowDraft removes a draft; one that is not there is no error.
func (t *Tx) DeleteWorkflowDraft(ctx context.Context, id int64) error {
	_, err := t.exec(ctx, qDeleteWorkflowDraft, id)
	return err
}

// EventExample is a recent event of a kind with its conversation, to try a
// workflow on.
type EventExample struct {
	EventID, ConversationID, MailboxID, Number, At int64
	Subject                                        string
}

// recentEvents is how many of the latest events are looked through for
// examples, so that a kind that hardly ever happens costs no more.
const recentEvents = 5000

const qEventExamples = `select e.id, e.conversation_id, c.mailbox_id, c.number, e.at, c.subject
	from (select id, conversation_id, kind, state, at from event order by id desc limit $1) e
	join conversation c on c.id = e.conversation_id
	where e.kind = $2 and e.state <> $3 order by e.id desc limit $4`

// EventExamples lists the latest events of a kind that were not undone, among
// the last 5,000 events.
func (r Read) EventExamples(ctx context.Context, kind postroom.EventKind, limit int) ([]EventExample, error) {
	var out []EventExample
	err := each(ctx, r.q, qEventExamples, []any{recentEvents, kind, postroom.EventUndone, limit}, func(rows row) error {
		var e EventExample
		err := rows.Scan(&e.EventID, &e.ConversationID, &e.MailboxID, &e.Number, &e.At, &e.Subject)
		out = append(out, e)
		return err
	})
	return out, err
}

const qEventsOfKind = `select ` + eventColumns + ` from event where conversation_id = $1 and kind = $2 and state <> $3 order by seq desc limit $4`

// EventsOfKind lists the latest events of a kind on a conversation, without
// those that were undone, the newest first.
func (r Read) EventsOfKind(ctx context.Context, conversation int64, kind postroom.EventKind, limit int) ([]postroom.Event, error) {
	return r.events(ctx, qEventsOfKind, conversation, kind, postroom.EventUndone, limit)
}
