package promise_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/calendar"
	"postroom/internal/promise"
	"postroom/internal/workflow"
)

const minute = 60_000

// closing is the promise a desk comes with, changed by f.
func closing(t *testing.T, f func(*promise.Definition)) *promise.Version {
	t.Helper()
	d := promise.Shipped()[0].Definition
	if f != nil {
		f(&d)
	}
	v, err := promise.Compile(d, promise.Identity{ID: 1, Number: 1, Name: "Closing"})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// closed is a close at minute 100, with what was made of it.
func closed(now int64, said []promise.Said, mails ...promise.SentMail) promise.Case {
	e := postroom.Event{ID: 5, Seq: 5, Kind: postroom.StatusChanged, Actor: postroom.Actor{Kind: postroom.ByAgent, ID: 1}, At: 100 * minute, FinalAt: 100 * minute}
	e.Payload.To = "closed"
	return promise.Case{Event: e, Mails: mails, Said: said, DueAt: 102 * minute, Now: now * minute}
}

func mail(id int64, state postroom.MailState, ended int64) promise.SentMail {
	return promise.SentMail{ID: id, Event: 5, Seq: 5, Workflow: 9, State: state, Words: "Why.", EndedAt: ended * minute}
}

// TestJudgeMails is the table of what a promise about a workflow's mail comes to
// (W38).
func TestJudgeMails(t *testing.T) {
	t.Parallel()
	said := func(v workflow.Verdict, reason string) []promise.Said {
		return []promise.Said{{Workflow: 9, Name: "Notice", Verdict: v, Reason: reason}}
	}
	waits := mail(1, postroom.MailHeld, 0)
	waits.Waits = "it waits for an earlier mail"
	strange := mail(3, postroom.MailDone, 101)
	strange.Event = 77 // of another close
	person := mail(4, postroom.MailDone, 101)
	person.Workflow = 0
	failed := said(workflow.Matched, "")
	failed[0].Failed = "No text."
	apart := said(workflow.Filtered, "")
	apart[0].Apart = true
	gone := closed(102, said(workflow.Matched, ""))
	gone.Gone = "The conversation was deleted."
	for _, x := range []struct {
		name  string
		times promise.Times
		c     promise.Case
		want  promise.State
		words string
	}{
		{"before its time", "", closed(101, nil, mail(1, postroom.MailDone, 101)), promise.Waiting, ""},
		{"one", "", closed(102, nil, mail(1, postroom.MailDone, 101)), promise.Kept, "accepted."},
		{"one at the last moment", "", closed(102, nil, mail(1, postroom.MailDone, 102)), promise.Kept, "accepted."},
		{"one that is late", "", closed(110, nil, mail(1, postroom.MailDone, 105)), promise.Kept, "3 minutes late"},
		{"two", "", closed(101, nil, mail(1, postroom.MailDone, 101), mail(2, postroom.MailDone, 101)), promise.Broken, "2 mails went out"},
		{"two, one still waits", "", closed(102, nil, mail(2, postroom.MailDone, 101), waits), promise.Broken, "2 mails were made"},
		{"it waits and says why", "", closed(102, nil, waits), promise.Late, "waits for an earlier mail."},
		{"it waits and nothing says why", "", closed(102, nil, mail(1, postroom.MailQueued, 0)), promise.Broken, "nothing says"},
		{"cancelled", "", closed(102, nil, mail(1, postroom.MailUndone, 101)), promise.Explained, "cancelled: Why."},
		{"skipped for a limit", "", closed(102, nil, mail(1, postroom.MailSkip, 101)), promise.Explained, "skipped: Why."},
		{"failed at the server", "", closed(102, nil, mail(1, postroom.MailRefused, 101)), promise.Explained, "failed: Why."},
		{"another close's", "", closed(102, nil, strange), promise.Broken, "No workflow that mails"},
		{"a person's", "", closed(102, nil, person), promise.Broken, "No workflow that mails"},
		{"not met", "", closed(102, said(workflow.NotMet, "")), promise.Explained, "“Notice”: conditions not met."},
		{"switched off", "", closed(102, said(workflow.Disabled, "")), promise.Explained, "switched off"},
		{"limit", "", closed(102, said(workflow.LimitUsed, "")), promise.Explained, "limit used"},
		{"overtaken", "", closed(102, said(workflow.Matched, "The customer wrote since.")), promise.Explained, "sent nothing: The customer wrote since."},
		{"its run failed", "", closed(102, failed), promise.Broken, "failed: No text."},
		{"matched and silent", "", closed(102, said(workflow.Matched, "")), promise.Broken, "matched and sent nothing"},
		{"not about a close", "", closed(102, apart), promise.Broken, "No workflow that mails"},
		{"deleted since", "", gone, promise.Explained, "deleted"},
		{"at least one, at once", promise.Some, closed(101, nil, mail(1, postroom.MailDone, 101)), promise.Kept, "accepted"},
		{"none", promise.NotOnce, closed(102, nil), promise.Kept, "No mail"},
		{"none, and one came", promise.NotOnce, closed(101, nil, mail(1, postroom.MailDone, 101)), promise.Broken, "not to go"},
		{"none, and one came later", promise.NotOnce, closed(104, nil, mail(1, postroom.MailDone, 103)), promise.Kept, "No mail"},
	} {
		v := closing(t, func(d *promise.Definition) { d.Expect.Times = x.times })
		out := v.Judge(x.c)
		if out.State != x.want || !strings.Contains(out.Words, x.words) {
			t.Errorf("%s: %s (%q), not %s (%q)", x.name, out.State, out.Words, x.want, x.words)
		}
		open := x.want == promise.Waiting || x.want == promise.Late || x.want == promise.Broken
		if (out.Again > x.c.Now) != open {
			t.Errorf("%s: looked at again at %d", x.name, out.Again)
		}
	}
}

// TestLooksEnd: what stays broken is looked at less and less, and not for ever.
func TestLooksEnd(t *testing.T) {
	t.Parallel()
	v, c, looks := closing(t, nil), closed(102, nil), 0
	for ; c.Now != 0; looks++ {
		out := v.Judge(c)
		if out.State != promise.Broken || out.Again != 0 && out.Again < c.Now+minute {
			t.Fatalf("%+v at %d", out, c.Now)
		}
		c.Now = out.Again
	}
	if looks < 10 || looks > 200 {
		t.Errorf("it was looked at %d times", looks)
	}
}

// TestCompile: what is wrong with a promise is said at its field.
func TestCompile(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*promise.Definition){
		"when.event": func(d *promise.Definition) { d.When = workflow.When{Event: "moon.full"} },
		"when.to[0]": func(d *promise.Definition) { d.When.To = []string{"shut"} },
		"when.after": func(d *promise.Definition) { d.When.After = "2d" },
		"if.fact": func(d *promise.Definition) {
			d.If = workflow.Cond{Fact: "nothing", Op: workflow.Is, Values: []string{"x"}}
		},
		"expect.times":    func(d *promise.Definition) { d.Expect.Times = "often" },
		"expect.what":     func(d *promise.Definition) { d.Expect = promise.Expect{} },
		"expect.workflow": func(d *promise.Definition) { d.Expect = promise.Expect{Mail: promise.MailOfAnybody, Workflow: 7} },
		"expect.to[0]": func(d *promise.Definition) {
			d.Expect = promise.Expect{Event: &workflow.Unless{Event: postroom.StatusChanged, To: []string{"shut"}}}
		},
		"within": func(d *promise.Definition) { d.Within = "2y" },
	} {
		d := promise.Shipped()[0].Definition
		change(&d)
		_, err := promise.Compile(d, promise.Identity{})
		faults := workflow.FaultsOf(err)
		if len(faults) != 1 || faults[0].Path != field {
			t.Errorf("%s: %+v", field, faults)
		}
	}
}

