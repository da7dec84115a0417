package proof_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"postroom"
	"postroom/internal/calendar"
	"postroom/internal/proof"
	"postroom/internal/workflow"
)

func is(fact string, op workflow.Op, values ...string) workflow.Cond {
	return workflow.Cond{Fact: fact, Op: op, Values: values}
}

func compile(t testing.TB, d workflow.Definition, id int64) *workflow.Version {
	t.Helper()
	v, err := workflow.Compile(d, workflow.Identity{WorkflowID: id, Number: 1, Name: "W" + strconv.FormatInt(id, 10)})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func setOf(t testing.TB, defs ...workflow.Definition) *workflow.Set {
	t.Helper()
	var entries []workflow.Entry
	for i, d := range defs {
		entries = append(entries, workflow.Entry{Version: compile(t, d, int64(i+1)), State: workflow.Enabled})
	}
	return workflow.NewSet(1, entries)
}

// W34: what does not go well together is named at save.
func TestProve(t *testing.T) {
	t.Parallel()
	status := func(do workflow.ActionKind, cond workflow.Cond, w workflow.When) workflow.Definition {
		w.Event = postroom.StatusChanged
		a := map[workflow.ActionKind]workflow.Action{
			workflow.DoReply: {Do: workflow.DoReply, Text: "x"}, workflow.DoNote: {Do: workflow.DoNote, Text: "x"}, workflow.DoStop: {Do: workflow.DoStop},
			workflow.DoStatus: {Do: workflow.DoStatus, Status: postroom.Active}, "pending": {Do: workflow.DoStatus, Status: postroom.Pending},
		}[do]
		return workflow.Definition{When: w, If: cond, Then: []workflow.Action{a}}
	}
	answer := func(cond workflow.Cond, actors []postroom.ActorKind) workflow.Definition {
		return workflow.Definition{When: workflow.When{Event: postroom.ReplySent, Actors: actors}, If: cond, Then: []workflow.Action{{Do: workflow.DoReply, Text: "x"}}}
	}
	to := func(s ...string) workflow.When { return workflow.When{To: s} }
	seven, eight := is("conversation.assignee", workflow.Is, "7"), is("conversation.assignee", workflow.Is, "8")
	for _, c := range []struct {
		name string
		defs []workflow.Definition
		want string
	}{
		{"alone", []workflow.Definition{status(workflow.DoReply, workflow.Cond{}, workflow.When{})}, ""},
		{"double mail", []workflow.Definition{status(workflow.DoReply, workflow.Cond{}, workflow.When{}), status(workflow.DoNote, workflow.Cond{}, workflow.When{}), status(workflow.DoReply, seven, workflow.When{})}, "double_mail[1 3]"},
		{"exclusive conditions", []workflow.Definition{status(workflow.DoReply, seven, workflow.When{}), status(workflow.DoReply, eight, workflow.When{})}, ""},
		{"exclusive by none", []workflow.Definition{status(workflow.DoReply, seven, workflow.When{}), status(workflow.DoReply, workflow.Cond{None: []workflow.Cond{seven}}, workflow.When{})}, ""},
		{"exclusive by not any", []workflow.Definition{status(workflow.DoReply, workflow.Cond{Any: []workflow.Cond{seven}}, workflow.When{}), status(workflow.DoReply, is("conversation.assignee", workflow.IsNot, "7"), workflow.When{})}, ""},
		{"exclusive edges", []workflow.Definition{status(workflow.DoReply, workflow.Cond{}, to("closed")), status(workflow.DoReply, workflow.Cond{}, to("active", "spam"))}, ""},
		{"exclusive edge and condition", []workflow.Definition{status(workflow.DoReply, workflow.Cond{}, to("closed")), status(workflow.DoReply, is("conversation.status", workflow.Is, "active"), workflow.When{})}, ""},
		{"one in two", []workflow.Definition{status(workflow.DoReply, is("conversation.assignee", workflow.OneOf, "7", "8"), workflow.When{}), status(workflow.DoReply, eight, workflow.When{})}, "double_mail[1 2]"},
		{"stop before the same", []workflow.Definition{status(workflow.DoStop, seven, workflow.When{}), status(workflow.DoReply, seven, workflow.When{})}, "unreachable[1 2]"},
		{"same field", []workflow.Definition{status(workflow.DoStatus, workflow.Cond{}, to("closed")), status("pending", workflow.Cond{}, to("closed"))}, "same_field[1 2]"},
		{"same field, same value", []workflow.Definition{status(workflow.DoStatus, workflow.Cond{}, workflow.When{}), status(workflow.DoStatus, workflow.Cond{}, workflow.When{})}, ""},
		{"unreachable", []workflow.Definition{status(workflow.DoStop, workflow.Cond{}, to("closed", "spam")), status(workflow.DoNote, seven, to("closed"))}, "unreachable[1 2]"},
		{"reachable by another edge", []workflow.Definition{status(workflow.DoStop, workflow.Cond{}, to("closed")), status(workflow.DoNote, seven, workflow.When{})}, ""},
		{"never", []workflow.Definition{status(workflow.DoNote, workflow.Cond{All: []workflow.Cond{seven, eight}}, workflow.When{})}, "never_true[1]"},
		{"never on this edge", []workflow.Definition{status(workflow.DoNote, is("conversation.status", workflow.IsNot, "closed"), to("closed"))}, "never_true[1]"},
		{"never by nesting", []workflow.Definition{status(workflow.DoNote, workflow.Cond{None: []workflow.Cond{{Any: []workflow.Cond{seven, {None: []workflow.Cond{seven}}}}}}, workflow.When{})}, "never_true[1] always_true[1]"},
		{"several addresses are no contradiction", []workflow.Definition{status(workflow.DoNote, workflow.Cond{All: []workflow.Cond{is("customer.address", workflow.Is, "a@b.example"), is("customer.address", workflow.Is, "c@d.example")}}, workflow.When{})}, ""},
		{"any is no demand", []workflow.Definition{status(workflow.DoNote, workflow.Cond{Any: []workflow.Cond{seven, eight}}, workflow.When{})}, ""},
		{"no message on this edge", []workflow.Definition{status(workflow.DoNote, is("message.class", workflow.Is, "human"), workflow.When{})}, "never_known[1]"},
		{"a message would be nice", []workflow.Definition{status(workflow.DoNote, workflow.Cond{Any: []workflow.Cond{seven, is("message.class", workflow.Is, "human")}}, workflow.When{})}, ""},
		{"answers machines", []workflow.Definition{{When: workflow.When{Event: postroom.MessageReceived}, Then: []workflow.Action{{Do: workflow.DoReply, Text: "x"}}}}, "machine_reply[1]"},
		{"sets off itself", []workflow.Definition{answer(workflow.Cond{}, nil)}, "mail_loop[1]"},
		{"sets off itself, but for people only", []workflow.Definition{answer(workflow.Cond{}, []postroom.ActorKind{"agent"})}, ""},
		{"sets off itself, but not after a workflow", []workflow.Definition{answer(is("cause.workflow", workflow.NotSet), nil)}, ""},
		{"sets off itself, but not after this one", []workflow.Definition{answer(is("cause.workflow", workflow.IsNot, "1"), nil)}, ""},
		{"sets off itself, but not by condition", []workflow.Definition{answer(is("event.actor", workflow.IsNot, "workflow"), nil)}, ""},
		{"a circle but for a condition", []workflow.Definition{status(workflow.DoStatus, workflow.Cond{}, to("pending")), status("pending", is("conversation.status", workflow.Is, "spam"), workflow.When{})}, ""},
		{"a circle of two", []workflow.Definition{status(workflow.DoStatus, workflow.Cond{}, to("pending")), status(workflow.DoNote, workflow.Cond{}, to("spam")), status("pending", workflow.Cond{}, to("active"))}, "cycle[1 3]"},
		{"a line of two", []workflow.Definition{status(workflow.DoStatus, workflow.Cond{}, to("closed")), status("pending", workflow.Cond{}, to("active"))}, ""},
	} {
		set := setOf(t, c.defs...)
		var got []string
		for _, f := range proof.Prove(set, nil).Findings {
			got = append(got, fmt.Sprintf("%s%v", f.Kind, f.Workflows))
			if !strings.HasSuffix(f.Text, ".") && !strings.HasSuffix(f.Text, "?") || !strings.Contains(f.Text, "“W") {
				t.Errorf("%s: %q is no sentence about the workflow", c.name, f.Text)
			}
			if f.Blocks != (f.Kind == proof.MailLoop) {
				t.Errorf("%s: %s blocks: %v", c.name, f.Kind, f.Blocks)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: found %v, want %s", c.name, got, c.want)
		}
		var off []workflow.Entry
		for _, en := range set.Entries() {
			off = append(off, workflow.Entry{Version: en.Version, State: workflow.SwitchedOff})
		}
		if r := proof.Prove(workflow.NewSet(1, off), nil); len(r.Findings)+len(r.Graph.Nodes) > 0 {
			t.Errorf("%s: switched off, and still %v", c.name, r)
		}
	}
}

// W34: workflows that set each other off through a mail, or a note, are found.
func TestCirclesThroughMailsAndNotes(t *testing.T) {
	t.Parallel()
	reply, note := workflow.Action{Do: workflow.DoReply, Text: "It went."}, workflow.Action{Do: workflow.DoNote, Text: "Noted."}
	for _, c := range []struct {
		name string
		d    workflow.Definition
		want proof.Kind
	}{
		{"answers its own mail", workflow.Definition{When: workflow.When{Event: postroom.MailAccepted}, Then: []workflow.Action{reply}}, proof.MailLoop},
		{"answers agents' mails only", workflow.Definition{When: workflow.When{Event: postroom.MailAccepted}, If: is("mail.sort", workflow.Is, string(workflow.AgentReply)), Then: []workflow.Action{reply}}, ""},
		{"answers its own mail when that fails", workflow.Definition{When: workflow.When{Event: postroom.MailFailed}, Then: []workflow.Action{reply}}, proof.Cycle},
		{"notes its own note", workflow.Definition{When: workflow.When{Event: postroom.NoteAdded}, Then: []workflow.Action{note}}, proof.Cycle},
		{"asks a change of status for a mail", workflow.Definition{When: workflow.When{Event: postroom.StatusChanged}, If: is("mail.words", workflow.Contains, "x"), Then: []workflow.Action{note}}, proof.NeverKnown},
	} {
		found := proof.Prove(setOf(t, c.d), nil).Findings
		if c.want == "" && len(found) > 0 || c.want != "" && (len(found) != 1 || found[0].Kind != c.want) {
			t.Errorf("a workflow that %s: %+v, want %q", c.name, found, c.want)
		}
	}
}

// A workflow that waits is asked when its time has come, and begins a chain
// anew: a circle with it does not end by itself.
func TestWaiting(t *testing.T) {
	t.Parallel()
	reply := []workflow.Action{{Do: workflow.DoReply, Text: "Are you still there?"}}
	wait := func(d workflow.Definition) workflow.Definition {
		d.When.After = "3d"
		return d
	}
	remind := workflow.Definition{When: workflow.When{Event: postroom.ReplySent}, Then: reply}
	unless := wait(remind)
	unless.When.Unless = []workflow.Unless{{Event: postroom.MessageReceived}}
	asks := wait(remind)
	asks.If = is("conversation.status", workflow.Is, "pending")
	agents := wait(remind)
	agents.When.Actors = []postroom.ActorKind{postroom.ByAgent}
	never := agents
	never.If = is("event.actor", workflow.Is, "agent")
	stop := workflow.Definition{When: workflow.When{Event: postroom.ReplySent}, Then: []workflow.Action{{Do: workflow.DoStop}}}
	greets := workflow.Definition{When: workflow.When{Event: postroom.MessageReceived}, Then: reply}
	for _, c := range []struct {
		name string
		defs []workflow.Definition
		want string
	}{
		{"reminds of its own reminder for ever", []workflow.Definition{wait(remind)}, "mail_loop[1]"},
		{"until the customer answers", []workflow.Definition{unless}, "cycle[1]"},
		{"while it is pending", []workflow.Definition{asks}, "cycle[1]"},
		{"of what agents wrote", []workflow.Definition{agents}, ""},
		{"asks who did what the clock does", []workflow.Definition{never}, "never_true[1]"},
		{"is stopped before it begins to wait", []workflow.Definition{stop, agents}, "unreachable[1 2]"},
		{"two at different times", []workflow.Definition{agents, {When: workflow.When{Event: postroom.ReplySent, Actors: agents.When.Actors}, Then: reply}}, ""},
		{"answers a machine, later", []workflow.Definition{wait(greets)}, ""},
	} {
		var got []string
		for _, f := range proof.Prove(setOf(t, c.defs...), nil).Findings {
			got = append(got, fmt.Sprintf("%s%v", f.Kind, f.Workflows))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: found %v, want %s", c.name, got, c.want)
		}
	}
}

func TestShippedGoWellTogether(t *testing.T) {
	t.Parallel()
	var defs []workflow.Definition
	for _, s := range workflow.Shipped() {
		defs = append(defs, s.Definition)
	}
	if r := proof.Prove(setOf(t, defs...), nil); len(r.Findings) > 0 {
		t.Errorf("the shipped workflows: %v", r.Findings)
	}
}

// A small world: few facts with few values, so that workflows drawn at random
// often match, often meet, and often contradict themselves.
var (
	statuses = []string{"active", "pending", "closed", "spam"}
	subjects = []string{"", "order", "order 12", "your order", "invoice"}
	parts    = []string{"order", "er 1", "your", "invoice", "12"}
	mailed   = []string{"a@x.example", "b@x.example", "b@y.example"}
	day      = int64(86_400_000)
	at       = 20_000*day + day/2 // noon of a Friday
	offices  = []*calendar.Calendar{calendar.New(0, 0, "Usual", calendar.Usual("UTC")), calendar.New(1, 1, "Far", calendar.Usual("Asia/Tokyo")), calendar.New(2, 1, "Nobody", calendar.Hours{Zone: "UTC"}),
		calendar.New(3, 1, "Holiday", func() calendar.Hours {
			h := calendar.Usual("UTC")
			h.Holidays = []calendar.Holiday{{Date: "2024-10-03"}}
			return h
		}())}
)

const worldFacts = 11

func drawLeaf(t *rapid.T) workflow.Cond {
	return leafAbout(t, rapid.IntRange(0, worldFacts-1).Draw(t, "fact"))
}

// leafAbout draws a condition about one of the facts of the small world.
func leafAbout(t *rapid.T, fact int) workflow.Cond {
	pick := func(list ...string) string { return rapid.SampledFrom(list).Draw(t, "value") }
	some := func(list ...string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(list), 1, 2, rapid.ID[string]).Draw(t, "values")
	}
	op := func(ops ...workflow.Op) workflow.Op { return rapid.SampledFrom(ops).Draw(t, "op") }
	valued := func(fact string, o workflow.Op, one func() string, many func() []string) workflow.Cond {
		switch o {
		case workflow.IsSet, workflow.NotSet, workflow.Changed:
			return is(fact, o)
		case workflow.OneOf, workflow.HasAll, workflow.HasAny, workflow.HasNone:
			return is(fact, o, many()...)
		}
		return is(fact, o, one())
	}
	switch fact {
	case 0:
		return valued("conversation.status", op(workflow.Is, workflow.IsNot, workflow.OneOf, workflow.Changed, workflow.ChangedTo, workflow.ChangedFrom),
			func() string { return pick(statuses...) }, func() []string { return some(statuses...) })
	case 1:
		return valued("conversation.assignee", op(workflow.Is, workflow.IsNot, workflow.OneOf, workflow.IsSet, workflow.NotSet),
			func() string { return pick("7", "8") }, func() []string { return some("7", "8", "9") })
	case 2:
		return valued("conversation.tags", op(workflow.HasAll, workflow.HasAny, workflow.HasNone, workflow.IsSet, workflow.NotSet), nil,
			func() []string { return some("1", "2", "3") })
	case 3:
		return is("conversation.replies", op(workflow.Is, workflow.IsNot, workflow.Greater, workflow.Less), pick("0", "1", "2"))
	case 4:
		o := op(workflow.Before, workflow.After, workflow.Within, workflow.Older, workflow.IsSet, workflow.NotSet)
		if o == workflow.Before || o == workflow.After {
			return is("conversation.waiting_since", o, pick("2024-10-02", "2024-10-04"))
		}
		return valued("conversation.waiting_since", o, func() string { return pick("1h", "1d", "3d", "30bm", "2bh", "8bh", "1bd", "2bd") }, nil)
	case 5:
		return valued("conversation.subject", op(workflow.Is, workflow.IsNot, workflow.Contains, workflow.NotContains, workflow.Starts, workflow.Ends, workflow.OneOf, workflow.IsSet, workflow.NotSet),
			func() string { return pick(slices.Concat(parts, subjects[1:])...) }, func() []string { return some(subjects[1:]...) })
	case 6:
		return valued("customer.address", op(workflow.Is, workflow.IsNot, workflow.Contains, workflow.NotContains, workflow.Starts, workflow.Ends, workflow.IsSet, workflow.NotSet),
			func() string { return pick(append(mailed, "@x", "b@", ".example")...) }, nil)
	case 7:
		return is("event.actor", op(workflow.Is, workflow.IsNot), pick("agent", "customer", "workflow"))
	case 8:
		return is("office.open", workflow.Is, pick("true", "false"))
	case 9: // in office time only, so that its demands meet
		return is("conversation.waiting_since", op(workflow.Within, workflow.Older), pick("30bm", "2bh", "8bh", "1bd", "2bd"))
	}
	return is("message.class", op(workflow.Is, workflow.IsNot), pick("human", "list"))
}

func drawCond(t *rapid.T, depth int) workflow.Cond {
	if depth == 0 || rapid.IntRange(0, 2).Draw(t, "leaf") == 0 {
		return drawLeaf(t)
	}
	children := make([]workflow.Cond, rapid.IntRange(1, 3).Draw(t, "children"))
	for i := range children {
		children[i] = drawCond(t, depth-1)
	}
	switch rapid.IntRange(0, 2).Draw(t, "group") {
	case 0:
		return workflow.Cond{All: children}
	case 1:
		return workflow.Cond{Any: children}
	}
	return workflow.Cond{None: children}
}

func drawDefinition(t *rapid.T, then ...workflow.Action) workflow.Definition {
	d := workflow.Definition{When: workflow.When{Event: postroom.StatusChanged}, If: drawCond(t, 3), Then: then}
	if rapid.Bool().Draw(t, "to") {
		d.When.To = []string{rapid.SampledFrom(statuses).Draw(t, "to")}
	}
	if rapid.Bool().Draw(t, "actors") {
		d.When.Actors = []postroom.ActorKind{rapid.SampledFrom([]postroom.ActorKind{postroom.ByAgent, postroom.ByWorkflow}).Draw(t, "actor")}
	}
	return d
}

func drawMoment(t *rapid.T) (*postroom.Event, workflow.Facts) {
	to := rapid.SampledFrom(statuses).Draw(t, "status")
	from := rapid.SampledFrom(statuses).Filter(func(s string) bool { return s != to }).Draw(t, "before")
	e := &postroom.Event{Kind: postroom.StatusChanged, At: at, Payload: postroom.Payload{From: from, To: to},
		Actor: postroom.Actor{Kind: rapid.SampledFrom([]postroom.ActorKind{postroom.ByAgent, postroom.ByCustomer, postroom.ByWorkflow}).Draw(t, "actor"), ID: 1},
		After: postroom.Snapshot{Status: postroom.Status(to), AssigneeID: rapid.SampledFrom([]int64{0, 7, 8, 9}).Draw(t, "assignee"),
			Tags:    rapid.SliceOfNDistinct(rapid.Int64Range(1, 3), 0, 3, rapid.ID[int64]).Draw(t, "tags"),
			Replies: rapid.IntRange(0, 3).Draw(t, "replies"), WaitingSince: rapid.SampledFrom([]int64{0, at, at - day/48, at - day/6, at - 2*day, at - 4*day}).Draw(t, "waiting")}}
	subject := rapid.SampledFrom(subjects).Draw(t, "subject")
	r := workflow.Record{Event: e, Subject: &subject, Office: rapid.SampledFrom(offices).Draw(t, "office")}
	if rapid.Bool().Draw(t, "customer") {
		r.Customer = &postroom.Customer{Addresses: rapid.SliceOfNDistinct(rapid.SampledFrom(mailed), 0, 2, rapid.ID[string]).Draw(t, "addresses")}
	}
	return e, workflow.NewFacts(r)
}

// What the proof calls impossible never happens, whatever the world is like:
// a workflow that can never match, two that never match together, one that is
// always stopped before, and a group that always holds (W34).
func TestProofIsSound(t *testing.T) {
	t.Parallel()
	reply := workflow.Action{Do: workflow.DoReply, Text: "x"}
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawDefinition(t, reply), drawDefinition(t, reply)
		if rapid.Bool().Draw(t, "stop") {
			a.Then = append(a.Then, workflow.Action{Do: workflow.DoStop})
		}
		var entries []workflow.Entry
		for i, d := range []workflow.Definition{a, b} {
			v, err := workflow.Compile(d, workflow.Identity{WorkflowID: int64(i + 1), Number: 1, Name: "W"})
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, workflow.Entry{Version: v, State: workflow.Enabled})
		}
		set := workflow.NewSet(1, entries)
		said := map[string]bool{}
		for _, f := range proof.Prove(set, nil).Findings {
			said[fmt.Sprint(f.Kind, f.Workflows)] = true
		}
		for range 30 {
			e, facts := drawMoment(t)
			one := map[int64]workflow.Verdict{}
			for _, en := range entries {
				j := workflow.Judge(workflow.NewSet(1, []workflow.Entry{en}), e, facts, workflow.Inputs{})
				one[en.Version.WorkflowID] = j.Results[0].Verdict
			}
			for id, v := range one {
				if v == workflow.Matched && (said[fmt.Sprint(proof.NeverTrue, []int64{id})] || said[fmt.Sprint(proof.NeverKnown, []int64{id})]) {
					t.Fatalf("workflow %d was said never to match, and does: %+v", id, e.After)
				}
				if d := []workflow.Definition{a, b}[id-1]; v == workflow.NotMet && len(d.If.Any) > 1 && said[fmt.Sprint(proof.AlwaysTrue, []int64{id})] && !nested(d.If) {
					t.Fatalf("the group of workflow %d was said always to hold, and does not: %+v", id, e.After)
				}
			}
			both := one[1] == workflow.Matched && one[2] == workflow.Matched
			stops := len(a.Then) > 1
			if both && !stops && !said["double_mail[1 2]"] {
				t.Fatalf("both match and were said never to do so: %+v", e.After)
			}
			if one[2] == workflow.Matched && one[1] != workflow.Matched && said["unreachable[1 2]"] {
				t.Fatalf("workflow 2 was said to be stopped always, and is not: %+v", e.After)
			}
		}
	})
}

