package workflow

import (
	"slices"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/calendar"
)

func TestNextTimeOfASchedule(t *testing.T) {
	t.Parallel()
	berlin := office.Location()
	for _, x := range []struct {
		s     Schedule
		after string
		want  string
	}{
		{Schedule{Days: []string{"mon", "tue", "wed", "thu", "fri"}, At: "08:00"}, "2026-11-20 07:59", "2026-11-20 08:00 +0100"},
		{Schedule{Days: []string{"mon", "tue", "wed", "thu", "fri"}, At: "08:00"}, "2026-11-20 08:00", "2026-11-23 08:00 +0100"},
		{Schedule{Days: []string{"1", "31"}, At: "6"}, "2026-01-31 07:00", "2026-02-01 06:00 +0100"},
		{Schedule{Days: []string{"31"}, At: "6"}, "2026-01-31 07:00", "2026-02-28 06:00 +0100"},      // the last day it has
		{Schedule{Days: []string{"sun"}, At: "02:30"}, "2026-03-28 12:00", "2026-03-29 03:00 +0200"}, // does not exist
		{Schedule{Days: []string{"sun"}, At: "02:30"}, "2026-03-29 03:00", "2026-04-05 02:30 +0200"}, // and once only
		{Schedule{Days: []string{"sun"}, At: "02:30"}, "2026-10-24 12:00", "2026-10-25 02:30 +0200"}, // exists twice
	} {
		got, ok := x.s.Next(when(t, x.after), office)
		if at := time.UnixMilli(got).In(berlin).Format("2006-01-02 15:04 -0700"); !ok || at != x.want {
			t.Errorf("%v after %s: %s, want %s", x.s, x.after, at, x.want)
		}
	}
	twice := Schedule{Days: []string{"sun"}, At: "02:30"}
	first, _ := twice.Next(when(t, "2026-10-24 12:00"), office)
	if second, _ := twice.Next(first, office); second-first < 6*86_400_000 {
		t.Errorf("a time that exists twice comes twice: %s", time.UnixMilli(second).In(berlin))
	}
	if _, ok := (Schedule{At: "08:00"}).Next(0, office); ok {
		t.Error("no day has a time")
	}
	tokyo := Schedule{Days: []string{"mon"}, At: "08:00", Zone: "Asia/Tokyo"}
	if got, _ := tokyo.Next(when(t, "2026-11-20 12:00"), office); got != time.Date(2026, 11, 22, 23, 0, 0, 0, time.UTC).UnixMilli() {
		t.Errorf("Monday at 8 in Tokyo: %s", time.UnixMilli(got).UTC())
	}
}

