package calendar_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"postroom/internal/calendar"
)

// at reads a time as clocks of a zone show it, or one with an offset.
func at(t *testing.T, zone, text string) int64 {
	t.Helper()
	if x, err := time.Parse(time.RFC3339, text); err == nil {
		return x.UnixMilli()
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	x, err := time.ParseInLocation("2006-01-02 15:04", text, loc)
	if err != nil {
		t.Fatal(err)
	}
	return x.UnixMilli()
}

func made(h calendar.Hours) *calendar.Calendar { return calendar.New(1, 1, "Office", h) }

// shown writes a time as clocks of the calendar show it, with the offset.
func shown(c *calendar.Calendar, ms int64) string {
	return time.UnixMilli(ms).In(c.Location()).Format("2006-01-02 15:04 -0700")
}

func TestOfficeTimeIsAddedOverNightsWeekendsAndHolidays(t *testing.T) {
	t.Parallel()
	h := calendar.Usual("Europe/Berlin")
	h.Holidays = []calendar.Holiday{{Date: "12-25"}, {Date: "12-26"}, {Date: "2026-12-28"}}
	h.Exceptions = []calendar.Exception{{Date: "2026-12-24", Spans: []calendar.Span{{9 * 60, 12 * 60}}}, {Date: "2026-12-26", Spans: []calendar.Span{{10 * 60, 11 * 60}}}}
	c := made(h)
	for _, x := range []struct {
		start   string
		minutes int64
		want    string
	}{
		{"2026-11-23 09:00", 60, "2026-11-23 10:00 +0100"},
		{"2026-11-23 09:00", 8 * 60, "2026-11-23 17:00 +0100"}, // the end of the day, not the next morning
		{"2026-11-23 16:30", 60, "2026-11-24 09:30 +0100"},
		{"2026-11-20 20:00", 4 * 60, "2026-11-23 13:00 +0100"}, // Friday evening
		{"2026-12-24 11:00", 60, "2026-12-24 12:00 +0100"},
		{"2026-12-24 11:00", 61, "2026-12-26 10:01 +0100"}, // a Saturday and a holiday, but a date with hours of its own
		{"2026-12-24 11:00", 121, "2026-12-29 09:01 +0100"},
		{"2026-11-23 03:00", 0, "2026-11-23 03:00 +0100"},
	} {
		got, ok := c.Add(at(t, h.Zone, x.start), x.minutes)
		if shown(c, got) != x.want || !ok {
			t.Errorf("%d minutes after %s: %s, want %s", x.minutes, x.start, shown(c, got), x.want)
		}
	}
}

func TestOfficeDaysKeepTheTimeOfDay(t *testing.T) {
	t.Parallel()
	h := calendar.Usual("Europe/Berlin")
	h.Week[2] = []calendar.Span{{10 * 60, 12 * 60}, {14 * 60, 15 * 60}} // Wednesday
	h.Holidays = []calendar.Holiday{{Date: "2026-11-26"}}               // Thursday
	c := made(h)
	for _, x := range []struct {
		start string
		days  int64
		want  string
	}{
		{"2026-11-23 10:30", 1, "2026-11-24 10:30 +0100"},
		{"2026-11-23 10:30", 2, "2026-11-25 10:30 +0100"},
		{"2026-11-23 09:10", 2, "2026-11-25 10:00 +0100"}, // opens later that day
		{"2026-11-23 16:00", 2, "2026-11-25 15:00 +0100"}, // closes earlier that day
		{"2026-11-23 12:30", 2, "2026-11-25 12:00 +0100"}, // in its break: the nearest time
		{"2026-11-23 13:30", 2, "2026-11-25 14:00 +0100"},
		{"2026-11-23 10:30", 3, "2026-11-27 10:30 +0100"}, // over the holiday
		{"2026-11-27 10:30", 1, "2026-11-30 10:30 +0100"}, // over the weekend
		{"2026-11-28 13:00", 1, "2026-12-01 09:00 +0100"}, // from Monday 9:00
		{"2026-11-23 20:00", 1, "2026-11-25 10:00 +0100"}, // from Tuesday 9:00
	} {
		got, ok := c.AddDays(at(t, h.Zone, x.start), x.days)
		if shown(c, got) != x.want || !ok {
			t.Errorf("%d office days after %s: %s, want %s", x.days, x.start, shown(c, got), x.want)
		}
	}
}

func TestClocksThatAreChanged(t *testing.T) {
	t.Parallel()
	night := calendar.Hours{Zone: "Europe/Berlin"}
	for i := range night.Week {
		night.Week[i] = []calendar.Span{{0, calendar.Day}}
	}
	c := made(night)
	day := func(h *calendar.Calendar, from, to string) int64 {
		return h.Between(at(t, "Europe/Berlin", from), at(t, "Europe/Berlin", to)) / 60_000
	}
	if n := day(c, "2026-03-29 00:00", "2026-03-30 00:00"); n != 23*60 {
		t.Errorf("the day an hour is lost has %d minutes", n)
	}
	if n := day(c, "2026-10-25 00:00", "2026-10-26 00:00"); n != 25*60 {
		t.Errorf("the day an hour is won has %d minutes", n)
	}
	early := calendar.Hours{Zone: "Europe/Berlin"}
	early.Week[6] = []calendar.Span{{2 * 60, 4 * 60}} // Sunday, when clocks are changed
	e := made(early)
	if n := day(e, "2026-03-29 00:00", "2026-03-30 00:00"); n != 60 {
		t.Errorf("from 2 to 4 there is an hour when 2 to 3 does not exist, not %d minutes", n)
	}
	if n := day(e, "2026-10-25 00:00", "2026-10-26 00:00"); n != 180 {
		t.Errorf("from 2 to 4 there are three hours when 2 to 3 exists twice, not %d minutes", n)
	}
	if !e.Open(at(t, "", "2026-03-29T03:00:00+02:00")) || e.Open(at(t, "", "2026-03-29T01:59:00+01:00")) {
		t.Error("an opening at a time that does not exist is at the jump")
	}
	gone := calendar.Hours{Zone: "Europe/Berlin"}
	gone.Week[6] = []calendar.Span{{2 * 60, 3 * 60}}
	g := made(gone)
	if n := day(g, "2026-03-29 00:00", "2026-03-30 00:00"); n != 0 {
		t.Errorf("the hour that does not exist has %d minutes", n)
	}
	got, ok := g.Add(at(t, "Europe/Berlin", "2026-03-28 12:00"), 30)
	if shown(g, got) != "2026-04-05 02:30 +0200" || !ok {
		t.Errorf("half an hour of it is over at %s", shown(g, got))
	}
	// A zone that skipped a whole day, and one that is off by half an hour.
	samoa := calendar.Usual("Pacific/Apia")
	s := made(samoa)
	if got, ok := s.Add(at(t, "Pacific/Apia", "2011-12-29 16:30"), 60); shown(s, got) != "2012-01-02 09:30 +1400" || !ok {
		t.Errorf("over the day that Samoa never had: %s", shown(s, got))
	}
	lord := calendar.Usual("Australia/Lord_Howe")
	l := made(lord)
	if got, ok := l.Add(at(t, "Australia/Lord_Howe", "2026-04-03 16:30"), 60); shown(l, got) != "2026-04-06 09:30 +1030" || !ok {
		t.Errorf("on Lord Howe: %s", shown(l, got))
	}
}

func TestACalendarThatIsNeverOpenCountsNothingAndEnds(t *testing.T) {
	t.Parallel()
	c := made(calendar.Hours{Zone: "UTC"})
	if _, ok := c.Add(0, 1); ok {
		t.Error("a minute of no office time passes")
	}
	if _, ok := c.AddDays(0, 1); ok {
		t.Error("a day of no office time passes")
	}
	if _, _, ok := c.Next(0); ok || c.Open(0) || c.Between(0, 1<<50) != 0 {
		t.Error("it opens")
	}
	once := calendar.Hours{Zone: "UTC", Exceptions: []calendar.Exception{{Date: "2026-11-23", Spans: []calendar.Span{{60, 61}}}}}
	o := made(once)
	start := at(t, "UTC", "2026-11-22 00:00")
	if got, ok := o.Add(start, 1); !ok || shown(o, got) != "2026-11-23 01:01 +0000" {
		t.Errorf("its only minute is over at %s", shown(o, got))
	}
	if _, ok := o.Add(start, 2); ok {
		t.Error("it has two minutes")
	}
}

func TestFaultsOfACalendarAreNamed(t *testing.T) {
	t.Parallel()
	h := calendar.Hours{Zone: "Europe/Nowhere",
		Holidays:   []calendar.Holiday{{Date: "2026-02-30"}, {Date: "13-01"}, {Date: "12-25"}, {Date: "12-25"}},
		Exceptions: []calendar.Exception{{Date: "12-24"}, {Date: "2026-12-24", Spans: []calendar.Span{{60, 30}}}}}
	want := []string{
		`zone: "Europe/Nowhere" is not a time zone.`,
		"week: A calendar that is never open has no office hours to count: open it on at least one day of the week.",
		`holidays: "2026-02-30" is not a date, such as 2026-12-28, or 12-25 for every year.`,
		`holidays: "13-01" is not a date, such as 2026-12-28, or 12-25 for every year.`,
		"holidays: 12-25 stands there twice.",
		`exceptions: "12-24" is not a date, such as 2026-12-24.`,
		"exceptions: 2026-12-24: 01:00-00:30 ends before it begins. What goes on after midnight stands on the next day, from 00:00.",
	}
	var got []string
	for _, f := range h.Check() {
		got = append(got, f.Field+": "+f.Text)
	}
	if !slices.Equal(got, want) {
		t.Errorf("faults:\n%s", strings.Join(got, "\n"))
	}
	two := calendar.Usual("UTC")
	two.Week[0] = []calendar.Span{{600, 700}, {60, 601}}
	if f := two.Check(); len(f) != 1 || f[0].Field != "week[0]" || f[0].Text != "01:00-10:01 and 10:00-11:40 overlap." {
		t.Errorf("faults: %v", f)
	}
	if f := calendar.Usual("America/St_Johns").Check(); f != nil {
		t.Errorf("the usual hours have faults: %v", f)
	}
}

func TestSpansAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	spans, err := calendar.ParseSpans(" 9-12:30; 13.30 – 24:00 ")
	if err != nil || calendar.SpansText(spans) != "09:00-12:30, 13:30-24:00" {
		t.Errorf("%v, %v", spans, err)
	}
	for _, bad := range []string{"9", "9-", "9-25", "9:60-10", "a-b", "9-10-11", "24:01-24:02"} {
		if got, err := calendar.ParseSpans(bad); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
	h := calendar.Usual("Asia/Kathmandu")
	h.Holidays = []calendar.Holiday{{Date: "12-25", Note: "Christmas & <more>"}}
	back, err := calendar.Decode(h.Encode())
	if err != nil || back.Encode() != h.Encode() || !strings.Contains(h.Encode(), "& <more>") {
		t.Errorf("%s, %v", back.Encode(), err)
	}
}

// drawn is a calendar as people might write one.
func drawn(r *rand.Rand) calendar.Hours {
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Asuncion", "Africa/Cairo", "Asia/Kathmandu", "Pacific/Apia"}
	spans := func() []calendar.Span {
		var out []calendar.Span
		for at := r.IntN(900); at < 1400 && len(out) < 3; at += r.IntN(500) {
			to := min(at+1+r.IntN(600), calendar.Day)
			out = append(out, calendar.Span{From: at, To: to})
			at = to
		}
		return out
	}
	h := calendar.Hours{Zone: zones[r.IntN(len(zones))]}
	for i := range h.Week {
		if r.IntN(3) > 0 {
			h.Week[i] = spans()
		}
	}
	h.Week[r.IntN(7)] = []calendar.Span{{From: 0, To: calendar.Day}}
	for range r.IntN(4) {
		d := time.Date(2026, 1, 1+r.IntN(365), 0, 0, 0, 0, time.UTC)
		h.Holidays = append(h.Holidays, calendar.Holiday{Date: d.Format("2006-01-02")})
		h.Exceptions = append(h.Exceptions, calendar.Exception{Date: d.AddDate(0, 0, r.IntN(3)).Format("2006-01-02"), Spans: spans()})
	}
	return h
}

// TestCountingIsAsIfEachMinuteWereLookedAt holds counting against looking at
// each minute, for calendars of any kind, over the changes of clocks of a year.
func TestCountingIsAsIfEachMinuteWereLookedAt(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 1))
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	for range 150 {
		h := drawn(r)
		c := made(h)
		start := begin + int64(r.IntN(360*24*60))*60_000
		if r.IntN(2) == 0 { // where clocks change
			start = []int64{at(t, "UTC", "2026-03-28 12:00"), at(t, "UTC", "2026-10-24 12:00"), at(t, "UTC", "2026-11-01 00:00"), at(t, "UTC", "2026-04-04 00:00")}[r.IntN(4)] + int64(r.IntN(1440))*60_000
		}
		end := start + int64(r.IntN(4*24*60))*60_000
		n := int64(0)
		for m := start; m < end; m += 60_000 {
			if c.Open(m) {
				n++
			}
		}
		if got := c.Between(start, end) / 60_000; got != n {
			t.Fatalf("%s: between %s and %s are %d minutes, counted %d", h.Encode(), shown(c, start), shown(c, end), got, n)
		}
		if n == 0 {
			continue
		}
		got, ok := c.Add(start, n)
		if !ok || got > end || c.Between(start, got) != n*60_000 || !c.Open(got-1) {
			t.Fatalf("%s: %d minutes after %s is %s", h.Encode(), n, shown(c, start), shown(c, got))
		}
		k := int64(1 + r.IntN(9))
		later, ok := c.AddDays(start, k)
		before, _ := c.AddDays(start, k-1)
		if !ok || later < start || k > 1 && later <= before || !c.Open(later) && !c.Open(later-1) {
			t.Fatalf("%s: %d office days after %s is %s", h.Encode(), k, shown(c, start), shown(c, later))
		}
		if next, opens, ok := c.Next(start); !ok || next <= start || c.Open(next) != opens || c.Open(next-1) == opens {
			t.Fatalf("%s: after %s it changes at %s", h.Encode(), shown(c, start), shown(c, next))
		}
	}
}

func TestDaysAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	text := "2026-12-24 09:00-12:00 Christmas Eve\n2026-12-31 closed\n2027-01-04 08:00-10:00, 14:00-15:00 stock-taking"
	list, err := calendar.ParseExceptions(" 2026-12-24 9 - 12 Christmas Eve\n\n2026-12-31 Closed\n2027-01-04 8-10, 14-15 stock-taking ")
	if err != nil || calendar.ExceptionsText(list) != text {
		t.Errorf("%s, %v", calendar.ExceptionsText(list), err)
	}
	for _, bad := range []string{"2026-12-24", "2026-12-24 Christmas", "2026-12-24 9-", "2026-12-24 9-30"} {
		if got, err := calendar.ParseExceptions(bad); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
	if got := calendar.HolidaysText(calendar.ParseHolidays("12-25  Christmas Day\r\n\n2026-12-28")); got != "12-25 Christmas Day\n2026-12-28" {
		t.Errorf("holidays: %q", got)
	}
}
