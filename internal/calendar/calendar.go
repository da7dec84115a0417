package calendar

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones are known on machines without a zone database too

	"postroom"
)

// The bounds of a calendar. They keep counting fast and a mistake small.
const (
	MaxSpans      = 12  // of one day
	MaxHolidays   = 400 // dates and yearly ones together
	MaxExceptions = 400
	MaxNote       = 100 // bytes of what a holiday or an exception is called
)

// Day is the minutes of a day, the end of the last span of it.
const Day = 24 * 60

// Hours is what an admin said of an office: its zone, its week, and the days on
// which it is otherwise. The zero value is never open.
type Hours struct {
	Zone       string      `json:"zone"` // IANA name; "" is UTC
	Week       [7][]Span   `json:"week"` // Monday first
	Holidays   []Holiday   `json:"holidays,omitempty"`
	Exceptions []Exception `json:"exceptions,omitempty"`
}

// Span is when it is open on a day, in minutes from midnight on the clock there:
// From is within it, To is not.
type Span struct {
	From int `json:"from"`
	To   int `json:"to"` // at most Day
}

// Holiday is a day on which it is closed: a date such as 2026-12-28, or one of
// every year such as 12-25.
type Holiday struct {
	Date string `json:"date"`
	Note string `json:"note,omitempty"`
}

// Exception is a date with other hours than its day of the week has, also where
// that is a holiday. Without spans it is closed.
type Exception struct {
	Date  string `json:"date"`
	Spans []Span `json:"spans,omitempty"`
	Note  string `json:"note,omitempty"`
}

// Fault is one thing wrong with Hours: which field of a form, and a sentence.
type Fault struct{ Field, Text string }

// Decode reads stored Hours. Unknown keys are errors.
func Decode(stored string) (Hours, error) {
	var h Hours
	dec := json.NewDecoder(strings.NewReader(stored))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&h); err != nil {
		return Hours{}, fmt.Errorf("read a calendar: %w", err)
	}
	return h, nil
}

// Encode writes Hours as JSON on one line; equal ones give equal bytes.
func (h Hours) Encode() string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(h); err != nil {
		panic(err) // there is nothing in it that JSON cannot hold
	}
	return strings.TrimSpace(b.String())
}

// Usual is Monday to Friday from 9 to 17 in a zone: what a new calendar begins
// with, and what counts where nobody has made one.
func Usual(zone string) Hours {
	h := Hours{Zone: zone}
	for i := range 5 {
		h.Week[i] = []Span{{9 * 60, 17 * 60}}
	}
	return h
}

// Tidy returns the hours with spans in order, holidays and exceptions by date,
// as they are stored.
func (h Hours) Tidy() Hours {
	order := func(spans []Span) []Span {
		out := slices.Clone(spans)
		slices.SortFunc(out, func(a, b Span) int { return a.From - b.From })
		return out
	}
	for i := range h.Week {
		h.Week[i] = order(h.Week[i])
	}
	h.Holidays = slices.Clone(h.Holidays)
	slices.SortStableFunc(h.Holidays, func(a, b Holiday) int {
		if len(a.Date) != len(b.Date) {
			return len(a.Date) - len(b.Date) // those of every year first
		}
		return strings.Compare(a.Date, b.Date)
	})
	h.Exceptions = slices.Clone(h.Exceptions)
	for i := range h.Exceptions {
		h.Exceptions[i].Spans = order(h.Exceptions[i].Spans)
	}
	slices.SortStableFunc(h.Exceptions, func(a, b Exception) int { return strings.Compare(a.Date, b.Date) })
	return h
}

