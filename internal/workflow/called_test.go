package workflow

import (
	"strings"
	"testing"

	"postroom"
)

// W20: what keeps a workflow from running keeps it from being run by another one
// too, its When apart; each verdict says which it was, and who ran whom.
func TestVerdictsOfTheCalled(t *testing.T) {
	t.Parallel()
	run := func(id int64) Action { return Action{Do: DoRun, Workflow: id} }
	note, stop := Action{Do: DoNote, Text: "x"}, Action{Do: DoStop}
	on := func(kind postroom.EventKind, then ...Action) Definition {
		return Definition{When: When{Event: kind}, Then: then}
	}
	edge := func(then ...Action) Definition { return on(postroom.StatusChanged, then...) }
	other := func(then ...Action) Definition { return on(postroom.MessageReceived, then...) }
	only := func(c Cond) Definition {
		d := other(note)
		d.If = c
		return d
	}
	once := other(note)
	once.Limits.OncePer = OncePerConversation
	timed := other(note)
	timed.When.After = "1d"
	for _, c := range []struct {
		name    string
		defs    []Definition // of the workflows 1, 2, …
		state   map[int64]State
		mailbox map[int64]int64
		in      Inputs
		depth   int
		want    string
		stopped bool // the chain was too long
	}{
		{name: "whatever its When says", defs: []Definition{edge(run(2)), other(note)}, want: "1.1m +2.1m"},
		{name: "one that runs a third", defs: []Definition{edge(run(2)), other(run(3)), other(note)}, want: "1.1m +2.1m ++3.1m"},
		{name: "switched off", defs: []Definition{edge(run(2), run(3)), other(run(3)), other(note)}, state: map[int64]State{2: SwitchedOff}, want: "1.1m +2.1d +3.1m"},
		{name: "paused", defs: []Definition{edge(run(2)), other(note)}, state: map[int64]State{2: OnHold}, want: "1.1m +2.1p"},
		{name: "of another mailbox", defs: []Definition{edge(run(2)), other(note)}, mailbox: map[int64]int64{2: 77}, want: "1.1m +2.1o"},
		{name: "conditions not met", defs: []Definition{edge(run(2)), only(is("conversation.status", Is, "spam"))}, want: "1.1m +2.1f"},
		{name: "conditions unknown", defs: []Definition{edge(run(2)), only(is("message.class", Is, "human"))}, want: "1.1m +2.1u"},
		{name: "its limit is used", defs: []Definition{edge(run(2)), once}, in: Inputs{Counters: map[int64]Counters{2: {Runs: 1}}}, want: "1.1m +2.1l"},
		{name: "it ran in the chain", defs: []Definition{edge(run(2)), other(note)}, in: Inputs{Ran: []int64{2}}, want: "1.1m +2.1c"},
		{name: "twice for one event", defs: []Definition{edge(run(3)), edge(run(3)), other(note)}, want: "1.1m +3.1m 2.1m +3.1r"},
		{name: "run, and listening itself", defs: []Definition{edge(run(2)), edge(note)}, want: "1.1m +2.1m 2.1r"},
		{name: "in a circle", defs: []Definition{edge(run(2)), other(run(1))}, want: "1.1m +2.1m ++1.1r"},
		{name: "waits for its own time", defs: []Definition{edge(run(2)), timed}, want: "1.1m"},
		{name: "not there", defs: []Definition{edge(run(9))}, want: "1.1m"},
		{name: "the caller does not match", defs: []Definition{{When: When{Event: postroom.StatusChanged, To: []string{"spam"}}, Then: []Action{run(2)}}, other(note)}, want: "1.1e"},
		{name: "stop reaches the later ones", defs: []Definition{edge(run(3), run(4)), edge(note), other(note, stop), other(note)}, want: "1.1m +3.1m +4.1m 2.1s"},
		{name: "too deep a chain", defs: []Definition{edge(run(2)), other(note)}, depth: MaxDepth - 1, want: "1.1m +2.1x", stopped: true},
		{name: "just not too deep", defs: []Definition{edge(run(2)), other(run(3)), other(note)}, depth: MaxDepth - 2, want: "1.1m +2.1m ++3.1x", stopped: true},
	} {
		var entries []Entry
		for i, d := range c.defs {
			id := int64(i + 1)
			v, err := Compile(d, Identity{WorkflowID: id, Number: 1, MailboxID: c.mailbox[id]})
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			en := Entry{v, Enabled}
			if c.state[id] != "" {
				en.State = c.state[id]
			}
			entries = append(entries, en)
		}
		e := closed()
		e.Depth = c.depth
		j := Judge(NewSet(1, entries), e, NewFacts(Record{Event: e}), c.in)
		if j.Vector() != c.want || j.DepthReached != c.stopped {
			t.Errorf("%s: %q, too deep %v; want %q, %v", c.name, j.Vector(), j.DepthReached, c.want, c.stopped)
		}
		back, err := ParseVector(j.Vector())
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		for i, r := range back {
			if r.Caller != j.Results[i].Caller || r.Level != strings.Count(strings.Fields(j.Vector())[i], "+") {
				t.Errorf("%s: read back, %+v is run by %d", c.name, r, j.Results[i].Caller)
			}
		}
	}
}
