package workflow

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"postroom"
)

// waiting closes what got no answer for a week.
func waiting() Definition {
	return Definition{
		When: When{Event: postroom.ReplySent, Actors: []postroom.ActorKind{postroom.ByAgent}, After: "7d", Unless: []Unless{
			{Event: postroom.MessageReceived, Actors: []postroom.ActorKind{postroom.ByCustomer}},
			{Event: postroom.StatusChanged, To: []string{"closed", "spam"}},
		}},
		If:   Cond{All: []Cond{{Fact: "conversation.status", Op: Is, Values: []string{"pending"}}}},
		Then: []Action{{Do: DoNote, Text: "No answer."}, {Do: DoStatus, Status: postroom.Closed}},
	}
}

// W8: a timed workflow reads as a sentence, and says of itself what it will do
// and what would keep it from that.
func TestTimedWorkflowInWords(t *testing.T) {
	t.Parallel()
	want := "7 days after a reply is sent, by an agent, unless the customer writes or the status changes to closed or spam, " +
		"and if the status is pending: add a note, then set the status to closed."
	if got := Sentence(waiting(), nil); got != want {
		t.Errorf("%s\nis not\n%s", got, want)
	}
	v, err := Compile(waiting(), Identity{WorkflowID: 1, Number: 1, Name: "Close"})
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Doing(nil) + " | " + v.UnlessWords(nil); got != "Adds a note and closes | the customer writes or the status changes to closed or spam" {
		t.Error(got)
	}
}

// W22: an event of its edge arms it, whatever its conditions say; they are asked
// when it is due, by the version it was armed with.
func TestTimedWorkflowIsJudgedWhenDue(t *testing.T) {
	t.Parallel()
	v, err := Compile(waiting(), Identity{WorkflowID: 1, Number: 4, Name: "Close"})
	if err != nil {
		t.Fatal(err)
	}
	sent := &postroom.Event{ID: 9, Kind: postroom.ReplySent, Actor: postroom.Actor{Kind: postroom.ByAgent, ID: 3}, At: 1000, After: postroom.Snapshot{Status: postroom.Active}}
	judge := func(s *Set, e *postroom.Event) (Verdict, Explanation) {
		all, j := Explain(s, e, NewFacts(Record{Event: e}), Inputs{}, nil)
		if len(j.Results) != 1 {
			t.Fatalf("%d results", len(j.Results))
		}
		return j.Results[0].Verdict, all[0]
	}
	published := NewSet(1, []Entry{{v, Enabled}})
	got, why := judge(published, sent)
	if got != Armed || why.Conditions != nil || why.SmallestChange != "" || !strings.HasPrefix(why.Reason, "Its time began: 7 days after") {
		t.Errorf("an event of its edge: %v, %+v", got, why)
	}
	byWorkflow := *sent
	byWorkflow.Actor.Kind = postroom.ByWorkflow
	if got, why := judge(published, &byWorkflow); got != Filtered || !strings.HasPrefix(why.SmallestChange, "It would have waited if an agent had done it") {
		t.Errorf("another's reply: %v, %q", got, why.SmallestChange)
	}
	spam := *sent
	spam.After.Status = postroom.Spam
	if got, _ := judge(published, &spam); got != NotArmed {
		t.Errorf("on spam: %v", got)
	}
	due := &postroom.Event{ID: 10, Kind: postroom.TimerDue, Actor: postroom.System, Path: postroom.PathTimer, After: postroom.Snapshot{Status: postroom.Pending}}
	if got, _ := judge(NewDueSet(2, Entry{v, Enabled}), due); got != Matched {
		t.Errorf("due while pending: %v", got)
	}
	active := *due
	active.After.Status = postroom.Active
	if got, why := judge(NewDueSet(2, Entry{v, Enabled}), &active); got != NotMet || why.SmallestChange == "" {
		t.Errorf("due while active: %v, %q", got, why.SmallestChange)
	}
	if got, _ := judge(NewDueSet(2, Entry{v, SwitchedOff}), due); got != Disabled {
		t.Errorf("due while switched off: %v", got)
	}
	if got := v.DueAt(1000, nil); got != 1000+7*24*3600*1000 {
		t.Errorf("due at %d", got)
	}
}