// The same for demands on one fact, which is where they meet most often.
func TestDemandsOnOneFact(t *testing.T) {
	t.Parallel()
	for fact := range worldFacts {
		t.Run(strconv.Itoa(fact), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				var both []workflow.Cond
				for range rapid.IntRange(2, 3).Draw(t, "demands") {
					both = append(both, leafAbout(t, fact))
				}
				d := workflow.Definition{When: workflow.When{Event: postroom.StatusChanged}, If: workflow.Cond{All: both}, Then: []workflow.Action{{Do: workflow.DoNote, Text: "x"}}}
				v, err := workflow.Compile(d, workflow.Identity{WorkflowID: 1, Number: 1, Name: "W"})
				if err != nil {
					t.Fatal(err)
				}
				set := workflow.NewSet(1, []workflow.Entry{{Version: v, State: workflow.Enabled}})
				if len(proof.Prove(set, nil).Findings) == 0 {
					return
				}
				for range 40 {
					e, facts := drawMoment(t)
					if j := workflow.Judge(set, e, facts, workflow.Inputs{}); j.Results[0].Verdict == workflow.Matched {
						t.Fatalf("%+v was said never to match, and does: %+v", both, e.After)
					}
				}
			})
		})
	}
}

// nested reports whether a condition has groups within it.
func nested(c workflow.Cond) bool {
	return slices.ContainsFunc(slices.Concat(c.All, c.Any, c.None), func(x workflow.Cond) bool { return x.Fact == "" })
}

