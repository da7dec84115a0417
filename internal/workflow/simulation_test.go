package workflow_test

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"postroom"
	"postroom/internal/workflow"
)

func simulated(t *testing.T, l workflow.Limits) *workflow.Version {
	t.Helper()
	v, err := workflow.Compile(workflow.Definition{When: workflow.When{Event: postroom.MessageReceived}, Then: []workflow.Action{{Do: workflow.DoReply, Text: "Hello"}}, Limits: l},
		workflow.Identity{WorkflowID: 1, Number: 1, Name: "Hello"})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// W35, W12, W20: a backtest counts limits, chains, caps and budget along, as the
// desk would have.
func TestSimulationKeepsLimits(t *testing.T) {
	t.Parallel()
	const minute = 60_000
	customer := postroom.Actor{Kind: postroom.ByCustomer, ID: 7}
	chance := func(n int64, at int64) workflow.Chance {
		return workflow.Chance{Conversation: n, Seq: at, At: at, Root: at, RootActor: customer, Mailbox: 1, Mails: []workflow.ChanceMail{{To: "mara@customer.example", Text: "x"}}}
	}
	s := workflow.NewSimulation(simulated(t, workflow.Limits{}))
	first := s.Next(chance(1, 10*minute))
	if first.Verdict != workflow.Matched || first.Held[0] != "" {
		t.Fatalf("the first: %+v", first)
	}
	if x := s.Next(chance(2, 11*minute)); x.Verdict != workflow.Matched || !strings.Contains(x.Held[0], "this very text") {
		t.Errorf("the same text on the same day: %+v", x)
	}
	again := chance(1, 12*minute)
	again.Root = 10 * minute
	if x := s.Next(again); x.Verdict != workflow.ChainRan {
		t.Errorf("a second time in one chain: %+v", x)
	}
	deep := chance(3, 13*minute)
	deep.Depth = workflow.MaxDepth
	if x := s.Next(deep); x.Verdict != workflow.DepthExceeded {
		t.Errorf("too deep: %+v", x)
	}

	s = workflow.NewSimulation(simulated(t, workflow.Limits{OncePer: workflow.OncePerClose}))
	s.Before(1, 3, 5)
	closed := chance(1, 10*minute)
	closed.ClosedSeq = 3
	if x := s.Next(closed); x.Verdict != workflow.LimitUsed || x.Why == "" {
		t.Errorf("once per close, and it ran before: %+v", x)
	}
	closed.ClosedSeq = 4
	if x := s.Next(closed); x.Verdict != workflow.Matched {
		t.Errorf("after another close: %+v", x)
	}

	s = workflow.NewSimulation(simulated(t, workflow.Limits{MailBudget: 2}))
	var held, paused int
	for i := range int64(5) {
		c := chance(i, minute*i)
		c.RootActor = postroom.Actor{Kind: postroom.ByAgent, ID: 1} // counts against the breaker and the budget only
		switch x := s.Next(c); {
		case x.Verdict == workflow.Paused:
			paused++
		case x.Held[0] != "":
			held++
		}
	}
	if held != 1 || paused != 2 {
		t.Errorf("a budget of two: %d held, %d paused", held, paused)
	}
}

// Whatever comes, a simulation says the same twice, never lets a chain run twice
// and never sends more than the caps allow.
func TestSimulationIsAFunction(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		limits := workflow.Limits{CoolDown: r.IntN(3) * 30, MailBudget: r.IntN(40)}
		var all []workflow.Chance
		at := int64(0)
		for range 300 {
			at += r.Int64N(3_600_000)
			c := workflow.Chance{Conversation: r.Int64N(5), Seq: at, At: at, Root: r.Int64N(120), Depth: r.IntN(10), Mailbox: 1, RootActor: postroom.Actor{Kind: postroom.ByCustomer}}
			for range r.IntN(3) {
				c.Mails = append(c.Mails, workflow.ChanceMail{To: string(rune('a' + r.IntN(4))), Text: string(rune('x' + r.IntN(2)))})
			}
			all = append(all, c)
		}
		run := func() []workflow.ChanceOutcome {
			s := workflow.NewSimulation(simulated(t, limits))
			var out []workflow.ChanceOutcome
			for _, c := range all {
				out = append(out, s.Next(c))
			}
			return out
		}
		first := run()
		if !reflect.DeepEqual(first, run()) {
			t.Fatalf("seed %d: two runs differ", seed)
		}
		chains, sent := map[[2]int64]bool{}, map[string]int{}
		perDay := map[[2]int64]int{}
		for i, o := range first {
			if o.Verdict != workflow.Matched {
				continue
			}
			c := all[i]
			if k := [2]int64{c.Root, c.Conversation}; chains[k] {
				t.Fatalf("seed %d: a chain ran twice", seed)
			} else {
				chains[k] = true
			}
			if c.Depth >= workflow.MaxDepth {
				t.Fatalf("seed %d: ran at depth %d", seed, c.Depth)
			}
			for j, m := range c.Mails {
				if o.Held[j] == "" {
					sent[m.To]++
					k := [2]int64{c.At / 86_400_000, int64(m.To[0])}
					if perDay[k]++; perDay[k] > workflow.MailsPerAddress {
						t.Fatalf("seed %d: %s got %d mails on one day", seed, m.To, perDay[k])
					}
				}
			}
		}
	}
}

// W35, W22: a wait is ended by its unless, begun anew by its edge, or comes to
// its time with the facts of then.
func TestWaitsAreSimulated(t *testing.T) {
	t.Parallel()
	v, err := workflow.Compile(workflow.Definition{When: workflow.When{Event: postroom.ReplySent, After: "1h",
		Unless: []workflow.Unless{{Event: postroom.MessageReceived}}}, Then: []workflow.Action{{Do: workflow.DoStatus, Status: postroom.Closed}}}, workflow.Identity{WorkflowID: 3, Number: 2, Name: "Close"})
	if err != nil {
		t.Fatal(err)
	}
	const hour = 3_600_000
	event := func(seq, at int64, kind postroom.EventKind, status postroom.Status) postroom.Event {
		return postroom.Event{ID: seq, ConversationID: 1, Seq: seq, Kind: kind, At: at, After: postroom.Snapshot{Status: status}}
	}
	e := event(1, 0, postroom.ReplySent, postroom.Active)
	if w := v.Waits(&e, []postroom.Event{event(2, 10, postroom.MessageReceived, postroom.Active)}, nil, nil); w.Ended == "" || w.Event != nil {
		t.Errorf("the customer wrote: %+v", w)
	}
	if w := v.Waits(&e, []postroom.Event{event(2, 10, postroom.ReplySent, postroom.Active)}, nil, nil); !w.Again || w.Event != nil {
		t.Errorf("another reply: %+v", w)
	}
	w := v.Waits(&e, []postroom.Event{event(2, 10, postroom.StatusChanged, postroom.Pending), event(3, hour+1, postroom.MessageReceived, postroom.Active)}, nil, nil)
	if w.Event == nil || w.Event.At != hour || w.Event.After.Status != postroom.Pending || w.Event.Payload.WorkflowID != 3 || w.Event.Payload.Number != 2 {
		t.Errorf("its time comes: %+v", w)
	}
	j := workflow.Judge(v.DueSet(), w.Event, workflow.NewFacts(workflow.Record{Event: w.Event}), workflow.Inputs{})
	if len(j.Results) != 1 || j.Results[0].Verdict != workflow.Matched {
		t.Errorf("judged: %+v", j)
	}
}