// W22: what ends a timer, and what does not.
func TestWhatEndsATimer(t *testing.T) {
	t.Parallel()
	v, err := Compile(waiting(), Identity{WorkflowID: 1, Number: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		e    postroom.Event
		ends bool
	}{
		{postroom.Event{Kind: postroom.MessageReceived, Actor: postroom.Actor{Kind: postroom.ByCustomer}}, true},
		{postroom.Event{Kind: postroom.MessageReceived, Actor: postroom.Actor{Kind: postroom.ByImport}}, false},
		{postroom.Event{Kind: postroom.StatusChanged, Payload: postroom.Payload{From: "active", To: "pending"}}, false},
		{postroom.Event{Kind: postroom.StatusChanged, Payload: postroom.Payload{From: "active", To: "closed"}}, true},
		{postroom.Event{Kind: postroom.ConversationDeleted}, true},
		{postroom.Event{Kind: postroom.TagsChanged}, false},
	} {
		if got := v.Ends(&c.e, nil); (got != "") != c.ends {
			t.Errorf("%s by %s to %s: %q", c.e.Kind, c.e.Actor.Kind, c.e.Payload.To, got)
		} else if c.ends && !slices.Contains(v.EndedBy(), c.e.Kind) {
			t.Errorf("%s is not among what ends it: %v", c.e.Kind, v.EndedBy())
		}
	}
}

func TestTimerFaults(t *testing.T) {
	t.Parallel()
	for path, change := range map[string]func(*When){
		"when.after":           func(w *When) { w.After = "soon" },
		"when.again":           func(w *When) { w.Again = "never" },
		"when.unless":          func(w *When) { w.Unless = make([]Unless, MaxUnless+1) },
		"when.unless[0].event": func(w *When) { w.Unless[0].Event = "lunch" },
		"when.unless[1].to[0]": func(w *When) { w.Unless[1].To[0] = "open" },
	} {
		d := waiting()
		change(&d.When)
		_, err := Compile(d, Identity{})
		if got := fieldOf(err); got != path {
			t.Errorf("%s: the fault is at %q (%v)", path, got, err)
		}
	}
	d := waiting()
	d.When.After = ""
	if _, err := Compile(d, Identity{}); fieldOf(err) != "when.unless" {
		t.Errorf("an unless without a wait: %v", err)
	}
	d.When.After = "400d"
	if _, err := Compile(d, Identity{}); fieldOf(err) != "when.after" {
		t.Errorf("a wait of more than a year: %v", err)
	}
}

// What is chosen in the form comes back from it, also while it is incomplete.
func TestTimerInTheForm(t *testing.T) {
	t.Parallel()
	want, _ := waiting().Encode()
	back, err := FromFields(waiting().Fields())
	if got, _ := back.Encode(); err != nil || string(got) != string(want) {
		t.Fatalf("%s\nis not\n%s (%v)", got, want, err)
	}
	f := waiting().Fields()
	delete(f, "when.wait")
	back, err = FromFields(f)
	if err != nil || back.When.Timed() || len(back.When.Unless) != 0 {
		t.Fatalf("without a wait: %+v (%v)", back.When, err)
	}
	f = waiting().Fields()
	f["when.after"] = []string{""}
	if back, err = FromFields(f); err != nil || !back.When.Timed() || back.Fields().first("when.after") != "" || back.Fields().first("when.unit") != "d" {
		t.Fatalf("a wait of which nobody has said how long: %+v (%v)", back.When, err)
	}
	edit := func(d Definition, text string) Definition {
		e, err := ParseEdit(text)
		if err != nil {
			t.Fatal(err)
		}
		d, _, err = e.Apply(d)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return d
	}
	d := edit(edit(waiting(), "remove when.unless[0]"), "add when.unless")
	if len(d.When.Unless) != 2 || d.When.Unless[0].Event != postroom.StatusChanged || d.When.Unless[1].Event != postroom.MessageReceived {
		t.Fatalf("after the edits: %+v", d.When.Unless)
	}
	if FieldOf("when.unless[1].to[0]") != "when.unless[1].to" || FieldOf("when.to[3]") != "when.to" {
		t.Error("a fault stands beside the wrong field")
	}
}

// fieldOf returns the field an error names first.
func fieldOf(err error) string {
	var e *postroom.Error
	if errors.As(err, &e) {
		return e.Field
	}
	return ""
}
