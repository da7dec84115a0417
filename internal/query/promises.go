package query

import (
	"context"
	"fmt"
)

// whyPromises says, by event, which promises began on a conversation and what
// came of them.
func (d *Desk) whyPromises(ctx context.Context, conversation int64) (map[int64][]WhyPromise, error) {
	watches, err := d.read().WatchesOn(ctx, conversation)
	if err != nil || len(watches) == 0 {
		return nil, err
	}
	names := map[int64]string{}
	out := map[int64][]WhyPromise{}
	for _, w := range watches {
		if _, known := names[w.PromiseID]; !known {
			p, err := d.read().Promise(ctx, w.PromiseID)
			if err != nil {
				return nil, fmt.Errorf("read promise %d: %w", w.PromiseID, err)
			}
			names[w.PromiseID] = p.Name
		}
		out[w.EventID] = append(out[w.EventID], WhyPromise{ID: w.PromiseID, Name: names[w.PromiseID], State: w.State, Words: w.Words, DueAt: w.DueAt})
	}
	return out, nil
}