// Check finds everything that is wrong with a calendar. One that is never open
// in any week is refused: business time would stand still for ever. Fields are
// zone, week[0] to week[6], holidays and exceptions.
func (h Hours) Check() []Fault {
	var out []Fault
	add := func(field, format string, args ...any) {
		out = append(out, Fault{field, fmt.Sprintf(format, args...)})
	}
	if _, err := zone(h.Zone); err != nil {
		add("zone", "%q is not a time zone.", h.Zone)
	}
	open := false
	for i, spans := range h.Week {
		open = open || len(spans) > 0
		if text := checkSpans(spans); text != "" {
			add(fmt.Sprintf("week[%d]", i), "%s", text)
		}
	}
	if !open {
		add("week", "A calendar that is never open has no office hours to count: open it on at least one day of the week.")
	}
	if len(h.Holidays) > MaxHolidays {
		add("holidays", "A calendar has at most %d holidays.", MaxHolidays)
	}
	seen := map[string]bool{}
	for _, x := range h.Holidays {
		switch {
		case !yearly.MatchString(x.Date) && !dated(x.Date), yearly.MatchString(x.Date) && !dated("2024-"+x.Date):
			add("holidays", "%q is not a date, such as 2026-12-28, or 12-25 for every year.", x.Date)
		case seen[x.Date]:
			add("holidays", "%s stands there twice.", x.Date)
		case len(x.Note) > MaxNote:
			add("holidays", "What %s is called has at most %d bytes.", x.Date, MaxNote)
		}
		seen[x.Date] = true
	}
	if len(h.Exceptions) > MaxExceptions {
		add("exceptions", "A calendar has at most %d days with other hours.", MaxExceptions)
	}
	seen = map[string]bool{}
	for _, x := range h.Exceptions {
		text := checkSpans(x.Spans)
		switch {
		case !dated(x.Date):
			add("exceptions", "%q is not a date, such as 2026-12-24.", x.Date)
		case seen[x.Date]:
			add("exceptions", "%s stands there twice.", x.Date)
		case text != "":
			add("exceptions", "%s: %s", x.Date, text)
		case len(x.Note) > MaxNote:
			add("exceptions", "What %s is called has at most %d bytes.", x.Date, MaxNote)
		}
		seen[x.Date] = true
	}
	return out
}

var yearly = regexp.MustCompile(`^\d\d-\d\d$`)

func dated(s string) bool {
	t, err := time.Parse(time.DateOnly, s)
	return err == nil && t.Format(time.DateOnly) == s && t.Year() > 0
}

func checkSpans(spans []Span) string {
	if len(spans) > MaxSpans {
		return fmt.Sprintf("A day opens at most %d times.", MaxSpans)
	}
	sorted := slices.Clone(spans)
	slices.SortFunc(sorted, func(a, b Span) int { return a.From - b.From })
	for i, s := range sorted {
		switch {
		case s.From < 0 || s.To > Day:
			return fmt.Sprintf("%s is not within a day.", s)
		case s.From >= s.To:
			return fmt.Sprintf("%s ends before it begins. What goes on after midnight stands on the next day, from 00:00.", s)
		case i > 0 && s.From < sorted[i-1].To:
			return fmt.Sprintf("%s and %s overlap.", sorted[i-1], s)
		}
	}
	return ""
}

// zone finds a zone by its IANA name. "Local" is a server's own zone and says
// nothing to others.
func zone(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, postroom.Errorf(postroom.Invalid, "%q is not a time zone.", name)
	}
	return time.LoadLocation(name)
}

// Location returns the zone of the calendar, UTC where there is none of that
// name.
func (h Hours) Location() *time.Location {
	loc, err := zone(h.Zone)
	if err != nil {
		return time.UTC
	}
	return loc
}

// String writes the span as it is typed, such as 09:00-17:30.
func (s Span) String() string { return Clock(s.From) + "-" + Clock(s.To) }

// Clock writes minutes from midnight as 09:00; the end of the day is 24:00.
func Clock(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

var clock = regexp.MustCompile(`^(\d{1,2})(?:[:.](\d\d))?$`)

// ParseClock reads a time of day such as 9, 09:00 or 17.30, and 24:00.
func ParseClock(text string) (minutes int, ok bool) {
	m := clock.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return 0, false
	}
	hours, _ := strconv.Atoi(m[1])
	rest, _ := strconv.Atoi(m[2])
	minutes = hours*60 + rest
	return minutes, rest < 60 && minutes <= Day
}

// ParseSpans reads spans as they are typed, such as "9-12:30, 13:30-17"; "" is
// none. What is none is Invalid.
func ParseSpans(text string) ([]Span, error) {
	var out []Span
	text = strings.NewReplacer("–", "-", "—", "-", ";", ",").Replace(text)
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		from, to, two := strings.Cut(part, "-")
		a, ok := ParseClock(from)
		b, ok2 := ParseClock(to)
		if !two || !ok || !ok2 {
			return nil, postroom.Errorf(postroom.Invalid, "%q is not a time of opening, such as 09:00-17:30.", part)
		}
		out = append(out, Span{a, b})
	}
	return out, nil
}

// SpansText writes spans as ParseSpans reads them.
func SpansText(spans []Span) string {
	parts := make([]string, len(spans))
	for i, s := range spans {
		parts[i] = s.String()
	}
	return strings.Join(parts, ", ")
}