func TestGraph(t *testing.T) {
	t.Parallel()
	on := func(kind postroom.EventKind, to string, then ...workflow.Action) workflow.Definition {
		d := workflow.Definition{When: workflow.When{Event: kind}, Then: then}
		if to != "" {
			d.When.To = []string{to}
		}
		return d
	}
	set := func(s postroom.Status) workflow.Action { return workflow.Action{Do: workflow.DoStatus, Status: s} }
	g := proof.Prove(setOf(t,
		on(postroom.MessageReceived, "", set(postroom.Pending)),
		on(postroom.StatusChanged, "pending", set(postroom.Closed)),
		on(postroom.StatusChanged, "closed", set(postroom.Pending), workflow.Action{Do: workflow.DoTags, Add: []int64{1}}),
		on(postroom.TagsChanged, "", workflow.Action{Do: workflow.DoReply, Text: "x"}),
		on(postroom.ConversationCreated, "", workflow.Action{Do: workflow.DoNote, Text: "apart"}),
	), nil).Graph
	var got []string
	for _, a := range g.Arrows {
		got = append(got, fmt.Sprintf("%d→%d %s %v", g.Nodes[a.From].Workflow, g.Nodes[a.To].Workflow, a.Words, a.Back))
	}
	want := []string{"1→2 set the status to pending false", "2→3 set the status to closed true", "3→2 set the status to pending true", "3→4 add the tag tag 1 false"}
	if !slices.Equal(got, want) {
		t.Errorf("arrows %q, want %q", got, want)
	}
	column := map[int64]int{}
	for _, n := range g.Nodes {
		column[n.Workflow] = n.Column
		if n.Circle != (n.Workflow == 2 || n.Workflow == 3) {
			t.Errorf("workflow %d in a circle: %v", n.Workflow, n.Circle)
		}
	}
	if len(g.Nodes) != 4 || column[1] != 0 || column[2] < 1 || column[3] < 1 || column[4] <= max(column[2], column[3]) {
		t.Errorf("columns %v of %d nodes", column, len(g.Nodes))
	}
}

