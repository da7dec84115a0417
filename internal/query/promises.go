package query

import (
	"cmp"
	"fmt"
	"slices"

	"postroom"
	"postroom/internal/promise"
)

// broken are the promises that were broken on the conversation and not kept
// since, as lines between the events. A promise is no part of the conversation
// and has no number in it, so that a line stands where its time puts it.
func (v *conversationView) broken() []EventLine {
	var out []EventLine
	for _, w := range v.rows.Watches {
		if w.State != string(promise.Broken) {
			continue
		}
		l := EventLine{ID: w.Event, Kind: "promise.broken", ActorKind: string(postroom.BySystem), Promise: w.Promise.ID, At: w.SettledAt, Bad: true, Why: true,
			Words: "The promise “" + nameOr(w.Promise.Name, "Without a name") + "” was broken. " + w.Words}
		if postroom.Can(v.agent, postroom.Manage, 0) && !w.Deleted {
			l.Trace = fmt.Sprintf("/promises/%d?event=%d#trace-%d", w.Promise.ID, w.Event, w.Event)
		}
		out = append(out, l)
	}
	slices.SortStableFunc(out, func(a, b EventLine) int { return cmp.Compare(a.At, b.At) })
	return out
}

// promises says, by event, which promises began on the conversation and what
// came of them.
func (v *conversationView) promises() map[int64][]WhyPromise {
	out := map[int64][]WhyPromise{}
	for _, w := range v.rows.Watches {
		out[w.Event] = append(out[w.Event], WhyPromise{ID: w.Promise.ID, Gone: w.Deleted, Name: w.Promise.Name, State: w.State, Words: w.Words, DueAt: w.Due})
	}
	return out
}
