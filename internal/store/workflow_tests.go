package store

import (
	"context"
)

// WorkflowTest is a test of a workflow (W36), with what came of it the last time
// the published version was tested.
type WorkflowTest struct {
	ID         int64
	WorkflowID int64
	Position   int // in the list, from 1
	Name       string
	Body       string // JSON of workflow.Test
	AuthorID   int64  // who wrote it last; 0: the command line
	At         int64

	Green   bool
	Result  string // JSON of workflow.TestResult, "" before it was run
	Version int    // the version it was run on, 0 before
	RanAt   int64
}

// Same reports whether another row is the same test, whatever came of it.
func (x WorkflowTest) Same(y WorkflowTest) bool {
	return x.ID == y.ID && x.Position == y.Position && x.Name == y.Name && x.Body == y.Body
}

const workflowTestColumns = `id, workflow_id, position, name, body, author_id, at, green, result, version, ran_at`

func scanWorkflowTest(r row) (WorkflowTest, error) {
	var x WorkflowTest
	err := r.Scan(&x.ID, &x.WorkflowID, &x.Position, &x.Name, &x.Body, &x.AuthorID, &x.At, &x.Green, &x.Result, &x.Version, &x.RanAt)
	return x, err
}

const (
	qWorkflowTests    = `select ` + workflowTestColumns + ` from workflow_test where workflow_id = $1 order by position, id`
	qAllWorkflowTests = `select ` + workflowTestColumns + ` from workflow_test order by workflow_id, position, id`
	qWorkflowTest     = `select ` + workflowTestColumns + ` from workflow_test where id = $1`
	qTestedWorkflows  = `select distinct workflow_id from workflow_test order by workflow_id`
)

// WorkflowTests lists the tests of a workflow in their order.
func (r Read) WorkflowTests(ctx context.Context, workflow int64) ([]WorkflowTest, error) {
	return r.workflowTests(ctx, qWorkflowTests, workflow)
}

// AllWorkflowTests lists the tests of all workflows, those of drafts and of
// deleted ones too.
func (r Read) AllWorkflowTests(ctx context.Context) ([]WorkflowTest, error) {
	return r.workflowTests(ctx, qAllWorkflowTests)
}

func (r Read) workflowTests(ctx context.Context, query string, args ...any) ([]WorkflowTest, error) {
	var out []WorkflowTest
	err := each(ctx, r.q, query, args, func(rows row) error {
		x, err := scanWorkflowTest(rows)
		out = append(out, x)
		return err
	})
	return out, err
}

// WorkflowTest loads one test; NotFound if there is none with the id.
func (r Read) WorkflowTest(ctx context.Context, id int64) (WorkflowTest, error) {
	x, err := scanWorkflowTest(r.q.QueryRow(ctx, qWorkflowTest, id))
	return x, missing(err, "There is no such test.")
}

// TestedWorkflows lists the ids of the workflows that have tests.
func (r Read) TestedWorkflows(ctx context.Context) ([]int64, error) {
	var out []int64
	err := each(ctx, r.q, qTestedWorkflows, nil, func(rows row) error {
		var id int64
		err := rows.Scan(&id)
		out = append(out, id)
		return err
	})
	return out, err
}

const (
	qSaveWorkflowTest = `insert into workflow_test (` + workflowTestColumns + `) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)
	on conflict (id) do update set position = excluded.position, name = excluded.name, body = excluded.body, author_id = excluded.author_id, at = excluded.at,
	green = excluded.green, result = excluded.result, version = excluded.version, ran_at = excluded.ran_at`
	qDeleteWorkflowTest  = `delete from workflow_test where workflow_id = $1 and id = $2`
	qDeleteWorkflowTests = `delete from workflow_test where workflow_id = $1`
	qTestRan             = `update workflow_test set green = $2, result = $3, version = $4, ran_at = $5 where id = $1`
)

// SaveWorkflowTest writes a test over the one there is.
func (t *Tx) SaveWorkflowTest(ctx context.Context, x WorkflowTest) error {
	_, err := t.exec(ctx, qSaveWorkflowTest, x.ID, x.WorkflowID, x.Position, x.Name, x.Body, x.AuthorID, x.At, bit(x.Green), x.Result, x.Version, x.RanAt)
	return err
}

// DeleteWorkflowTest removes a test of a workflow; one that is not there is no
// error.
func (t *Tx) DeleteWorkflowTest(ctx context.Context, workflow, id int64) error {
	_, err := t.exec(ctx, qDeleteWorkflowTest, workflow, id)
	return err
}

// DeleteWorkflowTests removes all tests of a workflow.
func (t *Tx) DeleteWorkflowTests(ctx context.Context, workflow int64) error {
	_, err := t.exec(ctx, qDeleteWorkflowTests, workflow)
	return err
}

// TestRan notes what came of a test.
func (t *Tx) TestRan(ctx context.Context, x WorkflowTest) error {
	_, err := t.exec(ctx, qTestRan, x.ID, bit(x.Green), x.Result, x.Version, x.RanAt)
	return err
}

// FileNames reads by which names files call things, by kind and id: agents and
// mailboxes by address, tags and teams by name, workflows, deleted ones too, by key.
func (r Read) FileNames(ctx context.Context) (map[string]map[int64]string, error) {
	columns := map[string]string{"agent": "email", "mailbox": "address", "tag": "name", "team": "name", "workflow": "key"}
	out := map[string]map[int64]string{}
	var parts []part
	for kind, column := range columns {
		out[kind] = map[int64]string{}
		parts = append(parts, part{kind: kind, n: []string{"id"}, s: []string{column}, from: "from " + kind})
	}
	out["secret"] = map[int64]string{}
	parts = append(parts, part{kind: "secret", n: []string{"id"}, s: []string{"name"}, from: "from webhook_secret"})
	err := r.trip(ctx, parts, func(t tripRow) error {
		out[t.kind][t.n[0]] = t.s[0]
		return nil
	})
	return out, err
}