// Moving can take a conversation off its assignee and from its team; and what
// stands behind a move happens in the other mailbox.
func TestGraphKnowsWhatAMoveDoes(t *testing.T) {
	t.Parallel()
	note := []workflow.Action{{Do: workflow.DoNote, Text: "x"}}
	var entries []workflow.Entry
	for i, x := range []struct {
		mailbox int64
		d       workflow.Definition
	}{
		{1, workflow.Definition{When: workflow.When{Event: postroom.MessageReceived}, Then: []workflow.Action{{Do: workflow.DoMove, Mailbox: 2}, {Do: workflow.DoStatus, Status: postroom.Pending}}}},
		{0, workflow.Definition{When: workflow.When{Event: postroom.AssigneeChanged, To: []string{"0"}}, Then: note}},
		{2, workflow.Definition{When: workflow.When{Event: postroom.TeamChanged}, Then: note}},
		{2, workflow.Definition{When: workflow.When{Event: postroom.StatusChanged}, Then: note}},
		{1, workflow.Definition{When: workflow.When{Event: postroom.StatusChanged}, Then: note}},
		{0, workflow.Definition{When: workflow.When{Event: postroom.AssigneeChanged, To: []string{"7"}}, Then: note}},
	} {
		v, err := workflow.Compile(x.d, workflow.Identity{WorkflowID: int64(i + 1), Number: 1, Name: "W", MailboxID: x.mailbox})
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, workflow.Entry{Version: v, State: workflow.Enabled})
	}
	g := proof.Prove(workflow.NewSet(1, entries), nil).Graph
	var got []string
	for _, a := range g.Arrows {
		got = append(got, fmt.Sprintf("%d→%d", g.Nodes[a.From].Workflow, g.Nodes[a.To].Workflow))
	}
	if want := []string{"1→2", "1→3", "1→4"}; !slices.Equal(got, want) {
		t.Errorf("arrows %q, want %q", got, want)
	}
}

