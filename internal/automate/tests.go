package automate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/flowfile"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// Test is a test of a workflow with what comes of it.
type Test struct {
	ID     int64 // 0 for one of a file
	Test   workflow.Test
	Result workflow.TestResult
}

// fieldTests is the field of an error about red tests.
const fieldTests = "tests"

// errRed refuses to publish what its tests say is wrong.
func errRed(results []workflow.TestResult) error {
	var names []string
	for _, r := range red(results) {
		names = append(names, "“"+r.Name+"”")
	}
	if len(names) == 0 {
		return nil
	}
	more := ""
	if n := len(names) - 3; n > 0 {
		names, more = names[:3], fmt.Sprintf(" and %d more", n)
	}
	return &postroom.Error{Code: postroom.Conflict, Field: fieldTests,
		Text: fmt.Sprintf("%d of %d tests are red: %s%s. Correct the workflow or the tests, or publish anyway.", len(red(results)), len(results), strings.Join(names, ", "), more)}
}

// red returns the results of tests that failed.
func red(results []workflow.TestResult) []workflow.TestResult {
	return slices.DeleteFunc(slices.Clone(results), func(r workflow.TestResult) bool { return r.Green })
}

// world is what tests know of this desk.
func (w *Workflows) world(ctx context.Context, read store.Read) (workflow.TestWorld, error) {
	names, err := read.Names(ctx)
	if err != nil {
		return workflow.TestWorld{}, fmt.Errorf("read names: %w", err)
	}
	agents, err := read.Agents(ctx)
	if err != nil {
		return workflow.TestWorld{}, err
	}
	boxes, err := read.Mailboxes(ctx)
	if err != nil {
		return workflow.TestWorld{}, err
	}
	return workflow.TestWorld{
		Names: func(kind workflow.Ref, id int64) string { return names[string(kind)][id] },
		Agent: func(id int64) *postroom.Agent {
			if i := slices.IndexFunc(agents, func(a *postroom.Agent) bool { return a.ID == id }); i >= 0 {
				return agents[i]
			}
			return nil
		},
		Mailbox: func(id int64) *postroom.Mailbox {
			if i := slices.IndexFunc(boxes, func(m *postroom.Mailbox) bool { return m.ID == id }); i >= 0 {
				return boxes[i]
			}
			return nil
		},
	}, nil
}

// stored decodes rows; a test that cannot be read any more is one that fails.
func stored(rows []store.WorkflowTest) []workflow.Test {
	out := make([]workflow.Test, len(rows))
	for i, r := range rows {
		t, err := workflow.DecodeTest([]byte(r.Body))
		if err != nil {
			t = workflow.Test{}
		}
		t.Name = r.Name
		out[i] = t
	}
	return out
}

// results runs tests on a version; without one all are red.
func results(v *workflow.Version, tests []workflow.Test, world workflow.TestWorld) []workflow.TestResult {
	out := make([]workflow.TestResult, len(tests))
	for i, t := range tests {
		if v == nil {
			out[i] = workflow.TestResult{Name: t.Name, Differences: []workflow.Difference{{What: "the workflow", Expected: "one that can be read", Actual: "not complete"}}}
			continue
		}
		out[i] = v.RunTest(t, world)
	}
	return out
}

// proveTests refuses a definition of a workflow that its tests find wrong,
// unless it is to be published anyway; that is logged.
func (w *Workflows) proveTests(ctx context.Context, t *store.Tx, d workflow.Definition, id workflow.Identity, by int64, anyway bool) error {
	rows, err := t.WorkflowTests(ctx, id.WorkflowID)
	if err != nil || len(rows) == 0 {
		return err
	}
	return w.heldTo(ctx, t, d, id, stored(rows), by, anyway)
}

// heldTo is proveTests with tests that are given.
func (w *Workflows) heldTo(ctx context.Context, t *store.Tx, d workflow.Definition, id workflow.Identity, tests []workflow.Test, by int64, anyway bool) error {
	v, err := workflow.Compile(d, id)
	if err != nil {
		return err
	}
	world, err := w.world(ctx, t.Read)
	if err != nil {
		return err
	}
	found := results(v, tests, world)
	refusal := errRed(found)
	if refusal == nil || !anyway {
		return refusal
	}
	return t.Log(ctx, redLog(id.Name, red(found), by))
}

