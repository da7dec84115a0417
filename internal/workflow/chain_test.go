package workflow

import (
	"testing"

	"pgregory.net/rapid"

	"postroom"
)

// W20: whatever workflows answer each other's acts with, a chain ends: each
// runs once in it, and it is never deeper than the cap.
func TestChainsEnd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		statuses := rapid.SampledFrom(postroom.Statuses)
		entries := make([]Entry, rapid.IntRange(1, 12).Draw(t, "workflows"))
		for i := range entries {
			d := Definition{
				When: When{Event: postroom.StatusChanged, To: []string{string(statuses.Draw(t, "to"))}},
				Then: []Action{{Do: DoStatus, Status: statuses.Draw(t, "status")}},
			}
			v, err := Compile(d, Identity{WorkflowID: int64(i + 1), Number: 1})
			if err != nil {
				t.Fatal(err)
			}
			entries[i] = Entry{v, Enabled}
		}
		set := NewSet(1, entries)
		begin := closed()
		begin.Payload.To = string(statuses.Draw(t, "begin"))
		queue, ran, runs := []*postroom.Event{begin}, []int64{}, map[int64]int{}
		for len(queue) > 0 {
			e := queue[0]
			queue = queue[1:]
			if e.Depth > MaxDepth {
				t.Fatalf("an event of depth %d", e.Depth)
			}
			for _, v := range Judge(set, e, NewFacts(Record{Event: e}), Inputs{Ran: ran}).Matches {
				ran = append(ran, v.WorkflowID)
				if runs[v.WorkflowID]++; runs[v.WorkflowID] > 1 {
					t.Fatalf("workflow %d ran twice in one chain", v.WorkflowID)
				}
				next := *e
				next.Depth, next.Actor = e.Depth+1, postroom.Actor{Kind: postroom.ByWorkflow, ID: v.WorkflowID}
				next.Payload = postroom.Payload{From: e.Payload.To, To: string(v.Definition.Then[0].Status)}
				queue = append(queue, &next)
			}
		}
	})
}
