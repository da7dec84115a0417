package app

import (
	"context"
	"errors"
	"os"
	"slices"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/flowfile"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// The commands about workflows as files.
const (
	opExportWorkflows = "workflow.export"
	opPlanWorkflows   = "workflow.plan"
	opApplyWorkflows  = "workflow.apply"
	opTestWorkflows   = "workflow.test"
)

// WorkflowFile is the text of a file of workflows.
type WorkflowFile = flowfile.Source

// WorkflowFiles are files of workflows, with what is to be done with them.
type WorkflowFiles struct {
	Files  []WorkflowFile
	As     string // the address of the admin who does it; "" is the command line itself
	Prune  bool   // delete the workflows that no file has
	Anyway bool   // publish although tests are red
	Days   int    // plan tries what would change on the events of so many days; 0 does not
}

// WorkflowTestResult is what came of one test.
type WorkflowTestResult = workflow.TestResult

// WorkflowLine is a line of what changes.
type WorkflowLine = workflow.Change

// WorkflowStep is what becomes of one thing of the files.
type WorkflowStep = automate.FileStep

// WorkflowPlan is what files of workflows change, or have changed.
type WorkflowPlan = automate.FilePlan

// CountFiles says how many promises and calendars stand in files, as far as they
// can be read.
func CountFiles(files []WorkflowFile) (promises, calendars int) {
	held := flowfile.Keys(files)
	return len(held.Promises), len(held.Calendars)
}

// WorkflowTests is what came of the tests of one workflow.
type WorkflowTests struct {
	Key, Name string
	Version   int // 0 for one of a file
	Results   []workflow.TestResult
}

// exportWorkflows asks for workflows as a file.
type exportWorkflows struct{ Keys []string }

// ExportWorkflows writes the published workflows with the given keys, or all,
// as one file.
func (o Operator) ExportWorkflows(ctx context.Context, keys []string) (text string, err error) {
	return text, o.run(ctx, opExportWorkflows, exportWorkflows{keys}, &text)
}

// PlanWorkflows says what applying files would change.
func (o Operator) PlanWorkflows(ctx context.Context, f WorkflowFiles) (p WorkflowPlan, err error) {
	return p, o.run(ctx, opPlanWorkflows, f, &p)
}

// ApplyWorkflows makes the workflows what files say.
func (o Operator) ApplyWorkflows(ctx context.Context, f WorkflowFiles) (p WorkflowPlan, err error) {
	return p, o.run(ctx, opApplyWorkflows, f, &p)
}

// TestWorkflows runs the tests of the published workflows with the given keys,
// or of all.
func (o Operator) TestWorkflows(ctx context.Context, keys []string) (list []WorkflowTests, err error) {
	return list, o.run(ctx, opTestWorkflows, exportWorkflows{keys}, &list)
}

// HasDesk reports whether there is a desk in the place that can be asked,
// running or not, without making one.
func (o Operator) HasDesk(ctx context.Context) bool {
	var h Health
	if err := ask(ctx, o.Place, opHealth, nil, &h); !errors.Is(err, errNotRunning) {
		return true
	}
	if o.Place.Postgres() {
		return true
	}
	_, err := os.Stat(o.Place.SQLiteFile())
	return err == nil
}

// CheckWorkflows finds what is wrong with files of workflows without a desk:
// every name is taken for one that is there. It also runs their tests.
func CheckWorkflows(files []WorkflowFile) ([]flowfile.Fault, []WorkflowTests) {
	names := flowfile.Invented()
	held, faults := flowfile.Read(files, names)
	for _, p := range held.Promises {
		faults = append(faults, p.Check()...)
	}
	for _, c := range held.Calendars {
		faults = append(faults, c.Check()...)
	}
	var out []WorkflowTests
	for _, d := range held.Workflows {
		id, _ := names.ID(workflow.RefWorkflow, d.Key) // as those have it that run it
		v, more := d.Check(id)
		if faults = append(faults, more...); len(faults) > 0 {
			continue
		}
		x := WorkflowTests{Key: d.Key, Name: d.Name}
		for _, t := range d.Tests {
			x.Results = append(x.Results, v.RunTest(t, workflow.TestWorld{}))
		}
		out = append(out, x)
	}
	return faults, out
}

func (o operators) workflows() *automate.Workflows {
	if o.automate != nil {
		return o.automate
	}
	return automate.New(automate.Options{Store: o.core.store})
}

func (o operators) exportWorkflows(ctx context.Context, p exportWorkflows) (string, error) {
	return o.workflows().ExportFiles(ctx, operator(), p.Keys)
}

// author is who applies files.
func (o operators) author(ctx context.Context, address string) (*postroom.Agent, error) {
	if address == "" {
		return operator(), nil
	}
	a, err := o.core.directory.AgentByEmail(ctx, operator(), address)
	if err == nil {
		a, err = o.core.store.Read().Agent(ctx, a.ID) // with what they may do, mailbox by mailbox
	}
	if err == nil && !postroom.CanSomewhere(a, postroom.DraftWorkflows) {
		err = postroom.InvalidField("as", "%s may not write workflows.", address)
	}
	return a, err
}

func (o operators) planWorkflows(ctx context.Context, f WorkflowFiles) (WorkflowPlan, error) {
	by, err := o.author(ctx, f.As)
	if err != nil {
		return WorkflowPlan{}, err
	}
	return o.workflows().PlanFiles(ctx, by, automate.Files{Sources: f.Files, Prune: f.Prune, Anyway: f.Anyway, Backtest: f.Days})
}

func (o operators) applyWorkflows(ctx context.Context, f WorkflowFiles) (WorkflowPlan, error) {
	by, err := o.author(ctx, f.As)
	if err != nil {
		return WorkflowPlan{}, err
	}
	return o.workflows().ApplyFiles(ctx, by, automate.Files{Sources: f.Files, Prune: f.Prune, Anyway: f.Anyway})
}

func (o operators) testWorkflows(ctx context.Context, p exportWorkflows) ([]WorkflowTests, error) {
	rows, err := o.core.store.Read().Workflows(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range p.Keys {
		if !slices.ContainsFunc(rows, func(r store.Workflow) bool { return r.Key == k }) {
			return nil, postroom.Errorf(postroom.NotFound, "There is no workflow with the key %q.", k)
		}
	}
	out := []WorkflowTests{}
	for _, r := range rows {
		if len(p.Keys) > 0 && !slices.Contains(p.Keys, r.Key) {
			continue
		}
		x, err := o.workflows().Examine(ctx, r.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, WorkflowTests{Key: r.Key, Name: r.Name, Version: x.Version, Results: x.Results})
	}
	return out, nil
}