// crowd is many workflows with three conditions each, all on one edge, that
// write and mail.
func crowd(b *testing.B, n int) *workflow.Set {
	var defs []workflow.Definition
	for i := range n {
		k := strconv.Itoa(i + 1)
		defs = append(defs, workflow.Definition{
			When: workflow.When{Event: postroom.StatusChanged, To: []string{statuses[i%4]}},
			If: workflow.Cond{All: []workflow.Cond{is("conversation.subject", workflow.Contains, "order "+k), is("conversation.tags", workflow.HasAny, k, "1"),
				{Any: []workflow.Cond{is("conversation.assignee", workflow.Is, k), is("conversation.replies", workflow.Greater, k)}}}},
			Then: []workflow.Action{{Do: workflow.DoReply, Text: "x"}, {Do: workflow.DoStatus, Status: postroom.Status(statuses[(i+1)%4])}, {Do: workflow.DoTags, Add: []int64{int64(i + 1)}}},
		})
	}
	return setOf(b, defs...)
}

func BenchmarkProve(b *testing.B) {
	set := crowd(b, 500)
	for b.Loop() {
		proof.Prove(set, nil)
	}
}

func BenchmarkAbout(b *testing.B) {
	set := crowd(b, 500)
	for b.Loop() {
		proof.About(set, 250, nil)
	}
}