func redLog(name string, red []workflow.TestResult, by int64) store.LogEntry {
	var lines []string
	for _, r := range red {
		lines = append(lines, r.Name)
		for _, d := range r.Differences {
			lines = append(lines, "    "+d.String())
		}
	}
	return store.LogEntry{Level: store.LevelWarning, Area: store.AreaWorkflows, AgentID: by,
		Words: fmt.Sprintf("The workflow %q was published although %d of its tests are red.", name, len(red)), Details: strings.Join(lines, "\n")}
}

// retest has the published version of a workflow tested after the commit, and
// the alarm about it raised or cleared.
func (w *Workflows) retest(ctx context.Context, t *store.Tx, ids ...int64) error {
	for _, id := range ids {
		if err := t.OpenLane(ctx, store.LaneTest, id, w.store.Now()); err != nil {
			return err
		}
	}
	if len(ids) > 0 {
		t.OnCommit(func() { w.wake(store.LaneTest) })
	}
	return nil
}

// RetestAll has all workflows that have tests tested again: nightly.
func (w *Workflows) RetestAll(ctx context.Context) (err error) {
	defer postroom.Wrap(&err, "test the workflows")
	ids, err := w.store.Read().TestedWorkflows(ctx)
	if err != nil || len(ids) == 0 {
		return err
	}
	return w.store.Write(ctx, func(t *store.Tx) error { return w.retest(ctx, t, ids...) })
}

// keyTestedBy names the version of the program by which all was tested last.
const keyTestedBy = "workflows tested by"

// RetestAfterUpgrade has all workflows tested again if this version of the
// program has not done so: what they mean may have changed with it. Of several
// processes one does it.
func (w *Workflows) RetestAfterUpgrade(ctx context.Context, version string) (err error) {
	defer postroom.Wrap(&err, "test the workflows after an upgrade")
	last, err := w.store.Read().Meta(ctx, keyTestedBy)
	if err != nil || last == version {
		return err
	}
	ids, err := w.store.Read().TestedWorkflows(ctx)
	if err != nil {
		return err
	}
	return w.store.Write(ctx, func(t *store.Tx) error {
		mine, err := t.Advance(ctx, keyTestedBy, last, version)
		if err != nil || !mine {
			return err
		}
		return w.retest(ctx, t, ids...)
	})
}

// Examination is what testing the published version of a workflow came to.
type Examination struct {
	Name    string
	Version int // 0: it was never published, or is deleted
	Rows    []store.WorkflowTest
	Results []workflow.TestResult
	Red     []workflow.TestResult
}

// Words say what is red, in a sentence; "" if nothing is.
func (x Examination) Words() string {
	if len(x.Red) == 0 {
		return ""
	}
	first := x.Red[0]
	words := fmt.Sprintf("%s: %d of %d tests of version %d are red. “%s”", x.Name, len(x.Red), len(x.Rows), x.Version, first.Name)
	if len(first.Differences) > 0 {
		words += ": " + first.Differences[0].String()
	}
	return words
}

// Fresh reports whether what was examined is still so within a transaction.
func (x Examination) Fresh(ctx context.Context, t *store.Tx, id int64) (bool, error) {
	row, err := t.Workflow(ctx, id)
	version := row.Version
	if postroom.CodeOf(err) == postroom.NotFound || err == nil && row.DeletedAt > 0 {
		version, err = 0, nil
	}
	if err != nil || version != x.Version {
		return false, err
	}
	rows, err := t.WorkflowTests(ctx, id)
	return err == nil && (version == 0 || slices.EqualFunc(rows, x.Rows, store.WorkflowTest.Same)), err
}

// Examine runs the tests of a workflow on its published version and returns
// their rows with what came of them, not yet written.
func (w *Workflows) Examine(ctx context.Context, id int64) (out Examination, err error) {
	defer postroom.Wrap(&err, "test workflow %d", id)
	read := w.store.Read()
	row, err := read.Workflow(ctx, id)
	if postroom.CodeOf(err) == postroom.NotFound || err == nil && row.DeletedAt > 0 {
		return Examination{}, nil
	}
	if err != nil {
		return out, err
	}
	out.Name, out.Version = row.Name, row.Version
	if out.Rows, err = read.WorkflowTests(ctx, id); err != nil || len(out.Rows) == 0 {
		return out, err
	}
	version, err := read.Version(ctx, id, row.Version)
	if err != nil {
		return out, err
	}
	world, err := w.world(ctx, read)
	if err != nil {
		return out, err
	}
	v := published(row, version)
	found := results(v, stored(out.Rows), world)
	for i, r := range found {
		text, err := json.Marshal(r)
		if err != nil {
			return out, err
		}
		x := &out.Rows[i]
		x.Green, x.Result, x.Version, x.RanAt = r.Green, string(text), row.Version, w.store.Now()
	}
	out.Results, out.Red = found, red(found)
	return out, nil
}