// TestWithin: a span is one of all time or of office time, and not endless.
func TestWithin(t *testing.T) {
	t.Parallel()
	for within, fits := range map[string]bool{"1m": true, "366d": true, "4bh": true, "30bm": true, "2bd": true, "": false, "2y": false, "0m": false, "0bh": false, "400bd": false, "4 bh": false} {
		d := promise.Shipped()[0].Definition
		d.Within = within
		_, err := promise.Compile(d, promise.Identity{})
		if faults := workflow.FaultsOf(err); fits != (err == nil) || !fits && (len(faults) != 1 || faults[0].Path != "within") {
			t.Errorf("%q: %v", within, err)
		}
	}
}

// TestForm: a definition survives its form and its JSON.
func TestForm(t *testing.T) {
	t.Parallel()
	for _, d := range []promise.Definition{
		promise.Shipped()[0].Definition,
		{When: workflow.When{Event: postroom.MessageReceived}, If: workflow.Cond{All: []workflow.Cond{{Fact: "conversation.status", Op: workflow.Is, Values: []string{"active"}}}},
			Expect: promise.Expect{Times: promise.NotOnce, Event: &workflow.Unless{Event: postroom.AssigneeChanged, To: []string{"0"}, Actors: []postroom.ActorKind{postroom.ByAgent}}}, Within: "4h"},
		{When: workflow.When{Event: postroom.ReplySent}, Expect: promise.Expect{Times: promise.Some, Mail: promise.MailOfWorkflow, Workflow: 12}, Within: "3d"},
		{When: workflow.When{Event: postroom.MessageReceived}, Expect: promise.Expect{Times: promise.Some, Event: &workflow.Unless{Event: postroom.ReplySent}}, Within: "4bh"},
	} {
		want, err := d.Encode()
		if err != nil {
			t.Fatal(err)
		}
		read, err := promise.Decode(want)
		if err != nil {
			t.Fatal(err)
		}
		back, err := promise.FromFields(read.Fields())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := back.Encode(); err != nil || string(got) != string(want) {
			t.Errorf("%s\n%s %v", want, got, err)
		}
	}
	if _, err := promise.Decode([]byte(`{"when":{"event":"reply.sent"},"expects":1}`)); err == nil {
		t.Error("an unknown key was taken")
	}
}