// W34: two that move, rename, mark as spam or assign differently are named.
func TestConflictsOfMoreActions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b workflow.Action
		want string
	}{
		{workflow.Action{Do: workflow.DoMove, Mailbox: 1}, workflow.Action{Do: workflow.DoMove, Mailbox: 2}, "same_field[1 2]"},
		{workflow.Action{Do: workflow.DoSpam}, workflow.Action{Do: workflow.DoStatus, Status: postroom.Closed}, "same_field[1 2]"},
		{workflow.Action{Do: workflow.DoSpam}, workflow.Action{Do: workflow.DoStatus, Status: postroom.Spam}, ""},
		{workflow.Action{Do: workflow.DoSubject, Subject: "a"}, workflow.Action{Do: workflow.DoSubject, Subject: "b"}, "same_field[1 2]"},
		{workflow.Action{Do: workflow.DoAssign, By: workflow.RoundRobin, Agents: []int64{1, 2}}, workflow.Action{Do: workflow.DoAssign, By: workflow.LeastLoaded, Agents: []int64{1, 2}}, "same_field[1 2]"},
		{workflow.Action{Do: workflow.DoTeam, Team: new(int64(1))}, workflow.Action{Do: workflow.DoTeam, Team: new(int64(2))}, "same_field[1 2]"},
		{workflow.Action{Do: workflow.DoTeam, Team: new(int64(1))}, workflow.Action{Do: workflow.DoTeam, Team: new(int64(1))}, ""},
		{workflow.Action{Do: workflow.DoAssign, By: workflow.RoundRobin, Team: new(int64(1))}, workflow.Action{Do: workflow.DoAssign, By: workflow.RoundRobin, Team: new(int64(2))}, "same_field[1 2]"},
		{workflow.Action{Do: workflow.DoField, Field: "choice.plan", Value: "gold"}, workflow.Action{Do: workflow.DoField, Field: "choice.plan"}, "same_field[1 2]"},
		{workflow.Action{Do: workflow.DoField, Field: "choice.plan", Value: "gold"}, workflow.Action{Do: workflow.DoField, Field: "choice.size", Value: "l"}, ""},
		{workflow.Action{Do: workflow.DoSnooze, For: "1d"}, workflow.Action{Do: workflow.DoSnooze, For: "2d"}, "same_field[1 2]"},
		{workflow.Action{Do: workflow.DoMail, To: []string{"a@example.com"}, Text: "x"}, workflow.Action{Do: workflow.DoMail, To: []string{"a@example.com"}, Text: "y"}, ""},
	} {
		var entries []workflow.Entry
		for i, a := range []workflow.Action{c.a, c.b} {
			v, err := workflow.Compile(workflow.Definition{When: workflow.When{Event: postroom.MessageReceived}, If: is("message.class", workflow.Is, "human"),
				Then: []workflow.Action{a}}, workflow.Identity{WorkflowID: int64(i + 1), Number: 1})
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, workflow.Entry{Version: v, State: workflow.Enabled})
		}
		got := ""
		for _, f := range proof.Prove(workflow.NewSet(1, entries), nil).Findings {
			got += fmt.Sprintf("%s%v", f.Kind, f.Workflows)
		}
		if got != c.want {
			t.Errorf("%+v and %+v: %s", c.a, c.b, got)
		}
	}
}