// published compiles the published version, nil if it cannot be read.
func published(row store.Workflow, version store.WorkflowVersion) *workflow.Version {
	d, fault := decode(version.Definition)
	if fault != "" {
		return nil
	}
	v, err := workflow.Compile(d, workflow.Identity{WorkflowID: row.ID, Number: row.Version, Key: row.Key, Name: row.Name, MailboxID: row.MailboxID})
	if err != nil {
		return nil
	}
	return v
}

// fileNames are the names that files have for this desk's things.
func fileNames(ctx context.Context, read store.Read) (map[workflow.Ref]map[int64]string, error) {
	all, err := read.FileNames(ctx)
	if err != nil {
		return nil, fmt.Errorf("read names: %w", err)
	}
	out := map[workflow.Ref]map[int64]string{}
	for kind, list := range all {
		out[workflow.Ref(kind)] = list
	}
	return out, nil
}

// TestText is a test as its page writes it, with what comes of it on the
// workflow as it is being written.
type TestText struct {
	ID       int64 // 0: not stored yet
	Workflow int64
	Title    string // the workflow's name
	Text     string // YAML
	Result   workflow.TestResult
	Kept     []string // what a pinned test has kept of a real conversation, in sentences
}

// ReadTest returns a stored test as text.
func (w *Workflows) ReadTest(ctx context.Context, by *postroom.Agent, id, test int64) (out TestText, err error) {
	if _, err := w.mayWrite(ctx, w.store.Read(), by, id); err != nil {
		return out, err
	}
	defer postroom.Wrap(&err, "read test %d", test)
	row, err := w.store.Read().WorkflowTest(ctx, test)
	if err == nil && row.WorkflowID != id {
		err = postroom.Errorf(postroom.NotFound, "There is no such test.")
	}
	if err != nil {
		return out, err
	}
	t, err := workflow.DecodeTest([]byte(row.Body))
	if err != nil {
		return out, err
	}
	return w.testText(ctx, by, id, test, t)
}

// NewTest returns a test to begin from: the workflow's own event.
func (w *Workflows) NewTest(ctx context.Context, by *postroom.Agent, id int64) (out TestText, err error) {
	x, err := w.mayWrite(ctx, w.store.Read(), by, id)
	if err != nil {
		return out, err
	}
	defer postroom.Wrap(&err, "begin a test of workflow %d", id)
	return w.testText(ctx, by, id, 0, workflow.SampleTest(x.definition))
}

func (w *Workflows) testText(ctx context.Context, by *postroom.Agent, id, test int64, t workflow.Test) (out TestText, err error) {
	names, err := fileNames(ctx, w.store.Read())
	if err != nil {
		return out, err
	}
	text, err := flowfile.WriteTest(t, flowfile.NewNames(names))
	if err != nil {
		return out, err
	}
	out, err = w.TryTest(ctx, by, id, test, text)
	return out, err
}

// TryTest runs a test, as it is typed, on the workflow as it is being written.
// What is wrong with the text is Invalid with field "text", and names line and
// column; the result is then without a verdict.
func (w *Workflows) TryTest(ctx context.Context, by *postroom.Agent, id, test int64, text string) (out TestText, err error) {
	read := w.store.Read()
	x, err := w.mayWrite(ctx, read, by, id)
	if err != nil {
		return out, err
	}
	out = TestText{ID: test, Workflow: id, Title: x.name, Text: text}
	t, err := w.parseTest(ctx, read, text)
	if err != nil {
		return out, err
	}
	world, err := w.world(ctx, read)
	if err != nil {
		return out, err
	}
	v, _ := workflow.Compile(x.definition, workflow.Identity{WorkflowID: id, Number: x.version() + 1, Name: x.name, MailboxID: x.mailboxID})
	out.Result = results(v, []workflow.Test{t}, world)[0]
	return out, nil
}

// fieldText is the field of the page of a test.
const fieldText = "text"

func (w *Workflows) parseTest(ctx context.Context, read store.Read, text string) (workflow.Test, error) {
	names, err := fileNames(ctx, read)
	if err != nil {
		return workflow.Test{}, err
	}
	t, faults := flowfile.ReadTest(flowfile.Source{Text: lines(text) + "\n"}, flowfile.NewNames(names))
	if len(faults) == 0 {
		return t, nil
	}
	words := make([]string, 0, 3)
	for _, f := range faults[:min(3, len(faults))] {
		words = append(words, fmt.Sprintf("Line %d, column %d: %s", max(f.Line, 1), max(f.Column, 1), f.Text))
	}
	return t, postroom.InvalidField(fieldText, "%s", strings.Join(words, "\n"))
}

