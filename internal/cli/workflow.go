package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/app"
	"postroom/internal/config"
	"postroom/internal/recipe"
)

type workflowCommand struct {
	Export   workflowExport   `cmd:"" help:"Write the published workflows as YAML, with their tests, the promises and the calendars."`
	Check    workflowCheck    `cmd:"" help:"Look whether files of workflows, promises and calendars are in order, with their tests. Changes nothing; works without a desk."`
	Plan     workflowPlan     `cmd:"" help:"Say what applying files would change, line by line. Changes nothing."`
	Apply    workflowApply    `cmd:"" help:"Make workflows, promises and calendars what files say: all of it or nothing. A second time changes nothing."`
	Test     workflowTest     `cmd:"" help:"Run the tests of the published workflows, or of files, and print each."`
	Backtest workflowBacktest `cmd:"" help:"Say what a workflow would have done with what happened in the last days. Changes nothing and sends nothing."`
	Replay   workflowReplay   `cmd:"" help:"Judge stored events again, as they were judged, and list those that come out otherwise. Changes nothing."`
	Recipe   workflowRecipe   `cmd:"" help:"Print ready workflows to begin from, with their tests; without a key, list them."`
}

// exitRed says that a test is red, or that there is a difference that was asked
// for.
const exitRed = 1

type workflowExport struct {
	config.Place
	Key    []string `arg:"" optional:"" help:"Keys of the workflows, promises and calendars to write; without any, all."`
	Output string   `short:"o" placeholder:"FILE" help:"Write to a file and not to standard output."`
}

// Run prints the workflows.
func (c *workflowExport) Run(s *Surroundings) error {
	o, err := operator(s, c.Place)
	if err != nil {
		return err
	}
	text, err := o.ExportWorkflows(s.Context, c.Key)
	if err != nil {
		return err
	}
	if c.Output == "" || c.Output == "-" {
		_, err = io.WriteString(s.Stdout, text)
		return err
	}
	return os.WriteFile(c.Output, []byte(text), 0o644)
}

// workflowFiles are the files that a command reads.
type workflowFiles struct {
	File []string `arg:"" name:"file" help:"Files of workflows, in their order; '-' is standard input."`
}

func (f workflowFiles) read(s *Surroundings) ([]app.WorkflowFile, error) {
	return readWorkflows(s, f.File)
}

func readWorkflows(s *Surroundings, names []string) ([]app.WorkflowFile, error) {
	var out []app.WorkflowFile
	for _, name := range names {
		var b []byte
		var err error
		if name == "-" {
			b, err = io.ReadAll(s.Stdin)
		} else {
			b, err = os.ReadFile(name)
		}
		if err != nil {
			return nil, exitError{exitWrong, err}
		}
		out = append(out, app.WorkflowFile{Name: name, Text: string(b)})
	}
	return out, nil
}

// faultyFiles prints what is wrong with files and is the end of the command.
func faultyFiles[F fmt.Stringer](s *Surroundings, faults []F) error {
	if len(faults) == 0 {
		return nil
	}
	for _, f := range faults {
		fmt.Fprintln(s.Stderr, f)
	}
	if len(faults) == 1 {
		return exitError{exitData, errors.New("1 thing is wrong")}
	}
	return exitError{exitData, fmt.Errorf("%d things are wrong", len(faults))}
}

type workflowCheck struct {
	config.Place
	workflowFiles
	Offline bool `help:"Ask no desk whether the agents, mailboxes, tags and workflows that are named are there."`
}

// Run checks files: what is in them, then the names, then the tests.
func (c *workflowCheck) Run(s *Surroundings) error {
	files, err := c.read(s)
	if err != nil {
		return err
	}
	faults, tests := app.CheckWorkflows(files)
	if err := faultyFiles(s, faults); err != nil {
		return err
	}
	where := "Names were not looked up."
	if !c.Offline {
		o, err := operator(s, c.Place)
		if err != nil {
			return err
		}
		if o.HasDesk(s.Context) {
			p, err := o.PlanWorkflows(s.Context, app.WorkflowFiles{Files: files})
			if err != nil {
				return err
			}
			if err := faultyFiles(s, p.Faults); err != nil {
				return err
			}
			where = "Every name is there."
			tests = tests[:0]
			for _, step := range p.Steps {
				tests = append(tests, app.WorkflowTests{Key: step.Key, Name: step.Name, Results: step.Tests})
			}
		} else {
			where = "There is no desk in " + c.Data + ", so names were not looked up."
		}
	}
	fmt.Fprintf(s.Stdout, "%s in order. %s\n", inOrder(len(tests), files), where)
	return printTests(s, tests, false)
}

