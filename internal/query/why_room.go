package query

import (
	"slices"

	"postroom/internal/store"
	"postroom/internal/workflow"
)

// A desk may have hundreds of workflows on one edge, and a conversation a hundred
// events: nobody reads all of what they said, and a page of it is megabytes. So of
// many the page shows those that say something, counts the others, and leads to the
// page of the one event.
const (
	whyOnPage = 150 // answers on a page, beyond those that ran
	whyAll    = 25  // so many to one event are shown all, while there is room
	whyRan    = 25  // of many: those that ran, wait, or differ
	whyAside  = 5   // of many: those that were stopped, or could not tell
)

// WhyAtOnce is how many workflows the page of one event shows at a time.
const WhyAtOnce = 100

// whyRoom is how much of what workflows said a page has room for.
type whyRoom struct {
	left int   // on a page of many events
	one  bool  // the page is one event's
	at   int64 // an event that the page is to hold; 0 for the newest
	from int
}

// pick chooses what is shown of a judgement, in the order of the workflows, and
// counts what is not.
func (w *whyReader) pick(event int64, j workflow.Judgement, stored map[called]workflow.Verdict, out *WhyEvent) (some []int) {
	n := len(j.Results)
	between := func(from, to int) {
		for i := from; i < to; i++ {
			some = append(some, i)
		}
	}
	switch {
	case w.room == nil:
		between(0, n)
		return some
	case w.room.one:
		w.room.from = min(w.room.from, max(n-1, 0)/WhyAtOnce*WhyAtOnce)
		between(w.room.from, min(w.room.from+WhyAtOnce, n))
		return some
	case n <= whyAll && n <= w.room.left:
		w.room.left -= n
		between(0, n)
		return some
	}
	ran, aside := 0, 0
	for i, r := range j.Results {
		switch {
		case w.tells(event, r, stored) && ran < whyRan:
			ran++
		case remarkable(r.Verdict) && aside < whyAside && w.room.left > 0:
			aside++
			w.room.left--
		default:
			count(out, r.Verdict)
			continue
		}
		some = append(some, i)
	}
	return some
}

// tells reports whether something came of a workflow, or the judgement of today is
// another than the stored one.
func (w *whyReader) tells(event int64, r workflow.Result, stored map[called]workflow.Verdict) bool {
	was, ok := stored[called{r.WorkflowID, r.Level}]
	return r.Verdict.Runs() || r.Verdict == workflow.Armed || ok && was != r.Verdict ||
		slices.ContainsFunc(w.view.rows.Runs, func(x store.RunRow) bool { return x.EventID == event && x.WorkflowID == r.WorkflowID })
}

// remarkable reports whether a workflow might have run, but for what kept it from
// being considered, or for what nobody knows.
func remarkable(v workflow.Verdict) bool {
	switch v {
	case workflow.Filtered, workflow.NotMet, workflow.Disabled, workflow.OtherMailbox:
		return false
	}
	return true
}

// count counts an answer that is not shown.
func count(out *WhyEvent, v workflow.Verdict) {
	switch v {
	case workflow.Filtered, workflow.NotMet:
		out.Unmatched++
	case workflow.Undecided:
		out.Unknown++
	default:
		out.Aside++
	}
}
