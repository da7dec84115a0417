package workflow

import (
	"slices"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/calendar"
)

// office is a calendar of an office in Berlin, and when makes times there.
var office = calendar.New(7, 3, "Support", calendar.Usual("Europe/Berlin"))

func when(t *testing.T, text string) int64 {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", text, office.Location())
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixMilli()
}

func TestSpansOfOfficeTimeAreReadAndCounted(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "bh", "0bh", "-1bh", "4bw", "4b", "367bd", "527041bm", "04bh", "4 bh"} {
		if s, ok := ReadSpan(bad); ok {
			t.Errorf("%q is read as %+v", bad, s)
		}
	}
	friday := when(t, "2026-11-20 16:00")
	for v, want := range map[string]string{"30bm": "2026-11-20 16:30", "4bh": "2026-11-23 12:00", "1bd": "2026-11-23 16:00", "4h": "2026-11-20 20:00", "1d": "2026-11-21 16:00"} {
		s, ok := ReadSpan(v)
		if got := s.After(friday, office); !ok || got != when(t, want) || s.Business() != strings.Contains(v, "b") {
			t.Errorf("%s after Friday: %s", v, time.UnixMilli(got).In(office.Location()))
		}
	}
	s, _ := ReadSpan("1bh")
	if got := s.After(0, nil); got < 10*366*86_400_000 {
		t.Errorf("without a calendar it comes at %d", got)
	}
	closed := calendar.New(1, 1, "", calendar.Hours{})
	if got := s.After(0, closed); got < 10*366*86_400_000 {
		t.Errorf("where it is never open it comes at %d", got)
	}
}

func TestAWorkflowThatWaitsForBusinessTime(t *testing.T) {
	t.Parallel()
	d := Definition{When: When{Event: postroom.MessageReceived, After: "4bh", Unless: []Unless{{Event: postroom.ReplySent}}}, Then: []Action{{Do: DoTags, Add: []int64{5}}}}
	if got := Sentence(d, nil); !strings.HasPrefix(got, "4 business hours after a message arrives, unless a reply is sent: ") {
		t.Error(got)
	}
	v, err := Compile(d, Identity{WorkflowID: 1, Number: 1})
	if err != nil || !v.CountsOffice() || !v.Timed() {
		t.Fatal(err)
	}
	if got := v.DueAt(when(t, "2026-11-20 16:00"), office); got != when(t, "2026-11-23 12:00") {
		t.Errorf("due at %s", time.UnixMilli(got).In(office.Location()))
	}
	f := d.Fields()
	if f.first("when.after") != "4" || f.first("when.unit") != "bh" {
		t.Errorf("the form has %v", f)
	}
	back, err := FromFields(f)
	if a, _ := d.Encode(); err != nil {
		t.Error(err)
	} else if b, _ := back.Encode(); string(a) != string(b) {
		t.Errorf("%s came back as %s", a, b)
	}
	d.When.After = "4bw"
	if _, err := Compile(d, Identity{}); FaultsOf(err) == nil || FaultsOf(err)[0].Path != "when.after" {
		t.Errorf("business weeks: %v", err)
	}
}

