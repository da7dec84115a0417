package query

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"postroom"
	"postroom/internal/store"
)

const (
	backtestsListed = 20
	backtestLines   = 500
)

// Backtests reads the page on which a backtest of a workflow is begun, with
// those of the last month; for those who may write workflows of its mailbox.
func (d *Desk) Backtests(ctx context.Context, a *postroom.Agent, id int64, place Place) (*BacktestsPage, error) {
	if err := mayWrite(a); err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	read := d.read()
	p := &BacktestsPage{Shell: shell, ID: id, Days: "30", Of: "published"}
	row, err := read.Workflow(ctx, id)
	if err != nil && postroom.CodeOf(err) != postroom.NotFound {
		return nil, err
	}
	if err == nil {
		if err := mayTell(a, row.MailboxID); err != nil {
			return nil, err
		}
	}
	published := err == nil && row.DeletedAt == 0
	if published {
		p.Name, p.Version = row.Name, row.Version
	}
	draft, err := read.WorkflowDraft(ctx, id)
	switch {
	case err == nil:
		if err := mayTell(a, draft.MailboxID); err != nil {
			return nil, err
		}
		p.Draft, p.Of = true, "draft"
		p.Name = cmp.Or(draft.Name, p.Name)
	case postroom.CodeOf(err) != postroom.NotFound:
		return nil, err
	case !published:
		return nil, postroom.Errorf(postroom.NotFound, "There is no such workflow.")
	}
	all, err := read.Backtests(ctx, id, backtestsListed)
	if err != nil {
		return nil, err
	}
	for _, b := range all {
		job, err := read.Job(ctx, b.JobID)
		if err != nil {
			return nil, err
		}
		p.Past = append(p.Past, backtestHead(b, job))
	}
	return p, nil
}

func backtestHead(b store.Backtest, job store.Job) BacktestHead {
	h := BacktestHead{ID: b.JobID, What: "The draft", Days: b.Days, At: b.At, State: job.State, Running: job.State == store.JobRunning, Words: job.Words}
	if b.Version > 0 {
		h.What = fmt.Sprintf("Version %d", b.Version)
	}
	switch {
	case job.State == store.JobDone && b.Summary == "":
		h.State = "cancelled"
	case b.Summary != "":
		var s BacktestSummary
		if json.Unmarshal([]byte(b.Summary), &s) == nil {
			h.Words = fmt.Sprintf("%d of %d events matched, %d mails", s.Matched, s.Events, s.Mails)
		}
	}
	return h
}

// Backtest reads what came of a backtest, or how far it is; for those who may
// write workflows of its mailbox, and see the conversations.
func (d *Desk) Backtest(ctx context.Context, a *postroom.Agent, id, job int64, place Place) (*BacktestPage, error) {
	if err := mayWrite(a); err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	b, err := d.read().Backtest(ctx, job)
	if err == nil && b.WorkflowID != id {
		err = postroom.Errorf(postroom.NotFound, "There is no such backtest.")
	}
	if err == nil {
		err = d.mayTellOf(ctx, a, id)
	}
	if err != nil {
		return nil, err
	}
	j, err := d.read().Job(ctx, job)
	if err != nil {
		return nil, err
	}
	p := &BacktestPage{Shell: shell, ID: id, Head: backtestHead(b, j), Name: b.Name, Done: j.Done, Total: j.Total}
	if b.Summary == "" {
		return p, nil
	}
	p.Ready = true
	if err := json.Unmarshal([]byte(b.Summary), &p.Sum); err != nil {
		return nil, fmt.Errorf("read backtest %d: %w", job, err)
	}
	lines, err := d.read().BacktestLines(ctx, job, 0, backtestLines)
	if err != nil {
		return nil, err
	}
	var conversations []int64
	for _, l := range lines {
		conversations = append(conversations, l.ConversationID)
	}
	talks, err := d.talks(ctx, conversations)
	if err != nil {
		return nil, err
	}
	got := map[string]int{}
	for _, l := range lines {
		if talk, there := talks[l.ConversationID]; there && !postroom.Can(a, postroom.See, talk.MailboxID) {
			p.Hidden++ // it was moved to where the agent does not see it
			continue
		}
		var line BacktestLine
		if err := json.Unmarshal([]byte(l.Body), &line); err != nil {
			return nil, fmt.Errorf("read backtest %d: %w", job, err)
		}
		p.Lines = append(p.Lines, line)
		for _, m := range line.Mails {
			if m.Held == "" {
				got[m.To]++
			}
		}
	}
	for to, n := range got {
		if n > 1 {
			p.Several = append(p.Several, BacktestCount{Text: to, N: n})
		}
	}
	slices.SortFunc(p.Several, func(x, y BacktestCount) int { return cmp.Or(cmp.Compare(y.N, x.N), cmp.Compare(x.Text, y.Text)) })
	p.Several = p.Several[:min(len(p.Several), 20)]
	return p, nil
}

// BacktestOf returns the workflow that a job is a backtest of, 0 for another job.
func (d *Desk) BacktestOf(ctx context.Context, job int64) (int64, error) {
	b, err := d.read().Backtest(ctx, job)
	if postroom.CodeOf(err) == postroom.NotFound {
		return 0, nil
	}
	return b.WorkflowID, err
}
