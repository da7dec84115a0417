package store

import (
	"context"
	"fmt"

	"postroom"
)

// Workflow is a workflow as it stands in the list.
type Workflow struct {
	ID          int64
	Key         string // stable name, for code and export
	MailboxID   int64  // 0: global
	Name        string
	Position    int
	Enabled     bool
	Version     int    // the published version
	PausedWords string // why it was paused by itself, "" if it is not
	Failures    int    // failed runs in a row
	DeletedAt   int64  // 0: it is there
}

const workflowColumns = `id, key, mailbox_id, name, position, enabled, version, paused_words, failures, deleted_at`

func scanWorkflow(r row) (Workflow, error) {
	var w Workflow
	err := r.Scan(&w.ID, &w.Key, &w.MailboxID, &w.Name, &w.Position, &w.Enabled, &w.Version, &w.PausedWords, &w.Failures, &w.DeletedAt)
	return w, err
}

const (
	qWorkflows        = `select ` + workflowColumns + ` from workflow where deleted_at = 0 order by position, id`
	qDeletedWorkflows = `select ` + workflowColumns + ` from workflow where deleted_at > 0 order by deleted_at desc, id desc`
	qEveryWorkflow    = `select ` + workflowColumns + ` from workflow order by deleted_at > 0, case when deleted_at = 0 then position else 0 end, deleted_at desc, case when deleted_at = 0 then id else -id end`
	qWorkflow         = `select ` + workflowColumns + ` from workflow where id = $1`
)

// Workflows lists the published workflows in their order, without those that
// were deleted.
func (r Read) Workflows(ctx context.Context) ([]Workflow, error) {
	return r.workflows(ctx, qWorkflows)
}

// DeletedWorkflows lists the workflows that were deleted, the latest first.
func (r Read) DeletedWorkflows(ctx context.Context) ([]Workflow, error) {
	return r.workflows(ctx, qDeletedWorkflows)
}

// EveryWorkflow lists the published workflows in their order, and behind them
// those that were deleted, the latest first.
func (r Read) EveryWorkflow(ctx context.Context) ([]Workflow, error) {
	return r.workflows(ctx, qEveryWorkflow)
}

func (r Read) workflows(ctx context.Context, query string) ([]Workflow, error) {
	var out []Workflow
	err := each(ctx, r.q, query, nil, func(rows row) error {
		w, err := scanWorkflow(rows)
		out = append(out, w)
		return err
	})
	return out, err
}

// Workflow loads one workflow, deleted or not; within a transaction it is
// locked.
func (r Read) Workflow(ctx context.Context, id int64) (Workflow, error) {
	w, err := scanWorkflow(r.q.QueryRow(ctx, qWorkflow+r.forUpdate, id))
	return w, missing(err, "There is no such workflow.")
}

const (
	qInsertWorkflow = `insert into workflow (` + workflowColumns + `) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)`
	qUpdateWorkflow = `update workflow set mailbox_id = $2, name = $3, position = $4, enabled = $5, version = $6, paused_words = $7, failures = $8, deleted_at = $9 where id = $1`
)

// InsertWorkflow stores a new workflow.
func (t *Tx) InsertWorkflow(ctx context.Context, w Workflow) error {
	_, err := t.exec(ctx, qInsertWorkflow, w.ID, w.Key, w.MailboxID, w.Name, w.Position, bit(w.Enabled), w.Version, w.PausedWords, w.Failures, w.DeletedAt)
	return err
}

// UpdateWorkflow writes a workflow.
func (t *Tx) UpdateWorkflow(ctx context.Context, w Workflow) error {
	return t.one(ctx, "save workflow", qUpdateWorkflow, w.ID, w.MailboxID, w.Name, w.Position, bit(w.Enabled), w.Version, w.PausedWords, w.Failures, w.DeletedAt)
}

const qForgiveWorkflow = `update workflow set failures = 0 where id = $1 and failures > 0`

// ForgiveWorkflow ends a workflow's row of failures.
func (t *Tx) ForgiveWorkflow(ctx context.Context, id int64) error {
	_, err := t.exec(ctx, qForgiveWorkflow, id)
	return err
}

// WorkflowVersion is one published version: it never changes (W14).
type WorkflowVersion struct {
	WorkflowID int64
	Number     int
	Definition string // JSON of workflow.Definition
	AuthorID   int64  // 0: shipped
	At         int64
}

const (
	qInsertVersion = `insert into workflow_version (workflow_id, number, definition, author_id, at) values ($1,$2,$3,$4,$5)`
	qVersion       = `select workflow_id, number, definition, author_id, at from workflow_version where workflow_id = $1 and number = $2`
	qVersions      = `select workflow_id, number, definition, author_id, at from workflow_version where workflow_id = $1 order by number desc`
)

// InsertVersion stores a version.
func (t *Tx) InsertVersion(ctx context.Context, v WorkflowVersion) error {
	_, err := t.exec(ctx, qInsertVersion, v.WorkflowID, v.Number, v.Definition, v.AuthorID, v.At)
	return err
}

// Version loads one version of a workflow.
func (r Read) Version(ctx context.Context, workflow int64, number int) (WorkflowVersion, error) {
	var v WorkflowVersion
	err := r.q.QueryRow(ctx, qVersion, workflow, number).Scan(&v.WorkflowID, &v.Number, &v.Definition, &v.AuthorID, &v.At)
	return v, missing(err, "There is no version %d of this workflow.", number)
}

