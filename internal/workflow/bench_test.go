package workflow

import (
	"fmt"
	"testing"

	"postroom"
)

// crowd is n workflows on the closing edge with three conditions each: one
// that all share, one that looks into the message, one that tells them apart.
func crowd(t testing.TB, n int, kind postroom.EventKind) *Set {
	entries := make([]Entry, n)
	for i := range entries {
		d := Definition{
			When: When{Event: kind},
			If: Cond{All: []Cond{
				is("conversation.status", Is, "closed"),
				{Any: []Cond{is("message.body", Contains, fmt.Sprintf("word%d", i)), is("customer.domain", Is, "example.com")}},
				is("conversation.number", Is, fmt.Sprint(1042+i%10)),
			}},
			Then: []Action{{Do: DoNote, Text: "x"}},
		}
		entries[i] = Entry{compile(t, d, int64(i+1)), Enabled}
	}
	return NewSet(1, entries)
}

// BenchmarkJudge judges one event, facts and stored verdicts included.
func BenchmarkJudge(b *testing.B) {
	for _, n := range []int{100, 1000} {
		for edge, kind := range map[string]postroom.EventKind{"own": postroom.StatusChanged, "other": postroom.ReplySent} {
			b.Run(fmt.Sprintf("edge=%s/workflows=%d", edge, n), func(b *testing.B) {
				set, e := crowd(b, n, kind), closed()
				bytes := 0
				for b.Loop() {
					bytes = len(Judge(set, e, NewFacts(record(e)), Inputs{}).Vector())
				}
				b.ReportMetric(float64(bytes), "vector-bytes")
			})
		}
	}
}

func BenchmarkExplain(b *testing.B) {
	set, e := crowd(b, 100, postroom.StatusChanged), closed()
	for b.Loop() {
		Explain(set, e, NewFacts(record(e)), Inputs{}, nil)
	}
}

// A thousand workflows on one edge are all judged, and those whose conditions hold
// match; BenchmarkJudge says how long that takes.
func TestThousandWorkflowsOnOneEdge(t *testing.T) {
	t.Parallel()
	e := closed()
	j := Judge(crowd(t, 1000, postroom.StatusChanged), e, NewFacts(record(e)), Inputs{})
	if len(j.Matches) != 100 || len(j.Results) != 1000 {
		t.Errorf("%d matched of %d, want 100 of 1000", len(j.Matches), len(j.Results))
	}
	if other := Judge(crowd(t, 1000, postroom.ReplySent), e, NewFacts(record(e)), Inputs{}); len(other.Results) != 0 {
		t.Errorf("%d workflows of another edge were judged", len(other.Results))
	}
}
