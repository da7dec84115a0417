package workflow

import (
	"strconv"
	"strings"

	"postroom/internal/calendar"
)

// Span is a length of time as a workflow says it: of all time, such as 30m, 12h,
// 7d or 2w, or of office time, such as 30bm, 4bh or 2bd (W8).
type Span struct {
	ms      int64 // of all time; 0 for business time
	minutes int64 // of office time
	days    int64 // with office hours
}

// The bounds of business spans.
const (
	maxBusinessDays    = 366
	maxBusinessMinutes = 366 * 24 * 60
)

// never is what a moment is that never comes, in milliseconds from where it is
// counted: farther than any span.
const never = int64(20) * 366 * 86_400_000

// ReadSpan reads a span of either kind. What ParseSpan reads means the same here.
func ReadSpan(v string) (Span, bool) {
	number, unit, ok := SplitSpan(v)
	if !ok || !strings.HasPrefix(unit, "b") {
		ms, ok := ParseSpan(v)
		return Span{ms: ms}, ok
	}
	n, ok := parseID(number)
	if !ok || n <= 0 || n > maxBusinessMinutes {
		return Span{}, false
	}
	s := Span{minutes: n}
	switch unit {
	case "bh":
		s.minutes = n * 60
	case "bd":
		s = Span{days: n}
	}
	return s, s.minutes <= maxBusinessMinutes && s.days <= maxBusinessDays
}

// Business reports whether the span is one of office time: then a calendar is
// needed to count it.
func (s Span) Business() bool { return s.ms == 0 && s != Span{} }

// After returns the moment so long after another, both in milliseconds. Office
// time is counted by the calendar, which may be nil for other spans; one that
// never comes is twenty years on.
func (s Span) After(at int64, office *calendar.Calendar) int64 {
	if !s.Business() {
		return at + s.ms
	}
	due, ok := int64(0), false
	switch {
	case office == nil:
	case s.days > 0:
		due, ok = office.AddDays(at, s.days)
	default:
		due, ok = office.Add(at, s.minutes)
	}
	if !ok {
		return at + never
	}
	return due
}

// Minutes is a span of office time in minutes, 0 for one of another kind.
func (s Span) Minutes() int64 { return s.minutes }

// Days is a span of days with office hours, 0 for one of another kind.
func (s Span) Days() int64 { return s.days }

// Least is a span of all time that the span cannot be shorter than, in
// milliseconds: office time passes no faster. For days it says nothing.
func (s Span) Least() int64 {
	if s.Business() {
		return s.minutes * 60_000
	}
	return s.ms
}

// Office says which revision of which calendar a decision was made by. It is a
// recorded input: with that revision the decision can be repeated (W40).
type Office struct {
	Calendar int64 `json:"calendar"` // 0: the usual hours of a desk without a calendar
	Revision int   `json:"revision"`
}

// OfficeOf names a calendar as an input; nil for none.
func OfficeOf(c *calendar.Calendar) *Office {
	if c == nil {
		return nil
	}
	return &Office{Calendar: c.ID, Revision: c.Revision}
}

// officeOpen is the fact that an office is open.
const officeOpen = "office.open"

// officeFacts are facts that know by which calendar business time is counted.
type officeFacts interface{ Office() *calendar.Calendar }

// Office returns the calendar that counts at the event, nil if it is not known.
func (f recordFacts) Office() *calendar.Calendar { return f.r.Office }

// office gives a fact of the office.
func (f recordFacts) office(name string) Value {
	if f.r.Event == nil || f.r.Office == nil || name != "open" {
		return Missing()
	}
	return Bool(f.r.Office.Open(f.r.Event.At))
}

// Office returns the calendar of a test.
func (f testFacts) Office() *calendar.Calendar { return testOffice }

// testOffice counts in every test, so that one comes out the same on every desk.
var testOffice = calendar.New(0, 0, calendar.Fallback, calendar.Usual("UTC"))

// openWords says whether the office was open, and by what.
func openWords(open bool, c *calendar.Calendar) string {
	if c == nil {
		return yes(open)
	}
	return yes(open) + ", by " + calendarWords(c)
}

func calendarWords(c *calendar.Calendar) string {
	if c.ID == 0 {
		return calendar.Fallback
	}
	return "the calendar " + c.Name + ", revision " + strconv.Itoa(c.Revision)
}

// evalSpan compares a time with the event by a span of office time.
func (n *node) evalSpan(have int64, r *reading) Truth {
	if r.office == nil {
		return Unknown
	}
	at, due := r.event.At, n.span.After(have, r.office)
	if n.source.Op == Within {
		return truth(have <= at && due >= at)
	}
	return truth(due < at)
}