// inOrder says how much of what is in order, as in "2 workflows and 1 promise
// are".
func inOrder(workflows int, files []app.WorkflowFile) string {
	promises, calendars := app.CountFiles(files)
	if promises+calendars == 0 {
		return counted(workflows, "workflow is", "workflows are")
	}
	var parts []string
	for _, x := range []struct {
		n         int
		one, many string
	}{{workflows, "workflow", "workflows"}, {promises, "promise", "promises"}, {calendars, "calendar", "calendars"}} {
		if x.n > 0 {
			parts = append(parts, counted(x.n, x.one, x.many))
		}
	}
	is := " are"
	if workflows+promises+calendars == 1 {
		is = " is"
	}
	last := len(parts) - 1
	if last == 0 {
		return parts[0] + is
	}
	return strings.Join(parts[:last], ", ") + " and " + parts[last] + is
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// printTests prints what came of tests, all or only the red ones; it fails if
// one is red.
func printTests(s *Surroundings, all []app.WorkflowTests, green bool) error {
	ran, red := 0, 0
	for _, w := range all {
		if green {
			for _, r := range w.Results {
				if r.Green {
					fmt.Fprintf(s.Stdout, "ok   %s: %s\n", w.Key, r.Name)
				}
			}
		}
		for _, r := range w.Results {
			if ran++; r.Green {
				continue
			}
			red++
			fmt.Fprintf(s.Stdout, "RED  %s: %s\n", w.Key, r.Name)
			for _, d := range r.Differences {
				fmt.Fprintf(s.Stdout, "     %s\n       expected: %s\n       it is:    %s\n", d.What, d.Expected, d.Actual)
			}
		}
	}
	if red > 0 {
		return exitError{exitRed, fmt.Errorf("%d of %s red", red, counted(ran, "test is", "tests are"))}
	}
	fmt.Fprintf(s.Stdout, "%s green.\n", counted(ran, "test is", "tests are"))
	return nil
}

type workflowPlan struct {
	config.Place
	workflowFiles
	Prune    bool `help:"Plan as well to delete the workflows that no file has, and the promises if the files hold any."`
	ExitCode bool `help:"End with 1 if anything would change, for scripts."`
	Backtest int  `default:"30" placeholder:"DAYS" help:"Say what each workflow that changes would have done on the events of the last days; 0 does not."`
}

// Run says what would change.
func (c *workflowPlan) Run(s *Surroundings) error {
	files, err := c.read(s)
	if err != nil {
		return err
	}
	o, err := operator(s, c.Place)
	if err != nil {
		return err
	}
	p, err := o.PlanWorkflows(s.Context, app.WorkflowFiles{Files: files, Prune: c.Prune, Days: c.Backtest})
	if err != nil {
		return err
	}
	if err := faultyFiles(s, p.Faults); err != nil {
		return err
	}
	printPlan(s.Stdout, p)
	if !p.Changed() {
		fmt.Fprintln(s.Stdout, "Nothing would change.")
		return nil
	}
	if p.Red > 0 {
		fmt.Fprintf(s.Stdout, "%s red: apply refuses what they are about, but for --anyway.\n", counted(p.Red, "test is", "tests are"))
	}
	if c.ExitCode {
		return exitError{exitRed, errors.New("something would change")}
	}
	return nil
}

// around is how many unchanged lines are shown around a changed one.
const around = 3

// printPlan prints what changes, line by line.
func printPlan(w io.Writer, p app.WorkflowPlan) {
	printSteps(w, "", p.Steps)
	printSteps(w, "promise ", p.Promises)
	printSteps(w, "calendar ", p.Calendars)
	if p.Order != nil {
		fmt.Fprintf(w, "The order becomes: %s.\n\n", strings.Join(p.Order, ", "))
	}
}

// printSteps prints what becomes of the things of one kind.
func printSteps(w io.Writer, kind string, steps []app.WorkflowStep) {
	for _, step := range steps {
		if !slices.ContainsFunc(step.Tests, func(r app.WorkflowTestResult) bool { return !r.Green }) && step.What == "same" {
			continue
		}
		fmt.Fprintf(w, "%s%s (%s): %s\n", kind, step.Key, step.Name, step.What)
		for _, words := range step.Words {
			fmt.Fprintf(w, "  %s\n", words)
		}
		if step.Sentence != "" && step.What != "same" {
			fmt.Fprintf(w, "  %s\n", step.Sentence)
		}
		printLines(w, step.Changes)
		printLines(w, step.Text)
		for _, r := range step.Tests {
			if !r.Green {
				fmt.Fprintf(w, "  RED  %s\n", r.Name)
				for _, d := range r.Differences {
					fmt.Fprintf(w, "       %s\n", d)
				}
			}
		}
		if len(step.Backtest) > 0 {
			fmt.Fprintln(w, "  With what happened lately it would have come to:")
		}
		for _, words := range step.Backtest {
			fmt.Fprintf(w, "    %s\n", words)
		}
		fmt.Fprintln(w)
	}
}

// printLines prints the lines that changed with some around them.
func printLines(w io.Writer, lines []app.WorkflowLine) {
	if len(lines) == 0 {
		return
	}
	last := -1
	for i, l := range lines {
		near := slices.ContainsFunc(lines[max(0, i-around):min(len(lines), i+around+1)], func(x app.WorkflowLine) bool { return x.Sign != ' ' })
		if !near {
			continue
		}
		if i > last+1 {
			fmt.Fprintln(w, "    …")
		}
		fmt.Fprintf(w, "  %s\n", strings.TrimRight(fmt.Sprintf("%c %s", l.Sign, l.Text), " "))
		last = i
	}
	fmt.Fprintln(w)
}

type workflowApply struct {
	config.Place
	workflowFiles
	As     string `placeholder:"ADDRESS" help:"The admin who publishes; without it the command line itself."`
	Prune  bool   `help:"Delete the workflows that no file has, and the promises if the files hold any. They can be restored."`
	Anyway bool   `help:"Publish although tests are red. The system log says so."`
}

// Run makes the workflows what the files say.
func (c *workflowApply) Run(s *Surroundings) error {
	files, err := c.read(s)
	if err != nil {
		return err
	}
	o, err := operator(s, c.Place)
	if err != nil {
		return err
	}
	p, err := o.ApplyWorkflows(s.Context, app.WorkflowFiles{Files: files, As: c.As, Prune: c.Prune, Anyway: c.Anyway})
	if err != nil {
		return err
	}
	if err := faultyFiles(s, p.Faults); err != nil {
		return err
	}
	if !p.Changed() {
		fmt.Fprintln(s.Stdout, "Nothing has changed: the desk is what the files say.")
		return nil
	}
	printPlan(s.Stdout, p)
	if p.Refused != "" {
		return exitError{exitRed, postroom.Errorf(postroom.Conflict, "%s Correct them, or apply with --anyway.", p.Refused)}
	}
	fmt.Fprintln(s.Stdout, "Applied.")
	return nil
}

type workflowTest struct {
	config.Place
	File []string `arg:"" optional:"" name:"file" help:"Files of workflows; without any, the published ones are tested. '-' is standard input."`
	Key  []string `placeholder:"KEY" help:"Test only the workflow with this key; may be given several times."`
}

// Run runs tests and prints each.
func (c *workflowTest) Run(s *Surroundings) error {
	if len(c.File) > 0 {
		return c.files(s)
	}
	o, err := operator(s, c.Place)
	if err != nil {
		return err
	}
	all, err := o.TestWorkflows(s.Context, c.Key)
	if err != nil {
		return err
	}
	return printTests(s, all, true)
}

// files runs the tests of files, without a desk.
func (c *workflowTest) files(s *Surroundings) error {
	files, err := readWorkflows(s, c.File)
	if err != nil {
		return err
	}
	faults, all := app.CheckWorkflows(files)
	if err := faultyFiles(s, faults); err != nil {
		return err
	}
	for _, k := range c.Key {
		if !slices.ContainsFunc(all, func(w app.WorkflowTests) bool { return w.Key == k }) {
			return postroom.InvalidField("key", "There is no workflow with the key %q in the files.", k)
		}
	}
	if len(c.Key) > 0 {
		all = slices.DeleteFunc(all, func(w app.WorkflowTests) bool { return !slices.Contains(c.Key, w.Key) })
	}
	return printTests(s, all, true)
}

type workflowRecipe struct {
	Key []string `arg:"" optional:"" help:"Keys of the recipes to print; without any, they are listed."`
}

// Run prints recipes, as files that the other commands take. It needs no desk.
func (c *workflowRecipe) Run(s *Surroundings) error {
	if len(c.Key) == 0 {
		for _, r := range recipe.All() {
			if _, err := fmt.Fprintf(s.Stdout, "%-24s %s\n", r.Key, r.Name); err != nil {
				return err
			}
		}
		return nil
	}
	var texts []string
	for _, key := range c.Key {
		r, ok := recipe.Find(key)
		if !ok {
			return postroom.InvalidField("key", "There is no recipe %q; postroom workflow recipe lists them.", key)
		}
		texts = append(texts, r.Text)
	}
	_, err := io.WriteString(s.Stdout, strings.Join(texts, "---\n"))
	return err
}
