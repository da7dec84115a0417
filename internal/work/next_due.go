package work

import "context"

// NextDue returns when the first item of any kind is due, in milliseconds of
// the runner's clock; ok is false if nothing waits at all. It is for who moves
// that clock and settles, instead of starting the runner.
func (r *Runner) NextDue(ctx context.Context) (due int64, ok bool, err error) {
	for _, l := range r.lanes {
		at, some, err := l.kind.Source.NextDue(ctx)
		if err != nil {
			return 0, false, err
		}
		if some && (!ok || at < due) {
			due, ok = at, true
		}
	}
	return due, ok, nil
}