// Versions lists the versions of a workflow, the latest first.
func (r Read) Versions(ctx context.Context, workflow int64) ([]WorkflowVersion, error) {
	var out []WorkflowVersion
	err := each(ctx, r.q, qVersions, []any{workflow}, func(rows row) error {
		var v WorkflowVersion
		err := rows.Scan(&v.WorkflowID, &v.Number, &v.Definition, &v.AuthorID, &v.At)
		out = append(out, v)
		return err
	})
	return out, err
}

// SetEntry is one workflow in a set.
type SetEntry struct {
	ID        int64  `json:"id"`
	Version   int    `json:"version"`
	MailboxID int64  `json:"mailbox,omitempty"`
	Name      string `json:"name"`
	Enabled   bool   `json:"enabled"`
	Paused    string `json:"paused,omitempty"`
}

const (
	qLastSet   = `select coalesce(max(revision), 0) from workflow_set`
	qInsertSet = `insert into workflow_set (revision, body, author_id, at) values ($1,$2,$3,$4)`
	qSet       = `select body from workflow_set where revision = $1`
)

// SetRevision returns the latest revision of the set of workflows, 0 if none
// was ever stored.
func (r Read) SetRevision(ctx context.Context) (int64, error) {
	var n int64
	err := r.q.QueryRow(ctx, qLastSet).Scan(&n)
	return n, err
}

// Set loads the ordered workflows of a revision.
func (r Read) Set(ctx context.Context, revision int64) ([]SetEntry, error) {
	var body string
	if err := r.q.QueryRow(ctx, qSet, revision).Scan(&body); err != nil {
		return nil, missing(err, "There is no set of workflows with revision %d.", revision)
	}
	var out []SetEntry
	return out, fromJSON(body, &out)
}

// PublishSet stores the workflows as they stand now as a new revision; call it
// in the transaction that changed one of them.
func (t *Tx) PublishSet(ctx context.Context, author, at int64) (int64, error) {
	all, err := t.Workflows(ctx)
	if err != nil {
		return 0, err
	}
	entries := make([]SetEntry, 0, len(all))
	for _, w := range all {
		entries = append(entries, SetEntry{ID: w.ID, Version: w.Version, MailboxID: w.MailboxID, Name: w.Name, Enabled: w.Enabled, Paused: w.PausedWords})
	}
	revision, err := t.SetRevision(ctx)
	if err != nil {
		return 0, err
	}
	if _, err = t.exec(ctx, qInsertSet, revision+1, toJSON(entries), author, at); err != nil {
		return 0, err
	}
	return revision + 1, t.saveListened(ctx)
}

// --- runs

const runColumns = `id, workflow_id, version, event_id, event_seq, root_id, conversation_id, state, stopped, error, effects, at, leg`

func scanRun(r row) (postroom.Run, error) {
	var x postroom.Run
	var effects string
	err := r.Scan(&x.ID, &x.WorkflowID, &x.Version, &x.EventID, &x.EventSeq, &x.RootID, &x.ConversationID, &x.State, &x.Stopped, &x.Error, &effects, &x.At, &x.Leg)
	if err == nil {
		err = fromJSON(effects, &x.Effects)
	}
	return x, err
}

const qInsertRun = `insert into run (` + runColumns + `) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)`

// InsertRun stores a run; a second one of the same workflow on the same event
// is a conflict (W18).
func (t *Tx) InsertRun(ctx context.Context, x postroom.Run) error {
	err := t.send(ctx, qInsertRun, x.ID, x.WorkflowID, x.Version, x.EventID, x.EventSeq, x.RootID, x.ConversationID, x.State, bit(x.Stopped), x.Error, toJSON(x.Effects), x.At, x.Leg)
	if err != nil {
		return fmt.Errorf("insert run: %w", err)
	}
	return nil
}

const (
	qRunsOfRoot         = `select ` + runColumns + ` from run where root_id = $1 and conversation_id = $2 order by id`
	qRunsOfConversation = `select ` + runColumns + ` from run where conversation_id = $1 order by id`
	qRun                = `select ` + runColumns + ` from run where id = $1`
)

// RunsOfRoot lists the runs of a chain (W20).
func (r Read) RunsOfRoot(ctx context.Context, root, conversation int64) ([]postroom.Run, error) {
	return r.runs(ctx, qRunsOfRoot, root, conversation)
}

// RunsOfConversation lists all runs on a conversation.
func (r Read) RunsOfConversation(ctx context.Context, conversation int64) ([]postroom.Run, error) {
	return r.runs(ctx, qRunsOfConversation, conversation)
}

// Run loads one run.
func (r Read) Run(ctx context.Context, id int64) (postroom.Run, error) {
	x, err := scanRun(r.q.QueryRow(ctx, qRun, id))
	return x, missing(err, "There is no such run.")
}

func (r Read) runs(ctx context.Context, query string, args ...any) ([]postroom.Run, error) {
	var out []postroom.Run
	err := each(ctx, r.q, query, args, func(rows row) error {
		x, err := scanRun(rows)
		out = append(out, x)
		return err
	})
	return out, err
}