func TestSchedulesInWordsFormsAndFaults(t *testing.T) {
	t.Parallel()
	d := Definition{When: When{Event: postroom.ScheduleDue, Schedule: Schedule{Days: []string{"mon", "tue", "wed", "thu", "fri"}, At: "08:00"}}, Then: []Action{{Do: DoTags, Add: []int64{5}}}}
	for _, x := range []struct {
		s    Schedule
		want string
	}{
		{d.When.Schedule, "Every Monday to Friday at 08:00: "},
		{Schedule{Days: []string{"sat", "mon"}, At: "9", Zone: "America/New_York"}, "Every Monday and Saturday at 09:00 (America/New York): "},
		{Schedule{Days: []string{"1", "15"}, At: "23:30"}, "On day 1 and 15 of every month at 23:30: "},
		{Schedule{}, "Every …: "},
		{Schedule{Days: []string{"1"}, At: "8", Closed: ClosedNext}, "On day 1 of every month at 08:00, or on the next day with office hours: "},
		{Schedule{Days: []string{"mon"}, At: "8", Closed: ClosedSkip}, "Every Monday at 08:00, but not on days without office hours: "},
	} {
		e := d
		e.When.Schedule = x.s
		if got := Sentence(e, nil); !strings.HasPrefix(got, x.want) {
			t.Errorf("%q, want %q", got, x.want)
		}
		if x.s.IsZero() {
			continue
		}
		back, err := FromFields(e.Fields())
		a, _ := e.Encode()
		if b, _ := back.Encode(); err != nil || string(a) != string(b) {
			t.Errorf("%s came back as %s, %v", a, b, err)
		}
	}
	begun, _ := FromFields(Fields{"when.event": {"schedule.due"}, "when.was": {"note.added"}})
	if s := begun.When.Schedule; len(s.Days) != 5 || s.At != "08:00" {
		t.Errorf("one that was just chosen begins with %+v", s)
	}
	f := d.Fields()
	f["when.schedule.by"] = []string{"month"}
	if turned, _ := FromFields(f); !slices.Equal(turned.When.Schedule.Days, []string{"1"}) {
		t.Errorf("turned to the month it has %+v", turned.When.Schedule)
	}
	for path, change := range map[string]func(*When){
		"when.schedule":        func(w *When) { w.Event = postroom.NoteAdded },
		"when.schedule.days":   func(w *When) { w.Schedule.Days = []string{"mon", "1"} },
		"when.schedule.at":     func(w *When) { w.Schedule.At = "24:00" },
		"when.schedule.zone":   func(w *When) { w.Schedule.Zone = "Local" },
		"when.schedule.closed": func(w *When) { w.Schedule.Closed = "sometimes" },
		"when.schedule.most":   func(w *When) { w.Schedule.Most = MaxScheduled + 1 },
		"when.after":           func(w *When) { w.After = "1d" },
		"when.actors":          func(w *When) { w.Actors = []postroom.ActorKind{postroom.ByAgent} },
	} {
		e := d.copied()
		change(&e.When)
		_, err := Compile(e, Identity{})
		if faults := FaultsOf(err); len(faults) != 1 || faults[0].Path != path {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := Compile(Definition{When: When{Event: postroom.NoteAdded, After: "1d", Unless: []Unless{{Event: postroom.ScheduleDue}}}, Then: d.Then}, Identity{}); FaultsOf(err) == nil {
		t.Error("a set time ends a wait")
	}
}

func TestStatusesThatAScheduleLooksAt(t *testing.T) {
	t.Parallel()
	is := func(op Op, values ...string) Cond { return Cond{Fact: "conversation.status", Op: op, Values: values} }
	other := Cond{Fact: officeOpen, Op: Is, Values: []string{"true"}}
	for _, x := range []struct {
		c    Cond
		want string
	}{
		{Cond{}, "active pending closed"},
		{is(Is, "pending"), "pending"},
		{is(IsNot, "closed"), "active pending"},
		{is(Is, "spam"), ""},
		{Cond{All: []Cond{is(OneOf, "active", "closed"), other, is(IsNot, "closed")}}, "active"},
		{Cond{Any: []Cond{is(Is, "active"), is(Is, "pending")}}, "active pending"},
		{Cond{Any: []Cond{is(Is, "active"), other}}, "active pending closed"},
		{Cond{None: []Cond{is(Is, "active")}}, "active pending closed"}, // more than need be, never less
	} {
		v, err := Compile(Definition{When: When{Event: postroom.ScheduleDue, Schedule: Schedule{Days: []string{"1"}, At: "08:00"}}, If: x.c, Then: []Action{{Do: DoStop}}}, Identity{WorkflowID: 1})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(asText(v.Statuses()), " "); got != x.want {
			t.Errorf("%v: %s, want %s", x.c, got, x.want)
		}
	}
}

// Times that fall on days without office hours: left out, or put off to the next
// day that has some, several of them to one.
func TestSchedulesOnClosedDays(t *testing.T) {
	t.Parallel()
	h := calendar.Usual("Europe/Berlin")
	h.Holidays = []calendar.Holiday{{Date: "12-25"}, {Date: "12-26"}, {Date: "01-01"}}
	support := calendar.New(1, 1, "Support", h)
	daily := []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	for _, x := range []struct {
		s     Schedule
		after string
		want  []string
	}{
		{Schedule{Days: daily, At: "08:00", Closed: ClosedSkip}, "2026-12-23 12:00", []string{"2026-12-24 08:00", "2026-12-28 08:00"}},
		{Schedule{Days: daily, At: "08:00", Closed: ClosedNext}, "2026-12-23 12:00", []string{"2026-12-24 08:00", "2026-12-28 08:00", "2026-12-29 08:00"}},
		{Schedule{Days: []string{"fri"}, At: "08:00", Closed: ClosedNext}, "2026-12-19 12:00", []string{"2026-12-28 08:00", "2027-01-04 08:00", "2027-01-08 08:00"}},
		{Schedule{Days: []string{"1"}, At: "06:00", Closed: ClosedNext}, "2026-12-02 12:00", []string{"2027-01-04 06:00", "2027-02-01 06:00"}},
		{Schedule{Days: []string{"1"}, At: "06:00", Closed: ClosedSkip}, "2026-12-02 12:00", []string{"2027-02-01 06:00", "2027-03-01 06:00"}},
		// It was to run on the Friday, and after it has been put off that stands.
		{Schedule{Days: []string{"fri"}, At: "08:00", Closed: ClosedNext}, "2026-12-26 12:00", []string{"2026-12-28 08:00"}},
	} {
		at := when(t, x.after)
		for _, want := range x.want {
			next, ok := x.s.Next(at, support)
			if got := time.UnixMilli(next).In(support.Location()).Format("2006-01-02 15:04"); !ok || got != want {
				t.Errorf("%+v after %s: %s, want %s", x.s, x.after, got, want)
			}
			at = next
		}
	}
	for _, closed := range []Closed{ClosedSkip, ClosedNext} {
		if at, ok := (Schedule{Days: daily, At: "08:00", Closed: closed}).Next(0, calendar.New(2, 1, "Nobody", calendar.Hours{})); ok {
			t.Errorf("an office that is never open has a time: %d", at)
		}
	}
}