func TestConditionsCountOfficeTime(t *testing.T) {
	t.Parallel()
	late := Cond{Fact: "conversation.waiting_since", Op: Older, Values: []string{"4bh"}}
	fresh := Cond{Fact: "conversation.waiting_since", Op: Within, Values: []string{"1bd"}}
	open := Cond{Fact: officeOpen, Op: Is, Values: []string{"true"}}
	ask := func(c Cond, since, at string, cal *calendar.Calendar) (Verdict, Explanation) {
		v, err := Compile(Definition{When: When{Event: postroom.NoteAdded}, If: c, Then: []Action{{Do: DoStop}}}, Identity{WorkflowID: 1, Number: 1})
		if err != nil {
			t.Fatal(err)
		}
		if !v.Needs().Office {
			t.Errorf("%v does not ask for a calendar", c)
		}
		e := &postroom.Event{ID: 1, Root: 1, Kind: postroom.NoteAdded, At: when(t, at), After: postroom.Snapshot{Status: postroom.Active}}
		if since != "" {
			e.After.WaitingSince = when(t, since)
		}
		all, j := Explain(NewSet(1, []Entry{{v, Enabled}}), e, NewFacts(Record{Event: e, Office: cal}), Inputs{}, nil)
		return j.Results[0].Verdict, all[0]
	}
	for _, x := range []struct {
		cond      Cond
		since, at string
		cal       *calendar.Calendar
		want      Verdict
	}{
		{late, "2026-11-20 16:00", "2026-11-23 12:00", office, NotMet},
		{late, "2026-11-20 16:00", "2026-11-23 12:01", office, Matched},
		{late, "2026-11-20 16:00", "2026-11-23 12:01", nil, Undecided},
		{late, "", "2026-11-23 12:01", office, Undecided}, // nobody waits
		{fresh, "2026-11-20 16:00", "2026-11-23 16:00", office, Matched},
		{fresh, "2026-11-20 16:00", "2026-11-23 16:01", office, NotMet},
		{fresh, "2026-11-23 16:00", "2026-11-20 16:00", office, NotMet}, // still to come
		{open, "", "2026-11-23 09:00", office, Matched},
		{open, "", "2026-11-23 17:00", office, NotMet},
		{open, "", "2026-11-23 09:00", nil, Undecided},
	} {
		if got, _ := ask(x.cond, x.since, x.at, x.cal); got != x.want {
			t.Errorf("%v since %q at %s: %s, want %s", x.cond, x.since, x.at, got, x.want)
		}
	}
	_, why := ask(open, "", "2026-11-22 12:00", office)
	if got := why.Conditions.Actual; got != "no, by the calendar Support, revision 3" {
		t.Errorf("actual: %s", got)
	}
	if got := why.SmallestChange; got != "It would have matched if “it is within office hours” had been yes (it was no, by the calendar Support, revision 3)." {
		t.Error(got)
	}
	_, why = ask(late, "2026-11-20 16:00", "2026-11-23 12:00", office)
	if got := why.SmallestChange; !strings.Contains(got, "since when the customer has been waiting had been longer ago than 4 business hours (it was ") {
		t.Error(got)
	}
	d := Definition{When: When{Event: postroom.NoteAdded}, If: Cond{All: []Cond{late, {Fact: officeOpen, Op: Is, Values: []string{"false"}}}}, Then: []Action{{Do: DoStop}}}
	if got := Sentence(d, nil); !strings.Contains(got, "since when the customer has been waiting is longer ago than 4 business hours and it is not within office hours") {
		t.Error(got)
	}
}

// A test of a workflow counts by hours that are the same on every desk.
func TestTestsHaveTheirOwnOffice(t *testing.T) {
	t.Parallel()
	v, err := Compile(Definition{When: When{Event: postroom.NoteAdded}, If: Cond{All: []Cond{{Fact: officeOpen, Op: Is, Values: []string{"true"}}, {Fact: "conversation.waiting_since", Op: Older, Values: []string{"4bh"}}}},
		Then: []Action{{Do: DoStop}}}, Identity{WorkflowID: 1, Number: 1})
	if err != nil {
		t.Fatal(err)
	}
	run := func(at string, given Given) TestResult {
		return v.RunTest(Test{Name: "x", Given: given, When: Moment{Event: postroom.NoteAdded, At: at}, Expect: Expect{Verdict: "matched"}}, TestWorld{})
	}
	waits := Given{"conversation.waiting_since": {"2026-01-14T16:00:00Z"}}
	if r := run("2026-01-15T12:00:01Z", waits); !r.Green {
		t.Errorf("%v", r.Differences)
	}
	if r := run("2026-01-15T11:00:00Z", waits); r.Green {
		t.Error("three hours are four")
	}
	if r := run("2026-01-15T18:00:00Z", waits); r.Green {
		t.Error("it is open at six")
	}
	waits[officeOpen] = []string{"true"}
	if r := run("2026-01-15T18:00:00Z", waits); !r.Green {
		t.Errorf("what is given counts: %v", r.Differences)
	}
	if !slices.Contains(TestDefaults(), "The office is open from Monday to Friday, 9 to 17, UTC, whatever calendars the desk has.") {
		t.Error("it is not said")
	}
}