// W34: a chain through a field is seen only where it is that field and that
// choice; conditions of one field that cannot hold together are named.
func TestProveFields(t *testing.T) {
	t.Parallel()
	set := func(field, value string) []workflow.Action {
		return []workflow.Action{{Do: workflow.DoField, Field: field, Value: value}}
	}
	hears := func(field string, to ...string) workflow.When {
		return workflow.When{Event: postroom.FieldChanged, Field: field, To: to}
	}
	plan := func(op workflow.Op, values ...string) workflow.Cond {
		return is("conversation.field.choice.plan", op, values...)
	}
	for _, c := range []struct {
		name string
		defs []workflow.Definition
		want proof.Kind
		not  bool
	}{
		{"a circle", []workflow.Definition{{When: hears("choice.plan", "gold"), Then: set("choice.plan", "basic")}, {When: hears("choice.plan", "basic"), Then: set("choice.plan", "gold")}}, proof.Cycle, false},
		{"another choice", []workflow.Definition{{When: hears("choice.plan", "gold"), Then: set("choice.plan", "old")}, {When: hears("choice.plan", "basic"), Then: set("choice.plan", "gold")}}, proof.Cycle, true},
		{"another field", []workflow.Definition{{When: hears("choice.plan"), Then: set("choice.size", "l")}, {When: hears("choice.colour"), Then: set("choice.plan", "gold")}}, proof.Cycle, true},
		{"two choices at once", []workflow.Definition{{When: workflow.When{Event: postroom.NoteAdded}, If: workflow.Cond{All: []workflow.Cond{plan(workflow.Is, "gold"), plan(workflow.Is, "basic")}}, Then: set("number.n", "1")}}, proof.NeverTrue, false},
		{"set and not", []workflow.Definition{{When: workflow.When{Event: postroom.NoteAdded}, If: workflow.Cond{All: []workflow.Cond{plan(workflow.Is, "gold"), plan(workflow.NotSet)}}, Then: set("number.n", "1")}}, proof.NeverTrue, false},
		{"two fields", []workflow.Definition{{When: workflow.When{Event: postroom.NoteAdded}, If: workflow.Cond{All: []workflow.Cond{plan(workflow.Is, "gold"), is("customer.field.choice.plan", workflow.Is, "basic")}}, Then: set("number.n", "1")}}, proof.NeverTrue, true},
		{"a number between", []workflow.Definition{{When: workflow.When{Event: postroom.NoteAdded}, If: workflow.Cond{All: []workflow.Cond{is("customer.field.number.n", workflow.Greater, "3"), is("customer.field.number.n", workflow.Less, "4")}}, Then: set("number.n", "1")}}, proof.NeverTrue, false},
		{"changed from what it is not about", []workflow.Definition{{When: hears("choice.size"), If: plan(workflow.ChangedTo, "gold"), Then: set("number.n", "1")}}, proof.NeverTrue, false},
		{"changed to one", []workflow.Definition{{When: hears("choice.plan"), If: plan(workflow.ChangedTo, "gold"), Then: set("number.n", "1")}}, proof.NeverTrue, true},
		{"no change of another event", []workflow.Definition{{When: workflow.When{Event: postroom.NoteAdded}, If: plan(workflow.Changed), Then: set("number.n", "1")}}, proof.NeverTrue, false},
	} {
		found := false
		report := proof.Prove(setOf(t, c.defs...), nil)
		for _, f := range report.Findings {
			found = found || f.Kind == c.want
		}
		if found == c.not {
			t.Errorf("%s: %+v", c.name, report.Findings)
		}
	}
}
