package app

import (
	"context"
	"slices"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/query"
	"postroom/internal/store"
)

// opBacktest tries a workflow on what happened.
const opBacktest = "workflow.backtest"

// BacktestAsk says which workflow is to be tried, on how many days.
type BacktestAsk struct {
	Key     string
	Days    int
	Draft   bool // as it is being written
	Version int  // an older version; 0 is the published one
}

// Backtest is what a workflow would have done.
type Backtest struct {
	Name  string
	Words []string // the summary in sentences
	Lines []query.BacktestLine
	Sum   query.BacktestSummary
}

// BacktestWorkflow says what a workflow would have done. Nothing of it is kept.
func (o Operator) BacktestWorkflow(ctx context.Context, ask BacktestAsk) (out Backtest, err error) {
	return out, o.run(ctx, opBacktest, ask, &out)
}

func (o operators) backtest(ctx context.Context, ask BacktestAsk) (Backtest, error) {
	rows, err := o.core.store.Read().Workflows(ctx)
	if err != nil {
		return Backtest{}, err
	}
	i := slices.IndexFunc(rows, func(r store.Workflow) bool { return r.Key == ask.Key })
	if i < 0 {
		return Backtest{}, postroom.Errorf(postroom.NotFound, "There is no workflow with the key %q.", ask.Key)
	}
	sum, lines, err := o.workflows().BacktestNow(ctx, operator(), rows[i].ID, automate.BacktestAsk{Days: ask.Days, Draft: ask.Draft, Version: ask.Version})
	return Backtest{Name: rows[i].Name, Words: automate.BacktestWords(sum), Lines: lines, Sum: sum}, err
}
