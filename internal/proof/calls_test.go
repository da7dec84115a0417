package proof_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"postroom"
	"postroom/internal/proof"
	"postroom/internal/workflow"
)

func run(id int64) workflow.Action { return workflow.Action{Do: workflow.DoRun, Workflow: id} }

// W34: what workflows do to each other by running others is found like what they
// do themselves.
func TestWhatOthersRunIsLookedInto(t *testing.T) {
	t.Parallel()
	mail, note, stop := workflow.Action{Do: workflow.DoReply, Text: "x"}, workflow.Action{Do: workflow.DoNote, Text: "x"}, workflow.Action{Do: workflow.DoStop}
	to := func(s postroom.Status) workflow.Action { return workflow.Action{Do: workflow.DoStatus, Status: s} }
	wait := workflow.Action{Do: workflow.DoWait, For: "2d"}
	when := func(kind postroom.EventKind, then ...workflow.Action) workflow.Definition {
		return workflow.Definition{When: workflow.When{Event: kind}, Then: then}
	}
	closed := func(then ...workflow.Action) workflow.Definition {
		d := when(postroom.StatusChanged, then...)
		d.When.To = []string{"closed"}
		return d
	}
	byHand := func(then ...workflow.Action) workflow.Definition { return when(postroom.WorkflowStarted, then...) }
	only := func(d workflow.Definition, c workflow.Cond) workflow.Definition {
		d.If = c
		return d
	}
	agents := func(d workflow.Definition) workflow.Definition {
		d.When.Actors = []postroom.ActorKind{postroom.ByAgent}
		return d
	}
	timed := when(postroom.ReplySent, note)
	timed.When.After = "1d"
	seven, eight := is("conversation.assignee", workflow.Is, "7"), is("conversation.assignee", workflow.Is, "8")
	for _, c := range []struct {
		name string
		defs []workflow.Definition
		want string
	}{
		{"two mails, one by another", []workflow.Definition{closed(mail, run(2)), byHand(mail)}, "double_mail[1 2]"},
		{"two mails of two edges' workflows", []workflow.Definition{closed(run(3)), closed(mail), byHand(mail)}, "double_mail[3 2 1]"},
		{"both run the same one", []workflow.Definition{closed(run(3)), closed(run(3)), byHand(mail)}, ""},
		{"by one that another one runs", []workflow.Definition{closed(mail, run(2)), byHand(run(3)), byHand(mail)}, "double_mail[1 3 2]"},
		{"exclusive conditions", []workflow.Definition{only(closed(mail, run(2)), seven), only(byHand(note, mail), is("conversation.replies", workflow.Greater, "3")), only(closed(run(4)), eight), byHand(mail)}, "double_mail[1 2]"},
		{"exclusive with the one that runs it", []workflow.Definition{only(closed(run(2)), seven), only(byHand(mail), eight)}, "never_true[2 1]"},
		{"the mails are days apart", []workflow.Definition{closed(mail, wait, run(2)), byHand(mail)}, ""},
		{"two mails behind a wait", []workflow.Definition{closed(wait, run(2), run(3)), byHand(mail), byHand(mail)}, "double_mail[2 3 1]"},
		{"the first says stop", []workflow.Definition{closed(run(3), stop), only(closed(mail), seven), byHand(mail)}, "unreachable[1 2]"},
		{"one that it runs says stop", []workflow.Definition{closed(run(3)), only(closed(mail), seven), byHand(mail, stop)}, "unreachable[2 3 1]"},
		{"one that it may run says stop", []workflow.Definition{closed(run(3)), only(closed(note), seven), only(byHand(note, stop), eight)}, ""},
		{"stop does not end what it runs itself", []workflow.Definition{closed(run(2), run(3)), byHand(mail, stop), byHand(mail)}, "double_mail[2 3 1]"},
		{"two set one field", []workflow.Definition{closed(run(2), to(postroom.Pending)), byHand(to(postroom.Active))}, "same_field[1 2]"},
		{"and the same value", []workflow.Definition{closed(run(2), to(postroom.Active)), byHand(to(postroom.Active))}, ""},
		{"asks for what the event never has", []workflow.Definition{closed(run(2)), only(byHand(note), is("message.class", workflow.Is, "human"))}, "never_known[2 1] never_known[2]"},
		{"has its own edge, and is run elsewhere", []workflow.Definition{closed(run(2)), only(when(postroom.MessageReceived, note), is("message.class", workflow.Is, "human"))}, "never_known[2 1]"},
		{"runs one that waits", []workflow.Definition{closed(run(2)), timed}, "never_runs[1]"},
		{"answers machines through another", []workflow.Definition{when(postroom.MessageReceived, run(2)), byHand(mail)}, "machine_reply[2 1]"},
		{"answers people through another", []workflow.Definition{when(postroom.MessageReceived, run(2)), only(byHand(mail), is("message.class", workflow.Is, "human"))}, "never_known[2]"},
		{"a mail loop through another", []workflow.Definition{when(postroom.ReplySent, run(2)), byHand(mail)}, "mail_loop[1 2]"},
		{"but for agents only", []workflow.Definition{agents(when(postroom.ReplySent, run(2))), byHand(mail)}, ""},
		{"a mail loop that another one mails in", []workflow.Definition{when(postroom.NoteAdded, note, run(2)), byHand(mail)}, "mail_loop[1]"},
		{"a loop if the other one's condition holds", []workflow.Definition{when(postroom.ReplySent, run(2)), only(byHand(mail), seven)}, "cycle[1 2]"},
		{"a loop through two", []workflow.Definition{when(postroom.ReplySent, run(2)), byHand(run(3)), byHand(mail)}, "mail_loop[1 2 3]"},
		{"what is done elsewhere sets off", []workflow.Definition{closed(run(2)), only(when(postroom.MessageReceived, to(postroom.Closed)), is("event.actor", workflow.Is, "workflow"))}, "cycle[1 2]"},
	} {
		var got []string
		for _, f := range proof.Prove(setOf(t, c.defs...), nil).Findings {
			got = append(got, fmt.Sprintf("%s%v", f.Kind, f.Workflows))
			if !strings.HasSuffix(f.Text, ".") || strings.Contains(f.Text, ",,") || strings.Contains(f.Text, ", ,") {
				t.Errorf("%s: %q is no sentence", c.name, f.Text)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: found %v, want %s", c.name, got, c.want)
		}
		for id := range c.defs {
			for _, f := range proof.About(setOf(t, c.defs...), int64(id+1), nil).Findings {
				if !slices.Contains(f.Workflows, int64(id+1)) || !slices.Contains(got, fmt.Sprintf("%s%v", f.Kind, f.Workflows)) {
					t.Errorf("%s: about workflow %d it says %v %v", c.name, id+1, f.Kind, f.Workflows)
				}
			}
		}
	}
	off := setOf(t, closed(run(2)), byHand(mail)).Entries()
	off = []workflow.Entry{off[0], {Version: off[1].Version, State: workflow.SwitchedOff}}
	if all := proof.Prove(workflow.NewSet(1, off), nil).Findings; len(all) != 1 || all[0].Text != "“W1” runs “W2” in vain: that one is switched off." {
		t.Errorf("one that is switched off: %+v", all)
	}
}

// W34: spans of office time, and times that a workflow has waited, contradict
// each other where one can know.
func TestOfficeTimeContradicts(t *testing.T) {
	t.Parallel()
	since := func(op workflow.Op, span string) workflow.Cond { return is("conversation.last_customer_at", op, span) }
	created := func(op workflow.Op, span string) workflow.Cond { return is("conversation.created", op, span) }
	no := func(c workflow.Cond) workflow.Cond { return workflow.Cond{None: []workflow.Cond{c}} }
	for _, c := range []struct {
		after string
		all   []workflow.Cond
		never bool
	}{
		{"", []workflow.Cond{since(workflow.Within, "2bh"), since(workflow.Older, "4bh")}, true},
		{"", []workflow.Cond{since(workflow.Within, "120bm"), since(workflow.Older, "2bh")}, true},
		{"", []workflow.Cond{since(workflow.Within, "4bh"), since(workflow.Older, "2bh")}, false},
		{"", []workflow.Cond{since(workflow.Within, "1bd"), since(workflow.Older, "2bd")}, true},
		{"", []workflow.Cond{since(workflow.Within, "1bd"), since(workflow.Older, "20bh")}, false}, // a day may be long
		{"", []workflow.Cond{since(workflow.Within, "1h"), since(workflow.Older, "2bh")}, true},    // office time passes no faster
		{"", []workflow.Cond{since(workflow.Within, "2bh"), since(workflow.Older, "1w")}, false},
		{"", []workflow.Cond{no(since(workflow.Older, "2bh")), since(workflow.Older, "4bh")}, true},
		{"", []workflow.Cond{no(since(workflow.Within, "4bh")), since(workflow.Within, "2bh")}, false}, // what is to come is neither
		{"", []workflow.Cond{is("office.open", workflow.Is, "true"), no(is("office.open", workflow.Is, "true"))}, true},
		{"", []workflow.Cond{is("office.open", workflow.Is, "true"), is("office.open", workflow.Is, "false")}, true},
		{"", []workflow.Cond{is("office.open", workflow.Is, "true"), since(workflow.Within, "1d")}, false},
		{"3d", []workflow.Cond{created(workflow.Within, "2d")}, true},
		{"3d", []workflow.Cond{created(workflow.Within, "4d")}, false},
		{"8bh", []workflow.Cond{created(workflow.Within, "7h")}, true},
		{"8bh", []workflow.Cond{created(workflow.Within, "7bh")}, false}, // the hours may be changed between
		{"3d", []workflow.Cond{since(workflow.Within, "1d")}, false},
	} {
		d := workflow.Definition{When: workflow.When{Event: postroom.MessageReceived, After: c.after}, If: workflow.Cond{All: c.all}, Then: []workflow.Action{{Do: workflow.DoNote, Text: "x"}}}
		found := proof.Prove(setOf(t, d), nil).Findings
		if never := len(found) == 1 && found[0].Kind == proof.NeverTrue; never != c.never || !never && len(found) > 0 {
			t.Errorf("%s %+v: %+v, want never: %v", c.after, c.all, found, c.never)
		}
	}
}

// What the proof calls impossible of workflows that others run never happens,
// whatever they are and whatever the world is like (W34).
func TestProofOfRunsIsSound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var defs []workflow.Definition
		for i := range 4 {
			d := drawDefinition(t, workflow.Action{Do: workflow.DoReply, Text: "x"})
			if rapid.Bool().Draw(t, "plain") {
				d.If = workflow.Cond{}
			}
			if i > 1 {
				d.When = workflow.When{Event: postroom.WorkflowStarted}
			}
			for _, other := range rapid.SliceOfNDistinct(rapid.Int64Range(1, 4), 0, 2, rapid.ID[int64]).Draw(t, "runs") {
				if other != int64(i+1) {
					d.Then = append(d.Then, run(other))
				}
			}
			if rapid.IntRange(0, 3).Draw(t, "stop") == 0 {
				d.Then = append(d.Then, workflow.Action{Do: workflow.DoStop})
			}
			defs = append(defs, d)
		}
		var entries []workflow.Entry
		for i, d := range defs {
			v, err := workflow.Compile(d, workflow.Identity{WorkflowID: int64(i + 1), Number: 1, Name: "W"})
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, workflow.Entry{Version: v, State: workflow.Enabled})
		}
		set := workflow.NewSet(1, entries)
		doubles, never, unreached := map[[2]int64]bool{}, map[[2]int64]bool{}, map[int64]string{}
		for _, f := range proof.Prove(set, nil).Findings {
			switch f.Kind {
			case proof.DoubleMail:
				doubles[[2]int64{min(f.Workflows[0], f.Workflows[1]), max(f.Workflows[0], f.Workflows[1])}] = true
			case proof.Unreachable:
				if len(f.Workflows) > 2 { // the later one stands first where one that is run says stop
					unreached[f.Workflows[0]] = f.Text
				} else {
					unreached[f.Workflows[1]] = f.Text
				}
			case proof.NeverTrue, proof.NeverKnown:
				if len(f.Workflows) == 2 {
					never[[2]int64{f.Workflows[0], f.Workflows[1]}] = true
				}
			}
		}
		for range 20 {
			e, facts := drawMoment(t)
			j := workflow.Judge(set, e, facts, workflow.Inputs{})
			for i, a := range j.Results {
				if a.Verdict != workflow.Matched {
					continue
				}
				if a.Level == 0 && unreached[a.WorkflowID] != "" {
					t.Fatalf("%s And yet it matches: %+v", unreached[a.WorkflowID], e.After)
				}
				if a.Level == 1 && never[[2]int64{a.WorkflowID, a.Caller}] {
					t.Fatalf("%d was said never to do anything when %d runs it, and does: %+v", a.WorkflowID, a.Caller, e.After)
				}
				for _, b := range j.Results[i+1:] {
					if pair := [2]int64{min(a.WorkflowID, b.WorkflowID), max(a.WorkflowID, b.WorkflowID)}; b.Verdict == workflow.Matched && !doubles[pair] {
						t.Fatalf("%d and %d both match, and were said never to do so: %+v", a.WorkflowID, b.WorkflowID, e.After)
					}
				}
			}
		}
	})
}
