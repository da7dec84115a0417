package automate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"postroom"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// The bounds of backtests.
const (
	MaxBacktestDays   = 366
	maxBacktestEvents = 50_000 // the newest are taken
	backtestBatch     = 500    // events read at a time
	maxBacktestLines  = 500    // events that are listed
	maxBacktestTexts  = 100    // of them, those with the texts of mails
	maxBacktestText   = 4000   // bytes of a text
	maxBacktestWhys   = 20     // reasons that are told apart
)

// BacktestAsk says what is to be tried on what happened.
type BacktestAsk struct {
	Days    int
	Draft   bool // as it is being written, and not as it is published
	Version int  // an older version; 0 is the published one
}

// backtestParams is a backtest job's row.
type backtestParams struct {
	Workflow   int64  `json:"workflow"`
	Name       string `json:"name"`
	Mailbox    int64  `json:"mailbox,omitempty"`
	Version    int    `json:"version"` // that it is judged as
	Draft      bool   `json:"draft,omitempty"`
	Days       int    `json:"days"`
	Until      int64  `json:"until"`
	Definition string `json:"definition"`
}

// StartBacktest makes a job that says what a workflow would have done with what
// happened in the last days, and returns its id. Nothing else is written and
// nothing is sent. Invalid with field "days" or, for a workflow that is not
// complete or has no events of the past, "of".
func (w *Workflows) StartBacktest(ctx context.Context, by *postroom.Agent, id int64, ask BacktestAsk) (job int64, err error) {
	if _, err := w.mayWrite(ctx, w.store.Read(), by, id); err != nil {
		return 0, err
	}
	defer postroom.Wrap(&err, "begin a backtest of workflow %d", id)
	p, err := w.backtestOf(ctx, id, ask)
	if err != nil {
		return 0, err
	}
	params, err := json.Marshal(p)
	if err != nil {
		return 0, err
	}
	if job, err = w.store.NewID(ctx); err != nil {
		return 0, err
	}
	now := w.store.Now()
	version := p.Version
	if p.Draft {
		version = 0
	}
	return job, w.store.Write(ctx, func(t *store.Tx) error {
		t.OnCommit(func() { w.wake("bulk"); w.publish("job " + decimal(job)) })
		if err := t.InsertJob(ctx, store.Job{ID: job, Kind: store.JobBacktest, AgentID: by.ID, State: store.JobRunning, Params: string(params), CreatedAt: now}); err != nil {
			return err
		}
		return t.InsertBacktest(ctx, store.Backtest{JobID: job, WorkflowID: id, Name: p.Name, Version: version, Days: p.Days, At: now})
	})
}

func (w *Workflows) backtestOf(ctx context.Context, id int64, ask BacktestAsk) (p backtestParams, err error) {
	if ask.Days < 1 || ask.Days > MaxBacktestDays {
		return p, postroom.InvalidField("days", "Between 1 and %d days are possible.", MaxBacktestDays)
	}
	x, err := w.writing(ctx, w.store.Read(), id)
	if err != nil {
		return p, err
	}
	d := x.published
	if ask.Draft || x.row == nil {
		d, ask.Draft = x.definition, true
	} else if x.fault != "" {
		return p, postroom.InvalidField("of", "The published version cannot be read.")
	}
	p = backtestParams{Workflow: id, Name: x.name, Mailbox: x.mailboxID, Version: x.version(), Draft: ask.Draft, Days: ask.Days, Until: w.store.Now()}
	if x.row != nil && !ask.Draft {
		p.Name, p.Mailbox = x.row.Name, x.row.MailboxID
		if ask.Version > 0 && ask.Version != p.Version {
			p.Version = ask.Version
			if d, err = w.olderVersion(ctx, id, ask.Version); err != nil {
				return p, err
			}
		}
	}
	if ask.Draft {
		p.Version++
	}
	if _, err := p.compile(d); err != nil {
		return p, err
	}
	body, err := d.Encode()
	p.Definition = string(body)
	return p, err
}

// olderVersion reads a version that was published once.
func (w *Workflows) olderVersion(ctx context.Context, id int64, number int) (d workflow.Definition, err error) {
	v, err := w.store.Read().Version(ctx, id, number)
	if postroom.CodeOf(err) == postroom.NotFound {
		return d, postroom.InvalidField("of", "There is no version %d.", number)
	}
	if err != nil {
		return d, err
	}
	if d, err = workflow.Decode([]byte(v.Definition)); err != nil {
		return d, postroom.InvalidField("of", "Version %d cannot be read.", number)
	}
	return d, nil
}

// compile refuses what cannot be tried.
func (p backtestParams) compile(d workflow.Definition) (*workflow.Version, error) {
	v, err := workflow.Compile(workflow.Stored(d), workflow.Identity{WorkflowID: p.Workflow, Number: p.Version, Name: p.Name, MailboxID: p.Mailbox})
	switch {
	case err != nil:
		return nil, postroom.InvalidField("of", "It is not complete yet: the editor says what is missing.")
	case v.ByHand():
		return nil, postroom.InvalidField("of", "It is run by hand, so nothing of the past would have set it off.")
	case d.When.Scheduled():
		return nil, postroom.InvalidField("of", "It runs at set times on what is so then, and how every conversation was at each of those times is not known any more. Try it on conversations, in the editor.")
	case !slices.Contains(workflow.Events(), d.When.Event) || workflow.OwnEvent(d.When.Event):
		return nil, postroom.InvalidField("of", "It does not listen for what happens, so nothing of the past would have set it off.")
	}
	return v, nil
}