// TestSentence: a promise reads as a sentence.
func TestSentence(t *testing.T) {
	t.Parallel()
	got := promise.Sentence(promise.Shipped()[0].Definition, nil)
	if want := "When the status changes to closed, by an agent: exactly one mail of a workflow to the customer within 2 minutes."; got != want {
		t.Errorf("%s", got)
	}
	d := promise.Definition{When: workflow.When{Event: postroom.MessageReceived},
		Expect: promise.Expect{Times: promise.Some, Event: &workflow.Unless{Event: postroom.ReplySent}}, Within: "1d"}
	for within, words := range map[string]string{"1d": "1 day", "4bh": "4 business hours", "1bd": "1 business day", "soon": "…"} {
		d.Within = within
		if got := promise.Sentence(d, nil); got != "When a message arrives: a reply is sent, at least once, within "+words+"." {
			t.Errorf("%s", got)
		}
	}
}

// TestChanges: what differs between two versions, line by line.
func TestChanges(t *testing.T) {
	t.Parallel()
	old := promise.Shipped()[0].Definition
	if got := promise.Changes(old, old, nil); got != nil {
		t.Errorf("what is equal differs: %v", got)
	}
	d := old
	d.Within, d.Expect.Times = "4bh", promise.Some
	var lines []string
	for _, c := range promise.Changes(old, d, nil) {
		lines = append(lines, string(c.Sign)+c.Text)
	}
	want := []string{" When the status changes to closed, by an agent", "-Then exactly one mail of a workflow to the customer", "-Within 2 minutes",
		"+Then at least one mail of a workflow to the customer", "+Within 4 business hours"}
	if !slices.Equal(lines, want) {
		t.Errorf("%q", lines)
	}
}

// TestOfficeTime: business time is counted by the calendar that it is given, from
// when the event can no longer be undone.
func TestOfficeTime(t *testing.T) {
	t.Parallel()
	office := calendar.New(1, 1, "Office", calendar.Usual("UTC"))
	friday := time.Date(2026, 3, 6, 15, 0, 0, 0, time.UTC)
	for within, due := range map[string]time.Time{
		"4h":  friday.Add(4*time.Hour + time.Minute),
		"4bh": time.Date(2026, 3, 9, 11, 1, 0, 0, time.UTC),
		"1bd": time.Date(2026, 3, 9, 15, 1, 0, 0, time.UTC),
	} {
		v := closing(t, func(d *promise.Definition) { d.Within = within })
		if v.CountsOffice() != strings.Contains(within, "b") {
			t.Errorf("%s: office time %t", within, v.CountsOffice())
		}
		e := postroom.Event{At: friday.UnixMilli(), FinalAt: friday.Add(time.Minute).UnixMilli()}
		if got := time.UnixMilli(v.DueAt(&e, office)).UTC(); !got.Equal(due) {
			t.Errorf("within %s it is due at %s, not %s", within, got, due)
		}
	}
}