// SaveTest stores a test, as it is typed, as one of a workflow's; test 0 makes
// a new one. It returns its id. The errors are those of TryTest; a second test
// of one name is Invalid too. A red test is stored all the same: it says what
// is wanted before the workflow can do it.
func (w *Workflows) SaveTest(ctx context.Context, by *postroom.Agent, id, test int64, text string) (saved int64, err error) {
	if _, err := w.mayWrite(ctx, w.store.Read(), by, id); err != nil {
		return 0, err
	}
	defer postroom.Wrap(&err, "save a test of workflow %d", id)
	parsed, err := w.parseTest(ctx, w.store.Read(), text)
	if err != nil {
		return 0, err
	}
	body, err := parsed.Encode()
	if err != nil {
		return 0, err
	}
	fresh, err := w.store.NewID(ctx)
	if err != nil {
		return 0, err
	}
	return saved, w.store.Write(ctx, func(t *store.Tx) error {
		if err := t.Lock(ctx, lockName); err != nil {
			return err
		}
		if _, err := w.stillWrites(ctx, t, by, id); err != nil {
			return err
		}
		rows, err := t.WorkflowTests(ctx, id)
		if err != nil {
			return err
		}
		row := store.WorkflowTest{ID: fresh, WorkflowID: id, Name: parsed.Name, Body: string(body), AuthorID: by.ID, At: w.store.Now()}
		for _, other := range rows {
			row.Position = max(row.Position, other.Position+1)
		}
		row.Position = max(row.Position, 1)
		if test != 0 {
			i := slices.IndexFunc(rows, func(x store.WorkflowTest) bool { return x.ID == test })
			if i < 0 {
				return postroom.Errorf(postroom.NotFound, "There is no such test any more.")
			}
			row.ID, row.Position = test, rows[i].Position
		} else if len(rows) >= workflow.MaxTests {
			return postroom.InvalidField(fieldText, "A workflow has at most %d tests.", workflow.MaxTests)
		}
		if slices.ContainsFunc(rows, func(x store.WorkflowTest) bool { return x.ID != row.ID && x.Name == row.Name }) {
			return postroom.InvalidField(fieldText, "There is a test %q already; give this one another name.", row.Name)
		}
		saved = row.ID
		t.OnCommit(func() { w.publish(Key) })
		if err := t.SaveWorkflowTest(ctx, row); err != nil {
			return err
		}
		return w.retest(ctx, t, id)
	})
}

// DeleteTest takes a test away from a workflow; one that is gone is no error.
func (w *Workflows) DeleteTest(ctx context.Context, by *postroom.Agent, id, test int64) (err error) {
	if _, err := w.mayWrite(ctx, w.store.Read(), by, id); err != nil {
		return err
	}
	defer postroom.Wrap(&err, "delete test %d", test)
	return w.store.Write(ctx, func(t *store.Tx) error {
		if _, err := w.stillWrites(ctx, t, by, id); err != nil {
			return err
		}
		t.OnCommit(func() { w.publish(Key) })
		if err := t.DeleteWorkflowTest(ctx, id, test); err != nil {
			return err
		}
		return w.retest(ctx, t, id)
	})
}

// tests runs the workflow's tests on what is written.
func (e *editor) tests() error {
	rows, err := e.read.WorkflowTests(e.ctx, e.x.id)
	if err != nil || len(rows) == 0 {
		return err
	}
	world, err := e.w.world(e.ctx, e.read)
	if err != nil {
		return err
	}
	for i, r := range results(e.version, stored(rows), world) {
		t := Shown(r)
		t.ID = rows[i].ID
		e.page.Tests = append(e.page.Tests, t)
	}
	return nil
}

// Shown is what came of a test, for a page.
func Shown(r workflow.TestResult) query.EditorTest {
	out := query.EditorTest{Name: r.Name, Verdict: r.Verdict, Green: r.Green}
	for _, d := range r.Differences {
		out.Differences = append(out.Differences, query.TestDifference{What: d.What, Expected: d.Expected, Actual: d.Actual})
	}
	return out
}

// TestDefaults says what is so in a test that does not say otherwise.
func TestDefaults() []string { return workflow.TestDefaults() }