// RunBacktest does the work of a backtest job, from the beginning: until it has
// ended nothing of it is stored. hold must fail when the worker's lease was lost.
// Somebody who stops the job ends it.
func (w *Workflows) RunBacktest(ctx context.Context, job store.Job, hold func(context.Context, *store.Tx) error) (err error) {
	defer postroom.Wrap(&err, "backtest %d", job.ID)
	if job.State != store.JobRunning {
		return nil
	}
	var p backtestParams
	if err := json.Unmarshal([]byte(job.Params), &p); err != nil {
		return err
	}
	stopped := false
	tell := func(t *store.Tx, total, done int) (bool, error) {
		stopped = false
		if err := hold(ctx, t); err != nil {
			return false, err
		}
		now, err := t.Job(ctx, job.ID)
		if err != nil || now.State != store.JobRunning {
			stopped = err == nil
			return false, err
		}
		t.OnCommit(func() { w.publish("job " + decimal(job.ID)) })
		return true, t.JobProgress(ctx, job.ID, total, done)
	}
	b, err := w.backtest(ctx, p, func(total, done int) (bool, error) {
		err := w.store.Write(ctx, func(t *store.Tx) error { _, err := tell(t, total, done); return err })
		return !stopped, err
	})
	if err != nil || stopped {
		return err
	}
	summary, err := json.Marshal(b.sum)
	if err != nil {
		return err
	}
	lines := make([]store.BacktestLine, len(b.lines))
	for i, l := range b.lines {
		body, err := json.Marshal(l.line)
		if err != nil {
			return err
		}
		lines[i] = store.BacktestLine{ConversationID: l.conversation, Body: string(body)}
	}
	return w.store.Write(ctx, func(t *store.Tx) error {
		goes, err := tell(t, max(b.total, 1), max(b.total, 1))
		if err != nil || !goes {
			return err
		}
		if err := t.SaveBacktest(ctx, job.ID, string(summary), lines); err != nil {
			return err
		}
		now, err := t.Job(ctx, job.ID)
		if err != nil {
			return err
		}
		now.State, now.EndedAt, now.FinalAt = store.JobDone, w.store.Now(), w.store.Now()
		return t.UpdateJob(ctx, now)
	})
}

// BacktestNow makes a backtest at once and keeps nothing of it: the summary and
// the first lines.
func (w *Workflows) BacktestNow(ctx context.Context, by *postroom.Agent, id int64, ask BacktestAsk) (sum query.BacktestSummary, lines []query.BacktestLine, err error) {
	if _, err := w.mayWrite(ctx, w.store.Read(), by, id); err != nil {
		return sum, nil, err
	}
	p, err := w.backtestOf(ctx, id, ask)
	if err != nil {
		return sum, nil, err
	}
	return w.backtestNow(ctx, p)
}

func (w *Workflows) backtestNow(ctx context.Context, p backtestParams) (sum query.BacktestSummary, lines []query.BacktestLine, err error) {
	b, err := w.backtest(ctx, p, func(int, int) (bool, error) { return true, nil })
	if err != nil {
		return sum, nil, err
	}
	for _, l := range b.lines[:min(len(b.lines), maxBacktestTexts)] {
		lines = append(lines, l.line)
	}
	return b.sum, lines, nil
}

// backtestDefinition is BacktestNow for a definition that is nowhere stored yet,
// such as a file's. One that has no events of the past gives an empty summary,
// with ok false.
func (w *Workflows) backtestDefinition(ctx context.Context, id workflow.Identity, d workflow.Definition, days int) (sum query.BacktestSummary, ok bool, err error) {
	body, err := d.Encode()
	if err != nil {
		return sum, false, err
	}
	p := backtestParams{Workflow: id.WorkflowID, Name: id.Name, Mailbox: id.MailboxID, Version: max(id.Number, 1), Draft: true, Days: days, Until: w.store.Now(), Definition: string(body)}
	if _, err := p.compile(d); err != nil {
		return sum, false, nil
	}
	sum, _, err = w.backtestNow(ctx, p)
	return sum, err == nil, err
}

// BacktestWords says a summary in a few sentences.
func BacktestWords(s query.BacktestSummary) []string {
	out := []string{fmt.Sprintf("%d events, %d matched; %d mails to %d addresses, %d of which would get several.", s.Events, s.Matched, s.Mails, s.People, s.Several)}
	if s.Cut {
		out = append(out, fmt.Sprintf("There were more events; the newest %d were looked at.", s.Events))
	}
	for _, list := range [][]query.BacktestCount{s.Waits, s.Effects, s.Held, s.Failed, s.Unknown} {
		for _, c := range list {
			words := fmt.Sprintf("%d × %s", c.N, c.Text)
			if c.Same > 0 {
				words += fmt.Sprintf(" (%d of them were so already)", c.Same)
			}
			out = append(out, words)
		}
	}
	really := fmt.Sprintf("Really happened for these events: %d automatic mails", s.ReallyMails)
	for _, c := range s.Really {
		really += fmt.Sprintf("; %s ran %d times", c.Text, c.N)
	}
	return append(out, really+".")
}
